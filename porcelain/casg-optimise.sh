#!/bin/sh
# casg optimise - make the packs smaller, and say what that brings.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg optimise [--strategy=NAME]... [--target-savings=SIZE] [--dry-run | --resume] [--window=SIZE] [--threads=N] [--memory=SIZE] [--quiet]
casg optimise --archive-before=TIME --storage=NAME [--dry-run] [--window=SIZE] [--threads=N] [--memory=SIZE] [--quiet]
casg optimise --analyse [--archive-before=TIME] [--memory=SIZE]
casg optimise --estimate [--archive-before=TIME] [--window=SIZE] [--threads=N] [--memory=SIZE]
--
analyse               tell duplicates, dead space, fragmentation; change nothing
estimate              try each strategy by itself, and tell what it would save
archive-before=TIME   also what only versions before TIME need; with --storage, move it away
storage=NAME          the storages of NAME have it from then on
strategy+NAME         only this: gc, deduplication, delta or compression
target-savings=SIZE   stop when so much is saved, as 2g or 30%
resume                take up what was interrupted, and leave what is finished when this is
n,dry-run             only say what would be done
window%SIZE           residues to order and compress together
threads#N             workers; 0: one a processor
memory%SIZE           memory to use, as 256m
q,quiet               say nothing unless it fails
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-versions.sh
. "${0%/*}/casg-sh-versions"
# shellcheck source=porcelain/casg-sh-saved.sh
. "${0%/*}/casg-sh-saved"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"
# shellcheck source=porcelain/casg-sh-sent.sh
. "${0%/*}/casg-sh-sent"
# shellcheck source=porcelain/casg-sh-send.sh
. "${0%/*}/casg-sh-send"

tmp=''
level=19 match=16 # what is thorough

say () {
	test -n "$opt_quiet" || echo "$*" || exit 128
}

# Bytes of the packs and indexes in folders, and what else is there.
size_of () {
	find "$@" -type f -exec ls -ln {} + >"$tmp/files" || exit 128
	awk '{ n += $5 } END { printf "%.0f\n", n }' "$tmp/files" || exit 128
}

# share PART WHOLE: in percent, with one decimal.
share () {
	awk -v part="$1" -v whole="$2" 'BEGIN { printf "%.1f", whole ? 100 * part / whole : 0 }'
}

# ---- analysis

analyse () {
	casg_list_versions "$tmp" >"$tmp/versions"
	casg-analyse-packs ${opt_archive_before:+--before="$opt_archive_before"} \
		${opt_memory:+--memory="$opt_memory"} <"$tmp/versions" >"$tmp/facts" || exit
	now=$(($(fact pack-bytes) + $(fact index-bytes)))
}

fact () {
	sed -n "s/^$1 //p" "$tmp/facts"
}

print_analysis () {
	cat <<-END || exit 128
		packs:          $(fact packs), $now bytes with their indexes
		versions:       $(fact versions)
		unneeded packs: $(fact unneeded-packs), $(fact unneeded-bytes) bytes
		dead space:     $(fact dead-objects) objects, $(fact dead-bytes) bytes
		duplicates:     $(fact duplicate-objects) objects, $(fact duplicate-bytes) bytes
		small chunks:   $(fact small-chunks) of $(fact sequence-chunks)
		fragmentation:  $(awk -v d="$(fact newest-decoded)" -v w="$(fact newest-residues)" \
			'BEGIN { printf "%.2f", w ? d / w : 0 }') residues read for one of the newest versions
	END
	test -z "$opt_archive_before" ||
		echo "old versions:   $(fact old-objects) objects, $(fact old-bytes) bytes that only versions before $opt_archive_before need" ||
		exit 128
}

# What moving old sequences away saves: their ids stay.
archivable () {
	echo "$(($(fact old-sequence-bytes) - $(fact old-id-bytes)))"
}

# ---- estimates

