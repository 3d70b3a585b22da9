#!/bin/sh
test_description='casg-read-mapping and casg taxonomy map: from accession to taxon'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxonomy.sh"

SOURCE_DATE_EPOCH=1709251200
export SOURCE_DATE_EPOCH

HEAD4="accession${TAB}accession.version${TAB}taxid${TAB}gi"
HEAD2="accession.version${TAB}taxid"

# rows TEXT: what printf makes of it
rows () {
	# shellcheck disable=SC2059
	printf "$1"
}

# entries OPTION... FILE...: key and taxa of what casg-read-mapping prints
entries () {
	casg-read-mapping -z "$@" >raw && tr '\0' '\n' <raw | cut -f 1,7
}

test_expect_success 'setup' '
	casg init -q . &&
	printf ">%s\nMK\n" "NP_1.1 x" "NP_2.3 x" "sp|P1|A_B x" "sp|P2.7|C_D x" plain "c.1" >p.fa &&
	printf ">nr1.1 a [E]\001nr2.1 b\nMKK\n" >>p.fa &&
	printf ">q1\nMK\n" >q.fa &&
	casg import -q p.fa && casg import -q q.fa
'

test_expect_success 'four columns: what concerns the records, under the id they have' '
	rows "$HEAD4\nNP_1\tNP_1.1\t562\t7\nNP_1\tNP_1.2\t561\t8\nNP_2\tNP_2.4\t562\t0\nP1\tP1.3\t9\t0\nP2\tP2.7\t8\t0\nX\tX.1\t1\t0\nq1\tq1\t3\t0\n" >four &&
	rows "NP_1.1\t562\nNP_2\t562\nP1\t9\nP2.7\t8\n" >expect &&
	entries -d p four >actual && test_cmp expect actual &&
	{ cat expect && rows "q1\t3\n"; } >expect.all &&
	entries four >actual && test_cmp expect.all actual &&
	entries -d p -d q four >actual && test_cmp expect.all actual &&
	entries --database=HEAD~1:p four >actual && test_cmp expect actual
'

test_expect_success 'two columns with their header; taxid 0; the lines of nr' '
	rows "$HEAD2\nNP_1.1\t562\nNP_2.3\t0\nnr2.1\t4932\nc.2\t5\n" >full &&
	rows "NP_1.1\t562\nc\t5\nnr2.1\t4932\n" >expect &&
	entries -d p --facts=facts full >actual && test_cmp expect actual &&
	grep "^rows 3$" facts && grep "^no-taxon 1$" facts && grep "^entries 3$" facts &&
	grep "^source-sha256 $(sha256sum <full | cut -c1-64)$" facts
'

test_expect_success 'keys and taxa of any kind; they mean no other version' '
	rows "plain\ts__Escherichia coli\nc.2\t5\nsp|P1|A_B\tx,y%%\nP1\tz\r\n" >plain &&
	rows "P1\tz\nplain\ts__Escherichia%%20coli\nsp|P1|A_B\tx%%2Cy%%25\n" >expect &&
	entries -d p plain >actual && test_cmp expect actual
'

test_expect_success 'several taxa of one accession: all, ascending, each once' '
	rows "q1\t9606\nq1\t562\n" >a && rows "q1\t9606\nq1\t10090" >b &&
	rows "q1\t10090,562,9606\n" >expect &&
	entries -d q a b >actual && test_cmp expect actual &&
	entries -d q b - <a >actual && test_cmp expect actual &&
	awk "BEGIN { for (i = 1; i < 258; i++) print \"q1\\t\" i }" >many &&
	test_expect_code 128 casg-read-mapping -d q many >out 2>err && test_must_be_empty out &&
	test_grep "more than 256 taxa are given for .q1." err
'

test_expect_success '--all: every row' '
	rows "NP_1\t561,562\nNP_1.1\t562\nNP_1.2\t561\nNP_2\t562\nNP_2.4\t562\nP1\t9\nP1.3\t9\nP2\t8\nP2.7\t8\nX\t1\nX.1\t1\nq1\t3\n" >expect &&
	entries --all four >actual && test_cmp expect actual
'

test_expect_success 'compressed; the result does not depend on memory, threads and order' '
	awk "BEGIN { for (i = 0; i < 30000; i++) printf \"A%06d\\tA%06d.1\\t%d\\t0\\n\", i * 7919 % 30000, i * 7919 % 30000, i % 100 + 1 }" >body &&
	{ echo "$HEAD4" && cat body; } >large &&
	awk "BEGIN { for (i = 0; i < 30000; i += 3) printf \">A%06d.1\\nMK\\n\", i }" >l.fa &&
	casg import -q l.fa &&
	casg-read-mapping -d l large >expect &&
	test_line_count = 10000 expect &&
	cut -f 1 expect | LC_ALL=C sort -c &&
	gzip -c large >large.gz && casg-read-mapping -d l --threads=1 large.gz >actual && cmp expect actual &&
	{ echo "$HEAD4" && LC_ALL=C sort -r body; } >other &&
	casg-read-mapping -d l --memory=64m --threads=3 other >actual && cmp expect actual
'

