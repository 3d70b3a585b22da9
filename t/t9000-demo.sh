#!/bin/sh
# contrib/demo.sh: what a newcomer sees first must work.

test_description='the demo, with its own data and with a file'
. "$(dirname "$0")/test-lib.sh"

demo () {
	# its folder goes away with ours
	TMPDIR=$PWD CASG_DEMO_KEEP=1 sh "$CASG_SOURCE_DIR/contrib/demo.sh" "$@" >out 2>err &&
	test_must_be_empty err &&
	kept=$(sed -n "s/^# kept in //p" out) && test_path_is_dir "$kept"
}

# four sums: release 2 exported and as it was, release 1 exported and as it was
same_sums () {
	grep "^[0-9a-f]\{64\}  -\$" out >sums &&
	test "$(wc -l <sums)" = 4 &&
	uniq sums >distinct && test "$(wc -l <distinct)" = 2 &&
	casg -C "$kept/demo" fsck --full
}

test_expect_success 'its own data' '
	demo && same_sums &&
	casg -C "$kept/demo" export HEAD~1:proteins >back && cmp "$kept/release-1.fasta" back &&
	casg -C "$kept/demo" export proteins >back && cmp "$kept/release-2.fasta" back &&
	casg -C "$kept/demo" ls proteins | grep -c "$TAB"83333"$TAB" >expect &&
	grep -c "^>" "$kept/subset.fasta" >actual && test_cmp expect actual &&
	test_grep "^\\$ casg import --database proteins --release 1 -m '\''Release 1'\'' " out &&
	test_grep "^proteins: 20000 records, 20000 new, 0 already known, " out &&
	test_grep "^\\$ casg cat proteins '\''P[0-9]*'\''\$" out &&
	rm -rf "$kept"
'

test_expect_success 'the second release costs little' '
	sed -n "s/^proteins: .* \([0-9]*\) bytes stored\$/\1/p" out >costs &&
	test_line_count = 2 costs &&
	test $(($(sed -n 2p costs) * 4)) -lt $(sed -n 1p costs)
'

test_expect_success 'a file, with a name that needs quoting' '
	casg-gen --seed 1 --records 200 --length 400 >"it'\''s a \$file.fa" &&
	demo "it'\''s a \$file.fa" && same_sums &&
	casg -C "$kept/demo" export HEAD~1:database >back && cmp "it'\''s a \$file.fa" back &&
	rm -rf "$kept"
'

test_expect_success 'a compressed file' '
	gzip -c "it'\''s a \$file.fa" >x.gz &&
	demo x.gz && same_sums &&
	casg -C "$kept/demo" export HEAD~1:database >back && cmp "it'\''s a \$file.fa" back &&
	rm -rf "$kept"
'

test_expect_success 'keys are data, never commands' '
	awk "BEGIN { for (i = 0; i < 50; i++) printf \">a%c;touch\${IFS}\$HOME/pwned;%c\\nACGTACGT\\n\", 39, 39 }" >evil.fa &&
	demo evil.fa && same_sums &&
	test_path_is_missing pwned && test_path_is_missing "$kept/demo/pwned" &&
	rm -rf "$kept"
'

test_expect_success 'what is no FASTA' '
	echo nothing >bad.fa &&
	TMPDIR=$PWD test_expect_code 128 sh "$CASG_SOURCE_DIR/contrib/demo.sh" bad.fa >out 2>err &&
	test_grep "^fatal: .*bad.fa" err &&
	! ls -d casg-demo.*
'

test_done
