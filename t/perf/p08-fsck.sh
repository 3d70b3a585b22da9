#!/bin/sh
# Checking a repository: at most what sha256sum needs for the files that went
# in, shared by as many processors as there are.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "fsck, wall time" "$@"

cores=$(nproc)

one () {
	bench "$runs" '' "$2"
	row "$1" "$best" "$median" "$(calc "$size / $best / 1e6" %.0f)"
}

measure () {
	shape "$1" || return 0
	fresh "$file"
	heading "%-28s %9s %9s %7s" "$1, $((size / 1000000)) MB" "best s" "median s" MB/s
	one sha256sum "sha256sum '$file'"
	sha=$best
	one "openssl dgst -sha256" "openssl dgst -sha256 '$file'"
	one "casg fsck" "casg -C repo fsck --quiet"
	one "casg fsck --full" "casg -C repo fsck --full --quiet"
	bar "fsck --full $1, * $cores processors / sha256sum" "$(calc "$best * $cores / $sha")" 1 x
	one "casg fsck --full --threads 1" "casg -C repo fsck --full --quiet --threads 1"
	rm -rf repo
}

measure genomes
measure alleles
measure proteins
measure proteins-350
