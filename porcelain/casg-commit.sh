#!/bin/sh
# casg commit - a record stream becomes the next version of a database.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg commit [--quiet] [-m MESSAGE] [-S] [--release LABEL] [--sequence-time TIME] [--allow-empty] [-z] [--threads N] [--memory SIZE] DATABASE [FILE]
--
q,quiet             say nothing unless it fails
m,message=MESSAGE   the commit message
S,gpg-sign~         sign the commit (default: commit.gpgSign); --no-gpg-sign: do not
release=LABEL       what its publisher calls the release
sequence-time=TIME  when the release is of (default: now)
allow-empty         accept a stream without any record
z,null              lines end in NUL, nothing is quoted
threads#N           workers (default: casg.threads)
memory%SIZE         memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-commit.sh
. "${0%/*}/casg-sh-commit"

casg_options 1 2 "$@"
eval "$casg_set"
db=$1
casg_repo
casg_find_sign
casg_check_name ""
case ${2--} in
-) ;;
*)
	test -r "$2" || die "cannot open '$2'"
	exec <"$2"
	;;
esac
casg_begin commit
casg_read_head
casg_refuse_local_edits
casg_get_old base records
casg_get_old order order
casg_get_old taxonomy taxonomy
casg_run_tree casg-mktree ${opt_quiet:+--quiet} ${opt_null:+-z} \
	${opt_threads:+--threads="$opt_threads"} ${opt_memory:+--memory="$opt_memory"} \
	${base:+--base="$base" --base-order="$order" --previous="$tmp/old"} || exit
casg_facts "$tmp/tree.facts"
casg_write_version ${taxonomy:+--taxonomy="$taxonomy"}
casg_get records "$tmp/VERSION" count
! casg_is_same || casg_nothing 1 "nothing to commit: these are the $records records of $db"
# what is left of a pipe whose first program failed
test "$records" != 0 || test -n "$opt_allow_empty" ||
	die "there is no record in the stream (--allow-empty accepts that)"
message=$opt_message
test -n "$message" ||
	message="commit $db: ${opt_release:+release $opt_release, }$records records"
casg_commit_version "$message"
test -n "$opt_quiet" || echo "$db: $records records, $stored bytes stored" || exit 128
casg_end
