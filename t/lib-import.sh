# shellcheck shell=sh
# lib-import - what casg import commits, by plumbing, for tests that are not about
# casg import: it takes a fifth of the processes.  And how to look at what comes of it.

# plumb_import FILE DATABASE [OPTION...]: FILE becomes the next version of DATABASE,
# on HEAD, and is checked out; options go to casg-write-version.
plumb_import () {
	plumb_file=$1 plumb_db=$2 plumb_tmp=$TRASH_DIRECTORY/plumb
	shift 2
	set -- --source="${plumb_file##*/}" "$@"
	if casg-read-version "HEAD:$plumb_db" >"$plumb_tmp" 2>/dev/null; then
		set -- --previous="$(casg-read-version --id - <"$plumb_tmp")" "$@"
		# shellcheck disable=SC2046 # words are wanted
		casg-pack -q --allow-empty "$plumb_file" |
		casg-mktree -q --previous="$plumb_tmp" $(sed -n \
			's/^records /--base=/p; s/^order /--base-order=/p' "$plumb_tmp") >"$plumb_tmp.roots"
	else
		casg-pack -q --allow-empty "$plumb_file" | casg-mktree -q >"$plumb_tmp.roots"
	fi &&
	plumb_sha=$(sha256sum <"$plumb_file") &&
	casg-write-version --source-sha256="${plumb_sha%% *}" "$@" <"$plumb_tmp.roots" >"$plumb_tmp" &&
	plumb_commit=$(casg-commit-tree -p HEAD --database="$plumb_db" -m "import $plumb_db: $(
		sed -n 's/^count //p' "$plumb_tmp") records" <"$plumb_tmp") &&
	git reset -q --hard "$plumb_commit"
}

# export_is REV:DATABASE FILE
export_is () {
	casg-assemble -q -- "$1" >"$TRASH_DIRECTORY/exported" &&
	test_cmp "$2" "$TRASH_DIRECTORY/exported"
}

# clean: nothing is changed but what was committed, and that holds; every eighth time
# by all that looks at it
clean () {
	git status --porcelain --untracked-files=no >"$TRASH_DIRECTORY/status" &&
	test_must_be_empty "$TRASH_DIRECTORY/status" &&
	if test_every 8; then
		git fsck --strict --no-dangling && casg fsck --full && casg verify HEAD
	fi
}
