#!/bin/sh
# casg - find the program for a command and become it.
# Nothing may be done here that every command would have to wait for.

: "${CASG_EXEC_PATH:=@exec_path@}"
unset CDPATH CASG_USAGE

while :; do
	case ${1-} in
	-C)
		if test $# -lt 2; then
			echo "error: no directory given for '-C'" >&2
			exit 129
		fi
		cd -- "$2" 2>/dev/null || {
			echo "fatal: cannot change to '$2'" >&2
			exit 128
		}
		shift 2
		;;
	--exec-path)
		printf '%s\n' "$CASG_EXEC_PATH" || exit 128
		exit 0
		;;
	--exec-path=*)
		CASG_EXEC_PATH=${1#--exec-path=}
		shift
		;;
	version | --version | -v)
		case ${2-} in
		-h | --help)
			printf 'usage: casg version\n\n' || exit 128
			exit 129
			;;
		esac
		echo "casg version @version@" || exit 128
		exit 0
		;;
	-h | --help)
		shift
		set -- help "$@"
		break
		;;
	-*)
		echo "error: unknown option '$1'" >&2
		echo "usage: casg [-C DIR] [--exec-path[=DIR]] [--version] COMMAND [ARG...]" >&2
		exit 129
		;;
	*)
		break
		;;
	esac
done

PATH=$CASG_EXEC_PATH:$PATH
CASG_MANDIR=@mandir@
export CASG_EXEC_PATH CASG_MANDIR PATH

if test $# = 0; then
	casg-help
	exit 1
fi
command=$1
shift
case $command in
*/* | "") ;;
*)
	if test -x "$CASG_EXEC_PATH/casg-$command"; then
		# one shell less for what has to be quick; it ends by becoming another program
		# shellcheck source=porcelain/casg-cat.sh
		test "$command" != cat || . "$CASG_EXEC_PATH/casg-cat"
		exec "$CASG_EXEC_PATH/casg-$command" "$@"
	elif command -v "casg-$command" >/dev/null; then
		exec "casg-$command" "$@"
	fi
	;;
esac
printf "casg: '%s' is not a casg command. See 'casg help'.\n" "$command" >&2
# What other tools have; it would do no more than Git does.
if test "$command" = config; then
	echo "Settings are Git's: 'git config casg.KEY VALUE'. casg-config(5) lists them." >&2
	exit 1
fi
# Those that begin so, or else are at most two edits away (Levenshtein).
asked=$command awk '
	BEGIN { asked = ENVIRON["asked"]; most = length(asked) < 4 ? 1 : 2 }
	function least(a, b) { return a < b ? a : b }
	function edits(a, b,  i, j, row, old, was) {
		for (j = 0; j <= length(b); j++)
			row[j] = j
		for (i = 1; i <= length(a); i++) {
			was = row[0]
			row[0] = i
			for (j = 1; j <= length(b); j++) {
				old = row[j]
				row[j] = least(was + (substr(a, i, 1) != substr(b, j, 1)), 1 + least(old, row[j - 1]))
				was = old
			}
		}
		return row[length(b)]
	}
	length(asked) > 64 || ($2 != "porcelain" && $2 != "plumbing") { next }
	{ sub(/^casg-/, "", $1) }
	length(asked) > 1 && index($1, asked) == 1 { begins = begins "\n\t" $1 }
	edits(asked, $1) <= most { near = near "\n\t" $1 }
	END {
		if (begins near != "")
			print "\nDid you mean" (begins != "" ? begins : near)
	}' "$CASG_EXEC_PATH/command-list.txt" >&2
exit 1
