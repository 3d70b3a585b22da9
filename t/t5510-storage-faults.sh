#!/bin/sh
# What goes wrong between a repository and its storages: for each fault, either
# the right data or a clear error, and never a remote that is broken afterwards.

test_description='faults of storages, at push and at fetch'
unset CASG_TEST_PIN # most of this is waiting
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-nginx.sh"
. "$TEST_DIRECTORY/lib-ceph.sh"

for v in $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$v"
done
pwd=$(pwd | sed 's/ /%20/g')
CASG_REMOTE_TIMEOUT=1 CASG_REMOTE_RETRIES=0
export CASG_REMOTE_TIMEOUT CASG_REMOTE_RETRIES

test_lazy_prereq HTTP '
	printf "" | casg-remote-http http://127.0.0.1:1/ 2>err ||
	! grep "without libcurl" err
'
require_server HTTP

# a file system that can be full
test_lazy_prereq TMPFS '
	test "$(id -u)" = 0 && mkdir m && mount -t tmpfs -o size=64k none m && umount m
'

# ---- what is done, and what must be

# sound: no pack has other bytes than its name says
sound () {
	(cd .git/casg/packs && sha256sum -- *.pack) | awk '$2 != "pack-" $1 ".pack"' >../odd &&
	test_must_be_empty ../odd
}

# fetch_error URL SAYS: it fails with that, and no ref moves
fetch_error () {
	rm -rf try && cp -R copy try &&
	(
		cd try && git config casg.remote.origin.url "$1" && git for-each-ref >../before &&
		test_expect_code 128 casg fetch >../out 2>../err && test_grep "$2" ../err && test_grep ! hush ../err &&
		test_grep "^error: \|^fatal: " ../err && git for-each-ref >../after && test_cmp ../before ../after && sound
	)
}

# in_turn: of the table below every third line, and in the long run all, are tried
# in the ways that take longer
in_turn () {
	test -n "${CASG_TEST_LONG-}" || test $((${n:-2} % 3)) = 2
}

# fetch_late URL SAYS: the same; and with a second storage behind, in spite of what
# the first has left here, the right data come
fetch_late () {
	fetch_error "$@" && if in_turn; then
		fetch_second
	fi
}

# fetch_second: from a storage behind the first
fetch_second () {
	(
		cd try && git config casg.remote.second.url "file://$pwd/lab.new" && git config casg.remote.second.git origin &&
		git config casg.remote.second.order 60 && casg fetch >../out 2>../err &&
		casg-assemble "origin/$branch:db" >../back && ls .git/casg/tmp >../left
	) && cmp v2.fa back && test_must_be_empty left
}

# fetch_fault URL SAYS: and what was wrong with the first is said
fetch_fault () {
	fetch_late "$@" && { ! in_turn || test_grep "^warning: $1: " err; }
}

# fetch_right URL: the right data come all the same
fetch_right () {
	rm -rf try && cp -R copy try &&
	(
		cd try && git config casg.remote.origin.url "$1" && casg fetch >../out 2>../err &&
		casg-assemble "origin/$branch:db" >../back && casg fsck >/dev/null
	) && cmp v2.fa back
}

# whole FILE: the remote is what it was, and a fresh clone is complete and has FILE
whole () {
	rm -rf fresh && casg clone -q --storage "${home:-www/lab}" remote.git fresh &&
	(cd fresh && casg-assemble HEAD:db >../back && if in_turn; then casg fsck --full >/dev/null; fi) && cmp "$1" back
}

restore () {
	chmod -R u+w www/lab && rm -rf www/lab remote.git && cp -R lab.1 www/lab && cp -R remote.1 remote.git
}

# push_fault URL SAYS: it fails with that, no ref has moved, nothing is broken
push_fault () {
	restore &&
	(
		cd source && git config casg.remote.origin.url "$1" &&
		test_expect_code 128 casg push >../out 2>../err && test_grep "$2" ../err && test_grep ! hush ../err
	) &&
	git -C remote.git for-each-ref >refs && git -C remote.1 for-each-ref >expect && test_cmp expect refs &&
	# what is as it was is whole
	if ! diff -r lab.1 www/lab; then whole v1.fa; fi
}

# push_right URL: it works all the same
push_right () {
	restore &&
	(cd source && git config casg.remote.origin.url "$1" && casg push -q 2>../err) && whole v2.fa
}

