#!/bin/sh
# What a partial clone has read and may read again: the cache, its bounds, what
# it keeps, what it says; casg prefetch; read ahead.

test_description='casg cache, casg prefetch'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-nginx.sh"

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 1200 --length 300 >db.fa &&
	casg init -q src && git init -q --bare remote.git && mkdir store && cd src &&
	git config casg.chunkSize 16k && git config casg.compression 1 && casg import -q -d db ../db.fa &&
	casg remote add origin ../remote.git ../store && casg push -q -u && cd .. &&
	casg clone -q --no-data --storage store remote.git part && cp -R part fresh-part &&
	sed -n "s/^>\([^ ]*\).*/\1/p" db.fa >keys &&
	(cd src && casg-ls-chunks --kind=sequences) >chunks && n=$(wc -l <chunks) && test $n -gt 15
'

fresh () {
	rm -rf part && cp -R fresh-part part
}

# stat NAME: what casg cache stats says, in part
stat () {
	casg -C part cache stats | sed -n "s/^$1	//p"
}

cached () {
	find part/.git/casg/cache -type f ! -name table | wc -l
}

test_expect_success 'hits, misses, bytes, size and bound are told' '
	key=$(sed -n 500p keys) && casg -C part cat db $key >got && casg -C src cat db $key >expect && cmp expect got &&
	test "$(stat misses)" = 1 && test "$(stat hits)" = 0 && test "$(stat chunks)" = 1 && test "$(stat bound)" = $((4 << 30)) &&
	test "$(stat bytes)" = "$(find part/.git/casg/cache -type f ! -name table -exec cat {} + | wc -c)" &&
	test "$(stat fetched-bytes)" = "$(stat bytes)" &&
	casg -C part cat db $key >got && cmp expect got && test "$(stat hits)" = 1 && test "$(stat misses)" = 1 && test "$(stat hit-rate)" = 0.5000 &&
	casg -C part cache stats --json >json && test_grep "\"hits\": 1, \"misses\": 1," json
'

test_expect_success 'what was read needs no storage' '
	mv store away && test_when_finished "mv away store" && casg -C part cat db $key >got && cmp expect got &&
	test_expect_code 128 casg -C part cat db $(sed -n 900p keys) 2>err && test_grep "not here by choice" err
'

test_expect_success 'memory: within a process a chunk is read from disk once' '
	fresh && id=$(sed -n 3p chunks | cut -f 1) && (cd part && casg-cat-chunk $id $id $id) >got && (cd src && casg-cat-chunk $id $id $id) >expect && cmp expect got &&
	test "$(stat misses)" = 1 && test "$(stat hits)" = 0 && test "$(stat memory-hits)" = 2
'

test_expect_success 'the setting bounds it, in every state' '
	fresh && git -C part config casg.cache.size 40k && casg -C part export db >got && cmp db.fa got &&
	test "$(stat bytes)" -le 40960 && test "$(stat chunks)" = "$(cached)" && test "$(stat bound)" = 40960 &&
	casg -C part export db >got && cmp db.fa got && test "$(stat bytes)" -le 40960 &&
	git -C part config casg.cache.size 20k && casg -C part cat db $(sed -n 3p keys) >got && for k in 1 100 200 300 400 500 600 700 800 900 1000; do
		casg -C part cat db $(sed -n ${k}p keys) >got || return 1
	done && test "$(stat bytes)" -le 20480 && test "$(cached)" = "$(stat chunks)" &&
	git -C part config casg.cache.size 0 && casg -C part export db >got && cmp db.fa got && test "$(stat bytes)" = 0 && test "$(cached)" = 0
'

test_expect_success 'so does the space that is free' '
	fresh && git -C part config casg.cache.keepFree 1000000g && casg -C part export db >got && cmp db.fa got && test "$(stat bound)" = 0 && test "$(cached)" = 0
'

