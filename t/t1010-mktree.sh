#!/bin/sh
# The record stream and the tree: who prints it, who reads it, what it decides.

test_description='casg-pack, casg-mktree, casg-ls-tree, casg-assemble: laws and refusals'
. "$(dirname "$0")/test-lib.sh"

# roots_of LINES [OPTION...]: into the file "roots"
roots_of () {
	lines=$1
	shift
	casg-mktree "$@" <"$lines" >roots
}

# same_records A B: files of roots
same_records () {
	sed -n "/^records /p" "$1" >a.records && test -s a.records &&
	sed -n "/^records /p" "$2" >b.records &&
	test_cmp a.records b.records
}

# commit NAME ROOTS: a database of these roots
commit () {
	casg-write-version --sequence-time=2024-01-01 <"$2" >"$2.version" &&
	casg-commit-tree -p HEAD --database="$1" -m "$1" <"$2.version" >"$2.commit" &&
	git reset -q --hard "$(cat "$2.commit")"
}

# what a refusal must leave as it was
packs () {
	ls .git/casg/packs .git/casg/index .git/casg/tmp
}

# refused MESSAGE FILE [OPTION...]: mktree says it, prints and stores nothing
refused () {
	message=$1 file=$2
	shift 2
	packs >packs.before &&
	test_expect_code 128 casg-mktree "$@" <"$file" >out 2>err &&
	test_must_be_empty out &&
	echo "fatal: $message" >expect &&
	test_cmp expect err &&
	packs >packs.after &&
	test_cmp packs.before packs.after
}

test_expect_success 'setup' '
	casg init --quiet . &&
	casg-gen --seed 1 --type protein --records 700 --length 90 >x.fa &&
	casg-gen --seed 9 --records 200 --length 200 --width 70 | tr "[:upper:]" "[:lower:]" |
		sed "/^>/!s/^\(.....\)\(.*\)/\1 \2/" >>x.fa &&
	printf ">dup x\nACGT\n>dup\nTTTT\n>dup \"q\"\tt\nACGT\n>dup x\nACGT\n>\n>#casg\nAC" >>x.fa &&
	casg-pack x.fa >x.lines &&
	casg-pack -z x.fa >x.lines.z &&
	casg-mktree <x.lines >x.roots &&
	commit x x.roots
'

# ---- the stream

test_expect_success 'a line is key, id, length, taxon, presentation, description' '
	printf ">sp|P1|X a b OX=9606\nmkV\nLAT" >one.fa &&
	id=$(printf MKVLAT | sha256sum | cut -c1-64) &&
	casg-pack one.fa >actual &&
	printf "%s\t%s\t%s\t%s\t%s\t%s\n" "sp|P1|X" $id 6 9606 c0.2 " a b OX=9606" >line &&
	{
		echo "#casg width=3 eol=lf final-newline=yes" && cat line &&
		echo "#casg final-newline=no"
	} >expect &&
	test_cmp expect actual &&
	casg-mktree <actual >one.roots && commit one one.roots &&
	casg-ls-tree one >actual &&
	{ echo "#casg width=3 eol=lf final-newline=no" && cat line; } >expect &&
	test_cmp expect actual
'

test_expect_success 'declared taxa' '
	cat >taxa.fa <<-\EOT &&
	>a OS=Homo OX=9606 GN=x
	>b TaxID=562
	>kraken:taxid|7|c
	>c|kraken:taxid|8 OX=9 OX=9 TaxID=8
	>d OX=9606x FOX=1 OX= OX=-1
	>e [Homo sapiens]
	EOT
	printf "%s\n" 9606 562 7 8,9 - - >expect &&
	casg-pack taxa.fa >lines &&
	grep -v "^#casg" lines | cut -f4 >actual &&
	test_cmp expect actual
'

test_expect_success 'quoting, and -z that does none' '
	printf ">\"k a\tb\"\nA\n>#casg x\\\\y\nA\n>k \001\nA\n" >quote.fa &&
	casg-pack quote.fa >lines &&
	id=$(printf A | sha256sum | cut -c1-64) &&
	{
		echo "#casg width=60 eol=lf final-newline=yes" &&
		printf "\"\\\\\"k\"\t%s\t1\t-\t-\t\" a\\\\tb\\\\\"\"\n" $id &&
		printf "\"#casg\"\t%s\t1\t-\t-\t\" x\\\\\\\\y\"\n" $id &&
		printf "k\t%s\t1\t-\t-\t \001\n" $id
	} >expect &&
	test_cmp expect lines &&
	casg-pack -z quote.fa >lines &&
	{
		printf "#casg width=60 eol=lf final-newline=yes\\0" &&
		printf "\"k\t%s\t1\t-\t-\t a\tb\"\\0" $id &&
		printf "#casg\t%s\t1\t-\t-\t x\\\\y\\0" $id &&
		printf "k\t%s\t1\t-\t-\t \001\\0" $id
	} >expect &&
	cmp expect lines
