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
# A lock is a file with the process id and the host of its holder.  One whose
# holder was on this host and is gone is broken.

casg_locks=''

# casg_lock NAME [nowait]: take it, waiting for others; "nowait": 1 if held.
casg_lock () {
	casg_lock_file=$CASG_PATH/state/$1.lock
	test -d "$CASG_PATH/state" || mkdir -p "$CASG_PATH/state" || exit 128
	{ read -r casg_host </proc/sys/kernel/hostname || casg_host=$(uname -n); } 2>/dev/null
	casg_waited=
	until (set -C && echo "$$ $casg_host" >"$casg_lock_file") 2>/dev/null; do
		test -e "$casg_lock_file" || test -w "$CASG_PATH/state" ||
			die "cannot write to '$CASG_PATH/state'"
		casg_holder='' casg_where=''
		read -r casg_holder casg_where 2>/dev/null <"$casg_lock_file"
		if test -n "$casg_where" && test "$casg_where" = "$casg_host" &&
			! kill -0 "$casg_holder" 2>/dev/null; then
			casg_break_lock
			continue
		fi
		test "${2-}" != nowait || return 1
		test -n "$casg_waited" || test -n "${opt_quiet-}" ||
			echo "waiting for another import or gc (process $casg_holder on $casg_where)" >&2
		casg_waited=1
		sleep 0.1
	done
	casg_locks="$casg_locks $1"
}

# Its holder is gone.  Renaming makes sure that only one of us removes it,
# and that it is the same lock still.
casg_break_lock () {
	mv "$casg_lock_file" "$casg_lock_file-$$" 2>/dev/null || return
	read -r casg_now casg_where_now <"$casg_lock_file-$$"
	if test "$casg_now $casg_where_now" = "$casg_holder $casg_where"; then
		rm -f "$casg_lock_file-$$"
	else
		ln "$casg_lock_file-$$" "$casg_lock_file" 2>/dev/null
		rm -f "$casg_lock_file-$$"
	fi
}

# casg_unlock NAME: let it go, if this process holds it.
casg_unlock () {
	case "$casg_locks " in
	*" $1 "*) rm -f "$CASG_PATH/state/$1.lock" ;;
	esac
	casg_kept=
	for casg_name in $casg_locks; do
		test "$casg_name" = "$1" || casg_kept="$casg_kept $casg_name"
	done
	casg_locks=$casg_kept
}

casg_unlock_all () {
	for casg_name in $casg_locks; do
		casg_unlock "$casg_name"
	done
}
