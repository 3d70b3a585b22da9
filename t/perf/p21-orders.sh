#!/bin/sh
# A release in which 100 of many records change, in a file that is not in the order of
# their keys: what it adds to the packs, and time and memory of import and export.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "100 changes of many records in an order of their own" "$@"

# What is in the packs, in bytes.
packs () {
	cat repo/.git/casg/packs/*.pack | wc -c
}

# release N RECORDS: 40 records go, 40 come, 20 have another sequence; one in
# ten is in lower case.
release () {
	awk -v i="$1" -v n="$2" 'BEGIN {
		srand(7)
		for (k = 0; k < n; k++) {
			id = (k * 7919) % 99999989
			seq = substr("MKVLATRNDCQEGHILKMFPSTWYV", 1 + id % 13, 10) id
			gsub(/[0-9]/, "A", seq)
			place = int(k / (n / 100))
			if (k % int(n / 100) == 17) {
				if (place < 40 && i > 0) id = "new" id "." i
				else if (place < 60) seq = seq substr("MKVLATRND", i + 1)
			}
			print ">" id "\n" (rand() < 0.1 ? tolower(seq) : seq)
		}
	}'
}

# timed COMMAND: $took seconds, $rss KiB
timed () {
	start=$(date +%s.%N)
	peak "$1"
	took=$(calc "$(date +%s.%N) - $start" %.2f)
}

# measure RECORDS
measure () {
	casg init -q repo || exit 128
	for i in 0 1 2; do
		release "$i" "$1" >release.fa
		before=0
		test "$i" = 0 || before=$(packs)
		timed "cd repo && casg import -q -d db ../release.fa"
		import=$took import_rss=$rss added=$(($(packs) - before))
		timed "cd repo && casg export -q db >../back.fa"
		cmp release.fa back.fa || exit 128
		row "$1, release $i" "$added" "$import" "$(calc "$import_rss / 1024" %.0f)" "$took" \
			"$(calc "$rss / 1024" %.0f)"
	done
	bar "bytes of a release with 100 changes of $1" "$(calc "$added / 1000" %.0f)" 200 kB
	rm -rf repo release.fa back.fa
}

heading "%-24s %14s %10s %6s %10s %6s" "" "bytes added" "import, s" MiB "export, s" MiB
measure 100000
test -z "$big" || measure 5000000
test -z "$big" || measure 10000000
