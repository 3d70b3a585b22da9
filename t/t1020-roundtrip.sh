#!/bin/sh
# Whatever FASTA goes in comes back byte for byte, on every way there is.

test_description='import and export, the pipeline of plumbing, ls and assemble: the same bytes'
. "$(dirname "$0")/test-lib.sh"

ndb=0 allow=

# ids_of FILE: the sequence ids by other means; for small files.
ids_of () {
	rm -rf ids.d && mkdir ids.d &&
	awk '
		/^>/ { n++; seq[n] = ""; next }
		/^;/ { next }
		n { gsub(/[ \t\013\f\r]/, ""); seq[n] = seq[n] toupper($0) }
		END { for (i = 1; i <= n; i++) printf "%s", seq[i] >sprintf("ids.d/%06d", i) }
	' "$1" || return
	for rec in ids.d/*; do
		test ! -e "$rec" || sha256sum <"$rec" || return
	done | cut -c1-64
}

# pipes_back WANT FILE...: the bytes of WANT, from the FILEs, through plumbing;
# what is packed into "lines".
pipes_back () {
	want=$1
	shift
	casg-pack --quiet ${allow:+--allow-empty} -- "$@" >lines && casg-assemble <lines >back && cmp "$want" back &&
	casg-mktree <lines >roots &&
	casg-pack -z --quiet ${allow:+--allow-empty} -- "$@" >lines.z && casg-assemble -z <lines.z >back && cmp "$want" back &&
	casg-mktree -z <lines.z >roots.z && test_cmp roots roots.z
}

# version_back WANT: what pipes_back packed, from the version that its tree becomes.
version_back () {
	casg-write-version --sequence-time=2024-01-01 <roots >VERSION &&
	commit=$(casg-commit-tree -m x --database=db <VERSION) &&
	casg-ls-tree "$commit:db" >listed && casg-assemble <listed >back && cmp "$1" back
}

# comes_back WANT FILE...: on every way.
comes_back () {
	want=$1 ndb=$((ndb + 1)) db=rt/db$ndb
	shift
	casg import --quiet ${allow:+--allow-empty} --database=$db -- "$@" >out 2>err &&
	test_must_be_empty out &&
	test_must_be_empty err &&
	casg export $db >back && cmp "$want" back &&
	casg read-version $db >VERSION &&
	sed -n "/^records /p; /^order /p; /^presentation /p; /^count /p; /^residues /p" VERSION >expect &&
	sed -n "s/^source-sha256 //p" VERSION >id &&
	pipes_back "$want" "$@" && test_cmp expect roots &&
	sha256sum <"$want" | cut -c1-64 >sum && test_cmp sum id &&
	# what is listed goes back in as what was packed does
	casg ls $db >listed && casg ls -z $db >listed.z &&
	if cmp -s lines listed && cmp -s lines.z listed.z; then
		return
	fi &&
	casg assemble <listed >back && cmp "$want" back &&
	casg assemble -z <listed.z >back && cmp "$want" back &&
	casg-mktree <listed >roots && test_cmp expect roots &&
	casg-mktree -z <listed.z >roots && test_cmp expect roots
}

# try NAME FORMAT: a file that printf makes; its ids are recomputed, too.  Every
# eighth by porcelain.
try () {
	format=$2
	test_expect_success "$1" '
		printf "$format" >in.fa &&
		if test_every 8; then
			comes_back in.fa in.fa
		else
			pipes_back in.fa in.fa && version_back in.fa
		fi &&
		ids_of in.fa >expect &&
		grep -v "^#casg" lines | cut -f2 >actual &&
		test_cmp expect actual
	'
}

test_expect_success 'setup' '
	casg init --quiet .
'

# ---- line ends and widths

try 'one record' '>a one\nACGTACGT\n'
try 'two records' '>a one\nACGT\n>b two\nTTTT\n'
try 'CR LF' '>a one\r\nACGT\r\nAC\r\n>b\r\nTTTT\r\n'
try 'LF, then CR LF' '>a\nACGT\nACGT\n>b\r\nACGT\r\nAC\r\n'
try 'CR LF, then LF' '>a\r\nACGT\r\n>b\nACGT\nACGT\n'
try 'CR LF and LF in one record' '>a\r\nACGT\nACGT\r\nAC\n'
try 'CR alone' '>a\rb\nAC\rGT\n>b\r\r\nAC\r\r\n'
try 'CR CR LF behind every header' '>a x\r\r\nACGT\r\r\n>b y\r\r\nAC\r\r\n'
try 'CR at the very end' '>a\nACGT\r'
try 'a header that ends in CR and the file with it' '>a b\r'
try 'no last LF' '>a\nACGT'
try 'no last LF, CR LF' '>a\r\nACGT\r\nAC'
try 'no last LF behind a full line' '>a\nACGT\nACGT'
try 'no last LF behind a header' '>a\nACGT\n>b'
try 'no last LF behind a lone >' '>a\nACGT\n>'
try 'no last LF behind a comment' '>a\nACGT\n;end'
try 'no last LF behind blanks' '>a\nACGT\n  '
try 'only >' '>'
try 'only > and LF' '>\n'
try 'lines of 1' '>a\nA\nC\nG\nT\n>b\nG\nG\n'
try 'lines of 4 and of 3' '>a\nACGT\nACGT\nA\n>b\nACG\nTAC\nG\n'
try 'every line another length' '>a\nA\nCC\nGGG\nTTTT\n>b\nTTTT\nGGG\nCC\nA\n'
try 'the last line longer' '>a\nACGT\nACGTACGT\n>b\nACGT\nAC\n'
try 'a line longer than 60 alone' ">a\n$(printf '%070d' 0 | tr 0 A)\n>b\nACGT\n"
try 'wrapped at 60 and not wrapped' ">a\n$(printf '%060d' 0 | tr 0 A)\nC\n>b\n$(printf '%0100d' 0 | tr 0 G)\n"

# ---- what stands between

try 'blank lines before, between, inside, behind' '\n\n>a\n\nACGT\n\nAC\n\n\n>b\nACGT\n\n'
try 'blank lines of CR LF' '\r\n>a\r\n\r\nACGT\r\n\r\n>b\r\nA\r\n\r\n'
try 'lines of blanks' ' \n\t\n>a\n \nAC\n\t \t\nGT\n\v\f\n'
try 'blanks in lines' '>a\nACGT ACGT ACGT\nACGT ACGT\n>b\n ACGT\nACGT \n\tAC\tGT\t\n'
try 'numbers are residues as GenBank lines have them' '>a\n1 acgt acgt\n9 acgt\n'
try 'comments before' ';c1\n; c2\n\n;c3\n>a\nACGT\n'
try 'comments inside' '>a\n;c1\nACGT\n; >not a record\nACGT\n;c2\n'
try 'comments between and behind' '>a\nACGT\n;between\n>b\nAC\n;behind'
try 'a ; inside a line is a residue' '>a\nAC;GT\n>b\nA\n;x\n'
try 'an empty comment, and one of non-UTF-8' ';\n>a\n;\nA\n;\303\050\377\n'
try 'comments in an empty record' '>a\n;only\n>b\n\n;this\n\n'

# ---- residues

try 'lower case' '>a\nacgt\nacgt\n'
try 'soft-masked' '>a\nACGTacgtnnNNACGT\nacgtACGT\n>b\nAAAA\n>c\naAaAaA\n'
try 'case changes at line ends' '>a\nACGT\nacgt\nACGT\nacgt\n'
try 'lower case at the beginning only, at the end only' '>a\naCGT\n>b\nACGt\n'
try 'stars, gaps, dots' '>a\nMKV*\n>b\nAC--GT..AC\n>c\n*\n>d\n-\n>e\n.\n'
try 'U and O, IUPAC, protein letters' '>a\nMUOXBZJ\n>b\nACGTRYSWKMBDHVNU\n>c\nacgtryswkmbdhvnu\n'
try 'every residue there is, as one line' ">a\n!\"#\$%%&'()*+,-./0123456789:;<=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\\\]^_\`abcdefghijklmnopqrstuvwxyz{|}~\n"
try '@ and + begin lines' '>a\n@ACGT\n+\nIIII\n'
try 'letters that have no case stand in a mask' '>a\nac-gt*N*acg--T\n'
try 'empty sequences' '>a\n>b\n>c\nACGT\n>d\n\n>e'
try 'all are empty' '>a one\n>b two\n>c\n'
try '> with nothing behind it' '>\nACGT\n>\n>\nAC\n'
try '> and a blank' '> a\nACGT\n>\ta\nACGT\n>  \nA\n'

# ---- keys and descriptions

try 'a key twice, the same sequence' '>a\nACGT\n>a\nACGT\n>a\nACGT\n'
try 'a key twice, another sequence' '>a\nTTTT\n>a\nACGT\n>a\nGGGG\n>a\nACGT\n'
try 'a key twice, other description' '>a y\nACGT\n>a x\nACGT\n>a\nACGT\n>a x\nACGT\n'
try 'a key twice, other case of the same sequence' '>a\nacgt\n>a\nACGT\n>a\naCgT\n>a\nAC\nGT\n'
try 'keys out of order' '>z\nA\n>m\nC\n>a\nG\n>zz\nT\n>\nA\n'
try 'NCBI joins headers by \001' '>gi|1|x A\001gi|2|y B\001gi|3\nACGT\n>k\001l\nA\n'
try 'non-UTF-8 bytes' '>caf\351 \351\377\200\nACGT\n>\303\251 \302\240x\nA\n>\240\nC\n'
try 'control bytes and DEL' '>a\002\033\177 \001\002\003\004\005\006\007\010\016\037\177\nACGT\n'
try 'TAB, VT, FF end a key' '>a\tb\nA\n>a\vb\nA\n>a\fb\nA\n>a b\nA\n'
try 'blanks at the end of headers' '>a \nA\n>a  \nA\n>a\t\nA\n>a b \nA\n'
try 'quotes and backslashes' '>"a" "b"\nA\n>a\\b c\\d\nA\n>\\"x\\"\nA\n>a "\nA\n>"\nA\n>\\\nC\n'
try 'what quoting must tell apart' '>a \tb\nA\n>a \\tb\nC\n>a "\\t"b\nG\n'
try 'keys like those of the stream' '>#casg\nA\n>#casg width=3\nC\n>#casgx\ty\nG\n>-\nT\n>@\nA\n>>\nC\n>>b\nC\n>;\nG\n'
try 'keys like options and paths' '>-a\nA\n>--help\nC\n>../../x\nG\n>a/b\nT\n'

# ---- > inside a line is kept, with a warning

test_expect_success '> inside a line is a residue, and warned of once a record' '
	printf ">a\nAC>GT\n>b\nAC>>GT>\n" >first.fa &&
	printf ">c\nACGT>d\nAA>\n>e\nA\n" >second.fa &&
	cat first.fa second.fa >both.fa &&
	comes_back both.fa first.fa second.fa &&
	casg-pack first.fa second.fa >lines 2>err &&
	cat >expect <<-\EOT &&
	warning: first.fa: record 1: byte offset 5: '\''>'\'' inside a sequence line is kept as a residue
	warning: first.fa: record 2: byte offset 14: '\''>'\'' inside a sequence line is kept as a residue
	warning: second.fa: record 3: byte offset 7: '\''>'\'' inside a sequence line is kept as a residue
	EOT
	test_cmp expect err &&
	casg import --database warned first.fa >out 2>err &&
	sed 2q expect >two &&
	test_cmp two err &&
	test_grep "^warned: 2 records" out
'

test_expect_success '> and ; where a line would be broken, or begin' '
	A60=$(printf "%060d" 0 | tr 0 A) &&
	for c in ">" ";"; do
		printf ">a\n%s\n%s\nC\n>b\n%s%s%s\n>c\n %sA\n" \
			$A60 $A60 $A60 "$c" $A60 "$c" >in.fa &&
		comes_back in.fa in.fa || return 1
	done
'

test_expect_success 'a glued header of the next file is part of the sequence' '
	printf ">a\nACGT" >first.fa &&
	printf ">b\nTTTT" >second.fa &&
	cat first.fa second.fa >want &&
	comes_back want first.fa second.fa &&
	test_line_count = 3 lines &&
	casg read-version --field=count rt/db$ndb >out &&
	echo 1 >expect &&
	test_cmp expect out
'

# ---- files

test_expect_success 'several files are one text, wherever it is cut' '
	printf "\n;p\n>a one\r\nACgt\nAC\n>b\n\n>a\nTT  T\nT" >in.fa &&
	casg-pack in.fa >expect.lines &&
	size=$(wc -c <in.fa) &&
	i=0 &&
	while test $((i += 1)) -lt $size; do
		head -c $i in.fa >"part 1" &&
		tail -c +$((i + 1)) in.fa >"part 2" &&
		casg-pack "part 1" "part 2" >actual.lines &&
		test_cmp expect.lines actual.lines || return 1
	done &&
	split -b 5 in.fa piece. &&
	comes_back in.fa piece.*
'

test_expect_success 'file names with anything in them' '
	mkdir names &&
	printf ">a\nACGT\n" >"names/a b" &&
	printf ">b\nACGT\n" >"names/it'\''s" &&
	printf ">c\nACGT\n" >"names/q\"\$HOME\`x\`" &&
	printf ">d\nACGT\n" >"names/new
line" &&
	printf ">e\nACGT\n" >-dash &&
	printf ">f\nACGT\n" >"names/back\\slash" &&
	printf ">g\nACGT\n" >"names/percent%20" &&
	set -- "names/a b" "names/it'\''s" "names/q\"\$HOME\`x\`" "names/new
line" -dash "names/back\\slash" "names/percent%20" &&
	cat -- "$@" >want &&
	comes_back want "$@" &&
	casg read-version --field=source rt/db$ndb >out &&
	test_line_count = 7 out &&
	sed 3q out >actual &&
	printf "%s\n" "a b" "it'\''s" "q\"\$HOME\`x\`" >expect &&
	test_cmp expect actual
'

test_expect_success 'standard input, alone and between files' '
	printf ">a\nACGT\n" >one.fa &&
	printf ">b\nTTTT\n" >two.fa &&
	printf ">c\nGG" >three.fa &&
	cat one.fa two.fa three.fa >want &&
	casg import -q --database std1 - <want &&
	casg export std1 >back && cmp want back &&
	casg import -q --database std2 one.fa - three.fa <two.fa &&
	casg export std2 >back && cmp want back &&
	cat want | casg-pack >lines && casg-assemble <lines >back && cmp want back &&
	casg-pack one.fa - three.fa <two.fa >lines && casg-assemble <lines >back && cmp want back
'

test_expect_success 'standard input is not read when it is not asked for' '
	printf "rest" >stdin &&
	{ casg import -q --database std3 one.fa && cat; } <stdin >out &&
	echo "rest" | tr -d "\n" >expect &&
	cmp expect out
'

# ---- compressed

make_input () {
	casg-gen --seed 5 --records 300 --length 800 --family 0.3 >c.fa &&
	printf ">last\nACGTacgt" >>c.fa
}

test_expect_success 'gzip' '
	make_input &&
	gzip -c c.fa >c1 && comes_back c.fa c1
'

test_expect_success 'gzip members one after the other, of any size' '
	split -b 50000 c.fa m. &&
	for f in m.*; do gzip -c $f || return 1; done >c2 &&
	comes_back c.fa c2
'

test_expect_success BGZIP 'bgzip' '
	bgzip -c c.fa >c3 && comes_back c.fa c3
'

test_expect_success XZ 'xz' '
	xz -c c.fa >c4 && comes_back c.fa c4
'

test_expect_success ZSTD 'zstd' '
	zstd -qc c.fa >c5 && comes_back c.fa c5
'

test_expect_success BZIP2 'bzip2' '
	bzip2 -c c.fa >c6 && comes_back c.fa c6
'

test_expect_success XZ,ZSTD,BZIP2 'plain and compressed files in one command' '
	{ cat one.fa && gzip -dc c1 && echo && cat c.fa && cat two.fa; } >want &&
	echo >lf &&
	comes_back want one.fa c1 lf c5 two.fa &&
	comes_back want one.fa c4 lf c6 two.fa
'

test_expect_success 'the name says nothing about the format' '
	cp c1 plain.fa && cp c.fa lies.gz &&
	comes_back c.fa plain.fa &&
	comes_back c.fa lies.gz
'

test_expect_success 'all of them have the same roots' '
	casg-pack c.fa >lines && casg-mktree <lines >expect &&
	for f in c[1-6]; do
		casg-pack $f >lines && casg-mktree <lines >roots &&
		test_cmp expect roots || return 1
	done
'

# ---- nothing

test_expect_success 'no records: --allow-empty' '
	allow=1 &&
	: >in.fa && comes_back in.fa in.fa &&
	gzip -c in.fa >in.gz && comes_back in.fa in.gz &&
	printf "\n" >in.fa && comes_back in.fa in.fa &&
	printf ";c" >in.fa && comes_back in.fa in.fa &&
	printf ";only\n\r\n;comments\n" >in.fa && comes_back in.fa in.fa &&
	printf " " >in.fa && comes_back in.fa in.fa &&
	cat one.fa >want && : >none &&
	comes_back one.fa none one.fa none &&
	allow=
'

# ---- large

# text N CHARACTER
text () {
	head -c "$1" /dev/zero | tr "\\0" "$2"
}

test_expect_success 'headers of more than 4 KiB, and of 4 KiB to the byte' '
	for n in 4094 4095 4096 4097 5000; do
		printf ">a %s\nACGT\n" "$(text $n x)" || return 1
	done >in.fa &&
	comes_back in.fa in.fa
'

test_expect_success 'a description of more than 64 KiB, and of more than 1 MiB' '
	{
		printf ">a " && text 70000 d && printf "\nACGT\n>b\t" &&
		text 1200000 e && printf "\r\nACGT\n>c\nA\n"
	} >in.fa &&
	comes_back in.fa in.fa
'

test_expect_success 'a key of 65535 bytes, twice' '
	{
		printf ">" && text 65535 k && printf "\nACGT\n>" &&
		text 65535 k && printf " d\nTTTT\n>" && text 65534 k && printf "\n"
	} >in.fa &&
	comes_back in.fa in.fa
'

test_expect_success 'a presentation of more than 1 KiB' '
	{
		printf ">a\n" &&
		for i in 0 1 2 3 4 5 6 7 8 9; do
			text 100 "$i" | sed "s/./aC/g; s/.\{7\}/& /g" && echo || return 1
		done &&
		printf ">b\nACGT\n>c\n" && text 3000 t | fold -w 7 && printf "\n;x\n"
	} >in.fa &&
	comes_back in.fa in.fa &&
	test_grep "	@[0-9a-f]*	" lines
'

test_expect_success 'a prologue of more than 1 KiB, of just 1 KiB, of more than 1 MiB' '
	for n in 1020 1021 1022 1023 1024 1025 3000 1100000; do
		{ text $n "\\n" && printf ";%s\n>a\nACGT\n" "$n"; } >in.fa &&
		case $n in
		1020 | 1024 | 1100000) comes_back in.fa in.fa ;;
		*) pipes_back in.fa in.fa ;;
		esac || return 1
	done &&
	{ printf ";" && text 2000000 x; } >in.fa &&
	allow=1 &&
	comes_back in.fa in.fa &&
	allow=
'

test_expect_success 'what comes behind the first MiB is not like what came before' '
	{
		casg-gen --seed 1 --records 1500 --length 700 --width 70 &&
		casg-gen --seed 2 --records 50 --length 700 --width 80 --crlf &&
		printf ">x\nAC GT\n;c\n\nacgt"
	} >in.fa &&
	comes_back in.fa in.fa
'

test_expect_success 'a line of 5 MB, and a record begun in it' '
	casg-gen --seed 3 --records 1 --length 5000000 --width 0 >in.fa &&
	printf ">b\nACGT" >>in.fa &&
	comes_back in.fa in.fa
'

test_expect_success 'sequences of many pieces, wrapped' '
	casg-gen --seed 4 --records 3 --length 4000000 >in.fa &&
	comes_back in.fa in.fa
'

test_expect_success 'sequences of many pieces, soft-masked, with runs of N' '
	awk "
		/^>/ { print; next }
		NR % 11 == 3 { print tolower(\$0); next }
		NR % 1000 < 40 { gsub(/[ACGT]/, \"N\"); print; next }
		NR % 701 == 5 { print substr(\$0, 1, 17) tolower(substr(\$0, 18)); next }
		{ print }
	" in.fa >masked.fa &&
	comes_back masked.fa masked.fa &&
	cut -f1,2,3,6 lines | grep -v "^#" >masked.lines &&
	test_line_count = 3 masked.lines
'

test_expect_success 'a sequence of many pieces that is all the same' '
	{ printf ">n\n" && text 3000000 N | fold -w 60 && printf "\n>n2\n" && text 3000001 N; } >in.fa &&
	comes_back in.fa in.fa
'

test_expect_success 'a protein of many pieces' '
	casg-gen --seed 6 --type protein --records 2 --length 3000000 >in.fa &&
	comes_back in.fa in.fa
'

test_expect_success 'many records, few residues' '
	awk "BEGIN { for (i = 0; i < 30000; i++) print \">\" i % 9973 \" x\" i % 7 \"\\n\" substr(\"ACGTTGCAACGGT\", 1, i % 13) }" >in.fa &&
	comes_back in.fa in.fa
'

test_expect_success EXPENSIVE 'a line of 250 MB' '
	casg-gen --seed 7 --records 1 --length 250000000 --width 0 >in.fa &&
	comes_back in.fa in.fa
'

# ---- all that is there

test_expect_success 'everything above is still there, and nothing else' '
	ls .git/casg/tmp >out && test_must_be_empty out &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out &&
	casg fsck --full
'

test_done
