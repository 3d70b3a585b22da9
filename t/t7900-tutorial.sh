#!/bin/sh
# Every command of casgtutorial(7) is run as it is printed, in one shell, and
# what the page shows below it must come out.

test_description='the tutorial works as printed'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-pages.sh"

test_expect_success 'the page holds commands' '
	page_steps casgtutorial "$PWD/steps" &&
	ls steps/*.cmd >list &&
	test_line_count -gt 30 list
'

test_expect_success 'and they do what it says' '
	page_play "$PWD/steps"
'

# the bytes stored depend on the version of zstd
test_expect_success 'the second import knew what the first had brought' '
	step=$(grep -l "import.*february" steps/*.cmd) &&
	test_grep "^toy: 4 records, 2 new, 2 already known" "${step%.cmd}.out"
'

test_done
