#!/bin/sh

test_description='casg-merge-tree'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

# ---- the same in another way: whole record streams, unique keys

# brute BASE OURS THEIRS: the merged stream of three, conflicts for ours
brute () {
	awk -F'\t' -v OFS='\t' '
		FILENAME != last { side++; last = FILENAME }
		/^#casg/ { if (side == 2) print; next }
		{
			line[side, $1] = $0
			what[side, $1] = $2 "\t" $6
			seq[side, $1] = $2
			pres[side, $1] = $5
			order[side, ++n[side]] = $1
		}
		# 2 ours, 3 theirs, 0 none
		function winner(k, b, o, t) {
			b = what[1, k]; o = what[2, k]; t = what[3, k]
			if (o == t || t == b) return o == "" ? 0 : 2
			if (o == b) return t == "" ? 0 : 3
			return o == "" ? 0 : 2
		}
		function looks(k, s, b, o, t) {
			if (!((2, k) in line)) return pres[3, k]
			if (!((3, k) in line)) return pres[2, k]
			if (seq[2, k] != seq[3, k]) return pres[s, k]
			b = (1, k) in pres ? pres[1, k] : "-"
			o = pres[2, k]; t = pres[3, k]
			return o == b ? t : o
		}
		function show(k, s, f) {
			s = winner(k)
			if (!s) return
			split(line[s, k], f, "\t")
			print f[1], f[2], f[3], f[4], looks(k, s), f[6]
		}
		END {
			behind = ""
			for (i = 1; i <= n[3]; i++) {
				k = order[3, i]
				if (!winner(k)) continue
				if ((2, k) in line) { behind = k; continue }
				add[behind] = add[behind] k "\t"
			}
			for (i = 0; i <= n[2]; i++) {
				k = i ? order[2, i] : ""
				if (i && !winner(k)) continue
				if (i) show(k)
				m = split(add[k], a, "\t")
				for (j = 1; j < m; j++) show(a[j])
			}
		}
	' "$1" "$2" "$3"
}

# check_merge BASE OURS THEIRS: the roots that mktree gives for the brute merge
check_merge () {
	casg-ls-tree "$1:" >base.rec && casg-ls-tree "$2:" >ours.rec &&
	casg-ls-tree "$3:" >theirs.rec &&
	brute base.rec ours.rec theirs.rec >merged.rec &&
	casg-mktree <merged.rec >expect &&
	casg-merge-tree --ours "$1" "$2" "$3" >actual 2>err &&
	test_cmp expect actual
}

# release NAME FROM FILE: the version NAME, made on FROM
release () {
	git reset -q --hard "$2" && plumb_import "$3" db && git tag "$1"
}

test_expect_success 'setup' '
	casg init -q repo &&
	cd repo &&
	git tag start &&
	cat >base.fa <<-\EOF &&
	>a one
	AAAA
	>b two
	CCCC
	>c three
	DDDD
	>d four
	EEEE
	>e five
	FFFF
	EOF
	# b described, c withdrawn, new ones behind a and at the end
	cat >ours.fa <<-\EOF &&
	>a one
	AAAA
	>n1 of ours
	GGGG
	>b two, described
	CCCC
	>d four
	EEEE
	>e five
	FFFF
	>n2 of ours
	HHHH
	EOF
	# d another sequence, e withdrawn, new ones before all and behind c and d
	cat >theirs.fa <<-\EOF &&
	>m1 of theirs
	KKKK
	>a one
	AAAA
	>b two
	CCCC
	>c three
	DDDD
	>m2 of theirs
	LLLL
	>d four
	EEEW
	>m3 of theirs
	MMMM
	>m4 of theirs
	NNNN
	EOF
	release base start base.fa && release ours base ours.fa && release theirs base theirs.fa
'

