#!/bin/sh
# casg init: new, bare, again, and in a repository that Git has already.

test_description='casg init'
. "$(dirname "$0")/test-lib.sh"

clean () {
	git -C "$1" status --porcelain >status && test_must_be_empty status
}

test_expect_success 'a new repository' '
	casg init one >out &&
	echo "Initialized empty casg repository in $PWD/one/.git/" >expect &&
	test_cmp expect out &&
	for dir in packs tmp quarantine index state; do
		test_path_is_dir one/.git/casg/$dir || return 1
	done &&
	clean one &&
	git -C one ls-tree --name-only HEAD >out &&
	printf "%s\n" .casgconfig .gitattributes >expect &&
	test_cmp expect out &&
	test_path_is_file one/.casgconfig &&
	git -C one fsck --strict
'

test_expect_success 'Git neither merges nor converts VERSION and PACKS' '
	for file in VERSION a/b/VERSION a/PACKS; do
		git -C one check-attr merge text filter ident -- $file >out &&
		test_line_count = 4 out &&
		grep -c ": unset$" out >count &&
		echo 4 >expect &&
		test_cmp expect count || return 1
	done &&
	git -C one check-attr text -- other >out &&
	test_grep "unspecified" out
'

test_expect_success 'again: nothing changes' '
	git -C one rev-parse HEAD >before &&
	casg init one >out &&
	test_grep "^Reinitialized existing casg repository in " out &&
	git -C one rev-parse HEAD >after &&
	test_cmp before after &&
	rm -rf one/.git/casg/tmp one/.git/casg/state &&
	casg init one &&
	test_path_is_dir one/.git/casg/tmp &&
	clean one
'

test_expect_success '--quiet' '
	casg init --quiet two >out 2>&1 &&
	test_must_be_empty out &&
	casg init -q two >out 2>&1 &&
	test_must_be_empty out
'

test_expect_success 'here, without DIR' '
	mkdir here && (cd here && casg init -q) &&
	test_path_is_dir here/.git/casg/packs &&
	clean here
'

test_expect_success '--bare' '
	casg init --bare bare >out &&
	test_grep " $PWD/bare/\$" out &&
	test_path_is_dir bare/casg/packs &&
	git -C bare ls-tree --name-only HEAD >out &&
	test_line_count = 2 out &&
	git -C bare rev-parse --is-bare-repository >out &&
	test_grep true out
'

test_expect_success 'a bare repository of Git, without saying --bare' '
	git init -q --bare gitbare &&
	casg init -q gitbare &&
	test_path_is_dir gitbare/casg/packs &&
	test_path_is_missing gitbare/.git &&
	git -C gitbare rev-parse HEAD &&
	casg init gitbare >out &&
	test_grep "^Reinitialized" out
'

test_expect_success 'the branch is the one git init would take' '
	git config --global init.defaultBranch trunk &&
	test_when_finished "git config --global --unset init.defaultBranch" &&
	casg init -q three &&
	git -C three symbolic-ref HEAD >out &&
	echo refs/heads/trunk >expect &&
	test_cmp expect out
'

test_expect_success 'in a repository with a history, .gitattributes is added to' '
	git init -q four &&
	echo "*.txt text" >four/.gitattributes &&
	echo hello >four/a.txt &&
	git -C four add . && git -C four commit -qm one &&
	casg init four >out &&
	test_grep "^Initialized" out &&
	clean four &&
	git -C four log --format=%s >out &&
	printf "%s\n" "casg init" one >expect &&
	test_cmp expect out &&
	test_grep "^\*.txt text" four/.gitattributes &&
	test_grep "^VERSION -merge -text" four/.gitattributes &&
	test_path_is_file four/a.txt &&
	casg init four &&
	git -C four rev-list --count HEAD >out &&
	echo 2 >expect &&
	test_cmp expect out
'

test_expect_success 'local edits are not overwritten' '
	git init -q five &&
	echo one >five/.gitattributes &&
	git -C five add . && git -C five commit -qm one &&
	echo mine >five/.gitattributes &&
	git -C five rev-parse HEAD >before &&
	test_expect_code 128 casg init -q five &&
	git -C five rev-parse HEAD >after &&
	test_cmp before after &&
	echo mine >expect &&
	test_cmp expect five/.gitattributes &&
	git -C five checkout -q .gitattributes &&
	casg init -q five &&
	clean five
'

test_expect_success 'staged files of a repository without a commit stay staged' '
	git init -q six &&
	echo x >six/x && git -C six add x &&
	casg init -q six &&
	git -C six status --porcelain >out &&
	echo "A  x" >expect &&
	test_cmp expect out &&
	test_path_is_file six/x
'

test_expect_success 'without a configured identity' '
	test_when_finished "git config --global --unset user.useConfigOnly" &&
	git config --global user.useConfigOnly true &&
	(
		unset GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL EMAIL &&
		casg init -q seven
	) &&
	clean seven
'

test_expect_success 'from a linked work tree the packs are shared' '
	git -C one worktree add -q ../wt &&
	(cd wt && casg init -q) &&
	test_path_is_missing one/.git/worktrees/wt/casg &&
	clean wt
'

test_expect_success 'CASG_DIR does not lead astray' '
	CASG_DIR=$PWD/one casg init -q eight &&
	test_path_is_dir eight/.git/casg/packs
'

test_expect_success 'what cannot be made is an error' '
	echo file >file &&
	test_expect_code 128 casg init file &&
	test_expect_code 129 casg init a b
'

test_done
