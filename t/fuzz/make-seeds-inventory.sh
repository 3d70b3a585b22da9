#!/bin/sh
# Make the seeds of fuzz-inventory in DIR (default: seeds/inventory beside this
# script): 'r' and a record, or 's' and a summary.
# usage: make-seeds-inventory.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/inventory}
mkdir -p "$dir"

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
y=a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa
head () {
	printf 'casg-inventory 1\ntime 2024-03-01T00:00:0%sZ\n' "$1"
}
first () {
	head 0
	printf 'pack %s 1000 nodes,sequences\nversion %s\n' "$y" "$x"
}
# add RECORD-FILE: it, behind the line of a summary
add () {
	printf 'record %s %s\n' "$(sha256sum <"$1" | cut -c1-64)" "$(wc -c <"$1")"
	cat "$1"
}
{ printf r && first; } >"$dir/record"
{ printf r && head 0 && printf 'after %s\npack %s 1 nodes\nreplaced %s\nversion %s\nversion %s\n' $x $x $y $x $y; } >"$dir/all-fields"
{ printf r && head 0 && printf 'version %s\npack %s 1 nodes\n' $x $x; } >"$dir/disordered"
{ printf r && first | sed 's/1000/01000/'; } >"$dir/bad-size"
{ printf r && first | tr -d '\n'; } >"$dir/no-lines"
{ printf r && first | sed 's/inventory 1/inventory 2/'; } >"$dir/unsupported"
printf 's' >"$dir/nothing"
printf 'scasg-inventories 1\n' >"$dir/empty"
tmp=$dir/.tmp
mkdir "$tmp"
first >"$tmp/a"
{ head 1 && printf 'after %s\npack %s 5 nodes\nreplaced %s\nversion %s\n' "$(sha256sum <"$tmp/a" | cut -c1-64)" $x $y $y; } >"$tmp/b"
{ head 2 && printf 'pack %s 5 nodes\nreplaced %s\nversion %s\n' $y $x $y; } >"$tmp/c"
{ printf 'scasg-inventories 1\n' && add "$tmp/a"; } >"$dir/one"
{
	printf 'scasg-inventories 1\n'
	for f in "$tmp"/?; do
		printf '%s %s\n' "$(sha256sum <"$f" | cut -c1-64)" "$f"
	done | sort | while read -r _ f; do
		add "$f"
	done
} >"$dir/replacing"
{ printf 'scasg-inventories 1\n' && add "$tmp/a" && add "$tmp/a"; } >"$dir/twice"
{ printf 'scasg-inventories 1\n' && add "$tmp/a" | sed 's/1000/1001/'; } >"$dir/other-bytes"
{ printf 'scasg-inventories 1\n' && add "$tmp/a" | sed '1s/ 207/ 9223372036854775807/'; } >"$dir/long"
rm -r "$tmp"
