#!/bin/sh
# Make the seeds of fuzz-decisions in DIR (default: seeds/decisions beside this
# script): the options, the sequences, the frame.
# usage: make-seeds-decisions.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/decisions}
mkdir -p "$dir"

# numbers N...: 8 bytes each, below 256
numbers () {
	for n; do
		printf '\000\000\000\000\000\000\000%b' "\\0$(printf %o "$n")"
	done
}

# frame NAME SEQUENCES NUMBER...: with its head and checksum put right, at 0.5; a frame
# is of as many sequences as have bit 1 set
frame () {
	name=$1
	printf '\001\144%b' "$2" >"$dir/$name"
	shift 2
	{
		printf 'CLD2\000\000\000\000'
		numbers 0 0 0 0 0 9 "$@" 0
	} >>"$dir/$name"
}

# Proteins of 60, 50 and 50 residues, the first not open.
three='\0003\0360\0312\0312'
frame members "$three" 1 0 20 2 0 0
frame representative "$three" 1 1 0 2 1 4
frame each-itself "$three" 1 1 0 2 2 0
frame nobody '\0001\0360'
frame edits-too-many "$three" 1 0 52 2 0 0
frame of-a-member "$three" 1 0 0 2 1 0
frame later "$three" 1 2 0 2 2 0
frame beyond "$three" 1 200 0 2 2 0
frame other-number "$three" 1 0 0 3 0 0
frame itself-with-edits "$three" 1 1 2 2 2 0
frame other-strand-of-protein "$three" 1 0 21 2 0 0
# 60 nucleotides first, and the others not long enough
frame other-kind '\0003\0361\0312\0312' 1 0 0 2 1 0
frame too-short '\0003\0360\0242\0242' 1 0 0 2 1 0
frame other-strand '\0002\0361\0313' 1 0 9
# as it is: no checksum
{ printf '\000' && tail -c +2 "$dir/members"; } >"$dir/no-checksum"
head -c 60 "$dir/members" >"$dir/cut"
