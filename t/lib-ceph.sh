# shellcheck shell=sh
# lib-ceph - an object store of our own for the tests of a file: Ceph with its
# S3 interface, one monitor and one OSD in memory, or $ceph_osds of them, on
# loopback.  With several each object has three copies, and two must be there;
# ceph_pools, if it is a function, makes pools before the S3 interface does, and
# ceph_kill_osd N ends one with all that it holds.
#
# ceph_start: sets $s3_endpoint, $s3_port and the environment's AWS_* for
# the user "casg", who may do all; ceph_admin runs radosgw-admin.  It is stopped
# when the test file ends.  Needs prerequisite CEPH.

test_lazy_prereq CEPH '
	command -v ceph-mon && command -v ceph-osd && command -v radosgw &&
	command -v ceph && command -v radosgw-admin && test "$(id -u)" = 0
'

# where it must not be skipped
require_server CEPH

ceph_config () {
	cat <<-EOF
	[global]
	fsid = $ceph_fsid
	mon host = v2:127.0.0.1:$ceph_mon_port/0
	mon initial members = a
	public addr = 127.0.0.1
	cluster addr = 127.0.0.1
	ms bind ipv6 = false
	ms bind msgr1 = false
	ms mon client mode = crc
	auth cluster required = none
	auth service required = none
	auth client required = none
	osd pool default size = $(test "$ceph_osds" -lt 3 && echo 1 || echo 3)
	osd pool default min size = $(test "$ceph_osds" -lt 3 && echo 1 || echo 2)
	osd heartbeat interval = 1
	osd heartbeat grace = 4
	mon osd min down reporters = 1
	osd pool default pg num = 1
	osd pool default pgp num = 1
	osd pool default pg autoscale mode = off
	osd crush chooseleaf type = 0
	mon allow pool size one = true
	mon warn on pool no redundancy = false
	mon max pg per osd = 1000
	mon data avail warn = 1
	mon data avail crit = 0
	admin socket = $1/run/\$name.asok
	log file = $1/log/\$name.log
	pid file = $1/run/\$name.pid
	[mon]
	mon data = $1/mon
	mon cluster log file = $1/log/cluster.log
	paxos propose interval = 0.02
	paxos min wait = 0.01
	[osd]
	osd data = $1/osd.\$id
	osd objectstore = memstore
	memstore device bytes = 1G
	osd memory target = 939524096
	osd class load list = *
	osd class default list = *
	[client.rgw]
	rgw data = $1/rgw
	rgw dns name = localhost
	rgw s3 auth use sts = true
	rgw sts key = abcdefghijklmnop
	rgw sts min session duration = 1
	rgw thread pool size = 64
	rgw crypt require ssl = false
	rgw crypt s3 kms backend = testing
	rgw crypt s3 kms encryption keys = lab=MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=
	rgw multipart min part size = 65536
	rgw frontends = beast endpoint=127.0.0.1:$s3_port
	EOF
}

# Servers get none of our descriptors: who waits for our output would wait for them.
ceph_run () {
	"$@" >>"$ceph_dir/log/out" 2>&1 </dev/null 4>&- 5>&- 6>&- 8>&- 9>&-
}

ceph_admin () {
	radosgw-admin -c "$ceph_dir/ceph.conf" -n client.rgw "$@" 2>>"$ceph_dir/log/out" \
		4>&- 5>&- 6>&- 8>&- 9>&-
}

# ceph_mon ARG...: ask the monitor
ceph_mon () {
	ceph -c "$ceph_dir/ceph.conf" --connect-timeout 20 "$@"
}

ceph_kill_osd () {
	read -r ceph_id <"$ceph_dir/run/osd.$1.pid" && kill -9 "$ceph_id"
}

