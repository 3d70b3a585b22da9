#!/bin/sh
test_description='casg-taxon-stats: records, residues, bytes and chunks of each taxon'
. "$(dirname "$0")/test-lib.sh"

EMPTY=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# taxa: "KEY DESCRIPTION" lines become a record stream; ^ stands for TAB.
taxa () {
	sed -e 's/\^/\\t/g' -e "s/^\([^ ]*\) \(.*\)/\1$TAB$EMPTY${TAB}0$TAB-$TAB-$TAB\"\2\"/"
}

commit_taxonomy () {
	casg mktree <"$2" >roots &&
	casg write-version --kind=taxonomy --taxonomy-time=2024-01-01 <roots >version &&
	commit=$(casg commit-tree -p HEAD --database="taxonomy/$1" -m "$1" <version) &&
	git update-ref HEAD "$commit" && git reset -q --hard
}

# counted DATABASE: taxon, records, residues of each, from the record stream
counted () {
	casg ls "$1" | awk -F "\t" '!/^#casg/ {
		n = split($4, id, ",")
		for (i = 1; i <= n; i++) { records[id[i]]++; residues[id[i]] += $3 }
	} END { for (t in records) print t "\t" records[t] "\t" residues[t] }' | sort
}

# chunk_bytes DATABASE: of all chunks of sequences that it needs
chunk_bytes () {
	casg ls-chunks "$1" | awk -F "\t" '$2 == "sequences" { n += $5 } END { print n + 0 }'
}

right () {
	counted "$1" >expect && casg taxon-stats "$1" >out &&
	sed 1d out | cut -f1,3,4 | sort >actual && test_cmp expect actual &&
	sed 1d out | awk -F "\t" "{ n += \$5 } END { print n + 0 }" >actual &&
	chunk_bytes "$1" >expect && test_cmp expect actual
}

test_expect_success 'setup' '
	casg init -q . && git config casg.chunkSize 64k &&
	casg-gen --seed 2 --type protein --records 400 --length 600 --family 0.3 |
	awk "/^>/ { n++; sub(/OX=[0-9]+/, \"OX=\" 10 + n % 5 (n % 17 ? \"\" : \" OX=562\"))
		if (n % 13 == 0) sub(/OX=/, \"XO=\") } { print }" >file.fa &&
	casg import -q --database db file.fa
'

test_expect_success 'counts, and bytes that add up' '
	right db && printf "taxon\tname\trecords\tresidues\tbytes\tchunks\n" >expect &&
	head -n 1 out >actual && cp out stats && casg taxon-stats db | head -n 1 >actual && test_cmp expect actual &&
	casg ls-chunks db | grep -c "${TAB}sequences${TAB}" >n &&
	awk -F "\t" -v n="$(cat n)" "NR > 1 && (\$6 < 1 || \$6 > n)" stats >bad && test_must_be_empty bad
'

test_expect_success 'long sequences, the same sequence twice, an empty database' '
	{
		echo ">long OX=10" && casg-gen --seed 5 --records 1 --length 400000 | sed 1d &&
		printf ">a OX=11\nMKV\n>b OX=12\nMKV\n>c OX=12\nMKV\n>d\nMK\n"
	} >long.fa &&
	casg import -q --database long long.fa && right long &&
	awk -F "\t" "\$1 == 10 && \$6 > 1" out >many && test_line_count = 1 many &&
	: >empty.fa && casg import -q --allow-empty --database nobody empty.fa &&
	casg taxon-stats nobody >out && test_line_count = 1 out
'

test_expect_success 'at a rank of a taxonomy' '
	printf ">x\n" | casg hash-object -w - >id &&
	taxa >records <<-\EOF &&
	1 ^node^1^no rank^^root^
	2 ^node^1^genus^^Two^
	3 ^node^1^genus^^Three^
	10 ^node^2^species^^ten^
	11 ^node^2^species^^eleven^
	12 ^node^3^species^^twelve^
	13 ^merged^12
	562 ^node^1^species^^alone^
	EOF
	commit_taxonomy t records &&
	casg ls db | awk -F "\t" "!/^#casg/ {
		n = split(\$4, id, \",\")
		split(\"\", seen)
		for (i = 1; i <= n; i++) {
			g = \"-\\t-\"
			if (id[i] == 10 || id[i] == 11) g = \"2\\tTwo\"
			if (id[i] == 12 || id[i] == 13) g = \"3\\tThree\"
			if (!(g in seen)) { records[g]++; residues[g] += \$3 }
			seen[g]
		}
	} END { for (g in records) print g \"\\t\" records[g] \"\\t\" residues[g] }" | sort >expect &&
	casg taxon-stats --taxonomy=t --rank=genus db >out &&
	sed 1d out | cut -f1-4 | sort >actual && test_cmp expect actual &&
	casg taxon-stats --taxonomy= db >out && test_grep "^12${TAB}twelve${TAB}" out &&
	test_grep "^13${TAB}twelve${TAB}" out && test_grep "^14${TAB}-${TAB}" out
'

test_expect_success 'wrong usage, no answer' '
	test_expect_code 129 casg taxon-stats --rank=genus db &&
	test_expect_code 128 casg taxon-stats --taxonomy=other db &&
	test_expect_code 128 casg taxon-stats other &&
	test_expect_code 128 casg taxon-stats db >/dev/full
'

test_done
