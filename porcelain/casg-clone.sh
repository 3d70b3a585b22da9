#!/bin/sh
# casg clone - a repository like another, with its packs or borrowing them.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg clone [--bare] [--shared] [--reference REPO] [--quiet] SRC [DIR]
--
bare            without a work tree
s,shared        use the packs and objects of SRC instead of copying them
reference=REPO  use those of REPO as far as it has them
q,quiet         say nothing
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

# casg_dir_of DIR: casg's folder of the repository there
casg_dir_of () (
	unset GIT_DIR GIT_WORK_TREE CASG_DIR
	cd -- "$1" && common=$(git rev-parse --git-common-dir) && cd -- "$common" &&
	test -d casg/packs && printf '%s/casg\n' "$(pwd -P)"
)

# A pack that is lent need not be copied.
is_lent () {
	for lender in "$@"; do
		test ! -e "$lender/packs/$file" || return 0
	done
	return 1
}

# The index first: a pack that can be seen has one.
copy_packs () {
	for pack in "$1"/packs/pack-*.pack; do
		test -e "$pack" || continue
		for path in "${pack%.pack}.idx" "$pack"; do
			file=${path##*/}
			is_lent "$3" && continue
			ln "$path" "$2/packs/$file" 2>/dev/null && continue
			cp "$path" "$2/tmp/$file" && mv "$2/tmp/$file" "$2/packs/$file" || exit 128
		done
	done
	sync "$2/packs" 2>/dev/null || :
}

casg_options 1 2 "$@"
eval "$casg_set"
src=$1
name=${1%/}
name=${name%/.git}
name=${name##*/}
dir=${2-${name%.git}${opt_bare:+.git}}
unset CASG_DIR
test -d "$src" || test -n "$opt_reference" ||
	die "'$src' is no folder; packs are copied from folders only, --reference names one that has them"
from=
test ! -d "$src" || from=$(casg_dir_of "$src") || die "'$src' is not a casg repository"
lender=
test -z "$opt_reference" || lender=$(casg_dir_of "$opt_reference") ||
	die "'$opt_reference' is not a casg repository"
git clone ${opt_quiet:+--quiet} ${opt_bare:+--bare} ${opt_shared:+--shared} \
	${opt_reference:+--reference="$opt_reference"} -- "$src" "$dir" || exit 128
casg-init --quiet ${opt_bare:+--bare} -- "$dir" || exit 128
to=$(casg_dir_of "$dir") || exit 128
test -z "$from" || test -n "$opt_shared" || copy_packs "$from" "$to" "$lender"
