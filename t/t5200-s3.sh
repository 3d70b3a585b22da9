#!/bin/sh
# Storages in S3: against Ceph, and a server that lies.

test_description='casg-remote-s3'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-ceph.sh"
. "$TEST_DIRECTORY/lib-partial.sh"

CASG_REMOTE_TIMEOUT=20
export CASG_REMOTE_TIMEOUT
for v in $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$v"
done

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881
y=a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa

test_lazy_prereq HTTP '
	printf "" | casg-remote-s3 s3://a 2>err ||
	! grep "without libcurl" err
'
require_server HTTP
test_have_prereq HTTP || skip_all 'casg was built without libcurl'

# talk URL: standard input is said to the helper; its answers go to out, sorted by tag
talk () {
	casg-remote-s3 "$1" >all 2>err
	echo $? >status
	sed -e '1,/^$/d' -e '/ busy$/d' all >out
}

# dies PATTERN [VARIABLE=VALUE...] URL: and says so, without the secret
dies () {
	dies_says=$1 && shift &&
	test_expect_code 128 env "$@" </dev/null 2>err &&
	test_grep "^fatal: .*$dies_says" err && test_grep ! hush err
}

test_expect_success 'no URL of a bucket' '
	for url in s3: s3:/a s3:// s3:///a s3://A s3://u:p@a s3://a/.b s3://a/b%20c "s3://a/b?c" s3://a//b s3://-a; do
		dies "is not s3://" casg-remote-s3 "$url" || return 1
	done
'

test_expect_success 'settings that make no sense, and secrets that would go in the clear' '
	for v in AWS_ENDPOINT_URL=ftp://a AWS_ENDPOINT_URL_S3=http:// AWS_ENDPOINT_URL=https://u@a \
		AWS_ENDPOINT_URL=https://a/b "AWS_ENDPOINT_URL=https://a b"; do
		dies "is not http://HOST" "$v" casg-remote-s3 s3://a || return 1
	done &&
	for v in AWS_REGION=evil.example/ AWS_REGION=A CASG_S3_STYLE=other CASG_S3_REQUESTER_PAYS=maybe \
		CASG_S3_RETENTION_DAYS=0 CASG_S3_RETENTION_DAYS=-1 CASG_S3_RETENTION_DAYS=36501 \
		CASG_S3_RETENTION_MODE=never CASG_S3_CLOCK_OFFSET=- "CASG_S3_STORAGE_CLASS=A B" \
		"CASG_S3_ENCRYPTION=a${LF}b" CASG_S3_RESTORE_DAYS=x; do
		dies "bad value of the setting" "$v" casg-remote-s3 s3://a || return 1
	done &&
	dies "AWS_SECRET_ACCESS_KEY is not" AWS_ACCESS_KEY_ID=a casg-remote-s3 s3://a &&
	dies "makes no sense" AWS_ACCESS_KEY_ID=a "AWS_SECRET_ACCESS_KEY=hu${LF}sh" casg-remote-s3 s3://a &&
	dies "without TLS" AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=hush AWS_SESSION_TOKEN=hush \
		AWS_ENDPOINT_URL=http://storage.example casg-remote-s3 s3://a
'

test_expect_success 'profiles that are not there, or have no key of their own' '
	mkdir .aws && printf "[profile lab]\nrole_arn = hush\n[half]\n[profile half]\naws_access_key_id = a\n" >.aws/config &&
	dies "there is no profile .none." AWS_PROFILE=none casg-remote-s3 s3://a &&
	dies "no key but role_arn" AWS_PROFILE=lab casg-remote-s3 s3://a &&
	dies "half a key" AWS_PROFILE=half casg-remote-s3 s3://a &&
	rm -r .aws
'

# ---- a server that lies

test_expect_success 'start a server that lies' '
	mkdir www && mkfifo end &&
	{ casg-http-faulty www <end >port 2>requests 8>&- 9>&- & } &&
	exec 9>end &&
	wait_for test -s port &&
	bad=http://127.0.0.1:$(cat port)
'

