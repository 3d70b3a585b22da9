# shellcheck shell=sh
# casg-sh-repo - the repository, for porcelain that works with git.  After
#
#	# shellcheck source=porcelain/casg-sh-repo.sh
#	. "${0%/*}/casg-sh-repo"
#	casg_repo
#
# $CASG_PATH is casg's folder in it, $casg_bare is true or false, $casg_index is
# Git's index, empty if its name holds a line end, and git runs in the same
# repository as casg's own programs do.
#
#	casg_lacks_packs            may something that versions need be in storages only?
#
# Where there is no repository yet:
#
#	casg_make_dirs              what is to be in $CASG_PATH

# CASG_DIR names a Git directory as GIT_DIR does, but without moving its work
# tree to the current directory.
casg_use_dir () {
	GIT_DIR=$(unset GIT_DIR GIT_WORK_TREE; cd -- "$CASG_DIR" 2>/dev/null &&
		git rev-parse --absolute-git-dir 2>/dev/null) ||
		die "not a git repository: '$CASG_DIR'"
	export GIT_DIR
	case $GIT_DIR in
	*/.git)
		GIT_WORK_TREE=${GIT_DIR%/.git}
		export GIT_WORK_TREE
		;;
	*)
		# a linked work tree names its .git file
		if test -f "$GIT_DIR/gitdir"; then
			read -r GIT_WORK_TREE <"$GIT_DIR/gitdir"
			GIT_WORK_TREE=${GIT_WORK_TREE%/.git}
			export GIT_WORK_TREE
		fi
		;;
	esac
}

# Is this a partial clone, or are packs elsewhere that were here (casg-drop-pack)?
# An import that was killed may have left the folder for them, empty.
casg_lacks_packs () {
	for casg_file in "$CASG_PATH"/partial/pack-*.idx; do
		test ! -e "$casg_file" || return 0
	done
	git config --get-regexp '^casg\.partial\.' >/dev/null
}

casg_make_dirs () {
	mkdir -p "$CASG_PATH/packs" "$CASG_PATH/tmp" "$CASG_PATH/quarantine" \
		"$CASG_PATH/index" "$CASG_PATH/state" || exit 128
}

# shellcheck disable=SC2034 # the scripts read casg_bare and casg_index
casg_repo () {
	test -z "${CASG_DIR-}" || casg_use_dir
	casg_found=$(git rev-parse --is-bare-repository --git-common-dir --git-path index 2>/dev/null) ||
		die "not a casg repository (or any of the parent directories); 'casg init' makes one"
	casg_bare=${casg_found%%"$casg_lf"*}
	casg_found=${casg_found#*"$casg_lf"}
	casg_index=${casg_found#*"$casg_lf"}
	CASG_PATH=${casg_found%"$casg_lf"*}/casg
	case $casg_index in
	*"$casg_lf"*)
		casg_index=
		CASG_PATH=$(git rev-parse --git-common-dir)/casg || exit 128
		;;
	esac
	case $CASG_PATH in
	/*) ;;
	*) CASG_PATH=$PWD/$CASG_PATH ;;
	esac
	test -d "$CASG_PATH/packs" ||
		die "not a casg repository (or any of the parent directories); 'casg init' makes one"
	casg_share
}

# A folder with the setgid bit says who may read and write what is made in it,
# whatever our own umask says.
casg_share () {
	# the shell sees this bit, but not the others
	test -g "$CASG_PATH" || return 0
	casg_perms=$(ls -ld -- "$CASG_PATH") || exit 128
	case $casg_perms in
	d?????[sS]*) ;;
	*) return 0 ;;
	esac
	casg_g='' casg_o=''
	case $casg_perms in ????r*) casg_g=${casg_g}r ;; esac
	case $casg_perms in ?????w*) casg_g=${casg_g}w ;; esac
	case $casg_perms in ??????s*) casg_g=${casg_g}x ;; esac
	case $casg_perms in ???????r*) casg_o=${casg_o}r ;; esac
	case $casg_perms in ????????w*) casg_o=${casg_o}w ;; esac
	case $casg_perms in ?????????[xt]*) casg_o=${casg_o}x ;; esac
	umask "g=$casg_g,o=$casg_o"
}

# Commits need a name; Git refuses to make one up on some machines.
casg_identity () {
	git var GIT_COMMITTER_IDENT >/dev/null 2>&1 && return
	casg_user=$(id -un 2>/dev/null) || casg_user=unknown
	: "${GIT_AUTHOR_NAME:=$casg_user}" "${GIT_COMMITTER_NAME:=$casg_user}"
	: "${GIT_AUTHOR_EMAIL:=$casg_user@$(uname -n)}"
	: "${GIT_COMMITTER_EMAIL:=$GIT_AUTHOR_EMAIL}"
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
}

# Set $casg_sign to -S when commits are to be signed: the script's option
# "S,gpg-sign~" says so ($opt_gpg_sign), else commit.gpgSign.
casg_find_sign () {
	casg_sign=${opt_gpg_sign-}
	test -n "$casg_sign" ||
		casg_sign=$(git config --type=bool --default=false commit.gpgSign) || exit 128
	case $casg_sign in
	0 | false) casg_sign='' ;;
	*) casg_sign=-S ;;
	esac
}

# casg_scratch NAME: set $tmp to a folder of our own, which goes away with the
# script.  Not in the repository: who only reads may do so where it cannot be
# written to.  Sets traps.
casg_scratch () {
	tmp=
	# shellcheck disable=SC2016 # expanded then
	casg_at_exit 'test -z "$tmp" || rm -rf "$tmp"'
	# shellcheck disable=SC2034 # for the scripts
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/casg-$1-XXXXXX") || exit 128
}

# casg_find_commit [SPEC]: what [REV:]DATABASE or REV names: $rev, $commit, its
# Git id, and $db, empty for all of the commit.
# shellcheck disable=SC2034 # for the scripts
casg_find_commit () {
	rev=HEAD db=''
	case ${1-} in
	"") ;;
	*:*) rev=${1%:*} db=${1##*:} ;;
	*)
		# a database in HEAD, else a revision
		if git cat-file -e "HEAD:$1/VERSION" 2>/dev/null; then
			db=$1
		else
			rev=$1
		fi
		;;
	esac
	test -n "$rev" || rev=HEAD
	commit=$(git rev-parse --verify --quiet "$rev^{commit}") || {
		test "$rev" != HEAD || die "there is no commit yet"
		die "there is no database and no revision '$rev'"
	}
}
