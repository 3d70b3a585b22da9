#!/bin/sh
# casg import --update: some records are new, the others stay.

test_description='casg import --update'
. "$(dirname "$0")/test-lib.sh"

# nothing_changed COMMAND: HEAD, packs and work tree are as they were
nothing_changed () {
	git rev-parse HEAD >before && ls .git/casg/packs >>before &&
	eval "$1" &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after &&
	test_cmp before after &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty
}

test_expect_success 'setup' '
	casg init -q . &&
	printf ">a one\nACGT\n>b two\nMKVLAT\n>c three\nTTTT\n" >x.fa &&
	casg import -q --release=1 x.fa
'

test_expect_success 'a record replaced in its place, a new one at the end' '
	printf ">n new\nMK\n>b TWO\nMKVLATT\n" >u.fa &&
	casg import --update -d x u.fa >out &&
	stored=$(sed -n "s/.*, \([0-9]*\) bytes stored$/\1/p" out) &&
	echo "x: 1 records added, 1 replaced, 0 as they were, 4 in all, 25 bytes in, $stored bytes stored" >expect &&
	test_cmp expect out &&
	printf ">a one\nACGT\n>b TWO\nMKVLATT\n>c three\nTTTT\n>n new\nMK\n" >expect &&
	casg export x >actual && cmp expect actual &&
	git log -1 --format=%s >actual &&
	echo "update x: 1 records added, 1 replaced" >expect && test_cmp expect actual &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty
'

test_expect_success 'its VERSION: source and parent, but no digest and no label of another' '
	casg-read-version x >v &&
	grep "^source u.fa$" v &&
	! grep "^source-sha256\|^release" v &&
	casg-read-version --id HEAD~1:x >id &&
	grep "^previous $(cat id)$" v &&
	grep "^count 4$" v && grep "^residues 17$" v &&
	casg fsck --full
'

test_expect_success 'the roots are those of an import of the whole' '
	casg export x >whole.fa &&
	casg import -q -d whole whole.fa &&
	casg-read-version x | grep "^records\|^order\|^presentation\|^count\|^residues" >expect &&
	casg-read-version whole | grep "^records\|^order\|^presentation\|^count\|^residues" >actual &&
	test_cmp expect actual
'

test_expect_success 'the same again: already up to date' '
	nothing_changed "casg import --update -d x u.fa >out" &&
	echo "already up to date: x (4 records)" >expect && test_cmp expect out
'

test_expect_success 'compressed, several files, standard input' '
	printf ">p one\nMKP\n" | gzip >p.fa.gz &&
	printf ">q two\nMKQ\n" >q.fa &&
	casg import -q --update -d x p.fa.gz q.fa &&
	printf ">r three\nMKR\n" | casg import -q --update -d x - &&
	casg ls --keys x | tr "\n" " " >actual &&
	printf "a b c n p q r " >expect && cmp expect actual
'

test_expect_success 'what is laid out otherwise takes on the line width, and keeps its case' '
	casg-gen --seed 3 --type protein --records 5 --length 200 >wide.fa &&
	casg import -q wide.fa &&
	key=$(sed -n "1s/>\([^ ]*\).*/\1/p" wide.fa) &&
	{ printf ">%s again\r\nmk" "$key" && printf "%0100d" 0 | tr 0 V && printf "\r\nMK\r\n"; } >u.fa &&
	casg import -q --update -d wide u.fa &&
	casg cat wide "$key" >actual &&
	{
		printf ">%s again\nmk" "$key" && printf "%058d\n" 0 | tr 0 V &&
		printf "%042d" 0 | tr 0 V && printf "MK\n"
	} >expect &&
	cmp expect actual
'

test_expect_success 'a key twice in the file: both records are under it' '
	printf ">b one\nMKVLAT\n>b two\nMKVLATT\n" >u.fa &&
	casg import -q --update -d x u.fa &&
	casg cat x b >actual && sort actual >got && sort u.fa >expect && test_cmp expect got &&
	printf ">b only\nMK\n" >u.fa &&
	casg import -q --update -d x u.fa &&
	casg cat x b >actual && cmp u.fa actual
'

test_expect_success 'a series of updates: each costs little, all come back' '
	casg-gen --seed 8 --type protein --records 20000 --length 60 >s.fa &&
	casg import -q s.fa && git tag v0 &&
	whole=$(cat .git/casg/packs/*.pack | wc -c) &&
	for i in 1 2 3 4 5; do
		printf ">upd%d\nMKV\n>sp|none%d\nMK\n" $i $i >u.fa &&
		casg import -q --update -d s u.fa && git tag v$i || return 1
	done &&
	for i in 0 1 2 3 4 5; do
		casg ls --keys v$i:s | wc -l >n && echo $((20000 + 2 * i)) >want &&
		test $(cat n) = $(cat want) || return 1
	done &&
	casg export v0:s >back && cmp s.fa back &&
	casg fsck --full
'

test_expect_success 'refused: no such database, malformed input, local edits' '
	printf ">z\nMK\n" >u.fa &&
	nothing_changed "test_expect_code 128 casg import --update -d nope u.fa 2>err" &&
	test_grep "there is no database .nope. in HEAD to be updated" err &&
	printf ">z\nMK\n>y\nM\001K\n" >bad.fa &&
	nothing_changed "test_expect_code 128 casg import --update -d x bad.fa 2>err" &&
	test_grep "record 2" err &&
	: >empty.fa &&
	nothing_changed "test_expect_code 128 casg import --update -d x empty.fa 2>err" &&
	cp x/VERSION saved && echo edited >>x/VERSION &&
	test_expect_code 128 casg import --update -d x u.fa 2>err &&
	test_grep "local changes" err &&
	cp saved x/VERSION
'

test_expect_success 'the taxonomy of the version before stays' '
	tax=$(printf tax | sha256sum | cut -c1-64) &&
	casg ls x | casg-mktree | casg-write-version --taxonomy=$tax >v &&
	casg-commit-tree -p HEAD --database=tx -m tx <v >commit &&
	git reset -q --hard "$(cat commit)" &&
	casg import -q --update -d tx u.fa &&
	grep "^taxonomy $tax$" tx/VERSION &&
	casg rm -q -d tx z && grep "^taxonomy $tax$" tx/VERSION
'

test_expect_success 'in a bare repository' '
	git clone -q --bare . bare.git &&
	cp -R .git/casg bare.git/ &&
	(
		cd bare.git && casg import -q --update -d x ../u.fa &&
		casg cat x z >actual && cmp ../u.fa actual
	)
'

test_done
