#!/bin/sh
# casg rm: records go, tombstones stay until their keys come back.

test_description='casg rm, and what is left of withdrawn records'
. "$(dirname "$0")/test-lib.sh"

SOURCE_DATE_EPOCH=1709251200
export SOURCE_DATE_EPOCH

test_expect_success 'setup' '
	casg init -q . &&
	printf ">sp|P1|A_X one\nACGT\n>b two\nMKVLAT\n>b again\nMK\n>c three\nTTTT\n>d four\nCC\n" >x.fa &&
	casg import -q x.fa
'

test_expect_success 'a record goes, with reason and successor' '
	casg rm --reason="merged into c" --successor=c "sp|P1|A_X" >out &&
	stored=$(sed -n "s/.*, \([0-9]*\) bytes stored$/\1/p" out) &&
	echo "x: 1 records withdrawn, 4 left, $stored bytes stored" >expect &&
	test_cmp expect out &&
	printf ">b two\nMKVLAT\n>b again\nMK\n>c three\nTTTT\n>d four\nCC\n" >expect &&
	casg export x >actual && cmp expect actual &&
	git log -1 --format=%s >actual && echo "rm x: 1 records withdrawn" >expect &&
	test_cmp expect actual &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty &&
	casg fsck --full
'

test_expect_success 'cat says when, why, and what instead; by accession, too' '
	for k in "sp|P1|A_X" P1; do
		test_expect_code 1 casg cat x "$k" >out 2>err &&
		test_must_be_empty out &&
		echo "error: '\''$k'\'' is not in there: withdrawn 2024-03-01T00:00:00Z: merged into c; successor: c" >expect &&
		test_cmp expect err || return 1
	done &&
	test_expect_code 1 casg cat --quiet x P1 2>err && test_must_be_empty err &&
	test_expect_code 1 casg cat x P 2>err &&
	echo "error: '\''P'\'' is not in there" >expect && test_cmp expect err &&
	casg cat HEAD~1:x P1 >actual &&
	printf ">sp|P1|A_X one\nACGT\n" >expect && cmp expect actual
'

test_expect_success 'all records of a key; without reason and successor' '
	casg rm -q --sequence-time=2024-05-01 b &&
	casg ls --keys >actual && printf "c\nd\n" >expect && test_cmp expect actual &&
	grep "^sequence-time 2024-05-01T00:00:00Z$" x/VERSION &&
	test_expect_code 1 casg cat x b 2>err &&
	echo "error: '\''b'\'' is not in there: withdrawn 2024-05-01T00:00:00Z" >expect &&
	test_cmp expect err &&
	printf "b\t2024-05-01T00:00:00Z\t-\t\nsp|P1|A_X\t2024-03-01T00:00:00Z\tc\tmerged into c\n" >expect &&
	casg ls --withdrawn x >actual && test_cmp expect actual &&
	tr "\n" "\0" <expect >expect.z &&
	casg ls --withdrawn -z x >actual && cmp expect.z actual
'

test_expect_success 'VERSION names the list, whose id is that of its text' '
	{ echo "casg-withdrawn 1" && casg ls --withdrawn x; } | sha256sum | cut -c1-64 >expect &&
	casg-read-version --field=withdrawn x >actual && test_cmp expect actual &&
	casg-read-version --json x >json && grep "\"withdrawn\": \"$(cat expect)\"" json
'

test_expect_success 'a key that is not there: status 1, and nothing is done' '
	git rev-parse HEAD >before && ls .git/casg/packs >>before &&
	test_expect_code 1 casg rm c nope 2>err &&
	echo "error: there is no record '\''nope'\''" >expect && test_cmp expect err &&
	test_expect_code 1 casg rm b 2>err &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after && test_cmp before after &&
	casg rm --ignore-unmatch nope >out &&
	echo "nothing to withdraw from x (2 records)" >expect && test_cmp expect out &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after && test_cmp before after
'

test_expect_success '--dry-run' '
	git rev-parse HEAD >before && ls .git/casg/packs >>before &&
	casg rm --dry-run c >out &&
	echo "would withdraw 1 of 2 records of x" >expect && test_cmp expect out &&
	test_expect_code 1 casg rm -n nope &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after && test_cmp before after &&
	ls .git/casg/tmp >left && test_must_be_empty left
'

test_expect_success 'tombstones go on through updates, commits and imports' '
	casg ls --withdrawn x >expect &&
	printf ">e five\nMKE\n" >u.fa &&
	casg import -q --update -d x u.fa && casg ls --withdrawn x >actual && test_cmp expect actual &&
	casg ls x | sed "s/three/THREE/" | casg commit -q x &&
	casg ls --withdrawn x >actual && test_cmp expect actual &&
	printf ">f six\nMKF\n>g\nMKG\n" >new.fa &&
	casg import -q -d x new.fa && casg ls --withdrawn x >actual && test_cmp expect actual &&
	casg ls --keys x >keys && printf "f\ng\n" >want && test_cmp want keys
'

test_expect_success 'until the key comes back, by whichever way' '
	git tag kept &&
	printf ">b back\nMKB\n" >u.fa &&
	casg import -q --update -d x u.fa &&
	casg ls --withdrawn x | cut -f1 >actual && echo "sp|P1|A_X" >expect && test_cmp expect actual &&
	git reset -q --hard kept &&
	casg import -q -d x x.fa &&
	casg ls --withdrawn x >actual && test_must_be_empty actual &&
	! grep "^withdrawn" x/VERSION &&
	git reset -q --hard kept &&
	casg ls "$(git rev-list --reverse HEAD -- x | head -n 1):x" >all &&
	casg commit -q x all &&
	casg ls --withdrawn x >actual && test_must_be_empty actual &&
	git reset -q --hard kept
