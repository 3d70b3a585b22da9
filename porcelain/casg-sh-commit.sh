# shellcheck shell=sh
# casg-sh-commit - how a script makes a new version of a database.  After
# casg-sh-setup, casg-sh-repo, casg-sh-lock and casg_repo, with the name of the
# database in $db:
#
#	casg_begin VERB         lock, $tmp, and traps that clean up
#	casg_read_head          $head; $previous and $tmp/old, if HEAD has it
#	casg_refuse_local_edits
#	...                     a program writes $tmp/roots and $tmp/tree.facts
#	casg_facts FILE...      what they counted: $records, $stored and others
#	casg_write_version ARG...   $tmp/VERSION, ARGs as casg-write-version has them
#	casg_is_same            nothing changed: leave with casg_nothing
#	casg_commit_version MESSAGE [-p PARENT]...   takes the lock "refs"
#	casg_end                lets go of all, and what is due after a commit
#
# $opt_quiet, $opt_release, $opt_sequence_time and $opt_valid_until are heeded where
# they are options of the script, and $casg_sign (casg_find_sign).  Packs that $tmp/pack.facts and $tmp/tree.facts list
# go away again unless $committed is set.
#
# A script whose work can be taken up has a file for that in $casg_state, from
# casg_name_state.  Once the version is committed it goes.  Before, it stays with the
# packs that it lists if $casg_keep_state is set, or the program that writes them
# was killed without a chance to remove them.
# shellcheck disable=SC2034,SC2154 # the scripts read and set variables

# shellcheck source=porcelain/casg-sh-head.sh
. "${0%/*}/casg-sh-head"

tmp='' casg_running='' committed='' casg_state='' casg_keep_state='' casg_reader_status=''
head='' previous='' commit=''

# casg_become FILE PROGRAM ARG...: in a subshell, become the program; its process
# id goes to FILE.  One that starts late finds "stop", the others are found by
# their ids.  No subshell knows its own but from the system.
casg_become () {
	casg_file=$1
	shift
	if test -n "$casg_sees_self" && read -r casg_id casg_rest </proc/self/stat; then
		echo "$casg_id" >"$casg_file" && ! test -e "${casg_file%/*}/stop" && exec "$@"
		exit
	fi
	# shellcheck disable=SC2016 # expanded by the inner shell
	exec sh -c 'echo $$ >"$0" && ! test -e "${0%/*}/stop" && exec "$@"' "$casg_file" "$@"
}

casg_begin () {
	# /proc may be that of another container
	casg_id='' casg_sees_self=''
	{ read -r casg_id casg_rest </proc/self/stat; } 2>/dev/null
	test "$casg_id" != $$ || casg_sees_self=1
	casg_verb=$1
	casg_at_exit casg_finish
	# one at a time: a failed import takes its packs away, and nobody else may
	# have relied on them
	casg_lock import
	casg_mend_head
	tmp=$CASG_PATH/tmp/$casg_verb-$$
	mkdir -p "$tmp" || exit 128
}

# ---- the end, however it comes

# It is committed: nothing is to be taken up.  What was asked the cache of ids of
# new packs for is answered; it is as large as all the rest, and can be had again
# from the packs.
casg_all_done () {
	set -- "$tmp"
	for casg_file in "$tmp/pack.facts" "$tmp/tree.facts" ${casg_state:+"$casg_state"}; do
		test -e "$casg_file" || continue
		while read -r casg_name casg_id _; do
			case $casg_name$casg_id in
			pack*[!0-9a-f]*) ;;
			pack?*) set -- "$@" "${CASG_CACHE_DIR:-$CASG_PATH/index}/pack-$casg_id.objects" ;;
			esac
		done <"$casg_file"
	done
	test -z "$casg_state" || test ! -e "$casg_state" || set -- "$@" "$casg_state"
	casg_unlock_all "$@"
}

