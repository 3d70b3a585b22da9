# shellcheck shell=sh
# casg-sh-sent - how trees lie in storages, kept here: what is pushed later can
# be written as what differs from them (casg-pack-versions --there), also when
# the packs here have become others.  After casg-sh-setup, casg-sh-repo,
# casg-sh-remote and casg_repo, with a folder for scratch files in $tmp:
#
#	# shellcheck source=porcelain/casg-sh-sent.sh
#	. "${0%/*}/casg-sh-sent"
#	casg_keep_sent <PACKS       those that go away here; what storages have of them stays
#	casg_link_sent DIR <PACKS   into DIR what is here of them, wherever
#
# PACKS: lines that begin with the id of a pack.  They are in casg/state/sent,
# which may be deleted: then more is sent.
# shellcheck disable=SC2154 # scripts set $tmp

# What the storages have that hold trees or orders, as far as is known here.
casg_list_sent () {
	casg_storages "$tmp/sent-storages"
	: >"$tmp/sent-packs" || exit 128
	cut -f 2 "$tmp/sent-storages" >"$tmp/sent-urls" || exit 128
	while IFS= read -r casg_url; do
		casg-inventory --cached --url="$casg_url" --packs 2>/dev/null
	done <"$tmp/sent-urls" | sed -n '/ .*\(nodes\|orders\)/s/ .*//p' | sort -u >"$tmp/sent-packs"
}

# The index first: a pack that can be seen has one.
casg_link_pack () {
	for casg_from in "$CASG_PATH/packs" "$CASG_PATH/quarantine" "$CASG_PATH/state/sent"; do
		test -e "$casg_from/pack-$2.pack" && test -e "$casg_from/pack-$2.idx" || continue
		for casg_suffix in idx pack; do
			test -e "$1/pack-$2.$casg_suffix" ||
				ln "$casg_from/pack-$2.$casg_suffix" "$1/pack-$2.$casg_suffix" 2>/dev/null || return 0
		done
		return 0
	done
}

casg_link_sent () {
	mkdir -p "$1" || exit 128
	while read -r casg_id _; do
		casg_link_pack "$1" "$casg_id"
	done
}

casg_keep_sent () {
	cut -d ' ' -f 1 | sort -u >"$tmp/going" || exit 128
	casg_list_sent
	comm -12 "$tmp/going" "$tmp/sent-packs" >"$tmp/keep" || exit 128
	if test -s "$tmp/keep"; then
		casg_link_sent "$CASG_PATH/state/sent" <"$tmp/keep"
	fi
	# what no storage has any more is of no use
	for casg_file in "$CASG_PATH"/state/sent/pack-*.pack; do
		test -e "$casg_file" || continue
		casg_id=${casg_file##*/pack-}
		casg_id=${casg_id%.pack}
		grep -qx "$casg_id" "$tmp/sent-packs" ||
			rm -f "$casg_file" "${casg_file%.pack}.idx" || exit 128
	done
}
