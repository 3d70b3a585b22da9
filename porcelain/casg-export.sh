#!/bin/sh
# casg export - a version of a database as the FASTA it was imported from.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg export [--quiet] [-o FILE] [REV:][DATABASE]
--
q,quiet        no progress
o,output=FILE  write there, and only when all of it is verified
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"

casg_options 0 1 "$@"
eval "$casg_set"

case $opt_output in
"" | -)
	exec casg-assemble ${opt_quiet:+--quiet} -- "${1-}"
	;;
esac
# Only a plain file, or none, may be renamed over: a device or a pipe would be
# replaced, and so would a symbolic link such as /dev/stdout, whatever it names.
if test -L "$opt_output" || { test -e "$opt_output" && ! test -f "$opt_output"; }; then
	# opened once: a pipe's reader would take a second opening for the end
	{ command exec 3>"$opt_output"; } 2>/dev/null || die "cannot write '$opt_output'"
	exec casg-assemble ${opt_quiet:+--quiet} -- "${1-}" >&3 3>&-
fi

tmp=$opt_output.casg-$$
case $tmp in
-*) tmp=./$tmp ;;
esac
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'rm -f "$tmp"'
(: >"$tmp") 2>/dev/null || die "cannot write '$opt_output'"
casg-assemble ${opt_quiet:+--quiet} -- "${1-}" >"$tmp" || exit
mv -f -- "$tmp" "$opt_output" || exit 128
exit 0
