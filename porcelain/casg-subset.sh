#!/bin/sh
# casg subset - the FASTA of taxa and their descendants.
# shellcheck disable=SC2034,SC2154 # casg_options sets opt_*, casg_view reads some

SPEC='casg subset [--quiet] [-o FILE] [--proof FILE] [--as-of T | [--as-of-sequence T] [--as-of-taxonomy T]] [--taxonomy [REV:]NAME | --no-taxonomy] [--taxon-from LIST] [--no-descendants] --taxon TAXON... [--exclude TAXON]... [REV:][DATABASE]
--
taxon+TAXON          records that carry this taxon, or a descendant of it
exclude+TAXON        but none that carries this one, or a descendant of it
as-of-sequence+T     the sequences as of a time, release label or revision
as-of-taxonomy+T     the taxonomy as of T
as-of+T              both as of T
taxonomy+[REV:]NAME  look up taxa there, not in the taxonomy of HEAD
no-taxonomy          go by ids alone
taxon-from=LIST      where taxa of records are from (default: casg.taxonFrom)
no-descendants       only the taxa themselves
proof=FILE           write there a proof that each record is in the version, and under a taxonomy of what taxon
q,quiet              no progress, no warnings, no word of the versions chosen
o,output=FILE        write there, and only when all of it is verified
'

# The option that names the taxonomy of HEAD in $taxonomy: none if there is no
# taxonomy, an empty name if there are several, which the program refuses.
find_taxonomy () {
	if test -n "${CASG_DIR-}"; then
		GIT_DIR=$CASG_DIR
		export GIT_DIR
	fi
	taxonomy=
	set -f
	for name in $(git ls-tree --full-tree --name-only HEAD taxonomy/ 2>/dev/null); do
		case $taxonomy,$name in
		*.map) ;;
		,*) taxonomy=--taxonomy=HEAD:$name ;;
		*) taxonomy=--taxonomy= ;;
		esac
	done
}

# What needs no parser goes straight on: that saves a third of the time.
plain=1 value='' any=''
for arg; do
	case $value,$arg in
	1,*) value='' ;;
	,--taxon | ,--exclude) value=1 any=1 ;;
	,--taxon=* | ,--exclude=*) any=1 ;;
	,-q | ,--quiet) ;;
	,-*) plain='' ;;
	esac
done
case $plain,$any,$value in
1,1,)
	test -n "${CASG_EXEC_PATH-}" || PATH=${0%/*}:$PATH
	find_taxonomy
	CASG_USAGE=${SPEC%%
--*}
	export CASG_USAGE
	exec casg-ls-taxon --fasta ${taxonomy:+"$taxonomy"} "$@"
	;;
esac

# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-view.sh
. "${0%/*}/casg-sh-view"
# shellcheck source=porcelain/casg-sh-output.sh
. "${0%/*}/casg-sh-output"

casg_options 0 1 "$@"
eval "$casg_set"
test -n "$opt_taxon" || usage_die "no taxon given"
test -z "$opt_taxonomy$opt_as_of$opt_as_of_taxonomy" || test -z "$opt_no_taxonomy" ||
	usage_die "--no-taxonomy excludes what says which taxonomy"

# $viewed: what the proof is to say of taxa is said under this taxonomy.
viewed='' told=''
if test -n "$opt_as_of$opt_as_of_taxonomy"; then
	casg_view must "${1-}"
	taxonomy=--taxonomy=$taxonomy_spec
	viewed=$taxonomy_spec told=1
else
	taxonomy=
	if casg_view_one taxonomy "$opt_taxonomy"; then
		if test -z "$casg_value"; then
			find_taxonomy
			set +f
			casg_value=${taxonomy#--taxonomy=}
		fi
		taxonomy=--taxonomy=$casg_value
		viewed=$casg_value
		# no word of it, as it is given
		opt_taxonomy=
	elif test -z "$opt_no_taxonomy"; then
		find_taxonomy
		set +f
	fi
	casg_view asked "${1-}"
fi
set -- -- "$spec"
eval "for arg in $opt_exclude; do set -- --exclude=\"\$arg\" \"\$@\"; done"
eval "for arg in $opt_taxon; do set -- --taxon=\"\$arg\" \"\$@\"; done"
test -z "$taxonomy" || set -- "$taxonomy" "$@"
set -- ${opt_taxon_from:+--taxon-from="$opt_taxon_from"} ${opt_quiet:+--quiet} ${opt_no_descendants:+--no-descendants} "$@"

tmp='' proof=''
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'rm -f ${tmp:+"$tmp"} ${proof:+"$proof" "$proof.keys"}'

# prove [REV:]DATABASE <KEYS
prove () {
	if test -z "$viewed"; then
		casg-prove --stdin -z "$1"
		return
	fi
	name=${viewed##*:}
	case $viewed in
	*:*) rev=${viewed%:*} ;;
	*) rev=HEAD ;;
	esac
	casg-prove --stdin -z --taxonomy="$rev:${name#taxonomy/}" ${opt_taxon_from:+"--taxon-from=$opt_taxon_from"} \
		${opt_quiet:+-q} ${told:+-q} "$1"
}

# The proof comes first, and is there only if all of the text is.
if test -n "$opt_proof"; then
	! test -d "$opt_proof" || die "'$opt_proof' is a folder"
	casg_beside "$opt_proof"
	proof=$beside
	(: >"$proof") 2>/dev/null || die "cannot write '$opt_proof'"
	casg-ls-taxon --keys -z "$@" >"$proof.keys" || exit
	prove "$spec" <"$proof.keys" >"$proof" || exit 128
	rm -f "$proof.keys"
fi

case $opt_output in
"" | -) casg-ls-taxon --fasta "$@" || exit ;;
*) casg_write "$opt_output" casg-ls-taxon --fasta "$@" ;;
esac
test -z "$proof" || mv -f -- "$proof" "$opt_proof" || exit 128
exit 0
