#!/bin/sh
# contrib/casg-verify-proof.py, which was written from the page, agrees with
# casg-verify-proof: on every kind of proof, and on what is wrong with them.

test_description='a second verifier agrees'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-second.sh"

test_have_prereq PYTHON || skip_all "no Python 3"

MARKED=$(printf "#casg\001OX=5")

asked=0

# both OPTION...: the same lines, the same exit status, which is 0; the second is
# asked by second_all, as it is in neither
both () {
	asked=$((asked + 1)) &&
	casg-verify-proof "$@" >all &&
	grep -v "^#" all >expect.$asked &&
	second 0 expect.$asked "$@"
}

# neither CODE OPTION...
neither () {
	neither_code=$1
	shift
	test_expect_code "$neither_code" casg-verify-proof "$@" >out 2>/dev/null &&
	test_must_be_empty out &&
	second "$neither_code" - "$@"
}

test_expect_success 'setup' '
	casg init -q . &&
	{
		casg-gen --records 600 --length 20 --type protein --seed 7 &&
		printf ">k two OX=1 TaxID=2\nMK\n>k one\nMK\n>k\nmkv\n>\"q\"\ttab \"x\" kraken:taxid|7\nAC\n" &&
		printf ">#casg\001OX=5 OX=5 OX=6|kraken:taxid|8|\nAC\n>\nAC\n>crlf d\r\nAC\r\n>long " &&
		head -c 5000 /dev/zero | tr "\\0" x &&
		printf "\nAC\n"
	} >x.fa &&
	casg import -q --release "r 1" --sequence-time 2024-01-01 x.fa &&
	printf ">k\nAC\n" | casg import -q --accept-shrink --sequence-time 2024-02-01 --database x - &&
	: | casg import -q --accept-shrink --allow-empty --sequence-time 2024-03-01 --database x - &&
	cp x.fa "a%b c.fa" &&
	casg import -q --sequence-time 2024-04-01 --database x "a%b c.fa" &&
	casg-read-version --id x >id && id=$(cat id) &&
	mkdir proofs &&
	n=0 &&
	casg ls --keys x >keys &&
	for key in "" k "\"q\"" "$MARKED" long crlf nothing "!" "~" k! $(awk "NR % 200 == 1" keys); do
		n=$((n + 1)) &&
		casg-prove -q x "$key" >proofs/key$n || return 1
	done &&
	casg-prove x $(awk "NR % 100 == 3" keys) k long >proofs/records &&
	casg-prove --inclusion x k >proofs/inclusion &&
	casg-prove x $(printf MK | sha256sum | cut -c1-64) >proofs/sequence &&
	printf ">a\nMKVL\n>b\nMKIL\n>c\nMKVL\n>d\nMKVV\n" | casg import -q --database y - &&
	casg-prove --chunk $(casg ls-chunks --kind=sequences y | head -n 1 | cut -f1) y >proofs/other-chunk &&
	casg-read-version --id y >id.y &&
	casg-prove --history k x >proofs/history &&
	casg-prove --history k --since 2024-02-01 x >proofs/since
'

test_expect_success 'every kind of proof' '
	for proof in proofs/[!o]*; do
		both --version-id $id $proof || { echo $proof && return 1; }
	done &&
	both --version-id $(cat id.y) proofs/other-chunk &&
	casg-read-version x >VERSION &&
	both --version-record VERSION proofs/history &&
	casg-prove -q HEAD~2:x none >empty.proof &&
	casg-read-version --id HEAD~2:x >id.empty &&
	both --version-id $(cat id.empty) empty.proof &&
	second_all &&
	# as a program, too
	python3 "$py" --version-record VERSION proofs/history >actual &&
	casg verify-proof --version-record VERSION proofs/history | grep -v "^#" >expect &&
	test_cmp expect actual
'

