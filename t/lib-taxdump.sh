# shellcheck shell=sh
# lib-taxdump - taxonomies for tests, made of dumps by plumbing alone.
#
#	. "$TEST_DIRECTORY/lib-taxdump.sh"
#	dump_taxonomy NAME TIME DIR
#
# commits DIR/nodes.dmp, names.dmp, and merged.dmp and delnodes.dmp if they are
# there, as a version of taxonomy/NAME.  Ids may hold blanks; no other byte that
# a key cannot hold.

# The records of a taxonomy, as FASTA without sequences.
dump_to_fasta () {
	for dump_f in names nodes merged delnodes; do
		test ! -f "$1/$dump_f.dmp" || sed "s/[	]|[	]*\$//; s/^/$dump_f	|	/" "$1/$dump_f.dmp"
	done |
	awk -F '\t[|]\t' '
		function key(id) { gsub(/%/, "%25", id); gsub(/ /, "%20", id); gsub(/,/, "%2C", id); return id }
		$1 == "names" && $5 ~ /^scientific name/ { name[$2] = $3; unique[$2] = $4 }
		$1 == "names" && $5 !~ /^scientific name/ {
			i = ++n[$2]
			other[$2, i] = $5 "\t" $3 "\t" $4
		}
		$1 == "nodes" {
			rest = $5
			for (i = 6; i <= NF; i++) rest = rest "|" $i
			# few names: an insertion sort
			for (i = 2; i <= n[$2]; i++)
				for (j = i; j > 1 && other[$2, j - 1] > other[$2, j]; j--) {
					t = other[$2, j]; other[$2, j] = other[$2, j - 1]; other[$2, j - 1] = t
				}
			names = ""
			for (i = 1; i <= n[$2]; i++)
				if (i == 1 || other[$2, i] != other[$2, i - 1])
					names = names "\t" other[$2, i]
			print ">" key($2) "\tnode\t" key($3) "\t" $4 "\t" rest "\t" name[$2] "\t" unique[$2] names
		}
		$1 == "merged" { print ">" key($2) "\tmerged\t" key($3) }
		$1 == "delnodes" { print ">" key($2) "\tdeleted" }'
}

dump_taxonomy () {
	dump_to_fasta "$3" >dump.fa &&
	casg-pack -q dump.fa >dump.records &&
	casg-mktree <dump.records >dump.roots &&
	casg-write-version --kind=taxonomy --taxonomy-time="$2" <dump.roots >dump.version &&
	dump_commit=$(casg-commit-tree -p HEAD -m "$1 $2" --database="taxonomy/$1" <dump.version) &&
	git update-ref HEAD "$dump_commit" &&
	git reset -q --hard
}

