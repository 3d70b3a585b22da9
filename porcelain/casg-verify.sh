#!/bin/sh
# casg verify - do the versions of a database hold, back to the first one?
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg verify [--from TIME] [--to TIME] [--require-signature] [--roots] [--quiet] [--threads N] [--memory SIZE] [[REV:]DATABASE | REV]
casg verify --quorum N [--quiet] STORAGE...
--
quorum#N           so many STORAGEs must hold a good copy of each pack
from=TIME          not versions of before this sequence time
to=TIME            not versions of after this sequence time
require-signature  every version must be covered by a good signature
roots              do not write the releases out again
q,quiet            say nothing unless something does not hold
threads#N          workers (default: casg.threads)
memory%SIZE        memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"

# What is checked is what Git's objects are, not what stands in for them.
GIT_NO_REPLACE_OBJECTS=1
export GIT_NO_REPLACE_OBJECTS

any_wrong=0 any_unanswered=0

# wrong MESSAGE...: it does not verify.  unanswered MESSAGE...: nobody knows.
# All else is checked all the same.
wrong () {
	printf 'error: %s\n' "$*" >&2
	wrong=1
}

unanswered () {
	printf 'error: %s\n' "$*" >&2
	unanswered=1
}

say () {
	test -n "$opt_quiet" || printf '%s\n' "$*" || exit 128
}

# ---- what is asked for

# find_databases [SPEC]: set $rev and $tip, its commit; names into $tmp/databases.
find_databases () {
	casg_find_commit "$@"
	tip=$commit
	if test -n "$db"; then
		printf '%s\n' "$db" >"$tmp/databases"
	else
		# not casg-read-version: which of them can be read is our question
		git ls-tree -r -z --name-only --full-tree "$tip" | tr '\0\n' '\n\0' |
			sed -n 's|/VERSION$||p' >"$tmp/databases"
		test -s "$tmp/databases" || die "there is no database in '$rev'"
	fi
}

# ---- replaced objects

# check_replaced COMMIT...: Git would show something else in place of one of
# these, of their trees, or of the database's files.
check_replaced () {
	test -s "$tmp/replaced" || return 0
	for commit in "$@"; do
		path=$db/VERSION
		{
			git rev-parse "$commit" "$commit^{tree}"
			while :; do
				git rev-parse "$commit:$path"
				case $path in
				*/*) path=${path%/*} ;;
				*) break ;;
				esac
			done
		} 2>/dev/null | grep -F -x -f "$tmp/replaced" >"$tmp/hit"
		while read -r object; do
			wrong "commit $commit: object $object is replaced (see git-replace(1))"
		done <"$tmp/hit"
	done
}

# ---- signatures

# grade TYPE OBJECT: $grade is none, good, bad or unknown, $signer who and $why
# what Git's tools say.
grade () {
	grade=none signer='' why=''
	git cat-file "$1" "$2" >"$tmp/object" 2>&1 || {
		grade=unknown why="it cannot be read"
		return
	}
	case $1 in
	commit) sed -n -e '/^$/q' -e 's/^gpgsig\(-sha256\)\{0,1\} //p' "$tmp/object" ;;
	tag) sed -n '/^-----BEGIN [A-Z ]*\(SIGNATURE\|MESSAGE\)-----$/p' "$tmp/object" ;;
	esac >"$tmp/begin"
	test -s "$tmp/begin" || return
	if grep 'BEGIN SSH' "$tmp/begin" >/dev/null; then
		grade_ssh "$@"
	else
		grade_gpg "$@"
	fi
}

grade_ssh () {
	grade=unknown
	signers=$(git config --type=path gpg.ssh.allowedSignersFile)
	if test -z "$signers"; then
		why="gpg.ssh.allowedSignersFile is not set: there is no key to check it by"
		return
	elif ! test -r "$signers"; then
		why="cannot read '$signers', gpg.ssh.allowedSignersFile"
		return
	fi
	git "verify-$1" --raw "$2" >"$tmp/signature" 2>&1
	status=$?
	signer=$(sed -n 's/^Good "git" signature for \(.*\) with .* key \(.*\)$/\1, key \2/p' \
		"$tmp/signature")
	if test $status = 0 && test -n "$signer"; then
		grade=good
	elif grep -e '^Could not verify signature' -e 'incorrect signature' \
		-e 'is revoked' "$tmp/signature" >/dev/null; then
		grade=bad why="its signature is not of these bytes, or its key is revoked"
	elif grep '^Good "git" signature with' "$tmp/signature" >/dev/null; then
		why="its key, $(sed -n 's/^Good "git" signature with //p' "$tmp/signature"), is not in '$signers'"
	else
		why=$(tr '\n' ' ' <"$tmp/signature")
	fi
}

grade_gpg () {
	grade=unknown
	LC_ALL=C git "verify-$1" --raw "$2" >"$tmp/signature" 2>&1
	status=$?
	signer=$(sed -n 's/^\[GNUPG:\] GOODSIG \([^ ]*\) \(.*\)$/\2, key \1/p' "$tmp/signature")
	key=$(sed -n 's/^\[GNUPG:\] [A-Z]*SIG \([0-9A-F]*\) .*/\1/p' "$tmp/signature" | head -n 1)
	if test $status = 0 && test -n "$signer"; then
		grade=good
	elif grep '^\[GNUPG:\] BADSIG ' "$tmp/signature" >/dev/null; then
		grade=bad why="its signature, by key $key, is not of these bytes"
	elif grep '^\[GNUPG:\] EXP[A-Z]*SIG ' "$tmp/signature" >/dev/null; then
		grade=bad why="its signature, or key $key, has expired"
	elif grep '^\[GNUPG:\] REVKEYSIG ' "$tmp/signature" >/dev/null; then
		grade=bad why="key $key was revoked"
	elif grep '^\[GNUPG:\] NO_PUBKEY ' "$tmp/signature" >/dev/null; then
		why="the public key $key is not here"
	elif test -n "$signer"; then
		why="key $key is not trusted as far as gpg.minTrustLevel wants"
	else
		why=$(tr '\n' ' ' <"$tmp/signature")
	fi
}

# check_signature TYPE OBJECT VERSION-ID: good ones cover the version.
check_signature () {
	grade "$1" "$2"
	case $grade in
	none) ;;
	good)
		say "$1 $2: good signature by $signer"
		echo "$3" >>"$tmp/signed"
		;;
	bad) wrong "$1 $2: $why" ;;
	*) unanswered "$1 $2: its signature cannot be checked: $why" ;;
	esac
}

