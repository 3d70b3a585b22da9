#!/bin/sh

test_description='merging what was withdrawn'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

# withdrawn REV: key and reason of each tombstone
withdrawn () {
	casg-ls-tree --withdrawn "$1:db" | cut -f1,4 | tr '\t' ' '
}

keys () {
	casg-ls-tree db | sed '/^#/d; s/\t.*//' | sort | tr '\n' ' '
}

test_expect_success 'setup' '
	for k in a b c d e f; do printf ">%s\nACGT\n" $k || return 1; done >base.fa &&
	casg init -q repo &&
	cd repo &&
	git branch -m main &&
	plumb_import ../base.fa db &&
	casg rm -q --reason "long ago" f && git tag base &&
	git checkout -q -b theirs &&
	casg rm -q --reason "by theirs" a c && git tag theirs-1 &&
	git checkout -q main &&
	casg rm -q --reason "by ours" b c && git tag ours-1
'

test_expect_success 'tombstones of both sides, ours where both withdrew' '
	cd repo &&
	casg merge -q theirs &&
	withdrawn HEAD >actual &&
	printf "a by theirs\nb by ours\nc by ours\nf long ago\n" >expect &&
	test_cmp expect actual &&
	test "$(keys)" = "d e " &&
	casg fsck --full && casg-verify-version db >out
'

test_expect_success 'no tombstone for a key that came back' '
	cd repo &&
	git checkout -q -B back base && plumb_import ../base.fa db && git tag back-1 &&
	withdrawn HEAD >actual && test_must_be_empty actual &&
	git checkout -q -B rm-d base && casg rm -q --reason "of no use" d &&
	casg merge -q back &&
	withdrawn HEAD >actual && echo "d of no use" >expect && test_cmp expect actual &&
	test "$(keys)" = "a b c e f " && casg-verify-version db >out
'

test_expect_success 'a conflict that is settled for the record takes the tombstone away' '
	cd repo &&
	sed "s/^>d/>d changed/" ../base.fa | sed "/^>f/,\$d" >changed.fa &&
	git checkout -q -B changed base && plumb_import changed.fa db &&
	git checkout -q -B gone base && casg rm -q --reason "gone" d && git tag gone-1 &&
	test_expect_code 1 casg merge -q changed >out &&
	casg merge -q --theirs changed &&
	withdrawn HEAD >actual && echo "f long ago" >expect && test_cmp expect actual &&
	test "$(keys)" = "a b c d e " &&
	git reset -q --hard gone-1 && casg merge -q --ours changed &&
	withdrawn HEAD >actual && printf "d gone\nf long ago\n" >expect && test_cmp expect actual &&
	casg-verify-version db >out
'

test_expect_success 'reverting casg rm takes back the tombstone' '
	cd repo &&
	git checkout -q -B rev gone-1 &&
	casg revert -q HEAD &&
	withdrawn HEAD >actual && echo "f long ago" >expect && test_cmp expect actual &&
	test "$(keys)" = "a b c d e " &&
	git reset -q --hard gone-1 &&
	casg rm -q --reason later e && casg revert -q HEAD^ &&
	withdrawn HEAD >actual && printf "e later\nf long ago\n" >expect && test_cmp expect actual &&
	test "$(keys)" = "a b c d " && casg verify HEAD
'

test_done
