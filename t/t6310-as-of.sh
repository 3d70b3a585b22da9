#!/bin/sh
# Which version is in force: the rules, one by one, and every command.

test_description='as of a time, a release label, a revision'
. "$(dirname "$0")/test-lib.sh"

# ---- histories of VERSIONs alone: nothing else is read

# version NAME TIME [FIELD VALUE]... [previous NAME]...: the text in $NAME.v, its
# id in $NAME.id.  Its roots are the digest of its name.
version () {
	name=$1 kind=version axis=sequence residues='residues 10'
	case $name in
	tax*) kind=taxonomy axis=taxonomy residues='' ;;
	esac
	root=$(printf "%s" "$name" | sha256sum | cut -c1-64)
	{
		printf "casg-%s 1\nrecords %s\norder %s\npresentation %s\ncount 1\n" \
			"$kind" "$root" "$root" "$root" &&
		printf "%s\n" ${residues:+"$residues"} "$axis-time $2" &&
		shift 2 &&
		while test $# != 0; do
			case $1 in
			previous) printf "%s %s\n" "$1" "$(cat "$2.id")" ;;
			*) printf "%s %s\n" "$1" "$2" ;;
			esac
			shift 2
		done
	} >"$name.v" &&
	casg-read-version --id - <"$name.v" >"$name.id"
}

# commit BRANCH FROM PATH=FILE... [+BRANCH]: a commit on top of FROM ("" for none)
# that has these files, and perhaps a second parent.
commit () {
	{
		echo "commit refs/heads/$1" &&
		echo "committer A <a@b.c> 1700000000 +0000" &&
		printf "data 2\nx\n" &&
		printf "%s" "${2:+from refs/heads/$2^0$LF}" &&
		for arg in "$@"; do
			case $arg in
			+*) echo "merge refs/heads/${arg#+}^0" ;;
			esac
		done &&
		for arg in "$@"; do
			case $arg in
			*=) echo "D ${arg%=}" ;;
			*=*)
				printf "M 100644 inline %s/VERSION\ndata %d\n" "${arg%%=*}" "$(wc -c <"${arg#*=}.v")" &&
				cat "${arg#*=}.v"
				;;
			esac
		done
	} | git fast-import --quiet --force
}

# as_of T [SPEC] expects NAME: the version of that name is the answer.
as_of () {
	casg-resolve-view --no-taxonomy --as-of-sequence "$1" "${2-m:db}" >out &&
	cut -d" " -f3 out >id && test_cmp "$4.id" id
}

# refused T SPEC MESSAGE
refused () {
	test_expect_code 128 casg-resolve-view --no-taxonomy --as-of-sequence "$1" "$2" >out 2>err &&
	test_must_be_empty out &&
	echo "fatal: $3" >expect && test_cmp expect err
}

# said NAME TIME [LABEL]: as messages name a version
said () {
	echo "$(cat "$1.id") ($2${3:+, $3})"
}

test_expect_success 'setup' '
	casg init -q . &&
	version v1 2020-01-01T00:00:00Z release 2020_01 &&
	version v2 2021-01-01T00:00:00Z release 2021_01 previous v1 &&
	version v3 2022-01-01T00:00:00Z release 2022_01 previous v2 &&
	commit m "" db=v1 && commit m m db=v2 && commit m m db=v3 &&
	git symbolic-ref HEAD refs/heads/m
'

test_expect_success 'the greatest time that is not after T' '
	as_of 2020-01-01 m:db is v1 &&
	as_of 2020-12-31T23:59:59Z m:db is v1 &&
	as_of 2021-01-01T00:00:00Z m:db is v2 &&
	as_of 2021-06-01 db is v2 &&
	as_of 9999-12-31 m: is v3 &&
	as_of 2021-06-01 "" is v2
'

test_expect_success 'what is printed: a commit that has it, time and label' '
	commit=$(git rev-parse m~1) &&
	echo "sequence $commit:db $(cat v2.id) 2021-01-01T00:00:00Z 2021_01" >expect &&
	casg-resolve-view --as-of-sequence 2021-06-01 >actual && test_cmp expect actual &&
	casg-resolve-view --as-of-sequence HEAD~1 >actual && test_cmp expect actual &&
	casg-resolve-view m~1:db >actual && test_cmp expect actual
