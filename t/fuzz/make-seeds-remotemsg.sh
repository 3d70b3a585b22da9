#!/bin/sh
# Make the seeds of fuzz-remotemsg in DIR (default: seeds/remotemsg beside this
# script): 'q' and a request, 'a' and an answer, or 'v' and a validator.
# usage: make-seeds-remotemsg.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/remotemsg}
mkdir -p "$dir"

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
n=0
while read -r line; do
	n=$((n + 1))
	printf '%s' "$line" >"$dir/$(printf '%02d' $n)"
done <<EOS
q1 have INVENTORY
q2 get packs/pack-$x.pack range=0-99 if=%22a%22
q3 get a range=7-
q4 put-new inventory/$x 12 $x
q5 list -
q6 list packs/
q7 get ../a
q01 have a
a1 yes 12 %22a%22
a2 data 1048576
a2 done 12 -
a3 entry packs/a 7
a4 error retry 503 and more
a5 same
a6 data 0
v%22a%22
v-
v%2D
v%41
EOS
