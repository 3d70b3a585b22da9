#!/bin/sh
# casg import - FASTA files become the next version of a database.
# shellcheck disable=SC2154 # casg_options sets opt_*
# shellcheck disable=SC2317 # finish is called by a trap

SPEC='casg import [--quiet] [--database NAME] [-m MESSAGE] [-S] [--release LABEL] [--sequence-time TIME] [--allow-empty] [--threads N] [--memory SIZE] FILE...
--
q,quiet             say nothing unless it fails
d,database=NAME     the database (default: the stem of the only FILE)
m,message=MESSAGE   the commit message
S,gpg-sign~         sign the commit (default: commit.gpgSign); --no-gpg-sign: do not
release=LABEL       what its publisher calls the release
sequence-time=TIME  when the release is of (default: now)
allow-empty         accept input without any record
threads#N           workers (default: casg.threads)
memory%SIZE         memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-head.sh
. "${0%/*}/casg-sh-head"

# ---- which database

# stem FILE: its name without folder, compression and FASTA suffix.
stem () {
	name=${1##*/}
	case $name in
	?*.gz | ?*.bgz | ?*.bz2 | ?*.xz | ?*.zst) name=${name%.*} ;;
	?*.bgzf) name=${name%.*} ;;
	esac
	case $name in
	?*.fasta | ?*.fa | ?*.fna | ?*.faa | ?*.ffn | ?*.frn | ?*.fas) name=${name%.*} ;;
	esac
}

# Set $db, from --database or the files.
choose_database () {
	db=$opt_database
	test -z "$db" || return 0
	for file in "$@"; do
		test "x$file" != x- || usage_die "standard input needs --database"
		stem "$file"
		test -z "$db" || test "$db" = "$name" ||
			usage_die "several files need --database"
		db=$name
	done
}

# ---- the end, however it comes

tmp='' packing='' committed=''

# What mktree asked casg-pack's cache of ids for is answered; it is as large as
# all the rest, and can be had again from the packs.
remove_caches () {
	for file in "$tmp/pack.facts" "$tmp/tree.facts"; do
		while read -r name id _; do
			test "$name" != pack ||
				set -- "$@" "${CASG_CACHE_DIR:-$CASG_PATH/index}/pack-$id.objects"
		done <"$file"
	done
	test $# = 0 || rm -f "$@"
}

# Packs that this run wrote and no commit names go away again.
remove_packs () {
	cat "$tmp/pack.facts" "$tmp/tree.facts" 2>/dev/null |
	while read -r name id _; do
		test "$name" = pack || continue
		case $id in
		"" | *[!0-9a-f]*) continue ;;
		esac
		rm -f "$CASG_PATH/packs/pack-$id.idx" "$CASG_PATH/packs/pack-$id.pack" \
			"${CASG_CACHE_DIR:-$CASG_PATH/index}/pack-$id.objects"
	done
}