'

test_expect_success 'times with offsets are converted, dates are midnight UTC' '
	as_of 2021-01-01T01:30:00+02:00 m:db is v1 &&
	as_of 2021-01-01T02:00:00+02:00 m:db is v2 &&
	as_of 2020-12-31T22:00:00-02:00 m:db is v2 &&
	TZ=Pacific/Kiritimati as_of 2021-01-01 m:db is v2 &&
	TZ=Pacific/Kiritimati as_of 2020-12-31 m:db is v1
'

test_expect_success 'before the first, and nothing at all' '
	refused 2019-12-31T23:59:59Z m:db "no version of '\''db'\'' is in force at 2019-12-31T23:59:59Z: the first is $(said v1 2020-01-01T00:00:00Z 2020_01)" &&
	refused 0001-01-01 m:db "no version of '\''db'\'' is in force at 0001-01-01T00:00:00Z: the first is $(said v1 2020-01-01T00:00:00Z 2020_01)" &&
	refused 2021-01-01 m:other "there is no database '\''other'\'' in the history of '\''m'\''" &&
	refused 2021_01 m:other "there is no database '\''other'\'' in the history of '\''m'\''" &&
	refused 2021-01-01 nowhere:db "cannot resolve revision '\''nowhere'\'': revspec '\''nowhere'\'' not found"
'

test_expect_success 'labels, exactly' '
	as_of 2020_01 m:db is v1 && as_of 2022_01 m:db is v3 &&
	as_of label:2021_01 m:db is v2 &&
	refused 2023_01 m:db "'\''2023_01'\'' is no time, no release of '\''db'\'' in the history of '\''m'\'', and no revision" &&
	refused label:2023_01 m:db "no version of '\''db'\'' in the history of '\''m'\'' is the release '\''2023_01'\''" &&
	refused 2021_0 m:db "'\''2021_0'\'' is no time, no release of '\''db'\'' in the history of '\''m'\'', and no revision" &&
	refused 2022_01 m~1:db "'\''2022_01'\'' is no time, no release of '\''db'\'' in the history of '\''m~1'\'', and no revision"
'

test_expect_success 'revisions, wherever they lie' '
	as_of m~2 m:db is v1 && as_of rev:HEAD~1 m:db is v2 &&
	as_of "$(git rev-parse --short=7 m~1)" m:db is v2 &&
	as_of m m~2:db is v3 &&
	git tag light m~1 && git tag -a -m x heavy m~2 && git tag 2021 m~1 &&
	as_of light m:db is v2 && as_of heavy m:db is v1 && as_of heavy^{commit} m:db is v1 &&
	as_of 2021 m:db is v2 &&
	commit bare "" x/db=v1 &&
	refused bare m:db "bare:db/VERSION: there is no database '\''db'\'' in '\''bare'\''" &&
	refused rev:2022_01 m:db "cannot resolve revision '\''2022_01'\'': revspec '\''2022_01'\'' not found" &&
	refused HEAD~9 m:db "'\''HEAD~9'\'' is no time, no release of '\''db'\'' in the history of '\''m'\'', and no revision"
'

test_expect_success 'digits are no abbreviated id' '
	commit=$(git rev-parse m~1) &&
	for id in 20 2020 1234567 20210101; do
		refused $id m:db "'\''$id'\'' is no time, no release of '\''db'\'' in the history of '\''m'\'', and no revision" || return 1
	done &&
	refused "" m:db "'\'''\'' is no time, no release of '\''db'\'' in the history of '\''m'\'', and no revision" &&
	as_of "$commit" m:db is v2
'

test_expect_success 'a time goes before a label, a label before a revision; prefixes force' '
	version w1 2020-01-01T00:00:00Z release 2019-01-01 &&
	version w2 2021-01-01T00:00:00Z release side previous w1 &&
	commit l "" db=w1 && commit l l db=w2 && git branch side l~1 &&
	refused 2019-01-01 l:db "no version of '\''db'\'' is in force at 2019-01-01T00:00:00Z: the first is $(said w1 2020-01-01T00:00:00Z 2019-01-01)" &&
	as_of label:2019-01-01 l:db is w1 &&
	as_of side l:db is w2 && as_of rev:side l:db is w1 &&
	refused time:side l:db "'\''side'\'' is not a time (wanted YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS with Z or +HH:MM behind it)" &&
	as_of time:2020-06-01 l:db is w1 &&
	refused 2021-02-30 l:db "'\''2021-02-30'\'' is no time, no release of '\''db'\'' in the history of '\''l'\'', and no revision"
