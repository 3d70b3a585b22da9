#!/bin/sh
test_description='casg-diff-taxonomy: what became of each taxon'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxdump.sh"

# brute A B: "class TAB id", and "heir TAB id TAB heir TAB leaves" of what was
# split or deleted, found out from the dumps, every taxon and every leaf of both.
brute () {
	for f in names nodes merged; do
		for v in 1 2; do
			eval "dir=\$$v"
			test ! -f "$dir/$f.dmp" || sed "s/[	]|[	]*\$//; s/^/$v	|	$f	|	/" "$dir/$f.dmp"
		done
	done |
	awk -F '\t[|]\t' '
		$2 == "names" && $6 ~ /^scientific/ { name[$1, $3] = $4 }
		$2 == "nodes" { parent[$1, $3] = $4; rank[$1, $3] = $5; ids[$3]; inner[$1, $4] = 1 }
		$2 == "merged" { merged[$1, $3] = $4 }
		function in1(x) { return ((1, x) in parent) }
		function in2(x) { return ((2, x) in parent) }
		# the ancestor of that rank, or the taxon itself, or ""
		function at(v, x, r) {
			while (rank[v, x] != r) {
				if (parent[v, x] == x) return ""
				x = parent[v, x]
			}
			return x
		}
		END {
			for (x in ids) {
				if (!in1(x) || !in2(x) || inner[1, x]) continue
				# a leaf counts for each taxon above it
				for (t = parent[1, x]; ; t = parent[1, t]) {
					if (rank[1, t] != "no rank") heirs[t, at(2, x, rank[1, t])]++
					if (parent[1, t] == t) break
				}
			}
			for (k in heirs) {
				split(k, p, SUBSEP)
				if (p[2] == "") continue
				n[p[1]]++
				if (!in1(p[2])) fresh[p[1]]++
			}
			for (x in ids) {
				if (!in2(x) && ((2, x) in merged)) class[x] = "merged"
				else if (in1(x) && n[x] > 1 && fresh[x] > 0) class[x] = "split"
				else if (!in2(x)) class[x] = "deleted"
				else if (!in1(x)) class[x] = "new"
				else if (parent[1, x] != parent[2, x]) class[x] = "moved"
				else if (name[1, x] != name[2, x]) class[x] = "renamed"
				else if (rank[1, x] != rank[2, x]) class[x] = "rank"
				else continue
				print class[x] "\t" x
			}
			for (k in heirs) {
				split(k, p, SUBSEP)
				if (class[p[1]] ~ /^(split|deleted)$/)
					print "heir\t" p[1] "\t" (p[2] == "" ? "-" : p[2]) "\t" heirs[k]
			}
		}' | sort
}

# told: the same of the lines on standard input
told () {
	awk -F'\t' -v OFS='\t' '
		{ print $1, $2 }
		$1 ~ /^(split|deleted)$/ && $10 != "-" {
			n = split($10, h, ",")
			for (i = 1; i <= n; i++)
				print "heir", $2, substr(h[i], index(h[i], ":") + 1), h[i] + 0
		}' | sort
}

test_expect_success 'setup: five versions' '
	casg init -q r && cd r && make_dumps 5 &&
	for v in 1 2 3 4 5; do
		dump_taxonomy t 2020-0$v-01 v$v && git tag v$v || return 1
	done
'

test_expect_success 'every taxon is in the class that the dumps say, with its heirs' '
	cd r &&
	for pair in "1 2" "2 3" "3 4" "4 5" "1 5" "5 1"; do
		set -- $pair &&
		brute v$1 v$2 >expect &&
		casg diff-taxonomy v$1:taxonomy/t v$2:taxonomy/t >lines &&
		told <lines >actual &&
		test_cmp expect actual && cat expect >>seen || return 1
	done &&
	for class in new deleted merged split moved renamed rank; do
		test_grep "^$class	" seen || return 1
	done
'

