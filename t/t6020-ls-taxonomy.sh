#!/bin/sh
test_description='casg-ls-taxonomy: ids, names, lineages, subtrees, and the index behind it'
. "$(dirname "$0")/test-lib.sh"

EMPTY=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# taxa: "KEY DESCRIPTION" lines become a record stream; ^ stands for TAB.
taxa () {
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\^/\\t/g' \
		-e "s/^\([^ ]*\) \(.*\)/\1$TAB$EMPTY${TAB}0$TAB-$TAB-$TAB\"\2\"/"
}

# commit_taxonomy NAME FILE: the records of FILE become a version of taxonomy/NAME
commit_taxonomy () {
	casg mktree <"$2" >roots &&
	casg write-version --kind=taxonomy --taxonomy-time=2024-01-01 <roots >version &&
	commit=$(casg commit-tree -p HEAD --database="taxonomy/$1" -m "$1" <version) &&
	git update-ref HEAD "$commit" && git reset -q --hard
}

index_file () {
	find .git/casg/index/taxonomy -name '*.idx'
}

test_expect_success 'setup' '
	casg init -q r && cd r && printf ">x\n" | casg hash-object -w - >id &&
	taxa >records <<-\EOF &&
	1 ^node^1^no rank^^root^
	2 ^node^1^domain^^Bacteria^Bacteria <bacteria>^synonym^Eubacteria^
	561 ^node^2^genus^^Escherichia^^synonym^Shared^
	562 ^node^561^species^8|0^Escherichia coli^^common name^E. coli^
	1350 ^node^2^genus^^shared^
	70 ^node^2^genus^^Twin^
	71 ^node^1350^species^^Twin^
	s__A%20b ^node^1350^species^^A "b"^
	99 ^merged^562
	98 ^deleted
	EOF
	commit_taxonomy ncbi records
'

test_expect_success 'by id, by name of any class, whatever the case; merged ids' '
	cd r && printf "562\t561\tspecies\tEscherichia coli\n" >want &&
	for taxon in 562 99 "Escherichia coli" "escherichia COLI" "e. COLI"; do
		casg ls-taxonomy "$taxon" >out && test_cmp want out || return 1
	done &&
	casg ls-taxonomy Eubacteria >out && printf "2\t1\tdomain\tBacteria\n" >want && test_cmp want out &&
	casg ls-taxonomy shared >out && printf "1350\t2\tgenus\tshared\n" >want && test_cmp want out &&
	casg ls-taxonomy Shared >out && test_cmp want out &&
	casg ls-taxonomy "s__A b" >out &&
	printf "s__A b\t1350\tspecies\t\"A \\\\\"b\\\\\"\"\n" >want && test_cmp want out &&
	casg ls-taxonomy -z "s__A b" | tr "\0" "\n" >out &&
	printf "s__A b\t1350\tspecies\tA \"b\"\n" >want && test_cmp want out
'

test_expect_success 'what is not there, is deleted, is several' '
	cd r && test_expect_code 1 casg ls-taxonomy nothing >out 2>err && test_must_be_empty out &&
	test_grep "no taxon .nothing" err &&
	test_expect_code 1 casg ls-taxonomy 98 2>err && test_grep "was deleted" err &&
	test_expect_code 1 casg ls-taxonomy --quiet 98 nothing 2>err && test_must_be_empty err &&
	test_expect_code 128 casg ls-taxonomy Twin 2>err && test_grep "70, 71" err &&
	test_expect_code 1 casg ls-taxonomy 5 562 >out 2>err && test_line_count = 1 out &&
	printf "%s\n" 562 nothing 98 Twin >in && casg ls-taxonomy --stdin <in >out &&
	printf "562\t561\tspecies\tEscherichia coli\nnothing missing\n98 missing\nTwin ambiguous\n" >want &&
	test_cmp want out
'

test_expect_success 'lineages, children, descendants, ranks; everything' '
	cd r && casg ls-taxonomy --lineage 562 | cut -f1 >out &&
	printf "%s\n" 1 2 561 562 >want && test_cmp want out &&
	casg ls-taxonomy --lineage --rank=genus 562 | cut -f1 >out && echo 561 >want && test_cmp want out &&
	casg ls-taxonomy --children 2 | cut -f1 >out && printf "%s\n" 1350 561 70 >want && test_cmp want out &&
	casg ls-taxonomy --descendants 2 | cut -f1 >out &&
	printf "%s\n" 2 1350 71 "s__A b" 561 562 70 >want && test_cmp want out &&
	casg ls-taxonomy --descendants --rank species Bacteria | cut -f1 >out &&
	printf "%s\n" 71 "s__A b" 562 >want && test_cmp want out &&
	casg ls-taxonomy | cut -f1 | sort >out && printf "%s\n" 1 2 561 562 1350 70 71 "s__A b" | sort >want &&
	test_cmp want out &&
	casg ls-taxonomy --with-lineage 562 1 | cut -f5 >out &&
	printf "Bacteria;Escherichia;Escherichia coli\nroot\n" >want && test_cmp want out
'

test_expect_success 'which taxonomy: the only one, by name, of a revision' '
	cd r && test_when_finished "git reset -q --hard v1" && git tag v1 &&
	sed "s/Escherichia coli/Bacterium coli/" records >other && commit_taxonomy ncbi other &&
	casg ls-taxonomy 562 | cut -f4 >out && echo "Bacterium coli" >want && test_cmp want out &&
	echo "Escherichia coli" >want &&
	for spec in v1:ncbi HEAD~1:taxonomy/ncbi; do
		casg ls-taxonomy --taxonomy=$spec 562 | cut -f4 >out && test_cmp want out || return 1
	done &&
	commit_taxonomy another records &&
	test_expect_code 128 casg ls-taxonomy 562 2>err && test_grep "another, ncbi" err &&
	casg ls-taxonomy --taxonomy=another 562 &&
	test_expect_code 128 casg ls-taxonomy --taxonomy=no 562 &&
	test_expect_code 128 casg ls-taxonomy --taxonomy=no:ncbi 562
