#!/bin/sh
# casg log - the versions of a database, newest first, as git log shows them; or
# those in which one record appeared, changed or went.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg log [GIT-LOG-OPTION...] [[REV:]DATABASE | REV]
casg log [GIT-LOG-OPTION...] [[REV:]DATABASE | REV] -- KEY
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

# What stands behind "--" is the key of a record, as it is a path in Git.
key='' nkeys=0 left=$# behind=
while test "$left" != 0; do
	left=$((left - 1))
	if test -n "$behind"; then
		key=$1 nkeys=$((nkeys + 1))
	elif test "$1" = --; then
		behind=1
	else
		set -- "$@" "$1"
	fi
	shift
done
casg_options 0 1 "$@"
eval "$casg_set"
test $nkeys -le 1 || usage_die "one KEY at a time"
casg_repo

opt_max_count=${opt_max_count:-$count}
case $opt_merges in
1) opt_merges=--merges ;;
0) opt_merges=--no-merges ;;
esac

# select_by COMMIT...: those of them that the options select.
select_by () {
	# --max-count would undo a --no-walk before it
	git rev-list \
		${opt_max_count:+"--max-count=$opt_max_count"} ${opt_skip:+"--skip=$opt_skip"} \
		${opt_since:+"--since=$opt_since"} ${opt_until:+"--until=$opt_until"} \
		${opt_author:+"--author=$opt_author"} ${opt_grep:+"--grep=$opt_grep"} \
		${opt_merges:+"$opt_merges"} ${opt_reverse:+--reverse} \
		--no-walk=unsorted "$@" --
}

# ---- one record

# The lines of casg-rev-list -p about one version, for people.
describe () {
	KEY=$key awk -F '\t' '
		function masked(s) { gsub(/[\001-\037\177]/, "?", s); return s }
		/^[0-9a-f]/ {
			what = $4
			if (what ~ /^(appeared|returned|withdrawn)$/)
				sub(/^returned$/, "came back", what)
			else {
				gsub(/,/, " changed, ", what)
				what = what " changed"
			}
			printf "%s: %s\n", masked(ENVIRON["KEY"]), what
			if ($2 != "-")
				printf "version %s, %s%s\n", $2, $3, $5 == "-" ? "" : ", " $5
			next
		}
		/^!/ {
			if ($4 != "")
				print "reason: " masked($4)
			if ($3 != "-")
				print "instead: " masked($3)
			next
		}
		{
			printf "%s %s, %s residues%s, sequence %s\n", substr($1, 1, 1),
				masked(substr($1, 2)), $3, $4 == "-" ? "" : ", taxon " $4, $2
			text = $0
			for (i = 1; i <= 5; i++)
				sub(/^[^\t]*\t/, "", text)
			if (text != "")
				print "  " masked(text)
		}'
}

one_line () {
	awk -F '\t' '
		/^[0-9a-f]/ {
			what = $4
			gsub(/,/, ", ", what)
			printf "%s%s: %s\n", $3 == "-" ? "" : " " $3, $5 == "-" ? "" : " " $5, what
		}'
}

# show_change COMMIT: as git log shows it, then what became of the record.
show_change () {
	awk -v commit="$1" '
		/^[0-9a-f]/ { on = substr($0, 1, length(commit)) == commit }
		on' "$tmp/changes" >"$tmp/change"
	if test -n "$opt_oneline" && test -z "$opt_format"; then
		abbrev=$(git log -1 --format="%h${opt_decorate:+%d}" "$1") &&
		printf '%s%s\n' "$abbrev" "$(one_line <"$tmp/change")"
		return
	fi
	git log -1 ${opt_format:+"--format=$opt_format"} ${opt_date:+"--date=$opt_date"} \
		${opt_decorate:+--decorate} ${opt_stat:+--stat} ${opt_patch:+--patch} \
		${opt_show_signature:+--show-signature} "$1" -- || return
	test -n "$opt_quiet" || {
		echo && describe <"$tmp/change" | sed 's/^/    /' &&
		echo
	}
}

log_record () {
	test -z "$opt_graph" || usage_die "--graph does not go with a KEY"
	case ${1-} in
	"" | *:*) ;;
	*)
		# a database, else a revision with one
		if ! git cat-file -e "HEAD:$1/VERSION" 2>/dev/null && test -z "$opt_all" &&
			git rev-parse --verify --quiet "$1^{commit}" >/dev/null; then
			set -- "$1:"
		fi
		;;
	esac
	casg_scratch log
	casg-rev-list -p ${opt_all:+--all} ${opt_first_parent:+--first-parent} \
		-- "${1-}" "$key" >"$tmp/changes" || exit
	# shellcheck disable=SC2046 # a word each
	select_by $(sed -n 's/^\([0-9a-f]\{40,\}\)	.*/\1/p' "$tmp/changes") \
		>"$tmp/selected" || exit 128
	while read -r commit; do
		show_change "$commit" || exit 128
	done <"$tmp/selected"
	exit 0
}

test -z "$behind" || test $nkeys = 0 || log_record "$@"

# ---- a database

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
