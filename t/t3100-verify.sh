#!/bin/sh
# casg-verify-version and casg verify: the chain of versions, and what they
# stand for.  Signatures are in t3110.

test_description='casg verify without signatures'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

test_expect_success 'setup: four releases' '
	casg init -q . &&
	casg-gen --seed 1 --records 1000 --length 40 >db.fa &&
	for i in 1 2 3 4; do
		test_tick &&
		plumb_import db.fa db --release=r$i --sequence-time=200$i-01-01 &&
		casg-gen --seed $i --mutate db.fa --add 1 --remove 1 --change 1 --describe 1 >next &&
		mv next db.fa || return 1
	done &&
	rm -f db.fa && git branch good
'

# Start over from the four releases.
restore () {
	git replace -l | while read -r replaced; do
		git replace -d "$replaced" >/dev/null
	done
	git checkout -q -f -B work good
}

# forge COMMIT VERSION-FILE [MESSAGE-FILE]: a commit like COMMIT, but with
# another VERSION; its id in $forged.
forge () {
	blob=$(git hash-object -w "$2") &&
	tree=$(git ls-tree -r "$1" |
		sed "s|blob [0-9a-f]*${TAB}db/VERSION\$|blob $blob${TAB}db/VERSION|" | (
			GIT_INDEX_FILE=$PWD/.git/forge &&
			export GIT_INDEX_FILE &&
			rm -f "$GIT_INDEX_FILE" &&
			git update-index --index-info && git write-tree
		)) &&
	git log -1 --format=%B "$1" >message &&
	forged=$(git commit-tree -p "$1^" -F "${3:-message}" "$tree")
}

# graft ONTO COMMIT...: the commits again, on another one; the last in $forged.
graft () {
	forged=$1 &&
	shift &&
	for c in "$@"; do
		git log -1 --format=%B "$c" >message &&
		forged=$(git commit-tree -p "$forged" -F message "$c^{tree}") || return
	done
}

# verify_no PATTERN: does not verify, for this reason; casg verify says so every
# third time, in between it is the program that it asks.
verify_no () {
	nverify=$((nverify + 1)) &&
	if test $((nverify % 3)) = 1 || test -n "${CASG_TEST_LONG-}"; then
		test_expect_code 1 casg verify >out 2>err &&
		test_must_be_empty out
	else
		test_expect_code 1 casg-verify-version >out 2>err
	fi &&
	test_grep "^error: .*$1" err
}
nverify=0

# ---- what holds

test_expect_success 'a chain that holds' '
	restore &&
	casg verify >out 2>err &&
	test_must_be_empty err &&
	echo "db: 4 versions verified, unsigned" >expect &&
	test_cmp expect out &&
	casg verify -q HEAD: >out && test_must_be_empty out &&
	casg verify --roots good:db >out && test_cmp expect out &&
	casg verify HEAD~1 >out &&
	echo "db: 3 versions verified, unsigned" >expect && test_cmp expect out
'

test_expect_success 'an unsigned chain is not enough where signatures are required' '
	test_expect_code 1 casg verify --require-signature >out 2>err &&
	test_grep "^error: db: 4 of 4 versions are unsigned" err &&
	test_must_be_empty out
'

test_expect_success 'the plumbing lists what it looked at' '
	casg-verify-version >out &&
	cut -f 1-3 out >actual &&
	casg-rev-list --reverse db | cut -f 1-3 >expect &&
	test_cmp expect actual &&
	cut -f 4 out | sed 1d >actual &&
	cut -f 2 out | sed "\$d" >expect &&
	test_cmp expect actual &&
	casg-verify-version --chain >chain && test_cmp out chain &&
	casg-verify-version --content db >content && test_cmp out content
'

test_expect_success 'bounds are sequence times, both included' '
	casg verify --from 2002-01-01 --to 2003-01-01 >out &&
	echo "db: 2 versions verified, unsigned" >expect && test_cmp expect out &&
	casg-verify-version --from 2003-01-01T00:00:01Z >out && test_line_count = 1 out &&
	test_expect_code 128 casg verify --to 2000-12-31 2>err &&
	test_grep "no version of .db. has a sequence time in that range" err &&
	test_expect_code 129 casg verify --from yesterday &&
	test_expect_code 129 casg verify --from 2003-01-01 --to 2002-01-01 &&
	test_expect_code 129 casg-verify-version --chain --roots
