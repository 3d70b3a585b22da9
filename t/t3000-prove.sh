#!/bin/sh
# casg prove: what it proves, what it refuses, and how long the proofs are.

test_description='casg prove'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

id_of () {
	printf "%s" "$1" | sha256sum | cut -c1-64
}

# proves PROOF REV:DB: it verifies for that version; what it says in "said"
proves () {
	casg-read-version --id "$2" >id &&
	casg-verify-proof --version-id="$(cat id)" "$1" >all &&
	grep -v "^#" all >said
}

# says FORMAT...: the lines behind claim and version
says () {
	# shellcheck disable=SC2059 # they are formats
	printf "$@" >expect &&
	sed 1,2d said >actual &&
	test_cmp expect actual
}

# a key and a description that are quoted
Q='"\"quoted\""' T='"\ttab"'
A=$(id_of ACGTNN) B=$(id_of MKVLAT) C=$(id_of AC)

test_expect_success 'setup' '
	casg init -q . &&
	cat >x.fa <<-\EOT &&
	>sp|P12345|NAME_HUMAN some protein OX=9606
	MKVlat
	>m
	acgtNN
	>k two
	AC
	>k one
	AC
	>k
	TT
	>tr|P12345|OTHER
	MKVLAT
	>tr|Q9|B
	MK
	>"quoted"	tab
	AC
	>
	TTT
	EOT
	casg import -q --sequence-time 2024-01-01 --database x x.fa &&
	casg-gen --records 4000 --length 20 --type protein --seed 5 >big.fa &&
	plumb_import big.fa big --sequence-time=2024-01-02 &&
	plumb_import /dev/null none --sequence-time=2024-01-03
'

# ---- one key

test_expect_success 'a record, and that there is no other with its key' '
	casg prove x m >m.proof 2>err &&
	test_must_be_empty err &&
	proves m.proof x &&
	says "record\tm\t$A\t6\t-\t-\t\nbefore\tk\nafter\tsp|P12345|NAME_HUMAN\n" &&
	test_grep "^# verified: these are all records with the key" all
'

test_expect_success 'the VERSION is in it' '
	casg-read-version x >VERSION &&
	sed -n "/^casg-version/,/^source-sha256/p" m.proof >actual &&
	test_cmp VERSION actual &&
	casg verify-proof --version-record VERSION m.proof
'

test_expect_success 'all records with a key' '
	casg-prove x k >k.proof &&
	proves k.proof x &&
	grep "^record" said | cut -f2,7 >actual &&
	printf "k\t\nk\t one\nk\t two\n" | sort >expect &&
	sort actual >sorted &&
	test_cmp expect sorted
'

test_expect_success 'keys at the ends, and odd ones' '
	casg-prove x "" >first.proof &&
	proves first.proof x &&
	says "record\t\t$(id_of TTT)\t3\t-\t-\t\nafter\t%s\n" "$Q" &&
	casg-prove x "\"quoted\"" >quoted.proof &&
	proves quoted.proof x &&
	casg-verify-proof -z --version-id "$(cat id)" quoted.proof | tr "\\0" "\\n" >actual &&
	grep "^record" actual >record &&
	printf "record\t\"quoted\"\t$C\t2\t-\t-\t\ttab\n" >expect &&
	test_cmp expect record &&
	casg-prove x "tr|Q9|B" >last.proof &&
	proves last.proof x &&
	! grep "^after" said
'

test_expect_success 'the declared taxon is shown, though it is not hashed' '
	casg-prove x "sp|P12345|NAME_HUMAN" >p &&
	proves p x &&
	says "record\tsp|P12345|NAME_HUMAN\t$B\t6\t9606\t-\t some protein OX=9606\n%s\n%s\n" \
		"before${TAB}m" "after${TAB}tr|P12345|OTHER" &&
	! grep "9606$TAB" p
'

test_expect_success 'an accession of one key is the key' '
	casg-prove x "tr|Q9|B" >expect &&
	casg-prove x Q9 >actual &&
	test_cmp expect actual
'

test_expect_success 'an accession of two keys is inclusion of both' '
	casg-prove x P12345 >p &&
	test_grep "^claim records$" p &&
	proves p x &&
	grep "^record" said | cut -f2 >actual &&
	printf "sp|P12345|NAME_HUMAN\ntr|P12345|OTHER\n" >expect &&
	test_cmp expect actual
'

test_expect_success '--inclusion shows no neighbours' '
	casg-prove --inclusion x m >p &&
	proves p x &&
	says "record\tm\t$A\t6\t-\t-\t\n" &&
	grep "^record " p >actual &&
	test_line_count = 1 actual &&
	test_expect_code 1 casg-prove --inclusion x nothing >out 2>err &&
	test_must_be_empty out