'

test_expect_success 'backfills: committed later, of an earlier time' '
	version b 2020-07-01T00:00:00Z release 2020_07 previous v3 &&
	commit back m db=b &&
	as_of 2020-06-30 back:db is v1 && as_of 2020-07-01 back:db is b &&
	as_of 2020-12-31 back:db is b && as_of 2021-01-01 back:db is v2 &&
	as_of 2030-01-01 back:db is v3 &&
	as_of back back:db is b
'

test_expect_success 'of equal times, the one that the others are ancestors of' '
	version e1 2022-01-01T00:00:00Z previous v3 &&
	version e2 2022-01-01T00:00:00Z release again previous e1 &&
	commit eq m db=e1 && commit eq eq db=e2 &&
	as_of 2022-01-01 eq:db is e2 && as_of 2022-01-01 eq~1:db is e1 &&
	version far 2019-01-01T00:00:00Z previous e2 &&
	version e3 2022-01-01T00:00:00Z previous far &&
	commit eq2 eq db=far && commit eq2 eq2 db=e3 &&
	as_of 2023-01-01 eq2:db is e3
'

test_expect_success 'branches that were merged: all count, the greatest time wins' '
	version a 2022-06-01T00:00:00Z release A previous v3 &&
	version c 2022-07-01T00:00:00Z release C previous v3 &&
	version ac 2022-07-01T00:00:00Z previous a previous c &&
	sort -k1,1 -k2,2 ac.v >sorted && sed -n "/^previous/p" sorted >prev &&
	{ sed "/^previous/d" ac.v && cat prev; } >ac.w && mv ac.w ac.v &&
	casg-read-version --id - <ac.v >ac.id &&
	commit one m db=a && commit two m db=c && commit both one db=ac +two &&
	as_of 2022-06-15 both:db is a && as_of 2022-07-01 both:db is ac &&
	as_of C both:db is c && as_of 2022-08-01 one:db is a && as_of 2022-08-01 two:db is c
'

test_expect_success 'two of the same time, and neither follows the other' '
	version p 2023-01-01T00:00:00Z release P previous v3 &&
	version q 2023-01-01T00:00:00Z release P previous v3 &&
	version pq 2024-01-01T00:00:00Z previous v3 &&
	commit left m db=p && commit right m db=q && commit split left db=pq +right &&
	test_expect_code 128 casg-resolve-view --as-of-sequence 2023-06-01 split:db >out 2>err &&
	test_must_be_empty out &&
	grep "^fatal: two versions of '\''db'\'' are of the same time, and neither follows the other: " err &&
	grep "$(said p 2023-01-01T00:00:00Z P)" err && grep "$(said q 2023-01-01T00:00:00Z P)" err &&
	test_expect_code 128 casg-resolve-view --as-of-sequence P split:db >out 2>err &&
	grep "^fatal: '\''P'\'': two versions of '\''db'\'' are called so, and neither follows the other: " err &&
	as_of 2022-12-31 split:db is v3 && as_of 2024-01-01 split:db is pq &&
	as_of P left:db is p
'

test_expect_success 'a label that several versions have, one after the other' '
	version r1 2020-01-01T00:00:00Z release same &&
	version r2 2021-01-01T00:00:00Z release same previous r1 &&
	version r3 2020-06-01T00:00:00Z release same previous r2 &&
	commit lab "" db=r1 && commit lab lab db=r2 && commit lab lab db=r3 &&
	as_of same lab:db is r3 && as_of same lab~1:db is r2
'

