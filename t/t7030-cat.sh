#!/bin/sh
# casg cat: one record, or many, as they stand in the file.

test_description='casg cat: keys, accessions, sequence ids, --batch'
. "$(dirname "$0")/test-lib.sh"

id_of () {
	printf "%s" "$1" | sha256sum | cut -c1-64
}

test_expect_success 'setup' '
	casg init -q . &&
	cat >x.fa <<-\EOT &&
	;prologue
	>a one
	ACGTAC
	GT
	>sp|P12345|NAME_HUMAN some protein
	MKVlat
	mkv
	>tr|Q9|B
	MK

	>k second
	TT
	>k first
	TT
	>k
	AA
	>gi|42|gb|AB001|x
	CCCC
	>P12345.2
	GG
	>sp|P123456|C
	G
	>empty

	>wide
	ACGTACGTACGTACGTACGTACGT
	>last
	EOT
	printf "AcG" >>x.fa &&
	casg import -q x.fa &&
	printf ">crlf d\r\nACGT\r\nAC\r\n>b\r\nGG" >y.fa &&
	casg import -q y.fa
'

# shows KEY FORMAT: cat prints that for it
shows () {
	# shellcheck disable=SC2059 # it is a format
	printf "$2" >expect &&
	casg cat x "$1" >actual &&
	cmp expect actual
}

test_expect_success 'by key, as in the file' '
	shows a ">a one\nACGTAC\nGT\n" &&
	shows "sp|P12345|NAME_HUMAN" ">sp|P12345|NAME_HUMAN some protein\nMKVlat\nmkv\n" &&
	shows "tr|Q9|B" ">tr|Q9|B\nMK\n\n" &&
	shows empty ">empty\n\n" &&
	shows wide ">wide\nACGTACGTACGTACGTACGTACGT\n" &&
	shows P12345.2 ">P12345.2\nGG\n"
'

test_expect_success 'the last one is ended, whatever the file is' '
	shows last ">last\nAcG\n" &&
	casg cat y b >actual && printf ">b\r\nGG\r\n" >expect && cmp expect actual &&
	casg cat y crlf >actual && printf ">crlf d\r\nACGT\r\nAC\r\n" >expect && cmp expect actual
'

test_expect_success 'by accession' '
	shows P12345 ">sp|P12345|NAME_HUMAN some protein\nMKVlat\nmkv\n" &&
	shows P123456 ">sp|P123456|C\nG\n" &&
	shows Q9 ">tr|Q9|B\nMK\n\n" &&
	shows 42 ">gi|42|gb|AB001|x\nCCCC\n"
'

test_expect_success 'what is no key and no accession' '
	for key in P1234 P123 NAME_HUMAN sp "sp|P12345" "P12345|" "sp|" K "a one" "" "*" one; do
		test_expect_code 1 casg cat x "$key" >out 2>err &&
		test_must_be_empty out &&
		echo "error: '\''$key'\'' is not in there" >expect &&
		test_cmp expect err || return 1
	done
'

test_expect_success 'by sequence id' '
	shows $(id_of CCCC) ">gi|42|gb|AB001|x\nCCCC\n" &&
	shows $(id_of TT) ">k first\nTT\n>k second\nTT\n" &&
	shows $(id_of "") ">empty\n\n" &&
	shows $(id_of MKVLATMKV) ">sp|P12345|NAME_HUMAN some protein\nMKVlat\nmkv\n" &&
	test_expect_code 1 casg cat x $(id_of nobody) 2>err &&
	test_expect_code 1 casg cat x $(id_of CCCC | cut -c1-63) &&
	test_expect_code 1 casg cat x $(id_of CCCC | tr "[:lower:]" "[:upper:]") &&
	upper=$(id_of GG) &&
	shows $upper ">P12345.2\nGG\n" &&
	casg cat y $upper >actual && printf ">b\r\nGG\r\n" >expect && cmp expect actual &&
	test_expect_code 1 casg cat y $(id_of CCCC)
'

test_expect_success 'a key that looks like an id, or an accession, is the key' '
	id=$(id_of CCCC) &&
	printf ">%s mine\nA\n>b\nCCCC\n>P1\nC\n>sp|P1|x\nG\n" $id >z.fa &&
	casg import -q z.fa &&
	printf ">%s mine\nA\n" $id >expect &&
	casg cat z $id >actual && cmp expect actual &&
	printf ">P1\nC\n" >expect &&
	casg cat z P1 >actual && cmp expect actual
'

test_expect_success 'a repeated key: all of them, in the order of the tree' '
	casg ls-tree x | grep "^k	" | sort -t "$TAB" -k2,2 -k6,6 | cut -f6 >expect &&
	casg cat x k >actual &&
	grep "^>" actual | sed "s/^>k//" >order &&
	test_cmp expect order &&
	shows k "$(cat actual)\n" &&
	test_line_count = 6 actual
