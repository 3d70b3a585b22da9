# shellcheck shell=sh
# casg-sh-versions - every version that must not be lost, for porcelain that
# throws things away.  After
#
#	# shellcheck source=porcelain/casg-sh-versions.sh
#	. "${0%/*}/casg-sh-versions"
#	casg_repo
#	casg_list_versions DIR >FILE
#
# FILE holds the Git object ids of the blobs named VERSION in any commit that a
# ref, HEAD, reflog or pseudo-ref (MERGE_HEAD and its like) of any work tree
# leads to, in a tree that a ref names, or in any index: sorted, one a line; and
# of those named PROFILE in a tree that a ref names, as profiles are kept.
# DIR is a folder for scratch files.  Anything that cannot be read ends the
# script: 128.

# The Git directories whose refs, reflogs and indexes count, within the common
# one, whose own name may hold anything.
casg_git_dirs () {
	casg_common=${CASG_PATH%/casg}
	echo
	for casg_dir in "$casg_common"/worktrees/*/; do
		test ! -f "${casg_dir}HEAD" || {
			casg_dir=${casg_dir%/}
			printf '/worktrees/%s\n' "${casg_dir##*/}"
		}
	done
}

# casg_git_in DIR ARG...: git there, seeing what is stored, not what replaces
# it, and failing over a broken ref.
casg_git_in () {
	(
		casg_dir=$1
		shift
		unset GIT_WORK_TREE GIT_INDEX_FILE
		GIT_REF_PARANOIA=1 GIT_NO_REPLACE_OBJECTS=1 LC_ALL=C
		GIT_DIR=$casg_dir
		export GIT_REF_PARANOIA GIT_NO_REPLACE_OBJECTS LC_ALL GIT_DIR
		exec git "$@"
	)
}

# Ids in files that are not refs: of merges, rebases and picks under way.  What
# they name may be gone; Git does not keep it for them.
casg_pseudo_refs () {
	for casg_file in "$1"/[A-Z]*_[A-Z]* "$1"/rebase-merge/* "$1"/rebase-apply/* \
		"$1"/sequencer/*; do
		test -f "$casg_file" || continue
		LC_ALL=C sed -n 's/^\([0-9a-f]\{40,64\}\)$/\1^{}/p
			s/^\([0-9a-f]\{40,64\}\)[[:space:]].*/\1^{}/p' "$casg_file" || return
	done
}

# Git passes over symbolic refs to what is not there, which is usual, and over
# those that are damaged; and over lines of a reflog that it cannot read.
casg_check_refs () {
	casg_dir=$1
	set --
	test ! -d "$casg_dir/refs/heads" || set -- "$casg_dir/refs"
	test ! -d "$casg_dir/logs" || set -- "$@" "$casg_dir/logs"
	test $# = 0 || find "$@" -type f ! -name '*.lock' -exec env LC_ALL=C casg_logs="$casg_dir/logs/" awk '
		BEGIN { logs = ENVIRON["casg_logs"] }
		FNR == 1 { is_log = index(FILENAME, logs) == 1 }
		!is_log && FNR == 1 && !/^[0-9a-f]+$/ && !/^ref: *refs\/[^ ]+$/ {
			printf "fatal: %s is damaged\n", FILENAME
			exit 1
		}
		is_log && !/^[0-9a-f]+ [0-9a-f]+ .*> [0-9]+ [-+][0-9]+/ {
			printf "fatal: %s: line %d is damaged\n", FILENAME, FNR
			exit 1
		}' {} + >&2
}

# The commits of one Git directory; trees that are named go to $casg_scratch.
# Refs to anything but commits are peeled here: git rev-list passes over them.
casg_list_commits () {
	casg_check_refs "$1" &&
	casg_git_in "$1" for-each-ref --format='%(objecttype) %(*objecttype) %(refname)' \
		>"$casg_scratch/refs" &&
	LC_ALL=C sed -n '/^commit /d; /^tag commit /d; s/^[a-z]* [a-z]* \(.*\)/\1^{}/p' \
		"$casg_scratch/refs" >"$casg_scratch/names" &&
	casg_pseudo_refs "$1" >>"$casg_scratch/names" &&
	casg_peel_names "$1" &&
	casg_rev_list "$1"
}

