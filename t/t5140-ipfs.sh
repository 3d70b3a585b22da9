#!/bin/sh
# Storages in IPFS: against js-ipfs, where it was installed ("npm ci" in
# t/npm/ipfs).

test_description='casg-remote-ipfs'
. "$(dirname "$0")/test-lib.sh"

CASG_REMOTE_TIMEOUT=20
export CASG_REMOTE_TIMEOUT
XDG_RUNTIME_DIR=$PWD && export XDG_RUNTIME_DIR

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
hello=bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e

test_lazy_prereq HTTP '
	printf "" | casg-remote-ipfs ipfs:///x 2>err ||
	! grep "without libcurl" err
'
require_server HTTP
test_have_prereq HTTP || skip_all 'casg was built without libcurl'

# large to install, so it may be missing even where others are required
test_lazy_prereq IPFS '
	command -v node && test -d "$TEST_DIRECTORY/npm/ipfs/node_modules/ipfs-core" &&
	cd "$TEST_DIRECTORY/npm/ipfs" && node -e "import(\"ipfs-core\")" 
'

test_expect_success 'no URL of IPFS' '
	for url in ipfs: ipfs:// ipfs:/// ipfs:///.x ipfs:///a/../b ipfs:///a%20b "ipfs:///a?x" \
		ipfs://$hello/x ipfs://${hello}a ipfs://x$hello \
		ipfs://QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o; do
		test_expect_code 128 casg-remote-ipfs "$url" </dev/null 2>err &&
		test_grep "is not ipfs://" err || return 1
	done
'

test_expect_success 'nobody listens' '
	(
		CASG_REMOTE_RETRIES=0 && CASG_IPFS_API=http://127.0.0.1:1 && CASG_IPFS_GATEWAY=$CASG_IPFS_API &&
		export CASG_REMOTE_RETRIES CASG_IPFS_API CASG_IPFS_GATEWAY &&
		printf "1 put x 1 $x\nx2 list -\n" | casg-remote-ipfs ipfs:///x >out &&
		printf "1 have x\n" | casg-remote-ipfs ipfs://$hello >out2
	) &&
	test_grep "^1 error retry" out && test_grep "^2 error retry" out &&
	test_grep "^1 error retry $hello: " out2
'

test_expect_success IPFS 'start js-ipfs' '
	mkdir node && mkfifo node/end &&
	{ node "$TEST_DIRECTORY/npm/ipfs/ipfsd.mjs" "$PWD/node" <node/end >node/log 2>&1 & } &&
	exec 9>node/end &&
	wait_for test -s node/env &&
	. ./node/env &&
	CASG_IPFS_API=$ipfs_api && CASG_IPFS_GATEWAY=$ipfs_gateway &&
	export CASG_IPFS_API CASG_IPFS_GATEWAY
'

# talk URL: standard input is said to the helper; its answers go to out
talk () {
	casg-remote-ipfs "$1" >all 2>err
	echo $? >status
	sed -e '1,/^$/d' -e '/ busy$/d' all >out
}

