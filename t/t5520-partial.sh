#!/bin/sh
# Partial clones: versions with the sequences of some taxa, times, databases, or
# none; from nginx, whose log says what was asked for, and from folders.

test_description='partial clones'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-nginx.sh"
. "$TEST_DIRECTORY/lib-taxonomy.sh"

# the small taxonomy, and a strain of yeast that the generator knows
with_yeast () {
	small_taxonomy tmp && echo "559292 ^node^4932^strain^^Saccharomyces cerevisiae S288C^" | taxa >yeast && cat yeast >>records &&
	git reset -q --hard HEAD~1 && commit_taxonomy ncbi records && rm -f yeast records none roots version
}

test_expect_success 'setup: two databases, a taxonomy, five versions, published' '
	casg-gen --seed 1 --type protein --records 1500 --length 300 >db1.fa &&
	casg-gen --seed 2 --mutate db1.fa --add 2 --change 1 >db2.fa &&
	casg-gen --seed 3 --mutate db2.fa --add 2 --change 1 >db3.fa &&
	casg-gen --seed 9 --type protein --records 300 --length 300 >other.fa &&
	casg-gen --seed 8 --type protein --records 200 --length 300 >db0.fa &&
	casg init -q src && cd src && git config casg.chunkSize 16k && git config casg.compression 1 &&
	casg import -q -d db --sequence-time 2020-03-01 ../db0.fa && casg import -q -d db --sequence-time 2021-03-01 ../db1.fa && with_yeast &&
	casg import -q -d db --sequence-time 2022-03-01 ../db2.fa &&
	casg import -q -d team/other --sequence-time 2022-06-01 ../other.fa &&
	casg import -q -d db --sequence-time 2023-03-01 ../db3.fa &&
	mkdir -p ../srv/www && casg publish -q ../srv/www/pub &&
	casg subset -q --taxon 562 db >../coli.fa && grep -c ">" ../coli.fa >../ncoli && test "$(cat ../ncoli)" -gt 10 &&
	casg-ls-chunks --kind=sequences >../chunks
'

test_expect_success 'what is published beside packs with sequences' '
	cd srv/www/pub && for pack in packs/*.pack; do
		id=${pack#packs/pack-} id=${id%.pack} &&
		if (cd ../../../src && casg-ls-chunks --kind=sequences $id | grep -q .); then
			test -s ids/pack-$id.ids || return 1
		else
			test ! -e ids/pack-$id.ids || return 1
		fi || return 1
	done && ls ids >there && test -s there && rm there
'

# kept REPO: how many chunks are there to stay; cached REPO: in its cache
kept () {
	find "$1/.git/casg/partial/chunks" -type f | wc -l
}
cached () {
	find "$1/.git/casg/cache" -type f ! -name table | wc -l
}
# ranges: the requests for parts of packs, and those for whole ones
ranges () {
	grep "GET /pub/packs/" srv/access.log | grep -c " 206 "
}
wholes () {
	grep "GET /pub/packs/" srv/access.log | grep -c " 200 "
}

test_expect_success NGINX 'start nginx' '
	nginx_start "$PWD/srv" && pub=http://127.0.0.1:$http_port/pub
'

test_expect_success NGINX '--no-data: all versions, no sequences' '
	: >srv/access.log && casg clone -q --no-data $pub none && test "$(ranges)" = 0 &&
	test "$(kept none)" = 0 && cd none && git config casg.partial.1.noData >val && echo true >expect && test_cmp expect val &&
	casg log --oneline db >log && test $(wc -l <log) = 4 && rm -f val log expect &&
	casg ls db >../ls.none && (cd ../src && casg ls db) >../ls.src && cmp ../ls.src ../ls.none &&
	casg ls HEAD~3:db >../ls.none && (cd ../src && casg ls HEAD~3:db) >../ls.src && cmp ../ls.src ../ls.none &&
	git status --porcelain >out && printf "?? out\n" >expect && test_cmp expect out && rm out expect &&
	casg diff --stat HEAD~3:db HEAD:db >../diff.none && (cd ../src && casg diff --stat HEAD~3:db HEAD:db) >../diff.src && test -s ../diff.src && cmp ../diff.src ../diff.none
'

test_expect_success NGINX 'ids are all that came of packs with sequences' '
	grep "GET /pub/ids/" srv/access.log | grep -c " 200 " >n && ls srv/www/pub/ids | wc -l >expect && test "$(cat n)" -eq "$(cat expect)" &&
	for f in srv/www/pub/ids/*; do
		id=${f##*/pack-} && ! grep "packs/pack-${id%.ids}" srv/access.log || return 1
	done
