#!/bin/sh
# Every kind of damage is refused by name, and what is beside it is still read.

test_description='damaged packs and indexes'
. "$(dirname "$0")/test-lib.sh"

CASG_DIR=db/.git
export CASG_DIR
packs=db/.git/casg/packs

test_expect_success 'setup: small chunks, so that there are many' '
	git init -q db &&
	mkdir -p db/.git/casg/packs &&
	git -C db config casg.chunkSize 16k &&
	casg-gen --seed 1 --type protein --records 150 >in.fa &&
	casg-gen --seed 2 --type dna --records 20 --length 1000 >>in.fa &&
	{ echo ">long" && casg-gen --seed 3 --records 1 --length 100000 | sed 1d; } >>in.fa &&
	casg-pack --quiet in.fa >records &&
	casg-mktree <records >roots &&
	seqs=$(casg-ls-chunks --kind=sequences | cut -f6 | sort -u) &&
	nodes=$(casg-ls-chunks --kind=nodes | cut -f6 | sort -u) &&
	test $(casg-ls-chunks --kind=lists $seqs | wc -l) = 1 &&
	nchunks=$(($(casg-ls-chunks $seqs | wc -l))) &&
	test $nchunks -gt 6 &&
	chmod -R u+w $packs &&
	cp -r $packs good &&
	casg-verify-pack $seqs $nodes
'

