#!/bin/sh
# casg repack - fewer and smaller packs.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg repack [-a] [-d] [--auto] [--geometric=FACTOR] [--window=SIZE] [--compression=LEVEL] [--threads=N] [--memory=SIZE] [--quiet]
casg repack --remote=NAME [--window=SIZE] [--compression=LEVEL] [--threads=N] [--memory=SIZE] [--quiet]
--
remote=NAME         write new packs for the storages of NAME, of all that it has
a,all               write all versions anew, not only join small packs
d,delete            put replaced packs into quarantine
auto                do nothing if an import, repack or gc is at work
geometric=FACTOR    join packs so that sizes grow by FACTOR (default: 2)
window=SIZE         with -a: residues to order and compress together
compression=LEVEL   with -a: 0 (none) to 19 (default: 19)
threads=N           with -a: workers; 0: one a processor
memory=SIZE         memory to use, as 256m
q,quiet             say nothing unless it fails
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
# shellcheck source=porcelain/casg-sh-send.sh
. "${0%/*}/casg-sh-send"

tmp=''

# Everything that some version needs, in new packs: $tmp/new, $tmp/replaced.
repack_all () {
	casg_list_here >"$tmp/before" &&
	casg_list_versions "$tmp" >"$tmp/versions" || exit 128
	casg-pack-versions --compression="${opt_compression:-19}" \
		${opt_window:+--window="$opt_window"} \
		${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} <"$tmp/versions" >"$tmp/new" || exit
	sort "$tmp/new" >"$tmp/sorted" &&
	comm -23 "$tmp/before" "$tmp/sorted" >"$tmp/replaced" || exit 128
}

# Small packs made one: $tmp/new, $tmp/replaced.
join_small () {
	casg-join-packs --geometric="${opt_geometric:-2}" \
		${opt_memory:+--memory="$opt_memory"} >"$tmp/lines" || exit
	sed -n 's/^pack //p' "$tmp/lines" >"$tmp/new" &&
	sed -n 's/^replaced //p' "$tmp/lines" >"$tmp/replaced" || exit 128
}

put_away () {
	test -s "$tmp/replaced" || return 0
	# from one that cannot be locked nothing goes that it needs now; what it
	# comes to need meanwhile is in quarantine, and comes back
	casg_lock_lending || :
	# borrowers refer to chunks that may be in no other pack now
	casg_list_lent "$tmp" >"$tmp/lent" &&
	sort "$tmp/replaced" >"$tmp/sorted" &&
	comm -23 "$tmp/sorted" "$tmp/lent" >"$tmp/replaced" || exit 128
	test -s "$tmp/replaced" || return 0
	# shellcheck disable=SC2046 # ids are words
	casg-prune-packs --reason=repacked $(cat "$tmp/replaced") >/dev/null || exit 128
	casg_unlock_lending
	casg_unlock refs
}

# What a remote's branches, and all tags, lead to.
repack_remote () {
	remote=$opt_remote
	casg_storages "$tmp/all"
	casg_named_storages "$tmp/mine" "$remote"
	awk -F '\t' '$4 == "writable"' "$tmp/mine" >"$tmp/storages" || exit 128
	test -s "$tmp/storages" || die "the storages of '$remote' are read-only"
	casg_list_history --remotes="$(git config "casg.remote.$remote.git" || echo "$remote")" --tags
	casg_repack_storages "$tmp/storages"
	exit 0
}

casg_options 0 0 "$@"
eval "$casg_set"
if test -n "$opt_remote"; then
	test -z "$opt_all$opt_delete$opt_auto$opt_geometric" || usage_die "-a, -d, --auto and --geometric do not go with --remote"
elif test -n "$opt_all"; then
	test -z "$opt_geometric" || usage_die "--geometric does not go with -a"
elif test -n "$opt_window$opt_compression$opt_threads"; then
	usage_die "--window, --compression and --threads need -a or --remote"
fi
case $opt_geometric in
"" | [2-9] | [1-9][0-9] | [1-9][0-9][0-9]) ;;
*) usage_die "bad value '$opt_geometric' of --geometric: wanted a number from 2 to 999" ;;
esac
casg_repo
let_go () {
	casg_unlock_lending
	casg_let_go
}

casg_at_exit let_go
if test -n "$opt_auto"; then
	casg_lock import nowait || exit 0
else
	casg_lock import
fi
tmp=$CASG_PATH/tmp/repack-$$
mkdir -p "$tmp" || exit 128
test -z "$opt_remote" || repack_remote
if test -n "$opt_all"; then
	repack_all
else
	join_small
fi
test -z "$opt_delete" || put_away
test -n "$opt_quiet" ||
	echo "$(($(wc -l <"$tmp/new"))) packs written, $(($(wc -l <"$tmp/replaced"))) replaced" ||
	exit 128
exit 0
