#!/bin/sh
# Storages behind HTTP: nginx with files, with TLS, taking PUT, slow, failing;
# and a server that lies.

test_description='casg-remote-http'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-nginx.sh"

pwd=$(pwd | sed 's/ /%20/g')
CASG_REMOTE_TIMEOUT=2
export CASG_REMOTE_TIMEOUT

test_lazy_prereq HTTP '
	printf "" | casg-remote-http http://127.0.0.1:1/ 2>err ||
	! grep "without libcurl" err
'
require_server HTTP
test_have_prereq HTTP || skip_all 'casg was built without libcurl'

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 300 >db.fa &&
	casg init -q from &&
	casg -C from import -q -d db ../db.fa &&
	git -C from show HEAD:db/PACKS >PACKS &&
	mkdir -p www/packs &&
	cp from/.git/casg/packs/*.pack www/packs &&
	read -r one size rest <PACKS &&
	casg init -q empty-repo
'

# fetch ARG...: into a fresh repository
fetch () {
	rm -rf to && cp -R empty-repo to &&
	(cd to && casg-fetch-pack -q "$@")
}

# whole: everything has come as it was
whole () {
	for f in from/.git/casg/packs/*; do
		cmp "$f" "to/.git/casg/packs/${f##*/}" || return 1
	done
}

# ---- a server that lies

test_expect_success 'start a server that lies' '
	mkfifo end &&
	{ casg-http-faulty www <end >port 2>>requests & } &&
	exec 9>end &&
	wait_for test -s port &&
	bad=http://127.0.0.1:$(cat port) &&
	fetch --url=$bad/good <PACKS >out && whole
'

# fail_all URL FAULT...: fetch from each URL/FAULT, all at the same time
fail_all () {
	fail_url=$1 && shift &&
	head -n 1 PACKS >wanted &&
	for fault in "$@"; do
		rm -rf "to.$fault" && cp -R empty-repo "to.$fault" || return 1
	done &&
	(
		CASG_REMOTE_RETRIES=0 && export CASG_REMOTE_RETRIES &&
		for fault in "$@"; do
			(
				cd "to.$fault" &&
				casg-fetch-pack -q --url="$fail_url/$fault" <../wanted >out 2>err
				echo $? >status
			) &
		done
		wait
	)
}

# failed URL FAULT SAYS: it did, with nothing to show
failed () {
	test "$(cat "to.$2/status")" = 128 &&
	test_must_be_empty "to.$2/out" &&
	test_grep "^warning: $1/$2: .*$3" "to.$2/err"
}

test_expect_success 'answers that make no sense, or have no end' '
	fail_all $bad short reset gzip junk head endless 304 204 &&
	failed $bad short "" &&
	failed $bad reset "" &&
	failed $bad gzip "not what was asked for" &&
	failed $bad junk "" &&
	failed $bad head "" &&
	failed $bad endless "more than [0-9]* bytes" &&
	failed $bad 304 "HTTP status 304" &&
	failed $bad 204 "not what was asked for"
'

test_expect_success 'what comes short is resumed' '
	test_grep "GET short" requests &&
	part=to.short/.git/casg/tmp/fetch-$one.part &&
	test "$(wc -c <$part)" -ge $((size / 2)) &&
	cmp -n $((size / 2)) $part www/packs/pack-$one.pack
'

test_expect_success '503 once, and 429 with Retry-After: asked again' '
	for fault in once later; do
		>requests &&
		fetch --url=$bad/$fault <PACKS >out 2>err && whole &&
		test_must_be_empty err &&
		test "$(grep -c "GET $fault" requests)" = $((2 * $(wc -l <PACKS))) || return 1
	done
'

test_expect_success 'another range than was asked for' '
	printf "1 get packs/pack-$one.pack range=5-9\n2 have packs/pack-$one.pack\n" |
		casg-remote-http $bad/range >out &&
	test_grep "^1 error wrong" out &&
	test_grep "^2 error\|^2 yes" out
'

test_expect_success 'a server without ranges: the range is taken' '
	printf "1 get packs/pack-$one.pack range=5-9\n" | casg-remote-http $bad/good >out &&
	tail -c +6 www/packs/pack-$one.pack | head -c 5 >expect &&
	sed "1,/^1 data 5\$/d" out | head -c 5 >got &&
	test_cmp_bin expect got &&
	grep -a -q "1 done $size " out
'