'

# ---- laws

test_expect_success 'ls-tree gives what pack gave; producers feed consumers' '
	casg-ls-tree x >lines &&
	{ sed "1s/final-newline=yes/final-newline=no/; \$d" x.lines; } >expect &&
	test_cmp expect lines &&
	casg-ls-tree -z x >lines.z &&
	roots_of lines && test_cmp x.roots roots &&
	roots_of lines.z -z && test_cmp x.roots roots &&
	roots_of x.lines.z -z && test_cmp x.roots roots &&
	casg-assemble <lines >back && cmp x.fa back &&
	casg-assemble -z <lines.z >back && cmp x.fa back &&
	casg-assemble <x.lines >back && cmp x.fa back &&
	casg-assemble -z <x.lines.z >back && cmp x.fa back &&
	casg-assemble x >back && cmp x.fa back
'

test_expect_success 'a stream of its own text gives its own text' '
	casg-assemble <x.lines >again.fa &&
	casg-pack again.fa >lines &&
	test_cmp x.lines lines
'

test_expect_success 'the options change no id' '
	for o in --threads=1 --threads=3 --memory=64m --quiet --no-progress --progress; do
		casg-mktree $o <x.lines >roots 2>err && test_cmp x.roots roots || return 1
	done
'

test_expect_success 'lines in another order: the same records, another order' '
	for sort in "sort -k2,2" "sort -r" "sort -k3,3n" "awk {a[NR]=\$0}END{for(i=NR;i>0;i--)print(a[i])}"; do
		$sort <x.lines >lines &&
		! cmp -s x.lines lines &&
		roots_of lines && same_records x.roots roots &&
		! grep -F "$(grep ^order x.roots)" roots || return 1
	done
'

test_expect_success 'the facts may be dropped or moved' '
	grep -v "^#casg" x.lines >lines &&
	roots_of lines && same_records x.roots roots &&
	grep "^order" x.roots >expect && grep "^order" roots >actual && test_cmp expect actual &&
	! grep -F "$(grep ^presentation x.roots)" roots &&
	{ grep -v "^#casg" x.lines && grep "^#casg" x.lines; } >lines &&
	roots_of lines && test_cmp x.roots roots &&
	awk "NR == 1 { f = \$0; next } { print } NR == 300 { print f }" x.lines >lines &&
	roots_of lines && test_cmp x.roots roots
'

test_expect_success 'of facts said twice the last counts' '
	{ echo "#casg width=7 eol=crlf final-newline=no" && cat x.lines; } >lines &&
	roots_of lines && test_cmp x.roots roots &&
	{ cat x.lines && echo "#casg width=61"; } >lines &&
	roots_of lines &&
	! grep -F "$(grep ^presentation x.roots)" roots &&
	{ cat x.lines && echo "#casg width=61" && echo "#casg width=60"; } >lines &&
	roots_of lines && test_cmp x.roots roots
'

test_expect_success 'taxon is not hashed, presentation is not in the records' '
	awk -F"\t" -v OFS="\t" "/^#casg/ { print; next } { \$4 = \"1,2,3\"; print }" x.lines >lines &&
	! cmp -s lines x.lines &&
	roots_of lines && test_cmp x.roots roots &&
	awk -F"\t" -v OFS="\t" "/^#casg/ { print; next } { \$5 = \"-\"; print }" x.lines >lines &&
	roots_of lines && same_records x.roots roots &&
	! grep -F "$(grep ^presentation x.roots)" roots
'

test_expect_success 'key, id, length and description are' '
	printf ">a d\nACGT\n>b\nAC\n>c\nGT\n" >abc.fa &&
	casg-pack abc.fa >lines && roots_of lines && cp roots abc.roots &&
	for edit in "s/^a/A/" "s/ d\$/ e/" "s/ d\$/	d/" "s/ d\$//" "/^a/d"; do
		if test "$edit" = "s/ d\$/	d/"; then
			sed "s/ d\$/\"\\\\td\"/" lines >edited
		else
			sed "$edit" lines >edited
		fi &&
		! cmp -s lines edited &&
		casg-mktree <edited >roots &&
		! grep -F "$(grep ^records abc.roots)" roots || return 1
	done &&
	ac=$(printf AC | sha256sum | cut -c1-64) gt=$(printf GT | sha256sum | cut -c1-64) &&
	sed "s/$ac/$gt/" lines >edited &&
	casg-mktree <edited >roots &&
	! grep -F "$(grep ^records abc.roots)" roots
