#!/bin/sh
# The idea itself: sequences and taxonomy change apart from one another, and any
# version of the one can be read under any of the other.

test_description='views: 4 versions of sequences under 3 taxonomies, each as made from the raw files'
. "$(dirname "$0")/test-lib.sh"

# ---- the raw files

# fasta: "KEY TAXON WORDS SEQUENCE" lines, = for a space in WORDS
fasta () {
	awk '{ gsub(/=/, " ", $3); printf ">%s %s OX=%s\n%s\n", $1, $3, $2, $4 }'
}

# dump NAME: "ID PARENT RANK NAME" lines, "ID merged INTO" and "ID deleted" become the
# files of a dump in folder NAME; = for a space
dump () {
	mkdir "$1" && : >"$1/merged.dmp" && : >"$1/delnodes.dmp" &&
	awk -v dir="$1" '
		{ gsub(/=/, " ") ; split($0, f, "/") }
		f[2] == "merged" { printf "%s\t|\t%s\t|\n", f[1], f[3] >(dir "/merged.dmp"); next }
		f[2] == "deleted" { printf "%s\t|\n", f[1] >(dir "/delnodes.dmp"); next }
		{
			printf "%s\t|\t%s\t|\t%s\t|\n", f[1], f[2], f[3] >(dir "/nodes.dmp")
			printf "%s\t|\t%s\t|\t\t|\tscientific name\t|\n", f[1], f[4] >(dir "/names.dmp")
		}'
}

test_expect_success 'raw files' '
	mkdir raw && cd raw &&
	fasta >s1 <<-\EOF &&
	p1 1582 lactate=dehydrogenase MKVLATTDKDG
	p2 562 chaperone MARTKQTARK
	p3 77 old=protein MSTNPKPQRK
	EOF
	fasta >s2 <<-\EOF &&
	p1 1582 lactate=dehydrogenase MKVLATTDKDW
	p2 562 chaperone MARTKQTARK
	p3 77 old=protein MSTNPKPQRK
	p4 1597 surface=protein MKKINLA
	EOF
	fasta >s3 <<-\EOF &&
	p1 1582 lactate=dehydrogenase MKVLATTDKDW
	p4 1597 surface=protein=1 MKKINLA
	p5 88 unknown GGGG
	EOF
	fasta >s4 <<-\EOF &&
	p5 562 known=now GGGG
	p1 1582 lactate=dehydrogenase MKVLATTDKDW
	EOF
	dump t1 <<-\EOF &&
	1/1/no=rank/root
	2/1/superkingdom/Bacteria
	1578/2/genus/Lactobacillus
	1582/1578/species/Lactobacillus=casei
	1597/1578/species/Lactobacillus=paracasei
	561/2/genus/Escherichia
	562/561/species/Escherichia=coli
	77/561/species/Escherichia=oldii
	EOF
	dump t2 <<-\EOF &&
	1/1/no=rank/root
	2/1/superkingdom/Bacteria
	1578/2/genus/Lactobacillus
	2759736/2/genus/Lacticaseibacillus
	1582/2759736/species/Lacticaseibacillus=casei
	1597/2759736/species/Lacticaseibacillus=paracasei
	561/2/genus/Escherichia
	562/561/species/Escherichia=coli
	77/merged/562
	EOF
	dump t3 <<-\EOF &&
	1/1/no=rank/root
	2/1/domain/Bacteria
	1239/2/phylum/Bacillota
	2759736/1239/genus/Lacticaseibacillus
	1582/2759736/species/Lacticaseibacillus=casei
	1597/merged/1582
	561/2/genus/Escherichia
	562/561/species/Escherichia=coli
	77/deleted
	EOF
	dump t4 <<-\EOF
	1/1/no=rank/root
	1582/1/species/Something=else
	EOF
'

# ---- what a view must be: from these alone

# expect_ls SEQUENCES DUMP: the lines of casg ls --lineage
expect_ls () {
	# the digest of each sequence, by another program
	while read -r line; do
		case $line in
		">"*) ;;
		*) printf "%s %s\n" "$line" "$(printf "%s" "$line" | sha256sum | cut -c1-64)" ;;
		esac
	done <"raw/$1" >digests &&
	awk -F "\t[|]\t?" -v dir="raw/$2" '
		BEGIN {
			while ((getline <(dir "/nodes.dmp")) > 0) parent[$1] = $2
			while ((getline <(dir "/names.dmp")) > 0) name[$1] = $2
			while ((getline <(dir "/merged.dmp")) > 0) into[$1] = $2
			while ((getline line <"digests") > 0) { split(line, f, " "); digest[f[1]] = f[2] }
		}
		/^>/ {
			header = substr($0, 2)
			taxon = header; sub(/.*OX=/, "", taxon)
			if (taxon in into) taxon = into[taxon]
			lineage = taxon in name ? name[taxon] : "-"
			for (t = parent[taxon]; t != "" && t != 1; t = parent[t])
				lineage = name[t] ";" lineage
			next
		}
		{
			i = index(header, " ")
			printf "%s\t%s\t%d\t%s\t-\t%s\t%s\n", substr(header, 1, i - 1), digest[$0],
				length($0), taxon, substr(header, i), lineage
		}' "raw/$1"
}

