#!/bin/sh

test_description='casg diff and casg-diff-tree'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

# ---- the classes, found out in another way: all records of both, key by key

# brute A B: "status TAB old key TAB key" of every record, of two record streams.
# Pairs of changed ids are only counted: which of several is another test.
brute () {
	awk -F'\t' -v OFS='\t' '
		/^#casg/ { match($0, /width=[0-9]*/); w[NR != FNR] = substr($0, RSTART + 6, RLENGTH - 6); next }
		NR == FNR { add(0); next }
		{ add(1) }
		# what stands at place i of side s of a key
		function add(s, k) {
			k = $1
			keys[k]
			n[s, k]++
			id[s, k, n[s, k]] = $2
			tax[s, k, n[s, k]] = $4
			pres[s, k, n[s, k]] = $5
			looks[s, k, n[s, k]] = look($5, $3, w[s])
			desc[s, k, n[s, k]] = $6
		}
		# with its width in full, if it has more than a line
		function look(p, len, width) {
			width += 0
			if (p == "-") p = ""
			if (match(p, /^w[0-9]*/)) {
				width = substr(p, 2, RLENGTH - 1) + 0
				p = substr(p, RLENGTH + 2)
			}
			return (width >= len + 0 ? 0 : width) ";" p
		}
		function pair(k, how, i, j) {
			for (i = 1; i <= n[0, k]; i++)
				for (j = 1; j <= n[1, k]; j++) {
					if (done[0, k, i] || done[1, k, j])
						continue
					if (how > 0 && id[0, k, i] != id[1, k, j])
						continue
					if (how > 1 && desc[0, k, i] != desc[1, k, j])
						continue
					done[0, k, i] = done[1, k, j] = 1
					if (id[0, k, i] != id[1, k, j])
						print "M", k, k
					else if (tax[0, k, i] != tax[1, k, j])
						print "T", k, k
					else if (desc[0, k, i] != desc[1, k, j])
						print "N", k, k
					else if (pres[0, k, i] != pres[1, k, j] && looks[0, k, i] != looks[1, k, j])
						print "P", k, k
					else
						print "=", k, k
				}
		}
		END {
			for (k in keys) {
				pair(k, 2)
				pair(k, 1)
				pair(k, 0)
				for (i = 1; i <= n[0, k]; i++)
					if (!done[0, k, i])
						gone[id[0, k, i]]++
				for (j = 1; j <= n[1, k]; j++)
					if (!done[1, k, j])
						fresh[id[1, k, j]]++
			}
			for (q in gone)
				for (; gone[q] && fresh[q]; gone[q]--) {
					fresh[q]--
					print "R"
				}
			for (q in gone)
				for (; gone[q] > 0; gone[q]--)
					print "D"
			for (q in fresh)
				for (; fresh[q] > 0; fresh[q]--)
					print "A"
		}
	' "$1" "$2"
}

# letters: class names to letters in the output of --numstat
letters () {
	sed -e "s/unchanged\$/=/; s/added\$/A/; s/withdrawn\$/D/; s/sequence\$/M/" \
	    -e "s/taxon\$/T/; s/description\$/N/; s/id\$/R/; s/presentation\$/P/"
}

