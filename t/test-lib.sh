# shellcheck shell=sh
# test-lib - the shell half of the test suite, in the manner of git's t/.
#
# A test file is t/tNNNN-what.sh:
#
#	#!/bin/sh
#	test_description='what is tested here'
#	. "$(dirname "$0")/test-lib.sh"
#
#	test_expect_success 'a name' '
#		casg something >out &&
#		test_cmp expect out
#	'
#	test_done
#
# It runs in a folder of its own (a space in its name keeps quoting honest),
# removed when everything passed.  Options, also through CASG_TEST_OPTS:
#   -v  show what the tests print       -x  trace the commands
#   -i  stop at the first failure       -d  keep the folder
# Every line of a body must be joined to the next by &&; a body that breaks
# the chain is an error of the test file.

# ---- where things are

if test -z "${CASG_SOURCE_DIR-}"; then
	CASG_SOURCE_DIR=$(cd "$(dirname "$0")/.." && pwd) || exit 1
fi
: "${CASG_BUILD_DIR:=$CASG_SOURCE_DIR}"
TEST_DIRECTORY=$CASG_SOURCE_DIR/t
export CASG_SOURCE_DIR CASG_BUILD_DIR TEST_DIRECTORY

test_file=$(basename "$0" .sh)
test_verbose='' test_immediate='' test_trace='' test_keep=${TEST_KEEP-}

# shellcheck disable=SC2086 # words are wanted
set -- ${CASG_TEST_OPTS-} "$@"
for test_opt in "$@"; do
	case $test_opt in
	-v | --verbose) test_verbose=t ;;
	-i | --immediate) test_immediate=t ;;
	-x) test_trace=t test_verbose=t ;;
	-d | --debug) test_keep=t ;;
	*)
		echo "error: unknown test option '$test_opt'" >&2
		exit 1
		;;
	esac
done

# ---- the same world on every machine

for test_var in $(env | sed -n 's/^\(CASG_[A-Za-z0-9_]*\)=.*/\1/p; s/^\(GIT_[A-Za-z0-9_]*\)=.*/\1/p'); do
	case $test_var in
	CASG_SOURCE_DIR | CASG_BUILD_DIR | CASG_TEST_LONG | CASG_TEST_OPTS | CASG_TEST_ROOT) ;;
	CASG_TEST_PIN | CASG_TEST_POINTS | CASG_TEST_REMOTE_URL | CASG_TEST_REQUIRE | CASG_TEST_UNTIL) ;;
	*) unset "$test_var" ;;
	esac
done
unset CDPATH GREP_OPTIONS MAKEFLAGS MFLAGS MAKELEVEL XDG_CONFIG_HOME XDG_CACHE_HOME SOURCE_DATE_EPOCH
LC_ALL=C TZ=UTC TERM=dumb PAGER=cat
GIT_CONFIG_NOSYSTEM=1
GIT_AUTHOR_NAME='A U Thor' GIT_AUTHOR_EMAIL=author@example.org
GIT_COMMITTER_NAME='C O Mitter' GIT_COMMITTER_EMAIL=committer@example.org
GIT_AUTHOR_DATE='1709287200 +0000' GIT_COMMITTER_DATE='1709287200 +0000'
export LC_ALL TZ TERM PAGER GIT_CONFIG_NOSYSTEM GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL
export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_AUTHOR_DATE GIT_COMMITTER_DATE

# A sanitizer's finding must not look like our own 1 or 128.
: "${ASAN_OPTIONS:=exitcode=99:detect_leaks=0}"
: "${UBSAN_OPTIONS:=exitcode=99:print_stacktrace=1}"
export ASAN_OPTIONS UBSAN_OPTIONS

# Who ignores SIGPIPE, as some that run tests do, has all they start ignore it,
# and a shell cannot undo that itself.
if sh -c 'kill -s PIPE $$' && env --default-signal=PIPE true 2>/dev/null; then
	exec env --default-signal=PIPE /bin/sh "$0" "$@"
fi

# Who has no more time says so, and what was left out is known by name.
if test -n "${CASG_TEST_UNTIL-}"; then
	test "$(date +%s)" -lt "$CASG_TEST_UNTIL" || {
		echo "1..0 # SKIP no time left"
		exit 0
	}
	unset CASG_TEST_UNTIL
fi

# With CASG_TEST_PIN, all that this file starts runs on one processor, which no
# other file has meanwhile: starting processes is cheaper there.
if test -n "${CASG_TEST_PIN-}"; then
	unset CASG_TEST_PIN
	test_cpu=0 test_ncpus=$(nproc)
	while :; do
		flock -n -o -E 77 "$CASG_BUILD_DIR/t/.cpu-$test_cpu" taskset -c "$test_cpu" /bin/sh "$0" "$@"
		test_status=$?
		test $test_status = 77 || exit $test_status
		test_cpu=$(((test_cpu + 1) % test_ncpus))
		test $test_cpu != 0 || sleep 0.3
	done
