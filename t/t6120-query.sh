#!/bin/sh
test_description='casg query and casg-query-tree: the records that are asked for'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxdump.sh"

# taxon ID PARENT RANK NAME: into the dump in $dir
taxon () {
	printf "%s\t|\t%s\t|\t%s\t|\n" "$1" "$2" "$3" >>"$dir/nodes.dmp" &&
	printf "%s\t|\t%s\t|\t\t|\tscientific name\t|\n" "$1" "$4" >>"$dir/names.dmp"
}

# what both dumps have
common () {
	mkdir "$dir" &&
	taxon 1 1 "no rank" root && taxon 2 1 superkingdom Bacteria &&
	taxon 561 2 genus Escherichia && taxon 562 561 species "Escherichia coli" &&
	taxon 83333 562 strain "Escherichia coli K-12" &&
	taxon 564 561 species "Escherichia fergusonii" &&
	taxon 1578 2 genus Lactobacillus && taxon 1579 1578 species "Lactobacillus acidophilus" &&
	taxon 4890 1 phylum Ascomycota
}

test_expect_success 'setup: two versions of a database, two of a taxonomy' '
	casg init -q r && cd r &&
	dir=a && common && taxon 1582 1578 species "Lactobacillus casei" &&
	taxon 563 561 species "Escherichia odd" &&
	dir=b && common && taxon 2759736 2 genus Lacticaseibacillus &&
	taxon 1582 2759736 species "Lacticaseibacillus casei" &&
	printf "563\t|\t562\t|\n" >b/merged.dmp &&
	cat >one.fa <<-\EOF &&
	>P1 coli kinase OS=E OX=562
	MKVLAT
	>P2 K-12 ligase OX=83333
	MKVLATMKVL
	>P3 casei kinase OX=1582
	MKV
	>P4 acidophilus OX=1579
	MKVLATMKVLATAAAA
	>P5 odd OX=563
	MA
	>P6 fungus "quoted" OX=4890
	MAAAA
	>P7 no taxon
	MC
	>P8 two OX=1582 OX=562
	MCC
	>P9 unknown OX=999
	MCCC
	EOF
	sed -e "s/MKVLATMKVLATAAAA/MKVLATMKVLAT/" -e "/^>P7/,/^>P8/{/^>P8/!d;}" one.fa >two.fa &&
	printf ">PA fergusonii new OX=564\nMD\n" >>two.fa &&
	dump_taxonomy ncbi 2020-01-01 a && git tag ta &&
	casg import -q --database=db --sequence-time=2020-06-01 --release=one one.fa && git tag s1 &&
	dump_taxonomy ncbi 2023-01-01 b && git tag tb &&
	casg import -q --database=db --sequence-time=2023-03-01 --release=two two.fa
'

# keys ARG...: of the records found, under the later taxonomy; asked: by porcelain
keys () {
	casg-query-tree --taxonomy=tb:ncbi "$@" db >found && grep -v "^#" found | cut -f1 | tr "\n" " "
}
asked () {
	casg query -q "$@" db >found && grep -v "^#" found | cut -f1 | tr "\n" " "
}

test_expect_success 'by taxon, with its descendants; by id or name; several; excluded' '
	cd r &&
	test "$(keys --taxon=562)" = "P1 P2 P5 P8 " &&
	test "$(asked --taxon "Escherichia coli")" = "P1 P2 P5 P8 " &&
	test "$(keys --taxon=561)" = "P1 P2 P5 P8 PA " &&
	test "$(keys --taxon=83333 --taxon=Ascomycota)" = "P2 P6 " &&
	test "$(keys --taxon=561 --exclude=83333)" = "P1 P5 P8 PA " &&
	test "$(keys --taxon=561 --exclude=Lacticaseibacillus)" = "P1 P2 P5 PA " &&
	test "$(keys --exclude=2)" = "P6 P9 " &&
	test "$(keys --taxon=563)" = "P1 P2 P5 P8 "
'

test_expect_success 'a taxon that is not there is an error, never no records' '
	cd r && test_expect_code 128 casg query -q --taxon "Nobody knows" db 2>err >out &&
	test_must_be_empty out && test_grep "^fatal: .*Nobody knows" err &&
	casg query -q --taxon 83333 --key "Z*" db >out && test_line_count = 1 out && test_grep "^#casg " out