test_expect_success 'what is expected is what a person would write' '
	digest=$(printf MSTNPKPQRK | sha256sum | cut -c1-64) &&
	expect_ls s2 t2 >lines && sed -n 3p lines >actual &&
	printf "p3\t$digest\t10\t562\t-\t old protein OX=77\tBacteria;Escherichia;Escherichia coli\n" >expect &&
	test_cmp expect actual &&
	expect_ls s2 t3 >lines && sed -n "3p; 4p" lines | cut -f4,7 >actual &&
	printf "77\t-\n1582\tBacteria;Bacillota;Lacticaseibacillus;Lacticaseibacillus casei\n" >expect &&
	test_cmp expect actual
'

# ---- into a repository, taxonomies and releases in turn

# import_taxonomy DUMP TIME LABEL
import_taxonomy () {
	casg taxonomy import -q --name ncbi --taxonomy-time "$2" --release "$3" "../raw/$1"
}

test_expect_success 'setup' '
	casg init -q r && cd r &&
	casg import -q -d lab --sequence-time 2019-01-01 --release s1 ../raw/s1 &&
	import_taxonomy t1 2019-06-01 t1 &&
	casg import -q -d lab --sequence-time 2020-01-01 --release s2 ../raw/s2 &&
	import_taxonomy t2 2020-06-01 t2 &&
	import_taxonomy t3 2023-06-01 t3 &&
	casg import -q -d lab --sequence-time 2021-01-01 --release s3 --accept-shrink ../raw/s3 &&
	casg import -q -d lab --sequence-time 2024-01-01 --release s4 --accept-shrink ../raw/s4 &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty
'

# the pairs, by label and by a time in which they are in force
pairs () {
	for s in "s1 2019-12-31" "s2 2020-07-01" "s3 2021-01-01" "s4 2025-01-01"; do
		for t in "t1 2020-05-31" "t2 2020-06-01" "t3 2030-01-01"; do
			echo "$s $t" || return 1
		done
	done
}

test_expect_success '12 views, each byte for byte' '
	pairs >pairs && test_line_count = 12 pairs && : >ids &&
	while read -r s stime t ttime; do
		expect_ls $s $t >expect &&
		(
			cd r &&
			casg ls --lineage --as-of-sequence $stime --as-of-taxonomy $ttime lab >../out 2>../err </dev/null &&
			casg export --as-of-sequence $s --as-of-taxonomy $t lab >../exported 2>../err2 </dev/null
		) &&
		sed 1d out >actual && test_cmp expect actual &&
		cmp raw/$s exported &&
		# told alike, by time and by label; ls warns of taxa besides
		grep "^view" err >told && test_cmp err2 told &&
		sed -n "s/^view \([0-9a-f]\{64\}\): sequence [0-9a-f]\{64\} ([^,]*, $s), taxonomy [0-9a-f]\{64\} ([^,]*, $t)\$/\1/p" err2 >id &&
		test_line_count = 1 id && cat id >>ids || return 1
	done <pairs &&
	sort -u ids >distinct && test_line_count = 12 distinct
'

test_expect_success 'an id is that of the bytes, and is said by plumbing too' '
	cd r &&
	casg-resolve-view --as-of-sequence s3 --as-of-taxonomy t2 lab >out &&
	s=$(sed -n "s/^sequence [^ ]* \([^ ]*\) .*/\1/p" out) && t=$(sed -n "s/^taxonomy [^ ]* \([^ ]*\) .*/\1/p" out) &&
	{
		printf "casg-view 1\n\000\000\000\040" && env printf "$(echo "$s" | sed "s/../\\\\x&/g")" &&
		printf "\000\000\000\040" && env printf "$(echo "$t" | sed "s/../\\\\x&/g")"
	} >bytes && test "$(wc -c <bytes)" = 84 &&
	echo "view $(sha256sum <bytes | cut -c1-64)" >expect && tail -n 1 out >actual && test_cmp expect actual &&
	sed -n 8p ../ids | sed "s/^/view /" >expect && test_cmp expect actual
'

test_expect_success 'ids that are deleted or not known: as they are, with a warning' '
	cd r &&
	casg ls --as-of-sequence s2 --as-of-taxonomy t3 lab >out 2>err && cut -f4 out | sed 1d >actual &&
	printf "1582\n562\n77\n1582\n" >expect && test_cmp expect actual &&
	grep "^warning: 1 records have a taxon that was deleted from the taxonomy$" err &&
	casg ls --as-of-sequence s3 --as-of-taxonomy t1 lab 2>err >out &&
	grep "^warning: 1 records have a taxon that the taxonomy does not know$" err &&
	casg ls --quiet --as-of-sequence s3 --as-of-taxonomy t1 lab 2>err >quiet && test_must_be_empty err && test_cmp out quiet &&
	cut -f4 out | sed 1d >actual && printf "1582\n1597\n88\n" >expect && test_cmp expect actual
