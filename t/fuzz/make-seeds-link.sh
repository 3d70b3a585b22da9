#!/bin/sh
# Make the seeds of fuzz-nodelink and fuzz-orderdelta in DIR (default: seeds
# beside this script).
# usage: make-seeds-link.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds}
mkdir -p "$dir/nodelink" "$dir/orderdelta"

# u16 N: little-endian
u16 () {
	# shellcheck disable=SC2059 # octal
	printf "\\$(printf %03o $(($1 % 256)))\\$(printf %03o $(($1 / 256)))"
}

# node STRUCTURE KEYS DESCRIPTIONS REFERENCES: formats of printf
node () {
	for column in "$@"; do
		# shellcheck disable=SC2059
		u16 "$(($(printf "$column" | wc -c)))"
	done
	# shellcheck disable=SC2059
	printf "$1$2$3$4"
}

# part FORMAT: bytes behind their length
part () {
	# shellcheck disable=SC2059
	u16 "$(($(printf "$1" | wc -c)))"
	# shellcheck disable=SC2059
	printf "$1"
}

n=$dir/nodelink
# leaves: keys a and b, descriptions " x" and none
leaf='\001\000\002\000\001\000\002\000\001\000\000'
base () { node "$leaf" 'ab' ' x' '\002\002'; }
{ printf '\000' && node '\201\000\000\000' '' '' ''; } >"$n/empty"
{ printf '\000' && node '\201\000\001\000\006\000\001\000\002' 'k' ' d' '\002'; } >"$n/insert"
{ printf '\001' && base && node '\201\000\002\001\002\010' '' '' ''; } >"$n/copy"
{ printf '\001' && base && node '\201\000\001\001\002\005\004' '' '' ''; } >"$n/skip"
{ printf '\001' && base && node '\201\000\001\001\002\007\001\002\001\000' '' 'y' ''; } >"$n/patch-description"
{ printf '\001' && base && node '\201\000\001\001\002\007\002' '' '' '\006'; } >"$n/patch-reference"
{ printf '\001' && base && node '\201\000\001\001\000\004' '' '' '01234567890123456789012345678901'; } >"$n/base-by-id"
{ printf '\002' && base && base && node '\201\000\003\002\002\002\010\004' '' '' ''; } >"$n/two-bases-repeat"
{ printf '\001' && base && node '\201\000\003\001\002\014' '' '' ''; } >"$n/too-many"
{ printf '\001' && base && node '\201\001\001\001\002\004' '' '' ''; } >"$n/other-level"
{ printf '\000' && node '\201\001\001\000\006\000\001\000\000\001\000\003\002' 'ab' '' ''; } >"$n/inner-insert"
{ printf '\000' && node '\201\001\001\000\006\000\001\000\000\001\000\003\000' 'ab' '' '01234567890123456789012345678901'; } >"$n/inner-by-id"

o=$dir/orderdelta
{ printf '\000' && part '\003\000\000\000' && printf '\003\003\000\000\006\000'; } >"$o/same"
{ printf '\000' && part '\003\000\000\000' && printf '\003\003\001\001\001\001\002\000\003\000\002\000'; } >"$o/one-for-another"
{ printf '\000' && part '\003\000\000\000' && printf '\003\000\003\000\000\000\000'; } >"$o/all-gone"
{ printf '\000' && part '\000' && printf '\000\002\000\002\000\000\005\000\000'; } >"$o/all-come"
{ printf '\000' && part '\003\000\000\000' && printf '\003\003\000\000\006\002'; } >"$o/behind-the-end"
{ printf '\001' && part '' && part '' && part '\003\000\000\000' && printf '\003\004\003\003'; } >"$o/make-reversed"
{ printf '\001' && part '\000' && part '\002' && part '\003\000\000\000' && printf '\003\000\000\000'; } >"$o/make-renamed"
# found a write beyond the end: the tree has more records than the order
{ printf '\001' && part '\000' && part '\011' && part '\003\000\000\000' && printf '\003\000\000\000'; } >"$o/make-beyond"
{ printf '\001' && part '' && part '' && part '\003\000\001\002' && printf '\003\000\000\000'; } >"$o/make-twice"
{ printf '\002' && part '1 a\0124 b\012' && printf '\000\002\006\000'; } >"$o/presentation-same"
{ printf '\002' && part '1 a\0124 b\012' && printf '\000\003\003\000\005\000\001c\004\000\007'; } >"$o/presentation-all-ops"
{ printf '\002' && part '1 a\0124 b\012' && printf '\000\002\011\000'; } >"$o/presentation-beyond"
{ printf '\002' && part '4 a\0124 b\012' && printf '\000\002\006\000'; } >"$o/presentation-bad-base"
{ printf '\003' && part '1 a\0124 b\0129 c\012' && printf '1 a\0125 b\0126 d\01210 c\012'; } >"$o/presentation-make"
{ printf '\003' && part 'width 60\0121 a\012' && printf 'width 80\012'; } >"$o/presentation-make-head"
