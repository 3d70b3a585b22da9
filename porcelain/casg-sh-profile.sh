# shellcheck shell=sh
# casg-sh-profile - reduction profiles, for porcelain that reads them.  After
# casg-sh-setup and casg-sh-repo:
#
#	# shellcheck source=porcelain/casg-sh-profile.sh
#	. "${0%/*}/casg-sh-profile"
#	casg_repo
#	casg_find_profile NAME SPEC
#
# sets $version to the id of the version that SPEC ([REV:]DATABASE) names, and
# $profile and $profile_version to the Git ids of its profile NAME and of
# VERSION; it ends the script if there is none.
#
#	casg_profiles_of HISTORY >FILE
#
# lists the profiles of the versions in HISTORY, whose lines "BLOB DATABASE" name
# the blob of VERSION.
#
# A profile is kept by a ref of its own, refs/casg/profiles/<version id>/<NAME>,
# to a tree with <database>/VERSION and <database>/PROFILE.  So it is a profile
# of one version and no other, and as long as it is there that version and all
# that it needs are, whatever becomes of branches.  The tree says nothing else, so
# that the same profile made elsewhere has the same id.
# shellcheck disable=SC2034 # the scripts read what is set

casg_profiles=refs/casg/profiles

# May a profile be called so?
casg_check_profile_name () {
	case $1 in
	"" | -* | */*) usage_die "'$1' is no name of a profile" ;;
	esac
	git check-ref-format "$casg_profiles/x/$1" || usage_die "'$1' is no name of a profile"
}

# casg_list_profiles [VERSION]: lines "VERSION-ID TAB NAME TAB PROFILE-BLOB TAB
# VERSION-BLOB TAB TREE TAB DATABASE", of one version or of all.
casg_list_profiles () {
	casg_refs=$(git for-each-ref --format='%(objectname) %(refname:lstrip=3)' "$casg_profiles/${1:-}") ||
		die "cannot list the profiles"
	while read -r casg_tree casg_name; do
		test -n "$casg_tree" || continue
		casg_files=$(git ls-tree -r -z "$casg_tree" | tr '\0' '\n')
		casg_blob=$(printf '%s\n' "$casg_files" |
			sed -n 's/^100[0-7]* blob \([0-9a-f]*\)	\(.*\)\/PROFILE$/\1	\2/p')
		casg_db=${casg_blob#*	}
		casg_vblob=$(git rev-parse --verify --quiet "$casg_tree:$casg_db/VERSION") &&
			test -n "$casg_db" || die "profile '${casg_name#*/}' of version ${casg_name%%/*} is damaged"
		printf '%s\t%s\t%s\t%s\t%s\t%s\n' "${casg_name%%/*}" "${casg_name#*/}" \
			"${casg_blob%%	*}" "$casg_vblob" "$casg_tree" "$casg_db"
	done <<EOT
$casg_refs
EOT
}

# A profile names sequences of its version, so it goes where that version goes, as a
# version of the same database, and nowhere else.
casg_profiles_of () {
	casg_all=$(casg_list_profiles) || exit 128
	test -z "$casg_all" || printf '%s\n' "$casg_all" |
		awk -F '\t' -v history="$1" '
			BEGIN { while ((getline line <history) > 0) has[line] = 1 }
			($4 " " $6) in has' || exit 128
}

casg_find_profile () {
	casg_check_profile_name "$1"
	version=$(casg-read-version --id -- "$2") || exit 128
	casg_line=$(casg_list_profiles "$version/$1") || exit 128
	if test -z "$casg_line"; then
		casg_others=$(git for-each-ref --format=x "$casg_profiles/*/$1" | wc -l) || exit 128
		test "$casg_others" -eq 0 ||
			die "profile '$1' is not of version $version but of others ($casg_others); 'casg reduce' makes one of this version"
		die "there is no profile '$1' of version $version; 'casg reduce' makes one"
	fi
	IFS=$casg_profile_tab read -r casg_version casg_name profile profile_version casg_tree casg_db <<EOT
$casg_line
EOT
}

casg_profile_tab='	'