fi

PATH=$CASG_BUILD_DIR/bin-wrappers:$CASG_BUILD_DIR/t/helper:$PATH
export PATH
umask 022

LF='
'
TAB=$(printf '\t')

# ---- results

test_count=0 test_failures=0 test_fixed=0 test_broken=0
test_finished='' test_cleanup=:

test_say () {
	printf '%s\n' "$*" >&5
}

# A mistake in the test file itself.
test_bug () {
	test_say "Bail out! error in $test_file: $*"
	test_finished=t
	exit 1
}

test_exit () {
	test_code=$?
	trap - EXIT
	if test -z "$test_finished"; then
		test_say "# $test_file ended early, status $test_code"
		test $test_code != 0 || test_code=1
	fi
	exit $test_code
}

# ---- prerequisites

test_prereqs=' ' test_lazy=' '

# test_set_prereq NAME
test_set_prereq () {
	test_prereqs="$test_prereqs$1 "
}

# test_lazy_prereq NAME 'script': holds when the script succeeds; run once.
test_lazy_prereq () {
	test_lazy="$test_lazy$1 "
	eval "test_lazy_script_$1=\$2"
}

# test_have_prereq A,B,!C: whether all of them hold; the rest in $test_missing.
test_have_prereq () {
	test_missing=
	test_ifs=$IFS
	IFS=,
	# shellcheck disable=SC2086,SC2048 # words are wanted
	set -- $*
	IFS=$test_ifs
	for test_p in "$@"; do
		test_neg=
		case $test_p in !*) test_neg=t test_p=${test_p#!} ;; esac
		case $test_lazy in *" $test_p "*)
			test_lazy=$(printf '%s' "$test_lazy" | sed "s/ $test_p / /")" "
			eval "test_script=\$test_lazy_script_$test_p"
			if (
				mkdir -p "$TRASH_DIRECTORY/.prereq" &&
				cd "$TRASH_DIRECTORY/.prereq" && eval "$test_script"
			) >/dev/null 2>&1 </dev/null; then
				test_set_prereq "$test_p"
			fi
			rm -rf "$TRASH_DIRECTORY/.prereq"
			;;
		esac
		case $test_prereqs in
		*" $test_p "*) test -z "$test_neg" || test_missing="$test_missing !$test_p" ;;
		*) test -n "$test_neg" || test_missing="$test_missing $test_p" ;;
		esac
	done
	test -z "$test_missing"
}

# ---- running a body

test_chain_probe () {
	return 117
}

# Apart, so that a "return" in a body ends the body only.
test_eval () {
	eval "$1"
}

# If the body's first command fails with 117, a chained body ends with 117.
test_check_chain () {
	test_eval "test_chain_probe && $1" >/dev/null 2>&1 </dev/null
	test $? = 117 || test_bug "broken &&-chain: $2"
}

test_run () {
	test_cleanup=:
	if test -n "$test_trace"; then
		set -x
	fi
	test_eval "$1"
	test_status=$?
	eval "$test_cleanup"
	{ set +x; } 2>/dev/null
	return $test_status
}

# test_start [PREREQ] NAME BODY: sets $test_name, $test_body; fails if skipped.
test_start () {
	test_need=
	if test $# = 3; then
		test_need=$1
		shift
	fi
	test $# = 2 || test_bug "$# arguments for a test, not 2 or 3"
	test_name=$1 test_body=$2
	test_count=$((test_count + 1))
	if ! test_have_prereq "$test_need"; then
		test_say "ok $test_count # SKIP $test_name (needs$test_missing)"
		return 1
	fi
	test_check_chain "$test_body" "$test_name"
}

test_execute () {
	if test -n "$test_verbose"; then
		printf '\nexpecting: %s\n' "$test_body" >&6
		test_run "$test_body" >&6 2>&6 4>&6 </dev/null
	else
		test_run "$test_body" >"$test_output" 2>&1 4>&1 </dev/null
	fi
	test_result=$?
	cd "$TRASH_DIRECTORY" || test_bug "the trash directory is gone"
	return $test_result
}

test_show_output () {
	printf '%s\n' "$test_body" | sed 's/^/#	/' >&5
	test -n "$test_verbose" || sed 's/^/# /' "$test_output" >&5
}

