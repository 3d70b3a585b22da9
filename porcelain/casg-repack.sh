#!/bin/sh
# casg repack - fewer and smaller packs.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg repack [-a | --optimise] [-d] [--resume] [--auto] [--geometric=FACTOR] [--window=SIZE] [--compression=LEVEL] [--match=N] [--apart-before=TIME] [--threads=N] [--memory=SIZE] [--quiet]
casg repack --remote=NAME [--window=SIZE] [--compression=LEVEL] [--threads=N] [--memory=SIZE] [--quiet]
--
remote=NAME         write new packs for the storages of NAME, of all that it has
a,all               write all versions anew, not only join small packs
optimise            -a, look for likeness thoroughly, and read all that was written
d,delete            put replaced packs into quarantine
resume              with -a: take up what was interrupted, and leave what is finished when this is
auto                do nothing if an import, repack or gc is at work
geometric=FACTOR    join packs so that sizes grow by FACTOR (default: 2)
window%SIZE         with -a: residues to order and compress together
compression=LEVEL   with -a: 0 (none) to 19 (default: 19)
match=N             with -a: look for one k-mer of N of DNA; 0: for none
apart-before=TIME   with -a: sequences that only versions before TIME need go into other packs
threads#N           with -a: workers; 0: one a processor
memory%SIZE         memory to use, as 256m
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
# shellcheck source=porcelain/casg-sh-sent.sh
. "${0%/*}/casg-sh-sent"
# shellcheck source=porcelain/casg-sh-send.sh
. "${0%/*}/casg-sh-send"
# shellcheck source=porcelain/casg-sh-saved.sh
. "${0%/*}/casg-sh-saved"

tmp='' casg_saved=''

# What decides about the packs, as far as it was asked for or set.
print_request () {
	echo "window=$opt_window compression=$opt_compression match=$opt_match memory=$opt_memory apart=$opt_apart_before"
	casg version
	git config --get-regexp '^casg\.(memory|match|packsize|chunk.*)$' || :
}

# Packs are written where no gc looks, and come among the others when all are
# finished: what an interrupted run has finished is no input of the next one.
# $CASG_PATH/state/repack.work has, beside them, what decided about the plan.
begin_all () {
	casg_name_saved repack
	! casg_takes_up || check_saved
	test ! -d "$casg_saved_dir" || return 0
	mkdir -p "$casg_saved_dir.new" && casg_list_here >"$casg_saved_dir.new/before" &&
	print_request >"$casg_saved_dir.new/request" &&
	cp "$tmp/versions" "$casg_saved_dir.new/versions" &&
	if test -e "$CASG_PATH/state/reads"; then cp "$CASG_PATH/state/reads" "$casg_saved_dir.new/reads"; fi &&
	mv "$casg_saved_dir.new" "$casg_saved_dir" || exit 128
}

# A pack that is not what was written is no reason to believe in those after it.
check_saved () {
	for pack in "$casg_saved_dir"/pack-*.pack; do
		test -e "$pack" || continue
		casg-verify-pack --quick "$pack" >"$tmp/verdict" 2>&1 || {
			warn "a pack of those that were finished is damaged: from the beginning"
			casg_drop_saved
			return
		}
	done
}

# All are finished, and some may be among the others: the program would take those
# for its input.
check_finished () {
	print_request >"$tmp/request"
	cmp -s "$tmp/request" "$casg_saved_dir/request" ||
		die "'$casg_saved': what was interrupted had other settings"
	cmp -s "$tmp/versions" "$casg_saved_dir/versions" ||
		die "'$casg_saved': the versions are others than those that were interrupted"
}

write_all () {
	# what is not here by choice need not come for this
	test -z "$partial" || { CASG_NO_FETCH=1 && export CASG_NO_FETCH; }
	casg-pack-versions --compression="${opt_compression:-19}" \
		${opt_window:+--window="$opt_window"} \
		${opt_match:+--match="$opt_match"} \
		${opt_apart_before:+--apart-before="$opt_apart_before"} \
		${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} \
		--reads="$casg_saved_dir/reads" --into="$casg_saved_dir" \
		--state="$casg_saved" ${opt_resume:+--resume} <"$tmp/versions" >"$tmp/new" || exit
	cp "$tmp/new" "$casg_saved_dir/new.part" && sync "$casg_saved_dir/new.part" &&
	mv "$casg_saved_dir/new.part" "$casg_saved_dir/new" || exit 128
}