# Those of the commits that are signed, and "COMMIT DATABASE ID" for what their
# trailers say, all at once.
read_commits () {
	cut -f 1 "$tmp/chain" >"$tmp/commits"
	git rev-list --no-walk=unsorted --stdin --header <"$tmp/commits" |
		LC_ALL=C tr '\0\n' '\n\001' | LC_ALL=C awk '{
			end = index($0, "\001\001")
			if (substr($0, 1, end ? end : length($0)) ~ /\001gpgsig/)
				print substr($0, 1, index($0, "\001") - 1)
		}' >"$tmp/gpgsig" &&
	git log --no-walk=unsorted --stdin <"$tmp/commits" \
		--format='commit %H%n%(trailers:key=Casg-Version,valueonly)' |
		awk '$1 == "commit" && NF == 2 { commit = $2; next } NF { print commit, $0 }' \
		>"$tmp/said" || exit 128
}

check_commits () {
	read_commits
	test ! -s "$tmp/replaced" || while read -r commit _; do
		check_replaced "$commit"
	done <"$tmp/chain"
	test -s "$tmp/gpgsig" || return 0
	# a trailer that is not there binds nothing
	db=$db awk '
		FILENAME == ARGV[1] { signed[$1] = 1; next }
		FILENAME == ARGV[2] { said[$0] = 1; next }
		$1 in signed { print $1, (($1 " " ENVIRON["db"] " " $2) in said) ? $2 : "-" }' \
		"$tmp/gpgsig" "$tmp/said" "$tmp/chain" >"$tmp/signed-commits" || exit 128
	while read -r commit id; do
		check_signature commit "$commit" "$id"
	done <"$tmp/signed-commits"
}

# Annotated tags in the history that name a version of this database.
check_tags () {
	git for-each-ref --merged="$tip" --format='%(objecttype) %(objectname) %(refname)' \
		refs/tags >"$tmp/tags" || exit 128
	named=$(git rev-parse --verify --quiet "$rev^{tag}" 2>/dev/null) &&
		printf 'tag %s %s\n' "$named" "$rev" >>"$tmp/tags"
	sort -u -k 2,2 "$tmp/tags" | while read -r type tag name; do
		test "$type" = tag || continue
		printf '%s %s\n' "$tag" "$name"
	done >"$tmp/annotated"
	while read -r tag name; do
		check_tag "$tag" "$name"
	done <"$tmp/annotated"
}

in_chain () {
	cut -f 2 "$tmp/chain" | grep -F -x "$1" >/dev/null
}