# lies BUCKET [VARIABLE=VALUE...]: talk to the server that lies, with a key
lies () {
	lies_bucket=$1 && shift &&
	(
		AWS_ENDPOINT_URL=$bad AWS_ACCESS_KEY_ID=k AWS_SECRET_ACCESS_KEY=hush CASG_REMOTE_RETRIES=0 &&
		export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY CASG_REMOTE_RETRIES &&
		for v in "$@"; do
			export "${v?}"
		done &&
		talk "s3://$lies_bucket"
	)
}

test_expect_success 'what errors are, by their code' '
	while read -r bucket says; do
		printf "1 get a\n2 put a 1 $x\nx3 list -\n" | lies $bucket AWS_SESSION_TOKEN=hush &&
		test "$(grep -c "^[123] error $says" out)" = 3 && test_grep ! hush out && test_must_be_empty err ||
			{ echo "$bucket" && cat out && return 1; }
	done <<-\EOF
	s400-expired-token denied the session token has expired (HTTP status 400, ExpiredToken)
	s403-token-refresh-required denied the session token has expired
	s403-signature-does-not-match denied HTTP status 403 (SignatureDoesNotMatch)
	s403-invalid-access-key-id denied HTTP status 403 (InvalidAccessKeyId)
	s403-request-time-too-skewed denied the clock of this machine is
	s403-invalid-object-state archived it is archived
	s503-slow-down retry HTTP status 503 (SlowDown)
	s500-internal-error retry HTTP status 500 (InternalError)
	s400-request-timeout retry HTTP status 400 (RequestTimeout)
	s409-operation-aborted retry HTTP status 409 (OperationAborted)
	s429-too-many-requests retry HTTP status 429 (TooManyRequests)
	s404-no-such-bucket refused there is no bucket .s404-no-such-bucket.
	s301-permanent-redirect refused the bucket .s301-permanent-redirect. is not in the region us-east-1
	s507-quota-exceeded refused HTTP status 507 (QuotaExceeded)
	EOF
'

test_expect_success 'errors without a body: of HEAD, and of a clock' '
	printf "1 have a\n" >input &&
	lies s400-expired-token AWS_SESSION_TOKEN=hush <input && test_grep "^1 error denied .*may have expired" out &&
	lies s301-x <input && test_grep "^1 error refused .*is not in the region" out &&
	lies skew <input && test_grep "^1 error denied the clock of this machine is [0-9]* seconds before that" out
'

# pages FILE: a list that the server gives
pages () {
	cp "$1" "www/?encoding-type=url&list-type=2" &&
	printf "1 list -\n" | lies good
}

test_expect_success 'lists that make no sense' '
	while IFS= read -r xml; do
		printf "%s" "$xml" >list && pages list &&
		test_grep "^1 error wrong " out && test_grep ! "^1 entry\|^1 done" out || { echo "$xml" && cat out && return 1; }
	done <<-\EOF &&
	no XML
	<Other/>
	<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>
	<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>
	<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>
	<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>
	<ListBucketResult><Contents><Key>a</Key><Size>99999999999999999999</Size></Contents></ListBucketResult>
	<ListBucketResult><Contents><Key>a</Key><Size></Size></Contents></ListBucketResult>
	<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><ListBucketResult><Contents><Key>&b;</Key><Size>1</Size></Contents></ListBucketResult>
	<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>
	EOF
	printf "<ListBucketResult>" >list && head -c 100000 /dev/zero | tr "\0" "x" >>list && pages list &&
	test_grep "^1 error wrong .*too long" out
'

test_expect_success 'names of others, odd ones and encoded ones' '
	cat >list <<-\EOF &&
	<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>good</Name>
	<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>
	<Contents><Key>a%2Fb</Key><ETag>&quot;x&quot;</ETag><Size>1</Size><Owner><ID>x</ID></Owner></Contents>
	<Contents><Size>2</Size><Key>c</Key></Contents>
	<Contents><Key>..%2f..%2fetc%2fpasswd</Key><Size>3</Size></Contents>
	<Contents><Key>d%0A2 entry e</Key><Size>3</Size></Contents>
	<Contents><Key>f%</Key><Size>3</Size></Contents>
	<Contents><Key>g%00h</Key><Size>3</Size></Contents>
	<Contents><Key></Key><Size>3</Size></Contents>
	<Contents><Key>i+j</Key><Size>3</Size></Contents></ListBucketResult>
	EOF
	pages list && printf "1 entry a/b 1\n1 entry c 2\n1 done 2 -\n" >expect && test_cmp expect out
