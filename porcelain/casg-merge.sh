#!/bin/sh
# casg merge - join another history: databases are merged by record.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg merge [--quiet] [-m MESSAGE] [-S] [--ff-only | --no-ff] [--ours | --theirs] [--settle [DATABASE=]FILE]... [-z] [--release LABEL] [--sequence-time TIME] [--threads N] [--memory SIZE] REV
--
q,quiet                   say nothing unless it fails
m,message=MESSAGE         the commit message
S,gpg-sign~               sign the commit (default: commit.gpgSign); --no-gpg-sign: do not
ff-only                   refuse to merge what is no fast-forward
no-ff                     make a merge commit even if HEAD could just move
ours                      settle conflicts for HEAD
theirs                    settle conflicts for REV
settle+[DATABASE=]FILE    settle conflicts by the records in FILE
z,null                    conflicts and FILE end lines in NUL, nothing is quoted
release=LABEL             what the merged release is called
sequence-time=TIME        when it is of (default: as the later of both)
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

say () {
	test -n "$opt_quiet" || echo "$*" || exit 128
}

# As git names what is merged.
describe () {
	if git rev-parse --verify --quiet "refs/heads/$1" >/dev/null; then
		echo "branch '$1'"
	elif git rev-parse --verify --quiet "refs/tags/$1" >/dev/null; then
		echo "tag '$1'"
	elif git rev-parse --verify --quiet "refs/remotes/$1" >/dev/null; then
		echo "remote-tracking branch '$1'"
	else
		echo "commit '$1'"
	fi
}

casg_options 1 1 "$@"
eval "$casg_set"
test -z "$opt_ours" || test -z "$opt_theirs" || usage_die "only one of --ours and --theirs"
test -z "$opt_ff_only" || test -z "$opt_no_ff" || usage_die "only one of --ff-only and --no-ff"
casg_repo
casg_find_sign
casg_begin merge
db=$1
head=$(git rev-parse --verify --quiet "HEAD^{commit}") ||
	die "there is no commit yet; 'casg init' makes the first one"
theirs=$(git rev-parse --verify --quiet "$1^{commit}") || die "there is no revision '$1'"
base=$(git merge-base "$head" "$theirs") || die "HEAD and '$1' have no common history"

if test "$base" = "$theirs"; then
	committed=1
	say "Already up to date."
	exit 0
fi
if test "$base" = "$head" && test -z "$opt_no_ff"; then
	commit=$theirs
	casg_lock refs
	move_head || exit 128
	say "Fast-forward to $commit"
	casg_end
fi
test -z "$opt_ff_only" || die "'$1' is no fast-forward of HEAD"

casg_merge_commits "$base" "$theirs"
casg_commit_merge "${opt_message:-Merge $(describe "$1")}" -p "$theirs"
while read -r nth name; do
	say "$name: $(sed -n 's/^count //p' "$tmp/VERSION-$nth") records"
done <"$tmp/merged"
say "Merge made: $commit"
casg_end