'

test_expect_success 'absent keys: before, between, behind, and in nothing' '
	for key in "!" l zz "sp|P12345" ${CASG_TEST_LONG:+kk mm}; do
		casg-prove x "$key" >p 2>err &&
		test_grep "^warning: no record has the key" err &&
		proves p x &&
		test_grep "^absent$TAB$key$" said &&
		test_grep "^# verified: there is no record" all || return 1
	done &&
	casg-prove -q x l >absent.proof 2>err &&
	test_must_be_empty err &&
	proves absent.proof x &&
	says "absent\tl\nbefore\tk\nafter\tm\n" &&
	casg-prove -q none l >p &&
	proves p none &&
	says "absent\tl\n"
'

test_expect_success '--present and --absent: the other is a no' '
	casg-prove --present x m >p && proves p x &&
	casg-prove --absent x l >p && proves p x &&
	test_expect_code 1 casg-prove --present x l >out 2>err &&
	test_must_be_empty out && test_grep "not in there" err &&
	test_expect_code 1 casg-prove --absent x m >out 2>err &&
	test_must_be_empty out && test_grep "is in there" err &&
	test_expect_code 1 casg-prove --absent x Q9 >out &&
	test_must_be_empty out
'

test_expect_success 'what cannot be a key' '
	test_expect_code 128 casg-prove x "a b" >out 2>err &&
	test_must_be_empty out && test_grep "cannot be a key" err &&
	test_expect_code 128 casg-prove x "a${LF}b"
'

# ---- sequences, chunks, subsets

test_expect_success 'a sequence: one record with it' '
	casg-prove x $C >seq.proof &&
	proves seq.proof x &&
	test_grep "^claim${TAB}sequence$TAB$C$" said &&
	says "record\t%s\t$C\t2\t-\t-\t%s\n" "$Q" "$T" &&
	test_expect_code 1 casg-prove x $(id_of nothing) >out 2>err &&
	test_must_be_empty out &&
	test_grep "absent cannot be proved" err &&
	casg-prove --absent x $(id_of nothing) >p &&
	proves p x
'

test_expect_success 'a key that looks like the id of a sequence is a key' '
	printf ">$C\nTT\n" >odd.fa && plumb_import odd.fa odd &&
	casg-prove odd $C >p &&
	test_grep "^claim key $C$" p
'

test_expect_success 'a chunk of the version' '
	casg-ls-chunks --kind=sequences x | cut -f1 >chunks &&
	test -s chunks &&
	while read -r chunk; do
		casg-prove --chunk $chunk x >chunk.proof &&
		proves chunk.proof x &&
		casg-cat-chunk --list $chunk | cut -f1 | sort >expect &&
		sed -n "s/^member //p" chunk.proof | sort >actual &&
		test_cmp expect actual &&
		grep "^record" said | cut -f3 | sort >actual &&
		test_cmp expect actual || return 1
	done <chunks
'

test_expect_success 'a chunk that is not' '
	for db in big none; do
		test_expect_code 1 casg-prove --chunk $(head -n 1 chunks) $db >out 2>err &&
		test_must_be_empty out &&
		test_grep "are in no record" err || return 1
	done &&
	test_expect_code 1 casg-prove --chunk $(casg-ls-chunks --kind=nodes x | head -n 1 | cut -f1) x 2>err &&
	test_grep "holds nodes" err &&
	test_expect_code 1 casg-prove --chunk $A x 2>err &&
	test_grep "in no pack here" err &&
	test_expect_code 129 casg-prove --chunk abc x
'

test_expect_success 'a chunk of pieces is not one of sequences' '
	casg-gen --records 1 --length 3000000 --type dna >long.fa &&
	git config casg.chunkSize 256k &&
	plumb_import long.fa long &&
	git config --unset casg.chunkSize &&
	casg-ls-chunks --kind=sequences long | head -n 1 | cut -f1 >chunk &&
	test_expect_code 1 casg-prove --chunk $(cat chunk) long 2>err &&
	test_grep "are in no record" err &&
	casg-prove long "$(sed -n "s/^>\([^ ]*\).*/\1/p" long.fa)" >p &&
	proves p long &&
	test_grep "^record" said
'

test_expect_success 'several: one proof, each node once' '
	casg-prove x m k Q9 $C >many.proof &&
	proves many.proof x &&
	test_grep "^# verified: these records are in this version; nothing is said" all &&
	grep "^record" said | cut -f2 >actual &&
	printf "%s\n" "$Q" k k k m "tr|Q9|B" >expect &&
	test_cmp expect actual &&
	grep -c "^node " many.proof >n &&
	echo 1 >expect &&
	test_cmp expect n
'

