#!/bin/sh
# The FASTA of one taxon, as typed, beside blastdbcmd -taxids on the same data;
# and of a hundred and a thousand records of databases that grow.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "the records of a taxon" "$@"

many=$((runs * 4))

one () {
	bench "$2" '' "$3"
	row "$1" "$(calc "$best * 1000")" "$(calc "$median * 1000")"
}

# Whose headers declare taxa that a hundred records each carry, far from each other.
spread () {
	perl -pe "BEGIN { \$n = $1 / 100 } if (/^>/) { \$i++; \$t = 1000000 + (\$i * 7919) % \$n; s/OX=[0-9]+/OX=\$t/ }"
}

# common: the taxon that about a third of the records carry
common () {
	(cd repo && casg ls db) | awk -F '\t' '!/^#casg/ { n[$4]++; all++ }
		END { for (t in n) if (best == "" || (n[t] - all / 3) ^ 2 < (n[best] - all / 3) ^ 2) best = t
			print best }'
}

shape proteins-as-is || shape proteins || die "no proteins"
fresh "$file"
taxon=$(common)
heading "%-52s %9s %9s" "$(grep -c '>' "$file") proteins, taxon $taxon" "best ms" "median ms"
bench 1 'rm -rf repo/.git/casg/index/taxa' 'cd repo && casg index-taxa db'
row "index of taxa made" "$(calc "$best * 1000")" -
one "casg version" "$many" "casg version"
one "casg subset --taxon $taxon" "$many" "cd repo && casg subset --taxon $taxon db >../casg.fa"
casg_ms=$(calc "$best * 1000")
note "$(grep -c '>' casg.fa) records, $(nbytes casg.fa) bytes"
if have blastdbcmd && have makeblastdb; then
	sed -n 's/^>\([^ ]*\).* OX=\([0-9]*\).*/\1 \2/p' "$file" >map
	makeblastdb -in "$file" -dbtype prot -parse_seqids -blastdb_version 5 -taxid_map map \
		-out blast >/dev/null || exit 128
	one "blastdbcmd -taxids $taxon" "$many" "blastdbcmd -db blast -taxids $taxon -out blast.fa"
	bar "subset of a taxon, / blastdbcmd -taxids" "$(calc "$casg_ms / ($best * 1000)")" 1 x
	rm -f blast*
else
	note "blastdbcmd is not installed"
fi

grown () {
	casg-gen --seed 3 --type protein --records "$1" --length 300 | spread "$1" >grown.fa
	fresh grown.fa
	rm -f grown.fa
	bench 1 'rm -rf repo/.git/casg/index/taxa' 'cd repo && casg index-taxa db'
	row "$1 records: index of taxa made" "$(calc "$best * 1000")" -
	one "$1 records: a taxon of 100" "$runs" "cd repo && casg subset --taxon 1000042 db"
	one "$1 records: ten such taxa" "$runs" \
		"cd repo && casg subset $(awk 'BEGIN { for (i = 1; i <= 10; i++) printf " --taxon %d", 1000000 + i }') db"
	one "$1 records: the same, keys alone" "$runs" \
		"cd repo && casg ls-taxon --keys $(awk 'BEGIN { for (i = 1; i <= 10; i++) printf " --taxon %d", 1000000 + i }') db"
	peak 'rm -rf repo/.git/casg/index/taxa; cd repo && casg index-taxa --memory=256m db'
	note "$(calc "$rss / 1024" %.0f) MiB at most to make the index with --memory=256m"
}

heading "%-52s %9s %9s" "as the database grows" "best ms" "median ms"
grown 100000
grown 1000000
test -z "$big" || grown 10000000