'

test_expect_success 'count and residues' '
	grep -v "^#casg" x.lines | awk -F"\t" "{ n++; r += \$3 } END { print \"count\", n; print \"residues\", r }" >expect &&
	sed -n "/^count/p; /^residues/p" x.roots >actual &&
	test_cmp expect actual
'

test_expect_success 'nothing at all is a tree, too' '
	: >none && roots_of none && cp roots none.roots &&
	echo "count 0" >expect && grep "^count" roots >actual && test_cmp expect actual &&
	casg-pack --allow-empty none >lines && roots_of lines && test_cmp none.roots roots &&
	roots_of none -z && test_cmp none.roots roots &&
	printf "#casg width=60" >lines && roots_of lines && test_cmp none.roots roots &&
	casg-assemble <none >out && test_must_be_empty out &&
	commit none none.roots && casg-ls-tree none >lines &&
	echo "#casg width=60 eol=lf final-newline=yes" >expect && test_cmp expect lines &&
	casg-ls-tree --keys none >lines && test_must_be_empty lines
'

test_expect_success 'the last line need not be ended' '
	printf "%s" "$(cat x.lines)" >lines &&
	roots_of lines && test_cmp x.roots roots &&
	casg-assemble <lines >back && cmp x.fa back
'

# ---- repeated keys

