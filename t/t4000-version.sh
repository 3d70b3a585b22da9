#!/bin/sh
# VERSION: written from roots, read back, refused when not canonical.

test_description='casg-write-version and casg-read-version'
. "$(dirname "$0")/test-lib.sh"

A=$(printf a | sha256sum | cut -c1-64)
B=$(printf b | sha256sum | cut -c1-64)
NOW=2024-03-01T10:00:00Z

test_expect_success 'setup' '
	cat >roots <<-EOF &&
	order $B
	records $A
	presentation $B
	residues 10
	count 3
	EOF
	cat >least <<-EOF &&
	casg-version 1
	records $A
	order $B
	presentation $B
	count 3
	residues 10
	sequence-time $NOW
	EOF
	{
		cat least &&
		echo "release 2024_01" &&
		echo "taxonomy $B" &&
		echo "source a%25b.fa" &&
		echo "source -" &&
		echo "source-sha256 $A" &&
		printf "previous %s\n" $A $B | sort
	} >full
'

# ---- writing

test_expect_success 'roots in any order become a version' '
	casg-write-version --sequence-time $NOW <roots >out &&
	test_cmp least out
'

test_expect_success 'every option has its line' '
	casg-write-version --sequence-time=$NOW --release="2024_01" --taxonomy=$B \
		--source=a%b.fa --source=- --source-sha256=$A \
		--previous=$B --previous=$A --previous=$B <roots >out &&
	test_cmp full out
'

test_expect_success 'a taxonomy: its lines, and what only one kind has' '
	sed -e "s/^casg-version/casg-taxonomy/" -e "/^residues/d" \
		-e "s/^sequence-time/taxonomy-time/" least >tax &&
	sed "s/^residues .*/residues 0/" roots >tax-roots &&
	casg-write-version --kind=taxonomy --taxonomy-time=$NOW <tax-roots >out &&
	test_cmp tax out &&
	casg-write-version --kind=taxonomy --taxonomy-time=$NOW --mapping=$B --change=moved=3 \
		--change=new=2 --valid-until=2030-01-01 <tax-roots >out &&
	test_grep "^mapping $B$" out && test_grep "^valid-until 2030-01-01T00:00:00Z$" out &&
	grep "^change" out >changes && printf "change new 2\nchange moved 3\n" >want &&
	test_cmp want changes &&
	casg-read-version - <out >again && test_cmp out again &&
	casg-read-version --field=taxonomy-time - <out &&
	test_must_fail casg-read-version --field=sequence-time - <out &&
	casg-read-version --json - <out >json &&
	test_grep "\"change\": {\"new\": 2, \"moved\": 3}" json &&
	test_grep "\"casg-taxonomy\": 1" json &&
	test_expect_code 128 casg-write-version --kind=taxonomy <roots &&
	for option in --kind=other --kind=taxonomy\ --sequence-time=$NOW --kind=taxonomy\ --taxonomy=$B \
		--mapping=$B --taxonomy-time=$NOW --change=new=1 --kind=taxonomy\ --change=new \
		--kind=taxonomy\ --change=odd=1 --sequence-time=$NOW\ --valid-until=$NOW; do
		test_expect_code 129 casg-write-version $option <tax-roots || return 1
	done
'

test_expect_success 'times are converted to UTC' '
	casg-write-version --sequence-time 2024-03-01T12:30:00+02:30 <roots >out &&
	test_cmp least out &&
	casg-write-version --sequence-time 2024-03-01 <roots >out &&
	test_grep "^sequence-time 2024-03-01T00:00:00Z$" out
'

test_expect_success 'without a time it is now, which SOURCE_DATE_EPOCH sets' '
	SOURCE_DATE_EPOCH=1709287200 casg-write-version <roots >out &&
	test_cmp least out &&
	casg-write-version <roots >out &&
	test_grep "^sequence-time $(date -u +%Y-%m-)" out &&
	test_expect_code 128 env SOURCE_DATE_EPOCH=soon casg-write-version <roots
'

test_expect_success 'malformed roots are refused' '
	grep -v count roots >lacking &&
	test_expect_code 128 casg-write-version <lacking >out 2>err &&
	test_must_be_empty out &&
	test_grep "lack .count." err &&
	{ cat roots && echo "count 4"; } >twice &&
	test_expect_code 128 casg-write-version <twice &&
	{ cat roots && echo "colour red"; } >unknown &&
	test_expect_code 128 casg-write-version <unknown &&
	sed "s/^count 3/count 03/" roots >zero &&
	test_expect_code 128 casg-write-version <zero &&
	printf "records $A" >cut &&
	test_expect_code 128 casg-write-version <cut &&
	test_expect_code 128 casg-write-version </dev/null
'

test_expect_success 'bad options are wrong usage' '
	for option in --sequence-time=yesterday --sequence-time=2024-02-30 \
		--release= --release=" x" "--release=a${LF}b" --taxonomy=12 \
		--source= --source-sha256=x --previous=$(echo $A | tr a-f A-F)
	do
		test_expect_code 129 casg-write-version "$option" <roots >out 2>err &&
		test_must_be_empty out &&
		test_grep "^error: " err || { echo "$option" && return 1; }
	done
'

# ---- reading

test_expect_success 'a canonical version is printed as it is' '
	casg-read-version - <full >out &&
	test_cmp full out
