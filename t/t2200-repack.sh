#!/bin/sh
# casg repack: the same releases byte for byte, whatever is done to the packs.

test_description='repack: joined and written anew, nothing changes but the packs'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

test_lazy_prereq KILLABLE 'env --default-signal=INT,TERM,HUP true && setsid true && ps -A -o pgid= -o stat='

# sum NAME: a number of casg-count-objects -v
sum () {
	casg-count-objects -v | sed -n "s/^$1: //p"
}

packs () {
	(cd .git/casg/packs && ls -- *.pack)
}

npacks () {
	echo $(($(packs | wc -l)))
}

# exports [N [FROM]]: the versions, or every N-th of them, their ids, and the
# digests of what they export.
exports () {
	git log -z --all --no-renames -m --diff-filter=AM --format='commit %H' --name-only -- \
		'*/VERSION' | tr '\0' '\n' |
	awk '/^commit / { c = $2; next } /VERSION$/ { print c ":" substr($0, 1, length($0) - 8) }' |
	sort -u | casg-read-version --batch >ids.now &&
	awk -v n="${1-1}" -v from="${2-0}" 'NR % n == from % n' ids.now >ids.some &&
	while read -r id spec; do
		printf '%s ' "$spec" "$id" && casg-assemble -q -- "$spec" | sha256sum || return 1
	done <ids.some
}

# A release is what its VERSION says was imported, in all but a few cases.
digests_agree () {
	sed 's,^\([^ ]*\) .*,\1/VERSION,' "$1" | git cat-file --batch |
	awk '
		NR == FNR { sum[FNR] = $3; n = FNR; next }
		/^[0-9a-f]+ blob [0-9]+$/ { at++ }
		$1 == "source-sha256" { said++; if ($2 != sum[at]) { print "version", at, "of", FILENAME; bad = 1 } }
		END { exit bad || at != n || said < n - 2 }' "$1" -
}

indexes_agree () {
	for pack in .git/casg/packs/*.pack; do
		rm -f x.idx &&
		casg-index-pack -o x.idx "$pack" >/dev/null && cmp x.idx "${pack%.pack}.idx" ||
			return 1
	done
}

# intact [N]: nothing has changed but the packs, as far as every N-th of the
# versions tell, others every time; exports.expect is right.
turn=0
intact () {
	n=${CASG_TEST_LONG:+1} && n=${n:-${1-6}} && turn=$((turn + 1)) &&
	exports "$n" "$turn" >now && awk -v n="$n" -v from="$turn" "NR % n == from % n" exports.expect >expect &&
	test_cmp expect now && indexes_agree && casg-verify-pack .git/casg/packs/*.pack >/dev/null &&
	cut -d" " -f2- ids.now | casg-check-tree >lost && test_must_be_empty lost &&
	if test_every 4; then
		casg fsck --full >fsck.out 2>&1 || { cat fsck.out && return 1; }
	fi
}

# In another repository, without the indexes, in whatever order they come.
indexed_elsewhere () {
	rm -rf elsewhere && git init -q elsewhere && mkdir -p elsewhere/.git/casg/packs &&
	cp .git/casg/packs/*.pack elsewhere/.git/casg/packs/ &&
	(
		cd elsewhere &&
		for n in 1 2 3; do
			for pack in .git/casg/packs/*.pack; do
				test -e "${pack%.pack}.idx" || casg-index-pack "$pack" 2>err || :
			done
		done &&
		for pack in ../.git/casg/packs/*.idx; do
			cmp "$pack" ".git/casg/packs/${pack##*/}" || { cat err && return 1; }
		done
	)
}

import () {
	test_tick && casg import -q -d "$@"
}

# record DB FILE: the same, without all that import does beside that
record () {
	test_tick && plumb_import "$2" "$1"
}

# unwrap FILE: a record a line: header TAB residues
unwrap () {
	awk '/^>/ { if (NR > 1) print h "\t" s; h = $0; s = ""; next } { s = s $0 } END { print h "\t" s }' "$1"
}

wrap () {
	awk -F"\t" -v w="$1" '{ print $1; for (i = 1; i <= length($2); i += w) print substr($2, i, w) }'
}

