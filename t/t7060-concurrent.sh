#!/bin/sh
# Several at once, killed half-way, and Git at work in the same repository.

test_description='imports at once, interrupted and killed; git beside them'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq KILLABLE 'env --default-signal=INT,TERM,HUP true && setsid true'

# state: what a failed import must leave: refs, index, work tree, packs
state () {
	git for-each-ref && git rev-parse HEAD && git symbolic-ref HEAD &&
	git ls-files -s &&
	git status --porcelain --untracked-files=no &&
	(cd .git/casg/packs && find . -type f -exec sha256sum {} + | sort -k2)
}

rubbish () {
	find .git/casg/tmp .git/casg/state .git/casg/quarantine .git/casg/index \
		-name versions -prune -o -type f -print
}


# the import with process id $pid has its pipeline at work
piping () {
	test -s ".git/casg/tmp/import-$pid/pack.pid" &&
	test -s ".git/casg/tmp/import-$pid/tree.pid"
}

# and has seen which commit HEAD is and that nobody has edited the database
under_way () {
	piping && test -e ".git/casg/tmp/import-$pid/head.facts"
}

# whatever becomes of the test, none is left waiting
reap () {
	exec 9>&-
	kill -s KILL -- "-$pid" "$pid" 2>/dev/null
	return 0
}

# start ARG...: casg import ARG... in a process group of its own, reading from
# descriptor 9; $pid is the group
start () {
	rm -f fifo && mkfifo fifo &&
	{ env --default-signal=INT,TERM,HUP setsid casg --exec-path="${exec_path:-$(casg --exec-path)}" \
		import --quiet "$@" - <fifo 9>&- 2>err & } &&
	pid=$! && test_when_finished reap && exec 9>fifo
}

intact () {
	casg export base >back && cmp base.fa back &&
	casg fsck >out 2>&1 || { cat out && return 1; }
}

test_expect_success 'setup' '
	casg init -q . &&
	git config casg.packSize 1m && git config casg.chunkSize 64k &&
	casg-gen --seed 1 --type protein --records 3000 --length 300 >base.fa &&
	casg import -q base.fa &&
	casg-gen --seed 2 --type protein --records 30000 --length 300 >big.fa &&
	casg-gen --seed 3 --type protein --records 2000 --length 300 >small.fa
'

# ---- at once

test_expect_success 'different databases at once: all land' '
	rm -f failed &&
	for i in 1 2 3 4 5 6; do
		casg-gen --seed 1$i --type protein --records 500 --length 300 >in$i.fa &&
		cat small.fa >>in$i.fa &&
		{ { casg import --quiet -d at/once$i in$i.fa || echo $i >>failed; } & } || return 1
	done &&
	wait &&
	test_path_is_missing failed &&
	for i in 1 2 3 4 5 6; do
		casg export at/once$i >back && cmp in$i.fa back || return 1
	done &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out &&
	intact
'

test_expect_success 'what they share is stored once' '
	casg ls at/once1 >lines && grep -v "^#" lines | cut -f2 | sort -u >one.ids &&
	casg ls-chunks --kind=sequences | awk -F"\t" "{ n += \$3 } END { print n }" >members &&
	casg-count-objects -v >count &&
	{ cat in?.fa base.fa && echo; } >everything.fa &&
	casg-hash-object -q everything.fa | sort -u | wc -l >distinct &&
	test $(cat members) = $(cat distinct)
'

test_expect_success 'one database at once: both land, one after the other' '
	head -n 300 small.fa >s1.fa && tail -n 300 big.fa | sed "1,/^>/{/^>/!d}" >s2.fa &&
	before=$(git rev-list --count HEAD) &&
	{ { casg import --quiet -d same s1.fa || echo 1 >>failed; } & } &&
	{ { casg import --quiet -d same s2.fa || echo 2 >>failed; } & } &&
	wait &&
	test_path_is_missing failed &&
	test $(git rev-list --count HEAD) = $((before + 2)) &&
	casg read-version --id HEAD~1:same >expect &&
	casg read-version --field=previous same >actual && test_cmp expect actual &&
	casg export same >new && casg export HEAD~1:same >old &&
	if cmp -s s1.fa new; then cmp s2.fa old; else cmp s2.fa new && cmp s1.fa old; fi
'

