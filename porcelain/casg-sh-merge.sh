# shellcheck shell=sh
# casg-sh-merge - what merge and revert share: a three-way merge of commits.
# After casg-sh-setup, casg-sh-repo, casg-sh-lock, casg-sh-commit, casg_options
# and casg_begin, with $head set:
#
#	casg_merge_commits BASE THEIRS    of HEAD and THEIRS, whose base is BASE
#	casg_commit_merge MESSAGE [-p PARENT]...
#
# Databases that only one side changed are taken from it, unless $renew is set:
# then each that THEIRS changed gets a version of its own.  The records of
# others are merged.  Where keys are in conflict, they are listed, and the
# script ends with 1.  $opt_ours, $opt_theirs, $opt_settle, $opt_null are heeded.
# shellcheck disable=SC2034,SC2154 # the scripts read and set variables

renew='' tree_commit='' trailers='' merged='' in_conflict=''

# ---- trees, in an index of our own

casg_index () {
	GIT_INDEX_FILE=$tmp/index git "$@"
}

# What git cannot settle: "mode blob stage TAB path" lines in $tmp/unmerged.
casg_read_trees () {
	casg_index read-tree -i -m --aggressive "$1^{tree}" "$head^{tree}" "$2^{tree}" ||
		die "cannot read the trees of the commits"
	casg_index ls-files -u -z | tr '\0' '\n' >"$tmp/unmerged" || exit 128
	cut -f2- "$tmp/unmerged" | sed -n 's|/VERSION$||p' | sort -u >"$tmp/databases"
	test -z "$renew" || casg_add_renewed "$1" "$2"
	casg_add_taxonomies
	cut -f2- "$tmp/unmerged" | sort -u | awk '
		FILENAME == ARGV[1] { db[$0]; next }
		{
			name = $0
			if (sub(/\/(VERSION|PACKS)$/, "", name) && name in db)
				next
			# who has what is a hint, and ours is as good
			if ($0 !~ /\/PACKS$/)
				print
		}' "$tmp/databases" - >"$tmp/others"
	test ! -s "$tmp/others" || {
		sed 's/^/CONFLICT (content): /' "$tmp/others" >&2
		die "both sides changed files that are no databases; merge these with git first"
	}
}

# Databases that differ between BASE and THEIRS, also where git saw no conflict.
casg_add_renewed () {
	casg-read-version --list "$1" >"$tmp/base.list" &&
	casg-read-version --list "$2" >"$tmp/theirs.list" &&
	sort "$tmp/base.list" "$tmp/theirs.list" | uniq -u | sed 's/^[^ ]* //' |
		sort -u - "$tmp/databases" >"$tmp/both.list" &&
	mv "$tmp/both.list" "$tmp/databases" || exit 128
}

# A mapping is merged before the taxonomy that names it, which then has another.
casg_add_taxonomies () {
	sed -n 's|^\(taxonomy/.*\)\.map$|\1|p' "$tmp/databases" | sort -u - "$tmp/databases" >"$tmp/all" &&
	{
		sed -n '/^taxonomy\/.*\.map$/p' "$tmp/all" && sed '/^taxonomy\/.*\.map$/d' "$tmp/all"
	} >"$tmp/databases" || exit 128
}

# casg_keep COMMIT PATH: the index has it as that commit has it, or not at all.
casg_keep () {
	casg_entry=$(git rev-parse --verify --quiet "$1:$2") || casg_entry=
	{
		# nothing of it, at any stage; then what there is
		printf '0 %s\t%s\n' "$casg_zero" "$2"
		test -z "$casg_entry" || printf '100644 %s 0\t%s\n' "$casg_entry" "$2"
	} | casg_index update-index --index-info || exit 128
}

casg_keep_database () {
	casg_keep "$1" "$2/VERSION"
	casg_keep "$1" "$2/PACKS"
}

# ---- one database

# casg_settle_file: $settle, the file for $db, or nothing.
casg_settle_file () {
	settle=
	eval "set -- $opt_settle"
	for casg_file; do
		case $casg_file in
		"$db"=*) settle=${casg_file#*=} ;;
		*=*)
			# a database of another name, or part of a file's
			grep -qxF -e "${casg_file%%=*}" "$tmp/databases" || settle=$casg_file
			;;
		*) settle=$casg_file ;;
		esac
	done
}

# casg_has COMMIT: does it have $db?
casg_has () {
	git cat-file -e "$1:$db/VERSION" 2>/dev/null
}

# What a commit has of $db: the id of its VERSION's blob, or nothing.
casg_blob () {
	git rev-parse --verify --quiet "$1:$db/VERSION" || :
}

