#!/bin/sh
# casg prove under a taxonomy: that a record was, for a version of the taxonomy,
# of a taxon with a lineage, for who has nothing but the id of the view.

test_description='proofs of views'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxonomy.sh"
. "$TEST_DIRECTORY/lib-second.sh"

# view DB [OPTION...]: $v is the id of the view
view () {
	v=$(casg-resolve-view "$@" | sed -n "s/^view //p") && test -n "$v"
}

# proves PROOF: it verifies for $v; what it says in "said"
proves () {
	casg-verify-proof --view "$v" "$1" >all && sed "/^#/d" all >said
}

test_expect_success 'setup' '
	casg init -q . &&
	{
		cat <<-\EOT &&
		>p1 chaperone OX=562
		MKVL
		>p2 older OX=999
		MKVV
		>p3 gone OX=998
		MK
		>p4 of nobody OX=424242
		MKK
		>p5 of a name [Escherichia coli]
		MV
		>p5b of two names [Twin] is not at the end
		MV
		>p6 no word of it
		ML
		>p7 two OX=4932 OX=83333
		MY
		>p7 the same key
		MYY
		>sp|P12345|NAME a known accession
		MW
		>NP_7.2 another
		MW
		EOT
		printf ">nr.1 first\001gb|Q9.1|X second\001sp|P12345.3|Z third\nMA\n" &&
		printf ">long OX=562 " && head -c 5000 /dev/zero | tr "\\0" x && printf "\nAC\n" &&
		casg-gen --records 600 --length 20 --type protein --seed 3
	} >lab.fa &&
	casg import -q -d lab --sequence-time 2024-01-01 --release s1 lab.fa &&
	small_taxonomy t &&
	cat >map.tsv <<-EOT &&
	accession${TAB}accession.version${TAB}taxid${TAB}gi
	P12345${TAB}P12345.1${TAB}4932${TAB}0
	NP_7${TAB}NP_7.2${TAB}999${TAB}0
	Q9${TAB}Q9.1${TAB}561${TAB}0
	p1${TAB}p1.1${TAB}4896${TAB}0
	EOT
	cp records first &&
	casg taxonomy map -q --name t map.tsv &&
	view lab
'

# ---- what is proved

test_expect_success 'a header: record, taxon, lineage, both times' '
	casg prove --as-of-taxonomy HEAD lab p1 >p1.proof 2>err && proves p1.proof &&
	grep "^view $v: sequence [0-9a-f]* (2024-01-01T00:00:00Z, s1), taxonomy [0-9a-f]* (2024-01-01T00:00:00Z" err &&
	cat >expect <<-EOT &&
	claim${TAB}view${TAB}header,mapping,organism${TAB}key${TAB}p1
	view${TAB}$v
	version${TAB}$(casg-read-version --id lab)${TAB}2024-01-01T00:00:00Z${TAB}613
	taxonomy${TAB}$(casg-read-version --id taxonomy/t)${TAB}2024-01-01T00:00:00Z${TAB}11
	record${TAB}p1${TAB}$(printf MKVL | sha256sum | cut -c1-64)${TAB}4${TAB}562${TAB}-${TAB} chaperone OX=562
	taxon${TAB}header${TAB}562${TAB}found
	lineage${TAB}562${TAB}species${TAB}Escherichia coli
	lineage${TAB}561${TAB}genus${TAB}Escherichia
	lineage${TAB}2${TAB}superkingdom${TAB}Bacteria
	lineage${TAB}1${TAB}no rank${TAB}root
	EOT
	grep -v "^before\|^after" said >actual && test_cmp expect actual &&
	grep "^before" said && grep "^after${TAB}p2" said &&
	# neither the mapping nor another taxon than these and their root
	! grep "^mapping$" p1.proof && ! grep Saccharomyces p1.proof && test $(wc -c <p1.proof) -lt 6000
'

# taxa KEY: the lines of taxa of the proof of a key
taxa_of () {
	casg-prove -q --as-of-taxonomy HEAD ${from:+"--taxon-from=$from"} lab "$1" >p && proves p &&
	sed -n "/^taxon${TAB}/p; /^no-taxon/p; /^lineage/p" said | cut -f1-4 >actual
}

test_expect_success 'merged, deleted, unknown: as the taxonomy has it' '
	taxa_of p2 && head -n 2 actual >two &&
	printf "taxon\theader\t999\tmerged\nlineage\t562\tspecies\tEscherichia coli\n" >expect && test_cmp expect two &&
	grep "^record 0 .* 999	merged	562" p &&
	taxa_of p3 && printf "taxon\theader\t998\tdeleted\n" >expect && test_cmp expect actual &&
	taxa_of p4 && printf "taxon\theader\t424242\tunknown\n" >expect && test_cmp expect actual
