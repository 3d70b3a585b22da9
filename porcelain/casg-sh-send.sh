# shellcheck shell=sh
# casg-sh-send - what versions need, put into storages.  After casg-sh-setup,
# casg-sh-repo, casg-sh-versions, casg-sh-remote and casg_repo, with a folder
# for scratch files in $tmp:
#
#	# shellcheck source=porcelain/casg-sh-send.sh
#	. "${0%/*}/casg-sh-send"
#	casg_list_history TIP...     all versions that lead to them: $tmp/history
#	casg_send STORAGES           so that each of STORAGES' lines has its share
#
# A storage gets packs that hold nothing but what these versions need, of those
# databases that it may have: where the packs here hold more, others are written.
# Only then its inventory names the versions.  $opt_quiet and $opt_dry_run are
# heeded.
# shellcheck disable=SC2154 # casg_options sets opt_*

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

# Every version has to go somewhere.
casg_check_homes () {
	: >"$tmp/homes" || exit 128
	while IFS=$casg_tab read -r casg_name casg_url _ _ casg_patterns; do
		casg_list_allowed "$casg_patterns"
		cat "$tmp/taken" >>"$tmp/homes" || exit 128
	done <"$1"
	casg_copies
	awk -v wanted="$casg_wanted" 'FILENAME == ARGV[1] { n[$0]++; next }
		!n[$0] { print "no storage takes the database \047" $0 "\047"; exit }
		n[$0] < wanted { print n[$0], "storages take the database \047" $0 "\047, and casg.copies is", wanted; exit }' \
		"$tmp/homes" "$tmp/databases" >"$tmp/homeless" || exit 128
	test ! -s "$tmp/homeless" || die "$(cat "$tmp/homeless")"
}

# The packs to send for the versions that are missing there: $tmp/send.
casg_choose_packs () {
	casg-reachable-packs --long <"$tmp/lacking" >"$tmp/needed" &&
	cut -d ' ' -f 1 "$tmp/allowed" | sort -u | casg-reachable-packs --whole >"$tmp/whole" || exit 128
	sort "$tmp/needed" >"$tmp/send" && sort "$tmp/whole" >"$tmp/sorted" || exit 128
	join -v 1 "$tmp/send" "$tmp/sorted" >"$tmp/mixed" || exit 128
	: >"$tmp/written" || exit 128
	test -s "$tmp/mixed" || return 0
	test -z "${opt_dry_run-}" || {
		echo "$casg_name: $(wc -l <"$tmp/mixed") packs hold other things as well; packs of their own would be written"
		return 0
	}
	casg-pack-versions <"$tmp/lacking" >"$tmp/written" || exit 128
	# shellcheck disable=SC2046 # ids are words
	casg-prune-packs --dry-run $(cat "$tmp/written") >"$tmp/lines" &&
	cut -f 2-4 "$tmp/lines" | tr '\t' ' ' | sort >"$tmp/send" || exit 128
}

# One storage.  What it lacks is asked of it, not remembered.
casg_send_one () {
	casg_list_allowed "$casg_patterns"
	cut -d ' ' -f 1 "$tmp/allowed" | casg-read-version --blobs | sort >"$tmp/ids" || exit 128
	casg-inventory --url="$casg_url" --versions >"$tmp/there" || exit 128
	join -v 1 "$tmp/ids" "$tmp/there" >"$tmp/missing" || exit 128
	if ! test -s "$tmp/missing"; then
		return 0
	fi
	cut -d ' ' -f 2 "$tmp/missing" >"$tmp/lacking" || exit 128
	casg_choose_packs
	casg-send-pack ${opt_quiet:+-q} ${opt_dry_run:+--dry-run} --url="$casg_url" <"$tmp/send" >"$tmp/sent" || exit 128
	if test -n "${opt_dry_run-}"; then
		awk -v name="$casg_name" -v json="${opt_json-}" '$1 == "send" { n++; bytes += $3 }
			END {
				if (json != "")
					printf "{\"storage\": \"%s\", \"packs\": %d, \"bytes\": %.0f}\n", name, n, bytes
				else
					printf "%s: %d packs, %.0f bytes to send\n", name, n, bytes
			}' "$tmp/sent" || exit 128
		return 0
	fi
	{
		sed 's/^/pack /' "$tmp/send" && sed 's/^\([^ ]*\).*/version \1/' "$tmp/missing"
	} | casg-inventory --url="$casg_url" --add >/dev/null || exit 128
	test -n "${opt_quiet-}" || awk -v name="$casg_name" '$1 == "sent" { n++; bytes += $3 } $1 == "there" { m++ }
		END { printf "%s: %d packs sent (%.0f bytes), %d there already\n", name, n, bytes, m }' "$tmp/sent" >&2
	# they were for the storage only
	if test -s "$tmp/written"; then
		# shellcheck disable=SC2046 # ids are words
		casg-prune-packs --reason=sent $(cat "$tmp/written") >/dev/null || exit 128
	fi
}

casg_send () {
	casg_check_homes "$1"
	while IFS=$casg_tab read -r casg_name casg_url _ _ casg_patterns <&4; do
		casg_send_one
	done 4<"$1"
}
