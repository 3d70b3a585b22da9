#!/bin/sh
# Make the seeds of fuzz-proof in DIR (default: seeds/proof beside this
# script), with the casg that is in PATH: a proof of each kind, and some that
# were spoilt.
# usage: make-seeds-proof.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds/proof}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b

casg init -q .
i=1000
while test $i -lt 1300; do
	printf '>k%d text %d\nACGT%d\n' $i $i $i | tr 0123456789 ABCDEFGHIK
	i=$((i + 1))
done >t.fa
{
	printf '>LONG '
	head -c 5000 /dev/zero | tr '\0' x
	printf '\nMK\n>LONG\nMK\n>LONG a\nMK\n'
} >>t.fa
casg import -q --sequence-time 2024-01-01 --database t t.fa
printf '>a\nMK\n' | casg import -q --sequence-time 2024-02-01 --database t --allow-empty -
: | casg import -q --sequence-time 2024-03-01 --database t --allow-empty -

casg prove HEAD~2:t LONG >"$dir/key"
casg prove -q HEAD~2:t LONGER >"$dir/absent"
casg prove -q t a >"$dir/empty"
casg prove HEAD~2:t kBAAA kBCAA kBCFA >"$dir/records"
casg prove HEAD~1:t "$(printf MK | sha256sum | cut -c1-64)" >"$dir/sequence"
printf '>a\nMKV\n>b\nMKL\n>c\nMKV\n' | casg import -q --sequence-time 2024-01-01 --database u -
chunk=$(casg ls-chunks --kind=sequences u | head -n 1 | cut -f1)
casg prove --chunk "$chunk" u >"$dir/chunk"
casg prove --history a --since 2024-02-01 t >"$dir/history"
sed 's/^node 1 0 /node 1 1 /' "$dir/key" >"$dir/bad-level"
sed 's/^hash 1 /hash 2 /' "$dir/key" >"$dir/bad-span"
sed 's/^casg-proof 1/casg-proof 2/' "$dir/key" >"$dir/unsupported"
sed 's/^claim .*/claim history 2030-01-01T00:00:00Z a/' "$dir/key" >"$dir/bad-claim"
head -n 20 "$dir/key" >"$dir/bad-cut"
