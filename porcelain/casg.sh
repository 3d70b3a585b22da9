#!/bin/sh
# casg - find the program for a command and become it.
# Nothing may be done here that every command would have to wait for.

: "${CASG_EXEC_PATH:=@exec_path@}"
unset CDPATH

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
		exec "$CASG_EXEC_PATH/casg-$command" "$@"
	elif command -v "casg-$command" >/dev/null; then
		exec "casg-$command" "$@"
	fi
	;;
esac
echo "casg: '$command' is not a casg command. See 'casg help'." >&2
exit 1
