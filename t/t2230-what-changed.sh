#!/bin/sh
# Orders and presentations beside the tree: a release costs what changed, and what
# they rest on is kept, sent and checked.

test_description='orders and presentations are stored by those of the version before'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

import () {
	casg import -q -d db "$@"
}

# kept KIND...: the bytes that chunks of these kinds take
kept () {
	casg-verify-pack -v .git/casg/packs/*.pack |
		awk -F "\t" -v kinds=" $* " 'index(kinds, " " $2 " ") { n += $6 } END { print n + 0 }'
}

# costs KIND... <of release $i: what it adds to them, to 'cost'
costs () {
	before=$(cat kept) && kept "$@" >kept && cost=$(($(cat kept) - before))
}

# release N: records in an order of their own, some in lower case; a few of both change
release () {
	awk -v i="$1" '!((NR * 31 + i) % 997) { next }
		{ print $2; print $1 % 10 == 3 || !((NR + i) % 400) ? tolower($3) : $3 }
		NR == 100 * i { print ">new" i; print "MKV" }' ../table
}

test_expect_success 'records in an order that is not the one of their keys' '
	casg-gen --seed 5 --type protein --records 4000 --length 30 --width 0 >plain.fa &&
	awk "BEGIN { x = 1 } /^>/ { id = \$1; next } { x = x * 16807 % 2147483647; print x, id, \$0 }" plain.fa |
		sort -n >table && test_line_count = 4000 table &&
	casg init -q db && cd db && echo 0 >kept && release 0 >0.fa && import 0.fa &&
	costs blobs lists orders && test "$cost" -gt 7000
'

test_expect_success 'each release costs what changed' '
	cd db &&
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		release $i >$i.fa &&
		case $i in
		1 | 12) import $i.fa ;;
		*) plumb_import $i.fa db ;;
		esac &&
		costs blobs lists orders && test "$cost" -lt 1400 || { echo "$i: $cost" && return 1; }
	done &&
	for i in 0 1 6 11 12; do casg-assemble -q -- HEAD~$((12 - i)):db | cmp - $i.fa || return 1; done &&
	casg fsck --full --read-back >out
'

test_expect_success 'chains do not grow without end: the next one is whole' '
	cd db && release 13 >13.fa && import 13.fa && costs blobs lists orders && test "$cost" -gt 7000 &&
	release 14 >14.fa && import 14.fa && costs blobs lists orders && test "$cost" -lt 1400 &&
	casg export db | cmp - 14.fa
'

test_expect_success 'casg-update-tree and casg commit do the same' '
	cd db && kept blobs lists orders >kept && casg rm -q -d db new14 && costs blobs lists orders && test "$cost" -lt 1400 &&
	sed "/^>new14/,+1d" 14.fa >15.fa && casg export db | cmp - 15.fa &&
	casg-ls-tree db >before && sed 1000d before >lines && casg commit -q -m x db lines && costs blobs lists orders &&
	test "$cost" -lt 1400 && casg-ls-tree db >after && test_cmp lines after && casg export db >16.fa
'

test_expect_success 'push, clone, a clone of what is wanted, fetch' '
	git init -q --bare remote.git && mkdir st && cd db && casg remote add origin ../remote.git ../st && casg push -q &&
	casg clone -q --storage ../st ../remote.git ../copy && casg clone -q --no-data --storage ../st ../remote.git ../part &&
	for d in copy part; do
		(cd ../$d && casg fsck >out && casg export db | cmp - ../db/16.fa && casg export HEAD~8:db >back && cmp back ../db/8.fa) || return 1
	done &&
	release 17 >17.fa && import 17.fa && casg push -q &&
	for d in copy part; do
		(cd ../$d && casg pull -q && casg export db | cmp - ../db/17.fa) || return 1
	done &&
	for d in copy part; do
		(
			cd ../$d && { test $d = copy || casg gc -q --grace=0; } &&
			casg repack -q -d && casg export db | cmp - ../db/17.fa
		) || return 1
	done &&
	release 18 >18.fa && cd ../part && import ../db/18.fa && casg push -q && cd ../copy && casg pull -q &&
	casg export db | cmp - ../db/18.fa && casg fsck --full >out
'

test_expect_success 'what a version that is left rests on stays with it' '
	casg clone -q --storage st remote.git gone && cd gone && casg export HEAD:db >last &&
	tip=$(git rev-parse HEAD) && git checkout -q --orphan alone && git commit -q -m alone &&
	git symbolic-ref --delete refs/remotes/origin/HEAD &&
	git for-each-ref --format="%(refname)" >refs &&
	while read -r ref; do
		case $ref in */alone | */HEAD) ;; *) git update-ref -d "$ref" || return 1 ;; esac
	done <refs && git reflog expire --expire=now --all && git gc -q --prune=now && casg gc -q --grace=0 && test_must_fail git cat-file -e "$tip" &&
	casg-assemble -q HEAD:db | cmp - last && casg fsck --full >out && casg repack -q -d && casg-assemble -q HEAD:db | cmp - last &&
	casg repack -q -a -d && casg export HEAD:db | cmp - last && casg fsck --full >out
'

test_expect_success 'a base that is damaged: said by name, and the next release is stored all the same' '
	casg clone -q --storage st remote.git broken && cd broken &&
	for pack in .git/casg/packs/*.pack; do
		casg-verify-pack -v "$pack" | awk -F "\t" "\$2 == \"orders\" { print \$7 }" >places && chmod u+w "$pack" &&
		while read -r at; do
			printf "\377" | dd of="$pack" bs=1 seek=$((at + 40)) conv=notrunc 2>/dev/null || return 1
		done <places || return 1
	done && test_must_fail casg export db >out 2>err && test_grep "^fatal: " err &&
	import ../db/0.fa 2>err && casg export db | cmp - ../db/0.fa
'

# Four million were the most once.
test_expect_success EXPENSIVE 'the same of five million records' '
	casg init -q many && cd many && git config casg.memory 64m &&
	awk "BEGIN {
		for (i = 0; i < 8388608; i++) {
			x = (x * 1664525 + 1013904223) % 8388608
			if (x < 5000000) printf \">k%07d\nMKV\n\", x
		}
	}" >0.fa && test "$(wc -l <0.fa)" = 10000000 &&
	import 0.fa && kept blobs lists orders >kept && cp kept whole && test "$(cat kept)" -gt 10000000 &&
	sed "1000001,1000004d; 4000001s/.*/>another/" 0.fa >1.fa && import 1.fa && costs blobs lists orders &&
	test "$cost" -lt 2000 && casg export db | cmp - 1.fa && casg fsck --full >out &&
	casg repack -q -a -d && kept blobs lists orders >kept && test "$(cat kept)" -lt $(($(cat whole) + 1000000)) && casg export HEAD~1:db | cmp - 0.fa
'

test_done
