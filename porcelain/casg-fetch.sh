#!/bin/sh
# casg fetch - bring versions, and the packs they need, from another repository.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg fetch [--quiet] [--prune] [--force] [--dry-run [--json]] [--refetch] [--env NAME] [REMOTE]
--
refetch   look at all versions, not only at new ones
n,dry-run only say what would be fetched
json      with --dry-run: as JSON
p,prune   forget branches that are gone there
f,force   replace tags that are others there
env=NAME  only the storages of this environment (casg.env.NAME)
q,quiet   say nothing unless it fails
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
# shellcheck source=porcelain/casg-sh-fetch.sh
. "${0%/*}/casg-sh-fetch"

tmp=''
casg_options 0 1 "$@"
eval "$casg_set"
test -z "$opt_json" || test -n "$opt_dry_run" || usage_die "--json needs --dry-run"
casg_repo
casg_at_exit casg_let_go
tmp=$CASG_PATH/tmp/fetch-$$
mkdir -p "$tmp" || exit 128
remote=${1-$(casg_default_remote)}
git config "remote.$remote.url" >/dev/null || die "there is no remote '$remote'; 'casg remote add' makes one"
casg_list_remote "$remote"
casg_fetch "$remote"
exit 0
