#!/bin/sh
# casg help - the list of commands, or the page of one.

SPEC='casg help [COMMAND]
--
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"

# list GROUP TITLE: the commands of a group in command-list.txt, if any.
list () {
	title=$2
	while read -r name group summary; do
		test "$group" = "$1" || continue
		test -z "$title" || printf '\n%s\n' "$title"
		title=
		printf '   %-18s %s\n' "${name#casg-}" "$summary"
	done <"$CASG_EXEC_PATH/command-list.txt"
}

overview () {
	cat <<\EOF &&
usage: casg [-C DIR] [--exec-path[=DIR]] [--version] COMMAND [ARG...]

casg keeps releases of sequence databases as Git keeps source code.
EOF
	list porcelain "Commands for daily use" &&
	list plumbing "Programs for pipelines and scripts" &&
	list guide "Guides" &&
	printf '\n%s\n' "'casg help COMMAND' shows a page, 'casg COMMAND -h' the options."
}

casg_options 0 1 "$@"
eval "$casg_set"

if test $# = 0; then
	overview || die "cannot write to standard output"
	exit 0
fi

case $1 in
casg | casg-* | casg[a-z]*) page=$1 ;;
*) page=casg-$1 ;;
esac

if command -v man >/dev/null; then
	# the pages as installed, else those of the build tree
	for dir in "${CASG_MANDIR-}" "$CASG_EXEC_PATH/../Documentation"; do
		for file in "$dir/$page".[157] "$dir"/man[157]/"$page".[157]*; do
			test -f "$file" && exec man -l "$file"
		done
	done
fi
if command -v "$page" >/dev/null && test "$page" != casg; then
	"$page" -h
	test $? = 129 && exit 0
	exit 128
fi
echo "casg: no page for '$1'" >&2
exit 1
