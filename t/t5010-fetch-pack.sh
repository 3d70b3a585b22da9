#!/bin/sh
# Packs from storages that are whole, and from those that lie, stop and break.

test_description='casg-fetch-pack'
. "$(dirname "$0")/test-lib.sh"

pwd=$(pwd | sed 's/ /%20/g')
good=file://$pwd/storage

# a second is long for a folder
CASG_REMOTE_TIMEOUT=1
export CASG_REMOTE_TIMEOUT

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 300 >db.fa &&
	casg init -q from &&
	casg -C from import -q -d db ../db.fa &&
	casg-gen --seed 2 --mutate db.fa --add 20 --change 20 >db2.fa &&
	casg -C from import -q -d db ../db2.fa &&
	git -C from show HEAD:db/PACKS >PACKS &&
	mkdir -p storage/packs empty &&
	cp from/.git/casg/packs/*.pack storage/packs &&
	sed "s/^\([0-9a-f]*\) .*/\1/" PACKS >ids &&
	test_line_count = 4 ids &&
	read -r one <ids &&
	pack=packs/pack-$one.pack &&
	size=$(wc -c <storage/$pack) &&
	casg init -q empty-repo
'

# fresh: a repository to fetch into
fresh () {
	rm -rf to && cp -R empty-repo to
}

# fetch ARG...: standard input is what is wanted
fetch () {
	(cd to && casg-fetch-pack -q "$@")
}

# whole: everything has come as it was, and nothing else is there
whole () {
	for f in from/.git/casg/packs/*; do
		cmp "$f" "to/.git/casg/packs/${f##*/}" || return 1
	done &&
	ls to/.git/casg/tmp >left && test_must_be_empty left
}

test_expect_success 'packs come with their indexes, each is told' '
	fresh &&
	fetch --url=$good <PACKS >out &&
	sort out >got &&
	sed "s/^\([^ ]* [^ ]*\) .*/\1/" PACKS >expect &&
	test_cmp expect got &&
	whole &&
	casg -C from fsck -q &&
	find to/.git/casg/packs -type f -perm /222 >writable &&
	test_must_be_empty writable
'

test_expect_success 'what is there is passed over, in quarantine and borrowed too' '
	fetch --url=file:///does/not/exist <ids >out &&
	test_must_be_empty out &&
	mv to/.git/casg/packs/pack-$one.* to/.git/casg/quarantine/ &&
	fetch --url=file:///does/not/exist <ids >out &&
	test_must_be_empty out &&
	whole &&
	fresh &&
	echo "$TRASH_DIRECTORY/from/.git/objects" >to/.git/objects/info/alternates &&
	fetch --url=file:///does/not/exist <ids >out &&
	test_must_be_empty out &&
	ls to/.git/casg/packs >out && test_must_be_empty out
'

test_expect_success 'ids alone, in any order, twice' '
	fresh &&
	{ sort -r ids && cat ids; } | fetch --url=$good >out &&
	test_line_count = 4 out &&
	whole
'

# what a storage does wrong, and what is said of it
while read -r fault says; do
	test_expect_success "a storage with the fault '$fault': the next is asked" '
		fresh &&
		fetch --url=faulty:$fault:$good --url=$good <PACKS >out 2>err &&
		whole &&
		test_grep "^warning: faulty:$fault:.*$says" err &&
		fresh &&
		test_expect_code 128 fetch --url=faulty:$fault:$good <PACKS >out 2>err &&
		test_must_be_empty out &&
		grep -c "^error: pack .* cannot be had" err >n &&
		test "$(cat n)" = 4 &&
		test_grep "^fatal: 4 of 4 packs" err &&
		fetch --url=$good <PACKS >out && whole
	'
done <<\EOF
short : pack [0-9a-f]*: [0-9]* bytes came of
flip : pack [0-9a-f]*: it has other bytes
cut ended early (status 1)
die ended early (status 1)
junk does not keep to the protocol
more more than [0-9]* bytes come
size : pack [0-9a-f]*: [0-9]* bytes came of
denied : pack [0-9a-f]*: the token has expired
greet does not begin with
EOF

