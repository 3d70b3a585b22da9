# shellcheck shell=sh
# casg-sh-diff-taxonomy - the half of casg diff that compares taxonomies: what
# the options and arguments of casg-diff mean behind --taxonomy.
# shellcheck disable=SC2154 # casg_options sets opt_*, casg-diff sets db

# taxonomies_of COMMIT: their names
taxonomies_of () {
	casg-read-version --list "$1" | sed -n 's/^[^ ]* taxonomy\///p' | grep -v '\.map$'
}

# Set $name to REV:taxonomy/NAME, that of casg.taxonomy or the only one in HEAD.
name_taxonomy () {
	name=$(git config casg.taxonomy) || name=$(taxonomies_of HEAD)
	case $name in
	"") die "there is no taxonomy in HEAD" ;;
	*"$casg_lf"*) die "several taxonomies in HEAD: set casg.taxonomy, or say REV:NAME" ;;
	*:*) name=${name%:*}:taxonomy/${name##*:} ;;
	*) name=HEAD:taxonomy/$name ;;
	esac
}

# find_taxonomy A: set $found to REV:taxonomy/NAME
find_taxonomy () {
	case $1 in
	[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*) ;;
	*:*)
		found=${1%:*}:taxonomy/${1##*:}
		found=$(printf '%s' "$found" | sed 's/taxonomy\/taxonomy\//taxonomy\//')
		return
		;;
	esac
	# the name of one in HEAD
	if git cat-file -e "HEAD:taxonomy/${1#taxonomy/}/VERSION" 2>/dev/null; then
		found=HEAD:taxonomy/${1#taxonomy/}
	elif commit=$(git rev-parse --verify --quiet "$1^{commit}"); then
		names=$(taxonomies_of "$commit")
		case $names in
		"") die "there is no taxonomy in '$1'" ;;
		*"$casg_lf"*) die "several taxonomies in '$1', say $1:NAME" ;;
		esac
		found=$commit:taxonomy/$names
	else
		# a time or a label, of the taxonomy that the database is read under
		if test -n "$db"; then
			found=$(casg-resolve-view --as-of-taxonomy="$1" -- "$db") || exit 128
			found=${found#*"$casg_lf"}
		else
			name_taxonomy
			found=$(casg-resolve-view --as-of-taxonomy="$1" -- "$name") || exit 128
		fi
		found=${found#taxonomy }
		found=${found%% *}
	fi
}

case $opt_reverse$opt_raw$opt_name_status$opt_name_only$opt_format$opt_fasta$opt_numstat$opt_diff_filter$opt_quiet in
?*) usage_die "--taxonomy goes with --stat, --summary, --changelog, --class, --exit-code and -z" ;;
esac
test $# = 2 || usage_die "--taxonomy compares two of them"
find_taxonomy "$1"
a=$found
find_taxonomy "$2"
b=$found
if test -n "$db"; then
	case $opt_changelog$opt_class$opt_summary$opt_exit_code in
	?*) usage_die "with a database --taxonomy goes with --stat and -z" ;;
	esac
	exec casg-diff-lineage ${opt_null:+-z} ${opt_stat:+--stat} \
		${opt_threads:+"--threads=$opt_threads"} ${opt_memory:+"--memory=$opt_memory"} \
		-- "$a" "$b" "$db"
fi
exec casg-diff-taxonomy ${opt_null:+-z} ${opt_stat:+--stat} ${opt_summary:+--summary} \
	${opt_changelog:+--format=changelog} ${opt_class:+"--class=$opt_class"} \
	${opt_exit_code:+--exit-code} \
	${opt_threads:+"--threads=$opt_threads"} ${opt_memory:+"--memory=$opt_memory"} \
	-- "$a" "$b"
