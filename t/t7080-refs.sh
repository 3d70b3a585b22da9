#!/bin/sh
# Branches and tags: casg branch, casg switch, casg tag.

test_description='casg branch, casg switch, casg tag'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'setup' '
	casg init -q . &&
	git branch -m main &&
	git tag -m empty empty &&
	printf ">a\nACGT\n" >one.fa &&
	casg import -q --release r1 --sequence-time 2001-01-01 one.fa &&
	printf ">b\nACGT\n" >two.fa &&
	casg import -q --database grp/two --release r2 --sequence-time 2002-02-02 two.fa
'

# ---- branches

test_expect_success 'make and list' '
	casg branch side HEAD~1 &&
	casg branch other &&
	casg branch >out &&
	printf "%s\n" "* main" "  other" "  side" >expect &&
	test_cmp expect out &&
	casg branch -l "s*" >out &&
	echo "  side" >expect &&
	test_cmp expect out &&
	casg branch --show-current >out &&
	echo main >expect && test_cmp expect out &&
	test_expect_code 128 casg branch side &&
	casg branch -f side HEAD~1 &&
	test_expect_code 128 casg branch x nowhere &&
	test_expect_code 128 casg branch "a..b" &&
	test_expect_code 129 casg branch a b c &&
	test_expect_code 129 casg branch -d -m a b
'

test_expect_success '-v says which versions a branch holds' '
	casg branch -v >out &&
	short () {
		casg-read-version --id $1 | cut -c 1-12
	} &&
	cat >expect <<-EOT &&
	* main $(git rev-parse --short main)
	      grp/two r2 2002-02-02T00:00:00Z $(short main:grp/two)
	      one r1 2001-01-01T00:00:00Z $(short main:one)
	  other $(git rev-parse --short main)
	      grp/two r2 2002-02-02T00:00:00Z $(short main:grp/two)
	      one r1 2001-01-01T00:00:00Z $(short main:one)
	  side $(git rev-parse --short side)
	      one r1 2001-01-01T00:00:00Z $(short side:one)
	EOT
	test_cmp expect out
'

test_expect_success 'switch: HEAD, index and work tree' '
	casg switch side 2>err &&
	test_grep "Switched to branch .side." err &&
	echo side >expect && casg branch --show-current >out && test_cmp expect out &&
	test_path_is_missing grp &&
	git status --porcelain --untracked-files=no >out && test_must_be_empty out &&
	casg switch -q - >out 2>&1 && test_must_be_empty out &&
	test_path_is_file grp/two/VERSION &&
	casg switch -q -c new side &&
	echo new >expect && casg branch --show-current >out && test_cmp expect out &&
	casg switch -q --detach main &&
	casg branch --show-current >out && test_must_be_empty out &&
	casg branch -v >out && test_grep "^\* (HEAD detached at" out &&
	casg switch -q main
'

test_expect_success 'an import goes to the branch that was switched to' '
	casg switch -q new &&
	printf ">c\nACGTA\n" >>one.fa && casg import -q one.fa &&
	test "$(casg-read-version --field=count one)" = 2 &&
	test "$(casg-read-version --field=count main:one)" = 1 &&
	casg switch -q main &&
	casg export one >out && printf ">a\nACGT\n" >expect && test_cmp expect out
'

test_expect_success 'switch refuses over local edits' '
	echo x >>one/VERSION &&
	test_expect_code 128 casg switch new 2>err &&
	test_grep "would be overwritten" err &&
	echo main >expect && casg branch --show-current >out && test_cmp expect out &&
	git checkout -q one &&
	test_expect_code 128 casg switch nowhere &&
	test_expect_code 129 casg switch &&
	test_expect_code 129 casg switch -c a --detach &&
	test_expect_code 129 casg switch a b
'

test_expect_success 'rename and delete' '
	casg branch -m other another &&
	git rev-parse --verify -q another && ! git rev-parse --verify -q other &&
	test_expect_code 1 casg branch -d new 2>err &&
	test_grep "not fully merged" err &&
	casg branch -d -f new another &&
	test_expect_code 1 casg branch -d nowhere &&
	test_expect_code 129 casg branch -d &&
	casg branch >out && test_line_count = 2 out
'

test_expect_success 'in a bare repository only HEAD moves' '
	git clone -q --bare . bare && mkdir -p bare/casg && cp -R .git/casg/packs bare/casg/ &&
	(
		cd bare &&
		casg switch -q side &&
		casg branch --show-current >out && echo side >expect && test_cmp expect out &&
		casg switch -c new main 2>err && test_grep "Switched to branch .new." err &&
		test_expect_code 128 casg switch nowhere &&
		test_expect_code 128 casg switch --detach main
	)
'

# ---- tags