# try MATCH LEVEL: $bytes of packs of all versions, which are written and thrown away.
try () {
	rm -rf "$tmp/into" && mkdir "$tmp/into" || exit 128
	casg-pack-versions --into="$tmp/into" ${1:+--match="$1"} ${2:+--compression="$2"} \
		${opt_window:+--window="$opt_window"} ${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} <"$tmp/versions" >"$tmp/tried" || exit
	bytes=$(size_of "$tmp/into") || exit
	rm -rf "$tmp/into"
}

# print_estimate STRATEGY BYTES
print_estimate () {
	printf '%-15s %15s  %5s %%\n' "$1" "$2" "$(share "$2" "$now")" || exit 128
}

estimate () {
	unneeded=$(fact unneeded-bytes)
	try '' ''
	plain=$bytes
	try "$match" ''
	delta=$((plain - bytes))
	try '' "$level"
	compression=$((plain - bytes))
	try "$match" "$level"
	printf '%-15s %15s\n' "strategy" "bytes saved" || exit 128
	print_estimate gc "$unneeded"
	print_estimate deduplication "$(fact duplicate-bytes)"
	print_estimate repacking "$((now - unneeded - plain))"
	print_estimate delta "$delta"
	print_estimate compression "$compression"
	test -z "$opt_archive_before" || print_estimate archiving "$(archivable)"
	print_estimate together "$((now - bytes))"
	# for the run, to be held against it
	{ echo "$now $bytes" >"$tmp/state" && mv "$tmp/state" "$CASG_PATH/state/optimise"; } || exit 128
}

# ---- the run

# Has enough been saved?
reached () {
	test -n "$target" || return 1
	test "$((before - $(size_of "$CASG_PATH/packs")))" -ge "$target"
}

# wanted NAME...: is one of these to be done?
wanted () {
	test -n "$strategies" || return 0
	for name; do
		case " $strategies " in
		*" $name "*) return 0 ;;
		esac
	done
	return 1
}

# What is to be done: the settings, and the versions.
print_plan () {
	casg_list_versions "$tmp" >"$tmp/versions" || exit 128
	plan=$(sha256sum <"$tmp/versions") || exit 128
	casg_print_saved "optimise strategy=$strategies target=$opt_target_savings window=$opt_window memory=$opt_memory" \
		"$before" "$1" "${plan%% *}" "$done_steps"
}

# So many steps are done; casg repack has its own, for the one under way.
save_steps () {
	bytes=$(size_of "$CASG_PATH/packs") || exit
	print_plan "$bytes" >"$tmp/saved" && mv "$tmp/saved" "$casg_saved" || exit 128
}

# take_up: $done_steps and $before of what was interrupted.
take_up () {
	casg_takes_up || return 0
	print_plan 0 >"$tmp/plan"
	casg_check_saved "$tmp/plan" '^(total|read|records) '
	saved_total=$(sed -n 's/^total \([0-9]\{1,18\}\)$/\1/p' "$casg_saved")
	saved_steps=$(sed -n 's/^records \([0-9]\{1,2\}\)$/\1/p' "$casg_saved")
	test -n "$saved_total" && test -n "$saved_steps" || die "'$casg_saved': the saved state is damaged"
	before=$saved_total done_steps=$saved_steps
}

# step WHAT COMMAND...: unless enough is saved; every strategy that applies.
step () {
	what=$1
	shift
	if test -n "$opt_dry_run"; then
		say "would run: $*"
		return
	fi
	step=$((step + 1))
	test $step -gt "$done_steps" || return 0
	! reached || return 0
	old=$(size_of "$CASG_PATH/packs") || exit
	"$@" --quiet || exit
	new=$(size_of "$CASG_PATH/packs") || exit
	done_steps=$step
	save_steps
	say "$what: $((old - new)) bytes saved"
}

