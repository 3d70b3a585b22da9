#!/bin/sh
# Make the seeds of the fuzz targets for chunks, nodes, packs and their indexes
# in DIR (default: seeds beside this script).  What is built here byte by byte
# follows casgformat-pack(5) and casgformat-index(5); checksums are zero,
# because the targets put them right.
# usage: make-seeds-pack.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds}

# Everything below is printf formats: text with octal escapes.

# le WIDTH NUMBER: little-endian
le () {
	n=$2 i=0
	while test $i -lt "$1"; do
		printf '\\%03o' $((n & 255))
		n=$((n >> 8)) i=$((i + 1))
	done
}

# hex HEX: the bytes
hex () {
	printf '%s' "$1" | sed 's/../& /g' | tr ' ' '\n' | while read -r h; do
		printf '\\%03o' "0x$h"
	done
}

# size FORMAT: how many bytes it prints
size () {
	# shellcheck disable=SC2059
	printf -- "$1" | wc -c
}

sha () {
	# shellcheck disable=SC2059
	hex "$(printf -- "$1" | sha256sum | cut -d' ' -f1)"
}

# stream CODEC RAWSIZE FORMAT: its line in the table; below 128, so one byte each
stream () {
	printf '%s' "$(le 1 "$1")$(le 1 "$2")$(le 1 $(($(size "$3"))))"
}

# chunk KIND LAYOUT STREAMS MEMBERS RAWSIZE PAYLOAD
chunk () {
	printf '%s' "$(le 1 "$1")$(le 1 "$2")$(le 1 "$3")\\000$(le 4 "$4")$(le 8 "$5")"
	printf '%s' "$(le 8 $(($(size "$6"))))$(le 8 0)$6"
}

# plain KIND MEMBERS RAWSIZE LENGTHS BYTES: stored, nothing compressed
plain () {
	chunk "$1" 0 2 "$2" "$3" \
		"$(stream 0 $(($(size "$4"))) "$4")$(stream 0 "$3" "$5")$4$5"
}

# columns MEMBERS RAWSIZE LENGTHS C1 C2 C3 C4
columns () {
	t=
	for c in "$3" "$4" "$5" "$6" "$7"; do
		t=$t$(stream 0 $(($(size "$c"))) "$c")
	done
	chunk 3 2 5 "$1" "$2" "$t$3$4$5$6$7"
}

# seed TARGET NAME FORMAT
seed () {
	mkdir -p "$dir/$1"
	# shellcheck disable=SC2059
	printf -- "$3" >"$dir/$1/$2"
}

# ---- chunk
proteins=$(plain 1 2 5 '\003\002' 'MKVLL')
seed chunk plain "$proteins"
seed chunk blob "$(plain 4 1 5 '\005' 'hello')"
seed chunk empty-member "$(plain 1 3 2 '\001\000\001' 'MK')"
# ACGTN: two bits a base in two bytes, one exception
seed chunk dna2 "$(chunk 1 1 3 1 5 \
	'\000\001\001\000\002\002\000\005\005\005\344\000\000\003\004\001N')"
frame='\050\265\057\375\040\005\051\000\000MKVLL'
seed chunk zstd "$(chunk 1 0 2 1 5 "$(stream 0 1 '\005')$(stream 1 5 "$frame")\\005$frame")"
leaf_s='\001\000\001\000\001\000\002'
leaf=$(columns 1 11 '\007\001\002\001' "$leaf_s" 'k' ' d' '\000')
seed chunk node "$leaf"
seed chunk refs "$(plain 5 1 36 '\044' "$(sha x)$(le 4 1)")"
seed chunk bad-lengths "$(plain 1 2 5 '\003\003' 'MKVLL')"
seed chunk bad-no-members "$(plain 1 0 0 '' '')"
seed chunk bad-codec "$(chunk 1 0 2 1 1 '\007\001\001\000\001\001\001M')"
seed chunk bad-exception "$(chunk 1 1 3 1 5 \
	'\000\001\001\000\002\002\000\005\005\005\344\000\000\003\004\002N')"

