# shellcheck shell=sh disable=SC2030,SC2031
# completion.sh - what can stand where the cursor is, for bash and zsh.
#
# It lies beside the commands of casg ('casg --exec-path'); casg-completion.bash
# and _casg, which the shells load, source it and call
#
#	__casg_complete INDEX WORD...
#
# WORDs are those of the command line, "casg" first; INDEX is the number, from
# 0, of the one to be completed, cut off at the cursor.  Prints a candidate a
# line; no space belongs behind one that ends in '=' or ':'.  Status 2: file
# names are wanted.  What can stand there is taken from 'casg COMMAND -h'.
#
# Everything runs in a subshell, so no variable of the user's shell is touched.

__casg_complete () (
	index=$1
	shift
	started='' dir='' command='' expects='' dashes='' switches=' ' nargs=0 cur='' help=''
	while test $# != 0; do
		word=$1
		shift
		if test "$index" = 0; then
			cur=$word
			break
		fi
		index=$((index - 1))
		__casg_word "$word"
	done
	if test -z "$command"; then
		__casg_first
	elif test -n "$expects"; then
		__casg_value "$expects" '' "$cur"
	elif test -z "$dashes"; then
		case $cur in
		--*=*) __casg_value "$(__casg_arg "${cur%%=*}")" "${cur%%=*}=" "${cur#*=}" ;;
		-*) __casg_options | __casg_match '' "$cur" ;;
		*) __casg_operand ;;
		esac
	else
		__casg_operand
	fi
)

# ---- the words before

# Take one word into account; the first one is "casg" itself.
__casg_word () {
	if test -z "$started"; then
		started=1
	elif test -n "$expects"; then
		test -n "$command" || dir=$1
		expects=
	elif test -z "$command"; then
		case $1 in
		-C) expects=DIR ;;
		-*) ;;
		*)
			command=$1
			help=$(__casg_run "$command" -h 2>/dev/null </dev/null)
			;;
		esac
	elif test -n "$dashes"; then
		nargs=$((nargs + 1))
	else
		case $1 in
		--) dashes=1 ;;
		--*=*) ;;
		-?*)
			switches="$switches$1 "
			expects=$(__casg_arg "$1")
			;;
		*) nargs=$((nargs + 1)) ;;
		esac
	fi
}

__casg_run () {
	casg ${dir:+-C "$dir"} "$@"
}

__casg_git () {
	if test -n "${CASG_DIR-}"; then
		git --git-dir="$CASG_DIR" "$@"
	else
		git ${dir:+-C "$dir"} "$@"
	fi 2>/dev/null
}

# ---- what -h says

# The usage lines; the options, "-x", "--name" or "--name=", one a line.
__casg_usage () {
	printf '%s\n' "$help" | sed -n 's/^ *usage: //p; s/^ *or: //p'
}

__casg_options () {
	printf '%s\n' "$help" |
		sed -n 's/^    \(-.*\)$/\1/p' | awk '{
			sub(/,$/, "", $1)
			i = $1 ~ /^--/ ? 1 : $2 ~ /^--/ ? 2 : 0
			takes = $(i ? i + 1 : 2) ~ /^[A-Z][A-Z-]*$/
			if (i != 1) print $1
			if (i) print $i (takes ? "=" : "")
		}'
}

# What the option -x or --name is followed by: "N", "FILE"; or nothing.
__casg_arg () {
	printf '%s\n' "$help" | sed -n 's/^    \(-.*\)$/\1/p' | awk -v option="$1" '{
		sub(/,$/, "", $1)
		i = $2 ~ /^--/ ? 2 : 1
		if (($1 == option || $i == option) && $(i + 1) ~ /^[A-Z][A-Z-]*$/)
			print $i == "--database" ? "DATABASE" : $i $(i + 1) == "--profileNAME" ? "PROFILE" : $(i + 1)
	}'
}

# ---- candidates

# __casg_match PREFIX CUR: lines that start with CUR, with PREFIX before them.
__casg_match () {
	while IFS= read -r line; do
		case $line in
		"$2"*) printf '%s\n' "$1$line" ;;
		esac
	done
	return 0
}

