#!/bin/sh
# Versions in commits: written, found by Git's revision syntax, cached.

test_description='casg-commit-tree, casg-read-version REV:DATABASE'
. "$(dirname "$0")/test-lib.sh"

# version N: a version whose roots are made up of N
version () {
	id=$(printf %s "$1" | sha256sum | cut -c1-64)
	printf "%s\n" "records $id" "order $id" "presentation $id" "count $1" "residues $1" |
	casg-write-version --sequence-time "2024-01-0$1" --release "r$1"
}

# The roots of these versions are in no pack, so PACKS has to be given.
commit_tree () {
	casg-commit-tree --packs nopacks "$@"
}

test_expect_success 'setup' '
	: >nopacks &&
	casg init --quiet . &&
	for i in 1 2 3; do
		version $i >v$i || return 1
	done &&
	casg-read-version --id - <v1 >id1
'

# ---- committing

test_expect_success 'a commit is made and no ref moves' '
	git rev-parse HEAD >before &&
	commit_tree -p HEAD -m "first" --database uniprot/sprot <v1 >commit &&
	git rev-parse HEAD >after &&
	test_cmp before after &&
	git cat-file commit $(cat commit) >raw &&
	test_grep "^parent $(cat before)\$" raw &&
	test_grep "^first\$" raw &&
	test_grep "^Casg-Version: uniprot/sprot $(cat id1)\$" raw &&
	test_grep "^Casg-Release: uniprot/sprot r1\$" raw &&
	git fsck --strict &&
	git cat-file blob $(cat commit):uniprot/sprot/VERSION >out &&
	test_cmp v1 out
'

test_expect_success 'the rest of the tree is kept' '
	git ls-tree -r HEAD >expect &&
	git ls-tree -r $(cat commit) | grep -v uniprot >out &&
	test_cmp expect out &&
	git update-ref HEAD $(cat commit)
'

test_expect_success 'Git reads the trailer' '
	git log -1 --format="%(trailers:key=Casg-Version,valueonly)" >out &&
	test_grep "^uniprot/sprot $(cat id1)\$" out
'

test_expect_success 'identity and dates are those of the environment' '
	test_grep "^author A U Thor <author@example.org> 1709287200 +0000\$" raw &&
	test_grep "^committer C O Mitter <committer@example.org> 1709287200 +0000\$" raw &&
	GIT_AUTHOR_DATE="Thu, 07 Apr 2005 22:13:13 +0200" \
		commit_tree --database x <v1 >c &&
	git cat-file commit $(cat c) >raw &&
	test_grep "^author .* 1112904793 +0200\$" raw &&
	test_expect_code 128 env GIT_AUTHOR_DATE=whenever \
		casg-commit-tree --packs nopacks --database x <v1
'

test_expect_success 'identity is never missing' '
	(
		unset GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL EMAIL &&
		HOME=/nonexistent commit_tree --database x <v1 >c
	) &&
	git cat-file commit $(cat c) >raw &&
	test_grep "^author ..* <..*@..*> 1709287200" raw &&
	git fsck --strict
'

test_expect_success 'identity from git config' '
	test_when_finished "git config --remove-section user; git config --remove-section author" &&
	git config user.name "Con <Fig" &&
	git config user.email con@example.org &&
	git config author.email aut@example.org &&
	(
		unset GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL &&
		commit_tree --database x <v1 >c
	) &&
	git cat-file commit $(cat c) >raw &&
	test_grep "^author Con Fig <aut@example.org> " raw &&
	test_grep "^committer Con Fig <con@example.org> " raw
'

test_expect_success 'paragraphs; trailers join trailers' '
	commit_tree --database x -m one -m two -m "Signed-off-by: me <m@e>" <v1 >c &&
	git log -1 --format=%B $(cat c) >out &&
	cat >expect <<-EOF &&
	one

	two

	Signed-off-by: me <m@e>
	Casg-Version: x $(cat id1)
	Casg-Release: x r1

	EOF
	test_cmp expect out
'

test_expect_success 'several parents' '
	commit_tree -p HEAD -p HEAD~1 --database x <v1 >c &&
	git log -1 --format=%P $(cat c) >out &&
	echo "$(git rev-parse HEAD) $(git rev-parse HEAD~1)" >expect &&
	test_cmp expect out &&
	test_expect_code 128 commit_tree -p nonesuch --database x <v1
'

test_expect_success 'PACKS is checked, committed, and replaced' '
	echo "$(cat id1) 12 sequences,nodes" >packs &&
	commit_tree -p HEAD --database x --packs packs <v1 >c &&
	git cat-file blob $(cat c):x/PACKS >out &&
	test_cmp packs out &&
	echo "$(cat id1) 13 nodes" >packs2 &&
	commit_tree -p $(cat c) --database x --packs packs2 <v2 >c2 &&
	git cat-file blob $(cat c2):x/PACKS >out &&
	test_cmp packs2 out &&
	for bad in "$(cat id1) 012 a" "$(cat id1) 12" "x 12 a"; do
		echo "$bad" >bad &&
		test_expect_code 128 commit_tree --database x --packs bad <v1 || return 1
	done &&
	test_expect_code 128 commit_tree --database x --packs nofile <v1
