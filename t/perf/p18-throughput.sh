#!/bin/sh
# Packs to Ceph on loopback and back, beside rclone copy of the same packs.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "throughput to Ceph" "$@"

have ceph-osd && have radosgw && test "$(id -u)" = 0 || { note "Ceph is not installed, or we are not root"; exit 0; }
have rclone || { note "rclone is not installed"; exit 0; }

# what lib-ceph wants of the tests
test_lazy_prereq () { :; }
require_server () { :; }
test_exit () { rm -rf "$tmp"; }
wait_for () {
	waits=0
	until "$@" >/dev/null 2>&1; do
		waits=$((waits + 1))
		test $waits -lt 1200 || return 1
		sleep 0.05
	done
}
# shellcheck source=t/lib-ceph.sh
. "$perf_dir/../lib-ceph.sh"
exec 4>&2 5>/dev/null 6>/dev/null

casg-gen --seed 5 --type protein --records 900000 --length 350 >db.fa
casg init -q src && cd src && git config casg.compression 0 && casg import -q -d db ../db.fa || exit 128
rm ../db.fa
git show HEAD:db/PACKS >../PACKS
mkdir ../packs && ln .git/casg/packs/*.pack ../packs/ || exit 128
n=$(cat ../packs/* | wc -c)

ceph_start || die "Ceph does not start"
RCLONE_CONFIG=/dev/null RCLONE_CONFIG_CEPH_TYPE=s3 RCLONE_CONFIG_CEPH_PROVIDER=Ceph RCLONE_CONFIG_CEPH_ENV_AUTH=true
RCLONE_CONFIG_CEPH_ENDPOINT=$s3_endpoint
export RCLONE_CONFIG RCLONE_CONFIG_CEPH_TYPE RCLONE_CONFIG_CEPH_PROVIDER RCLONE_CONFIG_CEPH_ENV_AUTH RCLONE_CONFIG_CEPH_ENDPOINT
# it asks Amazon's certificates for nothing
unset AWS_CA_BUNDLE
for bucket in casg rclone; do
	s3_curl -f -X PUT "$s3_endpoint/$bucket" >/dev/null || die "cannot make a bucket"
done

seconds () {
	start=$(date +%s.%N)
	"$@" >../out 2>../err || { cat ../err >&2; die "failed: $*"; }
	took=$(calc "$(date +%s.%N) - $start" %.2f)
}

send () {
	casg-send-pack -q --url="s3://casg/$1" <../PACKS
}

get () {
	casg-copy-pack -q --from="s3://casg/$1" --url="file://$tmp/back.$1" <../PACKS
}

best () {
	test -n "$2" && test "$(calc "$1 < $2" %d)" = 0 && echo "$2" || echo "$1"
}

# Each room is used once: memstore has 1 GB.
empty () {
	for object in $(casg-copy-object --url="s3://casg/$1" --list=packs | cut -d ' ' -f 1); do
		casg-copy-object --url="s3://casg/$1" --delete="$object"
	done
	rclone delete -q "ceph:rclone/$1"
	ceph_admin gc process --include-all >/dev/null
}

up='' rclone_up='' down='' rclone_down=''
for run in $(seq "$runs"); do
	seconds send "$run"
	up=$(best "$took" "$up")
	seconds rclone copy ../packs "ceph:rclone/$run"
	rclone_up=$(best "$took" "$rclone_up")
	mkdir "$tmp/back.$run"
	seconds get "$run"
	down=$(best "$took" "$down")
	seconds rclone copy "ceph:rclone/$run" "$tmp/rclone.$run"
	rclone_down=$(best "$took" "$rclone_down")
	for pack in ../packs/*; do
		cmp "$pack" "$tmp/back.$run/packs/${pack##*/}" && cmp "$pack" "$tmp/rclone.$run/${pack##*/}" || exit 128
	done
	rm -rf "$tmp/back.$run" "$tmp/rclone.$run"
	empty "$run"
done

heading "%-44s %12s %10s" "$(wc -l <../PACKS) packs, $((n / 1000000)) MB, best of $runs" seconds MB/s
row "casg-send-pack" "$up" "$(calc "$n / $up / 1000000" %.0f)"
row "rclone copy" "$rclone_up" "$(calc "$n / $rclone_up / 1000000" %.0f)"
row "casg-copy-pack to a folder" "$down" "$(calc "$n / $down / 1000000" %.0f)"
row "rclone copy to a folder" "$rclone_down" "$(calc "$n / $rclone_down / 1000000" %.0f)"
bar "sending, / rclone copy" "$(calc "$up / $rclone_up")" 1 x