__casg_commands () {
	casg help 2>/dev/null </dev/null | awk -v group="$1" '
		/^[A-Z]/ { on = $0 ~ group; next }
		on && /^   [a-z]/ { print $1 }'
}

__casg_first () {
	if test -n "$expects"; then
		return 2
	fi
	case $cur in
	-*) printf '%s\n' -C --exec-path --help --version | __casg_match '' "$cur" ;;
	*) __casg_command_names ;;
	esac
}

# Programs for scripts only where nothing else fits.
__casg_command_names () {
	names=$(__casg_commands "^Commands" | __casg_match '' "$cur")
	test -n "$names" || names=$(__casg_commands "^Programs" | __casg_match '' "$cur")
	test -z "$names" || printf '%s\n' "$names"
}

__casg_refs () {
	__casg_git for-each-ref --format='%(refname:short)' "$@"
}

__casg_revs () {
	! __casg_git rev-parse --verify --quiet HEAD >/dev/null || echo HEAD
	__casg_refs refs/heads refs/tags refs/remotes
}

__casg_databases () {
	__casg_run read-version --list "${1:-HEAD}" 2>/dev/null </dev/null | sed 's/^[^ ]* //'
}

__casg_profiles () {
	__casg_git for-each-ref --format='%(refname:lstrip=4)' refs/casg/profiles | sort -u
}

# __casg_value WHAT PREFIX CUR: the argument of an option.
__casg_value () {
	case $1 in
	DATABASE) __casg_databases | __casg_match "$2" "$3" ;;
	PROFILE) __casg_profiles | __casg_match "$2" "$3" ;;
	REV | PARENT | T) __casg_revs | __casg_match "$2" "$3" ;;
	FILE | DIR) return 2 ;;
	esac
}

# An argument that is no option.
__casg_operand () {
	case $command,$switches in
	help,*)
		__casg_command_names
		return
		;;
	switch,*" -c "* | switch,*" --create "* | switch,*" --detach "*) ;;
	switch,* | branch,*" -d "* | branch,*" --delete "* | branch,*" -m "* | branch,*" --move "*)
		__casg_refs refs/heads | __casg_match '' "$cur"
		return
		;;
	tag,*" -d "* | tag,*" --delete "* | tag,*" -l "* | tag,*" --list "*)
		__casg_refs refs/tags | __casg_match '' "$cur"
		return
		;;
	tag,* | branch,*)
		# the name is new
		test "$nargs" != 0 || return 0
		;;
	esac
	# what belongs to an option is no operand
	usage="$(__casg_usage | sed 's/--taxonomy[ =]\[REV:\]NAME//g' | tr '\n' ' ') "
	case $dashes,$usage in
	1,*" -- KEY"*) return 0 ;;
	1,*" -- DATABASE"*)
		__casg_databases | __casg_match '' "$cur"
		return
		;;
	esac
	case $nargs,$usage in
	0,*DATABASE* | *,*"REV[:DATABASE]"*) __casg_specs ;;
	*,*" KEY "* | *,*" KEY..."*) ;;
	*,*REV*) __casg_revs | __casg_match '' "$cur" ;;
	*,*FILE* | *,*PACK* | *,*DIR*) return 2 ;;
	esac
}

# [REV:]DATABASE, REV:, and REV alone where the usage has it.
__casg_specs () {
	prefix=
	case $cur in
	*:*)
		__casg_databases "${cur%:*}" | __casg_match "${cur%:*}:" "${cur##*:}"
		return
		;;
	*..*)
		prefix=${cur%..*}..
		cur=${cur##*..}
		;;
	*)
		case $usage in
		*"]DATABASE"* | *"[DATABASE]"*) __casg_databases ;;
		esac | __casg_match '' "$cur"
		;;
	esac
	case $usage in
	*"| REV"* | *"REV["* | *"[REV]"*) __casg_revs | __casg_match "$prefix" "$cur" ;;
	esac
	test -n "$prefix" || __casg_revs | sed 's/$/:/' | __casg_match '' "$cur"
}
