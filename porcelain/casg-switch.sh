#!/bin/sh
# casg switch - go to another branch.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg switch [--quiet] BRANCH
casg switch [--quiet] -c NEW [REV]
casg switch [--quiet] --detach [REV]
--
c,create=NEW   make the branch NEW, here or at REV
detach         go to a commit that need not be a branch
q,quiet        say nothing
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

casg_options 0 1 "$@"
eval "$casg_set"
test -z "$opt_create" || test -z "$opt_detach" || usage_die "-c and --detach exclude each other"
test $# = 1 || test -n "$opt_create$opt_detach" || usage_die "no branch given"
casg_repo
if test "$casg_bare" = true && test -n "$opt_detach"; then
	die "a bare repository has no work tree to detach"
fi
if test "$casg_bare" = false; then
	git switch ${opt_quiet:+--quiet} ${opt_create:+-c "$opt_create"} ${opt_detach:+--detach} \
		-- "$@" || exit 128
	exit 0
fi

# without a work tree it is only HEAD that moves
branch=${opt_create:-$1}
if test -n "$opt_create"; then
	git branch -- "$branch" "${1-HEAD}" || exit 128
elif ! git show-ref --verify --quiet "refs/heads/$branch"; then
	die "there is no branch '$branch'"
fi
git symbolic-ref -m "casg switch: to $branch" HEAD "refs/heads/$branch" || exit 128
test -n "$opt_quiet" || echo "Switched to branch '$branch'" >&2
