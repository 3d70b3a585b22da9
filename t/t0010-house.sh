#!/bin/sh
# The rules of the house that a machine can check.

test_description='layers, headers, pages and lists agree'
. "$(dirname "$0")/test-lib.sh"

lib=$CASG_SOURCE_DIR/lib

# strip_comments FILE: without comments, roughly; line numbers stay.
strip_comments () {
	sed -e 's|/\*.*\*/||' -e 's|//.*||' -e '/^[ 	]*\/\*/,/\*\//s/.*//' "$1"
}

# ---- LAYERS

test_expect_success 'LAYERS: every file in lib/ has a layer, no entry is stale' '
	grep "^[0-9]" "$lib/LAYERS" |
	awk "{ for (i = 3; i <= NF; i++) print \$i, \$1, \$2 }" >modules &&
	test -s modules &&
	cut -d" " -f1 modules | sort | uniq -d >twice &&
	test_must_be_empty twice &&
	(cd "$lib" && ls *.[ch]) >files &&
	awk "
		NR == FNR { layer[\$1] = \$2; room[\$1] = \$3; next }
		{
			name = \$1; sub(/\\.[ch]\$/, \"\", name)
			while (name != \"\" && !(name in layer))
				if (!sub(/_[^_]*\$/, \"\", name)) name = \"\"
			if (name == \"\") print \$1, \"is not in LAYERS\" >\"bad\"
			else { used[name]; print \$1, layer[name], room[name] >\"layers\" }
		}
		END { for (m in layer) if (!(m in used)) print m, \"does not exist\" >\"bad\" }
	" modules files &&
	: >>bad &&
	test_must_be_empty bad
'

test_expect_success 'LAYERS: no upward #include, nothing pure includes the os' '
	(cd "$lib" && grep -n "^#[ ]*include \"" *.[ch]) |
	sed "s/^\([^:]*\):[0-9]*:.*\"\(.*\)\".*/\1 \2/" >includes &&
	test -s includes &&
	awk "
		NR == FNR { layer[\$1] = \$2; room[\$1] = \$3; next }
		!(\$2 in layer) { print \$1, \"includes unknown\", \$2; next }
		layer[\$2] > layer[\$1] { print \$1, \"includes upward\", \$2 }
		(room[\$1] == \"format\" || room[\$1] == \"algo\") && room[\$2] == \"os\" {
			print \$1, \"is pure and includes\", \$2 }
		room[\$2] == \"cli\" && room[\$1] != \"cli\" {
			print \$1, \"is library and includes\", \$2 }
	" layers includes >bad &&
	test_must_be_empty bad
'

test_expect_success 'third-party headers only where LAYERS allows them' '
	(cd "$lib" && grep -n "^#[ ]*include <" *.[ch]) |
	sed "s/^\([^:]*\):[0-9]*:.*<\(.*\)>.*/\1 \2/" >includes &&
	sed -n "s/^use //p" "$lib/LAYERS" >allowed &&
	awk "
		FILENAME == \"allowed\" {
			known[\$1]
			for (i = 2; i <= NF; i++) ok[\$1, \$i]
			next
		}
		{
			h = \$2
			if (h ~ /^(openssl|isa-l|curl)\\//) sub(/\\/.*/, \"\", h)
			if (h ~ /^git2/) h = \"git2.h\"
			if (h ~ /^zstd/) h = \"zstd\"
			if (h in known && !((h, \$1) in ok))
				print \$1, \"includes\", \$2
			if (!(h in known) && h !~ /^(sys\\/|pthread|std|string|strings|errno|unistd|fcntl|limits|malloc|inttypes|time|signal|ctype|dirent|math|assert|poll|sched|spawn|netinet|arpa|stdalign|regex|fnmatch|immintrin|emmintrin|tmmintrin|x86intrin|arm_neon|cpuid)/)
				print \$1, \"includes unknown\", \$2
		}
	" allowed includes >bad &&
	test_must_be_empty bad
'

test_expect_success 'programs include no third-party header' '
	! grep -n "include <\(git2\|curl\|openssl\|zstd\|xxhash\|zlib\|lzma\|bzlib\|isa-l\)" \
		"$CASG_SOURCE_DIR"/plumbing/*.c
'

test_expect_success 'the library does not print, exit or read the environment' '
	for f in "$lib"/*.[ch]; do
		case $f in */cli*.[ch]) continue ;; esac
		strip_comments "$f" >code &&
		! grep -nE "(^|[^A-Za-z0-9_>.])(printf|fprintf|vfprintf|vprintf|puts|fputs|putchar|putc|fputc|perror|exit|_exit|_Exit|quick_exit|abort|assert|getenv|secure_getenv|setenv|err|errx|warnx)[ ]*\(" code >found ||
			{ echo "$f:" && cat found && return 1; }
	done
'

test_lazy_prereq OBJDUMP 'command -v objdump && ! nm "$CASG_BUILD_DIR/libcasg.a" 2>/dev/null | grep __asan'

test_expect_success OBJDUMP 'the library keeps no mutable state at file scope' '
	objdump -t "$CASG_BUILD_DIR/libcasg.a" >symbols &&
	test -s symbols &&
	! grep -E " O (\.data|\.bss|\.data\.rel|\.data\.rel\.local|\.tdata|\.tbss|COMMON)([^.a-z]|\$)" symbols
'

# lib/clirepo.c keeps libgit2 from reading certificates; nobody else may be kept from it
test_expect_success OBJDUMP 'programs that reach servers read certificates' '
	for f in "$CASG_BUILD_DIR"/plumbing/casg-remote-*; do
		case $f in *.c | *.o | *.adoc) continue ;; esac
		objdump -t "$f" >symbols && test_grep " main\$" symbols && test_grep ! mbedtls_ symbols || return 1
	done
'

test_expect_success 'every header compiles alone, twice included' '
	for f in "$lib"/*.h; do
		printf "#include \"%s\"\n#include \"%s\"\n" "$f" "$f" >alone.c &&
		${CC:-cc} -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only \
			-I"$lib" alone.c || return 1
	done
'

# ---- commands, their pages and their usage

doc=$CASG_SOURCE_DIR/Documentation
list=$CASG_SOURCE_DIR/command-list.txt

test_expect_success 'command-list.txt names every program and no other' '
	awk "!/^#/ && NF && \$2 != \"guide\" { print \$1 }" "$list" | sort >listed &&
	{
		echo casg-version &&
		(cd "$CASG_BUILD_DIR/bin-wrappers" && ls -d casg-*) | grep -v "^casg-sh-"
	} | sort >programs &&
	test_cmp programs listed
'

test_expect_success 'everything in plumbing/ and porcelain/ is built' '
	(cd "$CASG_SOURCE_DIR" && ls plumbing/*.c porcelain/casg-*.sh) |
	sed "s|.*/||; s|\.[a-z]*\$||" | sort >sources &&
	(cd "$CASG_BUILD_DIR/bin-wrappers" && ls -d casg-*) | sort >programs &&
	test_cmp sources programs
'

# makefile_list NAME: the words of a list there, without folders and suffixes
makefile_list () {
	awk -v name="$1" '
		$1 == name && $2 == "=" { on = 1; next }
		!on { next }
		{ print $1; if ($NF != "\\") exit }
	' "$CASG_SOURCE_DIR/Makefile.am" | sed "s|.*/||; s|\.sh\$||"
}

test_expect_success 'the lists of Makefile.am, of command-list.txt and of files agree' '
	for group in plumbing porcelain; do
		awk -v g=$group "!/^#/ && \$2 == g && \$1 != \"casg-version\" { print \$1 }" \
			"$list" | sort >listed &&
		makefile_list $group | sort >made &&
		test -s made &&
		test_cmp made listed || return 1
	done &&
	(cd "$CASG_SOURCE_DIR/plumbing" && ls *.c) | sed "s/\.c\$//" >sources &&
	makefile_list plumbing >made &&
	test_cmp sources made &&
	(cd "$TEST_DIRECTORY" && ls t[0-9]*.sh) | sed "s/\.sh\$//" >sources &&
	sed -n "s/^waiting_tests = //p" "$CASG_SOURCE_DIR/Makefile.am" | tr " " "\\n" |
	sed "s|.*/||; s|\.sh\$||" >waiting && test -s waiting &&
	{ makefile_list shell_tests && makefile_list long_tests; } | sort - waiting >made &&
	test_cmp sources made &&
	(cd "$TEST_DIRECTORY/unit" && ls test-*.c) | sed "s/\.c\$//" >sources &&
	makefile_list unit_tests >made &&
	test_cmp sources made
'

test_expect_success 'scripts that are run are executable, sourced ones are not' '
	for f in "$CASG_SOURCE_DIR"/porcelain/casg-*.sh; do
		case $f in
		*/casg-sh-*) test ! -x "$f" ;;
		*) test -x "$f" ;;
		esac || { echo "$f" && return 1; }
	done &&
	test -x "$CASG_SOURCE_DIR/bootstrap" &&
	test -x "$CASG_SOURCE_DIR/bin-wrappers/casg"
'

test_expect_success 'command-list.txt: groups and summaries are well-formed' '
	awk "!/^#/ && NF && (NF < 4 || \$2 !~ /^(porcelain|plumbing|guide)\$/)" "$list" >bad &&
	test_must_be_empty bad
'

test_expect_success 'every entry has a page, with the summary of the list' '
	awk "!/^#/ && NF { print \$1 }" "$list" >names &&
	while read -r name; do
		test_path_is_file "$doc/$name.adoc" || return 1
		summary=$(awk -v n="$name" "\$1 == n { sub(/^[^ ]+ +[^ ]+ +/, \"\"); print }" "$list") &&
		test_grep "^$name - $summary\$" "$doc/$name.adoc" || return 1
	done <names
'

test_expect_success 'every page is in Makefile.am' '
	(cd "$doc" && ls *.adoc) | sed "s/\.adoc\$//" >pages &&
	while read -r page; do
		grep -q "Documentation/$page\.[157]" "$CASG_SOURCE_DIR/Makefile.am" ||
			{ echo "$page" && return 1; }
	done <pages
'

# The lines of a page's SYNOPSIS.
synopsis () {
	awk '/^== / || /^-+$/ && seen { on = 0 }
	     /^(== )?SYNOPSIS$/ { on = 1; seen = 0; next }
	     on && /^casg/ { gsub(/[`*]/, ""); sub(/ \+$/, ""); print }' "$1"
}

test_expect_success '-h of every program is the SYNOPSIS of its page' '
	awk "!/^#/ && NF && \$2 != \"guide\" { print \$1 }" "$list" >names &&
	while read -r name; do
		if test "$name" = casg-version; then
			test_expect_code 129 casg version -h >out
		else
			test_expect_code 129 "$name" -h >out
		fi </dev/null || { echo "$name" && return 1; }
		sed -n "s/^usage: //p; s/^   or: //p" out >usage &&
		synopsis "$doc/$name.adoc" >expect &&
		test -s usage && test_cmp expect usage || { echo "$name" && return 1; }
	done <names
'

test_expect_success 'every option in -h is described in the page' '
	while read -r name; do
		"$name" -h </dev/null 2>&1 |
		sed -n "s/^    \(-., \)\{0,1\}\(--[a-z0-9-]*\).*/\2/p" >options &&
		while read -r option; do
			grep -q -e "$option" "$doc/$name.adoc" ||
				{ echo "$name $option" && return 1; }
		done <options
	done <programs
'

# ---- shell

# what is in a tarball has been looked at
test_lazy_prereq CHECKOUT 'test -e "$CASG_SOURCE_DIR/.git"'

test_expect_success SHELLCHECK,CHECKOUT 'shellcheck' '
	# opt_* come from casg_options; functions are called by traps
	(
		cd "$CASG_SOURCE_DIR" &&
		set -- porcelain/*.sh bin-wrappers/casg bootstrap .ci/run &&
		for f in contrib/*.sh contrib/completion/*sh t/perf/*.sh t/golden/*.sh t/fuzz/*.sh; do
			test -f "$f" && set -- "$@" "$f"
		done
		shellcheck -x -P SCRIPTDIR -P . -e SC2015,SC2154,SC2317 "$@"
	)
'

# bodies are in single quotes, variables come from the library
test_expect_success SHELLCHECK,CHECKOUT 'shellcheck of the tests' '
	(
		cd "$CASG_SOURCE_DIR" &&
		shellcheck -e SC1090,SC1091,SC2015,SC2016,SC2034,SC2094,SC2154 \
			t/test-lib.sh t/t[0-9]*.sh
	)
'

test_done
