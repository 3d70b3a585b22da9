#!/bin/sh
# Make the seeds of the text fuzz targets in DIR (default: seeds beside this
# script). Each is small, and named after what it is about.
# usage: make-seeds.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds}

# seed TARGET NAME FORMAT: the format is printf's
seed () {
	mkdir -p "$dir/$1"
	# shellcheck disable=SC2059
	printf -- "$3" >"$dir/$1/$2"
}

# fasta: the first byte says how the text is split
seed fasta empty ' '
seed fasta two-lf ' >a one\nACGT\nAC\n>b two\nACGT\n'
seed fasta crlf ' >a\r\nACGT\r\nACGT\r\nA\r\n>b\r\nACG\r\n'
seed fasta no-newline '#>a\nACGT\nACG'
seed fasta header-only '!>x'
seed fasta header-cr-eof '!>x\r'
seed fasta header-cr-crlf '!>x\r\r\n>y y\r\r\nA\n'
seed fasta empties '%%>\n>\n\n>a\n\n\n> d\nA\n'
seed fasta case '%%>a\nACgtacGTNNnn\nacgt\n'
seed fasta comments '(;one\n\n;two\n>a\n;three\nAC\n;four\nGT\n;five\n'
seed fasta blanks '0>a\nA C\tG T\n  ACGT  \n\v\f\nA\n\n\n'
seed fasta gt-inside '1>a\nAC>GT\n >;AC\n ;\n>b\n>c\n'
seed fasta stray-cr '2>a\nAC\rGT\r\r\nAC\r'
seed fasta width-mix '3>a\nACGT\nACGT\nAC\n>b\nAC\nAC\nAC\n>c\nACGTACGTACGT\n>d\nACG\nAC\nACGTA\n'
seed fasta joined-headers '4>gi|1 one\001gi|2 two \200\377\nMKV*-.\n'
seed fasta bad-fastq ' @r\nACGT\n+\nIIII\n'
seed fasta bad-nul ' >a\nAC\000GT\n'
seed fasta bad-high ' >a\nAC\200GT\n'
seed fasta bad-text ' hello\n>a\nA\n'

# layout: facts, presentation, header, residues
seed layout plain '#casg width=4 eol=lf final-newline=yes\n-\na one\nACGTACGTAC'
seed layout crlf-no-end '#casg width=3 eol=crlf final-newline=no\n-\na\nACGTACGTAC'
seed layout prologue '#casg prologue=%%3Bhello%%0A%%0A\nw2\na\nACGT'
seed layout mask '#casg width=4\nc0.2.3.1\na\nACGTACGTAC'
seed layout gaps '#casg width=4\ng0:%%0A%%20.2:%%20.2:.6:%%0A%%3Bend\na\nACGTACGTAC'
seed layout all '#casg width=4\nw3;c1.1;g3:%%0D%%0A.1:%%20\na b\nACGTACGTAC'
seed layout header-cr '#casg width=4\n-\na b\r\nACGT'
seed layout gt-first '#casg width=2\n-\na\n>C>T;C'
seed layout empty '#casg width=0\ng0:%%0A%%0A\n\n'
seed layout bad-order '#casg\ng0:%%0A;w2\na\nACGT'
seed layout bad-mask '#casg\nc3.9\na\nACGT'
seed layout bad-gap '#casg\ng2:A\na\nACGT'
seed layout bad-comment '#casg\ng2:%%0A%%3Bx\na\nACGT'
seed layout bad-facts '#casg width=07\n-\na\nACGT'

# stream: 'z' or not, then the line
oid=cd42404d52ad55ccfa9aca4adc828aa5800ad9d385a0671fbcbf724118320619
seed stream plain "-key\t$oid\t4\t9606\t-\t OX=9606"
seed stream quoted "-\"k\\\\\\\\\"\t$oid\t4\t-\tw0;c0.4\t\"\\\\ta \\\\001\\\\\"\""
seed stream marked "-\"#casg\"\t$oid\t0\t-\t@$oid\t"
seed stream z "z#casg\t$oid\t4\t-\tg0:%%0A%%20\t a\tb\"c\\\\"
seed stream facts '-#casg width=60 eol=lf final-newline=yes'
seed stream bad-oid '-k\tcd42\t4\t-\t-\t'
seed stream bad-five "-k\t$oid\t4\t-\t-"
seed stream bad-quote "-\"k\"\t$oid\t4\t-\t-\t"
