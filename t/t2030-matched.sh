#!/bin/sh
# Sequences that are stored by what they have in common with others of their
# pack: they come back, whatever is done to the packs, and damage is named.

test_description='chunks of layout 5, matched'
. "$(dirname "$0")/test-lib.sh"

# fresh NAME [KEY VALUE]...: a repository with these settings
fresh () {
	rm -rf "$1" && { test -e new || casg init -q new; } && cp -pR new "$1" &&
	dir=$1 && shift &&
	while test $# != 0; do
		git -C "$dir" config "casg.$1" "$2" && shift 2 || return 1
	done
}

# layouts DIR: "PACK CHUNK OFFSET LAYOUT" of all chunks of sequences, by their headers
layouts () {
	(cd "$1" && casg-ls-chunks -l --kind=sequences) | cut -f6,7,8 |
	while read -r pack chunk offset; do
		echo "$pack $chunk $offset $(od -An -tu1 -j$((offset + 1)) -N1 \
			"$1/.git/casg/packs/pack-$pack.pack" | tr -d ' ')"
	done
}

stored () {
	cat "$1"/.git/casg/packs/*.pack | wc -c | tr -d ' '
}

# a genome, relatives of it on both strands, with runs of N and letters for
# bases that are not known
test_expect_success 'setup' '
	awk "BEGIN {
		srand(5); split(\"A C G T\", base, \" \"); other[\"A\"] = \"T\"; other[\"C\"] = \"G\"
		other[\"G\"] = \"C\"; other[\"T\"] = \"A\"; other[\"N\"] = \"N\"; other[\"R\"] = \"Y\"
		for (i = 0; i < 12000; i++) first[i] = base[1 + int(rand() * 4)]
		for (r = 0; r < 12; r++) {
			n = 0
			for (i = 0; i < 12000; i++) {
				x = rand()
				if (r && x < 0.001) continue
				if (r && x < 0.002) seq[n++] = base[1 + int(rand() * 4)]
				seq[n++] = r && x < 0.010 ? base[1 + int(rand() * 4)] : \
					   r && x < 0.012 ? \"R\" : r == 5 && i > 3000 && i < 3500 ? \"N\" : first[i]
			}
			printf \">g%d\\n\", r
			for (i = 0; i < n; i++)
				printf \"%s%s\", r % 3 == 2 ? other[seq[n - 1 - i]] : seq[i], \
					i % 60 == 59 || i == n - 1 ? \"\\n\" : \"\"
		}
	}" >g.fa &&
	fresh db chunkSize 16k && (cd db && casg import -q ../g.fa)
'

test_expect_success 'chunks of DNA are of layout 5, and small' '
	layouts db >all && test $(wc -l <all) -gt 6 &&
	! grep -v " 5\$" all &&
	fresh plain chunkSize 16k match 0 && (cd plain && casg import -q ../g.fa) &&
	layouts plain >plain.all && ! grep " 5\$" plain.all &&
	test $(($(stored db) * 3)) -lt $(stored plain)
'

test_expect_success 'the ids do not depend on it' '
	git -C db cat-file blob HEAD:g/VERSION | grep -v "^sequence-time" >expect &&
	git -C plain cat-file blob HEAD:g/VERSION | grep -v "^sequence-time" >actual &&
	test_cmp expect actual
'

test_expect_success 'casg.match: 0 to 256' '
	for n in 1 256; do
		fresh r chunkSize 16k match $n && (cd r && casg-pack -q ../g.fa) >lines &&
		layouts r >all && grep -q " 5\$" all && CASG_DIR=r/.git casg-assemble <lines | cmp - g.fa || return 1
	done &&
	for bad in -1 257 many; do
		fresh r match $bad && (cd r && test_expect_code 128 casg-pack -q ../g.fa 2>err) || return 1
	done &&
	fresh r compression none && (cd r && casg-pack -q ../g.fa >../lines) &&
	layouts r >all && ! grep " 5\$" all
'

test_expect_success 'few bases are not matched' '
	printf ">a\nACGTACGGTAGGATCCATTATA\n>b\nACGTACGGTAGGATCCATTATA\n" >few.fa &&
	fresh r && (cd r && casg-pack -q ../few.fa >../lines) && layouts r >all &&
	test_line_count = 1 all && ! grep " 5\$" all
'

test_expect_success 'export gives the file, with little memory as well' '
	(cd db && casg export g) | cmp - g.fa &&
	(cd db && CASG_MEMORY=64m casg-assemble g) | cmp - g.fa &&
	for n in 1 4; do
		(cd db && CASG_THREADS=$n casg-assemble g) | cmp - g.fa || return 1
	done
'

test_expect_success 'cat gives one record, and cat-chunk what is in a chunk' '
	(cd db && casg cat -q g g8) >actual &&
	awk "/^>/ { p = \$0 == \">g8\" } p" g.fa >expect && test_cmp expect actual &&
	(cd db && casg-ls-chunks --kind=sequences | cut -f1) >ids &&
	while read -r id; do
		(cd db && casg-cat-chunk $id) >content && (cd db && casg-cat-chunk --list $id) >members &&
		test $(awk -F"\t" "{ n += \$2 } END { print n }" members) = $(($(wc -c <content))) &&
		(cd db && casg-cat-chunk --member=0 $id | sha256sum | cut -d" " -f1) >actual &&
		sed -n "1s/$TAB.*//p" members >expect && test_cmp expect actual || return 1
	done <ids
'

test_expect_success 'verify-pack, index-pack' '
	(cd db && casg-verify-pack .git/casg/packs/*.pack && casg-verify-pack --quick .git/casg/packs/*.pack) &&
	rm -rf keep && cp -r db/.git/casg/packs keep && chmod -R u+w db/.git/casg/packs &&
	for n in 1 4; do
		rm db/.git/casg/packs/*.idx &&
		(cd db && casg-index-pack --threads=$n .git/casg/packs/*.pack) >ids &&
		diff -r keep db/.git/casg/packs || return 1
	done
'

test_expect_success 'threads change nothing' '
	for n in 1 2 4; do
		fresh r chunkSize 16k threads $n memory 64m && (cd r && casg-pack -q ../g.fa | casg-mktree >../roots) &&
		ls r/.git/casg/packs >packs.$n && test_cmp packs.1 packs.$n || return 1
	done
'

test_expect_success 'a pack that is closed early: the next one has literals of its own' '
	awk "BEGIN { srand(7); split(\"A C G T\", L, \" \")
		for (i = 0; i < 2000; i++) base[i] = L[1 + int(rand() * 4)]
		for (r = 0; r < 1600; r++) {
			printf \">r%d\\n\", r
			for (i = 0; i < 2000; i++) {
				c = rand() < 0.01 ? L[1 + int(rand() * 4)] : base[i]
				printf \"%s%s\", rand() < 0.3 ? tolower(c) : c, rand() < 0.4 ? \"\\n\" : \"\"
			}
			print \"\"
		}
	}" >odd.fa &&
	for size in 1m ${CASG_TEST_LONG:+1056k} 1100k; do
		fresh r chunkSize 64k packSize $size && (cd r && casg-pack -q ../odd.fa) >lines &&
		ls r/.git/casg/packs/*.pack >packs && test $(wc -l <packs) -gt 1 &&
		(cd r && casg-verify-pack .git/casg/packs/*.pack) &&
		CASG_DIR=r/.git casg-assemble <lines | cmp - odd.fa || return 1
	done
'

# ---- packs joined, written anew, sent

test_expect_success 'join-packs: two packs of matched chunks' '
	casg-gen --seed 8 --records 30 --length 4000 --family 0.8 >h.fa &&
	fresh two chunkSize 16k && (cd two && casg import -q ../g.fa && casg import -q ../h.fa) && cp -pR two gh &&
	(cd two && casg-ls-chunks --kind=sequences | cut -f6 | sort -u) >seqs && test_line_count = 2 seqs &&
	(cd two && casg-join-packs $(cat ../seqs)) >out && joined=$(sed -n "s/^pack //p" out) &&
	test -n "$joined" && (cd two && casg-verify-pack $joined) &&
	chmod -R u+w two/.git/casg/packs &&
	for id in $(cat seqs); do
		rm two/.git/casg/packs/pack-$id.pack two/.git/casg/packs/pack-$id.idx || return 1
	done &&
	layouts two >all && test $(grep -c " 5\$" all) -gt 8 &&
	(cd two && casg export g) | cmp - g.fa && (cd two && casg export h) | cmp - h.fa &&
	(cd two && casg-index-pack -o ../x.idx .git/casg/packs/pack-$joined.pack) &&
	test_cmp_bin two/.git/casg/packs/pack-$joined.idx x.idx
'

test_expect_success 'repack -a: what was matched is matched with all' '
	awk "/^>/ { sub(/g/, \"i\"); print; next } NR % 100 == 2 { sub(/A/, \"C\") } { print }" g.fa >i.fa &&
	cp -pR gh three && (cd three && casg import -q ../i.fa) &&
	(cd three && casg-ls-chunks --kind=sequences | cut -f6 | sort -u) >seqs && test_line_count = 3 seqs &&
	before=$(stored three) && (cd three && casg repack -a -d -q) &&
	(cd three && casg-verify-pack .git/casg/packs/*.pack) &&
	layouts three >all && grep -q " 5\$" all && test $(stored three) -lt $before &&
	for x in g h i; do
		(cd three && casg-assemble $x) | cmp - $x.fa || return 1
	done
'

test_expect_success 'push, clone' '
	git init -q --bare remote.git && mkdir storage &&
	(cd two && casg remote add origin ../remote.git ../storage && casg push -q -u) &&
	casg clone -q --storage storage remote.git copy &&
	(cd copy && casg export g) | cmp - g.fa && (cd copy && casg fsck --full -q)
'

test_expect_success 'a push of a part: packs of their own, and no literal of the rest' '
	git init -q --bare part.git && mkdir part &&
	(cd two && git branch only HEAD~1 && casg remote add part ../part.git ../part && casg push -q part only) &&
	casg init -q look && cp part/packs/*.pack look/.git/casg/packs/ &&
	(cd look && casg-index-pack .git/casg/packs/*.pack >/dev/null && casg-verify-pack .git/casg/packs/*.pack &&
	casg-ls-chunks --kind=sequences | cut -f1 | xargs casg-cat-chunk --list | cut -f1 | sort) >actual &&
	casg-hash-object g.fa | sort >expect && test_cmp expect actual &&
	layouts look >all && grep -q " 5\$" all
'

# ---- damage

test_expect_success 'damage to literals: what rests on them is named, the rest is read' '
	rm -rf bad && cp -pR gh bad &&
	chmod -R u+w bad/.git/casg/packs &&
	layouts bad >all && pack=$(CASG_DIR=bad/.git casg ls-chunks --kind=sequences g | cut -f6 | sort -u) &&
	test_line_count -gt 5 all && offset=$(awk -v p=$pack "\$1 == p && \$2 == 0 { print \$3 }" all) &&
	flip_byte bad/.git/casg/packs/pack-$pack.pack $((offset + 1000)) &&
	(cd bad && test_expect_code 1 casg-verify-pack $pack) 2>err &&
	test_grep "chunk 0 at byte offset $offset .*: corrupt chunk: its checksum does not match" err &&
	test_grep "chunk 3 at byte offset .*: chunk 0, which it needs: corrupt chunk: its checksum" err &&
	(cd bad && test_expect_code 1 casg fsck --full) >out 2>fsck.err &&
	grep "^lost: g " out | sed "s/.* record \([^ ]*\): .*/\1/" | sort >lost &&
	test -s lost && ! grep "^lost: h " out &&
	(cd bad && test_expect_code 1 casg fsck) >quick 2>fsck.err && test_cmp out quick &&
	test_grep "chunk 3 at byte offset .*: it needs chunk 0, which is damaged" fsck.err &&
	(cd bad && casg export h) | cmp - h.fa &&
	(cd bad && test_expect_code 128 casg export g) >out 2>err && test_grep "which it needs\|its checksum" err &&
	for key in g1 g8 g11; do
		if grep -qx "$key" lost; then
			(cd bad && test_expect_code 128 casg cat -q g $key) >actual 2>err || return 1
		else
			(cd bad && casg cat -q g $key) >actual || return 1
		fi
	done
'

test_expect_success 'damage to one that lends nothing: only its own records are lost' '
	rm -rf bad && cp -r db bad && chmod -R u+w bad/.git/casg/packs &&
	layouts bad | sort -k2,2n | sed -n "\$p" >last && read -r pack chunk offset rest <last &&
	flip_byte bad/.git/casg/packs/pack-$pack.pack $((offset + 40)) &&
	(cd bad && test_expect_code 1 casg-verify-pack $pack) 2>err &&
	test $(grep -c "at byte offset" err) = 1 && test_grep "chunk $chunk at byte offset $offset" err &&
	(cd bad && casg cat -q g g0) >actual &&
	awk "/^>/ { p = \$0 == \">g0\" } p" g.fa >expect && test_cmp expect actual
'

# levels: of three of which the last rests on the second by way of the third
test_expect_success 'who fetches a chunk goes by its list: one that does not name all is refused' '
	sh "$TEST_DIRECTORY/fuzz/make-seeds-pack.sh" seeds &&
	for name in deep bad-deep bad-deep-far; do
		tail -c +2 seeds/pack/$name >$name.pack && casg-reseal pack $name.pack || return 1
	done &&
	casg-index-pack -o deep.idx deep.pack && casg-verify-pack -v deep.pack >out && test_grep "matched deep" out &&
	test_expect_code 128 casg-index-pack -o bad-deep.idx bad-deep.pack 2>err && test_path_is_missing bad-deep.idx &&
	test_grep "chunk 3 at byte offset .*: it does not name chunk 1, which it needs" err &&
	test_expect_code 128 casg-index-pack -o far.idx bad-deep-far.pack 2>far && test_grep "chunk 3 .*: it needs a chunk before the first" far &&
	test_expect_code 1 casg-verify-pack bad-deep.pack 2>actual && grep "chunk" err >expect && grep "chunk" actual >named && test_cmp expect named
'

test_done
