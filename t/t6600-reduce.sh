#!/bin/sh
# Reduction profiles: who stands for whom, and that nothing is lost by it.

test_description='casg reduce, reconstruct; export and ls --profile; casg-cluster'
. "$(dirname "$0")/test-lib.sh"

# relatives SEED LETTERS FAMILIES EACH LENGTH: records of families, each of one
# sequence and copies with up to 12 % of edits, some cut short; of nucleotides
# some turned round.  Here and there one record has the sequence of another.
relatives () {
	awk -v seed="$1" -v letters="$2" -v nfamilies="$3" -v each="$4" -v len="$5" '
		function letter() { return substr(letters, int(rand() * length(letters)) + 1, 1) }
		function turn(s, i, t) {
			for (i = length(s); i; i--)
				t = t substr("TGCA", index("ACGT", substr(s, i, 1)), 1)
			return t
		}
		function copy(s, share, i, t, c) {
			for (i = 1; i <= length(s); i++) {
				c = substr(s, i, 1)
				if (rand() < share) {
					what = rand()
					c = what < 0.5 ? letter() : what < 0.75 ? "" : c letter()
				}
				t = t c
			}
			return t
		}
		BEGIN {
			srand(seed)
			for (f = 0; f < nfamilies; f++) {
				first = ""
				for (i = len * (0.7 + 0.6 * rand()); i > 0; i--)
					first = first letter()
				for (k = 0; k < each; k++) {
					s = k ? copy(first, 0.12 * rand()) : first
					if (k % 5 == 4)
						s = substr(s, 1 + int(rand() * length(s) * 0.3))
					if (letters == "ACGT" && k % 3 == 2)
						s = turn(s)
					if (k % 7 == 6)
						s = last
					last = s
					printf ">r%d member %d of family %d\n%s\n", (f * 97 + k * 31) % 1009 + 1009 * k, k, f, s
				}
			}
		}'
}

# exact FILE: lines "KEY EDITS STRAND REPRESENTATIVE" of members, with their
# sequences in FILE; each with its distance by the plain matrix.
exact () {
	awk -v fasta="$1" '
		function distance(a, b, m, n, i, j, up, v, best) {
			m = length(a)
			n = length(b)
			for (j = 0; j <= n; j++)
				row[j] = 0
			for (i = 1; i <= m; i++) {
				up = row[0]
				row[0] = i
				c = substr(a, i, 1)
				for (j = 1; j <= n; j++) {
					v = up + (c != substr(b, j, 1))
					up = row[j]
					if (row[j] + 1 < v)
						v = row[j] + 1
					if (row[j - 1] + 1 < v)
						v = row[j - 1] + 1
					row[j] = v
				}
			}
			best = row[0]
			for (j = 1; j <= n; j++)
				if (row[j] < best)
					best = row[j]
			return best
		}
		function turn(s, i, t) {
			for (i = length(s); i; i--)
				t = t substr("TGCA", index("ACGT", substr(s, i, 1)), 1)
			return t
		}
		BEGIN {
			while ((getline line <fasta) > 0)
				if (line ~ /^>/) {
					split(substr(line, 2), w, " ")
					key = w[1]
				} else
					seq[key] = seq[key] line
		}
		{
			s = seq[$1]
			print $1, distance($3 == "-" ? turn(s) : s, seq[$4]), $3, $4
		}'
}

# map_of VERSION NAME: the id of the map of its profile.
map_of () {
	casg reduce --show --profile="$2" "$1" >shown && sed -n "s/^members //p" shown
}

test_expect_success 'setup' '
	casg init -q . &&
	relatives 1 ACDEFGHIKLMNPQRSTVWY 25 10 90 >prot.fa &&
	relatives 2 ACGT 20 9 120 >dna.fa &&
	casg import -q --database prot prot.fa &&
	casg import -q --database dna dna.fa
'