'

test_expect_success NGINX 'a chunk comes when it is read first, once, as a part of its pack' '
	: >srv/access.log && key=$(sed -n "s/^>\([^ ]*\).*/\1/p" db3.fa | sed -n 700p) &&
	(cd none && casg cat db "$key") >got && (cd src && casg cat db "$key") >expect && cmp expect got &&
	test "$(ranges)" = 1 && test "$(wholes)" = 0 && test "$(cached none)" = 1 &&
	(cd none && casg cat db "$key") >got && cmp expect got && test "$(ranges)" = 1
'

test_expect_success NGINX 'the whole comes in batches: requests for regions, not for chunks' '
	: >srv/access.log && (cd none && casg export db) >got && cmp db3.fa got && ranges >n &&
	test "$(wholes)" = 0 && test "$(cat n)" -ge 1 && test "$(cat n)" -lt $(($(cached none) / 3)) &&
	: >srv/access.log && (cd none && casg export db) >got && cmp db3.fa got && test "$(ranges)" = 0
'

test_expect_success NGINX '--taxon: its records are here, and no others need come' '
	: >srv/access.log && casg clone -q --taxon 562 $pub coli && test "$(wholes)" -le 8 &&
	(cd coli && CASG_NO_FETCH=1 casg subset -q --taxon 562 db) >got && cmp coli.fa got &&
	test "$(kept coli)" -gt 0 && test "$(kept coli)" -lt $(wc -l <chunks) &&
	test_expect_code 128 env CASG_NO_FETCH=1 casg -C coli export db >/dev/null 2>err && test_grep "not here by choice" err
'

test_expect_success NGINX 'no more requests than regions of packs, and neighbours are one' '
	ranges >n && find coli/.git/casg/partial/chunks -type f | sed "s|.*/||" | sort >ids &&
	(cd src && casg-ls-chunks -l --kind=sequences) | sort | join -t "	" ids - | awk -F "\t" "{ print \$6, \$8, \$5 }" | sort -k1,1 -k2,2n |
		awk "\$1 != pack || \$2 != end { n++ } { pack = \$1; end = \$2 + \$3 } END { print n }" >regions &&
	test "$(cat n)" -eq "$(cat regions)" && test "$(cat n)" -lt "$(kept coli)"
'

test_expect_success NGINX 'fetch --taxon widens; a dry run says what comes, and agrees' '
	cd coli && casg fetch -n --taxon 4932 >../plan && casg fetch -n --json --taxon 4932 >../plan.json &&
	before=$(kept .) && : >../srv/access.log &&
	casg fetch --taxon 4932 2>../err && sed -n "s/^wanted here: //p" ../err >../did && test_cmp ../plan ../did &&
	read -r nchunks _ nbytes _ nreq _ <../plan && test "$nchunks" -gt 0 &&
	echo "{\"chunks\": $nchunks, \"bytes\": $nbytes, \"requests\": $nreq}" >../expect && test_cmp ../expect ../plan.json &&
	test $(($(kept .) - before)) = "$nchunks" &&
	(cd .. && ranges) >../n && test "$(cat ../n)" = "$nreq" &&
	CASG_NO_FETCH=1 casg subset -q --taxon 4932 db >../got && (cd ../src && casg subset -q --taxon 4932 db) >../expect && cmp ../expect ../got &&
	git config --get-all casg.partial.2.taxon >../val && echo 4932 >../expect && test_cmp ../expect ../val &&
	casg fetch -n --taxon 4932 >../plan && test_grep "^0 chunks, 0 bytes, 0 requests" ../plan
'

