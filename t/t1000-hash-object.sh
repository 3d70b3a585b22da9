#!/bin/sh
# Ids are compared with what other programs compute from the same residues.

test_description='casg-hash-object'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq OPENSSL 'command -v openssl'

# id_of RESIDUES: by sha256sum
id_of () {
	printf '%s' "$1" | sha256sum | cut -d' ' -f1
}

# sha512t24u RESIDUES: by openssl and base64
sha512t24u () {
	printf '%s' "$1" | openssl dgst -sha512 -binary | head -c 24 | base64 | tr '+/' '-_'
}

# hash NAME RESIDUES
hash () {
	printf '%s' "$2" | casg-hash-object --raw --algorithm="$1"
}

test_expect_success 'the id is the SHA-256 of the residues' '
	id_of ACGT >expect &&
	id_of MKV\* >>expect &&
	id_of "" >>expect &&
	id_of A-.U >>expect &&
	printf ">a\nACGT\n>b\nMKV*\n>c\n>d\nA-.U" | casg-hash-object >actual &&
	test_cmp expect actual
'

test_expect_success 'case, wrapping, white space and comments do not matter' '
	id_of ACGT >one &&
	cat one one one one one one >expect &&
	printf ">a\nacgt\n>b\nAC\nGT\n>c\r\nACG\r\nT\r\n>d\nA C\tG T \n>\nAC\n\n\nGT\n\n>f\n;x\nACGT\n" \
		>text &&
	casg-hash-object text >actual &&
	test_cmp expect actual
'

test_expect_success 'a line of millions of residues' '
	printf ">long\n" >long.fa &&
	head -c 5000000 /dev/zero | tr "\0" A >residues &&
	cat residues >>long.fa &&
	sha256sum <residues | cut -d" " -f1 >expect &&
	casg-hash-object long.fa >actual &&
	test_cmp expect actual &&
	casg-hash-object --raw residues >actual &&
	test_cmp expect actual
'

test_expect_success 'generated records agree with sha256sum one by one' '
	casg-gen --seed 3 --records 30 --type protein >gen.fa &&
	casg-hash-object gen.fa >actual &&
	awk "/^>/ { if (n++) print s; s = \"\"; next } { s = s \$0 } END { print s }" gen.fa |
	while read -r s; do
		id_of "$s" || return 1
	done >expect &&
	test_cmp expect actual
'

test_expect_success '--keys prints id, TAB, key' '
	printf "%s\ta|b\n" "$(id_of AC)" >expect &&
	printf "%s\t\n" "$(id_of GT)" >>expect &&
	printf ">a|b some words\nAC\n>\nGT\n" | casg-hash-object --keys >actual &&
	test_cmp expect actual
'

test_expect_success '--keys quotes as the record stream does, but not with -z' '
	printf ">a\"b\\\\c x\nAC\n>#casg\nAC\n" >odd &&
	printf "%s\t\"a\\\\\"b\\\\\\\\c\"\n" "$(id_of AC)" >expect &&
	printf "%s\t\"#casg\"\n" "$(id_of AC)" >>expect &&
	casg-hash-object --keys odd >actual &&
	test_cmp expect actual &&
	printf "%s\ta\"b\\\\c\0%s\t#casg\0" "$(id_of AC)" "$(id_of AC)" >expect &&
	casg-hash-object -z --keys odd >actual &&
	test_cmp_bin expect actual
'

test_expect_success '-z ends lines with NUL' '
	printf "%s\0" "$(id_of AC)" "$(id_of GT)" >expect &&
	printf ">a\nAC\n>b\nGT\n" | casg-hash-object -z >actual &&
	test_cmp_bin expect actual
'

test_expect_success '--raw: one sequence a file' '
	printf "ac gt\n" >one &&
	printf "A\r\nC\r\n" >two &&
	: >none &&
	id_of ACGT >expect &&
	id_of AC >>expect &&
	id_of "" >>expect &&
	casg-hash-object --raw one two none >actual &&
	test_cmp expect actual &&
	id_of ACGT >expect &&
	casg-hash-object --raw <one >actual &&
	test_cmp expect actual &&
	gzip -c one | casg-hash-object --raw >actual &&
	test_cmp expect actual
'

test_expect_success '--raw refuses what no sequence may hold' '
	for byte in 000 001 033 177 200 377; do
		printf "AC\\$byte" >bad &&
		test_expect_code 128 casg-hash-object --raw bad >out 2>err &&
		test_must_be_empty out &&
		test_grep "^fatal: bad: record 1: byte offset 2: byte 0x.. is not allowed" err ||
			return 1
	done
'

# ---- the other ids

test_expect_success 'sha1, md5 and m5, by sha1sum and md5sum' '
	printf MKV | sha1sum | cut -d" " -f1 >expect &&
	printf MKV | md5sum | cut -d" " -f1 >>expect &&
	printf "MKV*" | md5sum | cut -d" " -f1 >>expect &&
	hash sha1 mkv >actual &&
	hash md5 "mkv*" >>actual &&
	hash m5 "mkv*" >>actual &&
	test_cmp expect actual
'

test_expect_success 'trunc512, by sha512sum' '
	printf MKV | sha512sum | cut -c1-48 >expect &&
	hash trunc512 "mk-v*" >actual &&
	test_cmp expect actual
'

test_expect_success OPENSSL 'refget and VMC, by openssl and base64' '
	for s in "" ACGT ACGTN MKV; do
		id=$(sha512t24u "$s") &&
		for name in SQ.$id SQ.$id SQ.$id SQ.$id GS_$id $id; do
			echo $name
		done >expect &&
		for name in ga4gh refget refget-AZ refget-AZstar vmc sha512t24u; do
			hash $name "$s" || return 1
		done >actual &&
		test_cmp expect actual || return 1
	done
