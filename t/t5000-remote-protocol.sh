#!/bin/sh
# What casgprotocol-remote(7) says, against each helper that needs no server,
# and against the storage that CASG_TEST_REMOTE_URL names.

test_description='the protocol of remote helpers'
. "$(dirname "$0")/test-lib.sh"

# the folder that the tests run in, as it stands in a URL
pwd=$(pwd | sed 's/ /%20/g')

# conforms OUT ARG...: casg-remote-check finds nothing; at least 25 cases
conforms () {
	conform_out=$1 &&
	shift &&
	casg-remote-check "$@" >"$conform_out" &&
	test_grep ! "^not ok" "$conform_out" &&
	grep -c "^ok" "$conform_out" >count &&
	test "$(cat count)" -ge 25
}

# talk URL: standard input is said to the helper as it is; its answers, without
# the greeting, go to out, its status to status
talk () {
	"casg-remote-${1%%:*}" "$1" >all 2>err
	echo $? >status
	sed '1,/^$/d' all >out
}

test_expect_success 'the helper in memory' '
	conforms out memory: &&
	test_grep ! SKIP out
'

test_expect_success 'a folder' '
	mkdir "a folder" &&
	conforms out "file://$pwd/a%20folder" &&
	test_grep ! SKIP out
'

test_expect_success 'nothing is left behind' '
	find "a folder" ! -type d >files &&
	test_must_be_empty files
'

test_lazy_prereq REMOTE_URL 'test -n "$CASG_TEST_REMOTE_URL"'

test_expect_success REMOTE_URL 'the storage that was named' '
	conforms out "$CASG_TEST_REMOTE_URL"
'

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881

test_expect_success 'the words on the wire' '
	mkdir wire &&
	url=file://$pwd/wire &&
	{
		printf "1 put-new packs/x 1 $x\nx2 have packs/x\n3 list -\n" &&
		printf "4 get packs/x range=0-5\n5 get packs/x range=1-\n6 have packs\n\n7 have packs/x\n"
	} | talk "$url" &&
	test "$(cat status)" = 0 &&
	sed "s/ [^ ]*-[^ ]*\$/ V/; s/^x5/x/" out >got &&
	cat >expect <<-\EOF &&
	1 done 1 V
	2 yes 1 V
	3 entry packs/x 1
	3 done 1 V
	4 data 1
	x4 done 1 V
	5 done 1 V
	6 no
	EOF
	sed "s/^3 done 1 -/3 done 1 V/" got >got2 &&
	test_cmp expect got2 &&
	sed "/^\$/q" all >hello &&
	printf "casg-remote 1\nhave\nget\nrange\nif\nput\nput-new\nlist\ndelete\n\n" >expect &&
	test_cmp expect hello
'

test_expect_success 'what is no request ends the helper' '
	for line in "1 have ../x" "1 have packs/.x" "have packs/x" "1 get x range=2-1" "1 steal x"; do
		printf "%s\n" "$line" | talk "$url" || return 1
		test "$(cat status)" = 128 && test_must_be_empty out &&
		test_grep "^fatal: malformed line" err || return 1
	done &&
	printf "1 have x" | talk "$url" &&
	test "$(cat status)" = 128 &&
	test_grep "ends inside a line" err
'

test_expect_success 'input that ends inside a put stores nothing' '
	printf "1 put packs/y 100 $x\nxxx" | talk "$url" &&
	test "$(cat status)" = 128 &&
	test_grep "ends inside the bytes of a put" err &&
	ls -A wire/packs >files &&
	test "$(cat files)" = x
'

test_expect_success 'links do not lead out of the folder' '
	mkdir outside &&
	echo secret >outside/secret &&
	ln -s ../outside wire/out && ln -s ../outside/secret wire/link && ln -s nowhere wire/dangling &&
	{
		printf "1 get out/secret\n2 get link\n3 have link\n4 list -\n5 delete out/secret\n" &&
		printf "6 put out/new 1 $x\nx7 put-new dangling 1 $x\nx"
	} | talk "$url" &&
	test "$(cat status)" = 0 &&
	test_grep ! secret out &&
	test_grep "^1 no" out &&
	test_grep "^2 error refused" out &&
	test_grep "^3 error refused" out &&
	test_grep "^4 done 1 -" out &&
	test_grep "^6 error refused" out &&
	test_grep "^7 exists" out &&
	test_path_is_missing outside/new &&
	test_path_is_file outside/secret
'

test_expect_success 'a folder that is not there is no empty storage' '
	printf "1 have x\n" | talk "file://$pwd/nowhere" &&
	test "$(cat status)" = 128 &&
	test_grep "^fatal: there is no folder .*nowhere" err &&
	for url in file:relative file://host/x "file:///a%00b" "file:///a%zz"; do
		test_expect_code 128 casg-remote-file "$url" </dev/null 2>err &&
		test_grep "is not file:///PATH" err || return 1
	done
'

test_expect_success 'a full disk is an error, and nothing is stored' '
	url=file://$pwd/wire &&
	{
		printf "1 put-new packs/big 400000 $x\n" &&
		head -c 400000 /dev/zero &&
		printf "2 have packs/big\n"
	} >input &&
	(
		trap "" XFSZ &&
		ulimit -f 100 &&
		talk "$url" <input
	) &&
	test "$(cat status)" = 0 &&
	test_grep "^1 error refused" out &&
	test_grep "^2 no" out &&
	ls -A wire/packs >files &&
	test "$(cat files)" = x
'

test_expect_success 'of many that put-new the same object one wins' '
	printf "1 put-new race 1 $x\nx" >input &&
	(
		for i in 1 2 3 4 5 6; do
			casg-remote-file "$url" <input >"race.$i" &
		done
		wait
	) &&
	cat race.? | grep -c "^1 done" >n &&
	test "$(cat n)" = 1 &&
	cat race.? | grep -c "^1 exists" >n &&
	test "$(cat n)" = 5
'

test_done