test_expect_success 'the same file twice at once: one commit, one says so' '
	casg-gen --seed 30 --records 100 >twice.fa &&
	before=$(git rev-list --count HEAD) &&
	{ casg import twice.fa >out1 2>err1 & } && { casg import twice.fa >out2 2>err2 & } &&
	wait &&
	test $(git rev-list --count HEAD) = $((before + 1)) &&
	cat out1 out2 >out && test_grep "^already up to date: twice (100 records)\$" out &&
	test_grep "^twice: 100 records, 100 new" out
'

test_expect_success 'readers meanwhile see a whole version, always' '
	rm -f stop failed && : >reads &&
	{
		{
			until test -e stop; do
				casg export base 2>&1 | cmp - base.fa || echo read >>failed
				casg ls at/once1 >seen 2>&1 && test_cmp lines seen || echo ls >>failed
				echo >>reads
			done
		} &
	} &&
	for i in 1 2 3 4; do
		casg-gen --seed 4$i --type protein --records 2000 --length 300 >w$i.fa &&
		casg import --quiet w$i.fa || return 1
	done &&
	wait_for eval "test \$(wc -l <reads) -gt 1" &&
	: >stop && wait &&
	test_path_is_missing failed
'

# ---- interrupted

test_expect_success KILLABLE 'Ctrl-C and its like at any time: as it was, and nothing left behind' '
	state >before && rubbish >rubbish.before && n=0 &&
	for signal in INT TERM HUP INT INT; do
		start --database big &&
		head -c $((n * 2000000)) big.fa >&9 &&
		wait_for piping &&
		sleep 0.$n &&
		kill -s $signal -- -$pid &&
		exec 9>&- &&
		{ wait $pid; code=$?; } &&
		case $signal in INT) test $code = 130 ;; TERM) test $code = 143 ;; HUP) test $code = 129 ;; esac &&
		state >after && test_cmp before after &&
		rubbish >rubbish.after && test_cmp rubbish.before rubbish.after || { echo "$signal $n: $code" && cat err && return 1; }
		n=$((n + 1))
	done &&
	intact
'

test_expect_success KILLABLE 'only the shell gets the signal' '
	for signal in INT TERM HUP; do
		start --database big &&
		head -c 6000000 big.fa >&9 && wait_for piping &&
		kill -s $signal $pid &&
		exec 9>&- &&
		{ wait $pid; code=$?; } &&
		test $code -gt 128 && test $code -lt 144 &&
		state >after && test_cmp before after &&
		rubbish >rubbish.after && test_cmp rubbish.before rubbish.after || { echo "$signal: $code" && cat err && return 1; }
	done
'

test_expect_success KILLABLE 'signals that are ignored, as under nohup, end nothing' '
	rm -f fifo && mkfifo fifo &&
	{ (trap "" HUP INT && exec setsid casg import --quiet -d ignoring - <fifo 9>&- 2>err) & } &&
	pid=$! && test_when_finished reap && exec 9>fifo &&
	cat small.fa >&9 && wait_for piping &&
	kill -s HUP -- -$pid && kill -s INT -- -$pid &&
	exec 9>&- && wait $pid && casg export ignoring >back && cmp small.fa back &&
	state >before && rubbish >rubbish.before
'

test_expect_success KILLABLE 'packs were there to be taken away' '
	start --database big &&
	head -c 8000000 big.fa >&9 &&
	more () { test $(ls .git/casg/packs | wc -l) -gt $(($(grep -c "pack-" before) + 1)); } &&
	wait_for more &&
	kill -s INT -- -$pid && exec 9>&- && { wait $pid; test $? = 130; } &&
	state >after && test_cmp before after
'

