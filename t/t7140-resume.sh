#!/bin/sh
# An import that was killed is taken up, and what comes of it is the same.

test_description='casg import --resume, casg state'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq TRACE 'casg-faults true'
test_lazy_prereq NOASAN '! nm "$CASG_BUILD_DIR/libcasg.a" 2>/dev/null | grep __asan'

# fresh NAME: a repository with small packs
fresh () {
	rm -rf "$1" && casg init -q "$1" && git -C "$1" config casg.packSize 1m && git -C "$1" config casg.chunkSize 64k
}

packs () {
	(cd "$1/.git/casg/packs" && ls ./*.pack)
}

# same NAME: what a run without interruption leaves, and nothing more
same () {
	casg -C "$1" export db >back && cmp in.fa back && packs "$1" >packs && test_cmp packs.expect packs &&
	casg -C "$1" read-version db | grep -v "^sequence-time" >VERSION && test_cmp VERSION.expect VERSION &&
	ls "$1/.git/casg/state" >left && test_grep ! "\.state\$" left &&
	casg -C "$1" fsck >fsck && casg -C "$1" gc --grace=0 >gc && test_grep "^0 packs .* 0 (0 bytes) deleted" gc
}

test_expect_success 'setup: four packs of sequences, and one of nodes' '
	casg-gen --seed 1 --type protein --records 9500 --length 700 >in.fa &&
	# one that is cut into pieces, whose list is written last
	{ echo ">long" && tail -c +20 in.fa | tr -dc A-Z | head -c 300000 && echo; } >>in.fa &&
	fresh whole && casg -C whole import -q --threads=1 -d db ../in.fa &&
	packs whole >packs.expect && test_line_count -ge 4 packs.expect && test ! -e whole/.git/casg/state/*.state &&
	casg -C whole read-version db | grep -v "^sequence-time" >VERSION.expect
'

test_expect_success TRACE,NOASAN 'setup: where it can be killed' '
	fresh work && casg-faults --log=log -- casg -C work import -q --threads=1 -d db ../in.fa &&
	grep "casg-pack	rename	.*\.pack\$" log | cut -f1 >finished && test_line_count -ge 3 finished &&
	grep "casg-pack	rename	.*\.state\$" log | cut -f1 >saved && test_line_count -ge 2 saved
'

# killed_at N: all processes of an import, before their Nth change
killed_at () {
	fresh work &&
	{ casg-faults "--kill-all=$1" --log=log.now -- casg -C work import -q --threads=1 -d db ../in.fa; test $? -gt 128; }
}

# the second pack is finished: before that is noted, just after, and later
test_expect_success TRACE,NOASAN 'killed at a pack boundary, taken up' '
	a=$(sed -n 2p finished) && b=$(sed -n 1p saved) && c=$(sed -n 2p saved) && d=$(tail -n 1 saved) &&
	for n in $((a + 1)) $b $((b + 1)) $((c + 1)) $((d + 1)); do
		killed_at $n && packs work >before && casg -C work state >state &&
		casg -C work import --resume --threads=1 -d db ../in.fa >out 2>err && same work || { echo "$n" && return 1; }
	done &&
	# nothing is stored twice, and what was there counts as known
	test_grep "^db: 9501 records, [0-9]* new, [0-9]* already known" out &&
	known=$(sed "s/.* new, \([0-9]*\) .*/\1/" out) && test "$known" -gt 4000
'

test_expect_success TRACE,NOASAN 'casg state: what there is, and how far it came' '
	killed_at $(($(tail -n 1 saved) + 1)) && casg -C work state >state && test_line_count = 1 state &&
	IFS="$TAB" read -r name records read total packs version digest <state && test "$name" = import:db &&
	test "$records" -gt 3000 && test "$total" = $(wc -c <in.fa) && test "$read" -le "$total" && test "$packs" -ge 2 &&
	echo "casg version $version" >expect && casg version >actual && test_cmp expect actual &&
	casg -C work state list >again && test_cmp state again
'

test_expect_success TRACE,NOASAN 'killed a second time, with --resume: all that is finished stays' '
	cp -pR work twice && packs twice >before &&
	at=$(($(tail -n 1 finished) + 30)) &&
	{ (cd twice && casg-faults --kill-all=$at -- casg import -q --resume --threads=1 -d db ../in.fa); :; } &&
	packs twice >after && comm -23 before after >gone && test_must_be_empty gone &&
	casg -C twice import -q --resume --threads=1 -d db ../in.fa && same twice
'

test_expect_success TRACE,NOASAN 'without --resume, too, nothing is stored twice' '
	cp -pR work plain && casg -C plain import -q --threads=1 -d db ../in.fa && same plain
'

# refused SAYS ARG...: and the state and the packs stay
refused () {
	says=$1 && shift && packs work >before && cp "work/.git/casg/state/import:db.state" was &&
	test_expect_code 128 casg -C work "$@" 2>err && test_grep "$says" err &&
	packs work >after && test_cmp before after &&
	cmp was "work/.git/casg/state/import:db.state" && test "$(git -C work rev-list --count HEAD)" = 1
}

test_expect_success TRACE,NOASAN 'another input, another length, another casg, another chunk size: refused' '
	sed "3s/[A-W]/X/" in.fa >other.fa && ! cmp -s in.fa other.fa && test $(wc -c <other.fa) = $(wc -c <in.fa) &&
	refused "the input is another one" import -q --resume -d db ../other.fa &&
	{ cat in.fa && echo ">x"; } >longer.fa &&
	refused "the input had [0-9]* bytes and has" import -q --resume -d db ../longer.fa &&
	# of a pipe the length is not known; what it held is
	mkfifo other.pipe short.pipe && { cat other.fa >other.pipe 2>/dev/null & } &&
	refused "the input is another one" import -q --resume -d db - <other.pipe &&
	{ head -c 100000 in.fa >short.pipe & } && refused "the input is another one" import -q --resume -d db - <short.pipe &&
	state=work/.git/casg/state/import:db.state && chmod u+w "$state" && cp "$state" good &&
	sed "s/^casg .*/casg 0.0.9/" good >"$state" && refused "casg 0.0.9" import -q --resume -d db ../in.fa &&
	sed "s/^operation .*/operation update db/" good >"$state" && refused "another operation" import -q --resume -d db ../in.fa &&
	git -C work config casg.chunkSize 32k && cp good "$state" && refused "chunkSize" import -q --resume -d db ../in.fa &&
	git -C work config casg.chunkSize 64k &&
	for damage in "s/^read/raed/" "s/^casg-state 1/casg-state 2/" "\$s/.\$//"; do
		sed "$damage" good >"$state" && ! cmp -s good "$state" &&
		refused "saved state" import -q --resume -d db ../in.fa && casg -C work state >out || return 1
	done &&
	cp good "$state"
'

test_expect_success TRACE,NOASAN 'from a pipe' '
	cp -pR work pipe && mkfifo in.pipe && { cat in.fa >in.pipe & } &&
	casg -C pipe import -q --resume --threads=1 -d db - <in.pipe &&
	casg -C pipe export db >back && cmp in.fa back && packs pipe >packs && test_cmp packs.expect packs
'

test_expect_success TRACE,NOASAN 'casg state drop' '
	test_expect_code 1 casg -C work state drop import:db import:no 2>err && test_grep "no saved state .import:no" err &&
	test_expect_code 129 casg -C work state drop && test_expect_code 129 casg -C work state drop ../x &&
	casg -C work state drop import:db >out && test_grep "^import:db: dropped" out &&
	casg -C work state >state && test_must_be_empty state &&
	casg -C work gc --grace=0 >gc && find work/.git/casg/packs -name "*.pack" >after && test_must_be_empty after &&
	casg -C work import --resume -d db ../in.fa >out 2>err && test_grep "nothing to take up" err && same work
'

test_expect_success 'a signal: without --resume nothing stays, with it what is finished does' '
	for resume in "" --resume; do
		fresh work && mkfifo feed &&
		{ setsid sh -c "exec casg -C work import $resume --threads=1 -d db -" <feed >out 2>err & } && group=$! &&
		exec 9>feed && rm feed && head -c 8000000 in.fa >&9 &&
		wait_for test -e "work/.git/casg/state/import:db.state" &&
		kill -s TERM -- "-$group" && { wait $group; test $? -gt 127; } && exec 9>&- &&
		wait_for none_of $group &&
		if test -z "$resume"; then
			find work/.git/casg/packs -name "*.pack" >left && test_must_be_empty left && casg -C work state >left && test_must_be_empty left
		else
			packs work >left && test_line_count -ge 1 left && test_grep "resume takes it up" err &&
			casg -C work import -q --resume --threads=1 -d db ../in.fa &&
			casg -C work export db >back && cmp in.fa back &&
			casg -C work gc --grace=0 >gc && test_grep "^0 packs .* 0 (0 bytes) deleted" gc
		fi || return 1
	done
'

test_expect_success 'an update is an operation of its own; usage' '
	casg -C whole import -q --resume --update -d db ../in.fa && casg -C whole state >state && test_must_be_empty state &&
	test_expect_code 129 casg-pack --resume in.fa && test_expect_code 129 casg-pack --operation=x in.fa &&
	test_expect_code 129 casg -C whole state frobnicate && test_expect_code 129 casg -C whole state list x
'

test_done