test_expect_success 'a profile: what stands for the others' '
	casg reduce --profile nr90 --identity 0.9 prot >out &&
	test_grep "^[0-9]* of 250 records, [0-9.]* % of the residues, at an identity of 0.900$" out &&
	casg reduce --show --profile nr90 prot >profile &&
	test "$(sed -n 1p profile)" = "casg-profile 1" &&
	test "$(sed -n "s/^version //p" profile)" = "$(casg read-version --id prot)" &&
	test "$(sed -n "s/^count //p" profile)" = 250 &&
	casg export --profile nr90 prot >nr90.fa &&
	n=$(sed -n "s/^representatives //p" profile) &&
	test "$(grep -c "^>" nr90.fa)" = "$n" && test "$n" -lt 150 && test "$n" -ge 25 &&
	kept=$(grep -v "^>" nr90.fa | tr -d "\n" | wc -c) &&
	test "$(sed -n "s/^kept //p" profile)" = "$((kept))" &&
	casg ls --profile nr90 prot >lines &&
	casg assemble <lines >actual && test_cmp nr90.fa actual &&
	casg ls --keys --profile nr90 prot >keys &&
	sed -n "s/^>\([^ ]*\).*/\1/p" nr90.fa >expect && test_cmp expect keys &&
	casg export --profile nr90 -o out.fa prot && test_cmp nr90.fa out.fa
'

test_expect_success 'every member is as like as it says: by the plain matrix' '
	casg ls --profile nr90 --members prot >members &&
	sed 1d members | awk -F"$TAB" "\$1 != \$7 { print \$1, \$8, \$9, \$7 }" >expect &&
	test "$(wc -l <expect)" -gt 100 &&
	exact prot.fa <expect >actual && test_cmp expect actual &&
	! grep " - " expect &&
	sed 1d members | awk -F"$TAB" "\$8 > \$3 * 0.1" >far && test_must_be_empty far &&
	sed 1d members | awk -F"$TAB" "
		\$1 == \$7 { n = \$3 }
		\$3 < n * 0.8 || \$3 > n" >short && test_must_be_empty short
'

test_expect_success 'of nucleotides, by the strand that is nearer' '
	casg reduce -q --profile nr85 --identity 0.85 dna &&
	casg ls --profile nr85 --members dna | sed 1d >members &&
	awk -F"$TAB" "\$1 != \$7 { print \$1, \$8, \$9, \$7 }" members >expect &&
	grep " - " expect >other && grep " + " expect >same &&
	test "$(wc -l <other)" -gt 20 && test "$(wc -l <same)" -gt 20 &&
	exact dna.fa <expect >actual && test_cmp expect actual
'

