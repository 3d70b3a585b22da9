#!/bin/sh
# casg commit: the records of a stream are the next version.

test_description='casg commit'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'setup' '
	casg init -q . &&
	casg-gen --seed 2 --type protein --records 3000 --length 80 --width 70 >x.fa &&
	printf ">last one\nacGT\n" >>x.fa &&
	casg import -q x.fa
'

test_expect_success 'half of the records' '
	casg ls x | awk "/^#casg/ || NR % 2" >half.lines &&
	casg commit x -m half <half.lines >out &&
	stored=$(sed -n "s/.*, \([0-9]*\) bytes stored$/\1/p" out) &&
	n=$(grep -vc "^#casg" half.lines) &&
	echo "x: $n records, $stored bytes stored" >expect && test_cmp expect out &&
	git log -1 --format=%s >actual && echo half >expect && test_cmp expect actual &&
	casg ls x >actual && test_cmp half.lines actual &&
	casg-read-version --id HEAD~1:x >id && grep "^previous $(cat id)$" x/VERSION &&
	! grep "^source" x/VERSION &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty &&
	casg fsck --full
'

test_expect_success 'a pipe from the database itself, descriptions changed' '
	casg ls x | sed "/^#casg/!s/OS=/os=/" | casg commit -q x &&
	casg export x >back && ! grep "OS=" back &&
	grep -c "os=" back >n && test "$(cat n)" -gt 1000
'

test_expect_success 'nothing changed: says so, status 1, no commit' '
	git rev-parse HEAD >before && ls .git/casg/packs >>before &&
	casg ls x >lines &&
	test_expect_code 1 casg commit x <lines >out &&
	n=$(grep -vc "^#casg" lines) &&
	echo "nothing to commit: these are the $n records of x" >expect && test_cmp expect out &&
	test_expect_code 1 casg commit -q x <lines >out && test_must_be_empty out &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after && test_cmp before after
'

test_expect_success 'a new label is a change' '
	casg commit -q --release=2024_02 --sequence-time=2024-02-01 x lines &&
	grep "^release 2024_02$" x/VERSION && grep "^sequence-time 2024-02-01T00:00:00Z$" x/VERSION
'

test_expect_success 'without facts the layout is that of the version before' '
	casg ls x | sed 1d | head -n 20 >lines &&
	casg commit -q x lines &&
	casg ls x | sed -n 1p >actual && casg ls HEAD~1:x | sed -n 1p >expect &&
	test_cmp expect actual && grep width=70 actual &&
	{ echo "#casg width=50" && cat lines; } | casg commit -q x &&
	casg ls x | sed -n 1p >actual && grep width=50 actual
'

test_expect_success 'another order is a version, and -z' '
	casg ls -z x >lines.z &&
	tr "\0" "\n" <lines.z | sort -r | tr "\n" "\0" >sorted.z &&
	casg commit -q -z x sorted.z &&
	casg-read-version --field=records HEAD~1:x >expect &&
	casg-read-version --field=records x >actual && test_cmp expect actual
'

test_expect_success 'a new database: no sequence is stored again' '
	casg ls HEAD~4:x | awk "/^#casg/ || NR < 50" >few &&
	casg commit part <few >out &&
	casg ls part >actual && test_cmp few actual &&
	! grep "^previous" part/VERSION &&
	stored=$(sed -n "s/.*, \([0-9]*\) bytes stored$/\1/p" out) && test "$stored" -lt 20000
'

test_expect_success 'refused: malformed, a sequence that is not there, a bad name' '
	git rev-parse HEAD >before && ls .git/casg/packs >>before &&
	echo nonsense >bad &&
	test_expect_code 128 casg commit x bad 2>err && test_grep "line 1" err &&
	id=$(printf NOTTHERE | sha256sum | cut -c1-64) &&
	printf "k\t%s\t8\t-\t-\t\n" $id >bad &&
	test_expect_code 128 casg commit x bad 2>err && test_grep "is not in the store" err &&
	test_expect_code 128 casg commit x nofile 2>err &&
	test_expect_code 129 casg commit -- -x few &&
	test_expect_code 129 casg commit taxonomy/x few &&
	test_expect_code 129 casg commit &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after && test_cmp before after &&
	ls .git/casg/tmp >left && test_must_be_empty left
'

test_expect_success 'refused: no record at all, unless that is meant' '
	git rev-parse HEAD >before && ls .git/casg/packs >>before &&
	{ casg ls nosuch 2>/dev/null || :; } | test_expect_code 128 casg commit x 2>err &&
	test_grep "^fatal: .*--allow-empty" err &&
	echo "#casg width=60" | test_expect_code 128 casg commit x &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after && test_cmp before after &&
	git checkout -q -b empty &&
	casg commit -q --allow-empty x </dev/null &&
	casg export x >out && test_must_be_empty out &&
	test_expect_code 1 casg commit -q x </dev/null &&
	git checkout -q -
'

test_expect_success 'interrupted: nothing is left' '
	git rev-parse HEAD >before && ls .git/casg/packs >>before &&
	mkfifo pipe &&
	{ casg commit x pipe 2>/dev/null & } && pid=$! &&
	exec 9>pipe && head -n 5 few >&9 &&
	wait_for eval "ls .git/casg/tmp/commit-*/tree.pid" &&
	kill -s TERM $pid &&
	{ wait $pid; status=$?; exec 9>&-; test $status = 143; } &&
	ls .git/casg/tmp >left && test_must_be_empty left &&
	test_path_is_missing .git/casg/state/import.lock &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after && test_cmp before after
'

test_done
