#!/bin/sh
# casg taxonomy - versions of taxonomies.  Each command of it is a file of its
# own, casg-sh-taxonomy-<command>, that begins with its options.
# shellcheck disable=SC2034,SC2154 # the commands read usage_*

usage_import='casg taxonomy import --name NAME [--taxonomy-time TIME] [--release LABEL] [-m MESSAGE] [-S] [--ids WHAT] [--quiet] FILE|DIR...'
usage_map='casg taxonomy map [--quiet] [--update] [--all] [--database [REV:]DATABASE]... [-m MESSAGE] [-S] [--taxonomy-time TIME] [--threads N] [--memory SIZE] --name NAME FILE...'
usage_export='casg taxonomy export [--database [REV:]DATABASE]... [--taxon-from LIST] [-o DIR] [--memory SIZE] [[REV:]NAME]'
usage_ls='casg taxonomy ls [OPTION...] [TAXON...]'
usage_stats='casg taxonomy stats [OPTION...] [[REV:]DATABASE]'
usage_changelog='casg taxonomy changelog [OPTION...] [REV:]NAME'
SPEC="$usage_import
$usage_map
$usage_ls
$usage_stats
$usage_changelog
$usage_export
--
"
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"

case ${1-} in
import)
	shift
	# shellcheck source=porcelain/casg-sh-taxonomy-import.sh
	. "${0%/*}/casg-sh-taxonomy-import"
	;;
map)
	shift
	# shellcheck source=porcelain/casg-sh-taxonomy-map.sh
	. "${0%/*}/casg-sh-taxonomy-map"
	;;
ls)
	shift
	exec casg-ls-taxonomy "$@"
	;;
stats)
	shift
	exec casg-taxon-stats "$@"
	;;
changelog)
	shift
	exec casg-log-taxonomy "$@"
	;;
export)
	shift
	exec casg-taxdump "$@"
	;;
*)
	casg_options 1 - "$@"
	eval "$casg_set"
	usage_die "there is no 'casg taxonomy $1'"
	;;
esac
