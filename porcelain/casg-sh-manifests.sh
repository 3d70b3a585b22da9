# shellcheck shell=sh
# casg-sh-manifests - versions in a storage, where there is no Git host: what
# refs there are, and Git's objects as packs of Git's.  After casg-sh-setup,
# casg-sh-repo and casg_repo, with a folder for scratch files in $tmp:
#
#	# shellcheck source=porcelain/casg-sh-manifests.sh
#	. "${0%/*}/casg-sh-manifests"
#	casg_is_store URL               is it a storage and nothing that git knows?
#	casg_read_manifests URL         $tmp/manifests; 1 if there are none
#	casg_fetch_manifests URL        Git's objects of all that it names
#	casg_write_manifests URL FILE   FILE: lines "ID REF", what is to be there
#
# The objects manifests/N, N = 1, 2, 3 and so on, are texts:
#
#	casg-manifests 1
#	serial N
#	head REF                what is checked out by default
#	pack SHA-256 BYTES      the object git/SHA-256, one after the other
#	ref ID REF              sorted by REF: branches, tags, reduction profiles
#
# and that with the highest number counts.  They are stored with put-new and never
# change: of two who write at the same time one gets the number, and the other
# reads what the first has written and tries the next.  The object MANIFESTS is
# a copy of one of them, the last or one not long before it: where to begin to look.
#
# $opt_force lets refs move to what is no descendant.
# shellcheck disable=SC2154 # scripts set $tmp and opt_*

casg_is_store () {
	case $1 in
	http://* | https://* | file://* | ssh://* | git://* | ftp://* | ftps://* | git+ssh://* | ssh+git://*) return 1 ;;
	[a-z]*://*) casg_check_url "$1" ;;
	*) return 1 ;;
	esac
}

# casg_get_manifests URL OBJECT FILE: 1 if there is none.
casg_get_manifests () {
	casg-copy-object --url="$1" --get="$2" >"$3"
	case $? in
	0) ;;
	1) return 1 ;;
	*) exit 128 ;;
	esac
	LC_ALL=C awk -v max=100000 '
		length($0) > 2000 || /[^!-~ ]/ || NR > max { bad = 1; exit }
		NR == 1 { bad = $0 != "casg-manifests 1"; if (bad) exit; next }
		/^serial [1-9][0-9]*$/ && NR == 2 && length($2) < 10 { next }
		/^head refs\/heads\/[^ ]+$/ && NR == 3 { next }
		/^pack [0-9a-f]+ [0-9]+$/ && length($2) == 64 && length($3) < 13 && !refs && NR > 2 { next }
		/^ref [0-9a-f]+ refs\/(heads|tags|casg\/profiles)\/[^ ]+$/ && (length($2) == 40 || length($2) == 64) && $3 > last && NR > 2 { last = $3; refs = 1; next }
		{ bad = 1; exit }
		END { exit bad || NR < 2 }' "$3" || die "the manifests at '$(casg_printable "$1")' are malformed"
}

# $casg_serial: of what is read.
casg_read_manifests () {
	casg_serial=0
	if casg_get_manifests "$1" MANIFESTS "$tmp/manifests"; then
		casg_serial=$(sed -n 's/^serial //p' "$tmp/manifests")
	fi
	casg_steps=0
	while casg_get_manifests "$1" "manifests/$((casg_serial + 1))" "$tmp/later"; do
		casg_serial=$((casg_serial + 1)) casg_steps=$((casg_steps + 1))
		grep -qx "serial $casg_serial" "$tmp/later" && test $casg_steps -le 10000 ||
			die "the manifests at '$(casg_printable "$1")' are malformed"
		mv "$tmp/later" "$tmp/manifests" || exit 128
	done
	test "$casg_serial" != 0
}

# Those that were read before are known by their digests.
casg_fetch_manifests () {
	casg_known=$CASG_PATH/state/git-packs
	test -e "$casg_known" || : >"$casg_known" || exit 128
	sed -n 's/^pack \([0-9a-f]*\) [0-9]*$/\1/p' "$tmp/manifests" | while read -r casg_id; do
		! grep -qx "$casg_id" "$casg_known" || continue
		casg-copy-object --url="$1" --get="git/$casg_id" >"$tmp/git.pack" ||
			die "cannot get 'git/$casg_id' from '$(casg_printable "$1")'"
		casg_sum=$(sha256sum "$tmp/git.pack") || exit 128
		test "${casg_sum%% *}" = "$casg_id" || die "'git/$casg_id' has other bytes than its name says"
		git index-pack --stdin --fix-thin --strict <"$tmp/git.pack" >/dev/null || exit 128
		echo "$casg_id" >>"$casg_known" || exit 128
	done || exit 128
}