test_expect_success 'setup: releases' '
	casg init -q . &&
	git config casg.gcAuto 0 && git config casg.chunkSize 16k &&
	casg-gen --seed 1 --type protein --records 400 --length 120 --family 0.5 >r1.fa &&
	for i in 2 3 4 5 6; do
		casg-gen --seed $i --mutate r$((i - 1)).fa --add 3 --remove 1 --change 0.5 \
			--describe 2 >r$i.fa || return 1
	done &&
	for i in 1 2 3 4 5 6; do
		record rel r$i.fa || return 1
	done
'

test_expect_success 'other ids, descriptions, order, width: no sequence, no residue' '
	before="$(sum sequences) $(sum residues)" &&
	awk "/^>/ { \$1 = \">new_\" ++n \"x\" n * 7919 % 1000 } { print }" r6.fa >r7.fa &&
	awk "/^>/ { \$0 = \$1 \" rewritten \" NR } { print }" r7.fa >r8.fa &&
	unwrap r8.fa | sort -t_ -k3 | wrap 60 >r9.fa &&
	unwrap r9.fa | wrap 71 >r10.fa &&
	for i in 7 8 9 10; do
		! cmp -s r$((i - 1)).fa r$i.fa &&
		record rel r$i.fa || return 1
	done &&
	test "$before" = "$(sum sequences) $(sum residues)" &&
	casg-read-version --field=order HEAD:rel >a && casg-read-version --field=order HEAD~1:rel >b &&
	test_cmp a b &&
	record rel r6.fa && record rel r10.fa &&
	test "$before" = "$(sum sequences) $(sum residues)"
'

test_expect_success 'setup: all that is unusual' '
	: >none.fa && test_tick && casg import -q --allow-empty -d none none.fa &&
	printf ">only one\nMKV\n" >one.fa && record odd/one one.fa &&
	printf ">only two\nMKV\n" >one2.fa && record odd/one one2.fa &&
	{ for i in 1 2 3 4 5 6 7 8; do printf ">same %d\nMKV%d\n>same\nMKV\n" $i 1 | tr 1 L; done; } >twice.fa &&
	record odd/twice twice.fa && sed 3,6d twice.fa >twice2.fa && record odd/twice twice2.fa &&
	long=$(printf "%05000d" 7) &&
	{ for i in 1 2 3 4 5 6 7; do printf ">k%d %s%d\nMKVL\n" $i $long $i; done; } >long.fa &&
	record odd/long long.fa && sed "s/\$long/x/; s/7\$/77/" long.fa >long2.fa && record odd/long long2.fa &&
	awk "BEGIN { print \">lines\"; for (i = 0; i < 900; i++) { s = \"\"; for (k = 0; k <= i * 7 % 11; k++) s = s (k % 2 ? \"a\" : \"M\"); print s } print \">b\"; print \"MKV\" }" >pres.fa &&
	record odd/pres pres.fa && sed 5d pres.fa >pres2.fa && record odd/pres pres2.fa &&
	{ printf ">genome\n" && casg-gen --seed 5 --records 1 --length 200000 --width 80 | sed 1d; } >dna.fa &&
	record odd/dna dna.fa && { cat dna.fa && printf ">b\nACGT\n"; } >dna2.fa && record odd/dna dna2.fa &&
	test "$(sum lists)" -gt 0
'

test_expect_success 'setup: a branch, tags, a merge of histories' '
	main=$(git symbolic-ref --short HEAD) && fork=$(git rev-parse HEAD) &&
	git tag -a -m tagged tagged HEAD~3 &&
	git reset -q --hard && git checkout -q -b other &&
	casg-gen --seed 31 --mutate r10.fa --add 5 >o1.fa && record rel o1.fa &&
	casg-gen --seed 32 --mutate o1.fa --add 5 >o2.fa && record rel o2.fa &&
	git reset -q --hard && git checkout -q $main &&
	casg-gen --seed 33 --mutate r10.fa --add 5 >m1.fa && record rel m1.fa &&
	casg-gen --seed 34 --mutate m1.fa --add 2 >merged.fa &&
	casg-pack -q merged.fa | casg-mktree -q >roots &&
	casg-write-version --previous=$(casg-read-version --id HEAD:rel) \
		--previous=$(casg-read-version --id other:rel) <roots >merged &&
	commit=$(casg-commit-tree -p HEAD -p other -m merged --database=rel <merged) &&
	git update-ref HEAD $commit && git reset -q --hard && git update-ref -d ORIG_HEAD &&
	casg export rel >back && cmp merged.fa back &&
	exports >exports.expect && test $(wc -l <exports.expect) -gt 24 && digests_agree exports.expect &&
	git rev-parse HEAD >head.expect