restore () {
	cp -f good/* $packs/
}

# chunk_at PACK OFFSET: the number of the chunk there; nothing outside of chunks
chunk_at () {
	casg-ls-chunks -l "$1" |
	awk -F"\t" -v at="$2" '$8 <= at && at < $8 + $5 { print $7 }'
}

# fullest: the line of the chunk with the most sequences, into "line"
fullest () {
	casg-ls-chunks -l --kind=sequences "$seqs" | sort -t "$TAB" -k3,3nr | sed -n 1p >line
}

# some WORD...: every third of them, others every time; in the long run all
turn=0
some () {
	turn=$((turn + 1)) n=$turn
	for word in "$@"; do
		n=$((n + 1))
		test -z "${CASG_TEST_LONG-}" && test $((n % 3)) != 0 || printf "%s\n" "$word"
	done >chosen
	test -s chosen
}

size_of () {
	echo $(($(wc -c <"$1")))
}

# ---- packs

for kind in seqs nodes; do
	test_expect_success "$kind: a changed byte is found, and only its chunk is lost" '
		eval id=\$$kind &&
		pack=$packs/pack-$id.pack &&
		size=$(size_of $pack) &&
		casg-ls-chunks $id | cut -f1 >ids &&
		n=$(($(wc -l <ids))) &&
		step=$((size / ${CASG_TEST_LONG:+2}8)) && at=0 &&
		while test $at -lt $size; do
			restore && flip_byte $pack $at &&
			test_expect_code 1 casg-verify-pack $id >out 2>err &&
			test_must_be_empty out &&
			test_expect_code 1 casg-verify-pack --quick $id 2>err.quick &&
			number=$(chunk_at $id $at) &&
			casg-cat-chunk --batch-check <ids >answers 2>/dev/null
			status=$? &&
			if test -n "$number"; then
				test_grep "chunk $number at byte offset" err &&
				test_grep "chunk $number at byte offset" err.quick &&
				test $status = 128 &&
				test $(grep -c " damaged\$" answers) = 1 &&
				test_line_count = $n answers &&
				sed -n "$((number + 1))p" answers >line &&
				test_grep "^$(sed -n "$((number + 1))p" ids) damaged\$" line
			else
				test $status = 0 && test_grep "pack-$id.pack.: " err
			fi || { echo "byte $at" && cat err && return 1; }
			at=$((at + step))
		done &&
		restore
	'

	test_expect_success "$kind: each byte of header, first chunk header and trailer" '
		eval id=\$$kind &&
		pack=$packs/pack-$id.pack &&
		size=$(size_of $pack) &&
		some 0 3 7 8 9 12 15 16 17 18 19 20 22 24 30 32 34 39 40 47 \
			$((size - 1)) $((size - 8)) $((size - 9)) $((size - 16)) &&
		for at in $(cat chosen); do
			restore && flip_byte $pack $at &&
			test_expect_code 1 casg-verify-pack $id 2>err &&
			test_expect_code 1 casg-verify-pack --quick $id 2>err &&
			mv $packs/pack-$id.idx old.idx &&
			test_expect_code 128 casg-index-pack $pack >out 2>err &&
			test_must_be_empty out &&
			test_path_is_missing $packs/pack-$id.idx &&
			test_grep "^fatal: .*cannot be indexed" err ||
				{ echo "byte $at" && cat err && return 1; }
		done &&
		restore
	'

	test_expect_success "$kind: any length but the right one" '
		eval id=\$$kind &&
		pack=$packs/pack-$id.pack &&
		size=$(size_of $pack) &&
		some 0 1 8 15 16 17 31 32 47 48 49 100 1000 $((size / 2)) $((size - 100)) \
			$((size - 17)) $((size - 16)) $((size - 15)) $((size - 1)) &&
		for n in $(cat chosen); do
			restore && head -c $n good/pack-$id.pack >$pack &&
			test_expect_code 1 casg-verify-pack $id 2>err &&
			test_expect_code 128 casg-index-pack -o x.idx $pack 2>err &&
			test_expect_code 128 casg-index-pack --stdin <$pack 2>err &&
			test_path_is_missing x.idx || { echo "$n bytes" && cat err && return 1; }
		done &&
		find db/.git/casg/tmp -type f >left &&
		test_must_be_empty left &&
		restore && printf x >>$pack &&
		test_expect_code 1 casg-verify-pack $id 2>err &&
		test_expect_code 128 casg-index-pack --stdin <$pack 2>err &&
		restore && cat good/pack-$id.pack >>$pack &&
		test_expect_code 1 casg-verify-pack $id 2>err &&
		restore
	'
done

test_expect_success 'what is wrong is said exactly' '
	restore &&
	fullest &&
	offset=$(cut -f8 line) && members=$(cut -f3 line) && number=$(cut -f7 line) &&
	pack=$packs/pack-$seqs.pack &&
	flip_byte $pack $((offset + 40)) &&
	test_expect_code 1 casg-verify-pack $pack 2>err &&
	sum=$(sha256sum <$pack | cut -d" " -f1) &&
	cat >expect <<-END &&
	error: pack '\''$pack'\'': the SHA-256 of its bytes is $sum, not its name
	error: pack '\''$pack'\'', chunk $number at byte offset $offset ($members sequences): corrupt chunk: its checksum does not match
	END
	test_cmp expect err &&
	restore
'

test_expect_success 'the ids of what is lost, as far as known' '
	fullest &&
	casg-cat-chunk --list $(cut -f1 line) |
	sed "s/$TAB.*/${TAB}sequences${TAB}$(cut -f7 line)/" >expect &&
	flip_byte $packs/pack-$seqs.pack $(($(cut -f8 line) + 40)) &&
	test_expect_code 1 casg-verify-pack --objects $seqs >actual 2>err &&
	test_cmp expect actual &&
	rm -f db/.git/casg/index/*.objects &&
	test_expect_code 1 casg-verify-pack --objects $seqs >actual 2>err &&
	test_must_be_empty actual &&
	restore &&
	casg-ls-chunks -l --kind=nodes $nodes | sed -n 1p >line &&
	flip_byte $packs/pack-$nodes.pack $(($(cut -f8 line) + 40)) &&
	test_expect_code 1 casg-verify-pack --objects $nodes >actual 2>err &&
	test_line_count = $(cut -f3 line) actual &&
	restore
'

# cut_chunk FILE NUMBER: the chunk, by the list of the sequences pack
cut_chunk () {
	set -- "$1" "$(casg-ls-chunks -l "$seqs" | sed -n "$(($2 + 1))p")"
	tail -c +$(($(echo "$2" | cut -f8) + 1)) "$1" | head -c "$(echo "$2" | cut -f5)"
}

test_expect_success 'chunks that change places' '
	restore &&
	p=good/pack-$seqs.pack &&
	{
		head -c 16 $p && cut_chunk $p 1 && cut_chunk $p 0 &&
		tail -c +$(($(casg-ls-chunks -l $seqs | sed -n 3p | cut -f8) + 1)) $p
	} >spliced &&
	test $(size_of spliced) = $(size_of $p) &&
	cp spliced $packs/pack-$seqs.pack &&
	test_expect_code 1 casg-verify-pack $seqs 2>err &&
	test_grep "the SHA-256 of its bytes" err &&
	test_grep "index .* does not agree with its pack" err &&
	casg-ls-chunks $seqs | cut -f1 | sed -n "1p;2p" >two &&
	test_expect_code 128 casg-cat-chunk --batch-check <two >actual 2>err &&
	sed "s/\$/ damaged/" two >expect &&
	test_cmp expect actual &&
	casg-ls-chunks $seqs | cut -f1 | sed 1,2d >rest &&
	casg-cat-chunk --batch-check <rest >actual &&
	test_grep ! damaged actual &&
	restore
'

test_expect_success 'a chunk left out, and one twice, under another name' '
	p=good/pack-$seqs.pack &&
	{ head -c 16 $p && tail -c +$(($(casg-ls-chunks -l $seqs | sed -n 2p | cut -f8) + 1)) $p; } >less &&
	test_expect_code 128 casg-index-pack -o x.idx less 2>err &&
	test_grep "its trailer counts $nchunks chunks where there are $((nchunks - 1))" err &&
	{ head -c 16 $p && cut_chunk $p 0 && tail -c +17 $p; } >more &&
	test_expect_code 128 casg-index-pack -o x.idx more 2>err &&
	test_grep "its trailer counts $nchunks chunks where there are $((nchunks + 1))" err &&
	test_path_is_missing x.idx
'

test_expect_success 'a forged pack: right checksums, wrong content' '
	casg-ls-chunks -l --kind=sequences $seqs | sed -n 1p >line &&
	cp good/pack-$seqs.pack forged &&
	flip_byte forged $(($(cut -f8 line) + $(cut -f5 line) - 5)) &&
	casg-reseal pack forged &&
	cp forged $packs/pack-$seqs.pack &&
	test_expect_code 1 casg-verify-pack $seqs 2>err &&
	test_expect_code 1 casg-verify-pack --quick $seqs 2>err &&
	test_expect_code 128 casg-cat-chunk $(cut -f1 line) >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: pack .*, chunk 0: " err &&
	restore
'

test_expect_success 'an unknown version or kind is named, and is no damage' '
	printf "casgpack\003\000\000\000\000\000\000\000casgend\n\000\000\000\000\000\000\000\000" >v2 &&
	test_expect_code 128 casg-index-pack v2 2>err &&
	test_grep "unsupported pack version 3" err &&
	test_expect_code 128 casg-verify-pack v2 2>err &&
	test_grep "unsupported pack version 3" err &&
	cp good/pack-$seqs.pack kind &&
	printf "\011" | dd of=kind bs=1 seek=16 conv=notrunc 2>/dev/null &&
	casg-reseal pack kind &&
	test_expect_code 128 casg-index-pack -o x.idx kind 2>err &&
	test_grep "chunk 0 at byte offset 16 .*: unsupported chunk kind 9" err
'

# forge SEED: a pack of the fuzz seeds, with right checksums
forge () {
	tail -c +2 "$TEST_DIRECTORY/fuzz/seeds/pack/$1" >"$1.pack" &&
	casg-reseal pack "$1.pack"
}

test_expect_success 'a joined pack whose references reach into the next section' '
	forge sections &&
	casg-index-pack -o x.idx sections.pack >out &&
	rm x.idx &&
	for forged in section section-list; do
		forge bad-$forged &&
		test_expect_code 128 casg-index-pack -o x.idx bad-$forged.pack 2>err &&
		test_grep "chunk 1 at .*: .*a reference is beyond its section\$" err || return 1
		test_path_is_missing x.idx || return 1
	done
'

test_expect_success 'what came with version 2 in a pack of version 1' '
	forge bad-sections-1 &&
	test_expect_code 128 casg-index-pack -o x.idx bad-sections-1.pack 2>err &&
	test_grep "chunk 3 at .*: a pack of version 1 ends with its references" err &&
	casg init --quiet linked &&
	(
		cd linked && unset CASG_DIR &&
		casg-gen --seed 5 --type protein --records 300 >../jan.fa &&
		casg-gen --seed 6 --mutate ../jan.fa --change 1 >../feb.fa &&
		casg import --quiet --database db ../jan.fa &&
		casg import --quiet --database db ../feb.fa &&
		for pack in .git/casg/packs/*.pack; do
			casg-verify-pack -v $pack >list || return 1
			! cut -f3 list | grep -q "^linked" || cp $pack ../old || return 1
		done
	) &&
	chmod u+w old &&
	printf "\\001" | dd of=old bs=1 seek=8 conv=notrunc 2>/dev/null &&
	test_expect_code 128 casg-index-pack -o x.idx old 2>err &&
	test_grep "a pack of version 1 holds no linked nodes" err &&
	test_path_is_missing x.idx
'

# ---- indexes

test_expect_success 'a changed byte of an index is found, and stops nothing but its block' '
	for id in $seqs $nodes; do
		idx=$packs/pack-$id.idx &&
		size=$(size_of $idx) && turn=$((turn + 1)) && at=$((1 + turn * 70 % 633)) && step=633 &&
		{ test -z "${CASG_TEST_LONG-}" || { at=1 && step=211; }; } &&
		while test $at -lt $size; do
			restore && flip_byte $idx $at &&
			test_expect_code 1 casg-verify-pack $packs/pack-$id.pack 2>err &&
			test_expect_code 1 casg-verify-pack --quick $packs/pack-$id.pack 2>err &&
			test_grep "index .*pack-$id.idx" err &&
			casg-index-pack $packs/pack-$id.pack >out &&
			test_cmp_bin good/pack-$id.idx $idx || { echo "byte $at" && cat err && return 1; }
			at=$((at + step))
		done || return 1
	done
'

test_expect_success 'an index that is too short, too long, empty, or of another pack' '
	idx=$packs/pack-$seqs.idx &&
	size=$(size_of $idx) &&
	some 0 1 8 72 80 $((size / 2)) $((size - 72)) $((size - 8)) $((size - 1)) &&
	for n in $(cat chosen); do
		restore && head -c $n good/pack-$seqs.idx >$idx &&
		test_expect_code 1 casg-verify-pack $idx 2>err &&
		test_expect_code 128 casg-ls-chunks 2>err &&
		test_grep "casg index-pack rebuilds it" err || return 1
	done &&
	restore && cat good/pack-$seqs.idx good/pack-$seqs.idx >$idx &&
	test_expect_code 1 casg-verify-pack $idx 2>err &&
	restore && cp good/pack-$nodes.idx $idx &&
	test_expect_code 1 casg-verify-pack $idx 2>err &&
	test_expect_code 128 casg-ls-chunks 2>err &&
	test_grep "it is the index of another pack" err &&
	restore
'

test_expect_success 'a forged index: right checksums, wrong entries' '
	idx=$packs/pack-$seqs.idx &&
	# chunk 0 is described behind the header of 72 bytes: id, offset, length, ...
	n=$(casg-ls-chunks $seqs | awk -F"\t" "\$2 != \"refs\" { s += \$3 } END { print s }") &&
	bits=0 && while test $((n >> bits)) -gt 16; do bits=$((bits + 1)); done &&
	objects=$((72 + nchunks * (64 + 4) + ((1 << bits) + 1) * 4)) &&
	while read -r at where; do
		restore && flip_byte $idx $at && casg-reseal idx $idx &&
		test_expect_code 1 casg-verify-pack $packs/pack-$seqs.pack 2>err &&
		test_grep "index .*pack-$seqs.idx. does not agree with its pack: $where, byte offset $at\$" err ||
			{ echo "byte $at" && cat err && return 1; }
	done <<-END &&
	40 header
	72 chunks
	104 chunks
	112 chunks
	124 chunks
	$((72 + nchunks * 64)) chunks by id
	$((objects - 4)) buckets
	$objects objects
	$((objects + 4)) objects
	END
	restore &&
	id=$(casg-ls-chunks $seqs | sed -n 1p | cut -f1) &&
	flip_byte $idx 104 && casg-reseal idx $idx &&
	test_expect_code 128 casg-cat-chunk $id >out 2>err &&
	test_must_be_empty out &&
	restore &&
	flip_byte $idx 103 && casg-reseal idx $idx &&
	other=$(casg-ls-chunks $seqs | sed -n 1p | cut -f1) &&
	test $id != $other &&
	test_expect_code 128 casg-cat-chunk $other >out 2>err &&
	test_must_be_empty out &&
	test_grep "its content does not match its id" err &&
	restore
'

test_expect_success 'an index of a version that is not known' '
	restore &&
	printf "\005" | dd of=$packs/pack-$seqs.idx bs=1 seek=8 conv=notrunc 2>/dev/null &&
	casg-reseal idx $packs/pack-$seqs.idx &&
	test_expect_code 128 casg-verify-pack $packs/pack-$seqs.pack 2>err &&
	test_grep "unsupported pack index version 5" err &&
	restore
'

# ---- what damage does to readers

test_expect_success 'a leaf whose sequences are damaged is not settled' '
	casg-ls-chunks -l --kind=sequences $seqs | sed -n 1p >line &&
	flip_byte $packs/pack-$seqs.pack $(($(cut -f8 line) + 40)) &&
	test_expect_code 128 casg-verify-pack $nodes 2>err &&
	test_grep "what it refers to cannot be had" err &&
	test_grep "pack-$seqs.pack.*chunk 0" err &&
	test_expect_code 1 casg-verify-pack $nodes $seqs 2>err &&
	restore &&
	casg-verify-pack $nodes $seqs
'

test_done