test_expect_success 'declared gaps' '
	version g 2022-01-01T00:00:00Z valid-until 2022-03-01T00:00:00Z release 2022_01 previous v3 &&
	version n 2023-01-01T00:00:00Z previous g &&
	commit gap m db=g && commit gap gap db=n &&
	as_of 2021-12-31 gap:db is v2 && as_of 2022-01-01 gap:db is g &&
	as_of 2022-02-28T23:59:59Z gap:db is g &&
	for t in 2022-03-01 2022-12-31; do
		refused $t gap:db "no version of '\''db'\'' is in force at ${t}T00:00:00Z: $(said g 2022-01-01T00:00:00Z 2022_01) ended at 2022-03-01T00:00:00Z, a declared gap" ||
		return 1
	done &&
	as_of 2023-01-01 gap:db is n && as_of 2022_01 gap:db is g &&
	version fill 2022-05-01T00:00:00Z previous n &&
	commit gap gap db=fill && as_of 2022-06-01 gap:db is fill
'

test_expect_success 'a database that is gone from the tree was in force' '
	version x1 2020-01-01T00:00:00Z && version x2 2022-01-01T00:00:00Z &&
	commit gone "" db=x1 other=v1 && commit gone gone db= &&
	as_of 2021-01-01 gone:db is x1 && as_of 2020_01 gone:other is v1 &&
	test_expect_code 128 casg-resolve-view gone:db &&
	commit gone gone db=x2 && as_of 2021-01-01 gone:db is x1 && as_of 2022-01-01 gone:db is x2 &&
	refused 2021-01-01 gone: "'\''gone'\'' holds several databases, name one of: db, other"
'

test_expect_success 'a VERSION that cannot be read is an error, wherever it is' '
	sed "s/^count 1/count 01/" v1.v >bad.v &&
	commit bad m db=bad && commit bad bad db=v3 &&
	test_expect_code 128 casg-resolve-view --as-of-sequence 2021-01-01 bad:db >out 2>err &&
	test_must_be_empty out &&
	grep "^fatal: $(git rev-parse bad~1):db/VERSION: malformed version, line 5" err
'

test_expect_success 'shallow repositories: revisions only' '
	git clone -q --depth 2 --branch m "file://$PWD" shallow 2>/dev/null &&
	mkdir -p shallow/.git/casg/packs &&
	(
		cd shallow && cp ../*.id . &&
		for t in 2021-06-01 2022-06-01 label:2022_01 2022_01; do
			refused $t HEAD:db "the repository is shallow, and the version of '\''db'\'' may be in a commit that is not here ('\''git fetch --unshallow'\'' brings all)" ||
			return 1
		done &&
		as_of HEAD~1 HEAD:db is v2 && as_of m HEAD:db is v3 &&
		git fetch -q --unshallow && as_of 2020-06-01 HEAD:db is v1
	)
'

# ---- the taxonomy, and the view

# the view id, as sha256sum has it
view_of () {
	{
		printf "casg-view 1\n\000\000\000\040" &&
		sed "s/../\\\\x&/g" "$1.id" | tr -d "\n" | xargs -0 -I{} env printf "{}" &&
		printf "\000\000\000\040" &&
		sed "s/../\\\\x&/g" "$2.id" | tr -d "\n" | xargs -0 -I{} env printf "{}"
	} | sha256sum | cut -c1-64
}

# view SEQUENCE TAXONOMY ARG...: that is the answer
view () {
	s=$1 t=$2 &&
	shift 2 &&
	casg-resolve-view "$@" >out &&
	sed -n "s/^sequence [^ ]* \([^ ]*\).*/\1/p" out >id && test_cmp "$s.id" id &&
	sed -n "s/^taxonomy [^ ]* \([^ ]*\).*/\1/p" out >id && test_cmp "$t.id" id &&
	echo "view $(view_of "$s" "$t")" >expect && tail -n 1 out >actual && test_cmp expect actual
}

test_expect_success 'without a taxonomy there is no view' '
	casg-resolve-view >out && test_line_count = 1 out &&
	casg-resolve-view --as-of 2021-06-01 >out && test_line_count = 1 out &&
	test_expect_code 128 casg-resolve-view --as-of-taxonomy 2021-06-01 2>err &&
	echo "fatal: there is no taxonomy in '\''HEAD'\''" >expect && test_cmp expect err &&
	test_expect_code 128 casg-resolve-view --taxonomy t 2>err &&
	grep "there is no database '\''taxonomy/t'\'' in '\''HEAD'\''" err
'

