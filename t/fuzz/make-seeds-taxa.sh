#!/bin/sh
# Make the seeds of the fuzz target for indexes of taxa in DIR (default: seeds
# beside this script), byte by byte as casgformat-index(5) has them; checksums
# are left out, because the target puts them there.
# usage: make-seeds-taxa.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds}/taxaidx
mkdir -p "$dir"

# le WIDTH NUMBER: little-endian, as a printf format
le () {
	n=$2 i=0
	while test $i -lt "$1"; do
		printf '\\%03o' $((n & 255))
		n=$((n >> 8)) i=$((i + 1))
	done
}

# size FORMAT: how many bytes it prints
size () {
	# shellcheck disable=SC2059
	printf -- "$1" | wc -c
}

# head WIDTH INORDER RECORDS ENTRIES TAXA TEXT
head () {
	printf '%s' "casgtaxa$(le 4 1)$(le 1 "$1")$(le 1 "$2")$(le 2 0)"
	printf '%s' "$(le 8 "$3")$(le 8 "$4")$(le 8 "$5")$(le 8 "$6")"
	printf '%s' "$(le 8 1)$(le 8 2)$(le 8 3)$(le 8 4)"
}

# taxon TEXT FIRST
taxon () {
	printf '%s' "$(le 8 "$1")$(le 8 "$2")"
}

# seed NAME BLOCK...: each with its length before it
seed () {
	name=$1
	shift
	for block; do
		# shellcheck disable=SC2059
		printf -- "$(le 2 $(($(size "$block"))))$block"
	done >"$dir/$name"
}

# records 0 and 2 of 562, record 1 without any; the file is 2, 0, 1
three='\001\002\000\001\002\000'
seed order "$(head 1 0 3 3 2 3)${three}562$(taxon 0 0)$(taxon 0 1)$(taxon 3 3)"
seed in-order "$(head 1 1 3 3 2 3)\\001\\000\\002562$(taxon 0 0)$(taxon 0 1)$(taxon 3 3)"
seed empty "$(head 1 1 0 0 0 0)$(taxon 0 0)"
seed wide "$(head 3 1 70000 1 1 1)\\160\\021\\0011$(taxon 0 0)$(taxon 1 1)"
# an id that goes on in the second block
long=$(printf '%03990d' 7)
seed two-blocks "$(head 1 1 1 1 1 4010)\\000$long$(printf '%017d' 0)" \
	"123$(taxon 0 0)$(taxon 4010 1)"
seed bad-width "$(head 2 1 3 3 2 3)\\001\\000\\002562$(taxon 0 0)$(taxon 0 1)$(taxon 3 3)"
seed bad-rank "$(head 1 1 3 3 2 3)\\001\\000\\003562$(taxon 0 0)$(taxon 0 1)$(taxon 3 3)"
seed bad-first "$(head 1 1 3 3 2 3)\\001\\000\\002562$(taxon 0 1)$(taxon 0 1)$(taxon 3 3)"
seed bad-text "$(head 1 1 3 3 2 3)\\001\\000\\002562$(taxon 0 0)$(taxon 9 1)$(taxon 3 3)"
seed bad-end "$(head 1 1 3 3 2 3)\\001\\000\\002562$(taxon 0 0)$(taxon 0 1)$(taxon 3 2)"
seed bad-length "$(head 1 1 3 3000 2 3)\\001\\000\\002"
seed bad-counts "$(head 1 1 3 3 -2 3)\\001\\000\\002562$(taxon 0 0)$(taxon 0 1)$(taxon 3 3)"
seed bad-version "casgtaxa$(le 4 2)"
seed bad-magic "casgpidx$(le 4 1)"
