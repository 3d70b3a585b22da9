#!/bin/sh
# casg init - make a repository, or make a Git repository casg's too.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg init [--bare] [--quiet] [DIR]
--
bare     a repository without a work tree
q,quiet  say nothing
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

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

casg_options 0 1 "$@"
eval "$casg_set"

dir=${1-.}
# the new repository is where DIR says, whatever the environment names
unset CASG_DIR
# git init would put another repository inside a bare one
if test -f "$dir/HEAD" && test -d "$dir/objects" && test -d "$dir/refs" &&
	test "$(git --git-dir="$dir" rev-parse --is-bare-repository 2>/dev/null)" = true; then
	opt_bare=1
fi
git init --quiet ${opt_bare:+--bare} -- "$dir" || exit 128
cd -- "$dir" || exit 128
casg_found=$(git rev-parse --absolute-git-dir --git-common-dir --is-bare-repository) || exit 128
casg_bare=${casg_found##*"$casg_lf"}
# from the end: a path may hold a line end
git_dir=${casg_found%"$casg_lf"*}
CASG_PATH=${git_dir##*"$casg_lf"}/casg
git_dir=${git_dir%"$casg_lf"*}
what="Initialized empty"
test ! -d "$CASG_PATH/packs" || what="Reinitialized existing"
mkdir -p "$CASG_PATH/packs" "$CASG_PATH/tmp" "$CASG_PATH/quarantine" \
	"$CASG_PATH/index" "$CASG_PATH/state" || exit 128
first_commit || exit 128
test -n "$opt_quiet" || echo "$what casg repository in $git_dir/" ||
	die "cannot write to standard output"
