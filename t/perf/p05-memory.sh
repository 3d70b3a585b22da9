#!/bin/sh
# Largest resident sets.  Export below 100 MiB, import below 512 MiB by default
# whatever the input; CASG_MEMORY bounds it.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "memory" "$@"

mib () {
	calc "$1 / 1024" %.0f
}

# pipeline: the two programs of import, each with its own count.
pipeline () {
	rm -rf repo
	casg init -q repo && cd repo || exit
	PATH=$(casg --exec-path):$PATH
	{
		/usr/bin/time -v -o ../pack.peak casg-pack --quiet -- "$file" |
		/usr/bin/time -v -o ../tree.peak casg-mktree --quiet >../roots
	} 2>../command.err
}

# measure SHAPE [MEMORY]
measure () {
	shape "$1" || return 0
	(
		test -z "$2" || { CASG_MEMORY=$2 && export CASG_MEMORY; }
		pipeline
	) || perf_failed "casg-pack | casg-mktree"
	pack=$(peak_of pack.peak)
	tree=$(peak_of tree.peak)
	fresh "$file"
	peak "cd repo && casg export -q db"
	row "$1, $((size / 1000000)) MB" "${2:-default}" "$(mib "$pack")" "$(mib "$tree")" \
		"$(mib "$((pack + tree))")" "$(mib "$rss")"
	bar "import $1${2:+, CASG_MEMORY=$2}, both programs" "$(mib "$((pack + tree))")" \
		"$(limit "$2")" MiB
	bar "export $1" "$(mib "$rss")" 100 MiB
	rm -rf repo
	drop "$1"
}

# The bound that was asked for, for each of the two; the default is 512 in all.
limit () {
	test -n "$1" || { echo 512; return; }
	echo "$((${1%m} * 2))"
}

heading "%-22s %8s %10s %12s %6s %8s" "peak, MiB" memory casg-pack casg-mktree both export
measure dna-100m ''
measure dna-1000m ''
measure dna-1000m 128m
test -z "$big" || measure dna-4000m ''
measure million1 ''
measure million1 128m
test -z "$big" || measure million10 ''
test -z "$big" || measure million10 128m
