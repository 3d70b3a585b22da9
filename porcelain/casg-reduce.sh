#!/bin/sh
# casg reduce - pick records of a version that stand for the others.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg reduce [--coverage=SHARE] [--force] [--resume] [--quiet] [--threads N] [--memory SIZE] --profile=NAME (--identity=SHARE | --size=SHARE) [REV:][DATABASE]
casg reduce --list [[REV:]DATABASE]
casg reduce --show --profile=NAME [REV:][DATABASE]
casg reduce --delete [--quiet] --profile=NAME [REV:][DATABASE]
--
profile=NAME    what it is called
identity=SHARE  a member is at least as like what stands for it, as 0.9
size=SHARE      the highest identity at which so much of the residues is left, as 30%
coverage=SHARE  a member is at least as long, of what stands for it (default: 0.8)
f,force         replace a profile of that name
resume          take up what was interrupted, and leave what is decided when this is
list            print the profiles of the version, or of all
show            print the profile, all of it checked
d,delete        delete the profile
q,quiet         say nothing unless it fails
threads#N       workers (default: casg.threads)
memory%SIZE     memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-saved.sh
. "${0%/*}/casg-sh-saved"
# shellcheck source=porcelain/casg-sh-profile.sh
. "${0%/*}/casg-sh-profile"

tmp=''

# ---- list, show, delete

# Version, name, identity, records, share of the residues, database.
list_profiles () {
	casg_scratch reduce
	of=
	test $# = 0 || of=$(casg-read-version --id -- "$1") || exit 128
	casg_list_profiles "$of" >"$tmp/list" || exit 128
	while IFS=$casg_profile_tab read -r id name blob _ _ db; do
		git cat-file blob "$blob" >"$tmp/text" || exit 128
		awk -v id="$id" -v name="$name" -v db="$db" '
			{ v[$1] = $2 }
			END {
				printf "%s\t%s\t%s\t%s of %s records\t%.1f %% of the residues\t%s\n", id, name,
					v["identity"], v["representatives"], v["count"],
					v["residues"] ? 100 * v["kept"] / v["residues"] : 100, db
			}' "$tmp/text" || exit 128
	done <"$tmp/list"
}

show_profile () {
	casg_find_profile "$opt_profile" "${1-}"
	casg-read-profile --check ${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} --profile="$profile" --version="$profile_version"
}

delete_profile () {
	casg_find_profile "$opt_profile" "${1-}"
	git update-ref -d "$casg_profiles/$version/$opt_profile" || exit 128
	test -n "$opt_quiet" || echo "deleted profile $opt_profile of version $version" || exit 128
}

# ---- make

fact () {
	sed -n "s/^$1 //p" "$2"
}

# What is to be done: the settings, and the version, whose id is a digest of it.
# What is decided is in $casg_saved_dir/decisions.
print_plan () {
	git cat-file blob "$commit:$db/VERSION" >"$tmp/VERSION" || exit 128
	casg_print_saved "reduce profile=$opt_profile identity=$opt_identity size=$opt_size coverage=$opt_coverage" \
		"$(fact residues "$tmp/VERSION")" 0 "$version" 0
}

take_up () {
	casg_name_saved "reduce:$opt_profile"
	print_plan >"$tmp/plan"
	! casg_takes_up || casg_check_saved "$tmp/plan"
	mkdir -p "$casg_saved_dir" && mv "$tmp/plan" "$casg_saved" || exit 128
}

# Not under a lock: that may take long, and what it reads is not about to go, as
# a version leads to it.
choose () {
	casg-cluster ${opt_identity:+--identity="$opt_identity"} ${opt_size:+--size="$opt_size"} \
		${opt_coverage:+--coverage="$opt_coverage"} ${opt_quiet:+--quiet} \
		${opt_threads:+--threads="$opt_threads"} ${opt_memory:+--memory="$opt_memory"} \
		--decisions="$casg_saved_dir/decisions" --facts="$tmp/facts" -- "$spec" >"$tmp/pairs" || exit
}