'

test_expect_success 'a list without an end' '
	printf "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken></ListBucketResult>" \
		"a/ +&amp;b" >list &&
	cp list "www/?continuation-token=a%2F%20%2B%26b&encoding-type=url&list-type=2" && pages list &&
	test_grep "^1 error wrong the list has no end" out
'

test_expect_success 'uploads whose answers make no sense' '
	{ printf "1 put a 200000 $x\n" && head -c 200000 /dev/zero; } >input &&
	lies good CASG_REMOTE_PART_SIZE=65536 <input && test_grep "^1 error \(refused\|wrong\)" out
'

test_expect_success 'an object lock that is not kept' '
	printf x >www/a && printf "1 put a 1 $x\nx2 put-new b 1 $x\nx" >input &&
	lies good CASG_S3_RETENTION_DAYS=1 <input &&
	test_grep "^1 error refused .*without the object lock" out && exec 9>&-
'

# ---- a real one

test_expect_success CEPH 'start Ceph' '
	ceph_start &&
	s3_curl -f -X PUT -H "Content-Length: 0" $s3_endpoint/casg &&
	s3_curl -f -X PUT -H "Content-Length: 0" -H "x-amz-bucket-object-lock-enabled: true" $s3_endpoint/locked
'

# conforms URL
conforms () {
	casg-remote-check "$@" >out &&
	test_grep ! "^not ok" out &&
	test_grep ! SKIP out &&
	test "$(grep -c "^ok" out)" -ge 25
}

test_expect_success CEPH 'it keeps to the protocol: whole objects, bucket in the path' '
	conforms s3://casg/one/place/
'

test_expect_success CEPH 'in parts, lists in pages of two, bucket in the name of the host' '
	(
		CASG_REMOTE_PART_SIZE=300000 && CASG_REMOTE_PAGE_SIZE=2 && CASG_S3_STYLE=virtual &&
		AWS_ENDPOINT_URL_S3=http://localhost:$s3_port &&
		export CASG_REMOTE_PART_SIZE CASG_REMOTE_PAGE_SIZE CASG_S3_STYLE AWS_ENDPOINT_URL_S3 &&
		conforms s3://casg/two
	) &&
	s3_curl -f $s3_endpoint/casg?uploads= >xml && test_grep ! "<UploadId>" xml
'

test_expect_success CEPH 'key, endpoint and region from the files of AWS, and from git config' '
	mkdir .aws &&
	printf "[lab]\naws_access_key_id = %s\naws_secret_access_key = %s\n" "$AWS_ACCESS_KEY_ID" \
		"$AWS_SECRET_ACCESS_KEY" >.aws/credentials &&
	printf "[profile lab]\nendpoint_url = %s\nregion = us-east-1\n" "$s3_endpoint" >.aws/config &&
	printf "1 put-new a 1 $x\nx2 have b\n" >input &&
	(
		unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL_S3 AWS_REGION &&
		AWS_PROFILE=lab && export AWS_PROFILE && talk s3://casg/files <input && test_grep "^1 done 1 %22" out &&
		unset AWS_PROFILE && git config --global casg.remote.lab.url s3://casg/files/ &&
		git config --global casg.remote.lab.profile lab && talk s3://casg/files <input && test_grep "^1 exists" out &&
		mv .aws aws && AWS_SHARED_CREDENTIALS_FILE=$PWD/aws/credentials && AWS_CONFIG_FILE=$PWD/aws/config &&
		export AWS_SHARED_CREDENTIALS_FILE AWS_CONFIG_FILE && talk s3://casg/files <input && test_grep "^1 exists" out &&
		git config --global casg.s3.profile lab && talk s3://casg/else <input && test_grep "^1 done 1 %22" out &&
		git config --global casg.remote.lab.endpoint http://127.0.0.1:1 && CASG_REMOTE_RETRIES=0 &&
		export CASG_REMOTE_RETRIES && talk s3://casg/files <input && test_grep "^1 error retry" out &&
		talk s3://casg/else <input && test_grep "^1 exists" out
	) && rm .gitconfig
'