'

test_expect_success 'what is not there' '
	test_expect_code 128 casg verify nope 2>err &&
	test_grep "no database and no revision .nope." err &&
	test_expect_code 128 casg verify HEAD:nope 2>err &&
	test_grep "no database .nope." err &&
	casg init -q empty &&
	(cd empty && test_expect_code 128 casg verify 2>err && test_grep "no database in .HEAD." err)
'

test_expect_success 'several databases; a long sequence, a long description, repeated keys' '
	{
		echo ">long" && casg-gen --seed 9 --type dna --records 1 --length 2000000 | sed 1d &&
		printf ">d %6000s\nACGT\n" x &&
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			printf ">dup\nAC%s\n" "$(printf "%${i}s" | tr " " G)" || return 1
		done
	} >odd.fa &&
	casg init -q odd &&
	(
		cd odd &&
		plumb_import ../odd.fa other/odd &&
		: >none.fa && plumb_import none.fa none &&
		plumb_import ../odd.fa db &&
		casg verify >out &&
		printf "%s: %s versions verified, unsigned\n" db 1 none 1 other/odd 1 >expect &&
		test_cmp expect out &&
		casg-verify-version --threads 1 --roots other/odd
	)
'

test_expect_success 'packs written anew hold the same' '
	restore &&
	cp -R .git again && test_when_finished "chmod -R u+w again && rm -rf again" &&
	CASG_DIR=$PWD/again casg repack -a -d --quiet &&
	ls again/casg/packs >packs && ls .git/casg/packs >before && ! cmp packs before &&
	CASG_DIR=$PWD/again casg verify >out &&
	echo "db: 4 versions verified, unsigned" >expect &&
	test_cmp expect out
'

test_expect_success 'a merge of two histories, a revert, databases from a branch' '
	casg init -q merged && (
		cd merged &&
		printf ">a\nAC\n>b\nACG\n>c\nACGT\n" >db.fa && plumb_import db.fa db &&
		plumb_import db.fa other &&
		git branch side &&
		printf ">a\nACC\n>b\nACG\n>c\nACGT\n" >db.fa && plumb_import db.fa db &&
		git checkout -q side &&
		printf ">a\nAC\n>b\nACG\n>c\nACGTT\n" >db.fa && plumb_import db.fa db &&
		plumb_import db.fa third && plumb_import db.fa other &&
		git checkout -q - &&
		casg merge -q side &&
		casg verify >out &&
		printf "%s: %s versions verified, unsigned\n" db 4 other 2 third 1 >expect &&
		test_cmp expect out &&
		casg revert -q -m undo --mainline 1 HEAD &&
		casg-verify-version db >out &&
		test_line_count = 5 out
	)
'

# counted NAME: what the last run counted, by its trace.
counted () {
	sed -n "s/.*${TAB}count${TAB}.*${TAB}$1 \([0-9]*\)\$/\1/p" trace
}

test_expect_success 'what versions share is looked at once' '
	casg init -q shared && (
		cd shared &&
		casg-gen --seed 5 --records 10000 --length 20 >db.fa &&
		for i in 1 2 3 4; do
			echo ">new$i" >>db.fa && echo ACGT >>db.fa &&
			plumb_import db.fa db || return 1
		done &&
		CASG_TRACE_PERF=$PWD/trace casg-verify-version --roots HEAD~3:db >lines &&
		test "$(counted records)" = 10001 && counted nodes >first &&
		rm -f trace &&
		CASG_TRACE_PERF=$PWD/trace casg-verify-version --roots >lines &&
		test_line_count = 4 lines &&
		test "$(counted records)" -lt 13000 &&
		test "$(counted nodes)" -lt $(($(cat first) + 20))
	)
'

# ---- the chain

