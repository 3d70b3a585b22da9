#!/bin/sh
test_description='casg export --taxid-map and casg taxonomy export: out to other tools'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxonomy.sh"

# tool CMD...: what others wrote may wait for ever for a thread of its own, as
# diamond of Debian 12 does now and then; not we.
tool () {
	for try in 1 2 3; do
		timeout -k 5 60 "$@" && return
		test $? = 124 || return 1
	done
	echo "tool: in vain, $try times: $*" >&2
	return 1
}

test_lazy_prereq BLAST 'command -v makeblastdb && command -v blastdbcmd'
test_lazy_prereq DIAMOND 'command -v diamond'
test_lazy_prereq MMSEQS 'command -v mmseqs'
test_lazy_prereq KRAKEN2 'command -v kraken2-build && command -v kraken2'

E=MKVLATMKKLLPPWWGDEFHIKNQRSTVYMKVLATMKKLLPPWWGDEFHIKN
S=MSTNPKPQRKTKRNTNRRPQDVKFPGGGQIVGGVYLLPRRGPRLGVRATRKT

# node ID PARENT RANK: the line of one of which nothing else is known
node () {
	printf "%s\t|\t" "$@" "" 8 0 1 0 0 0 0 0 && printf "\t|\n"
}

test_expect_success 'setup' '
	casg init -q . &&
	{
		printf ">%s\n$E\n" "sp|P1|A_B one OX=83333" "tr|P2.1|C_D two OX=999" &&
		printf ">%b\n$S\n" "m1.1 x [Escherichia coli]\001m2.1 y [Saccharomyces cerevisiae]" \
			"m3 z" "m4 gone OX=998"
	} >p.fa &&
	casg import -q p.fa && small_taxonomy ncbi &&
	printf "m3\t4932\n" >map && casg taxonomy map -q --name ncbi map
'

test_expect_success 'a line for each record that has a taxon' '
	casg export --taxid-map=kraken p >actual 2>err &&
	printf "m1.1\t1\nm3\t4932\nsp|P1|A_B\t83333\ntr|P2.1|C_D\t562\n" >expect && test_cmp expect actual &&
	sed "s/^view [0-9a-f]*: sequence .*, taxonomy .*/view/" err >actual &&
	printf "view\nwarning: 1 of 5 records have no taxon and are left out\n" >expect && test_cmp expect actual &&
	casg export --quiet --taxid-map=mmseqs -o actual HEAD:p 2>err && test_must_be_empty err &&
	printf "m1.1\t1\nm3\t4932\nP1\t83333\nP2.1\t562\n" >expect && test_cmp expect actual
'

test_expect_success 'a line for each definition line' '
	casg export --taxid-map=blast p >actual &&
	printf "m1.1 562\nm2.1 4932\nm3 4932\nsp|P1|A_B 83333\ntr|P2.1|C_D 562\n" >expect && test_cmp expect actual &&
	casg export --taxid-map=diamond p >actual &&
	{
		printf "accession\taccession.version\ttaxid\tgi\n" &&
		printf "m1\tm1.1\t562\t0\nm2\tm2.1\t4932\t0\nm3\tm3\t4932\t0\nP1\tP1\t83333\t0\nP2\tP2.1\t562\t0\n"
	} >expect && test_cmp expect actual
'

test_expect_success 'where taxa are from: option and setting' '
	casg export -q --taxid-map=kraken --taxon-from=mapping p >actual &&
	printf "m3\t4932\n" >expect && test_cmp expect actual &&
	git config casg.taxonFrom organism &&
	casg export -q --taxid-map=kraken p >actual && printf "m1.1\t1\n" >expect && test_cmp expect actual &&
	casg export -q --taxid-map=kraken --taxon-from=header,mapping p >actual && test_line_count = 3 actual &&
	git config casg.taxonFrom nonsense &&
	test_expect_code 128 casg export --taxid-map=kraken p 2>err && test_grep "wanted a list of header" err &&
	git config --unset casg.taxonFrom &&
	test_expect_code 129 casg export --taxid-map=kraken --taxon-from=header,header p
'

