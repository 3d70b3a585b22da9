#!/bin/sh
# casg-config(5): every setting changes what it says, the nearest one counts.

test_description='git config casg.*, environment and options'
. "$(dirname "$0")/test-lib.sh"

# config KEY VALUE; back to the default at the end of the test
config () {
	git -C r config "casg.$1" "$2" && test_when_finished "git -C r config --unset casg.$1 || :"
}

# pack_in DIR ARG...: what casg-pack makes of all.fa there: files "packs", "lines"
pack_in () {
	dir=$1
	shift
	rm -rf "$dir/.git/casg/packs" && mkdir "$dir/.git/casg/packs" &&
	CASG_DIR=$dir casg-pack -q "$@" all.fa >lines &&
	test_cmp expect.lines lines &&
	(cd "$dir/.git/casg/packs" && ls -- *.pack) >packs
}

# chunks OPTION...: of the sequences in r: their uncompressed sizes
chunk_sizes () {
	CASG_DIR=r casg-ls-chunks --kind=sequences | cut -f4
}

largest () {
	chunk_sizes | sort -n | sed -n "\$p"
}

sizes () {
	cat "$1"/.git/casg/packs/*.pack | wc -c
}

stored () {
	sizes r
}

test_expect_success 'setup' '
	casg init -q r &&
	casg-gen --seed 1 --type protein --records 25000 --length 350 --family 0.4 >all.fa &&
	CASG_DIR=r casg-pack -q all.fa >expect.lines &&
	pack_in r && cp packs expect.packs && test_line_count = 1 packs
'

# ---- packSize, chunkSize, compression: git config only

test_expect_success 'casg.packSize' '
	config chunkSize 64k && pack_in r && test_line_count = 1 packs &&
	config packSize 1m && pack_in r && n=$(wc -l <packs) && test $n -gt 2 &&
	for p in r/.git/casg/packs/*.pack; do
		test $(wc -c <$p) -lt 1500000 || return 1
	done &&
	config packSize 2m && pack_in r && test $(wc -l <packs) -lt $n && test $(wc -l <packs) -gt 1
'

test_expect_success 'casg.chunkSize' '
	pack_in r && default=$(largest) && test $default -gt 700000 && test $default -le 1100000 &&
	config chunkSize 64k && pack_in r &&
	test $(largest) -gt 40000 && test $(largest) -le 80000 &&
	config chunkSize 4m && pack_in r && test $(largest) -gt 2000000
'

test_expect_success 'casg.compression' '
	pack_in r && default=$(stored) &&
	config compression none && pack_in r && none=$(stored) &&
	config compression 0 && cp packs packs.none && pack_in r && test_cmp packs.none packs &&
	config compression 1 && pack_in r && one=$(stored) &&
	# the highest takes its time
	awk "/^>/ && ++n > 3000 { exit } { print }" all.fa >part.fa && casg-hash-object -q part.fa >ids &&
	test_line_count = 3000 ids &&
	casg init -q few && CASG_DIR=few casg-pack -q part.fa >few.lines && usual=$(sizes few) &&
	git -C few config casg.compression 1 && rm -rf few/.git/casg/packs/* &&
	CASG_DIR=few casg-pack -q part.fa >lines && test_cmp few.lines lines && little=$(sizes few) &&
	git -C few config casg.compression 19 && rm -rf few/.git/casg/packs/* &&
	CASG_DIR=few casg-pack -q part.fa >lines && test_cmp few.lines lines && most=$(sizes few) &&
	test $none -gt $(wc -c <all.fa | awk "{ print int(\$1 * 3 / 4) }") &&
	test $one -lt $((none * 2 / 3)) && test $default -lt $one &&
	test $most -lt $little && test $most != $usual
'

test_expect_success 'they count for import, too' '
	config compression none && pack_in r && cp packs packs.none &&
	git clone -q r clone && git -C clone config casg.compression none && casg init -q clone &&
	(cd clone && casg import -q ../all.fa && cd .git/casg/packs && ls *.pack) >packs &&
	grep -F -f packs.none packs
'

# ---- memory: config, environment, option

test_expect_success 'casg.memory, CASG_MEMORY, --memory' '
	config memory 64m && pack_in r && ! cmp -s expect.packs packs && cp packs small.packs &&
	git -C r config --unset casg.memory && pack_in r && test_cmp expect.packs packs &&
	CASG_MEMORY=64m && export CASG_MEMORY &&
	test_when_finished "unset CASG_MEMORY" &&
	pack_in r && test_cmp small.packs packs &&
	pack_in r --memory=448m && test_cmp expect.packs packs &&
	git -C r config casg.memory 448m && pack_in r && test_cmp small.packs packs &&
	CASG_MEMORY= && pack_in r && test_cmp expect.packs packs &&
	git -C r config casg.memory 64m && pack_in r && test_cmp small.packs packs &&
	CASG_MEMORY=448m && pack_in r && test_cmp expect.packs packs &&
	pack_in r --memory=64m && test_cmp small.packs packs
'

test_lazy_prereq PROC 'test -d /proc/self/task && grep VmHWM /proc/self/status'

# asleep PID: again and again all of its threads wait, so it has read all there is
asleep () {
	for i in 1 2 3 4 5; do
		grep -h "^State:" "/proc/$1"/task/*/status >states &&
		! grep -v sleeping states || return 1
		sleep 0.02
	done
}

