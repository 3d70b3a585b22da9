#!/bin/sh
# A repack that was killed is taken up, and the packs are those of one that was not.

test_description='casg repack --resume, casg optimise --resume'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq TRACE 'casg-faults true'
test_lazy_prereq NOASAN '! nm "$CASG_BUILD_DIR/libcasg.a" 2>/dev/null | grep __asan'

packs () {
	(cd "$1/.git/casg/packs" && ls ./*.pack)
}

# repack NAME [ARG...]
repack () {
	(cd "$1" && shift && casg repack -a -d --compression=3 --memory=64m "$@")
}

# find_one DIR: is there a pack?
find_one () {
	test -n "$(find "$1" -name "*.pack" 2>/dev/null)"
}

# nothing_left NAME: of what was interrupted
nothing_left () {
	find "$1/.git/casg/state" -name "*.state" -o -name "*.work*" >left && test_must_be_empty left
}

# same NAME: as without interruption
same () {
	packs "$1" >packs && test_cmp packs.expect packs && nothing_left "$1" &&
	casg -C "$1" export db >back && cmp two.fa back && casg -C "$1" fsck >fsck
}

test_expect_success 'setup: two versions; some packs that one repack writes' '
	casg-gen --seed 1 --type protein --records 4000 --length 500 >one.fa &&
	casg-gen --seed 2 --type protein --records 3000 --length 500 >more.fa && cat one.fa more.fa >two.fa &&
	casg init -q start && for set in "packSize 1m" "chunkSize 64k" "gcAuto 0"; do git -C start config casg.$set || return 1; done &&
	casg -C start import -q -d db ../one.fa && casg -C start import -q -d db ../two.fa &&
	cp -pR start whole && repack whole >out && packs whole >packs.expect && cp packs.expect saved.expect && test_line_count -ge 3 packs.expect &&
	nothing_left whole
'

# killed_at N: all processes of a repack, before their Nth change, in "work"
killed_at () {
	rm -rf work && cp -pR start work &&
	{ (cd work && casg-faults "--kill-all=$1" --log=../log.now -- casg repack -a -d -q --compression=3 --memory=64m); test $? -gt 128; }
}

test_expect_success TRACE,NOASAN 'setup: where it can be killed' '
	cp -pR start traced && (cd traced && casg-faults --log=../log -- casg repack -a -d -q --compression=3 --memory=64m) &&
	grep "casg-pack-versi[a-z]*	rename	.*\.pack\$" log | cut -f1 >finished && test_line_count -ge 3 finished &&
	grep "casg-prune-pack[a-z]*	link	.*\.pack\$" log | cut -f1 >linked && test_line_count -ge 3 linked &&
	grep "casg-prune-pack[a-z]*	rename	.*quarantine.*\.pack\$" log | cut -f1 >gone && test_line_count -ge 3 gone
'

# A gc between has no effect on what is kept, nor on what is to be done.
test_expect_success TRACE,NOASAN 'killed at pack boundaries, among trees, between two stages; gc; taken up' '
	all=$(wc -l <finished) &&
	for n in "$(sed -n 2p finished)" "$(($(sed -n 2p finished) + 1))" "$(($(sed -n \$p finished) - 20))" \
		"$(($(sed -n \$p finished) + 1))" "$(($(sed -n 2p linked) + 1))" "$(sed -n 2p gone)"; do
		killed_at $n && kept=$(find work/.git/casg/state/repack.work -name "*.pack" | wc -l) &&
		casg -C work gc -q --grace=0 &&
		(cd work && casg-faults --log=../log.again -- casg repack -a -d --resume --compression=3 --memory=64m) >out 2>err && same work &&
		again=$(grep -c "casg-pack-versi[a-z]*	rename	.*\.pack\$" log.again) || test "$again" = 0 &&
		test $((kept + again)) = $all && test_grep "^$((all)) packs written" out || { echo "$n $kept $again" && return 1; }
	done
'

test_expect_success TRACE,NOASAN 'casg state: what is done, of what' '
	killed_at $(($(sed -n 2p finished) + 20)) && casg -C work state >state && test_line_count = 1 state &&
	IFS="$TAB" read -r name objects written total packs version digest <state && test "$name" = repack &&
	test "$packs" = 2 && test "$objects" -gt 2000 && test "$written" -gt 1000000 && test "$written" -lt "$total" &&
	test "$total" = "$(cat start/.git/casg/packs/*.pack | wc -c)" && test "${#digest}" = 64 &&
	test_grep "^operation repack compression=3 " work/.git/casg/state/repack.state &&
	cp -pR work saved
'

# refused SAYS ARG...: and what is finished stays
refused () {
	says=$1 && shift && find work/.git/casg/state ! -name "import.lock*" >before &&
	test_expect_code 128 repack work --resume "$@" >out 2>err && test_grep "$says" err &&
	find work/.git/casg/state ! -name "import.lock*" >after && test_cmp before after
}

test_expect_success TRACE,NOASAN 'other settings, another casg, another version: refused' '
	refused "another operation: .*compression=3 .*compression=4 " --compression=4 &&
	refused "another operation" --window=1m && refused "another operation" --match=7 &&
	state=work/.git/casg/state/repack.state && chmod u+w $state && cp $state good &&
	sed "s/^casg .*/casg 0.0.9/" good >$state && refused "casg 0.0.9" && cp good $state &&
	git -C work config casg.packSize 2m && refused "another operation" && git -C work config casg.packSize 1m &&
	casg -C work import -q -d db ../more.fa --accept-shrink && refused "are others than" &&
	git -C work reset -q --hard HEAD~1 && git -C work reflog expire --expire=now --all && casg -C work gc -q --grace=0 &&
	repack work -q --resume && same work
'

test_expect_success TRACE,NOASAN 'without --resume, and after it is dropped: from the beginning' '
	for how in plain drop; do
		rm -rf work && cp -pR saved work &&
		if test $how = plain; then
			repack work -q
		else
			casg -C work state drop repack >out && test_grep "^repack: dropped" out && nothing_left work &&
			repack work --resume >out 2>err && test_grep "nothing to take up" err
		fi && same work || return 1
	done
'

test_expect_success TRACE,NOASAN 'what is finished is damaged: from the beginning' '
	rm -rf work && cp -pR saved work && set -- work/.git/casg/state/repack.work/*.pack && chmod u+w "$1" &&
	printf X | dd of="$1" bs=1 seek=3000 conv=notrunc 2>/dev/null &&
	repack work --resume >out 2>err && test_grep "damaged: from the beginning" err && same work
'

test_expect_success TRACE,NOASAN 'all was finished: only with the same versions and settings' '
	killed_at "$(sed -n 2p linked)" && refused "other settings" --window=4m &&
	casg -C work import -q -d db ../more.fa --accept-shrink && refused "versions are others"
'

test_expect_success 'a signal: without --resume nothing stays, with it what is finished does' '
	for resume in "" --resume; do
		rm -rf work && cp -pR start work && packs work >before &&
		{ (cd work && exec setsid casg repack -a -d $resume --memory=64m) >out 2>err & } && group=$! &&
		wait_for find_one work/.git/casg/state/repack.work &&
		kill -s TERM -- "-$group" && { wait $group; code=$?; } && wait_for none_of $group || return 1
		# it may have been through with writing before
		packs work >after && cmp -s before after || continue
		if test -z "$resume"; then
			nothing_left work
		else
			# or it was killed before the first was noted, and that went
			test_grep "resume takes it up" err &&
			{ find_one work/.git/casg/state/repack.work || test_grep ! "^pack " work/.git/casg/state/repack.state; }
		fi || return 1
	done
'

test_expect_success TRACE,NOASAN 'a failure: the same' '
	for resume in "" --resume; do
		rm -rf work && cp -pR start work && packs work >before &&
		{ (cd work && casg-faults --under="$PWD/.git/casg/state" --only=rename --fail-once=9 --error=EIO -- \
			casg repack -a -d $resume --compression=3 --memory=64m) >out 2>err; test $? = 128; } &&
		packs work >after && test_cmp before after &&
		if test -z "$resume"; then
			nothing_left work
		else
			test_grep "resume takes it up" err && find_one work/.git/casg/state/repack.work &&
			cp saved.expect packs.expect && repack work -q --resume && same work
		fi || return 1
	done
'

# optimise NAME [ARG...]: step by step
optimise () {
	(cd "$1" && shift && casg optimise --strategy=deduplication --strategy=compression --target-savings=100% --memory=64m "$@")
}

# The first step is done and the second one under way when it is killed.
test_expect_success TRACE,NOASAN 'casg optimise --resume: steps that are done are not done again' '
	rm -rf whole work && cp -pR start whole && test_expect_code 1 optimise whole -q && packs whole >packs.expect && nothing_left whole &&
	cp -pR start traced2 && { (cd traced2 && casg-faults --log=../log2 -- casg optimise -q --strategy=deduplication \
		--strategy=compression --target-savings=100% --memory=64m); :; } &&
	grep "casg-pack-versi[a-z]*	rename	.*\.pack\$" log2 | cut -f1 >finished2 && all=$(wc -l <finished2) &&
	n=$(($(sed -n "$((all / 2 + 2))p" finished2) + 5)) && cp -pR start work &&
	{ (cd work && casg-faults --kill-all=$n --log=../log.now -- casg optimise -q --strategy=deduplication \
		--strategy=compression --target-savings=100% --memory=64m); test $? -gt 128; } &&
	casg -C work state >state && test_line_count = 2 state && test_grep "^optimise	1	" state && cp -pR work saved2 &&
	test_expect_code 128 casg -C work optimise --resume --strategy=compression --memory=64m 2>err && test_grep "another operation" err &&
	{ (cd work && casg-faults --log=../log.again -- casg optimise --resume --strategy=deduplication \
		--strategy=compression --target-savings=100% --memory=64m >../out); test $? = 1; } &&
	again=$(grep -c "casg-pack-versi[a-z]*	rename	.*\.pack\$" log.again) && test $again -le $((all / 2 - 2)) &&
	test_grep "^$(cat start/.git/casg/packs/pack-* | wc -c) bytes before" out && same work &&
	# and without it all is done again
	rm -rf work && mv saved2 work && test_expect_code 1 optimise work -q && same work
'

test_expect_success 'usage' '
	test_expect_code 129 casg -C whole repack --resume && test_expect_code 129 casg -C whole repack --resume --remote=x &&
	test_expect_code 129 casg -C whole optimise --resume --dry-run && test_expect_code 129 casg -C whole optimise --resume --analyse &&
	test_expect_code 129 casg-pack-versions --resume </dev/null && test_expect_code 129 casg-pack-versions --state=x </dev/null &&
	test_expect_code 129 casg-prune-packs --take=x --list
'

test_done
