#!/bin/sh
# Storages in Google Cloud Storage: against a stub that was written from Google's
# documents.  The real service is untested.

test_description='casg-remote-gs (against a stub)'
. "$(dirname "$0")/test-lib.sh"

CASG_REMOTE_TIMEOUT=20
export CASG_REMOTE_TIMEOUT
unset GOOGLE_OAUTH_ACCESS_TOKEN CLOUDSDK_AUTH_ACCESS_TOKEN GS_ACCESS_KEY_ID GS_SECRET_ACCESS_KEY \
	STORAGE_EMULATOR_HOST http_proxy

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881

test_lazy_prereq HTTP '
	printf "" | casg-remote-gs gs://b 2>err ||
	! grep "without libcurl" err
'
require_server HTTP
test_have_prereq HTTP || skip_all 'casg was built without libcurl'

test_lazy_prereq NODE 'command -v node'
require_server NODE

test_expect_success 'no URL of Google' '
	for url in gs: gs:// gs:///a gs://B gs://b/.c gs://b/c%20d "gs://b/c?x" gs://b//c; do
		test_expect_code 128 casg-remote-gs "$url" </dev/null 2>err &&
		test_grep "is not gs://" err || return 1
	done
'

test_expect_success 'secrets that make no sense, or would go without TLS, are not shown' '
	for v in "GOOGLE_OAUTH_ACCESS_TOKEN=hu sh" GOOGLE_OAUTH_ACCESS_TOKEN=hush \
		CLOUDSDK_AUTH_ACCESS_TOKEN=hush GS_SECRET_ACCESS_KEY=hush; do
		test_expect_code 128 env STORAGE_EMULATOR_HOST=storage.example "$v" \
			casg-remote-gs gs://b </dev/null 2>err &&
		test_grep "^fatal: .*\(makes no sense\|without TLS\|one is missing\)" err &&
		test_grep ! hush err || return 1
	done
'

test_expect_success NODE 'start the stub' '
	mkfifo end &&
	{ node "$TEST_DIRECTORY/helper/gcs-stub.mjs" <end >port 2>requests & } &&
	exec 9>end &&
	wait_for test -s port &&
	STORAGE_EMULATOR_HOST=http://127.0.0.1:$(cat port) && export STORAGE_EMULATOR_HOST
'

# talk URL: standard input is said to the helper; its answers go to out
talk () {
	casg-remote-gs "$1" >all 2>err
	echo $? >status
	sed -e '1,/^$/d' -e '/ busy$/d' all >out
}

# conforms ARG...: all but restoring
conforms () {
	casg-remote-check "$@" >out &&
	test_grep ! "^not ok" out &&
	test_grep ! SKIP out &&
	test "$(grep -c "^ok" out)" -ge 25
}

token () {
	( GOOGLE_OAUTH_ACCESS_TOKEN=good-token && export GOOGLE_OAUTH_ACCESS_TOKEN && "$@" )
}

key () {
	(
		GS_ACCESS_KEY_ID=GOOGTEST && GS_SECRET_ACCESS_KEY=testsecret &&
		export GS_ACCESS_KEY_ID GS_SECRET_ACCESS_KEY && "$@"
	)
}

# small CMD...: with small parts and pages
small () {
	(
		CASG_REMOTE_PART_SIZE=262144 && CASG_REMOTE_PAGE_SIZE=2 &&
		export CASG_REMOTE_PART_SIZE CASG_REMOTE_PAGE_SIZE && "$@"
	)
}

test_expect_success NODE 'it keeps to the protocol: a token, uploads in one' '
	token conforms gs://casg/one &&
	test_grep ! "/upload/session" requests
'

test_expect_success NODE 'a token, uploads in parts, lists in pages' '
	token small conforms gs://casg &&
	test_grep "PUT /upload/session" requests
'

test_expect_success NODE 'an HMAC key, whole and in parts' '
	key conforms gs://casg/three/place &&
	key small conforms gs://casg
'

head -c 1000000 /dev/zero >zeros
sum=$(sha256sum <zeros) && sum=${sum%% *}

test_expect_success NODE 'a put-new of parts: one wins, and it is whole' '
	{ printf "1 put-new race 1000000 $sum\n" && cat zeros; } >input &&
	(
		for i in 1 2; do
			token small casg-remote-gs gs://casg/four <input >"race.t$i" &
			key small casg-remote-gs gs://casg/four <input >"race.k$i" &
		done
		wait
	) &&
	cat race.* >all && test "$(grep -c "^1 done 1000000 " all)" = 1 &&
	test "$(grep -c "^1 exists" all)" = 3 &&
	printf "1 get race\n" >input && token talk gs://casg/four <input &&
	grep -a -q "1 done 1000000 " out
'

test_expect_success NODE 'other bytes than announced: the upload is cancelled' '
	{ printf "1 put bad 1000000 $x\n" && cat zeros; } >input &&
	for how in token key; do
		>requests &&
		$how small talk gs://casg/five <input &&
		test_grep "^1 error refused .*SHA-256" out &&
		test_grep "DELETE /upload/session" requests || return 1
	done &&
	printf "1 have bad\n2 list -\n" >input && token talk gs://casg/five <input &&
	test_grep "^1 no" out && test_grep "^2 done 0 -" out
'

test_expect_success NODE 'what is stored wrongly is seen, and deleted again' '
	{ printf "1 put-new bad 1000000 $sum\n" && cat zeros; } >big &&
	printf "1 put-new bad 1 $x\nx" >little &&
	for how in token key; do
		for input in big little; do
			$how small talk gs://lies <$input &&
			test_grep "^1 error retry other bytes were stored" out &&
			printf "1 have bad\n" >input && $how talk gs://lies <input &&
			test_grep "^1 no" out || return 1
		done
	done
'

test_expect_success NODE 'a part that comes short; an upload that leads elsewhere' '
	for how in token key; do
		$how small talk gs://short <big &&
		test_grep "^1 error retry a part was not stored" out &&
		$how small talk gs://astray <big &&
		test_grep "^1 error wrong the upload leads to another host" out || return 1
	done
'

test_expect_success NODE 'denied: wrong token, wrong key; nothing is shown' '
	printf "1 have race\n2 get race\n3 put-new new 1 $x\nx4 list -\n5 delete race\n" >input &&
	for v in GOOGLE_OAUTH_ACCESS_TOKEN=hush GS_SECRET_ACCESS_KEY=hush; do
		(
			GS_ACCESS_KEY_ID=GOOGTEST && export GS_ACCESS_KEY_ID &&
			eval "export $v" && talk gs://casg/four <input
		) &&
		test "$(grep -c "^[1-5] error denied HTTP status 40[13]" out)" = 5 &&
		test_grep ! hush out && test_must_be_empty err || return 1
	done
'

test_expect_success NODE 'a bucket that is not there is no empty storage' '
	printf "1 get x\n2 list -\n3 put x 1 $x\nx" >input &&
	for how in token key; do
		$how talk gs://nowhere <input &&
		test "$(grep -c "^[1-3] error refused there is no bucket .nowhere." out)" = 3 || return 1
	done
'

test_done