'

test_expect_success 'the mapping, where the header has none' '
	taxa_of "sp|P12345|NAME" && head -n 2 actual >two &&
	printf "taxon\tmapping\t4932\tfound\nlineage\t4932\tspecies\tSaccharomyces cerevisiae\n" >expect && test_cmp expect two &&
	grep "^mapping$" p &&
	taxa_of NP_7.2 && grep "^taxon	mapping	999	merged" actual &&
	taxa_of nr.1 && grep "^taxon" actual >two &&
	printf "taxon\tmapping\t561\tfound\ntaxon\tmapping\t4932\tfound\n" >expect && test_cmp expect two
'

test_expect_success 'no taxon at all: a warning, and the proof says so' '
	casg-prove --as-of-taxonomy HEAD lab p6 >p 2>err && proves p && grep "^no-taxon${TAB}p6$" said &&
	test_grep "^warning: 1 of the records have no taxon" err && grep "^mapping$" p
'

test_expect_success 'the order of the sources is part of it' '
	from=mapping,header && taxa_of p1 && grep "^taxon	mapping	4896	found" actual && from= &&
	git config casg.taxonFrom header && taxa_of "sp|P12345|NAME" && grep "^no-taxon" actual &&
	! grep "^mapping\$" p && git config --unset casg.taxonFrom &&
	sed "s/^claim view header key/claim view header,mapping key/; /^sha256/d" p >edited &&
	printf "sha256 %s\n" "$(sha256sum <edited | cut -c1-64)" >>edited &&
	test_expect_code 1 casg-verify-proof --view $v edited 2>err && test_grep "shows nothing of the mapping" err
'

test_expect_success 'a name: no proof, and it says why' '
	test_expect_code 128 casg-prove -q --as-of-taxonomy HEAD lab p5 >out 2>err && test_must_be_empty out &&
	grep "p5.: the taxon rests on the name .Escherichia coli., and no record says that one taxon alone has it" err &&
	from=header,mapping && taxa_of p5 && grep "^no-taxon" actual &&
	test_expect_code 128 casg-prove -q --as-of-taxonomy HEAD lab p1 p5 >out && test_must_be_empty out
'

test_expect_success 'several records with a key, several taxa' '
	from= && test_expect_code 0 casg-prove -q --as-of-taxonomy HEAD lab p7 >p && proves p &&
	sed -n "/^record/p; /^taxon	/p; /^no-taxon/p" said | cut -f1-3 >actual &&
	grep -c "^record" actual >n && echo 2 >expect && test_cmp expect n &&
	grep "^taxon	header	4932" actual && grep "^taxon	header	83333" actual && grep "^no-taxon	p7" actual
'

test_expect_success 'a description that is a blob' '
	casg-prove -q --as-of-taxonomy HEAD lab long >long.proof && proves long.proof && grep "^taxon	header	562	found" said &&
	grep "^record	long	" said && grep -c "^description OX=562 x" long.proof &&
	casg cat lab long | casg-verify-proof -q --fasta - --view $v long.proof &&
	sed "/^description/d; /^sha256/d" long.proof >edited &&
	printf "sha256 %s\n" "$(sha256sum <edited | cut -c1-64)" >>edited &&
	test_expect_code 1 casg-verify-proof --view $v edited
'