test_expect_success 'the lines are in the order of keys, each id once' '
	cd r && casg diff-taxonomy v1:t v5:t >lines &&
	cut -f2 lines >ids && sort ids >sorted && test_cmp sorted ids &&
	uniq -d ids >twice && test_must_be_empty twice
'

test_expect_success 'classes add up to the taxa of both' '
	cd r && casg diff-taxonomy --stat v1:t v5:t >stat &&
	cat v1/nodes.dmp v5/nodes.dmp | cut -f1 | sort -u | wc -l >union &&
	awk -v union="$(cat union)" -F"|" "
		/ \| / { sum += \$2 }
		/taxa in either/ { if (\$1 + 0 != sum) exit 1; found = 1 }
		END { exit !(found && sum == union) }
	" stat &&
	test_grep "$(($(wc -l <v5/nodes.dmp))) now, $(($(wc -l <v1/nodes.dmp))) before" stat
'

test_expect_success '--changes: the words of VERSION, in its order' '
	cd r && casg diff-taxonomy --changes v1:t v5:t >changes &&
	casg diff-taxonomy v1:t v5:t | cut -f1 | sort | uniq -c | awk "{ print \$2, \$1 }" >counted &&
	for class in new deleted merged split renamed moved rank; do
		grep "^$class " counted || :
	done >expect &&
	test_cmp expect changes &&
	sed "s/^\([^ ]*\) /--change=\1=/" changes >options &&
	casg write-version --kind=taxonomy --taxonomy-time=2021-01-01 $(cat options) <dump.roots >version &&
	sed -n "s/^change //p" version >written && test_cmp changes written
'

test_expect_success '--class chooses; unknown classes and formats are usage errors' '
	cd r && casg diff-taxonomy --class=moved,merged v1:t v5:t >some &&
	casg diff-taxonomy v1:t v5:t | grep -E "^(moved|merged)	" >expect && test_cmp expect some &&
	test_expect_code 129 casg diff-taxonomy --class=moved,odd v1:t v5:t 2>err &&
	test_grep "there is no class .odd." err &&
	test_expect_code 129 casg diff-taxonomy --class= v1:t v5:t &&
	test_expect_code 129 casg diff-taxonomy --format=xml v1:t v5:t &&
	test_expect_code 129 casg diff-taxonomy --format=changelog --stat v1:t v5:t
'

test_expect_success 'a version and itself: nothing' '
	cd r && casg diff-taxonomy --exit-code v3:t v3:t >out && test_must_be_empty out &&
	casg diff-taxonomy --changes v3:t v3:t >out && test_must_be_empty out &&
	test_expect_code 1 casg diff-taxonomy --exit-code v3:t v4:t >out &&
	casg diff-taxonomy --format=changelog v3:t v3:t >out && test_line_count = 1 out
'

test_expect_success 'what is not there is an error' '
	cd r && test_expect_code 128 casg diff-taxonomy v1:nope v2:t 2>err &&
	test_grep "^fatal: " err &&
	test_expect_code 128 casg diff-taxonomy v9:t v2:t
'

# ---- by hand: a genus whose name is its id

# node ID PARENT RANK: in both dumps of $dir
node () {
	printf "%s\t|\t%s\t|\t%s\t|\n" "$1" "$2" "$3" >>"$dir/nodes.dmp" &&
	printf "%s\t|\t%s\t|\t\t|\tscientific name\t|\n" "$1" "$1" >>"$dir/names.dmp"
}