'

test_expect_success 'without a taxonomy by the ids as they are' '
	cd r && casg-query-tree --taxon=562 db >out && test_grep "^P1	" out && test_grep ! "^P2	" out &&
	casg-query-tree --exclude=562 --count db >out && echo 7 >expect && test_cmp expect out
'

test_expect_success 'by rank, name, key, description, length' '
	cd r &&
	test "$(keys --rank=species)" = "P1 P2 P3 P4 P5 P8 PA " &&
	test "$(keys --rank=strain)" = "P2 " &&
	test "$(keys --name="*casei*")" = "P3 P8 " &&
	test "$(keys --name="Lactobacillus casei")" = "" &&
	test "$(asked --name "Lactobacillus casei" --as-of-taxonomy 2020-01-01)" = "P3 P8 " &&
	test "$(asked --name "Lactobacillus casei" --between 2020-01-01..2023-01-01)" = "P3 P8 " &&
	test "$(keys --key="P[12]")" = "P1 P2 " &&
	test "$(keys --key="1")" = "" &&
	test "$(keys --regexp --key="[1A]\$")" = "P1 PA " &&
	test "$(keys --description="*kinase*")" = "P1 P3 " &&
	test "$(keys --regexp --description="^(coli|casei) kin")" = "P1 P3 " &&
	test "$(keys --min-length=5 --max-length=10)" = "P1 P2 P6 " &&
	test "$(keys --max-length=2)" = "P5 PA " &&
	test_expect_code 129 casg-query-tree --regexp --key="(" db
'

test_expect_success 'the genus differs between two taxonomies' '
	cd r &&
	casg query -q --differs genus --between 2020-01-01..2023-01-01 \
		--format "%(key) %(oldgenus) %(genus)" db >out &&
	cat >expect <<-EOF &&
	P3 Lactobacillus Lacticaseibacillus
	P8 Lactobacillus Lacticaseibacillus
	EOF
	test_cmp expect out &&
	casg query -q --differs genus --between ta:ncbi..tb:ncbi --count db >out &&
	echo 2 >expect && test_cmp expect out &&
	test "$(asked --differs superkingdom --between ta..tb)" = "" &&
	test "$(asked --differs species --between 2020-01-01..2023-01-01)" = "P3 P5 P8 " &&
	test_expect_code 129 casg query -q --differs genus db &&
	test_expect_code 129 casg query -q --differs genus --between 2020-01-01 db &&
	test_expect_code 128 casg query -q --differs genus --between 2019-01-01..2023-01-01 db
'

test_expect_success 'everything of a species, as of two times' '
	cd r &&
	test "$(asked --taxon "Escherichia coli" --as-of-sequence 2023-03-15 --as-of-taxonomy 2023-01-01)" = "P1 P2 P5 P8 " &&
	test "$(asked --taxon "Escherichia coli" --as-of-sequence 2023-03-15 --as-of-taxonomy 2022-12-31)" = "P1 P2 P8 " &&
	casg query --taxon 2 --as-of 2020-12-31 --output=fasta db >out 2>err &&
	awk "/^>/ { on = !/^>P[679]/ } on" one.fa >expect && test_cmp expect out &&
	test_grep "^view [0-9a-f]\{64\}: sequence .*, taxonomy " err &&
	test_expect_code 128 casg query --taxon 2 --as-of 2019-12-31 db
'

test_expect_success 'taxa that were classified differently more than three times' '
	casg init -q c && cd c &&
	for v in 1 2 3 4 5; do
		dir=v$v && mkdir v$v && taxon 1 1 "no rank" root && taxon 2 1 family Twos &&
		taxon 3 1 family Threes && taxon 4 $((2 + v % 2)) genus Wanderer &&
		taxon 5 3 genus Settler && dump_taxonomy t 202$v-01-01 v$v || return 1
	done &&
	casg query --taxa --changed-more-than 3 t >out && cut -f1,2,3 out >found &&
	printf "4\t4\tWanderer\n" >expect && test_cmp expect found &&
	casg query --taxa --changed-more-than 3 --rank family --count t >out &&
	echo 1 >expect && test_cmp expect out &&
	casg query --taxa --changed-more-than 3 --count --taxonomy t >out && test_cmp expect out &&
	casg query --taxa --changed-more-than 3 --rank genus --count >out &&
	echo 0 >expect && test_cmp expect out &&
	test_expect_code 129 casg query --taxa t &&
	test_expect_code 129 casg query --taxa --changed-more-than 3 --key x t &&
	test_expect_code 129 casg query --changed-more-than 3 t
