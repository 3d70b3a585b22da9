#!/bin/sh
# The index from taxon to record: what casg-ls-taxon answers by it is what a
# pass over all records finds, whatever became of the file.

test_description='indexes of taxa: answers, damage, rebuilding'
. "$(dirname "$0")/test-lib.sh"

# Of a few taxa; some records carry several, some none, some keys come twice.
make_records () {
	awk -v n="$1" 'BEGIN {
		for (i = 0; i < n; i++) {
			printf ">k%05d", i % 7 ? i : i % 70
			if (i % 5 == 1) printf " first OX=%d", 10 + i % 3
			if (i % 5 == 2) printf " a TaxID=%d x\001y b TaxID=%d", 10 + i % 4, 20
			if (i % 5 == 3) printf "|kraken:taxid|%d", 100000 + i % 4
			if (i % 5 == 4) printf " OX=10 OX=%d", 10 + i % 2
			printf "\nMKV"
			for (k = i; k; k = int(k / 4)) printf "%s", substr("ACDE", k % 4 + 1, 1)
			print ""
		}
	}'
}

# want DATABASE TAXON [WITHOUT]: by a pass over all records; "" is none.
want () {
	casg ls "$1" >records &&
	filter "$2" "${3-}" <records
}

filter () {
	awk -F "\t" -v t="${1:--}" -v no="${2:-none such}" '
		/^#casg/ { facts = $0; next }
		{
			n = split($4, id, ",")
			hit = miss = 0
			for (i = 1; i <= n; i++) {
				hit += id[i] == t
				miss += id[i] == no
			}
			if (hit && !miss) {
				if (facts != "") print facts
				facts = ""
				print
			}
		}'
}

# right DATABASE: all of its taxa
right () {
	casg ls "$1" >records &&
	awk -F "\t" '!/^#casg/ { gsub(",", "\n", $4); print $4 }' records |
	sort -u | sed "s/^-\$//" >all &&
	while IFS= read -r taxon; do
		filter "$taxon" <records >expect &&
		casg ls-taxon --taxon="$taxon" "$1" >actual &&
		test_cmp expect actual || { echo "taxon <$taxon>"; return 1; }
	done <all
}

