#!/bin/sh
# casg import and export: in, committed, out again; nothing changed on failure.

test_description='casg import, casg export'
. "$(dirname "$0")/test-lib.sh"

# state: everything a failed import must leave as it was
state () {
	git rev-parse HEAD &&
	git ls-files -s &&
	git status --porcelain --untracked-files=no &&
	ls .git/casg/packs .git/casg/tmp .git/casg/quarantine
}

unchanged () {
	state >state.after && test_cmp state.before state.after
}

clean () {
	git status --porcelain --untracked-files=no >status && test_must_be_empty status
}

test_expect_success 'setup' '
	casg init --quiet . &&
	printf ">a one\nACGT\nAC\n>b\nacgtn\n>c ACGT again\nACGT\n" >one.fa &&
	{ cat one.fa && printf ">d\nTTTT\n"; } >two.fa
'

test_expect_success 'the first version' '
	casg import one.fa >out 2>err &&
	test_must_be_empty err &&
	test_grep "^one: 3 records, 3 new, 0 already known, 43 bytes in, [1-9][0-9]* bytes stored\$" out
'

test_expect_success 'is committed, and work tree and index know it' '
	clean &&
	test_path_is_file one/VERSION &&
	git log -1 --format=%s >out &&
	echo "import one: 3 records" >expect &&
	test_cmp expect out &&
	git log -1 --format="%(trailers:key=Casg-Version,valueonly)" >out &&
	echo "one $(sha256sum <one/VERSION | cut -c1-64)" >expect &&
	test_grep "^$(cat expect)\$" out &&
	git reflog -1 --format=%gs >out &&
	echo "import: one" >expect &&
	test_cmp expect out &&
	casg read-version --field=source one >out &&
	echo one.fa >expect &&
	test_cmp expect out &&
	casg read-version --field=source-sha256 one >out &&
	sha256sum <one.fa | cut -c1-64 >expect &&
	test_cmp expect out
'

test_expect_success 'and comes back byte for byte' '
	casg export one >back &&
	test_cmp_bin one.fa back &&
	casg export -o back2 HEAD:one >out &&
	test_must_be_empty out &&
	test_cmp_bin one.fa back2 &&
	casg export >back4 &&
	test_cmp_bin one.fa back4
'

test_expect_success 'what is there already is not committed again' '
	state >state.before &&
	casg import one.fa >out &&
	echo "already up to date: one (3 records)" >expect &&
	test_cmp expect out &&
	unchanged &&
	casg import --quiet one.fa >out 2>&1 &&
	test_must_be_empty out &&
	unchanged
'

test_expect_success 'a new label or time is, without a pack' '
	ls .git/casg/packs >before &&
	casg import --release 2024_01 one.fa >out &&
	test_grep "0 bytes stored" out &&
	test_grep "^release 2024_01\$" one/VERSION &&
	casg import --sequence-time 2024-01-24 --release 2024_01 one.fa &&
	test_grep "^sequence-time 2024-01-24T00:00:00Z\$" one/VERSION &&
	ls .git/casg/packs >after &&
	test_cmp before after &&
	git rev-list --count HEAD >out &&
	echo 4 >expect &&
	test_cmp expect out &&
	casg import --release 2024_01 one.fa >out &&
	test_grep "^already up to date" out &&
	clean
'

test_expect_success 'the next version names the one before' '
	casg read-version --id one >expect &&
	casg import --database one -m "mine" two.fa &&
	casg read-version --field=previous one >out &&
	test_cmp expect out &&
	git log -1 --format=%s >out &&
	echo mine >expect &&
	test_cmp expect out &&
	casg export one >back && test_cmp_bin two.fa back &&
	casg export HEAD~1:one >back && test_cmp_bin one.fa back
'

test_expect_success 'names: the stem, several files, standard input' '
	mkdir -p dir &&
	gzip -c <one.fa >dir/x.y.fasta.gz &&
	casg import dir/x.y.fasta.gz >out &&
	test_grep "^x.y: " out &&
	casg export x.y >back && test_cmp_bin one.fa back &&
	casg import --database in/put - <one.fa >out &&
	test_grep "^in/put: 3 records, 0 new, 3 already known" out &&
	test_expect_code 129 casg import - <one.fa 2>err &&
	test_grep "standard input needs --database" err &&
	test_expect_code 129 casg import one.fa two.fa 2>err &&
	test_grep "several files need --database" err &&
	casg import -q -d both one.fa two.fa &&
	cat one.fa two.fa >expect &&
	casg export both >back && test_cmp_bin expect back &&
	casg read-version --field=source both >out &&
	printf "%s\n" one.fa two.fa >expect &&
	test_cmp expect out
'

