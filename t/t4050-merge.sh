#!/bin/sh

test_description='casg merge, and plain git merge'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

# import FILE [DATABASE]
import () {
	test_tick && plumb_import "$1" "${2-db}"
}

test_expect_success 'setup: two people, two branches' '
	printf ">a 1\nAAAA\n>b 2\nCCCC\n>c 3\nDDDD\n" >base.fa &&
	printf ">a 1\nAAAA\n>b 2 ours\nCCCC\n>c 3\nDDDD\n" >ours.fa &&
	printf ">a 1\nAAAW\n>b 2\nCCCC\n>n 4\nEEEE\n>c 3\nDDDD\n" >theirs.fa &&
	printf ">a 1\nAAAW\n>b 2 ours\nCCCC\n>n 4\nEEEE\n>c 3\nDDDD\n" >merged.fa &&
	printf ">a 1\nAAAY\n>b 2 theirs\nCCCC\n" >clash.fa &&
	casg init -q -- repo &&
	cd repo &&
	git branch -m main &&
	test_tick && casg import -q -d db ../base.fa && git tag base &&
	git branch theirs && git branch clash &&
	import ../ours.fa && git tag ours &&
	git checkout -q theirs && import ../theirs.fa &&
	git checkout -q clash && import ../clash.fa &&
	git checkout -q main
'

test_expect_success 'different records merge without conflict' '
	cd repo &&
	test_tick && casg merge theirs >out &&
	test_grep "^db: 4 records\$" out &&
	export_is db ../merged.fa &&
	clean &&
	git rev-parse ours theirs >expect &&
	git rev-parse HEAD^1 HEAD^2 >actual &&
	test_cmp expect actual &&
	test_must_fail git rev-parse --verify -q HEAD^3 &&
	test "$(git log -1 --format=%s)" = "Merge branch '\''theirs'\''" &&
	casg-read-version --id HEAD:db >id &&
	git log -1 --format="%(trailers:key=Casg-Version,valueonly)" >trailer &&
	test "$(sed -n 1p trailer)" = "db $(cat id)" &&
	git tag merged
'

test_expect_success 'VERSION names both parents, and has the later time' '
	cd repo &&
	{ casg-read-version --id ours:db && casg-read-version --id theirs:db; } | sort >expect &&
	git show HEAD:db/VERSION | sed -n "s/^previous //p" >actual &&
	test_cmp expect actual &&
	{ git show ours:db/VERSION && git show theirs:db/VERSION; } |
		sed -n "s/^sequence-time //p" | sort | tail -n 1 >expect &&
	git show HEAD:db/VERSION | sed -n "s/^sequence-time //p" >actual &&
	test_cmp expect actual &&
	test_grep ! "^source" db/VERSION
'

test_expect_success 'already up to date' '
	cd repo &&
	casg merge theirs >out &&
	echo "Already up to date." >expect && test_cmp expect out &&
	casg merge base >out && test_cmp expect out &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse merged)"
'

test_expect_success 'fast-forward, --no-ff, --ff-only' '
	cd repo &&
	git checkout -q -B ff base &&
	casg merge -q theirs &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse theirs)" &&
	export_is db ../theirs.fa && clean &&
	git reset -q --hard base &&
	casg merge --no-ff -m "by hand" theirs >out &&
	test "$(git rev-parse HEAD^2)" = "$(git rev-parse theirs)" &&
	test "$(git log -1 --format=%s)" = "by hand" &&
	git diff --exit-code HEAD^2 HEAD &&
	export_is db ../theirs.fa && clean &&
	test "$(git log -1 --format="%(trailers:key=Casg-Version,valueonly)" | head -n 1)" = \
		"db $(casg-read-version --id theirs:db)" &&
	git reset -q --hard ours &&
	test_expect_code 128 casg merge --ff-only theirs &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse ours)" &&
	git reset -q --hard base && casg merge -q --ff-only theirs &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse theirs)" &&
	git checkout -q main
'