# permute N: every order of 1 to N, a file each in perm.d
permute () {
	rm -rf perm.d && mkdir perm.d &&
	awk -v n="$1" "
		function go(k,  i) {
			if (k > n) { f = sprintf(\"perm.d/%04d\", ++c)
				for (i = 1; i <= n; i++) print p[i] >f
				close(f); return }
			for (i = 1; i <= n; i++)
				if (!used[i]) { used[i] = 1; p[k] = i; go(k + 1); used[i] = 0 }
		}
		BEGIN { go(1) }" </dev/null
}

# every_order LINES: the same record root for each; facts are left out
every_order () {
	grep -v "^#casg" "$1" >set.lines &&
	permute "$(wc -l <set.lines)" &&
	roots_of set.lines && cp roots set.roots &&
	for p in perm.d/*; do
		while read -r i; do sed -n "${i}p" set.lines || return 1; done <"$p" >lines &&
		roots_of lines && same_records set.roots roots &&
		casg-assemble <lines >perm.fa && casg-pack perm.fa >again &&
		grep -v "^#casg" again >actual && test_cmp lines actual || return 1
	done
}

test_expect_success 'a key four times: other sequences, every order' '
	printf ">k\nA\n>k\nC\n>k\nG\n>k\nT\n" >k.fa && casg-pack k.fa >k.lines &&
	every_order k.lines && ls perm.d >out && test_line_count = 24 out
'

test_expect_success 'a key four times: other descriptions, every order' '
	printf ">k b\nA\n>k a\nA\n>k\nA\n>k a b\nA\n" >k.fa && casg-pack k.fa >k.lines &&
	every_order k.lines
'

test_expect_success 'a key four times: whole records twice, every order' '
	printf ">k b\nA\n>k b\nA\n>k c\nC\n>k c\nC\n" >k.fa && casg-pack k.fa >k.lines &&
	every_order k.lines
'

test_expect_success 'keys that begin alike, every order' '
	printf ">k\nA\n>ka\nA\n>k\001\nC\n>\nC\n" >k.fa && casg-pack k.fa >k.lines &&
	every_order k.lines
'

test_expect_success 'once is not twice, and which sequence has which description matters' '
	printf ">k\nA\n" >k.fa && casg-pack k.fa >k.lines && roots_of k.lines && cp roots once &&
	printf ">k\nA\n>k\nA\n" >k.fa && casg-pack k.fa >k.lines && roots_of k.lines && cp roots twice &&
	! grep -F "$(grep ^records once)" twice &&
	printf ">k x\nA\n>k y\nC\n" >k.fa && casg-pack k.fa >k.lines && roots_of k.lines && cp roots first &&
	printf ">k y\nA\n>k x\nC\n" >k.fa && casg-pack k.fa >k.lines && roots_of k.lines &&
	! grep -F "$(grep ^records first)" roots
'

test_expect_success 'a key 3000 times' '
	awk "BEGIN { for (i = 0; i < 3000; i++) print \">k \" (i * 7) % 11 \"\\nAC\" substr(\"GTGTGTGT\", 1, i % 9) }" >many.fa &&
	casg-pack many.fa >lines && roots_of lines && cp roots many.roots &&
	sort lines >sorted && roots_of sorted && same_records many.roots roots &&
	commit many many.roots && casg-assemble many >back && cmp many.fa back
'

# ---- refusals of mktree

test_expect_success 'setup of refusals' '
	printf ">a one\nACGT\n>b\nACGTAC\n>c\nTT\n" >r.fa &&
	casg-pack r.fa >r.lines &&
	id=$(printf ACGTAC | sha256sum | cut -c1-64)
'

# bad MESSAGE SED: line 3 of four is edited
bad () {
	sed "3$2" r.lines >edited &&
	! cmp -s r.lines edited &&
	refused "record stream, line 3: $1" edited
}

test_expect_success 'a length that is not the sequence'\''s' '
	for n in 5 7 0 60; do
		sed "3s/	6	/	$n	/" r.lines >edited &&
		refused "record '\''b'\'' says $n residues where its sequence has 6" edited &&
		test_expect_code 128 casg-assemble <edited >out 2>err &&
		test_grep "^fatal: " err || return 1
	done &&
	bad "bad record line: the length is no number" "s/	6	/	18446744073709551616	/" &&
	bad "bad record line: the length is out of range" "s/	6	/	4611686018427387905	/"
'

test_expect_success 'a sequence that is in no pack' '
	nobody=$(printf nobody | sha256sum | cut -c1-64) &&
	sed "3s/$id/$nobody/" r.lines >edited &&
	packs >packs.before &&
	test_expect_code 128 casg-mktree <edited >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: .*$nobody.*" err &&
	test_line_count = 1 err &&
	packs >packs.after && test_cmp packs.before packs.after &&
	test_expect_code 128 casg-assemble <edited >out 2>err &&
	test_grep "$nobody" err
'

test_expect_success 'a node or a blob is not a sequence' '
	root=$(sed -n "s/^records //p" x.roots) &&
	blob=$(sed -n "s/^presentation //p" x.roots) &&
	size=$(casg-read-version --field=count x) &&
	for other in $root $blob; do
		sed "3s/$id/$other/" r.lines >edited &&
		packs >packs.before &&
		test_expect_code 128 casg-mktree <edited >out 2>err &&
		test_must_be_empty out &&
		packs >packs.after && test_cmp packs.before packs.after &&
		test_expect_code 128 casg-assemble <edited >out 2>err || return 1
	done
'

test_expect_success 'fields: too few, too many, none' '
	bad "bad record line: there are not six fields" "s/	[^	]*\$//" &&
	bad "bad record line: there are not six fields" "s/\$/	x/" &&
	bad "bad record line: there are not six fields" "s/.*//" &&
	bad "bad record line: there are not six fields" "s/.*/b/" &&
	bad "bad record line: there are not six fields" "s/	/ /"
'

test_expect_success 'ids that are none' '
	bad "bad record line: the sequence id is malformed" "s/	./	g/" &&
	bad "bad record line: the sequence id is malformed" "s/	./	/" &&
	bad "bad record line: the sequence id is malformed" "s/	/	0/" &&
	upper=$(echo $id | tr "[:lower:]" "[:upper:]") &&
	bad "bad record line: the sequence id is malformed" "s/$id/$upper/"
'

test_expect_success 'lengths that are none' '
	for n in 06 +6 -6 6.0 0x6 "" " 6" 6x; do
		bad "bad record line: the length is no number" "s/	6	/	$n	/" || return 1
	done
'

test_expect_success 'taxa and presentations that are none' '
	bad "bad record line: the taxon is empty or holds TAB or LF" "s/	-	-	/		-	/" &&
	for p in "" x 6 -- "c 1" "@" "@12" "c1,2" "g1:%0a/"; do
		bad "bad record line: the presentation is malformed" "s|	-	-	|	-	$p	|" ||
		bad "bad record line: the presentation'\''s id is malformed" "s|	-	-	|	-	$p	|" || return 1
	done
'

test_expect_success 'descriptions that would be part of the key' '
	bad "bad record line: the description does not begin with white space" "s/\$/x/"
'

test_expect_success 'keys that are none' '
	bad "bad record line: the key holds white space or NUL" "s/^b/b x/" &&
	bad "bad record line: the key holds white space or NUL" "s/^b/\"b\\\\tx\"/" &&
	bad "bad record line: the key holds white space or NUL" "s/^b/\"b\\\\nx\"/" &&
	bad "bad record line: its key ought to be quoted" "s/^b/#casg/" &&
	{ head -c 65536 /dev/zero | tr "\\0" k && sed -n "3s/^b//p" r.lines; } >long &&
	{ sed 2q r.lines && cat long; } >edited &&
	refused "record stream, line 3: bad record line: the key is too long" edited
'

test_expect_success 'quotes that are not as they should be' '
	bad "bad record line: a field is quoted without need" "s/^b/\"b\"/" &&
	bad "bad record line: a quoted field is not closed" "s/^b/\"b/" &&
	bad "bad record line: a field ought to be quoted" "s/^b/b\"/" &&
	bad "bad record line: a field ought to be quoted" "s/^b/b\\\\x/" &&
	for q in "\\\\x" "\\\\011" "\\\\134" "\\\\400" "\\\\0" "\\\\000" "\\\\101"; do
		bad "bad record line: a quoted field is malformed" "s/^b/\"b\\\\\"$q\"/" || return 1
	done
'

test_expect_success 'NUL, and LF with -z' '
	printf "%s\n" "$(sed 2q r.lines)" >edited &&
	printf "b\\0\t%s\t6\t-\t-\t\n" $id >>edited &&
	refused "record stream, line 3: bad record line: it holds NUL" edited &&
	printf "b\t%s\t6\t-\t-\t a\nb\\0" $id >edited &&
	packs >packs.before &&
	test_expect_code 128 casg-mktree -z <edited >out 2>err &&
	test_grep "^fatal: record stream, line 1: " err &&
	packs >packs.after && test_cmp packs.before packs.after
'

test_expect_success 'facts that are none' '
	for f in width= width=-1 width=060 eol=cr eol= final-newline=maybe \
		"width=60 width=60" " width=60" "width=60 " depth=1 width \
		prologue=x prologue=%0A%2 prologue=%0a prologue=%00 prologue=%3Ea prologue=@12; do
		sed "3s/.*/#casg $f/" r.lines >edited &&
		packs >packs.before &&
		{ test_expect_code 128 casg-mktree <edited >out 2>err || { echo "$f" && return 1; }; } &&
		test_must_be_empty out &&
		test_grep "^fatal: record stream, line 3: " err &&
		packs >packs.after && test_cmp packs.before packs.after &&
		test_expect_code 128 casg-assemble <edited >out 2>err &&
		test_grep "^fatal: record stream, line 3: " err || return 1
	done &&
	sed "3s/.*/#casg depth=1/" r.lines >edited &&
	test_expect_code 128 casg-mktree <edited 2>err &&
	test_grep "depth" err
'

test_expect_success 'a prologue or presentation that is in no pack' '
	sed "1s/\$/ prologue=@$(printf x | sha256sum | cut -c1-64)/" r.lines >edited &&
	packs >packs.before &&
	test_expect_code 128 casg-mktree <edited >out 2>err &&
	test_must_be_empty out &&
	test_grep "prologue" err &&
	packs >packs.after && test_cmp packs.before packs.after &&
	sed "3s/	-	-	/	-	@$(printf y | sha256sum | cut -c1-64)	/" r.lines >edited &&
	test_expect_code 128 casg-assemble <edited >out 2>err &&
	test_grep "$(printf y | sha256sum | cut -c1-64)" err
'

test_expect_success 'a presentation that would make another record of it' '
	for p in "g1:%3E" "g1:A" "g0:x" "g0:" "g1:%0A;x" "c1" "c0.9" "c9.1" "c1.0.1.1" "c1.2.3" \
		"w0;w1" "g7:%0A" "g1:%0A.0:%0A" "g2:%00" "g01:%0A" "c01.1" "w06" "w6;" \
		"g1:%20;c0.1" "g6:%0Ax" "g1:%7F"; do
		sed "3s/	-	-	/	-	$p	/" r.lines >edited &&
		! cmp -s r.lines edited &&
		{ test_expect_code 128 casg-assemble <edited >out 2>err || { echo "$p" && return 1; }; } &&
		test_grep "^fatal: " err || return 1
	done
'

test_expect_success 'the number of a line far down' '
	{ cat x.lines && echo bad; } >edited &&
	n=$(wc -l <edited | tr -d " ") &&
	refused "record stream, line $n: bad record line: there are not six fields" edited
'

test_expect_success 'a line without an end is not waited for' '
	head -c 400000000 /dev/zero | tr "\\0" x >long &&
	refused "a line is longer than 335544320 bytes" long &&
	test_expect_code 128 casg-assemble <long >out 2>err &&
	test_must_be_empty out &&
	rm long
'

test_expect_success 'usage' '
	test_expect_code 129 casg-mktree x </dev/null &&
	test_expect_code 129 casg-mktree --threads=x </dev/null &&
	test_expect_code 129 casg-mktree --memory=1 </dev/null &&
	test_expect_code 129 casg-pack --threads=257 x.fa &&
	test_expect_code 129 casg-ls-tree a b &&
	test_expect_code 129 casg-ls-tree --frob x &&
	test_expect_code 129 casg-assemble a b </dev/null &&
	test_expect_code 128 casg-ls-tree nope 2>err &&
	test_grep "nope" err &&
	mkdir -p outside && cd outside && git init -q . &&
	test_expect_code 128 casg-mktree </dev/null &&
	test_expect_code 128 casg-pack ../x.fa &&
	test_expect_code 128 casg-ls-tree x
'

test_expect_success DEVFULL 'a full disk' '
	test_expect_code 128 casg-pack x.fa >/dev/full &&
	test_expect_code 128 casg-mktree <x.lines >/dev/full &&
	test_expect_code 128 casg-ls-tree x >/dev/full &&
	test_expect_code 128 casg-ls-tree --keys x >/dev/full &&
	test_expect_code 128 casg-assemble x >/dev/full &&
	test_expect_code 128 casg-assemble <x.lines >/dev/full &&
	test_expect_code 128 casg-pack --facts=/dev/full x.fa >lines
'

# ---- --keys, --facts

test_expect_success 'ls-tree --keys' '
	casg-ls-tree --keys x >actual &&
	casg-ls-tree x | grep -v "^#casg" | cut -f1 >expect &&
	test_cmp expect actual &&
	casg-ls-tree --keys -z x | tr "\\0" "\\n" >actual &&
	sed "s/^\"#casg\"\$/#casg/" expect >unquoted &&
	test_cmp unquoted actual
'

test_expect_success '--facts of pack' '
	printf ">a\nGATTACAGATTACA\n>b\nGATTACAGATTACA\n>c\nACGT\n" >f.fa &&
	casg-pack --facts=facts f.fa >lines &&
	sed "/^bytes-stored [1-9][0-9]*\$/d; /^pack [0-9a-f]\{64\}\$/d" facts >actual &&
	cat >expect <<-EOT &&
	records 3
	new 1
	known 2
	residues 32
	bytes-in 44
	source-sha256 $(sha256sum <f.fa | cut -c1-64)
	EOT
	test_cmp expect actual &&
	pack=$(sed -n "s/^pack //p" facts) &&
	test_path_is_file .git/casg/packs/pack-$pack.pack &&
	sha256sum <.git/casg/packs/pack-$pack.pack | cut -c1-64 >actual &&
	echo $pack >expect && test_cmp expect actual &&
	casg-pack --facts=facts f.fa >lines &&
	sed -n "/^new/p; /^bytes-stored/p; /^pack/p" facts >actual &&
	printf "new 0\nbytes-stored 0\n" >expect &&
	test_cmp expect actual
'

test_expect_success '--facts of mktree: what is there is not stored again' '
	casg-mktree --facts=facts <lines >roots &&
	test_grep "^new-nodes 1\$" facts &&
	test_grep "^pack [0-9a-f]\{64\}\$" facts &&
	casg-mktree --facts=facts <lines >again &&
	test_cmp roots again &&
	test_grep "^new-nodes 0\$" facts &&
	test_grep "^bytes-stored 0\$" facts &&
	test_grep ! "^pack" facts
'

test_expect_success 'an empty prologue overrides one that is named by id' '
	id=$(printf ";" | sha256sum | cut -c1-64) &&
	printf "#casg prologue=\n" | casg-mktree >expect &&
	printf "#casg prologue=@%s\n#casg prologue=\n" $id | casg-mktree >actual &&
	test_cmp expect actual &&
	printf "#casg prologue=@%s\n#casg width=60\n" $id >in &&
	test_expect_code 128 casg-mktree <in
'

test_done