'

test_expect_success 'wrong usage' '
	cd r && test_expect_code 129 casg ls-taxonomy --lineage --children 1 &&
	test_expect_code 129 casg ls-taxonomy --lineage &&
	test_expect_code 129 casg ls-taxonomy --stdin 1 </dev/null &&
	git init -q ../plain && cd ../plain && test_expect_code 128 casg ls-taxonomy 1 &&
	casg init -q ../none && cd ../none && test_expect_code 128 casg ls-taxonomy 1 2>err &&
	test_grep "no taxonomy in HEAD" err
'

test_expect_success 'trees that are no taxonomies are refused' '
	cd r && test_when_finished "git reset -q --hard v1" && n=0 &&
	cat >bad.list <<-\EOF &&
	5 ^node^6^species^^x^
	5 ^merged^6
	562 ^deleted
	5 ^other
	5 ^node^5^species
	5 ^node^5^species^^x
	EOF
	while read -r bad; do
		n=$((n + 1)) && printf "%s\n" "$bad" | taxa | cat records - >bad &&
		commit_taxonomy bad$n bad || return 1
		test_expect_code 128 casg ls-taxonomy --taxonomy=bad$n 562 2>err &&
		test_grep "bad$n" err || return 1
	done <bad.list &&
	test $n = 6 &&
	printf "%s\n" "7 ^node^8^species^^a^" "8 ^node^7^species^^b^" | taxa | cat records - >bad &&
	commit_taxonomy circle bad &&
	test_expect_code 128 casg ls-taxonomy --taxonomy=circle 562 2>err && test_grep "its own ancestor" err
'

test_expect_success 'the index: deleted, damaged, in a folder that cannot be written to' '
	cd r && rm -rf .git/casg/index && casg ls-taxonomy | sort >all && index=$(index_file) &&
	size=$(wc -c <"$index") && cp "$index" ../whole && at=0 &&
	while test $at -lt $size; do
		cp ../whole "$index" && flip_byte "$index" $at &&
		{ casg ls-taxonomy >out 2>err; code=$?; } &&
		case $code in
		# found at once, and made again; or found later, and deleted
		0) sort out >sorted && test_cmp all sorted ;;
		128) test_grep "was damaged" err && test_path_is_missing "$index" ;;
		*) false ;;
		esac && casg ls-taxonomy | sort >out && test_cmp all out || { echo at $at; return 1; }
		at=$((at + 509))
	done &&
	head -c 4096 ../whole >short && chmod u+w "$index" && cp short "$index" &&
	casg ls-taxonomy | sort >out && test_cmp all out &&
	cmp ../whole "$index" &&
	rm -rf .git/casg/index/taxonomy && : >.git/casg/index/taxonomy &&
	casg ls-taxonomy | sort >out && test_cmp all out
'

test_expect_success 'which taxonomy: casg.taxonomy, that of the only VERSION, the only one' '
	casg init -q d && cd d && printf ">x OX=562\nMK\n" >x.fa &&
	head="id${TAB}parent${TAB}rank${TAB}name\n1${TAB}1${TAB}no rank${TAB}root\n" &&
	printf "${head}2\t1\tgenus\tOne\n" >1.tsv && printf "${head}2\t1\tgenus\tTwo\n" >2.tsv &&
	name () {
		casg ls-taxonomy "$@" 2 >out && cut -f 4 out
	} &&
	test_expect_code 128 casg ls-taxonomy 2>err && test_grep "no taxonomy in HEAD" err &&
	casg taxonomy import -q --name t --taxonomy-time 2021-01-01 1.tsv && test "$(name)" = One &&
	casg import -q -d db --taxonomy t x.fa &&
	casg taxonomy import -q --name t --taxonomy-time 2022-01-01 2.tsv &&
	# the version that VERSION names, not the one in HEAD
	test "$(name)" = One && test "$(name --taxonomy t)" = Two &&
	casg-resolve-view | grep "^taxonomy [^ ]*:taxonomy/t [0-9a-f]* 2021" &&
	casg taxonomy import -q --name u --taxonomy-time 2022-01-01 2.tsv && test "$(name)" = One &&
	git config casg.taxonomy u && test "$(name)" = Two && git config casg.taxonomy HEAD~1:t && test "$(name)" = Two &&
	git config casg.taxonomy none && test_expect_code 128 casg ls-taxonomy 2 && git config --unset casg.taxonomy &&
	casg import -q -u -d db --taxonomy u x.fa && test "$(name)" = Two &&
	# of two databases none says which
	casg import -q -d other --no-taxonomy x.fa && test_expect_code 128 casg ls-taxonomy 2 2>err &&
	test_grep "several taxonomies, name one with --taxonomy: t, u" err &&
	git rm -q -r other && git commit -q -m gone && test "$(name)" = Two &&
	git rm -q -r taxonomy/u && git commit -q -m gone && test_expect_code 128 casg ls-taxonomy 2 2>err &&
	test_grep "which the VERSION of .db. names, is no version of a taxonomy in .HEAD" err
'

test_expect_success DEVFULL 'a full disk on standard output' '
	cd r && test_expect_code 128 casg ls-taxonomy >/dev/full
'

test_done