test_expect_success NGINX '--since: data of versions from then on' '
	casg clone -q --since 2023 $pub late && cd late && CASG_NO_FETCH=1 casg export db >../got && cmp ../db3.fa ../got &&
	test_expect_code 128 env CASG_NO_FETCH=1 casg export HEAD~5:db >/dev/null 2>&1 &&
	casg export HEAD~1:team/other >../got && cmp ../other.fa ../got && git config casg.partial.1.since >../val &&
	echo 2023-01-01T00:00:00Z >../expect && test_cmp ../expect ../val
'

test_expect_success NGINX '--database, and what it excludes' '
	casg clone -q --database "team/*" $pub team && cd team && CASG_NO_FETCH=1 casg export team/other >../got && cmp ../other.fa ../got &&
	test_expect_code 128 env CASG_NO_FETCH=1 casg export db >/dev/null 2>&1 &&
	cd .. && casg clone -q --database "!team/*" $pub noteam && cd noteam && CASG_NO_FETCH=1 casg export db >../got && cmp ../db3.fa ../got &&
	test_expect_code 128 env CASG_NO_FETCH=1 casg export team/other >/dev/null 2>&1
'

test_expect_success NGINX 'filters together: a taxon of versions since a time' '
	casg clone -q --taxon 562 --since 2023-02 $pub both && cd both && CASG_NO_FETCH=1 casg subset -q --taxon 562 db >../got && cmp ../coli.fa ../got &&
	test "$(kept .)" -le "$(kept ../coli)" && git config casg.partial.1.since && git config casg.partial.1.taxon
'

test_expect_success NGINX 'fsck, gc and repack know what is absent by choice' '
	cd none && casg cache clear && casg fsck >out && test_grep "packs are here in part: 0 chunks checked" out && casg fsck --full >out &&
	casg fsck --read-back >out && test_grep "not all of it is here, by choice" out && test "$(cached .)" = 0 &&
	: >../srv/access.log && casg gc -q --grace=0 && casg fsck -q && test_must_be_empty ../srv/access.log &&
	casg repack -a -d -q && casg fsck -q && casg repack -d -q && casg fsck -q &&
	test_must_be_empty ../srv/access.log && rm out
'

