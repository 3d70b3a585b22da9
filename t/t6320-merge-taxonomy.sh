#!/bin/sh
# casg merge and revert of taxonomies: taxa are merged by record as sequences are,
# and what comes of it must be a taxonomy.

test_description='casg merge of taxonomies and mappings'
. "$(dirname "$0")/test-lib.sh"

# table NAME WORD...: NAME.tsv with "id/parent/rank/name" for each word
table () {
	file=$1
	shift
	{
		printf 'id\tparent\trank\tname\n1\t1\tno rank\troot\n' &&
		printf '%s\n' "$@" | tr '/' '\t'
	} >"$file.tsv"
}

# take NAME TIME: NAME.tsv becomes the next version of taxonomy/t
take () {
	casg taxonomy import -q --name t --taxonomy-time "$2" --release "$1" ../"$1.tsv"
}

# branch NAME: begin it at the base
branch () {
	git checkout -q -b "$1" base
}

# same NAME: taxonomy/t has the records, in the order, that NAME.tsv gives
same () {
	casg-read-taxonomy ../"$1.tsv" | casg-mktree --quiet | sed -n '/^records/p; /^order/p; /^presentation/p; /^count/p' >expect &&
	casg-read-version taxonomy/t | sed -n '/^records/p; /^order/p; /^presentation/p; /^count/p' >actual &&
	test_cmp expect actual
}

mapped () {
	casg-ls-tree taxonomy/t.map | sed 1d | cut -f1,6 | sed 's/"\\t\(.*\)"/\1/' | sort | tr '\t\n' ' ;'
}

# whole: the taxonomy names its mapping, and nothing is wrong
whole () {
	test "$(casg-read-version --field=mapping taxonomy/t)" = "$(casg-read-version --field=records taxonomy/t.map)" &&
	casg verify -q && git status --porcelain -uno >dirty && test_must_be_empty dirty
}

test_expect_success 'setup' '
	table base 2/1/domain/Bacteria 561/2/genus/Escherichia 562/561/species/coli 70/2/genus/Other &&
	table more 2/1/domain/Bacteria 561/2/genus/Escherichia 562/561/species/coli 70/2/genus/Other 5620/561/species/five &&
	table less 2/1/domain/Bacteria 561/2/genus/Escherichia 562/561/species/coli 55/561/species/new &&
	table both 2/1/domain/Bacteria 561/2/genus/Escherichia 562/561/species/coli 5620/561/species/five 55/561/species/new &&
	table one 2/1/domain/Bacteria 561/2/genus/Escherichia 562/561/species/colo 70/2/genus/Other &&
	table two 2/1/domain/Bacteria 561/2/genus/Escherichia 562/561/species/cola 70/2/genus/Other &&
	table child 2/1/domain/Bacteria 561/2/genus/Escherichia 562/561/species/coli 70/2/genus/Other 71/70/species/child &&
	casg init -q r && cd r && printf ">a1 x\nMK\n>b1 y\nML\n>c1 z\nMV\n" >p.fa && casg import -q -d p p.fa &&
	take base 2020-01-01 && printf "a1\t562\n" >map && casg taxonomy map -q --name t map && git tag base
'

test_expect_success 'taxa on one side, a mapping on the other' '
	cd r && branch a && take more 2021-01-01 && branch b && printf "b1\t70\n" >map && casg taxonomy map -q --update --name t map && git tag b0 &&
	casg merge a >out && test_grep "^taxonomy/t: 6 records" out && same more &&
	test "$(mapped)" = "a1 562;b1 70;" && whole &&
	echo 2021-01-01T00:00:00Z >expect && casg-read-version --field=taxonomy-time taxonomy/t >actual && test_cmp expect actual &&
	{ casg-read-version --id a:taxonomy/t && casg-read-version --id HEAD^1:taxonomy/t; } | sort >expect &&
	casg-read-version --field=previous taxonomy/t >actual && test_cmp expect actual &&
	git log -1 --format=%B | grep "^Casg-Version: taxonomy/t $(casg-read-version --id taxonomy/t)$" &&
	# the same from the other side, but for the order of the parents
	casg-read-version --id taxonomy/t >expect && git checkout -q a && casg merge -q b0 &&
	casg-read-version --id taxonomy/t >actual && test_cmp expect actual && git reset -q --hard HEAD^1
