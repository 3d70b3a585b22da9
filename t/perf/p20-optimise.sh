#!/bin/sh
# After casg optimise, packs and indexes together: at most NAF -22 for
# near-identical genomes, 0.9 of zstd -19 --long=27 for proteins, MBGC for bacterial
# genomes; in no more time; and one record still within 10 ms of casg version, 1,000
# in a batch within 100 ms.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "smaller than the archivers" "$@"

# timed COMMAND: $seconds
timed () {
	printf '%s\n' "$1" >command.sh
	start=$(date +%s%N)
	sh command.sh >/dev/null 2>command.err || perf_failed "$1"
	seconds=$(calc "($(date +%s%N) - $start) / 1e9")
}

held () {
	cat repo/.git/casg/packs/pack-* | wc -c | tr -d ' '
}

# archiver NAME COMMAND OUT SHARE: the bar, if $counts
archiver () {
	timed "$2"
	bytes=$(nbytes "$3")
	row "$1" "$bytes" "$(calc "$bytes * 8 / $residues" %.4f)" "$seconds"
	rm -f "$3"
	test -n "$4" || return 0
	bar "$shape, / $1" "$(calc "$total / $bytes")" "$4" x
	bar "$shape, time / $1" "$(calc "$spent / $seconds")" 1 x
}

casg_sizes () {
	timed "casg init -q repo && cd repo && casg import -q --database db '$file'"
	residues=$(version_field residues)
	row "casg import" "$(held)" "$(calc "$(held) * 8 / $residues" %.4f)" "$seconds"
	spent=$seconds
	timed "cd repo && casg optimise -q"
	total=$(held)
	spent=$(calc "$spent + $seconds")
	row "  and casg optimise" "$total" "$(calc "$total * 8 / $residues" %.4f)" "$spent"
	(cd repo && casg export db) | cmp - "$file" || die "what comes back is not what went in"
}

reading () {
	(cd repo && casg ls db) | awk -F '\t' '!/^#casg/ && $3 < 100000 { print $1 }' >all
	awk 'BEGIN { srand(1) } { print rand() "\t" $0 }' all | sort | head -n 1000 | cut -f2 >keys
	test -s keys || return 0
	bench "$runs" '' "casg version"
	none=$best
	bench "$((runs * 3))" '' "cd repo && casg cat db '$(head -n 1 keys)' >/dev/null"
	bar "$shape, one record above casg version" "$(calc "($best - $none) * 1000")" 10 ms
	bench "$runs" '' "cd repo && casg cat --batch --buffer db <../keys >/dev/null"
	bar "$shape, $(($(wc -l <keys))) random records" "$(calc "$best * 1000")" 100 ms
	note "one record and $(($(wc -l <keys))) of them: see the end"
}

# Since its version 2 the first word says what to do.
mbgc_command () {
	if mbgc 2>&1 | grep -q '<command>'; then
		echo "mbgc c -i '$file' out"
	else
		echo "mbgc -i '$file' out"
	fi
}

measure () {
	shape=$1
	shape "$shape" || return 0
	rm -rf repo
	heading "%-24s %12s %10s %9s" "$shape" bytes "bits/res" seconds
	casg_sizes
	case $shape in
	proteins)
		have zstd && archiver "zstd -19 --long=27" "zstd -19 --long=27 -T0 -qc '$file' >out" out 0.9
		;;
	genomes)
		have zstd && archiver "zstd -9 --long=30" "zstd -9 --long=30 -T0 -qc '$file' >out" out ''
		! have ennaf || archiver "NAF" "ennaf --dna --temp-dir . '$file' -o out" out ''
		if have mbgc; then
			archiver mbgc "$(mbgc_command)" out 1
		else
			note "mbgc is not installed: no bar"
		fi
		;;
	*)
		have xz && archiver "xz -9" "xz -9 -c '$file' >out" out ''
		! have mbgc || archiver mbgc "$(mbgc_command)" out ''
		if have ennaf; then
			archiver "NAF -22" "ennaf --dna --level 22 --temp-dir . '$file' -o out" out 1
		else
			note "ennaf (NAF) is not installed: no bar"
		fi
		;;
	esac
	reading
}

measure viral
measure genomes
measure alleles
measure proteins