'

# ---- the packs

test_expect_success 'without -d packs are added, and nothing else' '
	cp -r .git/casg/packs imported && packs >before &&
	casg repack >out && test_grep "^1 packs written, [0-9]* replaced\$" out &&
	packs >after && comm -23 before after >gone && test_must_be_empty gone &&
	test_line_count = $(($(wc -l <before) + 1)) after &&
	intact && git rev-parse HEAD >head && test_cmp head.expect head
'

test_expect_success 'again: what is there is not written again' '
	packs >before && casg repack --quiet >out && test_must_be_empty out &&
	packs >after && test_cmp before after
'

test_expect_success 'repack -d: few packs, and the same again' '
	casg repack -d >out &&
	test $(npacks) -lt 4 && intact && indexed_elsewhere &&
	casg gc --grace=0 >out && intact &&
	packs >before && casg repack -d >out && packs >after && test_cmp before after &&
	test_grep "^0 packs written, 0 replaced\$" out &&
	test $(npacks) -lt 4
'

test_expect_success 'the index of a joined pack is lost: it is made again' '
	rm -f .git/casg/packs/*.idx &&
	for pack in .git/casg/packs/*.pack; do casg-index-pack "$pack" || return 1; done &&
	intact
'

test_expect_success 'repack -a: all of it, beside what is there' '
	packs >before && casg repack -a >out && packs >after &&
	comm -23 before after >gone && test_must_be_empty gone && intact
'

test_expect_success 'repack -a -d: what versions need, once' '
	casg repack -a -d && packs >first && intact && indexed_elsewhere &&
	test "$(sum packs)" = 2 && test "$(sum orders)" -gt 3 &&
	size=$(cat .git/casg/packs/*.pack | wc -c) &&
	test $size -lt $(cat imported/*.pack | wc -c)
'

test_expect_success 'twice in a row, and with gc between: the same packs' '
	casg repack -a -d >out && test_grep " 0 replaced\$" out &&
	packs >second && test_cmp first second &&
	casg gc --grace=0 >out && packs >second && test_cmp first second &&
	casg repack -a -d >out && packs >second && test_cmp first second &&
	casg repack -d >out && intact &&
	ls .git/casg/tmp >left && test_must_be_empty left &&
	test_path_is_missing .git/casg/state/import.lock &&
	git rev-parse HEAD >head && test_cmp head.expect head &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out
'

versions () {
	git rev-list --all --objects | sed -n 's,^\([0-9a-f]*\) .*/VERSION$,\1,p'
}

test_expect_success 'any number of threads, any order of lines, twice: the same packs' '
	sed "s/pack-//; s/\.pack//" first | sort >expect &&
	versions >lines && test_line_count -gt 20 lines &&
	for threads in 1 2 5; do
		casg-pack-versions --compression=19 --threads=$threads <lines | sort >actual &&
		test_cmp expect actual || return 1
	done &&
	casg-pack-versions --compression=19 --memory=64m <lines | sort >actual &&
	test_cmp expect actual &&
	sort -r lines >reversed && casg-pack-versions --compression=19 <reversed | sort >actual &&
	test_cmp expect actual &&
	tr "\n" "\0" <lines | casg-pack-versions -z --compression=19 >out &&
	tr "\0" "\n" <out | sort >actual && test_cmp expect actual
'

