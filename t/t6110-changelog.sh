#!/bin/sh
test_description='casg-log-taxonomy: the history of taxa'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-taxdump.sh"

# changelog LABEL=DIR...: taxonkit's taxid-changelog, from its rules: every taxon
# of every dump in turn, beside what was said of it last.
changelog () {
	for v in "$@"; do
		echo "${v%%=*}	|	version"
		# in the order in which they are looked at
		for f in names nodes delnodes merged; do
			test ! -f "${v#*=}/$f.dmp" ||
				sed "s/[	]|[	]*\$//; s/^/${v%%=*}	|	$f	|	/" "${v#*=}/$f.dmp"
		done
	done |
	awk -F '\t[|]\t' '
		function quoted(s) {
			if (s !~ /[,"\n\r]/ && s !~ /^ /) return s
			gsub(/"/, "\"\"", s)
			return "\"" s "\""
		}
		# what is said of x: kind, value; as it was in version v ("": never)
		function say(x, kind, value, v) {
			n[x]++
			said[x] = kind
			seen[x] = v
			out[x, n[x]] = order[kind] "\t" x "," label "," kind "," quoted(value) "," \
				(v == "" ? ",,," : quoted(name[v, x]) "," quoted(rank[v, x]) "," \
				 quoted(names_of[v, x]) "," ids_of[v, x])
			at[x, n[x]] = label
		}
		function lineage(v, x, y, ids, names, len) {
			ids = x; names = name[v, x]; len = 1
			for (y = parent[v, x]; y != 1 && x != 1; y = parent[v, y]) {
				ids = y ";" ids; names = name[v, y] ";" names; len++
			}
			ids_of[v, x] = ids; names_of[v, x] = names; length_of[v, x] = len
		}
		function node(v, x, w) {
			if (!(x in said)) { say(x, "NEW", "", v); return }
			if (said[x] == "DELETE") { say(x, "REUSE_DEL", "", v); return }
			if (said[x] == "MERGE" || seen[x] == "") { say(x, "REUSE_MER", "", v); return }
			w = seen[x]
			if (length_of[v, x] != length_of[w, x]) say(x, "CHANGE_LIN_LEN", "", v)
			else if (ids_of[v, x] != ids_of[w, x]) say(x, "CHANGE_LIN_TAX", "", v)
			else if (names_of[v, x] != names_of[w, x]) say(x, "CHANGE_LIN_LIN", "", v)
			if (name[v, x] != name[w, x]) say(x, "CHANGE_NAME", "", v)
			if (rank[v, x] != rank[w, x]) say(x, "CHANGE_RANK", "", v)
		}
		function all_nodes(v, i) {
			for (i = 1; i <= nnodes; i++) lineage(v, here[i])
			for (i = 1; i <= nnodes; i++) node(v, here[i])
			nnodes = 0
		}
		function merge(v, x, to) {
			if (into[x] == to) return
			into[x] = to
			say(x, "MERGE", to, seen[x])
			if (said[to] == "ABSORB" && at[to, n[to]] == v) {
				absorbed[to] = absorbed[to] ";" x
				n[to]--
			} else
				absorbed[to] = x
			say(to, "ABSORB", absorbed[to], v)
		}
		BEGIN {
			k = split("NEW REUSE_DEL REUSE_MER DELETE MERGE ABSORB CHANGE_NAME CHANGE_RANK " \
				  "CHANGE_LIN_LIN CHANGE_LIN_TAX CHANGE_LIN_LEN", w, " ")
			for (i = 1; i <= k; i++) order[w[i]] = i
		}
		{ label = $1; f = $2 }
		f == "names" && $6 ~ /^scientific/ { name[label, $3] = $4 }
		f == "nodes" { parent[label, $3] = $4; rank[label, $3] = $5; here[++nnodes] = $3 }
		f ~ /^(delnodes|merged)$/ && nnodes { all_nodes(label) }
		f == "delnodes" && said[$3] != "DELETE" { say($3, "DELETE", "", seen[$3]) }
		f == "merged" { merge(label, $3, $4) }
		END {
			if (nnodes) all_nodes(label)
			for (x in n) for (i = 1; i <= n[x]; i++)
				print x "\t" at[x, i] "\t" out[x, i]
		}' | sort -t"$TAB" -k1,1n -k2,2 -k3,3n | cut -f4- >body &&
	echo "taxid,version,change,change-value,name,rank,lineage,lineage-taxids" &&
	cat body
}

test_expect_success 'setup: six versions' '
	casg init -q r && cd r && make_dumps 6 &&
	for v in 1 2 3 4 5 6; do
		dump_taxonomy t 2020-0$v-01 v$v && git tag v$v || return 1
	done
'

test_expect_success 'the changelog is what the rules make of the dumps' '
	cd r && casg log-taxonomy t >actual &&
	changelog 2020-01-01=v1 2020-02-01=v2 2020-03-01=v3 2020-04-01=v4 2020-05-01=v5 \
		2020-06-01=v6 >expect &&
	test_cmp expect actual &&
	for change in NEW REUSE_DEL REUSE_MER DELETE MERGE ABSORB CHANGE_NAME CHANGE_RANK \
		CHANGE_LIN_LIN CHANGE_LIN_TAX CHANGE_LIN_LEN; do
		test_grep ",2020-0.-01,$change," actual || return 1
	done
'

test_expect_success 'up to a revision; and between two versions' '
	cd r && casg log-taxonomy v3:taxonomy/t >actual &&
	changelog 2020-01-01=v1 2020-02-01=v2 2020-03-01=v3 >expect && test_cmp expect actual &&
	changelog 2020-01-01=v1 2020-04-01=v4 | grep -v ",2020-01-01," >expect &&
	casg diff-taxonomy --format=changelog v1:t v4:t >actual && test_cmp expect actual
'

test_expect_success 'versions in the order of their times, whenever they were committed' '
	cd r && git checkout -q -b late v3 && dump_taxonomy t 2019-12-01 v5 &&
	changelog 2019-12-01=v5 2020-01-01=v1 2020-02-01=v2 2020-03-01=v3 >expect &&
	casg log-taxonomy t >actual && test_cmp expect actual && git checkout -q -
'

test_expect_success 'names that CSV must quote, ids that are no numbers, a day that is none' '
	casg init -q q && cd q && mkdir a &&
	printf "%s\n" "r	|	r	|	no rank	|" "10	|	r	|	genus	|" "9	|	r	|	genus	|" \
		"s__B c, d	|	10	|	species	|" >a/nodes.dmp &&
	printf "%s\n" "r	|	root	|		|	scientific name	|" \
		"10	|	A \"x\", y	|		|	scientific name	|" \
		"9	|	nine	|		|	scientific name	|" \
		"s__B c, d	|	B;c	|		|	scientific name	|" >a/names.dmp &&
	dump_taxonomy t 2020-01-01T12:00:00Z a &&
	cat >expect <<-\EOF &&
	taxid,version,change,change-value,name,rank,lineage,lineage-taxids
	9,2020-01-01T12:00:00Z,NEW,,nine,genus,nine,9
	10,2020-01-01T12:00:00Z,NEW,,"A ""x"", y",genus,"A ""x"", y",10
	r,2020-01-01T12:00:00Z,NEW,,root,no rank,root,r
	"s__B c, d",2020-01-01T12:00:00Z,NEW,,B;c,species,"A ""x"", y;B;c","10;s__B c, d"
	EOF
	casg log-taxonomy t >actual && test_cmp expect actual
'

# lives RANK MORE: ids of taxa whose taxon of that rank (-: whose lineage above)
# was another than before so often, and how often
lives () {
	for v in v1 v2 v3 v4 v5 v6; do
		sed "s/[	]|[	]*\$//; s/^/$v	|	/" $v/nodes.dmp
	done |
	awk -F '\t[|]\t' -v rank="$1" -v more="$2" '
		{ parent[$1, $2] = $3; rk[$1, $2] = $4; ids[$2] }
		function class(v, x, s) {
			if (rank == "-") {
				for (s = ""; parent[v, x] != x; x = parent[v, x]) s = s ";" parent[v, x]
				return s
			}
			for (; rk[v, x] != rank; x = parent[v, x]) if (parent[v, x] == x) return "-"
			return x
		}
		END {
			for (x in ids) {
				was = ""; n = -1
				for (i = 1; i <= 6; i++) {
					if (!(("v" i, x) in parent)) continue
					now = class("v" i, x)
					if (n < 0 || now != was) n++
					was = now
				}
				if (n > more) print x "\t" n
			}
		}' | sort -n
}

test_expect_success 'taxa that were classified otherwise more than N times' '
	cd r &&
	for how in "- 0" "- 1" "- 2" "family 0" "genus 0" "genus 1" "order 0"; do
		set -- $how &&
		lives "$1" "$2" >expect &&
		opt=--rank=$1 && opt=${opt#--rank=-} &&
		casg log-taxonomy --changed-more-than="$2" $opt v6:t >lines &&
		cut -f1,2 lines >actual && test_cmp expect actual &&
		casg log-taxonomy --count --changed-more-than="$2" $opt v6:t >count &&
		wc -l <expect >want && test "$(cat count)" = $(($(cat want))) || return 1
	done
'

test_expect_success 'a genus that changes its family four times, told with the times' '
	casg init -q four && cd four &&
	for v in 1 2 3 4 5; do
		mkdir v$v && p=$((2 + v % 2)) &&
		printf "%s\t|\t%s\t|\t%s\t|\n" 1 1 "no rank" 2 1 family 3 1 family 4 $p genus 5 3 genus \
			>v$v/nodes.dmp &&
		printf "%s\t|\tname %s\t|\t\t|\tscientific name\t|\n" 1 1 2 2 3 3 4 4 5 5 >v$v/names.dmp &&
		dump_taxonomy t 202$v-01-01 v$v || return 1
	done &&
	cat >expect <<-EOF &&
	4	4	name 4	genus	2021-01-01=3,2022-01-01=2,2023-01-01=3,2024-01-01=2,2025-01-01=3
	EOF
	casg log-taxonomy --changed-more-than=3 --rank=family t >actual && test_cmp expect actual &&
	casg log-taxonomy --changed-more-than=3 t >actual && test_cmp expect actual &&
	casg log-taxonomy --changed-more-than=4 t >actual && test_must_be_empty actual
'

test_expect_success 'what is not there; options that need another' '
	cd r && test_expect_code 128 casg log-taxonomy nope 2>err &&
	test_grep "^fatal: " err &&
	test_expect_code 129 casg log-taxonomy --rank=genus t &&
	test_expect_code 129 casg log-taxonomy --changed-more-than=few t
'

test_done
