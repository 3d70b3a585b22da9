#!/bin/sh
# The history of one record: casg-rev-list, and casg log -- KEY.

test_description='casg-rev-list, casg log of one record'
. "$(dirname "$0")/test-lib.sh"

# release NAME [HEADER SEQUENCE]...: import these records as release NAME.
release () {
	name=$1
	shift
	: >one.fa
	while test $# != 0; do
		printf '>%s\n%s\n' "$1" "$2" >>one.fa
		shift 2
	done
	test_tick
	casg import -q --release "$name" --sequence-time "20$name-01-01" one.fa
}

test_expect_success 'setup' '
	casg init -q . &&
	release 01 "sp|P1|A_X a OX=9" ACGT b GG &&
	release 02 "sp|P1|A_X a OX=9" ACGT b GGT &&
	release 03 "sp|P1|A_X b OX=10" ACGT b GGT &&
	release 04 b GGT &&
	release 05 "sp|P1|A_Y b OX=10" ACGTT b GGT &&
	release 06 "sp|P1|A_X b OX=10" ACGTT b GGT &&
	release 07 "sp|P1|A_X c OX=10" ACGTA b GGT dup AA dup CC &&
	release 08 "sp|P1|A_X c OX=10" ACGTA b GGT dup AA
'

# changes KEY: "SEQUENCE-TIME WHAT RELEASE", oldest first, into "actual".
changes () {
	casg-rev-list --reverse "$@" >lines &&
	cut -f 3- lines | sed "s/-01-01T00:00:00Z//" >actual
}

test_expect_success 'versions, newest first' '
	casg-rev-list one >lines &&
	cut -f 3,4 lines >actual &&
	for i in 8 7 6 5 4 3 2 1; do
		printf "200%d-01-01T00:00:00Z\t0%d\n" $i $i || return 1
	done >expect &&
	test_cmp expect actual &&
	cut -f 1 lines >actual &&
	git rev-list HEAD -- one/VERSION >expect &&
	test_cmp expect actual &&
	while read -r commit id rest; do
		echo "$id" >expect &&
		git cat-file blob $commit:one/VERSION | sha256sum | cut -c 1-64 >actual &&
		test_cmp expect actual || return 1
	done <lines
'

test_expect_success 'every kind of change, by key' '
	changes one b &&
	printf "%s\t%s\t%s\n" 2001 appeared 01 2002 sequence 02 >expect &&
	test_cmp expect actual &&
	changes one "sp|P1|A_X" &&
	printf "%s\t%s\t%s\n" 2001 appeared 01 2003 description,taxon 03 2004 withdrawn 04 \
		2006 returned 06 2007 sequence,description 07 >expect &&
	test_cmp expect actual
'

test_expect_success 'by accession: also the key may change' '
	changes one P1 &&
	printf "%s\t%s\t%s\n" 2001 appeared 01 2003 description,taxon 03 2004 withdrawn 04 \
		2005 returned 05 2006 key 06 2007 sequence,description 07 >expect &&
	test_cmp expect actual
'

test_expect_success 'several records with one key' '
	changes one dup &&
	printf "%s\t%s\t%s\n" 2007 appeared 07 2008 number 08 >expect &&
	test_cmp expect actual
'

test_expect_success '-p: the records before and after, as casg-ls-tree has them' '
	casg-rev-list -p one dup >out &&
	sed -n "s/^\([-+]\)dup\t/\1/p" out >actual &&
	casg-ls-tree HEAD:one | sed -n "s/^dup\t/+/p" >new &&
	casg-ls-tree HEAD~1:one | sed -n "s/^dup\t//p" | sort >old &&
	{ sed "s/^/-/" old && cat new && sed "s/^/+/" old; } >expect &&
	test_cmp expect actual
'

test_expect_success '-z quotes nothing' '
	release 09 "q\"x tab\\\\ here" AC b GGT &&
	casg-rev-list -p one "q\"x" >out &&
	test_grep "^+\"q..x\"$TAB" out &&
	casg-rev-list -z -p one "q\"x" | tr "\0" "\n" >out &&
	test_grep "^+q\"x$TAB" out &&
	test_line_count = 2 out
