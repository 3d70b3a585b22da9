#!/bin/sh
# casg subset - the FASTA of taxa and their descendants.
# shellcheck disable=SC2154 # casg_options sets opt_*

# The option that names the taxonomy of HEAD in $taxonomy: none if there is no
# taxonomy, an empty name if there are several, which the program refuses.
find_taxonomy () {
	if test -n "${CASG_DIR-}"; then
		GIT_DIR=$CASG_DIR
		export GIT_DIR
	fi
	taxonomy=
	set -f
	for name in $(git ls-tree --full-tree --name-only HEAD taxonomy/ 2>/dev/null); do
		case $taxonomy,$name in
		*.map) ;;
		,*) taxonomy=--taxonomy=HEAD:$name ;;
		*) taxonomy=--taxonomy= ;;
		esac
	done
}

# What needs no parser goes straight on: that saves a third of the time.
plain=1 value='' any=''
for arg; do
	case $value,$arg in
	1,*) value='' ;;
	,--taxon | ,--exclude) value=1 any=1 ;;
	,--taxon=* | ,--exclude=*) any=1 ;;
	,-q | ,--quiet) ;;
	,-*) plain='' ;;
	esac
done
case $plain,$any,$value in
1,1,)
	test -n "${CASG_EXEC_PATH-}" || PATH=${0%/*}:$PATH
	find_taxonomy
	exec casg-ls-taxon --fasta ${taxonomy:+"$taxonomy"} "$@"
	;;
esac

SPEC='casg subset [--quiet] [-o FILE] [--taxonomy [REV:]NAME | --no-taxonomy] [--taxon-from LIST] [--no-descendants] --taxon TAXON... [--exclude TAXON]... [REV:][DATABASE]
--
taxon+TAXON     records that carry this taxon, or a descendant of it
exclude+TAXON   but none that carries this one, or a descendant of it
taxonomy=SPEC   look up taxa there, not in the taxonomy of HEAD
no-taxonomy     go by ids alone
taxon-from=LIST where taxa of records are from (default: casg.taxonFrom)
no-descendants  only the taxa themselves
q,quiet         no progress, no warnings
o,output=FILE   write there, and only when all of it is verified
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"

casg_options 0 1 "$@"
eval "$casg_set"
test -n "$opt_taxon" || usage_die "no taxon given"
test -z "$opt_taxonomy" || test -z "$opt_no_taxonomy" ||
	usage_die "--taxonomy and --no-taxonomy exclude each other"

set -- -- "${1-}"
eval "for arg in $opt_exclude; do set -- --exclude=\"\$arg\" \"\$@\"; done"
eval "for arg in $opt_taxon; do set -- --taxon=\"\$arg\" \"\$@\"; done"
if test -n "$opt_taxonomy"; then
	set -- --taxonomy="$opt_taxonomy" "$@"
elif test -z "$opt_no_taxonomy"; then
	find_taxonomy
	set +f
	test -z "$taxonomy" || set -- "$taxonomy" "$@"
fi
set -- --fasta ${opt_taxon_from:+--taxon-from="$opt_taxon_from"} ${opt_quiet:+--quiet} ${opt_no_descendants:+--no-descendants} "$@"

case $opt_output in
"" | -)
	exec casg-ls-taxon "$@"
	;;
esac
# Only a plain file, or none, may be renamed over: see casg-export.
if test -L "$opt_output" || { test -e "$opt_output" && ! test -f "$opt_output"; }; then
	{ command exec 3>"$opt_output"; } 2>/dev/null || die "cannot write '$opt_output'"
	exec casg-ls-taxon "$@" >&3 3>&-
fi

tmp=$opt_output.casg-$$
case $tmp in
-*) tmp=./$tmp ;;
esac
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'rm -f "$tmp"'
(: >"$tmp") 2>/dev/null || die "cannot write '$opt_output'"
casg-ls-taxon "$@" >"$tmp" || exit
mv -f -- "$tmp" "$opt_output" || exit 128
exit 0
