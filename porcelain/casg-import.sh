#!/bin/sh
# casg import - FASTA files become the next version of a database.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg import [--quiet] [--resume] [--update] [--database NAME] [-m MESSAGE] [-S] [--release LABEL] [--sequence-time TIME] [--valid-until TIME] [--taxonomy [REV:]NAME | --no-taxonomy] [--allow-empty] [--allow-missing-newline] [--accept-shrink] [--expect-records N] [--expect-sha256 HEX]... [--no-checksum-file] [--storage NAME [--local-disk SIZE]] [--threads N] [--memory SIZE] FILE...
--
q,quiet             say nothing unless it fails
resume              take up what was interrupted, and leave what is finished when this is
u,update            add and replace records, all others stay
d,database=NAME     the database (default: the stem of the only FILE)
m,message=MESSAGE   the commit message
S,gpg-sign~         sign the commit (default: commit.gpgSign); --no-gpg-sign: do not
release=LABEL       what its publisher calls the release
sequence-time=TIME  when the release is of (default: now)
valid-until=TIME    from when on it is not in force, whatever follows
taxonomy+[REV:]NAME the taxonomy it is read under by default (default: that of the version before)
no-taxonomy         none
allow-empty         accept input without any record
allow-missing-newline  accept a file without newline at its end where the version before has one
accept-shrink       accept that more than casg.shrinkLimit percent of the records go
expect-records=N    refuse any other number of records
expect-sha256+HEX   refuse a FILE with another SHA-256; once for each FILE
checksum-file~      compare with FILE.md5 or md5checksums.txt beside it (default)
storage=NAME        send packs to the storages of NAME as they are finished, and commit when all are there
local-disk%SIZE     with --storage: of its packs so much stays here at most (default: 4g)
threads#N           workers (default: casg.threads)
memory%SIZE         memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-commit.sh
. "${0%/*}/casg-sh-commit"
# shellcheck source=porcelain/casg-sh-versions.sh
. "${0%/*}/casg-sh-versions"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"
# shellcheck source=porcelain/casg-sh-sent.sh
. "${0%/*}/casg-sh-sent"
# shellcheck source=porcelain/casg-sh-send.sh
. "${0%/*}/casg-sh-send"
# shellcheck source=porcelain/casg-sh-upload.sh
. "${0%/*}/casg-sh-upload"

# ---- which database

# stem FILE: its name without folder, compression and FASTA suffix.
stem () {
	name=${1##*/}
	case $name in
	?*.gz | ?*.bgz | ?*.bz2 | ?*.xz | ?*.zst) name=${name%.*} ;;
	?*.bgzf) name=${name%.*} ;;
	esac
	case $name in
	?*.fasta | ?*.fa | ?*.fna | ?*.faa | ?*.ffn | ?*.frn | ?*.fas) name=${name%.*} ;;
	esac
}

# Set $db, from --database or the files.
choose_database () {
	db=$opt_database
	test -z "$db" || return 0
	for file in "$@"; do
		test "x$file" != x- || usage_die "standard input needs --database"
		stem "$file"
		test -z "$db" || test "$db" = "$name" ||
			usage_die "several files need --database"
		db=$name
	done
}

# Set $taxonomy, a version id: what the options say, else as it was.
choose_taxonomy () {
	if test -z "$opt_taxonomy"; then
		taxonomy=
		test -n "$opt_no_taxonomy" || casg_get_old taxonomy taxonomy
		return
	fi
	test -z "$opt_no_taxonomy" || usage_die "--taxonomy and --no-taxonomy exclude each other"
	casg_rev=HEAD
	eval "set -- $opt_taxonomy"
	test $# = 1 || usage_die "--taxonomy is given twice"
	case $1 in
	*:*) casg_rev=${1%:*} ;;
	esac
	case ${1##*:} in
	"" | *.map) usage_die "'$1' is not a taxonomy: wanted [REV:]NAME" ;;
	esac
	taxonomy=$(casg-read-version --id "$casg_rev:taxonomy/${1##*:}") || exit 128
}

# ---- the steps