'

test_expect_success 'by what became of a record' '
	cd r &&
	test "$(asked --class added --since 2020-06-01)" = "PA " &&
	test "$(asked --class sequence --since one)" = "P4 " &&
	test "$(asked --class withdrawn --since s1:db)" = "P7 " &&
	test "$(asked --class added --since s1 --taxon 562)" = "" &&
	test_expect_code 129 casg query -q --class added db &&
	test_expect_code 129 casg query -q --since s1 db &&
	test_expect_code 129 casg query -q --class odd --since s1 db &&
	test_expect_code 128 casg query -q --class added --since 2010-01-01 db
'

test_expect_success 'a record stream that casg-assemble takes; the same as FASTA' '
	cd r && casg query -q --taxon 561 db >records && casg assemble <records >one.out &&
	casg query -q --taxon 561 --output=fasta db >two.out && test_cmp_bin one.out two.out &&
	casg-query-tree db >all && casg ls db | sed "s/ final-newline=yes//" >expect &&
	sed "s/ final-newline=yes//" all >actual && test_cmp expect actual &&
	casg query -q -z --taxon 561 db >z && casg assemble -z <z >out && test_cmp_bin one.out out
'

test_expect_success 'tables' '
	cd r && casg query -q --taxon 562 --output=tsv db >out &&
	cat >expect <<-EOF &&
	key	length	taxid	name	rank	lineage
	P1	6	562	Escherichia coli	species	Bacteria;Escherichia;Escherichia coli
	P2	10	83333	Escherichia coli K-12	strain	Bacteria;Escherichia;Escherichia coli;Escherichia coli K-12
	P5	2	562	Escherichia coli	species	Bacteria;Escherichia;Escherichia coli
	P8	3	562	Escherichia coli	species	Bacteria;Escherichia;Escherichia coli
	EOF
	test_cmp expect out &&
	casg-query-tree --taxonomy=ncbi --key="P[5-9]" --output=tsv --format="%(key), %(taxon) %(taxid)%(genus)%(lineageids)%(rank:superkingdom)" db >out &&
	cat >expect <<-EOF &&
	key	taxon	taxid	genus	lineageids	rank:superkingdom
	P5	563	562	Escherichia	2;561;562	Bacteria
	P6	4890	4890	-	4890	-
	P8	1582,562	1582	Lacticaseibacillus	2;2759736;1582	Bacteria
	P9	999	-	-	-	-
	EOF
	test_cmp expect out
'

test_expect_success JQ 'JSON lines' '
	cd r && casg query -q --output json --format "%(key)%(length)%(description)%(genus)%(id)" db >out &&
	test_line_count = 9 out &&
	jq -r "select(.key == \"P6\") | .description, .length, .genus" <out >fields &&
	printf "%s\n" " fungus \"quoted\" OX=4890" 5 null >expect && test_cmp expect fields &&
	jq -s "map(.length) | add" <out >sum &&
	casg ls db | awk -F"\t" "!/^#/ { n += \$3 } END { print n }" >expect && test_cmp expect sum &&
	printf ">L \351t\303\251\377 \001x\177\nMA\n" >l.fa && casg import -q --database=l l.fa &&
	casg-query-tree --output=json --format="%(description)" l >out &&
	jq -r .description <out >text &&
	printf " \303\251t\303\251\303\277 \001x\177\n" >expect && test_cmp_bin expect text
'

test_expect_success '--count and --limit' '
	cd r && casg query -q --count db >out && echo 9 >expect && test_cmp expect out &&
	casg-query-tree --taxonomy=ncbi --count --taxon=2 --min-length=3 db >out && echo 5 >expect &&
	test_cmp expect out &&
	test "$(keys --limit=2 --taxon=561)" = "P1 P2 " &&
	test "$(keys --limit=1 --min-length=10)" = "P2 " &&
	test "$(keys --limit=0)" = "" &&
	casg-query-tree --count --limit=3 db >out && echo 3 >expect && test_cmp expect out
