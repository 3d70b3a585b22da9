#!/bin/sh
# 200,000 protein records a second, still at 10 million records (--big).

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "records a second" "$@"

measure () {
	shape "million$1"
	bench "$2" 'rm -rf repo && casg init -q repo' "cd repo && casg import -q --database db '$file'"
	rate=$(calc "$1 * 1e6 / $best" %.0f)
	row "$1 million, $((size / 1000000)) MB" "$best" "$median" "$rate"
	bar "seconds a million, of $1 million" "$(calc "$best / $1")" 5 s
	bench "$2" '' "cd repo && casg ls db"
	row "  casg ls" "$best" "$median" "$(calc "$1 * 1e6 / $best" %.0f)"
	rm -rf repo
	drop "million$1"
}

heading "%-26s %9s %9s %12s" import "best s" "median s" "records/s"
measure 1 "$(((runs + 1) / 2))"
test -z "$big" || measure 10 1
