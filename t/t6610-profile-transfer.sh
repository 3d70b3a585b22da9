#!/bin/sh
# Reduction profiles go where their versions go, and nowhere else.

test_description='profiles: push, fetch, clone, mirror, publish'
. "$(dirname "$0")/test-lib.sh"

pwd=$(pwd | sed 's/ /%20/g')

# maps_in FOLDER: the ids of all blobs in the packs of a storage, sorted
maps_in () {
	rm -rf look && casg init -q look && cp "$1"/packs/*.pack look/.git/casg/packs/ &&
	(cd look && casg index-pack .git/casg/packs/*.pack >/dev/null && casg ls-chunks --kind=blobs |
		cut -f1 | xargs casg cat-chunk --list | cut -f1 | sort)
}

# map_of REPO NAME SPEC
map_of () {
	(cd "$1" && casg reduce --show --profile "$2" "$3") >shown && sed -n "s/^members //p" shown
}

profiles_of () {
	git -C "$1" for-each-ref --format="%(objectname) %(refname)" refs/casg/profiles
}

# origin_of NAME: a Git repository and a storage for it, as origin of the repository NAME
origin_of () {
	git init -q --bare "$1.git" && mkdir "$1.st" && (cd "$1" && casg remote add origin "../$1.git" "../$1.st")
}

test_expect_success 'setup' '
	for i in 1 2 3; do
		casg-gen --seed $i --type protein --records 60 --length 100 --family 0.6 >v$i.fa || return 1
	done &&
	casg init -q src && origin_of src && cd src && casg import -q -d db ../v1.fa &&
	casg reduce -q --profile p --identity 0.97 db && casg export -q --profile p db >../p.fa && test -s ../p.fa
'

test_expect_success 'push takes profiles when it is told to, a clone has them' '
	(cd src && casg push -q && profiles_of ../src.git >out && test_must_be_empty out && ls ../src.st/packs >before &&
	casg push -n --profiles >plan 2>/dev/null && test_grep "^origin: 1 packs, [1-9][0-9]* bytes to send" plan && ls ../src.st/packs >now && test_cmp before now &&
	casg push -q --profiles && ls ../src.st/packs >now && test "$(comm -13 before now | wc -l)" = 1 && casg push --profiles 2>err && ! grep "packs sent" err) &&
	profiles_of src >expect && test_line_count = 1 expect && profiles_of src.git >actual && test_cmp expect actual &&
	casg clone -q --storage src.st src.git copy && profiles_of copy >actual && test_cmp expect actual && cd copy &&
	casg gc -q --grace=0 && casg fsck >out && test_grep "^1 profiles checked" out && casg export -q --profile p db | cmp - ../p.fa &&
	casg reconstruct -q --profile p db | cmp - ../v1.fa
'

test_expect_success 'one that was made later comes alone; nothing new asks no storage' '
	(cd src && casg reduce -q --profile q --identity 0.98 db && casg push -q --profiles) && cd copy &&
	casg fetch -n >plan && test_grep "^1 packs, [0-9]* bytes, 1 requests$" plan && casg fetch 2>err &&
	test_grep "new profile" err && profiles_of . >../actual && profiles_of ../src >../expect && test_cmp ../expect ../actual &&
	mv ../src.st ../away && test_when_finished "mv ../away ../src.st" && casg fetch 2>err && test_must_be_empty err && casg export -q --profile q db >/dev/null
'

test_expect_success 'another one of that name is refused, and said; --force replaces it' '
	(cd src && casg reduce -q --force --profile q --identity 1 db && test_expect_code 128 casg push -q --profiles 2>err && test_grep "force" err) &&
	profiles_of copy >before && profiles_of src.git >actual && test_cmp before actual &&
	(cd src && casg push -q --force --profiles) && (cd copy && casg fetch 2>err && test_grep "rejected.*/q: a profile of that name is here already" err) &&
	profiles_of copy >actual && test_cmp before actual && (cd copy && casg fetch -q --force && casg fsck -q) && profiles_of copy >actual && profiles_of src >expect && test_cmp expect actual
'

test_expect_success 'lost maps come again; gc here keeps them' '
	cd copy && rm -rf .git/casg/packs/*.pack .git/casg/packs/*.idx .git/casg/index && test_expect_code 128 casg export --profile q db &&
	casg fetch -q --refetch && casg gc -q --grace=0 && casg fsck -q && casg reconstruct -q --profile q db | cmp - ../v1.fa
'

test_expect_success 'the profile of what is not pushed stays, also when its map lies with others' '
	git clone -q src.git two && casg init -q two && (cd two && casg remote add --for origin s ../src.st && casg fetch -q --refetch &&
	git checkout -q -b side && casg import -q -d more ../v2.fa && casg reduce -q --profile p --identity 0.9 more && git checkout -q - &&
	casg reduce -q --profile r --identity 0.9 db && git config casg.gcAuto 0 && casg repack -q -a -d && casg gc -q --grace=0 && casg ls-chunks --kind=blobs | cut -f6 | sort -u >packs && test_line_count = 1 packs && casg push -q --profiles) &&
	map_of two p side:more >secret && map_of two r db >map && maps_in src.st >maps && grep -qxF -f map maps && ! grep -qxF -f secret maps &&
	profiles_of src.git | cut -d/ -f5 | sort >actual && printf "%s\n" p q r >expect && test_cmp expect actual &&
	casg clone -q --storage src.st src.git fresh && (cd fresh && casg fsck -q && casg reconstruct -q --profile r db | cmp - ../v1.fa)
'

test_expect_success 'the profile of a database that a storage may not have does not go there' '
	cd two && mkdir ../secret.st && casg remote add --for origin --database "more" hidden ../secret.st && git config casg.remote.s.database "!more" &&
	casg push -q --profiles origin side && cd .. && map_of two p side:more >secret && maps_in src.st >maps && ! grep -qxF -f secret maps &&
	maps_in secret.st >maps && grep -qxF -f secret maps && map_of two r db >map && ! grep -qxF -f map maps &&
	casg clone -q --storage secret.st --storage src.st src.git both && (cd both && casg fsck -q && casg export -q --profile p origin/side:more >out && test -s out) &&
	(cd two && test_expect_code 128 casg publish -q --database "db" ../no.pub 2>err)
'

test_expect_success 'under the name of another database, it is no profile of what is pushed' '
	(cd two && casg reduce -q --profile only --identity 0.9 side:more && casg import -q -d name ../v2.fa && git rev-parse HEAD:name/VERSION side:more/VERSION | uniq >ids &&
	tree=$(git rev-parse "refs/casg/profiles/$(casg read-version --id side:more)/only") && test -n "$tree" &&
	git update-ref "refs/casg/profiles/$(casg read-version --id name)/x" "$tree" && git ls-tree -r --name-only "$tree" >out && test_grep "^more/PROFILE" out &&
	casg push -q --profiles origin HEAD) && profiles_of src.git >actual && ! grep -q "/x$" actual && ! grep -q "/only$" actual
'

# hostile TREE-LINES REF: a profile in lie.git as it should not be
hostile () {
	tree=$(printf "%b" "$1" | git -C lie.git mktree) && git -C lie.git update-ref "refs/casg/profiles/$2" "$tree"
}

test_expect_success 'what is no profile of a version that comes is left out' '
	git -C src.git branch -q -D side && cp -r src.git lie.git && id=$(cd src && casg read-version --id db) && ref=refs/casg/profiles/$id/p && none=$(printf x | sha256sum | cut -c1-64) &&
	p=$(git -C lie.git rev-parse $ref:db/PROFILE) && v=$(git -C lie.git rev-parse $ref:db/VERSION) && sub=$(git -C lie.git rev-parse $ref:db) &&
	odd=$(git -C lie.git cat-file blob $v | sed "s/^records ./records 0/" | git -C lie.git hash-object -w --stdin) &&
	oddid=$(git -C lie.git cat-file blob $odd | sha256sum | cut -c1-64) &&
	oddsub=$(printf "100644 blob $p\tPROFILE\n100644 blob $odd\tVERSION\n" | git -C lie.git mktree) &&
	more=$(printf "100644 blob $p\tPROFILE\n100644 blob $v\tVERSION\n100644 blob $v\tmore\n" | git -C lie.git mktree) &&
	hostile "040000 tree $sub\tdb\n" "$none/other" && hostile "040000 tree $sub\tname\n" "$id/elsewhere" && hostile "040000 tree $sub\tdb\n100644 blob $v\tx\n" "$id/extra" &&
	hostile "040000 tree $oddsub\tdb\n" "$oddid/odd" && hostile "040000 tree $oddsub\tdb\n" "$id/odd" && hostile "040000 tree $more\tdb\n" "$id/more" &&
	hostile "100644 blob $p\tPROFILE\n100644 blob $v\tVERSION\n" "$id/root" && git -C lie.git update-ref refs/casg/profiles/$id/blob $p && git -C lie.git update-ref refs/casg/profiles/$id/a/b $sub &&
	casg clone -q --storage src.st lie.git lied && profiles_of lied | cut -d/ -f5 | sort >actual && printf "%s\n" p q r >expect && test_cmp expect actual &&
	(cd lied && casg fsck -q && casg gc -q --grace=0)
'

test_expect_success 'one whose map no storage has is named, and the rest comes' '
	(cd src && casg pull -q && casg reduce -q --profile bare --identity 0.9 --coverage 1 db && casg import -q -d db ../v3.fa && casg push -q && id=$(casg read-version --id HEAD~1:db) &&
	git push -q origin refs/casg/profiles/$id/bare:refs/casg/profiles/$id/bare) &&
	cd copy && casg pull 2>err && test_grep "no storage says which pack holds the map of profile .*/bare" err && casg export db | cmp - ../v3.fa &&
	profiles_of . >out && ! grep -q "/bare$" out && grep -q "/r$" out && casg fsck -q
'

test_expect_success 'repack --remote, gc --remote: maps stay, also of profiles that are gone here' '
	cd copy && git for-each-ref --format="delete %(refname)" "refs/casg/profiles/*/q" | git update-ref --stdin && casg fetch -q && git update-ref -d "refs/casg/profiles/$(casg read-version --id HEAD~1:db)/q" &&
	git config casg.remote.origin.url "file://$pwd/src.st" && casg repack -q --remote origin && sleep 1 && casg gc -q --grace=0 --remote origin && casg fsck -q --remote origin &&
	casg clone -q --storage ../src.st ../src.git ../after && cd ../after && casg fsck -q && casg reconstruct -q --profile q HEAD~1:db | cmp - ../v1.fa
'

test_expect_success 'clone of a folder, borrowed or not: the profile is there, and lasts' '
	casg clone -q src near && casg clone -q --shared src lent && for r in near lent; do
		profiles_of $r >actual && profiles_of src >expect && test_cmp expect actual && (cd $r && casg fsck -q) || return 1
	done &&
	id=$(cd src && casg read-version --id HEAD~1:db) && (cd src && casg reduce -q --delete --profile q HEAD~1:db && casg gc -q --grace=0 && casg repack -q -a -d && casg gc -q --grace=0) &&
	for r in near lent; do
		(cd $r && casg fsck -q && casg reconstruct -q --profile q HEAD~1:db) | cmp - v1.fa || return 1
	done
'

test_expect_success 'from a folder, also when its packs have become others' '
	(cd src && casg reduce -q --profile late --identity 0.9 db && casg import -q -d db ../v2.fa && casg repack -q -a -d && casg gc -q --grace=0) &&
	cd near && casg fetch -q && casg fsck -q && casg export -q --profile late "origin/HEAD~1:db" >out && test -s out && casg export origin/HEAD:db | cmp - ../v2.fa
'

test_expect_success 'publish in a folder and in a storage; mirror' '
	mkdir bin obj obj2 && printf "#!/bin/sh\nexec casg-remote-file \"file://\${1#tst://}\"\n" >bin/casg-remote-tst && chmod +x bin/casg-remote-tst &&
	PATH=$PWD/bin:$PATH && export PATH && profiles_of src >expect && (cd src && casg publish -q ../www && casg publish -q "tst://$pwd/obj" && casg publish -q "tst://$pwd/obj") &&
	casg clone -q www c1 && casg clone -q "tst://$pwd/obj" c2 && (cd src && casg remote add obj "tst://$pwd/obj" "tst://$pwd/obj" && casg remote add obj2 "tst://$pwd/obj2" "tst://$pwd/obj2" &&
	mkdir ../m.st && git init -q --bare ../m.git && casg remote add m ../m.git ../m.st && casg mirror -q obj obj2 && casg mirror -q obj2 m) && casg clone -q "tst://$pwd/obj2" c3 && casg clone -q --storage m.st m.git c4 &&
	for c in c1 c2 c3 c4; do
		profiles_of $c >actual && test_cmp expect actual && (cd $c && casg fsck -q) || return 1
	done &&
	(cd src && casg reduce -q --force --profile late --identity 0.8 HEAD~1:db && test_expect_code 128 casg publish -q "tst://$pwd/obj" 2>err && test_grep "another one there" err &&
	test_expect_code 128 casg publish -q ../www && casg publish -q --force "tst://$pwd/obj" && casg publish -q --force ../www) &&
	for c in c1 c2; do
		(cd $c && casg fetch -q --force && casg fsck -q) && profiles_of src >expect && profiles_of $c >actual && test_cmp expect actual || return 1
	done
'

test_expect_success 'a partial clone has profiles, and their sequences come when they are read' '
	casg clone -q --no-data www part && cd part && profiles_of . >../actual && profiles_of ../src >../expect && test_cmp ../expect ../actual &&
	casg export -q --profile late HEAD~1:db >out && test -s out && (cd ../src && casg export -q --profile late HEAD~1:db) | cmp - out &&
	(cd ../src && casg reduce -q --profile later --identity 0.9 db && casg publish -q ../www) && casg fetch -q && casg export -q --profile later db >out && test -s out
'

test_expect_success 'pack-versions --not writes the maps that it is given' '
	cd src && git rev-parse HEAD:db/VERSION >known && git rev-parse "refs/casg/profiles/$(casg read-version --id db)/later:db/PROFILE" >blob && mkdir ../into &&
	casg pack-versions --not=known --into=../into <blob >packs && test_line_count = 1 packs && mkdir ../into.st && mv ../into ../into.st/packs && map_of . later db >map &&
	cd .. && maps_in into.st >actual && test_cmp src/map actual
'

test_done
