#!/bin/sh
# How often the caches of a partial clone have what is asked for: requests that
# follow Zipf's law, and the same with everything read from end to end between;
# beside plain LRU of the same size, on the same requests.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "hit rates of the caches" "$@"

# make_trace EXPONENT SCANS: 40,000 requests for 2,000 chunks of 4 to 12 KB; SCANS times
# each of 4,000 others is read once.
make_trace () {
	awk -v s="$1" -v scans="$2" 'BEGIN {
		srand(42); n = 2000; total = 40000
		for (i = 1; i <= n; i++) { sum += 1 / i ^ s; upto[i] = sum }
		for (k = 0; k < total; k++) {
			if (scans && k % int(total / scans) == int(total / scans / 2))
				for (i = 0; i < 4000; i++)
					print 10000 + i, 8000
			x = rand() * sum; lo = 1; hi = n
			while (lo < hi) { mid = int((lo + hi) / 2); if (upto[mid] < x) lo = mid + 1; else hi = mid }
			# which are asked for often changes nothing but their place
			print lo * 7919 % 2003, 4000 + lo * 7919 % 8000
		}
	}'
}

casg init -q r || exit 128
heading "%-34s %9s %10s %10s %10s" "cache of 10 % of what is read" requests disk memory LRU
try () {
	make_trace "$2" "$3" >requests
	rm -rf r/.git/casg/cache
	casg-cachetrace r/.git/casg/cache 1600000 <requests >result || exit 128
	read -r n disk memory lru <result
	row "$1" "$n" "$(calc "100 * $disk / $n" %.1f%%)" "$(calc "100 * $memory / $n" %.1f%%)" "$(calc "100 * $lru / $n" %.1f%%)"
}

try "Zipf 0.8" 0.8 0
bar "LRU's hits, / those of the disk, Zipf 0.8" "$(calc "$lru / $disk" %.3f)" 1 x
try "Zipf 1.0" 1.0 0
bar "LRU's hits, / those of the disk, Zipf 1.0" "$(calc "$lru / $disk" %.3f)" 1 x
bar "LRU's hits, / those of memory, Zipf 1.0" "$(calc "$lru / $memory" %.3f)" 1 x
try "Zipf 1.0, all read once 5 times" 1.0 5
bar "LRU's hits, / those of the disk, with scans" "$(calc "$lru / $disk" %.3f)" 1 x
told=$(cd r && casg cache stats | sed -n 's/^hits	//p')
test "$told" = "$disk" || die "casg cache stats says $told hits, and there were $disk"
note "casg cache stats, of the last: $(cd r && casg cache stats | sed -n 's/^hit-rate	//p')"
