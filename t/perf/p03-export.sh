#!/bin/sh
# Export, verified: at most 1.5 times sha256sum of the output.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "export, wall time" "$@"

one () {
	bench "$many" '' "$2"
	test -n "$floor" || floor=$best
	row "$1" "$best" "$median" "$(calc "$size / $best / 1e6" %.0f)" \
		"$(calc "$best / $floor")"
}

measure () {
	shape "$1" || return 0
	fresh "$file"
	floor=
	many=$runs
	test "$size" -lt 200000000 || many=$(((runs + 1) / 2))
	heading "%-28s %9s %9s %7s %7s" "$1, $((size / 1000000)) MB" "best s" "median s" MB/s ratio
	one sha256sum "sha256sum '$file'"
	sha=$best
	one "openssl dgst -sha256" "openssl dgst -sha256 '$file'"
	one "casg export >/dev/null" "cd repo && casg export -q db >/dev/null"
	big_enough && bar "export $1 >/dev/null, / sha256sum" "$(calc "$best / $sha")" 1.5 x
	one "casg export | cat >/dev/null" "cd repo && casg export -q db | cat >/dev/null"
	big_enough && bar "export $1 | cat, / sha256sum" "$(calc "$best / $sha")" 1.5 x
	one "CASG_THREADS=1 casg export" "cd repo && CASG_THREADS=1 casg export -q db >/dev/null"
	(cd repo && casg export -q db) | cmp - "$file" || die "$1 did not come back as it was"
	rm -rf repo
}

measure genomes
measure alleles
measure viral
measure proteins
measure proteins-350
