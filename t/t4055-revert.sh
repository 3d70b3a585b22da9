#!/bin/sh

test_description='casg revert'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

import () {
	test_tick && plumb_import "$1" "${2-db}"
}

# keys_are KEYS: of db, in one word
keys_are () {
	test "$(casg-ls-tree db | awk -F"\t" "!/^#casg/ { print \$1 }" | sort | tr -d "\n")" = "$1"
}

test_expect_success 'setup' '
	printf ">a 1\nAAAA\n>b 2\nCCCC\n>c 3\nDDDD\n" >one.fa &&
	# the order changes too
	printf ">b 2\nCCCW\n>a 1\nAAAA\n>n 4\nEEEE\n" >two.fa &&
	printf ">b 2\nCCCW\n>a 1 described\nAAAA\n>n 4\nEEEE\n>m 5\nFFFF\n" >three.fa &&
	casg init -q repo &&
	cd repo &&
	import ../one.fa && git tag one && import ../two.fa && git tag two &&
	import ../three.fa && git tag three
'

test_expect_success 'the last commit: the version before, byte for byte' '
	cd repo &&
	test_tick && casg revert HEAD >out &&
	test_grep "^db: 3 records" out &&
	export_is db ../two.fa && clean &&
	test "$(git rev-parse HEAD^1)" = "$(git rev-parse three)" &&
	test_must_fail git rev-parse --verify -q HEAD^2 &&
	# a version of its own, behind the one it reverts
	test "$(sed -n "s/^previous //p" db/VERSION)" = "$(casg-read-version --id three:db)" &&
	sed -n "/^records /p; /^order /p; /^presentation /p; /^source-sha256 /p" db/VERSION >actual &&
	git show two:db/VERSION |
		sed -n "/^records /p; /^order /p; /^presentation /p; /^source-sha256 /p" >expect &&
	test_cmp expect actual &&
	git log -1 --format=%B >message &&
	test_grep "^Revert .import db: 4 records.\$" message &&
	test_grep "^This reverts commit $(git rev-parse three)\.\$" message &&
	test_grep "^Casg-Version: db $(casg-read-version --id HEAD:db)\$" message
'

test_expect_success 'reverting the revert' '
	cd repo &&
	test_tick && casg revert -q -m "again" HEAD && export_is db ../three.fa && clean &&
	test "$(git log -1 --format=%s)" = again &&
	git reset -q --hard three
'

test_expect_success 'an earlier commit: what came later stays' '
	cd repo &&
	casg revert -q two &&
	casg-ls-tree db >lines && sed 1d lines | cut -f1,6 | sort >actual &&
	printf "a\t 1 described\nb\t 2\nc\t 3\nm\t 5\n" >expect &&
	test_cmp expect actual &&
	grep "^b	$(printf CCCC | sha256sum | cut -c1-64)	" lines &&
	clean &&
	# once more: there is nothing left to do
	test_expect_code 1 casg revert two >out &&
	test_grep "nothing of .two. is left to undo" out &&
	git reset -q --hard three
'

test_expect_success 'conflicts, and how they are settled' '
	cd repo &&
	sed "s/^>n 4/>n four/" ../three.fa >../four.fa &&
	import ../four.fa && git tag four &&
	test_expect_code 1 casg revert two >out 2>err &&
	test_grep "CONFLICT (records): 1 keys" err &&
	test_grep "^theirs	n	-	-	-	-	\$" out &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse four)" &&
	casg revert -q --ours two && keys_are abcmn && clean &&
	git reset -q --hard four &&
	casg revert -q --theirs two && keys_are abcm &&
	git reset -q --hard four &&
	sed -n "s/^base	//p" out >settle &&
	casg revert -q --settle settle two && casg-ls-tree db | grep "^n	.* 4\$" && clean &&
	git reset -q --hard three
'

test_expect_success 'the first import of a database: the database goes' '
	cd repo &&
	import ../one.fa other && git tag o1 &&
	casg revert -q o1 && test_path_is_missing other/VERSION && clean &&
	casg revert -q HEAD && export_is other ../one.fa &&
	# not when it was changed since
	git reset -q --hard o1 && import ../two.fa other &&
	test_expect_code 1 casg revert o1 2>err &&
	test_grep "CONFLICT (database): .other" err &&
	casg revert -q --theirs o1 && test_path_is_missing other/VERSION &&
	git reset -q --hard three
'

test_expect_success 'a merge: only with --mainline' '
	cd repo &&
	git checkout -q -B side two && import ../one.fa x && sed "s/^>b 2/>b two/" ../two.fa >../side.fa &&
	import ../side.fa && git checkout -q -B main three && casg merge -q side && git tag joined &&
	test_expect_code 128 casg revert HEAD 2>err && test_grep "is a merge" err &&
	test_expect_code 128 casg revert --mainline 3 HEAD &&
	test_expect_code 128 casg revert --mainline 0 HEAD &&
	test_expect_code 128 casg revert --mainline 2 three &&
	casg revert -q --mainline 1 HEAD && export_is db ../three.fa &&
	test_path_is_missing x/VERSION && clean &&
	git reset -q --hard joined &&
	casg revert -q --mainline 2 HEAD && export_is db ../side.fa && export_is x ../one.fa && clean
'

test_expect_success 'refusals' '
	cd repo &&
	test_expect_code 128 casg revert nope &&
	test_expect_code 129 casg revert &&
	test_expect_code 129 casg revert --ours --theirs HEAD &&
	root=$(git rev-list --max-parents=0 HEAD) &&
	test_expect_code 128 casg revert "$root" 2>err &&
	test_grep "has no parent" err
'

test_done