test_expect_success 'different records: no conflict, ours order, additions behind their neighbours' '
	cd repo &&
	cat >expect.fa <<-\EOF &&
	>m1 of theirs
	KKKK
	>a one
	AAAA
	>n1 of ours
	GGGG
	>b two, described
	CCCC
	>m2 of theirs
	LLLL
	>d four
	EEEW
	>m3 of theirs
	MMMM
	>m4 of theirs
	NNNN
	>n2 of ours
	HHHH
	EOF
	casg-merge-tree base ours theirs >roots &&
	casg-write-version <roots >VERSION.new &&
	commit=$(casg-commit-tree -p ours --database=db <VERSION.new) &&
	casg export "$commit:db" >actual.fa &&
	test_cmp expect.fa actual.fa &&
	check_merge base ours theirs
'

test_expect_success 'arguments: REV:DATABASE, --database, refusals' '
	cd repo &&
	casg-merge-tree base ours theirs >expect &&
	casg-merge-tree base:db ours:db theirs:db >actual &&
	test_cmp expect actual &&
	casg-merge-tree --database=db base ours:db theirs >actual &&
	test_cmp expect actual &&
	test_expect_code 128 casg-merge-tree base ours nope &&
	test_expect_code 129 casg-merge-tree ours theirs &&
	test_expect_code 129 casg-merge-tree --root base ours theirs &&
	test_expect_code 129 casg-merge-tree --ours --theirs base ours theirs &&
	test_expect_code 128 casg-merge-tree --settle=nope base ours theirs
'

test_expect_success 'one side changed nothing: the other as it is' '
	cd repo &&
	sed -n "/^records /p; /^order /p; /^presentation /p; /^count /p; /^residues /p" db/VERSION >expect &&
	casg-merge-tree base base theirs >actual &&
	test_cmp expect actual &&
	casg-merge-tree base theirs base >actual &&
	test_cmp expect actual &&
	casg-merge-tree base theirs theirs >actual &&
	test_cmp expect actual
'

test_expect_success '--facts' '
	cd repo &&
	casg-merge-tree --facts=facts base ours theirs >roots &&
	test_grep "^records 9\$" facts &&
	test_grep "^added 5\$" facts &&
	test_grep "^removed 2\$" facts &&
	test_grep "^conflicts 0\$" facts
'

# ---- conflicts

test_expect_success 'conflicts: triples of records, nothing is written' '
	cd repo &&
	printf ">a one!\nAAAA\n>b two\nCCCW\n>c three\nDDDD\n>d four\nEEEE\n>f ours\nVVVV\n>g\nSSSS\n" >o2.fa &&
	printf ">a one?\nAAAA\n>c three\nDDDD\n>e five, kept\nFFFF\n>f theirs\nVVVV\n>g\nSSSS\n>d four\nEEEE\n" >t2.fa &&
	release o2 base o2.fa && release t2 base t2.fa &&
	find .git/casg/packs | sort >before &&
	test_expect_code 1 casg-merge-tree base o2 t2 >actual &&
	find .git/casg/packs | sort >after &&
	test_cmp before after &&
	id () { printf "%s" "$1" | sha256sum | cut -c1-64; } &&
	{
		printf "base\ta\t%s\t4\t-\t-\t one\n" $(id AAAA) &&
		printf "ours\ta\t%s\t4\t-\t-\t one!\n" $(id AAAA) &&
		printf "theirs\ta\t%s\t4\t-\t-\t one?\n" $(id AAAA) &&
		printf "base\tb\t%s\t4\t-\t-\t two\n" $(id CCCC) &&
		printf "ours\tb\t%s\t4\t-\t-\t two\n" $(id CCCW) &&
		printf "theirs\tb\t-\t-\t-\t-\t\n" &&
		printf "base\te\t%s\t4\t-\t-\t five\n" $(id FFFF) &&
		printf "ours\te\t-\t-\t-\t-\t\n" &&
		printf "theirs\te\t%s\t4\t-\t-\t five, kept\n" $(id FFFF) &&
		printf "base\tf\t-\t-\t-\t-\t\n" &&
		printf "ours\tf\t%s\t4\t-\t-\t ours\n" $(id VVVV) &&
		printf "theirs\tf\t%s\t4\t-\t-\t theirs\n" $(id VVVV)
	} >expect &&
	test_cmp expect actual &&
	test_expect_code 1 casg-merge-tree -z base o2 t2 | tr "\0" "\n" >actual &&
	test_cmp expect actual
