#!/bin/sh
# contrib/casg-remote-rclone: a helper that is none of casg's programs, over
# rclone's own local storage.

test_description='the helper for rclone, in contrib'
. "$(dirname "$0")/test-lib.sh"

PATH=$CASG_SOURCE_DIR/contrib:$PATH
RCLONE_CONFIG=$PWD/rclone.conf
export PATH RCLONE_CONFIG
pwd=$(pwd | sed 's/ /%20/g')

test_lazy_prereq PYTHON3 'python3 -c "import concurrent.futures"'
test_lazy_prereq RCLONE 'command -v rclone'
test_have_prereq PYTHON3 || skip_all 'Python 3 is missing'

x=2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881

test_expect_success 'no URL; no request' '
	for url in "" rclone: file:///x rclone:-x "rclone:a%0ab"; do
		test_expect_code 128 casg-remote-rclone "$url" </dev/null 2>err &&
		test_grep "is not rclone:" err || return 1
	done &&
	test_expect_code 129 casg-remote-rclone 2>err &&
	for line in "1 have ../x" "1 have .x" "x have y" "1 get x range=a-" "1 put x 1 y" "1 list x"; do
		printf "%s\n" "$line" >input &&
		test_expect_code 128 casg-remote-rclone "rclone:$pwd" <input >out 2>err &&
		test_grep "^fatal: malformed line" err || return 1
	done
'

test_expect_success 'no rclone is an error of the request' '
	printf "1 have x\n" |
		RCLONE=/nowhere/rclone casg-remote-rclone "rclone:$pwd" >out &&
	test_grep "^1 error refused cannot start rclone" out
'

test_expect_success RCLONE 'it keeps to the protocol' '
	mkdir "a folder" && >rclone.conf &&
	casg-remote-check "rclone:$pwd/a%20folder" >out &&
	test_grep ! "^not ok" out &&
	test_grep ! SKIP out &&
	test "$(grep -c "^ok" out)" -ge 25 &&
	find "a folder" -type f >files && test_must_be_empty files
'

test_expect_success RCLONE 'a remote that is not configured: an error, and not shown' '
	printf "1 have x\n" | casg-remote-rclone rclone:hush:bucket >out &&
	test_grep "^1 error refused rclone: " out && test_grep ! "hush:bucket" out
'

test_expect_success RCLONE 'input that ends inside a put stores nothing' '
	printf "1 put packs/y 100 $x\nxxx" >input &&
	test_expect_code 128 casg-remote-rclone "rclone:$pwd/a%20folder" <input 2>err &&
	test_grep "ends inside the bytes of a put" err &&
	find "a folder" -type f >files && test_must_be_empty files
'

test_done
