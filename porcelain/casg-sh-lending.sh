# shellcheck shell=sh
# casg-sh-lending - repositories that use the packs of others.  After
#
#	# shellcheck source=porcelain/casg-sh-lending.sh
#	. "${0%/*}/casg-sh-lending"
#	casg_repo
#
# casg_register tells every repository that this one borrows from (its Git
# alternates, as git clone --shared and --reference make them) about it, and
#
#	casg_list_lent DIR >FILE
#
# puts the ids of the packs of this repository that its borrowers need into
# FILE, sorted, one a line.  Whoever moves or deletes packs keeps those.  DIR is
# a folder for scratch files; casg-sh-versions must have been sourced.
#
#	casg_lock_lending
#
# takes the lock "refs" of this repository and that of each borrower, so that
# none makes a ref name what is about to go; casg_unlock_lending lets the
# latter go, and is for the EXIT trap, too: $? stays as it is.  casg-sh-lock
# must have been sourced.  1 if a borrower's folder cannot be written to.
#
# The borrowers are in casg/borrowers, the path of a Git directory a line.  One
# that cannot be read ends the script with 128: it may need anything.

casg_lent_locks='' casg_unlockable=''

# Whoever holds its own lock and waits for that of another may be waited for by
# that one: so all are let go when one is held.
casg_lock_lending () {
	casg_said=''
	casg_lock refs
	until casg_lock_borrowers; do
		casg_unlock_lending
		casg_unlock refs
		test -n "$casg_said" || test -n "${opt_quiet-}" ||
			echo "waiting for a borrower (lock '$casg_lock_file')" >&2
		casg_said=1
		sleep 0.1
		casg_lock refs
	done
	test -z "$casg_unlockable"
}

casg_lock_borrowers () {
	casg_unlockable=''
	test -s "$CASG_PATH/borrowers" || return 0
	casg_own=$CASG_PATH casg_own_locks=$casg_locks
	sort -u "$CASG_PATH/borrowers" >"$casg_own/tmp/lent-$$" || exit 128
	casg_held=0
	while IFS= read -r casg_borrower; do
		test -d "$casg_borrower/casg/packs" || continue
		if ! mkdir -p "$casg_borrower/casg/state" 2>/dev/null ||
			! test -w "$casg_borrower/casg/state"; then
			casg_unlockable=$casg_borrower
			continue
		fi
		CASG_PATH=$casg_borrower/casg
		casg_lock refs nowait
		casg_held=$?
		CASG_PATH=$casg_own casg_locks=$casg_own_locks
		test $casg_held = 0 || break
		casg_lent_locks=$casg_lent_locks$casg_borrower/casg/state/refs.lock$casg_lf
	done <"$casg_own/tmp/lent-$$"
	rm -f "$casg_own/tmp/lent-$$"
	return $casg_held
}

casg_unlock_lending () {
	casg_was=$?
	printf %s "$casg_lent_locks" | while IFS= read -r casg_file; do
		rm -f -- "$casg_file" "$casg_file-$$"
	done
	casg_lent_locks=''
	return $casg_was
}

casg_register () {
	casg_self=$(cd "${CASG_PATH%/casg}" && pwd -P) || exit 128
	git count-objects -v | sed -n 's/^alternate: //p' |
	while IFS= read -r casg_objects; do
		casg_lender=${casg_objects%/objects}/casg
		test -d "$casg_lender/packs" || continue
		! grep -qFx -e "$casg_self" "$casg_lender/borrowers" 2>/dev/null || continue
		{ printf '%s\n' "$casg_self" >>"$casg_lender/borrowers"; } 2>/dev/null ||
			warn "cannot write '$casg_lender/borrowers': add the line '$casg_self', or casg gc there may drop what is needed here"
	done
}

# The packs that one of them needs, its own among them.
casg_list_needed_by () {
	casg_own=$CASG_PATH
	CASG_PATH=$2/casg
	casg_list_versions "$1" >"$1/lent-versions"
	CASG_PATH=$casg_own
	CASG_DIR=$2 casg-reachable-packs <"$1/lent-versions"
}

casg_list_lent () {
	test -s "$CASG_PATH/borrowers" || return 0
	: >"$1/lent-needed" && cat "$CASG_PATH/borrowers" >"$1/lent-to" || exit 128
	while IFS= read -r casg_borrower; do
		test -d "$casg_borrower/casg/packs" ||
			die "'$casg_borrower' may need packs, but is not there; if it is gone for good, remove its line from '$CASG_PATH/borrowers'"
		casg_list_needed_by "$1" "$casg_borrower" >>"$1/lent-needed" ||
			die "cannot find out which packs '$casg_borrower' needs"
	done <"$1/lent-to"
	sort -u "$1/lent-needed" | while read -r casg_id; do
		for casg_folder in packs quarantine; do
			test ! -e "$CASG_PATH/$casg_folder/pack-$casg_id.pack" || echo "$casg_id"
		done
	done | sort -u || exit 128
}
