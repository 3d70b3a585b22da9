#!/bin/sh
# A version that is updated must be the one that is built from all its records.

test_description='casg-update-tree: the same roots as casg-mktree, for fewer nodes'
. "$(dirname "$0")/test-lib.sh"

TAB='	'

# edit NAME <RECORDS: the stream NAME.lines, with the records put by key; what
# casg-update-tree should make of it, by awk
edit () {
	cat >put.lines &&
	awk -F"\t" '
		FNR == NR { if (/^#casg/) next; n[$1]++; put[$1, n[$1]] = $0; order[++m] = $1; next }
		/^#casg/ { print; next }
		!($1 in n) { print; next }
		{ if (++used[$1] <= n[$1]) print put[$1, used[$1]] }
		END {
			for (i = 1; i <= m; i++)
				if (++seen[order[i]] > used[order[i]])
					print put[order[i], seen[order[i]]]
		}
	' put.lines "$1.lines"
}

# same_roots OPTIONS...: of put.lines against the lines in "edited"
same_roots () {
	casg-mktree <edited >expect &&
	casg-update-tree --facts=facts "$@" <put.lines >actual &&
	test_cmp expect actual
}

test_expect_success 'setup' '
	casg init -q . &&
	casg-gen --seed 1 --type protein --records 2000 --length 60 >x.fa &&
	printf ">dup one\nACGT\n>dup two\nTTTT\n>dup three\nCCCC\n>lower\nacgT\n" >>x.fa &&
	casg import -q x.fa &&
	casg ls x >x.lines &&
	grep -v "^#casg" x.lines | cut -f1 >keys
'

test_expect_success 'one record replaced, one added' '
	key=$(sed -n 700p keys) &&
	printf ">%s new\nMKVLAT\n>brand.new\nMK\n" "$key" >u.fa &&
	casg-pack u.fa | edit x >edited &&
	grep "^$key$TAB" edited | grep " new" &&
	tail -n 1 edited | grep "^brand.new" &&
	same_roots x &&
	grep -v "^pack\|^bytes\|-nodes" facts >counts &&
	printf "%s\n" "records 2005" "added 1" "replaced 1" "same 0" "removed 0" "missing 0" >expect &&
	test_cmp expect counts
'

test_expect_success 'it reads and writes few nodes' '
	casg-gen --seed 5 --type protein --records 30000 --length 20 >big.fa &&
	casg import -q big.fa &&
	printf ">brand.new\nMK\n" | casg-pack >put.lines &&
	casg-update-tree --facts=facts big <put.lines >roots &&
	read=$(sed -n "s/^read-nodes //p" facts) &&
	new=$(sed -n "s/^new-nodes //p" facts) &&
	test "$read" -le 9 && test "$new" -le 6 && test "$new" -ge 2
'

test_expect_success 'records of a repeated key, fewer, as many, more' '
	for n in 1 2 3 4 5; do
		{
			i=0 &&
			while test $i -lt $n; do
				i=$((i + 1)) && printf ">dup %d\nACGT%s\n" $i "$(echo GGGGG | cut -c1-$i)" ||
					return 1
			done
		} >u.fa &&
		casg-pack u.fa | edit x >edited &&
		same_roots x || return 1
	done
'

test_expect_success 'the same again is the same, and is counted' '
	sed -n "20,60p" x.lines >put.lines &&
	cp x.lines edited &&
	same_roots x &&
	grep "^same 41$" facts && grep "^replaced 0$" facts && grep "^added 0$" facts &&
	grep "^new-nodes 0$" facts
'

test_expect_success 'many at once, first and last among them' '
	for seed in 1 2 3; do
		{
			shuf -n 300 --random-source=x.fa keys | sort -u | sed "s/.*/>& s$seed\nMKV$seed/;s/[0-9]$//" |
				tr -d "\r" && printf ">\001first\nAC\n>~~last\nAC\n"
		} >u.fa &&
		casg-pack u.fa 2>/dev/null | edit x >edited &&
		same_roots x --threads=$seed || return 1
	done
'

test_expect_success 'without facts, and with -z' '
	key=$(sed -n 9p keys) &&
	id=$(printf ACGT | sha256sum | cut -c1-64) &&
	printf "%s\t%s\t4\t-\tc1.3\t y\n" "$key" $id | edit x >edited &&
	same_roots x &&
	tr "\n" "\0" <put.lines | casg-update-tree -z x >actual &&
	test_cmp expect actual
'

test_expect_success 'another layout: upper and lower case alone is kept' '
	casg-gen --seed 9 --type protein --records 3 --length 300 --width 75 |
		sed "/^>/!s/^\(.\)\(..\)/\1\L\2/" >u.fa &&
	casg-pack u.fa >put.lines &&
	head -n 1 put.lines | grep "width=75" &&
	sed "1d" put.lines | cut -f5 | grep -v "^-\$" >had && test -s had &&
	casg-pack u.fa | edit x |
		awk -F"\t" -v OFS="\t" "
			/^#casg/ { print; next }
			FNR > 2005 { n = split(\$5, t, \";\"); p = \"-\"
				for (i = 1; i <= n; i++) if (t[i] ~ /^c/) p = t[i]
				\$5 = p }
			{ print }" >edited &&
	same_roots x
'

test_expect_success 'a long presentation, too' '
	casg-gen --seed 4 --records 1 --length 9000 --width 77 >u.fa &&
	sed "/^>/!s/\(.\)\(.\)/\1\L\2/g" u.fa >l.fa &&
	casg-pack l.fa >put.lines &&
	cut -f5 put.lines | grep "^@" &&
	casg-update-tree x <put.lines >roots &&
	casg-write-version <roots >v &&
	casg-commit-tree -p HEAD --database=long -m long <v >commit &&
	git reset -q --hard "$(cat commit)" &&
	grep -v "^>" l.fa | tr -d "\n" >expect &&
	key=$(sed -n "1s/>\([^ ]*\).*/\1/p" l.fa) &&
	casg cat long "$key" >got &&
	grep -v "^>" got | tr -d "\n" >actual &&
	cmp expect actual &&
	awk "!/^>/ && length > 60" got >wide && test_must_be_empty wide
'

test_expect_success 'long descriptions and long keys' '
	long=$(printf "%05000d" 7) &&
	printf ">%s d\nMK\n>dup %s\nMK\n>dup %s2\nMK\n" "$long" "$long" "$long" >u.fa &&
	casg-pack u.fa | edit x >edited &&
	same_roots x
'

test_expect_success 'an empty stream changes nothing' '
	: >put.lines && cp x.lines edited && same_roots x
'

# ---- withdrawing

test_expect_success 'records go' '
	sed -n "5p;900p;1999,2000p" keys >gone && echo dup >>gone &&
	awk -F"\t" "NR == FNR { gone[\$1]; next } !(\$1 in gone)" gone x.lines >edited &&
	casg-mktree <edited >expect &&
	casg-update-tree --withdraw --facts=facts --sequence-time=2024-03-01 x <gone >roots &&
	grep -v "^withdrawn\|^sequence-time" roots >actual && test_cmp expect actual &&
	grep "^sequence-time 2024-03-01T00:00:00Z$" roots &&
	grep "^removed 7$" facts && grep "^missing 0$" facts
'

test_expect_success 'all records go' '
	sort -u keys >gone &&
	casg-update-tree --withdraw x <gone >roots &&
	casg-mktree </dev/null >expect &&
	grep "^records\|^order\|^count\|^residues" roots >actual &&
	grep "^records\|^order\|^count\|^residues" expect >want && test_cmp want actual
'

test_expect_success 'fields of lines and options' '
	first=$(sed -n 1p keys) second=$(sed -n 2p keys) third=$(sed -n 3p keys) &&
	printf "%s\n%s\tnew\n%s\t-\t\"a\\\\tb\"\n" "$first" "$second" "$third" >gone &&
	casg-update-tree --withdraw --reason=why --successor=other --sequence-time=2024-03-01 x \
		<gone >roots &&
	casg-write-version <roots >v &&
	casg-commit-tree -p HEAD --database=w -m w <v >commit &&
	git reset -q --hard "$(cat commit)" &&
	{
		printf "%s\t2024-03-01T00:00:00Z\tother\twhy\n" "$first" &&
		printf "%s\t2024-03-01T00:00:00Z\tnew\twhy\n" "$second" &&
		printf "%s\t2024-03-01T00:00:00Z\t-\t\"a\\\\tb\"\n" "$third"
	} | LC_ALL=C sort >expect &&
	casg-ls-tree --withdrawn w >actual && test_cmp expect actual &&
	printf "%s\0%s\tnew\0%s\t-\ta\tb\0" "$first" "$second" "$third" |
		casg-update-tree --withdraw -z --reason=why --successor=other \
			--sequence-time=2024-03-01 x >again &&
	test_cmp roots again
'

test_expect_success 'a key that is not there: status 1, all are named, nothing is left' '
	ls .git/casg/packs >before &&
	{ sed -n 4p keys && echo nope && echo "\"#casg\"" && sed -n 6p keys; } >gone &&
	test_expect_code 1 casg-update-tree --withdraw x <gone >out 2>err &&
	test_must_be_empty out &&
	printf "error: there is no record %s%s%s\n" "'\''" "\"#casg\"" "'\''" "'\''" nope "'\''" >expect &&
	test_cmp expect err &&
	ls .git/casg/packs >after && test_cmp before after &&
	casg-update-tree --withdraw --ignore-unmatch --facts=facts x <gone >out &&
	grep "^missing 2$" facts && grep "^removed 2$" facts
'

# ---- refusals

test_expect_success 'what is no record, no key, no reason' '
	ls .git/casg/packs >before &&
	echo nonsense >put.lines &&
	test_expect_code 128 casg-update-tree x <put.lines 2>err &&
	test_grep "record stream, line 1: bad record line" err &&
	id=$(printf NOTTHERE | sha256sum | cut -c1-64) &&
	printf "k\t%s\t8\t-\t-\t\n" $id >put.lines &&
	test_expect_code 128 casg-update-tree x <put.lines 2>err &&
	test_grep "sequence $id of record .k. is not in the store" err &&
	printf "a\tb\tc\td\n" >gone &&
	test_expect_code 128 casg-update-tree --withdraw x <gone 2>err &&
	test_grep "keys, line 1" err &&
	printf "a b\n" >gone &&
	test_expect_code 128 casg-update-tree --withdraw x <gone 2>err &&
	test_grep "white space" err &&
	sed -n 1p keys >gone &&
	test_expect_code 128 casg-update-tree --withdraw --reason="$(printf "%05000d" 1)" x <gone 2>err &&
	test_grep "a reason has at most 4096 bytes" err &&
	ls .git/casg/packs >after && test_cmp before after
'

test_expect_success 'a damaged leaf is not made part of a new tree' '
	cp -R . "$TRASH_DIRECTORY.twin" &&
	(
		cd "$TRASH_DIRECTORY.twin" &&
		chmod -R u+w .git/casg/packs &&
		for f in .git/casg/packs/*.pack; do
			size=$(wc -c <"$f") &&
			printf "\377\377\377\377" |
				dd of="$f" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null || return 1
		done &&
		sed -n 1p keys >gone &&
		test_expect_code 128 casg-update-tree --withdraw x <gone >out 2>err &&
		test_must_be_empty out
	) &&
	rm -rf "$TRASH_DIRECTORY.twin"
'

test_expect_success 'usage' '
	test_expect_code 129 casg-update-tree </dev/null 2>err &&
	test_expect_code 129 casg-update-tree --previous=x/VERSION x </dev/null 2>err &&
	test_expect_code 129 casg-update-tree --reason=x x </dev/null 2>err &&
	test_expect_code 129 casg-update-tree --withdraw --expect-newline x </dev/null 2>err &&
	test_expect_code 129 casg-update-tree --withdraw --sequence-time=soon x </dev/null 2>err &&
	test_expect_code 128 casg-update-tree nope </dev/null 2>err &&
	test_expect_code 128 casg-update-tree --previous=x.fa </dev/null 2>err &&
	casg-update-tree x </dev/null >expect &&
	casg-update-tree --previous=x/VERSION </dev/null >actual && test_cmp expect actual
'

test_expect_success DEVFULL 'a full disk' '
	test_expect_code 128 casg-update-tree x </dev/null >/dev/full
'

test_done
