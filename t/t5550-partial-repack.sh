#!/bin/sh
# Repacking in partial clones: what is here is written anew, what is promised stays
# promised, and nothing is lost.

test_description='casg repack in partial clones'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'setup: a remote with proteins, and long sequences of DNA' '
	casg-gen --seed 1 --type protein --records 1000 --length 300 >v1.fa && casg-gen --seed 2 --mutate v1.fa --add 5 --change 2 >v2.fa &&
	casg-gen --seed 3 --mutate v2.fa --add 5 --change 2 >v3.fa && casg-gen --seed 4 --mutate v3.fa --add 5 --change 2 >v4.fa &&
	casg-gen --seed 7 --type dna --records 2 --length 600000 >long.fa && sed "1,900d" long.fa | tail -n +1 >tail && { echo ">joined" && cat tail; } | sed "2,\$s/^>.*//" >joined.fa &&
	{ cat long.fa && cat joined.fa; } >long2.fa &&
	casg init -q src && git init -q --bare remote.git && mkdir store && cd src && git config casg.chunkSize 32k && casg import -q -d db ../v1.fa && casg import -q -d db ../v2.fa && casg import -q -d long ../long.fa &&
	casg remote add origin ../remote.git ../store && casg push -q -u
'

make_part () {
	name=$1 && shift && rm -rf "$name" && casg clone -q --storage store "$@" remote.git "$name" && cd "$name" && git config casg.chunkSize 32k &&
	CASG_NO_FETCH=1 casg import -q -d db ../v3.fa && CASG_NO_FETCH=1 casg import -q -d db ../v4.fa && CASG_NO_FETCH=1 casg import -q -d long ../long2.fa && cd ..
}
# is_sound: all versions as they were, here or from the storage, and what was here still is
is_sound () {
	casg fsck -q --full && casg cache clear && casg export db >../got && cmp ../v4.fa ../got && casg export HEAD~1:db >../got && cmp ../v4.fa ../got &&
	casg export HEAD~2:db >../got && cmp ../v3.fa ../got && casg export HEAD~4:db >../got && cmp ../v2.fa ../got && casg export long >../got && cmp ../long2.fa ../got && casg cache clear
}
# local_ones: what was imported here, and no storage has, of two versions
# shellcheck disable=SC2046 # keys are words
local_ones () {
	casg-ls-tree HEAD~4:db | cut -f 2 >../old && for v in HEAD HEAD~2; do
		casg-ls-tree $v:db | awk -F "\t" "FILENAME == ARGV[1] { old[\$1] = 1; next } !(\$2 in old) { print \$1 }" ../old - | sed "/^#casg/d" >../new &&
		CASG_NO_FETCH=1 casg cat $v:db $(cat ../new) || return 1
	done
}

test_expect_success 'repack -a -d: fewer packs, nothing comes, nothing is lost, gc agrees' '
	make_part none --no-data && cd none && casg ls db >../keys && local_ones >../before && test "$(grep -c ">" ../before)" -gt 100 && ls .git/casg/packs/*.pack | wc -l >../n &&
	ls -d .git/casg/partial/pack-*.idx >../promised && casg repack -a -d >../out && test_grep "packs written, [1-9]" ../out &&
	test "$(find .git/casg/cache .git/casg/partial/chunks -type f ! -name table -newer ../promised 2>/dev/null | wc -l)" = 0 && ls .git/casg/packs/*.pack | wc -l >../n2 && test "$(cat ../n2)" -lt "$(cat ../n)" &&
	ls -d .git/casg/partial/pack-*.idx >../now && test_cmp ../promised ../now && local_ones >../after && test_cmp ../before ../after && is_sound &&
	casg gc -q --grace=0 && local_ones >../after && test_cmp ../before ../after && is_sound && casg ls db >../keys2 && cmp ../keys ../keys2
'

test_expect_success 'once more changes nothing; --geometric joins; so does plain -d' '
	cd none && casg repack -q -a -d && ls .git/casg/packs/*.pack >../packs && casg repack -q -a -d && ls .git/casg/packs/*.pack >../packs2 && test_cmp ../packs ../packs2 && casg repack --geometric=2 -d -q && is_sound && casg repack -d -q && casg gc -q --grace=0 && is_sound
'

test_expect_success 'with sequences that were kept, and some that files had' '
	make_part some --database db --from v1.fa && cd some && local_ones >../before && casg repack -q -a -d && casg gc -q --grace=0 && local_ones >../after && test_cmp ../before ../after && is_sound &&
	CASG_NO_FETCH=1 casg export HEAD~4:db >../got && cmp ../v2.fa ../got
'

test_expect_success '--optimise, and a fetch afterwards' '
	cd some && casg repack -q --optimise -d && is_sound && casg fetch -q && casg fetch -q --refetch && is_sound
'

test_expect_success 'long sequences of which some pieces are promised' '
	make_part pieces --no-data --from long.fa && cd pieces && casg fetch -q --from ../long.fa --database long && CASG_NO_FETCH=1 casg export HEAD~3:long >../got && cmp ../long.fa ../got &&
	local_ones >../before && casg repack -q -a -d && casg gc -q --grace=0 && CASG_NO_FETCH=1 casg export HEAD:long >../got && cmp ../long2.fa ../got && local_ones >../after && test_cmp ../before ../after && is_sound
'

test_expect_success 'killed in the midst: as before' '
	make_part killed --no-data && cd killed && local_ones >../before && for s in 0.05 0.1 0.15 0.2 0.3; do
		timeout -s KILL $s casg repack -q -a -d >/dev/null 2>&1
		casg fsck -q --full || return 1
	done && local_ones >../after && test_cmp ../before ../after && casg repack -q -a -d && casg gc -q --grace=0 && local_ones >../after && test_cmp ../before ../after && is_sound
'

test_expect_success 'a push after that: the remote has all' '
	cd none && casg push -q && cd .. && casg clone -q --storage store remote.git whole && cd whole && is_sound
'

test_expect_success 'a remote is not repacked from a partial clone' '
	test_expect_code 128 casg -C none repack --remote=origin 2>err && test_grep "partial clone" err
'

test_done