test_expect_success CEPH 'several store one object at once: exactly one did' '
	for i in 1 2 3 4 5 6; do
		sum=$(printf $i | sha256sum) && printf "1 put-new race 1 ${sum%% *}\n$i" >input.$i || return 1
	done &&
	(
		for i in 1 2 3 4 5 6; do
			casg-remote-s3 s3://casg <input.$i >race.$i &
		done
		wait
	) &&
	cat race.? >all && test "$(grep -c "^1 done 1 " all)" = 1 && test "$(grep -c "^1 exists" all)" = 5 &&
	winner=$(grep -l "^1 done" race.?) && printf "1 get race\n" | talk s3://casg && grep -a "^${winner#race.}1 done" out
'

test_expect_success CEPH 'parts: other bytes than announced, input that ends, and a put-new that is there' '
	head -c 200000 /dev/zero >zeros && sum=$(sha256sum <zeros) && sum=${sum%% *} &&
	(
		CASG_REMOTE_PART_SIZE=65536 && export CASG_REMOTE_PART_SIZE &&
		{ printf "1 put bad 200000 $x\n" && cat zeros && printf "2 have bad\n3 list -\n"; } >input &&
		talk s3://casg/parts <input && test_grep "^1 error refused .*SHA-256" out &&
		test_grep "^2 no" out && test_grep "^3 done 0 -" out &&
		{ printf "1 put bad 200000 $sum\n" && head -c 150000 zeros; } >input &&
		talk s3://casg/parts <input && test "$(cat status)" = 128 && printf "1 have bad\n" | talk s3://casg/parts &&
		test_grep "^1 no" out &&
		{ printf "1 put-new big 200000 $sum\n" && cat zeros; } >input &&
		talk s3://casg/parts <input && test_grep "^1 done 200000 " out &&
		talk s3://casg/parts <input && test_grep "^1 exists" out &&
		printf "1 have big\n" | talk s3://casg/parts && test_grep "^1 yes 200000 %22" out
	)
'

test_expect_success CEPH 'denied: wrong secret, unknown key, nothing; no secret is shown' '
	printf "1 have a\n2 get a range=0-1\n3 put-new a 1 $x\nx4 list -\n5 delete a\n" >input &&
	(
		AWS_SECRET_ACCESS_KEY=hush && talk s3://casg/files <input &&
		test "$(grep -c "^[1-5] error denied HTTP status 403" out)" = 5 && test_grep ! hush out && test_must_be_empty err &&
		AWS_ACCESS_KEY_ID=AKIANOBODY && talk s3://casg/files <input &&
		test "$(grep -c "^[1-5] error denied HTTP status 403" out)" = 5 &&
		unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY && talk s3://casg/files <input &&
		test "$(grep -c "^[1-5] error denied HTTP status 403" out)" = 5
	)
'

test_expect_success CEPH 'without a key: what is public' '
	s3_curl -f -X PUT -H "Content-Length: 0" -H "x-amz-acl: public-read-write" $s3_endpoint/open &&
	(
		unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY &&
		printf "1 put-new a 1 $x\nx" | talk s3://open && test_grep "^1 done 1" out &&
		printf "1 list -\n" | talk s3://open && test_grep "^1 entry a 1" out
	) &&
	s3_curl -f -X PUT -H "x-amz-acl: public-read" -d y $s3_endpoint/casg/public &&
	(
		unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY &&
		printf "1 get public\n" | talk s3://casg && grep -a "^y1 done 1 " out &&
		printf "1 get race\n2 list -\n" | talk s3://casg && test "$(grep -c "^[12] error denied" out)" = 2
	)
'

test_expect_success CEPH 'a clock that is wrong, and its correction' '
	printf "1 have a\n2 get a\n3 put b 1 $x\nx4 list -\n" >input &&
	for offset in -3600 4000; do
		CASG_S3_CLOCK_OFFSET=$offset talk s3://casg/files <input &&
		test "$(grep -c "^[1-4] error denied the clock of this machine is [0-9]* seconds" out)" = 4 &&
		test_grep "RequestTimeTooSkewed" out || return 1
	done && test_grep "before that of the server" out &&
	printf "1 have a\n" >input && CASG_S3_CLOCK_OFFSET=100 talk s3://casg/files <input && test_grep "^1 yes 1 " out
'

