#!/bin/sh
# The examples in the pages of the formats, byte for byte: what they show is
# what the programs make, and what the short programs in them (where there is
# python3) compute from the definitions alone.

test_description='the examples of the format pages are true'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-pages.sh"

# play PAGE COUNT: in the repository; the page has that many steps at least
play () {
	page_steps "$1" "$TRASH_DIRECTORY/$1" &&
	ls "$TRASH_DIRECTORY/$1"/*.cmd >"$TRASH_DIRECTORY/list" &&
	test_line_count -ge "$2" "$TRASH_DIRECTORY/list" &&
	page_play "$TRASH_DIRECTORY/$1"
}

test_expect_success 'casgformat-record' '
	casg init --quiet record &&
	cd record &&
	play casgformat-record 4
'

# the index page goes on where the pack page ends
test_expect_success 'casgformat-pack, casgformat-index' '
	casg init --quiet pack &&
	cd pack &&
	play casgformat-pack 20 &&
	play casgformat-index 10
'

test_expect_success 'casgformat-taxonomy' '
	casg init --quiet taxonomy &&
	cd taxonomy &&
	play casgformat-taxonomy 4
'

test_expect_success 'casgformat-profile' '
	casg init --quiet profile &&
	cd profile &&
	play casgformat-profile 7
'

test_expect_success 'casgformat-proof' '
	casg init --quiet proof &&
	cd proof &&
	play casgformat-proof 7
'

test_expect_success 'casgformat-inventory' '
	mkdir inventory &&
	cd inventory &&
	play casgformat-inventory 4
'

test_done
