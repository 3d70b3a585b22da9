#!/bin/sh
# casg gap - say from when on the version of a database is no longer in force.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg gap [--quiet] [-m MESSAGE] [-S] --from TIME [DATABASE]
--
q,quiet             say nothing unless it fails
m,message=MESSAGE   the commit message
S,gpg-sign~         sign the commit (default: commit.gpgSign); --no-gpg-sign: do not
from=TIME           when it ends
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-commit.sh
. "${0%/*}/casg-sh-commit"

casg_options 0 1 "$@"
eval "$casg_set"
test -n "$opt_from" || usage_die "from when on? --from is missing"
casg_repo
casg_find_sign
db=${1-}
test -n "$db" || db=$(casg_only_database) || exit
case $db in
# casg-commit-tree knows what else a taxonomy may be called
taxonomy/*) ;;
*) casg_check_name "" ;;
esac
casg_begin gap
casg_read_head
test -n "$previous" || die "there is no database '$db' in HEAD"
casg_refuse_local_edits
casg-write-version --follow --valid-until="$opt_from" <"$tmp/old" >"$tmp/VERSION" || exit
casg_get ends "$tmp/VERSION" valid-until
casg_get_old ended valid-until
test "$ends" != "$ended" ||
	casg_nothing 0 "nothing to do: $db ends at $ends already"
message=$opt_message
test -n "$message" || message="gap $db: ends at $ends"
casg_commit_version "$message"
test -n "$opt_quiet" || echo "$db: not in force from $ends on" || exit 128
casg_end
