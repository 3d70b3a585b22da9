#!/bin/sh
# Damaged, missing and old packs under versions that are stored as differences.

test_description='damaged bases, missing packs, packs of version 1'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

releases=6

# which FILE: the releases that can be exported
readable () {
	n=0
	git log --format=%H --reverse -- db/VERSION | while read -r commit; do
		n=$((n + 1))
		casg-assemble -q -- "$commit:db" >back 2>err && cmp -s back r$n.fa && echo $n
	done
	:
}

all_readable () {
	readable >actual && seq $releases >expect && test_cmp expect actual
}

restore () {
	rm -rf .git/casg/packs && cp -r good .git/casg/packs
}

test_expect_success 'setup: a series, kept as it was imported' '
	casg init -q . && git config casg.gcAuto 0 && git config casg.chunkSize 16k &&
	casg-gen --seed 1 --type protein --records 300 --length 100 >r1.fa &&
	for i in 2 3 4 5 6; do
		casg-gen --seed $i --mutate r$((i - 1)).fa --add 2 --remove 1 --describe 3 >r$i.fa || return 1
	done &&
	for i in 1 2 3 4 5 6; do
		ls .git/casg/packs >before && test_tick &&
		case $i in
		1 | 6) casg import -q -d db r$i.fa ;;
		*) plumb_import r$i.fa db ;;
		esac &&
		ls .git/casg/packs >after && comm -13 before after | sed -n "s/^pack-\(.*\)\.pack/\1/p" >packs.$i || return 1
	done &&
	all_readable && chmod -R u+w .git/casg/packs && cp -r .git/casg/packs good
'

# tree_pack N: the pack of import N that holds its tree
tree_pack () {
	while read -r id; do
		test -z "$(casg-ls-chunks --kind=nodes "$id")" || echo "$id"
	done <"packs.$1"
}

# flip_nodes PACK: a byte in its first chunk of nodes
flip_nodes () {
	flip_byte .git/casg/packs/pack-"$1".pack \
		$(($(casg-ls-chunks -l --kind=nodes "$1" | sed -n 1p | cut -f8) + 40))
}

test_expect_success 'a byte of a base: exactly what rests on it is lost, and named' '
	for i in 6 4 1; do
		restore && id=$(tree_pack $i) && test -n "$id" && flip_nodes $id &&
		readable >actual && seq $((i - 1)) >expect && test_cmp expect actual &&
		test_expect_code 1 casg-verify-pack $id 2>err && test_grep "pack-$id.pack.*nodes" err &&
		test $i = 6 || {
			next=$(tree_pack $((i + 1))) &&
			test_expect_code 128 casg-verify-pack $next 2>err &&
			test_grep "pack-$id.pack" err && test_grep "cannot be had" err
		} || { echo $i && cat err && return 1; }
	done &&
	restore && all_readable
'

test_expect_success 'a pack is missing: which node, and nothing else is lost' '
	id=$(tree_pack 3) && rm -f .git/casg/packs/pack-$id.* &&
	readable >actual && seq 2 >expect && test_cmp expect actual &&
	test_expect_code 128 casg export db >out 2>err && test_must_be_empty out &&
	test_grep "^fatal: .*[0-9a-f]\{64\} is in no pack here" err &&
	test_expect_code 128 casg-verify-pack $(tree_pack 4) 2>err &&
	test_grep "[0-9a-f]\{64\} is in no pack here" err &&
	test_expect_code 128 casg repack -a -d 2>err && test_grep "is in no pack here" err &&
	{ find .git/casg/quarantine -name "*.pack" 2>/dev/null || :; } >left && test_must_be_empty left &&
	restore && all_readable
'

test_expect_success 'a damaged tree is no reason not to import, and it is said' '
	restore && flip_nodes $(tree_pack 6) &&
	{ awk "/^>/ { \$0 = \$0 \" again\" } { print }" r6.fa && printf ">zzz\nMKV\n"; } >r7.fa &&
	test_tick && casg import -q -d db r7.fa 2>err &&
	test_grep "^warning: what is new is stored whole: .*checksum" err &&
	casg export db >back && cmp r7.fa back &&
	git reset -q --hard HEAD~1 && git reflog expire --expire=now --all && rm -f .git/ORIG_HEAD
'

test_expect_success 'but one that shares a damaged node is not committed' '
	restore && flip_nodes $(tree_pack 6) && git rev-parse HEAD >expect &&
	{ cat r6.fa && printf ">zzz\nMKV\n"; } >r7.fa &&
	test_expect_code 128 casg import -q -d db r7.fa 2>err && test_grep "^fatal: .*checksum" err &&
	git rev-parse HEAD >actual && test_cmp expect actual
'

test_expect_success 'repack joins no damaged pack, deletes nothing, and leaves nothing' '
	restore && flip_nodes $(tree_pack 4) && ls .git/casg/packs >before &&
	test_expect_code 128 casg repack -d 2>err && test_grep "^fatal: " err &&
	test_expect_code 128 casg repack -a -d 2>err && test_grep "^fatal: " err &&
	ls .git/casg/packs >after && test_cmp before after &&
	ls .git/casg/tmp >left && test_must_be_empty left &&
	test_path_is_missing .git/casg/state/import.lock && restore && all_readable
'