test_expect_success CEPH 'a bucket that is not there is no empty storage' '
	printf "1 get x\n2 list -\n3 put x 1 $x\nx" | talk s3://nowhere &&
	test "$(grep -c "^[1-3] error refused there is no bucket .nowhere." out)" = 3
'

test_expect_success CEPH 'a session token, and what becomes of it' '
	allow="{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\"" &&
	ceph_admin role create --role-name=lab --path=/ --assume-role-policy-doc \
		"$allow,\"Principal\":{\"AWS\":[\"arn:aws:iam:::user/casg\"]},\"Action\":[\"sts:AssumeRole\"]}]}" >/dev/null &&
	ceph_admin role-policy put --role-name=lab --policy-name=all --policy-doc \
		"$allow,\"Action\":[\"s3:*\"],\"Resource\":\"arn:aws:s3:::*\"}]}" >/dev/null &&
	s3_assume lab 900 && printf "1 have a\n2 put c 1 $x\nx3 list -\n" >input &&
	(
		AWS_ACCESS_KEY_ID=$sts_id AWS_SECRET_ACCESS_KEY=$sts_secret && talk s3://casg/files <input &&
		test "$(grep -c "^[1-3] error denied" out)" = 3 &&
		AWS_SESSION_TOKEN=$sts_token && export AWS_SESSION_TOKEN && talk s3://casg/files <input &&
		test_grep "^1 yes 1" out && test_grep "^2 done 1" out && test_grep "^3 done " out
	) &&
	s3_assume lab 1 && sleep 2 &&
	(
		AWS_ACCESS_KEY_ID=$sts_id AWS_SECRET_ACCESS_KEY=$sts_secret AWS_SESSION_TOKEN=$sts_token &&
		export AWS_SESSION_TOKEN && talk s3://casg/files <input && test "$(grep -c "^[1-3] error denied" out)" = 3 &&
		test_grep ! "$sts_token" out
	)
'

test_expect_success CEPH 'object lock: where the bucket has it, and where not' '
	printf "1 put-new a 1 $x\nx2 put INVENTORY 1 $y\ny" >input && CASG_S3_RETENTION_DAYS=3 && CASG_S3_RETENTION_MODE=GOVERNANCE &&
	export CASG_S3_RETENTION_DAYS CASG_S3_RETENTION_MODE &&
	talk s3://locked/p <input && test_grep "^1 done 1" out && test_grep "^2 done 1" out &&
	s3_curl -f -I $s3_endpoint/locked/p/a >head &&
	test_grep "^x-amz-object-lock-mode: GOVERNANCE" head && test_grep "^x-amz-object-lock-retain-until-date: 20" head &&
	version=$(sed -n "s/^x-amz-version-id: \([^ ]*\).\$/\1/p" head) &&
	s3_curl -X DELETE "$s3_endpoint/locked/p/a?versionId=$version" >xml && test_grep AccessDenied xml &&
	s3_curl -f -I $s3_endpoint/locked/p/INVENTORY >head && test_grep ! "object-lock" head &&
	{ printf "1 put-new b 200000 $sum\n" && cat zeros; } >big &&
	CASG_REMOTE_PART_SIZE=65536 talk s3://locked/p <big && test_grep "^1 error refused .*without the object lock" out &&
	printf "1 have b\n" | talk s3://locked/p && test_grep "^1 no" out &&
	talk s3://locked/p <big && test_grep "^1 done 200000" out &&
	s3_curl -f -I $s3_endpoint/locked/p/b >head && test_grep "^x-amz-object-lock-mode: GOVERNANCE" head &&
	talk s3://casg/p <input && test_grep "^1 error refused HTTP status 400 (InvalidRequest)" out && test_grep "^2 done 1" out &&
	printf "1 have a\n" | talk s3://casg/p && test_grep "^1 no" out
'

unset CASG_S3_RETENTION_DAYS CASG_S3_RETENTION_MODE

