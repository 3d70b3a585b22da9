#!/bin/sh
# Names that are allowed and odd: of databases, and of the folder they are in.

test_description='odd names'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq UTF8 '
	test "$(printf "\\303\\274" | LC_ALL=C.UTF-8 sed "s/./x/g")" = x
'

test_expect_success 'set up' '
	printf ">a x OX=9606\nMKV\n>b\nACGT\n" >a.fa &&
	printf ">a x OX=9606\nMKVL\n>b\nACGT\n" >b.fa
'

# use REPOSITORY DATABASE: what everybody does with it
use () {
	casg -C "$1" import -q --database "$2" ../a.fa &&
	casg -C "$1" import -q --database "$2" ../b.fa &&
	casg -C "$1" export "$2" >out && test_cmp_bin b.fa out &&
	casg -C "$1" export "HEAD~1:$2" >out && test_cmp_bin a.fa out &&
	casg -C "$1" log --oneline "$2" >out && test "$(wc -l <out)" -eq 2 &&
	casg -C "$1" diff --stat HEAD~1 HEAD -- "$2" >out && test_grep "sequence" out &&
	casg -C "$1" verify -q "$2" &&
	casg -C "$1" fsck --quiet --full &&
	casg -C "$1" repack -q -a -d &&
	casg -C "$1" gc -q &&
	casg -C "$1" fsck --quiet --full &&
	git -C "$1" status --porcelain >out && test_must_be_empty out
}

# carry REPOSITORY DATABASE: to another place and back
carry () {
	git init -q --bare host.git &&
	mkdir disk &&
	casg -C "$1" remote add origin "$PWD/host.git" "$PWD/disk" &&
	casg -C "$1" push -q -u &&
	casg clone -q --storage "$PWD/disk" "$PWD/host.git" there &&
	casg -C there export "$2" >out && test_cmp_bin b.fa out &&
	casg -C there fsck --quiet --full &&
	rm -rf host.git disk there
}

test_expect_success 'in UTF-8' '
	test_when_finished "rm -rf repo" &&
	casg init -q repo &&
	use repo "é/ü" && carry repo "é/ü"
'

test_expect_success UTF8 'not in UTF-8, in a locale that is' '
	test_when_finished "rm -rf repo" &&
	casg init -q repo &&
	(
		LC_ALL=C.UTF-8 && export LC_ALL &&
		latin1=$(printf "lat\351in") &&
		use repo "$latin1" && carry repo "$latin1"
	)
'

test_expect_success 'with quotes and other signs' '
	test_when_finished "rm -rf repo" &&
	casg init -q repo &&
	odd="\$(x);\"'\''&%41#" &&
	use repo "$odd" && carry repo "$odd"
'

test_expect_success 'as long as is allowed' '
	test_when_finished "rm -rf repo" &&
	casg init -q repo &&
	long=$(printf "%255s" "" | tr " " x) &&
	use repo "$long/$long" && carry repo "$long/$long"
'

test_expect_success 'what is no name is refused before anything is read' '
	test_when_finished "rm -rf repo" &&
	casg init -q repo &&
	for name in @ -x a/-x VERSION a/PACKS taxonomy taxonomy/x .git a..b "a b" "a:b" a.lock a/ /a \
		"$(printf "%256s" "" | tr " " x)" "$(printf "%513s" "" | sed "s/ /x\//g")x"; do
		test_expect_code 129 casg -C repo import --database="$name" ../no-such-file 2>err &&
		test_grep "is not a database name" err || { echo "$name" && return 1; }
	done
'

test_expect_success 'a folder with line breaks' '
	test_when_finished "rm -rf \"odd dir${LF}second\"" &&
	casg init -q "odd dir${LF}second" &&
	use "odd dir${LF}second" db
'

test_done
