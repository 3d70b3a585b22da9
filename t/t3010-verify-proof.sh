#!/bin/sh
# casg verify-proof: what passes, and every byte that must not.

test_description='casg verify-proof'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'setup' '
	casg init -q repo &&
	(
		cd repo &&
		cat >x.fa <<-\EOT &&
		>b some protein OX=9606
		MKVLATmkv
		LAT
		>a
		acgtNN
		>c one
		AC
		>c two
		AC
		>c two
		AC
		EOT
		casg import -q --sequence-time 2024-01-01 x.fa &&
		printf ">b new\nMKV\n" | casg import -q --accept-shrink --sequence-time 2024-02-01 --database x - &&
		casg-read-version HEAD~1:x >../VERSION &&
		casg-read-version --id HEAD~1:x >../id &&
		casg-read-version --id x >../id2 &&
		casg-prove HEAD~1:x b >../b.proof &&
		casg-prove HEAD~1:x c >../c.proof &&
		casg-prove -q HEAD~1:x bb >../bb.proof &&
		casg-prove HEAD~1:x b a >../ab.proof &&
		casg-prove --history b x >../history.proof &&
		for key in a b c; do
			casg cat HEAD~1:x $key >../$key.fa || return 1
		done
	) &&
	# neither the repository nor anything else is needed
	rm -rf repo &&
	id=$(cat id) &&
	casg-verify-proof --version-id $id b.proof >b.said
'

test_expect_success 'by VERSION, from standard input' '
	casg verify-proof --version-record VERSION b.proof >actual &&
	test_cmp b.said actual &&
	casg-verify-proof --version-id $id - <b.proof >actual &&
	test_cmp b.said actual &&
	casg-verify-proof --version-record - b.proof <VERSION >actual &&
	test_cmp b.said actual &&
	casg-verify-proof -q --version-id $id b.proof >actual &&
	test_must_be_empty actual
'

test_expect_success 'another version is a no' '
	test_expect_code 1 casg-verify-proof --version-id $(cat id2) b.proof >out 2>err &&
	test_must_be_empty out &&
	test_grep "does not verify: the version record" err &&
	sed "s/^sequence-time 2024/sequence-time 2023/" VERSION >other &&
	test_expect_code 1 casg-verify-proof --version-record other b.proof
'

test_expect_success 'malformed, unreadable' '
	echo hello >hello &&
	test_expect_code 128 casg-verify-proof --version-id $id hello 2>err &&
	test_grep "not a casg proof" err &&
	test_expect_code 128 casg-verify-proof --version-id $id /nowhere &&
	test_expect_code 128 casg-verify-proof --version-id $id . &&
	test_expect_code 128 casg-verify-proof --version-id $id - </dev/null &&
	test_expect_code 128 casg-verify-proof --version-record hello b.proof &&
	test_expect_code 128 casg-verify-proof --version-record /nowhere b.proof &&
	sed "1s/1/2/" b.proof >two &&
	test_expect_code 128 casg-verify-proof --version-id $id two 2>err &&
	test_grep "casg-proof 2 is not supported" err &&
	cat b.proof b.proof >twice &&
	test_expect_code 128 casg-verify-proof --version-id $id twice &&
	{ cat b.proof && echo; } >longer &&
	test_expect_code 128 casg-verify-proof --version-id $id longer &&
	sed "s/\$/$(printf "\\r")/" b.proof >crlf &&
	test_expect_code 128 casg-verify-proof --version-id $id crlf
'

test_expect_success 'wrong usage' '
	test_expect_code 129 casg verify-proof &&
	test_expect_code 129 casg-verify-proof b.proof &&
	test_expect_code 129 casg-verify-proof --version-id $id &&
	test_expect_code 129 casg-verify-proof --version-id $id b.proof c.proof &&
	test_expect_code 129 casg-verify-proof --version-id $id --version-record VERSION b.proof &&
	test_expect_code 129 casg-verify-proof --version-id abc b.proof &&
	test_expect_code 129 casg-verify-proof --version-id $(tr a-f A-F <id) b.proof &&
	test_expect_code 129 casg-verify-proof --version-id $id --present --absent b.proof &&
	test_expect_code 129 casg-verify-proof --version-id $id --fasta - - <b.proof
'

# ---- what it must be about

# is CODE OPTION... PROOF
is () {
	is_code=$1
	shift
	test_expect_code "$is_code" casg-verify-proof -q --version-id "$id" "$@"
}

test_expect_success '--key, --present, --absent' '
	is 0 --key b b.proof && is 0 --key b --present b.proof &&
	is 1 --key a b.proof && is 1 --key bb b.proof && is 1 --absent b.proof &&
	is 0 --key bb --absent bb.proof && is 1 --present bb.proof && is 1 --key b bb.proof &&
	is 0 --key a ab.proof && is 0 --key b ab.proof && is 1 --key c ab.proof &&
	id=$(cat id2) &&
	is 0 --key b --present history.proof && is 1 --key a history.proof &&
	is 1 --absent history.proof &&
	id=$(cat id)
'

# ---- FASTA

test_expect_success 'the record itself' '
	is 0 --fasta b.fa b.proof &&
	is 0 --fasta - b.proof <b.fa &&
	is 0 --fasta c.fa c.proof &&
	is 1 --fasta a.fa b.proof &&
	is 1 --fasta b.fa bb.proof &&
	gzip -c b.fa >b.gz && is 0 --fasta b.gz b.proof &&
	id=$(cat id2) && is 1 --fasta b.fa history.proof && id=$(cat id)
