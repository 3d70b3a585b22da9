#!/bin/sh
# casg prefetch - have here what is absent by choice, before it is read.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg prefetch [--quiet] [--keep] [--dry-run [--json]] [--taxon TAXON]... [REV:]DATABASE [KEY...]
casg prefetch --batch
--
taxon+TAXON  only records that carry this taxon, or a descendant of it
keep         to stay, not into the cache
n,dry-run    only say what would be fetched
json         with --dry-run: as JSON
batch        bring the chunks that lines of standard input name, for programs
q,quiet      say nothing unless it fails
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"
# shellcheck source=porcelain/casg-sh-manifests.sh
. "${0%/*}/casg-sh-manifests"
# shellcheck source=porcelain/casg-sh-fetch.sh
. "${0%/*}/casg-sh-fetch"
# shellcheck source=porcelain/casg-sh-partial.sh
. "${0%/*}/casg-sh-partial"

# The storages to ask: $tmp/urls.
list_urls () {
	casg_head_commit=$(git rev-parse --verify --quiet 'HEAD^{commit}') || casg_head_commit=
	casg_list_sources "$(casg_default_remote)"
	cut -f 2 "$tmp/sources" >"$tmp/urls" || exit 128
}

run_batch () {
	list_urls
	test -s "$tmp/urls" || die "no storage is known that could have what is not here: 'casg remote add' names one"
	set --
	while IFS= read -r url; do
		set -- "$@" "--url=$url"
	done <"$tmp/urls"
	rm -rf "$tmp"
	exec casg-fetch-chunks --batch "$@"
}

# Only these keys; each has to be there.
choose_keys () {
	printf '%s\n' "$@" >"$tmp/keys" || exit 128
	awk -F '\t' '
		FILENAME == ARGV[1] { wanted[$0] = 1; next }
		$1 in wanted { found[$1] = 1; print }
		END {
			for (key in wanted)
				if (!(key in found)) {
					printf "error: there is no record \047%s\047\n", key >"/dev/stderr"
					bad = 1
				}
			exit bad
		}' "$tmp/keys" "$tmp/records" >"$tmp/chosen"
	case $? in
	0) mv "$tmp/chosen" "$tmp/records" || exit 128 ;;
	1) exit 1 ;;
	*) exit 128 ;;
	esac
}

casg_options 0 - "$@"
eval "$casg_set"
test -z "$opt_json" || test -n "$opt_dry_run" || usage_die "--json needs --dry-run"
if test -n "$opt_batch"; then
	test $# = 0 && test -z "$opt_keep$opt_dry_run$opt_taxon" || usage_die "--batch goes with nothing else"
else
	test $# != 0 || usage_die "no database given"
fi
casg_repo
tmp=$CASG_PATH/tmp/prefetch-$$
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'rm -rf "$tmp"'
mkdir -p "$tmp" || exit 128
test -z "$opt_batch" || run_batch
opt_since='' opt_database=''
casg_read_options
casg_spec=$1
shift
casg_taxa_of=HEAD
casg_list_records
test $# = 0 || choose_keys "$@"
sed '/^#casg/d' "$tmp/records" | cut -f 2 | LC_ALL=C sort -u >"$tmp/all-ids" || exit 128
set --
if test -n "$opt_dry_run"; then
	# DNA rests on other DNA: what on, the storage tells
	list_urls
	test -n "$opt_keep" || set -- --cache
	test -z "$opt_json" || set -- "$@" --json
	casg_fetch_data --dry-run "$@"
	exit 0
fi
list_urls
if test -n "$opt_keep"; then
	casg_fetch_data >"$tmp/told"
else
	casg_fetch_data --cache >"$tmp/told"
	: >"$tmp/urls" && casg_fetch_data --cache --dry-run >"$tmp/left" || exit 128
	read -r left rest <"$tmp/left" || exit 128
	test "$left" = 0 || warn "$left chunks did not stay: casg.cache.size is too small, or the disk too full; --keep keeps them"
fi
test -n "$opt_quiet" || cat "$tmp/told" >&2
exit 0