# casg_remove_packs FILE...: packs that this run wrote and no commit names go away
# again.
casg_remove_packs () {
	cat "$@" 2>/dev/null |
	while read -r casg_name casg_id _; do
		test "$casg_name" = pack || continue
		case $casg_id in
		"" | *[!0-9a-f]*) continue ;;
		esac
		rm -f "$CASG_PATH/packs/pack-$casg_id.idx" "$CASG_PATH/packs/pack-$casg_id.pack" \
			"${CASG_CACHE_DIR:-$CASG_PATH/index}/pack-$casg_id.objects" \
			"$CASG_PATH/partial/pack-$casg_id.idx" "$CASG_PATH/partial/pack-$casg_id.objects"
	done
}

# casg_name_state OPERATION DATABASE: $casg_state.  No name of a database has a colon.
# One that would make no file name stands there by its id as a blob.
casg_name_state () {
	casg_rest=$2 casg_id=
	while case $casg_rest in */*) ;; *) false ;; esac; do
		casg_id=$casg_id${casg_rest%%/*}:
		casg_rest=${casg_rest#*/}
	done
	casg_id=$casg_id$casg_rest
	# bytes are no more than four times what the shell counts
	test "${#2}" -le 50 || test "$(printf '%s' "$2" | wc -c)" -le 200 ||
		casg_id=$(printf '%s' "$2" | git hash-object --stdin) || exit 128
	casg_state=$CASG_PATH/state/$1:$casg_id.state
}

# Nodes are written again in a moment, and they may be those of too few records.
casg_undo () {
	casg_remove_packs "$tmp/tree.facts"
	if test -n "$casg_state" && { test -n "$casg_keep_state" || test "$casg_reader_status" = 137; } &&
		test -e "$casg_state"; then
		test -n "${opt_quiet-}" || echo "what is finished stays: --resume takes it up" >&2
		return
	fi
	test -z "$casg_state" || rm -f "$casg_state"
	casg_remove_packs "$tmp/pack.facts" "$tmp/dropped"
}

