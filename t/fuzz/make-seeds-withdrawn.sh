#!/bin/sh
# Make the seeds of fuzz-withdrawn in DIR (default: seeds/withdrawn beside this
# script): a byte for the split, the list.
# usage: make-seeds-withdrawn.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/withdrawn}
mkdir -p "$dir"

t=2024-03-01T00:00:00Z
list () {
	printf '\003casg-withdrawn 1\n'
}
{ list && printf 'a\t%s\t-\t\n' $t; } >"$dir/one"
{ list && printf 'a\t%s\tb\twhy\naa\t%s\t-\t-\n"#casg"\t%s\t-\t"a\\tb\\n"\n' $t $t $t; } >"$dir/disordered"
{ list && printf '"#casg"\t%s\t-\t"a\\tb\\n"\na\t%s\tb\twhy\naa\t%s\t-\t-\n' $t $t $t; } >"$dir/three"
{ list && printf '"a"\t%s\t-\t\n' $t; } >"$dir/quoted-needless"
{ list && printf 'a\t%s\t"-"\t\n' $t; } >"$dir/quoted-dash"
{ list && printf 'a\t2024-03-01\t-\t\n'; } >"$dir/bad-time"
{ list && printf 'a\t%s\t-\t' $t; } >"$dir/cut"
list >"$dir/empty"
list | sed 's/withdrawn 1/withdrawn 2/' >"$dir/unsupported"