'

test_expect_success 'no such record is a no, no such database an error' '
	test_expect_code 1 casg-rev-list one nope 2>err &&
	test_grep "^error: .nope. is in no version of .one.\$" err &&
	test_expect_code 128 casg-rev-list two 2>err &&
	test_grep "no database .two. in the history of .HEAD." err &&
	test_expect_code 128 casg-rev-list nope:one b &&
	test_expect_code 129 casg-rev-list -p one &&
	test_expect_code 129 casg-rev-list --all HEAD:one &&
	test_expect_code 129 casg-rev-list one b c
'

test_expect_success 'from another revision' '
	changes HEAD~7:one b &&
	test_line_count = 2 lines &&
	changes HEAD~8: b &&
	test_line_count = 1 lines
'

test_expect_success 'a tree of several levels' '
	casg-gen --seed 3 --records 20000 --length 30 >big.fa &&
	casg import -q big.fa &&
	key=$(sed -n "s/^>\([^ ]*\).*/\1/p" big.fa | sed -n 777p) &&
	awk -v k=">$key" "/^>/ { on = \$1 == k } on && !/^>/ { print \"ACDEFG\"; next } 1" \
		big.fa >big2.fa &&
	casg import -q --database big big2.fa &&
	changes big "$key" &&
	cut -f 2 actual >what &&
	printf "%s\n" appeared sequence >expect &&
	test_cmp expect what
'

# counted NAME: what the last run counted, by its trace.
counted () {
	sed -n "s/.*${TAB}count${TAB}.*${TAB}$1 \([0-9]*\)\$/\1/p" trace
}

test_expect_success 'a few nodes for each version, none where the records are the same' '
	casg import -q --database big --release again big2.fa &&
	casg import -q --database big --release "and again" big2.fa &&
	rm -f trace &&
	CASG_TRACE_PERF=$PWD/trace casg-rev-list big "$key" >lines &&
	test_line_count = 2 lines &&
	test "$(counted versions)" = 4 &&
	test "$(counted lookups)" = 2 &&
	test "$(counted nodes)" -gt 2 &&
	test "$(counted nodes)" -le 10
'

# ---- merges

test_expect_success 'setup: two branches, and a merge that takes from both' '
	release 10 b GGT c CC d DD &&
	git branch side &&
	release 11 b GGTT c CC d DD &&
	git checkout -q side &&
	release 12 b GGT c CCC d DD &&
	theirs=$(casg-read-version --id one) &&
	git checkout -q - &&
	ours=$(casg-read-version --id one) &&
	printf ">%s\n%s\n" b GGTT c CCC d DDD >one.fa &&
	casg-pack --quiet one.fa | casg-mktree --quiet |
	casg-write-version --sequence-time 2013-01-01 --release 13 \
		--previous $ours --previous $theirs >VERSION &&
	git update-ref HEAD $(casg-commit-tree -p HEAD -p side -m merge --database=one <VERSION) &&
	git reset -q --hard
'

test_expect_success 'a merge tells of what no parent has' '
	changes one c &&
	printf "%s\t%s\t%s\n" 2010 appeared 10 2012 sequence 12 >expect &&
	test_cmp expect actual &&
	changes one d &&
	printf "%s\t%s\t%s\n" 2010 appeared 10 2013 sequence 13 >expect &&
	test_cmp expect actual &&
	changes --first-parent one c &&
	printf "%s\t%s\t%s\n" 2010 appeared 10 2013 sequence 13 >expect &&
	test_cmp expect actual
'

test_expect_success 'all refs; a database that was removed' '
	git checkout -q -b gone side &&
	git rm -q -r one && git commit -q -m "no more" &&
	changes one b &&
	tail -n 1 actual >last &&
	printf "%s\t%s\t%s\n" - withdrawn - >expect &&
	test_cmp expect last &&
	test_expect_code 1 casg-rev-list HEAD:one "sp|P9|" &&
	changes --all one d &&
	test_grep "2013${TAB}sequence" actual &&
	git checkout -q side