ceph_try () {
	rm -rf "$ceph_dir" && mkdir -p "$ceph_dir/mon" "$ceph_dir/rgw" "$ceph_dir/run" \
		"$ceph_dir/log" &&
	ceph_config "$ceph_dir" >"$ceph_dir/ceph.conf" &&
	monmaptool --create --clobber --fsid "$ceph_fsid" --addv a "[v2:127.0.0.1:$ceph_mon_port]" \
		"$ceph_dir/monmap" >/dev/null &&
	ceph_run ceph-mon -i a --mkfs --monmap "$ceph_dir/monmap" -c "$ceph_dir/ceph.conf" &&
	ceph_run ceph-mon -i a -c "$ceph_dir/ceph.conf" &&
	for ceph_n in $(seq 0 $((ceph_osds - 1))); do
		ceph_osd=$(cat /proc/sys/kernel/random/uuid) && mkdir "$ceph_dir/osd.$ceph_n" &&
		ceph_run ceph_mon osd new "$ceph_osd" &&
		ceph_run ceph-osd -i "$ceph_n" -c "$ceph_dir/ceph.conf" --mkfs --osd-uuid "$ceph_osd" &&
		ceph_run ceph-osd -i "$ceph_n" -c "$ceph_dir/ceph.conf" || return
	done &&
	{ ! command -v ceph_pools >/dev/null || ceph_pools; } &&
	ceph_run radosgw -n client.rgw -c "$ceph_dir/ceph.conf"
}

# ends those that run, each by the id in its own file
ceph_stop () {
	for ceph_pid in "$ceph_dir"/run/client.rgw*.pid "$ceph_dir"/run/osd.*.pid "$ceph_dir"/run/mon.a.pid; do
		test -s "$ceph_pid" || continue
		read -r ceph_id <"$ceph_pid"
		kill -9 "$ceph_id" 2>/dev/null
	done
}

# The folder has a short name of its own: a socket's path must be short, and
# Ceph takes no spaces.
ceph_start () {
	ceph_osds=${ceph_osds:-1} &&
	ceph_dir=$(mktemp -d "${TMPDIR:-/tmp}/casg-ceph.XXXXXX") &&
	trap 'ceph_stop; rm -rf "$ceph_dir"; test_exit' EXIT &&
	ceph_fsid=$(cat /proc/sys/kernel/random/uuid) &&
	for ceph_i in 1 2 3 4 5; do
		s3_port=$((10000 + ($$ * 11 + ceph_i * 1237) % 20000)) &&
		ceph_mon_port=$((s3_port + 1)) &&
		ceph_try && break
		ceph_stop
	done &&
	s3_endpoint=http://127.0.0.1:$s3_port &&
	wait_for curl -fs -o /dev/null "$s3_endpoint/" &&
	AWS_ACCESS_KEY_ID=AKIACASGTEST AWS_SECRET_ACCESS_KEY=casg+secret/casgsecret &&
	AWS_ENDPOINT_URL_S3=$s3_endpoint AWS_REGION=us-east-1 &&
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL_S3 AWS_REGION &&
	ceph_admin user create --uid=casg --display-name=casg --access-key="$AWS_ACCESS_KEY_ID" \
		--secret="$AWS_SECRET_ACCESS_KEY" >/dev/null
}

# s3_curl CURL-ARG...: signed by curl, for what casg does not do
s3_curl () {
	curl -sS --aws-sigv4 aws:amz:us-east-1:s3 -H "x-amz-content-sha256: UNSIGNED-PAYLOAD" \
		--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$@"
}

# s3_assume ROLE SECONDS: a key for a session: $sts_id, $sts_secret, $sts_token
s3_assume () {
	curl -sS --aws-sigv4 aws:amz:us-east-1:sts --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" \
		-d "Action=AssumeRole&Version=2011-06-15&RoleSessionName=test&DurationSeconds=$2&RoleArn=arn:aws:iam:::role/$1" \
		"$s3_endpoint/" >"$ceph_dir/sts" &&
	sts_id=$(sed -n 's|.*<AccessKeyId>\(.*\)</AccessKeyId>.*|\1|p' "$ceph_dir/sts") &&
	sts_secret=$(sed -n 's|.*<SecretAccessKey>\(.*\)</SecretAccessKey>.*|\1|p' "$ceph_dir/sts") &&
	sts_token=$(sed -n 's|.*<SessionToken>\(.*\)</SessionToken>.*|\1|p' "$ceph_dir/sts") &&
	test -n "$sts_token"
}
