#!/bin/sh
# casg query - the records, or the taxa, that are asked for.
# shellcheck disable=SC2034,SC2154 # casg_options sets opt_*, casg_view reads some

SPEC='casg query [FILTER...] [--as-of-sequence T] [--as-of-taxonomy T] [--as-of T] [--taxonomy [REV:]NAME] [--taxon-from LIST] [--between A..B] [--output FORM] [--format FORMAT] [--count] [--limit N] [-z] [--quiet] [[REV:]DATABASE]
casg query --taxa --changed-more-than N [--rank RANK] [--count] [-z] [[REV:]NAME]
--
taxon+TAXON           of this taxon or one below it, an id or a name; again for others
exclude+TAXON         not of this taxon nor one below it
rank=RANK             of a taxon that has this rank or lies below one
name=PATTERN          of a taxon with such a name, in either taxonomy
key=PATTERN           with such a key
description=PATTERN   with such a description
regexp                patterns are extended regular expressions, not globs
min-length#N          of so many residues or more
max-length#N          of so many residues or fewer
class=CLASS           with a change of this class, --since when
since=T               a time, label or revision, or REV:DATABASE
differs=RANK          whose taxon of this rank is another one; needs --between
between=A..B          two taxonomies: times, labels or revisions, or REV:NAME
as-of-sequence+T      the sequences as of a time, release label or revision
as-of-taxonomy+T      the taxonomy as of T
as-of+T               both as of T
taxonomy+[REV:]NAME   which taxonomy (default: casg.taxonomy, the one in VERSION, or the only one)
taxon-from=LIST       where taxa of records are from (default: casg.taxonFrom)
output=FORM           records (default), fasta, tsv or json
format=FORMAT         text with %(field) in it; with tsv and json its fields are the columns
count                 print the number alone
limit#N               no more than N records
taxa                  taxa instead of records
changed-more-than#N   taxa that were classified otherwise than before more than N times
z,null                lines end in NUL, nothing is quoted
q,quiet               do not say which versions were chosen
threads#N             workers (default: casg.threads)
memory%SIZE           memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-view.sh
. "${0%/*}/casg-sh-view"

casg_options 0 1 "$@"
eval "$casg_set"
asked=${1-}

# ---- taxa

query_taxa () {
	test -n "$opt_changed_more_than" || usage_die "--taxa needs --changed-more-than"
	case $opt_taxon$opt_exclude$opt_name$opt_key$opt_description$opt_regexp$opt_min_length in
	?*) usage_die "--taxa goes with --changed-more-than, --rank, --count and -z" ;;
	esac
	case $opt_max_length$opt_class$opt_since$opt_differs$opt_between$opt_taxon_from$opt_output$opt_format$opt_limit in
	?*) usage_die "--taxa goes with --changed-more-than, --rank, --count and -z" ;;
	esac
	case $opt_as_of$opt_as_of_sequence$opt_as_of_taxonomy in
	?*) usage_die "--taxa is about all versions; a REV says up to which" ;;
	esac
	test -z "$opt_taxonomy" || {
		test -z "$asked" || usage_die "either --taxonomy or [REV:]NAME"
		casg_view_one taxonomy "$opt_taxonomy"
		asked=$casg_value
	}
	exec casg-log-taxonomy --changed-more-than="$opt_changed_more_than" \
		${opt_rank:+"--rank=$opt_rank"} ${opt_count:+--count} ${opt_null:+-z} \
		${opt_threads:+"--threads=$opt_threads"} ${opt_memory:+"--memory=$opt_memory"} \
		-- "$asked"
}

test -z "$opt_taxa" || query_taxa
test -z "$opt_changed_more_than" || usage_die "--changed-more-than needs --taxa"

# ---- which versions

# A word that eval gives back as it is.
quoted () {
	printf "'"
	printf '%s' "$1" | sed "s/'/'\\\\''/g"
	printf "'"
}

# is_spec TEXT: is it REV:NAME, not a time?
is_spec () {
	case $1 in
	[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*) return 1 ;;
	*:*) return 0 ;;
	*) return 1 ;;
	esac
}

# use_taxonomy T: let casg_view choose this one.
use_taxonomy () {
	opt_as_of_taxonomy=''
	if is_spec "$1"; then
		opt_taxonomy=$(quoted "$1")
	else
		opt_as_of_taxonomy=$(quoted "$1")
	fi
}

old='' older=''
if test -n "$opt_between"; then
	case $opt_as_of$opt_as_of_taxonomy in
	?*) usage_die "--between says which taxonomies; --as-of-sequence goes with it" ;;
	esac
	older=${opt_between%%..*} newer=${opt_between#*..}
	case $opt_between in
	*...* | ..* | *..) usage_die "option '--between' expects A..B, not '$opt_between'" ;;
	*..*) ;;
	*) usage_die "option '--between' expects A..B, not '$opt_between'" ;;
	esac
	same_taxonomy=$opt_taxonomy
	use_taxonomy "$older"
	casg_view must "$asked"
	old=$taxonomy_spec
	opt_taxonomy=$same_taxonomy
	use_taxonomy "$newer"
fi
test -z "$opt_differs" || test -n "$old" || usage_die "--differs needs --between"

mode=asked
case $opt_taxon$opt_exclude$opt_format$opt_output$opt_taxon_from in
?*) mode=any ;;
esac
case $opt_output in
records | fasta) test -n "$opt_taxon$opt_exclude" || mode=asked ;;
esac
case $opt_rank$opt_name$old in
?*) mode=must ;;
esac
casg_view "$mode" "$asked"

# What the changes of --class are counted from.
if test -n "$opt_since" && ! is_spec "$opt_since"; then
	opt_since=$(casg-resolve-view --no-taxonomy --as-of-sequence="$opt_since" -- "$asked") || exit
	opt_since=${opt_since#sequence }
	opt_since=${opt_since%% *}
fi

set --
eval "for word in $opt_taxon; do set -- \"\$@\" \"--taxon=\$word\"; done"
eval "for word in $opt_exclude; do set -- \"\$@\" \"--exclude=\$word\"; done"
exec casg-query-tree "$@" \
	${taxonomy_spec:+"--taxonomy=$taxonomy_spec"} ${old:+"--old-taxonomy=$old"} \
	${opt_taxon_from:+"--taxon-from=$opt_taxon_from"} \
	${opt_rank:+"--rank=$opt_rank"} ${opt_name:+"--name=$opt_name"} \
	${opt_key:+"--key=$opt_key"} ${opt_description:+"--description=$opt_description"} \
	${opt_regexp:+--regexp} ${opt_min_length:+"--min-length=$opt_min_length"} \
	${opt_max_length:+"--max-length=$opt_max_length"} ${opt_differs:+"--differs=$opt_differs"} \
	${opt_class:+"--class=$opt_class"} ${opt_since:+"--since=$opt_since"} \
	${opt_output:+"--output=$opt_output"} ${opt_format:+"--format=$opt_format"} \
	${opt_count:+--count} ${opt_limit:+"--limit=$opt_limit"} ${opt_null:+-z} \
	${opt_threads:+"--threads=$opt_threads"} ${opt_memory:+"--memory=$opt_memory"} \
	-- "$spec"
