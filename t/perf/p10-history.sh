#!/bin/sh
# What years of releases cost, once they are repacked, beside git's own packs.
# Two series: 15 releases of near-identical alleles, 49 of near-identical
# proteins.  CASG_PERF_SCALE (100) is the percentage of their full size, 1.07 GB
# and 314 MB.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "history of many releases, repacked" "$@"

scale=${CASG_PERF_SCALE-100}
test -n "$big" || scale=${CASG_PERF_SCALE-10}
case $scale in
"" | 0* | *[!0-9]*) die "CASG_PERF_SCALE expects a percentage, not '$scale'" ;;
esac

# disk FOLDER [OPTION...]: the bytes of its files; what folders take is no history
disk () {
	disk_of=$1
	shift
	find "$disk_of" "$@" -type f -exec cat {} + | wc -c
}

# git_disk REPOSITORY: all that Git has there
git_disk () {
	disk "$1/.git" -path '*/.git/casg' -prune -o
}

seconds () {
	calc "($(date +%s%N) - $1) / 1e9"
}

# A record a line, and back: what happens to whole files now and then.
unwrap () {
	awk '/^>/ { if (NR > 1) print h "\t" s; h = $0; s = ""; next } { s = s $0 } END { print h "\t" s }' "$1"
}

wrap () {
	awk -F'\t' -v w="$1" '{ print $1; for (i = 1; i <= length($2); i += w) print substr($2, i, w) }'
}

# generate COUNT TYPE RECORDS LENGTH FAMILY: series/01 and on
generate () {
	mkdir series || exit
	casg-gen --seed 1 --type "$2" --records "$3" --length "$4" --family "$5" >series/01
	before=01 i=2
	while test "$i" -le "$1"; do
		release=$(printf %02d "$i")
		# 1 to 6 % added, up to 2 % gone, 0.01 to 0.3 % changed, 0.1 to 3 % described anew
		casg-gen --seed "$i" --mutate "series/$before" --add "$((1 + i * 7 % 6))" \
			--remove "0.$((i * 5 % 10))" --change "0.$(printf %02d $((1 + i * 11 % 30)))" \
			--describe "$((i * 3 % 3)).$((1 + i % 9))" >series/next || exit
		case $((i % 12)) in
		5) awk '/^>/ { $1 = ">r" NR "x" } { print }' series/next >"series/$release" ;;
		7) unwrap series/next | sort | wrap 60 >"series/$release" ;;
		10) unwrap series/next | wrap 80 >"series/$release" ;;
		*) mv series/next "series/$release" ;;
		esac
		rm -f series/next
		before=$release
		i=$((i + 1))
	done
}

others () {
	rm -rf plain && git init -q plain || exit
	for release in series/*; do
		cp "$release" plain/db.fa && git -C plain add db.fa &&
			git -C plain commit -q -m "${release##*/}" || exit
	done
	git -C plain gc -q --aggressive --prune=now
	git init -q bare && git_size=$(($(git_disk plain) - $(git_disk bare)))
	row "git gc --aggressive" "$git_size" "" ""
	rm -rf plain bare
	have zstd && row "zstd --long=27 of the tar" \
		"$(tar -cf - series | zstd --long=27 -qc | wc -c)" "" ""
	for tool in borg restic; do
		have $tool || continue
		case $tool in
		borg) borg init -e none borg ;;
		restic) restic init -q -r restic --no-cache ;;
		esac >/dev/null 2>command.err || perf_failed $tool
		begin=$(date +%s%N)
		for release in series/*; do
			cp "$release" db.fa
			case $tool in
			borg) borg create "borg::${release##*/}" db.fa ;;
			restic) restic backup -q -r restic --no-cache db.fa ;;
			esac || exit
		done >/dev/null 2>command.err || perf_failed $tool
		took=$(seconds "$begin")
		row "$tool" "$(disk $tool)" "" "$took"
		eval "${tool}_took=\$took"
		rm -rf $tool borg-base db.fa
	done
}

# kept: what must be kept of repo, less an empty one: packs and Git's objects
kept () {
	packs=$(cat repo/.git/casg/packs/*.pack | wc -c)
	indexes=$(cat repo/.git/casg/packs/*.idx | wc -c)
	distinct=$(cd repo && casg-count-objects -v | sed -n 's/^sequences: //p')
	now=$(($(git_disk repo) - $(git_disk empty) + packs))
	row "$1" "$now" "$indexes" "$2"
}

# export_ends WHAT: the newest and the oldest release
export_ends () {
	oldest=$(git -C repo rev-list --reverse HEAD -- db/VERSION | sed 1q)
	bench "$runs" : "cd repo && casg export db"
	newest_time=$best
	bench "$runs" : "cd repo && casg export $oldest:db"
	note "export $1: newest $newest_time s, oldest $best s"
}

measure () {
	total=$(cat series/* | wc -c)
	nreleases=$(($(find series -type f | wc -l)))
	rm -rf repo empty && casg init -q repo && casg init -q empty || exit
	heading "%-28s %14s %14s %10s" "$1" "bytes kept" "indexes" "seconds"
	begin=$(date +%s%N)
	for release in series/*; do
		(cd repo && casg import -q --database db --release "${release##*/}" "../$release") || exit
	done
	casg_took=$(seconds "$begin")
	kept "casg, imported" "$casg_took"
	export_ends "as imported"
	begin=$(date +%s%N)
	(cd repo && casg repack -q -a -d && casg gc -q --grace=0) || exit
	kept "casg, repacked" "$(seconds "$begin")"
	export_ends "as repacked"
	for release in series/*; do
		number=${release##*/}
		commit=$(git -C repo log --format=%H --reverse -- db/VERSION | sed -n "${number#0}p")
		(cd repo && casg export "$commit:db") | cmp - "$release" || die "release ${release##*/} does not come back"
	done
	others
	note "$nreleases releases, $total bytes of FASTA; $(calc "$indexes / $distinct") bytes of index a distinct sequence ($distinct)"
	bar "$1: kept, beside git gc --aggressive" "$now" "$git_size" B
	bar "$1: index a distinct sequence" "$(calc "$indexes / $distinct")" 16 B
	test -z "${borg_took-}" || bar "$1: importing, beside borg" "$casg_took" "$borg_took" s
	test -z "${restic_took-}" || bar "$1: importing, beside restic" "$casg_took" "$restic_took" s
	rm -rf repo empty series
}

generate 15 dna "$((120000 * scale / 100))" 450 0.9
measure "15 releases of alleles"
generate 49 protein "$((7500 * scale / 100))" 350 0.9
measure "49 releases of proteins"
