#!/bin/sh
# Make the seeds of fuzz-taxrec in DIR (default: seeds beside this script).
# usage: make-seeds-taxonomy.sh [DIR]
set -eu

dir=${1-$(dirname "$0")/seeds}

# seed TARGET NAME FORMAT: the format is printf's
seed () {
	mkdir -p "$dir/$1"
	# shellcheck disable=SC2059
	printf -- "$3" >"$dir/$1/$2"
}

seed taxrec root '\tnode\t1\tno rank\t|8|0|1|0\troot\t'
seed taxrec names '\tnode\t561\tspecies\t\tEscherichia coli\t\tauthority\tE. coli (1895)\t\tsynonym\ta\t\tsynonym\ta\tu'
seed taxrec names-disordered '\tnode\t561\tspecies\t\tn\t\tsynonym\ta\tu\tsynonym\ta\t'
seed taxrec merged '\tmerged\t562'
seed taxrec deleted '\tdeleted'
seed taxrec mapping '\t562,s__Escherichia%%20coli'
seed taxrec mapping-twice '\t562,562'
seed taxrec id 's__a%%20b%%2C%%25%%7F'
seed taxrec id-needless 's__a%%41'
seed taxrec cut '\tnode\t561\tspecies\t\tn'