index_file () {
	ls .git/casg/index/taxa/*.tax
}

forget () {
	rm -rf .git/casg/index/taxa
}

test_expect_success 'setup' '
	casg init -q . &&
	make_records 900 >file.fa &&
	casg import -q --database db file.fa
'

test_expect_success 'each taxon of a database, and none' '
	right db &&
	test_line_count = 10 all &&
	casg ls-taxon --taxon= db >none && test_line_count -gt 100 none &&
	index_file >files && test_line_count = 1 files
'

test_expect_success 'several taxa are a union, in the order of the file' '
	casg ls db | awk -F "\t" "/^#casg/ || \$4 ~ /(^|,)(10|20|100003)(,|\$)/" >expect &&
	casg ls-taxon --taxon=10 --taxon=100003 --taxon=20 --taxon=10 db >actual &&
	test_cmp expect actual &&
	printf "10\n20\n" | casg ls-taxon --stdin --taxon=100003 db >actual &&
	test_cmp expect actual
'

test_expect_success '--exclude goes by record' '
	want db 10 11 >expect && want db 10 >more && ! cmp -s expect more &&
	casg ls-taxon --taxon=10 --exclude=11 db >actual &&
	test_cmp expect actual &&
	casg ls-taxon --taxon=10 --exclude=77 db >actual &&
	test_cmp more actual
'

test_expect_success 'what nobody carries: 1, and says so' '
	test_expect_code 1 casg ls-taxon --taxon=77 db >out 2>err &&
	test_must_be_empty out &&
	test_grep "^error: no record carries .77.\$" err && test_line_count = 1 err &&
	test_expect_code 1 casg ls-taxon --quiet --taxon=77 --taxon=78 db >out 2>err &&
	test_must_be_empty out && test_must_be_empty err &&
	test_expect_code 1 casg ls-taxon --taxon=77 --taxon=78 --taxon=79 db 2>err &&
	test_grep "no record carries .77., nor 2 other taxa" err &&
	test_expect_code 1 casg ls-taxon --taxon=10 --exclude=10 db >out 2>err &&
	test_must_be_empty out && test_grep "no record is left" err &&
	test_expect_code 1 casg ls-taxon --stdin db </dev/null 2>err &&
	want db 10 >expect &&
	casg ls-taxon --taxon=77 --taxon=10 db >actual 2>err &&
	test_cmp expect actual && test_grep "^warning: no record carries .77." err
'

test_expect_success 'part of an id is no id' '
	for taxon in 1 1000 100 0 - 010 "10 " 10,11; do
		test_expect_code 1 casg ls-taxon --quiet --taxon="$taxon" db || return 1
	done
'

test_expect_success '--keys, -z, --fasta' '
	casg ls db | awk -F "\t" "!/^#casg/ && \$4 ~ /(^|,)20(,|\$)/ { print \$1 }" >expect &&
	casg ls-taxon --keys --taxon=20 db >actual && test_cmp expect actual &&
	casg ls-taxon -z --keys --taxon=20 db | tr "\0" "\n" >actual && test_cmp expect actual &&
	casg ls-taxon -z --taxon=20 db >actual.z &&
	casg-assemble -z <actual.z >expect &&
	want db 20 | casg-assemble >again && test_cmp expect again &&
	casg ls-taxon --fasta --taxon=20 db >actual && test_cmp expect actual &&
	printf "20\0" | casg ls-taxon -z --stdin --fasta db >actual && test_cmp expect actual
'

test_expect_success 'wrong usage' '
	test_expect_code 129 casg ls-taxon db &&
	test_expect_code 129 casg ls-taxon --fasta --keys --taxon=1 db &&
	test_expect_code 129 casg ls-taxon -z --fasta --taxon=1 db &&
	test_expect_code 129 casg ls-taxon --taxon=1 db db &&
	test_expect_code 128 casg ls-taxon --taxon=1 nothing &&
	test_expect_code 128 casg ls-taxon --taxon=10 db >/dev/full
'

# ---- shapes of databases

test_expect_success 'the order of the keys, and orders far from it' '
	awk "/^>/ { if (r != \"\") print r; r = \$0; next } { r = r \"\\036\" \$0 } END { print r }" \
		file.fa >flat &&
	awk "!seen[\$1]++" flat >once &&
	sort once | tr "\036" "\n" >sorted.fa && sort -r once | tr "\036" "\n" >reverse.fa &&
	awk "{ print (NR * 7919) % 641 \"\\t\" \$0 }" once | sort -n | cut -f2- |
	tr "\036" "\n" >mixed.fa &&
	for name in sorted reverse mixed; do
		casg import -q --database $name $name.fa && right $name || return 1
	done
'

test_expect_success 'presentations come along' '
	{
		printf ";before\n\n" &&
		awk "NR % 6 == 2 { print tolower(\$0) \"\\n\"; next } NR % 14 == 4 { print \"; c\" } { print }" \
			mixed.fa
	} >odd.fa &&
	printf ">last OX=10\nMK" >>odd.fa &&
	casg import -q --allow-missing-newline --database odd odd.fa && right odd &&
	want odd 10 | casg-assemble >expect &&
	casg ls-taxon --fasta --taxon=10 odd >actual && test_cmp expect actual &&
	test_grep "^;before" actual && test_grep "^[a-z]*\$" actual
'

test_expect_success 'one record; none at all' '
	printf ">a OX=7\nMK\n" >one.fa && casg import -q --database one one.fa && right one &&
	casg ls-taxon --fasta --taxon=7 one >actual && test_cmp one.fa actual &&
	: >empty.fa && casg import -q --allow-empty --database nobody empty.fa &&
	test_expect_code 1 casg ls-taxon --quiet --taxon= nobody &&
	test_expect_code 1 casg ls-taxon --quiet --taxon=7 nobody
'

test_expect_success 'descriptions that lie apart, sequences in pieces' '
	{
		printf ">long " && awk "BEGIN { for (i = 0; i < 9000; i++) printf \"x\"; print \" OX=10\" }" &&
		echo MKV && echo ">pieces OX=10" &&
		casg-gen --seed 5 --records 1 --length 300000 | sed 1d && echo ">c OX=11" && echo MK
	} >long.fa &&
	git config casg.chunkSize 64k && casg import -q --database long long.fa &&
	git config --unset casg.chunkSize &&
	right long && sed "/^>c/,\$d" long.fa >expect &&
	casg ls-taxon --fasta --taxon=10 long >actual && test_cmp expect actual
'

test_expect_success 'many records: the same by any number of workers, in little memory' '
	make_records 8000 >many.fa && casg import -q --database many many.fa &&
	forget && CASG_THREADS=1 casg index-taxa many && cp "$(index_file)" by-one &&
	forget && CASG_THREADS=3 casg index-taxa --memory=64m many && cmp by-one "$(index_file)" &&
	casg ls-taxon --keys --taxon=20 many >keys &&
	casg ls-taxon --keys --taxon=20 --taxon=10 --memory=64m many >more &&
	test_line_count = 1600 keys && test_line_count -gt 3000 more
'

# ---- what becomes of the file

test_expect_success 'it is made when it is needed, and only then' '
	forget && casg ls-taxon --taxon=10 db >expect && index_file >files && test_line_count = 1 files &&
	before=$(ls -li "$(index_file)") && casg ls-taxon --taxon=10 db >actual &&
	test_cmp expect actual && test "$before" = "$(ls -li "$(index_file)")" &&
	casg index-taxa db >out && echo "$(basename "$(index_file)")${TAB}there" >want && test_cmp want out &&
	forget && casg index-taxa db >out && echo "$(basename "$(index_file)")${TAB}made" >want &&
	test_cmp want out &&
	casg index-taxa one db >out && test_line_count = 2 out
'

test_expect_success 'the same records in the same order have the same' '
	git tag before && casg import -q --database db --release again file.fa && forget &&
	casg index-taxa before:db >a && casg index-taxa db >b &&
	sed "s/made/there/" a >c && test_cmp c b
'

test_expect_success 'setup of damage' '
	forget && casg index-taxa many >/dev/null && file=$(index_file) && cp "$file" good.tax &&
	casg ls-taxon --keys --taxon=100003 --taxon=12 many >expect
'

# lay: good.tax in its place, to be spoilt
lay () {
	rm -f "$file" && cp good.tax "$file" && chmod u+w "$file"
}

# healed: the answer is the same, and the file is as it was if that was read
healed () {
	casg ls-taxon --keys --taxon=100003 --taxon=12 many >actual && test_cmp expect actual
}

test_expect_success 'flipped bytes: never another answer' '
	size=$(wc -c <good.tax) && step=$((size / 24)) && at=0 &&
	while test $at -lt $size; do
		lay && flip_byte "$file" $at && healed || { echo "at $at" && return 1; }
		at=$((at + step))
	done
'

test_expect_success 'a flipped byte anywhere is found by casg-index-taxa' '
	for at in 3 100 5000 $((size / 2)) $((size - 1)); do
		lay && flip_byte "$file" $at && casg index-taxa many >out && test_grep made out &&
		cmp good.tax "$file" || return 1
	done
'

test_expect_success 'cut short, grown, empty, something else' '
	for cut in 0 1 80 4095 4096 8192; do
		lay && head -c $cut good.tax >"$file" && healed && cmp good.tax "$file" || return 1
	done &&
	lay && cat good.tax >>"$file" && healed && cmp good.tax "$file" &&
	lay && echo garbage >"$file" && healed && cmp good.tax "$file" &&
	rm "$file" && mkdir "$file" && healed && rmdir "$file"
'

test_expect_success 'the index of another version under this name' '
	forget && casg index-taxa mixed >/dev/null && cp "$(index_file)" other.tax && forget &&
	mkdir -p "${file%/*}" && cp other.tax "$file" && healed && cmp good.tax "$file"
'

# forged: taxon 10 named 99, so that its records do not carry what they are listed under
test_expect_success 'a forged index is caught by the records' '
	forget && casg index-taxa one >/dev/null && one=$(index_file) && chmod u+w "$one" &&
	test "$(dd if="$one" bs=1 skip=81 count=1 2>/dev/null)" = 7 &&
	printf 8 | dd of="$one" bs=1 seek=81 conv=notrunc 2>/dev/null &&
	casg-reseal idx "$one" &&
	test_expect_code 128 casg ls-taxon --taxon=8 one >out 2>err &&
	test_must_be_empty out && test_grep "wrong about record .a." err
'

test_expect_success 'damage of the records is an error, whatever the index says' '
	cp -R .git broken && test_when_finished "rm -rf broken" &&
	chmod -R u+w broken/casg && CASG_DIR=broken casg index-taxa many >/dev/null &&
	for pack in broken/casg/packs/*.pack; do flip_byte "$pack" 60 || return 1; done &&
	test_expect_code 128 env CASG_DIR=broken casg ls-taxon --fasta --taxon=20 many >out 2>err &&
	test_grep "^fatal:" err
'

test_expect_success 'where it cannot be written it serves all the same' '
	forget && CASG_CACHE_DIR=/dev/null/no casg ls-taxon --keys --taxon=100003 --taxon=12 many >actual &&
	test_cmp expect actual && test_path_is_missing .git/casg/index/taxa &&
	CASG_CACHE_DIR=$PWD/cache casg index-taxa many >/dev/null &&
	cmp good.tax "cache/taxa/${file##*/}" && test_path_is_missing .git/casg/index/taxa
