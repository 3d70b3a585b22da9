# shellcheck shell=sh
# casg-sh-fetch - bring what a remote has: Git's objects by git, packs from
# storages, and only then refs move.  After casg-sh-setup, casg-sh-repo,
# casg-sh-lock, casg-sh-versions, casg-sh-remote, casg-sh-manifests and
# casg_repo, with a folder for scratch files in $tmp:
#
#	# shellcheck source=porcelain/casg-sh-fetch.sh
#	. "${0%/*}/casg-sh-fetch"
#	casg_list_remote REMOTE     what it has: $tmp/remote, lines "ID REF"; $casg_remote_head
#	casg_fetch REMOTE           bring what is new, move the refs
#
# $opt_quiet, $opt_prune, $opt_force, $opt_dry_run and $opt_refetch are heeded where they are options
# of the script.
# shellcheck disable=SC2154 # casg_options sets opt_*

casg_list_remote () {
	casg_git_url=$(git ls-remote --get-url -- "$1") || exit 128
	if casg_is_store "$casg_git_url"; then
		casg_read_manifests "$casg_git_url" || die "nothing is published at '$(casg_printable "$casg_git_url")'"
		sed -n 's/^ref //p' "$tmp/manifests" >"$tmp/remote" &&
		casg_remote_head=$(sed -n 's/^head //p' "$tmp/manifests") &&
		casg_head_commit=$(awk -v head="$casg_remote_head" '$2 == head { print $1 }' "$tmp/remote") || exit 128
		return
	fi
	git ls-remote --quiet --symref -- "$1" HEAD 'refs/heads/*' 'refs/tags/*' >"$tmp/listing" || exit 128
	# shellcheck disable=SC2034 # for casg-clone
	casg_remote_head=$(sed -n 's/^ref: \(refs\/heads\/[^	]*\)	HEAD$/\1/p' "$tmp/listing")
	sed -n '/\^{}$/d; s/^\([0-9a-f]\{40,64\}\)	\(refs\/.*\)$/\1 \2/p' "$tmp/listing" >"$tmp/remote" || exit 128
	casg_head_commit=$(sed -n 's/^\([0-9a-f]\{40,64\}\)	HEAD$/\1/p' "$tmp/listing")
}

