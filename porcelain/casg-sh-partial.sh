# shellcheck shell=sh
# casg-sh-partial - partial clones: which sequences are wanted here.  After
# casg-sh-setup, casg-sh-repo, casg-sh-remote and casg_repo, with a folder for
# scratch files in $tmp:
#
#	# shellcheck source=porcelain/casg-sh-partial.sh
#	. "${0%/*}/casg-sh-partial"
#	casg_is_partial             is this a partial clone?
#	casg_read_options           a filter from $opt_taxon, $opt_since, $opt_database
#	casg_add_filter             git config knows it from now on
#	casg_each_filter COMMAND    with each filter that git config knows
#	casg_list_specs ARG... >F   lines "COMMIT:DATABASE" of what commits brought; ARG for git log
#	casg_list_wanted SPECS      what the filter wants of them: $tmp/wanted-records
#	casg_read_from FILE...      files to take sequences from (in $casg_files_base, if it is set):
#	                            $tmp/from-files
#	casg_fetch_data ARG...      casg-fetch-chunks with $tmp/wanted-records, $tmp/urls and those files
#
# A filter is casg.partial.N.taxon and .database (each may be there several
# times), .since, or .noData; a sequence is wanted if any filter wants it.
# shellcheck disable=SC2154 # scripts set $tmp, casg_options sets opt_*

casg_is_partial () {
	git config --get-regexp '^casg\.partial\.' >/dev/null
}

# A year, a month, a day or a time: the time when it begins.
casg_parse_since () {
	case $1 in
	[12][0-9][0-9][0-9]) casg_since=$1-01-01T00:00:00Z ;;
	[12][0-9][0-9][0-9]-[01][0-9]) casg_since=$1-01T00:00:00Z ;;
	[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]) casg_since=$1T00:00:00Z ;;
	[12][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z) casg_since=$1 ;;
	*) die "bad time '$(casg_printable "$1")' of --since: wanted a year, a month, a day or a time in UTC such as 2023-01-31T12:00:00Z" ;;
	esac
}

casg_read_options () {
	casg_since='' casg_nodata=''
	test -z "${opt_since-}" || casg_parse_since "$opt_since"
	eval "casg_read_taxa ${opt_taxon-}"
	eval "casg_read_databases ${opt_database-}"
}

casg_read_taxa () {
	: >"$tmp/f-taxa" || exit 128
	for casg_arg in "$@"; do
		case $casg_arg in
		"" | *"
"*) die "bad taxon '$(casg_printable "$casg_arg")'" ;;
		esac
		printf '%s\n' "$casg_arg" >>"$tmp/f-taxa" || exit 128
	done
}

casg_read_databases () {
	: >"$tmp/f-databases" || exit 128
	for casg_arg in "$@"; do
		if test -z "$casg_arg" || test ${#casg_arg} -gt 200 || ! casg_is_graphic "$casg_arg"; then
			die "bad pattern '$(casg_printable "$casg_arg")' of --database"
		fi
		printf '%s\n' "$casg_arg" >>"$tmp/f-databases" || exit 128
	done
}

casg_add_filter () {
	casg_number=1
	while git config --get-regexp "^casg\.partial\.$casg_number\." >/dev/null; do
		casg_number=$((casg_number + 1))
	done
	while IFS= read -r casg_arg <&7; do
		git config --add "casg.partial.$casg_number.taxon" "$casg_arg" || exit 128
	done 7<"$tmp/f-taxa"
	while IFS= read -r casg_arg <&7; do
		git config --add "casg.partial.$casg_number.database" "$casg_arg" || exit 128
	done 7<"$tmp/f-databases"
	test -z "$casg_since" || git config "casg.partial.$casg_number.since" "$casg_since" || exit 128
	test -z "$casg_nodata" || git config "casg.partial.$casg_number.noData" true || exit 128
}

casg_read_filter () {
	git config --get-all "casg.partial.$1.taxon" >"$tmp/f-taxa" || test $? = 1 || exit 128
	git config --get-all "casg.partial.$1.database" >"$tmp/f-databases" || test $? = 1 || exit 128
	casg_nodata=$(git config --type=bool --default=false "casg.partial.$1.noData") || exit 128
	casg_since=$(git config "casg.partial.$1.since") || test $? = 1 || exit 128
	test -z "$casg_since" || casg_parse_since "$casg_since"
	test "$casg_nodata" = true || casg_nodata=''
}

casg_each_filter () {
	git config --name-only --get-regexp '^casg\.partial\.' |
		sed -n 's/^casg\.partial\.\([0-9]*\)\..*/\1/p' | sort -un >"$tmp/filters" || exit 128
	while IFS= read -r casg_number <&8; do
		casg_read_filter "$casg_number"
		"$@"
	done 8<"$tmp/filters"
}

casg_list_specs () {
	git log -z --no-renames -m --diff-filter=AM --format='commit %H' --name-only "$@" \
		-- ':(top,glob)**/VERSION' >"$tmp/specs-log" || exit 128
	tr '\0' '\n' <"$tmp/specs-log" | awk '
		/^commit [0-9a-f]+$/ { commit = $2; next }
		/^taxonomy\// { next }
		/\/VERSION$/ {
			spec = commit ":" substr($0, 1, length($0) - 8)
			if (!seen[spec]++)
				print spec
		}'
}

# The taxonomy by which taxa are looked up, as casg subset has it: the only one
# of the commit.
casg_find_taxonomy () {
	casg_taxonomy=''
	git ls-tree --full-tree --name-only "$1" taxonomy/ >"$tmp/taxonomies" || exit 128
	casg_taxonomy=$(grep -v '\.map$' "$tmp/taxonomies") || :
	case $casg_taxonomy in
	"") ;;
	*"
"*) die "there are several taxonomies, and a filter by taxon needs one" ;;
	*) casg_taxonomy=--taxonomy=$1:${casg_taxonomy#taxonomy/} ;;
	esac
}

