#!/bin/sh
# casg gc - packs that no version needs go, by way of quarantine.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg gc [--grace=SECONDS] [--auto] [--dry-run] [--quiet]
casg gc --remote=NAME [--grace=SECONDS] [--dry-run] [--quiet]
--
remote=NAME    delete what was replaced in the storages of NAME
grace=SECONDS  what is younger stays (default: casg.gcGrace)
auto           only if there is much to do, and nobody is in the way
n,dry-run      only say what would go
q,quiet        say nothing unless it fails
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-versions.sh
. "${0%/*}/casg-sh-versions"
# shellcheck source=porcelain/casg-sh-lending.sh
. "${0%/*}/casg-sh-lending"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"

tmp=''

# Git's own objects, while nobody is about to name new ones.  Not before all
# could be read: git gc drops what it cannot read from a reflog.
pack_git () {
	test -z "$opt_dry_run" || return 0
	# derived, and names commits that are about to be pruned: 'git gc' writes it
	# anew at its end, which it may not live to see
	test -n "$opt_auto" || rm -rf "$casg_common/objects/info/commit-graph" \
		"$casg_common/objects/info/commit-graphs"
	mend_git
	echo $$ >"$CASG_PATH/state/git-gc" || exit 128
	# which objects borrowers need is not known: all stay
	if test -s "$CASG_PATH/borrowers"; then
		git -c gc.autoDetach=false -c gc.pruneExpire=never gc --quiet ${opt_auto:+--auto}
	elif test -n "$opt_auto"; then
		git -c gc.autoDetach=false gc --auto --quiet
	elif test -n "$opt_grace"; then
		prune=now
		test "$opt_grace" = 0 || prune=$opt_grace.seconds.ago
		git gc --quiet --prune="$prune"
	else
		git gc --quiet
	fi || die "'git gc' failed"
	rm -f "$CASG_PATH/state/git-gc"
}

# One that was killed leaves the locks of git, and nobody else removes them.
# Those that stay as they are for a second while it is gone are its.
mend_git () {
	test -e "$CASG_PATH/state/git-gc" || return 0
	if read -r pid _ <"$casg_common/gc.pid" 2>/dev/null && kill -0 "$pid" 2>/dev/null; then
		return 0
	fi
	rm -f "$casg_common/gc.pid" "$casg_common/gc.pid.lock"
	git_locks >"$tmp/locks" && test -s "$tmp/locks" || return 0
	sleep 1
	git_locks >"$tmp/locks-now"
	comm -12 "$tmp/locks" "$tmp/locks-now" | sed 's/^ *[0-9]* //' | while IFS= read -r lock; do
		rm -f -- "$lock"
	done
}

# Inode and name.  Of index.lock an editor may be the holder, and casg's own
# are elsewhere.  packed-refs.new is a lock as well: git does not write over it.
git_locks () {
	find "$casg_common" -path "$CASG_PATH" -prune -o \
		\( -name '*.lock' -o -name packed-refs.new \) ! -name index.lock \
		-exec ls -di {} + | sort
}

# The packs that versions need: $tmp/needed.
mark () {
	casg_list_versions "$tmp" >"$tmp/versions" && casg_list_lent "$tmp" >"$tmp/lent" || exit 128
	list_needed
}

list_needed () {
	casg-reachable-packs <"$tmp/versions" >"$tmp/needed" || exit 128
	test ! -s "$tmp/lent" || cat "$tmp/lent" >>"$tmp/needed" || exit 128
}

# prune ARG...: the receipt grows.
prune () {
	casg-prune-packs ${opt_dry_run:+--dry-run} "$@" >>"$tmp/receipt" || exit 128
}

# Both are empty, as a rule.
same () {
	{ test ! -s "$1" && test ! -s "$2"; } || cmp -s "$1" "$2"
}

# The same once more, if it has become another list.
look_again () {
	test -z "$opt_dry_run" || return 0
	casg_list_versions "$tmp" >"$tmp/versions-now" && casg_list_lent "$tmp" >"$tmp/lent-now" || exit 128
	cmp -s "$tmp/versions" "$tmp/versions-now" && same "$tmp/lent" "$tmp/lent-now" || {
		mv "$tmp/versions-now" "$tmp/versions" && mv "$tmp/lent-now" "$tmp/lent" || exit 128
		list_needed
	}
}

# What went, a line each, and the sums.
print_receipt () {
	awk -F'\t' -v dry="$opt_dry_run" '
		BEGIN { will = dry == "" ? "" : "would be " }
		$1 == "removed" { print will $1 " " $2 " (" $3 " bytes): " $6 }
		$1 == "forgotten" { print will $1 " pack " $2 ": " $6 }
		$1 == "quarantined" { print will $1 " pack " $2 " (" $3 " bytes, " $4 "): " $6 }
		$1 == "deleted" || $1 == "revived" {
			print will $1 " pack " $2 " (" $3 " bytes, " $4 "): in quarantine since " $5 ", " $6
		}
		{ n[$1]++; bytes[$1] += $3 }
		END {
			printf "%s%d packs (%.0f bytes) quarantined, %d (%.0f bytes) deleted, %d revived\n",
				will, n["quarantined"], bytes["quarantined"],
				n["deleted"], bytes["deleted"], n["revived"]
			if (n["forgotten"])
				printf "%s%d packs of the partial clone forgotten\n", will, n["forgotten"]
		}' "$tmp/receipt"
}