test_expect_success 'two axes' '
	version tax1 2020-06-01T00:00:00Z release t1 &&
	version tax2 2021-06-01T00:00:00Z release t2 previous tax1 &&
	commit tx m taxonomy/t=tax1 && commit tx tx taxonomy/t=tax2 &&
	git symbolic-ref HEAD refs/heads/tx &&
	view v3 tax2 && view v3 tax2 db &&
	view v1 tax2 --as-of-sequence 2020-02-01 &&
	view v3 tax1 --as-of-taxonomy t1 &&
	view v2 tax1 --as-of 2021-02-01 &&
	view v3 tax1 --as-of-taxonomy HEAD~1 &&
	view v1 tax1 --as-of-sequence 2020_01 --as-of-taxonomy t1 &&
	test_expect_code 128 casg-resolve-view --as-of 2020-02-01 2>err &&
	grep "no version of '\''taxonomy/t'\'' is in force at 2020-02-01T00:00:00Z: the first is $(said tax1 2020-06-01T00:00:00Z t1)" err &&
	test_expect_code 128 casg-resolve-view --as-of t1 2>err &&
	grep "no release of '\''db'\''" err &&
	casg-resolve-view --no-taxonomy --as-of 2021-02-01 >out && test_line_count = 1 out
'

test_expect_success 'which taxonomy: option, setting, VERSION, the only one' '
	version taxu 2020-01-01T00:00:00Z &&
	version taxm 2020-01-01T00:00:00Z &&
	version n1 2024-01-01T00:00:00Z taxonomy "$(cat tax1.id)" previous v3 &&
	commit two_t tx taxonomy/u=taxu taxonomy/t.map=taxm &&
	test_expect_code 128 casg-resolve-view two_t:db 2>err &&
	echo "fatal: '\''two_t'\'' holds several taxonomies, name one with --taxonomy: t, u" >expect &&
	test_cmp expect err &&
	view v3 taxu --taxonomy u two_t:db &&
	view v3 tax2 --taxonomy two_t:t db && view v3 tax1 --taxonomy tx~1:t two_t:db &&
	view v3 tax1 --taxonomy t --as-of-taxonomy 2020-07-01 two_t:db &&
	commit two_t two_t db=n1 &&
	view n1 tax1 two_t:db && view n1 tax2 --as-of-taxonomy 2022-01-01 two_t:db &&
	test_when_finished git config --unset casg.taxonomy &&
	git config casg.taxonomy u && view n1 taxu two_t:db && view n1 tax2 --taxonomy t two_t:db &&
	git config casg.taxonomy two_t:u && view v3 taxu db &&
	git config casg.taxonomy none &&
	test_expect_code 128 casg-resolve-view two_t:db &&
	git config casg.taxonomy t.map &&
	test_expect_code 128 casg-resolve-view two_t:db 2>err &&
	echo "fatal: casg.taxonomy: '\''t.map'\'' is not a taxonomy: wanted [REV:]NAME" >expect && test_cmp expect err
'

test_expect_success 'a taxonomy that VERSION names and nobody has' '
	version n2 2024-01-01T00:00:00Z taxonomy "$(cat v1.id)" previous v3 &&
	commit lost tx db=n2 &&
	test_expect_code 128 casg-resolve-view lost:db 2>err &&
	echo "fatal: the taxonomy $(cat v1.id), which the VERSION of '\''db'\'' names, is no version of a taxonomy in '\''lost'\''" >expect &&
	test_cmp expect err &&
	view n2 tax2 --taxonomy t lost:db
'

test_expect_success 'wrong usage' '
	test_expect_code 129 casg-resolve-view --as-of 2020 --as-of-sequence 2020 &&
	test_expect_code 129 casg-resolve-view --as-of 2020 --as-of-taxonomy 2020 &&
	test_expect_code 129 casg-resolve-view --no-taxonomy --taxonomy t &&
	test_expect_code 129 casg-resolve-view db db &&
	test_expect_code 128 casg-resolve-view --as-of 2020 taxonomy/t 2>err &&
	echo "fatal: '\''taxonomy/t'\'' is a taxonomy, not a database of sequences" >expect && test_cmp expect err
'

# ---- the commands