# The records of one version that the filter wants, as lines "- TAB ID".
casg_list_records () {
	set --
	while IFS= read -r casg_arg <&5; do
		set -- "$@" "--taxon=$casg_arg"
	done 5<"$tmp/f-taxa"
	if test $# = 0; then
		casg-ls-tree -- "$casg_spec" >"$tmp/records" || exit 128
	else
		casg_find_taxonomy "${casg_taxa_of:-${casg_spec%%:*}}"
		casg-ls-taxon --quiet ${casg_taxonomy:+"$casg_taxonomy"} "$@" -- "$casg_spec" >"$tmp/records" ||
			test $? = 1 || exit 128
	fi
	sed '/^#casg/d' "$tmp/records" | cut -f 2 | sort -u >"$tmp/some" || exit 128
}

casg_list_wanted () {
	: >"$tmp/wanted-ids" || exit 128
	test -z "$casg_nodata" || return 0
	casg_patterns=$(tr '\n' ' ' <"$tmp/f-databases")
	while IFS= read -r casg_spec <&6; do
		casg_is_taken "${casg_spec#*:}" "${casg_patterns:--}" || continue
		if test -n "$casg_since"; then
			casg-read-version -- "$casg_spec" >"$tmp/text" || exit 128
			casg_time=$(sed -n 's/^sequence-time //p' "$tmp/text")
			# the format sorts as the times do
			test "$(printf '%s\n' "$casg_since" "$casg_time" | LC_ALL=C sort | head -n 1)" = "$casg_since" || continue
		fi
		casg_list_records
		LC_ALL=C sort -u -o "$tmp/wanted-ids" "$tmp/wanted-ids" "$tmp/some" || exit 128
	done 6<"$1"
}

# What the filter wants of the versions in $tmp/specs, with that of filters before.
casg_gather () {
	casg_list_wanted "$tmp/specs"
	cat "$tmp/wanted-ids" >>"$tmp/all-ids" || exit 128
}

casg_read_from () {
	for casg_arg in "$@"; do
		case $casg_arg in
		*"
"*) die "bad name '$(casg_printable "$casg_arg")' of a file" ;;
		/*) ;;
		*) casg_arg=${casg_files_base:-$PWD}/$casg_arg ;;
		esac
		test -f "$casg_arg" && test -r "$casg_arg" || die "'$(casg_printable "$casg_arg")' is no file that can be read"
		printf '%s\n' "$casg_arg" >>"$tmp/from-files" || exit 128
	done
}

casg_fetch_data () {
	while IFS= read -r casg_url; do
		set -- "$@" "--url=$casg_url"
	done <"$tmp/urls"
	test ! -e "$tmp/from-files" || while IFS= read -r casg_arg; do
		set -- "$@" "--from=$casg_arg"
	done <"$tmp/from-files"
	LC_ALL=C sort -u "$tmp/all-ids" | sed 's/^/-	/' >"$tmp/wanted-records" || exit 128
	casg-fetch-chunks ${opt_quiet:+-q} "$@" <"$tmp/wanted-records" || exit 128
}
