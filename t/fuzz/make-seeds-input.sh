#!/bin/sh
# Make the seeds of fuzz-input in DIR (default: seeds/input beside this script)
# with the formats' own programs: gzip, bgzip, zstd, xz, bzip2.
# usage: make-seeds-input.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/input}
mkdir -p "$dir"

text () {
	printf '>a one\nACGTACGTTGCATTAC\nACGT\n>b\nMKV*\n'
}

text | gzip -nc >"$dir/gzip"
text | bgzip -c >"$dir/bgzip"
text | zstd -qc --check >"$dir/zstd"
text | xz -c >"$dir/xz"
text | bzip2 -c >"$dir/bzip2"
: | gzip -nc >"$dir/gzip-empty"
: | xz -c >"$dir/xz-empty"
: | bzip2 -c >"$dir/bzip2-empty"
: | zstd -qc >"$dir/zstd-empty"
text | gzip -1nc | cat "$dir/gzip" - "$dir/bgzip" >"$dir/gzip-joined"
cat "$dir/zstd" "$dir/zstd-empty" "$dir/zstd" >"$dir/zstd-joined"
cat "$dir/xz" "$dir/xz" >"$dir/xz-joined"
cat "$dir/bzip2" "$dir/bzip2" >"$dir/bzip2-joined"
{ cat "$dir/gzip" && printf '\0\0\0\0\0'; } >"$dir/gzip-padded"
{ cat "$dir/xz" && printf '\0\0\0\0'; } >"$dir/xz-padded"
{ printf '\120\052\115\030\002\0\0\0ab' && cat "$dir/zstd"; } >"$dir/zstd-skippable"
for format in gzip bgzip zstd xz bzip2; do
	head -c 30 "$dir/$format" >"$dir/bad-$format-cut"
	{ cat "$dir/$format" && echo garbage; } >"$dir/bad-$format-garbage"
done
# bgzip without its end-of-file block; a zstd window of 256 MiB
size=$(wc -c <"$dir/bgzip")
head -c $((size - 28)) "$dir/bgzip" >"$dir/bad-bgzip-no-end"
printf '\050\265\057\375\0\220\001\0\0' >"$dir/bad-zstd-window"
