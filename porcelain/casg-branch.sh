#!/bin/sh
# casg branch - list, make, rename and delete branches.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg branch [-v] [-a | -r] [-l] [PATTERN...]
casg branch [-f] NAME [REV]
casg branch -m [-f] [OLD] NEW
casg branch -d [-f] NAME...
casg branch --show-current
--
v,verbose     list with the versions of each branch
a,all         list those of other repositories, too
r,remotes     list only those
l,list        list those that match a PATTERN
m,move        rename a branch
d,delete      delete branches that are merged; with -f any
f,force       move, overwrite, delete all the same
show-current  print the name of the current branch
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

list () {
	if test -z "$opt_verbose"; then
		git --no-pager branch --list ${opt_all:+--all} ${opt_remotes:+--remotes} -- "$@"
		return
	fi
	git --no-pager branch --list ${opt_all:+--all} ${opt_remotes:+--remotes} \
		--format='%(HEAD) %(refname:short) %(objectname) %(objectname:short)' \
		-- "$@" >"$tmp/list" || return
	# a detached HEAD has a description for a name: the commit is the last but one
	while IFS= read -r line; do
		short=${line##* } line=${line% *}
		commit=${line##* } line=${line% *}
		printf '%s %s\n' "$line" "$short" &&
		list_versions "$commit" || return
	done <"$tmp/list"
}

# The databases of a commit: name, label, time, abbreviated id.
list_versions () {
	casg-read-version --list "$1" >"$tmp/versions" || return
	while read -r id db; do
		release=$(casg-read-version --field=release -- "$1:$db" 2>/dev/null) || release=-
		time=$(casg-read-version --field=sequence-time -- "$1:$db") || return
		printf '      %s %s %s %s\n' "$db" "$release" "$time" "$(printf %.12s "$id")" || return
	done <"$tmp/versions"
}

casg_options 0 - "$@"
eval "$casg_set"
n=0
for flag in "$opt_move" "$opt_delete" "$opt_list" "$opt_show_current"; do
	test -z "$flag" || n=$((n + 1))
done
test $n -le 1 || usage_die "-m, -d, -l and --show-current exclude one another"
casg_repo

if test -n "$opt_show_current"; then
	test $# = 0 || usage_die "too many arguments at '$1'"
	git branch --show-current
elif test -n "$opt_delete"; then
	test $# != 0 || usage_die "which branch?"
	git branch -d ${opt_force:+--force} -- "$@"
elif test -n "$opt_move"; then
	test $# = 1 || test $# = 2 || usage_die "one name or two"
	git branch -m ${opt_force:+--force} -- "$@"
elif test $# = 0 || test -n "$opt_list$opt_verbose$opt_all$opt_remotes"; then
	casg_scratch branch
	list "$@"
else
	test $# -le 2 || usage_die "too many arguments at '$3'"
	git branch ${opt_force:+--force} -- "$@"
fi
case $? in
0) exit 0 ;;
1) exit 1 ;;
*) exit 128 ;;
esac
