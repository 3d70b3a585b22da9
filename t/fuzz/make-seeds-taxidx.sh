#!/bin/sh
# Make the seeds of the fuzz target for indexes of taxonomies in DIR (default:
# seeds beside this script), byte by byte as casgformat-index(5) has them;
# checksums are left out, because the target puts them there.
# usage: make-seeds-taxidx.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds}/taxidx
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

# head RANKS NODES GONE NAMES MERGED TEXT
head () {
	printf '%s' "casgtaxi$(le 4 1)$(le 4 "$1")$(le 8 1)$(le 8 2)$(le 8 3)$(le 8 4)"
	printf '%s' "$(le 8 "$2")$(le 8 "$3")$(le 8 "$4")$(le 8 "$5")$(le 8 "$6")$(le 8 0)"
}

# ref OFFSET LENGTH: of a text
ref () {
	le 8 $(($1 << 16 | $2))
}

# node PARENT END ID... NAME... RANK, texts as offset and length
node () {
	printf '%s' "$(le 4 "$1")$(le 4 "$2")$(ref "$3" "$4")$(ref "$5" "$6")$(le 4 "$7")"
}

# entry OFFSET LENGTH TAXON
entry () {
	printf '%s' "$(ref "$1" "$2")$(le 4 "$3")"
}

# seed NAME TEXT BLOCK...: each block with its length before it
seed () {
	name=$1 behind=$2
	shift 2
	{
		for block; do
			# shellcheck disable=SC2059
			printf -- "$(le 2 $(($(size "$block"))))$block"
		done
		# shellcheck disable=SC2059
		printf -- "\\000\\000$behind"
	} >"$dir/$name"
}

# 0: 1 root; 1: 2 Bact, a genus; 2: 9 Coli, below it; 7 deleted, 8 merged into 9
text='1root2Bact9Coli78genus'
h=$(head 1 3 2 3 1 22)
n0=$(node 0 3 0 1 1 4 0) n1=$(node 0 3 5 1 6 4 0) n2=$(node 1 3 10 1 11 4 0)
byid="$(le 4 0)$(le 4 1)$(le 4 2)"
gone="$(entry 15 1 4294967295)$(entry 16 1 2)"
names="$(entry 6 4 1)$(entry 11 4 2)$(entry 1 4 0)"
ranks=$(ref 17 5) sums=$(le 8 0)

seed whole "$text" "$h$n0$n1$n2$byid$gone$names$ranks$sums"
seed empty '' "$(head 0 0 0 0 0 0)"
seed bad-parent "$text" "$h$n0$n1$(node 9 3 10 1 11 4 0)$byid$gone$names$ranks$sums"
seed bad-circle "$text" "$h$(node 2 3 0 1 1 4 0)$n1$n2$byid$gone$names$ranks$sums"
seed bad-end "$text" "$h$n0$(node 0 1 5 1 6 4 0)$(node 1 9 10 1 11 4 0)$byid$gone$names$ranks$sums"
seed bad-rank "$text" "$h$n0$n1$(node 1 3 10 1 11 4 7)$byid$gone$names$ranks$sums"
seed bad-id "$text" "$h$n0$n1$(node 1 3 20 9 11 4 0)$byid$gone$names$ranks$sums"
seed bad-name "$text" "$h$n0$n1$(node 1 3 10 1 281474976710655 65535 0)$byid$gone$names$ranks$sums"
seed bad-byid "$text" "$h$n0$n1$n2$(le 4 7)$(le 4 1)$(le 4 4294967295)$gone$names$ranks$sums"
seed bad-gone "$text" "$h$n0$n1$n2$byid$(entry 15 1 3)$(entry 16 1 77)$names$ranks$sums"
seed bad-names "$text" "$h$n0$n1$n2$byid$gone$(entry 6 4 9)$(entry 11 4 2)$(entry 1 4 4294967295)$ranks$sums"
seed bad-order "$text" "$h$n0$n1$n2$(le 4 2)$(le 4 0)$(le 4 1)$gone$(entry 1 4 0)$(entry 6 4 1)$(entry 11 4 2)$ranks$sums"
seed bad-ranks "$text" "$h$n0$n1$n2$byid$gone$names$(ref 99 5)$sums"
seed bad-merged "$text" "$(head 1 3 2 3 9 22)$n0$n1$n2$byid$gone$names$ranks$sums"
seed bad-counts "$text" "$(head 1 4294967295 2 3 1 22)$n0$n1$n2$byid$gone$names$ranks$sums"
seed bad-length "$text" "$(head 1 3 2 3 1 9000)$n0$n1$n2$byid$gone$names$ranks$sums"
seed bad-version "$text" "casgtaxi$(le 4 2)$(le 4 1)"
seed bad-magic "$text" "casgpidx$(le 4 1)$(le 4 1)"
# a chain of taxa over the end of a block, and longer than a lineage may be
i=0
chain=$(head 1 300 0 0 0 22)
while test $i -lt 142; do
	chain=$chain$(node $((i ? i - 1 : 0)) 300 0 1 1 4 0) i=$((i + 1))
done
rest=''
while test $i -lt 287; do
	rest=$rest$(node $((i - 1)) 300 0 1 1 4 0) i=$((i + 1))
done
last=''
while test $i -lt 300; do
	last=$last$(node $((i - 1)) 300 0 1 1 4 0) i=$((i + 1))
done
seed chain "$text" "$chain" "$rest" "$last"
