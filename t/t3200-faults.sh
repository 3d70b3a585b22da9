#!/bin/sh
# Something goes wrong at every point where a version is made or packs are thrown
# away, and nothing that was committed is lost.

test_description='import, gc: killed, out of space and failing disks, at every point'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-faults.sh"

scenario import
scenario gc

test_done