# repack WHAT MATCH LEVEL
repack () {
	step "$1" casg-repack --optimise -d ${opt_resume:+--resume} --match="$2" --compression="$3" \
		${opt_window:+--window="$opt_window"} ${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"}
}

setting () {
	git config --get "$1" || echo "$2"
}

run () {
	before=$(size_of "$CASG_PATH/packs") || exit
	step=0 done_steps=0
	if test -z "$opt_dry_run"; then
		casg_name_saved optimise
		take_up
		save_steps
	fi
	case $opt_target_savings in
	*%) target=$((before * ${opt_target_savings%\%} / 100)) ;;
	esac
	as_is_match=$(setting casg.match 64)
	as_is_level=$(setting casg.compression 2)
	! wanted gc || step gc casg-gc
	# each of these writes everything anew: one by one only if one may be enough
	if test -n "$target"; then
		! wanted deduplication || repack deduplication "$as_is_match" "$as_is_level"
		! wanted delta || repack delta "$match" "$as_is_level"
		! wanted compression || repack compression "$match" "$level"
	else
		wanted delta || match=$as_is_match
		wanted compression || level=$as_is_level
		! wanted deduplication delta compression || repack repacking "$match" "$level"
	fi
	test -z "$opt_dry_run" || return 0
	after=$(size_of "$CASG_PATH/packs") || exit
	say "$before bytes before, $after now: $(share "$((before - after))" "$before") % saved"
	compare
	casg_drop_saved
	test -z "$target" || test "$((before - after))" -ge "$target"
}

# What was estimated of these packs against what has come of it.
compare () {
	test -z "$opt_strategy$target" && test -f "$CASG_PATH/state/optimise" || return 0
	read -r estimated_before estimated_after <"$CASG_PATH/state/optimise" || return 0
	rm -f "$CASG_PATH/state/optimise"
	test "$estimated_before" = "$before" || return 0
	say "the estimate was $estimated_after bytes, off by $(share "$((after - estimated_after))" "$after") %"
}

# ---- archiving

# Bytes of packs, and of what stands in the place of those that are elsewhere.
size_here () {
	set -- "$CASG_PATH/packs" "$CASG_PATH/partial"
	test -d "$2" || set -- "$1"
	size_of "$@"
}

# Packs are not divided by databases: a storage takes all of them or is no place for this.
choose_archives () {
	casg_writable_storages "$tmp/storages" "$opt_storage"
	git rev-list --all >"$tmp/tips" && casg_list_blobs "$tmp" VERSION <"$tmp/tips" >"$tmp/pairs" &&
	sed -n 's|^[^ ]* \(.*\)/VERSION$|\1|p' "$tmp/pairs" | sort -u >"$tmp/databases" || exit 128
	while IFS= read -r line <&4; do
		while IFS= read -r name; do
			casg_is_taken "$name" "${line##*"$casg_tab"}" ||
				die "the storage '${line%%"$casg_tab"*}' does not take the database '$name'"
		done <"$tmp/databases"
	done 4<"$tmp/storages"
	test ! -s "$CASG_PATH/borrowers" || die "packs of this repository are lent: they stay here"
}

# The packs with sequences that only old versions need, $tmp/apart, and all that these
# versions need, $tmp/send.
list_archived () {
	analyse
	casg-read-version --blobs --before="$opt_archive_before" <"$tmp/versions" >"$tmp/old" &&
	cut -d ' ' -f 2 "$tmp/old" | casg-reachable-packs --long | sort >"$tmp/send" &&
	fact old-pack | sort >"$tmp/old-packs" && join "$tmp/send" "$tmp/old-packs" >"$tmp/apart" || exit 128
}

# They are there, whole, and the inventory says so, before they go from here.
move_archived () {
	set --
	while IFS=$casg_tab read -r casg_name casg_url _ <&4; do
		casg-send-pack -q --ids --url="$casg_url" <"$tmp/send" >"$tmp/sent" || exit 128
		{
			sed 's/^/pack /' "$tmp/send" && sed 's/^\([^ ]*\).*/version \1/' "$tmp/old"
		} | casg-inventory --url="$casg_url" --add >/dev/null || exit 128
		casg-check-storage -q --url="$casg_url" <"$tmp/apart" >"$tmp/checked" ||
			die "'$casg_name' does not give back what it was given: nothing goes from here"
		set -- "$@" --url="$casg_url"
	done 4<"$tmp/storages"
	casg-drop-pack --copies=$# "$@" <"$tmp/apart" >"$tmp/dropped" || exit 128
}

