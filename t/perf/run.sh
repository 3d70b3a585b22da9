#!/bin/sh
# run.sh [--data DIR] [--big] [PNN...] - all measurements, or some of them, and
# a list of the figures by how far each is from what it should be.

dir=$(cd "${0%/*}" && pwd) || exit 128
# shellcheck source=t/perf/perf-lib.sh
. "$dir/perf-lib.sh"
perf_name=$dir/run.sh

# p05 and the like are for here, the rest is for the scripts
only=
for arg; do
	shift
	case $arg in
	p[0-9][0-9]) only="$only $arg" ;;
	*) set -- "$@" "$arg" ;;
	esac
done
perf_options "$@"

work=$(mktemp -d "${TMPDIR:-/tmp}/casg-perf-run.XXXXXX") || die "no temporary folder"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
CASG_PERF_INPUTS=$work/inputs
CASG_PERF_RESULTS=$work/results
export CASG_PERF_INPUTS CASG_PERF_RESULTS
: >"$CASG_PERF_RESULTS"

failed=0
for script in "$dir"/p[0-9][0-9]-*.sh; do
	name=${script##*/}
	case "$only " in
	" " | *" ${name%%-*} "*) ;;
	*) continue ;;
	esac
	sh "$script" "$@" || failed=1
done

printf '\n## what is to be reached, the farthest first (figure / bar; at most 1 is right)\n\n'
sort -rn "$CASG_PERF_RESULTS" |
awk -F '\t' '{ printf "%7.3f  %-6s  %-3s  %-48s %12s  bar %s\n", $1, $5, $2, $6, $3, $4 }'
exit "$failed"
