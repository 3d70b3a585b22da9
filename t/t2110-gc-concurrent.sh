#!/bin/sh
# Imports and gc at once, and killed at any time: nothing is lost.

test_description='gc beside imports and git, gc killed'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq KILLABLE 'setsid true && ps -A -o pgid= -o stat='

# every release that was committed, byte for byte: branch N has inN.fa; every
# third time as fsck sees it, too
intact () {
	if test_every 3; then
		casg fsck --full >fsck.out 2>&1
	else
		casg-verify-pack .git/casg/packs/*.pack >fsck.out 2>&1
	fi || { cat fsck.out && return 1; }
	for ref in $(git for-each-ref --format="%(refname)" refs/heads); do
		for db in $(casg-read-version --list "$ref" | cut -d" " -f2); do
			casg-assemble -q -- "$ref:$db" >back && cmp "$db.fa" back || { echo "$ref:$db" && return 1; }
		done || return 1
	done
}

# forget: the branches are gone but for the first, and with them their versions
forget () {
	git for-each-ref --format="delete %(refname)" refs/heads/x >list &&
	git update-ref --stdin <list && git reflog expire --expire=now --all
}

test_expect_success 'setup' '
	casg init -q . &&
	casg-gen --seed 1 --type protein --records 300 --length 100 >base.fa &&
	casg import -q base.fa && git branch start &&
	for i in 1 2 3 4 5 6; do
		casg-gen --seed 1$i --type protein --records 200 --length 100 >in$i.fa &&
		cat base.fa >>in$i.fa || return 1
	done
'

test_expect_success 'imports of all kinds and gc --grace=0, again and again' '
	rm -f stop failed gcs &&
	{
		{
			until test -e stop; do
				casg gc --quiet --grace=0 || echo gc >>failed
				echo >>gcs
			done
		} &
	} &&
	for round in 1 ${CASG_TEST_LONG:+2}; do
		{ { for i in 1 2 3; do casg import -q -d in$i in$i.fa || echo $i >>failed; done; } & one=$!; } &&
		for i in 4 5 6; do casg import -q -d in$i in$i.fa || echo $i >>failed; done &&
		wait $one &&
		# what was committed goes, and is imported again: revived, or made anew
		test $(casg-read-version --list | wc -l) = 7 && git reset -q --hard start &&
		git update-ref -d ORIG_HEAD && git reflog expire --expire=now --all || return 1
	done &&
	for i in 1 4 6; do casg import -q -d in$i in$i.fa || echo $i >>failed; done &&
	wait_for test -s gcs && : >stop && wait && test_path_is_missing failed &&
	intact && casg gc -q --grace=0 && intact &&
	ls .git/casg/quarantine >tmp && test_must_be_empty tmp &&
	ls .git/casg/tmp >tmp && test_must_be_empty tmp
'

test_expect_success 'packs that come and go while versions are written' '
	git branch x/keep && git reset -q --hard start && rm -f stop failed &&
	{
		{
			until test -e stop; do
				casg-prune-packs --grace=0 </dev/null >out.prune 2>&1 || :
			done
		} &
	} && pruner=$! &&
	n=0 && failures=0 &&
	while test $n -lt 6; do
		n=$((n + 1))
		casg import -q -d in$n in$n.fa 2>err || { failures=$((failures + 1)) && cat err; }
	done &&
	: >stop && wait $pruner &&
	casg gc -q && intact
'

test_expect_success 'readers meanwhile' '
	git branch -D x/keep >/dev/null && git reflog expire --expire=now --all &&
	git branch x/side && git reset -q --hard start && rm -f stop failed reads &&
	{
		{
			until test -e stop; do
				casg export x/side:in1 2>&1 | cmp - in1.fa || echo read >>failed
				echo >>reads
			done
		} &
	} && reader=$! &&
	for i in 1 2 3 4 5 6; do
		ls .git/casg/packs/*.pack | sed "s/.*pack-//; s/\.pack//" >ids &&
		casg-prune-packs $(cat ids) >/dev/null && casg-prune-packs --revive $(cat ids) >/dev/null || return 1
	done &&
	wait_for test -s reads && : >stop && wait $reader && test_path_is_missing failed && intact
'

test_expect_success 'git meanwhile: what it names anew is not deleted' '
	git reset -q --hard start && forget && casg gc -q --grace=0 &&
	git checkout -q -b x/late && casg import -q -d in1 in1.fa && late=$(git rev-parse HEAD) &&
	git checkout -q - && mkdir -p bin &&
	ln -sf "$CASG_BUILD_DIR"/bin-wrappers/* bin/ &&
	rm bin/casg-prune-packs && cat >bin/casg-prune-packs <<-EOF &&
	#!/bin/sh
	case "\$*" in
	*--expire*) ;;
	*) test -e done || { "$CASG_BUILD_DIR/bin-wrappers/casg-prune-packs" "\$@" && git update-ref refs/heads/x/again $late && : >done; exit; } ;;
	esac
	exec "$CASG_BUILD_DIR/bin-wrappers/casg-prune-packs" "\$@"
	EOF
	chmod +x bin/casg-prune-packs && git tag keep $late && git update-ref -d refs/heads/x/late &&
	git reflog expire --expire=now --all && git gc -q && git tag -d keep >/dev/null &&
	casg --exec-path="$PWD/bin" gc >out && test_path_is_file done && test_grep " 0 revived" out && rm done &&
	git update-ref -d refs/heads/x/again && git config gc.pruneExpire never &&
	cp -r .git/objects objects &&
	sed -i "s/test -e done/cp -r objects .git \&\& test -e done/" bin/casg-prune-packs &&
	find .git/casg/packs -exec touch -d "1 hour ago" {} + &&
	casg --exec-path="$PWD/bin" gc --grace=60 >out && test_path_is_file done &&
	test_grep " 2 revived\$" out && casg export x/again:in1 >back && cmp in1.fa back && intact
'

# ---- what packs that stay rest on

# packs_with KIND: those with chunks of this kind
packs_with () {
	for pack in .git/casg/packs/*.pack; do
		casg-ls-chunks "$pack" >chunks && ! grep -q "	$1	" chunks || {
			pack=${pack##*/pack-} && echo "${pack%.pack}"
		}
	done
}

