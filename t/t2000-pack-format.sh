#!/bin/sh
# Packs and their indexes, looked at from outside.

test_description='index-pack, verify-pack, cat-chunk, ls-chunks, count-objects'
. "$(dirname "$0")/test-lib.sh"

packs=db/.git/casg/packs

# pack_with KIND: the id of the one pack that has such chunks
pack_with () {
	(cd db && casg-ls-chunks --kind="$1") | cut -f6 | sort -u
}

test_expect_success 'setup: two packs, one of sequences and one of nodes' '
	git init -q db &&
	mkdir -p db/.git/casg/packs &&
	casg-gen --seed 1 --type protein --records 3000 >p.fa &&
	casg-gen --seed 2 --type dna --records 200 --length 2000 >d.fa &&
	{ echo ">long" && casg-gen --seed 3 --records 1 --length 3000000 | sed 1d; } >l.fa &&
	(
		cd db &&
		casg-pack --quiet ../p.fa ../d.fa ../l.fa >../records &&
		casg-mktree <../records >../roots
	) &&
	ls $packs/*.pack >list &&
	test_line_count = 2 list &&
	seqs=$(pack_with sequences) &&
	nodes=$(pack_with nodes) &&
	mkdir keep &&
	cp $packs/*.idx keep/
'

# ---- index-pack

test_expect_success 'a pack is named by the SHA-256 of its bytes' '
	for f in $packs/*.pack; do
		id=$(sha256sum <"$f" | cut -d" " -f1) &&
		test "$(basename "$f")" = "pack-$id.pack" || return 1
	done
'

test_expect_success 'index-pack: all indexes are rebuilt as they were, in any order' '
	rm $packs/*.idx &&
	test_expect_code 128 env CASG_DIR=db/.git casg-ls-chunks 2>err &&
	test_grep "casg index-pack rebuilds it" err &&
	(cd db && casg-index-pack .git/casg/packs/*.pack) >ids &&
	(cd $packs && ls *.pack) | sed "s/pack-//; s/\.pack//" >expect &&
	sort ids >actual &&
	test_cmp expect actual &&
	for f in keep/*; do
		test_cmp_bin "$f" "$packs/${f#keep/}" || return 1
	done
'

test_expect_success 'index-pack: the same for any number of threads' '
	rm $packs/*.idx &&
	CASG_DIR=db/.git casg-index-pack --threads=4 $packs/*.pack >ids &&
	rm $packs/*.idx &&
	CASG_DIR=db/.git casg-index-pack --threads=1 $packs/*.pack >ids1 &&
	test_cmp ids ids1 &&
	for f in keep/*; do
		test_cmp_bin "$f" "$packs/${f#keep/}" || return 1
	done
'

test_expect_success 'index-pack: by pack id, by the name of the index, with -o' '
	rm $packs/pack-$seqs.idx &&
	(cd db && casg-index-pack $seqs) >actual &&
	echo $seqs >expect &&
	test_cmp expect actual &&
	(cd db && casg-index-pack -v .git/casg/packs/pack-$seqs.idx) >actual 2>err &&
	test_cmp expect actual &&
	test_grep "^pack-$seqs: [0-9]* chunks, [0-9]* objects, 0 nodes, [0-9]* bytes\$" err &&
	cp $packs/pack-$seqs.pack any.name &&
	casg-index-pack -o out.idx any.name >actual &&
	test_cmp expect actual &&
	test_cmp_bin keep/pack-$seqs.idx out.idx
'

test_expect_success 'index-pack: outside of a repository' '
	mkdir out &&
	cp $packs/pack-$seqs.pack out/ &&
	(cd out && casg-index-pack pack-*.pack) &&
	test_cmp_bin keep/pack-$seqs.idx out/pack-$seqs.idx &&
	cp $packs/pack-$nodes.pack out/ &&
	(cd out && casg-index-pack pack-*.pack) &&
	test_cmp_bin keep/pack-$nodes.idx out/pack-$nodes.idx
'

test_expect_success 'index-pack: what a pack refers to must be here' '
	mkdir alone &&
	cp $packs/pack-$nodes.pack alone/ &&
	test_expect_code 128 casg-index-pack alone/pack-*.pack >out.txt 2>err &&
	test_must_be_empty out.txt &&
	test_grep "refers to chunk [0-9a-f]*, which is in no pack here" err &&
	ls alone >left &&
	test_line_count = 1 left
'

test_expect_success 'index-pack --stdin: a pack comes into a repository' '
	git init -q other &&
	mkdir -p other/.git/casg/packs &&
	for id in $seqs $nodes; do
		(cd other && casg-index-pack --stdin) <$packs/pack-$id.pack >actual &&
		echo $id >expect &&
		test_cmp expect actual || return 1
	done &&
	diff -r $packs other/.git/casg/packs &&
	ls other/.git/casg/tmp >left &&
	test_must_be_empty left &&
	(cd other && casg-index-pack --stdin) <$packs/pack-$id.pack &&
	diff -r $packs other/.git/casg/packs
'

test_expect_success 'index-pack --stdin: order matters, and a refusal leaves nothing' '
	git init -q third &&
	mkdir -p third/.git/casg/packs &&
	test_expect_code 128 env CASG_DIR=third/.git casg-index-pack --stdin \
		<$packs/pack-$nodes.pack 2>err &&
	test_grep "which is in no pack here" err &&
	find third/.git/casg -type f >left &&
	test_must_be_empty left &&
	test_expect_code 128 casg-index-pack --stdin <$packs/pack-$seqs.pack 2>err &&
	test_grep "needs a casg repository" err
'

test_expect_success 'index-pack --index-version: older ones, and they are good' '
	for version in 1 2 3 4; do
		CASG_DIR=db/.git casg-index-pack --index-version=$version $packs/*.pack >/dev/null &&
		for idx in $packs/*.idx; do
			test "$(od -An -tu1 -j8 -N1 $idx | tr -d " ")" = $version || return 1
		done &&
		CASG_DIR=db/.git casg-verify-pack $packs/*.pack || return 1
	done &&
	for version in 0 5 11 "" x; do
		test_expect_code 129 casg-index-pack --index-version=$version $packs/*.pack 2>err ||
			return 1
	done &&
	for idx in keep/*.idx; do
		test_cmp_bin $idx $packs/${idx#keep/} || return 1
	done
'

test_expect_success 'index-pack: usage' '
	test_expect_code 129 casg-index-pack 2>err &&
	test_expect_code 129 casg-index-pack --stdin x 2>err &&
	test_expect_code 129 casg-index-pack -o x a b 2>err &&
	test_expect_code 129 casg-index-pack --threads=many a 2>err &&
	test_expect_code 128 casg-index-pack nowhere.pack 2>err &&
	test_grep "cannot open .nowhere.pack.: No such file" err
'

# ---- verify-pack

test_expect_success 'verify-pack: good packs, silently' '
	CASG_DIR=db/.git casg-verify-pack $packs/*.pack >out.txt 2>&1 &&
	test_must_be_empty out.txt &&
	CASG_DIR=db/.git casg-verify-pack --quick $packs/*.idx >out.txt 2>&1 &&
	test_must_be_empty out.txt &&
	(cd out && casg-verify-pack --threads=3 *.pack)
'

test_expect_success 'verify-pack -v: the chunks, as ls-chunks has them' '
	for id in $seqs $nodes; do
		(cd db && casg-verify-pack -v $id) >out.txt &&
		tail -n 1 out.txt >actual &&
		echo "$(cd db && pwd)/.git/casg/packs/pack-$id.pack: ok" >expect &&
		test_cmp expect actual &&
		sed "\$d" out.txt | awk -F"\t" -v id=$id -v OFS="\t" \
			"{ print \$8, \$2, \$4, \$5, \$6, id, \$1, \$7 }" >expect &&
		(cd db && casg-ls-chunks -l $id) >actual &&
		test_cmp expect actual || return 1
	done &&
	(cd db && casg-verify-pack -v --quick $id) >quick &&
	test_cmp out.txt quick
'

test_expect_success 'verify-pack --stat' '
	(cd db && casg-verify-pack --stat $seqs) >actual &&
	test_grep "^sequences: [0-9]* chunks, [0-9]* members, [0-9]* bytes, [0-9]* stored\$" actual &&
	test_grep ! nodes actual
'

test_expect_success 'verify-pack: what cannot be answered is 128' '
	test_expect_code 128 casg-verify-pack nowhere.pack 2>err &&
	test_grep "cannot open" err &&
	mkdir noidx &&
	cp $packs/pack-$seqs.pack noidx/ &&
	test_expect_code 128 casg-verify-pack noidx/*.pack 2>err &&
	test_grep "\.idx" err &&
	echo hello >text &&
	test_expect_code 128 casg-verify-pack text 2>err &&
	test_grep "it is not a casg pack" err &&
	cp keep/pack-$nodes.idx alone/ &&
	test_expect_code 128 casg-verify-pack alone/*.pack 2>err &&
	test_grep "which is in no pack here" err &&
	casg-verify-pack --quick alone/*.pack &&
	test_expect_code 129 casg-verify-pack
'

# ---- ls-chunks and cat-chunk

test_expect_success 'ls-chunks: a line a chunk, of all packs or of one' '
	(cd db && casg-ls-chunks) >all &&
	{
		(cd db && casg-ls-chunks $nodes) &&
		(cd db && casg-ls-chunks pack-$seqs.idx)
	} | sort >two &&
	sort all >sorted &&
	test_cmp sorted two &&
	awk -F"\t" "NF != 6" all >bad &&
	test_must_be_empty bad &&
	awk -F"\t" "\$2 == \"refs\"" all >refs &&
	(cd db && casg-ls-chunks --kind=refs) >actual &&
	test_cmp refs actual &&
	test_line_count = 2 refs &&
	(cd db && casg-ls-chunks -z) | tr "\0" "\n" >actual &&
	test_cmp all actual
'

test_expect_success 'ls-chunks: sizes add up to the files' '
	for f in $packs/*.pack; do
		id=$(basename "$f" .pack) && id=${id#pack-} &&
		stored=$(cd db && casg-ls-chunks $id | awk -F"\t" "{ s += \$5 } END { print s }") &&
		test $((stored + 32)) = $(wc -c <"$f") || return 1
	done
'

test_expect_success 'ls-chunks: refusals' '
	test_expect_code 128 env CASG_DIR=db/.git casg-ls-chunks hello 2>err &&
	test_grep "there is no commit yet" err &&
	test_expect_code 128 env CASG_DIR=db/.git casg-ls-chunks $(echo | sha256sum | cut -d" " -f1) 2>err &&
	test_grep "is not in this repository" err &&
	test_expect_code 129 env CASG_DIR=db/.git casg-ls-chunks --kind=frogs 2>err
'

test_expect_success 'ls-chunks: exactly what a version needs' '
	casg init -q versions &&
	(
		cd versions &&
		casg import -q --database d ../d.fa &&
		casg import -q --database p ../p.fa &&
		casg ls-chunks d >../of-d && casg ls-chunks p >../of-p &&
		casg ls-chunks d p | cut -f1 | sort -u >../both &&
		casg ls-chunks | grep -v "	refs	" | cut -f1 | sort -u >../all-ids &&
		test_cmp ../all-ids ../both &&
		casg ls-chunks d >../again && test_cmp ../of-d ../again &&
		test "$(casg ls-chunks --kind=sequences d | awk -F"	" "{ s += \$3 } END { print s }")" = \
			"$(casg hash-object ../d.fa | sort -u | wc -l)"
	)
'

test_expect_success 'cat-chunk --list: members are the sequences that were packed' '
	casg-hash-object d.fa p.fa | sort -u >expect &&
	(cd db && casg-ls-chunks --kind=sequences | cut -f1 | xargs casg-cat-chunk --list) |
	cut -f1 | sort -u >members &&
	comm -23 expect members >missing &&
	test_must_be_empty missing
'

test_expect_success 'cat-chunk: content, member by member' '
	chunk=$(cd db && casg-ls-chunks --kind=sequences | sed -n "1s/$TAB.*//p") &&
	(
		cd db &&
		casg-cat-chunk $chunk >../content &&
		casg-cat-chunk --list $chunk >../members &&
		echo sequences >../expect &&
		casg-cat-chunk -t $chunk >../actual &&
		casg-cat-chunk -s $chunk >../size &&
		casg-cat-chunk -e $chunk >../nothing
	) &&
	test_cmp expect actual &&
	test_must_be_empty nothing &&
	test $(cat size) = $(wc -c <content) &&
	test $(awk -F"\t" "{ s += \$2 } END { print s }" members) = $(cat size) &&
	for n in 0 1 2; do
		(cd db && casg-cat-chunk --member=$n $chunk) >one &&
		sed -n "$((n + 1))p" members >expect &&
		printf "%s\t%s\n" $(sha256sum <one | cut -d" " -f1) $(($(wc -c <one))) >actual &&
		test_cmp expect actual || return 1
	done &&
	test_expect_code 1 env CASG_DIR=db/.git casg-cat-chunk --member=1000000 $chunk 2>err &&
	test_grep "has no member 1000000" err