test_expect_success CEPH 'storage class, encryption, who pays' '
	printf "1 put a 1 $x\nx" >input && CASG_S3_REQUESTER_PAYS=yes CASG_S3_STORAGE_CLASS=STANDARD talk s3://casg/kept <input &&
	test_grep "^1 done" out && CASG_S3_STORAGE_CLASS=NONE talk s3://casg/kept <input && test_grep "^1 error refused .*InvalidArgument" out &&
	CASG_S3_ENCRYPTION_KEY=lab talk s3://casg/kept <input && test_grep "^1 done" out &&
	s3_curl -f -I $s3_endpoint/casg/kept/a >head && test_grep "^x-amz-server-side-encryption: aws:kms" head &&
	CASG_REMOTE_PART_SIZE=65536 CASG_S3_ENCRYPTION_KEY=lab talk s3://casg/kept <big && test_grep "^1 done 200000" out &&
	printf "1 get b\n" | talk s3://casg/kept && grep -a -q "1 done 200000" out &&
	CASG_S3_ENCRYPTION_KEY=none talk s3://casg/kept <input && test_grep "^1 error " out
'

test_expect_success CEPH 'restore: what is not archived can be read' '
	printf "1 restore a\n2 restore none\n" | talk s3://casg/kept && test_grep "^1 done 0 -" out && test_grep "^2 no" out
'

test_expect_success 'setup: a database' '
	casg-gen --seed 1 --type protein --records 300 >db.fa &&
	casg init -q from && casg -C from import -q -d db ../db.fa && git -C from show HEAD:db/PACKS >PACKS
'

test_expect_success CEPH 'packs go there and come back' '
	(cd from && CASG_REMOTE_PART_SIZE=65536 casg-send-pack -q --url=s3://casg/db <../PACKS >../out 2>../err) &&
	sed "s/^\([^ ]* [^ ]*\) .*/sent \1/" PACKS >expect && test_cmp expect out && casg init -q to &&
	(cd to && casg-fetch-pack -q --url=s3://casg/db <../PACKS >out) && test_must_be_empty err &&
	for f in from/.git/casg/packs/*; do
		cmp "$f" "to/.git/casg/packs/${f##*/}" || return 1
	done
'

test_expect_success CEPH 'push, clone from there, update, and nothing new is one request' '
	git init -q --bare remote.git &&
	(cd from && casg remote add origin ../remote.git s3://casg/lab && casg push -q) &&
	casg clone -q --storage s3://casg/lab remote.git copy && (cd copy && casg export db >../back && casg fsck --full >/dev/null) &&
	cmp db.fa back && casg-gen --seed 2 --type protein --records 20 >>db.fa &&
	(cd from && casg import -q -d db ../db.fa && casg push -q) &&
	(cd copy && casg pull -q && casg export db >../back) && cmp db.fa back &&
	(cd copy && casg-inventory --url=s3://casg/lab --versions >out) && n=$(grep -c "beast: .*casg/lab" "$ceph_dir"/log/client.rgw.log) &&
	(cd copy && casg-inventory --url=s3://casg/lab --versions >out2 && test_cmp out out2) &&
	test "$(grep -c "beast: .*casg/lab" "$ceph_dir"/log/client.rgw.log)" = $((n + 1)) &&
	grep "beast: .*casg/lab" "$ceph_dir"/log/client.rgw.log | tail -n 1 >last && test_grep " 304 " last
'

test_expect_success CEPH 'several publish at once: nobody is lost; a mirror of it' '
	(cd from && casg publish -q s3://casg/pub) &&
	for who in 1 2 3; do
		casg clone -q s3://casg/pub pub.$who && (cd pub.$who && git checkout -q -b by-$who && casg-gen --seed 4$who --type protein --records 4 >$who.fa &&
		casg import -q -d d$who $who.fa) || return 1
	done &&
	{ for who in 1 2 3; do
		(cd pub.$who && casg push -q origin by-$who && echo $who >>../pushed) &
	done; wait; } && test_line_count = 3 pushed && casg clone -q s3://casg/pub all.three &&
	(cd all.three && for who in 1 2 3; do
		casg export origin/by-$who:d$who | cmp - ../pub.$who/$who.fa || return 1
	done && casg fsck --full >/dev/null && casg remote add other s3://casg/other s3://casg/other && casg mirror -q origin other) &&
	casg clone -q s3://casg/other other && (cd other && casg fsck --full >/dev/null && casg export origin/by-2:d2) >back && cmp pub.2/2.fa back
'

test_expect_success CEPH 'partial clones, and one that takes from a file' '
	partial_over s3://casg/partial
'

test_done