# What $casg_scratch/names lead to: trees, and commits in $casg_scratch/tips.
casg_peel_names () {
	: >"$casg_scratch/tips" || return
	test -s "$casg_scratch/names" || return 0
	casg_git_in "$1" cat-file --batch-check='%(objecttype) %(objectname)' \
		<"$casg_scratch/names" >"$casg_scratch/checked" &&
	sed -n 's/^tree //p' "$casg_scratch/checked" >>"$casg_scratch/trees" &&
	sed -n 's/^commit //p' "$casg_scratch/checked" >"$casg_scratch/tips"
}

# What a reflog names may have been pruned, but not be damaged; Git tells of
# both and goes on.
casg_rev_list () {
	casg_git_in "$1" rev-list --all --reflog --stdin <"$casg_scratch/tips" 2>"$casg_scratch/err"
	casg_status=$?
	test -s "$casg_scratch/err" || return $casg_status
	grep -v '^warning: reflog of .* references pruned commits$' "$casg_scratch/err" >&2
	test $casg_status = 0 && ! grep -q '^error: ' "$casg_scratch/err"
}

# A ref that goes while we look at it is a failure, but not twice.
casg_try_commits () {
	for casg_try in 1 2 3; do
		if casg_list_commits "$1" >"$casg_scratch/part" 2>"$casg_scratch/why"; then
			test ! -s "$casg_scratch/why" || cat "$casg_scratch/why" >&2
			cat "$casg_scratch/part"
			return
		fi
		test $casg_try = 3 || sleep 0.1
	done
	cat "$casg_scratch/why" >&2
	return 1
}

# Output of -z as lines; a line end in a path cannot be taken for one.  Who reads
# them needs LC_ALL=C: a path need not be UTF-8, and "." is no other byte.
casg_as_lines () {
	tr '\n\0' '\001\n' <"$1"
}

# casg_list_blobs DIR NAME <COMMITS: a line "BLOB PATH" for each file of that
# name that a commit has otherwise than its parents, or "BLOB" with a third
# argument.  Not in a pipeline: a failure ends the script.
casg_list_blobs () {
	casg_git_in "${CASG_PATH%/casg}" diff-tree --stdin -r -m --root --no-renames --raw -z \
		--no-abbrev --no-commit-id --diff-filter=d -- ":(top,glob)**/$2" >"$1/raw" ||
		die "cannot read the trees of commits"
	# lines come in pairs, the second of each is the path
	casg_as_lines "$1/raw" |
		LC_ALL=C sed -n 's/^:[0-7]* 100[0-7]* [0-9a-f]* \([0-9a-f]*\) [A-Z].*/\1/; t keep
			n; b
			:keep
			'"${3:+p; n; b}"'
			N; s/\n/ /p'
}

# casg_list_versions DIR
casg_list_versions () {
	casg_scratch=$1
	casg_only=':(top,glob)**/VERSION'
	casg_dirs=0
	: >"$casg_scratch/commits" && : >"$casg_scratch/trees" && : >"$casg_scratch/blobs" &&
	casg_git_dirs >"$casg_scratch/dirs" || exit 128
	while IFS= read -r casg_git_dir; do
		casg_git_dir=$casg_common$casg_git_dir casg_dirs=$((casg_dirs + 1))
		casg_try_commits "$casg_git_dir" >>"$casg_scratch/commits" ||
			die "cannot list the commits of '$casg_git_dir'"
		casg_git_in "$casg_git_dir" ls-files -s -z -- "$casg_only" >"$casg_scratch/index" ||
			die "cannot read the index of '$casg_git_dir'"
		casg_as_lines "$casg_scratch/index" |
			LC_ALL=C sed -n 's/^100[0-7]* \([0-9a-f]*\) .*/\1/p' >>"$casg_scratch/blobs" || exit 128
	done <"$casg_scratch/dirs"
	if test $casg_dirs -gt 1; then
		sort -u "$casg_scratch/commits" -o "$casg_scratch/commits" || exit 128
	fi
	casg_list_blobs "$casg_scratch" VERSION only <"$casg_scratch/commits" >>"$casg_scratch/blobs"
	while IFS= read -r casg_tree; do
		casg_git_in "$casg_common" ls-tree -r -z "$casg_tree" >"$casg_scratch/tree" ||
			die "cannot read tree $casg_tree"
		casg_as_lines "$casg_scratch/tree" |
			LC_ALL=C sed -n -e '/[/	]VERSION$/s/^100[0-7]* blob \([0-9a-f]*\).*/\1/p' \
				-e '/[/	]PROFILE$/s/^100[0-7]* blob \([0-9a-f]*\).*/\1/p' >>"$casg_scratch/blobs" ||
			exit 128
	done <"$casg_scratch/trees"
	sort -u "$casg_scratch/blobs" || exit 128
}
