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
printf '>a\nMK\n' | casg import -q --sequence-time 2024-02-01 --database t --accept-shrink -
: | casg import -q --sequence-time 2024-03-01 --database t --accept-shrink --allow-empty -

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

# under a taxonomy with a mapping
{
	printf 'id\tparent\trank\tname\n1\t1\tno rank\troot\n2\t1\tgenus\tA\n3\t2\tspecies\tA b\n'
	printf '4\t2\tspecies\tA %s\n' "$(head -c 5000 /dev/zero | tr '\0' x)"
} >taxa.tsv
casg taxonomy import -q --name t --taxonomy-time 2024-01-01 taxa.tsv
printf 'accession\taccession.version\ttaxid\tgi\nm\tm.1\t3\t0\nn\tn.1\t9\t0\n' >map.tsv
{
	printf '>a OX=3\nMK\n>b OX=4\nMK\n>c OX=7\nMK\n>m\nMK\n>n.1\nMK\n>z\nMK\n>l OX=3 '
	head -c 5000 /dev/zero | tr '\0' x
	printf '\nMK\n'
} | casg import -q --sequence-time 2024-01-01 --database v -
casg taxonomy map -q --all --name t map.tsv
for key in a b c m z l; do
	casg prove -q --as-of-taxonomy HEAD v $key >"$dir/view-$key"
done
casg prove -q --as-of-taxonomy HEAD v a c m n.1 z >"$dir/view-records"
sed '/^description/d' "$dir/view-l" >"$dir/bad-view-description"
sed 's/^mapping$/mapping /' "$dir/view-m" >"$dir/bad-view-mapping"
sed 's/^claim view header,/claim view /' "$dir/view-a" >"$dir/bad-view-claim"
