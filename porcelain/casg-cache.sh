#!/bin/sh
# casg cache - the chunks that were read and may be read again.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg cache stats [--json]
casg cache clear
casg cache verify
--
json  as JSON
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

casg_options 1 1 "$@"
eval "$casg_set"
case $1 in
stats | clear | verify) ;;
*) usage_die "unknown command '$1'" ;;
esac
test -z "$opt_json" || test "$1" = stats || usage_die "--json goes with stats only"
casg_repo
exec casg-chunk-cache "--$1" ${opt_json:+--json}
