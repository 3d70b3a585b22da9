#!/bin/sh
# casg state - what was interrupted and can be taken up.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg state [list]
casg state drop [--quiet] NAME...
--
q,quiet  say nothing unless it fails
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-saved.sh
. "${0%/*}/casg-sh-saved"

# describe FILE: its line.  What is not as casg-pack writes it is named and no more.
describe () {
	casg_name=${1##*/}
	# what casg reduce has decided counts itself
	casg_decided=$(wc -c 2>/dev/null <"${1%.state}.work/decisions") || casg_decided=''
	awk -v name="${casg_name%.state}" -v decided="$casg_decided" '
		BEGIN { OFS = "\t" }
		NR == 1 { ok = $0 == "casg-state 1"; next }
		$1 == "pack" { packs++; next }
		{ of[$1] = $2 }
		END {
			for (i in of)
				n++
			if (decided != "") {
				of["read"] = decided + 0
				of["records"] = int(decided / 24)
			}
			if (!ok || n != 7 || of["read"] !~ /^[0-9]+$/ || of["records"] !~ /^[0-9]+$/ ||
			    of["total"] !~ /^[0-9]+$/ || of["casg"] !~ /^[0-9A-Za-z.+~-]+$/ || of["digest"] !~ /^[0-9a-f]+$/)
				print name, "damaged"
			else
				print name, of["records"], of["read"], of["total"] + 0 ? of["total"] : "-", packs + 0, of["casg"], of["digest"]
		}' "$1"
}

list () {
	test $# = 0 || usage_die "'list' takes no argument"
	for file in "$CASG_PATH"/state/*.state; do
		test ! -f "$file" || describe "$file" || exit 128
	done
}

drop () {
	test $# != 0 || usage_die "which? 'casg state' lists what there is"
	casg_at_exit casg_let_go
	casg_lock import nowait || die "an import or gc is at work"
	for name; do
		case $name in
		*/* | "") usage_die "'$name' is not the name of a saved state" ;;
		esac
		test -f "$CASG_PATH/state/$name.state" || {
			echo "error: there is no saved state '$name'" >&2
			exit 1
		}
	done
	for name; do
		casg_name_saved "$name"
		what="'casg gc' deletes its packs when they are old enough"
		test ! -d "$casg_saved_dir" || what="what was finished is gone"
		casg_drop_saved
		test -n "$opt_quiet" || echo "$name: dropped; $what" || exit 128
	done
}

casg_options 0 - "$@"
eval "$casg_set"
casg_repo
verb=${1-list}
test $# = 0 || shift
case $verb in
list | drop) $verb "$@" ;;
*) usage_die "unknown word '$verb'" ;;
esac
