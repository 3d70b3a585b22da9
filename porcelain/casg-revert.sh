#!/bin/sh
# casg revert - undo what a commit changed, by a commit of its own.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg revert [--quiet] [-m MESSAGE] [-S] [--mainline N] [--ours | --theirs] [--settle [DATABASE=]FILE]... [-z] [--release LABEL] [--sequence-time TIME] [--threads N] [--memory SIZE] REV
--
q,quiet                   say nothing unless it fails
m,message=MESSAGE         the commit message
S,gpg-sign~               sign the commit (default: commit.gpgSign); --no-gpg-sign: do not
mainline#N                REV is a merge; go back to its parent N
ours                      settle conflicts for HEAD
theirs                    settle conflicts for what was before REV
settle+[DATABASE=]FILE    settle conflicts by the records in FILE
z,null                    conflicts and FILE end lines in NUL, nothing is quoted
release=LABEL             what the new release is called
sequence-time=TIME        when it is of (default: now)
threads#N                 workers (default: casg.threads)
memory%SIZE               memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-commit.sh
. "${0%/*}/casg-sh-commit"
# shellcheck source=porcelain/casg-sh-merge.sh
. "${0%/*}/casg-sh-merge"

# Set $parent, the commit before $rev.
find_parent () {
	parents=$(git rev-list --parents -n 1 "$rev") || exit 128
	# shellcheck disable=SC2086 # ids
	set -- $parents
	shift
	case $#,$opt_mainline in
	0,*) die "'$name' has no parent: there is nothing to go back to" ;;
	1, | 1,1) parent=$1 ;;
	1,*) die "'$name' is no merge" ;;
	*,) die "'$name' is a merge; name a parent with --mainline" ;;
	*)
		test "$opt_mainline" -ge 1 && test "$opt_mainline" -le $# ||
			die "'$name' has no parent $opt_mainline"
		shift $((opt_mainline - 1))
		parent=$1
		;;
	esac
}

casg_options 1 1 "$@"
eval "$casg_set"
test -z "$opt_ours" || test -z "$opt_theirs" || usage_die "only one of --ours and --theirs"
casg_repo
casg_find_sign
casg_begin revert
db=$1 name=$1
head=$(git rev-parse --verify --quiet "HEAD^{commit}") ||
	die "there is no commit yet; 'casg init' makes the first one"
rev=$(git rev-parse --verify --quiet "$1^{commit}") || die "there is no revision '$1'"
find_parent

renew=1
casg_merge_commits "$rev" "$parent"
if test ! -s "$tmp/merged" && git diff --quiet "$head" "$tree_commit"; then
	casg_nothing 1 "nothing of '$name' is left to undo"
fi
message=$opt_message
test -n "$message" || message="Revert \"$(git log -1 --format=%s "$rev")\"

This reverts commit $rev."
casg_commit_merge "$message"
while read -r nth name; do
	test -n "$opt_quiet" ||
		echo "$name: $(sed -n 's/^count //p' "$tmp/VERSION-$nth") records" || exit 128
done <"$tmp/merged"
casg_end