# What is to be done to our refs: lines "new|forced|gone OLD NEW REF-THERE REF-HERE".
casg_compare_refs () {
	git for-each-ref --format='%(objectname) %(refname)' "refs/remotes/$1/" refs/tags/ >"$tmp/ours" &&
	awk -v remote="$1" -v force="${opt_force-}" -v prune="${opt_prune-}" '
		FILENAME == ARGV[1] { ours[$2] = $1; next }
		{
			here = $2
			if (!sub(/^refs\/heads\//, "refs/remotes/" remote "/", here) && here !~ /^refs\/tags\//)
				next
			there[here] = 1
			if (here in ours && ours[here] == $1)
				next
			if (here ~ /^refs\/tags\// && here in ours && force == "") {
				print "kept", ours[here], $1, $2, here
				next
			}
			print "new", here in ours ? ours[here] : "-", $1, $2, here
		}
		END {
			for (here in ours)
				if (prune != "" && here ~ "^refs/remotes/" remote "/" && !(here in there) &&
				    here != "refs/remotes/" remote "/HEAD")
					print "gone", ours[here], "-", "-", here
		}' "$tmp/ours" "$tmp/remote" >"$tmp/moves" || exit 128
}

# The storages to ask for packs, in order, to $tmp/sources: those of the remote,
# those that .casgconfig names, all others, and where the versions come from
# itself, if it can have packs at all.
casg_list_sources () {
	casg_storages "$tmp/all" &&
	awk -F '\t' -v remote="$1" '$3 == remote' "$tmp/all" >"$tmp/sources" || exit 128
	if test -z "${casg_env-}"; then
		if test -n "$casg_head_commit" && git cat-file -e "$casg_head_commit" 2>/dev/null; then
			casg_tree_storages "$casg_head_commit" "$tmp/tree" && cat "$tmp/tree" >>"$tmp/sources" || exit 128
			# who wrote that shall not send us round our own network
			CASG_UNTRUSTED_URLS=$(awk -F '\t' 'FILENAME == ARGV[1] { ours[$2] = 1; next }
				!($2 in ours) { print $2 }' "$tmp/all" "$tmp/tree") || exit 128
			export CASG_UNTRUSTED_URLS
		fi
	fi
	awk -F '\t' -v remote="$1" '$3 != remote' "$tmp/all" >>"$tmp/sources" || exit 128
	casg_own_storage "$1" >>"$tmp/sources"
}

# The remote's own URL as a storage: a repository of casg's in a folder here, or
# what casg publish has laid out there.
casg_own_storage () {
	casg_git_url=$(git ls-remote --get-url -- "$1") || exit 128
	case $casg_git_url in
	http://* | https://*)
		printf '%s\t%s\t-\tread-only\t-\n' "$1" "${casg_git_url%/}"
		return
		;;
	*)
		if casg_is_store "$casg_git_url"; then
			printf '%s\t%s\t-\tread-only\t-\n' "$1" "$casg_git_url"
			return
		fi
		;;
	esac
	case $casg_git_url in
	file://*) casg_git_url=${casg_git_url#file://} ;;
	*://* | *:*) return 0 ;;
	esac
	for casg_folder in "$casg_git_url/INVENTORY" "$casg_git_url/casg/packs" "$casg_git_url/.git/casg/packs"; do
		test -e "$casg_folder" || continue
		casg_storage_url "$(cd -- "${casg_folder%/*}" && pwd -P)"
		printf '%s\t%s\t-\tread-only\t-\n' "$1" "$casg_url"
		return
	done
}

# The packs that the versions in $tmp/versions need and that are not here:
# $tmp/packs, lines as in PACKS.  What no inventory tells, PACKS may.
casg_find_packs () {
	casg-read-version --blobs <"$tmp/versions" >"$tmp/ids" || exit 128
	set --
	cut -f 2 "$tmp/sources" >"$tmp/urls" || exit 128
	while IFS= read -r casg_url; do
		set -- "$@" "--url=$casg_url"
	done <"$tmp/urls"
	test $# != 0 || die "no storage is known for '$casg_remote': 'casg remote add' names one"
	if casg-inventory "$@" --need <"$tmp/ids" >"$tmp/packs" 2>"$tmp/why"; then
		return
	fi
	casg_list_blobs "$tmp" PACKS <"$tmp/commits" >"$tmp/pairs"
	cut -d ' ' -f 1 "$tmp/pairs" | sort -u | git cat-file --batch |
		awk '
			left <= 0 { left = $3 + 1; next }
			{ left -= length($0) + 1; if (left > 0) print; else left = 0 }' |
		LC_ALL=C grep -E '^[0-9a-f]{64} [0-9]+ ' | sort -u >"$tmp/packs"
	test -s "$tmp/packs" || {
		cat "$tmp/why" >&2
		die "no storage of '$casg_remote' says which packs hold these versions"
	}
}

casg_fetch_packs () {
	set --
	while IFS= read -r casg_url; do
		set -- "$@" "--url=$casg_url"
	done <"$tmp/urls"
	casg-fetch-pack ${opt_quiet:+-q} "$@" <"$tmp/packs" >>"$tmp/fetched" || exit 128
}

# What would be fetched: a request a pack, and they take as much room here.  (Of
# Git's objects, which are small, those that are new are here by now.)
casg_tell_plan () {
	while read -r casg_id casg_rest; do
		test -e "$CASG_PATH/packs/pack-$casg_id.pack" ||
			test -e "$CASG_PATH/quarantine/pack-$casg_id.pack" || echo "$casg_id $casg_rest"
	done <"$tmp/packs" | awk -v json="${opt_json-}" '
		{ n++; bytes += $2 }
		END {
			if (json != "")
				printf "{\"packs\": %d, \"bytes\": %.0f, \"requests\": %d}\n", n, bytes, n
			else
				printf "%d packs, %.0f bytes, %d requests\n", n, bytes, n
		}' || exit 128
}

# Is all there that the new versions need?
casg_check_complete () {
	casg-reachable-packs <"$tmp/versions" >/dev/null
}

casg_move_refs () {
	awk '
		$1 == "new" { none = $3; gsub(/./, "0", none); print "update", $5, $3, $2 == "-" ? none : $2 }
		$1 == "gone" { print "delete", $5, $2 }' "$tmp/moves" >"$tmp/updates" &&
	git update-ref -m "fetch $casg_remote" --stdin <"$tmp/updates" || exit 128
}

# A line for each ref, as git fetch has them.
casg_tell_moves () {
	test -z "${opt_quiet-}" || return 0
	awk -v remote="$casg_remote" '
		{ short = $4; sub(/^refs\/(heads|tags)\//, "", short); here = $5; sub(/^refs\/(remotes|tags)\//, "", here) }
		$1 == "new" && $2 == "-" { printf " * [new %s] %s -> %s\n", $4 ~ /^refs\/tags\// ? "tag]   " : "branch]", short, here; next }
		$1 == "new" { printf "   %.8s..%.8s %s -> %s\n", $2, $3, short, here; next }
		$1 == "gone" { printf " - [deleted] %s\n", here; next }
		$1 == "kept" { printf " ! [rejected] %s: a tag of that name is here already (--force)\n", short }' "$tmp/moves" |
		sed 's/\] *\]/]/' >&2
}

casg_fetch () {
	casg_remote=$1
	: >"$tmp/fetched" || exit 128
	casg_compare_refs "$casg_remote"
	: >"$tmp/packs" || exit 128
	test -n "${opt_refetch-}" || grep -q '^[ng]' "$tmp/moves" || {
		casg_tell_moves
		test -z "${opt_dry_run-}" || casg_tell_plan
		return 0
	}
	sed -n 's/^new [^ ]* [^ ]* \([^ ]*\) .*/\1/p' "$tmp/moves" >"$tmp/wanted" || exit 128
	if test -s "$tmp/wanted" && casg_is_store "$casg_git_url"; then
		casg_fetch_manifests "$casg_git_url"
	elif test -s "$tmp/wanted"; then
		git fetch --quiet --no-tags --no-auto-maintenance --refmap= --stdin "$casg_remote" <"$tmp/wanted" || exit 128
	fi
	sed -n 's/^new [^ ]* \([^ ]*\) .*/\1/p' "$tmp/moves" >"$tmp/tips" || exit 128
	if test -n "${opt_refetch-}"; then
		cut -d ' ' -f 1 "$tmp/remote" | git rev-list --stdin >"$tmp/commits"
	else
		git rev-list --stdin --not --all <"$tmp/tips" >"$tmp/commits"
	fi ||
		die "'$casg_remote' has changed meanwhile; try again"
	casg_list_blobs "$tmp" VERSION <"$tmp/commits" >"$tmp/pairs"
	cut -d ' ' -f 1 "$tmp/pairs" | sort -u >"$tmp/versions" || exit 128
	if test -s "$tmp/versions"; then
		casg_list_sources "$casg_remote"
		casg_find_packs
		test -z "${opt_dry_run-}" || {
			casg_tell_plan
			return 0
		}
		casg_fetch_packs
		# several storages may know other packs for the same versions
		casg_check_complete || die "not all that the new versions need could be had; no ref has moved"
	fi
	test -z "${opt_dry_run-}" || {
		casg_tell_plan
		return 0
	}
	casg_lock import
	if test -s "$tmp/versions"; then
		# what gc has put away since comes back
		casg_fetch_packs
		casg_lock refs
		casg_check_complete || exit 128
	fi
	casg_move_refs
	casg_unlock_all
	casg_tell_moves
}