# test_expect_success [PREREQ] NAME BODY
test_expect_success () {
	test_start "$@" || return 0
	if test_execute; then
		test_say "ok $test_count - $test_name"
		return 0
	fi
	test_failures=$((test_failures + 1))
	test_say "not ok $test_count - $test_name"
	test_show_output
	if test -n "$test_immediate"; then
		test_finished=t
		test_say "1..$test_count"
		exit 1
	fi
	return 0
}

# test_expect_failure: a known breakage, which should be mended one day.
test_expect_failure () {
	test_start "$@" || return 0
	if test_execute; then
		test_fixed=$((test_fixed + 1))
		test_say "ok $test_count - $test_name # TODO known breakage vanished"
	else
		test_broken=$((test_broken + 1))
		test_say "not ok $test_count - $test_name # TODO known breakage"
	fi
	return 0
}

# skip_all REASON: before the first test, when none can run.
skip_all () {
	test_say "1..0 # SKIP $*"
	test_finished=t
	cd "$TRASH_ROOT" && rm -rf "$TRASH_DIRECTORY" "$test_output"
	exit 0
}

test_done () {
	test_finished=t
	test_say "1..$test_count"
	if test $test_failures != 0; then
		test_say "# $test_failures of $test_count failed; see $TRASH_DIRECTORY"
		exit 1
	fi
	rm -f "$test_output"
	if test -z "$test_keep"; then
		cd "$TRASH_ROOT" && chmod -R u+w "$TRASH_DIRECTORY" &&
			rm -rf "$TRASH_DIRECTORY"
		# the last one out
		rmdir "$TRASH_ROOT" 2>/dev/null
	fi
	exit 0
}

# require_server PREREQ: where CASG_TEST_REQUIRE is set, a test that would be
# skipped for want of the server is a failure.
require_server () {
	test -z "${CASG_TEST_REQUIRE-}" || test_have_prereq "$1" || {
		test_say "Bail out! $test_file: not installed: $1"
		test_finished=t
		exit 1
	}
}

# ---- what bodies use

# test_when_finished CMD...: run at the end of this test, pass or fail.
test_when_finished () {
	test_cleanup="{ $*
		} || test_status=\$?; $test_cleanup"
}

# test_every N: what takes long is done the first time and then every N-th, with
# CASG_TEST_LONG always.  All calls in a file count together.
test_calls=0
test_every () {
	test_calls=$((test_calls + 1))
	test -n "${CASG_TEST_LONG-}" || test $((test_calls % $1)) = $((1 % $1))
}

# test_expect_code N CMD...: the exit status is exactly N.
test_expect_code () {
	test_want=$1
	shift
	"$@"
	test_got=$?
	test "$test_got" = "$test_want" && return 0
	echo "test_expect_code: status $test_got, not $test_want: $*" >&4
	return 1
}

# test_must_fail CMD...: a refusal of ours, 1 or 128; not a crash (a signal,
# a sanitizer), not a usage error.
test_must_fail () {
	"$@"
	test_got=$?
	case $test_got in
	1 | 128) return 0 ;;
	0) echo "test_must_fail: succeeded: $*" >&4 ;;
	*) echo "test_must_fail: status $test_got: $*" >&4 ;;
	esac
	return 1
}

# test_cmp EXPECT ACTUAL: text, with a diff.  test_cmp_bin: bytes.
test_cmp () {
	for test_f in "$1" "$2"; do
		test -f "$test_f" || {
			echo "test_cmp: no file '$test_f'" >&2
			return 1
		}
	done
	diff -u "$1" "$2"
}

test_cmp_bin () {
	cmp "$1" "$2"
}

# test_line_count = N FILE
test_line_count () {
	test_lines=$(wc -l <"$3")
	# shellcheck disable=SC2086 # wc may pad
	test $test_lines "$1" "$2" && return 0
	echo "test_line_count: $test_lines lines in $3, not $1 $2" >&2
	cat "$3" >&2
	return 1
}

# test_grep [!] PATTERN FILE: as grep, but shows the file on failure.
test_grep () {
	test_want=0
	if test "$1" = !; then
		test_want=1
		shift
	fi
	grep -e "$1" "$2" >/dev/null
	test $? = $test_want && return 0
	echo "test_grep: '$1' $(test $test_want = 0 && echo not || echo is) in $2:" >&2
	cat "$2" >&2
	return 1
}

test_must_be_empty () {
	test -f "$1" || test_bug "test_must_be_empty: no file '$1'"
	test ! -s "$1" && return 0
	echo "'$1' is not empty:" >&2
	cat "$1" >&2
	return 1
}

test_path_is_file () {
	test -f "$1" && return 0
	echo "no file '$1'" >&2
	return 1
}

test_path_is_dir () {
	test -d "$1" && return 0
	echo "no folder '$1'" >&2
	return 1
}