# peak NAME FILE COMMAND...: the most memory that COMMAND had when it had read FILE
peak () {
	result=$1 file=$2
	shift 2
	rm -f fifo && mkfifo fifo &&
	{ CASG_DIR=r "$@" <fifo >roots & } && pid=$! &&
	exec 9>fifo && cat "$file" >&9 && wait_for asleep "$pid" &&
	sed -n "s/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p" "/proc/$pid/status" >"$result" &&
	exec 9>&- && wait "$pid"
}

# a sanitizer's own memory would hide it
test_lazy_prereq NOASAN '! nm "$CASG_BUILD_DIR/libcasg.a" 2>/dev/null | grep __asan'

test_expect_success PROC,NOASAN 'memory bounds what casg-mktree keeps' '
	awk "BEGIN { for (i = 0; i < 300000; i++) printf \">%08d %s\\nA\\n\", (i * 7919) % 300000, \"a description that takes some room\" }" >many.fa &&
	CASG_DIR=r casg-pack many.fa >many.lines &&
	peak large many.lines casg-mktree --memory=1g && cp roots expect.roots &&
	peak small many.lines casg-mktree --memory=64m && test_cmp expect.roots roots &&
	test $(cat small) -lt 45000 && test $(($(cat small) + 10000)) -lt $(cat large)
'

test_expect_success PROC,NOASAN 'and what DNA is matched with, however much is looked for' '
	casg-gen --seed 5 --records 40 --length 1000000 --width 0 >new.fa &&
	for match in 1 2 12; do
		rm -rf r && casg init -q r && git -C r config casg.match $match && peak matched new.fa casg-pack --memory=64m --threads=2 - &&
		test $(cat matched) -lt 65536 || { cat matched; return 1; }
	done
'

# ---- threads

# tasks PID: how many threads it has
tasks () {
	find "/proc/$1/task" -mindepth 1 -maxdepth 1 | wc -l
}

has_tasks () {
	test "$(tasks "$1")" = "$2"
}

# threads N ARG...: casg-pack ARG... runs N threads
threads () {
	want=$1
	shift
	rm -f fifo && mkfifo fifo &&
	{ CASG_DIR=r casg-pack "$@" - <fifo >out & } && pid=$! &&
	# no more, also when all that it does at its start is done
	exec 9>fifo && wait_for has_tasks "$pid" "$want" && wait_for asleep "$pid" &&
	got=$(tasks "$pid") &&
	echo ">a" >&9 && exec 9>&- && wait "$pid" &&
	test "$got" = "$want" || { echo "$got threads, not $want" && return 1; }
}

test_expect_success PROC 'casg.threads, CASG_THREADS, --threads' '
	all=$(nproc) &&
	test_when_finished "unset CASG_THREADS; git -C r config --unset casg.threads || :" &&
	threads $all &&
	threads 5 --threads=5 && threads 1 --threads=1 && threads $all --threads=0 &&
	git -C r config casg.threads 3 && threads 3 && threads 5 --threads=5 &&
	CASG_THREADS=4 && export CASG_THREADS && threads 4 && threads 6 --threads=6 &&
	git -C r config --unset casg.threads && threads 4 &&
	CASG_THREADS= && threads $all &&
	git -C r config casg.threads 0 && threads $all
'

test_expect_success PROC 'import hands --threads on' '
	mkfifo imported &&
	{ CASG_DIR=r casg import -q -d imported --threads=7 - <imported & } && pid=$! &&
	exec 9>imported &&
	seven () { has_tasks "$(cat r/.git/casg/tmp/import-*/pack.pid)" 7; } &&
	wait_for seven &&
	printf ">a\nACGT\n" >&9 && exec 9>&- && wait $pid
'

# ---- where settings come from