'

test_expect_success 'only the records of a clade are read, by its index' '
	cd r && casg-query-tree --taxonomy=ncbi --taxon=562 --format="%(key)" db >out &&
	casg-query-tree --format="%(key)" --taxonomy=ncbi --regexp --key="^P[1258]\$" db >expect &&
	test_cmp expect out &&
	find .git/casg/index/taxa -name "*.tax" >index && test -s index
'

test_expect_success 'per record the lineages under two taxonomies; classes add up' '
	cd r && sed "s/OX=999/OX=2759736/" one.fa >three.fa &&
	casg import -q --database=three three.fa &&
	cat >expect <<-EOF &&
	moved	P3	1582	Bacteria;Lactobacillus;Lactobacillus casei	Bacteria;Lacticaseibacillus;Lacticaseibacillus casei
	moved	P5	563	Bacteria;Escherichia;Escherichia odd	Bacteria;Escherichia;Escherichia coli
	moved	P8	1582	Bacteria;Lactobacillus;Lactobacillus casei	Bacteria;Lacticaseibacillus;Lacticaseibacillus casei
	found	P9	2759736	-	Bacteria;Lacticaseibacillus
	EOF
	casg diff --taxonomy ta tb -- three >out && test_cmp expect out &&
	casg diff --taxonomy --stat ta:ncbi 2023-01-01 -- three >out &&
	cat >expect <<-EOF &&
	 $(printf "%12s | %10d" found 1)
	 $(printf "%12s | %10d" moved 3)
	 $(printf "%12s | %10d" same 4)
	 $(printf "%12s | %10d" without 1)
	 9 records
	EOF
	test_cmp expect out &&
	casg-diff-lineage tb:ncbi ta:ncbi three >out && test_grep "^gone	P9	" out
'

test_expect_success 'casg diff --taxonomy, by time, revision and name' '
	cd r && casg-diff-taxonomy ta:ncbi tb:ncbi >expect && test -s expect &&
	casg diff --taxonomy ta tb >out && test_cmp expect out &&
	casg diff --taxonomy 2020-01-01 ncbi >out && test_cmp expect out &&
	casg diff --taxonomy --stat ta tb:taxonomy/ncbi >out && test_grep "renamed\|moved" out &&
	casg diff --taxonomy --class moved ta tb >out && test_line_count = 1 out &&
	casg diff --taxonomy --changelog ta tb >out && test_grep "^563,2023-01-01,MERGE,562," out &&
	test_expect_code 1 casg diff --taxonomy --exit-code ta tb >out &&
	test_expect_code 129 casg diff --taxonomy ta &&
	test_expect_code 129 casg diff --taxonomy --raw ta tb &&
	test_expect_code 129 casg diff --changelog s1 &&
	test_expect_code 128 casg diff --taxonomy 2001-01-01 tb
'