test_expect_success 'names that no database can have' '
	state >state.before &&
	for name in a..b -a VERSION a/PACKS taxonomy/x .git "a b" a:b a/ one/inner; do
		case $name in
		one/inner) code=128 ;;
		*) code=129 ;;
		esac
		test_expect_code $code casg import --database="$name" two.fa >out 2>err &&
		test_must_be_empty out || { echo "$name" && return 1; }
	done &&
	cp one.fa "a b.fa" &&
	test_expect_code 129 casg import "a b.fa" 2>err &&
	test_grep "database gives another" err &&
	unchanged
'

test_expect_success 'several databases live beside one another' '
	clean &&
	casg read-version --list >out &&
	cut -d" " -f2 out >names &&
	printf "%s\n" both in/put one x.y | sort >expect &&
	sort names >sorted &&
	test_cmp expect sorted
'

# ---- refusals

test_expect_success 'malformed input changes nothing' '
	state >state.before &&
	printf "@r\nACGT\n+\nIIII\n" >fastq.fa &&
	printf ">n\nAAAA\n>a\nAC\000GT\n" >nul.fa &&
	printf "hello\n>a\nA\n" >text.fa &&
	: >empty.fa &&
	head -c 40 dir/x.y.fasta.gz >cut.fa &&
	for bad in fastq nul text empty cut missing; do
		test_expect_code 128 casg import $bad.fa >out 2>err &&
		test_must_be_empty out &&
		test_grep "^fatal: " err &&
		unchanged || { echo $bad && return 1; }
	done &&
	test_expect_code 128 casg import --database one two.fa nul.fa 2>err &&
	test_grep "nul.fa.*record 6" err &&
	unchanged
'

test_expect_success '--allow-empty' '
	casg import --allow-empty empty.fa &&
	casg export empty >back &&
	test_must_be_empty back
'

test_expect_success 'local edits are refused first, and kept' '
	echo edit >>one/VERSION &&
	test_when_finished "git checkout -q one/VERSION" &&
	cp one/VERSION expect &&
	state >state.before &&
	test_expect_code 128 casg import --database one one.fa 2>err &&
	test_grep "local changes to .one/VERSION" err &&
	unchanged &&
	test_cmp expect one/VERSION
'

test_expect_success 'so are staged ones, and untracked files in the way' '
	echo edit >>one/VERSION &&
	git add one/VERSION &&
	test_expect_code 128 casg import --database one one.fa &&
	git reset -q --hard &&
	mkdir new && echo mine >new/VERSION &&
	test_expect_code 128 casg import --database new one.fa &&
	echo mine >expect &&
	test_cmp expect new/VERSION &&
	rm -r new
'

test_expect_success 'edits elsewhere do not matter' '
	echo note >README && git add README &&
	printf ">z\nGGGGGGGG\n" >z.fa &&
	casg import z.fa &&
	git status --porcelain --untracked-files=no >out &&
	echo "A  README" >expect &&
	test_cmp expect out &&
	git rm -qf README
'

# ---- failures half-way

# A program that fails stands before the real one.
break_program () {
	mkdir -p broken &&
	rm -rf broken/* &&
	for p in "$CASG_BUILD_DIR"/bin-wrappers/*; do
		ln -s "$p" broken/ || return 1
	done &&
	rm -f "broken/$1" &&
	printf "#!/bin/sh\n%s\n" "$2" >"broken/$1" &&
	chmod +x "broken/$1"
}

test_expect_success 'when a later step fails, the packs are taken away again' '
	printf ">y\nCCCCCCCC\n" >y.fa &&
	state >state.before &&
	for step in casg-mktree casg-write-version casg-commit-tree; do
		break_program $step "cat >/dev/null; exit 128" &&
		CASG_EXEC_PATH=$PWD/broken \
			test_expect_code 128 casg --exec-path="$PWD/broken" import y.fa >out 2>err &&
		test_must_be_empty out &&
		unchanged || { echo $step && return 1; }
	done
'

test_expect_success 'when casg-pack fails at its end, mktree has stored nothing' '
	break_program casg-pack "\"$CASG_BUILD_DIR/bin-wrappers/casg-pack\" \"\$@\"; exit 128" &&
	test_expect_code 128 casg --exec-path="$PWD/broken" import y.fa >out &&
	unchanged
'

test_expect_success 'when HEAD cannot move, index and work tree go back' '
	: >.git/refs/heads/$(git symbolic-ref --short HEAD).lock &&
	test_when_finished "rm -f .git/refs/heads/*.lock" &&
	test_expect_code 128 casg import y.fa >out 2>err &&
	test_must_be_empty out &&
	rm .git/refs/heads/*.lock &&
	test_path_is_missing y/VERSION &&
	unchanged
'

test_expect_success 'when the index is locked' '
	: >.git/index.lock &&
	test_when_finished "rm -f .git/index.lock" &&
	test_expect_code 128 casg import y.fa 2>err &&
	rm .git/index.lock &&
	unchanged
'

# what a shell without job control starts in the background ignores SIGINT
test_lazy_prereq ENV_SIGNAL 'env --default-signal=INT,TERM,HUP true'

test_expect_success ENV_SIGNAL 'interrupted' '
	mkfifo fifo &&
	for signal in INT TERM HUP; do
		env --default-signal=INT,TERM,HUP casg import --database y - <fifo 2>err &
		exec 9>fifo &&
		cat y.fa >&9 &&
		wait_for eval "ls .git/casg/tmp/import-*/pack.pid" &&
		case $signal in
		INT) code=130 ;;
		TERM) code=143 ;;
		HUP) code=129 ;;
		esac &&
		read -r pid host <.git/casg/state/import.lock &&
		kill -s $signal $pid &&
		exec 9>&- &&
		{
			wait $!
			test $? = $code
		} &&
		test_path_is_missing .git/casg/state/import.lock &&
		unchanged || { echo $signal && return 1; }
	done
