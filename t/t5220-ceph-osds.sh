#!/bin/sh
# Ceph with four OSDs, of which one is killed, with all that it holds, while packs
# go there or come from there: nothing is lost.

test_description='push and clone while an OSD dies'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-ceph.sh"

ceph_osds=4

# Objects in the kind of pool that is tried; what is beside them has three copies.
ceph_pools () {
	if test "$kind" = erasure; then
		ceph_run ceph_mon osd erasure-code-profile set casg k=2 m=2 crush-failure-domain=osd &&
		ceph_run ceph_mon osd pool create default.rgw.buckets.data 16 16 erasure casg
	else
		ceph_run ceph_mon osd pool create default.rgw.buckets.data 16 16 replicated
	fi &&
	ceph_run ceph_mon osd pool application enable default.rgw.buckets.data rgw
}

# a cluster of its own for each try
begin () {
	kind=$1 && ceph_start && s3_curl -f -X PUT -H "Content-Length: 0" "$s3_endpoint/casg" &&
	ceph_mon osd dump 2>/dev/null | grep "default.rgw.buckets.data. $kind " &&
	rm -rf remote.git clone clone.status push.status && git init -q --bare remote.git && rm -f src/.git/casg/state/inventory-*
}

end () {
	ceph_stop
	rm -rf "$ceph_dir"
}

stored () {
	(cd src && casg-copy-object --url=s3://casg/lab --list=packs >../list 2>/dev/null) && test "$(wc -l <list)" -ge "$1"
}

came () {
	set -- "$1" clone/.git/casg/packs/*.pack clone/.git/casg/tmp/*.part && test $# -gt "$1"
}

# after the loss: all packs are there, each read from its first byte to its last
whole () {
	(cd src && casg fsck -q --full --remote origin) && (cd clone && casg fsck --full >/dev/null && casg export db) | cmp - db.fa
}

test_expect_success EXPENSIVE,CEPH 'setup' '
	casg-gen --seed 1 --type protein --records 150000 --length 300 >db.fa && casg init -q src && git init -q --bare remote.git && cd src &&
	git config casg.packSize 1m && git config casg.compression 0 && casg import -q --memory 64m -d db ../db.fa && casg remote add origin ../remote.git s3://casg/lab &&
	ls .git/casg/packs/*.pack >packs && test $(wc -l <packs) -ge 8
'

for kind in replicated erasure; do
	test_expect_success EXPENSIVE,CEPH "$kind: an OSD dies during a push" '
		begin '$kind' && { (cd src && casg push -q 2>../push.err; echo $? >../push.status) & } && wait_for stored 3 && ceph_kill_osd 1 &&
		! stored "$(wc -l <src/packs)" && wait && { test "$(cat push.status)" = 0 || { echo "pushing again" && (cd src && casg push -q); }; } &&
		casg clone -q --storage s3://casg/lab remote.git clone && whole && end
	'

	test_expect_success EXPENSIVE,CEPH "$kind: an OSD dies during a clone" '
		begin '$kind' && (cd src && casg push -q) && { (casg clone -q --storage s3://casg/lab remote.git clone 2>clone.err; echo $? >clone.status) & } &&
		wait_for came 3 && ceph_kill_osd 2 && test_path_is_missing clone.status && wait && { test "$(cat clone.status)" = 0 || { echo "fetching again" && (cd clone && casg fetch -q); }; } &&
		(cd clone && git rev-parse -q --verify HEAD || git checkout -q master) && whole && end
	'
done

test_done
