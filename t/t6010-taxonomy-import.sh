#!/bin/sh
# casg taxonomy import: versions of a taxonomy, and that all that serves
# databases serves them.

test_description='casg taxonomy import'
. "$(dirname "$0")/test-lib.sh"

# nothing_left: no packs that were not there, nothing temporary
nothing_left () {
	ls .git/casg/packs >packs.now &&
	test_cmp packs.before packs.now &&
	ls .git/casg/tmp >tmp.now &&
	test_must_be_empty tmp.now
}

remember () {
	ls .git/casg/packs >packs.before
}

test_expect_success 'setup' '
	mkdir one two bad &&
	casg-taxgen --taxa 12000 one &&
	casg-taxgen --taxa 12000 --change 10 two &&
	cp one/* bad && printf "9999999\t|\t8888888\t|\tr\t|\n" >>bad/nodes.dmp &&
	casg init -q repo
'

test_expect_success 'the first version' '
	cd repo &&
	casg taxonomy import --name ncbi --taxonomy-time 2024-01-01 --release jan ../one >out &&
	test_grep "^ncbi: 12000 taxa, [0-9]* merged, [0-9]* deleted, [0-9]* names, [0-9]* bytes in, [0-9]* bytes stored\$" out &&
	git cat-file blob HEAD:taxonomy/ncbi/VERSION >version &&
	head -n 1 version >out && echo "casg-taxonomy 1" >expect && test_cmp expect out &&
	sed -n "/^taxonomy-time/p; /^release/p; /^source /p; /^count/p; /^previous/p" version >out &&
	cat >expect <<-EOF &&
	count $(casg-read-taxonomy ../one | wc -l)
	taxonomy-time 2024-01-01T00:00:00Z
	release jan
	source one
	EOF
	test_cmp expect out &&
	git log -1 --format=%s >out &&
	echo "import taxonomy/ncbi: release jan, 12000 taxa" >expect &&
	test_cmp expect out &&
	git status --porcelain taxonomy >out &&
	test_must_be_empty out
'

test_expect_success 'its records are those that were read, in the order of their keys' '
	cd repo &&
	casg-read-taxonomy ../one >expect &&
	casg-ls-tree HEAD:taxonomy/ncbi | grep -v "^#casg" >actual &&
	test_cmp expect actual
'

test_expect_success 'the same again: nothing is committed, unless label or time are new' '
	cd repo &&
	git rev-parse HEAD >before &&
	remember &&
	tar cf ../one.tar -C .. one &&
	casg taxonomy import --name ncbi ../one.tar >out &&
	echo "already up to date: ncbi (12000 taxa)" >expect &&
	test_cmp expect out &&
	casg taxonomy import --quiet --name ncbi --release jan --taxonomy-time 2024-01-01 ../one >out &&
	test_must_be_empty out &&
	git rev-parse HEAD >after &&
	test_cmp before after &&
	nothing_left &&
	casg taxonomy import --quiet --name ncbi --release jan2 --taxonomy-time 2024-01-15 ../one &&
	git log --format=%s >out &&
	head -n 1 out >first &&
	echo "import taxonomy/ncbi: release jan2, 12000 taxa" >expect &&
	test_cmp expect first
'

test_expect_success 'a version in which one taxon in a hundred differs costs little' '
	cd repo &&
	casg taxonomy import --name ncbi --taxonomy-time 2024-02-01 -m "february" ../two >out &&
	stored=$(sed "s/.* in, \([0-9]*\) bytes stored/\1/" out) &&
	whole=$(cat ../one/*.dmp | gzip -c | wc -c) &&
	test $((stored * 8)) -lt $whole &&
	casg-read-taxonomy ../two >expect &&
	casg-ls-tree HEAD:taxonomy/ncbi | grep -v "^#casg" >actual &&
	test_cmp expect actual &&
	git log -1 --format=%s >out && echo february >expect && test_cmp expect out
'

test_expect_success 'log, diff, fsck' '
	cd repo &&
	casg log taxonomy/ncbi >out &&
	test_grep february out &&
	test_grep "release jan" out &&
	casg diff --exit-code HEAD~2:taxonomy/ncbi HEAD~1:taxonomy/ncbi &&
	test_expect_code 1 casg diff --exit-code HEAD~1:taxonomy/ncbi HEAD:taxonomy/ncbi >out &&
	test -s out &&
	casg fsck >out
'

test_expect_success 'gc, repack and clone keep it' '
	cd repo &&
	casg gc --quiet &&
	casg repack -a -d --quiet &&
	for rev in HEAD~1:one HEAD:two; do
		casg-read-taxonomy "../${rev#*:}" >expect &&
		casg-ls-tree "${rev%:*}:taxonomy/ncbi" | grep -v "^#casg" >actual &&
		test_cmp expect actual || return 1
	done &&
	casg fsck &&
	casg clone --quiet . ../copy &&
	cd ../copy &&
	casg-read-taxonomy ../two >expect &&
	casg-ls-tree HEAD:taxonomy/ncbi | grep -v "^#casg" >actual &&
	test_cmp expect actual
'

test_expect_success 'what is no taxonomy leaves nothing behind' '
	cd repo &&
	git rev-parse HEAD >before &&
	remember &&
	test_expect_code 128 casg taxonomy import --name ncbi ../bad >out 2>err &&
	test_must_be_empty out &&
	echo "fatal: ../bad/nodes.dmp: line 12001: '\''9999999'\'' has a parent that is not there, '\''8888888'\''" >expect &&
	test_cmp expect err &&
	test_expect_code 128 casg taxonomy import --name ncbi absent >out 2>err &&
	test_expect_code 129 casg taxonomy import --name ncbi --taxonomy-time noon ../one >out 2>err &&
	git rev-parse HEAD >after &&
	test_cmp before after &&
	nothing_left
'

test_expect_success 'nor in a new repository, where the empty sequence was stored for it' '
	casg init -q fresh &&
	cd fresh &&
	remember &&
	test_expect_code 128 casg taxonomy import --name ncbi ../bad 2>err &&
	nothing_left &&
	casg taxonomy import --quiet --name ncbi ../one
'

test_expect_success 'local edits are not overwritten' '
	cd repo &&
	remember &&
	echo >>taxonomy/ncbi/VERSION &&
	test_expect_code 128 casg taxonomy import --name ncbi ../one 2>err &&
	test_grep "local changes to .taxonomy/ncbi/VERSION." err &&
	git checkout -q taxonomy/ncbi/VERSION &&
	nothing_left
'

test_expect_success 'names, tables, standard input' '
	cd repo &&
	{
		printf "G1\td__B;p__P;c__C;o__O;f__F;g__G;s__G a\n" &&
		printf "G2\td__B;p__P;c__C;o__O;f__F;g__G;s__G b\n"
	} >../bac.tsv &&
	casg taxonomy import --name gtdb - <../bac.tsv >out &&
	test_grep "^gtdb: 11 taxa, 0 merged, 0 deleted, 11 names," out &&
	mkdir ../named &&
	printf "1\t|\t1\t|\tr\t|\n5\t|\t1\t|\tr\t|\n" >../named/nodes.dmp &&
	printf "1\t|\troot\t|\t\t|\tscientific name\t|\n5\t|\ta b\t|\t\t|\tscientific name\t|\n" >../named/names.dmp &&
	casg taxonomy import --quiet --name named --ids names ../named/ &&
	casg-ls-tree HEAD:taxonomy/named | grep -v "^#casg" | cut -f1 >actual &&
	printf "a%%20b\nroot\n" >expect &&
	test_cmp expect actual &&
	git show HEAD:taxonomy/named/VERSION >version &&
	test_grep "^source named\$" version
'

test_expect_success 'a database beside it' '
	cd repo &&
	printf ">a\nACGT\n>b\n\n" >../db.fa &&
	casg import --quiet ../db.fa &&
	casg taxonomy import --quiet --name ncbi ../one &&
	casg export HEAD:db >out &&
	test_cmp ../db.fa out &&
	casg fsck
'

test_expect_success 'VERSION says in how many taxa it differs from the one before' '
	rm -rf summary && casg init -q summary && cd summary && mkdir a b &&
	printf "%s\n" "id${TAB}parent${TAB}rank${TAB}name" "1${TAB}1${TAB}no rank${TAB}root" \
		"2${TAB}1${TAB}genus${TAB}A" "3${TAB}1${TAB}genus${TAB}B" "4${TAB}2${TAB}species${TAB}a" >a/t.tsv &&
	sed -e "s/^4${TAB}2/4${TAB}3/" -e "s/${TAB}B\$/${TAB}C/" a/t.tsv >b/t.tsv &&
	printf "5\t2\tspecies\tb\n" >>b/t.tsv &&
	casg taxonomy import -q --name x a/t.tsv && casg read-version taxonomy/x >version &&
	test_grep ! "^change" version &&
	casg taxonomy import -q --name x b/t.tsv && casg read-version taxonomy/x >version &&
	grep "^change" version >changes &&
	printf "change new 1\nchange renamed 1\nchange moved 1\n" >want && test_cmp want changes &&
	casg-diff-taxonomy --changes HEAD~1:x HEAD:x | sed "s/^/change /" >out && test_cmp want out &&
	git show HEAD:taxonomy/x/VERSION >file && casg-diff-taxonomy --changes --after=file HEAD~1:x |
		sed "s/^/change /" >out && test_cmp want out &&
	test_expect_code 129 casg-diff-taxonomy --after=file HEAD:x HEAD:x &&
	test_expect_code 129 casg-diff-taxonomy HEAD:x &&
	test_expect_code 128 casg-diff-taxonomy --after=changes HEAD:x
'

test_expect_success 'names that cannot be' '
	cd repo &&
	for name in "" a/b a.map -x .a a..b VERSION PACKS "a b"; do
		test_expect_code 129 casg taxonomy import --name="$name" ../one 2>err || return 1
	done &&
	test_expect_code 129 casg taxonomy import ../one 2>err &&
	test_expect_code 129 casg taxonomy import --name x 2>err &&
	test_expect_code 129 casg taxonomy import --name x --ids letters ../one 2>err &&
	test_expect_code 129 casg taxonomy frob 2>err &&
	test_grep "there is no .casg taxonomy frob." err &&
	test_expect_code 129 casg taxonomy 2>err
'

test_done
