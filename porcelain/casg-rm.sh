#!/bin/sh
# casg rm - withdraw records: they go, and a tombstone stays.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg rm [--quiet] [--dry-run] [-d NAME] [-m MESSAGE] [-S] [--reason TEXT] [--successor KEY] [--sequence-time TIME] [--ignore-unmatch] KEY...
casg rm [OPTION...] --stdin [-z]
--
q,quiet             say nothing unless it fails
n,dry-run           only say what would go
d,database=NAME     the database (default: the only one)
m,message=MESSAGE   the commit message
S,gpg-sign~         sign the commit (default: commit.gpgSign); --no-gpg-sign: do not
reason=TEXT         why they go
successor=KEY       what to use instead
sequence-time=TIME  since when (default: now)
ignore-unmatch      keys that are not there are no reason to fail
stdin               read lines of KEY [TAB SUCCESSOR [TAB REASON]]
z,null              with --stdin: lines end in NUL, nothing is quoted
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-commit.sh
. "${0%/*}/casg-sh-commit"

withdraw () {
	casg_run_tree casg-update-tree --withdraw ${opt_null:+-z} \
		${opt_reason:+--reason="$opt_reason"} \
		${opt_successor:+--successor="$opt_successor"} \
		${opt_sequence_time:+--sequence-time="$opt_sequence_time"} \
		${opt_ignore_unmatch:+--ignore-unmatch} --previous="$tmp/old"
}

casg_options 0 - "$@"
eval "$casg_set"
if test -n "$opt_stdin"; then
	test $# = 0 || usage_die "--stdin reads its keys from standard input"
else
	test $# != 0 || usage_die "no key given"
	test -z "$opt_null" || usage_die "-z goes with --stdin"
	opt_null=1
fi
casg_repo
casg_find_sign
db=$opt_database
test -n "$db" || db=$(casg_only_database) || exit
casg_check_name ""
casg_begin rm
casg_read_head
test -n "$previous" || die "there is no database '$db' in HEAD"
casg_refuse_local_edits
casg_get_old taxonomy taxonomy
if test -n "$opt_stdin"; then
	withdraw
else
	printf '%s\0' "$@" >"$tmp/keys" || exit 128
	withdraw <"$tmp/keys"
fi || exit
casg_facts "$tmp/tree.facts"
# what it is now is in the tombstones
opt_sequence_time=
casg_write_version ${taxonomy:+--taxonomy="$taxonomy"}
! casg_is_same || casg_nothing 0 "nothing to withdraw from $db ($records records)"
if test -n "$opt_dry_run"; then
	test -n "$opt_quiet" || echo "would withdraw $removed of $((records + removed)) records of $db" || exit 128
	exit 0
fi
message=$opt_message
test -n "$message" || message="rm $db: $removed records withdrawn"
casg_commit_version "$message"
test -n "$opt_quiet" ||
	echo "$db: $removed records withdrawn, $records left, $stored bytes stored" || exit 128
casg_end