test_expect_success 'what is read often stays when all is read once' '
	fresh && git -C part config casg.cache.size 60k && hot=$(sed -n 500p keys) && casg -C part cat db $hot >got && name=$(ls part/.git/casg/cache/*/* | head -n 1) && test -f "$name" &&
	for i in 1 2 3; do casg -C part cat db $hot >got || return 1; done &&
	casg -C part export db >all && cmp db.fa all && casg -C part export db >all && test -f "$name" && test "$(stat evicted)" -gt 0 &&
	mv store away && test_when_finished "mv away store" && casg -C part cat db $hot >expect && cmp expect got
'

test_expect_success 'a damaged chunk is dropped and had anew; verify finds it' '
	fresh && casg -C part export db >got && cmp db.fa got && for f in part/.git/casg/cache/*/*; do
		chmod u+w "$f" && printf X | dd of="$f" bs=1 seek=60 conv=notrunc 2>/dev/null || return 1
	done && casg -C part export db >got && cmp db.fa got && test "$(stat damaged)" -gt 0 && casg -C part cache verify >out && test_grep " 0 damaged" out &&
	f=$(ls part/.git/casg/cache/*/* | head -n 1) && chmod u+w "$f" && printf X | dd of="$f" bs=1 seek=60 conv=notrunc 2>/dev/null &&
	test_expect_code 1 casg -C part cache verify >out 2>err && test_grep " 1 damaged" out && test ! -e "$f" && casg -C part cache verify >out
'

test_expect_success 'one cut short, a table that is junk, or gone: right answers' '
	f=$(ls part/.git/casg/cache/*/* | head -n 1) && chmod u+w "$f" && : >"$f" && casg -C part export db >got && cmp db.fa got &&
	echo junk >part/.git/casg/cache/table && casg -C part export db >got && cmp db.fa got && test "$(stat chunks)" = "$(cached)" &&
	rm part/.git/casg/cache/table && casg -C part export db >got && cmp db.fa got && test "$(stat chunks)" = "$(cached)" &&
	rm -rf part/.git/casg/cache && casg -C part export db >got && cmp db.fa got
'

test_expect_success 'clear' '
	casg -C part cache clear && test "$(cached)" = 0 && test "$(stat chunks)" = 0 && test "$(stat hits)" = 0 && test "$(stat bytes)" = 0
'

test_expect_success 'many at once' '
	fresh && git -C part config casg.cache.size 60k && for i in 1 2 3 4; do
		{ casg -C part export db >got.$i & } || return 1
	done && wait && for i in 1 2 3 4; do cmp db.fa got.$i || return 1; done && test "$(stat bytes)" -le 61440 && test "$(stat chunks)" = "$(cached)"
'

test_expect_success 'prefetch: a dry run tells, the run agrees, then no storage is needed' '
	fresh && casg -C part prefetch -n db >plan && casg -C part prefetch -n --json db >json && read -r nchunks _ nbytes _ nreq _ <plan &&
	test "$nchunks" = "$(wc -l <chunks)" && echo "{\"chunks\": $nchunks, \"bytes\": $nbytes, \"requests\": $nreq}" >expect && test_cmp expect json && test "$(cached)" = 0 &&
	casg -C part prefetch db 2>did && test_cmp plan did && test "$(cached)" = "$nchunks" && test "$(stat bytes)" = "$nbytes" &&
	casg -C part prefetch -n db >plan && echo "0 chunks, 0 bytes, 0 requests" >expect && test_cmp expect plan &&
	mv store away && test_when_finished "mv away store" && casg -C part export db >got && cmp db.fa got
'

test_expect_success 'prefetch of a taxon, and of keys' '
	fresh && casg -C part prefetch -q --taxon 83333 db && test "$(cached)" -gt 0 && CASG_NO_FETCH=1 casg -C part subset -q --taxon 83333 db >got && casg -C src subset -q --taxon 83333 db >expect && cmp expect got &&
	fresh && casg -C part prefetch -q db $(sed -n 7p keys) $(sed -n 700p keys) && test "$(cached)" -le 2 && CASG_NO_FETCH=1 casg -C part cat db $(sed -n 7p keys) $(sed -n 700p keys) >got &&
	casg -C src cat db $(sed -n 7p keys) $(sed -n 700p keys) >expect && cmp expect got &&
	test_expect_code 1 casg -C part prefetch -q db nobody 2>err && test_grep "no record .nobody" err
'

test_expect_success 'prefetch --keep stays; into a cache that is too small, it says so' '
	fresh && git -C part config casg.cache.size 30k && casg -C part prefetch -q db 2>err && test_grep "did not stay" err && test "$(stat bytes)" -le 30720 &&
	casg -C part prefetch -q --keep db 2>err && test_must_be_empty err && casg -C part cache clear && CASG_NO_FETCH=1 casg -C part export db >got && cmp db.fa got
'

test_expect_success 'programs ask many chunks at once: casg prefetch --batch' '
	fresh && pack=$(cut -f 6 chunks | sort | uniq -c | sort -rn | sed -n "1s/.* //p") && printf "%s 0\n%s 1\n%s 4294967295\n\n" $pack $pack $pack | casg -C part prefetch --batch >out &&
	grep -a -q "^0 [0-9]*$" out && test "$(tail -c 4 out)" = end &&
	printf "junk\n\n" >in && test_expect_code 128 casg -C part prefetch --batch <in
'

test_expect_success NGINX 'read ahead: one after the other comes in fewer requests than chunks' '
	mkdir -p srv/www && cp -R store srv/www/st && nginx_start "$PWD/srv" && fresh && git -C part config casg.remote.origin.url http://127.0.0.1:$http_port/st &&
	pack=$(cut -f 6 chunks | sort | uniq -c | sort -rn | sed -n "1s/.* //p") && (cd src && casg-ls-chunks -l --kind=sequences $pack) | cut -f 1 >ids && n=$(wc -l <ids) && : >srv/access.log &&
	(cd part && xargs casg-cat-chunk <../ids) >got && (cd src && xargs casg-cat-chunk <../ids) >expect && cmp expect got &&
	test "$(grep -c " 206 " srv/access.log)" -lt $((n / 2)) && test "$(grep -c " 206 " srv/access.log)" -ge 3
'

test_expect_success NGINX 'scattered reads are not read ahead' '
	fresh && git -C part config casg.remote.origin.url http://127.0.0.1:$http_port/st && : >srv/access.log && sort ids | head -n 6 >some && (cd part && xargs casg-cat-chunk <../some) >/dev/null &&
	test "$(cached)" -le 8
'

test_expect_success 'usage; in a full repository there is nothing to do' '
	test_expect_code 129 casg -C part cache && test_expect_code 129 casg -C part cache nope && test_expect_code 129 casg -C part cache clear --json &&
	test_expect_code 129 casg -C part prefetch && test_expect_code 129 casg -C part prefetch --json db && test_expect_code 129 casg -C part prefetch --batch --keep &&
	casg -C src prefetch -n db >out && echo "0 chunks, 0 bytes, 0 requests" >expect && test_cmp expect out && casg -C src prefetch -q db && casg -C src cache stats >out && test_grep "^chunks	0" out
'

test_done
