#!/bin/sh
# A database as it grows: the time of each command and the memory of all its
# processes together, within casg.memory=512m.  With --records N of N records;
# else of 0.1 and 1 million, with --big of 10 million too.  The table of
# casgscale(7) is made by it.  --no-repack leaves out what takes longest.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"

count='' repack=1
for arg; do
	shift
	case $arg in
	--records) count=next && continue ;;
	--records=*) count=${arg#*=} && continue ;;
	--no-repack) repack='' && continue ;;
	esac
	if test "$count" = next; then
		count=$arg
	else
		set -- "$@" "$arg"
	fi
done
case $count in
next | 0* | *[!0-9]*) die "--records expects a number" ;;
esac
test -z "$count" || test "$count" -ge 10000 || die "--records expects 10000 at least"
perf_start "$0" "as a database grows" "$@"
have perl || { note "perl is not installed"; exit 0; }
have casg-peak || die "there is no casg-peak"
CASG_MEMORY=512m
export CASG_MEMORY

# Keys in random order, and taxa that a hundred records each declare, far from
# each other: both are one-to-one functions of the number of the record.
spread () {
	perl -pe '
		BEGIN { $n = int('"$1"' / 100) }
		if (/^>/) {
			$k = (++$i ^ $i >> 16) * 0x45d9f3b & 0xffffffff;
			$k = ($k ^ $k >> 16) * 0x45d9f3b & 0xffffffff;
			$k = sprintf("A0A%08X", $k ^ $k >> 16);
			$t = 1000000 + $i * 7919 % $n;
			s/^>[^|]*\|[^|]*/>sp|$k/;
			s/OX=[0-9]+/OX=$t/;
		}'
}

# so many records have another first residue
changed () {
	perl -pe '
		BEGIN { $step = int('"$1"' / '"$2"') }
		if (/^>/) { $hit = ++$i % $step == '"$3"' } elsif ($hit) { tr/A-Y/B-Z/ for substr($_, 0, 1); $hit = 0 }'
}

# step WHAT COMMAND: a row of its time, the processors' time and memory, once
step () {
	printf 'cd repo && { %s\n} >/dev/null\n' "$2" >command.sh
	begin=$(date +%s%N)
	casg-peak memory -- sh command.sh 2>command.err || perf_failed "$2"
	took=$(calc "($(date +%s%N) - $begin) / 1e9" %.2f)
	anonymous=$(sed -n 's/^anonymous //p' memory)
	resident=$(sed -n 's/^resident //p' memory)
	row "$1" "$took" "$(calc "$(sed -n 's/^processor //p' memory) / 1000")" \
		"$(mib "$anonymous")" "$(mib "$resident")"
	bar "memory of $1, $records records" "$(mib "$anonymous")" 512 MiB
	test -z "${SCALE_DETAILS-}" || sed -n 's/^at /    /p; s/^most /    most /p' memory
}

# quick WHAT COMMAND: one that takes ms, so that it is repeated
quick () {
	bench "$((runs * 5))" '' "cd repo && $2"
	row "$1" "$(calc "$median" %.4f)" - - -
}

mib () {
	calc "$1 / 1024" %.0f
}

# sizes: what the repository has
sizes () {
	note "packs: $(find repo/.git/casg/packs -name '*.pack' -exec cat {} + | wc -c) bytes in" \
		"$(find repo/.git/casg/packs -name '*.pack' | wc -l), indexes" \
		"$(find repo/.git/casg/packs -name '*.idx' -exec cat {} + | wc -c) bytes," \
		"PACKS $(git -C repo show HEAD:db/PACKS | wc -c), VERSION $(git -C repo show HEAD:db/VERSION | wc -c)"
}

# added: bytes of packs that the last command brought
added () {
	note "new packs: $(find repo/.git/casg/packs -name '*.pack' -newer before -exec cat {} + | wc -c) bytes"
}

measure () {
	records=$1
	casg-gen --seed 3 --type protein --records "$records" --length 300 --family 0.5 |
		spread "$records" >one.fa || exit 128
	heading "%-44s %9s %9s %6s %10s" "$records records, $(nbytes one.fa) bytes" \
		seconds processor MiB "with files"
	casg init -q repo || exit 128
	cat one.fa >/dev/null
	step "casg import" "casg import -q -d db ../one.fa"
	sizes
	awk -v step="$((records / 10000))" '/^>/ && n++ % step == 0 { print substr($1, 2) }' one.fa |
		head -n 10000 | perl -e 'srand(1); @a = <>; for ($i = $#a; $i; $i--) { $j = int(rand($i + 1)); @a[$i, $j] = @a[$j, $i] } print @a' >keys
	head -n 1000 keys >keys.1000
	sed 's/$/x/' keys >keys.none
	key=$(head -n 1 keys)
	awk -v step="$((records / 10))" '
		/^>/ { hit = n++ % step == 7; if (hit) print $0 " revised"; next }
		hit' one.fa >ten.fa
	step "casg index-taxa" "casg index-taxa db"
	step "casg ls" "casg ls db"
	step "casg export" "casg export -q db | cmp - ../one.fa"
	quick "casg version" "casg version"
	quick "casg cat of one record" "casg cat db '$key'"
	quick "casg cat of a key that is not there" "casg cat -q db '${key}x' || test \$? = 1"
	step "1,000 random records" "casg cat --batch --buffer db <../keys.1000"
	step "10,000 random records" "casg cat --batch --buffer db <../keys"
	step "10,000 keys that are not there" "casg cat --batch --buffer db <../keys.none"
	step "casg prove" "casg prove db '$key'"
	step "casg prove that a key is not there" "casg prove db '${key}x'"
	step "casg subset of a taxon of 100" "casg subset --taxon 1000042 db"
	rm -rf copy && casg clone -q repo copy || exit 128
	quick "casg fetch, nothing new" "cd ../copy && casg fetch -q"
	rm -rf copy
	: >before && git -C repo branch other || exit 128
	step "casg import --update of 10 records" "casg import -q --update -d db ../ten.fa"
	added
	changed "$records" 100 3 <one.fa >two.fa || exit 128
	: >before
	step "casg import of 100 changes" "casg import -q -d db ../two.fa"
	added
	quick "casg diff --stat, 100 changes" "casg diff --stat other HEAD -- db"
	step "casg diff, 100 changes" "casg diff other HEAD -- db"
	changed "$records" 100 5 <one.fa >two.fa || exit 128
	git -C repo checkout -q -b third other || exit 128
	step "casg import of 100 others" "casg import -q -d db ../two.fa"
	rm -f two.fa
	step "casg merge of 100 changes into 100" "casg merge -q master"
	step "casg gc" "casg gc --quiet"
	step "casg fsck" "casg fsck --quiet"
	step "casg fsck --full" "casg fsck --quiet --full"
	if test -n "$repack"; then
		step "casg repack -a -d" "casg repack -a -d --quiet"
		sizes
	fi
	rm -rf repo one.fa
}

if test -n "$count"; then
	measure "$count"
else
	measure 100000
	measure 1000000
	test -z "$big" || measure 10000000
fi