test_expect_success 'setup: a genus is split, another is called otherwise' '
	casg init -q g && cd g && mkdir a b &&
	dir=a &&
	node root root "no rank" && node "f__Fa" root family &&
	node "g__One" f__Fa genus && node "s__One x" g__One species &&
	node "s__One y" g__One species && node "s__One z, w" g__One species &&
	node "g__Old" f__Fa genus && node "s__Old k" g__Old species &&
	for i in 1 2 3 4; do node X$i "s__One x" "no rank" || return 1; done &&
	node Y1 "s__One y" "no rank" && node Z1 "s__One z, w" "no rank" &&
	node K1 "s__Old k" "no rank" &&
	dir=b &&
	node root root "no rank" && node "f__Fa" root family &&
	node "g__One" f__Fa genus && node "s__One x" g__One species &&
	node "g__Two, new" f__Fa genus && node "s__Two y" "g__Two, new" species &&
	node "g__Late" f__Fa genus && node "s__Late k" g__Late species &&
	for i in 1 2 3; do node X$i "s__One x" "no rank" || return 1; done &&
	node Y1 "s__Two y" "no rank" && node K1 "s__Late k" "no rank" &&
	dump_taxonomy g 2020-01-01 a && git tag a && dump_taxonomy g 2021-01-01 b && git tag b
'

test_expect_success 'split, with the share of each heir; a new name shows as an heir' '
	cd g && casg diff-taxonomy a:g b:g >lines &&
	cat >expect <<-EOF &&
	deleted	X4	-	X4	-	no rank	-	s__One x	-	-
	deleted	Z1	-	Z1	-	no rank	-	s__One z, w	-	-
	deleted	g__Old	-	g__Old	-	genus	-	f__Fa	-	1:g__Late
	deleted	s__Old k	-	s__Old k	-	species	-	g__Old	-	1:s__Late%20k
	deleted	s__One y	-	s__One y	-	species	-	g__One	-	1:s__Two%20y
	deleted	s__One z, w	-	s__One z, w	-	species	-	g__One	-	-
	moved	K1	-	K1	K1	no rank	no rank	s__Old k	s__Late k	-
	moved	Y1	-	Y1	Y1	no rank	no rank	s__One y	s__Two y	-
	new	g__Late	-	-	g__Late	-	genus	-	f__Fa	-
	new	g__Two, new	-	-	g__Two, new	-	genus	-	f__Fa	-
	new	s__Late k	-	-	s__Late k	-	species	-	g__Late	-
	new	s__Two y	-	-	s__Two y	-	species	-	g__Two, new	-
	split	g__One	-	g__One	g__One	genus	genus	f__Fa	f__Fa	3:g__One,1:g__Two%2C%20new
	EOF
	sort lines >actual && sort expect >sorted && test_cmp sorted actual &&
	casg diff-taxonomy --summary a:g b:g | sed 1,2d >actual &&
	cat >expect <<-EOF &&
	split: g__One (genus), 6 leaf taxa, 2 of them gone
	   75.00 %        3  g__One (genus)
	   25.00 %        1  g__Two, new (genus)
	EOF
	test_cmp expect actual
'

test_expect_success 'what is read grows with the changes' '
	casg init -q big && cd big && mkdir a b &&
	awk "BEGIN {
		for (i = 1; i <= 20000; i++) {
			p = i == 1 ? 1 : int(i / 10) + 1
			r = i == 1 ? \"no rank\" : \"clade\"
			printf \"%d\t|\t%d\t|\t%s\t|\n\", i, p, r >\"a/nodes.dmp\"
			printf \"%d\t|\tT%d\t|\t\t|\tscientific name\t|\n\", i, i >\"a/names.dmp\"
		}
	}" &&
	cp a/nodes.dmp b/ && sed "s/T19999/New name/" a/names.dmp >b/names.dmp &&
	dump_taxonomy t 2020-01-01 a && git tag a && dump_taxonomy t 2021-01-01 b && git tag b &&
	casg diff-taxonomy --changes a:t b:t >out && echo "renamed 1" >expect && test_cmp expect out &&
	CASG_TRACE_PERF="$PWD/trace" casg diff-taxonomy --changes a:t b:t >out &&
	test -s trace && awk "/nodes/ { found = 1; if (\$NF > 20) exit 1 } END { exit !found }" trace
'

test_done