# matched_as LAYOUT MEMBERS RAWSIZE LENGTHS DISTANCES STEPS COPIES NUMBERS JUMPS LITERALS EXCEPTIONS
matched_as () {
	l=$1 m=$2 n=$3
	shift 3
	t='' b=''
	for s; do
		t=$t$(stream 0 $(($(size "$s"))) "$s") b=$b$s
	done
	chunk 1 "$l" 8 "$m" "$n" "$t$b"
}
matched () {
	matched_as 5 "$@"
}
deep () {
	matched_as 6 "$@"
}
# the literals AAACCGTT, and what is made of them: see t/unit/test-script.c
lender=$(matched 1 8 '\010' '' '\011' '\000' '' '' '@\371' '')
copies=$(matched 1 8 '\010' '\001' '\006\003\010' '\000\003' '\000' '\000' '' '')
turned=$(matched 2 13 '\010\005' '\002' '\007\010\007\005\010' '\000\000\002' '\000\000\000\004' '\007\007' '' '')
block=$(matched 1 8 '\010' '\002' '\006\004\010' '\000\002' '\000\002' '\000' '\012' '\000\003\001\002N')
seed chunk matched "$lender"
seed chunk bad-needs "$copies"
seed chunk bad-literals "$(matched 1 4 '\004' '' '\011' '\000' '' '' '\344\000' '')"

# ---- script: chunks, each behind its length
# scripts NAME CHUNK...
scripts () {
	name=$1
	shift
	b=
	for s; do
		b=$b$(le 2 $(($(size "$s"))))$s
	done
	seed script "$name" "$b"
}
scripts lent "$lender" "$copies" "$turned"
scripts own "$lender" "$(matched 1 8 '\010' '' '\006\010' '\000' '\004' '\000' '\344' '')"
scripts three "$lender" "$copies" "$block"
scripts two-lenders "$lender" "$lender" \
	"$(matched 1 16 '\020' '\002\001' '\006\006\010' '\000\010' '\000\000' '\000\010' '' '')"
# distances are 4 * distance + use: what 'copies' makes, and what is made of that
second=$(deep 1 8 '\010' '\010\006' '\006\010' '\000' '\000' '\000' '' '\000\003\001\001N')
scripts deep "$lender" "$copies" "$second"
scripts deeper "$lender" "$copies" "$second" \
	"$(deep 1 8 '\010' '\015\010\006' '\007\010' '\000' '\000' '\017' '' '')"
scripts bad-deep "$lender" "$second" "$second" "$second"
scripts bad-first "$copies"
scripts bad-layout "$(plain 1 1 3 '\003' 'MKV')" "$copies"
scripts bad-step "$lender" "$(matched 1 8 '\010' '\001' '\006\012\010' '\000\003' '\000' '\000' '' '')"
scripts bad-range "$lender" "$(matched 1 11 '\013' '\001' '\006\003\010' '\000\010' '\000' '\000' '' '')"

# ---- node: lengths of three columns, the four columns
seed node leaf "$(le 2 7)$(le 2 1)$(le 2 2)${leaf_s}k d\\000"
seed node empty "$(le 2 3)$(le 2 0)$(le 2 0)\\001\\000\\000"
# keys ab, abc, abc again (occurrence 1)
seed node three "$(le 2 15)$(le 2 3)$(le 2 0)\\001\\000\\003\\000\\002\\003\\002\\001\\000\\000\\000\\001\\000\\000\\000abc\\002\\001\\001"
seed node interior "$(le 2 10)$(le 2 2)$(le 2 0)\\001\\001\\001\\000\\001\\000\\000\\001\\000\\002ab$(sha x)"
seed node bad-order "$(le 2 11)$(le 2 2)$(le 2 0)\\001\\000\\002\\000\\000\\001\\001\\000\\000\\000\\000ba\\000\\000"
seed node bad-kind "$(le 2 3)$(le 2 0)$(le 2 0)\\002\\000\\000"
seed node bad-count "$(le 2 4)$(le 2 0)$(le 2 0)\\001\\000\\200\\020"
seed node bad-child "$(le 2 10)$(le 2 2)$(le 2 0)\\001\\001\\001\\000\\001\\000\\000\\001\\000\\000ab$(sha x)"