test_expect_success 'all of a taxonomy, as a dump' '
	casg taxonomy export -o all ncbi &&
	{
		node 1 1 "no rank" && node 2 1 superkingdom && node 2759 1 superkingdom && node 4896 2759 species &&
		node 4930 2759 genus && node 4932 4930 species &&
		printf "%s\t|\n" "561	|	2	|	genus	|	8	|	0	|	1	|	" "562	|	561	|	species	|	8	|	1	|	1	|	" &&
		node 83333 562 strain
	} >expect && test_cmp expect all/nodes.dmp &&
	printf "999\t|\t562\t|\n" >expect && test_cmp expect all/merged.dmp &&
	printf "998\t|\n" >expect && test_cmp expect all/delnodes.dmp &&
	test_line_count = 12 all/names.dmp &&
	grep "^562	|	E. coli	|		|	common name	|$" all/names.dmp &&
	grep "^2	|	Bacteria	|	Bacteria <bacteria>	|	scientific name	|$" all/names.dmp
'

test_expect_success 'what a database needs' '
	casg taxonomy export -d p -o sub ncbi &&
	cut -f 1 sub/nodes.dmp | sort -n >actual &&
	printf "%s\n" 1 2 561 562 2759 4930 4932 83333 >expect && test_cmp expect actual &&
	grep -v "^4896	" all/nodes.dmp | sort >expect && sort sub/nodes.dmp >actual && test_cmp expect actual &&
	test_cmp all/merged.dmp sub/merged.dmp && test_cmp all/delnodes.dmp sub/delnodes.dmp &&
	printf ">k1 OX=4932\nACGT\n" >k1.fa && casg import -q k1.fa &&
	casg taxonomy export --database=k1 -o sub1 HEAD:ncbi &&
	cut -f 1 sub1/nodes.dmp | sort -n >actual && printf "%s\n" 1 2759 4930 4932 >expect && test_cmp expect actual &&
	test_must_be_empty sub1/merged.dmp && test_must_be_empty sub1/delnodes.dmp &&
	casg taxonomy export -d k1 -d p -o both && sort both/nodes.dmp >actual && sort sub/nodes.dmp >expect && test_cmp expect actual
'

test_expect_success BLAST 'makeblastdb and blastdbcmd' '
	casg export -o blast.fa p && casg export -q --taxid-map=blast -o blast.map p &&
	tool makeblastdb -in blast.fa -dbtype prot -parse_seqids -taxid_map blast.map -out b/p >log 2>&1 &&
	tool blastdbcmd -db b/p -entry all -outfmt "%a %T" | sort >actual &&
	printf "%s\n" "P1 83333" "P2.1 562" "m1.1 562" "m2.1 4932" "m3 4932" "m4 0" >expect && test_cmp expect actual &&
	tool blastdbcmd -db b/p -taxids 83333 -outfmt %a >actual && echo P1 >expect && test_cmp expect actual
'

test_expect_success DIAMOND 'diamond makedb, and its hits have taxa' '
	casg export -o diamond.fa p && casg export -q --taxid-map=diamond -o diamond.map p &&
	tool diamond makedb --threads 1 --in diamond.fa -d d --taxonmap diamond.map --taxonnodes sub/nodes.dmp --taxonnames sub/names.dmp >log 2>&1 &&
	printf ">e\n$E\n>s\n$S\n" >query.fa &&
	tool diamond blastp --threads 1 -q query.fa -d d -k0 --masking 0 -f 6 qseqid sseqid staxids -o hits >>log 2>&1 &&
	grep "^e	sp|P1|A_B	83333" hits && grep "^e	tr|P2.1|C_D	562" hits &&
	grep "^s	m1.1	562;4932" hits && grep "^s	m3	4932" hits
'

test_expect_success MMSEQS 'mmseqs createtaxdb, and sequences of a taxon' '
	mkdir m && casg export -o m/p.fa p && casg export -q --taxid-map=mmseqs -o m/map p &&
	tool mmseqs createdb m/p.fa m/db >log 2>&1 &&
	tool mmseqs createtaxdb m/db m/tmp --ncbi-tax-dump sub --tax-mapping-file m/map --threads 1 >>log 2>&1 &&
	cut -f 2 m/db_mapping | sort -n >actual && printf "%s\n" 1 562 4932 83333 >expect && test_cmp expect actual &&
	tool mmseqs filtertaxseqdb m/db m/ec --taxon-list 562 --threads 1 >>log 2>&1 && test_line_count = 2 m/ec.index
