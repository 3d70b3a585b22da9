#!/bin/sh
# A reduction that was killed is taken up: nothing is aligned twice, and the
# profile is the same.

test_description='casg reduce --resume'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq TRACE 'casg-faults true'
test_lazy_prereq NOASAN '! nm "$CASG_BUILD_DIR/libcasg.a" 2>/dev/null | grep __asan'

blob () {
	git -C "$1" for-each-ref --format="%(objectname)" "refs/casg/**" >refs && test "$(wc -l <refs)" -eq 1 &&
	git -C "$1" ls-tree -r "$(cat refs)" | grep PROFILE
}

fact () {
	sed -n "s/^$1 //p" "$2"
}

test_expect_success 'setup: families, and the profile of a run that was not interrupted' '
	awk "BEGIN {
		srand(3); a = \"ACDEFGHIKLMNPQRSTVWY\"
		for (f = 0; f < 60; f++) {
			s = \"\"
			for (i = 0; i < 150; i++) s = s substr(a, 1 + int(rand() * 20), 1)
			for (k = 0; k < 6; k++) {
				t = \"\"
				for (i = 1; i <= 150; i++) t = t (rand() < k * 0.05 ? substr(a, 1 + int(rand() * 20), 1) : substr(s, i, 1))
				print \">f\" f \"m\" k \"\\n\" t
			}
		}
	}" >in.fa &&
	casg init -q start && casg -C start import -q -d db ../in.fa && cp -pR start whole &&
	casg -C whole reduce -q --profile=p --size=40% db && blob whole >profile.expect && casg -C whole state >state && test_must_be_empty state &&
	test -z "$(ls whole/.git/casg/state | grep reduce)"
'

test_expect_success 'casg-cluster --decisions: what is there is not aligned again' '
	cd start && test_when_finished "cd .." &&
	casg-cluster -q --facts=../facts --size=40% db >../pairs.expect &&
	casg-cluster -q --facts=../facts1 --decisions=../log1 --size=40% db >../pairs && test_cmp ../pairs.expect ../pairs &&
	test "$(fact aligned ../facts)" -gt 300 && test "$(fact recalled ../facts1)" = 0 && test "$(fact runs ../facts1)" -gt 3 &&
	cp ../log1 ../log2 && casg-cluster -q --facts=../facts2 --decisions=../log2 --size=40% --threads=1 db >../pairs &&
	test_cmp ../pairs.expect ../pairs && cmp ../log1 ../log2 &&
	test "$(fact recalled ../facts2)" = "$(fact aligned ../facts)" && test "$(fact aligned ../facts2)" = "$(fact aligned ../facts)"
'

# Cut short, a bit flipped, of other thresholds, one that could not be: from there on anew.
test_expect_success 'casg-cluster --decisions: what is damaged is decided again' '
	cd start && test_when_finished "cd .." && n=$(wc -c <../log1) &&
	for damage in cut flip tail other; do
		cp ../log1 ../log2 &&
		case $damage in
		cut) truncate -s $((n - 9)) ../log2 ;;
		flip) printf X | dd of=../log2 bs=1 seek=$((n / 2)) conv=notrunc 2>/dev/null ;;
		tail) rm ../log2 && casg-gen --seed 4 --type protein --records 9 --length 90 >../log2 ;;
		other) rm ../log2 && casg-cluster -q --decisions=../log2 --identity=0.7 db >../other ;;
		esac &&
		casg-cluster -q --facts=../facts2 --decisions=../log2 --size=40% db >../pairs &&
		test_cmp ../pairs.expect ../pairs && cmp ../log1 ../log2 && test "$(fact recalled ../facts2)" -lt "$(fact aligned ../facts2)" &&
		test "$(fact aligned ../facts2)" = "$(fact aligned ../facts)" || { echo $damage && return 1; }
	done
'

# killed_at N: before the Nth change of all, in "work"
killed_at () {
	rm -rf work && cp -pR start work &&
	{ (cd work && casg-faults "--kill-all=$1" --log=../log.now -- casg reduce -q --threads=1 --profile=p --size=40% db); test $? -gt 128; }
}

test_expect_success TRACE,NOASAN 'killed at several points, gc, taken up: the same profile' '
	cp -pR start traced && (cd traced && casg-faults --log=../log -- casg reduce -q --threads=1 --profile=p --size=40% db) &&
	grep "casg-cluster	.*write	.*/decisions\$" log | cut -f1 >written && test_line_count -ge 3 written &&
	for n in "$(sed -n 1p written)" "$(($(sed -n 2p written) + 1))" "$(($(sed -n \$p written) + 1))"; do
		killed_at $n && cp work/.git/casg/state/reduce:p.work/decisions before &&
		casg -C work state >state && test_grep "^reduce:p	" state && casg -C work gc -q --grace=0 &&
		casg -C work reduce -q --resume --profile=p --size=40% db && blob work >profile && test_cmp profile.expect profile &&
		casg -C work state >state && test_must_be_empty state && casg -C work fsck >fsck || { echo $n && return 1; }
	done && test -s before
'

# As many, as long, but for one letter of one of them.
test_expect_success 'casg-cluster --decisions: those about other sequences are not taken' '
	sed "2s/[AC]/D/" in.fa >other.fa && ! cmp -s in.fa other.fa && cp -pR start others &&
	(cd others && casg import -q -d db ../other.fa && casg-cluster -q --decisions=../log3 --size=40% db >../other) &&
	test $(wc -c <log3) -gt 9000 &&
	(cd start && casg-cluster -q --facts=../facts2 --decisions=../log3 --size=40% db >../pairs) &&
	test_cmp pairs.expect pairs && cmp log1 log3 && test "$(fact recalled facts2)" = 0
'

refused () {
	says=$1 && shift && test_expect_code 128 casg -C work reduce -q --resume --profile=p "$@" 2>err && test_grep "$says" err &&
	test -s work/.git/casg/state/reduce:p.work/decisions
}

test_expect_success TRACE,NOASAN 'other thresholds, another version, another casg: refused; dropped; without --resume' '
	killed_at "$(($(sed -n 2p written) + 1))" && refused "another operation" --size=50% db && refused "another operation" --identity=0.8 db &&
	refused "another operation" --size=40% --coverage=0.7 db &&
	state=work/.git/casg/state/reduce:p.state && cp $state good && sed "s/^casg .*/casg 0.0.9/" good >$state &&
	refused "0.0.9" --size=40% db && cp good $state && cp -pR work saved &&
	head -n 100 in.fa >less.fa && casg -C work import -q -d db --accept-shrink ../less.fa && refused "another version" --size=40% db &&
	casg -C work state drop reduce:p >out && test_grep "what was finished is gone" out && test ! -e "work/.git/casg/state/reduce:p.work" &&
	casg -C saved reduce -q --profile=p --size=40% db && blob saved >profile && test_cmp profile.expect profile &&
	casg -C saved state >state && test_must_be_empty state &&
	casg -C saved reduce --force --resume --profile=p --size=40% db >out 2>err && test_grep "nothing to take up" err &&
	test_expect_code 129 casg -C saved reduce --list --resume
'

test_done