# ---- pack: 'p', the file; or 'l', a piece list
head="casgpack$(le 4 1)$(le 4 0)"
end="casgend\\n"
one=$(plain 1 1 3 '\003' 'MKV')
# the root of a tree of one leaf is SHA-256(0x00, SHA-256 of the member)
one_id=$(sha "\\000$(sha MKV)")
refs=$(plain 5 1 36 '\044' "$one_id$(le 4 1)")
seed pack one "p$head$one$end$(le 8 1)"
seed pack leaf "p$head$one$leaf$refs$end$(le 8 3)"
list="\\001$(sha MKVMKV)\\006\\002\\000\\003\\000\\003"
seed pack long "p$head$one$(plain 2 1 39 '\047' "$list")$refs$end$(le 8 3)"
seed pack list "l$list"
seed pack bad-list-sum "l\\001$(sha MKVMKV)\\007\\002\\000\\003\\000\\003"
seed pack bad-refs-first "p$head$refs$leaf$end$(le 8 2)"
seed pack bad-ref "p$head$one$(columns 1 11 '\007\001\002\001' "$leaf_s" 'k' ' d' '\002')$refs$end$(le 8 3)"
# two sections, joined: what the first refers to is its own member, or that of the second
head2="casgpack$(le 4 2)$(le 4 0)"
two=$(plain 1 1 3 '\003' 'MKW')
refs2=$(plain 5 1 36 '\044' "$(sha "\\000$(sha MKW)")$(le 4 1)")
beyond=$(columns 1 11 '\007\001\002\001' "$leaf_s" 'k' ' d' '\002')
seed pack sections "p$head2$one$leaf$refs$two$refs2$end$(le 8 5)"
seed pack bad-section "p$head2$one$beyond$refs$two$refs2$end$(le 8 5)"
long=$(plain 2 1 39 '\047' "\\001$(sha MKVMKW)\\006\\002\\000\\003\\001\\003")
seed pack bad-section-list "p$head2$one$long$refs$two$refs2$end$(le 8 5)"
seed pack bad-sections-1 "p$head$one$leaf$refs$two$refs2$end$(le 8 5)"
seed pack bad-short "p$head$one"
seed pack bad-count "p$head$one$end$(le 8 2)"
seed pack bad-version "pcasgpack$(le 4 2)$(le 4 0)$one$end$(le 8 1)"

# scripts of three levels; the last names all that is needed, not the second, or one
# before the first
deep_head=$lender$copies$second
seed pack deep "p$head2$deep_head$(deep 1 8 '\010' '\015\010\006' '\007\010' '\000' '\000' '\017' '' '')$end$(le 8 4)"
seed pack bad-deep "p$head2$deep_head$(deep 1 8 '\010' '\015\006' '\007\010' '\000' '\000' '\017' '' '')$end$(le 8 4)"
seed pack bad-deep-far "p$head2$deep_head$(deep 1 8 '\010' '\020\015\010\006' '\007\010' '\000' '\000' '\017' '' '')$end$(le 8 4)"

# ---- multidx: one short block, its sum 0
# multi NAME PACKS ENTRIES BITS IDBITS REST
multi () {
	seed multidx "$1" "casgmidx$(le 4 1)$(le 4 "$2")$(le 8 "$3")$(le 4 "$4")$(le 4 "$5")$6$(le 8 0)"
}
# the first 28 bits of the id as a number, the pack's below it
few=$(le 4 $((0x$(printf %s MKV | sha256sum | cut -c1-7) << 1)))
packs=$(le 4 1)$(sha pack | cut -c17-)$(le 4 2)$(sha pack | cut -c17-)
multi one 1 1 0 32 "$(sha pack)$(sha MKV | cut -c1-16)$(le 8 0)$(le 8 1)"
multi two 2 2 0 28 "$packs$few$(le 4 $((1 << 24 | 1)))$(le 8 0)$(le 8 2)"
multi empty 0 0 0 32 "$(le 8 0)$(le 8 0)"
multi bad-pack 3 1 0 28 "$packs$(sha MKV)$(le 4 3)$(le 8 0)$(le 8 1)"
multi bad-buckets 2 2 0 28 "$packs$few$few$(le 8 2)$(le 8 1)"
multi bad-beyond 2 2 0 28 "$packs$few$few$(le 8 0)$(le 8 99)"
multi bad-bits 2 2 1 28 "$packs$few$few$(le 8 0)$(le 8 2)"
multi bad-id-bits 2 2 0 33 "$packs$few$few$(le 8 0)$(le 8 2)"
multi bad-count 2 99999 0 28 "$packs$few$few$(le 8 0)$(le 8 2)"
multi bad-length 2 3 0 28 "$packs$few$few$(le 8 0)$(le 8 2)"
seed multidx bad-version "casgmidx$(le 4 2)$(le 4 0)$(le 8 0)$(le 8 32)$(le 8 0)"