# ---- the remote has version 1; source has version 2 as well; new is what a remote with both has

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 40 --length 120 >v1.fa &&
	casg-gen --seed 2 --type protein --records 40 --length 120 >v2.fa && cat v1.fa >>v2.fa &&
	casg init -q source && git init -q --bare remote.git && mkdir -p www/lab www/dav && good=file://$pwd/www/lab &&
	(cd source && casg import -q -d db ../v1.fa && casg remote add origin ../remote.git $good && casg push -q) &&
	casg clone -q --storage www/lab remote.git copy && cp -R www/lab lab.1 && cp -R remote.git remote.1 && whole v1.fa &&
	(cd source && casg import -q -d db ../v2.fa && cp -R ../www/lab ../lab.new && cp -R ../remote.git ../remote.new &&
	git config casg.remote.origin.url file://$pwd/lab.new && git config remote.origin.url ../remote.new && casg push -q &&
	git config casg.remote.origin.url $good && git config remote.origin.url ../remote.git) &&
	git -C copy config remote.origin.url ../remote.new && git -C copy config casg.gcAuto 0 &&
	branch=$(git -C source symbolic-ref --short HEAD) && cp -R lab.new www/new
'

test_expect_success HTTP 'start a server that lies' '
	mkfifo end && { casg-http-faulty www <end >port 2>requests 4>&- 5>&- 6>&- 8>&- 9>&- & } &&
	exec 9>end && wait_for test -s port && bad=http://127.0.0.1:$(cat port)
'

# what S3 is, until there is a real one
AWS_ENDPOINT_URL=${bad-} AWS_ACCESS_KEY_ID=AKIACASG AWS_SECRET_ACCESS_KEY=hush
export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY

test_expect_success NGINX 'start nginx' '
	nginx_start "$PWD" && http=http://127.0.0.1:$http_port && https=https://127.0.0.1:$https_port
'

# The table of standard input: a number, what it needs ("-": nothing), what is done,
# to which storage, what it says, and what the fault is.
faults () {
	sed 's/^ *//; s/ *| */|/g' >table
	while IFS='|' read -r n prereq fault_do fault_url fault_says what; do
		test "$prereq" != - || prereq=
		eval "fault_url=\"$fault_url\" fault_says=\"$fault_says\""
		test_expect_success "$prereq" "$n $fault_do: $what" '$fault_do "$fault_url" "$fault_says"'
	done <table
}

faults <<\EOF
 1 | -     | fetch_fault | faulty://die/$pwd/lab.new          | ended                           | the helper is killed when it is asked
 2 | -     | fetch_fault | faulty://cut/$pwd/lab.new          | ended                           | it is killed halfway
 3 | -     | fetch_fault | faulty://short/$pwd/lab.new        | bytes                           | half of the bytes, and done
 4 | -     | fetch_fault | faulty://flip/$pwd/lab.new         | other bytes than its name says  | one bit is another
 5 | -     | fetch_fault | faulty://more/$pwd/lab.new         | bytes                           | more bytes than were asked for
 6 | -     | fetch_late  | faulty://size/$pwd/lab.new         | bytes                           | a wrong length
 7 | -     | fetch_fault | faulty://hang/$pwd/lab.new         | has said nothing for 3 seconds  | half of the bytes, and silence
 8 | -     | fetch_fault | faulty://mute/$pwd/lab.new         | has said nothing for 3 seconds  | no answer at all
 9 | -     | fetch_fault | faulty://junk/$pwd/lab.new         | line                            | a line that is none