test_expect_success NGINX 'gc forgets packs that no version needs, and chunks that were kept of them' '
	rm -rf gone && cp -R coli gone && cd gone && ls .git/casg/partial/*.idx | wc -l >../before && test "$(kept .)" -gt 0 &&
	git checkout -q --orphan empty && git rm -rq --cached . && git commit -q --allow-empty -m empty && git branch -q -D "$(git for-each-ref --format="%(refname:short)" refs/heads/ | grep -v empty)" &&
	git symbolic-ref -d refs/remotes/origin/HEAD && git for-each-ref --format="delete %(refname)" refs/remotes refs/tags | git update-ref --stdin &&
	git reflog expire --expire=now --all && rm -f .git/ORIG_HEAD .git/FETCH_HEAD && casg gc --grace=0 >out &&
	test_grep "packs of the partial clone forgotten" out && ! ls .git/casg/partial/*.idx 2>/dev/null && test "$(kept .)" = 0
'

test_expect_success NGINX 'what was kept and is damaged: fsck says so, a read has it anew' '
	rm -rf hurt && cp -R coli hurt && cd hurt && f=$(find .git/casg/partial/chunks -type f | sort | head -n 1) && chmod u+w "$f" &&
	printf X | dd of="$f" bs=1 seek=40 conv=notrunc 2>/dev/null && test_expect_code 1 casg fsck -q 2>err && test_grep "damaged" err &&
	casg subset -q --taxon 562 db >../got && cmp ../coli.fa ../got &&
	casg fetch -q --refetch && casg fsck -q && CASG_NO_FETCH=1 casg subset -q --taxon 562 db >../got && cmp ../coli.fa ../got
'

test_expect_success NGINX 'an update of a partial clone brings trees, and what is wanted' '
	casg-gen --seed 4 --mutate db3.fa --add 2 --change 1 >db4.fa && (cd src && casg import -q -d db --sequence-time 2024-03-01 ../db4.fa && casg publish -q ../srv/www/pub && casg subset -q --taxon 562 db) >coli4.fa &&
	rm -rf older && cp -R coli older && cd coli && casg pull -q && CASG_NO_FETCH=1 casg subset -q --taxon 562 db >../got && cmp ../coli4.fa ../got &&
	test_expect_code 128 env CASG_NO_FETCH=1 casg export db >/dev/null 2>&1 && casg export db >../got && cmp ../db4.fa ../got && casg fsck -q
'

test_expect_success NGINX 'a dry run of that says what will come of the new version, and agrees' '
	cd older && git rev-parse origin/master >../now && casg fetch -n >../plan 2>/dev/null && casg fetch -n --json >../plan.json 2>/dev/null &&
	git rev-parse origin/master >../expect && test_cmp ../expect ../now && : >../srv/access.log && before=$(kept .) && casg fetch 2>../err && sed -n "s/^wanted here: //p" ../err >../did && test_cmp ../plan ../did &&
	read -r nchunks _ nbytes _ nreq _ <../plan && test "$nchunks" -gt 0 && test $(($(kept .) - before)) = "$nchunks" && (cd .. && ranges) >../n && test "$(cat ../n)" = "$nreq" &&
	grep "GET /pub/packs/" ../srv/access.log | awk "{ n += \$10 } END { print n }" >../n && test "$(cat ../n)" = "$nbytes" &&
	echo "{\"chunks\": $nchunks, \"bytes\": $nbytes, \"requests\": $nreq}" >../expect && test_cmp ../expect ../plan.json &&
	casg fetch -n >../plan && echo "0 chunks, 0 bytes, 0 requests" >../expect && test_cmp ../expect ../plan && casg fsck -q && casg gc -q --grace=0 && casg fsck -q &&
	cp -R ../srv/www/pub ../srv/www/noids && rm -rf ../srv/www/noids/ids && cp -R ../none ../none2 && cd ../none2 && git remote set-url origin http://127.0.0.1:$http_port/noids &&
	test_expect_code 128 casg fetch -n 2>../err && test_grep "no storage publishes the ids" ../err
'

test_expect_success NGINX 'wrong bytes are refused and told; the next storage has them' '
	rm -rf lying && cp -R srv/www/pub lying && chmod -R u+w lying && for f in lying/packs/*.pack; do
		test "$(wc -c <"$f")" -lt 20000 || dd if=/dev/urandom of="$f" bs=1000 seek=3 count=$(($(wc -c <"$f") / 1000 - 4)) conv=notrunc 2>/dev/null || return 1
	done && rm -rf lied && cp -R none lied && cd lied && casg cache clear &&
	git config casg.remote.bad.url "file://$(cd ../lying && pwd | sed "s/ /%20/g")" && git config casg.remote.bad.git origin && git config casg.remote.bad.order 1 &&
	casg export db >../got 2>../err && cmp ../db3.fa ../got && test_grep "other bytes in a chunk than its id says" ../err && casg cache verify
'

test_expect_success NGINX 'ids that lie are refused: the pack comes as a whole' '
	rm -rf srv/www/false && cp -R srv/www/pub srv/www/false && chmod -R u+w srv/www/false && for f in srv/www/false/ids/*; do
		printf X | dd of="$f" bs=1 seek=$(($(wc -c <"$f") / 2)) conv=notrunc 2>/dev/null || return 1
	done && casg clone -q --no-data http://127.0.0.1:$http_port/false false 2>err && test_grep "checksum does not match" err &&
	cd false && CASG_NO_FETCH=1 casg export db >../got && cmp ../db4.fa ../got && casg fsck -q
'

test_expect_success NGINX 'where no ids are published, packs come as a whole' '
	rm -rf srv/www/old && cp -R srv/www/pub srv/www/old && rm -rf srv/www/old/ids && casg clone -q --no-data http://127.0.0.1:$http_port/old old 2>err &&
	cd old && CASG_NO_FETCH=1 casg export db >../got && cmp ../db4.fa ../got && casg fsck -q
'

test_expect_success NGINX 'a server that knows no ranges' '
	(cd none && casg cache clear && git remote set-url origin http://127.0.0.1:$http_port/no-range/pub && casg export db) >got && cmp db3.fa got &&
	git -C none remote set-url origin $pub
'

test_expect_success NGINX 'with no storage in reach, what is here works; what is not says so' '
	rm -rf alone && cp -R coli alone && cd alone && casg cache clear && git remote set-url origin http://127.0.0.1:1/pub &&
	casg subset -q --taxon 562 db >../got && cmp ../coli4.fa ../got && casg ls db >/dev/null && casg fsck -q &&
	CASG_REMOTE_RETRIES=0 test_expect_code 128 casg export db >/dev/null 2>../err && test_grep "is not here by choice (a partial clone)" ../err
'
test_expect_success 'from a folder' '
	git init -q --bare remote.git && mkdir store && (cd src && casg remote add origin ../remote.git ../store && casg push -q -u) &&
	casg clone -q --no-data --storage store remote.git local && cd local && casg export db >../got && (cd ../src && casg export db) >../expect && cmp ../expect ../got && casg fsck -q
'

test_expect_success 'casg.remote.NAME.ids false: none are stored' '
	(cd src && mkdir ../bare-store && git init -q --bare ../r2.git && casg remote add plain ../r2.git ../bare-store && git config casg.remote.plain.ids false && casg push -q plain) &&
	ls bare-store/packs/*.pack >out && test ! -e bare-store/ids
'

# logged:URL is URL, and what its helper is asked goes to a file
test_expect_success 'a push gives ids to packs that have none there, after one listing' '
	mkdir -p bin && cat >bin/casg-remote-logged <<-\EOF && chmod +x bin/casg-remote-logged && mkdir lateids && git init -q --bare lateids.git &&
	#!/bin/sh
	tee -a "$ASKED" | casg-remote-file "${1#logged:}"
	EOF
	(
		pwd=$(pwd | sed "s/ /%20/g") ASKED=$PWD/asked PATH=$PWD/bin:$PATH && export ASKED PATH && cd src &&
		casg remote add lateids ../lateids.git "logged:file://$pwd/lateids" && git config casg.remote.lateids.ids false && casg push -q lateids && test_path_is_missing ../lateids/ids &&
		git config --unset casg.remote.lateids.ids && casg push -q -n lateids && test_path_is_missing ../lateids/ids &&
		: >"$ASKED" && casg push -q lateids && diff -r ../store/ids ../lateids/ids &&
		grep -c " list ids/" "$ASKED" >n && test "$(cat n)" = 1 && ! grep -a "packs/" "$ASKED" &&
		one=$(ls ../lateids/ids | head -n 1) && rm -f "../lateids/ids/$one" && : >"$ASKED" && casg push -q lateids && cmp "../store/ids/$one" "../lateids/ids/$one" &&
		grep -ac " put ids/" "$ASKED" >n && test "$(cat n)" = 1 && : >"$ASKED" && casg push -q lateids && ! grep -a " put " "$ASKED" && rm n
	)
'

test_expect_success 'casg-send-pack --only-ids: what it leaves out, and usage' '
	cd src && casg-inventory --url=file://$(cd .. && pwd | sed "s/ /%20/g")/lateids --packs >../packs && url=file://$(cd ../lateids && pwd | sed "s/ /%20/g") && rm -f ../lateids/ids/* &&
	{ cat ../packs && echo 0000000000000000000000000000000000000000000000000000000000000000; } >../more && casg-send-pack --only-ids --url=$url <../more >../out &&
	ls ../lateids/ids | sed "s/pack-/ids /; s/\.ids//" | sort >../expect && sort ../out >../actual && test_cmp ../expect ../actual && test -s ../expect &&
	casg-send-pack --only-ids --url=$url <../more >../out && test_must_be_empty ../out &&
	test_expect_code 129 casg-send-pack --only-ids --ids --url=$url <../packs && test_expect_code 129 casg-send-pack --only-ids -n --url=$url <../packs
'

test_expect_success 'gc of a storage drops the ids with the pack' '
	ls store/ids | wc -l >before && (cd src && casg fetch -q origin && casg repack -q --remote=origin && casg gc -q --remote=origin --grace=0) &&
	for f in store/ids/*.ids; do
		id=${f##*/pack-} && test -e store/packs/pack-${id%.ids}.pack || return 1
	done && ls store/ids | wc -l >after && test "$(cat after)" -gt 0