'

test_expect_success OPENSSL 'refget drops a star, refget-AZstar keeps it' '
	echo "SQ.$(sha512t24u MKV)" >expect &&
	echo "SQ.$(sha512t24u "MKV*")" >>expect &&
	hash ga4gh "MKV*" >actual &&
	hash refget-AZstar "M-K.V*" >>actual &&
	test_cmp expect actual
'

test_expect_success OPENSSL 'SEGUID, by openssl and base64' '
	printf ACGT | openssl dgst -sha1 -binary | base64 | tr -d = >expect &&
	hash seguid acgt >actual &&
	test_cmp expect actual
'

test_expect_success 'CRC-64: the standard example' '
	echo E3DCADD69B01ADD1 >expect &&
	hash crc64 ihatemath >actual &&
	test_cmp expect actual
'

test_expect_success 'every algorithm of the page is known, and no other' '
	sed -n "s/^|\`\([A-Za-z0-9-]*\)\` .*/\1/p" \
		"$CASG_SOURCE_DIR/Documentation/casg-hash-object.adoc" >names &&
	test -s names &&
	while read -r name; do
		hash "$name" ACGT >out && test_line_count = 1 out || return 1
	done <names &&
	test_expect_code 129 casg-hash-object --algorithm=sha257 </dev/null >out 2>err &&
	test_must_be_empty out &&
	sed -n "s/^error: unknown algorithm .*, known are //p" err | tr -d " " |
		tr , "\n" >listed &&
	test_cmp names listed
'

# ---- manners

test_expect_success 'no records, no lines' '
	: >none &&
	casg-hash-object none >actual &&
	test_must_be_empty actual &&
	printf ";only a comment\n\n" | casg-hash-object >actual &&
	test_must_be_empty actual
'

test_expect_success 'refused with file, record and byte offset' '
	printf ">a\nACGT\n>b\nAC\000GT\n" >nul &&
	test_expect_code 128 casg-hash-object nul 2>err &&
	test_grep "^fatal: nul: record 2: byte offset 13: " err &&
	printf "@a\nACGT\n+\nIIII\n" >reads.fq &&
	test_expect_code 128 casg-hash-object reads.fq 2>err &&
	test_grep "^fatal: reads.fq: record 1: byte offset 0: .*FASTQ" err &&
	printf "ACGT\n>a\nACGT\n" >headless &&
	test_expect_code 128 casg-hash-object headless 2>err &&
	test_grep "^fatal: headless: record 1: byte offset 0: " err
'

test_expect_success 'a > inside a line is a residue, with a warning' '
	id_of "AC>GT" >expect &&
	printf ">a\nAC>GT\n" >glued &&
	casg-hash-object glued >actual 2>err &&
	test_cmp expect actual &&
	test_grep "^warning: " err &&
	casg-hash-object --quiet glued >actual 2>err &&
	test_cmp expect actual &&
	test_must_be_empty err
'

test_expect_success '--progress, --no-progress, --quiet' '
	casg-hash-object gen.fa >out 2>err &&
	test_must_be_empty err &&
	casg-hash-object --progress gen.fa >out 2>err &&
	test_grep "Hashing: .*30 records" err &&
	casg-hash-object --progress --raw residues >out 2>err &&
	test_grep "Hashing: .*1 records" err &&
	casg-hash-object --progress --quiet gen.fa >out 2>err &&
	test_must_be_empty err &&
	casg-hash-object --no-progress gen.fa >out 2>err &&
	test_must_be_empty err
'

test_expect_success 'wrong usage' '
	test_expect_code 129 casg-hash-object --keys --raw </dev/null >out 2>err &&
	test_must_be_empty out &&
	test_grep "^error: " err
'

test_expect_success '-w stores what it names' '
	printf ">a\nACGT\n>b\nacgt\n>c\nMKV*\n" >w.fa &&
	casg init -q store &&
	casg hash-object w.fa >expect &&
	(
		cd store &&
		casg hash-object -w ../w.fa >../actual &&
		id=$(sed -n 3p ../actual) &&
		printf "x\t%s\t4\t-\t-\t desc\n" $id | casg assemble >../fasta &&
		ls .git/casg/packs >../packs &&
		casg hash-object -w ../w.fa >../again &&
		ls .git/casg/packs >../packs-again &&
		id=$(printf "mk\nvl\n" | casg hash-object -w --raw) &&
		printf "y\t%s\t4\t-\t-\t\n" $id | casg assemble >>../fasta
	) &&
	test_cmp expect actual &&
	test_cmp expect again &&
	test_cmp packs packs-again &&
	printf ">x desc\nMKV*\n>y\nMKVL\n" >expect &&
	test_cmp expect fasta
'

test_expect_success '-w: bad input leaves nothing, and it needs a repository' '
	printf ">a\nACGTT\n>b\nAC\001\n" >bad.fa &&
	find store/.git/casg -type f | sort >before &&
	(cd store && test_expect_code 128 casg hash-object -w ../bad.fa >/dev/null 2>../err) &&
	test_grep "bad.fa: record 2: byte offset 14: " err &&
	find store/.git/casg -type f | sort >after &&
	test_cmp before after &&
	mkdir nowhere &&
	(cd nowhere && test_expect_code 128 \
		env CASG_DIR=none casg hash-object -w ../w.fa >/dev/null)
'

test_expect_success DEVFULL 'a full disk is an error' '
	test_expect_code 128 casg-hash-object gen.fa >/dev/full 2>err &&
	test_grep "^fatal: cannot write to standard output" err
'

test_done