'

test_expect_success 'several keys, in their order, also twice' '
	printf ">wide\nACGTACGTACGTACGTACGTACGT\n>a one\nACGTAC\nGT\n>wide\nACGTACGTACGTACGTACGTACGT\n" >expect &&
	casg cat x wide a wide >actual &&
	cmp expect actual
'

test_expect_success 'one of several is not there: the others are printed, status 1' '
	printf ">a one\nACGTAC\nGT\n>P12345.2\nGG\n" >expect &&
	test_expect_code 1 casg cat x a nope P12345.2 neither >actual 2>err &&
	cmp expect actual &&
	printf "error: '\''%s'\'' is not in there\n" nope neither >expect &&
	test_cmp expect err &&
	test_expect_code 1 casg cat --quiet x a nope >actual 2>err &&
	test_must_be_empty err
'

test_expect_success 'keys with anything in them' '
	printf ">-x\nA\n>--batch\nC\n>\"q\"\nG\n>a\\\\b\nT\n>caf\351\nAA\n>#casg\nAC\n>\001\nAG\n>\nAT\n>a*\nCA\n" >odd.fa &&
	casg import -q odd.fa &&
	casg ls -z odd >lines.z &&
	casg cat odd -- -x --batch "\"q\"" "a\\b" "$(printf "caf\351")" "#casg" "$(printf "\001")" "" "a*" >actual &&
	cmp odd.fa actual &&
	casg-ls-tree -z --keys odd | casg cat -z --batch odd >actual &&
	cmp odd.fa actual
'

test_expect_success 'every record of a file by its key' '
	casg-gen --seed 1 --records 3000 --length 150 --family 0.2 |
		awk "/^>/ { n++ } n % 3 == 1 && !/^>/ { \$0 = tolower(\$0) } { print }" >big.fa &&
	casg import -q big.fa &&
	casg-ls-tree --keys big | sort -u | awk "{ print (NR * 7919) % 3001, \$0 }" | sort -n | cut -d" " -f2 >keys &&
	awk "NR == FNR { if (/^>/) k = substr(\$1, 2); r[k] = r[k] \$0 \"\\n\"; next } { printf \"%s\", r[\$0] }" big.fa keys >expect &&
	casg cat --batch big <keys >actual && cmp expect actual &&
	casg cat --batch --buffer big <keys >actual && cmp expect actual
'

test_expect_success 'REV:DATABASE' '
	git tag before &&
	printf ">a new\nTTTT\n" >x2.fa && casg import -q --accept-shrink -d x x2.fa &&
	shows a ">a new\nTTTT\n" &&
	printf ">a one\nACGTAC\nGT\n" >expect &&
	casg cat before:x a >actual && cmp expect actual &&
	casg cat HEAD~1:x a >actual && cmp expect actual &&
	test_expect_code 1 casg cat x wide &&
	test_expect_code 128 casg cat nope:x a &&
	test_expect_code 128 casg cat HEAD:nope a >out 2>err &&
	test_must_be_empty out &&
	test_grep "nope" err &&
	test_expect_code 128 casg cat "" a 2>err &&
	test_grep "several" err
'

# ---- --batch

test_expect_success '--batch: every request once, in order; a missing one is no reason to stop' '
	printf "%s\n" wide nope a wide k "" P12345 >in &&
	{
		casg cat before:x wide && echo "nope missing" && casg cat before:x a &&
		casg cat before:x wide && casg cat before:x k && echo " missing" &&
		casg cat before:x P12345
	} >expect &&
	for o in "" --buffer --quiet; do
		casg cat --batch $o before:x <in >actual 2>err &&
		cmp expect actual &&
		test_must_be_empty err || return 1
	done
'

test_expect_success '--batch: lines need not be ended, NUL ends keys with -z' '
	casg cat before:x a wide >expect &&
	printf "a\nwide" | casg cat --batch before:x >actual && cmp expect actual &&
	printf "a\\0wide" | casg cat -z --batch before:x >actual && cmp expect actual &&
	printf "a\\0wide\\0" | casg cat --null --batch before:x >actual && cmp expect actual &&
	printf "a\nwide\\0a\\0" | casg cat -z --batch before:x >actual &&
	{ printf "a\nwide missing\n" && casg cat before:x a; } >expect &&
	cmp expect actual
'

test_expect_success '--batch: nothing asked, nothing said' '
	casg cat --batch x </dev/null >out 2>err &&
	test_must_be_empty out && test_must_be_empty err
'

