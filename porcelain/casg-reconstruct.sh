#!/bin/sh
# casg reconstruct - all of a reduced version, with the proof that nothing is lost.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg reconstruct [--reduced FILE] [--quiet] [-o FILE] [--threads N] [--memory SIZE] --profile=NAME [REV:][DATABASE]
--
profile=NAME    the profile that the version was reduced by
reduced=FILE    the reduced FASTA: it has to be what the profile gives
q,quiet         no progress
o,output=FILE   write there, and only when all of it is verified
threads#N       workers (default: casg.threads)
memory%SIZE     memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-output.sh
. "${0%/*}/casg-sh-output"
# shellcheck source=porcelain/casg-sh-profile.sh
. "${0%/*}/casg-sh-profile"

tmp='' failed=''

read_profile () {
	casg-read-profile "$@" ${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} --profile="$profile" --version="$profile_version"
}

# Before anything is written: each record is a representative or the member of
# one, and each can be had.
check_all () {
	read_profile --check >/dev/null || exit 128
	lost=$(printf '%s\n' "$spec" | casg-check-tree) || {
		test $? = 1 || exit 128
		printf '%s\n' "$lost" | awk -F'\t' 'NR <= 10 { print "error: " $3 " " $4 ": " $7 }' >&2
		die "not all of version $version is here"
	}
}

# Is the file what the profile gives?  The answer of cmp counts only if all of it
# could be given.
check_reduced () {
	test -r "$opt_reduced" || die "cannot read '$opt_reduced'"
	failed=$(mktemp "${TMPDIR:-/tmp}/casg-reconstruct-XXXXXX") || exit 128
	{ read_profile --fasta --quiet || echo $? >"$failed"; } | cmp -s - "$opt_reduced"
	case $? in
	0) ! test -s "$failed" || exit 128 ;;
	1)
		printf "error: '%s' is not what profile '%s' gives\n" "$opt_reduced" "$opt_profile" >&2
		exit 1
		;;
	*) exit 128 ;;
	esac
}

casg_options 0 1 "$@"
eval "$casg_set"
test -n "$opt_profile" || usage_die "--profile says by what it was reduced"
casg_repo
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'rm -f ${tmp:+"$tmp"} ${failed:+"$failed"}'
spec=${1-}
casg_find_profile "$opt_profile" "$spec"
check_all
test -z "$opt_reduced" || check_reduced
set -- casg-assemble ${opt_quiet:+--quiet} ${opt_threads:+--threads="$opt_threads"} \
	${opt_memory:+--memory="$opt_memory"} -- "$spec"
case $opt_output in
"" | -) "$@" || exit ;;
*) casg_write "$opt_output" "$@" ;;
esac
exit 0