'

# as_text ROOTS: the text of a version with these roots
as_text () {
	casg-write-version <"$1" >VERSION.new &&
	casg-assemble -q -- "$(casg-commit-tree -p HEAD --database=db <VERSION.new):db"
}

test_expect_success '--ours, --theirs' '
	cd repo &&
	check_merge base o2 t2 &&
	casg-merge-tree --ours base o2 t2 >roots && as_text roots >actual &&
	printf ">a one!\nAAAA\n>b two\nCCCW\n>c three\nDDDD\n>d four\nEEEE\n>f ours\nVVVV\n>g\nSSSS\n" >expect &&
	test_cmp expect actual &&
	casg-merge-tree --theirs base o2 t2 >roots && as_text roots >actual &&
	printf ">a one?\nAAAA\n>c three\nDDDD\n>e five, kept\nFFFF\n>d four\nEEEE\n>f theirs\nVVVV\n>g\nSSSS\n" >expect &&
	test_cmp expect actual
'

test_expect_success '--settle: some of theirs, some of ours, some edited, some withdrawn' '
	cd repo &&
	test_expect_code 1 casg-merge-tree base o2 t2 >conflicts &&
	{
		echo "#casg width=60" &&
		sed -n "s/^ours	a	/a	/p; s/^theirs	b	/b	/p; s/^base	e	/e	/p" conflicts &&
		sed -n "s/^ours	f	\(.*\) ours\$/f	\1 both/p" conflicts
	} >settle &&
	test_line_count = 5 settle &&
	casg-merge-tree --settle=settle base o2 t2 >roots && as_text roots >actual &&
	printf ">a one!\nAAAA\n>c three\nDDDD\n>e five\nFFFF\n>d four\nEEEE\n>f both\nVVVV\n>g\nSSSS\n" >expect &&
	test_cmp expect actual &&
	# the order of the lines does not matter; from standard input; with NUL
	sort -r settle | casg-merge-tree --settle=- base o2 t2 >actual &&
	test_cmp roots actual &&
	tr "\n" "\0" <settle | casg-merge-tree -z --settle=- base o2 t2 >actual &&
	test_cmp roots actual
'

test_expect_success '--settle: what is not settled is still in conflict' '
	cd repo &&
	sed -n "s/^ours	a	/a	/p" conflicts >settle &&
	test_expect_code 1 casg-merge-tree --settle=settle base o2 t2 >actual &&
	sed "/^[a-z]*	a	/d" conflicts >expect &&
	test_cmp expect actual &&
	# the rest for one side
	casg-merge-tree --settle=settle --theirs base o2 t2 >roots && as_text roots >actual &&
	test_grep "^>a one!" actual && test_grep "^>f theirs" actual
'

test_expect_success '--settle: refusals' '
	cd repo &&
	printf "c\t%s\t4\t-\t-\t three\n" $(printf DDDD | sha256sum | cut -c1-64) >settle &&
	test_expect_code 128 casg-merge-tree --settle=settle base o2 t2 2>err &&
	test_grep "key .c. is not in conflict" err &&
	printf "a\t%064d\t4\t-\t-\t none\n" 0 >settle &&
	test_expect_code 128 casg-merge-tree --settle=settle --ours base o2 t2 2>err &&
	test_grep "is not in the store" err &&
	echo "a - - -" >settle &&
	test_expect_code 128 casg-merge-tree --settle=settle base o2 t2 2>err &&
	test_grep "settle.*line 1" err
'

test_expect_success '--root: no base, all was added' '
	cd repo &&
	test_expect_code 1 casg-merge-tree --root o2 t2 >actual &&
	cut -f2 actual | sort -u >keys &&
	printf "a\nf\n" >expect &&
	test_cmp expect keys &&
	test_grep "^base	a	-	-	-	-	\$" actual &&
	casg-merge-tree --root --theirs o2 t2 >roots && as_text roots | grep "^>" >actual &&
	printf ">a one?\n>b two\n>c three\n>e five, kept\n>d four\n>f theirs\n>g\n" >expect &&
	sort expect >e && sort actual >a && test_cmp e a