test_expect_success 'what it says is what casg query says' '
	casg-prove -q --as-of-taxonomy HEAD lab p1 p2 p3 p4 p7 nr.1 P12345 NP_7.2 long >many.proof && proves many.proof &&
	awk -F"\t" "
		function flush() { if (key != \"\") print key \"\t\" (taxon == \"\" ? \"-\t-\" : taxon \"\t\" line) }
		\$1 == \"record\" { flush(); key = \$2; ntaxa = 0; taxon = line = \"\" }
		\$1 == \"taxon\" { ntaxa++ }
		\$1 == \"lineage\" && ntaxa == 1 {
			if (taxon == \"\") taxon = \$2
			if (\$2 != 1) line = \$2 (line == \"\" ? \"\" : \";\") line
		}
		END { flush() }
	" said | sort >actual &&
	casg query -q --as-of-taxonomy HEAD --format="%(key)%09%(taxid)%09%(lineageids)" lab >lines &&
	grep "^\(p[12347]\|nr.1\|sp|P12345|NAME\|NP_7.2\|long\)$TAB" lines | sort >expect &&
	test_line_count = 10 expect && test_cmp expect actual
'

# ---- what it is asked of

test_expect_success 'another view, another version, another claim' '
	test_expect_code 1 casg-verify-proof --view $(printf x | sha256sum | cut -c1-64) p1.proof >out 2>err &&
	test_must_be_empty out && test_grep "do not make the view" err &&
	s=$(casg-read-version --id lab) t=$(casg-read-version --id taxonomy/t) &&
	casg-verify-proof -q --version-id $s --taxonomy-id $t p1.proof &&
	casg-read-version lab >VERSION && casg-verify-proof -q --version-record VERSION --taxonomy-id $t p1.proof &&
	test_expect_code 1 casg-verify-proof --version-id $t --taxonomy-id $s p1.proof &&
	test_expect_code 1 casg-verify-proof --version-id $s p1.proof 2>err && test_grep "about a view" err &&
	casg-prove lab p1 >plain && test_expect_code 1 casg-verify-proof --view $v plain 2>err && test_grep "about no view" err &&
	test_expect_code 1 casg-verify-proof --taxon 562 --version-id $s plain &&
	test_expect_code 129 casg-verify-proof --view $v --version-id $s p1.proof &&
	test_expect_code 129 casg-verify-proof --view $v --taxonomy-id $t p1.proof &&
	test_expect_code 129 casg-verify-proof --taxonomy-id $t p1.proof &&
	test_expect_code 129 casg-verify-proof --view abc p1.proof
'

test_expect_success '--taxon: each record is of it or below; --key, --fasta' '
	for taxon in 562 2 ${CASG_TEST_LONG:+561 1}; do
		casg verify-proof -q --taxon $taxon --view $v p1.proof || return 1
	done &&
	test_expect_code 1 casg-verify-proof --taxon 4932 --view $v p1.proof 2>err && test_grep "not of this taxon" err &&
	casg-prove -q --as-of-taxonomy HEAD lab p1 p2 long >coli.proof && casg-verify-proof -q --taxon 562 --view $v coli.proof &&
	test_expect_code 1 casg-verify-proof -q --taxon 562 --view $v many.proof &&
	casg-verify-proof -q --key p1 --present --view $v p1.proof && casg-verify-proof -q --key p2 --view $v coli.proof &&
	test_expect_code 1 casg-verify-proof -q --key 562 --view $v coli.proof &&
	test_expect_code 1 casg-verify-proof -q --absent --view $v p1.proof &&
	casg cat lab p1 >p1.fa && casg-verify-proof -q --fasta p1.fa --view $v p1.proof &&
	test_expect_code 1 casg-verify-proof -q --fasta p1.fa --view $v coli.proof
'

test_expect_success 'keys that are not there, --inclusion, --stdin, usage' '
	test_expect_code 1 casg-prove -q --as-of-taxonomy HEAD lab nothing >out 2>err && test_must_be_empty out && test_grep "not in there" err &&
	test_expect_code 1 casg-prove -q --as-of-taxonomy HEAD lab p1 nothing >out && test_must_be_empty out &&
	casg-prove -q --inclusion --as-of-taxonomy HEAD lab p1 >p && proves p && test_grep "^claim	view	.*	records$" said && ! grep "^after" said &&
	printf "p1\0p2\0" | casg-prove -q --stdin -z --as-of-taxonomy HEAD lab >p && proves p &&
	casg-prove -q --as-of-taxonomy HEAD lab $(printf MW | sha256sum | cut -c1-64) >p && proves p &&
	test_grep "^record	NP_7.2" said &&
	for option in --present --absent "--history=p1" "--chunk=$v"; do
		test_expect_code 129 casg-prove $option --as-of-taxonomy HEAD lab p1 || return 1
	done &&
	test_expect_code 129 casg-prove --taxon-from header lab p1 &&
	test_expect_code 129 casg-prove --taxon-from nowhere --as-of-taxonomy HEAD lab p1 &&
	test_expect_code 129 casg-prove --as-of 2024-01-01 --as-of-taxonomy HEAD lab p1 &&
	test_expect_code 128 casg-prove --as-of-taxonomy 2020-01-01 lab p1 >out && test_must_be_empty out &&
	test_expect_code 128 casg-prove --taxonomy none lab p1
'

test_expect_success 'as of a time, on either axis' '
	sed "s/^562.*Escherichia coli/562$TAB$(printf "" | sha256sum | cut -c1-64)${TAB}0$TAB-$TAB-$TAB\"\\\\tnode\\\\t2\\\\tspecies\\\\t\\\\tEscherichia moved/" first >records &&
	casg-mktree --quiet <records >roots &&
	casg-write-version --kind=taxonomy --taxonomy-time=2024-06-01 --release=r2 --previous=$(casg-read-version --id taxonomy/t) <roots >version &&
	git update-ref HEAD "$(casg-commit-tree -p HEAD --database=taxonomy/t -m t <version)" && git reset -q --hard &&
	casg-prove -q --as-of-taxonomy 2024-03-01 lab p1 >p && proves p && cmp p p1.proof &&
	casg-prove -q --as-of 2024-07-01 lab p1 >p 2>err && view --as-of 2024-07-01 lab && proves p &&
	grep "^lineage	562	species	Escherichia moved$" said && ! grep Bacteria/ said &&
	casg-prove --as-of-sequence s1 --taxonomy t lab p1 >out && cmp p out
'

# ---- every byte, and the second verifier

cat >flip.py <<'EOT'
import os, random, sys
from hashlib import sha256
from second import code, casg

random.seed(1)
compared = {0: 0, 1: 0, 128: 0}
sample = {1: 12, 128: 12 if os.environ.get('CASG_TEST_LONG') else 4}
for path, step in zip(sys.argv[3::2], map(int, sys.argv[4::2])):
    text = open(path, 'rb').read()
    assert code(text) == 0 and casg(text, '--view') == 0, path
    for i in range(random.randrange(step), len(text), step):
        bad = bytearray(text)
        bad[i] ^= random.choice((1, 2, 4, 8, 16, 32, 64, 128))
        tried = [bytes(bad)]
        if i < len(text) - 72:
            body = bytes(bad[:-72])
            tried.append(body + b'sha256 ' + sha256(body).hexdigest().encode() + b'\n')
        for t in tried:
            want = code(t)
            assert want != 0, (path, i)
            if random.random() < sample[want] * step / len(text):
                assert casg(t, '--view') == want, (path, i, want)
                compared[want] += 1
    for n in random.sample(range(len(text)), 20):
        assert code(text[:n]) == 128, (path, n)
assert compared[1] > 5 and compared[128] > 5, compared
EOT

test_expect_success PYTHON 'a second verifier says the same' '
	view --as-of-taxonomy 2024-03-01 lab && s=$(casg-read-version --id lab) &&
	for key in p1 p2 p3 p4 p6 p7 nr.1 P12345 NP_7.2 long; do
		casg-prove -q --as-of-taxonomy 2024-03-01 lab $key >p.$key && proves p.$key &&
		mv said said.$key && second 0 said.$key --view $v p.$key || return 1
	done &&
	proves many.proof && second 0 said --view $v many.proof &&
	t=$(sed -n "s/^taxonomy	\([0-9a-f]*\).*/\1/p" said) &&
	second 0 said --version-id $s --taxonomy-id $t many.proof &&
	python3 "$py" --view $v many.proof >actual && test_cmp said actual &&
	for code in "1 --view $s" "1 --version-id $s" "1 --version-id $t --taxonomy-id $s" "129 --view $v --taxonomy-id $t" \
		"129 --view $v --version-id $s" "129 --view x" "129 --taxonomy-id $t"; do
		second ${code%% *} - ${code#* } many.proof || return 1
	done &&
	second 1 - --view $v plain && second 1 - --view $v edited &&
	second_all
'

# t/unit/test-viewproof flips every bit of such proofs
test_expect_success PYTHON 'bytes flipped: no other verifies' '
	casg-prove -q --as-of-taxonomy 2024-03-01 lab nr.1 >nr.proof &&
	steps=${CASG_TEST_LONG:+2 13 61 29} && set -- ${steps:-7 29 97 61} &&
	python3 flip.py "$py" $v p1.proof $1 nr.proof $2 many.proof $3 long.proof $4
'

test_expect_success 'a damaged store gives no proof' '
	cp -R .git hurt && rm -f hurt/casg/packs/*.ids && cd hurt &&
	for p in casg/packs/*.pack; do
		chmod +w "$p" && flip_byte "$p" $(($(wc -c <"$p") / 2)) || return 1
	done &&
	test_expect_code 128 env CASG_DIR=. casg-prove -q --as-of-taxonomy 2024-03-01 lab p1 >out 2>err && test_must_be_empty out
'

test_done