test_expect_success 'one validator for two summaries is a lie' '
	rm -rf to && cp -R empty-repo to &&
	printf "casg-inventories 1\n" >www/INVENTORY &&
	(cd to && casg-inventory --url=$bad/stale --versions) &&
	mkdir other && id=$(printf %064d 7) && echo "version $id" >lines &&
	casg-inventory --url=file://$pwd/other --add <lines >out &&
	cp other/INVENTORY www/INVENTORY &&
	(cd to && test_expect_code 128 casg-inventory --url=$bad/stale --versions >out 2>../err) &&
	test_grep "is another one, under the same validator" err &&
	(cd to && casg-inventory --cached --url=$bad/stale --versions >../out) &&
	test_must_be_empty out
'

test_expect_success 'a version that the summary lacks: this storage cannot be listed' '
	printf "%064d\n" 8 >wanted &&
	test_expect_code 128 casg-inventory --url=$bad/good --need <wanted 2>err &&
	test_grep "this storage cannot be listed" err &&
	printf "%064d\n" 7 >wanted &&
	casg-inventory --url=$bad/good --need <wanted
'

test_expect_success 'nobody listens; no such host; silence' '
	exec 9>&- &&
	(
		CASG_REMOTE_RETRIES=0 && export CASG_REMOTE_RETRIES &&
		test_expect_code 128 fetch --url=http://127.0.0.1:1 <PACKS 2>err &&
		test_grep "^warning: http://127.0.0.1:1: " err &&
		test_expect_code 128 fetch --url=http://nosuch.invalid <PACKS 2>err &&
		test_grep "^warning: http://nosuch.invalid: " err
	)
'

test_expect_success 'no URL of HTTP' '
	for url in http: http:/x ftp://x https:x; do
		test_expect_code 128 casg-remote-http $url </dev/null 2>err &&
		test_grep "is not http" err || return 1
	done &&
	(
		CASG_REMOTE_RETRIES=many && export CASG_REMOTE_RETRIES &&
		test_expect_code 128 casg-remote-http http://x </dev/null 2>err
	) &&
	test_grep "bad value .many. of CASG_REMOTE_RETRIES" err
'

# ---- a real one

test_expect_success NGINX 'start nginx' '
	nginx_start "$PWD" &&
	http=http://127.0.0.1:$http_port && https=https://127.0.0.1:$https_port &&
	CURL_CA_BUNDLE=$PWD/cert.pem && export CURL_CA_BUNDLE
'

# conforms ARG...
conforms () {
	casg-remote-check "$@" >out &&
	test_grep ! "^not ok" out &&
	test "$(grep -c "^ok" out)" -ge 25
}

test_expect_success NGINX 'it keeps to the protocol: storing by PUT' '
	conforms $http/dav &&
	find www/dav -type f >files && test_must_be_empty files
'

test_expect_success NGINX 'files, by HTTP/2 with TLS; without ranges' '
	mkdir www/a www/b &&
	conforms --through=file://$pwd/www/a $https/a &&
	test_grep "HTTP/2.0" access.log &&
	conforms --through=file://$pwd/www/b $http/no-range/b
'

test_expect_success NGINX 'packs are stored, fetched, and there' '
	(cd from && casg-send-pack -q --url=$https/dav/db <../PACKS >../out) &&
	sed "s/^\([^ ]* [^ ]*\) .*/sent \1/" PACKS >expect && test_cmp expect out &&
	(cd from && casg-send-pack -q --url=$https/dav/db <../PACKS >../out) &&
	sed "s/^sent/there/" expect >expect2 && test_cmp expect2 out &&
	fetch --url=$https/dav/db <PACKS >out && whole
'

test_expect_success NGINX 'an inventory without listing; unchanged is 304' '
	printf "version %064d\npack $one $size nodes\n" 7 >lines &&
	casg-inventory --url=$http/dav/db --add <lines >id.1 &&
	printf "version %064d\nrelies %064d\n" 8 7 >lines &&
	casg-inventory --url=$http/dav/db --add <lines >id.2 &&
	(cd to && casg-inventory --url=$http/dav/db --packs >../out) &&
	echo "$one $size nodes" >expect && test_cmp expect out &&
	>access.log &&
	(cd to && casg-inventory --url=$http/dav/db --packs >../out) && test_cmp expect out &&
	test_line_count = 1 access.log && test_grep "GET .*INVENTORY.* 304 " access.log
'

test_expect_success NGINX 'a certificate that is not trusted' '
	(
		unset CURL_CA_BUNDLE SSL_CERT_FILE &&
		test_expect_code 128 fetch --url=$https <PACKS >out 2>err
	) &&
	test_grep "^warning: $https: .*certificate" err &&
	test_must_be_empty out
