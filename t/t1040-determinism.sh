#!/bin/sh
# The same records have the same ids, whatever machine and settings; equal
# options make equal packs; what is known is not stored again.

test_description='ids depend on the records alone, packs on the options'
. "$(dirname "$0")/test-lib.sh"

# fresh NAME [KEY VALUE]...: a repository with these settings
fresh () {
	rm -rf "$1" && casg init -q "$1" && dir=$1 && shift &&
	while test $# != 0; do
		git -C "$dir" config "casg.$1" "$2" && shift 2 || return 1
	done
}

# run NAME FILE... : casg-pack and casg-mktree there, by hand
run () {
	dir=$1
	shift
	CASG_DIR=$dir casg-pack -q --facts=pack.facts ${nthreads:+--threads="$nthreads"} -- "$@" >lines &&
	CASG_DIR=$dir casg-mktree --facts=tree.facts ${nthreads:+--threads="$nthreads"} <lines >roots &&
	(cd "$dir/.git/casg/packs" && ls) >packs
}

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 12000 --length 350 --family 0.4 >p.fa &&
	casg-gen --seed 2 --records 30 --length 40000 --family 0.5 >d.fa &&
	casg-gen --seed 3 --records 1 --length 6000000 |
		awk "!/^>/ && NR % 13 == 1 { \$0 = tolower(\$0) } { print }" >l.fa &&
	printf ">dup\nACGT\n>dup\nAC\n>e\n" >>l.fa &&
	cat p.fa d.fa l.fa >all.fa &&
	nthreads= && fresh base && run base all.fa &&
	cp roots expect.roots && cp packs expect.packs && cp lines expect.lines &&
	test $(wc -l <packs) -ge 4
'

test_expect_success 'equal options, equal packs' '
	fresh again && run again all.fa &&
	test_cmp expect.roots roots && test_cmp expect.packs packs && test_cmp expect.lines lines
'

# what counts as one run: a name, options, settings
try_options () {
	test_expect_success "$1: the same roots and lines, the same packs" '
		fresh r && run r all.fa &&
		test_cmp expect.roots roots &&
		test_cmp expect.lines lines &&
		test_cmp expect.packs packs
	'
}

for n in 1 2 3 8; do
	nthreads=$n
	try_options "$n threads"
done
nthreads=