'

test_expect_success KRAKEN2 'kraken2-build, and reads are classified' '
	awk "BEGIN { srand(7); for (s = 0; s < 2; s++) { print s ? \">y\" : \">x\"; for (i = 0; i < 2000; i++) printf \"%s\", substr(\"ACGT\", int(rand() * 4) + 1, 1); print \"\" } }" >k.fa &&
	printf "x\t562\ny\t4932\n" >k.map && casg import -q k.fa &&
	casg taxonomy map -q --update --name ncbi -d k k.map &&
	mkdir -p k2/library && casg export -o k2/library/k.fna k &&
	casg export --taxid-map=kraken -o k2/seqid2taxid.map k && casg taxonomy export -d k -o k2/taxonomy ncbi &&
	tool kraken2-build --build --db k2 --kmer-len 21 --minimizer-len 17 --minimizer-spaces 3 --threads 1 >log 2>&1 &&
	awk "/^>/ { print; next } { print substr(\$0, 101, 200) }" k.fa >reads.fa &&
	tool kraken2 --db k2 reads.fa 2>>log | cut -f 1-3 >actual &&
	printf "C\tx\t562\nC\ty\t4932\n" >expect && test_cmp expect actual
'

# number ID: the first 31 bits of its SHA-256
number () {
	# shellcheck disable=SC2059
	hex=$(printf "$1" | sha256sum | cut -c1-8) && echo $((0x$hex >> 1))
}

test_expect_success 'ids that are no numbers have them all the same' '
	taxa >records <<-\EOF &&
	d__Bacteria ^node^d__Bacteria^domain^^Bacteria^
	g__Escherichia ^node^d__Bacteria^genus^^Escherichia^
	s__Escherichia%20coli ^node^g__Escherichia^species^^Escherichia coli^
	s__old ^merged^s__Escherichia%20coli
	s__gone ^deleted
	EOF
	commit_taxonomy gtdb records &&
	casg taxonomy export -o gtdb gtdb &&
	g=$(number g__Escherichia) && s=$(number "s__Escherichia coli") &&
	{ node 1 1 domain && node $g 1 genus && node $s $g species; } >expect &&
	test_cmp expect gtdb/nodes.dmp &&
	printf "$(number s__old)\t|\t$s\t|\n" >expect && test_cmp expect gtdb/merged.dmp &&
	printf "$(number s__gone)\t|\n" >expect && test_cmp expect gtdb/delnodes.dmp &&
	casg export -q --taxid-map=kraken --taxonomy=gtdb p >actual &&
	printf "m1.1\t$s\n" >expect && test_cmp expect actual
'

test_expect_success 'two ids with the same first bits; several roots' '
	# found by trying: both begin with the same 31 bits
	a=x51620 b=x73891 && test "$(number $a)" = "$(number $b)" &&
	taxa >records <<-EOF &&
	$a ^node^$a^domain^^A^
	$b ^node^$b^domain^^B^
	7 ^node^$b^genus^^C^
	EOF
	commit_taxonomy odd records && casg taxonomy export -o odd odd &&
	again=$(number "$b\\0001") &&
	{ node 1 1 "no rank" && node 7 $again genus && node "$(number $a)" 1 domain && node $again 1 domain; } >expect &&
	test_cmp expect odd/nodes.dmp && grep "^1	|	root	|		|	scientific name	|$" odd/names.dmp
'

test_expect_success 'what cannot be answered, and usage' '
	test_expect_code 128 casg export --taxid-map=blast --taxonomy=nope p &&
	test_expect_code 128 casg export --taxid-map=blast nope &&
	test_expect_code 128 casg export --taxid-map=blast p 2>err && test_grep "several taxonomies" err &&
	test_expect_code 129 casg export --taxid-map=frob p 2>err && test_grep "unknown format .frob." err &&
	test_expect_code 129 casg export --taxon-from=header p &&
	test_expect_code 129 casg taxid-map p &&
	test_expect_code 128 casg taxonomy export -o x nope && ! test -e x &&
	: >file && test_expect_code 128 casg taxonomy export -o file ncbi &&
	ls sub >actual && printf "%s\n" delnodes.dmp merged.dmp names.dmp nodes.dmp >expect && test_cmp expect actual
'

test_done