'

test_expect_success 'cat-chunk --raw: the bytes in the pack' '
	(cd db && casg-ls-chunks -l --kind=sequences) | sed -n 1p >line &&
	chunk=$(cut -f1 line) &&
	(cd db && casg-cat-chunk --raw $chunk) >actual &&
	tail -c +$(($(cut -f8 line) + 1)) $packs/pack-$(cut -f6 line).pack |
	head -c $(cut -f5 line) >expect &&
	test_cmp_bin expect actual
'

test_expect_success 'cat-chunk: a chunk that is not here is a no' '
	none=$(echo none | sha256sum | cut -d" " -f1) &&
	chunk=$(cd db && casg-ls-chunks | sed -n "1s/$TAB.*//p") &&
	test_expect_code 1 env CASG_DIR=db/.git casg-cat-chunk -e $none 2>err &&
	test_must_be_empty err &&
	test_expect_code 1 env CASG_DIR=db/.git casg-cat-chunk -t $none $chunk >actual 2>err &&
	test_line_count = 1 actual &&
	test_grep "chunk $none is in no pack here" err &&
	test_expect_code 1 env CASG_DIR=db/.git casg-cat-chunk hello 2>err &&
	test_grep "is not a chunk id" err
'

test_expect_success 'cat-chunk --batch: every request is answered, in order' '
	none=$(echo none | sha256sum | cut -d" " -f1) &&
	(cd db && casg-ls-chunks --kind=blobs) | cut -f1 >ids &&
	{ sed -n 1p ids && echo $none && echo "what is this" && sed -n 2p ids; } >requests &&
	for id in $(cat ids); do
		(cd db && casg-cat-chunk $id) >blob.$id || return 1
	done &&
	first=$(sed -n 1p ids) && second=$(sed -n 2p ids) &&
	{
		echo "$first blobs 1 $(($(wc -c <blob.$first)))" &&
		cat blob.$first && echo &&
		echo "$none missing" &&
		echo "what is this missing" &&
		echo "$second blobs 1 $(($(wc -c <blob.$second)))" &&
		cat blob.$second && echo
	} >expect &&
	(cd db && casg-cat-chunk --batch) <requests >actual &&
	test_cmp_bin expect actual &&
	(cd db && casg-cat-chunk --batch --buffer) <requests >actual &&
	test_cmp_bin expect actual &&
	grep -a "blobs 1\|missing" expect >checks &&
	(cd db && casg-cat-chunk --batch-check) <requests >actual &&
	test_cmp checks actual &&
	tr "\n" "\0" <requests >requests0 &&
	(cd db && casg-cat-chunk --batch-check -z) <requests0 | tr "\0" "\n" >actual &&
	test_cmp checks actual
