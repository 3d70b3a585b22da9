#!/bin/sh
# casg cat - records by key, accession or sequence id.
# As thin as can be: one record takes milliseconds.  casg reads it into its own shell.
# shellcheck disable=SC2154 # casg_options sets opt_*

case $#,${1-},$* in
*,-h,* | *,--help,* | [01],* | *--as-of* | *--taxonomy*)
	SPEC='casg cat [--quiet] [-z] [--as-of T | [--as-of-sequence T] [--as-of-taxonomy T]] [--taxonomy [REV:]NAME] [REV:]DATABASE KEY...
casg cat [--quiet] [-z] [OPTION...] --batch [--buffer] [REV:]DATABASE
--
batch                answer each key on standard input, in order
buffer               with --batch: do not flush after each answer
z,null               with --batch: keys end in NUL
q,quiet              no word of what is not there, nor of the versions chosen
as-of-sequence+T     the sequences as of a time, release label or revision
as-of-taxonomy+T     the taxonomy as of T
as-of+T              both as of T
taxonomy+[REV:]NAME  which taxonomy (default: casg.taxonomy, the one in VERSION, or the only one)
'
	# shellcheck source=porcelain/casg-sh-setup.sh
	. "${CASG_EXEC_PATH:-${0%/*}}/casg-sh-setup"
	# shellcheck source=porcelain/casg-sh-view.sh
	. "$CASG_EXEC_PATH/casg-sh-view"
	casg_options 1 - "$@"
	eval "$casg_set"
	test -n "$opt_batch" || test $# != 1 || usage_die "no key given"
	test -z "$opt_batch" || test $# = 1 || usage_die "--batch reads its keys from standard input"
	casg_view asked "$1"
	shift
	set -- ${opt_batch:+--batch} ${opt_buffer:+--buffer} ${opt_null:+-z} ${opt_quiet:+--quiet} \
		-- "$spec" "$@"
	;;
esac
test -n "${CASG_EXEC_PATH-}" || exec "${0%/*}/casg-cat-record" "$@"
exec casg-cat-record "$@"
