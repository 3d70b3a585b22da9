#!/bin/sh
# casg show - a commit, and the versions that it brought.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg show [--stat] [--summary] [GIT-SHOW-OPTION...] [[REV:]DATABASE | REV]
--
stat            count what changed against the version before, by class
summary         what changed of the file as a whole, and both versions
oneline         the commit in one line
format=FORMAT   the commit as git show prints it
date=FORMAT     how dates are shown
decorate        with ref names
show-signature  with the check of its signature
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

casg_options 0 1 "$@"
eval "$casg_set"
casg_repo

casg_find_commit "$@"
casg_scratch show

# The databases to be shown, one a line.
list_databases () {
	if test -n "$db"; then
		printf '%s\n' "$db"
		return
	fi
	# those whose version came, changed or went with this commit
	git diff-tree -r -m --first-parent --root --no-commit-id --no-renames --name-only -z \
		"$commit" -- ':(top,glob)**/VERSION' | tr '\0\n' '\n\0' |
		sed -n 's|/VERSION$||p' >"$tmp/changed" || exit 128
	if test -s "$tmp/changed"; then
		cat "$tmp/changed"
	else
		casg-read-version --list "$commit" | sed 's/^[^ ]* //'
	fi
}

# packs_of: how many packs hold it, by its PACKS.
packs_of () {
	git cat-file blob "$commit:$db/PACKS" 2>/dev/null | awk '
		{ n++; bytes += $2 }
		END { if (n) printf "packs %d (%.0f bytes)\n", n, bytes }'
}

# Against the version that the commit before had, where this one came.
show_changes () {
	brought=$(git log -1 --format=%H "$commit" -- ":(top,literal)$db/VERSION") || exit 128
	if git cat-file -e "$brought^1:$db/VERSION" 2>/dev/null; then
		set -- "$brought^1:$db" "$brought:$db"
	else
		set -- --root "$brought:$db"
	fi
	casg-diff-tree ${opt_summary:+--summary} ${opt_stat:+--stat} "$@" >"$tmp/changes" || exit 128
	echo && sed 's/^/    /' "$tmp/changes"
}

show_version () {
	if ! git cat-file -e "$commit:$db/VERSION" 2>/dev/null; then
		printf '\ndatabase %s, removed\n' "$db"
		return
	fi
	casg-read-version "$commit:$db" >"$tmp/version" || exit 128
	id=$(casg-read-version --id - <"$tmp/version") || exit 128
	printf '\ndatabase %s, version %s\n' "$db" "$id" &&
	{ sed 1d "$tmp/version" && packs_of; } | sed 's/^/    /' &&
	{ test -z "$opt_stat$opt_summary" || show_changes; }
}

list_databases >"$tmp/databases" || exit
if test -n "$db" && ! git cat-file -e "$commit:$db/VERSION" 2>/dev/null; then
	die "there is no database '$db' in '$rev'"
fi
git --no-pager show --no-patch ${opt_oneline:+--oneline} ${opt_format:+"--format=$opt_format"} \
	${opt_date:+"--date=$opt_date"} ${opt_decorate:+--decorate} \
	${opt_show_signature:+--show-signature} "$rev" -- || exit 128
while IFS= read -r db; do
	show_version || exit 128
done <"$tmp/databases"
exit 0
