#!/bin/sh
# Representatives of a database, beside cd-hit and mmseqs linclust on the same
# file with the same thresholds: time, and what is left.  What each of them
# calls identity differs; casg-reduce(1) says how.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "representatives of a database" "$@"

threads=$(nproc)

# left FASTA: records and residues in it
left () {
	awk '/^>/ { n++; next } { r += length($0) } END { printf "%d %.0f", n, r }' "$1"
}

# tell NAME FASTA: the row of what was measured last, with its peak memory
tell () {
	set -- "$1" "$best" "$(calc "$rss / 1024" %.0f)" "$(left "$2")"
	row "$1" "$2" "$3" "${4% *}" "$(calc "100 * ${4#* } / $residues" %.1f)"
}

# try NAME FASTA COMMAND
try () {
	bench 1 'rm -rf peer.*' "$3"
	rm -rf peer.*
	peak "$3"
	tell "$1" "$2"
}

# compare IDENTITY WORD CDHIT WORDSIZE.  No sequence may be shorter than a word.
compare () {
	try "casg reduce, $1" casg.fa "cd repo && casg reduce -q --force --profile p --identity $1 db && \
		casg export --profile p -o ../casg.fa db"
	casg_s=$best
	(cd repo && casg reconstruct --profile p db | cmp - "$file") || die "it does not come back"
	if have "$3"; then
		try "$3 -c $1 -s 0.8" peer.fa "$3 -i '$file' -o peer.fa -c $1 -n $4 -s 0.8 -l $(($4 + 1)) -d 0 -T $threads -M 0"
		bar "reduce to $1, $2, / $3" "$(calc "$casg_s / $best")" 1 x
	else
		note "$3 is not installed"
	fi
	# it knows amino acids only
	case $3 in
	*-est) return ;;
	esac
	if have mmseqs; then
		try "mmseqs easy-linclust, $1, 0.8" peer.mm_rep_seq.fasta \
			"mmseqs easy-linclust '$file' peer.mm peer.tmp --min-seq-id $1 -c 0.8 --cov-mode 0 --threads $threads"
		bar "reduce to $1, $2, / linclust" "$(calc "$casg_s / $best")" 1 x
	else
		note "mmseqs is not installed"
	fi
}

# input NAME: the shape, imported
input () {
	shape "$1" || return
	fresh "$file"
	residues=$(left "$file")
	heading "%-34s %9s %9s %9s %9s" "$1: ${residues% *} records" "best s" "MiB" "left" "% residues"
	residues=${residues#* }
}

! input proteins-as-is || {
	compare 0.9 "as they are" cd-hit 5
	compare 0.7 "as they are" cd-hit 5
}
input proteins && {
	compare 0.9 proteins cd-hit 5
	compare 0.7 proteins cd-hit 5
	bench 1 '' 'cd repo && casg reduce -q --force --profile s --size 30% db'
	row "casg reduce --size 30%" "$best" - - -
	note "$(cd repo && casg reduce --list db | grep '	s	')"
}
input alleles && compare 0.95 alleles cd-hit-est 10
! input viral || {
	compare 0.99 "viral genomes" cd-hit-est 10
	compare 0.999 "viral genomes" cd-hit-est 10
}

# grown RECORDS FAMILY: so many, of which a share has a relative
grown () {
	casg-gen --seed 3 --type protein --records "$1" --length 300 --family "$2" >grown.fa
	fresh "$PWD/grown.fa"
	rm -f grown.fa
	bench 1 '' 'cd repo && casg cluster --identity 0.9 --memory=512m --facts=../facts db'
	peak 'cd repo && casg cluster --identity 0.9 --memory=512m db'
	row "$1 records, family $2" "$best" "$(calc "$rss / 1024" %.0f)" "$(sed -n 's/^representatives //p' facts)" \
		"$(calc "$best / $1 * 1e6" %.1f)"
}

heading "%-34s %9s %9s %9s %9s" "as it grows, --memory=512m" "best s" "MiB" "left" "us/record"
grown 100000 0.5
grown 1000000 0.5
test -z "$big" || grown 10000000 0.5
# a single family
grown 25000 1
grown 100000 1
