#!/bin/sh
# casg log and casg fsck.

test_description='casg log, casg fsck'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'setup' '
	casg init -q . &&
	for i in 1 2 3; do
		printf ">a\nACGT\n>v$i\nTTTT\n" >one.fa &&
		test_tick &&
		casg import -q --release r$i one.fa &&
		test_tick &&
		casg import -q --database two -m "two $i" one.fa || return 1
	done &&
	git tag v2 HEAD~2
'

# ---- log

subjects () {
	casg log --format=%s "$@" >out
}

test_expect_success 'the versions of one database' '
	subjects one &&
	printf "import one: release r%s, 2 records\n" 3 2 1 >expect &&
	test_cmp expect out &&
	subjects two &&
	printf "two %s\n" 3 2 1 >expect &&
	test_cmp expect out
'

test_expect_success 'by default with version id and label' '
	casg log one >out &&
	test_grep "^    Casg-Version: one $(casg read-version --id one)\$" out &&
	test_grep "^    Casg-Release: one r1\$" out
'

test_expect_success 'from a revision' '
	subjects v2:two &&
	printf "two %s\n" 2 1 >expect &&
	test_cmp expect out &&
	subjects v2: &&
	test_line_count = 5 out &&
	subjects v2 &&
	test_line_count = 5 out
'

test_expect_success 'of everything' '
	subjects &&
	test_line_count = 7 out
'

test_expect_success 'options of git log' '
	casg log -2 --format=%s two >out && test_line_count = 2 out &&
	subjects -n 2 two && test_line_count = 2 out &&
	subjects --skip=1 --reverse two &&
	printf "two %s\n" 1 2 >expect &&
	test_cmp expect out &&
	subjects --grep "r[12]" one && test_line_count = 2 out &&
	casg log --oneline two >out && test_line_count = 3 out &&
	casg log -1 --stat two >out && test_grep "two/VERSION" out &&
	subjects --merges && test_must_be_empty out &&
	subjects --no-merges && test_line_count = 7 out &&
	subjects --until=2000-01-01 && test_must_be_empty out
'

test_expect_success 'from a subfolder and by CASG_DIR' '
	mkdir -p sub && (cd sub && casg log --format=%s two) >out &&
	test_line_count = 3 out &&
	(cd / && CASG_DIR=$TRASH_DIRECTORY casg log --format=%s two) >out &&
	test_line_count = 3 out
'

test_expect_success 'a database of the past' '
	git rm -rq two && git commit -qm "no more two" &&
	subjects two &&
	test_line_count = 4 out &&
	git reset -q --hard HEAD~1
'

test_expect_success 'what is not there' '
	test_expect_code 128 casg log nope 2>err &&
	test_grep "no database .nope." err &&
	test_expect_code 128 casg log v2:nope &&
	test_expect_code 129 casg log --no-such-option &&
	test_expect_code 129 casg log one two
'

# ---- fsck

test_expect_success 'a sound repository' '
	casg fsck >out 2>err &&
	test_must_be_empty err &&
	test_grep "packs checked" out &&
	test_grep "^6 versions checked" out &&
	casg fsck --full &&
	casg fsck --quiet >out 2>&1 &&
	test_must_be_empty out
'

test_expect_success 'a damaged pack is named' '
	pack=$(ls .git/casg/packs/*.pack | head -n 1) &&
	cp "$pack" saved &&
	chmod u+w "$pack" &&
	flip_byte "$pack" 40 &&
	test_expect_code 1 casg fsck >out 2>err &&
	test_grep "$(basename "$pack")" err &&
	test_expect_code 1 casg fsck --quiet &&
	cp saved "$pack" &&
	casg fsck
'

test_expect_success 'a missing pack is found' '
	pack=$(ls .git/casg/packs/*.pack | head -n 1) &&
	mkdir away && mv "$pack" "${pack%.pack}.idx" away &&
	test_expect_code 1 casg fsck 2>err &&
	test_grep "$(basename "$pack") is not here any more" err &&
	test_expect_code 1 casg fsck --full --read-back 2>err &&
	test_grep "cannot be read back" err &&
	mv away/* .git/casg/packs/ &&
	casg fsck --full --read-back
'

test_expect_success 'a version that is not canonical, a trailer that lies' '
	sed "s/^count /count 0/" one/VERSION >v &&
	cp v one/VERSION &&
	git commit -qam "bad version" &&
	test_expect_code 1 casg fsck 2>err &&
	test_grep "^error: version $(git rev-parse HEAD):one: bad: .*line 5" err &&
	git reset -q --hard HEAD~1 &&
	git checkout -q HEAD~2 -- one &&
	git commit -q -m "x" -m "Casg-Version: one $(casg read-version --id HEAD~1:one | tr a-f0-9 b-f0-9a)" &&
	test_expect_code 1 casg fsck 2>err &&
	test_grep "^error: commit $(git rev-parse HEAD) says Casg-Version one" err &&
	git reset -q --hard HEAD~1 &&
	casg fsck
'

test_expect_success 'a damaged Git object' '
	object=$(git rev-parse HEAD:one/VERSION) &&
	file=.git/objects/$(echo $object | cut -c1-2)/$(echo $object | cut -c3-) &&
	test_path_is_file $file &&
	cp $file saved && rm -f $file &&
	test_expect_code 1 casg fsck 2>err &&
	test_grep "^git: missing blob $object" err &&
	cp saved $file &&
	casg fsck
'

test_expect_success 'in a bare and in an empty repository' '
	git clone -q --bare . bare &&
	casg init -q bare && cp .git/casg/packs/* bare/casg/packs/ &&
	(cd bare && casg fsck --full) &&
	casg init -q empty &&
	(cd empty && casg fsck) >out &&
	test_grep "^0 versions checked" out &&
	test_expect_code 128 env CASG_DIR=/nonexistent casg fsck
'

test_done
