#!/bin/sh
# casg clone - a repository like another, with its packs or borrowing them.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg clone [--bare] [--shared] [--reference REPO] [--storage URL]... [--quiet] SRC [DIR]
casg clone [--bare] [--storage URL]... [--from FILE]... [--quiet] SRC [DIR]
casg clone [--bare] [--storage URL]... [--from FILE]... [--quiet] [--taxon TAXON]... [--since T] [--database PATTERN]... [--no-data] SRC [DIR]
--
bare            without a work tree
s,shared        use the packs and objects of SRC instead of copying them
reference=REPO  use those of REPO as far as it has them
storage+URL     where the packs are, in the order to ask (default: .casgconfig of SRC, then SRC itself)
from+FILE       take sequences that this FASTA file has instead of fetching them
taxon+TAXON     of the sequences only those of records with this taxon, or a descendant of it
since=T         only those of versions since this year, month, day or time
database+PATTERN only those of databases that match; "!PATTERN": that do not
no-data         no sequences: each comes when it is read first
q,quiet         say nothing
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-versions.sh
. "${0%/*}/casg-sh-versions"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"
# shellcheck source=porcelain/casg-sh-manifests.sh
. "${0%/*}/casg-sh-manifests"
# shellcheck source=porcelain/casg-sh-partial.sh
. "${0%/*}/casg-sh-partial"
# shellcheck source=porcelain/casg-sh-profile.sh
. "${0%/*}/casg-sh-profile"
# shellcheck source=porcelain/casg-sh-fetch.sh
. "${0%/*}/casg-sh-fetch"

# casg_dir_of DIR: casg's folder of the repository there
casg_dir_of () (
	unset GIT_DIR GIT_WORK_TREE CASG_DIR
	cd -- "$1" 2>/dev/null && common=$(git rev-parse --git-common-dir 2>/dev/null) && cd -- "$common" &&
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

# From elsewhere: an empty repository first, in which the rest is a fetch; one
# that fails can be taken up again.
clone_from_storage () {
	made=''
	test -e "$dir" || made=1
	test ! -e "$dir" || test -z "$(ls -A -- "$dir" 2>/dev/null)" ||
		die "'$dir' exists already and is not an empty folder"
	case $src in
	*://* | *:* | /*) ;;
	*) test ! -e "$src" || src=$PWD/$src ;;
	esac
	here=$PWD
	git init --quiet ${opt_bare:+--bare} -- "$dir" && cd -- "$dir" &&
	git remote add -- origin "$src" || exit 128
	CASG_PATH=$(git rev-parse --absolute-git-dir)/casg || exit 128
	casg_make_dirs
	casg_repo
	listed='' fetched=''
	casg_at_exit clone_let_go
	tmp=$CASG_PATH/tmp/clone-$$
	mkdir -p "$tmp" || exit 128
	eval "set_storages $opt_storage"
	casg_files_base=$here
	eval "casg_read_from $opt_from"
	if test -n "$partial"; then
		casg_read_options
		casg_nodata=$opt_no_data
		mkdir -p "$CASG_PATH/partial/chunks" || exit 128
		casg_add_filter
	fi
	casg_list_remote origin
	listed=1
	casg_fetch origin
	fetched=1
	check_out
}

# What has begun can be gone on with.
clone_let_go () {
	status=$?
	if test -z "$listed"; then
		cd -- "$here" || exit 128
		test -z "$made" || rm -rf -- "$dir"
	elif test -z "$fetched"; then
		echo "'casg -C $dir fetch' goes on with what has begun, 'git -C $dir checkout BRANCH' ends it" >&2
	fi
	(exit $status)
	casg_let_go
}

set_storages () {
	casg_number=0
	for casg_arg in "$@"; do
		case $casg_arg in
		[a-z][a-z0-9+-]*:* | /*) ;;
		*) casg_arg=$here/$casg_arg ;;
		esac
		casg_storage_url "$casg_arg"
		if test $casg_number = 0; then
			git config casg.remote.origin.url "$casg_url" || exit 128
		else
			git config "casg.remote.origin-$casg_number.git" origin &&
			git config "casg.remote.origin-$casg_number.url" "$casg_url" || exit 128
		fi
		casg_number=$((casg_number + 1))
	done
}

# The branch that is HEAD there.
check_out () {
	branch=${casg_remote_head#refs/heads/}
	if test -z "$branch" || ! git rev-parse --verify --quiet "refs/remotes/origin/$branch" >/dev/null; then
		warn "the other repository's HEAD is no branch; nothing is checked out"
		return 0
	fi
	git symbolic-ref refs/remotes/origin/HEAD "refs/remotes/origin/$branch" &&
	git symbolic-ref HEAD "refs/heads/$branch" || exit 128
	if test -n "$opt_bare"; then
		git for-each-ref --format='create refs/heads/%(refname:lstrip=3) %(objectname)' refs/remotes/origin/ |
			sed '/^create refs\/heads\/HEAD /d' | git update-ref --stdin || exit 128
	else
		git update-ref "refs/heads/$branch" "refs/remotes/origin/$branch" &&
		git branch --quiet --set-upstream-to="origin/$branch" "$branch" &&
		git reset --quiet --hard || exit 128
	fi
}

casg_options 1 2 "$@"
eval "$casg_set"
src=$1
name=${1%/}
name=${name%/.git}
name=${name##*/}
dir=${2-${name%.git}${opt_bare:+.git}}
unset CASG_DIR
partial=$opt_taxon$opt_since$opt_database$opt_no_data
test -z "$opt_no_data" || test -z "$opt_taxon$opt_since$opt_database" || usage_die "--no-data excludes what says which data"
if test -n "$opt_storage$opt_from$partial" || { test -d "$src" && test -e "$src/INVENTORY"; } ||
	{ ! test -d "$src" && test -z "$opt_reference"; }; then
	test -z "$opt_shared$opt_reference" || usage_die "storages do not go with --shared and --reference"
	clone_from_storage
	exit 0
fi
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
test -z "$from" || git -C "$dir" fetch --quiet --no-tags --no-auto-maintenance --no-write-fetch-head -- \
	"${from%/casg}" "$casg_profiles/*:$casg_profiles/*" || exit 128