test_expect_success 'what is malformed is refused with file and line' '
	rows "q1\t1\n\nq2\t2\n" >bad && test_expect_code 128 casg-read-mapping a bad 2>err &&
	test_grep "^fatal: bad: line 2: not key and taxon" err &&
	rows "$HEAD4\nA\tA.1\t5\t0\nA\tA.1\tx\t0\n" >bad && test_expect_code 128 casg-read-mapping bad 2>err &&
	test_grep "bad: line 3: bad taxid" err &&
	gzip -c a >a.gz && head -c 20 a.gz >cut.gz && test_expect_code 128 casg-read-mapping cut.gz 2>err &&
	test_grep "cut.gz" err &&
	: >empty && test_expect_code 128 casg-read-mapping a empty 2>err && test_grep "empty: the file is empty" err &&
	test_expect_code 128 casg-read-mapping missing &&
	test_expect_code 128 casg-read-mapping -d nope a &&
	test_expect_code 129 casg-read-mapping --all -d q a &&
	test_expect_code 129 casg-read-mapping
'

test_expect_success DEVFULL 'a full disk is no success' '
	test_expect_code 128 casg-read-mapping -d q a >/dev/full
'

# ---- casg taxonomy map

test_expect_success 'map: the mapping, then the taxonomy that names it; HEAD moves once' '
	small_taxonomy ncbi && old=$(casg-read-version --id taxonomy/ncbi) &&
	git rev-parse HEAD >before && git reflog >log.before &&
	casg taxonomy map --name ncbi -d p four >out &&
	test_grep "^taxonomy/ncbi.map: 4 accessions, from 4 of 7 rows, [0-9]* bytes stored" out &&
	git rev-parse HEAD~2 >actual && test_cmp before actual &&
	git reflog >log && test_line_count = $(($(wc -l <log.before) + 1)) log &&
	root=$(casg-read-version --field=records taxonomy/ncbi.map) &&
	casg-read-version --field=mapping taxonomy/ncbi >actual && echo "$root" >expect && test_cmp expect actual &&
	casg-read-version --field=previous taxonomy/ncbi >actual && echo "$old" >expect && test_cmp expect actual &&
	for field in records order count taxonomy-time release; do
		casg-read-version --field=$field HEAD~2:taxonomy/ncbi >expect &&
		casg-read-version --field=$field taxonomy/ncbi >actual && test_cmp expect actual || return 1
	done &&
	casg-read-version --field=source taxonomy/ncbi.map >actual && echo four >expect && test_cmp expect actual &&
	casg-read-version --field=taxonomy-time taxonomy/ncbi.map >actual && echo 2024-01-01T00:00:00Z >expect && test_cmp expect actual &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty &&
	ls .git/casg/tmp >left && test_must_be_empty left && casg fsck --full
'

test_expect_success 'map: once more is nothing; another time is a version' '
	git rev-parse HEAD >before &&
	casg taxonomy map --name ncbi -d p four >out && test_grep "^already up to date: taxonomy/ncbi.map" out &&
	git rev-parse HEAD >after && test_cmp before after &&
	casg taxonomy map -q --name ncbi --taxonomy-time=2024-06-01 -d p four >out && test_must_be_empty out &&
	for db in ncbi ncbi.map; do
		casg-read-version --field=taxonomy-time taxonomy/$db >actual &&
		echo 2024-06-01T00:00:00Z >expect && test_cmp expect actual || return 1
	done &&
	test_expect_code 128 casg-read-version --field=release taxonomy/ncbi
'

test_expect_success 'map --update: entries are put and replaced, others stay' '
	rows "q1\t7\nP1\t4932\n" >more && casg taxonomy map -q --update --name ncbi more &&
	casg ls -z taxonomy/ncbi.map | tr "\0" "\n" | grep -v "^#" | cut -f 1,7 >actual &&
	rows "NP_1.1\t562\nNP_2\t562\nP1\t4932\nP2.7\t8\nq1\t7\n" >expect && test_cmp expect actual &&
	casg taxonomy map -q --name ncbi -d q more && casg ls --keys taxonomy/ncbi.map >actual &&
	echo q1 >expect && test_cmp expect actual && casg fsck --full
'

test_expect_success 'map: when it fails, nothing is left behind' '
	git rev-parse HEAD >before && ls .git/casg/packs >>before &&
	rows "q1\t7\nq1\t11\nP1\n" >bad &&
	test_expect_code 128 casg taxonomy map --name ncbi bad 2>err && test_grep "bad: line 3" err &&
	rows "nobody\t7\n" >bad &&
	test_expect_code 128 casg taxonomy map --name ncbi bad 2>err &&
	test_grep "none of the 1 rows is of a record of the databases" err &&
	test_expect_code 128 casg taxonomy map --name nope four 2>err && test_grep "no taxonomy .nope. in HEAD" err &&
	echo x >>taxonomy/ncbi/VERSION &&
	test_expect_code 128 casg taxonomy map --name ncbi four 2>err && test_grep "local changes" err &&
	git checkout -q taxonomy/ncbi/VERSION &&
	git rev-parse HEAD >after && ls .git/casg/packs >>after && test_cmp before after &&
	ls .git/casg/tmp >left && test_must_be_empty left
'

test_expect_success 'usage' '
	test_expect_code 129 casg taxonomy && test_expect_code 129 casg taxonomy frob &&
	test_expect_code 129 casg taxonomy map -h &&
	test_expect_code 129 casg taxonomy map --name ncbi &&
	test_expect_code 129 casg taxonomy map four 2>err && test_grep "name says which" err &&
	test_expect_code 129 casg taxonomy map --name ncbi.map four &&
	test_expect_code 129 casg taxonomy map --name a/b four &&
	test_expect_code 129 casg taxonomy map --all -d p --name ncbi four
'

test_done