test_expect_success 'the members are all records, each once, behind what stands for them' '
	casg ls prot | sed 1d | sort >expect &&
	casg ls --profile nr90 --members prot | sed 1d >members &&
	cut -f1-6 members | sort >actual && test_cmp expect actual &&
	awk -F"$TAB" "
		\$1 == \$7 { if (\$8 || \$9 != \"+\" || (\$7 in seen)) exit 1; seen[\$7] = 1; last = \$7 }
		\$7 != last { exit 1 }" members &&
	awk -F"$TAB" "\$1 == \$7 { print \$1 }" members | sort >actual &&
	sort keys >expect && test_cmp expect actual &&
	casg ls -z --profile nr90 --members prot | tr "\0" "\n" | sed 1d >zero &&
	test_cmp members zero
'

test_expect_success 'hits are expanded by the map' '
	head -n 3 keys >hits &&
	casg ls --profile nr90 --members prot |
		awk -F"$TAB" "NR == FNR { hit[\$1]; next } \$7 in hit" hits - >expanded &&
	cut -f7 expanded | sort -u >actual && sort hits >expect && test_cmp expect actual &&
	test "$(wc -l <expanded)" -gt 3 &&
	cut -f1-6 expanded | casg assemble >expanded.fa &&
	test "$(grep -c "^>" expanded.fa)" = "$(($(wc -l <expanded)))"
'

test_expect_success 'everything comes back, byte for byte' '
	casg reconstruct --profile nr90 prot >actual && test_cmp prot.fa actual &&
	casg reconstruct --profile nr90 --reduced nr90.fa -o back.fa prot && test_cmp prot.fa back.fa &&
	sed "\$d" nr90.fa >less.fa &&
	test_expect_code 1 casg reconstruct --profile nr90 --reduced less.fa -o none.fa prot 2>err &&
	test_grep "is not what profile .nr90. gives" err && test_path_is_missing none.fa &&
	{ cat nr90.fa && echo ">x"; } >more.fa &&
	test_expect_code 1 casg reconstruct --profile nr90 --reduced more.fa prot >out &&
	test_must_be_empty out &&
	test_expect_code 128 casg reconstruct --profile nr90 --reduced missing.fa prot &&
	casg reconstruct --profile nr85 dna | cmp - dna.fa
'

test_expect_success 'so do odd presentations, repeated keys, empty sequences' '
	awk "
		/^>/ { key = NR % 40 ? \$1 : \">same\"; printf \"%s%s\r\n\", key, NR % 3 ? \" x  y\" : \"\"; next }
		{ print NR % 5 ? tolower(substr(\$0, 1, 20)) substr(\$0, 21) : \$0; if (NR % 11 == 0) print \"\" }
	" prot.fa >odd.fa && printf ">none\n>same\nMK" >>odd.fa &&
	casg import -q --database odd odd.fa &&
	casg reduce -q --profile p --identity 0.8 odd &&
	casg reconstruct --profile p odd | cmp - odd.fa &&
	casg export --profile p odd >reduced.fa &&
	casg ls --profile p odd | casg assemble | cmp - reduced.fa &&
	grep -q "^>none" reduced.fa &&
	casg ls --profile p --members odd | sed 1d | cut -f1-6 | sort >actual &&
	casg ls odd | sed 1d | sort >expect && test_cmp expect actual
'

test_expect_success 'the same map for any order of the file, threads and memory' '
	paste -d "$TAB" - - <prot.fa | sort -t "$TAB" -k 2 | tr "$TAB" "\n" >shuffled.fa &&
	! cmp -s prot.fa shuffled.fa &&
	casg init -q elsewhere &&
	(cd elsewhere && casg import -q --database x ../shuffled.fa &&
		casg reduce -q --profile n --identity 0.9 x && map_of x n >../map-other) &&
	map_of prot nr90 >map && test -s map && test_cmp map map-other &&
	for how in "--threads 1" "--threads 4" "--memory 64m" "--threads 3 --memory 65m"; do
		casg reduce -q --force --profile again --identity 0.9 $how prot &&
		map_of prot again >map-again && test_cmp map map-again || return 1
	done &&
	casg cluster --identity 0.9 prot >pairs &&
	casg ls prot | sort -r | casg cluster --identity 0.9 >actual && test_cmp pairs actual &&
	{ casg ls prot && casg ls prot; } | casg cluster --identity 0.9 >actual && test_cmp pairs actual &&
	casg ls -z prot | casg cluster -z --identity 0.9 >actual && test_cmp pairs actual &&
	casg reduce -d -q --profile again prot &&
	casg-gen --seed 4 --type protein --records 16000 --length 60 --family 0.5 >many.fa &&
	(cd elsewhere && casg import -q --database many ../many.fa &&
		casg cluster --identity 0.8 --threads 1 many | sha256sum >../one &&
		casg cluster --identity 0.8 --memory 64m many | sha256sum >../two) &&
	test_cmp one two
'

test_expect_success 'and for any layout: after repack, and with sequences in pieces' '
	git config casg.chunkSize 64k && test_when_finished "git config --unset casg.chunkSize" &&
	relatives 3 ACGT 2 4 90000 >long.fa &&
	casg import -q --database long long.fa &&
	casg reduce -q --profile n --identity 0.8 long && map_of long n >before &&
	test "$(sed -n "s/^representatives //p" shown)" -lt 8 &&
	casg reconstruct --profile n long | cmp - long.fa &&
	casg repack -a -d -q && casg gc --grace=0 -q &&
	casg reduce -q --force --profile n --identity 0.8 long && map_of long n >after &&
	test_cmp before after &&
	map_of prot nr90 >after && test_cmp map after
'

test_expect_success 'a single family, where each waits for others: the same for any threads' '
	casg-gen --seed 3 --type protein --records 3000 --length 200 --family 1 >family.fa &&
	casg import -q --database family family.fa &&
	for n in 1 2 7; do
		casg cluster --threads $n --identity 0.9 family | sha256sum >family.$n && test_cmp family.1 family.$n || return 1
	done
'

test_expect_success '--size: the highest identity at which so little is left' '
	casg reduce --profile small --size 45% prot >out &&
	casg reduce --show --profile small prot >profile &&
	test_grep "^size 0.450$" profile &&
	t=$(sed -n "s/^identity //p" profile) && test_grep "at an identity of $t$" out &&
	awk "{ v[\$1] = \$2 } END { exit !(v[\"kept\"] <= v[\"residues\"] * 0.45) }" profile &&
	casg cluster --identity "$t" --facts=facts prot >/dev/null &&
	test "$(sed -n "s/^kept //p" facts)" -ge "$(sed -n "s/^kept //p" profile)" &&
	more=$(awk "BEGIN { printf \"%.3f\", $t + 0.01 }") &&
	casg cluster --identity "$more" --facts=facts prot >/dev/null &&
	awk "{ v[\$1] = \$2 } END { exit !(v[\"kept\"] > v[\"residues\"] * 0.45) }" facts &&
	casg cluster --size 0.45 --facts=facts prot >/dev/null &&
	test "$(sed -n "s/^runs //p" facts)" -le 10 &&
	test_expect_code 128 casg reduce --profile tiny --size 1% prot 2>err &&
	test_grep "^fatal: at an identity of 0.400 still [0-9.]* % of the residues are left" err &&
	test_expect_code 128 casg reduce --show --profile tiny prot
'

test_expect_success 'only what is the same for an identity of 1' '
	casg reduce -q --profile same --identity 1 --coverage 1 prot &&
	casg ls --profile same prot | sed 1d | cut -f2 | sort >actual &&
	casg ls prot | sed 1d | cut -f2 | sort -u >expect && test_cmp expect actual
'

test_expect_success 'list, replace, delete' '
	casg reduce --list prot >list && cut -f2 list | sort >actual &&
	printf "%s\n" nr90 same small >expect && test_cmp expect actual &&
	test "$(cut -f6 list | sort -u)" = prot &&
	casg reduce --list | cut -f6 | sort -u >actual &&
	printf "%s\n" dna long odd prot >expect && test_cmp expect actual &&
	test_expect_code 128 casg reduce --profile same --identity 0.9 prot 2>err &&
	test_grep "there is a profile .same. of version" err &&
	casg reduce -q --force --profile same --identity 0.9 prot &&
	map_of prot same >actual && test_cmp map actual &&
	casg reduce --delete --profile same prot >out && test_grep "^deleted profile same" out &&
	test_expect_code 128 casg reduce --delete --profile same prot &&
	test_expect_code 128 casg export --profile same prot 2>err &&
	test_grep "there is no profile .same. of version" err
'

test_expect_success 'a profile is of one version, and of no other' '
	{ cat prot.fa && printf ">new\nMKVLATGGWW\n"; } >next.fa &&
	casg import -q --database prot next.fa &&
	test_expect_code 128 casg export --profile nr90 prot >out 2>err && test_must_be_empty out &&
	test_grep "profile .nr90. is not of version .* but of others" err &&
	test_expect_code 128 casg ls --profile nr90 prot &&
	test_expect_code 128 casg reconstruct --profile nr90 prot &&
	casg export --profile nr90 HEAD~1:prot | cmp - nr90.fa &&
	blob=$(git rev-parse "refs/casg/profiles/$(casg read-version --id HEAD~1:prot)/nr90:prot/PROFILE") &&
	test_expect_code 128 casg read-profile --profile="$blob" prot >out 2>err &&
	test_must_be_empty out && test_grep "^fatal: the profile is of version .*, not of" err &&
	casg reduce -q --profile nr90 --identity 0.9 prot &&
	casg export --profile nr90 prot >now.fa && ! cmp -s now.fa nr90.fa &&
	casg export -q --profile nr90 --as-of-sequence HEAD~1 prot | cmp - nr90.fa
'

test_expect_success 'casg gc and casg repack keep what a profile needs, and no more' '
	casg init -q kept &&
	(
		cd kept && casg import -q --database keep ../dna.fa &&
		git branch base && casg import -q --database gone ../prot.fa &&
		casg reduce -q --profile p --identity 0.9 gone &&
		ref=$(git for-each-ref --format="%(refname)" refs/casg/profiles) &&
		git reset -q --hard base && git reflog expire --expire=now --all &&
		casg gc -q --grace=0 && casg repack -a -d -q && casg gc -q --grace=0 &&
		casg fsck >../checked &&
		casg read-profile --fasta --profile="$(git rev-parse "$ref:gone/PROFILE")" \
			--version="$(git rev-parse "$ref:gone/VERSION")" | cmp - ../nr90.fa &&
		casg count-objects -v >../before &&
		git update-ref -d "$ref" && casg gc -q --grace=0 && casg repack -a -d -q &&
		casg gc -q --grace=0 && casg count-objects -v >../after
	) &&
	test_grep "^1 profiles checked$" checked && ! cmp -s before after
'

test_expect_success 'nothing is written where something is missing' '
	casg init -q lost &&
	(
		cd lost && casg import -q --database x ../prot.fa &&
		casg reduce -q --profile p --identity 0.9 x &&
		members=$(casg reduce --show --profile p x | sed -n "s/^members //p") &&
		casg ls-chunks --kind=sequences | cut -f1 >chunks && test -s chunks &&
		cp -R .git/casg/packs whole &&
		for pack in .git/casg/packs/*.pack; do
			rm -rf .git/casg/packs .git/casg/index && cp -R whole .git/casg/packs &&
			rm "$pack" "${pack%.pack}.idx" &&
			test_expect_code 128 casg reconstruct --profile p x >../out 2>../err &&
			test_must_be_empty ../out && test -s ../err || exit 1
		done &&
		rm -rf .git/casg/packs .git/casg/index && cp -R whole .git/casg/packs &&
		casg reconstruct --profile p x | cmp - ../prot.fa
	)
'

test_expect_success 'casg fsck finds a map that is damaged or gone' '
	casg init -q bad &&
	(
		cd bad && casg import -q --database x ../prot.fa && ls .git/casg/packs >before &&
		casg reduce -q --profile p --identity 0.9 x &&
		casg fsck -q &&
		for pack in $(ls .git/casg/packs | grep "pack$"); do
			grep -q "$pack" before || rm ".git/casg/packs/$pack" ".git/casg/packs/${pack%.pack}.idx"
		done &&
		rm -rf .git/casg/index && test_expect_code 1 casg fsck -q 2>../err &&
		test_expect_code 128 casg gc -q --grace=0
	) &&
	test_grep "^error: profile p of version [0-9a-f]*: " err
'

# forge SED: PROFILE with that done to it, in $blob.
forge () {
	ref=refs/casg/profiles/$(casg read-version --id prot)/nr90 &&
	blob=$(git cat-file blob "$ref:prot/PROFILE" | sed "$1" | git hash-object -w --stdin)
}

test_expect_success 'a PROFILE that is not true is refused' '
	order=$(casg read-version --field=order prot) &&
	other=$(casg read-version --field=records dna) &&
	dna=$(casg reduce --show --profile nr85 dna | sed -n "s/^members //p") &&
	for what in "s/^members .*/members $order/" "s/^members .*/members $dna/" \
		"s/^records .*/records $other/" "s/^count .*/count 250/" \
		"s/^representatives .*/representatives 3/" "s/^kept .*/kept 1/" \
		"s/^residues .*/residues 9999999/" "s/^identity .*/identity 1.000/" \
		"s/^members .*/members $(printf x | sha256sum | cut -d" " -f1)/" \
		"s/profile 1/profile 2/" "s/profile 1/version 1/" "s/^kept/kept /"; do
		forge "$what" && test_expect_code 128 casg read-profile --check --profile="$blob" prot >out 2>err &&
		test_grep "^fatal: " err && test_must_be_empty out || return 1
	done &&
	forge "" && casg read-profile --check --profile="$blob" prot >out &&
	test_expect_code 128 casg read-profile --profile="$(git rev-parse HEAD)" prot &&
	test_expect_code 128 casg read-profile --profile="$blob" --version="$blob" &&
	test_expect_code 128 casg read-profile --profile=nonsense prot
'

# refused TEXT: casg write-profile says so of the pairs on standard input
refused () {
	test_expect_code 128 casg write-profile --identity=0.9 --coverage=0.8 dna 2>err >out &&
	test_must_be_empty out && test_grep "^fatal: .*$1" err
}

test_expect_success 'pairs that are not those of the version are refused' '
	casg cluster --identity 0.9 dna >pairs &&
	casg write-profile --identity=0.9 --coverage=0.8 dna <pairs >good &&
	sort -R pairs | casg write-profile --identity=0.9 --coverage=0.8 dna >actual && test_cmp good actual &&
	sed 1d pairs | refused "no line says what stands for it" &&
	{ cat pairs && sed 1q pairs; } | refused "more than one line" &&
	{ cat pairs && sed 1q pairs | tr "0-9a-f" "1-9a-f0"; } | refused "no record of the version has it" &&
	awk -F"$TAB" -v OFS="$TAB" "\$1 != \$2 { \$3 = 60 } 1" pairs | refused "not so like" &&
	awk -F"$TAB" -v OFS="$TAB" "\$1 == \$2 { \$3 = 1 } 1" pairs | refused "not so like" &&
	awk -F"$TAB" -v OFS="$TAB" "\$1 != \$2 && !n++ { m = \$1 } { a[NR] = \$0 }
		END { for (i = 1; i <= NR; i++) { \$0 = a[i]; if (\$1 != \$2 && \$1 != m && !k++) \$2 = m; print } }
		" pairs | refused "stands for others, but not for itself" &&
	sed "1s/.\$/x/" pairs | refused "line 1: wanted" &&
	sed "2s/${TAB}[0-9]*${TAB}/${TAB}99999999999999999999${TAB}/" pairs | refused "line 2: wanted" &&
	sed "3s/^./X/" pairs | refused "line 3: wanted" &&
	echo | refused "line 1: wanted" &&
	refused "no line says" </dev/null
'

test_expect_success 'records that are not as they say are refused' '
	casg ls dna | sed 1d >lines &&
	awk -F"$TAB" -v OFS="$TAB" "NR == 7 { \$3++ } 1" lines >longer &&
	test_expect_code 128 casg cluster --identity 0.9 <longer 2>err >out &&
	test_must_be_empty out && test_grep "is not as long as it is said to be" err &&
	{ cat lines && sed 1d longer; } >both &&
	test_expect_code 128 casg cluster --identity 0.9 <both >out && test_must_be_empty out &&
	awk -F"$TAB" -v OFS="$TAB" "NR == 7 { \$3 = \"4611686018427387903\" } 1" lines >huge &&
	test_expect_code 128 casg cluster --identity 0.9 <huge 2>err >out &&
	test_must_be_empty out && test_grep "^fatal: " err &&
	sed "3s/${TAB}[0-9a-f]/${TAB}x/" lines >broken &&
	test_expect_code 128 casg cluster --identity 0.9 <broken 2>err && test_grep "line 3: " err &&
	printf "x\t%064d\t3\t-\t-\t\n" 0 >absent &&
	test_expect_code 128 casg cluster --identity 0.9 <absent 2>err && test_grep "is in no pack here" err
'

test_expect_success 'in a bare repository, by CASG_DIR' '
	casg init -q --bare bare.git &&
	CASG_DIR=bare.git casg import -q --database "a/\"b" dna.fa &&
	CASG_DIR=bare.git casg reduce --profile p --identity 0.9 "a/\"b" &&
	CASG_DIR=bare.git casg reduce --list >list && test "$(cut -f6 list)" = "a/\"b" &&
	CASG_DIR=bare.git casg reduce --profile q --identity 0.9 &&
	CASG_DIR=bare.git casg reconstruct --profile q HEAD: | cmp - dna.fa
'

test_expect_success 'databases of nothing, and taxonomies' '
	: >empty.fa && casg import -q --allow-empty --database empty empty.fa &&
	casg reduce --profile p --identity 0.9 empty >out &&
	test_grep "^0 of 0 records, 100.0 % of the residues" out &&
	casg export --profile p empty >out && test_must_be_empty out &&
	casg reconstruct --profile p empty >out && test_must_be_empty out &&
	casg cluster --identity 0.9 </dev/null >out && test_must_be_empty out &&
	id=$(printf ">x\n" | casg hash-object -w - | cut -d" " -f1) &&
	printf "1\t%s\t0\t-\t-\t\"\\\\tnode\\\\t1\\\\tno rank\\\\t\\\\troot\\\\t\"\n" "$id" >records &&
	casg mktree <records >roots &&
	casg write-version --kind=taxonomy --taxonomy-time=2024-01-01 <roots >version &&
	commit=$(casg commit-tree -p HEAD --database=taxonomy/t -m t <version) &&
	test_expect_code 128 casg reduce --profile p --identity 0.9 "$commit:taxonomy/t" 2>err &&
	test_grep "is a taxonomy, which has no sequences" err
'

test_expect_success 'usage' '
	for args in "" "--profile x prot" "--identity 0.9 prot" "--profile x --identity 0.9 --size 30% prot" \
		"--profile -x --identity 0.9 prot" "--profile a/b --identity 0.9 prot" \
		"--profile x..y --identity 0.9 prot" "--list --show --profile x prot" "--list --profile x" \
		"--show --profile x --identity 0.9 prot" "--profile x --identity 0.3 prot" \
		"--profile x --identity 1.1 prot" "--profile x --identity high prot" \
		"--profile x --size 0 prot" "--profile x --identity 0.9 --coverage 2 prot"; do
		test_expect_code 129 casg reduce $args 2>err || { echo "$args"; return 1; }
	done &&
	test_expect_code 129 casg reconstruct prot &&
	test_expect_code 129 casg export --profile nr90 --taxid-map blast prot &&
	test_expect_code 129 casg export --profile nr90 --as-of 2024-01-01 prot &&
	test_expect_code 129 casg ls --members prot &&
	test_expect_code 129 casg ls --profile nr90 --members --keys prot &&
	test_expect_code 129 casg ls --profile nr90 --lineage prot &&
	test_expect_code 129 casg read-profile prot &&
	test_expect_code 129 casg read-profile --profile=x &&
	test_expect_code 129 casg cluster prot &&
	test_expect_code 128 casg reduce --profile x --identity 0.9 nowhere &&
	test_expect_code 128 casg reduce --profile x --identity 0.9 nowhere:prot
'

test_done
