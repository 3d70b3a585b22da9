#!/bin/sh
test_description='casg-check-taxonomy: where records and a taxonomy disagree'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxonomy.sh"

test_expect_success 'setup' '
	casg init -q . &&
	printf ">%s\nMK\n" "a1 x OX=562" "a2 x OX=83333 [Escherichia coli]" "a3 y [E. coli]" "a4 y [Bacteria]" \
		>good.fa &&
	{
		printf ">%s\nMK\n" "b1 x OX=5" "b2 x OX=998" "b3 x OX=999" "b4 x OX=562" "b5 x OX=999" &&
		printf ">%s\nMK\n" "b6 x OX=562 [Saccharomyces]" "b7 x" "b8 x [Nobody]" "b9 x [Twin]" b10 &&
		printf ">%s\nMK\n" "\"q OX=5" &&
		printf ">b11 x OX=562 [Escherichia]\001b12 y OX=4932 [Schizosaccharomyces pombe]\nMK\n"
	} >bad.fa &&
	casg import -q good.fa && casg import -q bad.fa &&
	small_taxonomy ncbi &&
	printf "b4\t4932\nb5\t562\nb10\t998\nb1\t5\nb7\t8\na1\t562\na3\t561\n" >map &&
	casg taxonomy map -q --name ncbi map
'

test_expect_success 'what agrees' '
	casg check-taxonomy good >out && test_must_be_empty out &&
	casg check-taxonomy --summary good >out &&
	printf "%s\n" "records 4" "unknown 0" "deleted 0" "merged 0" "mapping 0" "organism 0" "none 0" >expect &&
	test_cmp expect out
'

test_expect_success 'each disagreement has its line' '
	test_expect_code 1 casg check-taxonomy bad >out &&
	cat >lines <<-\EOF &&
	unknown|"\"q"|5|header
	unknown|b1|5|header
	deleted|b10|998|mapping
	organism|b11|562,4932|Schizosaccharomyces pombe
	deleted|b2|998|header
	merged|b3|999|562
	mapping|b4|562|4932
	merged|b5|999|562
	organism|b6|562|Saccharomyces
	unknown|b7|8|mapping
	none|b8|-|Nobody
	none|b9|-|Twin
	EOF
	tr "|" "\t" <lines >expect && test_cmp expect out
'

test_expect_success 'counts are those of the lines' '
	test_expect_code 1 casg check-taxonomy --summary bad >counts &&
	sed 1d counts | grep -v " 0$" | sort >actual &&
	cut -f 1 out | sort | uniq -c | sed "s/^ *\([0-9]*\) \(.*\)/\2 \1/" >expect && test_cmp expect actual &&
	head -n 1 counts >actual && echo "records 12" >expect && test_cmp expect actual
'

test_expect_success '-z; a taxonomy by name and revision' '
	test_expect_code 1 casg check-taxonomy -z --taxonomy=HEAD:ncbi HEAD:bad >raw &&
	tr "\0" "\n" <raw >actual && { printf "unknown\t\"q\t5\theader\n" && sed 1d out; } >expect && test_cmp expect actual &&
	test_expect_code 1 casg check-taxonomy --summary --taxonomy=HEAD~2:ncbi bad >counts &&
	grep "^mapping 0$" counts && grep "^none 4$" counts
'

test_expect_success 'a mapping that memory does not hold is asked in its tree' '
	long=$(printf "%070d" 0) &&
	awk "BEGIN { for (i = 0; i < 80000; i++) printf \"M%07d$long\\t562\\n\", i; printf \"z\\t4932\\n\" }" >large &&
	printf ">M0000000$long OX=562\nMK\n>M0023456$long.1 OX=83333\nMK\n>z OX=562\nMK\n" >z.fa &&
	casg import -q z.fa && casg taxonomy map -q --all --name ncbi large &&
	printf "mapping\tM0023456$long.1\t83333\t562\nmapping\tz\t562\t4932\n" >expect &&
	for memory in 64m 512m; do
		test_expect_code 1 casg check-taxonomy --memory=$memory z >actual && test_cmp expect actual || return 1
	done
'

test_expect_success 'what cannot be answered' '
	test_expect_code 128 casg check-taxonomy nope &&
	test_expect_code 128 casg check-taxonomy --taxonomy=nope bad &&
	test_expect_code 129 casg check-taxonomy -z --summary bad &&
	test_expect_code 129 casg check-taxonomy bad good
'

test_expect_success DEVFULL 'a full disk is no answer' '
	test_expect_code 128 casg check-taxonomy bad >/dev/full
'

test_done
