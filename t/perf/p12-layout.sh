#!/bin/sh
# What grouping by taxon costs and brings: size, and chunks read for one species,
# after import and after casg repack -a.  At most 5 % more than without groups.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "layout by taxon" "$@"

# Records in an order that has nothing to do with what they are.
shuffled () {
	awk 'BEGIN { RS = ">"; srand(7) }
		NR > 1 { gsub(/\n/, "\001"); printf "%.9f\t>%s\n", rand(), $0 }' "$1" |
	sort | cut -f2- | tr '\001' '\n' | sed '/^$/d'
}

# many GENERA DIVERGENCE: of four species each, with twenty proteins out of 2000
# families; those of a genus differ by 3 % from each other.
many () {
	awk -v ngenera="$1" -v percent="$2" '
	function mutate(s, pct,   k, at) {
		for (k = int(length(s) * pct / 100); k > 0; k--) {
			at = 1 + int(rand() * length(s))
			s = substr(s, 1, at - 1) substr(aa, 1 + int(rand() * 20), 1) substr(s, at + 1)
		}
		return s
	}
	BEGIN {
		aa = "ACDEFGHIKLMNPQRSTVWY"
		srand(3)
		for (f = 0; f < 2000; f++)
			for (n = 150 + int(rand() * 300); n > 0; n--)
				family[f] = family[f] substr(aa, 1 + int(rand() * 20), 1)
		for (g = 0; g < ngenera; g++) {
			for (p = 0; p < 20; p++)
				own[p] = mutate(family[int(rand() * 2000)], percent)
			for (s = 0; s < 4; s++)
				for (p = 0; p < 20; p++)
					printf ">%d.%d.%d x OS=Genus%c%c species%d OX=%d\n%s\n", g, s, p,
						97 + g % 26, 97 + int(g / 26), s, 100000 + 4 * g + s,
						mutate(own[p], 3)
		}
	}'
}

# figures WHAT BASE: a row; $bytes
figures () {
	CASG_DIR=repo casg-ls-chunks --kind=sequences db >all.chunks &&
	CASG_DIR=repo casg-ls-chunks --taxon="$taxon" db >its.chunks || exit
	bytes=$(awk -F'\t' '{ n += $5 } END { print n }' all.chunks)
	row "$1" "$bytes" "$(calc "$bytes / ${2:-$bytes}" %.3f)" "$(wc -l <all.chunks)" \
		"$(wc -l <its.chunks)" "$(awk -F'\t' '{ n += $5 } END { print n }' its.chunks)"
}

# held WHAT BASE: the bar
held () {
	test "$policy" != default ||
		bar "$shape, $1" "$bytes" "$(calc "$2 * 1.05" %.0f)" bytes
}

# policy NAME KEY=VALUE...
policy () {
	policy=$1
	shift
	rm -rf repo && casg init -q repo || exit
	for setting; do
		git -C repo config "casg.chunk.${setting%%=*}" "${setting#*=}" || exit
	done
	(cd repo && casg import -q --database db ../db.fa) || exit
	figures "$policy" "$imported"
	: "${imported:=$bytes}"
	held imported "$imported"
	CASG_DIR=repo casg repack -q -a -d || exit
	figures "$policy, repack -a" "$repacked"
	: "${repacked:=$bytes}"
	held repacked "$repacked"
}

# layout SHAPE TAXON: of all.fa
layout () {
	shape=$1 taxon=$2 imported='' repacked=''
	heading "%-22s %10s %8s %8s %10s %12s" "$shape" bytes "of none" chunks "of $taxon" bytes
	policy none rank=none
	policy default
	policy species rank=species cost=100
}

if real proteins all.fa; then
	shuffled all.fa >db.fa
	layout "proteomes, shuffled" 83333
	layout "proteomes, shuffled" 559292
fi
for percent in 20 3; do
	many 600 "$percent" >all.fa
	shuffled all.fa >db.fa
	layout "2400 species, $percent %" 100000
done