# aged_import DB: $seqs is the pack of its sequences, an hour older than the tree's
aged_import () {
	packs_with sequences >before && casg import -q -d "$1" "$1.fa" && packs_with sequences >after &&
	seqs=$(comm -13 before after) && test -n "$seqs" &&
	find .git/casg/packs -name "*$seqs*" -exec touch -d "1 hour ago" {} +
}

test_expect_success 'a pack that is young keeps what it refers to' '
	git reset -q --hard start && forget && casg gc -q --grace=0 &&
	git checkout -q -b x/young && aged_import in1 && git checkout -q - && forget &&
	casg gc -q --grace=1800 && test -f .git/casg/packs/pack-$seqs.pack &&
	casg fsck --full && casg import -q -d in1 in1.fa && intact
'

test_expect_success 'so does one that is young in quarantine' '
	git reset -q --hard start && git update-ref -d ORIG_HEAD && forget &&
	find .git/casg/packs -name "*.pack" ! -name "*$seqs*" -exec touch -d "1 hour ago" {} + &&
	casg gc -q --grace=1800 && test -f .git/casg/quarantine/pack-$seqs.pack &&
	sed -i "s/^since .*/since 2020-01-01T00:00:00Z/" .git/casg/quarantine/pack-$seqs.why &&
	casg gc -q --grace=1800 && test -f .git/casg/quarantine/pack-$seqs.pack &&
	sed -i "s/^since .*/since 2020-01-01T00:00:00Z/" .git/casg/quarantine/*.why &&
	casg-prune-packs -n --expire --grace=1800 | cut -f 2 >order &&
	test_line_count = 2 order && test "$(tail -n 1 order)" = "$seqs" &&
	casg gc -q --grace=1800 && ls .git/casg/quarantine >left && test_must_be_empty left && intact
'

# v2 is v1 in another order: what its pack needs is v1's order, and nothing else of v1
test_expect_success 'so does one with differences to an order' '
	casg-gen --seed 7 --type protein --records 400 --length 100 --width 0 >v0.fa &&
	paste - - <v0.fa >v0 && awk "{ print (NR * 7919) % 401 \"\t\" \$0 }" v0 | sort -n | cut -f 2- >v1 &&
	test $(wc -l <v1) = 400 && tr "\t" "\n" <v1 >v1.fa &&
	{ tail -n 1 v1 && sed \$d v1; } | tr "\t" "\n" >v2.fa &&
	git checkout -q -b x/orders && for i in 0 1 2; do casg import -q -d v v$i.fa || return 1; done &&
	packs_with orders >with && test_line_count = 1 with && git checkout -q - && forget &&
	find .git/casg/packs -name "*.pack" ! -name "*$(cat with)*" -exec touch -d "1 hour ago" {} + &&
	casg gc -q --grace=1800 && sed -i "s/^since .*/since 2020-01-01T00:00:00Z/" .git/casg/quarantine/*.why &&
	casg gc -q --grace=1800 && packs_with orders >still && test_cmp with still && intact &&
	casg gc -q --grace=0 && packs_with orders >still && test_must_be_empty still && intact