test_expect_success 'a subset from standard input' '
	casg ls --keys big >big.keys && awk "NR % 100 == 1" big.keys >keys &&
	casg-prove --stdin big <keys >subset.proof &&
	proves subset.proof big &&
	grep "^record" said | cut -f2 | sort >actual &&
	sort keys >expect &&
	test_cmp expect actual &&
	grep "^hash" subset.proof | sort | uniq -d >twice &&
	test_must_be_empty twice &&
	tr "\\n" "\\0" <keys | casg-prove --stdin -z big >z.proof &&
	test_cmp subset.proof z.proof &&
	tac keys | cat - keys | casg-prove --stdin big >again.proof &&
	test_cmp subset.proof again.proof
'

test_expect_success 'one that is missing is a no' '
	{ cat keys && echo nothing; } | test_expect_code 1 casg-prove --stdin big >out 2>err &&
	test_must_be_empty out &&
	test_grep "nothing" err &&
	test_expect_code 1 casg-prove x m $(id_of nothing) >out &&
	test_must_be_empty out &&
	test_expect_code 128 casg-prove --stdin big </dev/null
'

# ---- many records

test_expect_success 'every key, and the gap behind it, in a tree of several levels' '
	grep "^node 1 2 " subset.proof &&
	LC_ALL=C sort big.keys >sorted &&
	awk -v step="${CASG_TEST_LONG:+1}" "NR % (step ? 100 : 500) == 1 || NR < 3 || NR > 3998" sorted >some &&
	id=$(casg-read-version --id big) &&
	while read -r key; do
		casg-prove --present big "$key" >p &&
		casg-verify-proof -q --present --key "$key" --version-id $id p &&
		casg-prove --absent big "$key!" >p &&
		casg-verify-proof --absent --key "$key!" --version-id $id p >said &&
		next=$(awk -v k="$key" "f { print; exit } \$0 == k { f = 1 }" sorted) &&
		printf "before\t%s\n${next:+after\t%s\n}" "$key" ${next:+"$next"} >expect &&
		grep "^before\|^after" said >actual && test_cmp expect actual || return 1
	done <some
'

test_expect_success 'O(log n): the hashes of a proof about one of 4000' '
	while read -r key; do
		casg-prove big "$key" | grep -c "^hash" || return 1
	done <some | sort -n >counts &&
	# two paths at most, of some 12 each
	test "$(tail -n 1 counts)" -le 28 &&
	test "$(sed -n "$(($(wc -l <counts) / 2))p" counts)" -le 16
'

test_expect_success 'the same proof with any number of threads' '
	casg-prove --stdin --threads 1 big <keys >one &&
	casg-prove --stdin --threads 3 --memory 64m big <keys >three &&
	test_cmp one three
'

# ---- descriptions

test_expect_success 'a description that is a blob, of 4097 bytes and of 4096' '
	{
		printf ">a " && head -c 4096 /dev/zero | tr "\\0" x && printf "\nMK\n" &&
		printf ">b " && head -c 4095 /dev/zero | tr "\\0" y && printf "\nMK\n"
	} >desc.fa &&
	plumb_import desc.fa desc &&
	casg-prove desc a >p && proves p desc &&
	digest=$({ printf " " && head -c 4096 /dev/zero | tr "\\0" x; } | sha256sum | cut -c1-64) &&
	test_grep "^long-record${TAB}a$TAB$(id_of MK)${TAB}2$TAB$digest${TAB}4097$" said &&
	casg cat desc a | casg-verify-proof --fasta - --version-id $(cat id) p &&
	casg cat desc a | sed "s/xx$/xy/" >other &&
	test_expect_code 1 casg-verify-proof --fasta other --version-id $(cat id) p &&
	casg-prove desc b >p && proves p desc &&
	test_grep "^record${TAB}b" said &&
	casg cat desc b | casg-verify-proof --fasta - --version-id $(cat id) p
'

# ---- history

test_expect_success 'setup: five versions' '
	printf ">a one\nMK\n>b\nAC\n" >h.fa && plumb_import h.fa h --sequence-time=2024-01-01 &&
	printf ">a two\nMK\n>b\nAC\n" >h.fa && plumb_import h.fa h --sequence-time=2024-02-01 &&
	printf ">b\nAC\n" >h.fa && plumb_import h.fa h --sequence-time=2024-03-01 &&
	# a backfill
	printf ">a old\nMK\n" >h.fa && plumb_import h.fa h --sequence-time=2023-01-01 &&
	printf ">a three\nMKV\n>b\nAC\n" >h.fa && plumb_import h.fa h --sequence-time=2024-05-01
'

