# shellcheck shell=sh
# casg-sh-taxonomy-map - files that map accessions to taxa become the mapping of
# a taxonomy.  The rest of casg taxonomy, after casg-sh-setup.
#
# Two commits are made, and HEAD moves once: the mapping, taxonomy/NAME.map, and
# the taxonomy that names it.
# shellcheck disable=SC2034,SC2154 # casg_options reads SPEC and sets opt_*

SPEC="$usage_map
--
q,quiet             say nothing unless it fails
u,update            put and replace entries, all others stay
all                 keep every row, not only those of databases
d,database+[REV:]DATABASE  keep what concerns its records; again for more (default: all of HEAD)
m,message=MESSAGE   the commit message
S,gpg-sign~         sign the commits (default: commit.gpgSign); --no-gpg-sign: do not
name=NAME           the taxonomy
taxonomy-time=TIME  since when it holds (default: as the taxonomy)
threads#N           workers (default: casg.threads)
memory%SIZE         memory to use at most (default: casg.memory)
"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-commit.sh
. "${0%/*}/casg-sh-commit"

# ---- the mapping

read_rows () {
	if test -n "$opt_database"; then
		eval "set -- $opt_database -- \"\$@\""
		options=1
		for word in "$@"; do
			shift
			case $options$word in
			1--) options='' ;;
			1*) word=--database=$word ;;
			esac
			set -- "$@" "$word"
		done
	else
		set -- -- "$@"
	fi
	casg_become "$tmp/pack.pid" casg-read-mapping \
		${opt_quiet:+--quiet} ${opt_all:+--all} \
		${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} \
		--facts="$tmp/map.facts" "$@"
}

make_mapping () {
	set -- --quiet \
		${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} \
		--facts="$tmp/tree.facts"
	if test -n "$opt_update" && test -n "$previous"; then
		set -- casg-update-tree "$@" --previous="$tmp/old"
	elif test -n "$previous"; then
		set -- casg-mktree "$@" --base="$base" --base-order="$base_order"
	else
		set -- casg-mktree "$@"
	fi
	casg_become "$tmp/tree.pid" "$@"
}

# ---- the versions

# write_mapping FILE...: $tmp/VERSION, that of the mapping
write_mapping () {
	nfiles=$#
	for file in "$@"; do
		test "$nfiles" -gt 64 || set -- "$@" --source="${file##*/}"
	done
	shift "$nfiles"
	source_sha256=
	test -n "$opt_update" || casg_get source_sha256 "$tmp/map.facts" source-sha256
	casg_write_version --kind=taxonomy --taxonomy-time="$time" \
		${source_sha256:+--source-sha256="$source_sha256"} "$@"
}

# $tmp/VERSION.taxonomy: the same taxa, with the mapping.  Of another time, it
# is no release of the publisher's any more.
write_taxonomy () {
	casg_get root "$tmp/VERSION" records
	{
		sed '/^presentation /q' "$tmp/taxonomy" &&
		echo "mapping $root" &&
		casg_cut='/^mapping /d; /^change /d; /^previous /d' &&
		if test -n "$opt_taxonomy_time"; then
			casg_cut="$casg_cut; /^valid-until /d; /^release /d; s/^taxonomy-time .*/taxonomy-time $time/"
		fi &&
		sed -e '1,/^presentation /d' -e "$casg_cut" "$tmp/taxonomy" &&
		echo "previous $taxonomy"
	} >"$tmp/text" &&
	casg-read-version - <"$tmp/text" >"$tmp/VERSION.taxonomy" || exit 128
}

# The same entries, and the taxonomy names them already?
is_mapped () {
	casg_get named "$tmp/taxonomy" mapping
	test -n "$previous" && test -z "$opt_taxonomy_time" &&
	test "$base" = "$root" && test "$named" = "$root"
}

commit_both () {
	message=$opt_message
	test -n "$message" || message="map $db: $records accessions"
	casg_lock refs
	commit=$(casg-commit-tree ${casg_sign:+"$casg_sign"} -p "$head" -m "$message" \
		--database="$db.map" <"$tmp/VERSION") &&
	commit=$(casg-commit-tree ${casg_sign:+"$casg_sign"} -p "$commit" -m "$message" \
		--database="$db" <"$tmp/VERSION.taxonomy") &&
	move_head || exit 128
}

# ---- all of it

check_taxonomy_name () {
	test -n "$opt_name" || usage_die "--name says which taxonomy"
	case $opt_name in
	*.map | */* | -*) usage_die "'$opt_name' is no name of a taxonomy" ;;
	esac
	git check-ref-format "casg/taxonomy/$opt_name" ||
		usage_die "'$opt_name' is no name of a taxonomy"
}

casg_options 1 - "$@"
eval "$casg_set"
check_taxonomy_name
test -z "$opt_all" || test -z "$opt_database" ||
	usage_die "--all and --database exclude one another"
casg_repo
casg_find_sign
db=taxonomy/$opt_name
casg_begin map
casg_read_head
test -n "$previous" || die "there is no taxonomy '$opt_name' in HEAD"
taxonomy=$previous
mv "$tmp/old" "$tmp/taxonomy" || exit 128
casg_refuse_local_edits
db=$db.map
casg_read_head
casg_refuse_local_edits
casg_get_old base records
casg_get_old base_order order
db=${db%.map}
casg_get time "$tmp/taxonomy" taxonomy-time
test -z "$opt_taxonomy_time" || time=$opt_taxonomy_time
# what all entries have for a sequence
echo '>none' | casg-pack --quiet --facts="$tmp/pack.facts" >"$tmp/none" || exit 128

casg_start_pipe read_rows make_mapping "$@"
casg_wait_pipe
casg_get entries "$tmp/map.facts" entries
casg_get rows "$tmp/map.facts" rows
test "$entries" != 0 ||
	die "none of the $rows rows is of a record of the databases (--all keeps every row)"
casg_facts "$tmp/pack.facts" "$tmp/tree.facts"
casg_get records "$tmp/roots" count
write_mapping "$@"
casg_get time "$tmp/VERSION" taxonomy-time
write_taxonomy
! is_mapped || casg_nothing 0 "already up to date: $db.map ($records accessions)"
commit_both
test -n "$opt_quiet" ||
	echo "$db.map: $records accessions, from $entries of $rows rows, $stored bytes stored" || exit 128
casg_end