'

test_expect_success NOTROOT 'a repository that is read only' '
	chmod -R a-w .git/casg && test_when_finished "chmod -R u+w .git/casg" &&
	casg ls-taxon --keys --taxon=100003 --taxon=12 many >actual && test_cmp expect actual
'

test_expect_success 'nothing is left behind' '
	casg index-taxa many db >/dev/null && ls .git/casg/index/taxa >names &&
	! grep -v "^[0-9a-f]\{64\}\.tax\$" names &&
	find .git/casg/tmp -type f >left && test_must_be_empty left
'

# ---- maintenance

test_expect_success 'maintenance keeps those of the branches, makes them whole' '
	forget && casg maintenance run --task=index >out && test_path_is_missing .git/casg/index/taxa &&
	casg index-taxa many >/dev/null && file=$(index_file) && lay && flip_byte "$file" 6000 &&
	: >"${file%/*}/$(printf "%064d" 0).tax" &&
	: >"${file%/*}/tax-4999999-0000000000000000.tmp" &&
	casg maintenance run --task=index >out && cmp good.tax "$file" &&
	test_path_is_missing "${file%/*}/$(printf "%064d" 0).tax" &&
	ls "${file%/*}" >names && grep -c "\.tax\$" names >n &&
	casg-read-version --list HEAD >versions &&
	while read -r _ name; do casg index-taxa "$name" || return 1; done <versions >now &&
	! grep made now &&
	casg gc --grace=0 >out && ! ls "${file%/*}" | grep "\.tmp\$"
'

test_done
