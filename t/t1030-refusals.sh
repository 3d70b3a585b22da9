#!/bin/sh
# What import refuses: with file, record and byte, status 128, and not one
# byte of the repository changed.

test_description='import refuses malformed input and leaves everything as it was'
. "$(dirname "$0")/test-lib.sh"

# snapshot: every folder, and every file with its digest.  Git refreshes the
# times in its index when asked for the status, so of that the content counts.
snapshot () {
	(
		cd repo &&
		find . -type d | sort &&
		find . -type f ! -path ./.git/index -exec sha256sum {} + | sort -k2 &&
		git ls-files -s &&
		git status --porcelain
	)
}

# into_repo ARG...: casg import in the repository, from here
into_repo () {
	CASG_DIR=repo casg import "$@"
}

# refused MESSAGE FILE...: casg-pack says exactly that and nothing changes; the
# first time in a test, in the long run always, import does, too
refused () {
	message=$1
	shift
	printf "fatal: %s\n" "$message" >expect &&
	if test -n "${CASG_TEST_LONG-}" || test "$test_count" != "$imported"; then
		imported=$test_count &&
		test_expect_code 128 into_repo --database=bad -- "$@" >out 2>err &&
		test_must_be_empty out &&
		{ grep -v "^warning: " err >actual || :; } &&
		test_cmp expect actual
	fi &&
	CASG_DIR=repo test_expect_code 128 casg-pack -q -- "$@" >out 2>actual &&
	test_cmp expect actual &&
	snapshot >after && test_cmp before after
}
imported=

# hashing finds the same fault
refused_everywhere () {
	refused "$@" &&
	shift &&
	test_expect_code 128 casg-hash-object -q -- "$@" >out 2>actual &&
	test_cmp expect actual
}

test_expect_success 'setup' '
	casg init -q repo &&
	casg-gen --seed 1 --records 50 --length 300 >good.fa &&
	into_repo -q good.fa &&
	snapshot >before &&
	test_grep "packs/pack-.*\.pack\$" before &&
	test_grep "good/VERSION" before
'

test_expect_success 'the snapshot notices' '
	snapshot >after && test_cmp before after &&
	: >repo/.git/casg/tmp/x &&
	snapshot >after && rm repo/.git/casg/tmp/x && ! cmp -s before after &&
	mkdir repo/.git/casg/state/x &&
	snapshot >after && rmdir repo/.git/casg/state/x && ! cmp -s before after &&
	snapshot >after && test_cmp before after
'

# ---- what is no FASTA

test_expect_success 'FASTQ' '
	printf "@r1\nACGT\n+\nIIII\n" >q.fq &&
	refused_everywhere "q.fq: record 1: byte offset 0: looks like FASTQ, not FASTA" q.fq &&
	printf "\n;c\n@r1\nACGT\n+\nIIII\n" >q.fq &&
	refused_everywhere "q.fq: record 1: byte offset 4: looks like FASTQ, not FASTA" q.fq &&
	gzip -c q.fq >q.gz &&
	refused_everywhere "q.gz: record 1: byte offset 4: looks like FASTQ, not FASTA" q.gz
'

test_expect_success 'text before the first record' '
	printf "ACGT\n>a\nACGT\n" >t.fa &&
	refused_everywhere "t.fa: record 1: byte offset 0: text before the first '\''>'\''" t.fa &&
	printf "\n \t;c\n>a\nACGT\n" >t.fa &&
	refused_everywhere "t.fa: record 1: byte offset 3: text before the first '\''>'\''" t.fa &&
	printf ";c\n  >a\nACGT\n" >t.fa &&
	refused_everywhere "t.fa: record 1: byte offset 5: text before the first '\''>'\''" t.fa &&
	printf "\357\273\277>a\nACGT\n" >t.fa &&
	refused_everywhere "t.fa: record 1: byte offset 0: text before the first '\''>'\''" t.fa &&
	printf "x" >t.fa &&
	refused_everywhere "t.fa: record 1: byte offset 0: text before the first '\''>'\''" t.fa
