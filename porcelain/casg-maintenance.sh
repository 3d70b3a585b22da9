#!/bin/sh
# casg maintenance - what keeps a repository small, quick and whole.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg maintenance run [--task=TASK]... [--schedule=FREQUENCY] [--registered] [--quiet]
casg maintenance start
casg maintenance stop
--
task+TASK           only this: gc, repack, index or scrub
schedule=FREQUENCY  only what is due hourly, daily or weekly
registered          in every repository that was started
q,quiet             say only what is wrong
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"

tmp='' damage=0 unanswered=0

say () {
	test -n "$opt_quiet" || echo "$*" || exit 128
}

# verdict STATUS MESSAGE...: 1 is damage, all else but 0 no answer; the rest is
# done all the same.
verdict () {
	case $1 in
	0) return 0 ;;
	1) damage=1 ;;
	*) unanswered=1 ;;
	esac
	shift
	printf 'error: %s\n' "$*" >&2
}

# The ids of the packs in use, sorted.
list_packs () {
	for file in "$CASG_PATH"/packs/pack-*.pack; do
		test -f "$file" || continue
		file=${file##*/pack-}
		printf '%s\n' "${file%.pack}"
	done | LC_ALL=C sort
}

# ---- tasks

do_gc () {
	casg-gc --quiet || verdict $? "could not throw away what no version needs"
}

do_repack () {
	casg-repack -d --quiet || verdict $? "could not join small packs"
}

# Rebuild indexes that are missing or damaged, and forget what is cached about
# commits that are gone.
do_index () {
	rebuilt=0
	list_packs >"$tmp/packs" || exit 128
	while read -r id; do
		idx=$CASG_PATH/packs/pack-$id.idx
		! casg-verify-pack --quick "$id" >"$tmp/out" 2>&1 || continue
		test -e "$CASG_PATH/packs/pack-$id.pack" || continue
		casg_lock import
		casg-index-pack "$id" >"$tmp/out" 2>&1
		status=$?
		casg_unlock import
		if test "$status" = 0; then
			rebuilt=$((rebuilt + 1))
		else
			cat "$tmp/out" >&2
			verdict 1 "'$idx' cannot be rebuilt"
		fi
	done <"$tmp/packs"
	casg-multi-pack-index verify 2>"$tmp/out" || casg-multi-pack-index write ||
		verdict 1 "the multi-pack index cannot be written"
	casg-multi-pack-index --auto write || verdict 1 "the multi-pack index cannot be written"
	drop_caches
	index_taxa
	say "index: $(($(wc -l <"$tmp/packs"))) packs, $rebuilt indexes rebuilt, $dropped caches dropped"
}

drop_caches () {
	dropped=0
	caches=${CASG_CACHE_DIR:-$CASG_PATH/index}/versions
	for dir in "$caches"/*/; do
		test ! -d "$dir" || basename "$dir"
	done | git cat-file --batch-check >"$tmp/commits" || exit 128
	while read -r commit type _; do
		test "$type" = missing || continue
		rm -rf "${caches:?}/$commit"
		dropped=$((dropped + 1))
	done <"$tmp/commits"
}

# Where indexes of taxa are in use, have those of the branches whole, and no
# other: those of headers, and those made with a mapping or with names where
# there is one, or was for an earlier version of the sequences or the taxonomy.
index_taxa () {
	taxa=${CASG_CACHE_DIR:-$CASG_PATH/index}/taxa
	for file in "$taxa"/*.tax; do
		test ! -f "$file" || basename "$file"
	done >"$tmp/taxa"
	test -s "$tmp/taxa" || return 0
	git for-each-ref --format='%(refname)' refs/heads >"$tmp/branches" || exit 128
	while read -r branch; do
		casg-read-version --list "$branch" >"$tmp/list" &&
		sed -n 's/^[^ ]* taxonomy\///p' "$tmp/list" >"$tmp/taxonomies" || exit 128
		while read -r _ name; do
			case $name in
			taxonomy/*) continue ;;
			esac
			casg-index-taxa --quiet -- "$branch:$name" >>"$tmp/wanted" ||
				verdict 128 "cannot index the taxa of '$branch:$name'"
			while read -r taxonomy; do
				case $taxonomy in
				*.map) continue ;;
				esac
				casg-index-taxa --quiet --in-use --taxonomy="$branch:$taxonomy" -- \
					"$branch:$name" >>"$tmp/wanted" ||
					verdict 128 "cannot index the taxa of '$branch:$name' under '$taxonomy'"
			done <"$tmp/taxonomies"
		done <"$tmp/list"
	done <"$tmp/branches"
	touch "$tmp/wanted" || exit 128
	cut -f1 "$tmp/wanted" | LC_ALL=C sort -u >"$tmp/keep" &&
	LC_ALL=C sort "$tmp/taxa" | LC_ALL=C comm -23 - "$tmp/keep" >"$tmp/drop" || exit 128
	while read -r name; do
		rm -f "$taxa/$name"
		dropped=$((dropped + 1))
	done <"$tmp/drop"
}

# Verify a sixteenth of all packs, by bytes, from where it stopped the last
# time: sixteen runs see all of them.
do_scrub () {
	scrubbed=0 bytes=0 last=''
	test ! -f "$CASG_PATH/state/scrub" || read -r last <"$CASG_PATH/state/scrub"
	list_packs >"$tmp/packs" &&
	total=$(pack_sizes <"$tmp/packs" | awk '{ n += $1 } END { printf "%.0f", n }') || exit 128
	awk -v last="$last" '$1 "" > last "" { print }' "$tmp/packs" >"$tmp/rest" &&
	awk -v last="$last" '$1 "" <= last "" { print }' "$tmp/packs" >>"$tmp/rest" || exit 128
	while test $((bytes * 16)) -lt "$total" && read -r id; do
		casg-verify-pack "$id" >"$tmp/out" 2>&1
		status=$?
		# gc may have taken it
		test -e "$CASG_PATH/packs/pack-$id.pack" || continue
		test "$status" = 0 || cat "$tmp/out" >&2
		verdict "$status" "pack $id is damaged or could not be checked"
		scrubbed=$((scrubbed + 1))
		bytes=$((bytes + $(echo "$id" | pack_sizes)))
		{ echo "$id" >"$tmp/scrub" && mv "$tmp/scrub" "$CASG_PATH/state/scrub"; } || exit 128
	done <"$tmp/rest"
	say "scrub: $scrubbed packs ($bytes of $total bytes) verified"
}

# The size of the pack with each id, 0 if it has gone.
pack_sizes () {
	while read -r size_id; do
		size=$(wc -c <"$CASG_PATH/packs/pack-$size_id.pack") 2>/dev/null || size=0
		echo $((size))
	done
}

# ---- run

add_task () {
	case $task in
	gc | repack | index | scrub) tasks="$tasks $task" ;;
	*) usage_die "'$task' is not a task" ;;
	esac
}

# What is due: what is scheduled more often is done as well.
choose_tasks () {
	tasks=
	if test -n "$opt_task"; then
		test -z "$opt_schedule" || usage_die "--task and --schedule exclude each other"
		eval "for task in $opt_task; do add_task; done"
		return
	fi
	case $opt_schedule in
	hourly) tasks=repack ;;
	daily) tasks='gc repack scrub' ;;
	weekly | '') tasks='gc repack index scrub' ;;
	*) usage_die "'$opt_schedule' is not hourly, daily or weekly" ;;
	esac
}

run_tasks () {
	casg_repo
	casg_at_exit casg_let_go
	if ! casg_lock maintenance nowait; then
		test -n "$opt_quiet" || warn "other maintenance is running here; nothing is done"
		exit 0
	fi
	tmp=$CASG_PATH/tmp/maintenance-$$
	mkdir -p "$tmp" || exit 128
	for task in $tasks; do
		"do_$task"
	done
	test $damage = 0 || exit 1
	test $unanswered = 0 || exit 128
	exit 0
}

# Elsewhere, one after the other.
run_registered () {
	worst=0
	repos=$(git config --global --get-all casg.maintenanceRepo) || exit 0
	set -f
	IFS=$casg_lf
	set -- ${opt_quiet:+--quiet} ${opt_schedule:+"--schedule=$opt_schedule"}
	for repo in $repos; do
		(
			unset GIT_DIR GIT_WORK_TREE
			CASG_DIR=$repo
			export CASG_DIR
			eval "for task in $opt_task; do set -- \"\$@\" --task=\"\$task\"; done"
			exec "$0" run "$@"
		)
		status=$?
		test $status = 0 || warn "maintenance of '$repo' ended with status $status"
		test $status -le "$worst" || worst=$status
	done
	exit "$worst"
}

# ---- schedule

begin_mark='# BEGIN CASG MAINTENANCE SCHEDULE'
end_mark='# END CASG MAINTENANCE SCHEDULE'

# The crontab without our part; there may be none.
other_lines () {
	command -v crontab >/dev/null ||
		die "there is no crontab here; have 'casg maintenance run --registered --schedule=FREQUENCY' run by other means"
	crontab -l >"$tmp/crontab" 2>"$tmp/err" || {
		# that there is none is no failure, and programs word it differently
		test ! -s "$tmp/crontab" && grep -qi 'no crontab' "$tmp/err" || {
			cat "$tmp/err" >&2
			die "'crontab -l' failed"
		}
	}
	awk -v b="$begin_mark" -v e="$end_mark" '
		$0 == b { ours = 1 }
		!ours { print }
		$0 == e { ours = 0 }' "$tmp/crontab" >"$tmp/others" || exit 128
}

# What cron's shell makes our name of again; % is a line end to cron.
cron_quote () {
	printf '%s\n' "$1" | sed "s/'/'\\\\''/g; s/%/\\\\%/g; s/^/'/; s/\$/'/"
}

our_lines () {
	program=$(cron_quote "$CASG_EXEC_PATH/casg-maintenance")
	# not every machine at the same minute
	minute=$(uname -n | cksum | awk '{ print $1 % 60 }')
	echo "$begin_mark"
	echo "# Made by 'casg maintenance start'; edits here may be lost."
	echo "$minute 1-23 * * * $program run --quiet --registered --schedule=hourly"
	echo "$minute 0 * * 1-6 $program run --quiet --registered --schedule=daily"
	echo "$minute 0 * * 0 $program run --quiet --registered --schedule=weekly"
	echo "$end_mark"
}

here () {
	casg_repo
	case $CASG_PATH in
	*"$casg_lf"*) die "a repository whose name has a line end cannot be registered" ;;
	esac
	repo=$(cd -- "${CASG_PATH%/casg}" && pwd -P) || exit 128
	casg_at_exit casg_let_go
	tmp=$CASG_PATH/tmp/maintenance-$$
	mkdir -p "$tmp" || exit 128
}

is_registered () {
	git config --global --get-all casg.maintenanceRepo >"$tmp/repos"
	grep -Fqx -e "$repo" "$tmp/repos"
}

start () {
	here
	other_lines
	our_lines >>"$tmp/others" || exit 128
	crontab - <"$tmp/others" || die "'crontab -' failed"
	is_registered || git config --global --add casg.maintenanceRepo "$repo" || exit 128
}

stop () {
	here
	! is_registered ||
		git config --global --fixed-value --unset-all casg.maintenanceRepo "$repo" || exit 128
	is_registered
	test ! -s "$tmp/repos" || return 0
	other_lines
	cmp -s "$tmp/crontab" "$tmp/others" || crontab - <"$tmp/others" || die "'crontab -' failed"
}

# ---- main

casg_options 1 1 "$@"
eval "$casg_set"
choose_tasks
if test "$1" != run && test -n "$opt_task$opt_schedule$opt_registered"; then
	usage_die "--task, --schedule and --registered are for 'run'"
fi
case $1 in
run)
	test -z "$opt_registered" || run_registered
	run_tasks
	;;
start) start ;;
stop) stop ;;
*) usage_die "'$1' is not run, start or stop" ;;
esac
exit 0