test_expect_success 'the user, the repository, its work tree; the last line; any case' '
	git config --global casg.compression none && test_when_finished "git config --global --unset casg.compression" &&
	pack_in r && test_cmp packs.none packs &&
	git -C r config casg.compression 2 && pack_in r && ! cmp -s packs.none packs &&
	git -C r config --unset casg.compression && git -C r config CASG.Compression 2 &&
	pack_in r && ! cmp -s packs.none packs && git -C r config --unset casg.compression &&
	git -C r config casg.compression 1 && git -C r config --add casg.compression none &&
	pack_in r && test_cmp packs.none packs && git -C r config --unset-all casg.compression &&
	git config --global casg.compression 2 && pack_in r && ! cmp -s packs.none packs &&
	printf "[casg]\n\tcompression = none\n" >included &&
	git -C r config include.path "$PWD/included" && test_when_finished "git -C r config --unset include.path" &&
	pack_in r && test_cmp packs.none packs
'

test_expect_success 'a .casgconfig in the repository sets none of them' '
	printf "[casg]\n\tcompression = none\n\tthreads = x\n" >r/.casgconfig &&
	test_when_finished "git -C r checkout -q .casgconfig" &&
	pack_in r && ! cmp -s packs.none packs
'

test_expect_success 'keys that are not known are ignored' '
	config frob x && config thread 99 && pack_in r && test_cmp expect.packs packs
'

# ---- bad values

# bad KEY VALUE: 128, naming both, nothing done
bad () {
	git -C r config "casg.$1" "$2" &&
	ls r/.git/casg/packs >before &&
	for program in casg-pack casg-mktree casg-assemble; do
		CASG_DIR=r test_expect_code 128 $program <all.fa >out 2>err &&
		test_must_be_empty out &&
		test_grep "^fatal: bad value '$2' of casg\.$1: " err || break
	done &&
	CASG_DIR=r test_expect_code 128 casg import -d bad all.fa >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: bad value '$2' of casg\.$1: " err &&
	ls r/.git/casg/packs >after && test_cmp before after
	code=$?
	git -C r config --unset "casg.$1"
	return $code
}

test_expect_success 'bad values in git config' '
	for v in x -1 257 1k "" 1.5 " 2 3"; do bad threads "$v" || return 1; done &&
	for v in x -1 0 63m 64mb m 1t 99999999999999999999g; do bad memory "$v" || return 1; done &&
	for v in x 0 1023k 5g "1 m"; do bad packSize "$v" || return 1; done &&
	for v in x 0 15k 17m; do bad chunkSize "$v" || return 1; done &&
	for v in x -1 20 max None 3k; do bad compression "$v" || return 1; done
'

test_expect_success 'bad values in the environment' '
	for v in x -1 257; do
		CASG_DIR=r CASG_THREADS=$v test_expect_code 128 casg-pack all.fa >out 2>err &&
		test_must_be_empty out && test_grep "^fatal: bad value '\''$v'\'' of CASG_THREADS: " err || return 1
	done &&
	for v in x 1m; do
		CASG_DIR=r CASG_MEMORY=$v test_expect_code 128 casg export x >out 2>err &&
		test_must_be_empty out && test_grep "^fatal: bad value '\''$v'\'' of CASG_MEMORY: " err || return 1
	done
'

test_expect_success 'bad values of options: 129' '
	for v in --threads=x --threads=257 --threads= --memory=1m --memory=x; do
		for program in "casg-pack all.fa" casg-mktree casg-ls-tree casg-assemble "casg import -d x all.fa"; do
			CASG_DIR=r test_expect_code 129 $program $v </dev/null >out 2>err &&
			test_must_be_empty out &&
			test_grep "${v%=*}" err || { echo "$program $v" && return 1; }
		done
	done
'

test_expect_success 'a bad value is an error where a nearer one is good' '
	config threads x &&
	CASG_DIR=r CASG_THREADS=1 test_expect_code 128 casg-pack --threads=2 all.fa >out 2>err &&
	test_grep "casg.threads" err &&
	git -C r config --unset casg.threads &&
	CASG_DIR=r CASG_THREADS=x test_expect_code 128 casg-pack --threads=2 all.fa >out 2>err &&
	test_grep "CASG_THREADS" err
'

test_expect_success 'a config file that git cannot read, either' '
	cp r/.git/config saved && echo "[casg" >>r/.git/config &&
	test_when_finished "cp saved r/.git/config" &&
	CASG_DIR=r test_expect_code 128 casg-pack all.fa >out 2>err &&
	test_must_be_empty out && test_grep "config" err
'

# ---- environment: where

