# shellcheck shell=sh
# shellcheck disable=SC2030,SC2031,SC2153 # $casg_path in a pipeline, and it is no $CASG_PATH
# casg-sh-head - move HEAD, and with it the index and the work tree, so that
# being killed at any time is mended by the next who does it.  After
#
#	# shellcheck source=porcelain/casg-sh-head.sh
#	. "${0%/*}/casg-sh-head"
#	casg_repo
#	casg_lock import
#	casg_mend_head
#
# what a killed program has left half done is put right, and
#
#	casg_move_head OLD NEW REASON
#
# moves HEAD from commit OLD to commit NEW with a reflog entry; if it cannot,
# everything is as it was, and the answer is 1.  It is 2 if nobody can tell
# whether HEAD has moved: then NEW must be taken for committed.  Both want the
# lock "import" to be held.
#
# Meanwhile casg/state/head.journal says which commits; the same line is in
# index.lock, so that git keeps off, and so that one which is left behind is
# known for ours.  git's own locks of refs are known by what they hold: NEW or
# less of it.

casg_journal () {
	casg_journal_file=$CASG_PATH/state/head.journal
	test "$casg_bare" = true || test -n "$casg_index" ||
		casg_index=$(git rev-parse --git-path index) || exit 128
}

# casg_move_head OLD NEW REASON
casg_move_head () {
	casg_journal
	if ! echo "casg $1 $2" >"$casg_journal_file"; then
		rm -f "$casg_journal_file"
		return 1
	fi
	if test "$casg_bare" = false && ! casg_lock_index; then
		rm -f "$casg_journal_file"
		return 1
	fi
	if test "$casg_bare" = false && ! casg_new_tree "$1" "$2"; then
		casg_go_back "$1" "$2"
		return 1
	fi
	casg_old=$1 casg_new=$2
	git update-ref -m "$3" HEAD "$2" "$1"
	casg_status=$?
	# killed, it leaves its locks; and it may have done it all the same
	test $casg_status -le 128 || casg_break_ref_locks
	test $casg_status = 0 || casg_head=$(git rev-parse --verify HEAD) || {
		warn "it is not known whether HEAD has moved; the next import mends what is half done"
		return 2
	}
	if test $casg_status = 0 || test "$casg_head" = "$2"; then
		casg_put_index
	else
		casg_go_back "$1" "$2"
		return 1
	fi
}

# What git would say if the file were its own.
casg_lock_index () {
	ln "$casg_journal_file" "$casg_index.lock" 2>/dev/null && return
	if test -e "$casg_index.lock"; then
		echo "fatal: '$casg_index.lock' exists: another git process is at work here, or one ended without removing it" >&2
	else
		echo "fatal: cannot make '$casg_index.lock'" >&2
	fi
	return 1
}

# The work tree goes from commit $1 to $2, and what will be the index.
casg_new_tree () {
	if test -e "$casg_index"; then
		cp "$casg_index" "$casg_journal_file-index" || return
	else
		rm -f "$casg_journal_file-index"
	fi
	GIT_INDEX_FILE=$casg_journal_file-index git read-tree -m -u "$1" "$2" 2>/dev/null || {
		# a touched file is no edited one
		GIT_INDEX_FILE=$casg_journal_file-index git update-index -q --refresh >/dev/null
		GIT_INDEX_FILE=$casg_journal_file-index git read-tree -m -u "$1" "$2"
	}
}

# From here on nothing can be taken back: a failure is mended later.
casg_put_index () {
	if test "$casg_bare" = true || mv "$casg_journal_file-index" "$casg_index"; then
		casg_forget
	else
		warn "HEAD has moved, but '$casg_index' could not be written; the next import mends it"
	fi
	return 0
}

casg_forget () {
	set -- "$casg_journal_file" "$casg_journal_file-index" "$casg_journal_file-index.lock"
	# the lock first: it is known for ours by the journal
	test "$casg_bare" = true || set -- "$casg_index.lock" "$@"
	rm -f "$@"
}

casg_go_back () {
	if test "$casg_bare" = true || casg_put_back "$1" "$1" "$2"; then
		casg_forget
	else
		warn "the work tree could not be put back; the next import does it"
	fi
}