test_expect_success KILLABLE 'all get the signal: import ends after its programs' '
	rm -rf bin && mkdir bin &&
	for p in "$CASG_BUILD_DIR"/bin-wrappers/*; do ln -s "$p" bin/ || return 1; done &&
	rm -f bin/casg-pack &&
	cat >bin/casg-pack <<-\EOF &&
	#!/bin/sh
	trap "sleep 0.5; : >cleaned; exit 1" INT TERM HUP PIPE
	: >begun
	while :; do sleep 0.05; done
	EOF
	chmod +x bin/casg-pack &&
	for signal in INT TERM HUP; do
		rm -f begun cleaned && exec_path=$PWD/bin && start --database big && exec_path= &&
		wait_for test -e begun &&
		kill -s $signal -- -$pid && exec 9>&- && { wait $pid; test $? -gt 128; } &&
		test_path_is_file cleaned &&
		rubbish >rubbish.after && test_cmp rubbish.before rubbish.after || { echo $signal && return 1; }
	done
'

# nothing is lost or damaged; what was not there before may stay
nothing_lost () {
	state >after
	diff before after | grep "^<" >lost
	test_must_be_empty lost && intact
}

# timeout(1) sends its signal to the process and then to its group.
test_expect_success KILLABLE 'a signal and another, as a lock is taken, and as what is left is removed' '
	printf ">t\nACGTTTTT\n" >t.fa && state >before && rubbish >rubbish.before &&
	for step in ln mkdir; do
		rm -rf bin && mkdir bin &&
		for p in "$CASG_BUILD_DIR"/bin-wrappers/*; do ln -s "$p" bin/ || return 1; done &&
		real=$(command -v $step) && rm=$(command -v rm) &&
		cat >bin/$step <<-EOF &&
		#!/bin/sh
		"$real" "\$@"
		kill -s TERM \$PPID
		kill -s TERM \$PPID
		EOF
		cat >bin/rm <<-EOF &&
		#!/bin/sh
		kill -s TERM \$PPID
		echo "\$@" >>removed
		"$rm" "\$@"
		kill -s TERM \$PPID
		EOF
		chmod +x bin/$step bin/rm && : >removed &&
		test_expect_code 143 env --default-signal=INT,TERM,HUP \
			casg --exec-path="$PWD/bin" import -q t.fa &&
		test_grep "import[.]lock" removed &&
		state >after && test_cmp before after &&
		rubbish >rubbish.after && test_cmp rubbish.before rubbish.after || { echo $step && return 1; }
	done
'

test_expect_success KILLABLE 'one of the programs dies: 128, and nothing is lost' '
	for which in pack tree; do
		for signal in TERM PIPE KILL SEGV; do
			start --database big &&
			head -c 4000000 big.fa >&9 && wait_for piping &&
			victim=$(cat .git/casg/tmp/import-$pid/$which.pid) &&
			kill -s $signal $victim &&
			{ tail -c 1000000 big.fa >&9 || :; } 2>/dev/null
			exec 9>&-
			wait $pid
			code=$?
			test $code = 128 &&
			case $signal in
			TERM | PIPE)
				state >after && test_cmp before after &&
				rubbish >rubbish.after && test_cmp rubbish.before rubbish.after
				;;
			*) nothing_lost ;;
			esac || { echo "$which $signal: $code" && cat err && return 1; }
		done || return 1
	done &&
	intact
'

# ---- killed

# after kill -9 nothing may be lost or damaged; rubbish may stay
survived () {
	git for-each-ref >refs.after && test_cmp refs.before refs.after &&
	git ls-files -s >index.after && test_cmp index.before index.after &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out &&
	nothing_lost
}

test_expect_success KILLABLE 'kill -9 of all of it, at any time' '
	state >before && git for-each-ref >refs.before && git ls-files -s >index.before &&
	for n in 0 1 3 5 7; do
		start --database big &&
		head -c $((n * 1300000)) big.fa >&9 && wait_for piping && sleep 0.$n &&
		kill -s KILL -- -$pid && exec 9>&- &&
		{ wait $pid; test $? = 137; } && wait_for none_of $pid &&
		survived || { echo $n && return 1; }
	done
'

test_expect_success KILLABLE 'kill -9 of the shell alone, its programs go on for a while' '
	start --database big &&
	head -c 3000000 big.fa >&9 && wait_for piping &&
	kill -s KILL $pid && { wait $pid; test $? = 137; } &&
	casg import --quiet small.fa && casg export small >back && cmp small.fa back &&
	exec 9>&- &&
	wait_for none_of $pid &&
	git for-each-ref >refs.before && git ls-files -s >index.before && state >before &&
	survived && casg export small >back && cmp small.fa back
'

test_expect_success KILLABLE 'and then it simply works' '
	casg import --quiet big.fa &&
	casg export big >back && cmp big.fa back &&
	test_path_is_missing .git/casg/state/import.lock &&
	intact && casg fsck --full
'

test_expect_success KILLABLE 'kill -9 at every step after the packs are there' '
	printf ">k\nACGTACGTTT\n" >k.fa &&
	for step in casg-write-version casg-commit-tree git; do
		rm -rf bin && mkdir bin &&
		for p in "$CASG_BUILD_DIR"/bin-wrappers/*; do ln -s "$p" bin/ || return 1; done &&
		rm -f bin/$step &&
		real=$(command -v $step) &&
		cat >bin/$step <<-EOF &&
		#!/bin/sh
		case $step.\$1 in
		git.update-ref) ;;
		git.*) exec "$real" "\$@" ;;
		esac
		kill -s KILL -- -\$(ps -o pgid= -p \$\$ | tr -d " ")
		EOF
		chmod +x bin/$step &&
		git for-each-ref >refs.before && git ls-files -s >index.before && state >before &&
		{ setsid -w casg --exec-path="$PWD/bin" import -q k.fa; test $? -ge 128; } &&
		git for-each-ref >refs.after && test_cmp refs.before refs.after &&
		state >after
		diff before after | grep "^< [0-9a-f]\{64\} " >lost
		test_must_be_empty lost && intact || { echo $step && return 1; }
	done &&
	casg import -q k.fa && casg export k >back && cmp k.fa back &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out
'

# ---- git meanwhile

# an import that reads, until finished
meanwhile () {
	rm -f fifo && mkfifo fifo &&
	{ casg import --quiet --database "$1" - <fifo 9>&- 2>err & } && pid=$! &&
	test_when_finished reap && exec 9>fifo && cat small.fa >&9 && wait_for under_way
}

finished () {
	exec 9>&- && wait "$pid"
}

test_expect_success 'git branch, tag, notes, log, gc, clone, worktree while an import reads' '
	meanwhile mw1 &&
	git branch during && git tag during-tag && git notes add -m note HEAD &&
	git log --oneline >out && git gc -q && git clone -q --no-local . cloned &&
	git worktree add -q --detach ../"wt $$" && git worktree remove ../"wt $$" &&
	finished &&
	casg export mw1 >back && cmp small.fa back &&
	casg export during:base >back && cmp base.fa back &&
	git -C cloned rev-parse -q --verify HEAD &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out &&
	intact
'

test_expect_success 'after git gc --prune=now and repack everything is there' '
	git gc -q --prune=now && git repack -adq && git pack-refs --all &&
	for db in base mw1 at/once1 small; do
		casg ls $db >out || return 1
	done &&
	intact
'

test_expect_success 'a commit meanwhile: refused, the commit stays, nothing is left' '
	ls .git/casg/packs >packs.before && rubbish >rubbish.before &&
	meanwhile mw2 &&
	echo note >note.txt && git add note.txt && git commit -q -m "meanwhile" &&
	git rev-parse HEAD >expect &&
	test_expect_code 128 finished &&
	test_grep "^fatal: " err &&
	git rev-parse HEAD >actual && test_cmp expect actual &&
	test_path_is_file note.txt && test_path_is_missing mw2 &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out &&
	ls .git/casg/packs >packs.after && test_cmp packs.before packs.after &&
	rubbish >rubbish.after && test_cmp rubbish.before rubbish.after &&
	casg import -q -d mw2 small.fa && casg export mw2 >back && cmp small.fa back
'

test_expect_success 'another branch is checked out meanwhile: refused, or on that branch' '
	meanwhile mw3 &&
	git checkout -q during &&
	git for-each-ref >refs.before &&
	test_expect_code 128 finished &&
	git for-each-ref >refs.after && test_cmp refs.before refs.after &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out &&
	git checkout -q -
'

test_expect_success 'the database is edited meanwhile: kept, and refused' '
	meanwhile base &&
	echo edit >>base/VERSION && cp base/VERSION expect &&
	git rev-parse HEAD >head.before &&
	test_expect_code 128 finished &&
	test_cmp expect base/VERSION &&
	git rev-parse HEAD >head.after && test_cmp head.before head.after &&
	git checkout -q base/VERSION && intact
'

test_expect_success 'a commit of a database by git is a commit like any other' '
	git checkout -q -b moved && git mv base renamed && git commit -q -m "rename" &&
	casg export renamed >back && cmp base.fa back &&
	casg export HEAD~1:base >back && cmp base.fa back &&
	test_expect_code 128 casg export base
'

test_expect_success 'a plain clone has the versions, and says which packs it lacks' '
	git clone -q . plain && cd plain &&
	test_grep "^count 3000\$" renamed/VERSION &&
	test_expect_code 128 casg export renamed >out 2>err &&
	test_must_be_empty out && test_grep "^fatal: " err &&
	casg init -q . &&
	test_expect_code 128 casg export renamed >out 2>err &&
	test_must_be_empty out && test_grep "^fatal: " err &&
	cp ../.git/casg/packs/* .git/casg/packs/ &&
	casg export renamed >back && cmp ../base.fa back
'

test_done