'

test_expect_success 'cat-chunk --batch answers before it is asked again' '
	(cd db && casg-ls-chunks) | cut -f1 | head -n 2 >ids &&
	mkfifo ask answer &&
	{ (cd db && casg-cat-chunk --batch-check) <ask >answer & } &&
	exec 8>ask 9<answer &&
	while read -r id; do
		echo $id >&8 &&
		read -r got rest <&9 &&
		test "$got" = $id || return 1
	done <ids &&
	exec 8>&- 9<&- &&
	wait
'

test_expect_success 'cat-chunk: usage' '
	test_expect_code 129 casg-cat-chunk 2>err &&
	test_expect_code 129 casg-cat-chunk --batch x 2>err &&
	test_expect_code 129 casg-cat-chunk --batch --batch-check 2>err &&
	test_expect_code 129 casg-cat-chunk -t -s x 2>err &&
	test_expect_code 129 casg-cat-chunk --member=-1 x 2>err &&
	test_expect_code 129 casg-cat-chunk --buffer x 2>err
'

# ---- count-objects

test_expect_success 'count-objects agrees with ls-chunks and with the files' '
	(cd db && casg-count-objects -v) >counts 2>err &&
	test_must_be_empty err &&
	(cd db && casg-ls-chunks) >all &&
	kib () { cat "$@" | wc -c | awk "{ print int(\$1 / 1024) }"; } &&
	sum () { awk -F"\t" -v k=$1 -v f=$2 "\$2 == k { s += \$f } END { print s + 0 }" all; } &&
	{
		echo "packs: 2" &&
		echo "chunks: $(($(wc -l <all)))" &&
		echo "sequences: $(sum sequences 3)" &&
		echo "residues: $(sum sequences 4)" &&
		echo "lists: $(sum lists 3)" &&
		echo "nodes: $(sum nodes 3)" &&
		echo "blobs: $(sum blobs 3)" &&
		echo "orders: $(sum orders 3)" &&
		echo "refs: $(sum refs 3)" &&
		echo "size-packs: $(kib $packs/*.pack)" &&
		echo "size-indexes: $(kib $packs/*.idx)" &&
		echo "size-caches: $(find db/.git/casg/index -type f -exec cat {} + | kib)" &&
		echo "quarantined: 0" &&
		echo "size-quarantine: 0" &&
		echo "garbage: 0" &&
		echo "size-garbage: 0"
	} >expect &&
	test_cmp expect counts