# rpc PATH: what the node says
rpc () {
	node -e "
		fetch(process.argv[1], { method: \"POST\", signal: AbortSignal.timeout(10000) })
		.then(async (r) => { process.stdout.write(await r.text()); process.exitCode = r.ok ? 0 : 1; });
	" "$ipfs_api/api/v0/$1"
}

test_expect_success IPFS 'it keeps to the protocol' '
	casg-remote-check ipfs:///casg-test/one >out 2>err &&
	test_grep ! "^not ok" out &&
	test_grep ! SKIP out &&
	test "$(grep -c "^ok" out)" -ge 25 &&
	test_grep "is now ipfs://bafkrei" err
'

head -c 2500000 /dev/zero >zeros
sum=$(sha256sum <zeros) && sum=${sum%% *}

test_expect_success IPFS 'blocks have the CIDs of their own digests, and are pinned' '
	{ printf "1 put-new zeros 2500000 $sum\n" && cat zeros && printf "2 put hello 11 " &&
	  printf "hello world" | sha256sum | sed "s/ .*//" && printf "hello world"; } >input &&
	talk ipfs:///two <input &&
	test_grep "^1 done 2500000 [0-9a-f]*\$" out && test_grep "^2 done 11 " out &&
	rpc "block/get?arg=$hello" >got && printf "hello world" >expect && test_cmp_bin expect got &&
	rpc "pin/ls?arg=$hello" >pins && test_grep "$hello\|zb2" pins &&
	cid=$(sed -n "s/^.* is now ipfs:..//p" err) && test -n "$cid" &&
	rpc "files/read?arg=/casg/two" >got && echo "$cid" >expect && test_cmp expect got
'

test_expect_success IPFS 'what was published is read from a gateway, and cannot be written' '
	printf "1 get zeros range=999999-1000001\n2 list -\n3 have hello\n4 have none\n" >input &&
	talk ipfs://$cid <input &&
	grep -a -q "1 done 2500000" out &&
	grep -a -q "^2 entry hello 11" out && grep -a -q "^2 entry zeros 2500000" out &&
	grep -a -q "^3 yes 11 " out && grep -a -q "^4 no" out &&
	printf "1 get zeros\n" | casg-remote-ipfs ipfs://$cid | tail -c 200 | grep -a -q "1 done 2500000" &&
	printf "1 put x 1 $x\nx2 delete zeros\n" >input && talk ipfs://$cid <input &&
	test_grep "^1 error refused" out && test_grep "^2 error refused" out
'

test_expect_success IPFS 'put-new; deleting; older CIDs stay' '
	printf "1 put-new hello 1 $x\nx2 delete hello\n3 delete hello\n4 list -\n" >input &&
	talk ipfs:///two <input &&
	cat >expect <<-\EOF &&
	1 exists
	2 done 0 -
	3 no
	4 entry zeros 2500000
	4 done 1 -
	EOF
	test_cmp expect out &&
	printf "1 have hello\n" | talk ipfs://$cid && test_grep "^1 yes 11" out
'

test_expect_success IPFS 'other bytes than announced; input that ends' '
	{ printf "1 put bad 2500000 $x\n" && cat zeros && printf "2 have bad\n"; } >input &&
	talk ipfs:///two <input &&
	test_grep "^1 error refused .*SHA-256" out && test_grep "^2 no" out &&
	{ printf "1 put bad 2500000 $sum\n" && head -c 1500000 zeros; } >input &&
	talk ipfs:///two <input && test "$(cat status)" = 128 &&
	printf "1 have bad\n" | talk ipfs:///two && test_grep "^1 no" out
'

test_expect_success IPFS 'helpers at the same time: nothing is lost' '
	for i in 1 2 3 4; do
		printf "1 put-new at/$i 1 ${x}\nx2 put-new race 1 $x\nx" >input.$i || return 1
	done &&
	(
		for i in 1 2 3 4; do
			casg-remote-ipfs ipfs:///many <input.$i >race.$i 2>err.$i &
		done
		wait
	) &&
	cat race.? >all && test "$(grep -c "^x*1 done" all)" = 4 &&
	test "$(grep -c "^2 done" all)" = 1 && test "$(grep -c "^2 exists" all)" = 3 &&
	printf "1 list -\n" | talk ipfs:///many && test_grep "^1 done 5 -" out
'

test_expect_success IPFS 'what is no index is refused' '
	printf "1 have x\n" | talk ipfs://$hello &&
	test_grep "^1 error wrong what came is no list of blocks" out
'

test_expect_success 'a gateway that lies is found out' '
	mkdir -p www/ipfs && printf "hello World" >"www/ipfs/$hello?format=raw" &&
	mkfifo end &&
	{ casg-http-faulty www <end >port 2>requests & } &&
	exec 8>end &&
	wait_for test -s port &&
	(
		CASG_IPFS_GATEWAY=http://127.0.0.1:$(cat port)/good && export CASG_IPFS_GATEWAY &&
		printf "1 have x\n" | talk ipfs://$hello
	) &&
	test_grep "^1 error wrong $hello: other bytes came" out
'

test_expect_success IPFS 'packs go there and come back' '
	casg-gen --seed 1 --type protein --records 300 >db.fa &&
	casg init -q from && casg init -q to &&
	casg -C from import -q -d db ../db.fa &&
	git -C from show HEAD:db/PACKS >PACKS &&
	(cd from && casg-send-pack -q --url=ipfs:///db <../PACKS >../out 2>../err) &&
	sed "s/^\([^ ]* [^ ]*\) .*/sent \1/" PACKS >expect && test_cmp expect out &&
	cid=$(rpc "files/read?arg=/casg/db") && test_grep "is now ipfs://$cid" err &&
	(cd to && casg-fetch-pack -q --url=ipfs://$cid <../PACKS >out) &&
	for f in from/.git/casg/packs/*; do
		cmp "$f" "to/.git/casg/packs/${f##*/}" || return 1
	done
'

# last: js-ipfs stores nothing any more while somebody waits for such a block
test_expect_success IPFS 'a block that is nowhere: no endless wait' '
	(
		CASG_REMOTE_TIMEOUT=1 && CASG_REMOTE_RETRIES=0 &&
		export CASG_REMOTE_TIMEOUT CASG_REMOTE_RETRIES &&
		none=bafkreigfuz6uqys7not7dnmwpxrwk6aqcnuz4yskye4bi5xnh5mo2kzzsq &&
		printf "1 have x\n" | talk ipfs://$none &&
		test_grep "^1 error retry $none: " out
	)
'

test_done