'

test_expect_success 'what a killed import leaves does not stop the next' '
	sleep 0 & dead=$! &&
	wait $dead &&
	echo "$dead $(uname -n)" >.git/casg/state/import.lock &&
	casg import y.fa &&
	test_path_is_missing .git/casg/state/import.lock &&
	casg export y >back && test_cmp_bin y.fa back
'

test_expect_success 'imports at the same time wait for each other' '
	for i in 1 2 3 4; do
		printf ">p\nGATTACA\n>q$i\nA\n" >p$i.fa &&
		{ casg import --quiet p$i.fa || echo $i >>failed; } & :
	done &&
	wait &&
	test_path_is_missing failed &&
	clean &&
	for i in 1 2 3 4; do
		casg export p$i >back && test_cmp_bin p$i.fa back || return 1
	done
'

# ---- where

test_expect_success 'into a bare repository' '
	casg init -q --bare bare &&
	(cd bare && casg import -q ../one.fa && casg import -q --database one ../two.fa) &&
	git -C bare ls-tree -r --name-only HEAD >out &&
	test_grep "^one/VERSION\$" out &&
	(cd bare && casg export one) >back &&
	test_cmp_bin two.fa back
'

test_expect_success 'from a subfolder, by CASG_DIR, by -C, in a linked work tree' '
	casg init -q r && mkdir r/sub &&
	(cd r/sub && casg import -q ../../one.fa) &&
	test_path_is_file r/one/VERSION &&
	test_path_is_missing r/sub/one &&
	CASG_DIR=r casg import -q --database two two.fa &&
	test_path_is_file r/two/VERSION &&
	CASG_DIR=r/.git casg import -q --database three two.fa &&
	test_path_is_file r/three/VERSION &&
	casg -C r import -q --database four ../two.fa &&
	test_path_is_file r/four/VERSION &&
	git -C r status --porcelain >out &&
	test_must_be_empty out &&
	git -C r worktree add -q -b side ../wt &&
	(cd wt && casg import -q --database side ../one.fa && git status --porcelain) >out &&
	test_must_be_empty out &&
	test_path_is_file wt/side/VERSION &&
	test_path_is_missing r/side &&
	CASG_DIR=r casg export side:side >back &&
	test_cmp_bin one.fa back
'

test_expect_success 'not without a repository' '
	mkdir none && cd none &&
	git init -q . &&
	test_expect_code 128 casg import ../one.fa 2>err &&
	test_grep "^fatal: not a casg repository" err
'

test_expect_success 'export: what is not there' '
	test_expect_code 128 casg export nope >out 2>err &&
	test_must_be_empty out &&
	test_grep "nope" err &&
	echo keep >file && echo keep >expect &&
	test_expect_code 128 casg export -o file nope &&
	test_cmp expect file &&
	ls | grep "^file" >out &&
	echo file >expect &&
	test_cmp expect out &&
	test_expect_code 128 casg export -o /nonexistent/file one
'

# never a link of the machine itself: a mistake here would replace it
test_expect_success 'export -o writes through a symbolic link and keeps it' '
	echo old >target && ln -s target link &&
	casg export -o link one >out &&
	test_must_be_empty out &&
	test -L link &&
	casg export one >expect &&
	test_cmp_bin expect target
'

test_expect_success 'export -o writes to a pipe and keeps it' '
	mkfifo pipe &&
	{ cat pipe >back & } &&
	timeout 300 casg export -o pipe one &&
	wait $! &&
	test -p pipe &&
	casg export one >expect &&
	test_cmp_bin expect back
'

test_expect_success DEVFULL,NOTROOT 'export -o: a full disk' '
	test_expect_code 128 casg export -o /dev/full one
'

test_expect_success DEVFULL 'a full disk' '
	test_expect_code 128 casg export one >/dev/full
'

test_done
