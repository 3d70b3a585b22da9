#!/bin/sh
# casg init - make a repository, or make a Git repository casg's too.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg init [--bare] [--shared[=WHO]] [--quiet] [DIR]
--
bare        a repository without a work tree
shared=WHO  who may use it: group (also without WHO), all, umask or 0xxx
q,quiet     say nothing
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lending.sh
. "${0%/*}/casg-sh-lending"

# What Git must not do to the files that ids rest on.
attributes () {
	cat <<\EOT
# Version ids rest on these bytes: Git must neither merge nor convert them.
VERSION -merge -text -ident -filter
PACKS -merge -text -ident -filter
EOT
}

config () {
	cat <<\EOT
# Where the packs of this repository can be had; see casg-config(5).
EOT
}

# The tree of $head (may be empty) with the two files put in: prints its id.
first_tree () (
	GIT_INDEX_FILE=$CASG_PATH/tmp/init-$$.index
	export GIT_INDEX_FILE
	trap 'rm -f "$GIT_INDEX_FILE"' EXIT
	git read-tree "${head:-$empty_tree}" &&
	old=$(test -z "$head" || git ls-tree --name-only "$head" .gitattributes) &&
	blob=$({
		test -z "$old" || git cat-file blob "$head:.gitattributes" || exit
		attributes
	} | git hash-object -w --stdin) &&
	git update-index --add --cacheinfo "100644,$blob,.gitattributes" &&
	blob=$(config | git hash-object -w --stdin) &&
	git update-index --add --cacheinfo "100644,$blob,.casgconfig" &&
	git write-tree
)

# The commit that makes the repository casg's; nothing when there is one.
first_commit () {
	head=$(git rev-parse --verify --quiet HEAD) || head=
	test -z "$head" || ! git cat-file -e "$head:.casgconfig" 2>/dev/null || return 0
	empty_tree=$(git hash-object -w -t tree /dev/null) &&
	casg_identity &&
	tree=$(first_tree) &&
	commit=$(git commit-tree ${head:+-p "$head"} -m "casg init" "$tree") || return
	if test "$casg_bare" = false; then
		git read-tree -m -u "${head:-$empty_tree}" "$commit" || return
	fi
	git update-ref -m "casg init" HEAD "$commit" "${head:-$(printf '%0*d' ${#commit} 0)}"
}

# casg's folder is shared as Git's is: those who may, write into its folders
# and read its files; what is made later follows the folders.
share () {
	shared=$(git config --get core.sharedRepository) || return 0
	case $shared in
	1 | true | yes | on | group) dirs=g+rwxs files=g+r ;;
	2 | all | world | everybody) dirs=g+rwxs,o+rx files=go+r ;;
	0[4-7][0-7][0-7])
		octal "${shared#0}"
		;;
	*) return 0 ;;
	esac
	find "$CASG_PATH" -type d -exec chmod "$dirs" {} + &&
	find "$CASG_PATH" -type f -exec chmod "$files" {} +
}

# 640 is files 640 at most, and folders 2750: who may read may look around
octal () {
	dirs=2 files='' rest=$1
	while test -n "$rest"; do
		digit=${rest%"${rest#?}"}
		rest=${rest#?}
		dirs=$dirs$((digit | (digit & 4) / 4))
		files=$files,$((digit & 4))
	done
	files=u=r,g=$(letters "$(echo "$files" | cut -d, -f3)"),o=$(letters "$(echo "$files" | cut -d, -f4)")
}

letters () {
	test "$1" = 0 || echo r
}

# --shared alone is Git's word for the group
for arg in "$@"; do
	shift
	test "$arg" != --shared || arg=--shared=group
	set -- "$@" "$arg"
done
casg_options 0 1 "$@"
eval "$casg_set"
case $opt_shared in
"" | group | all | world | everybody | umask | true | false | 0[0-7][0-7][0-7]) ;;
*) usage_die "bad value '$opt_shared' of --shared: wanted group, all, umask or 0xxx" ;;
esac

dir=${1-.}
# the new repository is where DIR says, whatever the environment names
unset CASG_DIR
# git init would put another repository inside a bare one
if test -f "$dir/HEAD" && test -d "$dir/objects" && test -d "$dir/refs" &&
	test "$(git --git-dir="$dir" rev-parse --is-bare-repository 2>/dev/null)" = true; then
	opt_bare=1
fi
git init --quiet ${opt_bare:+--bare} ${opt_shared:+--shared="$opt_shared"} -- "$dir" || exit 128
cd -- "$dir" || exit 128
casg_found=$(git rev-parse --absolute-git-dir --git-common-dir --is-bare-repository) || exit 128
casg_bare=${casg_found##*"$casg_lf"}
# from the end: a path may hold a line end
git_dir=${casg_found%"$casg_lf"*}
CASG_PATH=${git_dir##*"$casg_lf"}/casg
git_dir=${git_dir%"$casg_lf"*}
what="Initialized empty"
test ! -d "$CASG_PATH/packs" || what="Reinitialized existing"
casg_make_dirs
share || exit 128
casg_share
first_commit || exit 128
casg_register
test -n "$opt_quiet" || echo "$what casg repository in $git_dir/" ||
	die "cannot write to standard output"
