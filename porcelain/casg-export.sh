#!/bin/sh
# casg export - a version of a database as the FASTA it was imported from.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg export [--quiet] [-o FILE] [--as-of T | [--as-of-sequence T] [--as-of-taxonomy T]] [--taxonomy [REV:]NAME] [REV:][DATABASE]
casg export --profile NAME [--quiet] [-o FILE] [--as-of-sequence T] [REV:][DATABASE]
casg export --taxid-map FORMAT [--taxon-from LIST] [--quiet] [-o FILE] [--as-of T | [--as-of-sequence T] [--as-of-taxonomy T]] [--taxonomy [REV:]NAME] [REV:][DATABASE]
--
q,quiet              no progress, and no word of the versions chosen
o,output=FILE        write there, and only when all of it is verified
as-of-sequence+T     the sequences as of a time, release label or revision
as-of-taxonomy+T     the taxonomy as of T
as-of+T              both as of T
taxonomy+[REV:]NAME  which taxonomy (default: casg.taxonomy, the one in VERSION, or the only one)
profile=NAME         write only what stands for the others in this profile (casg reduce)
taxid-map=FORMAT     write which taxa its records have, for blast, diamond, kraken or mmseqs
taxon-from=LIST      where taxa are from (default: casg.taxonFrom)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-view.sh
. "${0%/*}/casg-sh-view"
# shellcheck source=porcelain/casg-sh-output.sh
. "${0%/*}/casg-sh-output"

casg_options 0 1 "$@"
eval "$casg_set"
case $opt_taxid_map in
"" | blast | diamond | kraken | mmseqs) ;;
*) usage_die "unknown format '$opt_taxid_map'" ;;
esac
test -z "$opt_profile" || test -z "$opt_taxid_map$opt_as_of$opt_as_of_taxonomy$opt_taxonomy" ||
	usage_die "--profile goes with no taxonomy"
if test -n "$opt_profile"; then
	test -z "$opt_taxon_from" || usage_die "--taxon-from goes with --taxid-map"
	casg_view asked "${1-}"
	# shellcheck source=porcelain/casg-sh-repo.sh
	. "${0%/*}/casg-sh-repo"
	# shellcheck source=porcelain/casg-sh-profile.sh
	. "${0%/*}/casg-sh-profile"
	casg_repo
	casg_find_profile "$opt_profile" "$spec"
	set -- casg-read-profile --fasta ${opt_quiet:+--quiet} --profile="$profile" \
		--version="$profile_version"
elif test -n "$opt_taxid_map"; then
	casg_view must "${1-}"
	set -- casg-taxid-map ${opt_quiet:+--quiet} --format="$opt_taxid_map" \
		--taxonomy="$taxonomy_spec" \
		${opt_taxon_from:+--taxon-from="$opt_taxon_from"} -- "$spec"
else
	test -z "$opt_taxon_from" || usage_die "--taxon-from goes with --taxid-map"
	casg_view asked "${1-}"
	set -- casg-assemble ${opt_quiet:+--quiet} -- "$spec"
fi

case $opt_output in
"" | -)
	exec "$@"
	;;
esac
tmp=''
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'test -z "$tmp" || rm -f "$tmp"'
casg_write "$opt_output" "$@"
exit 0
