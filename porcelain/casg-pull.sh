#!/bin/sh
# casg pull - fetch, and join what came.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg pull [--quiet] [--ff-only] [--env NAME] [REMOTE [BRANCH]]
--
ff-only   refuse to merge what is no fast-forward
env=NAME  only the storages of this environment (casg.env.NAME)
q,quiet   say nothing unless it fails
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"

casg_options 0 2 "$@"
eval "$casg_set"
casg_repo
remote=${1-$(casg_default_remote)}
branch=${2-}
if test -z "$branch"; then
	branch=$(git symbolic-ref --quiet --short HEAD) || die "HEAD is no branch: say which branch to pull"
	merge=$(git config "branch.$branch.merge") && branch=${merge#refs/heads/}
fi
casg-fetch ${opt_quiet:+--quiet} ${opt_env:+--env="$opt_env"} -- "$remote" || exit
git rev-parse --verify --quiet "refs/remotes/$remote/$branch" >/dev/null ||
	die "'$remote' has no branch '$branch'"
exec casg-merge ${opt_quiet:+--quiet} ${opt_ff_only:+--ff-only} -- "$remote/$branch"