test_expect_success 'another VERSION under the old trailer' '
	restore &&
	sed "s/^release r4/release r5/" db/VERSION >v &&
	forge HEAD v &&
	git reset -q --hard $forged &&
	verify_no "commit $forged says .Casg-Version: db [0-9a-f]*., but its VERSION is"
'

test_expect_success 'the VERSION of before under the trailer of the release' '
	restore &&
	git cat-file blob HEAD~1:db/VERSION >v &&
	forge HEAD v &&
	git reset -q --hard $forged &&
	verify_no "commit $forged says .Casg-Version: db [0-9a-f]*., but its VERSION is"
'

test_expect_success 'a trailer made right, too, breaks the chain after it' '
	restore &&
	git cat-file blob HEAD~2:db/VERSION | sed "s/^release r2/release rX/" >v &&
	git log -1 --format=%B HEAD~2 |
	sed "s/^Casg-Version:.*/Casg-Version: db $(casg-read-version --id - <v)/" >m &&
	forge HEAD~2 v m &&
	middle=$forged &&
	graft $middle HEAD~1 HEAD &&
	git reset -q --hard $forged &&
	verify_no "version [0-9a-f]*, which [0-9a-f]* names as the one before it, is in no commit" &&
	casg-verify-version --from 2004-01-01 >out && test_line_count = 1 out &&
	test_expect_code 1 casg-verify-version --from 2003-01-01 &&
	git reset -q --hard $middle &&
	casg verify >out 2>err &&
	test_grep "2 versions verified" out
'

test_expect_success 'no trailer says which version it is' '
	restore &&
	sed "s/^release r4/release r5/" db/VERSION >v &&
	echo "no trailers" >m &&
	forge HEAD v m &&
	git reset -q --hard $forged &&
	verify_no "no commit that brings version [0-9a-f]* says so"
'

test_expect_success 'a VERSION that is not canonical' '
	restore &&
	sed "s/^count /count 0/" db/VERSION >v &&
	git log -1 --format=%B |
	sed "s/^Casg-Version:.*/Casg-Version: db $(sha256sum <v | cut -c 1-64)/" >m &&
	forge HEAD v m &&
	git reset -q --hard $forged &&
	verify_no "line 5"
'

test_expect_success 'a version that forgets the ones before is noticed' '
	restore &&
	sed "/^previous /d" db/VERSION >v &&
	git log -1 --format=%B |
	sed "s/^Casg-Version:.*/Casg-Version: db $(casg-read-version --id - <v)/" >m &&
	forge HEAD v m &&
	git reset -q --hard $forged &&
	casg verify >out 2>err &&
	test_grep "^warning: 3 versions of .db. in the history are not in the chain" err &&
	test_grep "1 versions verified" out
'

test_expect_success 'replaced objects: commit, tree, VERSION' '
	for object in HEAD~1 HEAD~1^{tree} HEAD~1:db/VERSION; do
		restore &&
		git cat-file blob HEAD~1:db/VERSION | sed "s/^release r3/release rX/" >v &&
		forge HEAD~1 v &&
		git replace $(git rev-parse $object) \
			$(git rev-parse $(echo $object | sed "s/^HEAD~1/$forged/")) &&
		nverify=0 &&
		verify_no "commit $(git rev-parse HEAD~1): object $(git rev-parse $object) is replaced" ||
			return 1
	done &&
	restore && casg-verify-version >out
'

test_expect_success 'other content in the file of a Git object' '
	restore &&
	sed "s/^release r4/release r5/" db/VERSION >v &&
	file_of () {
		echo .git/objects/$(echo $1 | sed "s|^..|&/|")
	} &&
	old=$(file_of $(git rev-parse HEAD:db/VERSION)) &&
	new=$(file_of $(git hash-object -w v)) &&
	test_path_is_file $old && cp -f $old saved &&
	test_when_finished "cp -f saved $old" &&
	rm -f .git/casg/index/versions -r &&
	cp -f $new $old &&
	verify_no ""
'

test_expect_success 'another commit in the file of a commit' '
	restore &&
	git cat-file blob HEAD~1:db/VERSION | sed "s/^release r3/release rX/" >v &&
	forge HEAD~1 v &&
	old=$(file_of $(git rev-parse HEAD~1)) &&
	cp -f $old saved &&
	test_when_finished "cp -f saved $old" &&
	cp -f $(file_of $forged) $old &&
	test_expect_code 1 casg-verify-version db 2>err &&
	test_grep "hash mismatch" err