'

test_expect_success 'NUL, wherever it is' '
	printf ">a\nAC\\0GT\n" >n.fa &&
	refused_everywhere "n.fa: record 1: byte offset 5: byte 0x00 is not allowed in a sequence" n.fa &&
	printf ">a\nA\n>b\\0 c\nAC\n" >n.fa &&
	refused_everywhere "n.fa: record 2: byte offset 7: byte 0x00 is not allowed in a header" n.fa &&
	printf ">a\nA\n>b c\\0\nAC\n" >n.fa &&
	refused_everywhere "n.fa: record 2: byte offset 9: byte 0x00 is not allowed in a header" n.fa &&
	printf ">a\nA\n;x\\0\nAC\n" >n.fa &&
	refused_everywhere "n.fa: record 1: byte offset 7: byte 0x00 is not allowed in a comment line" n.fa &&
	printf ";x\\0\n>a\n" >n.fa &&
	refused_everywhere "n.fa: record 1: byte offset 2: byte 0x00 is not allowed in a comment line" n.fa &&
	printf "\n\\0\n>a\n" >n.fa &&
	refused_everywhere "n.fa: record 1: byte offset 1: byte 0x00 is not allowed in a text" n.fa &&
	printf ">a\nACGT\n\\0\\0\\0" >n.fa &&
	refused_everywhere "n.fa: record 1: byte offset 8: byte 0x00 is not allowed in a sequence" n.fa
'

test_expect_success 'every byte that no sequence may have, and no other' '
	i=0 &&
	while test $((i += 1)) -lt 256; do
		case $i in
		9 | 10 | 11 | 12 | 13 | 32) continue ;; # white space
		3[3-9] | [4-9][0-9] | 1[01][0-9] | 12[0-6]) continue ;; # residues
		esac
		printf ">x\nACGT\n>y\nAC\\$(printf "%03o" $i)GT\n" >b.fa &&
		hex=$(printf "%02x" $i) &&
		test_expect_code 128 casg-hash-object b.fa >out 2>err &&
		echo "fatal: b.fa: record 2: byte offset 13: byte 0x$hex is not allowed in a sequence" >expect &&
		test_cmp expect err || return 1
	done &&
	for hex in 01 1b 7f 80 c3 ff; do
		printf ">x\nACGT\n>y\nAC\\$(printf "%03o" 0x$hex)GT\n" >b.fa &&
		refused "b.fa: record 2: byte offset 13: byte 0x$hex is not allowed in a sequence" b.fa || return 1
	done
'

test_expect_success 'a bad byte anywhere in a line' '
	line=$(printf "%070d" 0 | tr 0 A) &&
	for i in 0 1 2 7 15 16 17 31 32 33 59 60 61 69; do
		{ printf ">a b\n%s\n" $line && head -c $i <good.fa | tr -c A A && printf "\200AAAA\n"; } >b.fa &&
		refused_everywhere "b.fa: record 1: byte offset $((76 + i)): byte 0x80 is not allowed in a sequence" b.fa || return 1
	done
'

test_expect_success 'keys and descriptions that are too long' '
	{ printf ">ok\nA\n>" && head -c 65536 /dev/zero | tr "\\0" k && printf "\nACGT\n"; } >k.fa &&
	refused_everywhere "k.fa: record 2: byte offset 7: a key is longer than 65535 bytes" k.fa &&
	{ printf ">ok\nA\n>k " && head -c 67108864 /dev/zero | tr "\\0" d && printf "\nACGT\n"; } >k.fa &&
	refused_everywhere "k.fa: record 2: byte offset 7: a description is longer than 67108864 bytes" k.fa &&
	{ printf ";" && head -c 67108864 /dev/zero | tr "\\0" d && printf "\n>k\nACGT\n"; } >k.fa &&
	refused_everywhere "k.fa: record 1: byte offset 0: the text before the first record is longer than 67108864 bytes" k.fa &&
	rm k.fa