test_expect_success 'CASG_DIR, GIT_DIR, and neither' '
	casg init -q s && printf ">s\nACGT\n" >s.fa && printf ">r\nTTTT\n" >one.fa &&
	CASG_DIR=s casg import -q s.fa && CASG_DIR=r/.git casg import -q one.fa &&
	for dir in s s/.git "$PWD/s" "$PWD/s/.git"; do
		CASG_DIR=$dir casg export s >out && cmp s.fa out || return 1
	done &&
	GIT_DIR=s/.git casg export s >out && cmp s.fa out &&
	GIT_DIR=r/.git CASG_DIR=s casg export s >out && cmp s.fa out &&
	(cd r && CASG_DIR=../s casg export s >../out) && cmp s.fa out &&
	(cd r && CASG_DIR= casg export one >../out) && cmp one.fa out &&
	mkdir s/sub && test_expect_code 128 env CASG_DIR=s/sub casg export s 2>err &&
	test_expect_code 128 env CASG_DIR=nowhere casg export s >out 2>err &&
	test_must_be_empty out && test_grep "nowhere" err &&
	test_expect_code 128 env CASG_DIR=nowhere casg import s.fa >out 2>err &&
	test_must_be_empty out && test_grep "nowhere" err
'

test_expect_success 'a repository in a folder with anything in its name' '
	for dir in "line
end" "end
" "q'\''\"\$x\`y\`" "g*[a]?" "-dash" "back\\slash\\n" " lead trail "; do
		casg init -q -- "$dir" &&
		(
			cd "./$dir" && casg import -q ../s.fa && casg export >../out && cmp ../s.fa ../out &&
			mkdir sub && cd sub && casg cat s s >../../out && cmp ../../s.fa ../../out &&
			casg fsck && test_path_is_missing ../sub/casg
		) &&
		CASG_DIR=./$dir casg import -q -d again s.fa &&
		CASG_DIR=./$dir/.git casg export again >out && cmp s.fa out &&
		ls "./$dir" >names && printf "%s\n" again s sub >expect && test_cmp expect names ||
			{ echo "$dir" && return 1; }
	done
'

test_expect_success 'CASG_CACHE_DIR' '
	rm -rf s/.git/casg/index/* &&
	mkdir cache && CASG_CACHE_DIR=$PWD/cache && export CASG_CACHE_DIR &&
	test_when_finished "unset CASG_CACHE_DIR" &&
	CASG_DIR=s casg export s >out && cmp s.fa out &&
	printf ">t\nGGGG\n" >t.fa && CASG_DIR=s casg import -q t.fa &&
	CASG_DIR=s casg cat t t >out && cmp t.fa out &&
	find s/.git/casg/index -type f >files && test_must_be_empty files &&
	find cache -type f >files && test -s files &&
	unset CASG_CACHE_DIR &&
	CASG_DIR=s casg export t >out && cmp t.fa out &&
	find s/.git/casg/index -type f >files && test -s files
'

test_expect_success 'caches can go at any time, or be rubbish' '
	find s/.git/casg/index -type f -exec chmod u+w {} + &&
	find s/.git/casg/index -type f >files &&
	while read -r f; do
		echo rubbish >"$f" &&
		CASG_DIR=s casg export t >out && cmp t.fa out &&
		CASG_DIR=s casg ls t >lines &&
		: >"$f" &&
		CASG_DIR=s casg export s >out && cmp s.fa out || return 1
	done <files &&
	rm -rf s/.git/casg/index s/.git/casg/tmp s/.git/casg/state s/.git/casg/quarantine &&
	CASG_DIR=s casg export t >out && cmp t.fa out &&
	printf ">u\nCCCC\n" >u.fa && CASG_DIR=s casg import -q u.fa &&
	CASG_DIR=s casg export u >out && cmp u.fa out
'

test_expect_success NOTROOT 'CASG_CACHE_DIR for a repository that cannot be written to' '
	chmod -R a-w s/.git && test_when_finished "chmod -R u+w s/.git" &&
	CASG_DIR=s casg export t >out && cmp t.fa out &&
	CASG_CACHE_DIR=$PWD/cache CASG_DIR=s casg cat t t >out && cmp t.fa out
'

test_expect_success 'SOURCE_DATE_EPOCH' '
	SOURCE_DATE_EPOCH=1000000000 CASG_DIR=s casg import -q -d epoch t.fa &&
	CASG_DIR=s casg read-version --field=sequence-time epoch >out &&
	echo 2001-09-09T01:46:40Z >expect && test_cmp expect out &&
	SOURCE_DATE_EPOCH=x CASG_DIR=s test_expect_code 128 casg import -d epoch2 t.fa 2>err &&
	test_grep "SOURCE_DATE_EPOCH" err
'

test_done