test_expect_success 'written anew: a byte of what all rest on, of what none rests on' '
	casg repack -a -d --quiet && casg gc --grace=0 >out && all_readable &&
	chmod -R u+w .git/casg/packs && rm -rf good && cp -r .git/casg/packs good &&
	for pack in .git/casg/packs/*.pack; do
		id=${pack##*/pack-} && id=${id%.pack} &&
		# a third of them, others every time, in the long run all
		turn=$((${turn-0} + 1)) &&
		casg-ls-chunks -l $id | awk -F "\t" -v turn=$turn -v all="${CASG_TEST_LONG-}" \
			"all != \"\" || NR % 3 == turn % 3 { print \$7 \"\t\" \$8 }" >chunks &&
		{ test $turn != 1 || test -s chunks; } &&
		while read -r number offset; do
			cp good/pack-$id.pack .git/casg/packs/ && flip_byte .git/casg/packs/pack-$id.pack $((offset + 40)) &&
			test_expect_code 1 casg-verify-pack $id 2>err &&
			test_grep "chunk $number at byte offset $offset " err || return 1
			casg-verify-pack .git/casg/packs/*.pack >out 2>&1
			test $? = 1 && readable >actual || return 1
			test $(wc -l <actual) -lt $releases || { echo "chunk $number" && return 1; }
		done <chunks || return 1
		cp good/pack-$id.pack .git/casg/packs/ || return 1
	done &&
	restore && all_readable
'

# ---- --base

test_expect_success 'mktree --base: a bad value, what is no tree, what is not there' '
	casg-pack -q r1.fa >records &&
	for bad in "" x 0123 HEAD:db; do
		test_expect_code 129 casg-mktree --base="$bad" <records >out 2>err &&
		test_must_be_empty out || return 1
	done &&
	casg-mktree -q <records >expect &&
	for base in $(printf "%064d" 7) $(casg-read-version --field=order db) \
		$(casg-hash-object -q r1.fa | sed 1q); do
		casg-mktree -q --base=$base <records >actual 2>err && test_cmp expect actual &&
		test_grep "^warning: what is new is stored whole: " err || return 1
	done &&
	base=$(casg-read-version --field=records db) &&
	casg-mktree -q --base=$base <records >actual 2>err && test_cmp expect actual &&
	test_must_be_empty err
'

# ---- packs of version 1

# to_version_1 PACK: the same chunks as an older casg has written them
to_version_1 () {
	file=.git/casg/packs/pack-$1.pack
	chmod u+w "$file" && printf "\001" | dd of="$file" bs=1 seek=8 conv=notrunc 2>/dev/null &&
	casg-reseal pack "$file" && new=$(sha256sum <"$file" | cut -d" " -f1) &&
	rm -f ".git/casg/packs/pack-$1.idx" && mv "$file" ".git/casg/packs/pack-$new.pack"
}

# plain_release FILE: a release without a base, in a tree of one node
plain_release () {
	casg-pack -q "$1" | casg-mktree -q >roots &&
	previous=$(casg-read-version --id HEAD:db 2>/dev/null)
	casg-write-version ${previous:+--previous=$previous} <roots >v &&
	commit=$(casg-commit-tree -p HEAD -m release --database=db <v) &&
	git read-tree -m -u HEAD "$commit" && git update-ref HEAD "$commit"
}

test_expect_success 'setup: a repository of version 1' '
	rm -rf old && casg init -q old && cd old && git config casg.gcAuto 0 &&
	casg-gen --seed 1 --type protein --records 12 --length 100 >r1.fa &&
	for i in 2 3; do
		casg-gen --seed $i --mutate r$((i - 1)).fa --add 9 --describe 20 >r$i.fa || return 1
	done &&
	for i in 1 2 3; do plain_release r$i.fa || return 1; done &&
	for pack in .git/casg/packs/*.pack; do
		id=${pack##*/pack-} && to_version_1 ${id%.pack} || return 1
	done &&
	# sequences first: the others refer to them
	for n in 1 2; do
		for pack in .git/casg/packs/*.pack; do
			test -e ${pack%.pack}.idx ||
				casg-index-pack --index-version=1 $pack 2>err || :
		done
	done &&
	test $(ls .git/casg/packs/*.idx | wc -l) = $(ls .git/casg/packs/*.pack | wc -l) &&
	for idx in .git/casg/packs/*.idx; do
		test "$(od -An -tu1 -j8 -N1 $idx | tr -d " ")" = 1 || return 1
	done &&
	rm -f .git/casg/index/*.objects && ls .git/casg/packs >packs
'

versions_of_packs () {
	for pack in .git/casg/packs/*.pack; do od -An -tu1 -j8 -N1 "$pack"; done | tr -d " " | sort -u
}

test_expect_success 'packs of version 1, indexes of version 1: read' '
	cd old && releases=3 && all_readable && casg-verify-pack .git/casg/packs/*.pack >out &&
	casg fsck --full >out && test "$(versions_of_packs)" = 1 &&
	git log -p --format=%H >log.before
'

test_expect_success 'they are imported onto, joined, and brought up to date' '
	cd old && releases=4 && casg-gen --seed 4 --mutate r3.fa --add 9 >r4.fa &&
	casg import -q -d db r4.fa && all_readable && git log -p --format=%H >log.before &&
	cp -r .git/casg/packs packs.v1 &&
	casg repack -d >out && test "$(versions_of_packs)" = 2 && all_readable &&
	rm -rf .git/casg/packs .git/casg/quarantine && cp -r packs.v1 .git/casg/packs &&
	casg repack -a -d >out && test "$(versions_of_packs)" = 2 && all_readable && casg fsck --full >out &&
	git log -p --format=%H >log.after && test_cmp log.before log.after
'

test_expect_success 'a single pack of version 1 is brought up to date, too' '
	cd old && rm -rf .git/casg/packs .git/casg/quarantine && cp -r packs.v1 .git/casg/packs &&
	casg repack -d --quiet && casg repack -d >out &&
	test_grep "^0 packs written, 0 replaced\$" out && test "$(versions_of_packs)" = 2
'

test_done
