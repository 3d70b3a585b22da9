#!/bin/sh
# casg subset: the FASTA of a clade is what a filter over all lines makes.

test_description='casg subset, without and with a taxonomy'
. "$(dirname "$0")/test-lib.sh"

EMPTY=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# taxa: "KEY DESCRIPTION" lines become a record stream; ^ stands for TAB.
taxa () {
	sed -e 's/\^/\\t/g' -e "s/^\([^ ]*\) \(.*\)/\1$TAB$EMPTY${TAB}0$TAB-$TAB-$TAB\"\2\"/"
}

# commit_taxonomy NAME FILE: the records of FILE become a version of taxonomy/NAME
commit_taxonomy () {
	casg mktree <"$2" >roots &&
	casg write-version --kind=taxonomy --taxonomy-time=2024-01-01 <roots >version &&
	commit=$(casg commit-tree -p HEAD --database="taxonomy/$1" -m "$1" <version) &&
	git update-ref HEAD "$commit" && git reset -q --hard
}

# want REGEX [DATABASE]: the text of records one of whose taxa matches
want () {
	casg ls "${2-db}" | awk -F "\t" -v re="(^|,)($1)(,|\$)" '/^#casg/ || $4 ~ re' | casg assemble
}

test_expect_success 'setup' '
	casg init -q . &&
	awk "BEGIN {
		n = split(\"562 83333 511145 99 561 1350 70 98 5,562 -\", id, \" \")
		for (i = 0; i < 300; i++) {
			t = id[i * 7 % n + 1]
			sub(\",\", \" OX=\", t)
			print \">k\" (i * 37) % 300 (t == \"-\" ? \"\" : \" x OX=\" t)
			print i % 9 ? \"MKVLAT\" : \"mkVLATmkv\"
		}
	}" >file.fa &&
	casg import -q --database db file.fa
'

test_expect_success 'without a taxonomy: by id, exactly' '
	want 562 >expect && test -s expect &&
	casg subset --taxon 562 db >actual && test_cmp expect actual &&
	want "562|70" >expect &&
	casg subset --taxon 562 --taxon=70 >actual && test_cmp expect actual &&
	test_expect_code 1 casg subset --taxon 2 db >out 2>err &&
	test_must_be_empty out && test_grep "^error: no record carries .2." err &&
	test_expect_code 1 casg subset --taxon "Escherichia coli" db &&
	test_expect_code 1 casg subset -q --taxon 2 db 2>err && test_must_be_empty err &&
	test_expect_code 129 casg subset db &&
	test_expect_code 129 casg subset --taxon 562 --no-descendants db &&
	test_expect_code 129 casg subset --keys --taxon 562 db &&
	test_expect_code 129 casg subset --taxon
'

test_expect_success '-o FILE: all of it, or as it was' '
	want 562 >expect &&
	casg subset --taxon 562 -o out.fa db && test_cmp expect out.fa &&
	test_expect_code 1 casg subset --taxon 2 -o out.fa db && test_cmp expect out.fa &&
	test_expect_code 1 casg subset --taxon 2 -o none.fa db && test_path_is_missing none.fa &&
	casg subset --taxon 562 -o - db >actual && test_cmp expect actual &&
	casg subset --taxon 562 --output=/dev/stdout db >actual && test_cmp expect actual &&
	test_expect_code 128 casg subset --taxon 562 -o missing/out.fa db &&
	ls >files && ! grep casg- files
'

test_expect_success 'a taxonomy' '
	printf ">x\n" | casg hash-object -w - >id &&
	taxa >records <<-\EOF &&
	1 ^node^1^no rank^^root^
	2 ^node^1^domain^^Bacteria^Bacteria <bacteria>^synonym^Eubacteria^
	561 ^node^2^genus^^Escherichia^
	562 ^node^561^species^8|0^Escherichia coli^^common name^E. coli^
	83333 ^node^562^strain^^K-12^
	511145 ^node^83333^strain^^MG1655^
	1350 ^node^2^genus^^Enterococcus^
	70 ^node^2^genus^^Twin^
	71 ^node^1350^species^^Twin^
	99 ^merged^562
	98 ^deleted
	EOF
	commit_taxonomy ncbi records
'

test_expect_success 'names and ids with all descendants and merged ids' '
	want "562|83333|511145|99" >expect &&
	for taxon in 562 "Escherichia coli" "e. COLI" 99; do
		casg subset --taxon "$taxon" db >actual && test_cmp expect actual || return 1
	done &&
	casg subset --taxon 562 --taxonomy ncbi db >actual && test_cmp expect actual &&
	casg subset --taxon 562 --taxonomy HEAD:taxonomy/ncbi db >actual && test_cmp expect actual &&
	want "561|562|83333|511145|99|1350|70" >expect &&
	casg subset --taxon Bacteria db >actual && test_cmp expect actual &&
	casg subset --taxon Bacteria --taxon 562 db >actual && test_cmp expect actual
'

test_expect_success 'both ways to find the taxa of a clade: a short index, a short clade' '
	awk "BEGIN { for (i = 0; i < 90; i++) print \">m\" i \" OX=\" 200000 + i \"\\nMK\"
		print \">a OX=562\\nMKV\\n>b OX=99\\nMKL\\n>c OX=511145\\nMKA\" }" >wide.fa &&
	casg import -q --database wide wide.fa &&
	want "562|83333|511145|99" wide >expect && test_line_count = 6 expect &&
	casg subset --taxon 562 wide >actual && test_cmp expect actual &&
	want "511145" wide >expect && casg subset --taxon 83333 wide >actual && test_cmp expect actual
'

test_expect_success '--exclude takes its descendants along' '
	want "562|99" >more && casg ls db | awk -F "\t" "/^#casg/ || \$4 ~ /(^|,)(562|99)\$/" |
	casg assemble >expect &&
	casg subset --taxon 562 --exclude 83333 db >actual && test_cmp expect actual &&
	casg subset --taxon "Escherichia coli" --exclude=K-12 db >actual && test_cmp expect actual &&
	test_expect_code 1 casg subset --taxon 562 --exclude Bacteria db >out && test_must_be_empty out
'

test_expect_success '--no-descendants, --no-taxonomy' '
	want "562|99" >expect &&
	casg subset --no-descendants --taxon 562 db >actual && test_cmp expect actual &&
	want 562 >expect &&
	casg subset --no-taxonomy --taxon 562 db >actual && test_cmp expect actual &&
	want 98 >expect &&
	casg subset --no-taxonomy --taxon 98 db >actual && test_cmp expect actual &&
	test_expect_code 129 casg subset --no-taxonomy --taxonomy ncbi --taxon 562 db
'

test_expect_success 'what the taxonomy does not know is no answer' '
	for taxon in 4711 nothing 98 Twin; do
		test_expect_code 128 casg subset --taxon "$taxon" db >out 2>err &&
		test_must_be_empty out && test_grep "^fatal: " err || return 1
	done &&
	test_expect_code 128 casg subset --taxon 562 --exclude nothing db &&
	test_expect_code 128 casg subset --taxon 562 --taxonomy other db &&
	test_expect_code 1 casg subset --taxon 71 db 2>err && test_grep "no record carries .71." err
'

test_expect_success 'an older version; from a folder below; with CASG_DIR' '
	printf ">new OX=562\nMK\n" >new.fa && git tag old &&
	casg import -q --accept-shrink --database db new.fa &&
	casg subset --taxon 562 db >actual && test_cmp new.fa actual &&
	want "562|83333|511145|99" old:db >expect &&
	casg subset --taxon 562 old:db >actual && test_cmp expect actual &&
	mkdir -p below && (cd below && casg subset --taxon "E. coli" old:db) >actual && test_cmp expect actual &&
	CASG_DIR=$PWD/.git && export CASG_DIR && test_when_finished "unset CASG_DIR" &&
	(cd / && casg subset --taxon "E. coli" old:db) >actual && test_cmp expect actual
'

test_expect_success 'several taxonomies: one has to be named' '
	commit_taxonomy other records &&
	test_expect_code 128 casg subset --taxon 562 old:db >out 2>err && test_must_be_empty out &&
	test_grep "several taxonomies" err &&
	casg subset --taxonomy other --taxon 562 old:db >actual && test_cmp expect actual
'

test_expect_success '--as-of: the versions of a time, and what is told of them' '
	casg init -q times && cd times &&
	printf ">a OX=562\nMK\n>b OX=70\nML\n" >one.fa && printf ">a OX=562\nMK\n>c OX=562\nMV\n" >two.fa &&
	casg import -q --database db --sequence-time 2020-01-01 one.fa &&
	casg import -q --database db --sequence-time 2022-01-01 two.fa &&
	head="id${TAB}parent${TAB}rank${TAB}name\n1${TAB}1${TAB}no rank${TAB}root\n" &&
	printf "${head}2\t1\tgenus\tOne\n562\t2\tspecies\ta\n70\t2\tspecies\tb\n" >t1.tsv &&
	printf "${head}2\t1\tgenus\tOne\n562\t2\tspecies\ta\n70\t1\tspecies\tb\n" >t2.tsv &&
	casg taxonomy import -q --name t --taxonomy-time 2021-01-01 t1.tsv &&
	casg taxonomy import -q --name t --taxonomy-time 2023-01-01 t2.tsv &&
	casg subset --taxon One --as-of-sequence 2021-01-01 --as-of-taxonomy 2022-01-01 db >out 2>err &&
	test_cmp one.fa out && test_grep "^view [0-9a-f]*: sequence" err &&
	casg subset -q --taxon One --as-of-sequence 2021-01-01 db >out 2>err && test_must_be_empty err &&
	printf ">a OX=562\nMK\n" >want && test_cmp want out &&
	casg subset -q --taxon One --as-of 2022-06-01 -o out db && test_cmp two.fa out &&
	test_expect_code 128 casg subset --taxon One --as-of-taxonomy 2020-01-01 db &&
	test_expect_code 128 casg subset --taxon One --as-of-sequence 2019-01-01 db &&
	test_expect_code 129 casg subset --taxon One --as-of 2022-01-01 --no-taxonomy db
'

test_expect_success '--proof: that each of them is in the version' '
	cd times && casg subset -q --taxon One --proof=proof -o out db &&
	id=$(casg read-version --id db) && casg verify-proof --version-id "$id" proof >said &&
	grep -c "^record" said >n && grep -c "^>" out >want && test_cmp want n &&
	casg subset -q --taxon One --as-of-sequence 2021-01-01 --proof=proof db >out &&
	test_expect_code 1 casg verify-proof --version-id "$id" proof &&
	casg verify-proof --version-id "$(casg read-version --id HEAD~3:db)" proof >said &&
	rm proof && test_expect_code 1 casg subset -q --taxon 2 --exclude 1 --proof=proof db &&
	test_path_is_missing proof && test_expect_code 128 casg subset --taxon One --proof=none/proof db &&
	ls >files && ! grep casg- files
'

test_expect_success '--proof under a taxonomy: of what taxon each of them is' '
	cd times && casg subset --taxon One --as-of 2022-06-01 --proof=proof -o out db 2>err &&
	test_line_count = 1 err && v=$(sed -n "s/^view \([0-9a-f]*\):.*/\1/p" err) &&
	casg verify-proof --taxon 2 --fasta out --view "$v" proof >said && grep -c "^lineage	2	genus	One" said >n && echo 2 >want && test_cmp want n &&
	test_expect_code 1 casg verify-proof --taxon 70 --view "$v" proof &&
	casg verify-proof -q --taxon 70 --taxon 562 --view "$v" proof &&
	casg subset --taxon 562 --taxonomy t --proof=proof -o out db 2>err && v=$(sed -n "s/^view \([0-9a-f]*\):.*/\1/p" err) &&
	casg-resolve-view db | grep "^view $v$" && casg verify-proof -q --taxon 562 --fasta out --view "$v" proof &&
	casg subset -q --taxon 562 --taxonomy= --proof=again -o out db 2>err && test_must_be_empty err && cmp proof again &&
	casg subset -q --taxon 562 --taxonomy=HEAD~1:taxonomy/t --taxon-from header --proof=proof -o out db &&
	v=$(casg-resolve-view --as-of-taxonomy HEAD~1 db | sed -n "s/^view //p") && casg verify-proof -q --taxon 2 --view "$v" proof &&
	printf ">n [a]\nMK\n" | casg import -q -d named --sequence-time 2020-01-01 - && rm proof &&
	test_expect_code 128 casg subset -q --taxon 562 --as-of-taxonomy HEAD --proof=proof named >out 2>err &&
	test_must_be_empty out && test_path_is_missing proof && test_grep "rests on the name .a." err &&
	test_expect_code 0 casg subset -q --taxon 562 --proof=proof named >out && test_grep "^claim records" proof
'

test_done
