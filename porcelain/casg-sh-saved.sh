# shellcheck shell=sh
# casg-sh-saved - what an interrupted operation has done, for porcelain other than
# import (casg-sh-commit).  After casg-sh-setup, casg-sh-repo and casg_repo:
#
#	# shellcheck source=porcelain/casg-sh-saved.sh
#	. "${0%/*}/casg-sh-saved"
#	casg_name_saved NAME
#	casg_takes_up               with --resume, is there anything to take up? else: from the beginning
#	casg_print_saved OPERATION TOTAL READ DIGEST RECORDS >PLAN
#	casg_check_saved PLAN [EXCEPT]  die unless $casg_saved is the same, but for lines that match
#	casg_at_exit casg_let_saved_go    casg_end_saved, and casg_let_go (casg-sh-lock)
#
# $casg_saved is the text that says how far it came (lib/savedstate.h),
# $casg_saved_dir a folder for what it has done.  Both stay when the script ends
# before casg_drop_saved, if $casg_keep_saved is set; or if it is killed.
# $opt_resume and $opt_quiet are heeded.
# shellcheck disable=SC2154 # scripts set opt_quiet, opt_resume, $tmp

casg_saved='' casg_saved_dir='' casg_keep_saved=''

casg_name_saved () {
	casg_saved=$CASG_PATH/state/$1.state
	casg_saved_dir=$CASG_PATH/state/$1.work
}

# The folder first: a text without it would be believed.
casg_drop_saved () {
	test -n "$casg_saved" || return 0
	rm -rf "$casg_saved_dir" "$casg_saved_dir.new" && rm -f "$casg_saved" || exit 128
}

casg_takes_up () {
	casg_keep_saved=$opt_resume
	test -z "$opt_resume" || ! test -e "$casg_saved" || return 0
	test -z "$opt_resume" || test -n "$opt_quiet" || echo "nothing to take up: from the beginning" >&2
	casg_drop_saved
	return 1
}

casg_print_saved () {
	casg_chunk=$(git config --type=int --default=0 casg.chunkSize) && casg_release=$(casg version) || exit 128
	cat <<-END
		casg-state 1
		operation $1
		casg ${casg_release##* }
		chunk-size $casg_chunk
		total $2
		read $3
		digest $4
		records $5
	END
}

casg_check_saved () {
	awk -v except="${2-}" 'except == "" || $0 !~ except' "$casg_saved" >"$tmp/was" &&
	awk -v except="${2-}" 'except == "" || $0 !~ except' "$1" >"$tmp/is" || exit 128
	diff "$tmp/was" "$tmp/is" >"$tmp/differs" ||
		die "'$casg_saved': what was interrupted is another operation, of another version or of another casg:
$(cat "$tmp/differs")"
}

# When the script ends, however.
casg_end_saved () {
	test -n "$casg_saved" || return 0
	if test -n "$casg_keep_saved" && test -e "$casg_saved"; then
		test -n "${opt_quiet-}" || echo "what is finished stays: --resume takes it up" >&2
	else
		casg_drop_saved
	fi
}

casg_let_saved_go () {
	casg_status=$?
	trap '' INT TERM HUP
	casg_end_saved
	(exit "$casg_status")
	casg_let_go
}
