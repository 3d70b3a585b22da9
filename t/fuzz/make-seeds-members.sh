#!/bin/sh
# Make the seeds of fuzz-members in DIR (default: seeds/members beside this
# script): a byte for the split, how many records, the map; or "p" and a PROFILE.
# usage: make-seeds-members.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/members}
mkdir -p "$dir"

# map NAME COUNT BYTES, count and bytes as printf has them
map () {
	printf '\003%bcasg-members 1\n%b' "$2" "$3" >"$dir/$1"
}

map four '\0004' '\0004\0000\0001\0006\0002\0001\0000'
map none '\0000' '\0000'
map other-count '\0003' '\0004\0000\0001\0006\0002\0001\0000'
map chain '\0003' '\0003\0000\0001\0000\0001\0000'
map each-other '\0002' '\0002\0002\0000\0001\0000'
map before-first '\0001' '\0001\0001\0000'
map behind-last '\0002' '\0002\0000\0002\0000'
map cut '\0002' '\0002\0000\0001'
map more '\0001' '\0001\0000\0000'
map long-form '\0002' '\0002\0000\0201\0000\0000'
map wraps '\0002' '\0002\0000\0377\0377\0377\0377\0377\0377\0377\0377\0377\0001\0000'
map edits '\0002' '\0002\0000\0001\0377\0377\0377\0377\0377\0377\0377\0377\0377\0001'
sed 's/members 1/members 2/' "$dir/four" >"$dir/unsupported"
sed 's/members 1/member/' "$dir/four" >"$dir/other"

id=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
profile () {
	printf 'pcasg-profile 1\nversion %s\nrecords %s\nmembers %s\n' $id $id $id
	cat
}
profile >"$dir/profile" <<\EOT
identity 0.900
coverage 0.800
count 10
representatives 3
residues 100
kept 30
EOT
sed 's/^count/size 0.300\ncount/' "$dir/profile" >"$dir/profile-size"
sed 's/^count/size 0.000\ncount/' "$dir/profile" >"$dir/profile-size-0"
sed 's/0\.900/1.900/' "$dir/profile" >"$dir/profile-share"
sed 's/^count 10/count 010/' "$dir/profile" >"$dir/profile-number"
sed 's/^kept 30/kept 300/' "$dir/profile" >"$dir/profile-kept"
sed 's/profile 1/profile 2/' "$dir/profile" >"$dir/profile-unsupported"
sed '$d' "$dir/profile" >"$dir/profile-cut"