try_settings () {
	what=$*
	test_expect_success "$what: the same roots and lines" '
		fresh r $what && run r all.fa &&
		test_cmp expect.roots roots &&
		test_cmp expect.lines lines &&
		CASG_DIR=r casg-assemble <lines >back && cmp all.fa back &&
		for p in r/.git/casg/packs/*.pack; do
			casg-verify-pack "$p" || return 1
		done
	'
}

try_settings memory 64m
try_settings memory 100m
try_settings memory 1g
try_settings chunkSize 16k
try_settings chunkSize 300k
try_settings chunkSize 16m
try_settings packSize 1m
try_settings packSize 4g
try_settings compression none
try_settings compression 1
try_settings compression 12
try_settings match 0
try_settings match 1
try_settings match 256 memory 64m
try_settings memory 64m chunkSize 16k packSize 1m compression 1 threads 3

test_expect_success 'with small memory and packs, too, threads change nothing' '
	for n in 1 2 3 8; do
		fresh r memory 64m packSize 1m chunkSize 64k && nthreads=$n && run r all.fa &&
		test_cmp expect.roots roots &&
		cp packs packs.$n && test_cmp packs.1 packs.$n || return 1
	done &&
	nthreads= &&
	test $(wc -l <packs.1) -gt 8
'

test_expect_success 'the settings did what they say' '
	fresh r packSize 1m && run r all.fa && ! cmp -s expect.packs packs &&
	fresh r chunkSize 16k && run r all.fa && ! cmp -s expect.packs packs &&
	fresh r compression none && run r all.fa && ! cmp -s expect.packs packs &&
	fresh r compression 12 && run r all.fa && ! cmp -s expect.packs packs &&
	fresh r match 0 && run r all.fa && ! cmp -s expect.packs packs
'

test_expect_success 'from a pipe, compressed, or in several files: the same packs' '
	fresh r && CASG_DIR=r casg-pack - <all.fa >lines && test_cmp expect.lines lines &&
	fresh r && gzip -c all.fa >all.gz && run r all.gz &&
	test_cmp expect.roots roots && test_cmp expect.packs packs &&
	fresh r && run r p.fa d.fa l.fa &&
	test_cmp expect.roots roots && test_cmp expect.packs packs &&
	fresh r && split -b 777777 all.fa part. && run r part.* &&
	test_cmp expect.roots roots && test_cmp expect.packs packs
'

test_expect_success 'import makes the packs that the pipeline makes' '
	fresh r && CASG_DIR=r casg import -q all.fa &&
	(cd r/.git/casg/packs && ls) >packs && test_cmp expect.packs packs
'

test_expect_success 'what was stored before changes packs, not roots' '
	fresh r && run r d.fa && run r all.fa &&
	test_cmp expect.roots roots && test_cmp expect.lines lines &&
	fresh r && run r l.fa && run r p.fa && run r d.fa && run r all.fa &&
	test_cmp expect.roots roots &&
	CASG_DIR=r casg-assemble <lines >back && cmp all.fa back
'

# ---- shards

# shard_lines REPO: pack shard.0 to shard.3 there, all at once
shard_lines () {
	pids= &&
	for n in 0 1 2 3; do
		CASG_DIR=$1 casg-pack -q shard.$n >shard.$n.lines &
		pids="$pids $!"
	done &&
	for pid in $pids; do
		wait "$pid" || return 1
	done
}

test_expect_success 'shards packed side by side and joined: the same version' '
	awk "/^>/ { n++ } { print >(\"shard.\" int((n - 1) / 3000)) }" p.fa &&
	test_path_is_file shard.3 && test_path_is_missing shard.4 &&
	fresh r && run r p.fa && cp roots whole.roots &&
	grep -v "^#casg" lines >whole.lines &&
	fresh r && shard_lines r &&
	cat shard.[0-3].lines >lines &&
	grep -v "^#casg" lines >actual && test_cmp whole.lines actual &&
	CASG_DIR=r casg-mktree <lines >roots && test_cmp whole.roots roots &&
	for p in r/.git/casg/packs/*.pack; do
		casg-verify-pack "$p" || return 1
	done &&
	CASG_DIR=r casg-write-version <roots >version &&
	commit=$(CASG_DIR=r casg-commit-tree -p HEAD --database=p <version) &&
	git -C r update-ref HEAD "$commit" &&
	casg -C r export p >back && cmp p.fa back &&
	casg -C r fsck --full
'

test_expect_success 'joined in another order: the same records, another order' '
	cat shard.2.lines shard.0.lines shard.3.lines shard.1.lines |
		CASG_DIR=r casg-mktree >roots &&
	sed -n "s/^records //p" whole.roots >expect &&
	sed -n "s/^records //p" roots >actual && test_cmp expect actual &&
	test_grep ! "$(sed -n "s/^order //p" whole.roots)" roots
'

# ---- deduplication

# sequence bytes: those of all packs that hold sequences
facts_of () {
	sed -n "s/^$1 //p" "$2"
}

test_expect_success 'the same file under another name stores nothing' '
	fresh r && CASG_DIR=r casg import -q all.fa &&
	du -b r/.git/casg/packs >before &&
	ls r/.git/casg/packs >packs.before &&
	CASG_DIR=r casg import --database other all.fa >out &&
	n=$(grep -c "^>" all.fa) size=$(wc -c <all.fa | tr -d " ") &&
	echo "other: $n records, 0 new, $n already known, $size bytes in, 0 bytes stored" >expect &&
	test_cmp expect out &&
	ls r/.git/casg/packs >packs.after && test_cmp packs.before packs.after
'

test_expect_success 'neither do other keys, case, width, order need the sequences again' '
	awk "/^>/ { print \">new\" ++n; next } { print tolower(\$0) }" p.fa | tr -d "\\r" >renamed.fa &&
	CASG_DIR=r casg-pack --facts=pack.facts renamed.fa >lines &&
	test "$(facts_of new pack.facts)" = 0 &&
	test "$(facts_of known pack.facts)" = 12000 &&
	awk "/^>/ { if (NR > 1) print \"\"; print; next } { printf \"%s\", \$0 } END { print \"\" }" p.fa >unwrapped.fa &&
	CASG_DIR=r casg-pack --facts=pack.facts unwrapped.fa >lines &&
	test "$(facts_of new pack.facts)" = 0 &&
	test "$(facts_of bytes-stored pack.facts)" = 0 &&
	awk -v RS=">" "NR > 1 { r[NR] = \$0 } END { for (i = NR; i > 1; i--) printf \">%s\", r[i] }" p.fa >reversed.fa &&
	CASG_DIR=r casg-pack --facts=pack.facts reversed.fa >lines &&
	test "$(facts_of new pack.facts)" = 0 &&
	test "$(facts_of bytes-stored pack.facts)" = 0 &&
	CASG_DIR=r casg-assemble <lines >back && cmp reversed.fa back
'

test_expect_success 'a version that is nearly the same costs what is new' '
	casg-gen --seed 5 --mutate p.fa --add 1 --remove 1 --change 0.2 --describe 0.5 >p2.fa &&
	fresh r && CASG_DIR=r casg import -q -d p p.fa &&
	CASG_DIR=r casg-pack --facts=pack.facts p2.fa >lines &&
	new=$(facts_of new pack.facts) &&
	tr "\\n" " " <lines >joined &&
	CASG_DIR=r casg ls p | cut -f2 | sort -u >old.ids &&
	grep -v "^#casg" lines | cut -f2 | sort -u >new.ids &&
	comm -13 old.ids new.ids >only.new &&
	test "$new" = $(wc -l <only.new) && test "$new" -gt 50 &&
	CASG_DIR=r casg-mktree --facts=tree.facts <lines >roots &&
	test $(facts_of new-nodes tree.facts) -lt $(facts_of nodes tree.facts)
'

test_expect_success 'within a file a sequence is stored once' '
	awk "BEGIN { for (i = 0; i < 20000; i++) print \">k\" i \"\\nGATTACAGATTACAGATTACA\" }" >same.fa &&
	fresh r && run r same.fa &&
	test "$(facts_of new pack.facts)" = 1 &&
	test "$(facts_of known pack.facts)" = 19999 &&
	cat l.fa >twice.fa && sed "s/^>/>x/" l.fa >>twice.fa &&
	fresh r && run r twice.fa &&
	test "$(facts_of new pack.facts)" = 4
'

test_expect_success 'long sequences that are nearly the same share pieces' '
	fresh r chunkSize 64k && CASG_DIR=r casg-pack --facts=pack.facts l.fa >lines &&
	one=$(facts_of bytes-stored pack.facts) &&
	sed "1000s/.\$/A/; 1001s/.\$/C/; 50000d" l.fa >l2.fa && ! cmp -s l.fa l2.fa &&
	CASG_DIR=r casg-pack --facts=pack.facts l2.fa >lines &&
	test "$(facts_of new pack.facts)" = 1 &&
	test $(facts_of bytes-stored pack.facts) -lt $((one / 3)) &&
	CASG_DIR=r casg-assemble <lines >back && cmp l2.fa back
'

test_done