10 | -     | fetch_error | faulty://greet/$pwd/lab.new        | does not begin with             | no greeting
11 | -     | fetch_fault | faulty://denied/$pwd/lab.new       | the token has expired           | an expired token
12 | -     | fetch_error | faulty://retry/$pwd/lab.new        | not now                         | never now
13 | -     | fetch_right | faulty://once/$pwd/lab.new         |                                 | it breaks off once
14 | HTTP  | fetch_fault | $bad/short/new                     | warning: $bad/short/new: .      | HTTP: half of the bytes that it announces
15 | HTTP  | fetch_error | $bad/reset/new                     | warning: $bad/reset/new: .      | HTTP: the connection is reset
16 | HTTP  | fetch_fault | $bad/silent/new                    | Timeout                         | HTTP: the head, and silence
17 | HTTP  | fetch_fault | $bad/gzip/new                      | not what was asked for          | HTTP: encoded bytes
18 | HTTP  | fetch_error | $bad/junk/new                      | warning: $bad/junk/new: .       | HTTP: a mail server
19 | HTTP  | fetch_error | $bad/head/new                      | warning: $bad/head/new: .       | HTTP: a head without an end
20 | HTTP  | fetch_fault | $bad/endless/new                   | more than                       | HTTP: a body without an end
21 | HTTP  | fetch_fault | $bad/304/new                       | HTTP status 304                 | HTTP: not modified, although it is not here
22 | HTTP  | fetch_error | $bad/204/new                       | not what was asked for          | HTTP: no content
23 | HTTP  | fetch_right | $bad/once/new                      |                                 | HTTP: 503 once
24 | HTTP  | fetch_right | $bad/later/new                     |                                 | HTTP: 429 once, and Retry-After
25 | HTTP  | fetch_error | http://127.0.0.1:1/new             | connect                         | nobody listens
26 | HTTP  | fetch_error | http://nosuch.invalid/new          | resolve                         | no such host
27 | NGINX | fetch_fault | $http/403/new                      | HTTP status 403                 | nginx: 403
28 | NGINX | fetch_fault | $http/404/new                      | is not there                    | nginx: 404
29 | NGINX | fetch_error | $http/429/new                      | HTTP status 429                 | nginx: 429
30 | NGINX | fetch_error | $http/500/new                      | HTTP status 500                 | nginx: 500
31 | NGINX | fetch_error | $http/503/new                      | HTTP status 503                 | nginx: 503
32 | NGINX | fetch_error | $http/closed/new                   | warning: $http/closed/new: .    | nginx: the connection is closed
33 | NGINX | fetch_error | $http/circle/new                   | redirects                       | nginx: redirects in a circle
34 | NGINX | fetch_error | $https/new                         | certificate                     | nginx: a certificate that is not trusted
35 | -     | push_fault  | faulty://die/$pwd/www/lab          | ended                           | the helper is killed when it gets a pack
36 | -     | push_fault  | faulty://cut/$pwd/www/lab          | ended                           | it is killed halfway through one
37 | -     | push_fault  | faulty://hang/$pwd/www/lab         | has said nothing for 3 seconds  | silence halfway through one
38 | -     | push_fault  | faulty://junk/$pwd/www/lab         | line                            | a line that is none
39 | -     | push_fault  | faulty://denied/$pwd/www/lab       | the token has expired           | an expired token
40 | -     | push_fault  | faulty://retry/$pwd/www/lab        | not now                         | never now
41 | -     | push_fault  | faulty://full/$pwd/www/lab         | No space left                   | the storage is full
42 | -     | push_right  | faulty://once/$pwd/www/lab         |                                 | it breaks off once
43 | HTTP  | push_fault  | $bad/lost/lab                      | was not stored                  | HTTP: 201 Created, and nothing there
44 | HTTP  | push_fault  | $bad/drop/lab                      | was not stored                  | HTTP: the connection is reset halfway
45 | HTTP  | push_fault  | $bad/x403-access-denied/lab        | HTTP status 403                 | HTTP: 403
46 | HTTP  | push_fault  | $bad/x429-slow-down/lab            | HTTP status 429                 | HTTP: 429
47 | HTTP  | push_fault  | $bad/x500-internal-error/lab       | HTTP status 500                 | HTTP: 500
48 | HTTP  | push_fault  | $bad/x503-slow-down/lab            | HTTP status 503                 | HTTP: 503
49 | HTTP  | push_fault  | $bad/x507-full/lab                 | HTTP status 507                 | HTTP: 507, no room
50 | NGINX | push_fault  | $http/lab                          | does not take PUT               | nginx: a server of files only
51 | HTTP  | fetch_fault | s3://s400-expired-token            | token has expired               | S3: an expired token
52 | HTTP  | fetch_error | s3://s403-request-time-too-skewed  | the clock of this machine       | S3: a clock that is wrong
53 | HTTP  | fetch_error | s3://s403-access-denied            | (AccessDenied)                  | S3: not allowed
54 | HTTP  | fetch_fault | s3://s403-invalid-object-state     | it is archived                  | S3: what is archived
55 | HTTP  | fetch_error | s3://s404-no-such-bucket           | there is no bucket              | S3: no such bucket
56 | HTTP  | fetch_error | s3://s301-permanent-redirect       | is not in the region            | S3: another region
57 | HTTP  | fetch_error | s3://s503-slow-down                | (SlowDown)                      | S3: slow down
58 | HTTP  | push_fault  | s3://s400-expired-token            | token has expired               | S3: an expired token
59 | HTTP  | push_fault  | s3://s500-internal-error           | (InternalError)                 | S3: 500
60 | HTTP  | push_fault  | s3://s507-quota-exceeded           | (QuotaExceeded)                 | S3: no room
EOF
n=