test_expect_success 'casg diff from view to view' '
	cd r && casg diff --taxonomy ta tb -- three >want && LC_ALL=C sort -k 2 want >sorted &&
	casg diff --as-of-taxonomy ta --as-of-taxonomy tb three >out 2>err && test_cmp sorted out &&
	test_line_count = 2 err && test_grep "^view [0-9a-f]*: sequence .*, taxonomy .* (2020-01-01" err &&
	casg diff -q --as-of-taxonomy tb three >out 2>err && test_must_be_empty err &&
	test_expect_code 1 casg diff -q --as-of-taxonomy ta -- three >out && test_must_be_empty out &&
	casg diff -R --as-of-taxonomy ta three 2>err | grep "^gone	P9	2759736	Bacteria;Lacticaseibacillus	-$" &&
	casg diff --stat --as-of-taxonomy ta three >out 2>err && test_grep "^ 9 records" out && test_grep "^        moved |          3" out &&
	sed "/^>P9/,\$d; s/^>P1 /&other /" three.fa >four.fa && printf ">N1 OX=562\nMK\n>N2\nMK\n" >>four.fa &&
	casg import -q --accept-shrink --sequence-time 2030-01-01 --database=three four.fa &&
	casg diff --as-of-sequence HEAD~1 --as-of-taxonomy ta three >out 2>err &&
	{
		printf "added\tN1\t562\t-\tBacteria;Escherichia;Escherichia coli\nadded\tN2\t-\t-\t-\n" && sed "/P9/d" sorted &&
		printf "withdrawn\tP9\t2759736\t-\t-\n"
	} >expect && test_cmp expect out &&
	test_expect_code 1 casg diff --exit-code --stat --as-of HEAD~1 --as-of HEAD three >out 2>err &&
	test_grep "^        added |          2" out && test_grep "^    withdrawn |          1" out &&
	test_expect_code 1 casg-diff-lineage --exit-code ta:ncbi tb:ncbi HEAD~1:three >out &&
	casg-diff-lineage --exit-code ta:ncbi ta:ncbi three >out && test_must_be_empty out &&
	git reset -q --hard HEAD~1 &&
	test_expect_code 129 casg diff --as-of-taxonomy ta --raw three &&
	test_expect_code 129 casg diff --as-of-taxonomy ta --as-of-taxonomy ta --as-of-taxonomy ta three &&
	test_expect_code 129 casg diff --as-of ta --as-of-taxonomy ta three &&
	test_expect_code 129 casg diff --taxon-from header three &&
	test_expect_code 128 casg diff --as-of-taxonomy 2001-01-01 three
'

test_expect_success 'casg diff --taxonomy without a database of sequences' '
	git init -q alone && cd alone && casg init -q . &&
	head="id${TAB}parent${TAB}rank${TAB}name\n1${TAB}1${TAB}no rank${TAB}root\n" &&
	printf "${head}2\t1\tgenus\tOne\n" >t1.tsv && printf "${head}2\t1\tgenus\tTwo\n" >t2.tsv &&
	casg taxonomy import -q --name t --taxonomy-time 2021-01-01 --release one t1.tsv &&
	casg taxonomy import -q --name t --taxonomy-time 2023-01-01 t2.tsv &&
	casg diff --taxonomy one 2024-01-01 >out && test_grep "^renamed	2	" out && test_line_count = 1 out &&
	casg-resolve-view --as-of-taxonomy 2022-01-01 taxonomy/t >out && test_grep "^taxonomy [0-9a-f]*:taxonomy/t [0-9a-f]* 2021-01-01T00:00:00Z one$" out &&
	test_expect_code 128 casg diff --taxonomy 2001-01-01 2024-01-01 &&
	casg taxonomy import -q --name u --taxonomy-time 2020-01-01 t2.tsv &&
	test_expect_code 128 casg diff --taxonomy one 2024-01-01 2>err && test_grep "several taxonomies" err &&
	git config casg.taxonomy t && casg diff --taxonomy one 2024-01-01 >out && test_line_count = 1 out
'

test_expect_success 'what cannot be asked' '
	cd r &&
	test_expect_code 129 casg-query-tree --rank=genus db &&
	test_expect_code 129 casg-query-tree --output=xml db &&
	test_expect_code 129 casg-query-tree --output=fasta --format="%(key)" db &&
	test_expect_code 129 casg-query-tree --format="%(nothing)" db &&
	test_expect_code 129 casg-query-tree --format="no field" db &&
	test_expect_code 129 casg-query-tree --format="%(oldkey)" db &&
	test_expect_code 129 casg-query-tree --format="%(genus)" db &&
	test_expect_code 129 casg-query-tree --taxonomy=ncbi --format="%(oldgenus)" db &&
	test_expect_code 129 casg-query-tree --min-length=3 --max-length=2 db &&
	test_expect_code 129 casg-query-tree --count --output=tsv db &&
	test_expect_code 128 casg-query-tree nope &&
	test_expect_code 128 casg-query-tree --taxonomy=nope db
'

test_expect_success DEVFULL 'a full disk is an error' '
	cd r && test_expect_code 128 casg-query-tree db >/dev/full &&
	test_expect_code 128 casg log-taxonomy ncbi >/dev/full &&
	test_expect_code 128 casg diff-taxonomy ta:ncbi tb:ncbi >/dev/full
'

test_done
