#!/bin/sh
# Guards at import: what ends early, is another file, or loses too much.

test_description='casg import refuses what is no release'
. "$(dirname "$0")/test-lib.sh"

# refused MESSAGE ARG...: casg import says it, and nothing has changed
refused () {
	message=$1
	shift
	git rev-parse HEAD >before && ls .git/casg/packs .git/casg/index >>before &&
	test_expect_code 128 casg import "$@" >out 2>err &&
	test_must_be_empty out &&
	test_grep "$message" err &&
	git rev-parse HEAD >after && ls .git/casg/packs .git/casg/index >>after &&
	test_cmp before after &&
	ls .git/casg/tmp >left && test_must_be_empty left &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty
}

sha () {
	sha256sum "$1" | cut -c1-64
}

test_expect_success 'setup' '
	casg init -q . &&
	casg-gen --seed 1 --type protein --records 100 --length 50 >db.fa &&
	casg import -q db.fa &&
	casg-gen --seed 1 --type protein --records 120 --length 50 >next.fa &&
	gzip -k next.fa &&
	printf ">more\nMKM\n" >more.fa
'

# ---- the last newline

test_expect_success 'no newline at the end, where the version before has one' '
	{ cat db.fa && printf ">cut\nMK"; } >cut.fa &&
	refused "the input ends without a newline" -d db cut.fa &&
	test_grep "allow-missing-newline" err &&
	refused "the input ends without a newline" -d db --update cut.fa &&
	casg import -q -d db --allow-missing-newline cut.fa &&
	casg export db >back && cmp cut.fa back
'

test_expect_success 'where the version before has none, either, it is accepted' '
	printf ">cut2\nMK" | cat cut.fa - | sed "s/MK>cut2/MK/" >cut2.fa &&
	{ cat db.fa && printf ">cut\nMKV"; } >cut2.fa &&
	casg import -q -d db cut2.fa &&
	casg import -q -d first cut.fa &&
	casg import -q -d db db.fa
'

# ---- numbers

test_expect_success '--expect-records' '
	refused "the input has 120 records where 121 are expected" -d db --expect-records=121 next.fa &&
	refused "the input has 121 records where 120 are expected" -d db --expect-records 120 next.fa more.fa &&
	refused "has 1 records where 0" --update -d db --expect-records=0 more.fa &&
	casg import -q -d db --expect-records=121 next.fa more.fa &&
	casg import -q --update -d db --expect-records=1 more.fa &&
	test_expect_code 129 casg import -d db --expect-records=many next.fa
'

test_expect_success 'too many records lost' '
	casg-gen --seed 1 --type protein --records 60 --length 50 >less.fa &&
	refused "60 of 121 records would be left, a loss of more than 50 % (casg.shrinkLimit" -d db less.fa &&
	test_grep "accept-shrink" err &&
	casg import -q -d db --accept-shrink less.fa &&
	head -n 90 less.fa | sed -n "1,/^>/p" >/dev/null &&
	casg-gen --seed 1 --type protein --records 30 --length 50 >half.fa &&
	casg import -q -d db half.fa
'

test_expect_success 'casg.shrinkLimit' '
	casg-gen --seed 1 --type protein --records 26 --length 50 >few.fa &&
	git config casg.shrinkLimit 10 &&
	refused "more than 10 %" -d db few.fa &&
	git config casg.shrinkLimit 13 && refused "more than 13 %" -d db few.fa &&
	git config casg.shrinkLimit 14 && casg import -q -d db few.fa &&
	git config casg.shrinkLimit 0 &&
	head -n 2 few.fa >one.fa && refused "more than 0 %" -d db one.fa &&
	printf ">u\nMK\n" >u.fa && casg import -q --update -d db u.fa &&
	casg rm -q -d db u &&
	git config casg.shrinkLimit 100 && casg import -q -d db one.fa &&
	git config casg.shrinkLimit 101 &&
	test_expect_code 128 casg import -d db next.fa 2>err && test_grep "shrinkLimit" err &&
	git config --unset casg.shrinkLimit &&
	casg import -q -d db next.fa
'

# ---- digests

test_expect_success '--expect-sha256 is of the file as it is' '
	wrong=$(sha more.fa) &&
	refused "next.fa: its SHA-256 is $(sha next.fa), and not $wrong as expected" -d d1 --expect-sha256=$wrong next.fa &&
	casg import -q -d d1 --expect-sha256=$(sha next.fa) next.fa &&
	refused "next.fa.gz: its SHA-256 is" -d d1 --expect-sha256=$(sha next.fa) next.fa.gz &&
	casg import -q -d d2 --expect-sha256=$(sha next.fa.gz | tr a-f A-F) next.fa.gz
'

