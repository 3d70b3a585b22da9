#!/bin/sh
# casg mirror - copy all packs, records and refs of one place to another.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg mirror [--quiet] [--force] [--dry-run [--json]] [--jobs N] [--env NAME] FROM TO
--
f,force     move branches there that are no ancestors
n,dry-run   only say what would be copied
json        with --dry-run: as JSON, a line for each storage
jobs#N      packs at a time, 1 to 16 (default: 4)
env=NAME    only the storages of this environment (casg.env.NAME)
q,quiet     say nothing unless it fails
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-versions.sh
. "${0%/*}/casg-sh-versions"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"
# shellcheck source=porcelain/casg-sh-manifests.sh
. "${0%/*}/casg-sh-manifests"
# shellcheck source=porcelain/casg-sh-profile.sh
. "${0%/*}/casg-sh-profile"
# shellcheck source=porcelain/casg-sh-fetch.sh
. "${0%/*}/casg-sh-fetch"

# name_storages FILE NAME: its storages; a remote whose versions lie in a storage
# may have no other.
name_storages () {
	awk -F '\t' -v name="$2" '$1 == name || $3 == name' "$tmp/all" >"$1" || exit 128
	test ! -s "$1" || return 0
	git config "remote.$2.url" >/dev/null || die "there is no storage and no remote '$2'"
	casg_url=$(git ls-remote --get-url -- "$2") || exit 128
	casg_is_store "$casg_url" || die "no storage is known for '$2'"
	printf '%s\t%s\t%s\twritable\t-\n' "$2" "$casg_url" "$2" >"$1" || exit 128
}

# The remote whose versions the storages in FILE hold, if there is one.
remote_of () {
	awk -F '\t' '{ print $3; exit }' "$1" | while IFS= read -r name; do
		! git config "remote.$name.url" >/dev/null || printf '%s\n' "$name"
	done
}

# Data that must stay in a place stays there: what the storage takes, by its
# patterns, must be all that the others have.
check_patterns () {
	awk -F '\t' -v name="$1" -v patterns="$2" '
		patterns != "-" && $5 != patterns {
			printf "\047%s\047 takes some databases only, and not the same as \047%s\047: push to it\n", name, $1
			exit
		}' "$tmp/from" >"$tmp/why" || exit 128
	test ! -s "$tmp/why" || die "$(cat "$tmp/why")"
}

# ---- packs and records of one storage

mirror_to () {
	set --
	while IFS= read -r url; do
		set -- "$@" "--from=$url"
	done <"$tmp/urls"
	casg_name=$to_name
	casg_choose_ids
	test -z "$casg_ids" || test -n "$opt_dry_run" || {
		awk '/ .*sequences/ || !/ .* / { print $1 }' "$tmp/packs" >"$tmp/with-ids" || exit 128
		casg_copy_ids "$tmp/urls" "$to_url" <"$tmp/with-ids"
	}
	casg-copy-pack ${opt_quiet:+-q} ${opt_dry_run:+-n} ${opt_jobs:+--jobs="$opt_jobs"} "$@" --url="$to_url" \
		<"$tmp/packs" >"$tmp/copied" || exit 128
	if test -n "$opt_dry_run"; then
		casg-inventory --url="$to_url" --list >"$tmp/there" || exit 128
		records=$(awk 'FILENAME == ARGV[1] { if ($1 == "record") there[$2] = 1; next }
			$1 == "record" && !($2 in there) { n++ } END { print n + 0 }' "$tmp/there" "$tmp/records") || exit 128
		tell_plan
		return
	fi
	# of packs that are here, and have none there
	test -z "$casg_ids" || casg-send-pack --only-ids --url="$to_url" <"$tmp/packs" >"$tmp/sent-ids" || exit 128
	records=$(casg-inventory --url="$to_url" --copy <"$tmp/records") || exit 128
	test -n "$opt_quiet" || awk -v name="$to_name" -v records="$records" '
		$1 == "sent" { n++; bytes += $3 }
		$1 == "there" { m++ }
		END { printf "%s: %d packs sent (%.0f bytes), %d there already, %d records\n", name, n, bytes, m, records }' \
		"$tmp/copied" >&2
}

tell_plan () {
	awk -v name="$to_name" -v json="$opt_json" -v records="$records" '
		$1 == "send" { n++; bytes += $3 }
		END {
			if (json != "")
				printf "{\"storage\": \"%s\", \"packs\": %d, \"bytes\": %.0f, \"records\": %d}\n", name, n, bytes, records
			else
				printf "%s: %d packs, %.0f bytes, %d records to send\n", name, n, bytes, records
		}' "$tmp/copied" || exit 128
}

# ---- refs

# Git's objects of all that the remote has come here; no ref of ours moves.
get_refs () {
	casg_list_remote "$1"
	test -s "$tmp/remote" || return 0
	if casg_is_store "$casg_git_url"; then
		casg_fetch_manifests "$casg_git_url"
	else
		cut -d ' ' -f 2 "$tmp/remote" >"$tmp/wanted" &&
		git fetch --quiet --no-tags --no-auto-maintenance --no-write-fetch-head --refmap= --stdin "$1" <"$tmp/wanted" || exit 128
	fi
	cut -d ' ' -f 1 "$tmp/remote" | git cat-file --batch-check >"$tmp/checked" || exit 128
	! grep -q ' missing$' "$tmp/checked" || die "'$1' has changed meanwhile; try again"
}

put_refs () {
	url=$(git ls-remote --get-url -- "$1") || exit 128
	test -s "$tmp/remote" || return 0
	if casg_is_store "$url"; then
		casg_write_manifests "$url" "$tmp/remote"
		return
	fi
	set -- "$1" --
	while read -r id ref; do
		set -- "$@" "$id:$ref"
	done <"$tmp/remote"
	remote=$1
	shift 2
	git push ${opt_quiet:+--quiet} ${opt_force:+--force} -- "$remote" "$@" || exit 128
}

casg_options 2 2 "$@"
eval "$casg_set"
test -z "$opt_json" || test -n "$opt_dry_run" || usage_die "--json needs --dry-run"
casg_repo
casg_scratch mirror
casg_storages "$tmp/all"
name_storages "$tmp/from" "$1"
name_storages "$tmp/named" "$2"
awk -F '\t' 'FILENAME == ARGV[1] { from[$2] = 1; next }
	$4 == "writable" && !($2 in from)' "$tmp/from" "$tmp/named" >"$tmp/to" || exit 128
test -s "$tmp/to" || die "'$2' has no storage that may be written to and is not one of '$1'"
while IFS=$casg_tab read -r to_name _ _ _ patterns; do
	check_patterns "$to_name" "$patterns"
done <"$tmp/to"
from_remote=$(remote_of "$tmp/from")
to_remote=$(remote_of "$tmp/to")
test "$from_remote" != "$to_remote" || from_remote=
refs=
test -z "$from_remote" || test -z "$to_remote" || refs=1
# refs first: what they lead to is in the inventory then
test -z "$refs" || test -n "$opt_dry_run" || get_refs "$from_remote"
cut -f 2 "$tmp/from" >"$tmp/urls" || exit 128
set --
while IFS= read -r url; do
	set -- "$@" "--url=$url"
done <"$tmp/urls"
casg-inventory "$@" --list >"$tmp/records" && casg-inventory "$@" --packs >"$tmp/packs" || exit 128
while IFS=$casg_tab read -r to_name to_url _ <&4; do
	mirror_to
done 4<"$tmp/to"
test -z "$refs" || test -n "$opt_dry_run" || put_refs "$to_remote"
exit 0