'

# ---- repeated keys

test_expect_success 'repeated keys: all records of a key are one' '
	casg init -q rep &&
	cd rep &&
	git tag start &&
	printf ">k 1\nAAAA\n>x\nCCCC\n>k 2\nDDDD\n>k 3\nEEEE\n>y\nFFFF\n" >base.fa &&
	printf ">k 1\nAAAA\n>x new\nCCCC\n>k 2\nDDDD\n>k 3\nEEEE\n>y\nFFFF\n" >ours.fa &&
	printf ">k 0\nVVVV\n>k 1\nAAAA\n>x\nCCCC\n>k 3\nEEEE\n>y\nFFFF\n>k 4\nWWWW\n" >theirs.fa &&
	release base start base.fa && release ours base ours.fa && release theirs base theirs.fa &&
	casg-merge-tree base ours theirs >roots && as_text roots >actual &&
	grep "^>" actual | sort >keys &&
	printf ">k 0\n>k 1\n>k 3\n>k 4\n>x new\n>y\n" >expect &&
	test_cmp expect keys &&
	# both changed them
	sed "s/>k 3/>k three/" ours.fa >o2.fa && release o2 base o2.fa &&
	test_expect_code 1 casg-merge-tree base o2 theirs >conflicts &&
	cut -f1 conflicts | uniq -c | awk "{ print \$1, \$2 }" >actual &&
	printf "3 base\n3 ours\n4 theirs\n" >expect &&
	test_cmp expect actual &&
	# settled by five records, one more than any side has, the first one twice
	{ sed -n "s/^theirs	//p" conflicts && sed -n "s/^ours	\(.* three\)\$/\1/p" conflicts; } >settle &&
	test_line_count = 5 settle &&
	casg-merge-tree --settle=settle base o2 theirs >roots && as_text roots >actual &&
	grep "^>k" actual | sort >keys &&
	printf ">k 0\n>k 1\n>k 3\n>k 4\n>k three\n" >expect &&
	test_cmp expect keys
'

# ---- layout

test_expect_success 'presentation: three-way, of the side of the sequence, else ours, and said' '
	casg init -q lay &&
	cd lay &&
	git tag start &&
	rec () { printf ">%s\n%s\n" "$1" "$2"; } &&
	s=ACDEFGHIKL l=acdefghikl m=ACDEFghikl &&
	{ rec both $s; rec ours $s; rec theirs $s; rec clash $s; rec same $s; rec newo $s; rec newt $s; rec gone $l; } >base.fa &&
	{ rec both $s; rec ours $l; rec theirs $s; rec clash $l; rec same $m; rec newo WWWWww; rec newt $l; rec addo $l; } >ours.fa &&
	{ rec both $s; rec ours $s; rec theirs $l; rec clash $m; rec same $m; rec newo $m; rec newt YYyyYY; rec gone $l; rec addt $m; } >theirs.fa &&
	release base start base.fa && release ours base ours.fa && release theirs base theirs.fa &&
	casg-merge-tree base ours theirs >roots 2>err &&
	as_text roots >actual &&
	{ rec both $s; rec ours $l; rec theirs $l; rec clash $l; rec same $m; rec newo WWWWww; rec newt YYyyYY; rec addt $m; rec addo $l; } >expect &&
	test_cmp expect actual &&
	echo "warning: both sides changed the presentation of 1 records; ours is kept" >expect &&
	test_cmp expect err &&
	check_merge base ours theirs
'

