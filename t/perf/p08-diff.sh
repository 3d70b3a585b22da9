#!/bin/sh
# A hundred changes among 1 k and 100 k records (10 M with --big): the time to
# say what they are, beside git diff of the two plain files.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "diff: a hundred changes" "$@"

# release NUMBER: $file with 100 changes, as many of each of four kinds.
hundred_changes () {
	awk -v n="$1" '
		BEGIN { step = int(n / 100) }
		/^>/ {
			r++
			kind = r % step ? 0 : int(r / step) % 4 + 1
			first = 1
			if (kind == 1) next
			if (kind == 2) $0 = $0 " revised"
			if (kind == 4) print ">added_" r " new OX=9606\nMKVLATLLVAAACDE" r
			print
			next
		}
		kind == 1 { next }
		kind == 3 && first { first = 0; print "MMMMM" substr($0, 6); next }
		{ print }
	' "$file" | sed 's/^\(MKVLATLLVAAACDE\)[0-9]*$/\1/'
}

# diff_row WHAT RUNS COMMAND
diff_row () {
	bench "$2" '' "$3"
	row "  $1" "$(calc "$best * 1000" %.1f)" "$(calc "$median * 1000" %.1f)"
}

# measure NAME RECORDS RUNS
measure () {
	rm -rf repo plain
	casg init -q repo && git init -q plain || exit
	hundred_changes "$2" >after.fa
	for release in "$file" after.fa; do
		cp "$release" plain/db.fa &&
		(cd repo && casg import -q --database db "$tmp/plain/db.fa") &&
		(cd plain && git add db.fa && git commit -q -m "$release") || exit
	done
	rm -f after.fa
	row "$1 records, $(cd repo && casg diff --raw | wc -l) changes, $(cd repo &&
		CASG_TRACE_PERF=1 casg diff --stat 2>&1 >/dev/null |
		sed -n 's/.*	nodes //p') nodes read" "" ""
	diff_row "casg version" "$3" "casg version"
	diff_row "casg diff --quiet" "$3" "cd repo && casg diff --quiet; test \$? = 1"
	diff_row "casg diff --stat" "$3" "cd repo && casg diff --stat"
	took=$best
	diff_row "casg diff --raw" "$3" "cd repo && casg diff --raw"
	diff_row "casg diff --fasta" "$3" "cd repo && casg diff --fasta"
	diff_row "git diff --stat of the plain file" "$3" "cd plain && git diff --stat HEAD^ HEAD"
	diff_row "git diff of the plain file" "$3" "cd plain && git diff HEAD^ HEAD"
	rm -rf repo plain
}

heading "%-48s %9s %9s" "" "best ms" "median ms"
file=$tmp/small.fa
casg-gen --seed 3 --type protein --records 1000 --length 300 --family 0.5 >"$file"
measure "1 k" 1000 "$((runs * 2))"
small=$took
casg-gen --seed 3 --type protein --records 100000 --length 300 --family 0.5 >"$file"
measure "100 k" 100000 "$((runs * 2))"
# so many records more, and as many changes
bar "casg diff --stat, 100 k / 1 k records" "$(calc "$took / $small")" 10 x
rm -f "$file"
if test -n "$big"; then
	shape million10
	measure "10 M" 10000000 1
	bar "casg diff --stat, 10 M / 1 k records" "$(calc "$took / $small")" 20 x
	drop million10
fi
