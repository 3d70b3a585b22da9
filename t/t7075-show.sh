#!/bin/sh
# casg show: a commit and its versions.

test_description='casg show'
. "$(dirname "$0")/test-lib.sh"

test_expect_success 'setup' '
	casg init -q . &&
	git branch -m main && git tag start &&
	printf ">a x OX=1\nACGT\n>b\nCC\n>c\nGG\n>d\nTT\n" >one.fa &&
	test_tick &&
	casg import -q --release r1 --sequence-time 2001-01-01 one.fa &&
	printf ">a x OX=2\nACGT\n>b\nCCC\n>c z\nGG\n>e\nAA\n>f\nAC\n" >one.fa &&
	test_tick &&
	casg import -q --release r2 --sequence-time 2002-01-01 one.fa &&
	printf ">x\nACGT\n" >two.fa &&
	test_tick &&
	casg import -q --database grp/two two.fa
'

test_expect_success 'the commit, then the version it brought' '
	casg show >out &&
	git show -s >expect &&
	{
		echo && echo "database grp/two, version $(casg-read-version --id grp/two)" &&
		casg-read-version grp/two | sed "1d; s/^/    /" &&
		awk "{ n++; b += \$2 } END { print \"    packs\", n, \"(\" b \" bytes)\" }" grp/two/PACKS
	} >>expect &&
	test_cmp expect out
'

test_expect_success 'a database that is named; other revisions; a tag' '
	casg show one >out &&
	test_grep "^database one, version $(casg-read-version --id one)\$" out &&
	test_grep ! "^database grp" out &&
	test_grep "^    release r2\$" out &&
	casg show HEAD~1 >out &&
	test_grep "^    import one: release r2, 5 records\$" out &&
	test_grep "^database one" out &&
	casg show HEAD~2:one >out &&
	test_grep "^    release r1\$" out &&
	casg tag -m "the text" v1 &&
	casg show v1 >out &&
	test_grep "^the text\$" out && test_grep "^database grp/two" out
'

test_expect_success 'a commit that changed no version shows all; an empty one none' '
	git commit -q --allow-empty -m nothing &&
	casg show >out &&
	test_grep "^database grp/two" out && test_grep "^database one" out &&
	casg show start >out &&
	test_grep "casg init" out && test_grep ! "^database" out &&
	git rm -q -r one && git commit -q -m "no more one" &&
	casg show >out &&
	test_grep "^database one, removed\$" out &&
	git reset -q --hard HEAD~2
'

test_expect_success 'how the commit is shown' '
	casg show --oneline HEAD~1 >out &&
	head -n 1 out >actual && git show -s --oneline HEAD~1 >expect && test_cmp expect actual &&
	casg show --format=%an --date=iso --decorate HEAD~1 >out &&
	head -n 1 out >actual && echo "A U Thor" >expect && test_cmp expect actual
'

test_expect_success '--stat: what changed by class' '
	casg show --stat HEAD~1 >out &&
	casg-diff-tree --stat HEAD~2:one HEAD~1:one | sed "s/^/    /" >stat &&
	test -s stat &&
	tail -n $(wc -l <stat) out >actual &&
	test_cmp stat actual &&
	casg show --stat one >out &&
	tail -n $(wc -l <stat) out >actual &&
	test_cmp stat actual &&
	casg show --stat HEAD~2 >out &&
	casg-diff-tree --root --stat HEAD~2:one | sed "s/^/    /" >stat &&
	tail -n $(wc -l <stat) out >actual &&
	test_cmp stat actual &&
	casg show --stat --summary HEAD~1 >out &&
	test_grep "$(casg-read-version --id HEAD~2:one)" out
'

test_expect_success 'what is not there' '
	test_expect_code 128 casg show nowhere 2>err &&
	test_grep "no database and no revision .nowhere." err &&
	test_expect_code 128 casg show HEAD:nope 2>err &&
	test_grep "no database .nope. in .HEAD." err &&
	test_expect_code 128 casg show start:one &&
	test_expect_code 129 casg show a b
'

test_expect_success 'in a bare repository' '
	git clone -q --bare . bare && mkdir -p bare/casg && cp -R .git/casg/packs bare/casg/ &&
	(cd bare && casg show one) >out &&
	test_grep "^database one" out
'

test_done