test_expect_success 'one that says nothing, and one that stops: no endless wait' '
	fresh && cp -R to mute && cp -R to hang && cp -R to busy &&
	{ (cd busy && head -n 1 ../PACKS >wanted && casg-fetch-pack -q --url=faulty:busy:$good <wanted >out 2>err) & } &&
	{ (cd mute && casg-fetch-pack -q --url=faulty:mute:$good --url=$good <../PACKS >out 2>err) & } &&
	(cd hang && casg-fetch-pack -q --url=faulty:hang:$good --url=$good <../PACKS >out 2>err) &&
	wait &&
	test_must_be_empty busy/err &&
	test "$(cat busy/out)" = "$one $size" &&
	for d in mute hang; do
		test_grep "^warning: faulty:$d:.* nothing for 3 seconds" $d/err &&
		rm -rf to && mv $d to && whole || return 1
	done
'

test_expect_success 'one that breaks off is asked again, and it goes on from there' '
	fresh &&
	fetch --url=faulty:once:$good <PACKS >out 2>err &&
	whole &&
	test_must_be_empty err
'

test_expect_success 'a request that never works is asked three times' '
	fresh &&
	test_expect_code 128 fetch --url=faulty:retry:$good <PACKS 2>err &&
	test_grep "^warning: faulty:retry:.*: not now" err
'

# half N FILE: in place of the first N bytes there are others
half () {
	chmod u+w "$2" &&
	head -c "$1" /dev/zero | dd of="$2" conv=notrunc 2>/dev/null
}

test_expect_success 'what came is not asked for again, of another storage either' '
	fresh &&
	head -n 1 PACKS >wanted &&
	test_expect_code 128 fetch --url=faulty:short:$good <wanted 2>err &&
	n=$(wc -c <to/.git/casg/tmp/fetch-$one.part) &&
	test $n = $((size / 2)) &&
	cp -R storage rear && half $n rear/$pack &&
	fetch --url=file://$pwd/rear <ids >out 2>err &&
	test_must_be_empty err &&
	whole
'

test_expect_success 'bytes that do not fit are thrown away, and nobody is blamed' '
	fresh &&
	head -c 1000 /dev/zero >to/.git/casg/tmp/fetch-$one.part &&
	fetch --url=$good <PACKS >out 2>err &&
	test_must_be_empty err &&
	whole &&
	fresh &&
	{ cat storage/$pack && echo more; } >to/.git/casg/tmp/fetch-$one.part &&
	fetch --url=$good <ids >out 2>err &&
	test_must_be_empty err &&
	whole
'

