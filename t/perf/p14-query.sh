#!/bin/sh
# Questions to a database, as typed, beside the same asked of the plain file:
# by length, by pattern, and by taxon under a taxonomy.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "queries" "$@"

one () {
	bench "$2" '' "$3"
	row "$1" "$(calc "$best * 1000")" "$(calc "$median * 1000")"
}

# peer WHAT PROGRAM COMMAND
peer () {
	if have "$2"; then
		one "$1" "$runs" "$3"
	else
		note "$2 is not installed"
	fi
}

# A taxonomy in which the declared taxa are leaves below some genera.
make_taxonomy () {
	mkdir -p dump &&
	sed -n 's/^>.* OX=\([0-9]*\).*/\1/p' "$1" | sort -u | awk -v t='\t|\t' '
		BEGIN {
			n = split("1 1 no|2 1 superkingdom", top, "|")
			print "1" t "1" t "no rank" t "\t|" >"dump/nodes.dmp"
			print "1" t "root" t t "scientific name\t|" >"dump/names.dmp"
			for (g = 0; g < 20; g++) {
				print 900000000 + g t "1" t "genus" t "\t|" >"dump/nodes.dmp"
				print 900000000 + g t "Genus" g t t "scientific name\t|" >"dump/names.dmp"
			}
		}
		{
			print $1 t 900000000 + NR % 20 t "species" t "\t|" >"dump/nodes.dmp"
			print $1 t "Taxon " $1 t t "scientific name\t|" >"dump/names.dmp"
		}' || exit 128
	(cd repo && casg taxonomy import -q --name made --taxonomy-time 2024-01-01T00:00:00Z ../dump) || exit 128
	rm -rf dump
}

# measure RECORDS
measure () {
	casg-gen --seed 3 --type protein --records "$1" --length 300 --family 0.5 >grown.fa
	file=$tmp/grown.fa
	fresh "$file"
	make_taxonomy "$file"
	heading "%-52s %9s %9s" "$1 proteins, $(($(nbytes "$file") / 1000000)) MB" "best ms" "median ms"
	one "casg version" "$runs" "casg version"
	one "casg query --min-length 350 --count" "$runs" "cd repo && casg query -q --min-length 350 --count db"
	peer "seqkit seq -m 350 | grep -c '>'" seqkit "seqkit seq -m 350 '$file' | grep -c '>'"
	one "casg query --description '*kinase*' --output fasta" "$runs" \
		"cd repo && casg query -q --description '*kinase*' --output fasta db"
	peer "seqkit grep -n -r -p kinase" seqkit "seqkit grep -n -r -p kinase '$file'"
	one "casg query --taxon Genus7 --count" "$runs" "cd repo && casg query -q --taxon Genus7 --count db"
	one "the same, as TSV with the lineage's genus" "$runs" \
		"cd repo && casg query -q --taxon Genus7 --format '%(key) %(genus)' db"
	rm -f grown.fa
}

measure 100000
measure 1000000