'

# ---- casg log

test_expect_success 'casg log: what git log says, then what changed' '
	casg log one -- P1 >out &&
	test_grep "^    import one: release 03, 2 records\$" out &&
	test_grep "^    P1: description changed, taxon changed\$" out &&
	test_grep "^    P1: withdrawn\$" out &&
	test_grep "^    P1: came back\$" out &&
	test_grep "^    version [0-9a-f]\{64\}, 2003-01-01T00:00:00Z, 03\$" out &&
	test_grep "^    - sp|P1|A_X, 4 residues, taxon 9, sequence [0-9a-f]\{64\}\$" out &&
	test_grep "^    + sp|P1|A_X, 4 residues, taxon 10, sequence [0-9a-f]\{64\}\$" out &&
	test_grep "^       a OX=9\$" out &&
	test_expect_code 1 casg log one -- nope 2>err &&
	test_grep "in no version" err
'

test_expect_success 'casg log --oneline' '
	casg log --oneline one -- "sp|P1|A_X" >out &&
	sed "s/^[0-9a-f]* //; s/-01-01T00:00:00Z//" out >actual &&
	printf "%s\n" "2009 09: withdrawn" "2007 07: sequence, description" "2006 06: returned" \
		"2004 04: withdrawn" "2003 03: description, taxon" "2001 01: appeared" >expect &&
	test_cmp expect actual
'

test_expect_success 'from a revision that holds one database' '
	git tag then $(git log --format=%H --grep "release 02") &&
	casg log --oneline then -- b >out &&
	casg log --oneline then:one -- b >expect &&
	test_cmp expect out &&
	test_line_count = 2 out
'

test_expect_success 'options of git log' '
	count () {
		casg log --oneline "$@" one -- P1 >out && wc -l <out
	} &&
	test $(count) = 7 &&
	test $(count -n 2) = 2 && test_grep "2007" out &&
	test $(count -n 1 --reverse) = 1 &&
	test $(count --skip 5) = 2 &&
	test $(count --grep "release 0[13]") = 2 &&
	test $(count --author nobody) = 0 &&
	test $(count --until 2000-01-01) = 0 &&
	test $(count --merges) = 0 &&
	casg log --format=%s -q one -- P1 >out &&
	test_line_count = 7 out &&
	test_grep "^import one: release 01" out &&
	casg log -1 --stat one -- P1 >out &&
	test_grep "one/VERSION *|" out &&
	test_expect_code 129 casg log --graph one -- P1 &&
	test_expect_code 129 casg log one -- P1 b
'

test_expect_success 'why it was withdrawn, and what to use instead' '
	casg init -q tombs && (
		cd tombs &&
		printf ">a\nAC\n>b\nACG\n>c\nACGT\n" >db.fa && casg import -q db.fa &&
		casg rm -q --sequence-time 2031-01-01 --reason "merged into b" --successor b a &&
		casg rm -q --sequence-time 2032-01-01 c &&
		casg-rev-list -p db a | grep "^!" >actual &&
		printf "!a\t2031-01-01T00:00:00Z\tb\tmerged into b\n" >expect &&
		test_cmp expect actual &&
		casg log db -- a >out &&
		test_grep "^    a: withdrawn" out &&
		test_grep "^    reason: merged into b" out && test_grep "^    instead: b" out &&
		casg-rev-list -p db c | grep "^!" >actual &&
		printf "!c\t2032-01-01T00:00:00Z\t-\t\n" >expect &&
		test_cmp expect actual &&
		casg import -q db.fa &&
		casg-rev-list db c | cut -f 4 >actual &&
		printf "%s\n" returned withdrawn appeared >expect &&
		test_cmp expect actual
	)
'

test_expect_success 'a key that looks like anything' '
	release 14 "-- x" AC "\\1" CC &&
	casg log --oneline one -- -- >out &&
	test_line_count = 1 out &&
	casg log one -- "\\1" >out &&
	test_grep "^    .1: appeared" out
'

test_done