'

test_expect_success 'records count through all files, bytes in each' '
	printf ">c\nAC\n>d\nA\200\n" >bad.fa &&
	gzip -c bad.fa >bad.gz &&
	casg-gen --seed 2 --records 2000 --length 1000 >big.fa &&
	printf ">1\nA\n>2\nA" >good.tail &&
	refused_everywhere "bad.fa: record 2003: byte offset 10: byte 0x80 is not allowed in a sequence" big.fa good.tail bad.fa &&
	refused_everywhere "bad.gz: record 2003: byte offset 10: byte 0x80 is not allowed in a sequence" big.fa good.tail bad.gz good.fa &&
	test_expect_code 128 into_repo -d bad good.fa - big.fa <bad.fa 2>err &&
	echo "fatal: standard input: record 52: byte offset 10: byte 0x80 is not allowed in a sequence" >expect &&
	test_cmp expect err &&
	snapshot >after && test_cmp before after
'

# ---- files that cannot be read, or hold nothing

test_expect_success 'no file, a folder, a folder on the way' '
	refused "cannot open '\''nope.fa'\'': No such file or directory" nope.fa &&
	refused "cannot open '\''nope.fa'\'': No such file or directory" good.fa nope.fa &&
	mkdir folder &&
	refused "cannot read '\''folder'\'': is a directory" folder &&
	refused "cannot open '\''good.fa/x'\'': Not a directory" good.fa/x &&
	test_expect_code 128 into_repo -d bad good.fa - - <bad.fa >out 2>err &&
	test_must_be_empty out &&
	snapshot >after && test_cmp before after
'

test_expect_success NOTROOT 'a file that may not be read' '
	cp good.fa secret.fa && chmod 0 secret.fa &&
	test_when_finished "rm -f secret.fa" &&
	refused "cannot open '\''secret.fa'\'': Permission denied" secret.fa
'

test_expect_success 'a layout that takes too long to describe' '
	{ printf ">a\nA\n" && head -c 23000000 /dev/zero | tr "\000" "\n" && printf ">b\nC\n"; } >blanks.fa &&
	test_expect_code 128 into_repo --database=bad blanks.fa 2>err &&
	test_grep "^fatal: blanks.fa: record 1: byte offset [0-9]*: the description of a record.s layout (case, line ends, comments) is longer than 67108864 bytes$" err &&
	rm blanks.fa
'

test_expect_success 'an empty file, alone or among others' '
	: >empty.fa &&
	refused "empty.fa: the file is empty (--allow-empty accepts that)" empty.fa &&
	refused "empty.fa: the file is empty (--allow-empty accepts that)" good.fa empty.fa big.fa &&
	gzip -c empty.fa >empty.gz &&
	refused "empty.gz: the file is empty (--allow-empty accepts that)" empty.gz good.fa &&
	refused "standard input: the file is empty (--allow-empty accepts that)" - </dev/null &&
	printf ";c\n\n" >comment.fa &&
	refused "comment.fa: no records in the input (--allow-empty accepts that)" comment.fa &&
	refused "no records in the input (--allow-empty accepts that)" comment.fa comment.fa
'

# ---- compressed input that is cut or damaged

# cut_short FORMAT FILE: files that are only its beginning are refused
cut_short () {
	size=$(wc -c <"$2") &&
	for n in 1 2 3 4 5 6 9 10 11 17 18 19 $((size / 3)) $((size / 2)) $((size - 40)) \
		$((size - 28)) $((size - 12)) $((size - 9)) $((size - 8)) $((size - 7)) \
		$((size - 4)) $((size - 2)) $((size - 1)); do
		head -c "$n" "$2" >"cut" &&
		CASG_DIR=repo test_expect_code 128 casg-pack cut >out 2>err &&
		test "$(wc -l <err)" = 1 &&
		test_grep "^fatal: cut: record [1-9][0-9]*: byte offset [0-9][0-9]*: " err &&
		{ test "$n" -lt 4 || test_grep ": truncated $1 " err; } || { echo "$n bytes" && return 1; }
	done &&
	test_expect_code 128 into_repo -d bad cut >out 2>actual &&
	test_must_be_empty out &&
	test_cmp err actual &&
	snapshot >after && test_cmp before after
}

