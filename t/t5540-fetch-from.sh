#!/bin/sh
# Sequences that lie around as FASTA are not fetched: what comes over the wire is
# counted in nginx's log.

test_description='fetch and clone --from'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-nginx.sh"

test_expect_success 'setup: a release, and the next one with 5 % more, published' '
	casg-gen --seed 1 --type protein --records 3000 --length 300 >v1.fa &&
	casg-gen --seed 2 --mutate v1.fa --add 5 >v2.fa && casg-gen --seed 3 --mutate v2.fa --add 5 >v3.fa &&
	gzip -k v1.fa && casg-gen --seed 99 --type protein --records 3000 --length 300 >useless.fa &&
	casg init -q src && cd src && git config casg.chunkSize 16k &&
	casg import -q -d db ../v1.fa && casg import -q -d db ../v2.fa &&
	mkdir -p ../srv/www && casg publish -q ../srv/www/pub
'

# wire [PATTERN]: bytes of answers that nginx has logged; whole: those of all packs there
wire () {
	grep "GET /pub/${1-}" srv/access.log | awk '$9 ~ /^20/ { n += $10 } END { printf "%.0f\n", n }'
}
whole () {
	cat srv/www/pub/packs/*.pack | wc -c
}
# is_whole REPO: everything is here, and nothing but packs
is_whole () {
	(
		cd "$1" && test ! -e .git/casg/state/from && test ! -e .git/casg/partial && test ! -e .git/casg/cache &&
		casg fsck -q --full && CASG_NO_FETCH=1 casg export db >../got && cmp "../$2" ../got && CASG_NO_FETCH=1 casg export "HEAD~1:db" >../got && cmp "../$3" ../got
	)
}
# packs_of REPO
packs_of () {
	(cd "$1/.git/casg/packs" && ls ./*.pack)
}

test_expect_success NGINX 'a clone with what has 95 % of it: less than half comes' '
	nginx_start "$PWD/srv" && pub=http://127.0.0.1:$http_port/pub && : >srv/access.log &&
	casg clone --from v1.fa.gz $pub clone 2>err && is_whole clone v2.fa v1.fa && wire >n && whole >all &&
	test $(($(cat n) * 5)) -lt $(($(cat all) * 2)) && sed -n "s/^fetched: //p" err >did &&
	read -r _ _ nchunks _ nbytes _ nreq _ files _ saved _ <did && test "$files" -gt 20 && test "$saved" -gt $(($(cat all) / 2)) &&
	grep -c " 206 " srv/access.log >n && test "$(cat n)" -le "$nreq"
'

test_expect_success NGINX 'made by the same casg with the same settings, packs have their names' '
	packs_of clone >got && (cd srv/www/pub/packs && ls ./*.pack) >expect && test_cmp expect got
'

test_expect_success NGINX 'made in another way they are others, and stand for those' '
	git config --global casg.compression 1 && casg clone -q --from v1.fa $pub other && is_whole other v2.fa v1.fa && git config --global --unset casg.compression &&
	packs_of other >got && (cd srv/www/pub/packs && ls ./*.pack) >expect && ! cmp -s expect got && test -s other/.git/casg/state/assembled &&
	(cd other && casg fetch -n --refetch) >plan && echo "0 packs, 0 bytes, 0 requests" >expect && test_cmp expect plan
'

test_expect_success NGINX 'a dry run says what would come, and from where, and agrees' '
	casg clone -q $pub late && cp -R late late2 && (cd src && casg import -q -d db ../v3.fa && casg publish -q ../srv/www/pub) && cd late &&
	casg fetch -n --from ../v3.fa >../plan 2>/dev/null && casg fetch -n --json --from ../v3.fa >../plan.json 2>/dev/null && git rev-parse origin/master >../now && git rev-parse HEAD >../expect && test_cmp ../expect ../now &&
	: >../srv/access.log && casg fetch --from ../v3.fa 2>../err && sed -n "s/^fetched: //p" ../err >../did && test_cmp ../plan ../did &&
	read -r npacks _ nchunks _ nbytes _ nreq _ files _ saved _ <../plan && test "$files" -gt 0 && test "$saved" -gt 0 &&
	echo "{\"packs\": $npacks, \"chunks\": $nchunks, \"bytes\": $nbytes, \"requests\": $nreq, \"file_chunks\": $files, \"file_bytes\": $saved}" >../expect && test_cmp ../expect ../plan.json &&
	(cd .. && wire packs/) >../n && test "$(cat ../n)" = "$nbytes" && casg merge -q --ff-only origin/master && cd .. && is_whole late v3.fa v2.fa
'

test_expect_success NGINX 'a file that lies: nothing of it gets in' '
	awk "/^>/ { n++ } !/^>/ && n % 3 == 0 { sub(/[AG]/, \"W\") } { print }" v1.fa >lies.fa && ! cmp -s lies.fa v1.fa &&
	casg clone -q --from lies.fa $pub lied && is_whole lied v3.fa v2.fa
'

test_expect_success NGINX 'a file without any use: all comes, under its names' '
	: >srv/access.log && casg clone -q --from useless.fa $pub useless && is_whole useless v3.fa v2.fa && wire packs/ >n && whole >all-bytes &&
	test "$(cat n)" -gt $(($(cat all-bytes) * 99 / 100)) && packs_of useless >got && (cd srv/www/pub/packs && ls ./*.pack) >expect && test_cmp expect got
'

test_expect_success NGINX 'a file that is no FASTA, or not there: no ref moves; a fetch goes on' '
	printf ">a\nMK\001\n" >bad.fa && test_expect_code 128 casg clone -q --from bad.fa $pub bad 2>err && test_grep "bad.fa.*record 1" err &&
	git -C bad for-each-ref >refs && test_must_be_empty refs && test -d bad/.git/casg/state/from && : >srv/access.log &&
	(cd bad && casg fetch -q --from ../v3.fa && git checkout -q -B master origin/master && test ! -e .git/casg/state/from && casg fsck -q --full && casg export origin/master:db) >got && cmp v3.fa got && test "$(wire ids/)" = 0 &&
	test_expect_code 128 casg clone -q --from none.fa $pub none 2>err && test_grep "no file that can be read" err && test ! -e none
'

test_expect_success NGINX 'what was begun is not seen by others, and goes when it is of no use' '
	test_expect_code 128 casg clone -q --from bad.fa $pub begun 2>err && cd begun && casg init -q && casg import -q -d mine ../v1.fa && rm -rf .git/casg/state/from &&
	CASG_NO_FETCH=1 casg export mine >../got && cmp ../v1.fa ../got && mkdir .git/casg/state/from && casg fetch -q && test ! -e .git/casg/state/from
'

test_expect_success NGINX 'a partial clone takes from files what its filter wants' '
	: >srv/access.log && casg clone --database db --from v1.fa --from v3.fa $pub part 2>err && test_grep "^wanted here: 0 chunks, 0 bytes, 0 requests; [1-9]" err && cd part && CASG_NO_FETCH=1 casg export db >../got && cmp ../v3.fa ../got && casg fsck -q --full &&
	casg gc -q --grace=0 && CASG_NO_FETCH=1 casg export HEAD~2:db >../got && cmp ../v1.fa ../got && casg fsck -q --full
'

test_expect_success NGINX 'a widening too, with a dry run that agrees' '
	casg clone -q --no-data $pub wide && cd wide && casg fetch -n --from ../v2.fa --database db >../plan && casg fetch --from ../v2.fa --database db 2>../err &&
	sed -n "s/^wanted here: //p" ../err >../did && test_cmp ../plan ../did && test_grep "; [1-9][0-9]* chunks" ../did && CASG_NO_FETCH=1 casg export db >../got && cmp ../v3.fa ../got
'

test_expect_success 'long sequences in pieces, and DNA that rests on other DNA' '
	casg-gen --seed 1 --type dna --records 100 --length 3000 --family 0.8 >dna.fa && casg-gen --seed 7 --type dna --records 2 --length 700000 >long.fa &&
	casg init -q dna && git init -q --bare dna.git && mkdir dna-store && cd dna && git config casg.chunkSize 64k && casg import -q -d db ../dna.fa && casg import -q -d long ../long.fa &&
	casg repack -q -a -d && casg remote add origin ../dna.git ../dna-store && casg push -q -u && casg-ls-chunks --kind=sequences --with-base >based && test -s based && cd .. &&
	for files in long.fa dna.fa "dna.fa long.fa"; do
		rm -rf dna-clone && casg clone $(for f in $files; do echo --from $f; done) --storage dna-store dna.git dna-clone 2>err && test_grep "; [1-9][0-9]* chunks" err &&
		(cd dna-clone && casg fsck -q --full && casg export db) >got && cmp dna.fa got && casg -C dna-clone export long >got && cmp long.fa got || return 1
	done && test_grep " 0 chunks.*; [1-9]" err
'

test_expect_success 'several files, empty sequences, the least memory' '
	printf ">e\n\n>f x\nMKV\n>e2\n" >empty.fa && casg init -q tiny && git init -q --bare tiny.git && mkdir tiny-store && cd tiny && casg import -q -d db ../empty.fa ../v1.fa && casg import -q -d d2 ../useless.fa &&
	casg remote add origin ../tiny.git ../tiny-store && casg push -q -u && cd .. &&
	CASG_MEMORY=64m casg clone --from empty.fa --from v1.fa --from useless.fa --storage tiny-store tiny.git tiny2 2>err && test_grep "fetched: .* 0 chunks.* from files" err &&
	(cd tiny2 && casg fsck -q --full && casg export db) >got && cat empty.fa v1.fa >expect && cmp expect got
'

test_expect_success 'usage' '
	test_expect_code 129 casg-fetch-chunks --from=- --url=file:///x </dev/null && test_expect_code 129 casg-fetch-chunks --all --cache &&
	test_expect_code 129 casg-join-packs --promised --geometric=2 && test_expect_code 129 casg clone --shared --from v1.fa src x
'

test_done
