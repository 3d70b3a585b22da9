# shellcheck shell=sh
# shellcheck disable=SC2034 # the scripts use them
# perf-lib.sh - what the measurements share.  A script begins with
#
#	. "${0%/*}/perf-lib.sh"
#	perf_start "$0" "what it measures" "$@"
#
# which reads the options, makes $tmp (removed at the end), goes there and puts
# casg and casg-gen on PATH.  Then it gets its input with 'shape NAME', times
# commands with 'bench' and 'peak', prints rows with 'row', and holds a figure
# against what is to be reached with 'bar'.

die () {
	printf 'fatal: %s\n' "$*" >&2
	exit 128
}

have () {
	command -v "$1" >/dev/null 2>&1
}

# ---- start and end

perf_usage () {
	cat <<EOT
usage: ${perf_name##*/} [--data DIR] [--bin DIR] [--runs N] [--big]

    --data DIR  real FASTA files, see t/perf/README (CASG_DATA)
    --bin DIR   the folder of the casg to measure (bin-wrappers of the build tree)
    --runs N    repeat the quick ones N times and take the best (3)
    --big       the large inputs too; takes long
EOT
}

perf_options () {
	data=${CASG_DATA-} bin='' runs=3 big=''
	while test $# != 0; do
		case $1 in
		--data=* | --bin=* | --runs=*)
			perf_value=${1#*=}
			perf_option=${1%%=*}
			shift
			set -- "$perf_option" "$perf_value" "$@"
			continue
			;;
		--data | --bin | --runs)
			test $# -ge 2 || { perf_usage >&2; exit 129; }
			;;
		esac
		case $1 in
		--data) data=$2 && shift ;;
		--bin) bin=$2 && shift ;;
		--runs) runs=$2 && shift ;;
		--big) big=1 ;;
		-h | --help) perf_usage; exit 129 ;;
		*) perf_usage >&2; exit 129 ;;
		esac
		shift
	done
	case $runs in
	"" | 0* | *[!0-9]*) die "--runs expects a number, not '$runs'" ;;
	esac
	test -z "$data" || test -d "$data" || die "there is no folder '$data'"
	case $data in
	"" | /*) ;;
	*) data=$PWD/$data ;;
	esac
}

# The casg to measure, and casg-gen of the build tree.
perf_find_casg () {
	perf_dir=$(cd "${perf_name%/*}" && pwd) || exit 128
	build=${CASG_BUILD_DIR:-${perf_dir%/t/perf}}
	test -x "$build/t/helper/casg-gen" ||
		die "casg is not built in '$build'; name the build tree in CASG_BUILD_DIR"
	PATH=${bin:-$build/bin-wrappers}:$PATH:$build/t/helper
	export PATH
	have casg || die "there is no casg in '${bin:-$build/bin-wrappers}'"
}

# Nothing of the user's settings may count.
perf_environment () {
	LC_ALL=C
	GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
	GIT_AUTHOR_NAME=perf GIT_AUTHOR_EMAIL=perf@example.org
	GIT_COMMITTER_NAME=perf GIT_COMMITTER_EMAIL=perf@example.org
	RESTIC_PASSWORD=perf BORG_BASE_DIR=$tmp/borg-base
	BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
	export LC_ALL GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL
	export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL
	export RESTIC_PASSWORD BORG_BASE_DIR BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK
	unset GIT_DIR GIT_WORK_TREE CASG_DIR CASG_CACHE_DIR CASG_THREADS CASG_MEMORY
	unset CASG_TRACE CASG_TRACE_PERF
}

# perf_start SCRIPT TITLE ARG...
perf_start () {
	case $1 in
	*/*) perf_name=$1 ;;
	*) perf_name=./$1 ;;
	esac
	perf_title=$2
	shift 2
	perf_options "$@"
	perf_find_casg
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/casg-perf.XXXXXX") || die "no temporary folder"
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
	perf_environment
	# run.sh gives all scripts one folder, so that an input is made once
	inputs=${CASG_PERF_INPUTS:-$tmp/inputs}
	results=${CASG_PERF_RESULTS:-$tmp/results}
	mkdir -p "$inputs" && cd "$tmp" || exit 128
	name=${perf_name##*/}
	name=${name%%-*}
	printf '\n## %s  %s\n' "$name" "$perf_title"
	printf '# %s processors, load %s, %s\n' "$(nproc)" \
		"$(cut -d' ' -f1-3 /proc/loadavg)" "$(casg version)"
}

