#!/bin/sh
# Make the seeds of fuzz-objects in DIR (default: seeds/objects beside this
# script): a byte that says which object and how many records, a byte for the
# split, the object.
# usage: make-seeds-objects.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/objects}
mkdir -p "$dir"

# order of 0, of 3 in key order, of 3 the other way round
printf '\001\003casg-order 1\n\000' >"$dir/order-empty"
printf '\007\001casg-order 1\n\003\000\000\000' >"$dir/order-same"
printf '\007\004casg-order 1\n\003\004\003\003' >"$dir/order-reversed"
printf '\007\004casg-order 2\n\003\000\000\000' >"$dir/order-unsupported"
printf '\007\004casg-order 1\n\003\000\000\006' >"$dir/order-out-of-range"
printf '\007\004casg-order 1\n\003\000\000\000\000' >"$dir/order-left-over"
printf '\007\004casg-order 1\n\003\200\000\000\000' >"$dir/order-not-minimal"

pres () {
	printf '\000\005casg-presentation 1\nwidth 60\neol lf\nfinal-newline yes\n'
}
pres >"$dir/pres-plain"
{ pres && printf 'prologue %%3Bx%%0A\n0 c0.4\n7 w70;g3:%%20\n'; } >"$dir/pres-records"
{ pres && printf '7 c0.4\n7 c0.4\n'; } >"$dir/pres-twice"
{ pres && printf '7 -\n'; } >"$dir/pres-needless"
{ pres && printf '07 c0.4\n'; } >"$dir/pres-zero"
pres | sed 's/presentation 1/presentation 2/' >"$dir/pres-unsupported"
pres | sed 's/crlf\|lf/cr/' >"$dir/pres-bad-eol"