# Temporary files of the two programs, whose names hold the process id, if they
# died without the chance to remove them.
remove_rubbish () {
	for file in "$tmp/pack.pid" "$tmp/tree.pid"; do
		test -s "$file" || continue
		read -r id <"$file"
		rm -f "$CASG_PATH"/tmp/*-"$id"-*.tmp
	done
}

finish () {
	status=$?
	trap '' INT TERM HUP
	trap - EXIT
	if test -n "$packing" && test -n "$!"; then
		(: >"$tmp/stop") 2>/dev/null
		# shellcheck disable=SC2046 # none, one or two process ids
		# not TERM: the shell in between would talk about it
		kill -s PIPE $(cat "$tmp/pack.pid" "$tmp/tree.pid" 2>/dev/null) 2>/dev/null
		wait "$!"
	fi
	if test -n "$tmp"; then
		test -n "$committed" || { remove_packs; remove_rubbish; }
		rm -rf "$tmp"
	fi
	casg_unlock_all
	exit "$status"
}

# ---- the steps

# casg-commit-tree has the last word on names
check_name () {
	bad_name=
	git check-ref-format "casg/$db" || bad_name=1
	case /$db/ in
	*/-* | */VERSION/* | */PACKS/* | /taxonomy/*) bad_name=1 ;;
	esac
	test -z "$bad_name" ||
		usage_die "'$db' is not a database name; --database gives another one"
}

refuse_local_edits () {
	test "$casg_bare" = false || return 0
	# without the lock of the index: we may be killed, others may want it
	edits=$(git --no-optional-locks status --porcelain --untracked-files=all -- \
		":(top,literal)$db/VERSION" ":(top,literal)$db/PACKS" 2>/dev/null) ||
		die "'git status' failed"
	test -z "$edits" ||
		die "local changes to '$db/VERSION' or '$db/PACKS' would be overwritten by import"
}

# The version that HEAD has of it: $tmp/old and $previous, or neither.
read_old () {
	previous='' base='' base_order=''
	printf '%s\n' "$head:$db/VERSION" | git cat-file --batch >"$tmp/batch" || exit 128
	read -r first <"$tmp/batch"
	case $first in
	*" missing") return ;;
	*" blob "*) ;;
	*) die "'$db/VERSION' in HEAD is not a file" ;;
	esac
	sed -e 1d -e '$d' "$tmp/batch" >"$tmp/old" &&
	previous=$(casg-read-version --id - <"$tmp/old") &&
	base=$(sed -n 's/^records //p' "$tmp/old") &&
	base_order=$(sed -n 's/^order //p' "$tmp/old") || exit 128
}

# The pipeline, in the background so that a signal is answered at once.  Process
# ids and casg-pack's status come by files: POSIX sh has no pipefail.  A signal
# to all of us must not end the shells in between before the two programs:
# finish waits for those, and removes what they have left.
start_packing () {
	# one that starts late finds "stop", the others are found by their ids
	# shellcheck disable=SC2016 # expanded by the inner shell
	become='echo $$ >"$0" && ! test -e "${0%/*}/stop" && exec "$@"'
	{ command exec 4<&0; } 2>/dev/null || exec 4</dev/null
	packing=1
	{
		trap : TERM HUP
		{
			trap : TERM HUP
			sh -c "$become" "$tmp/pack.pid" casg-pack \
				${opt_quiet:+--quiet} ${opt_allow_empty:+--allow-empty} \
				${opt_threads:+--threads="$opt_threads"} \
				${opt_memory:+--memory="$opt_memory"} \
				--facts="$tmp/pack.facts" -- "$@" <&4 4<&-
			echo $? >"$tmp/status"
		} | sh -c "$become" "$tmp/tree.pid" casg-mktree --quiet \
			${opt_threads:+--threads="$opt_threads"} \
			${opt_memory:+--memory="$opt_memory"} \
			${base:+--base="$base" --base-order="$base_order"} \
			--facts="$tmp/tree.facts" >"$tmp/roots" 2>"$tmp/tree.err" 4<&-
	} &
	exec 4<&-
}

wait_for_packs () {
	wait "$!"
	tree_status=$?
	packing=
	read -r pack_status <"$tmp/status" || pack_status=128
	# what casg-mktree misses when casg-pack has failed is no news
	test "$pack_status" != 0 || cat "$tmp/tree.err" >&2
	for status in "$pack_status" "$tree_status"; do
		case $status in
		0) ;;
		129) exit 129 ;;
		*) exit 128 ;;
		esac
	done
}

# facts FILE: "name value" lines as $fact_name, dashes as underscores.
facts () {
	while read -r name value; do
		case $name in
		records | new | known | bytes-in | bytes-stored)
			case $value in
			"" | *[!0-9]*) die "bad fact '$name $value'" ;;
			esac
			;;
		source-sha256) ;;
		*) continue ;;
		esac
		case $name in
		records) records=$value ;;
		new) new=$value ;;
		known) known=$value ;;
		bytes-in) bytes_in=$value ;;
		bytes-stored) stored=$((stored + value)) ;;
		source-sha256) source_sha256=$value ;;
		esac
	done <"$1"
}

write_version () {
	nfiles=$#
	for file in "$@"; do
		# a hundred thousand genomes are known by their digest only
		test "$nfiles" -gt 64 || set -- "$@" --source="${file##*/}"
	done
	shift "$nfiles"
	casg-write-version \
		${opt_sequence_time:+--sequence-time="$opt_sequence_time"} \
		${opt_release:+--release="$opt_release"} \
		${source_sha256:+--source-sha256="$source_sha256"} \
		${previous:+--previous="$previous"} "$@" <"$tmp/roots" >"$tmp/VERSION"
}

# The same records, order and presentation, and no new label or time?
up_to_date () {
	test -n "$previous" || return
	lines='/^records /p; /^order /p; /^presentation /p'
	test -z "$opt_release" || lines="$lines; /^release /p"
	test -z "$opt_sequence_time" || lines="$lines; /^sequence-time /p"
	test "$(sed -n "$lines" "$tmp/old")" = "$(sed -n "$lines" "$tmp/VERSION")"
}

# Packs that HEAD may need are never taken away.
move_head () {
	trap '' INT TERM HUP
	casg_move_head "$head" "$commit" "import: $db"
	moved=$?
	test $moved = 1 || committed=1
	return $moved
}

# ---- main

casg_options 1 - "$@"
eval "$casg_set"
choose_database "$@"
casg_repo
casg_find_sign
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# one at a time: a failed import takes its packs away, and nobody else may
# have relied on them
casg_lock import
casg_mend_head
tmp=$CASG_PATH/tmp/import-$$
mkdir -p "$tmp" || exit 128
head=$(git rev-parse --verify --quiet "HEAD^{commit}") ||
	die "there is no commit yet; 'casg init' makes the first one"
check_name
read_old
start_packing "$@"

# Whether the result can be committed is found out meanwhile; if not, what the
# pipeline has written goes away again.
refuse_local_edits
wait_for_packs

records=0 new=0 known=0 bytes_in=0 stored=0 source_sha256=
facts "$tmp/pack.facts"
facts "$tmp/tree.facts"
remove_caches
write_version "$@" || exit 128
if up_to_date; then
	committed=1
	test -n "$opt_quiet" || echo "already up to date: $db ($records records)" || exit 128
	exit 0
fi

message=$opt_message
test -n "$message" ||
	message="import $db: ${opt_release:+release $opt_release, }$records records"
# what the version relies on is checked, and stays until HEAD names it
casg_lock refs
commit=$(casg-commit-tree ${casg_sign:+"$casg_sign"} -p "$head" -m "$message" --database="$db" <"$tmp/VERSION") &&
move_head || exit 128
casg_unlock refs

test -n "$opt_quiet" ||
	echo "$db: $records records, $new new, $known already known, $bytes_in bytes in, $stored bytes stored" ||
	exit 128
# the import is done, whatever becomes of this
trap - EXIT INT TERM HUP
rm -rf "$tmp"
casg_unlock import
casg-prune-packs --auto && casg-gc --auto --quiet
exit 0