'

test_expect_success 'taxa on both sides: the order is that of the keys' '
	cd r && branch c && take less 2020-06-01 && git checkout -q -b d a && casg merge -q c && same both && whole &&
	casg ls -q --lineage --taxonomy t p | cut -f1,7 | sed -n 2p >actual && printf "a1\tBacteria;Escherichia;coli\n" >expect && test_cmp expect actual &&
	test_expect_code 1 casg-ls-taxonomy --taxonomy=t 55 70 >out && test_line_count = 1 out
'

test_expect_success 'mappings on both sides' '
	cd r && branch e && printf "c1\t561\na1\t70\n" >map && casg taxonomy map -q --update --name t map &&
	git checkout -q -B f b && casg merge -q e && test "$(mapped)" = "a1 70;b1 70;c1 561;" && whole &&
	branch g && printf "a1\t561\n" >map && casg taxonomy map -q --update --name t map &&
	head=$(git rev-parse HEAD) && test_expect_code 1 casg merge e >out 2>err && test_grep "CONFLICT (records): 1 keys of .taxonomy/t.map" err &&
	test_grep "^ours	a1	" out && test_grep "^#database taxonomy/t.map" out && test "$(git rev-parse HEAD)" = $head &&
	casg merge -q --theirs e && test "$(mapped)" = "a1 70;c1 561;" && whole
'

test_expect_success 'a taxon that both sides changed is a conflict' '
	cd r && branch h && take one 2022-01-01 && branch i && take two 2023-01-01 &&
	test_expect_code 1 casg merge h >out 2>err && test_grep "1 keys of .taxonomy/t." err &&
	sed -n "/^theirs/p" out | cut -f 2- >settle && test_grep "^562	.*colo" settle &&
	casg merge -q --settle settle h && same one && whole && git reset -q --hard HEAD^1 &&
	casg merge -q --ours h && same two && whole &&
	echo 2023-01-01T00:00:00Z >expect && casg-read-version --field=taxonomy-time taxonomy/t >actual && test_cmp expect actual
'

test_expect_success 'what would be no taxonomy is refused, and says which' '
	cd r && branch j && take child 2022-01-01 && head=$(git rev-parse HEAD) && ls .git/casg/packs >packs &&
	test_expect_code 128 casg merge c 2>err && test_grep "make no taxonomy .t. together" err && test_grep "70" err &&
	test "$(git rev-parse HEAD)" = $head && ls .git/casg/packs >after && test_cmp packs after &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty && same child &&
	casg taxonomy import -q --name t --taxonomy-time 2022-02-01 ../more.tsv && casg merge -q c && same both && whole
'

test_expect_success 'gone on one side and changed on the other' '
	cd r && branch k && git rm -q -r taxonomy && git commit -q -m gone && test_expect_code 1 casg merge a 2>err &&
	test_grep "CONFLICT (database): .taxonomy/t. is gone" err && casg merge -q --theirs a && same more && whole
'

test_expect_success 'revert of an import and of a mapping' '
	cd r && git checkout -q -B l a && casg revert -q HEAD && same base && whole &&
	casg-read-version --id a:taxonomy/t >expect && casg-read-version --field=previous taxonomy/t >actual && test_cmp expect actual &&
	git checkout -q -B m b0 && test "$(mapped)" = "a1 562;b1 70;" && casg revert -q HEAD~1 && test "$(mapped)" = "a1 562;" && whole && same base &&
	test_expect_code 128 casg-merge-tree --root m:taxonomy/t m:p 2>err && test_grep "cannot be merged" err
'

test_done
