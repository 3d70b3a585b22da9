#!/bin/sh
# What a series of releases costs, each imported on top of the one before.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "history, size after each release" "$@"

disk () {
	du -s --apparent-size -B1 "$1" | cut -f1
}

# backup TOOL: the releases, one snapshot each, in the way of TOOL.
backup () {
	have "$1" || return 0
	case $1 in
	borg) borg init -e none borg ;;
	restic) restic init -q -r restic --no-cache ;;
	esac || exit
	for release in series/*; do
		cp "$release" db.fa
		case $1 in
		borg) borg create "borg::${release##*/}" db.fa ;;
		restic) restic backup -q -r restic --no-cache db.fa ;;
		esac || exit
	done >/dev/null 2>command.err || perf_failed "$1"
	total "$1" "$(disk "$1")"
	rm -rf "$1" borg-base db.fa
}

total () {
	row "$1" "" "" "$2" "$(calc "$2 / $first" %.3f)"
}

# The Git objects are loose until somebody packs them; say what that would do.
packed_git () {
	git -C repo gc -q --aggressive --prune=now
	total "casg, after git gc" "$(disk repo/.git)"
}

# series: of the files series/*
measure () {
	rm -rf repo
	casg init -q repo || exit
	heading "%-26s %12s %12s %12s %8s" "$1" plain "in packs" "all of .git" "of first"
	plain_total=0 first='' before=0
	for release in series/*; do
		(cd repo && casg import -q --database db --release "${release##*/}" "../$release") || exit
		n=$(nbytes "$release")
		plain_total=$((plain_total + n))
		now=$(disk repo/.git)
		test -n "$first" || first=$now
		row "${release##*/}" "$n" "$(cat repo/.git/casg/packs/*.pack | wc -c)" "$now" \
			"$(calc "($now - $before) / $first" %.3f)"
		before=$now
	done
	total "casg, all releases" "$now"
	packed_git
	have zstd && total "zstd -3 --long=27 of all" "$(cat series/* | zstd -3 --long=27 -qc | wc -c)"
	have zstd && test -n "$big" &&
		total "zstd -19 of the last" "$(zstd -19 -qc "$release" | wc -c)"
	backup borg
	backup restic
	note "$plain_total bytes of FASTA in all"
	rm -rf repo series
}

mkdir series
casg-gen --seed 1 --type protein --records 20000 --length 350 --family 0.5 >series/01
before=01
for n in 02 03 04 05 06 ${big:+07 08 09 10 11 12 13 14 15 16 17 18 19 20}; do
	casg-gen --seed "${n#0}" --mutate "series/$before" --add 3 --remove 1 --change 0.2 \
		--describe 1 >"series/$n" || exit
	before=$n
done
measure "generated"

test -n "$data" || exit 0
for folder in "$data"/versions/*/; do
	test -d "$folder" || continue
	mkdir series
	for release in "$folder"*; do
		base=${release##*/}
		plain "$release" >"series/${base%%.*}"
	done
	measure "$(basename "$folder")"
done
