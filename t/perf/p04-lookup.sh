#!/bin/sh
# One record of a million, as typed: at most 10 ms above 'casg version'; in a
# batch under 1 ms each; 10,000 random ones in half the time of samtools faidx -r.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "records by key, of a million" "$@"

one () {
	bench "$2" '' "$3"
	row "$1" "$(calc "$best * 1000")" "$(calc "$median * 1000")"
}

shape million1
fresh "$file"
(cd repo && casg ls db) | cut -f1 >all
awk 'BEGIN { srand(1) } { print rand() "\t" $0 }' all | sort | head -n 10000 | cut -f2 >keys
key=$(head -n 1 keys)
accession=${key#*"|"}
accession=${accession%%"|"*}
id=$(cd repo && casg ls db | awk -F '\t' -v k="$key" '$1 == k { print $2; exit }')
many=$((runs * 4))

heading "%-44s %9s %9s" "one record" "best ms" "median ms"
one "casg version" "$many" "casg version"
none=$best
one "casg cat db KEY" "$many" "cd repo && casg cat db '$key'"
bar "cat one key, above casg version" "$(calc "($best - $none) * 1000")" 10 ms
one "casg cat db ACCESSION" "$many" "cd repo && casg cat db '$accession'"
bar "cat one accession, above casg version" "$(calc "($best - $none) * 1000")" 10 ms
one "casg cat db SEQUENCE-ID" "$runs" "cd repo && casg cat db '$id'"
bar "cat one sequence id, above casg version" "$(calc "($best - $none) * 1000")" 10 ms

if have samtools; then
	samtools faidx "$file" || exit 128
	one "samtools faidx FILE KEY" "$runs" "samtools faidx '$file' '$key'"
else
	note "samtools is not installed"
fi
if have blastdbcmd && have makeblastdb; then
	makeblastdb -in "$file" -dbtype prot -parse_seqids -out blast >/dev/null || exit 128
	one "blastdbcmd -entry ACCESSION" "$runs" "blastdbcmd -db blast -entry '$accession'"
else
	note "blastdbcmd is not installed"
fi

heading "%-44s %9s %9s" "10,000 random records" "best ms" "median ms"
one "casg cat --batch" "$runs" "cd repo && casg cat --batch db <../keys"
batch=$best
bar "batch, each record" "$(calc "$best / 10" %.3f)" 1 ms
one "casg cat --batch --buffer" "$runs" "cd repo && casg cat --batch --buffer db <../keys"
sort keys >sorted
one "casg cat --batch, keys sorted" "$runs" "cd repo && casg cat --batch db <../sorted"
if have samtools; then
	one "samtools faidx -r" "$runs" "samtools faidx -r keys '$file'"
	bar "10,000 random keys, / samtools faidx -r" "$(calc "$batch / $best")" 0.5 x
	rm -f "$file.fai"
fi
if have blastdbcmd && have makeblastdb; then
	one "blastdbcmd -entry_batch" "$runs" "blastdbcmd -db blast -entry_batch keys"
fi
drop million1
