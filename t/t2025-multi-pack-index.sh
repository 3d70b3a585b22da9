#!/bin/sh
# One index over all packs: a help to those who search, never another answer.

test_description='the multi-pack index'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

multi=.git/casg/index/multi-pack-index

# twelve [OPTION]: releases of a record each, so twelve packs or more
twelve () {
	casg init -q . &&
	for i in 01 02 03 04 05 06 07 08 09 10 11 12; do
		printf '>r%s\nMKVLAT%s\n' "$i" "$(echo "$i" | tr 0-9 A-J)" >"$i.fa" &&
		plumb_import "$i.fa" "db$i" || return 1
	done &&
	{ printf '>last\nMKVL\n' >last.fa && casg import --quiet --database last last.fa; }
}

# opened PROGRAM...: how many indexes of packs it opens
opened () {
	strace -f -e trace=openat -o trace "$@" >out 2>err &&
	grep -c 'packs/pack-[0-9a-f]*\.idx' trace
}

test_expect_success 'setup' '
	git config --global casg.gcAuto 0 &&
	twelve &&
	test "$(ls .git/casg/packs/*.pack | wc -l)" -gt 11 &&
	cp -pR .git before.git
'

test_expect_success 'an import writes it when there are many packs' '
	test_path_is_file $multi &&
	casg multi-pack-index verify &&
	rm $multi &&
	casg multi-pack-index verify &&
	casg multi-pack-index --auto write &&
	test_path_is_file $multi &&
	cp $multi first &&
	casg multi-pack-index --auto write &&
	casg multi-pack-index write &&
	cmp first $multi
'

test_expect_success 'everything is found by it and without it' '
	for i in 01 05 12; do
		casg-cat-record "db$i" "r$i" >with || return 1
		mv $multi away &&
		casg-cat-record "db$i" "r$i" >without || return 1
		mv away $multi &&
		test_cmp without with || return 1
	done
'

test_expect_success STRACE 'it opens the packs that have what is asked for' '
	n=$(opened casg-cat-record db05 r05) &&
	test "$n" -lt 4 &&
	test_expect_code 1 casg-cat-record db05 nowhere &&
	mv $multi away &&
	n=$(opened casg-cat-record db05 r05) &&
	mv away $multi &&
	test "$n" -gt 11
'

test_expect_success 'packs that have come since are looked into' '
	printf ">new\nWWWWWW\n" >new.fa &&
	cp $multi before &&
	casg import --quiet --database new new.fa &&
	cmp before $multi &&
	casg cat new new >out &&
	test_cmp new.fa out
'

test_expect_success 'packs that are gone are passed over' '
	cp $multi before &&
	casg repack -a -d --quiet &&
	casg gc --quiet --grace=0 &&
	cp before $multi &&
	casg multi-pack-index verify &&
	for i in 01 05 12; do
		casg cat "db$i" "r$i" >out && test_cmp "$i.fa" out || return 1
	done &&
	casg fsck --quiet &&
	casg repack --quiet -d &&
	! cmp before $multi &&
	casg multi-pack-index verify
'

test_expect_success 'setup of damage' '
	mkdir damage &&
	cp -pR before.git damage/.git && cp ./*.fa damage &&
	(cd damage && git reset -q --hard) &&
	cp damage/$multi good
'

test_expect_success 'a damaged one is no answer, and fsck tells of it' '
	cd damage &&
	size=$(wc -c <$multi) &&
	for at in 0 9 13 17 25 29 40 200 500 $((size - 20)) $((size - 4)); do
		cp ../good bent && chmod u+w bent &&
		printf "\377" | dd of=bent bs=1 seek="$at" conv=notrunc 2>/dev/null &&
		mv -f bent $multi &&
		casg-cat-record db07 r07 >out && test_cmp 07.fa out &&
		test_expect_code 1 casg-multi-pack-index verify 2>err &&
		if test_every 5; then
			casg cat db07 r07 >out && test_cmp 07.fa out &&
			printf "r07\nnot\n" | casg cat --batch db07 >out &&
			grep MKVLATAH out &&
			test_expect_code 1 casg fsck --quiet 2>err &&
			grep "multi-pack index" err
		fi || return 1
	done
'

test_expect_success 'one that is cut short is no answer' '
	cd damage &&
	for n in 0 1 39 100 $(($(wc -c <../good) - 1)); do
		rm -f $multi &&
		head -c "$n" ../good >$multi &&
		casg-cat-record db07 r07 >out && test_cmp 07.fa out &&
		test_expect_code 1 casg-multi-pack-index verify || return 1
	done
'

test_expect_success 'one that lacks what it claims to have is found out' '
	cd damage &&
	rm -f $multi && cp ../good $multi && chmod u+w $multi &&
	at=$((32 + 32 * $(od -A n -t u4 -j 12 -N 4 $multi) + 1)) &&
	printf "\252\252" | dd of=$multi bs=1 seek=$at conv=notrunc 2>/dev/null &&
	casg-reseal idx $multi &&
	test_expect_code 1 casg multi-pack-index verify 2>err &&
	grep "lacks" err &&
	test_expect_code 1 casg fsck --quiet 2>err &&
	grep "lacks" err
'

test_expect_success 'maintenance puts it right' '
	cd damage &&
	casg maintenance run --task=index --quiet &&
	casg multi-pack-index verify &&
	casg fsck --quiet
'

test_expect_success 'a pack without an index of its own is told as before' '
	cd damage &&
	idx=$(ls .git/casg/packs/*.idx | head -n 1) &&
	mv "$idx" kept &&
	test_expect_code 1 casg fsck --quiet 2>err &&
	grep "${idx##*/}" err &&
	mv kept "$idx"
'

test_expect_success 'two writers at once leave a good one' '
	cd damage &&
	for i in 1 2 3 4; do
		casg-multi-pack-index write & casg-multi-pack-index write & wait
		casg-multi-pack-index verify || return 1
	done &&
	test -z "$(ls .git/casg/tmp)"
'

test_expect_success 'nothing is left of one that cannot be written' '
	cd damage &&
	rm -f $multi && mkdir $multi && : >$multi/x &&
	test_expect_code 128 casg multi-pack-index write &&
	test -z "$(ls .git/casg/tmp)" &&
	casg cat db07 r07 >out && test_cmp 07.fa out &&
	rm -r $multi
'

test_expect_success 'wrong usage' '
	test_expect_code 129 casg multi-pack-index &&
	test_expect_code 129 casg multi-pack-index rewrite &&
	test_expect_code 129 casg multi-pack-index --auto verify
'

test_done
