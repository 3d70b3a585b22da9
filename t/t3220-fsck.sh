#!/bin/sh
# What fsck says of damage: which chunks, who else has them, which records of
# which versions; and what it does not say.

test_description='casg fsck, casg-check-tree, casg-verify-pack --damaged'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

# three versions of one database, sequences in several chunks and packs
test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 400 >p.1 &&
	casg-gen --seed 2 --mutate p.1 --add 5 --change 5 --remove 2 >p.2 &&
	casg-gen --seed 3 --mutate p.2 --add 5 --change 5 --remove 2 >p.3 &&
	casg-gen --seed 4 --records 3 --length 100000 --width 70 >other.1 &&
	casg init -q base && git -C base config casg.chunkSize 16k &&
	(
		cd base && for i in 1 2 3; do
			plumb_import ../p.$i p && git tag p$i || return 1
		done &&
		plumb_import ../other.1 other
	) &&
	chmod -R u+w base && cp p.3 p.fa
'

fresh () {
	rm -rf work && cp -pR base work && CASG_DIR=$PWD/work/.git && export CASG_DIR
}
packs=work/.git/casg/packs

# damage_chunk KIND COMMAND: a chunk of this kind that the version needs, the
# first by "sort COMMAND"; its line of casg-ls-chunks -l in "line"
damage_chunk () {
	casg-ls-chunks -l --kind="$1" "$2" | sort -t "$TAB" "$3" | sed -n 1p >line &&
	test -s line &&
	pack=$(cut -f6 line) && number=$(cut -f7 line) &&
	flip_byte "$packs/pack-$pack.pack" $(($(cut -f8 line) + 40))
}

# holds REV:DB: the keys whose sequences are members of the chunk in "line"
holds () {
	CASG_DIR=base/.git casg-cat-chunk --list "$(cut -f1 line)" | cut -f1 | sort -u >members &&
	CASG_DIR=base/.git casg-ls-tree "$1" |
	awk -F"\t" "NR == FNR { has[\$1] = 1; next } !/^#/ && \$2 in has { print \$1 }" members - | sort
}

test_expect_success 'a sequence chunk: it, its records, and no others, in every version' '
	fresh && damage_chunk sequences p1:p -k3,3nr &&
	test_expect_code 1 casg fsck >out 2>err &&
	test_grep "pack-$pack.pack., chunk $number at byte offset $(cut -f8 line)" err &&
	test_grep "^error: chunk $(cut -f1 line) (pack $pack, number $number, $(cut -f3 line) sequences): in no other pack\$" err &&
	for i in 1 2 3; do
		id=$(casg-read-version --id p$i:p) && short=$(echo $id | cut -c1-12) &&
		holds p$i:p >expect && test -s expect &&
		sed -n "s/^lost: p $short record \([^ ]*\): .*/\1/p" out | sort >actual &&
		test_cmp expect actual &&
		test_grep "^error: version $id of p (commit [0-9a-f]*): $(($(wc -l <expect))) records are lost\$" err || return 1
	done &&
	grep "^lost: " out | cut -d" " -f2 | sort -u >dbs && echo p >expect && test_cmp expect dbs &&
	test_expect_code 1 casg fsck --full >out.full 2>err.full &&
	grep "^lost" out >a && grep "^lost" out.full >b && test_cmp a b
'

test_expect_success 'all that is not named is read' '
	holds p3:p >lost &&
	CASG_DIR=base/.git casg-ls-tree p3:p | grep -v "^#" | cut -f1 | sort >keys &&
	comm -23 keys lost >good && test -s good &&
	casg cat p3:p $(cat good) >out && test $(grep -c "^>" out) = $(($(wc -l <good))) &&
	sed -n 1p lost >one && test_expect_code 128 casg cat p3:p $(cat one) &&
	casg-assemble -q other >back && cmp other.1 back
'

