#!/bin/sh
# demo.sh [FILE] - casg's main job, every command shown as one would type it.
#
# With casg (and, without FILE, casg-gen from t/helper) on PATH.  Works in a
# temporary folder, which is kept when CASG_DEMO_KEEP is set.

die () {
	printf 'fatal: %s\n' "$*" >&2
	exit 128
}

say () {
	printf '\n# %s\n' "$*"
}

# show 'COMMAND': print it, run it, stop if it fails.
show () {
	printf '$ %s\n' "$1"
	eval "$1" || die "that command failed"
}

# The command that gives a file's decompressed bytes, by its first bytes.
reader_of () {
	case $(od -An -tx1 -N4 "$1" | tr -d ' \n') in
	1f8b*) echo "gzip -dc" ;;
	28b52ffd) echo "zstd -dc" ;;
	fd377a58) echo "xz -dc" ;;
	425a68*) echo "bzip2 -dc" ;;
	*) echo "cat" ;;
	esac
}

# A later release: a record in 50 goes, one changes, one gets a new description.
edit () {
	LC_ALL=C awk '
		/^>/ { n++; gone = n % 50 == 7; change = n % 50 == 23
		       if (n % 50 == 41) { sub(/\r?$/, " revised&") } }
		gone { next }
		change && !/^[>;]/ && length($0) > 3 {
			$0 = substr($0, 1, 1) substr($0, 3); change = 0 }
		{ print }'
}

command -v casg >/dev/null || die "casg is not on PATH; run './bootstrap demo'"
case ${1-} in
"" | /*) ;;
*) set -- "$PWD/$1" ;;
esac
dir=$(mktemp -d "${TMPDIR:-/tmp}/casg-demo.XXXXXX") || die "no temporary folder"
if test -z "${CASG_DEMO_KEEP-}"; then
	trap 'rm -rf "$dir"' EXIT
	trap 'exit 130' INT TERM
fi
cd "$dir" || die "cannot change to '$dir'"

if test -z "$(git config user.email)"; then
	say "Git wants to know who commits"
	show "export GIT_AUTHOR_NAME='A Curator' GIT_AUTHOR_EMAIL=curator@example.org"
	show "export GIT_COMMITTER_NAME='A Curator' GIT_COMMITTER_EMAIL=curator@example.org"
fi

if test $# = 0; then
	db=proteins
	say "Two releases of a made-up protein database"
	show 'casg-gen --seed 1 --type protein --records 20000 --length 350 --family 0.5 >release-1.fasta'
	show 'casg-gen --seed 2 --mutate release-1.fasta --add 3 --remove 1 --change 0.3 --describe 1 >release-2.fasta'
	one=release-1.fasta
	# shellcheck disable=SC2016 # shown as it is
	filter='$4 == "83333"'
	what="Only Escherichia coli K12 (taxon 83333)"
else
	db=database
	one=$1
	# shellcheck disable=SC2016 # shown as it is
	filter='$3 >= 300'
	what="Only sequences of at least 300 residues"
fi
quoted=$(printf '%s' "$one" | sed "s/'/'\\\\''/g; s/.*/'&'/")
case $one in
*[!A-Za-z0-9_./-]*) ;;
*) quoted=$one ;;
esac

say "A repository, and the first release in it"
show 'casg init demo'
show 'cd demo'
case $one in
/*) ;;
*) quoted=../$quoted one=../$one ;;
esac
show "casg import --database $db --release 1 -m 'Release 1' $quoted"
if test $# = 1; then
	say "The second release: the first with some edits"
	casg export $db | edit >../release-2.fasta || die "cannot edit the file"
fi
say "The second release: only what is new is stored"
show "casg import --database $db --release 2 -m 'Release 2' ../release-2.fasta"

say "The history, an ordinary Git history"
show "casg log"

say "One record, by accession"
# of the first records, the last whose key needs no quoting
key=$(casg ls $db | awk -F '\t' '
	NR <= 42 && !/^#casg/ && $1 ~ /^[A-Za-z0-9_][A-Za-z0-9_.:|\/-]*$/ { k = $1 }
	END { print k }')
case $key in
[a-z][a-z]"|"*"|"*)
	key=${key#*"|"}
	key=${key%%"|"*}
	;;
esac
test -z "$key" || show "casg cat $db '$key'"

say "$what, through awk"
show "casg ls $db | awk -F'\\t' '$filter' | casg assemble >../subset.fasta"
show "grep -c '^>' ../subset.fasta || true"

say "Each release comes back byte for byte"
show "casg export $db | sha256sum"
show "sha256sum <../release-2.fasta"
show "casg export HEAD~1:$db | sha256sum"
reader=$(reader_of "$one")
if command -v "${reader%% *}" >/dev/null; then
	if test "$reader" = cat; then
		show "sha256sum <$quoted"
	else
		show "$reader <$quoted | sha256sum"
	fi
	before=$($reader <"$one" | sha256sum)
	after=$(casg export "HEAD~1:$db" | sha256sum)
	test "$before" = "$after" || die "release 1 did not come back as it was"
fi
test "$(sha256sum <../release-2.fasta)" = "$(casg export $db | sha256sum)" ||
	die "release 2 did not come back as it was"

say "What it costs on disk"
show "du -Lch $quoted ../release-2.fasta | tail -n 1"
show "du -sh .git/casg"
show "casg count-objects -v"
test -z "${CASG_DEMO_KEEP-}" || say "kept in $dir"