'

test_expect_success '--stdin, with and without fields; -z' '
	printf ">k%d\nMK\n" 1 2 3 4 5 6 >k.fa &&
	casg import -q k.fa &&
	printf "k1\nk2\tk3\nk4\t-\tbecause\n" | casg rm -q -d k --reason=default --stdin &&
	printf "k5\0k6\tk3\ta\tb\0" | casg rm -q -d k --stdin -z &&
	t=2024-03-01T00:00:00Z &&
	{
		printf "k1\t$t\t-\tdefault\nk2\t$t\tk3\tdefault\nk4\t$t\t-\tbecause\n" &&
		printf "k5\t$t\t-\t\nk6\t$t\tk3\t\"a\\\\tb\"\n"
	} >expect &&
	casg ls --withdrawn k >actual && test_cmp expect actual &&
	casg ls --keys k >actual && echo k3 >expect && test_cmp expect actual
'

test_expect_success 'keys with anything in them' '
	printf ">-x\nMK\n>\"q\nMK\n>a\\\\b\nMK\n>#casg\nMK\n>left\nMK\n" >odd.fa &&
	casg import -q odd.fa &&
	casg rm -q -d odd -- -x "\"q" "a\\b" "#casg" &&
	casg ls --keys odd >actual && echo left >expect && test_cmp expect actual &&
	test_expect_code 1 casg cat odd "#casg" 2>err && test_grep withdrawn err
'

test_expect_success 'the last record goes: a database of none' '
	casg rm -q -d odd left &&
	casg export odd >actual && test_must_be_empty actual &&
	grep "^count 0$" odd/VERSION &&
	casg fsck --full
'

test_expect_success 'a pack with tombstones is needed: gc and repack keep them' '
	casg ls --withdrawn k >expect && casg ls --withdrawn HEAD~1:k >expect.1 &&
	casg gc --quiet --grace=0 &&
	casg ls --withdrawn k >actual && test_cmp expect actual &&
	casg repack -a -d --quiet && casg gc --quiet --grace=0 &&
	casg ls --withdrawn k >actual && test_cmp expect actual &&
	casg ls --withdrawn HEAD~1:k >actual && test_cmp expect.1 actual &&
	casg fsck --full
'

test_expect_success 'a version whose tombstones are not there is not committed' '
	nothing=$(printf nothing | sha256sum | cut -c1-64) &&
	sed "s/^withdrawn .*/withdrawn $nothing/" k/VERSION >v &&
	grep "$nothing" v &&
	test_expect_code 128 casg-commit-tree -p HEAD --database=k -m bad <v 2>err &&
	test_grep "object $nothing is in no pack here" err
'

# put_version TEXT: commit it with plain git
put_version () {
	cp "$1" k/VERSION && git commit -q -m "by hand" k/VERSION
}

test_expect_success 'tombstones that are something else: 128, and fsck says so' '
	git tag sound &&
	order=$(casg-read-version --field=order k) &&
	sed "s/^withdrawn .*/withdrawn $order/" k/VERSION >v &&
	put_version v &&
	test_expect_code 128 casg ls --withdrawn k >out 2>err &&
	test_must_be_empty out &&
	test_grep "corrupt list of withdrawn records: it does not begin as one" err &&
	test_expect_code 128 casg cat k k1 2>err &&
	casg cat k k3 &&
	test_expect_code 1 casg fsck >out 2>err &&
	test_grep "^lost: k .* withdrawn: corrupt list of withdrawn records" out &&
	printf ">k9\nMK\n" >u.fa &&
	test_expect_code 128 casg import --update -d k u.fa &&
	test_expect_code 128 casg import -d k k.fa &&
	test_expect_code 128 casg rm -d k k3 &&
	git reset -q --hard sound
'

test_expect_success 'a merge has the tombstones of both sides, but for keys that are alive' '
	printf ">m%d\nMK\n" 1 2 3 4 5 >m.fa &&
	casg import -q m.fa && git branch side &&
	casg rm -q -d m --reason=ours m1 m2 &&
	git checkout -q side &&
	casg rm -q -d m --reason=theirs m4 &&
	git checkout -q - &&
	casg merge --quiet side &&
	casg ls --keys m >actual && printf "m3\nm5\n" >expect && test_cmp expect actual &&
	t=2024-03-01T00:00:00Z &&
	printf "m1\t$t\t-\tours\nm2\t$t\t-\tours\nm4\t$t\t-\ttheirs\n" >expect &&
	casg ls --withdrawn m >actual && test_cmp expect actual &&
	git branch back HEAD && printf ">m1 again\nMKM\n" >u.fa &&
	casg import -q --update -d m u.fa &&
	git checkout -q back && printf ">m6\nMK\n" >u.fa && casg import -q --update -d m u.fa &&
	git checkout -q - && casg merge --quiet back &&
	casg cat m m1 m6 >/dev/null &&
	sed 1d expect >rest && casg ls --withdrawn m >actual && test_cmp rest actual
'

test_expect_success 'usage' '
	test_expect_code 129 casg rm 2>err && test_grep "no key given" err &&
	test_expect_code 129 casg rm -z c &&
	test_expect_code 129 casg rm --stdin c &&
	test_expect_code 129 casg rm c 2>err && test_grep "several databases" err &&
	test_expect_code 128 casg rm -d nope c 2>err && test_grep "no database .nope." err &&
	test_expect_code 129 casg rm -d x --sequence-time=soon f &&
	test_expect_code 128 casg rm -d x --successor="a b" f
'

test_done