test_path_is_missing () {
	test ! -e "$1" && return 0
	echo "'$1' should not be there" >&2
	return 1
}

# flip_byte FILE OFFSET: change one byte of a file in place, to something else.
flip_byte () {
	test_byte=$(od -An -tu1 -j"$2" -N1 "$1" | tr -d ' ') &&
	test -n "$test_byte" &&
	chmod u+w "$1" &&
	test_byte=$(printf '%04o' $((test_byte ^ 255))) &&
	printf '%b' "\\$test_byte" |
	dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# wait_for CMD...: until it succeeds.  Five minutes at least, as long as nothing
# can take on a loaded machine: who waits in vain has failed.  What is waited for
# must stay until it is seen: see stop_while for what passes.
wait_for () {
	test_waits=0
	until "$@" >/dev/null 2>&1; do
		test_waits=$((test_waits + 1))
		if test $test_waits = 6000; then
			echo "waited in vain for: $*" >&4
			return 1
		fi
		sleep 0.05
	done
}

# states PGID: of the processes of a group, as ps has them, each once; those that
# have ended and that nobody has waited for do not count.
states () {
	ps -A -o pgid= -o stat= |
		awk -v g="$1" '$1 == g && $2 !~ /^[ZX]/ { print substr($2, 1, 1) }' | sort -u
}

# none_of PGID: whether all of its processes are gone.
none_of () {
	test -z "$(states "$1")"
}

# stop_while PGID CMD...: stop all of a process group at a moment when CMD
# succeeds, so that it still does when the caller goes on.  Fails if the leader
# ends first.  A signal sent to the group then is what it gets first when it
# is told to go on, by SIGCONT.
stop_while () {
	test_group=$1
	shift
	wait_for stopped_or_gone "$@" && test -z "$test_gone"
}

stopped_or_gone () {
	test_gone=
	if ! "$@"; then
		case $(ps -o stat= -p "$test_group") in
		[ZX]* | "") test_gone=1 ;;
		esac
		test -n "$test_gone"
		return
	fi
	kill -s STOP -- "-$test_group" || return
	# some may have to come out of a system call first
	until test "$(states "$test_group")" = T || none_of "$test_group"; do
		sleep 0.01
	done
	"$@" && return
	kill -s CONT -- "-$test_group"
	return 1
}

# test_tick: the next commit is a minute later.
test_tick () {
	test_time=$((${test_time-1709287200} + 60))
	GIT_AUTHOR_DATE="$test_time +0000" GIT_COMMITTER_DATE="$test_time +0000"
	export GIT_AUTHOR_DATE GIT_COMMITTER_DATE
}

# ---- start

# also where there is none
exec </dev/null

# 5: TAP; 6: what -v shows; 4: what helpers complain, also under 2>err
exec 4>&2 5>&1 6>&2

TRASH_ROOT=${CASG_TEST_ROOT:-$CASG_BUILD_DIR/t/trash}
TRASH_DIRECTORY="$TRASH_ROOT/trash directory.$test_file"
test_output=$TRASH_ROOT/$test_file.out
HOME=$TRASH_DIRECTORY
export HOME TRASH_DIRECTORY
# git must not find the repository that the build tree may lie in
GIT_CEILING_DIRECTORIES=$TRASH_ROOT
export GIT_CEILING_DIRECTORIES

if ! test -x "$CASG_BUILD_DIR/bin-wrappers/casg"; then
	echo "Bail out! nothing is built in $CASG_BUILD_DIR; run make first"
	exit 1
fi
test ! -e "$TRASH_DIRECTORY" || { chmod -R u+w "$TRASH_DIRECTORY" && rm -rf "$TRASH_DIRECTORY"; }
if ! mkdir -p "$TRASH_DIRECTORY" || ! cd "$TRASH_DIRECTORY"; then
	echo "Bail out! cannot make '$TRASH_DIRECTORY'"
	exit 1
fi
trap test_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
: "${test_description:?the test file sets no test_description}"

test_lazy_prereq DEVFULL 'test -c /dev/full && test -w /dev/full'
test_lazy_prereq NOTROOT 'test "$(id -u)" != 0'
test_lazy_prereq SHELLCHECK 'command -v shellcheck'
test_lazy_prereq JQ 'command -v jq'
test_lazy_prereq XZ 'command -v xz'
test_lazy_prereq ZSTD 'command -v zstd'
test_lazy_prereq BZIP2 'command -v bzip2'
test_lazy_prereq BGZIP 'command -v bgzip'
test_lazy_prereq STRACE 'command -v strace && strace -o /dev/null true'
test_lazy_prereq EXPENSIVE 'test -n "${CASG_TEST_LONG-}"'
