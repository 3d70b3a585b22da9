#!/bin/sh
# An index keeps some 30 bits of a SHA-256; a hit is settled against all of it.
#
# The pairs were found by hashing "MKV" and five letters of the amino acids,
# counting up, until an id had the first 32 bits of a former one.

test_description='sequences whose ids share a prefix'
. "$(dirname "$0")/test-lib.sh"

cat >pairs <<END
MKVGMMFA MKVGMNGA
MKVNGFCA MKVCSVNA
MKVFQYGA MKVWPTYA
END

id_of () {
	printf '%s' "$1" | sha256sum | cut -d' ' -f1
}

prefix_of () {
	id_of "$1" | cut -c1-8
}

CASG_DIR=db/.git
export CASG_DIR

test_expect_success 'setup: they do share 32 bits' '
	git init -q db &&
	mkdir -p db/.git/casg/packs &&
	while read -r a b; do
		test "$(id_of $a)" != "$(id_of $b)" &&
		test "$(prefix_of $a)" = "$(prefix_of $b)" || return 1
	done <pairs
'

test_expect_success 'the second of a pair is stored though the first is there' '
	awk "{ print \">first\" NR; print \$1 }" pairs >first.fa &&
	awk "{ print \">second\" NR; print \$2 }" pairs >second.fa &&
	casg-pack --quiet first.fa >records &&
	casg-pack --quiet second.fa >>records &&
	casg-count-objects -v >counts &&
	test_grep "^sequences: 6\$" counts &&
	test_grep "^packs: 2\$" counts &&
	casg-hash-object first.fa second.fa | sort >expect &&
	casg-ls-chunks | cut -f1 | xargs casg-cat-chunk --list | cut -f1 | sort >actual &&
	test_cmp expect actual
'

test_expect_success 'what is there is not stored again' '
	casg-pack --quiet second.fa first.fa >again &&
	casg-count-objects -v >counts &&
	test_grep "^sequences: 6\$" counts
'

test_expect_success 'both in one pack' '
	git init -q one &&
	mkdir -p one/.git/casg/packs &&
	cat second.fa first.fa | CASG_DIR=one/.git casg-pack --quiet >records.one &&
	CASG_DIR=one/.git casg-count-objects -v >counts &&
	test_grep "^sequences: 6\$" counts &&
	CASG_DIR=one/.git casg-verify-pack one/.git/casg/packs/*.pack
'

test_expect_success 'a tree tells them apart, with and without the list of ids' '
	grep -v "^#casg" records >plain &&
	CASG_DIR=db/.git casg-mktree <plain >roots &&
	CASG_DIR=one/.git casg-mktree <plain >roots.one &&
	grep "^records" roots >expect &&
	grep "^records" roots.one >actual &&
	test_cmp expect actual &&
	rm -f one/.git/casg/index/*.objects &&
	CASG_DIR=one/.git casg-mktree <plain >roots.one &&
	grep "^records" roots.one >actual &&
	test_cmp expect actual
'

test_expect_success 'the same sequences come back' '
	cat first.fa second.fa >expect &&
	casg-assemble <records >actual &&
	test_cmp expect actual &&
	rm -f db/.git/casg/index/*.objects &&
	casg-assemble <records >actual &&
	test_cmp expect actual
'

test_expect_success 'an id that shares all but its last bit is in no pack' '
	id=$(id_of MKVGMMFA) &&
	other=${id%?}$(printf "%s" "$id" | tail -c 1 | tr "0123456789abcdef" "1032547698badcfe") &&
	test $id != $other &&
	sed -n "/^first1/s/$id/$other/p" records >forged &&
	test_line_count = 1 forged &&
	test_expect_code 128 casg-mktree <forged 2>err &&
	test_grep "$other" err
'

test_done
