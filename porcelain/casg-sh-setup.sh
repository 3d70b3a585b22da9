# shellcheck shell=sh
# casg-sh-setup - what the shell porcelain shares.  A script begins with
#
#	SPEC='casg frob [--quiet] [--database NAME] FILE...
#	--
#	q,quiet          say nothing
#	d,database=NAME  the database to frob
#	'
#	# shellcheck source=porcelain/casg-sh-setup.sh
#	. "${0%/*}/casg-sh-setup"
#	casg_options 1 - "$@"; eval "$casg_set"
#
# after which $opt_quiet is 1 or empty, $opt_database the value or empty, and
# the positional parameters are what is left.  casg-parse-opt(1) has the rest
# of the specification.  Exit status as everywhere: 0, 1, 128, 129.

# A script may have been started by its path, without the dispatcher.
if test -z "${CASG_EXEC_PATH-}"; then
	CASG_EXEC_PATH=${0%/*}
	PATH=$CASG_EXEC_PATH:$PATH
	export CASG_EXEC_PATH PATH
fi
unset CDPATH

casg_lf='
'
casg_outer_usage=${CASG_USAGE-}

# die MESSAGE...: could not answer.
die () {
	printf 'fatal: %s\n' "$*" >&2
	exit 128
}

# warn MESSAGE...
warn () {
	printf 'warning: %s\n' "$*" >&2
}

# usage_die MESSAGE...: the message and the usage, exit 129.
usage_die () {
	printf 'error: %s\n' "$*" >&2
	casg_show_usage >&2
	exit 129
}

# The lines before "--" in $SPEC, as -h shows them, of the command that was typed.
casg_show_usage () {
	casg_lead=usage:
	printf '%s\n' "$CASG_USAGE" | while IFS= read -r casg_line; do
		printf '%s %s\n' "$casg_lead" "$casg_line"
		casg_lead='   or:'
	done
}

# casg_options MIN MAX ARG...: parse by $SPEC into $casg_set, which the caller
# evaluates; MAX may be "-" for any number.  -h and errors end the script then.
casg_options () {
	# who is handed a value that it refuses shows the usage of what was typed
	CASG_USAGE=${casg_outer_usage:-${SPEC%%"$casg_lf--"*}}
	export CASG_USAGE
	casg_max=
	test "$2" = - || casg_max=--max-args=$2
	# shellcheck disable=SC2034 # the caller evaluates it
	casg_set=$(
		min=$1
		shift 2
		casg-parse-opt --min-args="$min" ${casg_max:+"$casg_max"} -- "$@" <<EOF
$SPEC
EOF
	) || exit
}

# casg_find_repo: set $GIT_DIR_PATH (absolute) to the Git directory and
# $CASG_PATH to casg's folder in it, or die as git does.
casg_find_repo () {
	if test -n "${CASG_DIR-}"; then
		GIT_DIR=$CASG_DIR
		export GIT_DIR
	fi
	GIT_DIR_PATH=$(git rev-parse --absolute-git-dir) || exit 128
	# a linked work tree shares the packs of its repository
	casg_common=$(git rev-parse --git-common-dir) || exit 128
	case $casg_common in
	/*) ;;
	*) casg_common=$PWD/$casg_common ;;
	esac
	# shellcheck disable=SC2034 # for the scripts
	CASG_PATH=$casg_common/casg
	test -d "$CASG_PATH" ||
		die "'$GIT_DIR_PATH' is a Git repository without casg; run 'casg init' in it"
}

# casg_at_exit COMMAND: run it however the script ends; a signal ends the
# script with the status that a shell gives for it.  A second one, as timeout(1)
# sends it, does not end the command.
casg_at_exit () {
	# shellcheck disable=SC2064 # it is known now
	trap "$1" EXIT
	trap 'trap "" INT TERM HUP; exit 130' INT
	trap 'trap "" INT TERM HUP; exit 143' TERM
	trap 'trap "" INT TERM HUP; exit 129' HUP
}