# Packs that some record replaced the grace ago or longer, and that no later
# record adds: lines "ID".
list_replaced () {
	awk -v before="$2" '
		function settle() {
			for (i in adds)
				if (!(i in added) || time > added[i])
					added[i] = time
			for (i in drops)
				if (!(i in gone) || time > gone[i])
					gone[i] = time
			split("", adds); split("", drops)
		}
		$1 == "record" { settle(); next }
		$1 == "time" { time = $2 }
		$1 == "pack" { adds[$2] = 1 }
		$1 == "replaced" { drops[$2] = 1 }
		END {
			settle()
			for (i in gone)
				if (!(i in added) || gone[i] > added[i])
					if (gone[i] <= before)
						print i
		}' "$1"
}

# What no version needs any more, as all records say, and has lain for the
# grace.  Whoever began to rely on such a pack in that time has said so.
sweep_remote () {
	casg-inventory --url="$url" --rebuild >/dev/null &&
	casg-inventory --url="$url" --list >"$tmp/list" &&
	casg-copy-object --url="$url" --list=packs >"$tmp/there" || exit 128
	list_replaced "$tmp/list" "$before" | sort >"$tmp/gone" &&
	casg-inventory --url="$url" --packs | cut -d ' ' -f 1 | comm -23 "$tmp/gone" - >"$tmp/sweep" || exit 128
	n=0
	while read -r id; do
		grep -q "^packs/pack-$id\.pack " "$tmp/there" || continue
		test -n "$opt_dry_run" || casg-copy-object --url="$url" --delete="packs/pack-$id.pack" || test $? = 1 || exit 128
		test -n "$opt_dry_run" || casg-copy-object --url="$url" --delete="ids/pack-$id.ids" || test $? = 1 || exit 128
		n=$((n + 1))
		test -n "$opt_quiet" || echo "$name: ${opt_dry_run:+would be }deleted pack $id" || exit 128
	done <"$tmp/sweep"
	test -n "$opt_quiet" || echo "$name: $n packs ${opt_dry_run:+would be }deleted" || exit 128
}

gc_remote () {
	test -n "$opt_grace" || opt_grace=$(git config --type=int --default=1209600 casg.gcGrace) || exit 128
	before=$(date -u -d "@$(($(date +%s) - opt_grace))" +%Y-%m-%dT%H:%M:%SZ) || exit 128
	casg_scratch gc
	casg_writable_storages "$tmp/storages" "$opt_remote"
	while IFS=$casg_tab read -r name url _ <&4; do
		sweep_remote
	done 4<"$tmp/storages"
	exit 0
}

casg_options 0 0 "$@"
eval "$casg_set"
test -z "$opt_remote" || test -z "$opt_auto" || usage_die "--auto does not go with --remote"
case $opt_grace in
*[!0-9]* | ?????????????*) usage_die "bad value '$opt_grace' of --grace: wanted a number of seconds" ;;
esac
casg_repo
test -z "$opt_remote" || gc_remote
if test -n "$opt_auto"; then
	casg-prune-packs --auto ${opt_grace:+--grace="$opt_grace"}
	case $? in
	0) ;;
	1) exit 0 ;;
	*) exit 128 ;;
	esac
fi
let_go () {
	casg_unlock_lending
	casg_let_go
}

casg_at_exit let_go
if test -n "$opt_auto"; then
	casg_lock import nowait || exit 0
elif test -z "$opt_dry_run"; then
	casg_lock import
fi
tmp=$CASG_PATH/tmp/gc-$$
mkdir -p "$tmp" && : >"$tmp/receipt" || exit 128
mark
pack_git
if test -z "$opt_dry_run" && ! casg_lock_lending && test "$opt_grace" = 0; then
	die "cannot lock '$casg_unlockable', which borrows: not with --grace=0"
fi
look_again
prune ${opt_grace:+--grace="$opt_grace"} <"$tmp/needed"
# refs that moved by other hands than casg's: what they need comes back before
# anything is deleted
if test -z "$opt_dry_run" && test -s "$tmp/receipt"; then
	look_again
	prune ${opt_grace:+--grace="$opt_grace"} <"$tmp/needed"
fi
prune --expire ${opt_grace:+--grace="$opt_grace"}
test -n "$opt_quiet" || print_receipt || exit 128
test -n "$opt_dry_run" || casg-multi-pack-index --auto write || exit 128
if test -n "$opt_auto" && test -z "$opt_dry_run"; then
	# what many imports have left becomes few packs; what is not needed is out
	# of the way by now
	casg_unlock_lending
	casg_unlock_all
	casg_lock import nowait || exit 0
	casg_unlock import
	casg-repack --auto -d --quiet || exit 128
fi
exit 0
