#!/bin/sh
# Storages in Azure Blob Storage: against Azurite, Microsoft's emulator.

test_description='casg-remote-az'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-partial.sh"
. "$TEST_DIRECTORY/lib-azurite.sh"

CASG_REMOTE_TIMEOUT=20
export CASG_REMOTE_TIMEOUT
unset AZURE_STORAGE_ACCOUNT AZURE_STORAGE_KEY AZURE_STORAGE_SAS_TOKEN AZURE_STORAGE_ACCESS_TOKEN \
	AZURE_STORAGE_BLOB_ENDPOINT AZURE_STORAGE_CONNECTION_STRING

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881

test_lazy_prereq HTTP '
	printf "" | casg-remote-az az://a/b 2>err ||
	! grep "without libcurl" err
'
require_server HTTP
test_have_prereq HTTP || skip_all 'casg was built without libcurl'

test_expect_success 'no URL of Azure' '
	for url in az: az://a az://a/ az:///b az://A/b az://a/b/.c az://a/b/c%20d "az://a/b?sv=1" \
		az://a.evil.example/b az://u:p@a/b az://a/b//c; do
		test_expect_code 128 casg-remote-az "$url" </dev/null 2>err &&
		test_grep "is not az://\|is no account" err || return 1
	done
'

test_expect_success 'secrets that make no sense, or would go without TLS, are not shown' '
	(
		AZURE_STORAGE_ACCOUNT=a && export AZURE_STORAGE_ACCOUNT &&
		AZURE_STORAGE_BLOB_ENDPOINT=http://storage.example && export AZURE_STORAGE_BLOB_ENDPOINT &&
		for v in KEY=hush. SAS_TOKEN="hu sh" SAS_TOKEN=hush ACCESS_TOKEN=hush; do
			test_expect_code 128 env "AZURE_STORAGE_$v" casg-remote-az az://a/b </dev/null 2>err &&
			test_grep "^fatal: .*\(base64\|makes no sense\|without TLS\)" err &&
			test_grep ! hush err || return 1
		done
	)
'

test_expect_success AZURITE 'start Azurite' '
	azurite_start "$PWD/az" &&
	CURL_CA_BUNDLE=$PWD/az/cert.pem && NODE_EXTRA_CA_CERTS=$CURL_CA_BUNDLE &&
	AZURE_STORAGE_ACCOUNT=$az_account && AZURE_STORAGE_BLOB_ENDPOINT=$az_endpoint &&
	export CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS AZURE_STORAGE_ACCOUNT AZURE_STORAGE_BLOB_ENDPOINT &&
	az=az://$az_account/casg
'

# with NAME VALUE CMD...: with one credential
with () {
	with_name=AZURE_STORAGE_$1 with_value=$2 && shift 2 &&
	( eval "$with_name=\$with_value; export $with_name" && "$@" )
}

# talk URL: standard input is said to the helper; its answers go to out
talk () {
	casg-remote-az "$1" >all 2>err
	echo $? >status
	sed -e '1,/^$/d' -e '/ busy$/d' all >out
}

# conforms ARG...
conforms () {
	casg-remote-check "$@" >out &&
	test_grep ! "^not ok" out &&
	test_grep ! SKIP out &&
	test "$(grep -c "^ok" out)" -ge 25
}

test_expect_success AZURITE 'it keeps to the protocol: shared key, whole blobs' '
	with KEY "$az_key" conforms "$az/one/place"
'

test_expect_success AZURITE 'SAS, block lists, lists in pages of two' '
	(
		CASG_REMOTE_PART_SIZE=300000 && CASG_REMOTE_PAGE_SIZE=2 &&
		export CASG_REMOTE_PART_SIZE CASG_REMOTE_PAGE_SIZE &&
		with SAS_TOKEN "?$az_sas" conforms "$az/two"
	)
'

test_expect_success AZURITE 'a bearer token; a connection string' '
	printf "1 put a 1 ${x}\nx" >input &&
	with ACCESS_TOKEN "$az_token" talk $az/bearer <input &&
	test_grep "^1 done 1 %22" out && printf "1 have a\n" >input &&
	(
		unset AZURE_STORAGE_ACCOUNT AZURE_STORAGE_BLOB_ENDPOINT &&
		with CONNECTION_STRING "AccountName=$az_account;AccountKey=$az_key;BlobEndpoint=$az_endpoint/;" \
			talk $az/bearer <input
	) &&
	test_grep "^1 yes 1 %22" out
'

test_expect_success AZURITE 'a put-new of blocks: one wins, and it is whole' '
	head -c 200000 /dev/zero >zeros &&
	sum=$(sha256sum <zeros) && sum=${sum%% *} &&
	{ printf "1 put-new race 200000 $sum\n" && cat zeros; } >input &&
	AZURE_STORAGE_KEY=$az_key && CASG_REMOTE_PART_SIZE=65536 &&
	export AZURE_STORAGE_KEY CASG_REMOTE_PART_SIZE &&
	(
		for i in 1 2 3 4; do
			casg-remote-az $az/three <input >"race.$i" &
		done
		wait
	) &&
	cat race.? >all && test "$(grep -c "^1 done 200000 " all)" = 1 &&
	test "$(grep -c "^1 exists" all)" = 3 &&
	printf "1 get race\n" | talk $az/three &&
	grep -a -q "1 done 200000 " out