test_expect_success 'setup of compressed files' '
	casg-gen --seed 3 --records 400 --length 400 >c.fa &&
	gzip -c c.fa >c.gz &&
	{ gzip -c good.fa && cat c.gz; } >members.gz
'

test_expect_success 'gzip, cut short' '
	cut_short gzip c.gz && cut_short gzip members.gz
'

test_expect_success BGZIP 'bgzip, cut short, also between blocks' '
	bgzip -c c.fa >c.bgz && cut_short "\(gzip\|bgzip\)" c.bgz &&
	size=$(wc -c <c.bgz) &&
	head -c $((size - 28)) c.bgz >cut &&
	n=$(wc -c <c.fa | tr -d " ") &&
	refused_everywhere "cut: record 400: byte offset $n: truncated bgzip file: no end-of-file block" cut
'

test_expect_success XZ 'xz, cut short' '
	xz -c c.fa >c.xz && cut_short xz c.xz
'

test_expect_success ZSTD 'zstd, cut short' '
	zstd -qc c.fa >c.zst && cut_short zstd c.zst
'

test_expect_success BZIP2 'bzip2, cut short' '
	bzip2 -c c.fa >c.bz2 && cut_short bzip2 c.bz2
'

test_expect_success 'how far a cut file could be read' '
	head -c 9000000 /dev/zero | tr "\\0" A | fold -w 80 >body &&
	{ cat c.fa && printf ">big\n" && cat body && printf "\n>last\nA\n"; } >far.fa &&
	gzip -c far.fa >far.gz &&
	head -c $(($(wc -c <far.gz) - 1)) far.gz >cut &&
	test_expect_code 128 into_repo -d bad cut >out 2>err &&
	test_grep "^fatal: cut: record 40[12]: byte offset [1-9][0-9]*: truncated gzip stream\$" err &&
	offset=$(sed "s/.*offset \([0-9]*\):.*/\1/" err) &&
	test $offset -gt 8000000 && test $offset -le $(wc -c <far.fa) &&
	snapshot >after && test_cmp before after &&
	rm body far.*
'

# damaged FILE: some bytes of it flipped, one at a time
damaged () {
	size=$(wc -c <"$1") &&
	for at in $((size / 4)) $((size / 2)) $((size * 3 / 4)) $((size - 5)); do
		cp "$1" flipped && flip_byte flipped $at &&
		CASG_DIR=repo test_expect_code 128 casg-pack flipped >out 2>err &&
		test "$(wc -l <err)" = 1 &&
		test_grep "^fatal: flipped: record [1-9][0-9]*: byte offset [0-9][0-9]*: " err ||
			{ echo "byte $at" && return 1; }
	done &&
	test_expect_code 128 into_repo -d bad flipped >out 2>actual &&
	test_must_be_empty out &&
	test_cmp err actual &&
	snapshot >after && test_cmp before after
}

test_expect_success 'gzip with a flipped byte' '
	damaged c.gz
'

test_expect_success XZ,BZIP2 'xz and bzip2 with a flipped byte' '
	damaged c.xz && damaged c.bz2
'

test_expect_success ZSTD 'zstd with a flipped byte' '
	zstd -qc --check c.fa >c.zst && damaged c.zst
'

test_expect_success 'something behind the last member' '
	{ cat c.gz && echo more; } >more.gz &&
	n=$(wc -c <c.fa | tr -d " ") &&
	refused_everywhere "more.gz: record 400: byte offset $n: corrupt gzip stream: trailing garbage" more.gz