test_expect_success 'conflicts: listed, nothing is committed, nothing is left' '
	cd repo &&
	git reset -q --hard ours &&
	find .git/casg -name versions -prune -o -type f -print | sort >before &&
	test_expect_code 1 casg merge clash >out 2>err &&
	find .git/casg -name versions -prune -o -type f -print | sort >after &&
	test_cmp before after &&
	echo "#database db" >expect &&
	test_expect_code 1 casg-merge-tree base ours clash >>expect &&
	test_cmp expect out &&
	test_grep "CONFLICT (records): 1 keys of .db" err &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse ours)" &&
	clean
'

test_expect_success '--ours, --theirs, --settle' '
	cd repo &&
	printf ">a 1\nAAAY\n>b 2 ours\nCCCC\n" >../settled-ours.fa &&
	printf ">a 1\nAAAY\n>b 2 theirs\nCCCC\n" >../settled-theirs.fa &&
	printf ">a 1\nAAAY\n>b 2 both\nCCCC\n" >../settled-both.fa &&
	casg merge -q --ours clash && export_is db ../settled-ours.fa && clean &&
	git reset -q --hard ours &&
	casg merge -q --theirs clash && export_is db ../settled-theirs.fa && clean &&
	git reset -q --hard ours &&
	sed -n "s/^ours	\(.*\) ours\$/\1 both/p" out >settle &&
	casg merge -q --settle settle clash && export_is db ../settled-both.fa && clean &&
	git reset -q --hard ours &&
	{ test -z "${CASG_TEST_LONG-}" ||
		{ casg merge -q --settle db=settle clash && export_is db ../settled-both.fa &&
		git reset -q --hard ours; }; } &&
	test_expect_code 128 casg merge --settle nope clash &&
	test_expect_code 129 casg merge --ours --theirs clash &&
	test_expect_code 128 casg merge nope &&
	test_expect_code 129 casg merge &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse ours)"
'

test_expect_success '-z' '
	cd repo &&
	test_expect_code 1 casg merge -z clash >z 2>err &&
	tr "\0" "\n" <z >actual &&
	test_cmp out actual &&
	tr "\n" "\0" <settle >settle.z &&
	casg merge -q -z --settle settle.z clash && export_is db ../settled-both.fa &&
	git reset -q --hard ours
'

test_expect_success 'the same on both sides' '
	cd repo &&
	git checkout -q -B same base && import ../ours.fa &&
	git checkout -q main && git reset -q --hard ours &&
	git commit -q --allow-empty -m "something else" &&
	casg merge -q same && export_is db ../ours.fa && clean &&
	# the roots are those of what was imported, so its digest holds
	sha256sum <../ours.fa | cut -c1-64 >expect &&
	sed -n "s/^source-sha256 //p" db/VERSION >actual &&
	test_cmp expect actual
'

test_expect_success 'several databases: taken, merged, added, withdrawn' '
	casg init -q several &&
	cd several &&
	git branch -m main &&
	for d in both mine yours gone; do import ../base.fa $d || return 1; done &&
	git tag base && git branch theirs &&
	import ../ours.fa both && import ../ours.fa mine && import ../ours.fa new/mine &&
	echo text >README && git add README && git commit -q -m readme && git tag ours &&
	git checkout -q theirs &&
	import ../theirs.fa both && import ../theirs.fa yours && import ../theirs.fa new/yours &&
	git rm -q -r gone && git commit -q -m "gone is gone" &&
	git checkout -q main &&
	casg merge theirs >out &&
	test_grep "^both: 4 records" out &&
	export_is both ../merged.fa && export_is mine ../ours.fa && export_is yours ../theirs.fa &&
	export_is new/mine ../ours.fa && export_is new/yours ../theirs.fa &&
	test_path_is_missing gone/VERSION && test_path_is_file README &&
	clean &&
	git log -1 --format="%(trailers:key=Casg-Version,valueonly)" | sed "/^\$/d; s/ .*//" | sort >actual &&
	printf "both\nnew/yours\nyours\n" >expect &&
	test_cmp expect actual
'