# ---- faults that take more than a line

test_expect_success TMPFS '61 push: the disk of the storage is full' '
	restore && mkdir small && mount -t tmpfs -o size=256k none small && test_when_finished "umount small" &&
	cp -R lab.1 small/lab && { dd if=/dev/zero of=small/rest bs=4096 2>/dev/null || :; } &&
	(
		cd source && git config casg.remote.origin.url "file://$pwd/small/lab" &&
		test_expect_code 128 casg push 2>../err
	) &&
	test_grep "No space left" err && rm small/rest && home=small/lab whole v1.fa &&
	(cd source && casg push -q) && home=small/lab whole v2.fa
'

test_expect_success TMPFS '62 fetch: the disk here is full' '
	mount -t tmpfs -o size=4m none small && test_when_finished "umount small" && cp -R copy small/copy &&
	git -C small/copy config remote.origin.url "$PWD/remote.new" &&
	git -C small/copy config casg.remote.origin.url "file://$pwd/lab.new" &&
	{ dd if=/dev/zero of=small/rest bs=4096 2>/dev/null || :; } &&
	(
		cd small/copy && git for-each-ref >../../before &&
		test_expect_code 128 casg fetch 2>../../err
	) &&
	test_grep "No space left\|cannot" err && rm small/rest &&
	(
		cd small/copy && git for-each-ref >../../after && casg fetch -q && casg export "origin/$branch:db" >../../back &&
		casg fsck >/dev/null
	) && test_cmp before after && cmp v2.fa back
'

# killed PROGRAM CMD...: run it in a group of its own, and kill all of that once PROGRAM is at work
killed () {
	killed_wants=$1 && shift &&
	{ setsid "$@" >/dev/null 2>&1 </dev/null & } && killed_group=$! &&
	wait_for at_work && sleep 0.3 && kill -s KILL -- "-$killed_group"
	wait "$killed_group"
	test $? = 137
}

at_work () {
	ps -A -o pgid=,args= | awk -v group="$killed_group" -v name="$killed_wants" \
		'$1 == group && index($0, name) { found = 1 } END { exit !found }'
}

test_expect_success '63 push: killed, and pushed again' '
	restore && (cd source && git config casg.remote.origin.url "faulty://hang/$pwd/www/lab" && killed casg-remote-faulty casg push) &&
	whole v1.fa && (cd source && git config casg.remote.origin.url $good && casg push -q) && whole v2.fa
'

test_expect_success '64 fetch: killed, and fetched again' '
	rm -rf try && cp -R copy try &&
	(
		cd try && git config casg.remote.origin.url "faulty://hang/$pwd/lab.new" && git for-each-ref >../before &&
		killed casg-remote-faulty casg fetch && git for-each-ref >../after && test_cmp ../before ../after && sound &&
		git config casg.remote.origin.url "file://$pwd/lab.new" && casg fetch -q && casg export "origin/$branch:db" >../back &&
		casg fsck >/dev/null
	) && cmp v2.fa back
'

# pushers STORAGE-URL: two that push to two branches at once
pushers () {
	restore && rm -rf one two && cp -R source one && cp -R copy two &&
	casg-gen --seed 3 --type protein --records 30 --length 90 >v3.fa &&
	(cd two && git config remote.origin.url ../remote.git && git checkout -q -b other && casg import -q -d else ../v3.fa) &&
	for i in one two; do
		git -C $i config casg.remote.origin.url "$1" || return 1
	done &&
	{ (cd one && casg push -q >../out.1 2>&1; echo $? >../status.1) & } &&
	(cd two && casg push -q origin other >../out.2 2>&1; echo $? >../status.2)
	wait $!
	echo 0 >expect && test_cmp expect status.1 && test_cmp expect status.2 &&
	whole v2.fa && (cd fresh && casg export origin/other:else >../back) && cmp v3.fa back &&
	casg-inventory --url="$1" --rebuild >out && casg-inventory --url="$1" --versions >versions && test_line_count -ge 3 versions
}

test_expect_success '65 two push at once, to two branches' '
	pushers $good
'

