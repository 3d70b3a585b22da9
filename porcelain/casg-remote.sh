#!/bin/sh
# casg remote - where versions and packs are kept elsewhere.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg remote [list] [--env NAME]
casg remote add [--order N] [--read-only] [--database PATTERN]... NAME GIT-URL STORAGE-URL
casg remote add [--order N] [--read-only] [--database PATTERN]... --for REMOTE NAME STORAGE-URL
casg remote remove NAME
casg remote show NAME
casg remote check [--env NAME] [NAME...]
--
order#N            storages are asked in this order (default: 50)
read-only          nothing is ever sent there
database+PATTERN   only databases that match; "!PATTERN": not those
for=REMOTE         another storage of this remote
env=NAME           only the storages of this environment (casg.env.NAME)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-versions.sh
. "${0%/*}/casg-sh-versions"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"

set_key () {
	git config "casg.remote.$name.$1" "$2" || exit 128
}

add () {
	if test -n "$opt_for"; then
		test $# = 2 || usage_die "wanted NAME and STORAGE-URL"
		git config "remote.$opt_for.url" >/dev/null || die "there is no remote '$opt_for'"
		name=$1 storage=$2
	else
		test $# = 3 || usage_die "wanted NAME, GIT-URL and STORAGE-URL"
		name=$1 storage=$3
	fi
	casg_check_storage_name "$name" || usage_die "bad name '$name'"
	! git config "casg.remote.$name.url" >/dev/null || die "there is a storage '$name' already"
	casg_storage_url "$storage"
	casg_check_setting "$name" url "$casg_url" "casg remote"
	eval "set -- $opt_database"
	for pattern in "$@"; do
		casg_check_setting "$name" database "$pattern" "casg remote"
	done
	if test -z "$opt_for"; then
		git remote add -- "$name" "$git_url" || exit 128
	else
		set_key git "$opt_for"
	fi
	test -z "$opt_order" || set_key order "$opt_order"
	test -z "$opt_read_only" || set_key readOnly true
	for pattern in "$@"; do
		git config --add "casg.remote.$name.database" "$pattern" || exit 128
	done
	# what has a URL is a storage: last
	set_key url "$casg_url"
}

remove () {
	test $# = 1 || usage_die "wanted NAME"
	known=''
	! git config --remove-section "casg.remote.$1" 2>/dev/null || known=1
	! git config "remote.$1.url" >/dev/null || { git remote remove "$1" && known=1; } || exit 128
	test -n "$known" || die "there is no remote '$1'"
}

list () {
	test $# = 0 || usage_die "list takes no argument"
	casg_storages "$tmp/all" && mask <"$tmp/all" || exit 128
}

# URLs without passwords in them.
mask () {
	sed 's|\([a-z0-9+-]*://[^/@:	]*\):[^/@	]*@|\1@|'
}

show () {
	test $# = 1 || usage_die "wanted NAME"
	git_url=$(git config "remote.$1.url") || git_url=
	casg_storages "$tmp/all" &&
	awk -F '\t' -v name="$1" '$1 == name || $3 == name' "$tmp/all" >"$tmp/mine" || exit 128
	test -n "$git_url" || test -s "$tmp/mine" || die "there is no remote '$1'"
	echo "remote $1"
	test -z "$git_url" || printf '  versions %s\n' "$git_url" | mask
	awk -F '\t' '{ print "  storage", $1, $2, $4 ($5 == "-" ? "" : " " $5) }' "$tmp/mine" | mask
}

# Whether each storage answers, and what it lacks of the versions that its
# remote has, as far as we know.
check () {
	casg_storages "$tmp/all" || exit 128
	casg_copies
	if test $# = 0; then
		cp "$tmp/all" "$tmp/mine" || exit 128
	else
		casg_named_storages "$tmp/mine" "$@"
	fi
	status=0
	while IFS=$casg_tab read -r name url remote _ patterns <&4; do
		check_one || status=1
	done 4<"$tmp/mine"
	if test "$casg_wanted" != 0; then
		casg_check_copies "$tmp/mine" -q --quick --copies="$casg_wanted" || status=1
	fi
	return $status
}

check_one () {
	if ! casg-inventory --url="$url" --versions >"$tmp/there" ||
		! casg-inventory --url="$url" --packs >"$tmp/packs"; then
		echo "$name: cannot be read"
		return 1
	fi
	git for-each-ref --format='%(objectname)' "refs/remotes/$remote/" >"$tmp/tips" || exit 128
	: >"$tmp/missing" || exit 128
	if test -s "$tmp/tips"; then
		git rev-list --stdin <"$tmp/tips" >"$tmp/commits" || exit 128
		casg_list_blobs "$tmp" VERSION <"$tmp/commits" >"$tmp/pairs"
		while read -r blob path; do
			! casg_is_taken "${path%/VERSION}" "$patterns" || echo "$blob"
		done <"$tmp/pairs" | sort -u | casg-read-version --blobs | sort | join -v 1 - "$tmp/there" >"$tmp/missing" || exit 128
	fi
	awk '{ n++; bytes += $2 } END { printf "%d packs, %.0f bytes", n, bytes }' "$tmp/packs" >"$tmp/sums" &&
	echo "$name: $(cat "$tmp/sums"), $(($(wc -l <"$tmp/there"))) versions, $(($(wc -l <"$tmp/missing"))) missing" || exit 128
	test ! -s "$tmp/missing"
}

casg_options 0 - "$@"
eval "$casg_set"
casg_repo
casg_scratch remote
verb=${1-list}
test $# = 0 || shift
if test "$verb" != add; then
	test -z "$opt_order$opt_read_only$opt_database$opt_for" || usage_die "--order, --read-only, --database and --for are for 'add'"
fi
case $verb in
add)
	git_url=${2-}
	add "$@"
	;;
remove) remove "$@" ;;
list) list "$@" ;;
show) show "$@" ;;
check) check "$@" || exit 1 ;;
*) usage_die "unknown word '$verb'" ;;
esac
exit 0