# Refs that are there move forward only, to what has theirs among its ancestors.
casg_check_forward () {
	test -z "${opt_force-}" || return 0
	while read -r casg_new casg_ref; do
		casg_old=$(sed -n "s|^ref \([0-9a-f]*\) $casg_ref\$|\1|p" "$tmp/manifests")
		case $casg_old in
		"" | "$casg_new") continue ;;
		esac
		case $casg_ref in
		refs/casg/*) die "the profile '$casg_ref' is another one there (--force)" ;;
		esac
		git cat-file -e "$casg_old" 2>/dev/null ||
			die "'$casg_ref' is at $casg_old there, which is not here: fetch first, or --force"
		case $casg_ref in
		refs/tags/*) die "the tag '$casg_ref' is another one there (--force)" ;;
		esac
		git merge-base --is-ancestor "$casg_old" "$casg_new" ||
			die "'$casg_ref' is no descendant of what is there (--force)"
	done <"$1"
}

# The next manifests to $tmp/next, and Git's objects that they need there.
casg_make_manifests () {
	casg_check_forward "$2"
	{
		cut -d ' ' -f 1 "$2" && sed -n 's/^ref \([0-9a-f]*\) .*/\1/p' "$tmp/manifests" |
			git cat-file --batch-check='%(objecttype) %(objectname)' | sed -n 's/^[a-z]* \([0-9a-f]*\)$/^\1/p'
	} >"$tmp/revs" && git pack-objects --revs --stdout -q <"$tmp/revs" >"$tmp/git.pack" || exit 128
	: >"$tmp/new-pack" || exit 128
	# 12 bytes before no object, and a checksum
	if test "$(wc -c <"$tmp/git.pack")" -gt 44; then
		casg_object=$(casg-copy-object --url="$1" --put-digest=git/ <"$tmp/git.pack") || exit 128
		echo "pack ${casg_object#git/} $(($(wc -c <"$tmp/git.pack")))" >"$tmp/new-pack" || exit 128
	fi
	casg_head=$(git symbolic-ref --quiet HEAD) || casg_head=
	casg_head_there=$(sed -n 's/^head //p' "$tmp/manifests")
	{
		echo "casg-manifests 1"
		echo "serial $((casg_serial + 1))"
		casg_head=${casg_head_there:-$casg_head}
		test -z "$casg_head" || echo "head $casg_head"
		grep '^pack ' "$tmp/manifests" | grep -vxF -f "$tmp/new-pack"
		cat "$tmp/new-pack"
		awk 'FILENAME == ARGV[1] { new[$2] = $1; next }
			$1 == "ref" && !($3 in new) { print }
			END { for (name in new) print "ref", new[name], name }' "$2" "$tmp/manifests" | LC_ALL=C sort -k 3
	} >"$tmp/next"
}

# Do the two say the same, but for their number?
casg_same_manifests () {
	sed '/^serial /d' "$1" >"$tmp/one" && sed '/^serial /d' "$2" | cmp -s "$tmp/one" -
}

casg_write_manifests () {
	for casg_try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		casg_read_manifests "$1" || : >"$tmp/manifests" || exit 128
		casg_make_manifests "$1" "$2"
		! casg_same_manifests "$tmp/next" "$tmp/manifests" || return 0
		casg-copy-object --url="$1" --put-new="manifests/$((casg_serial + 1))" <"$tmp/next"
		case $? in
		0 | 1) ;;
		*) exit 128 ;;
		esac
		# who has got the number?  Not every storage lets one only win, and an answer may be lost
		if casg_get_manifests "$1" "manifests/$((casg_serial + 1))" "$tmp/later" && cmp -s "$tmp/next" "$tmp/later"; then
			casg-copy-object --url="$1" --put=MANIFESTS <"$tmp/next" || exit 128
			return 0
		fi
		# not all again at the same moment
		sleep "0.$((($$ + casg_try) % 7 + 1))"
	done
	die "others write to '$(casg_printable "$1")' all the time"
}
