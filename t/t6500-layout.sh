#!/bin/sh
# Chunks group by taxon: the policy, what it costs, reads, ls-chunks as a query.

test_description='casg.chunk.*, casg.countReads, ls-chunks --taxon'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxdump.sh"

# config KEY VALUE; back to the default at the end of the test
config () {
	git -C r config --add "casg.$1" "$2" &&
	test_when_finished "git -C r config --unset-all casg.$1 || :"
}

# packs FILE [OPTION...]: FILE packed into r, which holds nothing else: "packs", "lines"
packs () {
	fasta=$1
	shift
	rm -rf r/.git/casg/packs && mkdir r/.git/casg/packs &&
	CASG_DIR=r casg-pack -q "$@" "$fasta" >lines &&
	(cd r/.git/casg/packs && ls -- *.pack) >packs
}

# differs FILE: another pack than $1.packs, the same records
differs () {
	packs "$1.fa" && test_cmp "$1.lines" lines && ! cmp -s "$1.packs" packs
}

# chunks_of ID: those that hold sequences of this taxon; the packed records are "lines"
chunks_of () {
	awk -F"$TAB" -v id="$1" '$4 == id { print $2 }' lines | sort -u >ids &&
	CASG_DIR=r casg-ls-chunks --kind=sequences | cut -f1 >chunks &&
	while read -r chunk; do
		CASG_DIR=r casg-cat-chunk --list "$chunk" | grep -q -F -f ids && echo "$chunk"
	done <chunks
}

# holding ID: how many they are
holding () {
	chunks_of "$1" | wc -l
}

# shared ID ID: how many hold sequences of both
shared () {
	chunks_of "$1" | sort >one && chunks_of "$2" | sort | comm -12 one - | wc -l
}

