#!/bin/sh
# Every command of casgmigrating(7) is run as it is printed, with the tools that
# it takes data from.

test_description='the page on migrating works as printed'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-pages.sh"

test_lazy_prereq BLAST 'makeblastdb -version && blastdbcmd -version'
test_have_prereq BLAST || skip_all 'ncbi-blast+ is not installed'

test_expect_success 'the page holds commands' '
	page_steps casgmigrating "$PWD/steps" &&
	ls steps/*.cmd >list &&
	test_line_count -gt 14 list
'

test_expect_success 'and they do what it says' '
	page_play "$PWD/steps"
'

test_done
