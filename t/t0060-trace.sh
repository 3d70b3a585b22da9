#!/bin/sh
# CASG_TRACE and CASG_TRACE_PERF, as casg-config(5) has them.

test_description='traces: where they go, what they hold'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'setup' '
	casg init -q repo &&
	printf ">a\nACGT\n>b\nMKVLAT\n" >in.fa &&
	time="[0-9]\{4\}-[0-9][0-9]-[0-9][0-9]T[0-9:]\{8\}\.[0-9]\{6\}Z" &&
	sec="[0-9]\{1,\}\.[0-9]\{6\}" &&
	pid="[0-9]\{1,\}"
'

# has EVENT REGION TEXT FILE: patterns
has () {
	test_grep "^$time$TAB$pid$TAB$1$TAB$sec$TAB$2$TAB$3\$" "$4"
}

test_expect_success '1: lines on standard error, none else' '
	CASG_TRACE=1 casg-hash-object in.fa >out 2>err &&
	casg-hash-object in.fa >expect &&
	test_cmp expect out &&
	test_line_count = 2 err &&
	has start - "[^ ]*casg-hash-object in.fa" err &&
	has exit "$sec" 0 err
'

test_expect_success '2 to 9: that descriptor' '
	for n in 2 3 7 9; do
		eval "CASG_TRACE=$n casg-hash-object in.fa $n>trace >out" &&
		test_cmp expect out &&
		test_line_count = 2 trace &&
		has start - ".*" trace || return 1
	done
'

test_expect_success 'an absolute path: appended to' '
	rm -f trace &&
	CASG_TRACE=$PWD/trace casg-hash-object in.fa >out 2>err &&
	CASG_TRACE=$PWD/trace casg-hash-object in.fa >out 2>>err &&
	test_must_be_empty err &&
	test_line_count = 4 trace
'

test_expect_success 'off: 0, false, empty' '
	for v in 0 false ""; do
		CASG_TRACE=$v CASG_TRACE_PERF=$v casg-hash-object in.fa >out 2>err &&
		test_cmp expect out &&
		test_must_be_empty err || return 1
	done
'

test_expect_success 'another value: a warning, and all goes on' '
	for v in yes 10 relative/path -1; do
		CASG_TRACE=$v casg-hash-object in.fa >out 2>err &&
		test_cmp expect out &&
		test_line_count = 1 err &&
		test_grep "^warning: CASG_TRACE: .*$v" err || return 1
	done &&
	CASG_TRACE_PERF=nonsense casg-hash-object in.fa >out 2>err &&
	test_grep "^warning: CASG_TRACE_PERF: " err
'

test_expect_success 'a path that cannot be opened: a warning, and all goes on' '
	CASG_TRACE=$PWD/nowhere/trace casg-hash-object in.fa >out 2>err &&
	test_cmp expect out &&
	test_grep "^warning: CASG_TRACE: .*nowhere" err &&
	test_path_is_missing nowhere
'

test_expect_success 'the exit status of a failure is in it' '
	CASG_TRACE=$PWD/fail test_expect_code 128 casg-hash-object nowhere.fa 2>err &&
	has exit "$sec" 128 fail &&
	CASG_TRACE=$PWD/usage test_expect_code 129 casg-hash-object --nonsense 2>err &&
	has exit "$sec" 129 usage
'

test_expect_success 'PERF adds regions and counters' '
	(
		cd repo &&
		CASG_TRACE_PERF=$PWD/../perf casg-pack -q ../in.fa >../lines &&
		CASG_TRACE=$PWD/../plain casg-pack -q ../in.fa >../again
	) &&
	test_cmp lines again &&
	has start - "[^ ]*casg-pack -q ../in.fa" perf &&
	has enter - read perf &&
	has leave "$sec" read perf &&
	has count - "records 2" perf &&
	has exit "$sec" 0 perf &&
	test_grep ! "${TAB}enter$TAB" plain &&
	test_grep ! "${TAB}count$TAB" plain
'

test_expect_success 'what is entered is left' '
	sed -n "s/^.*${TAB}enter${TAB}.*$TAB//p" perf | sort >entered &&
	sed -n "s/^.*${TAB}leave${TAB}.*$TAB//p" perf | sort >left &&
	test -s entered &&
	test_cmp entered left
'

test_expect_success 'both to one place: each has its lines, whole' '
	CASG_TRACE=$PWD/both CASG_TRACE_PERF=$PWD/both casg-hash-object in.fa >out &&
	test_grep "${TAB}start$TAB" both &&
	! grep -v "^$time$TAB$pid$TAB[a-z]*$TAB$sec$TAB" both
'

test_expect_success 'programs of a pipeline append whole lines' '
	rm -f many &&
	(
		cd repo &&
		CASG_TRACE_PERF=$PWD/../many &&
		export CASG_TRACE_PERF &&
		for i in 1 2 3 4 5; do
			casg-pack -q ../in.fa >../lines$i & casg-hash-object ../in.fa >../ids$i &
			casg-pack -q ../in.fa | casg-mktree >../roots || exit 1
		done &&
		wait
	) &&
	! grep -v "^$time$TAB$pid$TAB[a-z]\{4,5\}$TAB$sec$TAB[-0-9.]*$TAB" many &&
	cut -f2 many | sort -u >pids &&
	test_line_count = 20 pids &&
	grep -c "${TAB}start$TAB" many >n &&
	test "$(cat n)" = 20 &&
	grep -c "${TAB}exit$TAB" many >n &&
	test "$(cat n)" = 20
'

test_expect_success 'control characters of an argument are masked' '
	arg=$(printf "x\ty\033[31m\nz\177") &&
	CASG_TRACE=$PWD/masked test_expect_code 128 casg-hash-object "$arg" 2>err &&
	test_line_count = 2 masked &&
	has start - "[^ ]*casg-hash-object x?y?\[31m?z?" masked
'

test_expect_success 'nothing of the environment is in it' '
	CASG_TRACE=$PWD/quiet AWS_SECRET_ACCESS_KEY=hunter2 casg-hash-object in.fa >out &&
	test_grep ! hunter2 quiet
'

test_done