stored () {
	cat r/.git/casg/packs/*.pack | wc -c
}

# some GENUS NRECORDS FROM: proteins of that genus, in two species
some () {
	casg-gen --seed "$3" --type protein --records "$2" --length 100 --width 0 |
	awk -v g="$1" -v n="$3" '
		/^>/ { i++; printf ">%s%d x OS=%s %s OX=%d PE=1\n", g, i, g,
			i % 2 ? "prima" : "secunda", n * 10 + i % 2; next }
		{ print }'
}

# mixed: records of standard input in an order that has nothing to do with their taxa
mixed () {
	paste - - | awk '{ printf "%d\t%s\n", (NR * 7919) % 100003, $0 }' | sort -n |
	cut -f2- | tr "\t" "\n"
}

test_expect_success 'setup' '
	casg init -q r && git -C r config casg.chunkSize 16k &&
	{
		some Alpha 700 1 && some Beta 700 2 && some Gamma 700 3 &&
		for n in 4 5 6 7 8 9; do
			some Small$n 30 $n || return 1
		done
	} | mixed >db.fa &&
	packs db.fa && cp packs db.packs && cp lines db.lines &&
	config chunk.rank none && packs db.fa && cp packs none.packs &&
	test_cmp db.lines lines && ! cmp -s db.packs none.packs
'

test_expect_success 'a genus lies in few chunks, and small ones share them' '
	config chunk.rank none && packs db.fa && all=$(holding 10) && small=$(holding 40) &&
	before=$(stored) && n=$(CASG_DIR=r casg-ls-chunks --kind=sequences | wc -l) &&
	git -C r config --unset casg.chunk.rank &&
	packs db.fa && test $(holding 10) -le $((all / 2)) && test $(holding 40) -lt $small &&
	test $(holding 40) -le 2 &&
	test $(CASG_DIR=r casg-ls-chunks --kind=sequences | wc -l) -le $((n + 6)) &&
	test $(stored) -le $((before * 105 / 100))
'

test_expect_success 'threads change nothing, and no policy changes a root' '
	for n in 1 2 5; do
		packs db.fa --threads=$n && test_cmp db.packs packs || return 1
	done &&
	CASG_DIR=r casg-mktree <db.lines >expect &&
	for rank in species genus family higher none; do
		config chunk.rank $rank && packs db.fa && CASG_DIR=r casg-mktree <lines >actual &&
		test_cmp expect actual || return 1
	done
'

# ---- each setting

test_expect_success 'casg.chunk.rank' '
	config chunk.rank Species && differs db && ! cmp -s none.packs packs && test $(holding 10) -lt 8 &&
	config chunk.rank higher && differs db && git -C r config --unset-all casg.chunk.rank &&
	config chunk.rank genus && packs db.fa && test_cmp db.packs packs
'

test_expect_success 'casg.chunk.dedicated, by id and by name' '
	config chunk.dedicated 10 && differs db && half=$(holding 10) && test $half -le 4 &&
	cp packs by-id && git -C r config --unset-all casg.chunk.dedicated &&
	config chunk.dedicated "Alpha secunda, Nemo nemo" && differs db && test $(holding 10) = $half
'

test_expect_success 'casg.chunk.species, .genus, .family' '
	config chunk.species Alpha && differs db && cp packs alpha.packs && test $(holding 10) -le 5 &&
	config chunk.species Beta && differs db && ! cmp -s alpha.packs packs &&
	git -C r config --unset-all casg.chunk.species &&
	config chunk.rank species && packs db.fa && cp packs species.packs &&
	for list in genus family; do
		git -C r config casg.chunk.$list Alpha && packs db.fa && ! cmp -s species.packs packs &&
		git -C r config --unset casg.chunk.$list || return 1
	done
'

test_expect_success 'casg.chunk.higher: together' '
	config chunk.higher Alpha,Beta && config chunk.species Alpha && config chunk.rank none &&
	packs db.fa && cp packs finest.packs &&
	git -C r config --unset-all casg.chunk.species && packs db.fa &&
	! cmp -s finest.packs packs && ! cmp -s none.packs packs && ! cmp -s db.packs packs
'

test_expect_success 'lists add up, and an empty value empties them' '
	config chunk.rank none && config chunk.dedicated "Alpha secunda" && packs db.fa &&
	! cmp -s none.packs packs && cp packs one.packs &&
	config chunk.dedicated "Beta secunda" && packs db.fa && ! cmp -s one.packs packs &&
	config chunk.dedicated "" && packs db.fa && test_cmp none.packs packs
'

test_expect_success 'casg.chunk.cost: what grouping may cost' '
	some Alpha 400 1 >alpha &&
	sed "s/Alpha/Beta/g; s/OX=1/OX=2/; /^>/!s/\$/W/" alpha >beta && sed "s/Alpha/Gamma/g; s/OX=1/OX=3/; /^>/!s/\$/Y/" alpha >gamma &&
	cat alpha beta gamma | mixed >like.fa &&
	config chunk.rank none && packs like.fa && cp packs none && least=$(stored) &&
	git -C r config --unset casg.chunk.rank && packs like.fa &&
	test $(stored) -le $((least * 105 / 100)) && test_cmp none packs &&
	config chunk.cost 100 && packs like.fa && ! cmp -s none packs && test $(stored) -gt $((least * 105 / 100))
'

# r has none otherwise
test_expect_success 'a taxonomy says what is below a taxon' '
	test_when_finished "rm -rf r && mv without r" &&
	cp -r r without && config chunk.higher 900 &&
	packs db.fa && test_cmp db.packs packs && test $(shared 10 30) = 0 &&
	mkdir dump && T="$TAB|$TAB" &&
	for line in 1,1,no,root 900,1,family,Firstidae 901,900,genus,Alpha 10,901,species,A 11,901,species,B \
		902,900,genus,Gamma 30,902,species,C 31,902,species,D; do
		(
			IFS=, && set -- $line && printf "$1$T$2$T$3$T${T}0$TAB|\n" >>dump/nodes.dmp &&
			printf "$1$T$4$T${T}scientific name$TAB|\n" >>dump/names.dmp
		) || return 1
	done &&
	rm -rf r/.git/casg/packs/* && (cd r && dump_taxonomy kin 2020-01-01T00:00:00Z ../dump) &&
	CASG_DIR=r casg-pack -q db.fa >lines && test_cmp db.lines lines &&
	test $(shared 10 30) -gt 4 && test $(shared 10 20) = 0
'

test_expect_success 'bad values' '
	while read -r key value; do
		git -C r config "casg.$key" "$value" &&
		CASG_DIR=r test_expect_code 128 casg-pack db.fa >out 2>err &&
		test_must_be_empty out && test_grep "^fatal: bad value .$value. of casg.$key: wanted " err &&
		git -C r config --unset "casg.$key" || return 1
	done <<-\EOT
	chunk.rank dedicated
	chunk.rank 3
	chunk.rank order
	chunk.cost x
	chunk.cost -1
	chunk.dedicated 1,,2
	chunk.species ,
	chunk.genus 561,
	countReads maybe
	EOT
'

# ---- repack

test_expect_success 'repack groups what import has not' '
	casg init -q all && git -C all config casg.chunkSize 16k && git -C all config casg.chunk.rank none &&
	CASG_DIR=all casg import -q db.fa && CASG_DIR=all casg ls-chunks --taxon=10 db >scattered &&
	CASG_DIR=all casg read-version db >version &&
	git -C all config --unset casg.chunk.rank &&
	CASG_DIR=all casg repack -q -a -d --compression=1 --threads=1 &&
	CASG_DIR=all casg ls-chunks --taxon=10 db >together &&
	test $(wc -l <together) -le $(($(wc -l <scattered) / 2)) &&
	CASG_DIR=all casg read-version db >after && test_cmp version after &&
	CASG_DIR=all casg export db >out && cmp db.fa out && CASG_DIR=all casg fsck
'

# ---- reads

reads=all/.git/casg/state/reads

# counted: the reads of all chunks
counted () {
	CASG_DIR=all casg-ls-chunks --reads | awk -F"$TAB" "{ n += \$7 } END { print n }"
}

test_expect_success 'what is read is counted' '
	rm -f $reads && test "$(counted)" = 0 &&
	CASG_DIR=all casg cat db Alpha1 >out && test "$(counted)" = 1 &&
	CASG_DIR=all casg cat db Alpha1 >out && test "$(counted)" = 2 &&
	size=$(wc -c <$reads) && CASG_DIR=all casg export db >out &&
	n=$(CASG_DIR=all casg-ls-chunks --kind=sequences | wc -l) &&
	test "$(counted)" = $((n + 2)) && test $(wc -c <$reads) = $size &&
	CASG_DIR=all casg-ls-chunks --sort=reads --reads --limit=1 >first && cut -f7 first >n && echo 3 >expect &&
	test_cmp expect n
'

test_expect_success 'casg.countReads' '
	before=$(counted) && git -C all config casg.countReads false && test_when_finished "git -C all config --unset casg.countReads" &&
	CASG_DIR=all casg cat db Alpha1 >out && CASG_DIR=all casg export db >out && test "$(counted)" = "$before" &&
	git -C all config casg.countReads yes && CASG_DIR=all casg cat db Alpha1 >out &&
	test "$(counted)" = $((before + 1))
'

test_expect_success 'the counts can go, or be rubbish' '
	CASG_DIR=all casg cat db Alpha1 >expect &&
	for rubbish in "" "casg reads 2" "$(seq 1 100000)"; do
		echo "$rubbish" >$reads && CASG_DIR=all casg cat db Alpha1 >out && test_cmp expect out &&
		test "$(counted)" = 0 || return 1
	done &&
	: >$reads && CASG_DIR=all casg cat db Alpha1 >out && test "$(counted)" = 1 &&
	rm $reads && mkdir $reads && CASG_DIR=all casg cat db Alpha1 >out && test_cmp expect out && rmdir $reads &&
	rm -r all/.git/casg/state && CASG_DIR=all casg cat db Alpha1 >out && test_cmp expect out &&
	test "$(counted)" = 0 && mkdir all/.git/casg/state
'

test_expect_success 'readers at the same time' '
	for n in 1 2 3 4; do
		{ CASG_DIR=all casg export db >out.$n & } || return 1
	done && wait &&
	for n in 1 2 3 4; do
		cmp db.fa out.$n || return 1
	done &&
	CASG_DIR=all casg-ls-chunks --kind=sequences --reads | awk -F"$TAB" "\$7 < 1 || \$7 > 4" >bad && test_must_be_empty bad
'

test_expect_success NOTROOT 'a repository that cannot be written to' '
	rm -f $reads && chmod a-w all/.git/casg/state && test_when_finished "chmod u+w all/.git/casg/state" &&
	CASG_DIR=all casg cat db Alpha1 >out && test_cmp expect out && test_path_is_missing $reads
'

test_expect_success 'what is read often gets chunks of its own' '
	rm -f $reads && git -C all config casg.chunk.rank none &&
	CASG_DIR=all casg repack -q -a -d --compression=1 &&
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		CASG_DIR=all casg cat db Alpha2 >out || return 1
	done &&
	git -C all config casg.chunk.rank higher && CASG_DIR=all casg repack -q -a -d --compression=1 &&
	(cd all/.git/casg/packs && ls) >hot && rm $reads &&
	CASG_DIR=all casg repack -q -a -d --compression=1 && (cd all/.git/casg/packs && ls) >forgotten &&
	! cmp -s hot forgotten && CASG_DIR=all casg export db >out && cmp db.fa out
'

# ---- ls-chunks

test_expect_success 'ls-chunks --taxon: the chunks of its sequences, no others' '
	cd all && casg ls-tree db | awk -F"$TAB" "\$4 == 10 { print \$2 }" | sort -u >ids &&
	casg-ls-chunks --kind=sequences db >sequences &&
	while read -r chunk rest; do
		casg-cat-chunk --list $chunk | grep -q -F -f ids && echo $chunk
	done <sequences | sort >expect &&
	casg-ls-chunks --taxon=10 db >lines && cut -f1 lines | sort >actual && test_cmp expect actual &&
	casg-ls-chunks --taxon=10 -z db | tr "\0" "\n" >actual && test_cmp lines actual &&
	casg-ls-chunks --taxon=10 --taxon=11 --taxon=99999 db >both && test $(wc -l <both) -ge $(wc -l <lines) &&
	casg-ls-chunks --taxon=1 db >none && test_must_be_empty none
'

test_expect_success 'ls-chunks --taxon: all pieces of a long sequence, and its list' '
	cd all && { echo ">long x OX=77" && casg-gen --seed 5 --records 1 --length 200000 --width 0 | sed 1d; } >../long.fa &&
	casg import -q -d long ../long.fa &&
	casg-ls-chunks --taxon=77 long >actual && casg-ls-chunks long | grep -e "${TAB}lists" -e "${TAB}sequences" >expect &&
	test_cmp expect actual && test $(wc -l <actual) -gt 3
'

test_expect_success 'ls-chunks: sizes, sorted, not too many' '
	cd all && casg-ls-chunks >lines && sort -t "$TAB" -s -k5,5nr lines >expect &&
	casg-ls-chunks --sort=size >actual && test_cmp expect actual &&
	casg-ls-chunks --sort=size --limit=3 >actual && sed -n 1,3p expect >three && test_cmp three actual &&
	casg-ls-chunks --limit=2 >actual && sed -n 1,2p lines >two && test_cmp two actual &&
	awk -F"$TAB" "\$5 >= 2048 && \$5 <= 6000" lines >expect && test -s expect && ! cmp -s lines expect &&
	casg-ls-chunks --min-size=2k --max-size=6000 >actual && test_cmp expect actual
'

test_expect_success 'ls-chunks: with a base and without' '
	cd all && casg-gen --mutate ../db.fa --describe 2 >../next.fa && casg import -q -d db ../next.fa &&
	casg-ls-chunks >lines && casg-ls-chunks --with-base >with && casg-ls-chunks --without-base >without &&
	test -s with && sort with without >actual && sort lines >expect && test_cmp expect actual &&
	cut -f2 with | sort -u >kinds && ! grep -v -e nodes -e orders -e sequences kinds &&
	casg-verify-pack -v .git/casg/packs/*.pack >chunks && cut -f 2,3 chunks | sort -u >layouts &&
	test_grep "^sequences	matched" layouts && test_grep "^nodes	linked" layouts && test_grep sequences kinds
'

test_expect_success 'ls-chunks: refusals' '
	cd all && for args in --taxon=10 "--taxon=10 $(casg-ls-chunks --limit=1 | cut -f6)" "--with-base --without-base" \
		--sort=age "--taxon=10 --kind=nodes db" "--taxon=10 --with-base db" --limit=x --min-size=x; do
		test_expect_code 129 casg-ls-chunks $args 2>err || { echo "$args" && return 1; }
	done &&
	test_expect_code 128 casg-ls-chunks --taxon=10 nowhere 2>err
'

test_done