'

test_expect_success '--id is what sha256sum says' '
	casg-read-version --id - <full >out &&
	sha256sum <full | cut -c1-64 >expect &&
	test_cmp expect out
'

test_expect_success '--facts: commit and version; 1 if there is none, 128 if it is lost' '
	rm -rf facts && casg init -q facts && cd facts && printf ">a\nACGT\n" >a.fa && casg import -q a.fa &&
	rm -rf .git/casg/index/versions &&
	casg-read-version --facts=f HEAD:a >out && git cat-file blob HEAD:a/VERSION >expect && test_cmp expect out &&
	printf "commit %s\nversion %s\n" "$(git rev-parse HEAD)" "$(sha256sum <expect | cut -d" " -f1)" >expect &&
	test_cmp expect f && test_path_is_missing .git/casg/index/versions &&
	test_expect_code 1 casg-read-version --facts=f HEAD:none >out && test_must_be_empty out &&
	echo "commit $(git rev-parse HEAD)" >expect && test_cmp expect f &&
	test_expect_code 1 casg-read-version --facts=f none:a >out && test_must_be_empty out && test_must_be_empty f &&
	casg-read-version --id --facts=f - <a/VERSION >out && test_grep "^version $(cat out)$" f &&
	test_expect_code 129 casg-read-version --list --facts=f &&
	blob=$(git rev-parse HEAD:a/VERSION) && rm -f ".git/objects/$(echo $blob | sed "s|^..|&/|")" &&
	test_expect_code 128 casg-read-version --facts=f HEAD:a 2>err && test_grep "a/VERSION" err &&
	test_expect_code 128 casg import -q a.fa
'

test_expect_success '--field prints a value, a line for each of several' '
	casg-read-version --field release - <full >out &&
	echo 2024_01 >expect &&
	test_cmp expect out &&
	casg-read-version --field=source - <full >out &&
	printf "%s\n" a%25b.fa - >expect &&
	test_cmp expect out &&
	test_expect_code 128 casg-read-version --field=release - <least >out 2>err &&
	test_must_be_empty out &&
	test_grep "no .release." err &&
	test_expect_code 129 casg-read-version --field=colour - <full
'

test_expect_success '--json' '
	casg-read-version --json - <full >out &&
	test_grep "\"id\": \"$(sha256sum <full | cut -c1-64)\"" out &&
	test_grep "\"count\": 3,$" out &&
	test_grep "\"source\": \[\"a%b.fa\", \"-\"\]" out &&
	casg-write-version --sequence-time=$NOW --release="q\"b\\s" \
		--source="$(printf "x\\001y\\377z")" <roots >v &&
	casg-read-version --json - <v >out &&
	test_grep "\"release\": \"q..b..s\"" out &&
	test_grep "x.u0001y$(printf "\\357\\277\\275")z" out
'

test_lazy_prereq PYTHON 'python3 -c "import json"'

test_expect_success PYTHON '--json is JSON' '
	casg-read-version --json - <v >out &&
	python3 -c "import json; json.load(open(\"out\", encoding=\"utf-8\"))" &&
	casg-read-version --json - <least >out &&
	python3 -c "import json; json.load(open(\"out\", encoding=\"utf-8\"))"
'

test_expect_success 'an unknown format version is refused by name' '
	sed "1s/1/7/" full >later &&
	test_expect_code 128 casg-read-version - <later >out 2>err &&
	test_must_be_empty out &&
	test_grep "casg-version 7 is not supported" err
'

test_expect_success 'what is not canonical is refused' '
	for edit in "s/$/ /" "2s/ /  /" "5s/3/+3/" "5s/3/03/" "7s/Z/+00:00/" "7s/T10/T25/" \
		"s/$/$(printf "\\r")/" "2d" "2{h;d};3{G}" "8p" "8s/$/$TAB/" "11s/ -/ a%62/" \
		"13s/ ./ g/" "1s/casg/cash/"
	do
		sed "$edit" full >bad &&
		test_expect_code 128 casg-read-version - <bad >out 2>err &&
		test_must_be_empty out || { echo "$edit" && return 1; }
	done &&
	printf %s "$(cat full)" >bad &&
	test_expect_code 128 casg-read-version - <bad &&
	test_expect_code 128 casg-read-version - </dev/null
'

test_expect_success 'flipping any byte is noticed or gives another id' '
	casg-read-version --id - <least >id &&
	size=$(wc -c <least) &&
	i=0 &&
	while test $i -lt $size; do
		cp least flipped &&
		flip_byte flipped $i || return 1
		casg-read-version --id - <flipped >id2 2>/dev/null
		case $? in
		0) ! cmp -s id id2 || return 1 ;;
		128) ;;
		*) return 1 ;;
		esac
		i=$((i + 17))
	done
'

test_expect_success 'options that exclude one another' '
	test_expect_code 129 casg-read-version --json --id - <least &&
	test_expect_code 129 casg-read-version --id --field=count - <least &&
	test_expect_code 129 casg-read-version -z - <least &&
	test_expect_code 129 casg-read-version --batch HEAD <least
'

test_expect_success DEVFULL 'a full disk' '
	test_expect_code 128 casg-write-version <roots >/dev/full &&
	test_expect_code 128 casg-read-version - <least >/dev/full
'

test_done