test_expect_success 'a copy in another pack: named, read from there, and nothing is lost' '
	fresh && casg-ls-chunks -l --kind=sequences p1:p | sort -t "$TAB" -k3,3nr | sed -n 1p >line &&
	pack=$(cut -f6 line) && number=$(cut -f7 line) && id=$(cut -f1 line) &&
	# the same pack with another chunk left out is another pack
	casg-gen --seed 4 --records 1 >more.fa &&
	rm -rf two && casg init -q two && git -C two config casg.chunkSize 16k &&
	cat p.1 more.fa >both.fa && CASG_DIR=two/.git casg-pack -q both.fa >records &&
	cp two/.git/casg/packs/* $packs/ &&
	casg-ls-chunks | awk -F"\t" -v id=$id "\$1 == id" >copies &&
	test_line_count = 2 copies &&
	other=$(cut -f6 copies | grep -v $pack) &&
	flip_byte $packs/pack-$pack.pack $(($(cut -f8 line) + 40)) &&
	test_expect_code 1 casg fsck >out 2>err &&
	test_grep "^error: chunk $id .*: also in pack $other\$" err &&
	test_grep ! "^lost" out && test_grep ! "are lost" err &&
	for i in 1 2 3; do
		casg-assemble -q p$i:p >back && cmp p.$i back || return 1
	done &&
	chmod u+w $packs/pack-$other.pack &&
	at=$(awk -F"\t" -v p=$other "\$6 == p" copies >l && casg-ls-chunks -l $other | grep ^$id | cut -f8) &&
	flip_byte $packs/pack-$other.pack $((at + 40)) &&
	test_expect_code 1 casg fsck >out 2>err &&
	test_grep "^lost: p " out
'

test_expect_success 'a node chunk: ranges of keys, by what the node above says' '
	fresh && damage_chunk nodes p1:p -k3,3nr &&
	test_expect_code 1 casg fsck >out 2>err &&
	test_grep "number $number, $(cut -f3 line) nodes*): in no other pack" err &&
	test_grep "^lost: p [0-9a-f]* .* records: " out &&
	test_grep "^error: version $(casg-read-version --id p1:p) of p" err &&
	casg-assemble -q other >back && cmp other.1 back
'

test_expect_success 'order and presentation' '
	fresh && damage_chunk blobs p1:p -k8,8n &&
	test_expect_code 1 casg fsck >out 2>err &&
	test_grep "^lost: p [0-9a-f]* \(order\|presentation\): " out &&
	# an order may rest on that of another version: who is named, and only who is, fails
	for i in 1 2 3; do
		short=$(casg-read-version --id p$i:p | cut -c1-12) &&
		if grep -q "^lost: p $short " out; then
			test_expect_code 128 casg-assemble -q p$i:p >back 2>err
		else
			casg-assemble -q p$i:p >back && cmp p.$i back
		fi || return 1
	done &&
	casg-assemble -q other >back && cmp other.1 back
'

test_expect_success 'a long sequence, by any of its pieces; references' '
	for kind in sequences lists refs; do
		fresh &&
		if test $kind = refs; then
			pack=$(casg-ls-chunks --kind=lists other | sed -n 1p | cut -f6) &&
			casg-ls-chunks -l --kind=refs $pack | sed -n 1p >line &&
			flip_byte "$packs/pack-$pack.pack" $(($(cut -f8 line) + 40))
		else
			damage_chunk $kind other -k8,8n
		fi &&
		test_expect_code 1 casg fsck >out 2>err &&
		test_grep "^lost: other [0-9a-f]* record NZ_" out &&
		for i in 3 ${CASG_TEST_LONG:+1 2}; do
			casg-assemble -q p$i:p >back && cmp p.$i back || return 1
		done || { echo $kind && cat out err && return 1; }
	done
'

# ---- leaves that were looked into

test_expect_success 'leaves of good packs are not read again, others are' '
	fresh && for i in 1 2 3; do echo p$i:p; done >specs && echo other >>specs &&
	rm -f leaves && casg-verify-pack --leaves=leaves $packs/*.pack &&
	test $(($(wc -l <leaves))) -gt 10 && ! grep -v "^[0-9a-f]\{64\}\$" leaves &&
	casg-check-tree --leaves=leaves <specs >out && test_must_be_empty out &&
	# none of these leaves is in another tree
	(unset CASG_DIR && rm -rf alien && casg init -q alien &&
	 casg-gen --seed 9 --type protein --records 400 >alien.fa && cd alien && plumb_import ../alien.fa alien) &&
	rm -f strange && CASG_DIR=alien/.git casg-verify-pack --leaves=strange alien/.git/casg/packs/*.pack &&
	test -s strange &&
	damage_chunk nodes p1:p -k3,3nr &&
	test_expect_code 1 casg-check-tree <specs >expect && test -s expect &&
	test_expect_code 1 casg-check-tree --leaves=strange <specs >actual && test_cmp expect actual &&
	# the last leaf of a tree ends at no boundary
	test_expect_code 1 casg-check-tree --leaves=leaves <specs >actual &&
	cut -f5 actual | sort -u >keys &&
	CASG_DIR=base/.git casg-ls-tree p1:p | grep -v "^#" | cut -f1 | sort | sed -n "\$p" >last &&
	test_cmp last keys
'

test_expect_success '--leaves: appended to, none of damaged chunks, and what is no such file' '
	fresh && set -- $packs/*.pack &&
	rm -f one && for pack in $packs/*.pack; do
		casg-verify-pack --leaves=one $pack || return 1
	done && sort leaves >expect && sort one >actual && test_cmp expect actual &&
	damage_chunk nodes p1:p -k3,3nr && rm -f less &&
	test_expect_code 1 casg-verify-pack --leaves=less $packs/*.pack 2>err &&
	sort less >actual && comm -13 expect actual >more && test_must_be_empty more &&
	test $(($(wc -l <actual))) -lt $(($(wc -l <expect))) &&
	test_expect_code 1 casg fsck --full >out 2>err && test_grep "^lost: p " out &&
	test_expect_code 129 casg-verify-pack --quick --leaves=l $packs/*.pack 2>err &&
	test_expect_code 128 casg-verify-pack --leaves=no/such/folder $packs/*.pack 2>err &&
	echo nonsense >leaves.bad &&
	test_expect_code 128 casg-check-tree --leaves=leaves.bad <specs 2>err &&
	test_grep "malformed line" err
'

# ---- quick and full

test_expect_success 'what only hashing finds: right checksums, wrong content' '
	fresh && casg-ls-chunks -l --kind=sequences p1:p | sort -t "$TAB" -k3,3nr | sed -n 1p >line &&
	pack=$(cut -f6 line) && file=$packs/pack-$pack.pack &&
	flip_byte $file $(($(cut -f8 line) + $(cut -f5 line) - 5)) && casg-reseal pack $file &&
	# a forger names it as it should be, and its index too
	id=$(sha256sum <$file | cut -d" " -f1) &&
	test_expect_code 1 casg fsck --full >out 2>err &&
	test_grep "^lost: p " out
'

test_expect_success '--read-back: what was imported is not what comes back' '
	fresh && casg fsck --full --read-back &&
	sed "s/^source-sha256 .*/source-sha256 $(echo | sha256sum | cut -d" " -f1)/" work/p/VERSION >VERSION &&
	cp VERSION work/p/VERSION && git -C work commit -q -a -m "a lie" &&
	casg fsck --full &&
	test_expect_code 1 casg fsck --read-back 2>err &&
	test_grep "what was written is not what was imported" err &&
	test_grep "^error: version [0-9a-f]*:p cannot be read back" err
