#!/bin/sh
# casg diff - what became of each record from one version to another.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg diff [OPTION...] [REV[:DATABASE] [REV[:DATABASE]]] [-- DATABASE]
casg diff [OPTION...] REV..REV | REV...REV [-- DATABASE]
casg diff [OPTION...] --as-of-sequence T [--as-of-sequence T] [[REV:]DATABASE]
casg diff [-R] [--stat] [--exit-code] [-q] [-z] [--taxon-from LIST] (--as-of T [--as-of T] | --as-of-taxonomy T [--as-of-taxonomy T] [--as-of-sequence T]...) [[REV:]DATABASE]
casg diff --taxonomy [--stat] [--summary] [--changelog] [--class CLASSES] [-z] A B [-- [REV:]DATABASE]
--
z,null               lines end in NUL, nothing is quoted
R,reverse            compare the other way round
raw                  a line a change, with all fields
name-status          a line a change, letter and key (default)
name-only            the keys alone
format=FORMAT        record for a record stream, or text with %(field) in it
fasta                FASTA of the added records and of changed sequences
stat                 count the records of each class
numstat              the same for scripts
summary              what changed as a whole
diff-filter=LETTERS  only these classes (A, D, M, N, P, R, T); lower case: not these
as-of-sequence+T     from the version as of a time, release label or revision; again: to it
as-of-taxonomy+T     the lineages of records, from the taxonomy as of T; again: to it
as-of+T              the same of the sequences and the taxonomy
taxon-from=LIST      where taxa of records are from (default: casg.taxonFrom)
taxonomy             compare two taxonomies by taxon, or the lineages of records under them
changelog            as CSV, the taxid-changelog of taxonkit
class=CLASSES        only taxa of these classes
exit-code            exit with 1 if there are differences
q,quiet              print nothing; implies --exit-code
threads#N            workers (default: casg.threads)
memory%SIZE          memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-view.sh
. "${0%/*}/casg-sh-view"

# A database stands alone behind --, which casg_options would drop.
db=
if test $# -gt 1; then
	eval "dashes=\${$(($# - 1))}"
	# shellcheck disable=SC2154 # just set
	if test "$dashes" = --; then
		eval "db=\${$#}"
		n=$(($# - 2))
		for arg in "$@"; do
			test $n = 0 || set -- "$@" "$arg"
			test $n = 0 || n=$((n - 1))
			shift
		done
	fi
fi
casg_options 0 2 "$@"
eval "$casg_set"
casg_repo
if test -n "$opt_taxonomy"; then
	# shellcheck source=porcelain/casg-sh-diff-taxonomy.sh
	. "${0%/*}/casg-sh-diff-taxonomy"
fi
test -z "$opt_changelog$opt_class" || usage_die "--changelog and --class need --taxonomy"

# take_database REV[:DATABASE]: set $rev, and $db if it names one.
take_database () {
	case $1 in
	*:*)
		rev=${1%:*}
		name=${1##*:}
		test -z "$name" || db=$name
		;;
	*) rev=$1 ;;
	esac
	: "${rev:=HEAD}"
}

# commit REV: its id, or the end.
commit () {
	git rev-parse --verify --quiet "$1^{commit}" || die "there is no revision '$1'"
}

# Set $a and $b, commits, and $db_a and $db_b, databases or empty.
choose_ends () {
	case $#,${1-} in
	0,*) set -- HEAD^1 HEAD ;;
	1,*...*)
		left=${1%%...*} right=${1#*...}
		base=$(git merge-base "${left:-HEAD}" "${right:-HEAD}") ||
			die "'${left:-HEAD}' and '${right:-HEAD}' have no common history"
		set -- "$base" "${right:-HEAD}"
		;;
	1,*..*)
		left=${1%%..*} right=${1#*..}
		set -- "${left:-HEAD}" "${right:-HEAD}"
		;;
	1,*:*) set -- "$1" HEAD ;;
	1,*)
		# a revision, else a database in HEAD
		if test -z "$db" && ! git rev-parse --verify --quiet "$1^{commit}" >/dev/null &&
			git cat-file -e "HEAD:$1/VERSION" 2>/dev/null; then
			db=$1
			set -- HEAD^1 HEAD
		else
			set -- "$1" HEAD
		fi
		;;
	esac
	take_database "$1"
	a=$(commit "$rev") || exit
	db_a=$db
	take_database "$2"
	b=$(commit "$rev") || exit
	db_b=$db
	: "${db_a:=$db}"
}

# The only database of the two commits, if none was named.
choose_database () {
	test -z "$db_b" || return 0
	names=$(casg-read-version --list "$a" && casg-read-version --list "$b") || exit
	names=$(printf '%s\n' "$names" | sed -e 's/^[^ ]* //' -e '/^taxonomy\//d' | sort -u)
	case $names in
	"") die "there is no database in either version" ;;
	*"$casg_lf"*)
		# shellcheck disable=SC2086 # one line
		die "several databases, name one behind --:" $names
		;;
	esac
	db_a=$names db_b=$names
}