'

test_expect_success 'case and line breaks do not matter' '
	printf ">b some protein OX=9606\nmkvlat\n\nMKV lat" >p.fa && is 0 --fasta p.fa b.proof &&
	printf ">b some protein OX=9606\r\nMKVLATMKVLAT\r\n" >p.fa && is 0 --fasta p.fa b.proof &&
	printf ">b some protein OX=9606\nM\nK\nVLATMK\n;comment\nVLAT\n" >p.fa &&
	is 0 --fasta p.fa b.proof
'

test_expect_success 'exactly the records that were proved, in any order' '
	cat a.fa b.fa >p.fa && is 0 --fasta p.fa ab.proof &&
	cat b.fa a.fa >p.fa && is 0 --fasta p.fa ab.proof &&
	is 1 --fasta a.fa ab.proof && is 1 --fasta b.fa ab.proof &&
	cat a.fa b.fa c.fa >p.fa && is 1 --fasta p.fa ab.proof &&
	cat a.fa b.fa b.fa >p.fa && is 1 --fasta p.fa ab.proof &&
	: >p.fa && is 1 --fasta p.fa b.proof &&
	printf ">c two\nAC\n>c one\nAC\n>c two\nAC\n" >p.fa && is 0 --fasta p.fa c.proof &&
	printf ">c two\nAC\n>c one\nAC\n" >p.fa && is 1 --fasta p.fa c.proof &&
	printf ">c two\nAC\n>c one\nAC\n>c one\nAC\n" >p.fa && is 1 --fasta p.fa c.proof
'

test_expect_success 'the header counts byte for byte' '
	for header in "b some protein OX=9606 " "b some  protein OX=9606" "b" "b${TAB}some protein OX=9606" \
		" b some protein OX=9606" "bsome protein OX=9606" "B some protein OX=9606"
	do
		printf ">%s\nMKVLATMKVLAT\n" "$header" >p.fa &&
		is 1 --fasta p.fa b.proof || return 1
	done
'

test_expect_success 'FASTA that is none is no answer' '
	is 128 --fasta hello b.proof &&
	is 128 --fasta /nowhere b.proof &&
	head -c 30 b.gz >cut.gz && is 128 --fasta cut.gz b.proof
'

# ---- every byte

# flips FILE STEP CMD...: with a byte of FILE changed ("flipped"), CMD fails; every
# byte that is a multiple of STEP, in the long run of a quarter of it
flips () {
	flips_file=$1 flips_step=$2
	test -z "${CASG_TEST_LONG-}" || flips_step=$(((flips_step + 3) / 4))
	shift 2
	flips_size=$(wc -c <"$flips_file")
	flips_i=0
	while test $flips_i -lt "$flips_size"; do
		cp "$flips_file" flipped &&
		flip_byte flipped $flips_i || return 1
		"$@" >out 2>/dev/null
		case $? in
		1 | 128) test ! -s out || { echo "it printed something" && return 1; } ;;
		*) echo "passes with byte $flips_i of $flips_file changed" && return 1 ;;
		esac
		flips_i=$((flips_i + flips_step))
	done
}

# t/unit/test-proof flips every bit of proofs of every kind
test_expect_success 'bytes of the proof' '
	for p in b bb; do
		flips $p.proof 44 casg-verify-proof --version-id $id flipped || return 1
	done
'

test_expect_success 'every digit of the id' '
	i=1 step=${CASG_TEST_LONG:+1} && step=${step:-5} &&
	while test $i -le 64; do
		other=$(awk -v i=$i "{
			c = substr(\$0, i, 1)
			print substr(\$0, 1, i - 1) (c == \"0\" ? \"1\" : \"0\") substr(\$0, i + 1)
		}" id) &&
		test_expect_code 1 casg-verify-proof --version-id $other b.proof 2>/dev/null || return 1
		i=$((i + step))
	done
'

test_expect_success 'bytes of VERSION' '
	flips VERSION 68 casg-verify-proof --version-record flipped b.proof
'

# flip_byte inverts: no residue becomes the other case or white space
test_expect_success 'every byte of header and residues' '
	printf ">b some protein OX=9606\nMKVLATMKVLAT" >p.fa &&
	is 0 --fasta p.fa b.proof &&
	flips p.fa 3 casg-verify-proof --version-id $id --fasta flipped b.proof
'

test_expect_success 'every letter and residue replaced, left out, doubled' '
	h="b some protein OX=9606" r=MKVLATMKVLAT &&
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22; do
		case $((i % 3)) in
		0) edits="s/./Q/$i" ;;
		1) edits="s/.//$i" ;;
		2) edits="s/./&&/$i" ;;
		esac &&
		test -z "${CASG_TEST_LONG-}" || edits="s/./Q/$i s/.//$i s/./&&/$i" &&
		for edit in $edits; do
			printf ">%s\n%s\n" "$(echo "$h" | sed "$edit")" $r >edited &&
			is 1 --fasta edited b.proof || { echo "$edit" && return 1; }
			test $i -le 12 || continue
			printf ">%s\n%s\n" "$h" $(echo $r | sed "$edit") >edited &&
			is 1 --fasta edited b.proof || { echo "$edit" && return 1; }
		done
	done 2>/dev/null
'

test_done
