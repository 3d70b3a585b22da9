# shellcheck shell=sh
# casg-sh-taxonomy-import - a dump or table becomes the next version of a
# taxonomy.  The rest of casg taxonomy, after casg-sh-setup.
# shellcheck disable=SC2034,SC2154 # casg_options reads SPEC and sets opt_*

SPEC="$usage_import
--
name=NAME           the taxonomy; its versions are those of taxonomy/NAME
taxonomy-time=TIME  when it is of (default: now)
release=LABEL       what its publisher calls it
m,message=MESSAGE   the commit message
S,gpg-sign~         sign the commit (default: commit.gpgSign); --no-gpg-sign: do not
ids=WHAT            what ids are: numbers (default), or names, the scientific ones
q,quiet             say nothing unless it fails
"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-commit.sh
. "${0%/*}/casg-sh-commit"

# casg-commit-tree has the last word on names.
check_name () {
	test -n "$opt_name" || usage_die "--name is missing"
	bad=
	git check-ref-format "casg/taxonomy/$opt_name" || bad=1
	case $opt_name in
	-* | */* | *.map | VERSION | PACKS) bad=1 ;;
	esac
	test -z "$bad" || usage_die "'$opt_name' is not the name of a taxonomy"
	case $opt_ids in
	"" | numbers | names) ;;
	*) usage_die "--ids wants 'numbers' or 'names', not '$opt_ids'" ;;
	esac
}

# Taxa have no sequence, and records refer to what is in a pack.
store_empty_sequence () {
	printf '>\n' | casg-pack --quiet --facts="$tmp/pack.facts" >/dev/null || exit 128
}

read_taxa () {
	casg_become "$tmp/pack.pid" casg-read-taxonomy -z \
		${opt_ids:+--ids="$opt_ids"} --facts="$tmp/read.facts" -- "$@"
}

make_tree () {
	casg_become "$tmp/tree.pid" casg-mktree -z --quiet \
		${base:+--base="$base" --base-order="$base_order"} \
		--facts="$tmp/tree.facts"
}

write_version () {
	nfiles=$#
	for file in "$@"; do
		while :; do
			case $file in
			?*/) file=${file%/} ;;
			*) break ;;
			esac
		done
		set -- "$@" --source="${file##*/}"
	done
	shift "$nfiles"
	test -z "$mapping" || set -- "$@" --mapping="$mapping"
	test -z "$opt_taxonomy_time" || set -- "$@" --taxonomy-time="$opt_taxonomy_time"
	set -- --kind=taxonomy --source-sha256="$source_sha256" "$@"
	casg_write_version "$@"
	test -n "$previous" && ! casg_is_same || return 0
	# once more, with what has changed
	casg-diff-taxonomy --changes --after="$tmp/VERSION" "$head:$db" >"$tmp/changes" || exit 128
	while read -r class number; do
		set -- "$@" --change="$class=$number"
	done <"$tmp/changes"
	casg_write_version "$@"
}

# ---- main

casg_options 1 - "$@"
eval "$casg_set"
check_name
db=taxonomy/$opt_name
casg_repo
casg_find_sign
casg_begin import
casg_read_head
casg_get_old base records
casg_get_old base_order order
casg_get_old mapping mapping
store_empty_sequence
casg_start_pipe read_taxa make_tree "$@"
casg_refuse_local_edits
casg_wait_pipe

casg_facts "$tmp/pack.facts" "$tmp/tree.facts" "$tmp/read.facts"
for fact in taxa merged deleted names; do
	casg_get $fact "$tmp/read.facts" $fact
done
write_version "$@"
! casg_is_same || casg_nothing 0 "already up to date: $opt_name ($taxa taxa)"
message=$opt_message
test -n "$message" ||
	message="import $db: ${opt_release:+release $opt_release, }$taxa taxa"
casg_commit_version "$message"
test -n "$opt_quiet" ||
	echo "$opt_name: $taxa taxa, $merged merged, $deleted deleted, $names names, $bytes_in bytes in, $stored bytes stored" ||
	exit 128
casg_end