# casg_take_database COMMIT: $db as it is there, a taxonomy with its mapping.
casg_take_database () {
	casg_keep_database "$1" "$db"
	case $db in
	*.map) ;;
	taxonomy/*) casg_keep_database "$1" "$db.map" ;;
	esac
}

# casg_one_sided BASE THEIRS: one of them has no such database.
casg_one_sided () {
	casg_b=$(casg_blob "$1") casg_o=$(casg_blob "$head") casg_t=$(casg_blob "$2")
	if test -n "$opt_theirs" || test "$casg_o" = "$casg_b"; then
		casg_take_database "$2"
	elif test -n "$opt_ours" || test "$casg_t" = "$casg_b"; then
		casg_take_database "$head"
	else
		echo "CONFLICT (database): '$db' is gone on one side and changed on the other" >&2
		in_conflict=1
	fi
}

# casg_field_of COMMIT NAME: the value of a field of $db's version there.
casg_field_of () {
	git cat-file blob "$1:$db/VERSION" | sed -n "s/^$2 //p"
}

# casg_roots_of COMMIT: the fields of $db's version there that casg-merge-tree prints.
casg_roots_of () {
	git cat-file blob "$1:$db/VERSION" |
		sed -n '/^records /p; /^order /p; /^presentation /p; /^withdrawn /p; /^count /p; /^residues /p'
}

# casg_is_that COMMIT: are the merged roots those of $db's version there?
casg_is_that () {
	{
		casg_roots_of "$1"
		case $db in taxonomy/*) echo 'residues 0' ;; esac
	} | cmp -s - "$tmp/roots"
}

# casg_other_fields BASE THEIRS AXIS: the fields that do not follow from the records.
casg_other_fields () {
	casg_when=$(casg_field_of "$head" "$3-time")
	# the later one, unless a time was asked for; they compare as text
	casg_when=$(printf '%s\n%s\n' "$casg_when" "$(casg_field_of "$2" "$3-time")" | sort | tail -n 1)
	casg_taxonomy=$(casg_field_of "$head" taxonomy)
	test "$casg_taxonomy" != "$(casg_field_of "$1" taxonomy 2>/dev/null)" ||
		casg_taxonomy=$(casg_field_of "$2" taxonomy)
	casg_sha256=
	for casg_commit in "$head" "$2"; do
		! casg_is_that "$casg_commit" ||
			casg_sha256=$(casg_field_of "$casg_commit" source-sha256)
	done
}

# $casg_mapping: the root of the mapping that $db, a taxonomy, has after the
# merge, or nothing; it is merged, or taken, already.
casg_find_mapping () {
	casg_mapping=
	case $db in
	*.map) return ;;
	taxonomy/*) ;;
	*) return ;;
	esac
	casg_of_map=$(awk -v db="$db.map" '$2 == db { print $1 }' "$tmp/merged")
	if test -n "$casg_of_map"; then
		casg_mapping=$(sed -n 's/^records //p' "$tmp/VERSION-$casg_of_map")
	elif casg_entry=$(casg_index rev-parse --verify --quiet ":$db.map/VERSION"); then
		casg_mapping=$(git cat-file blob "$casg_entry" | sed -n 's/^records //p')
	fi
}

# casg_write_taxonomy ARG...: $tmp/VERSION of a taxonomy.
casg_write_taxonomy () {
	test -n "$renew" || set -- "$@" "--taxonomy-time=$casg_when"
	casg-write-version --kind=taxonomy ${opt_release:+--release="$opt_release"} \
		${casg_mapping:+"--mapping=$casg_mapping"} \
		${casg_sha256:+"--source-sha256=$casg_sha256"} "$@" <"$tmp/roots" >"$tmp/VERSION" || exit 128
}

# casg_merge_database BASE THEIRS: $db's $tmp/VERSION, or its conflicts.
casg_merge_database () {
	casg_settle_file
	casg_root=
	casg_has "$1" || casg_root=1
	if test -n "$casg_root"; then
		set -- "$1" "$2" "$head:$db" "$2:$db"
	else
		set -- "$1" "$2" "$1:$db" "$head:$db" "$2:$db"
	fi
	casg_base=$1 casg_theirs=$2
	shift 2
	# what an earlier one wrote goes away too, should this one fail
	test ! -s "$tmp/tree.facts" || cat "$tmp/tree.facts" >>"$tmp/pack.facts" || exit 128
	casg_run_tree casg-merge-tree ${casg_root:+--root} ${opt_null:+-z} ${opt_ours:+--ours} \
		${opt_theirs:+--theirs} ${settle:+"--settle=$settle"} \
		${opt_threads:+"--threads=$opt_threads"} ${opt_memory:+"--memory=$opt_memory"} "$@"
	case $? in
	0) ;;
	1)
		casg_tell_conflicts
		return
		;;
	*) exit 128 ;;
	esac
	# what was to be undone is undone already
	casg_find_mapping
	test -z "$renew" || ! casg_is_that "$head" ||
		test "$casg_mapping" != "$(casg_field_of "$head" mapping)" || return 0
	previous=
	set -- "--previous=$(casg-read-version --id "$head:$db")"
	test -n "$renew" || set -- "$@" "--previous=$(casg-read-version --id "$casg_theirs:$db")"
	casg_merge_commit=1
	case $db in
	taxonomy/*)
		casg_other_fields "$casg_base" "$casg_theirs" taxonomy
		casg_write_taxonomy "$@"
		return
		;;
	esac
	casg_other_fields "$casg_base" "$casg_theirs" sequence
	test -n "$opt_sequence_time" || test -n "$renew" || set -- "$@" "--sequence-time=$casg_when"
	casg_write_version ${casg_taxonomy:+"--taxonomy=$casg_taxonomy"} \
		${casg_sha256:+"--source-sha256=$casg_sha256"} "$@"
}

casg_tell_conflicts () {
	in_conflict=1
	if test -n "$opt_null"; then
		tr '\0' '\n' <"$tmp/roots" >"$tmp/lines"
		printf '#database %s\0' "$db" && cat "$tmp/roots" || exit 128
	else
		cp "$tmp/roots" "$tmp/lines"
		printf '#database %s\n' "$db" && cat "$tmp/roots" || exit 128
	fi
	casg_n=$(cut -f2 "$tmp/lines" | sort -u | wc -l)
	echo "CONFLICT (records): $((casg_n)) keys of '$db'" >&2
}

# ---- all of it

# casg_merge_commits BASE THEIRS
casg_merge_commits () {
	casg_zero=$(printf '%0*d' ${#head} 0)
	casg_identity
	casg_read_trees "$1" "$2"
	: >"$tmp/merged"
	casg_nth=0
	# the loop must see no other standard input
	while read -r db <&9; do
		casg_nth=$((casg_nth + 1))
		if casg_has "$head" && casg_has "$2"; then
			casg_merge_commit=
			casg_merge_database "$1" "$2"
			casg_keep_database "$head" "$db"
			test -z "$casg_merge_commit" || {
				mv "$tmp/VERSION" "$tmp/VERSION-$casg_nth" &&
				echo "$casg_nth $db" >>"$tmp/merged" || exit 128
			}
		else
			casg_one_sided "$1" "$2"
		fi
	done 9<"$tmp/databases"
	test -z "$in_conflict" || {
		echo "nothing was committed; settle the conflicts with --ours, --theirs or --settle" >&2
		exit 1
	}
	cut -f2- "$tmp/unmerged" | grep '/PACKS$' | sort -u >"$tmp/packs"
	while read -r casg_path; do
		grep -qxF -e "${casg_path%/PACKS}" "$tmp/databases" || casg_keep "$head" "$casg_path"
	done <"$tmp/packs"
	tree_commit=$(casg_index write-tree) &&
	tree_commit=$(git commit-tree -p "$head" -m "merged files" "$tree_commit") || exit 128
}

# Trailers for the databases that are taken from the other side.
casg_taken_trailers () {
	casg-read-version --list "$head" >"$tmp/before.list" &&
	casg-read-version --list "$tree_commit" >"$tmp/after.list" &&
	sort "$tmp/after.list" "$tmp/before.list" "$tmp/before.list" | uniq -u |
		sed 's/^\([^ ]*\) \(.*\)/Casg-Version: \2 \1/'
}

# casg_commit_merge MESSAGE [-p PARENT]...: set $commit and move HEAD there.
casg_commit_merge () {
	casg_message=$1
	shift
	# what the versions rely on is checked, and stays until HEAD names it
	casg_lock refs
	trailers=$(casg_taken_trailers) || exit 128
	commit=
	casg_left=$(wc -l <"$tmp/merged")
	while read -r casg_nth db; do
		test -z "$commit" || tree_commit=$commit
		# only the last one stays
		casg_left=$((casg_left - 1))
		casg_now=$casg_sign
		test $casg_left = 0 || casg_now=
		commit=$(casg-commit-tree ${casg_now:+"$casg_now"} -p "$head" "$@" \
			--base="$tree_commit" -m "$casg_message" ${trailers:+-m "$trailers"} \
			--database="$db" <"$tmp/VERSION-$casg_nth") || exit 128
		id=$(casg-read-version --id - <"$tmp/VERSION-$casg_nth") || exit 128
		trailers=$trailers${trailers:+$casg_lf}"Casg-Version: $db $id"
	done <"$tmp/merged"
	test -n "$commit" ||
		commit=$(git commit-tree ${casg_sign:+"$casg_sign"} -p "$head" "$@" -m "$casg_message" ${trailers:+-m "$trailers"} \
			"$tree_commit^{tree}") || exit 128
	casg_check_taxonomies
	move_head || exit 128
}

# Taxa of both sides may leave one without a parent, or in a circle: who reads all
# of them says so.
casg_check_taxonomies () {
	while read -r _ db; do
		case $db in
		taxonomy/*.map) continue ;;
		taxonomy/*) ;;
		*) continue ;;
		esac
		casg-ls-taxonomy --taxonomy="$commit:${db#taxonomy/}" --stdin </dev/null ||
			die "the taxa of both sides make no taxonomy '${db#taxonomy/}' together; change one side first, with casg taxonomy import"
	done <"$tmp/merged"
}
