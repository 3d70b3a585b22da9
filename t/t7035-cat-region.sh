#!/bin/sh
# Parts of sequences, in the syntax of samtools.

test_description='casg cat DATABASE KEY:FROM-TO'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq SAMTOOLS 'command -v samtools'

test_expect_success 'setup' '
	casg init -q . && git config casg.chunkSize 16k &&
	casg-gen --seed 1 --type dna --records 3 --length 90000 --width 70 >db.fa &&
	{
		printf ">short one\nACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT\n" &&
		printf ">masked\nACGTacgtnnNNACGT\nacgtACGT\n" &&
		printf ">HLA:1:2-3 a key with colons\nAAAA\n>HLA:1\nCCCCC\n>sp|P1|X_Y\nGGGGTTTT\n"
	} >>db.fa && casg import -q db.fa && key=$(sed -n "1s/^>\([^ ]*\).*/\1/p" db.fa) && test -n "$key"
'

# gives REGION TEXT: that, under the region as it was given
gives () {
	printf ">%s\n%b" "$1" "$2" >expect && casg cat db "$1" >actual && test_cmp expect actual
}

test_expect_success 'from, to, both, commas, one residue' '
	gives short:1-4 "ACGT\n" && gives short:2-2 "C\n" && gives short:65-68 "ACGT\n" && gives short:65- "ACGT\n" &&
	gives short:65 "ACGT\n" && gives short:-3 "ACG\n" && gives "short:6,5-6,8" "ACGT\n" && gives "{short}:2-5" "CGTA\n" &&
	gives sp\|P1\|X_Y:4-6 "GTT\n" && gives P1:4-6 "GTT\n"
'

test_expect_success 'lines of 60' '
	gives short:1-62 "ACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT\nAC\n" &&
	gives short:1-60 "ACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGTACGT\n"
'

test_expect_success 'upper and lower case as in the file' '
	gives masked:3-10 "GTacgtnn\n" && gives masked:5-5 "a\n" && gives masked:13-24 "ACGTacgtACGT\n" && gives masked:21- "ACGT\n"
'

test_expect_success 'a key that looks like a region is a key' '
	casg cat db HLA:1:2-3 >actual && printf ">HLA:1:2-3 a key with colons\nAAAA\n" >expect && test_cmp expect actual &&
	gives "{HLA:1}:2-3" "CC\n" && gives HLA:1:2-4 "CCC\n" && gives HLA:1:2-3:2-3 "AA\n"
'

test_expect_success 'beyond the end: what there is, and it is said' '
	printf ">short:65-100\nACGT\n" >expect && casg cat db short:65-100 >actual 2>err && test_cmp expect actual &&
	test_grep "warning: .short:65-100.: the sequence has 68 residues" err &&
	printf ">short:69-70\n" >expect && casg cat db short:69-70 >actual 2>err && test_cmp expect actual && test_grep "68 residues" err &&
	printf ">short:1000\n" >expect && casg cat --quiet db short:1000 >actual 2>err && test_cmp expect actual && test_must_be_empty err
'

test_expect_success 'no region, no such key' '
	for bad in short: short:- short:0-3 short:5-4 short:a short:1-b short:1-2- short:,1 short:1-,2 none:1-2 \
		"short:1 -2" short:9999999999999999999 :1-2; do
		test_expect_code 1 casg cat db "$bad" >out 2>err && test_must_be_empty out &&
		test_grep "is not in there" err || { echo "$bad" && return 1; }
	done
'

test_expect_success 'batch: in order, between whole records and missing ones' '
	printf "%s\n" HLA:1 short:1-3 none short:2-3 none:1-2 "{HLA:1}:5" P1 >keys &&
	{
		printf ">HLA:1\nCCCCC\n>short:1-3\nACG\nnone missing\n>short:2-3\nCG\nnone:1-2 missing\n" &&
		printf ">{HLA:1}:5\nC\n>sp|P1|X_Y\nGGGGTTTT\n"
	} >expect &&
	casg cat --batch db <keys >actual && test_cmp expect actual &&
	casg cat --batch --buffer db <keys >actual && test_cmp expect actual
'

test_expect_success SAMTOOLS 'what samtools faidx prints' '
	sed "s/ .*//" db.fa | awk "/^>HLA/ { exit } { print }" >plain.fa && sed -i "/^>masked/,\$d" plain.fa && samtools faidx plain.fa &&
	for region in "$key:1-70" "$key:16,000-17,001" "$key:40,001" "$key:-61" "$key:12345-12345" "{$key}:5-64" "$key:1-40,000" short:61-; do
		samtools faidx plain.fa "$region" >expect && casg cat db "$region" >actual && test_cmp expect actual || return 1
	done
'

test_expect_success 'only what is needed is read and verified: the damage of other pieces is not seen' '
	# the larger one has the sequences
	pack=$(ls -S .git/casg/packs/*.pack | head -n 1) && chmod u+w "$pack" && cp "$pack" good &&
	right=0 && wrong=0 && for at in $(seq 3 5 98); do
		flip_byte "$pack" $(($(wc -c <good) * at / 100)) &&
		for from in 1 10001 20001 40001; do
			casg cat -q db "$key:$from-$((from + 99))" >actual 2>err
			case $? in
			0)
				right=$((right + 1)) &&
				awk "/^>/ { if (n++) exit; next } { printf \"%s\", \$0 }" db.fa | cut -c$from-$((from + 99)) | fold -w 60 >expect &&
				sed 1d actual >body && test_cmp expect body || return 1
				;;
			128) wrong=$((wrong + 1)) ;;
			*) return 1 ;;
			esac
		done && cp -f good "$pack" || return 1
	done && test $right -gt $wrong && test $wrong -gt 0
'

test_done