# The map goes into a pack, which nothing names until the ref is there: under the
# lock that keeps casg gc away.
keep () {
	casg_lock import
	size=$(fact size "$tmp/facts")
	casg-write-profile --identity="$(fact identity "$tmp/facts")" \
		--coverage="$(fact coverage "$tmp/facts")" ${size:+--size="$size"} \
		${opt_threads:+--threads="$opt_threads"} ${opt_memory:+--memory="$opt_memory"} \
		-- "$spec" <"$tmp/pairs" >"$tmp/PROFILE" || exit
	test "$(fact version "$tmp/PROFILE")" = "$version" ||
		die "'$spec' is not version $version any more"
	casg-read-version -- "$spec" >"$tmp/VERSION" &&
	blob=$(git hash-object -w --stdin <"$tmp/PROFILE") &&
	version_blob=$(git hash-object -w --stdin <"$tmp/VERSION") &&
	tree=$(
		GIT_INDEX_FILE=$tmp/index
		export GIT_INDEX_FILE
		git update-index --add --cacheinfo "100644,$blob,$db/PROFILE" \
			--cacheinfo "100644,$version_blob,$db/VERSION" &&
		git write-tree
	) || exit 128
	# the old value: one that somebody else has made meanwhile is not replaced
	git update-ref "$casg_profiles/$version/$opt_profile" "$tree" "$old" ||
		die "there is a profile '$opt_profile' of version $version now"
	casg_unlock import
}

say () {
	awk '
		{ v[$1] = $2 }
		END {
			printf "%s of %s records, %.1f %% of the residues, at an identity of %s\n",
				v["representatives"], v["count"],
				v["residues"] ? 100 * v["kept"] / v["residues"] : 100, v["identity"]
		}' "$tmp/PROFILE"
}

casg_options 0 1 "$@"
eval "$casg_set"
case $opt_list$opt_show$opt_delete in
11*) usage_die "--list, --show and --delete exclude one another" ;;
esac
test -n "$opt_list" || test -n "$opt_profile" || usage_die "--profile says what it is called"
test -z "$opt_list" || test -z "$opt_profile" || usage_die "--list goes without --profile"
test -z "$opt_list$opt_show$opt_delete" || test -z "$opt_identity$opt_size$opt_coverage$opt_force$opt_resume" ||
	usage_die "--identity, --size, --coverage, --force and --resume are for a new profile"
test -z "$opt_profile" || casg_check_profile_name "$opt_profile"
casg_repo
casg_at_exit casg_let_saved_go
if test -n "$opt_list"; then
	list_profiles "$@"
	exit 0
elif test -n "$opt_show"; then
	show_profile "$@"
	exit
elif test -n "$opt_delete"; then
	delete_profile "$@"
	exit 0
fi
case ${opt_identity:+1}${opt_size:+1} in
1) ;;
*) usage_die "one of --identity and --size says how much to reduce" ;;
esac

# What is named now is what is read, whoever moves HEAD meanwhile.
rev=HEAD db=${1-}
case $db in
*:*) rev=${db%:*} db=${db##*:} ;;
esac
commit=$(git rev-parse --verify --quiet "${rev:-HEAD}^{commit}") ||
	die "there is no revision '${rev:-HEAD}'"
if test -z "$db"; then
	db=$(casg-read-version --list "$commit") || exit 128
	db=$(printf '%s\n' "$db" | sed -e 's/^[^ ]* //' -e '/^taxonomy\//d')
	case $db in
	"") die "there is no database in '${rev:-HEAD}'" ;;
	*"$casg_lf"*) usage_die "'${rev:-HEAD}' holds several databases: which one?" ;;
	esac
fi
spec=$commit:$db
version=$(casg-read-version --id -- "$spec") || exit 128
old=$(git rev-parse --verify --quiet "$casg_profiles/$version/$opt_profile") || old=
test -z "$old" || test -n "$opt_force" ||
	die "there is a profile '$opt_profile' of version $version; --force replaces it"
tmp=$CASG_PATH/tmp/reduce-$$
mkdir -p "$tmp" || exit 128
take_up
choose
keep
casg_drop_saved
test -n "$opt_quiet" || say || exit 128
exit 0
