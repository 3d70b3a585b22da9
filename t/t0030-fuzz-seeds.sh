#!/bin/sh
# Each fuzz target over its seeds: they were chosen, or were findings once.

test_description='replay the seeds of the fuzz targets'
. "$(dirname "$0")/test-lib.sh"

fuzz=$CASG_SOURCE_DIR/t/fuzz

for target in "$fuzz"/fuzz-*.c; do
	name=$(basename "$target" .c)
	what=${name#fuzz-}
	test_expect_success "fuzz-$what" '
		test_path_is_file "$CASG_BUILD_DIR/t/fuzz/fuzz-$what" &&
		test_path_is_dir "$fuzz/seeds/$what" &&
		"$CASG_BUILD_DIR/t/fuzz/fuzz-$what" "$fuzz/seeds/$what"/*
	'
done

test_done
