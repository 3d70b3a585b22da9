#!/bin/sh
# What the programs read: every compression, told by content; refusals by name.

test_description='compressed input, several files, truncation and damage'
. "$(dirname "$0")/test-lib.sh"

# The compressors that are here; gzip always is.
formats=gzip
for program in bgzip zstd xz bzip2; do
	if command -v "$program" >/dev/null; then
		formats="$formats $program"
	fi
done

# pack FORMAT|plain <TEXT >COMPRESSED
pack () {
	case $1 in
	zstd) zstd -q -c --check ;;
	plain) cat ;;
	*) "$1" -c ;;
	esac
}

test_expect_success 'setup' '
	casg-gen --seed 1 --records 200 >all.fa &&
	split -l 300 all.fa part. &&
	casg-hash-object all.fa >expect &&
	test_line_count = 200 expect &&
	for format in $formats; do
		pack $format <all.fa >all.$format || return 1
	done
'

for format in $formats; do
	test_expect_success "$format is read, from a file and a pipe" '
		casg-hash-object all.$format >actual &&
		test_cmp expect actual &&
		casg-hash-object - <all.$format >actual &&
		test_cmp expect actual &&
		cat all.$format | casg-hash-object >actual &&
		test_cmp expect actual
	'

	test_expect_success "$format is told by content, not by name" '
		cp all.$format plain.fa &&
		cp all.fa plain.gz &&
		casg-hash-object plain.fa >actual &&
		test_cmp expect actual &&
		casg-hash-object plain.gz >actual &&
		test_cmp expect actual
	'

	test_expect_success "$format: concatenated" '
		: >joined &&
		for part in part.*; do
			pack $format <$part >>joined || return 1
		done &&
		casg-hash-object joined >actual &&
		test_cmp expect actual
	'

	test_expect_success "$format of nothing has no records" '
		pack $format </dev/null >none &&
		casg-hash-object none >actual &&
		test_must_be_empty actual
	'

	test_expect_success "$format: cut short anywhere is refused by name" '
		size=$(wc -c <all.$format) &&
		for n in 1 2 3 5 9 10 11 17 18 19 27 40 100 1000 $((size / 3)) \
			$((size / 2)) $((size - 29)) $((size - 28)) $((size - 27)) \
			$((size - 12)) $((size - 9)) $((size - 8)) $((size - 7)) \
			$((size - 4)) $((size - 1)); do
			head -c $n all.$format >cut &&
			test_expect_code 128 casg-hash-object cut >out 2>err &&
			test_grep "^fatal: cut: " err ||
				{ echo "cut at $n of $size" && return 1; }
		done &&
		test_grep "^fatal: cut: record [1-9][0-9]*: byte offset [0-9][0-9]*: truncated $(echo $format | sed s/bgzip/gzip/) stream" err
	'

	test_expect_success "$format: damage is refused by name" '
		size=$(wc -c <all.$format) &&
		for n in $((size / 5)) $((size / 2)) $((size * 2 / 3)); do
			cp all.$format bad &&
			flip_byte bad $n &&
			test_expect_code 128 casg-hash-object bad >out 2>err &&
			test_grep "^fatal: bad: " err ||
				{ echo "byte $n of $size" && return 1; }
		done
	'

	test_expect_success "$format: garbage behind it is refused" '
		{ cat all.$format && echo some garbage behind it; } >bad &&
		test_expect_code 128 casg-hash-object bad >out 2>err &&
		test_grep "^fatal: bad: record [1-9][0-9]*: byte offset [1-9][0-9]*: corrupt .*trailing garbage" err
	'
done

test_expect_success 'gzip: zero padding is accepted' '
	{ cat all.gzip && head -c 512 /dev/zero; } >padded &&
	casg-hash-object padded >actual &&
	test_cmp expect actual
'

test_expect_success 'gzip: a header with a file name' '
	gzip -N -c all.fa >named &&
	casg-hash-object named >actual &&
	test_cmp expect actual &&
	head -c 12 named >cut &&
	test_expect_code 128 casg-hash-object cut 2>err &&
	test_grep "^fatal: cut: record [1-9][0-9]*: byte offset [0-9][0-9]*: truncated gzip stream" err
'

test_expect_success BGZIP 'bgzip: cut between two blocks shows by the missing last one' '
	size=$(wc -c <all.bgzip) &&
	head -c $((size - 28)) all.bgzip >cut &&
	test_expect_code 128 casg-hash-object cut 2>err &&
	test_grep "^fatal: cut: record [1-9][0-9]*: byte offset [0-9][0-9]*: truncated bgzip file: no end-of-file block" err
'

test_expect_success ZSTD 'zstd: a window that is too large is refused' '
	cat all.fa | zstd -q -1 --long=28 -c >wide &&
	test_expect_code 128 casg-hash-object wide 2>err &&
	test_grep "^fatal: wide: zstd stream needs a window of more than 128 MiB" err
'

test_expect_success 'several files are one text, whatever they are' '
	set -- part.* &&
	n=0 &&
	for part in part.*; do
		n=$((n + 1)) &&
		set -- $formats plain &&
		shift $((n % $#)) &&
		pack $1 <$part >mixed.$part || return 1
	done &&
	casg-hash-object mixed.* >actual &&
	test_cmp expect actual &&
	casg-hash-object mixed.part.aa - $(ls mixed.* | tail -n +3) <mixed.part.ab >actual &&
	test_cmp expect actual
'

test_expect_success 'more files than may be open' '
	n=0 &&
	while test $n -lt 100; do
		n=$((n + 1)) &&
		printf ">r%d\nACGT\n" $n >many.$n || return 1
	done &&
	(ulimit -n 32 && casg-hash-object many.*) >actual &&
	test_line_count = 100 actual
'

test_expect_success 'no bytes at all, and an empty file among others' '
	: >none &&
	casg-hash-object none >actual &&
	test_must_be_empty actual &&
	casg-hash-object none all.fa none >actual &&
	test_cmp expect actual
'

test_expect_success 'an error names file, record and offset in that file' '
	printf ">a\nAC\n>b\nGT\n" >one &&
	printf ">c\nA\001C\n" >two &&
	gzip -c two >two.gz &&
	test_expect_code 128 casg-hash-object one two 2>err &&
	test_grep "^fatal: two: record 3: byte offset 4: " err &&
	test_expect_code 128 casg-hash-object one two.gz 2>err &&
	test_grep "^fatal: two.gz: record 3: byte offset 4: " err &&
	test_expect_code 128 casg-hash-object one - <two.gz 2>err &&
	test_grep "^fatal: standard input: record 3: byte offset 4: " err
'

test_expect_success 'what cannot be read fails before anything is printed' '
	test_expect_code 128 casg-hash-object one nowhere >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: cannot open .nowhere.: " err &&
	mkdir -p folder &&
	test_expect_code 128 casg-hash-object one folder >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: cannot read .folder.: is a directory" err &&
	test_expect_code 128 casg-hash-object - one - </dev/null >out 2>err &&
	test_must_be_empty out
'

test_expect_success NOTROOT 'a file without permission' '
	printf ">a\nA\n" >secret &&
	chmod a-r secret &&
	test_expect_code 128 casg-hash-object one secret >out 2>err &&
	test_must_be_empty out &&
	test_grep "secret" err
'

test_expect_success 'a reader that stops early does not hang or complain' '
	casg-gen --seed 2 --records 20000 >large.fa &&
	gzip -1 -c large.fa >large.gz &&
	casg-hash-object large.gz 2>err | head -n 1 >actual &&
	test_line_count = 1 actual &&
	test_must_be_empty err
'

test_done