'

test_expect_success 'threads and memory: the same answer' '
	fresh && damage_chunk sequences p1:p -k3,3nr &&
	test_expect_code 1 casg fsck --full --threads 1 >out.1 2>err.1 &&
	test_expect_code 1 casg fsck --full --threads 3 --memory 64m >out.3 2>err.3 &&
	test_cmp out.1 out.3 && sort err.1 >a && sort err.3 >b && test_cmp a b &&
	test_expect_code 129 casg fsck --memory x
'

# ---- indexes

test_expect_success 'all indexes deleted: nothing is lost, and they are made anew' '
	fresh && mkdir idx && cp $packs/*.idx idx/ && rm -f $packs/*.idx &&
	test_expect_code 128 casg export other >out 2>err &&
	test_grep "casg index-pack rebuilds it" err &&
	test_must_fail casg fsck >out 2>err &&
	casg-index-pack $packs/*.pack >ids &&
	for idx in idx/*.idx; do
		test_cmp_bin $idx $packs/${idx#idx/} || return 1
	done &&
	casg fsck --full
'

test_expect_success 'one index damaged: the others serve' '
	fresh && pack=$(casg-ls-chunks --kind=lists other | sed -n 1p | cut -f6) &&
	cp $packs/pack-$pack.idx good.idx &&
	for how in "head -c 100" "tr A-Z a-z" "cat /dev/null"; do
		$how <good.idx >$packs/pack-$pack.idx &&
		casg-assemble -q p1:p >back && cmp p.1 back &&
		test_expect_code 128 casg-assemble -q other >out 2>err &&
		test_grep "pack-$pack.idx. (casg index-pack rebuilds it)" err &&
		# nobody says "not there" of what may be in it
		test_expect_code 128 casg-ls-chunks 2>err || { echo "$how" && return 1; }
	done &&
	test_expect_code 128 casg import -q p.fa 2>err
'

# ---- plumbing

test_expect_success 'check-tree: lines, -z, refusals' '
	fresh && printf "p1:p\np2:p\nother\n" | casg-check-tree >out && test_must_be_empty out &&
	damage_chunk sequences p1:p -k3,3nr &&
	test_expect_code 1 casg-verify-pack --quick --damaged $packs/*.pack >damaged 2>err &&
	awk -F"\t" "NF != 6" damaged >bad && test_must_be_empty bad && test_line_count = 1 damaged &&
	echo p1:p | casg-check-tree >out && test_must_be_empty out &&
	{ echo p1:p | test_expect_code 1 casg-check-tree --damaged=damaged >lines; } &&
	{ printf "p1:p\0" | test_expect_code 1 casg-check-tree -z --damaged=damaged >z; } &&
	tr "\0" "\n" <z >as-lines && test_cmp lines as-lines &&
	holds p1:p >expect && cut -f4 lines | sort >actual && test_cmp expect actual &&
	echo rubbish >bad && { echo p1:p | test_expect_code 128 casg-check-tree --damaged=bad; } &&
	{ echo nope | test_expect_code 128 casg-check-tree; } &&
	test_expect_code 129 casg-check-tree p1:p </dev/null &&
	test_expect_code 129 casg-verify-pack --damaged --objects $packs/*.pack
'

test_expect_success 'where nothing can be written: the same answer' '
	fresh && casg fsck --full >expect &&
	rm -rf work/.git/casg/tmp work/.git/casg/index && : >work/.git/casg/tmp &&
	: >work/.git/casg/index &&
	casg fsck --full >actual 2>err && test_cmp expect actual && test_must_be_empty err
'

test_done
