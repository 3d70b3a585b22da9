#!/bin/sh
test_description='records are found by taxon whatever says which taxa they have'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxonomy.sh"

# found WORD... : the keys that casg subset finds, in one line
found () {
	casg subset -q "$@" >found.fa &&
	sed -n "s/^>\([^ ]*\).*/\1/p" found.fa | tr "\n" " "
}

# asked WORD... : the same of casg query
asked () {
	casg query --quiet --output=fasta "$@" >asked.fa &&
	sed -n "s/^>\([^ ]*\).*/\1/p" asked.fa | tr "\n" " "
}

# both EXPECTED WORD... : do both find these?
both () {
	expected=$1 && shift &&
	found "$@" >actual && test "$(cat actual)" = "$expected" &&
	asked "$@" >actual && test "$(cat actual)" = "$expected"
}

indexes () {
	set -- .git/casg/index/taxa/*.tax
	echo $#
}

test_expect_success 'setup: headers that declare nothing' '
	casg init -q . &&
	printf ">%s\nMKVLAT\n" "m1.1 x" "m2.3 y" "o1 z [Escherichia coli]" "o2 z [Twin]" "n1 none" >p.fa &&
	casg import -q p.fa && small_taxonomy ncbi
'

test_expect_success 'through [Organism], and not with headers alone' '
	both "o1 " --taxon "Escherichia coli" p &&
	both "o1 " --taxon-from=organism --taxon 2 p &&
	test_expect_code 1 casg subset -q --taxon-from=header --taxon 2 p >out && test_must_be_empty out &&
	asked --taxon-from=header --taxon 2 p >out && test_must_be_empty out &&
	test_expect_code 1 casg subset -q --taxon-from=mapping,header --taxon 2 p
'

test_expect_success 'through a mapping' '
	printf "m1\t562\nm2.3\t4932\n" >map && casg taxonomy map -q --name ncbi map &&
	both "m1.1 o1 " --taxon 561 p &&
	both "m2.3 " --taxon Eukaryota p &&
	both "m1.1 " --taxon 561 --taxon-from mapping p &&
	both "o1 " --taxon 561 --taxon-from organism p &&
	both "m1.1 m2.3 o1 " --taxon 1 p &&
	both "m2.3 " --taxon 1 --exclude 562 --taxon-from mapping,organism p
'

test_expect_success 'a setting says so as well' '
	git config casg.taxonFrom mapping &&
	both "m1.1 " --taxon 561 p &&
	both "m1.1 o1 " --taxon 561 --taxon-from header,mapping,organism p &&
	git config --unset casg.taxonFrom
'

test_expect_success 'one worker or several, with the mapping loaded or not' '
	casg-ls-taxon --keys --taxonomy=ncbi --taxon=1 p >expect && test_line_count = 3 expect &&
	for threads in 1 4; do
		rm -f .git/casg/index/taxa/* &&
		casg-ls-taxon --keys --threads=$threads --taxonomy=ncbi --taxon=1 p >actual &&
		test_cmp expect actual || return 1
	done
'

test_expect_success 'many records, whose mapping is loaded, and then asked in its tree' '
	awk "BEGIN { for (i = 0; i < 3000; i++) printf \">L%05d\\nMKV\\n\", i }" >l.fa &&
	casg import -q l.fa &&
	awk "BEGIN { for (i = 0; i < 3000; i++) printf \"L%05d\\t%d\\n\", i, i % 3 ? 562 : 4932 }" >lmap &&
	casg taxonomy map -q --name ncbi --update lmap &&
	casg-ls-taxon --keys --threads=4 --taxonomy=ncbi --taxon=4932 l >expect && test_line_count = 1000 expect &&
	casg-ls-taxon --keys --threads=4 --taxonomy=ncbi --taxon=4932 l >actual &&
	test_cmp expect actual
'

test_expect_success 'tables show the taxa that records were found by' '
	casg query --quiet --taxon 561 --format="%(key) %(taxon) %(taxid) %(genus)" p >actual &&
	printf "%s\n" "m1.1 562 562 Escherichia" "o1 562 562 Escherichia" >expect && test_cmp expect actual &&
	casg query --quiet --rank genus --count p >actual && echo 3 >expect && test_cmp expect actual &&
	casg query --quiet --rank genus --count --taxon-from=header p >actual && echo 0 >expect && test_cmp expect actual
'

test_expect_success 'taxon-stats counts by them' '
	casg-taxon-stats --taxonomy=ncbi p | cut -f 1-3 >actual &&
	printf "%s\n" "taxon${TAB}name${TAB}records" "-${TAB}-${TAB}2" "4932${TAB}Saccharomyces cerevisiae${TAB}1" \
		"562${TAB}Escherichia coli${TAB}2" >expect && test_cmp expect actual &&
	casg-taxon-stats --taxonomy=ncbi --taxon-from=header p | cut -f 1-3 >actual &&
	printf "%s\n" "taxon${TAB}name${TAB}records" "-${TAB}-${TAB}5" >expect && test_cmp expect actual
'

test_expect_success 'casg ls and casg-ls-taxon print the taxa that records are found by' '
	casg ls -q --lineage --taxonomy ncbi p | cut -f 1,4,7 | sed 1d >actual &&
	printf "%s\t%s\t%s\n" m1.1 562 "Bacteria;Escherichia;Escherichia coli" \
		m2.3 4932 "Eukaryota;Saccharomyces;Saccharomyces cerevisiae" \
		o1 562 "Bacteria;Escherichia;Escherichia coli" o2 - - n1 - - >expect && test_cmp expect actual &&
	casg ls -q --taxonomy ncbi --taxon-from header p | cut -f 4 | sed 1d | sort -u >actual && echo - >expect && test_cmp expect actual &&
	git config casg.taxonFrom organism && casg ls -q --taxonomy ncbi p | cut -f 1,4 | grep -v "^#\|-$" >actual &&
	printf "o1\t562\n" >expect && test_cmp expect actual && git config --unset casg.taxonFrom &&
	for from in mapping,organism header,mapping,organism; do
		casg-ls-taxon --taxonomy=ncbi --taxon=561 --taxon-from=$from p | cut -f 1,4 | sed 1d >actual &&
		printf "m1.1\t562\no1\t562\n" >expect && test_cmp expect actual || return 1
	done &&
	casg-ls-taxon --taxonomy=ncbi --taxon=561 p >stream && casg-assemble <stream >out && casg subset -q --taxon 561 p >expect && cmp expect out &&
	printf ">x OX=999\nMK\n>y OX=998\nMK\n" | casg import -q -d old - &&
	casg-ls-taxon --taxonomy=ncbi --taxon=562 old | cut -f 1,4 | sed 1d >actual && printf "x\t562\n" >expect && test_cmp expect actual &&
	casg-ls-tree --taxonomy=ncbi old 2>err | cut -f 1,4 | sed 1d >actual && printf "x\t562\ny\t998\n" >expect && test_cmp expect actual &&
	test_grep "1 records have a taxon that was deleted" err &&
	test_expect_code 129 casg ls --taxon-from header p && test_expect_code 129 casg ls --keys --taxon-from header --taxonomy ncbi p &&
	test_expect_code 129 casg ls-tree --taxon-from header p && test_expect_code 129 casg ls --taxonomy ncbi --taxon-from nowhere p
'

test_expect_success 'maintenance keeps an index made with a mapping, and makes that of the next version' '
	rm -f .git/casg/index/taxa/* && casg maintenance run --quiet --task=index && test_path_is_missing .git/casg/index/taxa/none &&
	test_expect_code 129 casg index-taxa --in-use p && test_expect_code 129 casg index-taxa --taxon-from header p &&
	casg index-taxa --in-use --taxonomy=ncbi p >out && test_must_be_empty out &&
	casg index-taxa --taxonomy=ncbi p >out && test_grep "made$" out && name=$(cut -f 1 out) &&
	casg maintenance run --quiet --task=index && test_path_is_file .git/casg/index/taxa/$name &&
	casg index-taxa --in-use --taxonomy=HEAD:ncbi HEAD:p >out && echo "$name${TAB}there" >expect && test_cmp expect out &&
	casg index-taxa --in-use --taxonomy=ncbi l >out && test_must_be_empty out &&
	printf "n1\t562\n" >more && casg taxonomy map -q --name ncbi --update more &&
	casg maintenance run --quiet --task=index && test_path_is_missing .git/casg/index/taxa/$name &&
	casg index-taxa --taxonomy=ncbi p >out && test_grep "there$" out && both "m1.1 o1 n1 " --taxon 561 p &&
	git reset -q --hard HEAD~2
'

test_expect_success 'a later mapping changes the answer; the earlier one is still there' '
	git tag before &&
	printf "m1.1\t4932\n" >later && casg taxonomy map -q --name ncbi --update later &&
	both "o1 " --taxon 561 p &&
	both "m1.1 m2.3 " --taxon 4932 p &&
	both "m1.1 o1 " --taxonomy before:ncbi --taxon 561 p
'

test_expect_success 'diff-lineage: each version with its own mapping' '
	casg-diff-lineage before:taxonomy/ncbi taxonomy/ncbi p >actual &&
	printf "%s\n" "moved${TAB}m1.1${TAB}4932${TAB}Bacteria;Escherichia;Escherichia coli${TAB}Eukaryota;Saccharomyces;Saccharomyces cerevisiae" >expect &&
	test_cmp expect actual &&
	casg-diff-lineage --taxon-from=organism before:taxonomy/ncbi taxonomy/ncbi p >actual && test_must_be_empty actual &&
	casg-diff-lineage --stat before:taxonomy/ncbi taxonomy/ncbi p >actual &&
	test_grep "moved |          1" actual && test_grep "same |          2" actual &&
	test_grep "without |          2" actual &&
	casg query --quiet --between before..HEAD --differs genus --format="%(key) %(oldtaxid) %(taxid)" p >actual &&
	echo "m1.1 562 4932" >expect && test_cmp expect actual
'

test_expect_success 'where each header declares a taxon, the index of these serves all' '
	printf ">%s\nMKVLAT\n" "h1 OX=562 [Saccharomyces cerevisiae]" "h2 OX=4932" >h.fa &&
	casg import -q h.fa && rm -f .git/casg/index/taxa/* &&
	casg-index-taxa h && test $(indexes) = 1 &&
	both "h1 " --taxon 2 h && test $(indexes) = 1 &&
	both "h1 " --taxon 2 --taxon-from=header h && test $(indexes) = 1 &&
	both "h1 h2 " --taxon 4932 --taxon-from=organism,header h &&
	test $(indexes) = 2
'

test_expect_success 'without a taxonomy there is nothing to choose' '
	test_expect_code 129 casg subset --no-taxonomy --taxon-from=header --taxon 562 h &&
	test_expect_code 129 casg-ls-taxon --taxon-from=header --taxon=562 h &&
	test_expect_code 129 casg-query-tree --taxon-from=header --taxon=562 h &&
	test_expect_code 129 casg-taxon-stats --taxon-from=header h &&
	test_expect_code 129 casg subset --taxon-from=nonsense --taxon 562 h &&
	test_expect_code 129 casg query --taxon-from=nonsense --taxon 562 h &&
	both "h1 " --taxonomy ncbi --taxon 562 h
'

test_expect_success 'ids that are names, as in GTDB' '
	git init -q gtdb && (cd gtdb && casg init -q . &&
	printf ">%s\nMKVLAT\n" "GCF_1.1 a" "GCF_2.1 b" "GCF_3.1 c" >g.fa && casg import -q g.fa &&
	taxa >records <<-\EOF &&
	d__Bacteria ^node^d__Bacteria^domain^^Bacteria^
	g__Escherichia ^node^d__Bacteria^genus^^Escherichia^
	s__Escherichia%20coli ^node^g__Escherichia^species^^Escherichia coli^
	s__Escherichia%20fergusonii ^node^g__Escherichia^species^^Escherichia fergusonii^
	EOF
	commit_taxonomy gtdb records &&
	test_expect_code 1 casg subset -q --taxon "s__Escherichia coli" g &&
	printf "GCF_1.1\ts__Escherichia coli\nGCF_2.1\ts__Escherichia fergusonii\n" >map &&
	casg taxonomy map -q --name gtdb map &&
	both "GCF_1.1 " --taxon "s__Escherichia coli" g &&
	both "GCF_1.1 GCF_2.1 " --taxon g__Escherichia g &&
	both "GCF_2.1 " --taxon d__Bacteria --exclude "s__Escherichia coli" g &&
	printf "GCF_3.1\ts__Escherichia coli\nGCF_1.1\ts__Escherichia fergusonii\n" >map &&
	casg taxonomy map -q --name gtdb --update map &&
	both "GCF_3.1 " --taxon "s__Escherichia coli" g)
'

test_done