# Everything that some version needs, in new packs: $tmp/new, $tmp/replaced.
repack_all () {
	casg_list_versions "$tmp" >"$tmp/versions" || exit 128
	begin_all
	if test -e "$casg_saved_dir/new"; then
		check_finished
		cp "$casg_saved_dir/new" "$tmp/new" || exit 128
	else
		write_all
	fi
	casg-prune-packs --take="$casg_saved_dir" || exit 128
	casg_list_here >"$tmp/here" &&
	comm -12 "$casg_saved_dir/before" "$tmp/here" >"$tmp/before" &&
	sort "$tmp/new" >"$tmp/sorted" &&
	comm -23 "$tmp/before" "$tmp/sorted" >"$tmp/replaced" || exit 128
	# old ones that promised packs rely on are listed as well
	test -z "$partial" || comm -13 "$tmp/before" "$tmp/sorted" >"$tmp/new" || exit 128
	test -z "$opt_optimise" || { verify_new && keep_smaller; }
}

# Every sequence of the new packs is read and hashed, before others go for them.
verify_new () {
	while IFS= read -r id; do
		casg-verify-pack "$id" >"$tmp/verdict" ||
			{ cat "$tmp/verdict" >&2 && die "pack $id is not as it was written; nothing was replaced"; }
	done <"$tmp/new"
}

# bytes_of FILE: of the packs whose ids are in it, and their indexes.
bytes_of () {
	while IFS= read -r id; do
		ls -ln "$CASG_PATH/packs/pack-$id.pack" "$CASG_PATH/packs/pack-$id.idx" || exit 128
	done <"$1" >"$tmp/files"
	awk '{ n += $5 } END { printf "%.0f\n", n }' "$tmp/files" || exit 128
}

# What is no smaller than before goes instead of that.
keep_smaller () {
	comm -13 "$tmp/before" "$tmp/sorted" >"$tmp/added" || exit 128
	new=$(bytes_of "$tmp/added") && old=$(bytes_of "$tmp/replaced") || exit 128
	test "$new" -ge "$old" || return 0
	cp "$tmp/added" "$tmp/replaced" && : >"$tmp/new" || exit 128
	opt_delete=1
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
	casg_keep_sent <"$tmp/replaced"
	# shellcheck disable=SC2046 # ids are words
	casg-prune-packs --reason=repacked $(cat "$tmp/replaced") >/dev/null || exit 128
	casg_unlock_lending
	casg_unlock refs
}

# What a remote's branches, and all tags, lead to.
repack_remote () {
	remote=$opt_remote
	casg_writable_storages "$tmp/storages" "$remote"
	casg_list_history --remotes="$(git config "casg.remote.$remote.git" || echo "$remote")" --tags
	casg_repack_storages "$tmp/storages"
	exit 0
}

casg_options 0 0 "$@"
eval "$casg_set"
if test -n "$opt_optimise"; then
	opt_all=1 opt_match=${opt_match:-16}
fi
if test -n "$opt_remote"; then
	test -z "$opt_match" || usage_die "--match does not go with --remote"
	test -z "$opt_all$opt_delete$opt_auto$opt_geometric$opt_resume$opt_apart_before" ||
		usage_die "-a, -d, --auto, --geometric, --apart-before and --resume do not go with --remote"
elif test -n "$opt_all"; then
	test -z "$opt_geometric" || usage_die "--geometric does not go with -a"
elif test -n "$opt_resume"; then
	usage_die "--resume needs -a"
elif test -n "$opt_window$opt_compression$opt_threads$opt_match$opt_apart_before"; then
	usage_die "--window, --compression, --match, --apart-before and --threads need -a"
fi
case $opt_geometric in
"" | [2-9] | [1-9][0-9] | [1-9][0-9][0-9]) ;;
*) usage_die "bad value '$opt_geometric' of --geometric: wanted a number from 2 to 999" ;;
esac
casg_repo
let_go () {
	casg_status=$?
	trap '' INT TERM HUP
	casg_unlock_lending
	casg_end_saved
	(exit "$casg_status")
	casg_let_go
}

partial=''
! casg_lacks_packs || partial=1
test -z "$opt_remote" || test -z "$partial" ||
	die "this is a partial clone: not all is here that would be written again"
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
casg_drop_saved
casg-multi-pack-index --auto write || exit 128
test -n "$opt_quiet" ||
	echo "$(($(wc -l <"$tmp/new"))) packs written, $(($(wc -l <"$tmp/replaced"))) replaced" ||
	exit 128
exit 0
