#!/bin/sh
# casg-read-taxonomy: every form a taxonomy comes in, and every way in which one
# is none.

test_description='taxonomy dumps, archives and tables; refusals with file and line'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq PYTHON 'python3 -c "import sys, zipfile; sys.exit(sys.version_info < (3, 6))"'

test_lazy_prereq XZ 'command -v xz'
test_lazy_prereq ZSTD 'command -v zstd'
test_lazy_prereq BZIP2 'command -v bzip2'

# row FIELD...: a line of a dump
row () {
	printf '%s' "$1"
	shift
	test $# = 0 || printf '\t|\t%s' "$@"
	printf '\t|\n'
}

# small DIR: a dump that is good
small () {
	mkdir -p "$1" &&
	{
		row 1 1 'no rank' '' 8 0 && row 2 1 superkingdom XX 0 1 &&
		row 562 561 species EC 0 1 && row 561 2 genus '' 0 1
	} >"$1/nodes.dmp" &&
	{
		row 1 all '' synonym && row 1 root '' 'scientific name' &&
		row 2 Bacteria 'Bacteria <bacteria>' 'scientific name' &&
		row 2 eubacteria '' 'genbank common name' &&
		row 2 Monera 'Monera <Bacteria>' 'in-part' && row 2 Monera '' 'in-part' &&
		row 561 Escherichia '' 'scientific name' &&
		row 562 'E. coli' '' 'common name' &&
		row 562 'Escherichia coli' '' 'scientific name'
	} >"$1/names.dmp" &&
	{ row 662 562 && row 663 662; } >"$1/merged.dmp" &&
	{ row 7; } >"$1/delnodes.dmp"
}

# fields FILE...: key and description of what casg-read-taxonomy prints
fields () {
	casg-read-taxonomy -z "$@" >fields.z &&
	tr '\0' '\n' <fields.z | cut -f1,6-
}

test_expect_success 'a folder' '
	small dump &&
	cat >expect <<-\EOF &&
	1		node	1	no rank	|8|0	root		synonym	all	
	2		node	1	superkingdom	XX|0|1	Bacteria	Bacteria <bacteria>	genbank common name	eubacteria		in-part	Monera		in-part	Monera	Monera <Bacteria>
	561		node	2	genus	|0|1	Escherichia	
	562		node	561	species	EC|0|1	Escherichia coli		common name	E. coli	
	662		merged	562
	663		merged	662
	7		deleted
	EOF
	fields dump >actual &&
	test_cmp expect actual
'

test_expect_success 'the lines are a record stream' '
	casg-read-taxonomy dump >lines &&
	empty=$(printf "" | sha256sum | cut -d" " -f1) &&
	printf "7\t%s\t0\t-\t-\t\"\\\\tdeleted\"\n" $empty >expect &&
	tail -n 1 lines >actual &&
	test_cmp expect actual
'

