#!/bin/sh
# The library as another program sees it: installed, through pkg-config, by the
# example of its page.

test_description='libcasg is installed, links, and does what casglib(7) says'
. "$(dirname "$0")/test-lib.sh"

page=$CASG_SOURCE_DIR/Documentation/casglib.adoc

test_lazy_prereq PKGCONFIG 'command -v pkg-config'

# What the library was built with must be linked in again.
sanitize=
if nm "$CASG_BUILD_DIR/libcasg.a" 2>/dev/null | grep -q __asan; then
	sanitize=-fsanitize=address,undefined
fi

test_expect_success 'make install into a folder of its own' '
	prefix=$(sed -n "s/^prefix=//p" "$CASG_BUILD_DIR/casg.pc") &&
	(
		unset MAKEFLAGS MAKELEVEL MFLAGS &&
		cd "$CASG_BUILD_DIR" &&
		make -s install DESTDIR="$TRASH_DIRECTORY/inst"
	) &&
	test_path_is_file "inst$prefix/lib/libcasg.a" &&
	test_path_is_file "inst$prefix/lib/pkgconfig/casg.pc" &&
	test_path_is_file "inst$prefix/include/casg/store.h"
'

test_expect_success 'all headers are installed and compile, as C11 and GNU C11' '
	for h in "inst$prefix"/include/casg/*.h; do
		for std in c11 gnu11; do
			printf "#include <%s>\n" "${h##*/}" >alone.c &&
			${CC:-cc} -std=$std -D_GNU_SOURCE -Wall -Wextra -Werror \
				-fsyntax-only -I"inst$prefix/include/casg" alone.c ||
				return 1
		done
	done
'

# A space in a path does not survive $(pkg-config): flags are words.
test_expect_success PKGCONFIG 'the example compiles with what casg.pc says' '
	awk "/^\[source,c\]/ { getline; on = 1; next } on && /^\.\.\.\./ { exit } on" \
		"$page" >get.c &&
	test_grep "^int main" get.c &&
	ln -s "$TRASH_DIRECTORY/inst$prefix" "${TMPDIR:-/tmp}/casg-lib.$$" &&
	test_when_finished "rm -f \"\${TMPDIR:-/tmp}/casg-lib.$$\"" &&
	PKG_CONFIG_PATH=${TMPDIR:-/tmp}/casg-lib.$$/lib/pkgconfig &&
	export PKG_CONFIG_PATH &&
	flags=$(pkg-config --define-variable=prefix="${TMPDIR:-/tmp}/casg-lib.$$" \
		--cflags --libs casg) &&
	${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror $sanitize \
		-o get get.c $flags
'

test_expect_success PKGCONFIG 'casg.pc has the version of casg' '
	echo "casg version $(PKG_CONFIG_PATH="inst$prefix/lib/pkgconfig" \
		pkg-config --modversion casg)" >expect &&
	casg version >actual &&
	test_cmp expect actual
'

test_expect_success PKGCONFIG 'it finds a sequence by its id' '
	casg init --quiet repo &&
	(
		cd repo &&
		printf ">a\nmkv\nlat\n>b\nACGT\n" >in.fasta &&
		casg-pack --quiet in.fasta >/dev/null &&
		../get "$(printf MKVLAT | sha256sum | cut -d" " -f1)" >../actual
	) &&
	printf MKVLAT >expect &&
	test_cmp_bin expect actual
'

test_expect_success PKGCONFIG 'it tells no from could not' '
	(
		cd repo &&
		test_expect_code 1 ../get "$(printf nowhere | sha256sum | cut -d" " -f1)" &&
		test_expect_code 129 ../get nonsense &&
		cd / &&
		test_expect_code 128 "$TRASH_DIRECTORY/get" \
			"$(printf MKVLAT | sha256sum | cut -d" " -f1)" 2>"$TRASH_DIRECTORY/err"
	) &&
	test_grep "^fatal: not a casg repository" err
'

test_expect_success PKGCONFIG 'it refuses a damaged pack' '
	pack=$(ls repo/.git/casg/packs/*.pack) &&
	size=$(wc -c <"$pack") &&
	flip_byte "$pack" $((size - 18)) &&
	(
		cd repo &&
		test_expect_code 128 ../get "$(printf MKVLAT | sha256sum | cut -d" " -f1)" \
			2>../err
	) &&
	test_grep "^fatal: pack .*checksum does not match" err
'

test_done
