#!/bin/sh
# Killed, or the disk full, at every write, fsync and rename of a gc.

test_description='gc: killed and out of space at every write, fsync and rename'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-faults.sh"

every_change gc

test_done