test_expect_success 'of standard input, and of several files' '
	refused "standard input: its SHA-256 is" -d d3 --expect-sha256=$(sha more.fa) - <next.fa &&
	casg import -q -d d3 --expect-sha256=$(sha next.fa) - <next.fa &&
	cat next.fa.gz | casg import -q -d d4 --expect-sha256=$(sha next.fa.gz) - &&
	refused "more.fa: its SHA-256 is" -d d5 --expect-sha256=$(sha next.fa) --expect-sha256=$(sha next.fa) next.fa more.fa &&
	casg import -q -d d5 --expect-sha256=$(sha next.fa.gz) --expect-sha256=$(sha more.fa) next.fa.gz more.fa &&
	casg import -q -d d6 --expect-sha256=- --expect-sha256=$(sha more.fa) next.fa more.fa &&
	refused "more.fa: its SHA-256 is" -d d7 --expect-sha256=- --expect-sha256=$(sha next.fa) next.fa more.fa
'

test_expect_success 'every compression, bytes behind a member, an empty file' '
	for c in "bzip2 -k" "xz -k" "zstd -q"; do
		command -v ${c%% *} >/dev/null || continue
		rm -f next.fa.?z* next.fa.xz next.fa.zst next.fa.bz2
		$c next.fa &&
		f=$(ls next.fa.bz2 next.fa.xz next.fa.zst 2>/dev/null | head -n 1) &&
		refused "its SHA-256" -d e --expect-sha256=$(sha more.fa) $f &&
		casg import -q -d "e-${c%% *}" --expect-sha256=$(sha $f) $f || return 1
	done &&
	gzip -k next.fa &&
	{ cat next.fa.gz && head -c 70000 /dev/zero; } >padded.fa.gz &&
	casg import -q -d padded --expect-sha256=$(sha padded.fa.gz) padded.fa.gz &&
	: >none.fa &&
	casg import -q --allow-empty -d none --expect-sha256=$(sha none.fa) none.fa &&
	refused "none.fa: its SHA-256" --allow-empty -d none2 --expect-sha256=$(sha more.fa) none.fa
'

test_expect_success 'usage of --expect-sha256' '
	test_expect_code 129 casg import -d x --expect-sha256=abc next.fa 2>err &&
	test_grep "64 hex digits" err &&
	test_expect_code 129 casg import -d x --expect-sha256=$(sha next.fa) next.fa more.fa 2>err &&
	test_grep "1 times for 2 files" err
'

test_expect_success 'an MD5 file beside it' '
	mkdir md5 && cp next.fa.gz md5/ &&
	(cd md5 && md5sum next.fa.gz >next.fa.gz.md5) &&
	casg import -q -d m1 md5/next.fa.gz &&
	printf "\n" >>md5/next.fa.gz.md5 && casg import -q -d m1 --release=2 md5/next.fa.gz &&
	md5sum more.fa | sed "s/more.fa/next.fa.gz/" >md5/next.fa.gz.md5 &&
	refused "md5/next.fa.gz: its MD5 is $(md5sum <next.fa.gz | cut -c1-32), and not" -d m2 md5/next.fa.gz &&
	casg import -q -d m2 --no-checksum-file md5/next.fa.gz &&
	md5sum more.fa >md5/next.fa.gz.md5 &&
	refused "its MD5 is" -d m3 md5/next.fa.gz &&
	echo "<html>" >md5/next.fa.gz.md5 &&
	refused "md5/next.fa.gz.md5. holds no MD5 of .next.fa.gz" -d m3 md5/next.fa.gz &&
	: >md5/next.fa.gz.md5 &&
	refused "holds no MD5" -d m3 md5/next.fa.gz
'

test_expect_success 'md5checksums.txt of a folder' '
	rm md5/next.fa.gz.md5 && cp more.fa md5/ &&
	(cd md5 && md5sum ./next.fa.gz ./other 2>/dev/null >md5checksums.txt; cp next.fa.gz unlisted.fa.gz) &&
	casg import -q -d n1 md5/next.fa.gz md5/unlisted.fa.gz &&
	(cd md5 && casg import -q -d n2 next.fa.gz) &&
	(cd md5 && md5sum ./more.fa | sed s/more.fa/next.fa.gz/ >md5checksums.txt) &&
	refused "its MD5 is" -d n3 md5/next.fa.gz &&
	casg import -q -d n3 --no-checksum-file md5/next.fa.gz &&
	(cd md5 && md5sum ./next.fa.gz >>md5checksums.txt) &&
	refused "lists two digests" -d n4 md5/next.fa.gz &&
	(cd md5 && md5sum next.fa.gz >next.fa.gz.md5) &&
	casg import -q -d n5 md5/next.fa.gz
'

test_expect_success 'a compressed file that ends early' '
	head -c 2000 next.fa.gz >short.fa.gz &&
	refused "short.fa.gz" -d g short.fa.gz &&
	refused "short.fa.gz" -d db --update short.fa.gz
'

test_done
