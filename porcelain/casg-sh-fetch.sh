# shellcheck shell=sh
# casg-sh-fetch - bring what a remote has: Git's objects by git, packs from
# storages, and only then refs move.  After casg-sh-setup, casg-sh-repo,
# casg-sh-lock, casg-sh-versions, casg-sh-remote, casg-sh-manifests, casg-sh-partial,
# casg-sh-profile and casg_repo, with a folder for scratch files in $tmp:
#
#	# shellcheck source=porcelain/casg-sh-fetch.sh
#	. "${0%/*}/casg-sh-fetch"
#	casg_list_remote REMOTE     what it has: $tmp/remote, lines "ID REF"; $casg_remote_head
#	casg_fetch REMOTE           bring what is new, move the refs
#
# $opt_quiet, $opt_prune, $opt_force, $opt_dry_run, $opt_refetch and $opt_from are heeded where they
# are options of the script.
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
	git ls-remote --quiet --symref -- "$1" HEAD 'refs/heads/*' 'refs/tags/*' "$casg_profiles/*" >"$tmp/listing" || exit 128
	# shellcheck disable=SC2034 # for casg-clone
	casg_remote_head=$(sed -n 's/^ref: \(refs\/heads\/[^	]*\)	HEAD$/\1/p' "$tmp/listing")
	sed -n '/\^{}$/d; s/^\([0-9a-f]\{40,64\}\)	\(refs\/.*\)$/\1 \2/p' "$tmp/listing" >"$tmp/remote" || exit 128
	casg_head_commit=$(sed -n 's/^\([0-9a-f]\{40,64\}\)	HEAD$/\1/p' "$tmp/listing")
}

