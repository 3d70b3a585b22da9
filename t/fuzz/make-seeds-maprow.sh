#!/bin/sh
# Make the seeds of fuzz-maprow in DIR (default: seeds beside this script).
# usage: make-seeds-maprow.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds}/maprow
mkdir -p "$dir"

# seed NAME FORMAT: the format is printf's
seed () {
	# shellcheck disable=SC2059
	printf -- "$2" >"$dir/$1"
}

seed four '\005accession\taccession.version\ttaxid\tgi\nA\tA.1\t562\t0\nB\tB.1\t0\t7\n'
seed full '\011accession.version\ttaxid\r\nA.1\t562\r\nB\t9606'
seed plain '\001k\ts__Escherichia coli\nl\t2\n'
seed empty-line '\002k\t1\n\nl\t2\n'
seed fields '\003k\t1\t2\n'
seed control '\004k\t1\001\n'