# ---- input

# plain FILE...: their decompressed bytes, one after the other.
plain () {
	for perf_file; do
		case $(od -An -tx1 -N4 "$perf_file" | tr -d ' \n') in
		1f8b*) gzip -dc "$perf_file" ;;
		28b52ffd) zstd -dcq "$perf_file" ;;
		fd377a58) xz -dc "$perf_file" ;;
		425a68*) bzip2 -dc "$perf_file" ;;
		*) cat "$perf_file" ;;
		esac || die "cannot read '$perf_file'"
	done
}

nbytes () {
	wc -c <"$1" | tr -d ' '
}

# real SUBFOLDER OUT: everything that DATA has there, or 1 if it has nothing.
real () {
	test -n "$data" && test -d "$data/$1" || return 1
	set -- "$2" "$data/$1"/*.f*a*
	test -f "$2" || return 1
	perf_out=$1
	shift
	plain "$@" >"$perf_out"
}

# fill OUT NBYTES BASE: BASE and mutated copies of it, with keys of their own,
# until there are about NBYTES.
fill () {
	cp "$3" "$1" || exit 128
	perf_copy=0
	while test "$(($(nbytes "$1") + $(nbytes "$3") / 2))" -lt "$2"; do
		perf_copy=$((perf_copy + 1))
		casg-gen --seed "$perf_copy" --mutate "$3" --change 100 |
		sed "s/^>\([^[:space:]]*\)/>\1.$perf_copy/" >>"$1" || exit 128
	done
}

# Gene by gene, a hundred near-identical alleles each, as typing schemes have
# them: short keys, no description, one line.
make_alleles () {
	gene=0
	while test "$gene" -lt "$1"; do
		gene=$((gene + 1))
		casg-gen --seed "$gene" --records 100 --length 480 --family 1 --width 0 || exit
	done | awk '/^>/ { printf ">gene%04d_%d\n", int(n / 100) + 1, n % 100 + 1; n++; next }
		{ print }'
}

# Proteomes of related organisms: the like of a sequence is far away from it.
protein_base () {
	real proteins base.fa ||
		casg-gen --seed 1 --type protein --records "$1" --length 380 >base.fa
}

make_shape () {
	case $1 in
	genomes)
		real genomes base.fa && fill "$2" 270000000 base.fa ||
		casg-gen --seed 1 --records 55 --length 4900000 --width 80 >"$2"
		;;
	alleles) real alleles "$2" || make_alleles 2420 >"$2" ;;
	viral) real viral "$2" ;;
	proteins)
		protein_base 20000
		fill "$2" 67000000 base.fa
		;;
	proteins-350)
		protein_base 60000
		fill "$2" 350000000 base.fa
		;;
	proteins-as-is) real proteins "$2" ;;
	# always made: they are about numbers of records and of bytes
	million*)
		casg-gen --seed 3 --type protein --records "${1#million}000000" \
			--length 300 --family 0.5 >"$2"
		;;
	dna-*m)
		perf_mb=${1#dna-}
		casg-gen --seed 4 --records "$((${perf_mb%m} / 5))" --length 4940000 --width 80 >"$2"
		;;
	esac
}

# shape NAME: $file is such a file, in the page cache; 1 when DATA has none.
shape () {
	file=$inputs/$1.fa
	if ! test -f "$file"; then
		make_shape "$1" "$file.new" || { rm -f "$file.new" base.fa; return 1; }
		rm -f base.fa
		mv "$file.new" "$file" || exit 128
	fi
	size=$(nbytes "$file")
	cat "$file" >/dev/null
}

# drop NAME: the disk space back, when nobody else will need it.
drop () {
	test -n "${CASG_PERF_INPUTS-}" || rm -f "$inputs/$1.fa"
}

# fresh FILE...: the repository $tmp/repo with FILE in it as database "db".
fresh () {
	rm -rf repo
	casg init -q repo || exit
	(cd repo && casg import -q --database db "$@") || exit
}

# version_field NAME: of the version that repo's HEAD has.
version_field () {
	git -C repo show HEAD:db/VERSION | sed -n "s/^$1 //p"
}

# ---- measuring

perf_failed () {
	cat command.err >&2
	die "this failed: $1"
}

# own_loop RUNS PREPARE COMMAND: begin and end of each in ./laps.
own_loop () {
	perf_run=0
	: >laps
	while test "$perf_run" -lt "$1"; do
		perf_run=$((perf_run + 1))
		sh prepare.sh >command.err 2>&1 || perf_failed "$2"
		perf_begin=$(date +%s%N)
		sh command.sh >/dev/null 2>command.err || perf_failed "$3"
		echo "$perf_begin $(date +%s%N)" >>laps
	done
}

# bench RUNS PREPARE COMMAND: $best and $median wall time of COMMAND in seconds.
# PREPARE runs before each and does not count.  Standard output is /dev/null
# unless COMMAND says otherwise.
bench () {
	printf '%s\n' "${2:-:}" >prepare.sh
	printf '%s\n' "$3" >command.sh
	if have hyperfine; then
		hyperfine -N --style none --runs "$1" --prepare 'sh prepare.sh' \
			--export-csv laps.csv 'sh command.sh' >command.err 2>&1 ||
			perf_failed "$3"
		laps=$(awk -F, 'END { print $(NF - 1), $(NF - 4) }' laps.csv)
	else
		own_loop "$@"
		laps=$(awk '{ printf "%.5f\n", ($2 - $1) / 1e9 }' laps | sort -n |
			awk '{ t[NR] = $1 } END { print t[1], t[int((NR + 1) / 2)] }')
	fi
	best=$(calc "${laps% *}" %.5f)
	median=$(calc "${laps#* }" %.5f)
}

# peak COMMAND: $rss, the largest resident set of one of its processes, in KiB.
peak () {
	test -x /usr/bin/time || die "needs /usr/bin/time (Debian's package time)"
	printf '%s\n' "$1" >command.sh
	/usr/bin/time -v -o peak.out sh command.sh >/dev/null 2>command.err || perf_failed "$1"
	rss=$(peak_of peak.out)
}

peak_of () {
	sed -n 's/.*Maximum resident set size (kbytes): //p' "$1"
}

# calc EXPRESSION [FORMAT]
calc () {
	awk "BEGIN { printf \"${2:-%.2f}\", $1 }"
}

# ---- printing

# heading FORMAT COLUMN...; row VALUE... prints with the same widths.
heading () {
	perf_format=$1
	shift
	echo
	row "$@"
}

row () {
	# shellcheck disable=SC2059 # the script's own
	printf "$perf_format\n" "$@"
}

note () {
	printf '  %s\n' "$*"
}

# Smaller files are shown; what is to be reached is about some 100 MB.
big_enough () {
	test "$size" -ge 50000000
}

# bar WHAT FIGURE MOST UNIT: FIGURE should be at most MOST.
bar () {
	perf_off=$(calc "$2 / $3" %.3f)
	perf_word=$(calc "$2 <= $3" %d)
	test "$perf_word" = 1 && perf_word=ok || perf_word=MISSED
	printf '%s\t%s\t%s %s\t%s %s\t%s\t%s\n' "$perf_off" "$name" "$2" "$4" "$3" "$4" \
		"$perf_word" "$1" >>"$results"
}
