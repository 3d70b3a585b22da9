#!/bin/sh
# casg publish - a folder that any web server can serve: versions and packs.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg publish [--quiet] [--force] [--dry-run] [--database PATTERN]... DIR|URL
--
f,force            move branches there that are no ancestors
n,dry-run          only say what would be written
database+PATTERN   refuse if a version is of a database that does not match; "!PATTERN": that does
q,quiet            say nothing unless it fails
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

# A bare repository of Git's; one that casg init has made has packs of its own.
prepare () {
	if test -d "$dir/casg" || test -d "$dir/.git"; then
		die "'$dir' is a repository that is worked in"
	fi
	test ! -e "$dir" || test -f "$dir/HEAD" || test -z "$(ls -A -- "$dir")" ||
		die "'$dir' exists already and was not published to"
	test -f "$dir/HEAD" || git init --quiet --bare -- "$dir" || exit 128
}

tmp=''
casg_options 1 1 "$@"
eval "$casg_set"
dir=$1
casg_repo
casg_at_exit casg_let_go
tmp=$CASG_PATH/tmp/publish-$$
mkdir -p "$tmp" || exit 128
eval "set -- $opt_database"
patterns=${*:--}
case $dir in
/*) ;;
file://*) die "'$dir' is a folder: give its path" ;;
*://*) casg_is_store "$dir" || die "'$dir' is no storage to publish in" ;;
*) dir=$PWD/$dir ;;
esac
case $dir in
/*) test -n "$opt_dry_run" || prepare ;;
esac
casg_storage_url "$dir"
printf 'publish\t%s\t-\twritable\t%s\n' "$casg_url" "$patterns" >"$tmp/storages" || exit 128
casg_lock import
casg_list_history --branches --tags
casg_send "$tmp/storages"
casg_send_profiles "$tmp/storages"
casg_unlock_all
test -z "$opt_dry_run" || exit 0
if casg_is_store "$dir"; then
	git for-each-ref --format='%(objectname) %(refname)' refs/heads/ refs/tags/ >"$tmp/refs" &&
	cat "$tmp/profile-refs" >>"$tmp/refs" || exit 128
	casg_write_manifests "$dir" "$tmp/refs"
	test -n "$opt_quiet" || echo "published in $dir" || exit 128
	exit 0
fi
set -- 'refs/heads/*:refs/heads/*' 'refs/tags/*:refs/tags/*'
while read -r id ref; do
	set -- "$@" "$id:$ref"
done <"$tmp/profile-refs"
git push --quiet ${opt_force:+--force} -- "$dir" "$@" || exit 128
# what is cloned is the branch that we are on
! branch=$(git symbolic-ref --quiet HEAD) || git --git-dir="$dir" symbolic-ref HEAD "$branch" || exit 128
git --git-dir="$dir" update-server-info || exit 128
test -n "$opt_quiet" || echo "published in $dir" || exit 128
exit 0