'

test_expect_success 'lines that end in NUL' '
	restore &&
	casg-verify-version --chain >lines &&
	casg-verify-version --chain -z | tr "\0\n" "\n\0" >out &&
	test_cmp lines out
'

test_expect_success 'a shallow clone cannot tell' '
	restore &&
	git clone -q --depth 2 "file://$PWD" shallow &&
	mkdir -p shallow/.git/casg && cp -R .git/casg/packs shallow/.git/casg/ &&
	(
		cd shallow &&
		test_expect_code 128 casg verify 2>err &&
		test_grep "in no commit of the history, which is shallow" err &&
		casg verify --from 2004-01-01
	)
'

test_expect_success 'elsewhere: CASG_DIR, a subfolder, a linked work tree, a bare repository' '
	restore &&
	echo "db: 4 versions verified, unsigned" >expect &&
	(cd / && CASG_DIR="$TRASH_DIRECTORY" casg verify db) >out && test_cmp expect out &&
	mkdir -p sub && (cd sub && casg verify) >out && test_cmp expect out &&
	git worktree add -q linked good~1 && (cd linked && casg verify) >out &&
	test_grep "^db: 3 versions verified" out &&
	(cd linked && casg tag -m x from-there && casg show --oneline db && casg branch -v) >out &&
	test_grep "^database db, version" out &&
	git worktree remove --force linked && git tag -d from-there &&
	git clone -q --bare . bare && mkdir -p bare/casg && cp -R .git/casg/packs bare/casg/ &&
	casg -C bare verify good >out && test_cmp expect out
'

test_expect_success NOTROOT 'a repository that cannot be written to' '
	restore &&
	cp -R .git locked && chmod -R a-w locked &&
	test_when_finished "chmod -R u+w locked" &&
	CASG_DIR=$PWD/locked casg verify &&
	CASG_DIR=$PWD/locked casg show db &&
	test_expect_code 1 env CASG_DIR="$PWD/locked" casg log db -- nope
'

# ---- the content

packs=.git/casg/packs

