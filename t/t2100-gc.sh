#!/bin/sh
# casg gc: what is kept, what goes, what comes back, and when it refuses.

test_description='gc, quarantine, receipts'
. "$(dirname "$0")/test-lib.sh"

packs () {
	(cd .git/casg/packs && ls -- *.pack)
}

quarantined () {
	(cd .git/casg/quarantine && ls -- *.pack 2>/dev/null)
}

# sum NAME: a number of casg-count-objects -v
sum () {
	casg-count-objects -v | sed -n "s/^$1: //p"
}

# drop_side: what the commit $side brought is named by nothing any more
drop_side () {
	git update-ref -d refs/heads/side &&
	git reflog expire --expire=now --all
}

# nothing_goes, side_goes: what gc would do now
nothing_goes () {
	casg gc --dry-run --grace=0 >out &&
	test_grep "^would be 0 packs (0 bytes) quarantined, 0 (0 bytes) deleted, 0 revived\$" out
}

side_goes () {
	casg gc --dry-run --grace=0 >out &&
	sed -n "s/^would be quarantined pack \([0-9a-f]*\) .*: named by no version\$/pack-\1.pack/p" out |
		sort >actual &&
	test_cmp side.packs actual
}

# age: the packs are a month old
age () {
	find .git/casg/packs -name "pack-*" -exec touch -d "30 days ago" {} +
}

# as_before CMD...: CMD fails with 128 and moves nothing
refused () {
	packs >before && quarantined >before.q
	test_expect_code 128 "$@" >out 2>err &&
	packs >after && test_cmp before after &&
	{ quarantined >after.q || :; } && test_cmp before.q after.q &&
	test_path_is_missing .git/casg/state/import.lock &&
	test_path_is_missing .git/casg/state/refs.lock &&
	ls .git/casg/tmp >tmp && test_must_be_empty tmp
}

intact_here () {
	casg fsck --full >fsck.out 2>&1 || { cat fsck.out && return 1; }
}

