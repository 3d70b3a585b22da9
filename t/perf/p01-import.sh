#!/bin/sh
# Import's wall time beside sha256sum of the same file: at most 1.5 times it for
# DNA, 2 times for proteins.  fsync included, warm cache, plain input.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "import, wall time" "$@"

# one WHAT RUNS PREPARE COMMAND
one () {
	bench "$2" "$3" "$4"
	test -n "$floor" || floor=$best
	row "$1" "$best" "$median" "$(calc "$size / $best / 1e6" %.0f)" \
		"$(calc "$best / $floor")"
}

# peers few runs, they are slow
peers () {
	have zstd && one "zstd -3 -T0" "$few" '' "zstd -3 -T0 -qf -o out.zst '$file' && sync -d out.zst"
	have borg && one "borg create" "$few" \
		'rm -rf borg borg-base && borg init -e none borg' "borg create borg::a '$file'"
	have restic && one "restic backup" "$few" \
		'rm -rf restic && restic init -q -r restic --no-cache' \
		"restic backup -q -r restic --no-cache '$file'"
	rm -rf borg borg-base restic out.zst
}

# measure SHAPE MOST
measure () {
	shape "$1" || return 0
	floor=
	many=$runs few=$(((runs + 1) / 2))
	test "$size" -lt 200000000 || { many=$few few=1; }
	heading "%-22s %9s %9s %7s %7s" "$1, $((size / 1000000)) MB" "best s" "median s" MB/s ratio
	one sha256sum "$many" '' "sha256sum '$file'"
	sha=$best
	one "openssl dgst -sha256" "$many" '' "openssl dgst -sha256 '$file'"
	one "casg import" "$many" 'rm -rf repo && casg init -q repo' \
		"cd repo && casg import -q --database db '$file'"
	big_enough &&
		bar "import $1, $((size / 1000000)) MB, / sha256sum" "$(calc "$best / $sha")" "$2" x
	one "casg import, again" "$many" '' "cd repo && casg import -q --database db '$file'"
	rm -rf repo
	peers
}

measure genomes 1.5
measure alleles 1.5
measure viral 1.5
measure proteins 2
measure proteins-350 2