test_expect_success '--batch answers each request before the next is asked' '
	mkfifo ask answer &&
	{ timeout 300 casg cat --batch before:x <ask >answer & } && pid=$! &&
	exec 8>ask 9<answer &&
	echo a >&8 &&
	read -r l1 <&9 && read -r l2 <&9 && read -r l3 <&9 &&
	test "$l1.$l2.$l3" = ">a one.ACGTAC.GT" &&
	echo nope >&8 &&
	read -r l1 <&9 &&
	test "$l1" = "nope missing" &&
	printf "nope\nP12345.2\n" >&8 &&
	read -r l1 <&9 && read -r l2 <&9 && read -r l3 <&9 &&
	test "$l1.$l2.$l3" = "nope missing.>P12345.2.GG" &&
	printf "P1234" >&8 && printf "5.2\n" >&8 &&
	read -r l1 <&9 && read -r l2 <&9 &&
	test "$l1.$l2" = ">P12345.2.GG" &&
	exec 8>&- &&
	! read -r l1 <&9 &&
	exec 9<&- &&
	wait $pid
'

test_expect_success '--batch many times over' '
	awk "{ print; print \"no\" NR }" keys >in &&
	awk "NR == FNR { if (/^>/) k = substr(\$1, 2); r[k] = r[k] \$0 \"\\n\"; next }
		{ if (\$0 in r) printf \"%s\", r[\$0]; else print \$0, \"missing\" }" big.fa in >expect &&
	cat in in in in in in in in in in >in10 &&
	cat expect expect expect expect expect expect expect expect expect expect >expect10 &&
	casg cat --batch big <in10 >actual && cmp expect10 actual &&
	casg cat --batch --buffer big <in10 >actual && cmp expect10 actual
'

# ---- long ones

test_expect_success 'long sequences, with long presentations' '
	{
		casg-gen --seed 2 --records 2 --length 3000000 |
			awk "!/^>/ && NR % 7 == 1 { \$0 = tolower(\$0) } { print }" &&
		printf ">short\nACGT\n"
	} >long.fa &&
	casg import -q long.fa &&
	casg-ls-tree --keys long >keys && test_line_count = 3 keys &&
	casg cat --batch long <keys >actual && cmp long.fa actual &&
	awk "/^>/ { n++ } n == 2" long.fa >expect &&
	casg cat long "$(sed -n 2p keys)" >actual && cmp expect actual &&
	casg cat long short >actual && printf ">short\nACGT\n" >expect && cmp expect actual
'

test_expect_success 'long descriptions' '
	{ printf ">d " && head -c 5000 /dev/zero | tr "\\0" d && printf "\nACGT\n>e\nA\n"; } >desc.fa &&
	casg import -q desc.fa &&
	casg cat desc d e >actual && cmp desc.fa actual
'

# ---- status

test_expect_success 'usage' '
	test_expect_code 129 casg cat 2>err &&
	test_expect_code 129 casg cat x &&
	test_expect_code 129 casg cat --batch &&
	test_expect_code 129 casg cat --batch x a </dev/null &&
	test_expect_code 129 casg cat --frob x a &&
	test_expect_code 129 casg cat -h >out &&
	test_grep "^usage: casg cat " out
'

test_expect_success 'without a repository' '
	mkdir none && cd none && git init -q . &&
	test_expect_code 128 casg cat x a
'

test_expect_success DEVFULL 'a full disk' '
	test_expect_code 128 casg cat x a >/dev/full &&
	echo a >in &&
	test_expect_code 128 casg cat --batch x <in >/dev/full &&
	test_expect_code 128 casg cat --batch --buffer x <in >/dev/full
'

test_expect_success 'a reader that goes away is no success' '
	yes a | head -n 200000 >in &&
	{
		casg cat --batch x <in
		echo $? >status
	} | sed 1q >out &&
	echo ">a new" >expect && test_cmp expect out &&
	read -r status <status &&
	case $status in 128 | 141) ;; *) return 1 ;; esac
'

test_expect_success 'damage is 128, not a no, and names the pack; other records still read' '
	casg init -q r && cd r &&
	git config casg.chunkSize 16k &&
	casg-gen --seed 3 --type protein --records 2000 --length 300 >x.fa &&
	casg import -q x.fa &&
	casg-ls-tree --keys x >keys &&
	pack=$(ls -S .git/casg/packs/*.pack | sed 1q) &&
	size=$(wc -c <$pack) &&
	chmod u+w $pack &&
	flip_byte $pack $((size / 2)) &&
	ok=0 bad=0 &&
	while read -r key; do
		casg cat x "$key" >out 2>err </dev/null
		case $? in
		0) ok=$((ok + 1)) && test -s out || return 1 ;;
		128) bad=$((bad + 1)) && test_must_be_empty out && test_grep "${pack##*/}" err || return 1 ;;
		*) return 1 ;;
		esac
	done <<-EOT &&
	$(awk "NR % 25 == 1" keys)
	EOT
	test $bad -ge 1 && test $ok -ge 40
'

test_done
