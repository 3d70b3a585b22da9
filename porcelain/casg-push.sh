#!/bin/sh
# casg push - put packs into storages, then versions into a Git repository.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg push [--quiet] [--force] [--dry-run [--json]] [--tags] [--all] [--profiles] [--set-upstream] [--env NAME] [REMOTE [REFSPEC...]]
--
all             all branches
tags            all tags, too
profiles        reduction profiles of what is pushed, too
f,force         move branches there that are no ancestors
u,set-upstream  remember where the branches go
n,dry-run       only say what would be sent
json            with --dry-run: as JSON, a line for each storage
env=NAME        only the storages of this environment (casg.env.NAME)
q,quiet         say nothing unless it fails
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-versions.sh
. "${0%/*}/casg-sh-versions"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"
# shellcheck source=porcelain/casg-sh-manifests.sh
. "${0%/*}/casg-sh-manifests"
# shellcheck source=porcelain/casg-sh-sent.sh
. "${0%/*}/casg-sh-sent"
# shellcheck source=porcelain/casg-sh-send.sh
. "${0%/*}/casg-sh-send"
# shellcheck source=porcelain/casg-sh-profile.sh
. "${0%/*}/casg-sh-profile"

# The commits that REFSPECs name, one a line.
list_tips () {
	test -z "$opt_all" || git for-each-ref --format='%(objectname)' refs/heads/ || return
	test -z "$opt_tags" || git for-each-ref --format='%(objectname)' refs/tags/ || return
	for spec in "$@"; do
		from=${spec#+}
		from=${from%%:*}
		# an empty one deletes
		test -n "$from" || continue
		git rev-parse --verify --quiet "$from^{commit}" || {
			echo "fatal: there is no revision '$from'" >&2
			return 1
		}
	done
}

# The same as lines "ID REF", as they are to be called there.
list_refs () {
	test -z "$opt_all" || git for-each-ref --format='%(objectname) %(refname)' refs/heads/ || return
	test -z "$opt_tags" || git for-each-ref --format='%(objectname) %(refname)' refs/tags/ || return
	for spec in "$@"; do
		spec=${spec#+}
		from=${spec%%:*}
		to=${spec#*:}
		test -n "$from" || die "deleting there is not possible"
		case $to in
		refs/heads/* | refs/tags/*) ;;
		*)
			full=$(git rev-parse --symbolic-full-name "$from") || return
			case $full in
			refs/tags/*) to=refs/tags/${to#refs/tags/} ;;
			*) to=refs/heads/$to ;;
			esac
			;;
		esac
		git check-ref-format "$to" || die "bad name '$to' of a branch"
		id=$(git rev-parse --verify --quiet "$from") || return
		echo "$id $to"
	done
}

# Of profiles Git knows nothing: it moves no ref from one tree to another, but by force.
push_profiles () {
	remote=$1
	shift
	while read -r id ref; do
		set -- "$@" "$id:$ref"
	done <"$tmp/profile-refs"
	git push ${opt_quiet:+--quiet} ${opt_force:+--force} ${opt_dry_run:+--dry-run} -- "$remote" "$@" ||
		die "not all profiles went to '$remote': where there is another of that name, --force replaces it"
}

tmp=''
casg_options 0 - "$@"
eval "$casg_set"
test -z "$opt_json" || test -n "$opt_dry_run" || usage_die "--json needs --dry-run"
casg_repo
casg_at_exit casg_let_go
tmp=$CASG_PATH/tmp/push-$$
mkdir -p "$tmp" || exit 128
if test $# = 0; then
	remote=$(casg_default_remote)
else
	remote=$1
	shift
fi
git config "remote.$remote.url" >/dev/null || die "there is no remote '$remote'; 'casg remote add' makes one"
if test $# = 0 && test -z "$opt_all$opt_tags"; then
	branch=$(git symbolic-ref --quiet --short HEAD) || die "HEAD is no branch: say what to push"
	set -- "$branch"
fi
list_tips "$@" >"$tmp/tips" || exit 128
casg_storages "$tmp/all"
awk -F '\t' -v remote="$remote" '$3 == remote' "$tmp/all" >"$tmp/mine" &&
awk -F '\t' '$4 == "writable"' "$tmp/mine" >"$tmp/storages" || exit 128
: >"$tmp/profile-refs" || exit 128
git_url=$(git ls-remote --get-url -- "$remote") || exit 128
if ! test -s "$tmp/mine" && casg_is_store "$git_url"; then
	printf '%s\t%s\t%s\twritable\t-\n' "$remote" "$git_url" "$remote" >"$tmp/mine" && cp "$tmp/mine" "$tmp/storages" || exit 128
fi
test -s "$tmp/mine" || die "no storage is known for '$remote': 'casg remote add' names one"
test -s "$tmp/storages" || die "the storages of '$remote' are read-only"
if test -s "$tmp/tips"; then
	# what is named must not go meanwhile
	casg_lock import
	# shellcheck disable=SC2046 # ids are words
	casg_list_history $(cat "$tmp/tips")
	casg_send "$tmp/storages"
	test -z "$opt_profiles" || casg_send_profiles "$tmp/storages"
	casg_unlock_all
fi
if casg_is_store "$git_url"; then
	test -z "$opt_dry_run" || exit 0
	list_refs "$@" >"$tmp/refs" && cat "$tmp/profile-refs" >>"$tmp/refs" || exit 128
	casg_write_manifests "$git_url" "$tmp/refs"
	exit 0
fi
git push ${opt_quiet:+--quiet} ${opt_force:+--force} ${opt_dry_run:+--dry-run} ${opt_tags:+--tags} \
	${opt_all:+--all} ${opt_set_upstream:+--set-upstream} -- "$remote" "$@" || exit 128
test ! -s "$tmp/profile-refs" || push_profiles "$remote"
exit 0
