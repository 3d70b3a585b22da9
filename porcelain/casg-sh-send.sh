# shellcheck shell=sh
# casg-sh-send - what versions need, put into storages.  After casg-sh-setup,
# casg-sh-repo, casg-sh-versions, casg-sh-remote, casg-sh-sent and casg_repo, with
# a folder for scratch files in $tmp (and casg-sh-profile, for profiles):
#
#	# shellcheck source=porcelain/casg-sh-send.sh
#	. "${0%/*}/casg-sh-send"
#	casg_list_history TIP...     all versions that lead to them: $tmp/history
#	casg_send STORAGES           so that each of STORAGES' lines has its share
#	casg_send_profiles STORAGES  then, the same for the profiles of those versions;
#	                            $tmp/profile-refs, lines "TREE REF"
#	casg_send_records           with $casg_defer set, casg_send leaves this for later:
#	                            their inventories name the versions
#	casg_repack_storages STORAGES
#	                             new packs of everything in place of what they have
#
# A storage gets packs that hold nothing but what these versions need, of those
# databases that it may have: where the packs here hold more, others are written,
# and where they lie here otherwise than there, others that rely on what is there.
# Only then its inventory names the versions.  Maps of profiles go apart, in packs
# with nothing else and with records of their own: when a profile is gone, what
# it needed goes by itself.  $opt_quiet and $opt_dry_run are heeded.
# shellcheck disable=SC2154 # casg_options sets opt_*

# Records that were made, and of them stored; $casg_defer: not now.
casg_records=0 casg_recorded=0 casg_defer=''

# Lines "BLOB PATH", each once.
casg_list_history () {
	git rev-list "$@" -- >"$tmp/commits" || exit 128
	casg_list_blobs "$tmp" VERSION <"$tmp/commits" >"$tmp/pairs"
	sort -u "$tmp/pairs" | sed 's|/VERSION$||; /^[^ ]* VERSION$/d' >"$tmp/history" || exit 128
}

# Those of $tmp/history that a storage with these patterns takes: $tmp/allowed.
casg_list_allowed () {
	sed 's/^[^ ]* //' "$tmp/history" | sort -u >"$tmp/databases" &&
	while IFS= read -r casg_db; do
		! casg_is_taken "$casg_db" "$1" || printf '%s\n' "$casg_db"
	done <"$tmp/databases" >"$tmp/taken" &&
	awk 'FILENAME == ARGV[1] { taken[$0] = 1; next }
		{ db = $0; sub(/^[^ ]* /, "", db) } db in taken' "$tmp/taken" "$tmp/history" >"$tmp/allowed" ||
		exit 128
}

# Every version has to go somewhere; $tmp/allowed.N is what the Nth storage takes.
casg_check_homes () {
	: >"$tmp/homes" || exit 128
	casg_storage=0
	while IFS=$casg_tab read -r casg_name casg_url _ _ casg_patterns; do
		casg_storage=$((casg_storage + 1))
		casg_list_allowed "$casg_patterns"
		cat "$tmp/taken" >>"$tmp/homes" && mv "$tmp/allowed" "$tmp/allowed.$casg_storage" || exit 128
	done <"$1"
	casg_copies
	awk -v wanted="$casg_wanted" 'FILENAME == ARGV[1] { n[$0]++; next }
		!n[$0] { print "no storage takes the database \047" $0 "\047"; exit }
		n[$0] < wanted { print n[$0], "storages take the database \047" $0 "\047, and casg.copies is", wanted; exit }' \
		"$tmp/homes" "$tmp/databases" >"$tmp/homeless" || exit 128
	test ! -s "$tmp/homeless" || die "$(cat "$tmp/homeless")"
}