test_expect_success 'a damaged chunk: each version that it is in is named' '
	restore &&
	casg-verify-version --content >ids &&
	pack=$(ls -S $packs/*.pack | head -n 1) &&
	cp -f "$pack" saved && chmod u+w "$pack" &&
	test_when_finished "cp -f saved \"$pack\"" &&
	flip_byte "$pack" $(($(wc -c <"$pack") / 3)) &&
	test_expect_code 1 casg verify >out 2>err &&
	test_must_be_empty out &&
	cut -f 2 ids | while read -r id; do
		test_grep "^error: version $id: " err || return 1
	done
'

test_expect_success 'a missing pack is no answer' '
	restore &&
	pack=$(ls -S $packs/*.pack | head -n 1) &&
	mkdir away && mv "$pack" "${pack%.pack}.idx" away &&
	test_when_finished "mv away/* $packs" &&
	test_expect_code 128 casg verify >out 2>err &&
	test_must_be_empty out &&
	test_grep "^error: version .* is in no pack here" err
'

# poke FILE FROM TO: put the bytes TO (hex) in the place of FROM.
poke () {
	poke_at=$(od -An -v -tx1 "$1" | tr -d " \n" | awk -v s="$2" "{ print index(\$0, s) }") &&
	test $((poke_at % 2)) = 1 &&
	chmod u+w "$1" &&
	for poke_byte in $(echo "$3" | sed "s/../0x& /g"); do
		# shellcheck disable=SC2059 # an octal escape
		printf "\\$(printf "%03o" "$poke_byte")"
	done >poked &&
	dd if=poked of="$1" bs=1 seek=$((poke_at / 2)) conv=notrunc 2>/dev/null
}

test_expect_success 'setup: packs of another release, under the name of the root' '
	mkdir honest && (
		cd honest &&
		casg init -q . &&
		printf ">a\nACGT\n>b\nCCCC\n" >x.fa &&
		casg-pack --quiet x.fa | casg-mktree --quiet |
		casg-write-version --sequence-time 2001-01-01 >VERSION &&
		git update-ref HEAD $(casg-commit-tree -p HEAD -m x --database=x <VERSION) &&
		git reset -q --hard && casg verify -q &&
		casg-assemble -q x >y.fa && test_cmp x.fa y.fa
	) &&
	cp -R honest forger && (
		cd forger &&
		rm -f .git/casg/packs/* .git/casg/index/* -r &&
		printf ">a\nACGA\n>b\nCCCC\n" >x.fa &&
		casg-pack --quiet x.fa | casg-mktree --quiet >roots &&
		old=$(sed -n "s/^records //p" x/VERSION) &&
		new=$(sed -n "s/^records //p" roots) &&
		test $old != $new &&
		for idx in .git/casg/packs/*.idx; do
			poke "$idx" $new $old && casg-reseal idx "$idx"
		done
		casg export -o y.fa x &&
		test_cmp x.fa y.fa
	)
'

test_expect_success 'a replaced pack: export is fooled, verify is not' '
	(
		cd forger &&
		test_expect_code 1 casg verify 2>err &&
		test_grep "tree node $(sed -n "s/^records //p" x/VERSION): its records do not match" err &&
		test_expect_code 1 casg verify --roots
	)
'

test_expect_success 'also when the list of ids in the cache lies' '
	(
		cd forger &&
		list=$(ls .git/casg/index/*.objects | head -n 1) &&
		poke "$list" $(printf ACGA | sha256sum | cut -c 1-64) \
			$(printf ACGT | sha256sum | cut -c 1-64) &&
		casg-reseal idx "$list" &&
		test_expect_code 1 casg verify
	)
'

test_expect_success 'a version that counts wrongly, or whose text was another' '
	cp honest/x/VERSION honest/right &&
	for change in "s/^count 2/count 3/" "s/^residues 8/residues 9/" \
		"/^sequence-time/a source-sha256 $(printf x | sha256sum | cut -c 1-64)"; do
		(
			cd honest &&
			sed "$change" right >v &&
			git update-ref HEAD $(casg-commit-tree --packs=/dev/null -p HEAD~1 -m x \
				--database=x <v) &&
			git reset -q --hard &&
			test_expect_code 1 casg-verify-version >out 2>err &&
			test_grep "^error: version $(casg-read-version --id x): " err
		) || return 1
	done &&
	(cd honest && test_expect_code 1 casg verify && casg verify --roots)
'

test_expect_success 'tombstones: no record may have their keys' '
	casg init -q tombs && (
		cd tombs &&
		printf ">a\nAC\n>b\nACG\n>c\nACGT\n" >db.fa && plumb_import db.fa db &&
		casg rm -q a && casg-verify-version >out &&
		test_line_count = 2 out &&
		{
			git cat-file blob HEAD~1:db/VERSION | sed -n "1,/^presentation/p" &&
			grep "^withdrawn " db/VERSION &&
			git cat-file blob HEAD~1:db/VERSION | sed "1,/^presentation/d"
		} >v &&
		git update-ref HEAD $(casg-commit-tree --packs=/dev/null -p HEAD~2 -m x --database=db <v) &&
		git reset -q --hard &&
		test_expect_code 1 casg verify 2>err &&
		test_grep "record .a. is there, but its withdrawal, too" err
	)
'

test_expect_success 'an order or presentation that belongs to another version' '
	(
		cd honest &&
		printf ">a\nACGT\n>c\nCC\n>b\nCCCC\n" | casg-pack --quiet - | casg-mktree --quiet >roots &&
		order=$(sed -n "s/^order //p" roots) &&
		sed "s/^order .*/order $order/" right >v &&
		git update-ref HEAD $(casg-commit-tree --packs=/dev/null -p HEAD~1 -m x \
			--database=x <v) &&
		git reset -q --hard &&
		test_expect_code 1 casg verify --roots 2>err &&
		test_grep "order object" err &&
		test_expect_code 1 casg verify
	)
'

test_done
