#!/bin/sh
# Which storages hold good copies, and how many.

test_description='casg-check-storage'
. "$(dirname "$0")/test-lib.sh"

pwd=$(pwd | sed 's/ /%20/g')

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 50 >db.fa && casg init -q r && casg -C r import -q -d db ../db.fa &&
	git -C r show HEAD:db/PACKS >PACKS && mkdir -p a/packs b/packs c && cp r/.git/casg/packs/*.pack a/packs/ &&
	cp a/packs/* b/packs/ && chmod u+w b/packs/* && one=$(sed -n "1s/ .*//p" PACKS) && two=$(sed -n "2s/ .*//p" PACKS)
'

# check ARG...: PACKS against the storages
check () {
	(cd r && casg-check-storage -q "$@" <../PACKS)
}

test_expect_success 'good, wrong, absent, unreadable' '
	check --url=file://$pwd/a >out && cut -f1,2 out >actual && sed "s/ .*/	good/" PACKS >expect && test_cmp expect actual &&
	printf X | dd of=b/packs/pack-$one.pack bs=1 seek=50 conv=notrunc 2>/dev/null && rm b/packs/pack-$two.pack &&
	test_expect_code 1 check --url=file://$pwd/b >out && test_grep "^$one	wrong	file" out && test_grep "^$two	absent	" out &&
	test_expect_code 1 check --url=file://$pwd/none --url=nothing://x >out 2>err &&
	test_grep "^$one	\(absent\|unreadable\)	file" out && test_grep "^$one	unreadable	nothing:" out && test_grep "^warning: nothing" err
'

test_expect_success '--quick reads nothing; sizes tell' '
	test_expect_code 1 check --quick --url=file://$pwd/b >out && test_grep "^$one	good" out &&
	echo >>b/packs/pack-$one.pack && test_expect_code 1 check --quick --url=file://$pwd/b >out && test_grep "^$one	wrong" out &&
	test_expect_code 1 check --url=file://$pwd/b >out && test_grep "^$one	wrong" out
'

test_expect_success '--copies counts' '
	test_expect_code 1 check --copies=2 --url=file://$pwd/a --url=file://$pwd/b >out 2>err && test_grep "^error: pack $one has 1 good copies" err &&
	check --copies=1 --url=file://$pwd/a --url=file://$pwd/b >out && cp -r a d && check --copies=2 --url=file://$pwd/a --url=file://$pwd/d >out
'

test_expect_success 'wrong usage' '
	test_expect_code 129 check && test_expect_code 129 check --url=x && test_expect_code 129 check --jobs=0 --url=file://$pwd/a &&
	(cd r && echo nonsense | test_expect_code 128 casg-check-storage -q --url=file://$pwd/a)
'

test_done
