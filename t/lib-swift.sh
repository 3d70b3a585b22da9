# shellcheck shell=sh
# lib-swift - OpenStack Swift with its S3 interface, for the tests of a file: an
# engine of S3 that is quite another than Ceph's.
#
# swift_start: sets $s3_endpoint and the environment's AWS_* for an account that
# may do all; swift_bucket NAME makes a bucket.  It is stopped when the test file
# ends.  Needs prerequisite SWIFT.

# The one that Swift's own programs run with.
swift_python () {
	sed -n '1s/^#! *//p' "$(command -v swift-proxy-server)"
}

test_lazy_prereq SWIFT '
	command -v swift-proxy-server && command -v swift-object-server &&
	command -v swift-container-server && command -v swift-account-server &&
	$(swift_python) -c "import swift.common.ring" && command -v memcached && test "$(id -u)" = 0
'

swift_server_config () {
	cat <<-EOF
	[DEFAULT]
	bind_ip = 127.0.0.1
	bind_port = $3
	user = $(id -un)
	workers = 0
	devices = $1/node
	mount_check = false
	swift_dir = $1/conf
	disable_fallocate = true
	log_level = WARNING
	log_address = $1/run/nolog
	[pipeline:main]
	pipeline = $2-server
	[app:$2-server]
	use = egg:swift#$2
	EOF
}

swift_proxy_config () {
	cat <<-EOF
	[DEFAULT]
	bind_ip = 127.0.0.1
	bind_port = $2
	user = $(id -un)
	workers = 0
	swift_dir = $1/conf
	log_level = WARNING
	log_address = $1/run/nolog
	[pipeline:main]
	pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo versioned_writes symlink proxy-server
	[app:proxy-server]
	use = egg:swift#proxy
	account_autocreate = true
	[filter:catch_errors]
	use = egg:swift#catch_errors
	[filter:gatekeeper]
	use = egg:swift#gatekeeper
	[filter:healthcheck]
	use = egg:swift#healthcheck
	[filter:cache]
	use = egg:swift#memcache
	memcache_servers = 127.0.0.1:$(($2 + 4))
	[filter:listing_formats]
	use = egg:swift#listing_formats
	[filter:bulk]
	use = egg:swift#bulk
	[filter:s3api]
	use = egg:swift#s3api
	location = us-east-1
	dns_compliant_bucket_names = true
	storage_domain = localhost
	allow_multipart_uploads = true
	min_segment_size = 1
	[filter:tempauth]
	use = egg:swift#tempauth
	user_casg_tester = casgsecret .admin
	[filter:copy]
	use = egg:swift#copy
	[filter:slo]
	use = egg:swift#slo
	[filter:dlo]
	use = egg:swift#dlo
	[filter:versioned_writes]
	use = egg:swift#versioned_writes
	allow_object_versioning = true
	[filter:symlink]
	use = egg:swift#symlink
	EOF
}

# swift_rings DIR PORT-OF-ACCOUNT PORT-OF-CONTAINER PORT-OF-OBJECT: nine times
# swift-ring-builder would take ten seconds
swift_rings () {
	$(swift_python) - "$@" <<-\EOF
	import sys
	from swift.common.ring import RingBuilder
	for kind, port in zip(("account", "container", "object"), sys.argv[2:]):
	    b = RingBuilder(4, 1, 0)
	    b.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port),
	        "replication_ip": "127.0.0.1", "replication_port": int(port), "device": "d1",
	        "weight": 1.0, "meta": ""})
	    b.rebalance()
	    b.get_ring().save(sys.argv[1] + "/" + kind + ".ring.gz")
	EOF
}

# swift_config DIR PORT
swift_config () {
	mkdir -p "$1/conf" "$1/run" "$1/node/d1" &&
	printf '[swift-hash]\nswift_hash_path_prefix = casg\nswift_hash_path_suffix = casg\n[storage-policy:0]\nname = p0\ndefault = yes\n' \
		>"$1/conf/swift.conf" &&
	swift_i=0 &&
	for swift_t in account container object; do
		swift_i=$((swift_i + 1)) &&
		swift_server_config "$1" $swift_t $(($2 + swift_i)) >"$1/conf/$swift_t-server.conf" || return 1
	done &&
	swift_rings "$1/conf" $(($2 + 1)) $(($2 + 2)) $(($2 + 3)) &&
	swift_proxy_config "$1" "$2" >"$1/conf/proxy-server.conf"
}

# swift_run NAME CMD...: in the background, with none of our descriptors
swift_run () {
	swift_name=$1 && shift &&
	{ "$@" >"$swift_dir/run/$swift_name.log" 2>&1 </dev/null 4>&- 5>&- 6>&- 8>&- 9>&- & } &&
	echo $! >>"$swift_dir/run/pids"
}

swift_stop () {
	test -s "$swift_dir/run/pids" || return 0
	while read -r swift_pid; do
		kill -9 "$swift_pid" 2>/dev/null
	done <"$swift_dir/run/pids"
}

swift_start () {
	swift_dir=$(mktemp -d "${TMPDIR:-/tmp}/casg-swift.XXXXXX") &&
	trap 'swift_stop; rm -rf "$swift_dir"; test_exit' EXIT &&
	swift_port=$((10000 + ($$ * 13 + 29) % 20000)) &&
	swift_config "$swift_dir" $swift_port &&
	swift_run memcached memcached -l 127.0.0.1 -p $((swift_port + 4)) -U 0 -m 16 -u "$(id -un)" &&
	for swift_t in account container object proxy; do
		swift_run $swift_t swift-$swift_t-server "$swift_dir/conf/$swift_t-server.conf" || return 1
	done &&
	wait_for curl -fs -o /dev/null "http://127.0.0.1:$swift_port/healthcheck" &&
	for swift_i in 1 2 3; do
		wait_for curl -s -o /dev/null "http://127.0.0.1:$((swift_port + swift_i))/" || return 1
	done &&
	s3_endpoint=http://127.0.0.1:$swift_port &&
	AWS_ACCESS_KEY_ID=casg:tester AWS_SECRET_ACCESS_KEY=casgsecret &&
	AWS_ENDPOINT_URL_S3=$s3_endpoint AWS_REGION=us-east-1 &&
	export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_ENDPOINT_URL_S3 AWS_REGION
}

# By Swift's own interface: curl cannot sign for a name with a colon.
swift_bucket () {
	curl -sS -f -D "$swift_dir/run/head" -H "X-Auth-User: $AWS_ACCESS_KEY_ID" \
		-H "X-Auth-Key: $AWS_SECRET_ACCESS_KEY" "$s3_endpoint/auth/v1.0" &&
	swift_url=$(tr -d '\r' <"$swift_dir/run/head" | sed -n 's/^X-Storage-Url: //Ip') &&
	swift_token=$(tr -d '\r' <"$swift_dir/run/head" | sed -n 's/^X-Auth-Token: //Ip') &&
	curl -sS -f -X PUT -H "X-Auth-Token: $swift_token" "$swift_url/$1"
}