'

# ---- killed

# reaped PGID: all of the group are gone, and what git leaves when it is killed:
# its locks, and the note of a git gc at work.
reaped () {
	wait_for none_of "$1" && rm -f .git/gc.pid .git/packed-refs.new &&
	find .git -path .git/casg -prune -o -name "*.lock" -exec rm -f {} +
}

# setup_gone: two imports that nothing names any more, kept in "gone"
setup_gone () {
	git reset -q --hard start && forget && casg gc -q --grace=0 &&
	git checkout -q -b x/gone && casg import -q -d in1 in1.fa && casg import -q -d in2 in2.fa &&
	git checkout -q - && forget && rm -rf gone && cp -pR .git gone
}

again_gone () {
	git reset -q --hard start && rm -rf .git && cp -pR gone .git && git reset -q --hard
}

gone_by_gc () {
	casg gc -q --grace=0 && ls .git/casg/tmp >tmp && test ! -s tmp
}

# gc and all it runs die before, or after, a program has run, perhaps only one
# with a certain first argument; by turns, in the long run both of each
test_expect_success KILLABLE 'kill -9 before and after each step of gc' '
	rm -rf bin && setup_gone && when=before &&
	for step in casg-reachable-packs casg-prune-packs "git gc" "git rev-list" rm; do
		case $when in before) when=after ;; *) when=before ;; esac &&
		for when in ${CASG_TEST_LONG:+before} ${CASG_TEST_LONG:+after} $when; do
			again_gone && program=${step%% *} && arg=${step#"$program"} && arg=${arg# } &&
			rm -rf bin && mkdir bin &&
			ln -s "$CASG_BUILD_DIR"/bin-wrappers/* bin/ &&
			rm -f bin/$program && real=$(command -v $program) &&
			cat >bin/$program <<-EOF &&
			#!/bin/sh
			test -z "$arg" || test "\$1" = "$arg" || exec "$real" "\$@"
			test $when = before || "$real" "\$@"
			kill -s KILL -- -\$(ps -o pgid= -p \$\$ | tr -d " ")
			EOF
			chmod +x bin/$program &&
			{
				sh -c "echo \$\$ >group && exec setsid -w casg --exec-path=\"\$PWD/bin\" gc -q --grace=0" >out 2>&1
				test $? -ge 128
			} &&
			rm -rf bin && reaped $(cat group) && intact && casg import -q -d in3 in3.fa &&
			casg gc -q --grace=0 && intact &&
			ls .git/casg/tmp .git/casg/state >left && ! test_grep "gc-\|lock" left ||
				{ echo "$step $when" && cat out && return 1; }
		done || return 1
	done
'

test_expect_success KILLABLE 'kill -9 at any time, and again' '
	setup_gone &&
	for n in ${CASG_TEST_LONG:+2 4 5} 1 3 6; do
		again_gone &&
		{ setsid casg gc -q --grace=0 >out 2>&1 & } && pid=$! && sleep 0.$(printf %02d $((n * 5))) &&
		{ kill -s KILL -- -$pid 2>/dev/null; wait $pid; :; } && reaped $pid &&
		casg import -q -d in2 in2.fa && intact && git reset -q --hard start || { echo $n && return 1; }
	done &&
	git update-ref -d ORIG_HEAD && git reflog expire --expire=now --all &&
	casg gc -q --grace=0 && intact && ls .git/casg/packs/*.pack >packs && test_line_count = 2 packs &&
	# what a process has left stays while another one has its number
	wait_for gone_by_gc
'

test_expect_success 'a pack half-way to quarantine, or half-way back, is whole again' '
	id=$(ls .git/casg/packs/*.pack | sed -n "1s/.*pack-\(.*\)\.pack/\1/p") && cd .git/casg &&
	mv packs/pack-$id.pack quarantine/ && (cd ../.. && casg export start:base >back && cmp base.fa back) &&
	(cd ../.. && casg gc -q && intact) && test -f packs/pack-$id.pack && test -f packs/pack-$id.idx &&
	mv packs/pack-$id.pack quarantine/ && (cd ../.. && casg import -q base.fa -d other) &&
	test -f packs/pack-$id.pack && test -f packs/pack-$id.idx &&
	mv packs/pack-$id.pack quarantine/ && mv packs/pack-$id.idx quarantine/ && rm -f quarantine/*.why &&
	(cd ../.. && casg gc -q && casg fsck --full) && test -f packs/pack-$id.pack && test -f packs/pack-$id.idx
'

test_done