'

test_expect_success NGINX 'failing: the next is asked; what it was is said' '
	fail_all $http 403 404 429 500 503 &&
	failed $http 404 "it is not there" &&
	for status in 403 429 500 503; do
		failed $http $status "HTTP status $status" || return 1
	done &&
	(
		CASG_REMOTE_RETRIES=0 && export CASG_REMOTE_RETRIES &&
		fetch --url=$http/closed --url=$http/404 --url=$http <PACKS >out 2>err
	) &&
	whole
'

test_expect_success NGINX 'redirects: followed, but not to files, to http, or in a circle' '
	fetch --url=$http/redirect <PACKS >out && whole &&
	fetch --url=$http/to-http <PACKS >out && whole &&
	head -n 1 PACKS >wanted &&
	for url in $http/to-file $https/to-http $http/circle; do
		test_expect_code 128 fetch --url=$url <wanted >out 2>err &&
		test_must_be_empty out || return 1
	done
'

# a network in which a public address is this machine
test_lazy_prereq NETNS 'casg-netns -- 203.0.113.7 true'

cat >public.conf <<EOF
daemon on;
pid "$PWD/public.pid";
error_log "$PWD/error.log" warn;
$(test "$(id -u)" != 0 || echo "user root;")
events { worker_connections 256; }
http {
	access_log "$PWD/public.log";
	client_body_temp_path "$PWD/tmp-b"; proxy_temp_path "$PWD/tmp-p";
	fastcgi_temp_path "$PWD/tmp-f"; uwsgi_temp_path "$PWD/tmp-u"; scgi_temp_path "$PWD/tmp-s";
	default_type application/octet-stream;
	root "$PWD/www";
	server {
		listen 203.0.113.7:8088;
		location /private/ { rewrite ^/private/(.*)\$ http://127.0.0.1:8089/\$1 redirect; }
		location /named/ { rewrite ^/named/(.*)\$ http://localhost:8089/\$1 redirect; }
		location /twice/ { rewrite ^/twice/(.*)\$ http://203.0.113.7:8088/private/\$1 redirect; }
		location /public/ { rewrite ^/public/(.*)\$ http://203.0.113.7:8088/\$1 redirect; }
	}
	server {
		listen 127.0.0.1:8089;
		location /away/ { rewrite ^/away/(.*)\$ http://203.0.113.7:8088/\$1 redirect; }
	}
}
EOF

cat >public.sh <<'EOF'
nginx -c "$PWD/public.conf" 2>start.log || exit
trap 'kill "$(cat public.pid)"' EXIT
public=http://203.0.113.7:8088 private=http://127.0.0.1:8089
for url in $public $public/public $private $private/away $public/private $public/named $public/twice; do
	printf '1 get there\n' | casg-remote-http "$url" 2>&1 | grep -a '1 error\|1 done' | sed 's/^this is it//' >>got
done
for url in $public $public/public $private $private/away $public/private; do
	printf '1 get there\n' | CASG_REMOTE_PUBLIC=1 casg-remote-http "$url" 2>&1 | grep -a '1 error\|1 done' | sed 's/^this is it//' >>strict
done
EOF

test_expect_success NGINX,NETNS 'no redirect leads from a public to a private address' '
	printf "this is it" >www/there && rm -f got strict && casg-netns -- 203.0.113.7 sh public.sh && cut -d" " -f2,3 got >actual &&
	printf "%s\n" "done 10" "done 10" "done 10" "done 10" "error refused" "error refused" "error refused" >expect && test_cmp expect actual &&
	test "$(grep -c "it leads to a private address" got)" = 3 && cut -d" " -f2,3 strict >actual &&
	printf "%s\n" "done 10" "done 10" "error refused" "error refused" "error refused" >expect && test_cmp expect actual &&
	grep -c " 200 10 " public.log >n && test $(cat n) = 6
'

test_expect_success NGINX 'slow is not broken' '
	head -c 60000 /dev/zero >www/zeros &&
	printf "1 get zeros\n" | casg-remote-http $http/slow | tail -n 1 >out &&
	grep -a -q "1 done 60000" out
'

test_expect_success NGINX 'a server of files that takes no PUT' '
	(cd from && test_expect_code 128 casg-send-pack -q --url=$http/ro <../PACKS >../out 2>../err) &&
	test_must_be_empty out &&
	test_grep "does not take PUT" err
'

test_done