test_expect_success 'several databases in conflict' '
	cd several &&
	git checkout -q -B c1 base && import ../ours.fa both && import ../ours.fa mine &&
	git checkout -q -B c2 base && import ../clash.fa both && import ../clash.fa mine &&
	test_expect_code 1 casg merge c1 >out 2>err &&
	grep "^#" out >actual &&
	printf "#database both\n#database mine\n" >expect &&
	test_cmp expect actual &&
	sed -n "/#database mine/,\$s/^ours	//p" out >mine.rec &&
	sed -n "1,/#database mine/s/^theirs	//p" out >both.rec &&
	test_expect_code 1 casg merge --settle both=both.rec c1 >out 2>err &&
	grep "^#" out >actual && echo "#database mine" >expect && test_cmp expect actual &&
	casg merge -q --settle both=both.rec --settle mine=mine.rec c1 &&
	export_is both ../settled-ours.fa && export_is mine ../settled-theirs.fa && clean
'

test_expect_success 'a database that is gone on one side and changed on the other' '
	cd several &&
	git checkout -q -B g1 base && git rm -q -r gone && git commit -q -m gone &&
	git checkout -q -B g2 base && import ../ours.fa gone && git tag g2tag &&
	test_expect_code 1 casg merge g1 >out 2>err &&
	test_grep "CONFLICT (database): .gone" err &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse g2tag)" &&
	casg merge -q --ours g1 && export_is gone ../ours.fa && clean &&
	git reset -q --hard g2tag &&
	casg merge -q --theirs g1 && test_path_is_missing gone/VERSION && clean
'

test_expect_success 'the same database added on both sides' '
	cd several &&
	git checkout -q -B a1 base && import ../ours.fa fresh &&
	git checkout -q -B a2 base && import ../theirs.fa fresh && git tag a2tag &&
	test_expect_code 1 casg merge a1 >out 2>err &&
	grep -c "^base	[ab]	-	-	-	-	\$" out >actual &&
	echo 2 >expect && test_cmp expect actual &&
	casg merge -q --theirs a1 && clean &&
	casg ls --keys fresh | sort >actual && printf "a\nb\nc\nn\n" >expect && test_cmp expect actual
'

test_expect_success 'other files that both changed are left to git' '
	cd several &&
	git checkout -q -B f1 base && echo one >note && git add note && git commit -q -m one &&
	git checkout -q -B f2 base && echo two >note && git add note && git commit -q -m two &&
	test_expect_code 128 casg merge f1 2>err &&
	test_grep "CONFLICT (content): note" err && clean
'