'

test_expect_success 'a commit made in a partial clone, and its push' '
	rm -rf local && casg clone -q --no-data --storage store remote.git local && cd local && git config user.name a && git config user.email a@b &&
	casg export db >../now.fa && casg cache clear && casg-gen --seed 5 --mutate ../now.fa --add 2 >../next.fa &&
	casg import -q -d db ../next.fa && CASG_NO_FETCH= casg push -q && cd .. && casg clone -q --storage store remote.git full && cd full && casg fsck -q --full && casg export db >../got && cmp ../next.fa ../got
'

test_expect_success 'DNA that rests on other chunks: these come along, in batches' '
	casg-gen --seed 1 --type dna --records 300 --length 3000 --family 0.8 >dna.fa && casg init -q dna && git init -q --bare dna.git && mkdir dna-store &&
	cd dna && git config casg.chunkSize 64k && casg import -q -d db ../dna.fa && casg repack -q -a -d && casg remote add origin ../dna.git ../dna-store && casg push -q -u &&
	casg-ls-chunks --kind=sequences --with-base >based && test -s based && cd .. && casg clone -q --no-data --storage dna-store dna.git dna-part &&
	key=$(sed -n "s/^>\([^ ]*\).*/\1/p" dna.fa | sed -n 150p) && casg -C dna cat db $key >expect && casg -C dna-part cat db $key >got && cmp expect got &&
	casg -C dna-part cache clear && casg -C dna-part prefetch -q --keep db $key && CASG_NO_FETCH=1 casg -C dna-part cat db $key >got && cmp expect got &&
	casg -C dna-part export db >got && cmp dna.fa got && for f in dna-part/.git/casg/cache/*/*; do
		chmod u+w "$f" && printf X | dd of="$f" bs=1 seek=60 conv=notrunc 2>/dev/null || return 1
	done && casg -C dna-part export db >got && cmp dna.fa got && casg -C dna-part cache verify && casg -C dna-part fsck -q
'

# All at once find damaged what they rest on: who comes second must not give up.
test_expect_success 'damage that several threads find is had anew by each' '
	for i in 1 2 3 4 5 6 7 8 9 10; do
		for f in dna-part/.git/casg/cache/*/*; do
			chmod u+w "$f" && printf X | dd of="$f" bs=1 seek=60 conv=notrunc 2>/dev/null || return 1
		done && casg -C dna-part export db >got && cmp dna.fa got || return 1
	done