# has COMMIT DATABASE
has () {
	git cat-file -e "$1:$2/VERSION" 2>/dev/null
}

# pick N VAR LIST: as the option VAR, a list, the word number N of LIST alone; or
# none, which stands for what REV has.
pick () {
	n=$1 var=$2
	eval "set -- $3"
	test $# -le 2 || usage_die "a T is given more than twice"
	case $n.$# in
	1.[12]) eval "picked_$var=\$1" ;;
	2.2) eval "picked_$var=\$2" ;;
	*)
		eval "$var=''"
		return
		;;
	esac
	eval "$var='\"\$picked_$var\"'"
}

# end N [[REV:]DATABASE]: $spec and $taxonomy_spec of one end of two views
end () {
	pick "$1" opt_as_of "$as_ofs"
	pick "$1" opt_as_of_sequence "$sequences"
	pick "$1" opt_as_of_taxonomy "$taxonomies"
	opt_taxonomy=
	casg_view must "$2"
}

# views [[REV:]DATABASE]: the lineages of records, from one view to another
views () {
	test $# -le 1 || usage_die "--as-of and --as-of-taxonomy take one [REV:]DATABASE"
	case $opt_raw$opt_name_status$opt_name_only$opt_format$opt_fasta$opt_numstat$opt_summary$opt_diff_filter in
	?*) usage_die "with --as-of and --as-of-taxonomy go --stat, --exit-code, --quiet, -R and -z" ;;
	esac
	as_ofs=$opt_as_of sequences=$opt_as_of_sequence taxonomies=$opt_as_of_taxonomy
	of=${1-$db}
	end 1 "$of"
	from=$spec from_taxonomy=$taxonomy_spec
	end 2 "$of"
	if test -n "$opt_reverse"; then
		set -- "$taxonomy_spec" "$from_taxonomy" "$spec" "$from"
	else
		set -- "$from_taxonomy" "$taxonomy_spec" "$from" "$spec"
	fi
	exec casg-diff-lineage ${opt_null:+-z} ${opt_stat:+--stat} ${opt_exit_code:+--exit-code} ${opt_quiet:+-q} \
		${opt_taxon_from:+"--taxon-from=$opt_taxon_from"} \
		${opt_threads:+"--threads=$opt_threads"} ${opt_memory:+"--memory=$opt_memory"} -- "$@"
}

# as_of [[REV:]DATABASE]: set $from and $to by what --as-of-sequence says.
as_of () {
	test $# -le 1 || usage_die "--as-of-sequence takes one [REV:]DATABASE"
	of=${1-$db}
	eval "set -- $opt_as_of_sequence"
	test $# -le 2 || usage_die "--as-of-sequence is given more than twice"
	# shellcheck disable=SC2016 # expanded then
	opt_as_of_sequence='"$when"'
	# shellcheck disable=SC2034 # there
	when=$1
	casg_view asked "$of"
	from=$spec
	if test $# = 2; then
		# shellcheck disable=SC2034 # there
		when=$2
		casg_view asked "$of"
		to=$spec
	else
		case $of in
		*:*) to=${of%:*}:${from##*:} ;;
		*) to=HEAD:${from##*:} ;;
		esac
	fi
}

test -z "$opt_as_of$opt_as_of_taxonomy" || views "$@"
test -z "$opt_taxon_from" || usage_die "--taxon-from is for --as-of and --as-of-taxonomy"
if test -n "$opt_as_of_sequence"; then
	as_of "$@"
	a=${from%:*} db_a=${from##*:} b=${to%:*} db_b=${to##*:}
else
	choose_ends "$@"
	choose_database
fi

root=
# Nothing before or nothing after is the empty version.
if ! has "$a" "$db_a"; then
	has "$b" "$db_b" || die "there is no database '$db_b' in either version"
	root=1
	set -- "$b:$db_b"
elif ! has "$b" "$db_b"; then
	opt_reverse=$(test -n "$opt_reverse" || echo 1)
	root=1
	set -- "$a:$db_a"
else
	set -- "$a:$db_a" "$b:$db_b"
fi
case $opt_raw$opt_name_status$opt_name_only$opt_format$opt_fasta$opt_stat$opt_numstat$opt_summary in
"") opt_name_status=1 ;;
esac
exec casg-diff-tree \
	${root:+--root} ${opt_null:+-z} ${opt_reverse:+-R} ${opt_raw:+--raw} ${opt_name_status:+--name-status} \
	${opt_name_only:+--name-only} ${opt_format:+"--format=$opt_format"} \
	${opt_fasta:+--fasta} ${opt_stat:+--stat} ${opt_numstat:+--numstat} \
	${opt_summary:+--summary} ${opt_diff_filter:+"--diff-filter=$opt_diff_filter"} \
	${opt_exit_code:+--exit-code} ${opt_quiet:+--quiet} \
	${opt_threads:+"--threads=$opt_threads"} ${opt_memory:+"--memory=$opt_memory"} \
	-- "$@"