test_expect_success 'a tag says which versions it holds' '
	casg tag -m "all of it" -m "more" v1 &&
	git cat-file tag v1 | sed "1,/^\$/d" >actual &&
	cat >expect <<-EOT &&
	all of it

	more

	Casg-Version: grp/two $(casg-read-version --id grp/two)
	Casg-Version: one $(casg-read-version --id one)
	EOT
	test_cmp expect actual &&
	casg tag v0 side &&
	git cat-file tag v0 | sed "1,/^\$/d" >actual &&
	printf "v0\n\nCasg-Version: one %s\n" $(casg-read-version --id one) >expect &&
	test_cmp expect actual &&
	casg verify >out && test_grep "one: 1 versions verified" out
'

test_expect_success 'messages of all kinds; trailers join trailers' '
	printf "subject\n\n# no comment\n---\nSee-also: x\n" | casg tag -F - v2 &&
	git cat-file tag v2 | sed "1,/^\$/d; /^Casg-Version/d" >actual &&
	printf "subject\n\n# no comment\n---\nSee-also: x\n" >expect &&
	head -n 5 actual >first && test_cmp expect first &&
	git for-each-ref --format="%(contents:trailers:key=Casg-Version)" refs/tags/v2 >out &&
	test_grep "^Casg-Version: one $(casg-read-version --id one)" out &&
	casg tag -m subject -m "Signed-off-by: A <a@example.org>" v3 &&
	git cat-file tag v3 | tail -n 3 >actual &&
	test_grep "^Signed-off-by" actual &&
	GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=trailer.ifmissing GIT_CONFIG_VALUE_0=doNothing \
		casg tag v4 &&
	git cat-file tag v4 >out && test_grep "^Casg-Version: one" out &&
	test_expect_code 128 casg tag -m x -m "Casg-Version: one 0" v5
'

test_expect_success 'list, replace, delete' '
	casg tag >out &&
	printf "%s\n" empty v0 v1 v2 v3 v4 >expect &&
	test_cmp expect out &&
	casg tag -l "v[01]" >out && test_line_count = 2 out &&
	casg tag -n 1 >out && test_grep "^v1 *all of it" out &&
	test_expect_code 128 casg tag v1 2>err && test_grep "already exists" err &&
	casg tag -f v1 side &&
	test "$(git rev-parse v1^{commit})" = "$(git rev-parse side)" &&
	casg tag -d v1 v2 &&
	test_expect_code 1 casg tag -d v1 &&
	test_expect_code 129 casg tag -d &&
	test_expect_code 129 casg tag -m x -F y v9 &&
	test_expect_code 129 casg tag a b c &&
	test_expect_code 128 casg tag v9 nowhere &&
	test_expect_code 128 casg tag "a..b"
'

test_expect_success 'a commit without a database is not tagged' '
	test_expect_code 128 casg tag v9 empty 2>err &&
	test_grep "there is no database in .empty." err
'

# ---- signed tags

test_lazy_prereq SSHSIG '
	ssh-keygen -q -t ed25519 -N "" -f key &&
	echo x | ssh-keygen -Y sign -n git -f key
'

test_expect_success SSHSIG 'casg tag -s, -u, tag.gpgSign' '
	ssh-keygen -q -t ed25519 -N "" -C "" -f k1 && ssh-keygen -q -t ed25519 -N "" -C "" -f k2 &&
	{ echo "one@example.org $(cat k1.pub)" && echo "two@example.org $(cat k2.pub)"; } >allowed &&
	git config gpg.format ssh && git config user.signingKey "$PWD/k1" &&
	git config gpg.ssh.allowedSignersFile "$PWD/allowed" &&
	casg tag -s s1 && git verify-tag s1 2>err && test_grep "one@example.org" err &&
	casg tag -u "$PWD/k2" s2 && git verify-tag s2 2>err && test_grep "two@example.org" err &&
	git config tag.gpgSign true &&
	casg tag s3 && git verify-tag s3 &&
	casg tag --no-sign s4 && test_expect_code 1 git verify-tag s4 &&
	git config --unset tag.gpgSign &&
	casg tag s5 && test_expect_code 1 git verify-tag s5 &&
	test_expect_code 129 casg tag --no-sign -u k2 s6 &&
	casg verify --require-signature >out &&
	test_grep "^one: 1 versions verified, signed" out &&
	test_grep "^grp/two: 1 versions verified, signed" out &&
	git config user.signingKey "$PWD/nowhere" &&
	test_expect_code 128 casg tag -s s7 &&
	! git rev-parse --verify -q s7 &&
	git rev-parse s4 >expect &&
	test_expect_code 128 casg tag -f -s s4 &&
	git rev-parse s4 >actual &&
	test_cmp expect actual
'

test_done