'

# chain: ten relatives, each made of the one before it, with 4,000 bases more
chain () {
	awk 'BEGIN {
		srand(7); split("A C G T", base, " "); n = 50000
		for (i = 0; i < n; i++) s[i] = base[1 + int(rand() * 4)]
		for (r = 0; r < 10; r++) {
			print ">g" r
			for (i = 0; i < n; i++) printf "%s%s", s[i], i % 70 == 69 || i == n - 1 ? "\n" : ""
			at = int(rand() * n)
			for (i = n - 1; i >= at; i--) s[i + 4000] = s[i]
			for (i = 0; i < 4000; i++) s[at + i] = base[1 + int(rand() * 4)]
			n += 4000
			for (k = 0; k < n / 200; k++) s[int(rand() * n)] = base[1 + int(rand() * 4)]
		}
	}'
}

test_expect_success 'DNA that is made of what other chunks make: all that these need comes along' '
	chain >chain.fa && casg init -q chain && git init -q --bare chain.git && mkdir chain-store &&
	cd chain && git config casg.chunkSize 64k && casg import -q -d db ../chain.fa && casg optimise -q &&
	casg-ls-chunks -l --kind=sequences | cut -f6-8 | while read -r pack chunk offset; do
		od -An -tu1 -j$((offset + 1)) -N1 ".git/casg/packs/pack-$pack.pack"
	done >layouts && grep -q "^ *6$" layouts && rm layouts &&
	casg remote add origin ../chain.git ../chain-store && casg push -q -u && cd .. &&
	casg clone -q --no-data --storage chain-store chain.git chain-part && cd chain-part &&
	for key in g1 g9; do
		casg prefetch -n --keep db $key >../plan && casg prefetch -q --keep db $key && kept . >>../nkept &&
		read -r nchunks _ <../plan && test "$nchunks" -gt 0 &&
		(cd ../chain && casg cat db $key) >../expect && CASG_NO_FETCH=1 casg cat db $key >../got && cmp ../expect ../got || return 1
	done && test "$(sed -n 1p ../nkept)" -lt "$(sed -n 2p ../nkept)" &&
	test_expect_code 128 env CASG_NO_FETCH=1 casg cat db g0 g1 g2 g3 g4 g5 g6 g7 g8 >../got 2>../err && test_grep "not here by choice" ../err &&
	CASG_NO_FETCH=1 casg fsck -q && casg export db >../got && cmp ../chain.fa ../got && casg fsck -q --full
