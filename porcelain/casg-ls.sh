#!/bin/sh
# casg ls - the records of a version, a line each.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg ls [-z] [--keys] [--quiet] [REV:][DATABASE]
casg ls --withdrawn [-z] [REV:][DATABASE]
--
z,null     lines end in NUL, nothing is quoted
keys       print the keys alone
withdrawn  print what was withdrawn: key, since when, successor, reason
q,quiet    no progress
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"

casg_options 0 1 "$@"
eval "$casg_set"
exec casg-ls-tree ${opt_null:+-z} ${opt_keys:+--keys} ${opt_withdrawn:+--withdrawn} -- "${1-}"
