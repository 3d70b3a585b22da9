#!/bin/sh
# casg fetch - bring versions, and the packs they need, from another repository.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg fetch [--quiet] [--prune] [--force] [--dry-run [--json]] [--refetch] [--from FILE]... [--env NAME] [REMOTE]
casg fetch [--quiet] [--dry-run [--json]] [--from FILE]... [--taxon TAXON]... [--since T] [--database PATTERN]... [REMOTE]
--
taxon+TAXON      in a partial clone: from now on, also records with this taxon, or a descendant of it
since=T          and those of versions since this year, month, day or time
database+PATTERN and those of databases that match; "!PATTERN": that do not
refetch   look at all versions, not only at new ones
from+FILE take sequences that this FASTA file has instead of fetching them
n,dry-run only say what would be fetched
json      with --dry-run: as JSON
p,prune   forget branches that are gone there
f,force   replace tags and profiles that are others there
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
# shellcheck source=porcelain/casg-sh-partial.sh
. "${0%/*}/casg-sh-partial"
# shellcheck source=porcelain/casg-sh-profile.sh
. "${0%/*}/casg-sh-profile"
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
eval "casg_read_from $opt_from"
remote=${1-$(casg_default_remote)}
git config "remote.$remote.url" >/dev/null || die "there is no remote '$remote'; 'casg remote add' makes one"
widen=$opt_taxon$opt_since$opt_database
if test -n "$widen"; then
	casg_is_partial || die "this is no partial clone: all that the versions need is here"
	test -z "$opt_prune$opt_force$opt_refetch" || usage_die "what widens a partial clone goes with --quiet, --dry-run and --env only"
	casg_read_options
fi
if test -z "$widen" || test -z "$opt_dry_run"; then
	casg_list_remote "$remote"
	casg_fetch "$remote"
fi
# packs have come
test -n "$opt_dry_run" || ! test -s "$tmp/fetched" || casg-multi-pack-index --auto write || exit 128
test -n "$widen" || exit 0
# what is here already, by what is asked for now
casg_read_options
casg_head_commit=$(git rev-parse --verify --quiet "refs/remotes/$remote/HEAD^{commit}") ||
	casg_head_commit=$(git rev-parse --verify --quiet 'HEAD^{commit}') || casg_head_commit=
casg_list_sources "$remote"
cut -f 2 "$tmp/sources" >"$tmp/urls" || exit 128
casg_list_specs --all >"$tmp/specs" || exit 128
: >"$tmp/all-ids" || exit 128
casg_taxa_of=$casg_head_commit
casg_gather
if test -n "$opt_dry_run"; then
	set --
	test -z "$opt_json" || set -- --json
	casg_fetch_data --dry-run "$@"
	exit 0
fi
casg_fetch_data >"$tmp/told"
casg_add_filter
test -n "$opt_quiet" || sed 's/^/wanted here: /' "$tmp/told" >&2
exit 0