'

test_expect_success AZURITE 'other blocks than announced; input that ends' '
	{ printf "1 put bad 200000 $x\n" && cat zeros && printf "2 have bad\n3 list -\n"; } >input &&
	talk $az/four <input &&
	test_grep "^1 error refused .*SHA-256" out &&
	test_grep "^2 no" out && test_grep "^3 done 0 -" out &&
	{ printf "1 put bad 200000 $sum\n" && head -c 150000 zeros; } >input &&
	talk $az/four <input &&
	test "$(cat status)" = 128 &&
	printf "1 have bad\n" | talk $az/four && test_grep "^1 no" out
'

test_expect_success AZURITE 'denied: wrong key, old token, token to read, nothing' '
	unset AZURE_STORAGE_KEY CASG_REMOTE_PART_SIZE &&
	printf "1 have race\n2 get race range=0-1\n3 put-new new 1 $x\nx4 list -\n5 delete race\n" >input &&
	wrong=$(printf wrongkey | base64) &&
	for v in "KEY $wrong" "SAS_TOKEN $az_sas_old" "ACCESS_TOKEN hush"; do
		with ${v%% *} "${v#* }" talk $az/three <input &&
		test "$(grep -c "^[1-5] error denied HTTP status 40[013]" out)" = 5 &&
		test_grep ! "hush\|sig=\|$wrong" out && test_must_be_empty err || return 1
	done &&
	talk $az/three <input &&
	test "$(grep -c "^[1-5] error \|^[125] no" out)" = 5 &&
	with SAS_TOKEN "$az_sas_read" talk $az/three <input &&
	test_grep "^1 yes 200000" out && test_grep "^4 done 1 -" out &&
	test_grep "^3 error denied" out && test_grep "^5 error denied" out &&
	test_grep ! sig= out
'

test_expect_success AZURITE 'credentials of one account do not go to another' '
	(
		AZURE_STORAGE_ACCOUNT=another && CASG_REMOTE_RETRIES=0 && https_proxy=http://127.0.0.1:1 &&
		export AZURE_STORAGE_ACCOUNT CASG_REMOTE_RETRIES https_proxy &&
		printf "1 have x\n" >input &&
		with SAS_TOKEN "$az_sas" talk $az <input
	) &&
	test_grep "^warning: AZURE_STORAGE_ACCOUNT is not .casgacct.: asking without" err &&
	test_grep ! sig= err &&
	test_grep "^1 error retry" out
'

test_expect_success AZURITE 'a container that is not there is no empty storage' '
	printf "1 have x\n2 get x\n3 list -\n4 put x 1 $x\nx" >input &&
	with KEY "$az_key" talk az://$az_account/nowhere <input &&
	test "$(grep -c "^[1-4] error refused there is no container .nowhere." out)" = 4
'

test_expect_success AZURITE 'archived: it is there, but has to be restored' '
	node -e "
		fetch(process.argv[1], { method: \"PUT\", headers: {
			\"x-ms-version\": \"2021-08-06\", \"x-ms-access-tier\": \"Archive\" } })
		.then((r) => { process.exitCode = r.status === 200 ? 0 : 1; });
	" "$az_endpoint/casg/three/race?comp=tier&$az_sas" &&
	printf "1 have race\n2 get race\n3 list -\n" >input &&
	with KEY "$az_key" talk $az/three <input &&
	test_grep "^1 yes 200000" out &&
	test_grep "^2 error archived it is archived" out &&
	test_grep "^3 entry race 200000" out &&
	printf "1 restore race\n2 restore none\n" >input &&
	with KEY "$az_key" talk $az/three <input &&
	test_grep "^1 done 0 -" out && test_grep "^2 no" out &&
	with KEY "$az_key" talk $az/three <input &&
	test_grep "^1 done 0 -" out &&
	printf "1 get race range=0-9\n" >input &&
	with KEY "$az_key" talk $az/three <input &&
	grep -a -q "1 done 200000" out
'

test_expect_success AZURITE 'packs go there and come back' '
	casg-gen --seed 1 --type protein --records 300 >db.fa &&
	casg init -q from && casg init -q to &&
	casg -C from import -q -d db ../db.fa &&
	git -C from show HEAD:db/PACKS >PACKS &&
	AZURE_STORAGE_KEY=$az_key && export AZURE_STORAGE_KEY &&
	(cd from && casg-send-pack -q --url=$az/db <../PACKS >../out 2>../err) &&
	sed "s/^\([^ ]* [^ ]*\) .*/sent \1/" PACKS >expect && test_cmp expect out &&
	(cd to && casg-fetch-pack -q --url=$az/db <../PACKS >out) &&
	test_must_be_empty err &&
	for f in from/.git/casg/packs/*; do
		cmp "$f" "to/.git/casg/packs/${f##*/}" || return 1
	done
'

test_expect_success AZURITE 'partial clones, and one that takes from a file' '
	AZURE_STORAGE_KEY=$az_key && export AZURE_STORAGE_KEY && partial_over $az/partial
'

test_done