'

test_expect_success 'without --packs the store is asked' '
	test_expect_code 128 casg-commit-tree --database x <v1 >out 2>err &&
	test_must_be_empty out &&
	test_grep "$(sed -n "s/^records //p" v1)" err &&
	printf ">a\nACGT\n" | casg-pack | casg-mktree | casg-write-version >v &&
	casg-commit-tree --database x <v >c &&
	git cat-file blob $(cat c):x/PACKS >out &&
	ls .git/casg/packs/*.pack | sed "s/.*pack-//; s/\.pack//" >expect &&
	cut -d" " -f1 out >ids &&
	test_cmp expect ids
'

test_expect_success 'no database inside another' '
	test_expect_code 128 commit_tree -p HEAD --database uniprot <v1 2>err &&
	test_grep "around database .uniprot/sprot" err &&
	test_expect_code 128 commit_tree -p HEAD --database uniprot/sprot/x <v1 2>err &&
	test_grep "inside database .uniprot/sprot" err
'

test_expect_success 'bad names are wrong usage' '
	for name in "" /a a/ a//b -a .a a..b a.lock VERSION a/PACKS taxonomy taxonomy/x/y "a b" a:b; do
		test_expect_code 129 commit_tree --database="$name" <v1 >out 2>err &&
		test_must_be_empty out || { echo "$name" && return 1; }
	done &&
	test_expect_code 129 commit_tree <v1
'

test_expect_success 'a version that is not canonical is not committed' '
	sed "s/^count /count  /" v1 >bad &&
	test_expect_code 128 commit_tree --database x <bad >out &&
	test_must_be_empty out &&
	test_expect_code 128 commit_tree --database x </dev/null
'

# ---- finding

test_expect_success 'a history with two databases, a tag and a branch' '
	git tag -a -m t v1.0 &&
	git branch old &&
	git update-ref HEAD $(commit_tree -p HEAD --database uniprot/sprot <v2) &&
	git tag light &&
	git update-ref HEAD $(commit_tree -p HEAD --database other <v3)
'

finds () {
	casg-read-version "$1" >out && test_cmp "$2" out
}

test_expect_success 'Git revision syntax' '
	finds uniprot/sprot v2 &&
	finds HEAD:uniprot/sprot v2 &&
	finds @:other v3 &&
	finds HEAD~2:uniprot/sprot v1 &&
	finds v1.0:uniprot/sprot v1 &&
	finds refs/tags/v1.0:uniprot/sprot v1 &&
	finds "v1.0^{commit}:uniprot/sprot" v1 &&
	finds old:uniprot/sprot v1 &&
	finds heads/old:uniprot/sprot v1 &&
	finds $(git rev-parse HEAD~1):uniprot/sprot v2 &&
	finds $(git rev-parse --short HEAD~1):uniprot/sprot v2 &&
	finds "HEAD^{/other}:other" v3
'

test_expect_success 'the name may be left out where there is one database' '
	finds v1.0: v1 &&
	finds light: v2 &&
	test_expect_code 128 casg-read-version HEAD: 2>err &&
	test_grep "several databases, name one of: other, uniprot/sprot" err &&
	test_expect_code 128 casg-read-version "" &&
	test_expect_code 128 casg-read-version HEAD~3: 2>err &&
	test_grep "there is no database in .HEAD~3." err
'

test_expect_success 'what is not there is named' '
	test_expect_code 128 casg-read-version nope 2>err &&
	test_grep "no database .nope. in .HEAD." err &&
	test_expect_code 128 casg-read-version nope:other 2>err &&
	test_grep "nope" err &&
	test_expect_code 128 casg-read-version v1.0:other &&
	test_expect_code 128 casg-read-version "HEAD^{tree}:other" &&
	test_expect_code 128 casg-read-version :other &&
	test_expect_code 128 casg-read-version uniprot
'

test_expect_success '--list' '
	casg-read-version --list >out &&
	cat >expect <<-EOF &&
	$(casg-read-version --id other) other
	$(casg-read-version --id uniprot/sprot) uniprot/sprot
	EOF
	test_cmp expect out &&
	casg-read-version --list HEAD~3 >out &&
	test_must_be_empty out &&
	test_expect_code 128 casg-read-version --list nope
'

test_expect_success '--batch answers each, in order, and lives on' '
	printf "%s\n" other nope HEAD:nope nope:x v1.0: :x >in &&
	casg-read-version --batch <in >out &&
	cat >expect <<-EOF &&
	$(casg-read-version --id other) other
	nope missing
	HEAD:nope missing
	nope:x missing
	$(cat id1) v1.0:
	EOF
	sed 5q out >out5 &&
	test_cmp expect out5 &&
	test_line_count = 6 out &&
	sed -n 6p out | grep "^:x bad: " &&
	tr "\\n" "\\0" <in >inz &&
	casg-read-version --batch -z <inz >outz &&
	tr "\\0" "\\n" <outz >out2 &&
	test_cmp out out2
'

test_expect_success '--blobs: which of them are versions, and which' '
	git rev-parse HEAD:other/VERSION HEAD:other/PACKS >in && git rev-parse HEAD:uniprot/sprot/VERSION >>in &&
	printf "%s %s\n" $(casg-read-version --id other) $(sed -n 1p in) >expect &&
	printf "%s %s\n" $(casg-read-version --id uniprot/sprot) $(sed -n 3p in) >>expect &&
	casg-read-version --blobs <in >out && test_cmp expect out &&
	tr "\n" "\0" <in | casg-read-version --blobs -z >outz && tr "\0" "\n" <outz >out && test_cmp expect out &&
	for bad in nope HEAD "$(git rev-parse HEAD)"; do
		echo "$bad" | test_expect_code 128 casg-read-version --blobs >out && test_must_be_empty out || return 1
	done &&
	test_expect_code 129 casg-read-version --blobs HEAD </dev/null
'

test_expect_success 'a version damaged in Git is refused, the neighbour is not' '
	blob=$(sed "s/^count /count 0/" v1 | git hash-object -w --stdin) &&
	(
		GIT_INDEX_FILE=idx && export GIT_INDEX_FILE &&
		git read-tree HEAD &&
		git update-index --cacheinfo 100644,$blob,other/VERSION &&
		git write-tree >tree
	) &&
	git update-ref refs/heads/bad $(git commit-tree -p HEAD -m bad $(cat tree)) &&
	test_expect_code 128 casg-read-version bad:other 2>err &&
	test_grep "bad:other/VERSION: malformed version, line 5" err &&
	finds bad:uniprot/sprot v2 &&
	echo bad:other | casg-read-version --batch >out &&
	test_grep "^bad:other bad: " out
'

# ---- the cache

test_expect_success 'the cache is filled, keyed by object, and can be deleted' '
	rm -rf .git/casg/index &&
	finds v1.0: v1 &&
	(cd .git/casg/index/versions && find . -type f) >files &&
	commit=$(git rev-parse v1.0^{commit}) && tag=$(git rev-parse v1.0) &&
	for i in $commit $tag; do
		test_grep "^./$i/uniprot%2Fsprot\$" files &&
		test_grep "^./$i/%\$" files || return 1
	done &&
	test_line_count = 4 files &&
	rm -rf .git/casg/index &&
	finds v1.0: v1
'

test_expect_success 'CASG_CACHE_DIR moves it' '
	rm -rf .git/casg/index &&
	CASG_CACHE_DIR=$PWD/cache casg-read-version other >out &&
	test_path_is_missing .git/casg/index &&
	test_path_is_file cache/versions/$(git rev-parse HEAD)/other
'

test_expect_success NOTROOT 'a cache that cannot be written changes nothing' '
	mkdir -p .git/casg/index &&
	chmod a-w .git/casg/index &&
	test_when_finished "chmod u+w .git/casg/index" &&
	finds other v3
'

test_expect_success 'where there is no casg' '
	git init -q outside &&
	cd outside &&
	test_expect_code 128 casg-read-version other 2>err &&
	test_grep "^fatal: not a casg repository (or any of the parent directories)" err &&
	cd / &&
	test_expect_code 128 casg-read-version other 2>"$TRASH_DIRECTORY/err" &&
	test_grep "^fatal: not a casg repository" "$TRASH_DIRECTORY/err"
'

test_expect_success 'from a subfolder, by CASG_DIR, in a linked work tree' '
	mkdir -p sub/sub && (cd sub/sub && casg-read-version other) >out &&
	test_cmp v3 out &&
	(cd / && CASG_DIR=$TRASH_DIRECTORY casg-read-version other) >out &&
	test_cmp v3 out &&
	(cd / && CASG_DIR=$TRASH_DIRECTORY/.git casg-read-version other) >out &&
	test_cmp v3 out &&
	(cd sub && CASG_DIR=.. casg-read-version other) >out &&
	test_cmp v3 out &&
	git worktree add -q wt old &&
	(cd wt && casg-read-version uniprot/sprot) >out &&
	test_cmp v1 out &&
	test_expect_code 128 env CASG_DIR=/nonexistent casg-read-version other
'

test_expect_success 'packed refs' '
	git pack-refs --all &&
	finds v1.0:uniprot/sprot v1 &&
	finds old:uniprot/sprot v1 &&
	finds other v3
'

test_done