'

test_expect_success 'count-objects: one line, and for people' '
	objects=$(awk "/^(sequences|lists|nodes|blobs):/ { s += \$2 } END { print s }" counts) &&
	kib=$(cat $packs/* | wc -c | awk "{ print int(\$1 / 1024) }") &&
	echo "$objects objects, $kib kilobytes" >expect &&
	(cd db && casg-count-objects) >actual &&
	test_cmp expect actual &&
	(cd db && casg-count-objects -H) >actual &&
	test_grep "^$objects objects, [0-9]*\.[0-9][0-9] [KM]iB\$" actual
'

test_expect_success 'count-objects -v: garbage' '
	test_when_finished "rm -f $packs/junk $packs/pack-1.pack db/.git/casg/tmp/pack-1.tmp" &&
	printf "%2000s" x >$packs/junk &&
	echo >$packs/pack-1.pack &&
	printf "%3000s" x >db/.git/casg/tmp/pack-1.tmp &&
	(cd db && casg-count-objects -v) >actual 2>err &&
	test_line_count = 3 err &&
	test_grep "^warning: garbage found: .*/packs/junk\$" err &&
	test_grep "^garbage: 3\$" actual &&
	test_grep "^size-garbage: 4\$" actual
'

test_expect_success 'count-objects: an empty repository' '
	git init -q empty &&
	mkdir -p empty/.git/casg/packs &&
	(cd empty && casg-count-objects) >actual &&
	echo "0 objects, 0 kilobytes" >expect &&
	test_cmp expect actual
'

test_expect_success DEVFULL 'a full disk is noticed' '
	chunk=$(cd db && casg-ls-chunks | sed -n "1s/$TAB.*//p") &&
	cd db &&
	test_expect_code 128 casg-ls-chunks >/dev/full &&
	test_expect_code 128 casg-count-objects >/dev/full &&
	test_expect_code 128 casg-cat-chunk $chunk >/dev/full &&
	test_expect_code 128 casg-verify-pack -v .git/casg/packs/*.pack >/dev/full
'

test_done