# check_law A B: every class as found by brute force, and the sums
check_law () {
	case $1 in *:*) ;; *) set -- "$1:" "$2:" ;; esac &&
	casg-ls-tree "$1" >a.rec &&
	casg-ls-tree "$2" >b.rec &&
	brute a.rec b.rec >brute &&
	casg-diff-tree --numstat "$1" "$2" | letters >num &&
	casg-diff-tree --raw "$1" "$2" >raw.law &&
	# how many of each class, records and residues of both, and how many lines
	awk -F"\t" "
		FILENAME == \"brute\" { n[\$1]++; next }
		/^#casg/ { next }
		FILENAME == \"a.rec\" { na++; ra += \$3; next }
		{ nb++; rb += \$3 }
		END {
			for (c in n) print c, n[c] | \"sort\"
			close(\"sort\")
			print na + 0, ra + 0, nb + 0, rb + 0
			delete n[\"=\"]
			for (c in n) print \"line\", c, n[c] | \"sort\"
		}
	" brute a.rec b.rec >expect &&
	awk -F"\t" "
		FILENAME == \"raw.law\" { n[\$1]++; next }
		\$4 != \"A\" { na += \$1; ra += \$2 }
		\$4 != \"D\" { nb += \$1; rb += \$3 }
		\$1 { print \$4, \$1 | \"sort\" }
		END {
			close(\"sort\")
			print na + 0, ra + 0, nb + 0, rb + 0
			for (c in n) print \"line\", c, n[c] | \"sort\"
		}
	" num raw.law >actual &&
	test_cmp expect actual &&
	# the lines that name a key twice are the same ones
	awk -F"\t" "/^[MTNP]/ { print \$1 FS \$2 }" brute | sort >expect &&
	casg-diff-tree --diff-filter=MTNP --name-status "$1" "$2" | sort >actual &&
	test_cmp expect actual
}

# check_back A B: the same in the long run, for what is checked the other way round
check_back () {
	test -z "${CASG_TEST_LONG-}" || check_law "$1" "$2"
}

# ---- one change of each kind

test_expect_success 'setup: one change of each kind' '
	cat >one.fa <<-\EOF &&
	>keep the same OX=9606
	ACDEFGHIKL
	>gone withdrawn OX=9606
	MKVLATMKVL
	>seq another sequence OX=9606
	MMMMMMMMMM
	>seqdesc another sequence and description
	LLLLLLLLLL
	>tax another taxon OX=9606
	KKKKKKKKKK
	>desc another description OX=9606
	VVVVVVVVVV
	>old.1 renamed OX=9606
	TTTTTTTTTT
	>layout only its case
	AAAAAAAAAA
	EOF
	cat >two.fa <<-\EOF &&
	>keep the same OX=9606
	ACDEFGHIKL
	>seq another sequence OX=9606
	MMMMMWMMMM
	>seqdesc also the description OX=1
	LLLLWLLLLL
	>tax another taxon, and more OX=562
	KKKKKKKKKK
	>desc another description, but the same taxon OX=9606
	VVVVVVVVVV
	>new.2 renamed, and described OX=9607
	TTTTTTTTTT
	>layout only its case
	AAAAAaaaaa
	>added is new OX=562
	GGGGGGGGGG
	EOF
	casg init -q repo &&
	cd repo &&
	casg import -q -d db ../one.fa && git tag one && test_tick &&
	plumb_import ../two.fa db && git tag two
'

cat >name-status <<EOF
A${TAB}added
N${TAB}desc
D${TAB}gone
P${TAB}layout
R${TAB}old.1${TAB}new.2
M${TAB}seq
M${TAB}seqdesc
T${TAB}tax
EOF

test_expect_success '--name-status: each record in its class, by key' '
	cd repo &&
	casg-diff-tree --name-status one two >actual &&
	test_cmp ../name-status actual &&
	casg-diff-tree --name-status two >actual &&
	test_cmp ../name-status actual &&
	casg-diff-tree --name-status one:db two:db >actual &&
	test_cmp ../name-status actual &&
	casg-diff-tree --name-status --database=db one two:db >actual &&
	test_cmp ../name-status actual
'

test_expect_success '--numstat: the law' '
	cd repo &&
	check_law one two &&
	check_back two one &&
	check_law one one &&
	cat >expect <<-EOF &&
	1${TAB}10${TAB}10${TAB}unchanged
	1${TAB}0${TAB}10${TAB}added
	1${TAB}10${TAB}0${TAB}withdrawn
	2${TAB}20${TAB}20${TAB}sequence
	1${TAB}10${TAB}10${TAB}taxon
	1${TAB}10${TAB}10${TAB}description
	1${TAB}10${TAB}10${TAB}id
	1${TAB}10${TAB}10${TAB}presentation
	EOF
	casg-diff-tree --numstat one two >actual &&
	test_cmp expect actual
'

test_expect_success '--raw: letter, the old fields, a line of the record stream' '
	cd repo &&
	casg-diff-tree one two >raw &&
	casg-diff-tree --raw one two >actual &&
	test_cmp raw actual &&
	awk -F"\t" "NF != 11" raw >bad &&
	test_must_be_empty bad &&
	# withdrawn ones are in the first version, all others in the second
	casg-ls-tree one: >one.rec &&
	casg-ls-tree two: >two.rec &&
	grep "^D" raw | cut -f6- | grep -F -x -f one.rec >found &&
	test_line_count = 1 found &&
	grep -v "^D" raw | cut -f6- | grep -F -x -f two.rec >found &&
	test_line_count = 7 found &&
	# the old fields are those of a line of the first
	awk -F"\t" "\$1 != \"A\" { print \$2, \$3, \$4, \$5 }" raw | sort >actual &&
	awk -F"\t" "!/^#casg/ && \$1 != \"keep\" { print \$1, \$2, \$3, \$4 }" one.rec | sort >expect &&
	test_cmp expect actual &&
	printf "A\t-\t-\t-\t-\n" >expect &&
	grep "^A" raw | cut -f1-5 >actual &&
	test_cmp expect actual
'

test_expect_success '-R is the other way round' '
	cd repo &&
	casg-diff-tree -R one two >actual &&
	casg-diff-tree two one >expect &&
	test_cmp expect actual &&
	test_grep "^D.*added" actual
'

test_expect_success '--name-only and --format' '
	cd repo &&
	casg-diff-tree --name-only one two >actual &&
	awk -F"\t" "{ print \$NF }" ../name-status >expect &&
	test_cmp expect actual &&
	casg-diff-tree --format="%(class)%09%%%(oldkey)>%(key)%20%(oldlength),%(length)" \
		--diff-filter=ADR one two >actual &&
	cat >expect <<-EOF &&
	added${TAB}%->added -,10
	withdrawn${TAB}%gone>gone 10,10
	id${TAB}%old.1>new.2 10,10
	EOF
	test_cmp expect actual &&
	casg-diff-tree --format="%(oldtaxon)>%(taxon):%(olddescription)>%(description)" \
		--diff-filter=T one two >actual &&
	echo "9606>562: another taxon OX=9606> another taxon, and more OX=562" >expect &&
	test_cmp expect actual &&
	casg-diff-tree --format="%(oldpresentation) %(presentation)" --diff-filter=P one two >actual &&
	echo "- c5.5" >expect &&
	test_cmp expect actual &&
	casg-diff-tree --format="%(oldid) %(id)" --diff-filter=M one two | head -n 1 >actual &&
	printf "%s %s\n" "$(printf MMMMMMMMMM | sha256sum | cut -c1-64)" \
		"$(printf MMMMMWMMMM | sha256sum | cut -c1-64)" >expect &&
	test_cmp expect actual
'

test_expect_success '--format=record and --fasta are the same records' '
	cd repo &&
	casg-diff-tree --format=record one two >rec &&
	sed 1d rec | cut -f1 >actual &&
	printf "%s\n" added desc layout new.2 seq seqdesc tax >expect &&
	test_cmp expect actual &&
	casg assemble <rec >from-rec.fa &&
	casg-diff-tree --fasta --diff-filter=AMTNRP one two >all.fa &&
	test_cmp from-rec.fa all.fa &&
	casg-diff-tree --fasta one two >new.fa &&
	cat >expect <<-\EOF &&
	>added is new OX=562
	GGGGGGGGGG
	>seq another sequence OX=9606
	MMMMMWMMMM
	>seqdesc also the description OX=1
	LLLLWLLLLL
	EOF
	test_cmp expect new.fa &&
	test_grep "^AAAAAaaaaa" all.fa
'

test_expect_success '-z: NUL ends lines, nothing is quoted' '
	cd repo &&
	casg-diff-tree -z one two >z &&
	tr "\0" "\n" <z >actual &&
	casg-diff-tree one two >expect &&
	test_cmp expect actual &&
	casg-diff-tree -z --format=record one two >rec.z &&
	casg assemble -z <rec.z >actual &&
	test_cmp all.fa actual &&
	casg-diff-tree -z --name-status one two | tr "\0" "\n" >actual &&
	test_cmp ../name-status actual
'

test_expect_success '--diff-filter: letters, lower-case letters, refusals' '
	cd repo &&
	casg-diff-tree --name-status --diff-filter=AD one two | cut -f1 >actual &&
	printf "A\nD\n" >expect &&
	test_cmp expect actual &&
	casg-diff-tree --name-status --diff-filter=ad one two >actual &&
	grep -v "^[AD]" ../name-status >expect &&
	test_cmp expect actual &&
	casg-diff-tree --name-status --diff-filter=ADa one two | cut -f1 >actual &&
	echo D >expect &&
	test_cmp expect actual &&
	test_expect_code 129 casg-diff-tree --diff-filter=X one two &&
	test_expect_code 129 casg-diff-tree --diff-filter="=" one two
'

test_expect_success '--exit-code and --quiet' '
	cd repo &&
	casg-diff-tree one two >out &&
	test_expect_code 1 casg-diff-tree --exit-code one two >out &&
	test -s out &&
	test_expect_code 1 casg-diff-tree --quiet one two >out &&
	test_must_be_empty out &&
	casg-diff-tree --quiet two two &&
	test_expect_code 0 casg-diff-tree --exit-code two two >out &&
	test_must_be_empty out &&
	test_expect_code 1 casg-diff-tree --quiet --diff-filter=P one two &&
	casg-diff-tree --fasta --diff-filter=A two >added.fa &&
	plumb_import added.fa few && git tag few &&
	casg-diff-tree --quiet --diff-filter=PTNRM --root few:few &&
	test_expect_code 1 casg-diff-tree --quiet --root few:few &&
	git reset -q --hard two
'

test_expect_success '--root: against nothing' '
	cd repo &&
	casg-diff-tree --root --name-status one >actual &&
	grep "^>" ../one.fa | sed "s/^>/A$TAB/; s/ .*//" | sort >expect &&
	test_cmp expect actual &&
	casg-diff-tree --root -R --name-status one | cut -f1 | sort -u >actual &&
	echo D >expect &&
	test_cmp expect actual &&
	casg-diff-tree --root --numstat one >num &&
	test_grep "^8	0	80	added" num &&
	test_expect_code 129 casg-diff-tree --root one two &&
	# without it, that there is no version before is an error
	test_expect_code 128 casg-diff-tree one 2>err &&
	test_grep "no database" err
'

test_expect_success 'what is not there, and wrong usage' '
	cd repo &&
	test_expect_code 128 casg-diff-tree one nope &&
	test_expect_code 128 casg-diff-tree one:nope two &&
	test_expect_code 129 casg-diff-tree &&
	test_expect_code 129 casg-diff-tree one two three &&
	test_expect_code 129 casg-diff-tree --raw --fasta one two &&
	test_expect_code 129 casg-diff-tree --format=nope one two &&
	test_expect_code 129 casg-diff-tree --format="%(nope)" one two &&
	test_expect_code 129 casg-diff-tree --format="%(key" one two &&
	test_expect_code 129 casg-diff-tree --format="%q" one two &&
	test_expect_code 129 casg-diff-tree --format="%(oldstatus)" one two
'

test_expect_success DEVFULL 'a full disk is noticed' '
	cd repo &&
	test_expect_code 128 casg-diff-tree one two >/dev/full
'

# ---- the file as a whole

test_expect_success '--summary and --stat' '
	cd repo &&
	casg-diff-tree --summary --stat one two >actual &&
	cat >expect <<-EOF &&
	        added |          1  +10
	    withdrawn |          1  -10
	     sequence |          2  +20  -20
	        taxon |          1
	  description |          1
	           id |          1
	 presentation |          1
	    unchanged |          1
	 8 records, 8 before
	EOF
	sed -n "1,9p" actual >stat &&
	test_cmp expect stat &&
	printf " from %s\n to %s\n" "$(git show one:db/VERSION | sha256sum | cut -c1-64)" \
		"$(git show two:db/VERSION | sha256sum | cut -c1-64)" >expect &&
	sed -n "10,11s/^\( [a-z]* [0-9a-f]*\) [0-9-]*T[0-9:]*Z\$/\1/p" actual >ids &&
	test_cmp expect ids &&
	test_line_count = 11 actual
'

test_expect_success 'order, width, line ends: no record changed, but the file did' '
	cd repo &&
	casg-gen --records 40 --length 200 --seed 2 >../g.fa &&
	casg-gen --records 40 --length 200 --seed 2 --width 80 >../w.fa &&
	casg-gen --records 40 --length 200 --seed 2 --crlf >../crlf.fa &&
	plumb_import ../g.fa g && git tag g &&
	plumb_import ../w.fa g && git tag w &&
	plumb_import ../crlf.fa g && git tag crlf &&
	casg ls-tree g:g >rec &&
	sed 1d rec | sort -r >sorted &&
	casg assemble <sorted >../sorted.fa &&
	plumb_import ../sorted.fa g && git tag sorted &&
	check_law g:g w:g && check_law g:g sorted:g && check_law g:g crlf:g &&
	casg-diff-tree g:g w:g >out &&
	test_must_be_empty out &&
	casg-diff-tree --summary g:g w:g >out &&
	test_grep "^ width 60 => 80\$" out &&
	casg-diff-tree --summary g:g crlf:g >out &&
	test_grep "^ eol lf => crlf\$" out &&
	casg-diff-tree --summary g:g sorted:g >out &&
	test_grep "^ order changed\$" out &&
	test_grep ! width out &&
	test_expect_code 1 casg-diff-tree --quiet g:g w:g &&
	test_expect_code 1 casg-diff-tree --exit-code --name-only g:g sorted:g >out &&
	test_must_be_empty out &&
	test_expect_code 0 casg-diff-tree --quiet --diff-filter=ADMTNRP g:g sorted:g
'

# ---- repeated keys and sequences

test_expect_success 'repeated keys: what is equal belongs together' '
	casg init -q rep &&
	cd rep &&
	printf ">k one\nAAAA\n>k two\nCCCC\n>k three\nGGGG\n>z\nTTTT\n" >a.fa &&
	# the first in the tree goes: all others move up
	plumb_import a.fa db && git tag a &&
	first=$(casg-ls-tree db | grep "^k" | sort -k2,2 | head -n 1 | sed "s/.*	 //") &&
	awk -v k="$first" "/^>/ { on = \$0 != \">k \" k } on" a.fa >b.fa &&
	test_line_count = 6 b.fa &&
	plumb_import b.fa db && git tag b &&
	casg-diff-tree --name-status a b >actual &&
	printf "D\tk\n" >expect &&
	test_cmp expect actual &&
	check_law a b &&
	printf ">k one\nAAAA\n>k four\nCCCC\n>k three\nGGTG\n>z\nTTTT\n>k two\nCCCC\n>k one\nAAAA\n" >c.fa &&
	plumb_import c.fa db && git tag c &&
	check_law c a && check_back a c && check_back b c
'

test_expect_success 'repeated sequences: ids are paired by description, then by key' '
	cd rep &&
	printf ">a1 x\nACGT\n>a2 same\nACGT\n>a3 kinase alpha\nACGT\n>a4 pump\nACGT\n" >d.fa &&
	printf ">b1 a pump\nACGT\n>b2 kinase alpha 2\nACGT\n>b3 same\nACGT\n" >e.fa &&
	plumb_import d.fa db && git tag d &&
	plumb_import e.fa db && git tag e &&
	casg-diff-tree --name-status d e >actual &&
	printf "D\ta1\nR\ta4\tb1\nR\ta3\tb2\nR\ta2\tb3\n" >expect &&
	test_cmp expect actual &&
	check_law d e && check_back e d
'

test_expect_success 'very many of one sequence' '
	cd rep &&
	awk "BEGIN { for (i = 1000; i < 1100; i++) print \">k\" i \" d\" i % 7 \"\\nACGT\" }" >f.fa &&
	awk "BEGIN { for (i = 2000; i < 2120; i++) print \">k\" i \" d\" i % 9 \"\\nACGT\" }" >g.fa &&
	plumb_import f.fa db && git tag f &&
	plumb_import g.fa db && git tag g &&
	check_law f g && check_back g f &&
	casg-diff-tree --numstat f g >num &&
	test_grep "^100	400	400	id\$" num &&
	casg-diff-tree --format="%(olddescription)>%(description)" --diff-filter=R f g >pairs &&
	# seven descriptions are in both, of 100 / 7 and of 120 / 9 records each
	awk -F">" "\$1 == \$2" pairs | sort | uniq -c | awk "{ n += \$1 } END { print n }" >same &&
	awk "BEGIN { for (i = 1000; i < 1100; i++) a[i % 7]++
		for (i = 2000; i < 2120; i++) b[i % 9]++
		for (d in a) n += a[d] < b[d] ? a[d] : b[d]
		print n }" >expect &&
	test_cmp expect same
'

test_expect_success 'every id changes, every description changes' '
	casg init -q all &&
	cd all &&
	casg-gen --type protein --records ${CASG_TEST_LONG:+3}800 --length 60 --seed 8 >a.fa &&
	sed "s/^>/>new_/" a.fa >b.fa &&
	sed "s/^>.*/& and so on/" a.fa >c.fa &&
	for v in a b c; do plumb_import $v.fa db && git tag $v || return 1; done &&
	casg-diff-tree --numstat a b >num &&
	test_grep "^$(grep -c "^>" a.fa)	.*	id\$" num &&
	casg-diff-tree --numstat a c >num &&
	test_grep "^$(grep -c "^>" a.fa)	.*	description\$" num &&
	check_law a b && check_back a c && check_law b c
'

# ---- random series

# scramble SEED FILE: all sorts of small edits to a FASTA file, some repeated
# keys, some lower case, some lines broken elsewhere
scramble () {
	awk -v seed="$1" '
		BEGIN { srand(seed) }
		/^>/ {
			skip = 0
			lower = 0
			r = int(rand() * 100)
			if (r == 0) skip = 1
			else if (r == 1) sub(/^>[^ ]*/, ">id" seed "_" NR)
			else if (r == 2) sub(/OX=[0-9]*/, "OX=" int(rand() * 1000))
			else if (r == 3) $0 = $0 " edited"
			else if (r == 4) { print; print "ACDEFGHIKLMNPQRSTVWY" int(rand() * 9) + 1; next }
			else if (r == 5) lower = 1
			else if (r == 6) sub(/^>[^ ]*/, ">repeated")
			else if (r == 7) lower = 2
			if (!skip) print
			next
		}
		skip { next }
		lower == 1 { print tolower($0); next }
		lower == 2 && length($0) > 10 { print substr($0, 1, 7); print substr($0, 8); lower = 0; next }
		{ print }
	' "$2" | sed "s/\([A-Z]\)[1-9]\$/\1/"
}

test_expect_success 'random series: all classes as found by brute force' '
	casg init -q series &&
	cd series &&
	casg-gen --type protein --records ${CASG_TEST_LONG:+1}500 --length 80 --family 0.3 --seed 11 >v0.fa &&
	plumb_import v0.fa db && git tag v0 &&
	for i in 1 2 3 4 5; do
		casg-gen --mutate v$((i - 1)).fa --add 1 --remove 1 --change 1 --describe 1 \
			--seed $i >half.fa &&
		scramble $i half.fa >v$i.fa &&
		casg import -q -d db v$i.fa && git tag v$i || return 1
	done &&
	for pair in "v0 v1" "v3 v4" "v5 v0" ${CASG_TEST_LONG:+"v1 v2" "v2 v3" "v4 v5" "v0 v5" "v4 v1"}; do
		check_law ${pair% *} ${pair#* } || return 1
	done &&
	# all classes came
	casg-diff-tree --numstat v5 v0 >num &&
	awk -F"\t" "!\$1" num >none &&
	test_must_be_empty none
'

test_expect_success 'little memory gives the same' '
	cd series &&
	casg-diff-tree v0 v5 >expect &&
	casg-diff-tree --memory=64m --threads=1 v0 v5 >actual &&
	test_cmp expect actual
'

test_expect_success 'added and changed records make the new version of the old one' '
	cd series &&
	casg-diff-tree --raw v3 v4 >raw &&
	casg-ls-tree v3: >v3.rec &&
	casg-ls-tree v4: | sed 1d | sort >expect &&
	# take away what is old, put in what is new
	awk -F"\t" "NR == FNR { if (\$1 != \"A\") gone[\$2, \$3]++; next }
		/^#casg/ || gone[\$1, \$2]-- > 0 { next } { print }" raw v3.rec >left &&
	{ cat left && awk -F"\t" -v OFS="\t" "\$1 != \"D\"" raw | cut -f6-; } | sort >actual &&
	test_cmp expect actual
'

test_expect_success 'the cost is that of the changes' '
	casg init -q cost &&
	cd cost &&
	casg-gen --type protein --records 5000 --length 20 --seed 4 >a.fa &&
	plumb_import a.fa db &&
	awk "/^>/ && ++n == 3000 { \$0 = \$0 \" changed\" } 1" a.fa >b.fa &&
	plumb_import b.fa db &&
	CASG_TRACE_PERF="$PWD/trace" casg-diff-tree --name-status HEAD >out &&
	test_line_count = 1 out &&
	nodes=$(sed -n "s/.*${TAB}nodes \([0-9]*\)\$/\1/p" trace) &&
	test "$nodes" -le 10
'

test_expect_success 'sequences stored twice: only what differs differs' '
	casg init -q left && (cd left && plumb_import ../series/v0.fa db) &&
	casg init -q right && (cd right && plumb_import ../series/v1.fa db) &&
	cd left &&
	git fetch -q ../right HEAD && git tag other FETCH_HEAD &&
	cp ../right/.git/casg/packs/* .git/casg/packs/ &&
	check_law HEAD other && check_back other HEAD &&
	casg-diff-tree --name-status HEAD other >actual &&
	(cd ../series && casg-diff-tree --name-status v0 v1) >expect &&
	test_cmp expect actual
'

test_expect_success 'damage: named, not passed over' '
	casg init -q damaged &&
	cd damaged &&
	plumb_import ../series/v0.fa db && git tag v0 &&
	ls .git/casg/packs/*.pack >packs.before &&
	casg import -q -d db ../series/v1.fa && git tag v1 &&
	casg-diff-tree v0 v1 >expect && test -s expect &&
	for pack in .git/casg/packs/*.pack; do
		grep -qxF "$pack" packs.before && continue
		size=$(wc -c <"$pack") &&
		cp "$pack" good &&
		flip_byte "$pack" $((size / 2)) &&
		test_expect_code 128 casg-diff-tree v0 v1 >out 2>err &&
		test_grep "^fatal: " err &&
		casg-diff-tree v0 v0 >out && test_must_be_empty out &&
		rm "$pack" "${pack%.pack}.idx" &&
		test_expect_code 128 casg-diff-tree v0 v1 >out 2>err &&
		cp good "$pack" && casg index-pack "$pack" >/dev/null || return 1
	done &&
	casg-diff-tree v0 v1 >actual && test_cmp expect actual
'

# ---- porcelain

test_expect_success 'casg diff: what it compares' '
	cd repo &&
	git reset -q --hard two &&
	for args in "" "one..two" "one...two" "one:db two" "@~.. -- db" "db" "--name-status one" \
		${CASG_TEST_LONG:+"one" "one two" "one.." "one:db" "one two:db" "one:db two:db" "one two -- db" \
		"-- db" "HEAD^ HEAD"}; do
		casg diff $args >actual &&
		test_cmp ../name-status actual || { echo "$args" && return 1; }
	done &&
	casg diff -R two one >actual &&
	test_cmp ../name-status actual &&
	casg diff one one >actual &&
	test_must_be_empty actual
'

test_expect_success 'casg diff: options reach casg-diff-tree' '
	cd repo &&
	for o in --summary --fasta --name-only -z "--raw --stat --diff-filter=A" "--format=%(key)" \
		"--numstat --threads=1 --memory=128m" \
		${CASG_TEST_LONG:+--raw --stat --numstat --format=record "--raw --diff-filter=A"}; do
		casg diff $o one two >actual &&
		test "$o" != -z || o="-z --name-status" &&
		casg-diff-tree $o one two >expect &&
		test_cmp_bin expect actual || { echo "$o" && return 1; }
	done &&
	test_expect_code 1 casg diff --exit-code one two >out &&
	test_expect_code 1 casg diff --quiet one two >out &&
	test_must_be_empty out
'

test_expect_success 'casg diff: databases that came or went, several, none' '
	cd repo &&
	casg diff one~1 one --name-status | cut -f1 | sort -u >actual &&
	echo A >expect &&
	test_cmp expect actual &&
	casg diff one one~1 | cut -f1 | sort -u >actual &&
	echo D >expect &&
	test_cmp expect actual &&
	test_expect_code 128 casg diff one~1 one~1 2>err &&
	test_grep "no database" err &&
	test_expect_code 128 casg diff one nope 2>err &&
	test_grep "no revision .nope" err &&
	test_expect_code 128 casg diff one two -- nope 2>err &&
	test_grep "no database .nope" err &&
	test_expect_code 128 casg diff g w 2>err &&
	test_grep "several databases.* db g" err &&
	casg diff --summary g w -- g >out &&
	test_grep "width 60 => 80" out &&
	casg diff g:g sorted:g >out &&
	test_must_be_empty out &&
	test_expect_code 129 casg diff one two three
'

test_done