test_expect_success '66 two push at once, to one branch: one is told, nothing is lost' '
	restore && rm -rf two && cp -R copy two &&
	(
		cd two && git config remote.origin.url ../remote.git && git config casg.remote.origin.url $good &&
		casg import -q -d else ../v3.fa
	) &&
	(cd source && git config casg.remote.origin.url $good) &&
	{ (cd source && casg push -q >../out.1 2>&1; echo $? >../status.1) & } &&
	(cd two && casg push -q >../out.2 2>&1; echo $? >../status.2) &&
	wait $! && cat status.1 status.2 | sort >statuses && printf "0\n128\n" >expect && test_cmp expect statuses &&
	if test "$(cat status.1)" = 0; then whole v2.fa; else whole v1.fa; fi &&
	grep "rejected\|failed to push\|cannot lock" out.1 out.2
'

test_expect_success '67 fetch: half of the summary' '
	rm -rf www/torn && cp -R lab.new www/torn && size=$(wc -c <www/torn/INVENTORY) &&
	head -c $((size / 2)) lab.new/INVENTORY >INVENTORY && chmod u+w www/torn/INVENTORY && cp INVENTORY www/torn/INVENTORY &&
	fetch_right "file://$pwd/www/torn"
'

test_expect_success '68 fetch: a pack that the inventory names is gone' '
	rm -rf www/torn && cp -R lab.new www/torn &&
	for pack in www/torn/packs/*; do
		test -e "lab.1/packs/${pack##*/}" || rm -f "$pack" || return 1
	done &&
	fetch_fault "file://$pwd/www/torn" "is not there"
'

test_expect_success '69 fetch: what the storage has changes under way, to other bytes of the same length' '
	rm -rf www/torn && cp -R lab.new www/torn && chmod -R u+w www/torn &&
	for pack in www/torn/packs/*; do
		test -e "lab.1/packs/${pack##*/}" || head -c "$(wc -c <"$pack")" /dev/zero >"$pack" || return 1
	done &&
	fetch_fault "file://$pwd/www/torn" "other bytes than its name says"
'

test_expect_success '70 push: the versions cannot go where they belong, after the packs were sent' '
	restore && mv remote.git away && (cd source && test_expect_code 128 casg push 2>../err) && mv away remote.git &&
	whole v1.fa && (cd source && casg push -q) && whole v2.fa
'

# ---- Ceph

test_expect_success CEPH 'start Ceph' '
	ceph_start && trap "test -z \"${nginx_pid-}\" || kill $nginx_pid; ceph_stop; rm -rf \"$ceph_dir\"; test_exit" EXIT &&
	s3_curl -f -X PUT -H "Content-Length: 0" $s3_endpoint/casg && restore && home=s3://casg/lab &&
	git -C copy config casg.remote.origin.url s3://casg/lab && git -C copy config remote.origin.url ../remote.git &&
	(cd copy && casg push -q) && git -C copy config remote.origin.url ../remote.new && whole v1.fa &&
	(cd source && git config casg.remote.origin.url s3://casg/new && git config remote.origin.url ../remote.new && casg push -q &&
	git config remote.origin.url ../remote.git)
'

# ceph_fault VARIABLE=VALUE SAYS: at push and at fetch
ceph_fault () {
	( export "${1?}" && git -C source config casg.remote.origin.url s3://casg/lab && cd source &&
	test_expect_code 128 casg push >../out 2>../err && test_grep "$2" ../err && test_grep ! hush ../err ) &&
	whole v1.fa && ( export "${1?}" && fetch_fault s3://casg/new "$2" )
}

test_expect_success CEPH '71 Ceph: a wrong secret' '
	ceph_fault AWS_SECRET_ACCESS_KEY=hush "HTTP status 403"
'

test_expect_success CEPH '72 Ceph: a clock that is wrong' '
	ceph_fault CASG_S3_CLOCK_OFFSET=-3600 "the clock of this machine is"
'

test_expect_success CEPH '73 Ceph: a session token that makes no sense' '
	ceph_fault AWS_SESSION_TOKEN=hush "HTTP status 40"
'

test_expect_success CEPH '74 Ceph: two push at once, to two branches' '
	pushers s3://casg/lab && restore && git -C copy config remote.origin.url ../remote.new
'

test_expect_success CEPH '75 Ceph: it stops, and goes on' '
	read -r id <"$(echo "$ceph_dir"/run/client.rgw*.pid)" && kill -STOP $id && test_when_finished "kill -CONT $id" &&
	fetch_error s3://casg/new "Timeout" && kill -CONT $id && fetch_right s3://casg/new
'

test_expect_success CEPH '76 Ceph: it is killed' '
	read -r id <"$(echo "$ceph_dir"/run/client.rgw*.pid)" && kill -9 $id && wait_for test ! -d /proc/$id/fd/0 &&
	fetch_error s3://casg/new "connect"
'

test_done
