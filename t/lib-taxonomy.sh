# shellcheck shell=sh
# lib-taxonomy - a small taxonomy for tests, and any from lines of records.
#
#	taxa <LINES >STREAM         "KEY DESCRIPTION" lines become a record stream;
#	                            ^ stands for TAB
#	commit_taxonomy NAME FILE   the records of FILE become taxonomy/NAME in HEAD
#	small_taxonomy NAME         a root, bacteria, eukaryotes; 999 merged, 998 deleted
# shellcheck disable=SC2154 # TAB is test-lib's

taxa () {
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\^/\\t/g' \
		-e "s/^\([^ ]*\) \(.*\)/\1$TAB$(printf '' | sha256sum | cut -c1-64)${TAB}0$TAB-$TAB-$TAB\"\2\"/"
}

commit_taxonomy () {
	printf '>x\n' | casg-hash-object -w - >none &&
	casg-mktree --quiet <"$2" >roots &&
	casg-write-version --kind=taxonomy --taxonomy-time=2024-01-01 --release=r1 <roots >version &&
	casg_commit=$(casg-commit-tree -p HEAD --database="taxonomy/$1" -m "$1" <version) &&
	git update-ref HEAD "$casg_commit" && git reset -q --hard
}

small_taxonomy () {
	taxa >records <<-\EOF &&
	1 ^node^1^no rank^^root^
	2 ^node^1^superkingdom^^Bacteria^Bacteria <bacteria>
	2759 ^node^1^superkingdom^^Eukaryota^
	561 ^node^2^genus^8|0|1|^Escherichia^
	562 ^node^561^species^8|1|1|^Escherichia coli^^common name^E. coli^
	83333 ^node^562^strain^^Escherichia coli K-12^
	4930 ^node^2759^genus^^Saccharomyces^
	4932 ^node^4930^species^^Saccharomyces cerevisiae^^synonym^Twin^
	4896 ^node^2759^species^^Schizosaccharomyces pombe^^synonym^Twin^
	999 ^merged^562
	998 ^deleted
	EOF
	commit_taxonomy "$1" records
}