# ---- packidx: each block's payload after its length; all fits into one
version=1
# head CHUNKS OBJECTS NODES BITS
idx_head () {
	printf '%s' "casgpidx$(le 4 $version)$(le 4 "$1")$(le 4 "$2")$(le 4 "$3")"
	printf '%s' "$(le 4 "$4")$(le 4 0)$(sha pack)$(le 8 500)"
}

# idx NAME BLOCK: seed an index of that block
idx () {
	seed packidx "$1" "$(le 2 $(($(size "$2"))))$2"
}
idx_chunk=$one_id$(le 8 16)$(le 8 48)$(le 4 3)$(le 4 1)$(le 4 0)'\001\000\000\000'
# the tag is the first four bytes of the id as a number, little-endian
tag=$(sha MKV | sed 's/^\(....\)\(....\)\(....\)\(....\).*/\4\3\2\1/')
byid=$(le 4 0)
buckets=$(le 4 0)$(le 4 1)
object=$tag$(le 4 0)
idx one "$(idx_head 1 1 0 0)$idx_chunk$byid$buckets$object"
idx node "$(idx_head 1 1 1 0)$idx_chunk$byid$buckets$object$(sha node)$(le 4 0)$(le 4 0)"
idx empty "$(idx_head 0 0 0 0)$(le 4 0)$(le 4 0)"
idx bad-object "$(idx_head 1 1 0 0)$idx_chunk$byid$buckets$tag$(le 4 9)"
idx bad-buckets "$(idx_head 1 1 0 0)$idx_chunk$byid$(le 4 7)$(le 4 1)$object"
idx bad-byid "$(idx_head 1 1 0 0)$idx_chunk$(le 4 5)$buckets$object"
idx bad-length "$(idx_head 1 9999 0 0)$idx_chunk"
idx bad-version "casgpidx$(le 4 99)"

# the later versions: one chunk of objects, one of two nodes
nodes_chunk=$(sha nodes)$(le 8 64)$(le 8 48)$(le 4 3)$(le 4 2)$(le 4 1)'\003\000\000\000'
two="$idx_chunk$nodes_chunk$(le 4 1)$(le 4 0)$buckets"
version=2
at="$(le 4 1)$(le 4 0)" behind="$(le 4 1)$(le 4 1)"
idx node-2 "$(idx_head 2 1 2 0)$two$object$(sha b)$at$(sha a)$behind$(le 4 0)$(le 4 1)"
version=3
object=$tag$(le 2 0)
# SHA-256 of "b" is less than that of "a"
idx node-3 "$(idx_head 2 1 2 0)$two$object$(sha a)$(sha b)$(le 4 1)$(le 4 0)"
idx one-3 "$(idx_head 1 1 0 0)$idx_chunk$byid$buckets$object"
idx empty-3 "$(idx_head 0 0 0 0)$(le 4 0)$(le 4 0)"
idx bad-number-3 "$(idx_head 2 1 2 0)$two$object$(sha a)$(sha b)$(le 4 9)$(le 4 0)"
idx bad-fewer-3 "$(idx_head 1 1 2 0)$idx_chunk$byid$buckets$object$(sha a)$(sha b)$(le 4 1)$(le 4 0)"
idx bad-long-3 "$(idx_head 1 1 0 0)$idx_chunk$byid$buckets$object\000"
version=4
# the tag of a single object has all 32 bits, of three each has 30
idx one-4 "$(idx_head 1 1 0 0)$idx_chunk$byid$buckets$tag"
idx node-4 "$(idx_head 2 1 2 0)$two$tag$(sha a)$(sha b)$(le 4 1)$(le 4 0)"
three=$one_id$(le 8 16)$(le 8 48)$(le 4 9)$(le 4 3)$(le 4 0)'\001\000\000\000'$byid$(le 4 0)$(le 4 3)
tags=$(le 4 $(((1 << 30) + 5)))$(le 4 $(((2 << 30) + 5)))
idx three-4 "$(idx_head 1 3 0 0)$three$tags$(le 4 9)"
idx bad-object-4 "$(idx_head 1 3 0 0)$three$tags$(le 4 $(((3 << 30) + 9)))"
idx bad-long-4 "$(idx_head 1 1 0 0)$idx_chunk$byid$buckets$tag\000"