# The packs here, sorted.
casg_list_here () {
	for casg_file in "$CASG_PATH"/packs/pack-*.pack; do
		test -e "$casg_file" || continue
		casg_file=${casg_file##*/pack-}
		printf '%s\n' "${casg_file%.pack}"
	done | sort
}

# casg_write_packs BLOBS OPTION...: packs that hold these versions and nothing
# else, to be sent: $tmp/send.  Those that are new here are in $tmp/written.
casg_write_packs () {
	casg_blobs=$1
	shift
	casg_list_here >"$tmp/here" || exit 128
	casg-pack-versions "$@" <"$casg_blobs" >"$tmp/lines" || exit 128
	sort "$tmp/lines" | comm -23 - "$tmp/here" >"$tmp/written" || exit 128
	# shellcheck disable=SC2046 # ids are words
	casg-prune-packs --dry-run $(cat "$tmp/lines") >"$tmp/receipt" &&
	cut -f 2-4 "$tmp/receipt" | tr '\t' ' ' | sort >"$tmp/send" || exit 128
}

# They were for a storage only; how the trees in them lie there stays known.
casg_drop_written () {
	test -s "$tmp/written" || return 0
	test -n "${opt_dry_run-}" || casg_keep_sent <"$tmp/written"
	# shellcheck disable=SC2046 # ids are words
	casg-prune-packs --reason=sent $(cat "$tmp/written") >/dev/null || exit 128
}

# The versions there from which those that are lacking come: "ID BLOB" lines.
casg_list_bases () {
	while read -r casg_blob; do
		git cat-file blob "$casg_blob" || exit 128
	done <"$tmp/lacking" | sed -n 's/^previous //p' | sort -u >"$tmp/previous" &&
	join "$tmp/ids" "$tmp/there" | join - "$tmp/previous" >"$tmp/bases" || exit 128
}

# Do packs that would be sent hold what other packs there hold already, since
# the packs here have been written anew?
casg_is_repacked () {
	join -v 1 "$tmp/send" "$tmp/there-packs" >"$tmp/new-packs" &&
	join "$tmp/ids" "$tmp/there" | cut -d ' ' -f 2 | casg-reachable-packs | sort |
		join - "$tmp/new-packs" >"$tmp/again" || exit 128
	test -s "$tmp/again"
}

# The packs to send for the versions that are missing there: $tmp/send.  What
# is relied on there is in $tmp/bases.
casg_choose_packs () {
	: >"$tmp/written" && : >"$tmp/bases" || exit 128
	casg-reachable-packs --long <"$tmp/lacking" >"$tmp/needed" &&
	cut -d ' ' -f 1 "$tmp/allowed" | sort -u | casg-reachable-packs --whole >"$tmp/whole" &&
	casg-inventory --url="$casg_url" --packs >"$tmp/there-packs" || exit 128
	sort "$tmp/needed" >"$tmp/send" && sort "$tmp/whole" >"$tmp/sorted" || exit 128
	if casg_is_repacked; then
		casg_list_bases
		rm -rf "$tmp/as-there"
		cut -d ' ' -f 1 "$tmp/bases" | casg-inventory --url="$casg_url" --need >"$tmp/base-packs" || exit 128
		grep -E 'nodes|orders' "$tmp/base-packs" | casg_link_sent "$tmp/as-there"
		cut -d ' ' -f 2 "$tmp/bases" >"$tmp/not" || exit 128
		casg_write_packs "$tmp/lacking" --not="$tmp/not" --there="$tmp/as-there"
		return
	fi
	join -v 1 "$tmp/send" "$tmp/sorted" >"$tmp/mixed" || exit 128
	test -s "$tmp/mixed" || return 0
	casg_write_packs "$tmp/lacking"
}

# Packs that went there before there were ids, or without them, get theirs.
casg_send_ids () {
	casg_choose_ids
	test -n "$casg_ids" && test -z "${opt_dry_run-}" || return 0
	casg-inventory --cached --url="$casg_url" --packs >"$tmp/there-packs" &&
	casg-send-pack --only-ids --url="$casg_url" <"$tmp/there-packs" >"$tmp/sent-ids" || exit 128
}

# One storage, for what is in $tmp/allowed.  What it lacks is asked of it, not remembered.
casg_send_one () {
	cut -d ' ' -f 1 "$tmp/allowed" | casg-read-version --blobs | sort >"$tmp/ids" || exit 128
	casg-inventory --url="$casg_url" --versions >"$tmp/there" || exit 128
	join -v 1 "$tmp/ids" "$tmp/there" >"$tmp/missing" || exit 128
	test ! -s "$tmp/there" || casg_send_ids
	if ! test -s "$tmp/missing"; then
		return 0
	fi
	cut -d ' ' -f 2 "$tmp/missing" >"$tmp/lacking" || exit 128
	casg_choose_packs
	casg_choose_ids
	casg-send-pack ${opt_quiet:+-q} ${opt_dry_run:+--dry-run} ${casg_ids:+--ids} --url="$casg_url" <"$tmp/send" >"$tmp/sent" || exit 128
	if test -n "${opt_dry_run-}"; then
		awk -v name="$casg_name" -v json="${opt_json-}" '$1 == "send" { n++; bytes += $3 }
			END {
				if (json != "")
					printf "{\"storage\": \"%s\", \"packs\": %d, \"bytes\": %.0f}\n", name, n, bytes
				else
					printf "%s: %d packs, %.0f bytes to send\n", name, n, bytes
			}' "$tmp/sent" || exit 128
		casg_drop_written
		return 0
	fi
	casg_records=$((casg_records + 1))
	{
		sed 's/^/pack /' "$tmp/send" && sed 's/^\([^ ]*\).*/version \1/' "$tmp/missing" &&
		sed 's/^\([^ ]*\).*/relies \1/' "$tmp/bases"
	} >"$tmp/record.$casg_records" && printf '%s\n' "$casg_url" >"$tmp/record-url.$casg_records" &&
	cp "$tmp/written" "$tmp/record-written.$casg_records" || exit 128
	test -n "$casg_defer" || casg_send_records
	test -n "${opt_quiet-}" || awk -v name="$casg_name" '$1 == "sent" { n++; bytes += $3 } $1 == "there" { m++ }
		END { printf "%s: %d packs sent (%.0f bytes), %d there already\n", name, n, bytes, m }' "$tmp/sent" >&2
}

# The inventories of storages name the versions that are complete there now.
casg_send_records () {
	while test $casg_recorded -lt $casg_records; do
		casg_recorded=$((casg_recorded + 1))
		casg-inventory --url="$(cat "$tmp/record-url.$casg_recorded")" --add <"$tmp/record.$casg_recorded" >/dev/null || exit 128
		cp "$tmp/record-written.$casg_recorded" "$tmp/written" || exit 128
		casg_drop_written
	done
}

# The packs there of what is no version of $tmp/ids: $tmp/maps.  Those of profiles
# stay as they are; what else we do not know, we cannot stand in for.
casg_keep_maps () {
	cut -d ' ' -f 1 "$tmp/ids" | comm -13 - "$tmp/there" >"$tmp/unknown" &&
	casg-inventory --url="$casg_url" --need <"$tmp/unknown" | sort >"$tmp/maps" || exit 128
	! grep -q ' [0-9]* .*\(nodes\|orders\)' "$tmp/maps" ||
		die "'$casg_name' holds versions that no branch or tag of '$remote' leads to, as far as it is known here: fetch first"
}

# The storage gets new packs of all of $tmp/history that it takes, and its
# inventory says that they stand for those it had.
casg_repack_one () {
	casg_list_allowed "$casg_patterns"
	cut -d ' ' -f 1 "$tmp/allowed" | sort -u >"$tmp/blobs" &&
	casg-inventory --url="$casg_url" --versions >"$tmp/there" &&
	casg-inventory --url="$casg_url" --packs >"$tmp/before" &&
	casg-read-version --blobs <"$tmp/blobs" | sort >"$tmp/ids" || exit 128
	casg_keep_maps
	casg_write_packs "$tmp/blobs" --compression="${opt_compression:-19}" ${opt_window:+--window="$opt_window"} \
		${opt_threads:+--threads="$opt_threads"} ${opt_memory:+--memory="$opt_memory"}
	casg_choose_ids
	casg-send-pack ${opt_quiet:+-q} ${casg_ids:+--ids} --url="$casg_url" <"$tmp/send" >"$tmp/sent" || exit 128
	sort "$tmp/before" | join -v 1 - "$tmp/send" | join -v 1 - "$tmp/maps" >"$tmp/replaced" || exit 128
	{
		sed 's/^/pack /' "$tmp/send" && sed 's/^\([^ ]*\).*/version \1/' "$tmp/ids" &&
		sed 's/^\([^ ]*\).*/replaced \1/' "$tmp/replaced"
	} | casg-inventory --url="$casg_url" --add >/dev/null || exit 128
	casg_drop_written
	test -n "${opt_quiet-}" || echo "$casg_name: $(($(wc -l <"$tmp/send"))) packs stand for $(($(wc -l <"$tmp/replaced")))" || exit 128
}

casg_repack_storages () {
	while IFS=$casg_tab read -r casg_name casg_url _ _ casg_patterns <&4; do
		casg_repack_one
	done 4<"$1"
}

casg_send () {
	casg_check_homes "$1"
	casg_storage=0
	while IFS=$casg_tab read -r casg_name casg_url _ <&4; do
		casg_storage=$((casg_storage + 1))
		mv "$tmp/allowed.$casg_storage" "$tmp/allowed" || exit 128
		casg_send_one
	done 4<"$1"
}

casg_send_profiles () {
	casg_profiles_of "$tmp/history" >"$tmp/profiles" &&
	awk -F '\t' '{ print $3 " " $6 }' "$tmp/profiles" | sort -u >"$tmp/history" &&
	awk -F '\t' -v refs="$casg_profiles" '{ print $5 " " refs "/" $1 "/" $2 }' "$tmp/profiles" >"$tmp/profile-refs" || exit 128
	test ! -s "$tmp/history" || casg_send "$1"
}