'

test_expect_success NGINX 'a dry run counts what other DNA rests on, and agrees' '
	casg -C dna publish -q ../srv/www/dna && casg clone -q --no-data http://127.0.0.1:$http_port/dna dna-dry && cd dna-dry && keys=$(sed -n "s/^>\([^ ]*\).*/\1/p" ../dna.fa | sed -n "100p;299p") &&
	casg prefetch -n --keep db $keys >../plan && casg prefetch -n --keep --json db $keys >../plan.json && : >../srv/access.log && casg prefetch --keep db $keys 2>../did && test_cmp ../plan ../did &&
	read -r nchunks _ nbytes _ nreq _ <../plan && test "$nchunks" -gt 2 && test "$(kept .)" = "$nchunks" && grep -c " 206 " ../srv/access.log >../n && test "$(cat ../n)" = "$nreq" &&
	grep " 206 " ../srv/access.log | awk "{ n += \$10 } END { print n }" >../n && test "$(cat ../n)" = "$nbytes" && grep -q "\"chunks\": $nchunks," ../plan.json &&
	casg fetch -n --database db >../plan 2>/dev/null && casg fetch --database db 2>../err && sed -n "s/^wanted here: //p" ../err >../did && test_cmp ../plan ../did &&
	casg prefetch -n --keep db >../plan && echo "0 chunks, 0 bytes, 0 requests" >../expect && test_cmp ../expect ../plan
'

test_expect_success 'verify in a partial clone reads all, or says what it did not' '
	rm -rf seen && casg clone -q --no-data --storage store remote.git seen && cd seen && test_expect_code 128 env CASG_NO_FETCH=1 casg verify db 2>../err && test_grep "not here by choice" ../err &&
	CASG_NO_FETCH=1 casg verify --roots db >../out && test_grep "verified.*sequences that are not here by choice were not read" ../out && test "$(cached .)" = 0 &&
	casg verify db >../out && test_grep "versions verified, unsigned$" ../out && test "$(cached .)" -gt 0
'

test_expect_success 'a push to a storage that has not what is lacking here is refused, and no version is said to be there' '
	cd seen && git init -q --bare ../else.git && mkdir ../else-store && casg remote add else ../else.git ../else-store && test_expect_code 128 casg push else 2>../err &&
	test_grep "not all of it is here (a partial clone), and it is not there" ../err && git -C ../else.git for-each-ref >../refs && test_must_be_empty ../refs &&
	casg-inventory --url="file://$(cd ../else-store && pwd | sed "s/ /%20/g")" --versions >../out && test_must_be_empty ../out
'

test_expect_success 'usage' '
	test_expect_code 129 casg clone --no-data --taxon 1 remote.git x && test_expect_code 129 casg clone --shared --no-data src x &&
	test_expect_code 128 casg clone -q --since never --storage store remote.git x 2>err && test_grep "bad time" err && test ! -e x &&
	test_expect_code 128 casg -C full fetch --taxon 562 2>err && test_grep "no partial clone" err &&
	test_expect_code 129 casg -C local fetch --taxon 562 --prune
'

test_done