archive () {
	choose_archives
	analyse
	estimate=$(archivable)
	if test -n "$opt_dry_run"; then
		say "would archive: $(fact old-sequences) sequences that only versions before $opt_archive_before need," \
			"$estimate bytes: $(fact old-sequence-bytes) less $(fact old-id-bytes) for their ids, which stay"
		return
	fi
	before=$(size_here) || exit
	if test "$(fact old-sequences)" != 0; then
		casg-repack -a -d --quiet --apart-before="$opt_archive_before" ${opt_window:+--window="$opt_window"} \
			${opt_threads:+--threads="$opt_threads"} ${opt_memory:+--memory="$opt_memory"} || exit
	fi
	repacked=$(size_here) || exit
	casg_lock import
	list_archived
	: >"$tmp/dropped" || exit 128
	test ! -s "$tmp/apart" || move_archived
	after=$(size_here) || exit
	say "archived: $(($(wc -l <"$tmp/dropped"))) packs, $((repacked - after)) bytes; the estimate was $estimate"
	say "$before bytes before, $after now: $(share "$((before - after))" "$before") % saved"
}

casg_options 0 0 "$@"
eval "$casg_set"
test -z "$opt_analyse" || test -z "$opt_estimate" || usage_die "--analyse does not go with --estimate"
if test -n "$opt_analyse$opt_estimate"; then
	test -z "$opt_strategy$opt_target_savings$opt_dry_run$opt_resume$opt_quiet$opt_storage" ||
		usage_die "--strategy, --target-savings, --dry-run, --resume, --storage and --quiet are for a run"
	test -z "$opt_analyse" || test -z "$opt_window$opt_threads" ||
		usage_die "--window and --threads do not go with --analyse"
else
	test -n "$opt_storage" || test -z "$opt_archive_before" || usage_die "--archive-before needs --storage, --analyse or --estimate"
	test -z "$opt_storage" || test -n "$opt_archive_before" || usage_die "--storage needs --archive-before"
	test -z "$opt_storage" || test -z "$opt_strategy$opt_target_savings$opt_resume" ||
		usage_die "--strategy, --target-savings and --resume do not go with --storage"
fi
test -z "$opt_resume" || test -z "$opt_dry_run" || usage_die "--resume does not go with --dry-run"
eval "set -- $opt_strategy"
for name; do
	case $name in
	gc | deduplication | delta | compression) ;;
	*) usage_die "unknown strategy '$name': wanted gc, deduplication, delta or compression" ;;
	esac
done
strategies=$*
target=''
number=${opt_target_savings%[%kKmMgG]}
case $number in
"") test -z "$opt_target_savings" || usage_die "bad value '$opt_target_savings' of --target-savings" ;;
0?* | *[!0-9]* | ????????????*) usage_die "bad value '$opt_target_savings' of --target-savings: wanted a size, as 2g, or a share, as 30%" ;;
esac
case $opt_target_savings in
"") ;;
*%)
	test "$number" -le 100 || usage_die "bad value '$opt_target_savings' of --target-savings: more than everything"
	target=$number
	;;
*[kK]) target=$((number * 1024)) ;;
*[mM]) target=$((number * 1024 * 1024)) ;;
*[gG]) target=$((number * 1024 * 1024 * 1024)) ;;
*) target=$number ;;
esac
casg_repo
casg_at_exit casg_let_saved_go
tmp=$CASG_PATH/tmp/optimise-$$
mkdir -p "$tmp" "$CASG_PATH/state" || exit 128
if test -n "$opt_analyse"; then
	analyse
	print_analysis
elif test -n "$opt_estimate"; then
	analyse
	estimate
elif test -n "$opt_storage"; then
	archive
else
	run
fi