test_expect_success 'options do what they say' '
	casg repack -a -d --compression=1 --quiet && packs >fast && ! cmp -s first fast &&
	test $(cat .git/casg/packs/*.pack | wc -c) -gt $size && intact &&
	casg repack -a -d --window=1m --quiet && intact &&
	casg repack -a -d --quiet && packs >second && test_cmp first second
'

test_expect_success 'options that are wrong' '
	test_expect_code 129 casg repack -a --geometric=2 2>err &&
	test_expect_code 129 casg repack --window=1m 2>err &&
	test_expect_code 129 casg repack --compression=3 2>err &&
	test_expect_code 129 casg repack --geometric=1 2>err &&
	test_expect_code 129 casg repack -a --window=1k 2>err &&
	for bad in 0 1 -2 2x 1000001 ""; do
		test_expect_code 129 casg-join-packs --geometric=$bad 2>err || return 1
	done &&
	test_expect_code 129 casg-join-packs 2>err &&
	id=$(packs | sed -n "1s/pack-\(.*\).pack/\1/p") &&
	test_expect_code 129 casg-join-packs $id $id 2>err &&
	test_expect_code 129 casg-join-packs --geometric=2 $id 2>err &&
	test_expect_code 128 casg-join-packs $(echo $id | tr 0-9a-f 1-9a-f0) 2>err &&
	packs >second && test_cmp first second && ls .git/casg/tmp >left && test_must_be_empty left
'

test_expect_success 'joining by name, one line a pack, -z' '
	ids=$(packs | sed "s/pack-\(.*\).pack/\1/") &&
	casg-join-packs $ids >out && test_grep "^pack [0-9a-f]\{64\}\$" out &&
	echo "$ids" | sed "s/^/replaced /" | sort >expect && sed 1d out | sort >actual && test_cmp expect actual &&
	casg-join-packs -z $ids >out.z && tr "\0" "\n" <out.z >actual && test_cmp out actual &&
	intact
'

test_expect_success 'a missing version, and one that is no blob' '
	echo 0123456789012345678901234567890123456789 | test_expect_code 128 casg-pack-versions 2>err &&
	test_grep "^fatal: " err &&
	git rev-parse HEAD | test_expect_code 128 casg-pack-versions 2>err &&
	echo "some VERSION" >VERSION && git hash-object -w VERSION | casg-pack-versions >out &&
	test_must_be_empty out && rm VERSION
'

# ---- many imports

test_expect_success 'sixty imports, one by one: a handful of packs, chains that are read' '
	rm -rf many && casg init -q many && cd many &&
	awk "BEGIN { for (i = 0; i < 30; i++) printf \">k%02d d\nMKVL\n\", i }" >head.fa &&
	for i in $(seq 60); do
		{ cat head.fa && printf ">z version %d\nMKVA\n" $i; } >v.fa &&
		# gc --auto after some of them
		case $i in
		*0) import db v.fa ;;
		*) record db v.fa ;;
		esac &&
		# the tree of two releases is the same, at the end of a chain of fifty
		{ test $i != 10 || { sed -n "3,\$p" v.fa && sed 2q v.fa; } >w.fa; } &&
		{ test $i != 10 || record db w.fa; } || return 1
	done &&
	test $(npacks) -lt 45 &&
	exports >exports.expect && test_line_count = 61 exports.expect && digests_agree exports.expect &&
	casg repack -d --quiet && test $(npacks) -le 6 && intact 8 &&
	casg repack -a --quiet && intact 12 &&
	casg repack -a -d --quiet && intact 8 && indexed_elsewhere &&
	casg gc --grace=0 >out && intact 12
'

test_expect_success 'after it, imports go on' '
	cd many &&
	for i in 61 62 63; do
		{ cat head.fa && printf ">z version %d\nMKVA\n" $i; } >v.fa &&
		import db v.fa || return 1
	done &&
	git checkout -q -b old HEAD~62 && { cat head.fa && echo ">zz" && echo MKV; } >v.fa &&
	casg import -q -d db v.fa && exports >now && grep -v -F -f exports.expect now >new &&
	test_line_count = 4 new && cp now exports.expect && digests_agree exports.expect &&
	casg repack -a -d --quiet && intact 10
'

test_expect_success 'packs of a megabyte: more than one, and all of it by turns' '
	rm -rf small && casg init -q small && cd small &&
	git config casg.gcAuto 0 && git config casg.packSize 1m && git config casg.chunkSize 16k &&
	casg-gen --seed 1 --type protein --records 12000 --length 100 >a.fa &&
	casg-gen --seed 2 --mutate a.fa --add 3 --describe 40 >b.fa &&
	casg-gen --seed 3 --mutate b.fa --remove 3 --describe 40 >c.fa &&
	import db a.fa && import db b.fa && import db c.fa &&
	exports >exports.expect && digests_agree exports.expect &&
	casg repack -a --quiet --compression=0 && exports >now && test_cmp exports.expect now &&
	# old copies of nodes and new ones in one pack, and their bases in others
	casg repack --quiet && exports >now && test_cmp exports.expect now && casg fsck --full >out &&
	casg repack -a -d --quiet --compression=0 && test "$(sum packs)" -gt 2 && intact &&
	# what goes into a pack is planned by the chunks that are there
	casg repack -a -d --quiet --compression=0 &&
	packs >first && casg gc --grace=0 >out && casg repack -a -d --quiet --compression=0 &&
	packs >second && test_cmp first second && intact && indexed_elsewhere
'

# ---- interrupted

writing () {
	ls .git/casg/tmp/pack-*.tmp
}

# A repack that stands still while it writes: group $pid.  One that was through
# before that is undone, and another one begun.
stop_repack () {
	for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		{ env --default-signal=INT,TERM,HUP setsid casg repack -a -d >out 2>err & } && pid=$! &&
		stop_while "$pid" writing && return
		test -n "$test_gone" && wait "$pid" &&
		rm -rf .git && cp -pR saved .git || return
	done
	return 1
}

# raw KIND: the bytes of the chunks of that kind
raw () {
	casg-verify-pack -v .git/casg/packs/*.pack |
		awk -F "\t" -v kind="$1" '$2 == kind { n += $5 } END { print n + 0 }'
}

# A line of a presentation in a hundred changes, and a record before all of them.
test_expect_success 'repack -a: a presentation costs what has changed in it' '
	rm -rf masked && casg init -q masked && cd masked &&
	casg-gen --seed 3 --type protein --records 2000 --length 60 --width 0 >plain.fa &&
	awk "!/>/ { n = 1 + NR * 7919 % 50; \$0 = substr(\$0, 1, n) tolower(substr(\$0, n + 1)) } { print }" \
		plain.fa >1.fa &&
	{ printf ">0first\nMKV\n" && awk "NR % 200 == 2 { print tolower(\$0); next } { print }" 1.fa; } >2.fa &&
	sed "s/^>0first/>0again/; 3,12d" 2.fa >3.fa &&
	for i in 1 2 3; do import db $i.fa || return 1; done &&
	raw blobs >n && test "$(cat n)" -lt 40000 &&
	casg repack -a -d --quiet &&
	raw blobs >n && test "$(cat n)" -lt 40000 &&
	raw orders >n && test "$(cat n)" -lt 4000 && test "$(sum orders)" -ge 3 &&
	for i in 1 2 3; do casg export HEAD~$((3 - i)):db | cmp - $i.fa || return 1; done &&
	casg fsck --full --read-back >out && packs >before &&
	casg repack -a -d --quiet && packs >after && test_cmp before after &&
	casg repack -d --quiet && casg export HEAD~2:db | cmp - 1.fa &&
	casg gc --grace=0 --quiet && casg export HEAD~1:db | cmp - 2.fa
'

test_expect_success KILLABLE 'Ctrl-C while repack writes: as it was, and nothing left behind' '
	rm -rf big && casg init -q big && cd big && git config casg.gcAuto 0 && pid= &&
	test_when_finished "test -z \"\$pid\" || kill -s KILL -- -\$pid 2>/dev/null || :" &&
	casg-gen --seed 1 --type protein --records 12000 --length 300 >a.fa &&
	import db a.fa && packs >before && cp -pR .git saved &&
	for signal in INT TERM HUP; do
		stop_repack &&
		kill -s $signal -- -$pid && kill -s CONT -- -$pid && { wait $pid; code=$?; } &&
		case $signal in INT) test $code = 130 ;; TERM) test $code = 143 ;; HUP) test $code = 129 ;; esac &&
		packs >after && test_cmp before after &&
		find .git/casg/tmp .git/casg/state -type f ! -path "*/versions/*" ! -name reads >left && test_must_be_empty left ||
			{ echo $signal $code && cat err && return 1; }
	done &&
	stop_repack && kill -s KILL -- -$pid && { wait $pid; test $? = 137; } &&
	packs >after && test_cmp before after &&
	casg export db >back && cmp a.fa back &&
	casg repack -a -d --quiet && casg export db >back && cmp a.fa back && casg fsck --full >out
'

test_done