test_expect_success 'a history, to the first version' '
	casg-prove --history a h >history.proof &&
	proves history.proof h &&
	grep "^version\|^older" said | cut -f1,3 >actual &&
	cat >expect <<-EOT &&
	version${TAB}2024-05-01T00:00:00Z
	version${TAB}2023-01-01T00:00:00Z
	version${TAB}2024-03-01T00:00:00Z
	version${TAB}2024-02-01T00:00:00Z
	version${TAB}2024-01-01T00:00:00Z
	EOT
	test_cmp expect actual &&
	grep "^record\|^absent" said | cut -f1,7 >actual &&
	printf "record\t three\nrecord\t old\nabsent\nrecord\t two\nrecord\t one\n" >expect &&
	test_cmp expect actual
'

test_expect_success '--since: the chain goes on through what is older' '
	casg-prove --history a --since 2024-02-01 h >p &&
	proves p h &&
	grep "^version\|^older" said | cut -f1,3 >actual &&
	cat >expect <<-EOT &&
	version${TAB}2024-05-01T00:00:00Z
	older${TAB}2023-01-01T00:00:00Z
	version${TAB}2024-03-01T00:00:00Z
	version${TAB}2024-02-01T00:00:00Z
	older${TAB}2024-01-01T00:00:00Z
	EOT
	test_cmp expect actual &&
	test_expect_code 1 casg-prove --history a --since 2030-01-01 h >out 2>err &&
	test_must_be_empty out && test_grep "no version is as new" err
'

test_expect_success 'a history of what never was' '
	casg-prove --history never h >p &&
	proves p h &&
	grep -c "^absent" said >actual &&
	echo 5 >expect &&
	test_cmp expect actual
'

test_expect_success 'a history from an older revision' '
	casg-prove --history a HEAD~3:h >p &&
	proves p HEAD~3:h &&
	grep -c "^version" said >actual &&
	echo 2 >expect &&
	test_cmp expect actual
'

test_expect_success 'the FASTA is that of the version asked about' '
	casg cat h a >a.fa &&
	casg-read-version --id h >id &&
	casg-verify-proof --fasta a.fa --version-id $(cat id) history.proof &&
	casg cat HEAD~3:h a >old.fa &&
	test_expect_code 1 casg-verify-proof --fasta old.fa --version-id $(cat id) history.proof
'

test_expect_success 'a merge has two previous' '
	git branch other HEAD~1 &&
	casg-read-version --id h >one &&
	casg-read-version --id other:h >two &&
	casg-read-version h | sed "/^previous/d" >v &&
	printf "previous %s\n" $(cat one two) | sort >>v &&
	commit=$(casg-commit-tree -p HEAD -p other -m merge --database h <v) &&
	casg-prove --history a $commit:h >p &&
	proves p $commit:h &&
	grep -c "^version" said >actual &&
	echo 6 >expect &&
	test_cmp expect actual
'

test_expect_success 'a version of the chain that is in no commit' '
	casg-read-version h | sed "s/^previous .*/previous $A/" >v &&
	commit=$(casg-commit-tree -p HEAD -m rewritten --database h <v) &&
	test_expect_code 128 casg-prove --history a $commit:h >out 2>err &&
	test_must_be_empty out &&
	test_grep "version $A" err
'

# ---- damage, usage

test_expect_success 'wrong usage' '
	test_expect_code 129 casg prove &&
	test_expect_code 129 casg-prove x &&
	test_expect_code 129 casg-prove --stdin x m &&
	test_expect_code 129 casg-prove --chunk $A x m &&
	test_expect_code 129 casg-prove --chunk $A --history m x &&
	test_expect_code 129 casg-prove --since 2024-01-01 x m &&
	test_expect_code 129 casg-prove --since yesterday --history m x &&
	test_expect_code 129 casg-prove -z x m &&
	test_expect_code 129 casg-prove --present --absent x m &&
	test_expect_code 129 casg-prove --absent x m k &&
	test_expect_code 128 casg-prove nothing m
'

test_expect_success DEVFULL 'a full disk' '
	test_expect_code 128 casg-prove x m >/dev/full &&
	test_expect_code 128 casg-verify-proof --version-record VERSION m.proof >/dev/full
'

# the leaf needs the sequences of all its records
test_expect_success 'a damaged pack is no answer' '
	git clone -q . damaged &&
	cp -R .git/casg damaged/.git/ &&
	for pack in damaged/.git/casg/packs/*.pack; do
		size=$(wc -c <"$pack") &&
		i=200 &&
		while test $i -lt $size; do
			flip_byte "$pack" $i || return 1
			i=$((i + size / 8 + 1))
		done
	done &&
	rm -rf damaged/.git/casg/index &&
	for key in m l; do
		test_expect_code 128 env CASG_DIR=damaged/.git casg-prove x $key >out 2>err &&
		test_must_be_empty out || return 1
	done
'

test_done