'

test_expect_success 'a damaged file behind good ones' '
	head -c 5000 c.gz >cut &&
	test_expect_code 128 into_repo -d bad good.fa c.gz cut >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: cut: record 4[0-9][0-9]: byte offset [0-9]*: truncated gzip stream\$" err &&
	snapshot >after && test_cmp before after
'

# ---- half-way

test_expect_success 'after several packs are written they are all taken away' '
	git -C repo config casg.packSize 1m &&
	git -C repo config casg.chunkSize 64k &&
	snapshot >before &&
	casg-gen --seed 4 --records 40000 --length 300 --type protein >many.fa &&
	{ cat many.fa && printf ">last\nAC\200\n"; } >bad.fa &&
	mkdir seen &&
	test_expect_code 128 into_repo -d bad bad.fa >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: bad.fa: record 40001: byte offset [0-9]*: byte 0x80 is not allowed in a sequence\$" err &&
	snapshot >after && test_cmp before after
'

test_expect_success 'there really were several' '
	mkfifo fifo &&
	{ CASG_DIR=repo casg-pack - <fifo >lines 2>err & } && pid=$! &&
	exec 9>fifo &&
	cat many.fa >&9 &&
	several () { test $(ls repo/.git/casg/packs/*.pack | wc -l) -gt 4; } &&
	wait_for several &&
	printf "\200" >&9 &&
	exec 9>&- &&
	test_expect_code 128 wait $pid &&
	test_grep "^fatal: standard input: record 40000: " err &&
	snapshot >after && test_cmp before after
'

test_expect_success 'a later file fails: what an earlier one brought is gone' '
	test_expect_code 128 into_repo -d bad many.fa nope 2>err &&
	snapshot >after && test_cmp before after &&
	test_expect_code 128 into_repo -d good many.fa cut >out 2>err &&
	test_must_be_empty out &&
	snapshot >after && test_cmp before after
'

test_expect_success 'packs that were there before stay when the same are refused' '
	CASG_DIR=repo casg-pack --facts=facts many.fa >lines &&
	test_grep "^new 40000\$" facts &&
	test $(grep -c "^pack " facts) -gt 4 &&
	snapshot >before &&
	test_expect_code 128 into_repo -d bad bad.fa 2>err &&
	snapshot >after && test_cmp before after &&
	into_repo -q -d many many.fa &&
	CASG_DIR=repo casg export many >back && cmp many.fa back
'

test_expect_success 'after all that, everything still works' '
	CASG_DIR=repo casg export good >back && cmp good.fa back &&
	(cd repo && casg fsck --full) &&
	into_repo -q c.fa &&
	CASG_DIR=repo casg export c >back && cmp c.fa back
'

# ---- the command line

test_expect_success 'usage' '
	snapshot >before &&
	for args in "" "--frob good.fa" "--database" "-d x" "--threads=x good.fa" "--memory=1 good.fa" \
		"--database=a..b good.fa"; do
		test_expect_code 129 into_repo $args >out 2>err &&
		test_must_be_empty out || { echo "$args" && return 1; }
	done &&
	for args in "--sequence-time=yesterday good.fa" "--sequence-time=2024-13-01 good.fa"; do
		into_repo -d new $args >out 2>err
		case $? in
		128 | 129) ;;
		*) echo "$args" && return 1 ;;
		esac &&
		test_must_be_empty out || return 1
	done &&
	test_expect_code 129 into_repo --release "a
b" -d new good.fa &&
	snapshot >after && test_cmp before after
'

test_expect_success DEVFULL 'a full disk where the last line goes is said, and nothing is undone' '
	test_expect_code 128 into_repo -d full good.fa >/dev/full &&
	CASG_DIR=repo casg export full >back && cmp good.fa back
'

test_done
