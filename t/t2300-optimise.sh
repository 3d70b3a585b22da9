#!/bin/sh
# casg optimise, repack --optimise, ls-chunks --deltas.

test_description='optimise: smaller packs, what that brings, and what is stored by what'
. "$(dirname "$0")/test-lib.sh"

test_lazy_prereq PYTHON3 'python3 -c ""'

bytes () {
	cat .git/casg/packs/pack-* | wc -c
}

fact () {
	sed -n "s/^$1 //p" facts
}

analyse () {
	git rev-list --all -- db/VERSION | sed 's|$|:db/VERSION|' | git cat-file --batch-check='%(objectname)' |
		sort -u | casg-analyse-packs "$@" >facts
}

# Relatives of one another on both strands, with gaps, and a stretch of N in each.
test_expect_success 'setup: a family of genomes, release by release' '
	awk "BEGIN {
		srand(7); n = 30000
		for (i = 0; i < n; i++) ref = ref substr(\"ACGT\", 1 + int(rand() * 4), 1)
		for (g = 1; g <= 12; g++) {
			s = \"\"
			for (i = 1; i <= n; i++) {
				r = rand()
				if (r < 0.004) s = s substr(\"ACGT\", 1 + int(rand() * 4), 1)
				else if (r < 0.0042) s = s \"ACCA\"
				else if (r > 0.0044) s = s substr(ref, i, 1)
			}
			s = substr(s, 1, 9000) \"NNNNNNNNRYNN\" substr(s, 9013)
			if (g % 3 == 0) { t = \"\"; for (i = length(s); i; i--) {
				c = substr(s, i, 1); k = index(\"ACGTRY\", c)
				t = t (k ? substr(\"TGCAYR\", k, 1) : c) }; s = t }
			print \">g\" g \"\n\" s
		}
	}" >all.fasta &&
	casg init -q . &&
	for n in 4 8 12; do
		awk -v n=$n "/^>/ { k++ } k <= n" all.fasta >rel$n.fasta &&
		casg import -q --database db --sequence-time=20$((n + 10))-01-01 rel$n.fasta || return 1
	done
'

test_expect_success 'relatives are small: a hundredth of a byte a base, and less' '
	test "$(cat .git/casg/packs/*.pack | wc -c)" -lt 40000 &&
	casg-assemble -q db | cmp - all.fasta
'

test_expect_success 'ls-chunks --deltas: every sequence, and all of its residues' '
	casg ls db | awk -F"\t" "!/^#casg/ { print \$2, \$3 }" | sort >expect &&
	casg ls-chunks --deltas db >deltas &&
	awk -F"\t" "{ n[\$1] += \$3 } END { for (k in n) print k, n[k] }" deltas | sort >actual &&
	test_cmp expect actual &&
	awk -F"\t" "\$2 != \"-\" { n += \$3 } \$2 == \"-\" { own += \$3 }
		END { exit !(n > own) }" deltas
'

test_expect_success 'both ways: the references of a sequence, what is stored by one' '
	reference=$(awk -F"\t" "\$2 != \"-\" { print \$2; exit }" deltas) &&
	casg ls-chunks --deltas --reference="$reference" db >of &&
	awk -F"\t" -v r="$reference" "\$2 == r" deltas >expect && test_cmp expect of &&
	test $(wc -l <of) -ge 2 &&
	sequence=$(cut -f 1 of | tail -n 1) &&
	casg ls-chunks --deltas --sequence="$sequence" db >by &&
	awk -F"\t" -v s="$sequence" "\$1 == s" deltas >expect && test_cmp expect by &&
	test $(wc -l <by) -ge 2
'

test_expect_success PYTHON3 'ls-chunks --scripts: what is copied is in the reference' '
	casg ls-chunks --scripts db >scripts &&
	cat >check.py <<-\EOF &&
	import sys
	from hashlib import sha256
	seqs, name = {}, None
	for line in open("all.fasta"):
	    if line[0] != ">":
	        seqs[sha256(line.strip().encode()).hexdigest()] = line.strip()
	pair = dict(zip("ACGT", "TGCA"))
	n = {"copy": 0, "substitute": 0, "literal": 0, "-": 0}
	covered = {}
	for line in open(sys.argv[1]):
	    s, at, count, op, ref, start, strand = line.rstrip("\n").split("\t")
	    at, count = int(at), int(count)
	    n[op] += count
	    assert covered.get(s, 0) == at, line
	    covered[s] = at + count
	    if op != "copy":
	        continue
	    start = int(start)
	    if strand == "-":
	        n["-"] += count
	        made = "".join(pair.get(c, "N") for c in reversed(seqs[ref][start - count + 1:start + 1]))
	    else:
	        made = seqs[ref][start:start + count]
	    for a, b in zip(made, seqs[s][at:at + count]):
	        assert a == b or a not in pair or b not in pair, line
	assert all(len(seqs[s]) == covered[s] for s in covered) and len(covered) == 12
	print(*(k for k in n if n[k]))
	EOF
	python3 check.py scripts >actual &&
	echo "copy substitute literal -" >expect &&
	test_cmp expect actual
'

test_expect_success 'a version needs the chunks that its own rest on' '
	casg ls-chunks --kind=sequences HEAD~2:db | cut -f 1 >first &&
	casg ls-chunks --kind=sequences db | cut -f 1 >all &&
	test $(wc -l <first) -lt $(wc -l <all)
'

test_expect_success 'analyse-packs: three imports of one family share nothing between packs' '
	analyse &&
	test "$(fact versions)" = 3 &&
	test "$(fact unneeded-packs)" = 0 && test "$(fact dead-objects)" = 0 &&
	test "$(fact duplicate-objects)" = 0 &&
	test $(($(fact pack-bytes) + $(fact index-bytes))) = $(bytes) &&
	test "$(fact newest-residues)" = "$(casg-read-version --field=residues db)" &&
	analyse --before=2010-01-01 && test "$(fact old-objects)" = 0 && test "$(fact old-bytes)" = 0 &&
	test "$(fact old-sequences)" = 0 && test "$(fact old-sequence-bytes)" = 0 && test "$(fact old-id-bytes)" = 0 &&
	analyse --before=2030-01-01 && test "$(fact old-objects)" -gt 12 && test "$(fact old-sequences)" = 12 &&
	test "$(fact old-sequence-bytes)" -lt "$(fact old-bytes)" && test "$(fact old-id-bytes)" = 4096
'

test_expect_success 'analyse: what is stored twice, and what nobody needs' '
	mkdir twice && cp -R .git twice && (cd twice && git reset -q --hard &&
	git checkout -q -b other && printf ">x\nMKVLAAGIVGA\n" >x.fasta &&
	casg import -q --database db --accept-shrink x.fasta && git checkout -q - &&
	git branch -qD other && rm -rf .git/logs && git reflog expire --expire=now --all &&
	analyse && test "$(fact unneeded-packs)" -gt 0 && test "$(fact unneeded-bytes)" -gt 0 &&
	casg repack -q && casg repack -qa && analyse &&
	test "$(fact duplicate-objects)" -ge 8 &&
	casg optimise --analyse >out && grep "^duplicates: *[1-9]" out)
'

test_expect_success 'estimate: changes nothing, and the run comes out as it said' '
	ls -l .git/casg/packs >before && old=$(bytes) &&
	casg optimise --estimate >estimate && ls -l .git/casg/packs >after && test_cmp before after &&
	grep "^delta" estimate && grep "^compression" estimate &&
	casg optimise --dry-run >out && grep "would run: casg-repack --optimise" out &&
	ls -l .git/casg/packs >after && test_cmp before after &&
	casg optimise >out && new=$(bytes) &&
	grep "^$old bytes before, $new now" out && test $new -lt $old &&
	grep "^the estimate was $new bytes, off by 0.0 %" out &&
	awk -v n=$((old - new)) "/^together/ { exit \$2 != n }" estimate &&
	casg-assemble -q db | cmp - all.fasta && casg-assemble -q HEAD~2:db | cmp - rel4.fasta &&
	casg fsck --full
'

test_expect_success 'again: nothing is gained, and nothing is replaced' '
	ls .git/casg/packs >before &&
	casg repack --optimise -d >out && test "$(cat out)" = "0 packs written, 0 replaced" &&
	casg repack --optimise -d --match=0 --compression=1 >out &&
	grep "^0 packs written" out && ls .git/casg/packs >after && test_cmp before after
'

test_expect_success 'target-savings: stops when reached, 1 when it is not' '
	test_expect_code 1 casg optimise --target-savings=90% >out &&
	grep "0 bytes saved" out &&
	casg optimise --target-savings=0 >out && ! grep "compression:" out
'

test_expect_success 'a pack that is not as it was written replaces nothing' '
	mkdir torn && cp -R .git torn && (cd torn && git reset -q --hard && mkdir tools &&
	printf "#!/bin/sh\necho bad; exit 1\n" >tools/casg-verify-pack && chmod +x tools/casg-verify-pack &&
	printf ">y\nACGT\n" >y.fasta && casg import -q --database other y.fasta &&
	ls .git/casg/packs >before &&
	for f in "$CASG_BUILD_DIR"/bin-wrappers/casg-*; do
		test -e "tools/${f##*/}" || ln -s "$f" tools/ || return 1
	done &&
	CASG_EXEC_PATH=$PWD/tools PATH=$PWD/tools:$PATH test_expect_code 128 \
		casg-repack --optimise -d 2>err &&
	grep "nothing was replaced" err &&
	ls .git/casg/packs | comm -23 before - >gone && test_must_be_empty gone)
'

# ---- archiving

# A repository with one new version, and two old ones of which it has half; made
# once.
make_old () {
	rm -rf old old.git cold && git init -q --bare old.git && mkdir cold &&
	if test -e made; then
		cp -pR made old && cd old && return
	fi &&
	casg init -q old && cd old &&
	casg remote add cold ../old.git ../cold && git config casg.gcAuto 0 &&
	casg-gen --seed 1 --type protein --records 3000 --length 300 >v1 &&
	casg-gen --seed 2 --mutate v1 --change 2 >v2 && casg-gen --seed 3 --mutate v2 --remove 30 --change 20 >v3 &&
	for i in 1 2 3; do
		casg import -q -d db --sequence-time 202$i-01-01 v$i || return 1
	done && cp -pR . ../made
}

# whole DIR: packs, what stands in the place of others, and chunks of these
whole () {
	find "$1/.git/casg/packs" "$1/.git/casg/partial" -type f -exec ls -ln {} + | awk "{ n += \$5 } END { print n }"
}

test_expect_success 'archiving: what only old versions need goes to a storage, and is read from there' '
	make_old && ls .git/casg/packs >before &&
	casg optimise --archive-before=2022-06-01 --storage=cold --dry-run >out && grep "^would archive: [1-9]" out &&
	bytes=$(sed "s/.* need, \([0-9]*\) bytes: .*/\1/" out) && ids=$(sed "s/.* less \([0-9]*\) for their ids.*/\1/" out) && ls .git/casg/packs >after && test_cmp before after && ! test -e ../cold/packs &&
	casg repack -q -a -d --apart-before=2022-06-01 && packed=$(cd .. && whole old) &&
	casg optimise --archive-before=2022-06-01 --storage=cold >out && grep "^archived: 1 packs, " out &&
	now=$(cd .. && whole old) && test $now -lt $packed &&
	# as much less as was said, but for the order in which it was compressed; of what stays, all was
	saved=$(sed -n "s/^archived: .* packs, \([0-9]*\) bytes; .*/\1/p" out) && test $((packed - now)) = "$saved" &&
	test $((saved * 20)) -gt $((bytes * 19)) && test $((saved * 20)) -lt $((bytes * 21)) &&
	test "$ids" = "$(cat .git/casg/partial/pack-*.objects | wc -c)" &&
	casg gc -q --grace=0 && CASG_NO_FETCH=1 casg export db | cmp - v3 && CASG_NO_FETCH=1 test_expect_code 128 casg export HEAD~2:db >gone 2>err &&
	casg export HEAD~1:db | cmp - v2 && casg export HEAD~2:db | cmp - v1 && casg fsck --full >out &&
	# an inventory knows it, so that gc there keeps it
	casg-inventory --url="file://$(cd ../cold && pwd | sed "s/ /%20/g")" --versions >out && test_line_count = 2 out &&
	casg optimise --archive-before=2022-06-01 --storage=cold >out && grep "^archived: 0 packs" out &&
	casg repack -q -a -d && casg gc -q --grace=0 && casg export HEAD~2:db | cmp - v1
'

test_expect_success 'archiving: a storage that gives other bytes back has nothing moved to it' '
	make_old && casg-gen --seed 9 --type protein --records 5 >other && mkdir lying &&
	for f in "$CASG_BUILD_DIR"/bin-wrappers/casg-*; do ln -s "$f" lying/ || return 1; done && rm lying/casg-check-storage &&
	printf "#!/bin/sh\nexit 1\n" >lying/casg-check-storage && chmod +x lying/casg-check-storage &&
	CASG_EXEC_PATH=$PWD/lying PATH=$PWD/lying:$PATH test_expect_code 128 casg-optimise --archive-before=2022-06-01 --storage=cold 2>err &&
	grep "does not give back" err && ! ls .git/casg/partial/pack-* 2>/dev/null && casg gc -q --grace=0 && casg export HEAD~2:db | cmp - v1 &&
	git config casg.remote.cold.database "!db" && test_expect_code 128 casg optimise --archive-before=2022-06-01 --storage=cold 2>err && grep "does not take the database" err &&
	git config --unset casg.remote.cold.database && git config casg.remote.cold.readOnly true &&
	test_expect_code 128 casg optimise --archive-before=2022-06-01 --storage=cold && test_expect_code 128 casg optimise --archive-before=2022-06-01 --storage=nowhere
'

test_expect_success 'wrong usage' '
	test_expect_code 129 casg optimise --strategy=magic &&
	test_expect_code 129 casg optimise --target-savings=many &&
	test_expect_code 129 casg optimise --target-savings=101% &&
	test_expect_code 129 casg optimise --analyse --estimate &&
	test_expect_code 129 casg optimise --archive-before=2020-01-01 &&
	test_expect_code 129 casg optimise --storage=cold &&
	test_expect_code 129 casg optimise --storage=cold --archive-before=2020-01-01 --strategy=gc &&
	test_expect_code 129 casg repack --apart-before=2020-01-01 &&
	test_expect_code 129 casg-read-version --id --before=2020-01-01 db &&
	test_expect_code 129 casg-pack-versions --apart-before=yesterday </dev/null &&
	test_expect_code 129 casg optimise --analyse --strategy=gc &&
	test_expect_code 129 casg ls-chunks --deltas --scripts &&
	test_expect_code 129 casg ls-chunks --sequence=00 &&
	test_expect_code 129 casg ls-chunks --deltas --sequence=00 &&
	test_expect_code 129 casg repack --remote=origin --match=16 &&
	test_expect_code 129 casg repack --match=16 &&
	test_expect_code 129 casg-analyse-packs --before=yesterday </dev/null
'

test_done