'

test_expect_success '-z: the lineage is behind the last TAB; taxa make no other tree' '
	cd r &&
	casg ls -q -z --lineage --as-of-sequence s2 --as-of-taxonomy t2 lab | tr "\0" "\n" >out &&
	casg ls -q --lineage --as-of-sequence s2 --as-of-taxonomy t2 lab >expect && test_cmp expect out &&
	casg ls -q --as-of-sequence s2 --as-of-taxonomy t2 lab | casg-mktree | sed -n "/^records /p; /^order /p" >roots &&
	commit=$(casg-resolve-view --no-taxonomy --as-of-sequence s2 lab | cut -d" " -f2) &&
	casg-read-version "$commit" | sed -n "/^records /p; /^order /p" >expect && test_cmp expect roots
'

test_expect_success 'a fourth taxonomy: no sequence bytes, no other root, no other version' '
	cd r &&
	casg-rev-list lab | cut -f2- >versions &&
	casg-count-objects -v >counted && grep -i sequence counted >sequences &&
	test -s sequences &&
	import_taxonomy t4 2024-06-01 t4 &&
	casg-rev-list lab | cut -f2- >after && test_cmp versions after &&
	casg-count-objects -v >counted && grep -i sequence counted >after && test_cmp sequences after &&
	casg ls -q --lineage lab | sed 1d >actual &&
	(cd .. && expect_ls s4 t4) >expect && test_cmp expect actual &&
	# what was read before is read as before
	casg-resolve-view --as-of-sequence s1 --as-of-taxonomy t1 lab | tail -n 1 >actual &&
	sed -n 1p ../ids | sed "s/^/view /" >expect && test_cmp expect actual
'

test_expect_success 'import --taxonomy: the version is named, and stays until changed' '
	cd r &&
	t2=$(casg-resolve-view --as-of-taxonomy t2 lab | sed -n "s/^taxonomy [^ ]* \([^ ]*\) .*/\1/p") &&
	t4=$(casg-read-version --id taxonomy/ncbi) &&
	at=$(casg-resolve-view --as-of-taxonomy t2 lab | sed -n "s/^taxonomy \([^:]*\):.*/\1/p") &&
	casg import -q -d lab --taxonomy "$at:ncbi" --sequence-time 2024-01-01 --release s4 ../raw/s4 &&
	echo "$t2" >expect && casg-read-version --field=taxonomy lab >actual && test_cmp expect actual &&
	casg import -d lab --taxonomy "$at:ncbi" --sequence-time 2024-01-01 --release s4 ../raw/s4 >out && grep "already up to date" out &&
	casg ls --lineage lab >out 2>err && grep "taxonomy $t2 (2020-06-01T00:00:00Z, t2)" err &&
	casg ls --lineage --as-of-taxonomy HEAD lab >out 2>err && grep "taxonomy $t4 (" err &&
	casg import -q -d lab --sequence-time 2025-01-01 --accept-shrink ../raw/s1 &&
	casg-read-version --field=taxonomy lab >actual && test_cmp expect actual &&
	casg rm -q -d lab p3 && casg-read-version --field=taxonomy lab >actual && test_cmp expect actual &&
	casg gap -q --from 2030-01-01 lab && casg-read-version --field=taxonomy lab >actual && test_cmp expect actual &&
	casg import -q -u -d lab --taxonomy ncbi ../raw/s4 && echo "$t4" >expect &&
	casg-read-version --field=taxonomy lab >actual && test_cmp expect actual &&
	casg import -q -d lab --no-taxonomy --accept-shrink ../raw/s4 &&
	test_expect_code 128 casg-read-version --field=taxonomy lab &&
	test_expect_code 129 casg import -q -d lab --taxonomy ncbi --no-taxonomy ../raw/s4 &&
	test_expect_code 129 casg import -q -d lab --taxonomy "" ../raw/s4 &&
	test_expect_code 128 casg import -q -d lab --taxonomy none ../raw/s4 &&
	casg fsck
'

test_expect_success 'casg gap ends a taxonomy, too' '
	cd r &&
	casg gap -q --from 2026-01-01 taxonomy/ncbi &&
	test_expect_code 128 casg ls --lineage --as-of-taxonomy 2026-01-01 lab >out 2>err && test_must_be_empty out &&
	grep "no version of .taxonomy/ncbi. is in force at 2026-01-01T00:00:00Z: .* ended at 2026-01-01T00:00:00Z, a declared gap" err &&
	casg ls -q --lineage --as-of-taxonomy 2025-12-31 lab >out
'

test_done