# intact: every fourth time as porcelain sees it
intact () {
	casg-assemble -q -- "$main:db" >back && cmp v2.fa back &&
	casg-assemble -q -- "$main~1:db" >back && cmp v1.fa back &&
	if test_every 4; then
		casg export "$main:db" >back && cmp v2.fa back && intact_here
	else
		casg-verify-pack .git/casg/packs/*.pack >/dev/null
	fi
}

# nothing_names: no ref and no reflog has $side, as side_goes would find
nothing_names () {
	git rev-list --all --reflog --objects >named && ! grep -q "^$side" named
}

test_expect_success 'setup' '
	casg init -q . &&
	for i in 1 2 3; do
		casg-gen --seed $i --type protein --records 400 --length 120 >v$i.fa || return 1
	done &&
	casg import -q -d db v1.fa && casg import -q -d db v2.fa &&
	packs >main.packs && main=$(git rev-parse HEAD) &&
	git checkout -q -b side && casg import -q -d db v3.fa && git checkout -q - &&
	packs >all.packs && comm -13 main.packs all.packs >side.packs &&
	test_line_count = 2 side.packs &&
	side=$(git rev-parse side) &&
	cp -r .git saved
'

# back: as it was after the setup
back () {
	rm -rf .git && cp -r saved .git && git reset -q --hard
}

# ---- what keeps a version

test_expect_success 'a branch keeps it, and then only a reflog' '
	nothing_goes &&
	git update-ref -d refs/heads/side && nothing_goes &&
	git reflog expire --expire=now --all && side_goes
'

test_expect_success 'any ref keeps it' '
	for ref in refs/tags/t refs/remotes/origin/x refs/notes/n refs/stash refs/casg/own; do
		git update-ref $ref $side && nothing_goes &&
		git update-ref -d $ref && git reflog expire --expire=now --all && nothing_names || return 1
	done && side_goes
'

test_expect_success 'annotated tags, tags of tags, of trees and trees do' '
	git tag -a -m t t1 $side && nothing_goes && git tag -d t1 >/dev/null && nothing_names &&
	git tag -a -m t t1 $side && git tag -a -m t t2 t1 && git tag -d t1 >/dev/null && nothing_goes &&
	git tag -d t2 >/dev/null && nothing_names &&
	git tag -a -m t t1 "$side^{tree}" && nothing_goes &&
	git tag -a -m t t2 t1 && git tag -d t1 >/dev/null && nothing_goes &&
	git tag -d t2 >/dev/null && nothing_names &&
	git update-ref refs/casg/tree "$side^{tree}" && nothing_goes &&
	git update-ref -d refs/casg/tree && side_goes
'

test_expect_success 'a version under another name, or inside a merge that took the other side' '
	copy=$(git rev-parse "$side:db/VERSION") &&
	tree=$({ git ls-tree HEAD && printf "100644 blob %s\tdb.txt\n" $copy; } | git mktree) &&
	commit=$(git commit-tree -p HEAD -m "a file with another name" $tree) &&
	git update-ref refs/heads/copy $commit && side_goes &&
	inner=$(printf "100644 blob %s\tVERSION\n" $copy | git mktree) &&
	outer=$(printf "040000 tree %s\tdeep\n" $inner | git mktree) &&
	tree=$({ git ls-tree HEAD && printf "100644 blob %s\tdb.txt\n040000 tree %s\ttaxonomy\n" \
		$copy $outer; } | git mktree) &&
	commit=$(git commit-tree -p HEAD -m "and as a version" $tree) &&
	git update-ref refs/heads/copy $commit && nothing_goes &&
	git update-ref -d refs/heads/copy &&
	commit=$(git commit-tree -p HEAD -p $side -m "ours" "HEAD^{tree}") &&
	git update-ref refs/heads/ours $commit && nothing_goes &&
	commit=$(git commit-tree -p $side -m "empty" $(git mktree </dev/null)) &&
	git update-ref refs/heads/ours $commit && nothing_goes &&
	git update-ref -d refs/heads/ours && git reflog expire --expire=now --all && side_goes
'

test_expect_success 'an index keeps what is staged, of this and of other work trees' '
	blob=$(git rev-parse "$side:db/VERSION") &&
	git update-index --cacheinfo 100644,$blob,db/VERSION && nothing_goes &&
	git reset -q --hard &&
	printf "0 0000000000000000000000000000000000000000\tdb/VERSION\n100644 %s 2\tdb/VERSION\n" $blob |
		git update-index --index-info && nothing_goes &&
	git reset -q --hard && side_goes &&
	git worktree add -q --detach ../"wt $$" HEAD &&
	git -C ../"wt $$" update-index --cacheinfo 100644,$blob,db/VERSION && nothing_goes &&
	git -C ../"wt $$" reset -q --hard && side_goes
'

test_expect_success 'HEAD, refs and reflogs of another work tree do' '
	wt=$(git -C ../"wt $$" rev-parse --absolute-git-dir) &&
	git -C ../"wt $$" checkout -q --detach $side && nothing_goes &&
	git -C ../"wt $$" checkout -q --detach HEAD~1 && nothing_goes && git reflog expire --expire=now --all &&
	git -C ../"wt $$" reflog expire --expire=now --all && side_goes &&
	git -C ../"wt $$" update-ref refs/bisect/bad $side && nothing_goes &&
	git -C ../"wt $$" update-ref -d refs/bisect/bad &&
	git -C ../"wt $$" update-ref refs/worktree/mine $side && nothing_goes &&
	git -C ../"wt $$" update-ref -d refs/worktree/mine && side_goes
'

test_expect_success 'what merges, picks and rebases have under way does' '
	for file in MERGE_HEAD CHERRY_PICK_HEAD REVERT_HEAD REBASE_HEAD FETCH_HEAD MERGE_AUTOSTASH \
		rebase-merge/orig-head rebase-apply/abort-safety sequencer/head; do
		# by turns, in the long run both
		case ${dir-} in .git) dir=$wt ;; *) dir=.git ;; esac &&
		for dir in ${CASG_TEST_LONG:+.git} ${CASG_TEST_LONG:+"$wt"} "$dir"; do
			mkdir -p "$(dirname "$dir/$file")" &&
			echo $side >"$dir/$file" && nothing_goes &&
			rm "$dir/$file" || { echo "$dir/$file" && return 1; }
		done
	done && side_goes &&
	printf "%s\tnot-for-merge\tbranch of somewhere\n" $side >.git/FETCH_HEAD && nothing_goes &&
	for dir in rebase-merge rebase-apply sequencer; do
		test ! -d .git/$dir || rmdir .git/$dir || return 1
	done &&
	echo $(echo gone | git hash-object --stdin) >.git/FETCH_HEAD && side_goes &&
	rm .git/FETCH_HEAD && git worktree remove --force ../"wt $$"
'

test_expect_success 'a file VERSION of other software is nothing to us' '
	mkdir tool && echo 1.2.3 >tool/VERSION && printf "%s" "casg-versio" >VERSION &&
	git add tool VERSION && git commit -q -m tool && side_goes &&
	back && drop_side
'

# ---- quarantine

test_expect_success 'what is young stays' '
	back && drop_side &&
	casg gc >out && test_grep "^0 packs (0 bytes) quarantined" out &&
	packs >actual && test_cmp all.packs actual &&
	casg gc --grace=3600 >out && packs >actual && test_cmp all.packs actual &&
	git config casg.gcGrace 3600 && casg gc -q && packs >actual && test_cmp all.packs actual
'

test_expect_success 'what is old goes to quarantine, with time, reason and receipt' '
	age && casg gc >out &&
	packs >actual && test_cmp main.packs actual &&
	quarantined >actual && test_cmp side.packs actual &&
	test_line_count = 3 out &&
	while read -r file; do
		id=${file#pack-} && id=${id%.pack} &&
		size=$(wc -c <.git/casg/quarantine/$file) &&
		test_grep "^quarantined pack $id ($size bytes, [a-z,]*): named by no version\$" out &&
		test_path_is_file .git/casg/quarantine/pack-$id.idx &&
		{ sed -n 1p .git/casg/quarantine/pack-$id.why && sed -n 3p .git/casg/quarantine/pack-$id.why; } >actual &&
		printf "casg-quarantine 1\nreason named by no version\n" >expect && test_cmp expect actual &&
		sed -n 2p .git/casg/quarantine/pack-$id.why >since &&
		test_grep "^since 20[0-9-]*T[0-9:]*Z\$" since || return 1
	done <side.packs &&
	bytes=$(cd .git/casg/quarantine && cat -- *.pack | wc -c) &&
	test_grep "^2 packs ($bytes bytes) quarantined, 0 (0 bytes) deleted, 0 revived\$" out &&
	test "$(sum quarantined)" = 2 && test "$(sum garbage)" = 0 &&
	casg-prune-packs --list >list && test_line_count = 2 list &&
	cut -f1-6 list >expect && cut -f2-7 .git/casg/state/gc.log >actual && test_cmp expect actual &&
	intact
'

test_expect_success 'readers read there, and move nothing' '
	casg export $side:db >back && cmp v3.fa back &&
	casg ls $side:db >/dev/null && casg-ls-chunks $side:db >/dev/null &&
	quarantined >actual && test_cmp side.packs actual &&
	casg-ls-chunks | cut -f6 | sort -u | sed "s/.*/pack-&.pack/" >actual && test_cmp main.packs actual
'

test_expect_success 'a ref that comes back brings the packs back' '
	git branch again $side && casg gc >out &&
	test_grep "^0 packs (0 bytes) quarantined, 0 (0 bytes) deleted, 2 revived\$" out &&
	packs >actual && test_cmp all.packs actual &&
	ls .git/casg/quarantine >actual && test_must_be_empty actual &&
	test_grep "	revived	" .git/casg/state/gc.log &&
	git branch -q -D again && git reflog expire --expire=now --all &&
	casg gc >out && packs >actual && test_cmp all.packs actual &&
	age && casg gc -q >out && test_must_be_empty out && quarantined >actual && test_cmp side.packs actual
'

test_expect_success 'a writer that finds something there brings it back' '
	casg import -d other v3.fa >out && test_grep " 0 new, 400 already known" out &&
	packs >actual && comm -13 actual side.packs >missing && test_must_be_empty missing &&
	ls .git/casg/quarantine >actual && test_must_be_empty actual &&
	casg export other >back && cmp v3.fa back &&
	casg gc --grace=0 >out && test_grep "^0 packs" out && intact &&
	casg export other >back && cmp v3.fa back
'

test_expect_success 'casg-pack and casg-mktree alone do, too' '
	back && drop_side && age && casg gc -q --grace=0 --dry-run && casg gc -q &&
	quarantined >actual && test_cmp side.packs actual &&
	casg-pack -q v3.fa >lines && quarantined >actual && test_line_count = 1 actual &&
	casg-mktree -q <lines >roots && ls .git/casg/quarantine >actual && test_must_be_empty actual &&
	casg-ls-tree $side:db >expect && test_cmp expect lines
'

test_expect_success 'casg-commit-tree brings back what the version needs' '
	git cat-file blob $side:db/VERSION >VERSION &&
	age && casg gc -q && quarantined >actual && test_cmp side.packs actual &&
	casg-commit-tree -p HEAD --database=db <VERSION >commit &&
	ls .git/casg/quarantine >actual && test_must_be_empty actual &&
	git update-ref refs/heads/made $(cat commit) && casg gc -q --grace=0 &&
	casg export made:db >back && cmp v3.fa back
'

test_expect_success 'and fails naming what is missing' '
	git update-ref -d refs/heads/made && drop_side && casg gc -q --grace=0 &&
	packs >actual && test_cmp main.packs actual &&
	test_expect_code 128 casg-commit-tree -p HEAD --database=db <VERSION >out 2>err &&
	test_must_be_empty out && test_grep "^fatal: .*[0-9a-f]\{64\} is in no pack here" err &&
	intact
'

test_expect_success 'after the grace it is deleted' '
	back && drop_side && age && casg gc -q && git config casg.gcGrace 86400 &&
	casg gc >out && test_grep "^0 packs (0 bytes) quarantined, 0 (0 bytes) deleted" out &&
	sed "s/^since .*/since 2024-03-01T00:00:00Z/" .git/casg/quarantine/$(head -n 1 side.packs | sed "s/pack\$/why/") >why &&
	cp -f why .git/casg/quarantine/$(head -n 1 side.packs | sed "s/pack\$/why/") &&
	casg gc >out && test_grep "^0 packs (0 bytes) quarantined, 1 ([0-9]* bytes) deleted" out &&
	test_grep "^deleted pack .*: in quarantine since 2024-03-01T00:00:00Z, named by no version\$" out &&
	quarantined >actual && tail -n 1 side.packs >expect && test_cmp expect actual &&
	casg gc -q --grace=0 && ls .git/casg/quarantine >actual && test_must_be_empty actual && intact
'

test_expect_success 'without a note, or with a bad one, it counts from when it came' '
	back && drop_side && age && casg gc -q && git config casg.gcGrace 86400 &&
	rm -f .git/casg/quarantine/$(head -n 1 side.packs | sed "s/pack\$/why/") &&
	printf "casg-quarantine 1\nsince 1970-01-01T00:00:00Z\nreason x\nmore\n" >why &&
	cp -f why .git/casg/quarantine/$(tail -n 1 side.packs | sed "s/pack\$/why/") &&
	casg gc -q && quarantined >actual && test_cmp side.packs actual &&
	casg-prune-packs --list | cut -f6 >actual && printf "unknown\nunknown\n" >expect && test_cmp expect actual
'

test_expect_success '--grace=0 does both at once; --dry-run only says so' '
	back && drop_side &&
	side_goes && test_grep "^would be 2 packs" out && packs >actual && test_cmp all.packs actual &&
	test_path_is_missing .git/casg/state/gc.log &&
	casg gc --grace=0 >out &&
	test_grep "^2 packs (\([0-9]*\) bytes) quarantined, 2 (\1 bytes) deleted, 0 revived\$" out &&
	packs >actual && test_cmp main.packs actual &&
	ls .git/casg/quarantine >actual && test_must_be_empty actual && intact &&
	casg gc --grace=0 >out && test_grep "^0 packs" out
'

test_expect_success 'Git objects are packed; --grace=0 prunes them as well' '
	back && drop_side &&
	test $(git count-objects | cut -d" " -f1) -gt 0 &&
	casg gc -q && git cat-file -e $side && casg gc -q --grace=0 &&
	test $(git count-objects | cut -d" " -f1) = 0 &&
	test_must_fail git cat-file -e $side && git fsck && intact
'

# ---- what versions share

test_expect_success 'what is named by id alone is kept: long descriptions and presentations' '
	rm -rf long && casg init -q long && cd long &&
	head -c 9000 /dev/zero | tr "\0" d >desc &&
	awk "BEGIN { for (i = 0; i < 3000; i++) printf \"%s\", i % 3 ? \"a\" : \"C\" }" >mask &&
	{ printf ">k1 " && cat desc && printf "\n" && cat mask && printf "\n"; } >a.fa &&
	{ cat a.fa && printf ">k2\nACGTTT\n"; } >b.fa &&
	casg import -q -d one a.fa && casg import -q -d two b.fa &&
	git rm -q -r one && git commit -q -m "one goes" &&
	tree=$(git rev-parse "HEAD^{tree}") && commit=$(git commit-tree -m alone $tree) &&
	git update-ref HEAD $commit && git reflog expire --expire=now --all &&
	casg gc -q --grace=0 && casg export two >back && cmp b.fa back && casg fsck --full &&
	casg-ls-chunks --kind=blobs >chunks && test -s chunks
'

test_expect_success 'sequences longer than a chunk' '
	rm -rf big && casg init -q big && cd big && git config casg.chunkSize 16k &&
	casg-gen --seed 5 --type dna --records 3 --length 100000 >a.fa &&
	{ cat a.fa && printf ">more\nACGT\n"; } >b.fa &&
	casg import -q -d db a.fa && casg import -q -d db b.fa && casg import -q -d else a.fa &&
	git rm -q -r db && git commit -q -m "db goes" &&
	commit=$(git commit-tree -m alone "HEAD^{tree}") && git update-ref HEAD $commit &&
	git reflog expire --expire=now --all &&
	casg gc --grace=0 >out && ! test_grep "^0 packs" out &&
	casg export else >back && cmp a.fa back && casg fsck --full
'

test_expect_success 'bare repositories, shallow clones, folders below the top' '
	rm -rf b.git shallow && casg init -q --bare b.git &&
	(
		cd b.git && casg import -q -d x/db ../v1.fa && git branch old && casg import -q -d x/db ../v2.fa &&
		casg gc --grace=0 >out && test_grep "^0 packs (0 bytes) quarantined, 0 " out &&
		casg export old:x/db >back && cmp ../v1.fa back &&
		git clone -q --no-local --depth 1 "file://$PWD" ../shallow
	) &&
	(
		cd shallow && casg init -q . && cp ../b.git/casg/packs/* .git/casg/packs/ &&
		cd x && casg gc -q --grace=0 && casg export x/db >back && cmp ../../v2.fa back && casg fsck --full
	)
'

# ---- when it refuses

test_expect_success 'setup: something to throw away' '
	back && drop_side && rm -rf saved && cp -r .git saved
'

test_expect_success 'a ref that cannot be read' '
	for content in "" ${CASG_TEST_LONG:+garbage "ref: "} "ref: a b" 1111111111111111111111111111111111111111; do
		printf "%s" "$content" >.git/refs/heads/x &&
		refused casg gc --grace=0 --dry-run || { echo "$content" && return 1; }
	done &&
	refused casg gc --grace=0 && rm .git/refs/heads/x &&
	echo "ref: refs/heads/none" >.git/refs/heads/x && side_goes && rm .git/refs/heads/x &&
	echo 0 >>.git/packed-refs && refused casg gc --grace=0 &&
	rm .git/packed-refs
'

test_expect_success 'a reflog, an index, a commit or a tree that cannot be read' '
	cp .git/logs/HEAD log && printf "\0\0\0" >>.git/logs/HEAD && refused casg gc --grace=0 &&
	cp log .git/logs/HEAD && cp .git/index index && printf DIRC >.git/index &&
	refused casg gc --grace=0 && cp index .git/index &&
	for name in HEAD~1 HEAD~1: HEAD~1:db HEAD~1:db/VERSION; do
		id=$(git rev-parse $name) && file=.git/objects/$(echo $id | sed "s|^..|&/|") &&
		mv $file saved.object && turn=$((${turn-0} + 1)) &&
		case ${CASG_TEST_LONG-}$((turn % 2)) in 0) ;; *) refused casg gc --grace=0 ;; esac &&
		echo damaged >$file &&
		case ${CASG_TEST_LONG-}$((turn % 2)) in 1) ;; *) refused casg gc --grace=0 --dry-run ;; esac &&
		rm -f $file && mv saved.object $file || { echo $name && return 1; }
	done &&
	casg gc --dry-run --grace=0 >out && test_grep "^would be 2 packs" out
'

test_expect_success 'a version that cannot be understood' '
	for text in "casg-version 2\n" "casg-version 1\nrecords\n" "casg-version "; do
		blob=$(printf "$text" | git hash-object -w --stdin) &&
		git update-index --add --cacheinfo 100644,$blob,new/VERSION &&
		refused casg gc --grace=0 && test_grep "^fatal: .*version" err &&
		git reset -q --hard || { echo "$text" && return 1; }
	done
'

test_expect_success 'packs and indexes that are missing or damaged' '
	tree=$(casg-ls-chunks --kind=nodes HEAD:db | head -n 1 | cut -f6) &&
	for ext in pack idx; do
		file=.git/casg/packs/pack-$tree.$ext &&
		cp $file kept && rm -f $file && refused casg gc --grace=0 &&
		head -c 100 kept >$file && refused casg gc --grace=0 && rm -f $file && mv kept $file || return 1
	done &&
	file=.git/casg/packs/pack-$tree.pack && at=$(casg-ls-chunks -l --kind=nodes $tree | head -n 1 | cut -f8) &&
	cp $file kept && chmod u+w $file && flip_byte $file $((at + 60)) && refused casg gc --grace=0 && rm -f $file && mv kept $file &&
	file=.git/casg/packs/$(comm -23 main.packs side.packs | head -n 1) &&
	casg gc --dry-run --grace=0 >out && test_grep "^would be 2 packs" out && intact
'

test_expect_success 'every pack that is needed, missing in turn' '
	while read -r pack; do
		mv .git/casg/packs/$pack . && refused casg gc --grace=0 && mv $pack .git/casg/packs/ || return 1
	done <main.packs &&
	casg gc -q --grace=0 && packs >actual && test_cmp main.packs actual && intact
'

# ---- who is at work

# The writer $pid has finished packs, in "added", and has begun another.
settled () {
	packs >now && comm -13 all.packs now >added && test -s added &&
	test -n "$(find .git/casg/tmp -name "pack-$pid-*")"
}

test_expect_success 'what a running writer has written stays, even with --grace=0' '
	rm -rf .git && cp -r saved .git && git reset -q --hard && git config casg.packSize 1m && git config casg.chunkSize 64k &&
	casg-gen --seed 9 --type protein --records 36000 --length 300 >big.fa &&
	rm -f fifo && mkfifo fifo && { casg-pack -q - <fifo >lines 9>&- & } && pid=$! &&
	exec 9>fifo && head -c 9000000 big.fa >&9 &&
	# it waits for more to read then, and has both
	wait_for settled &&
	casg gc -q --grace=0 && packs >now && comm -23 added now >lost && test_must_be_empty lost &&
	ls .git/casg/tmp >tmp && test_grep "^pack-$pid-" tmp &&
	tail -c +9000001 big.fa >&9 && exec 9>&- && wait $pid &&
	casg-mktree -q <lines >roots && casg-write-version <roots >VERSION &&
	commit=$(casg-commit-tree -p HEAD --database=big <VERSION) && git update-ref HEAD $commit &&
	casg gc -q --grace=0 && casg export big >back && cmp big.fa back && intact_here
'

test_expect_success 'rubbish of the dead goes, of the living stays' '
	back && drop_side &&
	dead=$(sh -c "echo \$\$") &&
	(
		cd .git/casg &&
		: >tmp/pack-$dead-0123456789abcdef.tmp && mkdir tmp/import-$dead && : >tmp/import-$dead/roots &&
		: >tmp/pack-$$-0123456789abcdef.tmp && mkdir tmp/import-$$ && : >tmp/strange &&
		id=$(printf x | sha256sum | cut -c1-64) &&
		: >packs/pack-$id.idx && : >index/pack-$id.objects && : >quarantine/pack-$id.why &&
		: >state/import.lock-$dead && : >packs/unknown
	) &&
	casg gc -q && (cd .git/casg && find tmp packs index quarantine state -type f | sort) >kept &&
	test_grep "tmp/pack-$dead-" kept && test_grep "packs/pack-$(printf x | sha256sum | cut -c1-64).idx" kept &&
	find .git/casg -exec touch -d "2 hours ago" {} + &&
	casg gc -q && test_path_is_file .git/casg/tmp/pack-$dead-0123456789abcdef.tmp &&
	casg gc --grace=3600 >out &&
	test_path_is_missing .git/casg/tmp/pack-$dead-0123456789abcdef.tmp &&
	test_path_is_missing .git/casg/tmp/import-$dead &&
	test_path_is_file .git/casg/tmp/strange && test_path_is_dir .git/casg/tmp/import-$$ &&
	test_path_is_file .git/casg/tmp/pack-$$-0123456789abcdef.tmp &&
	test_path_is_file .git/casg/packs/unknown &&
	test_path_is_missing .git/casg/state/import.lock-$dead &&
	test_grep "^removed .*/tmp/import-$dead (0 bytes): left by a process that is gone\$" out &&
	rm .git/casg/tmp/pack-$$-0123456789abcdef.tmp && casg gc -q --grace=0 &&
	id=$(printf x | sha256sum | cut -c1-64) &&
	for file in packs/pack-$id.idx index/pack-$id.objects quarantine/pack-$id.why; do
		test_path_is_missing .git/casg/$file || return 1
	done &&
	touch -d "2 days ago" .git/casg/tmp/strange && casg gc -q && test_path_is_missing .git/casg/tmp/strange &&
	rm .git/casg/packs/unknown && intact
'

test_expect_success 'gc waits for an import, --auto and --dry-run do not' '
	back && drop_side && git config casg.gcAuto 1 &&
	echo "$$ $(uname -n)" >.git/casg/state/import.lock &&
	casg gc --auto && packs >actual && test_cmp all.packs actual &&
	side_goes &&
	{ casg gc --grace=0 >out 2>err & } && pid=$! &&
	wait_for grep "^waiting for another import or gc (process $$ on $(uname -n)" err &&
	packs >actual && test_cmp all.packs actual &&
	rm .git/casg/state/import.lock && wait $pid && packs >actual && test_cmp main.packs actual &&
	dead=$(sh -c "echo \$\$") && echo "$dead $(uname -n)" >.git/casg/state/import.lock &&
	echo "$dead $(uname -n)" >.git/casg/state/refs.lock && casg gc -q && casg import -q -d db v1.fa
'

test_expect_success 'gc --auto: too many small packs, or something expired' '
	back && drop_side && git config casg.gcAuto 3 && git config casg.gcGrace 0 &&
	casg-prune-packs --auto && casg gc --auto --quiet && packs >actual && test $(wc -l <actual) -lt 4 &&
	{ quarantined >actual || :; } && comm -12 actual side.packs >none && test_must_be_empty none &&
	test_grep "	deleted	$(sed -n "1s/^pack-\(.*\)\.pack/\1/p" side.packs)	" .git/casg/state/gc.log &&
	test_grep "	repacked\$" .git/casg/state/gc.log && intact &&
	casg gc -q --grace=0 && intact && git config casg.gcAuto 100 && test_expect_code 1 casg-prune-packs --auto &&
	back && drop_side && age && casg gc -q && git config casg.gcAuto 100 &&
	test_expect_code 1 casg-prune-packs --auto && casg-prune-packs --auto --grace=0 &&
	git config casg.gcAuto 0 && test_expect_code 1 casg-prune-packs --auto --grace=0 &&
	git config casg.gcAuto 100 && casg gc --auto && quarantined >actual && test_cmp side.packs actual &&
	casg gc --auto --grace=0 >out && test_grep " 2 ([0-9]* bytes) deleted" out &&
	{ quarantined >actual || :; } && comm -12 actual side.packs >none && test_must_be_empty none && intact
'

test_expect_success 'casg.gcAuto: packs over half of casg.packSize do not count' '
	back && git config casg.gcAuto 5 && casg-prune-packs --auto &&
	git config casg.gcAuto 6 && test_expect_code 1 casg-prune-packs --auto &&
	git config casg.gcAuto 0 && test_expect_code 1 casg-prune-packs --auto &&
	git config casg.gcAuto x && test_expect_code 128 casg-prune-packs --auto 2>err &&
	test_grep "casg.gcAuto" err && git config casg.gcAuto 1 && casg-prune-packs --auto &&
	git config casg.packSize 1m && casg-prune-packs --auto && casg-gen --seed 8 --type protein --records 6000 --length 300 >mid.fa &&
	git config casg.gcAuto 7 && casg import -q mid.fa && ls -s .git/casg/packs/*.pack | sort -n | tail -n 1 >largest &&
	test $(cut -d" " -f1 largest | tr -d " ") -gt 512 && test_expect_code 1 casg-prune-packs --auto
'

test_expect_success 'import runs gc --auto, and does not fail over it' '
	back && drop_side && git config casg.gcAuto 1 && git config casg.gcGrace 0 &&
	casg import -q -d new v1.fa && packs >actual && comm -12 side.packs actual >kept && test_must_be_empty kept &&
	echo garbage >.git/refs/heads/x && casg import -d new v2.fa >out 2>err &&
	test_grep "^new: 400 records" out && test_grep "^fatal: " err && rm .git/refs/heads/x &&
	git config casg.gcAuto 0 && git update-ref refs/heads/side $(git rev-parse HEAD~1) &&
	casg export new >back && cmp v2.fa back && intact_here
'

# ---- plumbing

test_expect_success 'casg-reachable-packs' '
	back && git rev-parse $side:db/VERSION >blobs && casg-reachable-packs <blobs >expect &&
	sort -u expect >actual && test_cmp expect actual &&
	sed "s/^pack-//; s/\.pack\$//" side.packs >side && comm -23 side actual >none && test_must_be_empty none &&
	sed "s/\$/ a path/" blobs | tr "\n" "\0" | casg-reachable-packs -z | tr "\0" "\n" >actual && test_cmp expect actual &&
	casg-reachable-packs </dev/null >actual && test_must_be_empty actual &&
	for bad in HEAD 0 "$(git rev-parse HEAD)" "$(git rev-parse HEAD | tr 0-9a-f 1-9a-f0)"; do
		echo "$bad" | test_expect_code 128 casg-reachable-packs >actual 2>err && test_must_be_empty actual || return 1
	done
'

test_expect_success 'casg-reachable-packs --whole: packs that hold nothing else, --long: as in PACKS' '
	rm -rf two && casg init -q two && cd two && git config casg.gcAuto 0 &&
	casg-gen --seed 1 --type protein --records 20 >a.fa && casg-gen --seed 2 --type protein --records 20 >b.fa &&
	casg import -q a.fa && git checkout -q -b side && casg import -q b.fa && git checkout -q - &&
	git rev-parse HEAD:a/VERSION >blob.a && git rev-parse side:b/VERSION >blob.b &&
	casg-reachable-packs --long <blob.a >actual && git show HEAD:a/PACKS >expect && test_cmp expect actual &&
	casg-reachable-packs --whole <blob.a >actual && cut -d" " -f1 expect >ids && test_cmp ids actual &&
	casg repack -q -d && casg-reachable-packs <blob.a >expect && test_line_count = 1 expect &&
	casg-reachable-packs --whole <blob.a >actual && test_must_be_empty actual &&
	casg-reachable-packs --whole <blob.b >actual && test_must_be_empty actual &&
	cat blob.a blob.b | casg-reachable-packs --whole >actual && test_cmp expect actual &&
	# pieces of long sequences, order and presentation of two versions
	casg-gen --seed 3 --records 2 --length 400000 >l.fa && git config casg.chunkSize 64k && casg import -q l.fa &&
	casg-gen --seed 4 --mutate l.fa --change 50 >m.fa && casg import -q -d l m.fa && casg repack -q -a -d &&
	git rev-parse HEAD:l/VERSION >blob.l && casg-reachable-packs --whole <blob.l >actual && test_must_be_empty actual &&
	git rev-parse HEAD:l/VERSION HEAD~1:l/VERSION | cat - blob.a blob.b >blobs &&
	casg-reachable-packs <blobs >expect && casg-reachable-packs --whole <blobs >actual && test_cmp expect actual
'

test_expect_success 'casg-prune-packs: named packs go and come back' '
	casg-prune-packs -n $(sed "s/^pack-//; s/\.pack$//" side.packs) | sort -t "	" -rk 4 >out &&
	one=$(sed 1q out | cut -f 2) && two=$(sed 1d out | cut -f 2) && test_grep "$one	.*	sequences	" out &&
	casg-prune-packs -n --reason="tried it" $one $one >out && test_line_count = 1 out && packs >actual && test_cmp all.packs actual &&
	casg-prune-packs --reason="tried	it" $one pack-$two.idx >out && test_line_count = 2 out &&
	cut -f1,2,6 out >actual && printf "quarantined\t%s\ttried?it\n" $one $two | sort -k2 >expect && sort -k2 actual >sorted && test_cmp expect sorted &&
	casg-prune-packs $one >actual && test_must_be_empty actual &&
	casg-prune-packs -z --list | tr "\0" "\n" >actual && casg-prune-packs --list >expect && test_cmp expect actual && test_line_count = 2 actual &&
	test_expect_code 128 casg-prune-packs --revive $one nonsense && quarantined >actual && test_cmp side.packs actual &&
	casg-prune-packs --revive $one >out && test_grep "^revived	$one	" out &&
	casg-prune-packs --revive $one >out && test_must_be_empty out &&
	# two is the tree, and would keep it
	casg-prune-packs --expire -n --grace=0 >out && cut -f1,2 out >actual && printf "deleted\t%s\n" $two >expect && test_cmp expect actual &&
	quarantined >actual && echo pack-$two.pack >expect && test_cmp expect actual &&
	casg-prune-packs --revive $two >out && packs >actual && test_cmp all.packs actual && intact
'

test_expect_success 'casg-prune-packs: a list of needed packs' '
	back && sed "s/^pack-//; s/\.pack\$//" main.packs >needed &&
	casg-prune-packs --grace=0 -n <needed >out && cut -f2 out | sed "s/.*/pack-&.pack/" | sort >actual && test_cmp side.packs actual &&
	casg-prune-packs --grace=3600 <needed >out && test_must_be_empty out &&
	for bad in x $(printf x | sha256sum | cut -c1-64) ""; do
		{ cat needed && echo "$bad"; } >more && test_expect_code 128 casg-prune-packs --grace=0 <more || return 1
	done &&
	packs >actual && test_cmp all.packs actual
'

test_expect_success 'wrong usage' '
	for args in "--list --expire" "--revive" "--expire x" "--list x" "--grace=1 --list" "--grace=x" "--auto x" "--grace=-1"; do
		test_expect_code 129 casg-prune-packs $args </dev/null || { echo "$args" && return 1; }
	done &&
	test_expect_code 129 casg gc --grace=1d && test_expect_code 129 casg gc x &&
	git config casg.gcGrace x && test_expect_code 128 casg gc 2>err && test_grep "casg.gcGrace" err
'

test_expect_success 'the log of receipts is bounded' '
	back && drop_side && casg gc -q --grace=0 && test_line_count = 4 .git/casg/state/gc.log &&
	head -c 600000 /dev/zero | tr "\0" x >.git/casg/state/gc.log &&
	casg import -q -d again v3.fa && git reset -q --hard HEAD~1 &&
	git update-ref -d ORIG_HEAD && git reflog expire --expire=now --all && casg gc -q --grace=0 &&
	test_path_is_file .git/casg/state/gc.log.old && test $(wc -c <.git/casg/state/gc.log) -lt 10000
'

test_done
