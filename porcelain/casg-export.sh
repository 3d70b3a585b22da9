#!/bin/sh
# casg export - a version of a database as the FASTA it was imported from.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg export [--quiet] [-o FILE] [REV:][DATABASE]
casg export --taxid-map FORMAT [--taxonomy [REV:]NAME] [--taxon-from LIST] [--quiet] [-o FILE] [REV:][DATABASE]
--
q,quiet        no progress
o,output=FILE  write there, and only when all of it is verified
taxid-map=FORMAT  write which taxa its records have, for blast, diamond, kraken or mmseqs
taxonomy=[REV:]NAME  the taxonomy (default: the only one)
taxon-from=LIST  where taxa are from (default: casg.taxonFrom)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"

casg_options 0 1 "$@"
eval "$casg_set"
if test -n "$opt_taxid_map"; then
	set -- casg-taxid-map ${opt_quiet:+--quiet} --format="$opt_taxid_map" \
		${opt_taxonomy:+--taxonomy="$opt_taxonomy"} \
		${opt_taxon_from:+--taxon-from="$opt_taxon_from"} -- "${1-}"
else
	test -z "$opt_taxonomy$opt_taxon_from" ||
		usage_die "--taxonomy and --taxon-from go with --taxid-map"
	set -- casg-assemble ${opt_quiet:+--quiet} -- "${1-}"
fi

case $opt_output in
"" | -)
	exec "$@"
	;;
esac
# Only a plain file, or none, may be renamed over: a device or a pipe would be
# replaced, and so would a symbolic link such as /dev/stdout, whatever it names.
if test -L "$opt_output" || { test -e "$opt_output" && ! test -f "$opt_output"; }; then
	# opened once: a pipe's reader would take a second opening for the end
	{ command exec 3>"$opt_output"; } 2>/dev/null || die "cannot write '$opt_output'"
	exec "$@" >&3 3>&-
fi

tmp=$opt_output.casg-$$
case $tmp in
-*) tmp=./$tmp ;;
esac
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'rm -f "$tmp"'
(: >"$tmp") 2>/dev/null || die "cannot write '$opt_output'"
"$@" >"$tmp" || exit
mv -f -- "$tmp" "$opt_output" || exit 128
exit 0
