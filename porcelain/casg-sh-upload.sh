# shellcheck shell=sh
# casg-sh-upload - packs go to storages while others are still being made.  After
# casg-sh-setup, casg-sh-repo, casg-sh-versions, casg-sh-remote, casg-sh-sent,
# casg-sh-send, casg-sh-commit and casg_begin:
#
#	# shellcheck source=porcelain/casg-sh-upload.sh
#	. "${0%/*}/casg-sh-upload"
#	casg_choose_storages NAME   those of NAME that may be written to and take $db
#	casg_start_upload           before casg_start_pipe; casg-pack --announce="$tmp/announced"
#	                            --most-here="$opt_local_disk"
#	casg_end_upload             when all are made
#	casg_upload_version         all that $tmp/VERSION needs is there, or die
#	casg_send_records           when it is committed: the storages say so
#
# What is uploaded early is only a start: casg_upload_version asks for each pack,
# sends what is lacking, and fails where the early upload has failed silently.  What all
# the storages have goes away here as soon as more than $opt_local_disk is here of it: the
# repository becomes a partial clone.
# shellcheck disable=SC2034,SC2154 # scripts set $tmp and $db, and read what is set here

casg_choose_storages () {
	casg_writable_storages "$tmp/writable" "$1"
	while IFS= read -r casg_line; do
		! casg_is_taken "$db" "${casg_line##*"$casg_tab"}" || printf '%s\n' "$casg_line"
	done <"$tmp/writable" >"$tmp/storages" || exit 128
	test -s "$tmp/storages" || die "no storage of '$1' takes the database '$db'"
}

# One program, so that it can be ended: its standard input is FILE.
casg_upload_step () {
	casg_from=$1
	shift
	(casg_become "$tmp/upload.pid" "$@") <"$casg_from" 2>>"$tmp/upload.err"
	casg_step=$?
	rm -f "$tmp/upload.pid"
	return $casg_step
}

casg_upload_packs () {
	while IFS=$casg_tab read -r casg_name casg_to _ <&4; do
		casg_choose_ids
		casg_upload_step "$tmp/upload" casg-send-pack -q ${casg_ids:+--ids} --url="$casg_to" >>"$tmp/uploaded" ||
			return
	done 4<"$tmp/storages"
}

# Of what was announced so far, all but the last packs.
casg_drop_packs () {
	test -n "$opt_local_disk" || return 0
	set --
	while IFS=$casg_tab read -r _ casg_to _ <&4; do
		set -- "$@" --url="$casg_to"
	done 4<"$tmp/storages"
	head -n "$casg_sent" "$tmp/announced" >"$tmp/upload" &&
		casg_upload_step "$tmp/upload" casg-drop-pack --keep="$opt_local_disk" --copies=$# "$@" >"$tmp/now-dropped" &&
		sed 's/^dropped/pack/' "$tmp/now-dropped" >>"$tmp/dropped"
}

# One program after the other in the background: each takes what was announced since.
# Who waits for room is told by the missing file that there will be none.
casg_upload_loop () {
	trap '' INT HUP
	casg_sent=0
	while :; do
		casg_over=''
		test ! -e "$tmp/announced-all" || casg_over=1
		casg_now=$(($(wc -l <"$tmp/announced")))
		if test $casg_now -gt $casg_sent; then
			sed -n "$((casg_sent + 1)),${casg_now}p" "$tmp/announced" >"$tmp/upload"
			casg_upload_packs && casg_sent=$casg_now && casg_drop_packs || return
		elif test -n "$casg_over"; then
			return 0
		else
			sleep 0.1
		fi
	done
}

casg_start_upload () {
	: >"$tmp/announced" && : >"$tmp/uploaded" && : >"$tmp/dropped" || exit 128
	if test -n "$opt_local_disk" && test -s "$CASG_PATH/borrowers"; then
		warn "packs of this repository are lent: all of them stay here"
		opt_local_disk=
	fi
	# who opens the packs now sees those that are dropped later
	test -z "$opt_local_disk" || mkdir -p "$CASG_PATH/partial/chunks" || exit 128
	{
		(casg_upload_loop) || {
			test -e "$tmp/stop" || cat "$tmp/upload.err" >&2
			mv "$tmp/announced" "$tmp/given-up"
		}
	} &
	casg_uploader=$!
}

# Here, or by casg_finish when it is all for nothing.
casg_end_upload () {
	test -n "$casg_uploader" || return 0
	: >"$tmp/announced-all" || exit 128
	wait "$casg_uploader"
	casg_uploader=''
}

# The versions of this database that lead to HEAD, and the new one.
casg_upload_version () {
	casg_list_history "$head"
	casg_blob=$(git hash-object -w -t blob "$tmp/VERSION") || exit 128
	echo "$casg_blob $db" >>"$tmp/history" &&
	awk -v db="$db" '{ name = $0; sub(/^[^ ]* /, "", name) } name == db' "$tmp/history" | sort -u >"$tmp/ours" &&
	mv "$tmp/ours" "$tmp/history" || exit 128
	casg_defer=1
	casg_send "$tmp/storages"
}
