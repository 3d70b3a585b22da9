#!/bin/sh
# casg log - the versions of a database, newest first, as git log shows them.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg log [GIT-LOG-OPTION...] [[REV:]DATABASE | REV]
--
n,max-count=N     at most N of them; also -N
skip=N            leave out the first N
since=DATE        newer than DATE
until=DATE        older than DATE
author=PATTERN    by author
grep=PATTERN      by commit message
all               from all refs, not only from REV or HEAD
first-parent      follow only the first parent of merges
merges~           only merges; --no-merges: none
reverse           oldest first
oneline           one line each
format=FORMAT     as git log prints it
date=FORMAT       how dates are shown
decorate          with ref names
graph             with the history as a graph
stat              with the files changed
p,patch           with what changed in VERSION
show-signature    with the check of signatures
q,quiet           no patch
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

# -3 is short for -n 3, where it comes first.
count=
while :; do
	case ${1-} in
	-*[!0-9]* | -) break ;;
	-[0-9]*) count=${1#-} && shift ;;
	*) break ;;
	esac
done
casg_options 0 1 "$@"
eval "$casg_set"
casg_repo

rev='' db=''
case ${1-} in
"") ;;
*:)
	rev=${1%:}
	;;
*:*)
	rev=${1%:*} db=${1##*:}
	git cat-file -e "$1/VERSION" 2>/dev/null ||
		die "there is no database '$db' in '$rev'"
	;;
*)
	# a database in HEAD, else one that was, else a revision
	if git cat-file -e "HEAD:$1/VERSION" 2>/dev/null; then
		db=$1
	elif git rev-parse --verify --quiet "$1^{commit}" >/dev/null; then
		rev=$1
	elif test -n "$(git log -1 --format=%H -- ":(top,literal)$1/VERSION")"; then
		db=$1
	else
		die "there is no database '$1' in the history of HEAD"
	fi
	;;
esac

opt_max_count=${opt_max_count:-$count}
case $opt_merges in
1) opt_merges=--merges ;;
0) opt_merges=--no-merges ;;
esac
exec git log \
	${opt_max_count:+"--max-count=$opt_max_count"} ${opt_skip:+"--skip=$opt_skip"} \
	${opt_since:+"--since=$opt_since"} ${opt_until:+"--until=$opt_until"} \
	${opt_author:+"--author=$opt_author"} ${opt_grep:+"--grep=$opt_grep"} \
	${opt_all:+--all} ${opt_first_parent:+--first-parent} ${opt_merges:+"$opt_merges"} \
	${opt_reverse:+--reverse} ${opt_oneline:+--oneline} \
	${opt_format:+"--format=$opt_format"} ${opt_date:+"--date=$opt_date"} \
	${opt_decorate:+--decorate} ${opt_graph:+--graph} ${opt_stat:+--stat} \
	${opt_patch:+--patch} ${opt_show_signature:+--show-signature} ${opt_quiet:+--quiet} \
	${rev:+"$rev"} -- ${db:+":(top,literal)$db/VERSION"}
