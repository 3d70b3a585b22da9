#!/bin/sh
# casg ls - the records of a version, a line each.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg ls [-z] [--keys | --lineage] [--quiet] [--taxon-from LIST] [--as-of T | [--as-of-sequence T] [--as-of-taxonomy T]] [--taxonomy [REV:]NAME] [REV:][DATABASE]
casg ls --profile NAME [-z] [--keys | --members] [--quiet] [--as-of-sequence T] [REV:][DATABASE]
casg ls --withdrawn [-z] [OPTION...] [REV:][DATABASE]
--
z,null               lines end in NUL, nothing is quoted
keys                 print the keys alone
lineage              a seventh field: the names of the lineage, joined by ;
profile=NAME         only what stands for the others in this profile (casg reduce)
members              all, each behind what stands for it: its key, edits and strand follow
withdrawn            print what was withdrawn: key, since when, successor, reason
q,quiet              no warnings, and no word of the versions chosen
as-of-sequence+T     the sequences as of a time, release label or revision
as-of-taxonomy+T     the taxonomy as of T
as-of+T              both as of T
taxon-from=LIST      with a taxonomy, where taxa of records are from (default: casg.taxonFrom)
taxonomy+[REV:]NAME  which taxonomy (default: casg.taxonomy, the one in VERSION, or the only one)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-view.sh
. "${0%/*}/casg-sh-view"

casg_options 0 1 "$@"
eval "$casg_set"
test -z "$opt_lineage" || test -z "$opt_keys$opt_withdrawn" ||
	usage_die "--lineage goes with neither --keys nor --withdrawn"
test -z "$opt_members" || test -n "$opt_profile" || usage_die "--members are those of a profile"
test -z "$opt_members" || test -z "$opt_keys" || usage_die "--members and --keys exclude one another"
test -z "$opt_profile" ||
	test -z "$opt_lineage$opt_withdrawn$opt_as_of$opt_as_of_taxonomy$opt_taxonomy$opt_taxon_from" ||
	usage_die "--profile goes with no taxonomy, and not with --withdrawn"
mode=asked
test -z "$opt_lineage" || mode=must
casg_view $mode "${1-}"
if test -n "$opt_profile"; then
	# shellcheck source=porcelain/casg-sh-repo.sh
	. "${0%/*}/casg-sh-repo"
	# shellcheck source=porcelain/casg-sh-profile.sh
	. "${0%/*}/casg-sh-profile"
	casg_repo
	casg_find_profile "$opt_profile" "$spec"
	exec casg-read-profile ${opt_null:+-z} ${opt_keys:+--keys} ${opt_members:+--members} \
		--profile="$profile" --version="$profile_version"
fi
test -z "$opt_taxon_from" || { test -n "$taxonomy_spec" && test -z "$opt_keys$opt_withdrawn"; } ||
	usage_die "--taxon-from is for the taxa under a taxonomy"
if test -n "$taxonomy_spec" && test -z "$opt_keys$opt_withdrawn"; then
	exec casg-ls-tree ${opt_null:+-z} --taxonomy="$taxonomy_spec" ${opt_taxon_from:+"--taxon-from=$opt_taxon_from"} ${opt_lineage:+--lineage} \
		${opt_quiet:+--quiet} -- "$spec"
fi
exec casg-ls-tree ${opt_null:+-z} ${opt_keys:+--keys} ${opt_withdrawn:+--withdrawn} -- "$spec"
