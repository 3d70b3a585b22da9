#!/bin/sh
# Something goes wrong at every point where packs are written anew, and nothing
# that was committed is lost.

test_description='repack: killed, out of space and failing disks, at every point'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-faults.sh"

scenario repack
scenario repack_all

test_done