test_expect_success '--facts' '
	casg-read-taxonomy --facts=facts dump >/dev/null &&
	cat >expect <<-EOF &&
	records 7
	taxa 4
	merged 2
	deleted 1
	names 9
	bytes-in $(cat dump/*.dmp | wc -c)
	source-sha256 $(cd dump && sha256sum delnodes.dmp merged.dmp names.dmp nodes.dmp | sha256sum | cut -d" " -f1)
	EOF
	test_cmp expect facts
'

test_expect_success 'the order of lines does not matter, nor a name that stands twice' '
	mkdir other &&
	for f in nodes merged delnodes; do
		sort -r dump/$f.dmp >other/$f.dmp || return 1
	done &&
	{ sort -r dump/names.dmp && row 1 all "" synonym; } >other/names.dmp &&
	casg-read-taxonomy other >actual &&
	test_cmp lines actual
'

test_expect_success 'TAB behind the last bar; CR LF' '
	for end in "\t" "\r" "\t\r"; do
		rm -rf other && mkdir other &&
		for f in dump/*.dmp; do
			sed "s/\$/$end/" $f >other/${f#dump/} || return 1
		done &&
		casg-read-taxonomy other >actual &&
		test_cmp lines actual || return 1
	done
'

test_expect_success 'merged.dmp and delnodes.dmp may be missing, nodes.dmp and names.dmp not' '
	rm -rf other && small other &&
	rm other/merged.dmp other/delnodes.dmp &&
	casg-read-taxonomy other >actual &&
	grep -v "[mdel]*ed\"\|merged" lines >expect &&
	test_cmp expect actual &&
	rm other/names.dmp &&
	test_expect_code 128 casg-read-taxonomy other >out 2>err &&
	test_grep "^fatal: other: there is no names.dmp\$" err &&
	test_expect_code 128 casg-read-taxonomy other/nodes.dmp >out 2>err &&
	test_grep "^fatal: there is no names.dmp among what was read\$" err &&
	small other && rm other/nodes.dmp &&
	test_expect_code 128 casg-read-taxonomy other >out 2>err &&
	test_grep "^fatal: other: there is no nodes.dmp\$" err &&
	test_must_be_empty out
'

test_expect_success 'the files by their names' '
	casg-read-taxonomy dump/names.dmp dump/delnodes.dmp dump/merged.dmp dump/nodes.dmp >actual &&
	test_cmp lines actual
'

# ---- compressed, archived

for program in gzip XZ:xz ZSTD:zstd BZIP2:bzip2; do
	case $program in
	*:*) test_have_prereq "${program%:*}" || continue ;;
	esac
	test_expect_success "a folder of files compressed by ${program#*:}" '
		suffix=$(echo ${program#*:} | sed "s/gzip/gz/; s/zstd/zst/; s/bzip2/bz2/") &&
		rm -rf other && mkdir other &&
		for f in dump/*.dmp; do
			${program#*:} -c <$f >other/${f#dump/}.$suffix || return 1
		done &&
		casg-read-taxonomy --facts=actual.facts other >actual &&
		test_cmp lines actual &&
		test_cmp facts actual.facts &&
		cp dump/names.dmp other &&
		test_expect_code 128 casg-read-taxonomy other 2>err &&
		test_grep "^fatal: other: there are two names.dmp" err
	'
done

test_expect_success 'a tar archive, plain and compressed, from a file and a pipe' '
	mkdir tarred && cp dump/*.dmp tarred &&
	echo "what it is" >tarred/readme.txt &&
	row 1 "cellular" >tarred/citations.dmp &&
	(cd tarred && tar cf ../all.tar citations.dmp delnodes.dmp readme.txt merged.dmp names.dmp nodes.dmp) &&
	tar cf folder.tar tarred &&
	gzip -c all.tar >all.tar.gz &&
	for archive in all.tar all.tar.gz folder.tar; do
		casg-read-taxonomy --facts=actual.facts $archive >actual &&
		test_cmp lines actual &&
		test_cmp facts actual.facts || return 1
	done &&
	cat all.tar.gz | casg-read-taxonomy - >actual &&
	test_cmp lines actual
'

test_expect_success 'other forms of tar' '
	for format in v7 oldgnu gnu ustar pax; do
		tar cf f.tar --format=$format tarred &&
		casg-read-taxonomy f.tar >actual &&
		test_cmp lines actual || return 1
	done &&
	long=$(printf "%0140d" 0) &&
	mkdir -p $long/$long && cp dump/* $long/$long &&
	for format in gnu pax; do
		tar cf f.tar --format=$format $long &&
		casg-read-taxonomy f.tar >actual &&
		test_cmp lines actual || return 1
	done
'

test_expect_success 'a tar archive without nodes.dmp, or without anything' '
	tar cf f.tar tarred/readme.txt &&
	test_expect_code 128 casg-read-taxonomy f.tar 2>err &&
	test_grep "^fatal: f.tar: there is no nodes.dmp in it\$" err &&
	tar cf f.tar tarred/nodes.dmp &&
	test_expect_code 128 casg-read-taxonomy f.tar 2>err &&
	test_grep "there is no names.dmp" err
'

test_expect_success 'a tar archive cut anywhere before its end' '
	size=$(wc -c <all.tar) &&
	end=$(((6 * 512) + $(for f in citations delnodes merged names nodes; do
		wc -c <tarred/$f.dmp
	done | awk "{ n += int((\$1 + 511) / 512) * 512 } END { print n + 512 }") + 1024)) &&
	test $end -le $size &&
	at=0 &&
	while test $at -lt $end; do
		head -c $at all.tar >cut.tar &&
		test_expect_code 128 casg-read-taxonomy cut.tar >out 2>err &&
		test_must_be_empty out || return 1
		at=$((at + 173))
	done &&
	for at in $((end - 1)) $((end - 512)) $((end - 1024)); do
		head -c $at all.tar >cut.tar &&
		test_expect_code 128 casg-read-taxonomy cut.tar >out 2>err &&
		test_must_be_empty out || return 1
	done &&
	head -c $end all.tar >cut.tar &&
	casg-read-taxonomy cut.tar >actual &&
	test_cmp lines actual &&
	{ cat all.tar && echo more; } >more.tar &&
	test_expect_code 128 casg-read-taxonomy more.tar >out 2>err &&
	test_grep "behind the end" err
'

test_expect_success 'a tar archive with a damaged header' '
	for at in 10 130 150; do
		cp all.tar bad.tar &&
		printf X | dd of=bad.tar bs=1 seek=$((1024 + at)) conv=notrunc 2>/dev/null &&
		test_expect_code 128 casg-read-taxonomy bad.tar >out 2>err &&
		test_must_be_empty out || return 1
	done
'

test_expect_success PYTHON 'zip archives: stored, deflated, written to a pipe' '
	cat >zips.py <<-\EOF &&
	import sys, zipfile
	def write(out, method):
	    with zipfile.ZipFile(out, "w", method) as z:
	        for n in ["citations", "delnodes", "merged", "names", "nodes"]:
	            z.write("tarred/%s.dmp" % n)
	        z.write("tarred/readme.txt", "readme.txt")
	        z.comment = b"a comment"
	write("stored.zip", zipfile.ZIP_STORED)
	write("deflated.zip", zipfile.ZIP_DEFLATED)
	class Pipe:
	    def __init__(self, f): self.f = f
	    def write(self, b): return self.f.write(b)
	    def flush(self): self.f.flush()
	with open("streamed.zip", "wb") as f:
	    write(Pipe(f), zipfile.ZIP_DEFLATED)
	EOF
	python3 zips.py &&
	for archive in stored deflated streamed; do
		casg-read-taxonomy --facts=actual.facts $archive.zip >actual &&
		test_cmp lines actual &&
		test_cmp facts actual.facts || return 1
	done &&
	cat deflated.zip | casg-read-taxonomy - >actual &&
	test_cmp lines actual
'

test_expect_success PYTHON 'a zip archive cut anywhere, or with more behind it' '
	for archive in deflated stored streamed; do
		size=$(wc -c <$archive.zip) &&
		at=0 &&
		while test $at -lt $size; do
			head -c $at $archive.zip >cut.zip &&
			test_expect_code 128 casg-read-taxonomy cut.zip >out 2>err &&
			test_must_be_empty out || return 1
			at=$((at + 97))
		done &&
		head -c $((size - 1)) $archive.zip >cut.zip &&
		test_expect_code 128 casg-read-taxonomy cut.zip >out 2>err &&
		test_must_be_empty out || return 1
	done &&
	{ cat deflated.zip && echo more; } >more.zip &&
	test_expect_code 128 casg-read-taxonomy more.zip 2>err &&
	test_grep "^fatal: more.zip: zip archive: byte offset [0-9]*: something stands behind the end" err
'

test_expect_success PYTHON 'a zip archive with a changed byte never gives other records' '
	cat >flips.py <<-\EOF &&
	import random, subprocess
	random.seed(1)
	good = open("lines", "rb").read()
	for name in ["deflated.zip", "stored.zip"]:
	    data = open(name, "rb").read()
	    for at in random.sample(range(len(data)), 30):
	        bad = bytearray(data)
	        bad[at] ^= 1 << random.randrange(8)
	        open("bad.zip", "wb").write(bytes(bad))
	        r = subprocess.run(["casg-read-taxonomy", "bad.zip"], stdout=subprocess.PIPE,
	                           stderr=subprocess.PIPE)
	        assert (r.returncode, r.stdout) in [(128, b""), (0, good)], (name, at)
	EOF
	python3 flips.py
'

test_expect_success PYTHON 'hostile zip archives' '
	cat >hostile.py <<-\EOF &&
	import struct, zipfile, io, zlib
	base = open("deflated.zip", "rb").read()
	def save(name, data): open(name + ".zip", "wb").write(bytes(data))
	# encrypted
	d = bytearray(base); d[6] |= 1; save("encrypted", d)
	# another method
	d = bytearray(base); first = d.index(b"PK\3\4", 4); d[first + 8] = 12; save("method", d)
	# sizes of zip64
	d = bytearray(base); d[18:22] = b"\xff" * 4; save("zip64", d)
	# a directory that names another file
	d = bytearray(base); at = d.index(b"PK\1\2"); at = d.index(b"names.dmp", at)
	d[at:at + 9] = b"nameX.dmp"; save("renamed", d)
	# a member that the directory does not know
	def one(name, data):
	    b = io.BytesIO()
	    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z: z.writestr(name, data)
	    return b.getvalue()
	extra = one("delnodes.dmp", b"9\t|\n"); extra = extra[:extra.index(b"PK\1\2")]
	save("hidden", extra + base)
	# far more than its size says
	c = zlib.compressobj(9, zlib.DEFLATED, -15)
	body = c.compress(b"0" * (64 << 20)) + c.flush()
	save("bomb", struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, 0, 8, 0, 0, 0, len(body), 10, 9, 0)
	     + b"nodes.dmp" + body)
	save("bomb-behind", struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, 8, 8, 0, 0, 0, 0, 0, 9, 0)
	     + b"nodes.dmp" + body)
	save("empty", b"PK\5\6" + bytes(18))
	EOF
	python3 hostile.py &&
	for name in encrypted method zip64 renamed hidden bomb bomb-behind empty; do
		test_expect_code 128 casg-read-taxonomy --memory=32m $name.zip >out 2>$name.err &&
		test_must_be_empty out || return 1
	done &&
	test_grep "encrypted, which is not supported" encrypted.err &&
	test_grep "neither stored nor deflated" method.err &&
	test_grep "this is a zip64 archive, which is not supported" zip64.err &&
	test_grep "the directory says something else" renamed.err &&
	test_grep "line 1: the line is longer than" bomb-behind.err &&
	test_grep "no nodes.dmp in it" empty.err
'

test_expect_success 'a damaged compressed file' '
	rm -rf other && small other &&
	gzip -c dump/nodes.dmp | head -c 40 >other/nodes.dmp.gz && rm other/nodes.dmp &&
	test_expect_code 128 casg-read-taxonomy other >out 2>err &&
	test_grep "^fatal: other/nodes.dmp.gz: truncated gzip stream" err &&
	test_must_be_empty out
'

# ---- refusals

# refuse FILE LINE WHAT: of the good dump with FILE replaced
refuse () {
	rm -rf bad && small bad &&
	cat >"bad/$1" &&
	test_expect_code 128 casg-read-taxonomy bad >out 2>err &&
	test_must_be_empty out &&
	printf 'fatal: bad/%s: line %s: %s\n' "$1" "$2" "$3" >expect &&
	test_cmp expect err
}

# with FILE LINE...: the lines of a good dump and these behind them
with () {
	with_file=$1
	shift
	cat "dump/$with_file" && printf '%s\n' "$@"
}

test_expect_success 'ids twice' '
	with nodes.dmp "$(row 2 1 genus)" |
	refuse nodes.dmp 5 "the id '\''2'\'' stands in bad/nodes.dmp, line 2 already" &&
	with merged.dmp "$(row 561 2)" |
	refuse merged.dmp 3 "the id '\''561'\'' stands in bad/nodes.dmp, line 4 already" &&
	with merged.dmp "$(row 662 2)" |
	refuse merged.dmp 3 "the id '\''662'\'' stands in bad/merged.dmp, line 1 already" &&
	with delnodes.dmp "$(row 662)" |
	refuse delnodes.dmp 2 "the id '\''662'\'' stands in bad/merged.dmp, line 1 already" &&
	with delnodes.dmp "$(row 7)" |
	refuse delnodes.dmp 2 "the id '\''7'\'' stands in bad/delnodes.dmp, line 1 already"
'

test_expect_success 'parents that are not there' '
	with nodes.dmp "$(row 9 99 genus)" |
	refuse nodes.dmp 5 "'\''9'\'' has a parent that is not there, '\''99'\''" &&
	with nodes.dmp "$(row 9 662 genus)" |
	refuse nodes.dmp 5 "'\''9'\'' has a parent that is no taxon any more, '\''662'\''" &&
	with nodes.dmp "$(row 9 "" genus)" |
	refuse nodes.dmp 5 "the parent is empty (the root names itself)"
'

test_expect_success 'circles, no root, two roots' '
	with nodes.dmp "$(row 9 10 genus)" "$(row 10 9 genus)" |
	refuse nodes.dmp 5 "'\''9'\'' is among its own ancestors" &&
	with nodes.dmp "$(row 8 9 genus)" "$(row 9 10 genus)" "$(row 10 9 genus)" |
	refuse nodes.dmp 6 "'\''9'\'' is among its own ancestors" &&
	{ row 1 562 "no rank" && sed 1d dump/nodes.dmp; } |
	refuse nodes.dmp 1 "'\''1'\'' is among its own ancestors" &&
	with nodes.dmp "$(row 9 9 genus)" |
	refuse nodes.dmp 5 "'\''9'\'' is a second root (its own parent)"
'

test_expect_success 'merged into nothing, into a deleted id, in a circle' '
	with merged.dmp "$(row 664 99)" |
	refuse merged.dmp 3 "'\''664'\'' is merged into an id that is not there, '\''99'\''" &&
	with merged.dmp "$(row 664 7)" |
	refuse merged.dmp 3 "'\''664'\'' is merged into an id that is deleted, '\''7'\''" &&
	with merged.dmp "$(row 664 664)" |
	refuse merged.dmp 3 "'\''664'\'' is merged into itself" &&
	with merged.dmp "$(row 664 665)" "$(row 665 666)" "$(row 666 664)" |
	refuse merged.dmp 3 "'\''664'\'' is merged in a circle that ends in no taxon"
'

test_expect_success 'names' '
	with names.dmp "$(row 99 x "" synonym)" |
	refuse names.dmp 10 "a name of '\''99'\'', which is no taxon" &&
	with names.dmp "$(row 662 x "" synonym)" |
	refuse names.dmp 10 "a name of '\''662'\'', which is no taxon" &&
	with names.dmp "$(row 2 x "" "scientific name")" |
	refuse names.dmp 10 "a second scientific name of '\''2'\''" &&
	grep -v "Escherichia coli" dump/names.dmp >lacking &&
	rm -rf bad && small bad && cp lacking bad/names.dmp &&
	test_expect_code 128 casg-read-taxonomy bad >out 2>err &&
	test_grep "^fatal: bad/nodes.dmp: line 3: .562. has no scientific name\$" err &&
	with names.dmp "$(row 2 "" "" synonym)" | refuse names.dmp 10 "the name is empty" &&
	with names.dmp "$(row 2 x "" "")" | refuse names.dmp 10 "the class of the name is empty" &&
	with names.dmp "$(row "" x "" synonym)" | refuse names.dmp 10 "the id is empty"
'

test_expect_success 'malformed lines' '
	nodes="this is no line of nodes.dmp: not three or more fields, each ending in TAB and '\''|'\''" &&
	for line in "9" "9${TAB}|" "9${TAB}|${TAB}1${TAB}|" "9,1,genus" "9${TAB}1${TAB}genus" \
		"9${TAB}|${TAB}1${TAB}|${TAB}genus" "9${TAB}|${TAB}1${TAB}|${TAB}genus${TAB}|${TAB}x" \
		"9${TAB}|${TAB}1${TAB}|${TAB}ge${TAB}nus${TAB}|" "9${TAB}|1${TAB}|${TAB}genus${TAB}|"; do
		with nodes.dmp "$line" | refuse nodes.dmp 5 "$nodes" || return 1
	done &&
	with names.dmp "$(row 2 x synonym)" |
	refuse names.dmp 10 "this is no line of names.dmp: not four fields, each ending in TAB and '\''|'\''" &&
	with merged.dmp "$(row 2 3 4)" |
	refuse merged.dmp 3 "this is no line of merged.dmp: not two fields, each ending in TAB and '\''|'\''" &&
	with delnodes.dmp "$(row 2 3)" |
	refuse delnodes.dmp 2 "this is no line of delnodes.dmp: not one field, each ending in TAB and '\''|'\''" &&
	with nodes.dmp "" | refuse nodes.dmp 5 "the line is empty" &&
	{ cat dump/nodes.dmp && row 9 1 "ge${TAB}nus" | tr "\t" "\r"; } |
	refuse nodes.dmp 5 "a field holds CR or NUL" &&
	{ cat dump/nodes.dmp && row 9 1 genus | tr 9 "\0"; } |
	refuse nodes.dmp 5 "a field holds CR or NUL" &&
	row 9 1 genus | tr -d "\n" >tail && cat dump/nodes.dmp tail |
	refuse nodes.dmp 5 "the last line does not end, as if the file were cut"
'

test_expect_success 'the member is named in an archive' '
	rm -rf bad && small bad &&
	row 9 99 genus >>bad/nodes.dmp &&
	tar czf bad.tgz bad &&
	test_expect_code 128 casg-read-taxonomy bad.tgz >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: bad.tgz: nodes.dmp: line 5: .9. has a parent that is not there" err
'

test_expect_success 'other files' '
	for text in "" "hello" ">a
	ACGT"; do
		printf "%s\n" "$text" >odd &&
		test_expect_code 128 casg-read-taxonomy odd >out 2>err &&
		test_grep "^fatal: odd: it is no folder, file or archive" err || return 1
	done &&
	: >odd &&
	test_expect_code 128 casg-read-taxonomy odd >out 2>err &&
	test_expect_code 128 casg-read-taxonomy absent >out 2>err &&
	test_grep "cannot open .absent." err &&
	test_expect_code 129 casg-read-taxonomy >out 2>err &&
	test_expect_code 129 casg-read-taxonomy --ids=letters dump >out 2>err &&
	test_grep "wants .numbers. or .names." err
'

test_expect_success 'a long chain and a long circle' '
	mkdir -p chain &&
	awk "BEGIN { for (i = 1; i <= 60000; i++) printf \"%d\t|\t%d\t|\tr\t|\n\", i, i < 60000 ? i + 1 : i }" >chain/nodes.dmp &&
	awk "BEGIN { for (i = 1; i <= 60000; i++) printf \"%d\t|\tn%d\t|\t\t|\tscientific name\t|\n\", i, i }" >chain/names.dmp &&
	casg-read-taxonomy chain >out &&
	test_line_count = 60000 out &&
	sed "\$d" chain/nodes.dmp >t && row 60000 1 r >>t && mv t chain/nodes.dmp &&
	test_expect_code 128 casg-read-taxonomy chain >out 2>err &&
	test_grep "chain/nodes.dmp: line 1: .1. is among its own ancestors" err
'

test_expect_success '--memory' '
	test_expect_code 128 casg-read-taxonomy --memory=1m chain >out 2>err &&
	test_grep "line [0-9]*: the taxonomy needs more than the 1048576 bytes of memory that it may use" err &&
	test_must_be_empty out
'

# ---- ids

test_expect_success 'ids of every kind' '
	mkdir -p ids &&
	for id in 1 01 0 1000000000 1000000001 99999999999999999999 -5 x "a b" "a,b%" é 2 3; do
		row "$id" 1 r >>ids/nodes.dmp && row "$id" n "" "scientific name" >>ids/names.dmp || return 1
	done &&
	fields ids | cut -f1 >actual &&
	printf "%s\n" -5 0 01 1 1000000000 1000000001 2 3 99999999999999999999 "a%20b" "a%2Cb%25" x é >expect &&
	test_cmp expect actual
'

test_expect_success '--ids=names' '
	rm -rf other && small other && rm other/merged.dmp other/delnodes.dmp &&
	fields --ids=names other | cut -f1-5 >actual &&
	cat >expect <<-\EOF &&
	Bacteria		node	root	superkingdom
	Escherichia		node	Bacteria	genus
	Escherichia%20coli		node	Escherichia	species
	root		node	root	no rank
	EOF
	test_cmp expect actual &&
	test_expect_code 128 casg-read-taxonomy --ids=names dump >out 2>err &&
	test_grep "^fatal: dump/merged.dmp: line 1: there is no place for merged and deleted numbers" err &&
	row 9 1 genus >>other/nodes.dmp &&
	row 9 Bacteria "" "scientific name" >>other/names.dmp &&
	test_expect_code 128 casg-read-taxonomy --ids=names other >out 2>err &&
	test_grep "^fatal: other/names.dmp: line 10: the id .Bacteria. stands in other/names.dmp, line 3 already" err
'

# ---- tables

test_expect_success 'tables of lineages' '
	cat >bac.tsv <<-EOF &&
	RS_GCF_1.1${TAB}d__Bacteria;p__P;c__C;o__O;f__F;g__Escherichia;s__Escherichia coli
	GB_GCA_2.1${TAB}d__Bacteria;p__P;c__C;o__O;f__F;g__Escherichia;s__Escherichia fergusonii
	GB_GCA_3.1${TAB}d__Bacteria;p__P;c__C;o__O;f__F;g__;s__
	EOF
	echo "GB_GCA_4.1${TAB}d__Archaea;p__Q;c__R;o__S;f__T;g__U;s__U sp1" >ar.tsv &&
	fields bac.tsv ar.tsv >actual &&
	cat >expect <<-\EOF &&
	GB_GCA_2.1		node	s__Escherichia%20fergusonii	genome		GB_GCA_2.1	
	GB_GCA_3.1		node	f__F	genome		GB_GCA_3.1	
	GB_GCA_4.1		node	s__U%20sp1	genome		GB_GCA_4.1	
	RS_GCF_1.1		node	s__Escherichia%20coli	genome		RS_GCF_1.1	
	c__C		node	p__P	class		C	
	c__R		node	p__Q	class		R	
	d__Archaea		node	root	domain		Archaea	
	d__Bacteria		node	root	domain		Bacteria	
	f__F		node	o__O	family		F	
	f__T		node	o__S	family		T	
	g__Escherichia		node	f__F	genus		Escherichia	
	g__U		node	f__T	genus		U	
	o__O		node	c__C	order		O	
	o__S		node	c__R	order		S	
	p__P		node	d__Bacteria	phylum		P	
	p__Q		node	d__Archaea	phylum		Q	
	root		node	root	no rank		root	
	s__Escherichia%20coli		node	g__Escherichia	species		Escherichia coli	
	s__Escherichia%20fergusonii		node	g__Escherichia	species		Escherichia fergusonii	
	s__U%20sp1		node	g__U	species		U sp1	
	EOF
	test_cmp expect actual &&
	gzip -c bac.tsv >bac.tsv.gz &&
	fields ar.tsv bac.tsv.gz >actual &&
	test_cmp expect actual &&
	casg-read-taxonomy --facts=facts bac.tsv.gz >out &&
	test_grep "^source-sha256 $(sha256sum <bac.tsv | cut -d" " -f1)\$" facts
'

# refuse_table LINE WHAT <TABLE
refuse_table () {
	cat >bad.tsv &&
	test_expect_code 128 casg-read-taxonomy bad.tsv >out 2>err &&
	test_must_be_empty out &&
	printf 'fatal: bad.tsv: line %s: %s\n' "$1" "$2" >expect &&
	test_cmp expect err
}

test_expect_success 'lineages that are none' '
	bad="this is no genome, TAB and d__..;p__..;c__..;o__..;f__..;g__..;s__.." &&
	for line in "G" "${TAB}d__Bacteria;p__P;c__C;o__O;f__F;g__G;s__S" "G${TAB}d__Bacteria;p__P;c__C;o__O;f__F;g__G" \
		"G${TAB}d__Bacteria;p__P;c__C;o__O;f__F;s__S;g__G" "G${TAB}d__Bacteria;p__P;c__C;o__O;f__F;g__G;s__S;t__T" \
		"G${TAB}d__Bacteria;p__P;c__C;o__O;f__F;g__G;S" "G${TAB}d__Bacteria;p__P;c__C;o__O;f__F;g__G;s__S${TAB}x"; do
		{ cat bac.tsv && echo "$line"; } | refuse_table 4 "$bad" || return 1
	done &&
	{ cat bac.tsv && echo "GX${TAB}d__Bacteria;p__P2;c__C;o__O;f__F;g__G;s__S"; } |
	refuse_table 4 "'\''c__C'\'' lies in '\''p__P2'\'' here and in '\''p__P'\'' in bad.tsv, line 1" &&
	{ cat bac.tsv && sed -n 2p bac.tsv; } |
	refuse_table 4 "the id '\''GB_GCA_2.1'\'' stands in bad.tsv, line 2 already"
'

test_expect_success 'a table of taxa' '
	cat >table.tsv <<-EOF &&
	id${TAB}parent${TAB}rank${TAB}name${TAB}synonym${TAB}common name
	1${TAB}1${TAB}${TAB}root${TAB}${TAB}
	x y${TAB}1${TAB}genus${TAB}X${TAB}Y${TAB}the x
	EOF
	fields table.tsv >actual &&
	cat >expect <<-\EOF &&
	1		node	1			root	
	x%20y		node	1	genus		X		common name	the x		synonym	Y	
	EOF
	test_cmp expect actual &&
	sed "s/\$/\r/" table.tsv >crlf.tsv &&
	fields crlf.tsv >actual &&
	test_cmp expect actual
'

test_expect_success 'tables that are none' '
	head="id${TAB}parent${TAB}rank${TAB}name" &&
	printf "%s\n" "$head${TAB}" | refuse_table 1 "column 5 has no class of names" &&
	printf "%s\n" "$head${TAB}scientific name" | refuse_table 1 "column 5 has no class of names" &&
	printf "%s\n" "$head${TAB}a${TAB}a" | refuse_table 1 "two columns '\''a'\''" &&
	printf "%s\n" "$head" | refuse_table 1 "there are no taxa" &&
	{ cat table.tsv && echo "2${TAB}1${TAB}r${TAB}n"; } | refuse_table 4 "there are not 6 fields" &&
	{ cat table.tsv && echo "2${TAB}1${TAB}r${TAB}n${TAB}${TAB}${TAB}"; } |
	refuse_table 4 "there are not 6 fields" &&
	{ cat table.tsv && echo "2${TAB}1${TAB}r${TAB}${TAB}${TAB}"; } | refuse_table 4 "the name is empty" &&
	{ cat table.tsv && printf "2${TAB}1${TAB}r${TAB}n${TAB}${TAB}"; } |
	refuse_table 4 "the last line does not end, as if the file were cut"
'

# ---- into a tree

test_expect_success 'what it prints is what casg-mktree reads, and casg-ls-tree gives back' '
	casg init --quiet repo &&
	(
		cd repo &&
		printf ">\n" | casg-pack >/dev/null &&
		casg-read-taxonomy ../dump | casg-mktree >roots &&
		casg-read-taxonomy -z ../dump | casg-mktree -z >again &&
		test_cmp roots again &&
		grep "^count 7\$" roots &&
		sort -R ../lines | casg-mktree >again &&
		grep "^records" roots >expect &&
		grep "^records" again >actual &&
		test_cmp expect actual
	)
'

test_done