test_expect_success 'setup of a real one' '
	git init -q real && cd real && casg init -q . &&
	printf ">a one OX=562\nACGT\n" >1.fa && printf ">a one OX=562\nACGT\n>b two\nMK\n" >2.fa &&
	casg import -q -d db --sequence-time 2020-01-01 --release r1 1.fa &&
	casg import -q -d db --sequence-time 2021-01-01 --release r2 2.fa &&
	one=$(casg-read-version --id HEAD~1:db) && two=$(casg-read-version --id db) &&
	echo "sequence $one (2020-01-01T00:00:00Z, r1)" >../said1 &&
	echo "sequence $two (2021-01-01T00:00:00Z, r2)" >../said2
'

test_expect_success 'export, ls, cat: as of, and what they say' '
	cd real &&
	casg export --as-of-sequence 2020-06-01 >out 2>err &&
	cmp 1.fa out && test_cmp ../said1 err &&
	casg export --as-of r1 -o file db 2>err && cmp 1.fa file && test_cmp ../said1 err &&
	casg ls --as-of-sequence r2 HEAD:db >out 2>err && casg ls db >expect && test_cmp expect out && test_cmp ../said2 err &&
	casg ls --keys --as-of 2020-06-01 >out 2>err && echo a >expect && test_cmp expect out && test_cmp ../said1 err &&
	casg cat --as-of-sequence r1 db a >out 2>err && cmp 1.fa out && test_cmp ../said1 err &&
	test_expect_code 1 casg cat --as-of-sequence r1 db b 2>err && grep "is not in there" err &&
	echo b | casg cat --quiet --as-of r2 --batch db >out 2>err && grep MK out && test_must_be_empty err &&
	casg export --quiet --as-of-sequence 2020-06-01 >out 2>err && cmp 1.fa out && test_must_be_empty err &&
	casg export >out 2>err && cmp 2.fa out && test_must_be_empty err
'

test_expect_success 'diff: from then to now, from then to then' '
	cd real &&
	casg diff --as-of-sequence r1 >out 2>err && printf "A\tb\n" >expect && test_cmp expect out && test_cmp ../said1 err &&
	casg diff --as-of-sequence r1 HEAD~1:db >out 2>err && test_must_be_empty out &&
	casg diff --as-of-sequence 2021-01-01 --as-of-sequence 2020-01-01 db >out 2>err &&
	printf "D\tb\n" >expect && test_cmp expect out &&
	cat ../said2 ../said1 >expect && test_cmp expect err &&
	test_expect_code 1 casg diff --quiet --as-of-sequence r1 -- db >out 2>err &&
	test_must_be_empty out && test_must_be_empty err &&
	test_expect_code 129 casg diff --as-of-sequence r1 --as-of-sequence r1 --as-of-sequence r1 &&
	test_expect_code 129 casg diff --as-of-sequence r1 HEAD HEAD &&
	test_expect_code 128 casg diff --as-of-sequence 2019-01-01 >out
'

test_expect_success 'prove: the proof is that of the version' '
	cd real &&
	casg prove --as-of-sequence 2020-06-01 db a >out 2>err && test_cmp ../said1 err &&
	casg prove HEAD~1:db a >expect && cmp expect out &&
	casg prove -q --as-of-sequence r1 --history a db >out 2>err && test_must_be_empty err &&
	casg prove --history a HEAD~1:db >expect && cmp expect out &&
	test_expect_code 1 casg prove --present --as-of-sequence r1 db b &&
	test_expect_code 128 casg prove --as-of-sequence 2019-01-01 db a >out && test_must_be_empty out
'