test_expect_success 'facts of the file: three-way, else ours, and said' '
	cd lay &&
	casg-gen --records 30 --length 200 --seed 9 >g.fa &&
	casg-gen --records 30 --length 200 --seed 9 --width 80 >w.fa &&
	casg-gen --records 30 --length 200 --seed 9 --width 100 >w2.fa &&
	casg-gen --records 30 --length 200 --seed 9 --crlf >crlf.fa &&
	release g start g.fa && release w g w.fa && release w2 g w2.fa && release crlf g crlf.fa &&
	casg-merge-tree g w crlf >roots 2>err && test_must_be_empty err && as_text roots >actual &&
	sed "s/\$/\r/" w.fa >expect &&
	test_cmp_bin expect actual &&
	casg-merge-tree g crlf w >roots && as_text roots >actual &&
	test_cmp_bin expect actual &&
	casg-merge-tree g w w2 >roots 2>err && as_text roots >actual &&
	test_cmp w.fa actual &&
	echo "warning: both sides changed the width of the file; ours is kept" >expect &&
	test_cmp expect err
'

# ---- random series

# scramble SEED FILE: sundry edits; keys stay unique; the order changes a little
scramble () {
	awk -v seed="$1" '
		BEGIN { srand(seed); RS = ">"; ORS = "" }
		NR == 1 { next }
		{
			at = index($0, "\n")
			head = substr($0, 1, at - 1)
			seq = substr($0, at)
			r = int(rand() * 60)
			if (r == 0) next
			if (r == 1) head = "id" seed "_" NR " renamed"
			if (r == 2) head = head " edited by " seed
			if (r == 3) seq = substr(seq, 1, 10) "WWW" substr(seq, 14)
			if (r == 4 || r > 55) seq = substr(seq, 1, seed) tolower(substr(seq, seed + 1))
			if (r == 5) print ">new" seed "_" NR " added\nACDWY" substr(seq, 2, 9) "\n"
			if (r == 6) { kept = kept ">" head seq; next }
			if (r == 7) { print kept; kept = "" }
			print ">" head seq
		}
		END { print kept }
	' "$2"
}

test_expect_success 'random series: the roots that the merged stream has' '
	casg init -q series &&
	cd series &&
	git tag start &&
	casg-gen --type protein --records ${CASG_TEST_LONG:+1}600 --length 70 --seed 21 >v.fa &&
	release b start v.fa &&
	for i in 1 2 3 4; do
		scramble $i v.fa >v$i.fa &&
		release v$i b v$i.fa || return 1
	done &&
	scramble 5 v1.fa >v5.fa && release v5 v1 v5.fa &&
	check_merge b v1 v2 &&
	test_grep "both sides changed the presentation" err &&
	check_merge b v3 v4 && check_merge v1 v5 v2 &&
	if test -n "${CASG_TEST_LONG-}"; then
		check_merge b v2 v1 && check_merge b v5 v2 &&
		check_merge b v4 v5 && check_merge v3 v4 v1
	fi
'

test_expect_success 'ours and theirs are each others mirror, but for the order' '
	cd series &&
	casg-merge-tree --ours b v1 v2 >one &&
	casg-merge-tree --theirs b v2 v1 >two &&
	grep "^records" one >expect && grep "^records" two >actual &&
	test_cmp expect actual
'

test_expect_success 'few nodes are written' '
	casg init -q cost &&
	cd cost &&
	git tag start &&
	casg-gen --type protein --records 5000 --length 20 --seed 4 >a.fa &&
	awk "/^>/ && ++n == 4000 { \$0 = \$0 \" ours\" } 1" a.fa >o.fa &&
	awk "/^>/ && ++n == 1500 { \$0 = \$0 \" theirs\" } 1" a.fa >t.fa &&
	release a start a.fa && release o a o.fa && release t a t.fa &&
	casg-merge-tree --facts=facts a o t >roots &&
	new=$(sed -n "s/^new-nodes //p" facts) &&
	test "$new" -ge 1 && test "$new" -le 8 &&
	check_merge a o t
'

test_expect_success 'little memory gives the same' '
	cd series &&
	casg-merge-tree --ours b v1 v2 >expect 2>/dev/null &&
	casg-merge-tree --memory=64m --threads=1 --ours b v1 v2 >actual 2>/dev/null &&
	test_cmp expect actual
'

test_expect_success DEVFULL 'a full disk is noticed' '
	cd repo &&
	test_expect_code 128 casg-merge-tree base ours theirs >/dev/full &&
	test_expect_code 128 casg-merge-tree base o2 t2 >/dev/full
'

test_done
