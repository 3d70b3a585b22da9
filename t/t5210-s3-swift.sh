#!/bin/sh
# Storages in S3, against Swift's s3api: it knows no conditional PUT (501), and
# takes locks that it does not keep.

test_description='casg-remote-s3 and Swift'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-swift.sh"
. "$TEST_DIRECTORY/lib-partial.sh"

CASG_REMOTE_TIMEOUT=20
export CASG_REMOTE_TIMEOUT
for v in $(env | sed -n 's/^\(AWS_[A-Za-z0-9_]*\)=.*/\1/p'); do
	unset "$v"
done

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881

test_lazy_prereq HTTP '
	printf "" | casg-remote-s3 s3://a 2>err ||
	! grep "without libcurl" err
'
require_server HTTP
test_have_prereq HTTP || skip_all 'casg was built without libcurl'
test_have_prereq SWIFT || skip_all 'Swift is not installed (needs SWIFT)'

# talk URL: standard input is said to the helper; its answers go to out
talk () {
	casg-remote-s3 "$1" >all 2>err
	echo $? >status
	sed -e '1,/^$/d' -e '/ busy$/d' all >out
}

# conforms URL
conforms () {
	casg-remote-check "$@" >out &&
	test_grep ! "^not ok" out &&
	test_grep ! SKIP out &&
	test "$(grep -c "^ok" out)" -ge 25
}

test_expect_success 'start Swift' '
	swift_start &&
	printf "1 get x\n" | talk s3://casg && test_grep "^1 error refused there is no bucket" out &&
	swift_bucket casg
'

test_expect_success 'it keeps to the protocol' '
	conforms s3://casg/one &&
	CASG_REMOTE_PART_SIZE=1000000 CASG_REMOTE_PAGE_SIZE=2 conforms s3://casg/two
'

test_expect_success 'it takes a lock and does not keep it' '
	printf "1 put-new a 1 $x\nx" >input && CASG_S3_RETENTION_DAYS=1 talk s3://casg/lock <input &&
	test_grep "^1 error refused .*without the object lock" out &&
	printf "1 have a\n" | talk s3://casg/lock && test_grep "^1 no" out
'

test_expect_success 'put-new of what is there, of a wrong secret, of a wrong clock' '
	talk s3://casg/new <input && test_grep "^1 done 1 " out && talk s3://casg/new <input && test_grep "^1 exists" out &&
	AWS_SECRET_ACCESS_KEY=hush talk s3://casg/new <input && test_grep "^1 error denied HTTP status 403" out &&
	CASG_S3_CLOCK_OFFSET=-4000 talk s3://casg/new <input && test_grep "^1 error denied the clock of this machine" out
'

test_expect_success 'partial clones, and one that takes from a file' '
	partial_over s3://casg/partial
'

test_done