# make_dumps N: v1 .. vN, each a dump and what became of it: taxa are renamed,
# moved, merged, split, deleted, taken up again, and go without a word.
make_dumps () {
	for dump_i in $(awk "BEGIN { for (i = 1; i <= $1; i++) print i }"); do
		mkdir -p "v$dump_i" || return
	done
	awk -v nversions="$1" '
		function rnd(n) { seed = (seed * 16807) % 2147483647; return seed % n }
		# a living taxon of depth from .. to
		function pick(from, to, k, x) {
			for (k = 0; k < 500; k++) {
				x = 2 + rnd(last - 1)
				if ((x in parent) && depth[x] >= from && depth[x] <= to)
					return x
			}
			return 0
		}
		function is_leaf(x, y) {
			for (y in parent) if (parent[y] == x && y != x) return 0
			return 1
		}
		function add(p) {
			last++
			put(last, p)
			return last
		}
		function put(x, p) {
			parent[x] = p
			depth[x] = depth[p] + 1
			rank[x] = ranks[depth[x]]
			name[x] = "Taxon " x
		}
		function remove(x) { delete parent[x]; delete depth[x]; delete rank[x]; delete name[x] }
		function deepen(x, y) { for (y in parent) if (parent[y] == x && y != x) { depth[y] = depth[x] + 1; deepen(y) } }
		function merge(x, y, z) {
			for (z in parent) if (parent[z] == x) parent[z] = y
			for (z in merged) if (merged[z] == x) merged[z] = y
			remove(x)
			merged[x] = y
		}
		function leaf(k, x) {
			for (k = 0; k < 200; k++) {
				x = pick(3, 5)
				if (x && is_leaf(x)) return x
			}
			return 0
		}
		function any(list, n, k, x) {
			n = 0
			for (x in list) n++
			k = n ? rnd(n) : 0
			# by number, as the order of "in" is not ours
			for (x = 1; x <= last; x++) if ((x in list) && !k--) return x
			return 0
		}
		function split_genus(k, x, y, z, n) {
			for (k = 0; k < 100; k++) {
				x = pick(3, 3)
				if (!x || is_leaf(x)) continue
				y = add(parent[x])
				n = 0
				for (z = 1; z <= last; z++)
					if ((z in parent) && parent[z] == x && n++ % 2) parent[z] = y
				return
			}
		}
		function evolve(i, x, y) {
			for (i = 0; i < 5; i++) name[pick(1, 5)] = "Renamed " version " " i
			for (i = 0; i < 5; i++) {
				x = pick(2, 5)
				y = pick(depth[x] - 1, depth[x] - 1)
				if (x && y) parent[x] = y
			}
			for (i = 0; i < 3; i++) { x = pick(1, 5); rank[x] = rank[x] ~ /^sub/ ? ranks[depth[x]] : "sub" ranks[depth[x]] }
			for (i = 0; i < 3; i++) { x = pick(2, 5); y = pick(depth[x], depth[x]); if (x && y && x != y) merge(x, y) }
			for (i = 0; i < 3; i++) if ((x = leaf())) { remove(x); deleted[x] }
			if ((x = leaf())) { remove(x); for (y in merged) if (merged[y] == x) delete merged[y] }
			for (i = 0; i < 6; i++) if ((x = pick(1, 4))) add(x)
			split_genus()
			split_genus()
			if (version > 2 && (x = any(deleted))) { delete deleted[x]; put(x, pick(1, 4)) }
			if (version > 2 && (x = any(merged))) { delete merged[x]; put(x, pick(1, 4)) }
			for (x in deleted) for (y in merged) if (merged[y] == x) delete merged[y]
		}
		function write(dir, x) {
			for (x = 1; x <= last; x++) {
				if (x in parent) {
					print x "\t|\t" parent[x] "\t|\t" rank[x] "\t|\tXX\t|\t0\t|" >(dir "/nodes.dmp")
					print x "\t|\t" name[x] "\t|\t\t|\tscientific name\t|" >(dir "/names.dmp")
					if (x % 7 == 0)
						print x "\t|\tOther, \"" x "\"\t|\t\t|\tsynonym\t|" >(dir "/names.dmp")
				}
				if (x in merged) print x "\t|\t" merged[x] "\t|" >(dir "/merged.dmp")
				if (x in deleted) print x "\t|" >(dir "/delnodes.dmp")
			}
			close(dir "/nodes.dmp"); close(dir "/names.dmp")
			close(dir "/merged.dmp"); close(dir "/delnodes.dmp")
		}
		BEGIN {
			seed = 4711
			split("domain family genus species strain", ranks, " ")
			parent[1] = 1; depth[1] = 0; rank[1] = "no rank"; name[1] = "root"; last = 1
			for (i = 0; i < 3; i++) add(1)
			for (i = 0; i < 250; i++) { x = pick(1, 4); add(x) }
			merged[last + 1] = 2; deleted[last + 2]; last += 2
			for (version = 1; version <= nversions; version++) {
				if (version > 1) evolve()
				write("v" version)
			}
		}'
}