# What is to be done to our refs: lines "new|kept|gone OLD NEW REF-THERE REF-HERE".
# Tags and profiles that are here stay as they are.
casg_compare_refs () {
	git for-each-ref --format='%(objectname) %(refname)' "refs/remotes/$1/" refs/tags/ "$casg_profiles/" >"$tmp/ours" &&
	awk -v remote="$1" -v force="${opt_force-}" -v prune="${opt_prune-}" '
		FILENAME == ARGV[1] { ours[$2] = $1; next }
		{
			here = $2
			lasting = here ~ /^refs\/tags\// || here ~ /^refs\/casg\/profiles\/[0-9a-f]+\/[^\/]+$/
			if (!sub(/^refs\/heads\//, "refs/remotes/" remote "/", here) && !lasting)
				next
			there[here] = 1
			if (here in ours && ours[here] == $1)
				next
			if (lasting && here in ours && force == "") {
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
	casg_own_dir=''
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
		case $casg_folder in
		*/casg/packs) casg_own_dir=${casg_folder%/casg/packs} ;;
		esac
		printf '%s\t%s\t-\tread-only\t-\n' "$1" "$casg_url"
		return
	done
}

# The packs that the versions or profiles in the file BLOBS need, as an inventory
# says it, or the repository there itself: $tmp/needed, lines as in PACKS; 1 if
# neither does.
casg_need () {
	casg_blobs=$1
	casg-read-version --blobs <"$casg_blobs" >"$tmp/ids" || exit 128
	set --
	cut -f 2 "$tmp/sources" >"$tmp/urls" || exit 128
	while IFS= read -r casg_url; do
		set -- "$@" "--url=$casg_url"
	done <"$tmp/urls"
	test $# != 0 || die "no storage is known for '$casg_remote': 'casg remote add' names one"
	casg-inventory "$@" --need <"$tmp/ids" >"$tmp/needed" 2>"$tmp/why" && return
	test -n "$casg_own_dir" &&
		CASG_DIR=$casg_own_dir casg-reachable-packs --long <"$casg_blobs" >"$tmp/needed" 2>/dev/null
}

# The packs that the versions in $tmp/versions need and that are not here:
# $tmp/packs, lines as in PACKS.  What no inventory tells, PACKS may.
casg_find_packs () {
	if casg_need "$tmp/versions"; then
		mv "$tmp/needed" "$tmp/packs" || exit 128
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

# Packs that others stand for, which have the same chunks, need not come:
# casg/state/assembled, lines "ID ID".
casg_drop_assembled () {
	test -e "$CASG_PATH/state/assembled" || return 0
	while read -r casg_id casg_here; do
		test ! -e "$CASG_PATH/packs/pack-$casg_here.pack" || echo "$casg_id"
	done <"$CASG_PATH/state/assembled" >"$tmp/assembled" &&
	awk 'FILENAME == ARGV[1] { here[$1] = 1; next } !($1 in here)' "$tmp/assembled" "$tmp/packs" >"$tmp/other-packs" &&
	mv "$tmp/other-packs" "$tmp/packs" || exit 128
}

casg_fetch_packs () {
	set --
	while IFS= read -r casg_url; do
		set -- "$@" "--url=$casg_url"
	done <"$tmp/urls"
	casg-fetch-pack ${opt_quiet:+-q} "$@" <"$tmp/packs" >>"$tmp/fetched" || exit 128
}

# What would be fetched: a request a pack, and they take as much room here; and, with
# files to take sequences from, chunks by ranges.  (Of Git's objects, which are small,
# those that are new are here by now.)
casg_tell_plan () {
	casg_list_absent
	casg_print_plan
}

casg_list_absent () {
	while read -r casg_id casg_rest; do
		test -e "$CASG_PATH/packs/pack-$casg_id.pack" ||
			test -e "$CASG_PATH/quarantine/pack-$casg_id.pack" || echo "$casg_id $casg_rest"
	done <"$tmp/packs" >"$tmp/absent" || exit 128
}

# $tmp/told: "N chunks, N bytes, N requests; N chunks, N bytes from files", if there are files.
casg_print_plan () {
	test -z "${opt_from-}" || test -s "$tmp/told" ||
		echo '0 chunks, 0 bytes, 0 requests; 0 chunks, 0 bytes from files' >"$tmp/told" || exit 128
	test -n "${opt_from-}" || : >"$tmp/told" || exit 128
	awk -v json="${opt_json-}" '
		FILENAME == ARGV[1] { n++; bytes += $2; next }
		{ files = 1; chunks = $1; bytes += $3; requests = $5; file_chunks = $7; file_bytes = $9 }
		END {
			if (files && json != "")
				printf "{\"packs\": %d, \"chunks\": %d, \"bytes\": %.0f, \"requests\": %d, \"file_chunks\": %d, \"file_bytes\": %.0f}\n",
					n, chunks, bytes, n + requests, file_chunks, file_bytes
			else if (files)
				printf "%d packs, %d chunks, %.0f bytes, %d requests; %d chunks, %.0f bytes from files\n",
					n, chunks, bytes, n + requests, file_chunks, file_bytes
			else if (json != "")
				printf "{\"packs\": %d, \"bytes\": %.0f, \"requests\": %d}\n", n, bytes, n
			else
				printf "%d packs, %.0f bytes, %d requests\n", n, bytes, n
		}' "$tmp/absent" "$tmp/told" || exit 128
}

# In a partial clone: what stands for packs with sequences.  $tmp/packs are those
# to be had as a whole, afterwards.
casg_promise_packs () {
	set --
	while IFS= read -r casg_url; do
		set -- "$@" "--url=$casg_url"
	done <"$tmp/urls"
	casg-promise-pack ${opt_quiet:+-q} "$@" <"$tmp/packs" >"$tmp/whole" &&
	mv "$tmp/whole" "$tmp/packs" || exit 128
}

# With --from in a repository that is to have all: packs with sequences come as in a
# partial clone, in a folder of its own that nobody else sees, and are put together
# of what files have and what was fetched.  What is made so is no better than what a
# storage sends: casg-fetch-pack finds it as if it had come already, and checks it.
casg_begin_from () {
	casg_lock import
	CASG_PARTIAL=$CASG_PATH/state/from
	export CASG_PARTIAL
	mkdir -p "$CASG_PARTIAL/chunks" || exit 128
	: >"$tmp/all-ids" || exit 128
	casg_promise_packs
}

casg_plan_from () {
	CASG_NO_FETCH=unchecked casg_fetch_data --all --dry-run >"$tmp/told" || exit 128
}

casg_finish_from () {
	CASG_NO_FETCH=unchecked
	export CASG_NO_FETCH
	casg_fetch_data --all --announce="$tmp/announced" >"$tmp/told"
	mkdir -p "$CASG_PARTIAL/made" &&
	casg-join-packs --promised --into="$CASG_PARTIAL/made" >"$tmp/joined" &&
	sed -n 's/^pack //p' "$tmp/joined" >"$tmp/made" || exit 128
	while IFS= read -r casg_id; do
		casg_file=$CASG_PATH/tmp/fetch-$casg_id.part
		mv -f "$CASG_PARTIAL/made/pack-$casg_id.pack" "$casg_file" && chmod u+w "$casg_file" &&
			echo "$casg_id $(($(wc -c <"$casg_file")))" >>"$tmp/packs" || exit 128
	done <"$tmp/made"
	unset CASG_NO_FETCH CASG_PARTIAL
	casg_fetch_packs
	awk '$1 == "pack" { id = $2 } $1 == "replaced" && $2 != id { print $2, id }' "$tmp/joined" \
		>>"$CASG_PATH/state/assembled" || exit 128
	# what files had is in those packs as well, in the same chunks; it may be one of them
	test ! -e "$tmp/announced" || while IFS= read -r casg_id; do
		! grep -q "^pack $casg_id\$" "$tmp/joined" && test ! -e "$CASG_PATH/state/from/pack-$casg_id.new" || continue
		rm -f "$CASG_PATH/packs/pack-$casg_id.pack" "$CASG_PATH/packs/pack-$casg_id.idx" \
			"$CASG_PATH/index/pack-$casg_id.objects" || exit 128
	done <"$tmp/announced"
	rm -rf "$CASG_PATH/state/from" || exit 128
	test -n "${opt_quiet-}" || casg_print_plan | sed 's/^/fetched: /' >&2
}

# The sequences that are wanted of the new versions.
casg_fetch_wanted () {
	casg_list_specs --no-walk=unsorted --stdin <"$tmp/commits" >"$tmp/specs" || exit 128
	: >"$tmp/all-ids" || exit 128
	# shellcheck disable=SC2034 # for casg_gather
	casg_taxa_of=$casg_head_commit
	casg_each_filter casg_gather
	if test -n "${opt_dry_run-}"; then
		casg_fetch_data --dry-run ${opt_json:+--json}
		return
	fi
	casg_fetch_data >"$tmp/told"
	test -n "${opt_quiet-}" || sed 's/^/wanted here: /' "$tmp/told" >&2
}

# Which sequences are wanted, trees say, and they come for that.
casg_plan_wanted () {
	casg_promise_packs
	! grep -q ' .*sequences' "$tmp/packs" ||
		die "of packs with sequences no storage publishes the ids: what of them is wanted is known only when they are here: fetch without --dry-run"
	casg_fetch_packs
	casg-promise-pack --check || exit 128
	if test -s "$tmp/versions"; then
		casg_fetch_wanted
	else
		casg_plan_nothing
	fi
}

casg_plan_nothing () {
	: >"$tmp/packs" && : >"$tmp/all-ids" && : >"$tmp/urls" || exit 128
	if test -n "$casg_partial"; then
		casg_fetch_data --dry-run ${opt_json:+--json}
	else
		casg_tell_plan
	fi
}

# Is all there that the new versions need, and the profiles that are taken?
casg_check_complete () {
	cat "$tmp/versions" "$tmp/profiles" | casg-reachable-packs >/dev/null
}

# ---- profiles

# Of the profiles that are new there, those of versions that are here, or come now, under
# the same name of a database: $tmp/candidates, lines "REF TREE BLOB".
casg_list_new_profiles () {
	: >"$tmp/profiles" && : >"$tmp/candidates" &&
	sed -n 's/^new [^ ]* \([^ ]*\) \(refs\/casg\/profiles\/[^ ]*\) .*/\1 \2/p' "$tmp/moves" >"$tmp/offered" || exit 128
	# maps that were lost come again
	test -z "${opt_refetch-}" || grep ' refs/casg/profiles/' "$tmp/remote" >>"$tmp/offered" || test $? = 1 || exit 128
	test -s "$tmp/offered" || return 0
	{
		git rev-list --branches --tags --remotes && cat "$tmp/commits"
	} | sort -u >"$tmp/all-commits" || exit 128
	casg_list_blobs "$tmp" VERSION <"$tmp/all-commits" >"$tmp/pairs"
	while read -r casg_tree casg_ref; do
		casg_check_profile "$casg_tree" "${casg_ref#"$casg_profiles/"}" ||
			continue
		printf '%s %s %s\n' "$casg_ref" "$casg_tree" "$casg_blob" >>"$tmp/candidates" || exit 128
	done <"$tmp/offered"
}

# casg_check_profile TREE VERSION-ID/NAME: 1 if it is none of a version in
# $tmp/pairs; $casg_blob is PROFILE.
casg_check_profile () {
	git ls-tree -r -z "$1" >"$tmp/tree" 2>/dev/null || return
	casg_as_lines "$tmp/tree" >"$tmp/entries" || exit 128
	casg_blob=$(sed -n 's/^100644 blob \([0-9a-f]*\)	..*\/PROFILE$/\1/p' "$tmp/entries")
	casg_vblob=$(sed -n 's/^100644 blob \([0-9a-f]*\)	\(..*\/VERSION\)$/\1 \2/p' "$tmp/entries")
	test "$(wc -l <"$tmp/entries")" = 2 && test -n "$casg_blob" && test -n "$casg_vblob" &&
		test "$(sed 's/.*	//; s/\/[A-Z]*$//' "$tmp/entries" | sort -u | wc -l)" = 1 &&
		grep -qxF -e "$casg_vblob" "$tmp/pairs" || return
	printf '%s\n' "${casg_vblob%% *}" "$casg_blob" | casg-read-version --blobs >"$tmp/ids" || exit 128
	test "$(sed -n '1s/ .*//p' "$tmp/ids")" = "${2%%/*}" &&
		test "$(git cat-file blob "$casg_blob" | sed -n '2s/^version //p')" = "${2%%/*}"
}

# The packs with the maps of the candidates, to $tmp/packs.  One that cannot be had
# is named, and keeps nothing else from coming.
casg_find_maps () {
	cut -d ' ' -f 3 "$tmp/candidates" | sort -u >"$tmp/profiles" || exit 128
	test -s "$tmp/profiles" || return 0
	if casg_need "$tmp/profiles"; then
		cat "$tmp/needed" >>"$tmp/packs" || exit 128
		return
	fi
	mv "$tmp/candidates" "$tmp/offered" && : >"$tmp/candidates" || exit 128
	while read -r casg_ref casg_tree casg_blob; do
		echo "$casg_blob" >"$tmp/profiles" || exit 128
		if casg_need "$tmp/profiles"; then
			cat "$tmp/needed" >>"$tmp/packs" &&
			echo "$casg_ref $casg_tree $casg_blob" >>"$tmp/candidates" || exit 128
		else
			warn "no storage says which pack holds the map of profile '${casg_ref#"$casg_profiles/"}'; it does not come"
		fi
	done <"$tmp/offered"
	cut -d ' ' -f 3 "$tmp/candidates" | sort -u >"$tmp/profiles" || exit 128
}

# No ref of a profile that does not come.
casg_drop_profiles () {
	awk 'FILENAME == ARGV[1] { comes[$1] = 1; next }
		$1 != "new" || $4 !~ /^refs\/casg\// || $4 in comes' "$tmp/candidates" "$tmp/moves" >"$tmp/left" &&
	mv "$tmp/left" "$tmp/moves" || exit 128
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
		{
			short = $4
			kind = sub(/^refs\/tags\//, "", short) ? "tag" : sub(/^refs\/casg\/profiles\//, "", short) ? "profile" : "branch"
			sub(/^refs\/heads\//, "", short)
			here = $5
			sub(/^refs\/(remotes|tags|casg\/profiles)\//, "", here)
		}
		$1 == "new" && $2 == "-" { printf " * [new %s] %s -> %s\n", kind, short, here; next }
		$1 == "new" { printf "   %.8s..%.8s %s -> %s\n", $2, $3, short, here; next }
		$1 == "gone" { printf " - [deleted] %s\n", here; next }
		$1 == "kept" { printf " ! [rejected] %s: a %s of that name is here already (--force)\n", short, kind }' "$tmp/moves" >&2
}

casg_fetch () {
	casg_remote=$1 casg_partial=''
	! casg_is_partial || casg_partial=1
	: >"$tmp/fetched" || exit 128
	casg_compare_refs "$casg_remote"
	test -n "${opt_refetch-}" || grep -q '^[ng]' "$tmp/moves" || {
		casg_tell_moves
		test -z "${opt_dry_run-}" || casg_plan_nothing
		return 0
	}
	# what was kept and is damaged comes again
	test -z "$casg_partial" || test -z "${opt_refetch-}" ||
		casg-chunk-cache --verify --kept --drop >"$tmp/kept" || test $? = 1 || exit 128
	sed -n 's/^new [^ ]* [^ ]* \([^ ]*\) .*/\1/p' "$tmp/moves" >"$tmp/wanted" || exit 128
	if test -s "$tmp/wanted" && casg_is_store "$casg_git_url"; then
		casg_fetch_manifests "$casg_git_url"
	elif test -s "$tmp/wanted"; then
		git fetch --quiet --no-tags --no-auto-maintenance --no-write-fetch-head --refmap= --stdin "$casg_remote" <"$tmp/wanted" || exit 128
	fi
	sed -n '/ refs\/casg\/[^ ]*$/d; s/^new [^ ]* \([^ ]*\) .*/\1/p' "$tmp/moves" >"$tmp/tips" || exit 128
	if test -n "${opt_refetch-}"; then
		sed -n '/ refs\/casg\//d; s/ .*//p' "$tmp/remote" | git rev-list --stdin >"$tmp/commits"
	else
		git rev-list --stdin --not --all <"$tmp/tips" >"$tmp/commits"
	fi ||
		die "'$casg_remote' has changed meanwhile; try again"
	casg_list_blobs "$tmp" VERSION <"$tmp/commits" >"$tmp/pairs"
	cut -d ' ' -f 1 "$tmp/pairs" | sort -u >"$tmp/versions" || exit 128
	casg_list_new_profiles
	if test -s "$tmp/versions" || test -s "$tmp/candidates"; then
		casg_list_sources "$casg_remote"
		: >"$tmp/packs" || exit 128
		test ! -s "$tmp/versions" || casg_find_packs
		casg_find_maps
		casg_drop_assembled
		test -n "$casg_partial" || test -z "${opt_from-}" || casg_begin_from
		if test -n "${opt_dry_run-}" && test -n "$casg_partial"; then
			casg_plan_wanted
			return
		elif test -n "${opt_dry_run-}"; then
			test -z "${opt_from-}" || casg_plan_from
			casg_tell_plan
			return
		fi
		test -z "$casg_partial" || casg_promise_packs
		casg_list_absent
		if test -n "$casg_partial" || test -z "${opt_from-}"; then
			casg_fetch_packs
		else
			casg_finish_from
		fi
		test -z "$casg_partial" || casg-promise-pack --check || exit 128
		# several storages may know other packs for the same versions
		casg_check_complete || die "not all that the new versions need could be had; no ref has moved"
		test -z "$casg_partial" || ! test -s "$tmp/versions" || casg_fetch_wanted
	fi
	casg_drop_profiles
	test -z "${opt_dry_run-}" || {
		casg_plan_nothing
		return
	}
	casg_lock import
	if test -s "$tmp/versions" || test -s "$tmp/profiles"; then
		# what gc has put away since comes back
		casg_fetch_packs
		casg_lock refs
		casg_check_complete || exit 128
	fi
	casg_move_refs
	# what an earlier one with --from began is of no use any more
	rm -rf "$CASG_PATH/state/from" || exit 128
	casg_unlock_all
	casg_tell_moves
}