test_expect_success 'PACKS is a hint: ours is as good' '
	cd several &&
	for b in p1 p2; do
		git checkout -q -B $b base &&
		printf "%064d 1%s seq\n" 1 ${b#p} >>both/PACKS &&
		git commit -q -a -m "packs $b" || return 1
	done &&
	git checkout -q p2 && cp both/PACKS ../packs &&
	casg merge -q p1 && test_cmp ../packs both/PACKS &&
	test "$(git rev-parse HEAD^2)" = "$(git rev-parse p1)" &&
	export_is both ../base.fa
'

test_expect_success 'a work tree with local changes is not touched' '
	cd repo &&
	git checkout -q main && git reset -q --hard ours &&
	echo "junk" >>db/VERSION &&
	cp db/VERSION ../kept &&
	test_expect_code 128 casg merge theirs &&
	test_cmp ../kept db/VERSION &&
	test "$(git rev-parse HEAD)" = "$(git rev-parse ours)" &&
	git checkout -q db/VERSION && clean
'

test_expect_success 'bare repository, histories without a common commit' '
	git clone -q --bare repo bare.git && cp -R repo/.git/casg bare.git/ &&
	cd bare.git &&
	test "$(git symbolic-ref HEAD)" = refs/heads/main &&
	casg merge theirs >out &&
	casg export HEAD:db >actual && test_cmp ../merged.fa actual &&
	empty=$(git hash-object -w -t tree /dev/null) &&
	other=$(git commit-tree -m other $empty) &&
	test_expect_code 128 casg merge $other 2>err &&
	test_grep "no common history" err
'

test_expect_success 'merging the two ways gives the same records' '
	cd repo &&
	git checkout -q theirs && git reset -q --hard theirs &&
	git checkout -q -B back theirs && casg merge -q main &&
	test "$(git show HEAD:db/VERSION | sed -n "s/^records //p")" = \
		"$(git show merged:db/VERSION | sed -n "s/^records //p")" &&
	{ git show HEAD:db/VERSION && git show merged:db/VERSION; } | grep "^previous" | sort | uniq -c |
		awk "\$1 != 2" >odd && test_must_be_empty odd &&
	git checkout -q main
'

test_expect_success 'two repositories that each stored the sequences' '
	casg init -q left && cd left && git branch -m main &&
	casg-gen --type protein --records 600 --length 60 --seed 5 >base.fa &&
	awk "/^>/ && ++n == 100 { \$0 = \$0 \" left\" } 1" base.fa >left.fa &&
	awk "/^>/ && ++n == 101 { \$0 = \$0 \" right\" } 1" base.fa >right.fa &&
	awk "/^>/ && ++n == 101 { \$0 = \$0 \" right\" } 1" left.fa >both.fa &&
	git clone -q . ../right && (cd ../right && casg init -q) &&
	import base.fa && import left.fa &&
	(cd ../right && import ../left/base.fa && import ../left/right.fa) &&
	# one history, though each has packs of its own
	git fetch -q ../right main && other=$(git rev-parse FETCH_HEAD) &&
	cp ../right/.git/casg/packs/* .git/casg/packs/ &&
	git show "$other:db/VERSION" |
		sed -n "/^records /p; /^order /p; /^presentation /p; /^count /p; /^residues /p" |
		casg-write-version --previous=$(casg-read-version --id HEAD^:db) >VERSION.right &&
	mid=$(casg-commit-tree -p HEAD^ -m right --database=db <VERSION.right) &&
	casg merge -q "$mid" && export_is db both.fa && clean
'

test_expect_success 'damage: nothing is committed' '
	cd left &&
	git reset -q --hard HEAD^ &&
	head=$(git rev-parse HEAD) &&
	for pack in .git/casg/packs/*.pack; do
		test_every 3 || continue
		cp "$pack" good && flip_byte "$pack" $(($(wc -c <good) / 2)) &&
		casg merge -q "$mid" >out 2>err
		status=$?
		cp good "$pack" &&
		case $status in
		# what is damaged may be of no use here
		0) git reset -q --hard "$head" ;;
		128) test "$(git rev-parse HEAD)" = "$head" && test_grep "^fatal: " err && failed=1 ;;
		*) return 1 ;;
		esac || return 1
	done &&
	test -n "$failed" &&
	casg merge -q "$mid" && export_is db both.fa && clean
'

# ---- plain git

test_expect_success 'plain git merge never merges a VERSION' '
	cd repo &&
	git checkout -q main && git reset -q --hard ours &&
	test_must_fail git merge theirs >out &&
	test_grep "CONFLICT.*db/VERSION" out &&
	git ls-files -u -- db/VERSION >unmerged &&
	test_line_count = 3 unmerged &&
	git show ours:db/VERSION >expect && test_cmp expect db/VERSION &&
	# both versions are there
	export_is ours:db ../ours.fa && export_is theirs:db ../theirs.fa &&
	test_expect_code 128 casg merge theirs &&
	git merge --abort && clean &&
	export_is db ../ours.fa &&
	casg merge -q theirs && export_is db ../merged.fa && clean
'

test_expect_success 'neither does rebase or cherry-pick' '
	cd repo &&
	git reset -q --hard ours &&
	test_must_fail git cherry-pick theirs &&
	git ls-files -u -- db/VERSION >unmerged && test -s unmerged &&
	git cherry-pick --abort &&
	test_must_fail git rebase theirs &&
	git ls-files -u -- db/VERSION >unmerged && test -s unmerged &&
	git rebase --abort && clean && export_is db ../ours.fa
'

test_done