test_expect_success 'every command refuses what cannot be told, and an empty T' '
	cd real && echo was >file &&
	for t in 2019-01-01 nothing ""; do
		test_expect_code 128 casg export --as-of-sequence "$t" >out && test_must_be_empty out &&
		test_expect_code 128 casg export --as-of "$t" -o file &&
		test_expect_code 128 casg ls --as-of "$t" >out && test_must_be_empty out &&
		test_expect_code 128 casg cat --as-of-sequence "$t" db a >out && test_must_be_empty out &&
		test_expect_code 128 casg diff --as-of-sequence "$t" >out && test_must_be_empty out &&
		test_expect_code 128 casg prove --as-of-sequence "$t" db a >out && test_must_be_empty out || return 1
	done &&
	echo was >expect && test_cmp expect file &&
	for command in export ls "cat db a"; do
		test_expect_code 128 casg ${command%% *} --as-of-taxonomy 2020-01-01 ${command#* } >out &&
		test_must_be_empty out || return 1
	done &&
	test_expect_code 129 casg export --as-of r1 --as-of-sequence r1 &&
	test_expect_code 129 casg ls --as-of r1 --as-of r1 &&
	test_expect_code 129 casg cat --as-of r1 db &&
	test_expect_code 129 casg cat --as-of r1 --batch db a &&
	test_expect_code 129 casg ls --lineage --keys &&
	test_expect_code 128 casg ls --lineage 2>err &&
	echo "fatal: there is no taxonomy; '\''casg taxonomy import'\'' brings one" >expect && test_cmp expect err &&
	test_expect_code 128 casg diff --as-of-taxonomy r1 2>err && grep "no taxonomy in .HEAD" err &&
	test_expect_code 128 casg prove --as-of-taxonomy r1 db a 2>err && grep "no taxonomy in .HEAD" err
'

test_expect_success 'casg gap: the version in HEAD ends' '
	cd real &&
	casg gap --from 2022-01-01 >out && echo "db: not in force from 2022-01-01T00:00:00Z on" >expect && test_cmp expect out &&
	git status --porcelain -uno >dirty && test_must_be_empty dirty &&
	grep "^valid-until 2022-01-01T00:00:00Z$" db/VERSION &&
	git show HEAD~1:db/VERSION | sed "/^previous/d" >before &&
	sed "/^previous/d; /^valid-until/d" db/VERSION >after && test_cmp before after &&
	echo "previous $(casg-read-version --id HEAD~1:db)" >expect && grep "^previous" db/VERSION >actual && test_cmp expect actual &&
	casg export -q --as-of 2021-12-31 >out && cmp 2.fa out &&
	test_expect_code 128 casg export --as-of 2022-01-01 >out 2>err && test_must_be_empty out &&
	grep "ended at 2022-01-01T00:00:00Z, a declared gap" err &&
	casg export -q --as-of r2 >out && cmp 2.fa out &&
	casg gap --from 2022-01-01 >out && echo "nothing to do: db ends at 2022-01-01T00:00:00Z already" >expect && test_cmp expect out &&
	casg gap -q --from 2022-02-01 -m "it ended" && git log -1 --format=%s >out && echo "it ended" >expect && test_cmp expect out &&
	casg gap -q --from 2022-02-02 --message=later && git log -1 --format=%s >out && echo later >expect && test_cmp expect out &&
	git show HEAD~1:db/VERSION >before && casg-write-version --follow --valid-until=2022-02-02 <before >after &&
	test_cmp db/VERSION after && casg gap -q --from 2022-02-01 && casg export -q --as-of 2022-01-15 >out && cmp 2.fa out &&
	test_expect_code 129 casg gap db && test_expect_code 129 casg gap --from nonsense &&
	test_expect_code 129 casg gap --from 2021-01-01 &&
	test_expect_code 128 casg gap --from 2022-01-01 none &&
	casg fsck && casg verify -q db
'

test_expect_success 'import ends a gap, also with the same records; --valid-until makes one' '
	cd real &&
	casg import -q -d db --sequence-time 2023-01-01 --valid-until 2023-02-01 2.fa &&
	casg import -d db --sequence-time 2023-01-01 --valid-until 2023-02-01 2.fa >out && grep "already up to date" out &&
	test_expect_code 128 casg export --as-of 2022-02-01 >out &&
	casg export -q --as-of 2023-01-31 >out && cmp 2.fa out &&
	test_expect_code 128 casg export --as-of 2023-02-01 >out &&
	SOURCE_DATE_EPOCH=1709251200 casg import -q -d db 2.fa &&
	casg export -q --as-of 2024-03-01 >out && cmp 2.fa out &&
	test_expect_code 128 casg export --as-of 2024-02-29 >out &&
	test_expect_code 129 casg import -q -d db --sequence-time 2025-01-01 --valid-until 2025-01-01 1.fa
'

test_done
