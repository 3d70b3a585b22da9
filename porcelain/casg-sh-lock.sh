# shellcheck shell=sh
# casg-sh-lock - the locks of a repository, for porcelain that writes.  After
#
#	# shellcheck source=porcelain/casg-sh-lock.sh
#	. "${0%/*}/casg-sh-lock"
#	casg_repo
#	casg_lock import
#
# this process holds casg/state/import.lock, until casg_unlock import, or
# casg_unlock_all from its EXIT trap.
#
# import  held by whoever writes packs and will name them, from before the
#         first look into the store until its ref has moved, and by whoever
#         moves or deletes packs.
# refs    held while a ref is moved to a new version, from before
#         casg-commit-tree checks that every pack of the version is there
#         until the ref has moved; and while packs go to quarantine.  Taken
#         after import, held for a moment.
#
# casg_unlock_all FILE... removes these, too, before the locks: one program for all.
#
# A lock is a file of one line: process id, host, and what tells this start of
# this machine (and container) from others.  It is written under another name
# and linked to its own, so that it never is there without its line; link(2)
# is also what holds on NFS.  The other name goes with it.  A lock is broken when its holder was on this host
# and is gone, and by nobody else: of other hosts we cannot tell.

casg_locks=''

casg_lock_line () {
	casg_host='' casg_boot=''
	{ read -r casg_host </proc/sys/kernel/hostname || casg_host=$(uname -n); } 2>/dev/null
	{ read -r casg_boot </proc/sys/kernel/random/boot_id; } 2>/dev/null
	casg_boot=${casg_boot:+$casg_boot/$(readlink /proc/self/ns/pid)}
	casg_line="$$ $casg_host${casg_boot:+ $casg_boot}"
}

# Is the holder that the line names gone for certain?
casg_is_gone () {
	# shellcheck disable=SC2086 # words are wanted
	set -- $1
	test $# -ge 2 && test "$2" = "$casg_host" || return
	case ${3-} in
	"" | "$casg_boot") casg_no_process "$1" ;;
	"${casg_boot%/*}"/*) return 1 ;; # another container of this machine
	*) test -n "$casg_boot" ;;       # before this machine was started again
	esac
}

# One of another user is there, too, though we may send it no signal.  One that
# has ended and that nobody waits for, as in a container whose first process
# does not, is not.
casg_no_process () {
	{ read -r casg_stat <"/proc/$1/stat"; } 2>/dev/null &&
		case ${casg_stat##*) } in [ZX]*) return 0 ;; esac
	case $(LC_ALL=C; export LC_ALL; kill -0 "$1" 2>&1) in
	*"o such process"*) return 0 ;;
	esac
	return 1
}

# casg_lock NAME [nowait]: take it, waiting for others; "nowait": 1 if held.
casg_lock () {
	casg_lock_file=$CASG_PATH/state/$1.lock
	test -d "$CASG_PATH/state" || mkdir -p "$CASG_PATH/state" || exit 128
	test -n "${casg_line-}" || casg_lock_line
	{ echo "$casg_line" >"$casg_lock_file-$$"; } 2>/dev/null || {
		rm -f "$casg_lock_file-$$"
		die "cannot write to '$CASG_PATH/state'"
	}
	casg_waited='' casg_tries=0 casg_where=''
	until casg_take; do
		casg_held=''
		if ! { read -r casg_held <"$casg_lock_file"; } 2>/dev/null && ! test -e "$casg_lock_file"; then
			# it has just been let go; if it never was there, links cannot be made
			casg_tries=$((casg_tries + 1))
			test $casg_tries -lt 50 || {
				rm -f "$casg_lock_file-$$"
				die "cannot make the lock '$casg_lock_file'"
			}
			continue
		fi
		casg_tries=0
		if casg_is_gone "$casg_held"; then
			casg_break_lock && continue
		elif test "${2-}" = nowait; then
			rm -f "$casg_lock_file-$$"
			return 1
		fi
		test -n "$casg_waited" || test -n "${opt_quiet-}" ||
			echo "waiting for another import or gc (process ${casg_held%% *} on $casg_where; lock '$casg_lock_file')" >&2
		casg_waited=1
		sleep 0.1
	done
	casg_locks="$casg_locks $1"
}

# NFS may answer "exists" to a link that it has made: the line tells.
casg_take () {
	ln "$casg_lock_file-$$" "$casg_lock_file" 2>/dev/null && return
	{ read -r casg_held <"$casg_lock_file"; } 2>/dev/null || return
	casg_where=${casg_held#* }
	casg_where=${casg_where%% *}
	test "$casg_held" = "$casg_line"
}

# Its holder is gone.  A name made of its line goes to one of those who see
# that, and from then on only that one removes it: what is linked to the name
# is what was there, and is looked at again, as it may be a new one already.
casg_break_lock () {
	casg_dead=$casg_lock_file-dead-${casg_held%% *}
	# whoever made it is gone as well
	test -z "$(find "$casg_dead" -mmin +1 2>/dev/null)" || rm -f "$casg_dead"
	ln "$casg_lock_file" "$casg_dead" 2>/dev/null || return
	{ read -r casg_now <"$casg_dead"; } 2>/dev/null || casg_now=''
	test "$casg_now" != "$casg_held" || rm -f "$casg_lock_file" "$casg_lock_file-${casg_held%% *}"
	rm -f "$casg_dead"
}

# casg_unlock NAME: let it go, if this process holds it.
casg_unlock () {
	case "$casg_locks " in
	*" $1 "*) rm -f "$CASG_PATH/state/$1.lock" "$CASG_PATH/state/$1.lock-$$" ;;
	esac
	casg_kept=
	for casg_name in $casg_locks; do
		test "$casg_name" = "$1" || casg_kept="$casg_kept $casg_name"
	done
	casg_locks=$casg_kept
}

casg_unlock_all () {
	# a wait that a signal has ended, perhaps when the lock was just made
	if test -n "${casg_lock_file-}"; then
		! test -e "$casg_lock_file-$$" || set -- "$@" "$casg_lock_file-$$"
		{ read -r casg_held <"$casg_lock_file"; } 2>/dev/null || casg_held=''
		test -z "${casg_line-}" || test "$casg_held" != "$casg_line" || set -- "$@" "$casg_lock_file"
	fi
	for casg_name in $casg_locks; do
		set -- "$@" "$CASG_PATH/state/$casg_name.lock" "$CASG_PATH/state/$casg_name.lock-$$"
	done
	test $# = 0 || rm -rf -- "$@"
	casg_locks=''
}

# For casg_at_exit: nothing of $tmp, and no lock, is left.
casg_let_go () {
	casg_status=$?
	trap '' INT TERM HUP
	trap - EXIT
	casg_unlock_all ${tmp:+"$tmp"}
	exit "$casg_status"
}