pack_records () {
	if test -n "$opt_expect_sha256"; then
		eval "set -- $opt_expect_sha256 -- \"\$@\""
		options=1
		for word in "$@"; do
			shift
			case $options$word in
			1--) options='' ;;
			1*) word=--expect-sha256=$word ;;
			esac
			set -- "$@" "$word"
		done
	else
		set -- -- "$@"
	fi
	casg_become "$tmp/pack.pid" casg-pack \
		${opt_quiet:+--quiet} ${opt_allow_empty:+--allow-empty} \
		${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} \
		${opt_expect_records:+--expect-records="$opt_expect_records"} \
		${check_files:+--checksum-files} \
		--state="$casg_state" --operation="$operation $db" ${opt_resume:+--resume} \
		${opt_storage:+--announce="$tmp/announced"} ${opt_local_disk:+--most-here="$opt_local_disk"} \
		--facts="$tmp/pack.facts" "$@"
}

make_tree () {
	set -- --quiet \
		${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} \
		--facts="$tmp/tree.facts"
	if test -n "$opt_update"; then
		set -- casg-update-tree "$@" \
			${expect_newline:+--expect-newline} --previous="$tmp/old"
	elif test -n "$previous"; then
		set -- casg-mktree "$@" --base="$base" --base-order="$base_order" --previous="$tmp/old" \
			${expect_newline:+--expect-newline} ${limit_shrink:+--limit-shrink}
	else
		set -- casg-mktree "$@"
	fi
	casg_become "$tmp/tree.pid" "$@"
}

write_version () {
	nfiles=$#
	for file in "$@"; do
		# a hundred thousand genomes are known by their digest only
		test "$nfiles" -gt 64 || set -- "$@" --source="${file##*/}"
	done
	shift "$nfiles"
	# what is updated is not what was read
	test -z "$opt_update" || source_sha256=
	test -z "$taxonomy" || set -- "$@" --taxonomy="$taxonomy"
	casg_write_version ${source_sha256:+--source-sha256="$source_sha256"} "$@"
}

# ---- main

casg_options 1 - "$@"
eval "$casg_set"
choose_database "$@"
casg_repo
casg_find_sign
casg_check_name "; --database gives another one"
casg_begin import
casg_read_head
casg_get_old base records
casg_get_old base_order order
check_files=1 expect_newline=1 limit_shrink=1
test "$opt_checksum_file" != 0 || check_files=
test -z "$opt_allow_missing_newline" || expect_newline=
test -z "$opt_accept_shrink" || limit_shrink=
if test -n "$opt_update"; then
	test -n "$previous" || die "there is no database '$db' in HEAD to be updated"
fi
choose_taxonomy "$@"
operation=import
test -z "$opt_update" || operation=update
casg_name_state "$operation" "$db"
if test -n "$opt_resume"; then
	casg_keep_state=1
	test -n "$opt_quiet" || test -e "$casg_state" || echo "nothing to take up: from the beginning" >&2
else
	! test -e "$casg_state" || rm -f "$casg_state" || exit 128
fi
test -n "$opt_storage" || test -z "$opt_local_disk" || usage_die "--local-disk goes with --storage"
if test -n "$opt_storage"; then
	opt_local_disk=${opt_local_disk:-4g}
	casg_choose_storages "$opt_storage"
	casg_start_upload
fi
casg_start_pipe pack_records make_tree "$@"
# whether the result can be committed is found out meanwhile; if not, what the
# pipeline has written goes away again
casg_refuse_local_edits
casg_wait_pipe
test -z "$opt_storage" || casg_end_upload

casg_facts "$tmp/pack.facts" "$tmp/tree.facts"
write_version "$@"
! casg_is_same || casg_nothing 0 "already up to date: $db ($records records)"
verb=import what="$records records"
test -z "$opt_update" || verb=update what="$added records added, $replaced replaced"
message=$opt_message
test -n "$message" ||
	message="$verb $db: ${opt_release:+release $opt_release, }$what"
test -z "$opt_storage" || casg_upload_version
casg_commit_version "$message"
if test -n "$opt_storage"; then
	casg_unlock refs
	(casg_send_records) || die "$db is committed, but the storages of '$opt_storage' do not know it: 'casg push' tells them"
fi
if test -n "$opt_quiet"; then
	:
elif test -n "$opt_update"; then
	echo "$db: $what, $same as they were, $records in all, $bytes_in bytes in, $stored bytes stored" || exit 128
else
	echo "$db: $records records, $new new, $known already known, $bytes_in bytes in, $stored bytes stored" || exit 128
fi
casg_end
