# shellcheck shell=sh
# casg-sh-view - the version of the sequences, and of the taxonomy, that the
# options of a script mean.  Its specification has the lines
#
#	as-of-sequence+T     the sequences as of a time, release label or revision
#	as-of-taxonomy+T     the taxonomy as of T
#	as-of+T              both as of T
#	taxonomy+[REV:]NAME  which taxonomy (default: casg.taxonomy, the one in VERSION, or the only one)
#	q,quiet              ...
#
# or some of them.  After
#
#	# shellcheck source=porcelain/casg-sh-view.sh
#	. "${0%/*}/casg-sh-view"
#	casg_view MODE [[REV:]DATABASE]
#
# $spec is what to hand to plumbing as [REV:]DATABASE, and $taxonomy_spec as
# REV:taxonomy/NAME, which is empty if no taxonomy takes part; $view is the id
# of the view, if one does.  MODE says when one does:
#
#	asked   if --as-of, --as-of-taxonomy or --taxonomy ask for it
#	any     the same, and where there is one
#	must    always: it is an error if there is none
#
# Unless $opt_quiet is set, a line on standard error says what was chosen, if
# there was a choice.  The options are lists so that an empty T is no T that
# was not given: one that is not understood ends the script, 128.
# shellcheck disable=SC2034,SC2154 # the scripts read and set variables

# casg_view_one NAME WORDS: $casg_value, the only word of an option that is a
# list; 1 if it was not given.
casg_view_one () {
	casg_name=$1
	eval "set -- $2"
	test $# -le 1 || usage_die "--$casg_name is given twice"
	casg_value=${1-}
	test $# = 1
}

# The line of one version, for people: "ID (TIME, LABEL)".
casg_view_text () {
	printf '%s (%s%s)' "$1" "$2" "${3:+, $3}"
}

casg_view () {
	casg_mode=$1 spec=${2-} taxonomy_spec='' view=''
	set --
	! casg_view_one as-of "${opt_as_of-}" || set -- "$@" "--as-of=$casg_value"
	! casg_view_one as-of-taxonomy "${opt_as_of_taxonomy-}" || set -- "$@" "--as-of-taxonomy=$casg_value"
	! casg_view_one taxonomy "${opt_taxonomy-}" || set -- "$@" "--taxonomy=$casg_value"
	test $# != 0 || test "$casg_mode" != asked || set -- --no-taxonomy
	! casg_view_one as-of-sequence "${opt_as_of_sequence-}" || set -- "$@" "--as-of-sequence=$casg_value"
	test -z "${opt_as_of-}" || test -z "${opt_as_of_sequence-}${opt_as_of_taxonomy-}" ||
		usage_die "--as-of says both, and excludes --as-of-sequence and --as-of-taxonomy"
	# nothing was asked for
	test "$*" != --no-taxonomy || return 0
	casg_chosen=$(casg-resolve-view "$@" -- "$spec") || exit 128
	casg_sequence='' casg_taxonomy=''
	while read -r casg_word casg_name casg_id casg_time casg_label; do
		case $casg_word in
		sequence)
			spec=$casg_name
			casg_sequence="sequence $(casg_view_text "$casg_id" "$casg_time" "$casg_label")"
			;;
		taxonomy)
			taxonomy_spec=$casg_name
			casg_taxonomy=", taxonomy $(casg_view_text "$casg_id" "$casg_time" "$casg_label")"
			;;
		view) view=$casg_name ;;
		esac
	done <<EOF
$casg_chosen
EOF
	test "$casg_mode" != must || test -n "$taxonomy_spec" ||
		die "there is no taxonomy; 'casg taxonomy import' brings one"
	test -n "${opt_quiet-}" ||
		printf '%s\n' "${view:+view $view: }$casg_sequence$casg_taxonomy" >&2
}
