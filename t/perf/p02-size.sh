#!/bin/sh
# Everything on disk after an import: packs, indexes, Git.  At most NAF -1's size
# plus 16 bytes a record for DNA, half of NAF -1's plus 16 bytes a record for
# proteins.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "size on disk" "$@"

disk () {
	du -s --apparent-size -B1 "$1" | cut -f1
}

rows () {
	row "$1" "$2" "$(calc "$2 / $count" %.1f)" "$(calc "$2 * 8 / $residues" %.3f)" \
		"$(calc "$2 / $size" %.4f)"
}

compressed () {
	have zstd || return 0
	for level in 1 ${big:+3 19}; do
		rows "zstd -$level" "$(zstd "-$level" -T0 -qc "$file" | wc -c)"
	done
	rows "zstd -3 --long=27" "$(zstd -3 --long=27 -T0 -qc "$file" | wc -c)"
}

# naf SHAPE SHARE
naf () {
	if ! have ennaf; then
		note "ennaf (NAF) is not installed: no bar"
		return 0
	fi
	kind=--dna
	case $1 in protein*) kind=--protein ;; esac
	ennaf $kind --level 1 --temp-dir "$tmp" "$file" -o out.naf 2>/dev/null ||
		{ note "ennaf refused this file: no bar"; return 0; }
	n=$(nbytes out.naf)
	rows "NAF -1" "$n"
	most=$(calc "$n * $2 + 16 * $count" %.0f)
	rows "the bar" "$most"
	big_enough &&
		bar "size of $1" "$(calc "$total / 1e6")" "$(calc "$most / 1e6")" MB
}

# measure SHAPE SHARE-OF-NAF
measure () {
	shape "$1" || return 0
	fresh "$file"
	count=$(version_field count)
	residues=$(version_field residues)
	total=$(disk repo/.git)
	heading "%-22s %12s %10s %10s %8s" "$1" bytes "b/record" "bits/res" "of file"
	rows "plain" "$size"
	rows "casg, everything" "$total"
	rows "  packs" "$(cat repo/.git/casg/packs/*.pack | wc -c)"
	rows "  their indexes" "$(cat repo/.git/casg/packs/*.idx | wc -c)"
	rows "  Git and the rest" "$((total - $(cat repo/.git/casg/packs/*.pack \
		repo/.git/casg/packs/*.idx | wc -c)))"
	rows "  in disk blocks" "$(du -s -B1 repo/.git | cut -f1)"
	naf "$1" "$2"
	compressed
	note "$count records, $residues residues"
	rm -rf repo out.naf
}

casg init -q repo
note "an empty repository: $(disk repo/.git) bytes, $(du -s -B1 repo/.git | cut -f1) in disk blocks"
measure genomes 1
measure alleles 1
measure viral 1
measure proteins 0.5
measure proteins-as-is 0.5
measure proteins-350 0.5