test_expect_success 'a complete partial file needs no storage' '
	fresh &&
	while read -r id; do
		cp storage/packs/pack-$id.pack to/.git/casg/tmp/fetch-$id.part || return 1
	done <ids &&
	chmod u+w to/.git/casg/tmp/* &&
	fetch --url=file://$pwd/empty <PACKS >out 2>err &&
	test_must_be_empty err &&
	whole
'

test_expect_success 'killed, it goes on from the byte where it was' '
	fresh &&
	{ (cd to && exec casg-fetch-pack -q --jobs=1 --url=faulty:hang:$good <../PACKS >out 2>err) & } &&
	pid=$! &&
	wait_for test -s to/.git/casg/tmp/fetch-$one.part &&
	kill -9 $pid &&
	{ wait $pid || :; } &&
	n=$(wc -c <to/.git/casg/tmp/fetch-$one.part) &&
	test $n -lt $size &&
	rm -rf rear && cp -R storage rear && half $n rear/$pack &&
	fetch --url=file://$pwd/rear <PACKS >out 2>err &&
	test_must_be_empty err &&
	whole
'

test_expect_success 'two at the same time' '
	fresh &&
	{ (cd to && casg-fetch-pack -q --url=$good <../PACKS >out.1) & } &&
	pid=$! &&
	(cd to && casg-fetch-pack -q --url=$good <../PACKS >out.2) &&
	wait $pid &&
	whole
'

test_expect_success 'a full disk: an error, and what came stays' '
	fresh &&
	(
		trap "" XFSZ &&
		ulimit -f 20 &&
		test_expect_code 128 fetch --jobs=1 --url=$good <PACKS >out 2>err
	) &&
	test_grep "^fatal: .*fetch-.*part" err &&
	fetch --url=$good <PACKS >out &&
	whole
'

test_expect_success 'a pack that is as published, but no good pack' '
	cp -R storage junk &&
	echo "no pack at all" >junk/x &&
	id=$(sha256sum <junk/x | cut -c1-64) &&
	mv junk/x junk/packs/pack-$id.pack &&
	fresh &&
	{ echo $id && cat PACKS; } >wanted &&
	test_expect_code 128 fetch --url=file://$pwd/junk <wanted >out 2>err &&
	test_line_count = 4 out &&
	test_grep "^error: pack $id is no good pack, as it was published" err &&
	test_grep "^fatal: 1 of 5 packs" err
'

test_expect_success 'a pack that refers to one that is nowhere' '
	grep "nodes" PACKS | sort -n -k 2 | head -n 1 >wanted &&
	fresh &&
	test_expect_code 128 fetch --url=$good <wanted >out 2>err &&
	test_must_be_empty out &&
	test_grep "refers to what no pack here holds" err &&
	fetch --url=$good <PACKS >out &&
	whole
'

test_expect_success 'sizes that are wrong' '
	fresh &&
	echo $one 100 >wanted &&
	test_expect_code 128 fetch --url=$good <wanted 2>err &&
	test_grep "more than 100 bytes come" err &&
	fresh &&
	echo $one 10000000 nodes >wanted &&
	test_expect_code 128 fetch --url=faulty:flip:$good <wanted 2>err &&
	test_grep "it has [0-9]* bytes, not 10000000" err &&
	fetch --url=$good <wanted >out &&
	test "$(cat out)" = "$one $size" &&
	for line in "" x "${one}0" "$one 1x" "$one 99999999999999999999"; do
		echo "$line" >wanted &&
		test_expect_code 128 fetch --url=$good <wanted 2>err &&
		test_grep "^fatal: bad line of standard input" err || return 1
	done
'

test_expect_success 'storages that do not exist' '
	fresh &&
	test_expect_code 128 fetch --url=nosuch:x <PACKS 2>err &&
	test_grep "there is no helper for storages of the kind .nosuch:. (casg-remote-nosuch)" err &&
	test_expect_code 128 fetch --url=file:///does/not/exist <PACKS 2>err &&
	test_grep "^remote: fatal: there is no folder" err &&
	fetch --url=nosuch:x --url=$good <PACKS 2>err &&
	whole
'

test_expect_success 'a helper is no path, and gets no shell' '
	fresh &&
	for url in /a/path ../x:y "x;y:z" "x y:z" "-x:y" ""; do
		test_expect_code 129 fetch "--url=$url" <PACKS 2>err || return 1
	done &&
	test_expect_code 128 fetch "--url=nosuch:;touch%20x" --url="nosuch:\$(touch,x)" <PACKS 2>err
'

test_expect_success 'wrong usage' '
	test_expect_code 129 fetch <PACKS 2>err &&
	test_expect_code 129 fetch --jobs=0 --url=$good <PACKS 2>err &&
	test_expect_code 129 fetch --jobs=65 --url=$good <PACKS 2>err &&
	mkdir nowhere &&
	(
		cd nowhere &&
		test_expect_code 128 casg-fetch-pack --url=$good <../PACKS 2>err &&
		test_grep "not in a casg repository" err
	) &&
	(
		CASG_REMOTE_TIMEOUT=soon &&
		test_expect_code 128 fetch --url=$good <PACKS 2>err
	) &&
	test_grep "bad value .soon. of CASG_REMOTE_TIMEOUT" err
'

test_done
