#!/bin/sh
# casg cat - records by key, accession or sequence id.
# As thin as can be: one record takes milliseconds.

case $#,${1-} in
*,-h | *,--help | [01],*)
	SPEC='casg cat [--quiet] [-z] [REV:]DATABASE KEY...
casg cat [--quiet] [-z] --batch [--buffer] [REV:]DATABASE
--
batch    answer each key on standard input, in order
buffer   with --batch: do not flush after each answer
z,null   with --batch: keys end in NUL
q,quiet  say nothing about what is not there
'
	# shellcheck source=porcelain/casg-sh-setup.sh
	. "${0%/*}/casg-sh-setup"
	# help, or too little: both end here
	casg_options 2 - "$@"
	eval "$casg_set"
	;;
esac
test -n "${CASG_EXEC_PATH-}" || exec "${0%/*}/casg-cat-record" "$@"
exec casg-cat-record "$@"