# Temporary files of the programs, whose names hold the process id, if they
# died without the chance to remove them.
casg_remove_rubbish () {
	for casg_file in "$tmp/pack.pid" "$tmp/tree.pid"; do
		test -s "$casg_file" || continue
		read -r casg_id <"$casg_file"
		rm -f "$CASG_PATH"/tmp/*-"$casg_id"-*.tmp
	done
}

casg_finish () {
	casg_status=$?
	trap '' INT TERM HUP
	trap - EXIT
	if test -n "$casg_running" && test -n "$!"; then
		(: >"$tmp/stop") 2>/dev/null
		# shellcheck disable=SC2046 # none, one or two process ids
		# not TERM: the shell in between would talk about it
		kill -s PIPE $(cat "$tmp/pack.pid" "$tmp/tree.pid" 2>/dev/null) 2>/dev/null
		wait "$!"
	fi
	if test -n "${casg_uploader-}"; then
		(: >"$tmp/stop" && : >"$tmp/announced-all") 2>/dev/null
		# shellcheck disable=SC2046 # none or one
		kill -s PIPE $(cat "$tmp/upload.pid" 2>/dev/null) 2>/dev/null
		wait "$casg_uploader"
	fi
	if test -n "$tmp" && test -z "$committed"; then
		casg_undo
		casg_remove_rubbish
	fi
	# not there unless something is
	test ! -d "$CASG_PATH/partial" || rmdir "$CASG_PATH/partial/chunks" "$CASG_PATH/partial" 2>/dev/null
	if test -n "$tmp" && test -n "$committed"; then
		casg_all_done
	else
		casg_unlock_all ${tmp:+"$tmp"}
	fi
	exit "$casg_status"
}

# ---- before

# casg-commit-tree has the last word on names.  $1: what else to say.
casg_check_name () {
	casg_bad=
	case $db in
	*[!0-9A-Za-z_-]*) git check-ref-format "casg/$db" || casg_bad=1 ;;
	esac
	case /$db/ in
	/@/ | */-* | */VERSION/* | */PACKS/* | /taxonomy/*) casg_bad=1 ;;
	esac
	test ${#db} -lt 64 ||
		printf '%s\n' "$db" | LC_ALL=C awk -F / '
			length > 1024 { exit 1 }
			{ for (i = 1; i <= NF; i++) if (length($i) > 255) exit 1 }' || casg_bad=1
	test -z "$casg_bad" || usage_die "'$db' is not a database name$1"
}

casg_refuse_local_edits () {
	test "$casg_bare" = false || return 0
	# without the lock of the index: we may be killed, others may want it
	casg_edits=$(git --no-optional-locks status --porcelain --untracked-files=all -- \
		":(top,literal)$db/VERSION" ":(top,literal)$db/PACKS" 2>/dev/null) ||
		die "'git status' failed"
	test -z "$casg_edits" ||
		die "local changes to '$db/VERSION' or '$db/PACKS' would be overwritten by $casg_verb"
}

casg_read_head () {
	head='' previous=''
	casg-read-version --facts="$tmp/head.facts" "HEAD:$db" >"$tmp/old"
	casg_status=$?
	test $casg_status -le 1 || exit 128
	while read -r casg_name casg_id; do
		case $casg_name in
		commit) head=$casg_id ;;
		version) previous=$casg_id ;;
		esac
	done <"$tmp/head.facts"
	test -n "$head" || die "there is no commit yet; 'casg init' makes the first one"
}

# casg_get VARIABLE FILE NAME: the value of a field of a VERSION, or a file like it;
# empty if it is not there.
casg_get () {
	casg_value=
	while IFS= read -r casg_word; do
		case $casg_word in
		"$3 "*)
			casg_value=${casg_word#"$3 "}
			break
			;;
		esac
	done <"$2" || exit 128
	eval "$1=\$casg_value"
}

# casg_get_old VARIABLE NAME: that of the version before, if there is one.
casg_get_old () {
	eval "$1="
	test -z "$previous" || casg_get "$1" "$tmp/old" "$2"
}

# The only database in HEAD.
casg_only_database () {
	casg_list=$(casg-read-version --list HEAD) || exit 128
	casg_list=$(printf '%s\n' "$casg_list" | sed -e 's/^[^ ]* //' -e '/^taxonomy\//d')
	case $casg_list in
	"") die "there is no database in HEAD" ;;
	*"$casg_lf"*) usage_die "HEAD holds several databases: which one?" ;;
	esac
	printf '%s\n' "$casg_list"
}

# ---- the records

# casg_run_tree PROGRAM ARG...: a program that reads standard input and prints
# roots, in the background so that a signal is answered at once.
casg_run_tree () {
	{ command exec 4<&0; } 2>/dev/null || exec 4</dev/null
	casg_running=1
	casg_become "$tmp/tree.pid" "$@" --facts="$tmp/tree.facts" >"$tmp/roots" <&4 4<&- &
	exec 4<&-
	wait "$!"
	casg_status=$?
	casg_running=
	return $casg_status
}

# casg_start_pipe READER TREE ARG...: two functions of the script, each of which
# ends in casg_become.  READER gets ARG... and standard
# input, has its id in pack.pid and pipes records into TREE, which has its id in
# tree.pid and prints roots.  In the background, so that a signal is answered at
# once.  Process ids and the reader's status come by files: POSIX sh has no
# pipefail.  A signal to all of us must not end the shells in between before the
# two programs: casg_finish waits for those, and removes what they have left.
casg_start_pipe () {
	casg_reader=$1 casg_tree=$2
	shift 2
	{ command exec 4<&0; } 2>/dev/null || exec 4</dev/null
	casg_running=1
	{
		trap : TERM HUP
		{
			trap : TERM HUP
			("$casg_reader" "$@") <&4 4<&-
			echo $? >"$tmp/status"
		} | {
			trap : TERM HUP
			"$casg_tree"
		} >"$tmp/roots" 2>"$tmp/tree.err" 4<&-
	} &
	exec 4<&-
}

# Wait for both; if one has failed, the script ends.
casg_wait_pipe () {
	wait "$!"
	casg_tree_status=$?
	casg_running=
	read -r casg_reader_status <"$tmp/status" || casg_reader_status=128
	# what the tree misses when the reader has failed is no news
	test "$casg_reader_status" != 0 || test ! -s "$tmp/tree.err" || cat "$tmp/tree.err" >&2
	for casg_status in "$casg_reader_status" "$casg_tree_status"; do
		case $casg_status in
		0) ;;
		129) exit 129 ;;
		*) exit 128 ;;
		esac
	done
}

records=0 new=0 known=0 bytes_in=0 stored=0 source_sha256=''
added=0 replaced=0 same=0 removed=0

# "name value" lines become variables.
casg_facts () {
	for casg_file; do
		while read -r casg_name casg_value; do
			case $casg_name in
			records | new | known | bytes-in | bytes-stored | added | replaced | same | removed)
				case $casg_value in
				"" | *[!0-9]*) die "bad fact '$casg_name $casg_value'" ;;
				esac
				;;
			esac
			case $casg_name in
			records) records=$casg_value ;;
			new) new=$casg_value ;;
			known) known=$casg_value ;;
			bytes-in) bytes_in=$casg_value ;;
			bytes-stored) stored=$((stored + casg_value)) ;;
			source-sha256) source_sha256=$casg_value ;;
			added) added=$casg_value ;;
			replaced) replaced=$casg_value ;;
			same) same=$casg_value ;;
			removed) removed=$casg_value ;;
			esac
		done <"$casg_file"
	done
}

# ---- the version

casg_write_version () {
	casg-write-version \
		${opt_sequence_time:+--sequence-time="$opt_sequence_time"} \
		${opt_valid_until:+--valid-until="$opt_valid_until"} \
		${opt_release:+--release="$opt_release"} \
		${previous:+--previous="$previous"} "$@" <"$tmp/roots" >"$tmp/VERSION" || exit
}

# casg_pick FILE NAMES: $casg_value is those lines whose names are among NAMES.
casg_pick () {
	casg_value=
	while IFS= read -r casg_word; do
		case " $2 " in
		*" ${casg_word%% *} "*) casg_value=$casg_value$casg_word$casg_lf ;;
		esac
	done <"$1" || exit 128
}

# The same records, order, presentation and tombstones, as long in force, and no
# new label or time?
casg_is_same () {
	test -n "$previous" || return
	casg_names="records order presentation withdrawn valid-until"
	test -z "${opt_taxonomy-}${opt_no_taxonomy-}" || casg_names="$casg_names taxonomy"
	test -z "${opt_release-}" || casg_names="$casg_names release"
	test -z "${opt_sequence_time-}" || casg_names="$casg_names sequence-time"
	test -z "${opt_taxonomy_time-}" || casg_names="$casg_names taxonomy-time"
	casg_pick "$tmp/old" "$casg_names"
	casg_was=$casg_value
	casg_pick "$tmp/VERSION" "$casg_names"
	test "$casg_was" = "$casg_value"
}

# casg_nothing STATUS MESSAGE: nothing changed; what was written may stay.
casg_nothing () {
	committed=1
	test -n "${opt_quiet-}" || echo "$2" || exit 128
	exit "$1"
}

# Packs that HEAD may need are never taken away.
move_head () {
	trap '' INT TERM HUP
	casg_move_head "$head" "$commit" "$casg_verb: $db"
	casg_moved=$?
	test $casg_moved = 1 || committed=1
	return $casg_moved
}

# casg_commit_version MESSAGE [-p PARENT]...
casg_commit_version () {
	casg_message=$1
	shift
	# what the version relies on is checked, and stays until HEAD names it
	casg_lock refs
	commit=$(casg-commit-tree ${casg_sign:+"$casg_sign"} -p "$head" "$@" -m "$casg_message" --database="$db" \
		<"$tmp/VERSION") &&
	move_head || exit 128
}

# The commit is made, whatever becomes of this.
casg_end () {
	trap '' INT TERM HUP
	casg_all_done
	trap - EXIT INT TERM HUP
	casg-prune-packs --auto && casg-gc --auto --quiet
	casg-multi-pack-index --auto write
	exit 0
}
