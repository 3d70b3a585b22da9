#!/bin/sh
# Make the seeds of fuzz-packids in DIR (default: seeds/packids beside this
# script): what casg push stores beside packs, without the checksum.  Needs casg
# and casg-gen on PATH.
# usage: make-seeds-packids.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/packids}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# ids NAME <FASTA: of all packs of one import
ids () {
	rm -rf r st && casg init -q r && mkdir st && cat >r.fa
	(cd r && casg import -q -d db ../r.fa && for idx in .git/casg/packs/*.idx; do
		id=${idx##*/pack-} && echo "${id%.idx}"
	done | casg-send-pack -q --ids --url="file://$tmp/st" >/dev/null)
	n=0
	for f in st/ids/*.ids; do
		head -c -32 "$f" >"$dir/$1-$n"
		n=$((n + 1))
	done
}
export SOURCE_DATE_EPOCH=1700000000 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
printf '>a\nMKV\n>b\nMKW\n' | ids two
casg-gen --seed 1 --type protein --records 40 | ids forty
casg-gen --seed 1 --type dna --records 2 --length 40 | ids dna
cd "$dir"
head -c 50 two-0 >begun
{ head -c 7 two-0; printf '\002'; tail -c +9 two-0; } >unsupported
{ head -c 48 two-0; printf '\377\377\377\377'; tail -c +53 two-0; } >many-chunks
{ head -c 52 two-0; printf '\377\377\037\000'; tail -c +57 two-0; } >many-objects
{ head -c 68 two-0; head -c 32 /dev/zero; tail -c +101 two-0; } >other-chunk