test_expect_success 'another version' '
	x=$(printf x | sha256sum | cut -c1-64) &&
	for proof in proofs/*; do
		neither 1 --version-id $x $proof || return 1
	done &&
	neither 1 --version-id $id proofs/other-chunk &&
	second_all &&
	test_expect_code 1 python3 "$py" --version-id $x proofs/other-chunk >out 2>/dev/null &&
	test_must_be_empty out
'

test_expect_success 'with the FASTA' '
	casg-prove x k >k.proof &&
	casg cat x k >k.fa &&
	both --fasta k.fa --version-id $id k.proof &&
	both --fasta k.fa --version-id $id proofs/history &&
	python3 "$py" --fasta - --version-id $id k.proof <k.fa &&
	for key in crlf long; do
		casg-prove x $key >$key.proof && casg cat x $key >$key.fa &&
		both --fasta $key.fa --version-id $id $key.proof &&
		neither 1 --fasta k.fa --version-id $id $key.proof || return 1
	done &&
	for edit in "s/MK/MKV/" "s/MK/mk/;s/two/tw o/" "s/>k$/>kk/" "\$d" "1,2d" "s/MK/M\\\\x80/" "1s/>//"; do
		asked=$((asked + 1)) &&
		sed "$edit" k.fa >edited.$asked &&
		casg-verify-proof --fasta edited.$asked --version-id $id k.proof >out 2>/dev/null
		code=$? &&
		test $code != 0 && test_must_be_empty out &&
		second $code - --fasta edited.$asked --version-id $id k.proof ||
			{ echo "$edit" && return 1; }
	done &&
	casg-prove -q x nothing >no.proof &&
	neither 1 --fasta k.fa --version-id $id no.proof &&
	second_all
'

# In one process: every byte of a proof flipped, of others every fifth, as it is and with the
# checksum put right.  What passes then is a claim that is as true.  A sample,
# larger in the long run, goes to casg-verify-proof, which must say the same.
cat >flip.py <<'EOT'
import os, random, sys
from hashlib import sha256
from second import code, casg

random.seed(1)
compared = {0: 0, 1: 0, 128: 0}
sample = {0: 60, 1: 60, 128: 60 if os.environ.get('CASG_TEST_LONG') else 10}
for path, step in zip(sys.argv[3::2], map(int, sys.argv[4::2])):
    text = open(path, 'rb').read()
    body = text[:-72]
    claim = text.index(b'\n', 13)
    assert code(text) == 0 and text[-72:-65] == b'sha256 ', path
    for i in range(random.randrange(step), len(text), step):
        bit = random.choice((1, 2, 4, 8, 16, 32, 64, 128))
        bad = text[:i] + bytes([text[i] ^ bit]) + text[i + 1:]
        assert code(bad) != 0, (path, i, bit)
        tried = [bad]
        if i < len(body):
            bad = bad[:-72]
            bad += b'sha256 ' + sha256(bad).hexdigest().encode() + b'\n'
            assert code(bad) != 0 or (i < claim and (b'claim key' in text or b'claim history' in text)), \
                (path, i, bit)
            tried.append(bad)
        for t in tried:
            want = code(t)
            if random.random() < sample[want] * step / len(text):
                assert casg(t, '--version-id') == want, (path, i, bit, want)
                compared[want] += 1
    for n in random.sample(range(len(text)), 20):
        assert code(text[:n]) == 128, (path, n)
assert compared[1] > 5 and compared[128] > 5, compared
EOT

test_expect_success 'bytes flipped' '
	casg-prove x $(awk "NR % 300 == 3" keys) >small &&
	python3 flip.py "$py" $id proofs/key2 1 proofs/key7 5 proofs/sequence 5 proofs/since 5 \
		small 5 &&
	python3 flip.py "$py" $(cat id.y) proofs/other-chunk 1
'

# the VERSION number N of a proof
version_in () {
	awk -v n="$2" '/^casg-(version|taxonomy) 1/ { k++; on = k == n }
		/^(node|version) [0-9]|^mapping$|^sha256 / { on = 0 }
		on' "$1"
}

test_expect_success 'the seeds of the fuzzer' '
	for seed in "$TEST_DIRECTORY"/fuzz/seeds/proof/*; do
		asked=$((asked + 1)) &&
		named=$(version_in "$seed" 1 | sha256sum) && named="--version-id ${named%% *}" &&
		case $seed in
		*view*) t=$(version_in "$seed" 2 | sha256sum) && named="$named --taxonomy-id ${t%% *}" ;;
		esac &&
		casg-verify-proof $named "$seed" >all 2>/dev/null
		code=$? &&
		{ grep -v "^#" all >expect.$asked || :; } &&
		second $code expect.$asked $named "$seed" || { echo "$seed" && return 1; }
		case ${seed##*/} in
		bad* | unsupported*) test $code != 0 ;;
		*) test $code = 0 ;;
		esac || { echo "$seed: $code" && return 1; }
	done &&
	second_all
'

test_expect_success 'usage of the script' '
	second 129 - &&
	second 129 - proofs/key1 &&
	second 129 - --version-id x proofs/key1 &&
	second 129 - --what proofs/key1 &&
	second 128 - --version-id $id /nowhere &&
	second_all &&
	test_expect_code 129 python3 "$py"
'

test_done
