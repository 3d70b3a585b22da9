# shellcheck shell=sh
# lib-faults - something goes wrong at every point where a command changes a
# file.  After test-lib: "scenario NAME" for a function NAME of "run" below.
# Of all points CASG_TEST_POINTS are tried (default: 2) for each fault, with
# CASG_TEST_LONG=1 every one.  "every_change NAME" tries each write, fsync and rename
# whatever these say, but only if one of them is set.

test_lazy_prereq TRACE 'casg-faults true'

test_lazy_prereq NOASAN '! nm "$CASG_BUILD_DIR/libcasg.a" 2>/dev/null | grep __asan'

test_lazy_prereq EVERY 'test -n "${CASG_TEST_POINTS-}${CASG_TEST_LONG-}"'

test_have_prereq NOASAN || skip_all "too slow under sanitizers, whose leak checks cannot be traced"
require_server TRACE
require_server STRACE
test_have_prereq TRACE || skip_all "processes cannot be traced here"

test_expect_success 'setup: releases that must survive' '
	casg-gen --seed 1 --type protein --records 200 >one.1 &&
	casg-gen --seed 2 --mutate one.1 --add 3 --change 5 --remove 2 >one.2 &&
	casg-gen --seed 3 --type dna --records 20 --length 2000 >two.1 &&
	casg-gen --seed 4 --mutate one.2 --add 3 --change 5 --describe 3 >one.3 &&
	casg init -q base &&
	cp one.1 one.fa && casg -C base import -q ../one.fa && git -C base tag one.1 &&
	cp one.2 one.fa && casg -C base import -q ../one.fa && git -C base tag one.2 &&
	cp two.1 two.fa && casg -C base import -q ../two.fa && git -C base tag two.1 &&
	cp one.3 one.fa &&
	for release in one.1 one.2 two.1; do
		echo "$release:${release%.*} $release" || return 1
	done >releases &&
	# what no version needs
	casg-gen --seed 5 >more && CASG_DIR=base/.git casg-pack -q more >records
'

# fresh: the repository as it was before, in work
fresh () {
	rm -rf work && cp -pR base work
}

# sound: fsck finds nothing, and every release in the file comes back
sound () {
	casg -C work fsck --quiet >fsck 2>&1 || { cat fsck && return 1; }
	come_back "$@"
}
come_back () {
	while read -r spec file; do
		CASG_DIR=work casg-assemble "$spec" >back 2>export.err && cmp "$file" back ||
			{ cat export.err && return 1; }
	done <"${1-releases}"
}

# chosen N: of so many points, the numbers that are tried; others every time,
# so that the tests together try more of them
round=0 every=${CASG_TEST_LONG-}
chosen () {
	step=1 round=$((round + 3))
	test -n "$every" || step=$(($1 / ${CASG_TEST_POINTS:-2} + 1))
	seq $((round % step + 1)) $step "$1"
}

# after CMD: after a fault everything is sound; the same again lands
after () {
	sound || { echo "not sound" && return 1; }
	(cd work && sh ../run "$1") >again 2>&1 || { echo "not to be done again:" && cat again && return 1; }
	if test -z "$every" || test_every 8; then
		sound "after.$1"
	else
		come_back "after.$1"
	fi || { echo "not sound after it was done again" && return 1; }
	git -C work status --porcelain >status && test_must_be_empty status
}

# at_each OPTION CMD ARG...: with casg-faults --OPTION=N ARG..., N being each point
at_each () {
	option=$1 cmd=$2
	shift 2
	fresh && (cd work && casg-faults "$@" --log=../log -- sh ../run "$cmd") &&
	npoints=$(($(wc -l <log))) && test "$npoints" -gt 10 &&
	for n in $(chosen "$npoints"); do
		fresh && {
			(cd work && timeout 600 casg-faults "$@" "--$option=$n" --log=../log.now -- sh ../run "$cmd") >out 2>&1
			status=$?
		} &&
		sed -n "${n}p" log.now >point &&
		after "$cmd" || { echo "--$option=$n (status $status):" && cat point out && return 1; }
	done
}

syscalls=write,pwrite64,writev,pwritev,fsync,fdatasync,rename,renameat,renameat2,link,linkat
syscalls=$syscalls,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,openat,open,creat
syscalls=$syscalls,ftruncate,truncate,fallocate

# scenario NAME: the tests of the shell function NAME, run in a repository
scenario () {
	test_expect_success "$1: nothing goes wrong" "
		fresh && (cd work && sh ../run $1) && sound after.$1 && cat fsck
	"

	test_expect_success STRACE "$1: every point that strace counts is seen" "
		fresh && (cd work && strace -f -o ../strace -e trace=$syscalls sh ../run $1) &&
		# what was begun, one line each; files only opened to read are no points
		grep -v '^[0-9]* *\(<\.\.\.\|+++\|---\)' strace |
		grep -v 'open\(at\)\{0,1\}([^)]*O_RDONLY[A-Z_|]*\(,\|)\| <\)' >counted &&
		fresh && (cd work && casg-faults --log=../log -- sh ../run $1) &&
		echo \"\$(wc -l <log) points, \$(wc -l <counted) of them counted by strace\" &&
		cut -f4 log | sort | uniq -c &&
		test \$(grep -vc '	close	\|	chmod	' log) -ge \$((\$(wc -l <counted)))
	"

	test_expect_success "$1: all processes killed at each point" "
		at_each kill-all $1
	"

	test_expect_success "$1: a process killed at each point" "
		at_each kill $1
	"

	test_expect_success "$1: the disk full from each point on" "
		at_each fail $1 --under=. --error=ENOSPC --only=write,fsync,open,truncate,mkdir,link
	"

	test_expect_success "$1: the disk dead from each point on" "
		at_each fail $1 --under=. --error=EIO
	"

	test_expect_success "$1: each point fails once" "
		at_each fail-once $1 --under=. --error=EIO
	"

	test_expect_success "$1: every write cut short" "
		fresh && (cd work && casg-faults --short=1 -- sh ../run $1) && sound after.$1
	"

	test_expect_success "$1: each read fails" "
		at_each fail $1 --under=. --error=EIO --only=read
	"
}

# every_change NAME
every_change () {
	every=1
	test_expect_success EVERY "$1: all processes killed at every write, fsync and rename" "
		at_each kill-all $1 --only=write,fsync,rename
	"

	test_expect_success EVERY "$1: the disk full at every write, fsync and rename" "
		at_each fail $1 --under=. --error=ENOSPC --only=write,fsync,rename
	"
}

# The commands are run by a shell of their own, so that it is traced as well.
# after.NAME: the releases that there must be afterwards.
cat >run <<\EOT
import () {
	casg import --quiet --threads=1 ../one.fa
}
gc () {
	casg gc --quiet --grace=0
}
repack () {
	casg repack --quiet -d
}
repack_all () {
	casg repack --quiet -a -d --threads=1
}
"$1"
EOT

{ cat releases && echo "one one.3"; } >after.import
for command in gc repack repack_all; do
	cp releases after.$command
done