# ---- after a crash

casg_mend_head () {
	casg_journal
	test -e "$casg_journal_file" || return 0
	casg_word='' casg_old='' casg_new=''
	if ! read -r casg_word casg_old casg_new <"$casg_journal_file" ||
		test ${#casg_new} -ne ${#casg_old}; then
		# less than its line: nothing was begun
		rm -f "$casg_journal_file"
		return
	fi
	test "$casg_word" = casg || die "'$casg_journal_file' is not ours"
	test "$casg_bare" = true || casg_retake_index
	casg_break_ref_locks
	casg_head=$(git rev-parse --verify --quiet HEAD) || casg_head=$casg_old
	if test "$casg_bare" = false && ! casg_put_back "$casg_head" "$casg_old" "$casg_new"; then
		die "the work tree could not be mended after an import that was interrupted"
	fi
	casg_forget
}

casg_retake_index () {
	casg_word=
	{ read -r casg_word <"$casg_index.lock"; } 2>/dev/null
	test "$casg_word" = "casg $casg_old $casg_new" || casg_lock_index || exit 128
}

# git update-ref was killed: its locks hold nothing, or the commit.
casg_break_ref_locks () {
	casg_branch=$(git symbolic-ref --quiet HEAD) || casg_branch=HEAD
	for casg_ref in HEAD "$casg_branch"; do
		casg_ref=$(git rev-parse --git-path "$casg_ref") || exit 128
		casg_is_start "$casg_ref.lock" || continue
		# a git at work is faster than that
		sleep 1
		! casg_is_start "$casg_ref.lock" || rm -f "$casg_ref.lock"
	done
}

casg_is_start () {
	test -f "$1" && {
		echo "$casg_new" | head -c "$(($(wc -c <"$1")))" | cmp -s - "$1"
	}
}

# casg_put_back WANT OLD NEW: every file that differs between commits OLD and
# NEW, and its line in the index, becomes what it is in WANT; but nothing that
# somebody has edited since is touched.
casg_put_back () {
	rm -f "$casg_journal_file-index" "$casg_journal_file-index.lock"
	test ! -e "$casg_index" || cp "$casg_index" "$casg_journal_file-index" || return
	(
		GIT_INDEX_FILE=$casg_journal_file-index
		export GIT_INDEX_FILE
		cd "$(git rev-parse --show-toplevel)" || exit
		git diff-tree -r -z --name-only --no-renames "$2" "$3" | tr '\0' '\n' |
		while IFS= read -r casg_path; do
			casg_put_file "$@" || exit
		done &&
		{ git update-index -q --refresh || :; }
	) &&
	mv "$casg_journal_file-index" "$casg_index"
}

# One $casg_path of them.
casg_put_file () {
	in_index=$(git ls-files -s -- ":(top,literal)$casg_path" | cut -d" " -f2)
	want=$(git rev-parse --verify --quiet "$1:$casg_path") || want=
	for casg_commit in "$2" "$3"; do
		casg_blob=$(git rev-parse --verify --quiet "$casg_commit:$casg_path") || casg_blob=
		if test "$in_index" = "$casg_blob" && test "$in_index" != "$want"; then
			if test -n "$want"; then
				git update-index --add --cacheinfo "100644,$want,$casg_path" || return
			else
				git update-index --force-remove -- "$casg_path" || return
			fi
			in_index=$want
		fi
		casg_is_cut "$casg_path" "$casg_blob" || continue
		if test -n "$want"; then
			mkdir -p "${casg_path%/*}" && git cat-file blob "$want" >"$casg_path" || return
		elif test -e "$casg_path"; then
			rm -f "$casg_path" && { rmdir -p "${casg_path%/*}" 2>/dev/null || :; }
		fi
		return
	done
}

# Is the file what git began to write of the blob, or all of it, or not there?
casg_is_cut () {
	test -e "$1" || return 0
	test -n "$2" && test -f "$1" &&
	git cat-file blob "$2" | head -c "$(($(wc -c <"$1")))" | cmp -s - "$1"
}