check_tag () {
	git cat-file tag "$1" | sed -e '1,/^$/d' -e '/^-----BEGIN [A-Z ]*-----$/,$d' |
		git -c trailer.separators=: interpret-trailers --parse --no-divider |
		sed -n 's/^[Cc]asg-[Vv]ersion: *//p' >"$tmp/trailers"
	said=$(awk -v db="$db" '$1 == db { print $2; exit }' "$tmp/trailers")
	test -n "$said" || return 0
	actual=$(git cat-file blob "$1^{commit}:$db/VERSION" 2>/dev/null | sha256sum) || exit 128
	actual=${actual%% *}
	in_chain "$said" || in_chain "$actual" || return 0
	! grep -F -x "$1" "$tmp/replaced" >/dev/null ||
		wrong "tag '${2#refs/tags/}' is replaced (see git-replace(1))"
	if test "$said" = "$actual"; then
		check_signature tag "$1" "$said"
	else
		wrong "tag '${2#refs/tags/}' says 'Casg-Version: $db $said', but VERSION is $actual"
	fi
}

# A signature covers its version and, since it names them, all before it:
# $nversions, $nsigned.
count_covered () {
	: >>"$tmp/signed"
	awk -F '\t' '
		FILENAME == ARGV[1] { covered[$1] = 1; next }
		{ if (!($2 in previous)) n++; previous[$2] = $4 }
		END {
			for (more = 1; more; ) {
				more = 0
				for (id in previous) {
					if (!(id in covered))
						continue
					k = split(previous[id], p, ",")
					for (i = 1; i <= k; i++)
						if (!(p[i] in covered)) { covered[p[i]] = 1; more = 1 }
				}
			}
			for (id in previous)
				signed += id in covered
			print n + 0, signed + 0
		}' "$tmp/signed" "$tmp/chain" >"$tmp/counts"
	read -r nversions nsigned <"$tmp/counts"
}

# ---- one database

# plumbing OPTION...: casg-verify-version's answer, noted.
plumbing () {
	casg-verify-version ${opt_from:+--from="$opt_from"} ${opt_to:+--to="$opt_to"} \
		${opt_threads:+--threads="$opt_threads"} ${opt_memory:+--memory="$opt_memory"} \
		${opt_quiet:+--quiet} "$@" -- "$tip:$db"
	status=$?
	case $status in
	0) ;;
	1) wrong=1 ;;
	129) exit 129 ;;
	*) unanswered=1 ;;
	esac
	return "$status"
}

verify () {
	wrong=0 unanswered=0
	: >"$tmp/signed"
	plumbing --chain >"$tmp/chain"
	if test -s "$tmp/chain"; then
		check_replaced "$tip"
		check_commits
		check_tags
		plumbing --content ${opt_roots:+--roots} >/dev/null
		count_covered
		conclude
	fi
	any_wrong=$((any_wrong | wrong)) any_unanswered=$((any_unanswered | unanswered))
}

conclude () {
	if test -n "$opt_require_signature" && test "$nsigned" != "$nversions"; then
		wrong "$db: $((nversions - nsigned)) of $nversions versions are unsigned"
	fi
	case $nsigned in
	0) signed=unsigned ;;
	"$nversions") signed=signed ;;
	*) signed="$nsigned of them signed" ;;
	esac
	# then nothing but trees may have been looked at
	unread=''
	if test -n "$opt_roots" && casg_lacks_packs; then
		unread='; sequences that are not here by choice were not read'
	fi
	test "$wrong$unanswered" != 00 || say "$db: $nversions versions verified, $signed$unread"
}

# Every pack that one of the storages says it has is read from all of them.
verify_quorum () {
	test $# != 0 || usage_die "--quorum needs the names of storages"
	test -z "$opt_from$opt_to$opt_require_signature$opt_roots$opt_threads$opt_memory" ||
		usage_die "--quorum goes with --quiet only"
	casg_storages "$tmp/all"
	casg_named_storages "$tmp/mine" "$@"
	test "$(wc -l <"$tmp/mine")" -ge "$opt_quorum" ||
		usage_die "there are fewer than $opt_quorum storages"
	casg_check_copies "$tmp/mine" ${opt_quiet:+-q} --copies="$opt_quorum"
	status=$?
	test $status -le 1 || exit 128
	awk -F '\t' '$2 != "good" { print "pack " $1 " is " $2 " at " $3 }' "$tmp/copies" || exit 128
	test -n "$opt_quiet" ||
		say "$(($(wc -l <"$tmp/packs"))) packs in $(($(wc -l <"$tmp/mine"))) storages"
	exit $status
}

casg_options 0 - "$@"
eval "$casg_set"
case $opt_quorum in
"") test $# -le 1 || usage_die "too many arguments" ;;
0 | ???*) usage_die "bad value '$opt_quorum' of --quorum: wanted 1 to 99" ;;
esac
casg_repo
casg_scratch verify
test -z "$opt_quorum" || verify_quorum "$@"

find_databases "$@"
git replace --list >"$tmp/replaced" || exit 128
while IFS= read -r db; do
	verify
done <"$tmp/databases"
test $any_wrong = 0 || exit 1
test $any_unanswered = 0 || exit 128
exit 0
