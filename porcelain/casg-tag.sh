#!/bin/sh
# casg tag - tags that say which versions a commit holds.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg tag [-s | -u KEYID] [-f] [-m MESSAGE]... [-F FILE] NAME [REV]
casg tag -d NAME...
casg tag [-l] [-n N] [PATTERN...]
--
m,message+MESSAGE  a paragraph of the message (default: the name)
F,file=FILE        the message; - is standard input
s,sign~            sign it (default: tag.gpgSign); --no-sign: do not
u,local-user=KEYID sign it with this key
f,force            replace a tag of that name
d,delete           delete tags
l,list             list tags, those that match a PATTERN
n,lines#N          list with so many lines of each message
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

# The message in $tmp/message, from where the options say.
read_message () {
	if test -n "$opt_file"; then
		if test "$opt_file" = -; then
			cat
		else
			cat -- "$opt_file"
		fi >"$tmp/message" || die "cannot read '$opt_file'"
		return
	fi
	eval "set -- $opt_message"
	test $# != 0 || set -- "$name"
	first=1
	for paragraph in "$@"; do
		test -n "$first" || echo
		first=
		printf '%s\n' "$paragraph"
	done >"$tmp/message"
}

# A line for each database of the commit, from before it is signed.
add_trailers () {
	casg-read-version --list "$commit" >"$tmp/versions" || exit
	test -s "$tmp/versions" || die "there is no database in '$rev'"
	! grep -i '^casg-version:' "$tmp/message" >/dev/null ||
		die "the message has a Casg-Version of its own"
	set --
	while read -r id db; do
		set -- "$@" --trailer "Casg-Version: $db $id"
	done <"$tmp/versions"
	# no line of the message is a comment
	git -c trailer.separators=: -c core.commentChar="$(printf '\001')" interpret-trailers --no-divider --where end \
		--if-exists add --if-missing add "$@" <"$tmp/message" >"$tmp/full" || exit 128
}

make_tag () {
	name=$1 rev=${2-HEAD}
	test $# -le 2 || usage_die "too many arguments at '$3'"
	test -z "$opt_file" || test -z "$opt_message" || usage_die "-m and -F exclude each other"
	test "$opt_sign" != 0 || test -z "$opt_local_user" || usage_die "-u and --no-sign exclude each other"
	commit=$(git rev-parse --verify --quiet "$rev^{commit}") ||
		die "'$rev' does not name a commit"
	casg_scratch tag
	casg_identity
	read_message
	add_trailers
	find_sign
	old=$(git rev-parse --verify --quiet "refs/tags/$name")
	git tag --annotate --cleanup=verbatim "$sign" ${opt_force:+--force} \
		${opt_local_user:+"--local-user=$opt_local_user"} \
		-F "$tmp/full" -- "$name" "$commit" || exit 128
	# some Gits make the tag although ssh-keygen could not sign it
	if test "$sign" = --sign && ! git cat-file tag "refs/tags/$name" |
		grep '^-----BEGIN [A-Z ]*-----$' >/dev/null; then
		if test -n "$old"; then
			git update-ref "refs/tags/$name" "$old"
		else
			git update-ref -d "refs/tags/$name"
		fi
		die "the tag could not be signed"
	fi
}

# $sign: the option, else the configuration.
find_sign () {
	sign=$opt_sign
	test -z "$opt_local_user" || sign=1
	test -n "$sign" || sign=$(git config --type=bool --default=false tag.gpgSign) || exit 128
	case $sign in
	0 | false) sign=--no-sign ;;
	*) sign=--sign ;;
	esac
}

casg_options 0 - "$@"
eval "$casg_set"
casg_repo

if test -n "$opt_delete"; then
	test $# != 0 || usage_die "which tag?"
	git tag -d -- "$@"
elif test -n "$opt_list" || test -n "$opt_lines" || test $# = 0; then
	git --no-pager tag --list ${opt_lines:+"-n$opt_lines"} -- "$@"
else
	make_tag "$@"
fi
case $? in
0) exit 0 ;;
1) exit 1 ;;
*) exit 128 ;;
esac
