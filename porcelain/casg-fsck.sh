#!/bin/sh
# casg fsck - is everything there, and what it says it is?
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg fsck [--full] [--quiet]
--
full     also decode every pack and read every version back
q,quiet  say nothing unless something is damaged
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"

damage=0 unanswered=0

# damaged MESSAGE...: name it and go on.
damaged () {
	printf 'error: %s\n' "$*" >&2
	damage=1
}

# verdict STATUS MESSAGE...: 0 is fine, 1 is damage, all else no answer.  What
# comes after is checked all the same.
verdict () {
	case $1 in
	0) ;;
	1) shift && damaged "$@" ;;
	*)
		shift
		printf 'error: could not check: %s\n' "$*" >&2
		unanswered=1
		;;
	esac
}

say () {
	test -n "$opt_quiet" || echo "$*" || exit 128
}

check_git () {
	git fsck --no-dangling --no-progress >"$tmp/git" 2>&1 && return
	sed 's/^/git: /' "$tmp/git" >&2
	damaged "Git's objects are damaged"
}

check_packs () {
	npacks=0
	quick=--quick
	test -z "$opt_full" || quick=
	for pack in "$CASG_PATH"/packs/pack-*.pack; do
		test -e "$pack" || continue
		npacks=$((npacks + 1))
		casg-verify-pack ${quick:+"$quick"} "$pack" >"$tmp/pack" 2>&1
		status=$?
		test $status = 0 || cat "$tmp/pack" >&2
		verdict $status "pack '${pack##*/}'"
	done
	say "$npacks packs checked"
}

# Every <commit>:<database> that a commit reachable from a ref introduced.
list_versions () {
	git log -z --all --no-renames -m --diff-filter=AM --format='commit %H' \
		--name-only -- ':(top,glob)**/VERSION' >"$tmp/log" || return
	tr '\0' '\n' <"$tmp/log" | awk '
		/^commit [0-9a-f]+$/ { commit = $2; next }
		/^taxonomy\// { next }
		/\/VERSION$/ {
			spec = commit ":" substr($0, 1, length($0) - 8)
			if (!seen[spec]++)
				print spec
		}'
}

# The trailers that a signature binds must say what the files say.
check_trailer () {
	git log -1 --format='%(trailers:key=Casg-Version,valueonly)' "${2%%:*}" >"$tmp/trailer" ||
		exit 128
	while read -r db id; do
		if test "$db" = "${2#*:}" && test "$id" != "$1"; then
			damaged "commit ${2%%:*} says Casg-Version $db $id, but VERSION is $1"
		fi
	done <"$tmp/trailer"
}

check_versions () {
	nversions=0
	list_versions >"$tmp/specs" || die "could not list the versions"
	casg-read-version --batch <"$tmp/specs" >"$tmp/ids" || die "could not read the versions"
	while read -r id spec more; do
		nversions=$((nversions + 1))
		case $spec in
		missing | bad:)
			damaged "version $id: $spec${more:+ $more}"
			continue
			;;
		esac
		check_trailer "$id" "$spec"
		test -z "$opt_full" || check_full "$spec"
	done <"$tmp/ids"
	say "$nversions versions checked"
}

# check_full SPEC: casg-assemble verifies what it reads, and the whole must be
# the file that was imported.
check_full () {
	{
		casg-assemble --quiet -- "$1"
		echo $? >"$tmp/status"
	} | sha256sum >"$tmp/sum" || die "cannot run sha256sum"
	read -r status <"$tmp/status"
	if test "$status" != 0; then
		damaged "version $1 cannot be read back"
		return
	fi
	want=$(casg-read-version "$1" | sed -n 's/^source-sha256 //p')
	read -r got _ <"$tmp/sum"
	if test -n "$want" && test "$want" != "$got"; then
		damaged "version $1 reads back as $got, not as $want"
	fi
}

casg_options 0 0 "$@"
eval "$casg_set"
casg_repo
tmp=$CASG_PATH/tmp/fsck-$$
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
mkdir -p "$tmp" || exit 128

check_git
check_packs
check_versions
test $damage = 0 || exit 1
test $unanswered = 0 || exit 128
exit 0
