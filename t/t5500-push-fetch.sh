#!/bin/sh
# Versions to a Git repository, packs to storages, and back: push, fetch, clone,
# pull, publish, remote, with storages in folders.

test_description='casg remote, push, fetch, pull, clone, publish'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-nginx.sh"

# held DIR: the ids of all sequences in the packs of a storage, sorted
held () {
	rm -rf look && casg init -q look && cp "$1"/packs/*.pack look/.git/casg/packs/ &&
	(cd look && casg-index-pack .git/casg/packs/*.pack >/dev/null && casg-ls-chunks --kind=sequences |
	cut -f1 | xargs casg-cat-chunk --list | cut -f1 | sort)
}

packs_of () {
	(cd "$1/packs" && printf '%s\n' *.pack | sed 's/^pack-//; s/\.pack$//')
}

test_expect_success 'setup' '
	for i in 1 2 3; do
		casg-gen --seed $i --type protein --records 40 --length 120 >v$i.fa &&
		{ test $i = 1 || cat v$((i - 1)).fa >>v$i.fa; } || return 1
	done &&
	casg init -q src && git init -q --bare remote.git && mkdir storage &&
	(cd src && casg import -q -d db ../v1.fa && casg import -q -d db ../v2.fa &&
	casg remote add origin ../remote.git ../storage)
'

test_expect_success 'remote: what was added' '
	cd src && printf "origin\tfile://%s\torigin\twritable\t-\n" "$(cd ../storage && pwd | sed "s/ /%20/g")" >expect &&
	casg remote list >actual && test_cmp expect actual && casg remote >actual && test_cmp expect actual &&
	casg remote show origin >actual && test_grep "^  versions ../remote.git" actual && test_grep "^  storage origin file://" actual &&
	test_expect_code 128 casg remote show nope && test_expect_code 128 casg remote add origin ../x ../y &&
	test_expect_code 129 casg remote add x && test_expect_code 129 casg remote add a b c d &&
	test_expect_code 129 casg remote add -- "a b" ../x ../y && test_expect_code 129 casg remote list --order 3 &&
	test_expect_code 129 casg remote nope && test_expect_code 128 casg remote add --for nope x ../y &&
	casg remote add --for origin odd rclone:far:a/b && casg remote list >actual && test_grep "^odd	rclone:far:a/b	origin" actual &&
	casg remote remove odd
'

test_expect_success 'push: packs and a record first, commits last' '
	cd src && casg push --dry-run >out 2>err && test_grep "^origin: [1-9][0-9]* packs, [1-9][0-9]* bytes to send" out &&
	ls ../storage >left && test_must_be_empty left && test_expect_code 1 git -C ../remote.git rev-parse --verify -q HEAD &&
	casg push -u 2>err && test_grep "^origin: [1-9][0-9]* packs sent" err &&
	test "$(git -C ../remote.git rev-parse HEAD)" = "$(git rev-parse HEAD)" &&
	packs_of ../storage >there && packs_of .git/casg >here && test_cmp here there &&
	casg-inventory --url="$(git config casg.remote.origin.url)" --versions >actual &&
	for rev in HEAD HEAD~1; do casg-read-version --id $rev:db || return 1; done | sort >expect &&
	test_cmp expect actual && casg remote check >out && test_grep "^origin: .* 2 versions, 0 missing" out &&
	casg push 2>err && ! test_grep "packs sent" err && git status --porcelain >out && test_grep ! "^ M" out
'

test_expect_success 'clone, from the storage' '
	casg clone -q --storage storage remote.git copy && cd copy && casg fsck --full >/dev/null &&
	casg export db >back && test_cmp ../v2.fa back && casg export HEAD~1:db >back && test_cmp ../v1.fa back &&
	rm back && git status --porcelain >out && printf "?? out\n" >expect && test_cmp expect out && rm out expect &&
	ls .git/casg/tmp >left && test_must_be_empty left
'

test_expect_success 'a bare clone' '
	casg clone -q --bare --storage storage remote.git bare && cd bare && casg export db >../back && cmp ../v2.fa ../back &&
	test "$(git rev-parse --is-bare-repository)" = true
'

test_expect_success 'an update sends and brings new packs only, pull joins it' '
	(cd src && casg import -q -d db ../v3.fa && casg push --dry-run --json >../plan 2>/dev/null && casg push 2>../err) &&
	packs_of storage >now && bytes=$(sed -n "s/.*packs sent (\([0-9]*\) bytes.*/\1/p" err) &&
	test_grep "^{\"storage\": \"origin\", \"packs\": [0-9]*, \"bytes\": $bytes}" plan &&
	n=$(sed -n "s/^origin: \([0-9]*\) packs sent.*/\1/p" err) && test $n -le 2 &&
	cd copy && packs_of .git/casg >before && refs=$(git for-each-ref) && casg fetch -n >plan && test "$refs" = "$(git for-each-ref)" &&
	echo "$n packs, $bytes bytes, $n requests" >expect && test_cmp expect plan && casg fetch -n --json >plan &&
	echo "{\"packs\": $n, \"bytes\": $bytes, \"requests\": $n}" >expect && test_cmp expect plan && rm plan expect &&
	test_expect_code 129 casg fetch --json && test_expect_code 129 casg push --json && casg pull -q && casg export db >../back && cmp ../v3.fa ../back &&
	packs_of .git/casg >after && test $(comm -13 before after | wc -l) = $n && rm before after
'

test_expect_success 'nothing new: no storage is asked' '
	mv storage away && test_when_finished "mv away storage" && (cd copy && casg fetch && casg fetch -q --prune)
'

test_expect_success 'tags, new branches, branches that are gone' '
	(cd src && casg tag -m one v1.0 HEAD~2 && git branch more && casg push -q --tags origin more && casg push -q) &&
	cd copy && casg fetch 2>err && test_grep "new branch" err && test_grep "new tag" err && rm err &&
	test "$(git rev-parse v1.0^{commit})" = "$(git rev-parse HEAD~2)" && git rev-parse origin/more &&
	git -C ../remote.git branch -q -D more && casg fetch -q && git rev-parse origin/more &&
	casg fetch -q --prune && test_expect_code 1 git rev-parse --verify -q origin/more &&
	(cd ../src && git tag -f v1.0 HEAD >/dev/null && git push -q -f origin v1.0) && old=$(git rev-parse v1.0) &&
	casg fetch 2>err && test_grep "rejected" err && rm err && test "$(git rev-parse v1.0)" = $old &&
	casg fetch -q --force && test "$(git rev-parse v1.0)" != $old && (cd ../src && git tag -d v1.0 && git push -q --delete origin v1.0) >/dev/null
'

test_expect_success 'a fetch that fails moves no ref; another storage has what one lacks' '
	rm -rf poor && casg clone -q --storage storage remote.git poor && git -C poor reset -q --hard HEAD~1 &&
	git -C poor update-ref refs/remotes/origin/$(git -C poor symbolic-ref --short HEAD) HEAD &&
	(cd poor && git reflog expire --expire=now --all && git update-ref -d ORIG_HEAD && casg gc -q --grace=0) &&
	cp -r storage half && rm half/packs/*.pack && cd poor && before=$(git for-each-ref) &&
	git config casg.remote.origin.url "file://$(cd ../half && pwd | sed "s/ /%20/g")" &&
	test_expect_code 128 casg fetch 2>err && test_grep "cannot be had" err && test "$before" = "$(git for-each-ref)" &&
	casg fsck >/dev/null && casg remote add --for origin second ../storage && casg fetch 2>err && test_grep "^warning: " err &&
	test "$before" != "$(git for-each-ref)" && casg pull -q && casg export db >../back && cmp ../v3.fa ../back && rm err
'

test_expect_success '--refetch: what git alone has fetched, or what is lost' '
	rm -rf lost && git clone -q remote.git lost && casg init -q lost && cd lost && casg remote add --for origin st ../storage &&
	casg fetch -q && test_expect_code 128 casg export db && casg fetch -q --refetch && casg export db >../back && cmp ../v3.fa ../back &&
	rm -f .git/casg/packs/*.pack && casg fetch -q --refetch && casg fsck --full >/dev/null
'

test_expect_success 'wrong bytes are refused, and told' '
	rm -rf bad && cp -r storage bad && chmod -R u+w bad &&
	for pack in bad/packs/*.pack; do
		printf X | dd of="$pack" bs=1 seek=40 conv=notrunc 2>/dev/null || return 1
	done &&
	test_expect_code 128 casg clone -q --storage bad remote.git lied 2>err && test_grep "^warning: " err &&
	! git -C lied rev-parse -q --verify refs/remotes/origin/HEAD && ls lied/.git/casg/packs >left && test_must_be_empty left &&
	(cd lied && casg remote add --for origin good ../storage && casg fetch -q 2>/dev/null &&
	casg export "origin/$(git -C ../src symbolic-ref --short HEAD):db" >../back && cmp ../v3.fa ../back)
'

# ---- what must not go out

test_expect_success 'nothing of another branch goes with a pack, and a clone is complete' '
	rm -rf two && casg init -q two && cd two && git config casg.gcAuto 0 &&
	casg-gen --seed 7 --type protein --records 30 --length 100 >open.fa &&
	casg-gen --seed 8 --type protein --records 30 --length 100 >secret.fa &&
	casg import -q open.fa && git checkout -q -b private && casg import -q secret.fa && git checkout -q - &&
	casg repack -q -d && packs_of .git/casg >one && test_line_count = 1 one &&
	git init -q --bare ../two.git && mkdir ../two.storage ../two.safe && casg remote add origin ../two.git ../two.storage && casg push -q &&
	casg-hash-object secret.fa | cut -f1 | sort >secrets && cd .. && held two.storage >ids && test -s ids &&
	comm -12 ids two/secrets >leaked && test_must_be_empty leaked &&
	casg-hash-object two/open.fa | cut -f1 | sort >expect && test_cmp expect ids &&
	casg clone -q --storage two.storage two.git two.copy && (cd two.copy && casg fsck --full >/dev/null && casg export open) >back &&
	cmp two/open.fa back && (cd two && ls .git/casg/packs/*.pack | wc -l) >n && test $(cat n) = 1
'

test_expect_success 'databases go where they may' '
	cd two && git checkout -q private && casg push -q --dry-run origin private &&
	git config casg.remote.origin.database "!secret" &&
	test_expect_code 128 casg push -n origin private >out 2>err && test_grep "no storage takes the database .secret." err &&
	casg remote add --for origin --database "sec*" safe ../two.safe && casg push -q origin private &&
	cd .. && held two.storage >ids && comm -12 ids two/secrets >leaked && test_must_be_empty leaked &&
	held two.safe >ids && test_cmp two/secrets ids &&
	casg clone -q --storage two.storage --storage two.safe two.git both && (cd both && casg export origin/private:secret) >back &&
	cmp two/secret.fa back && (cd two && casg remote check >out) && test_line_count = 2 two/out
'

test_expect_success 'read-only, and environments' '
	cd src && casg remote add --for origin --read-only --order 1 ro ../nowhere && casg push -q &&
	git config casg.env.prod.storage origin && git config casg.env.prod.readOnly true &&
	git config casg.env.dev.storage origin && casg push -q --env dev &&
	test_expect_code 128 casg push --env prod 2>err && test_grep "read-only" err &&
	CASG_ENV=prod test_expect_code 128 casg push 2>err && test_grep "read-only" err &&
	test_expect_code 128 casg push --env nope 2>err && test_grep "there is no environment .nope." err &&
	casg remote list --env dev >out && test_line_count = 1 out && casg remote list >out && test_line_count = 2 out &&
	casg remote remove ro && casg remote list >out && test_line_count = 1 out && test_expect_code 128 casg remote remove ro
'

test_expect_success 'copies: fsck --remote, verify --quorum, casg.copies' '
	rm -rf three && casg init -q three && git init -q --bare three.git && mkdir one.st two.st && cd three &&
	casg import -q -d db ../v1.fa && casg remote add origin ../three.git ../one.st && git config casg.copies 2 &&
	test_expect_code 128 casg push 2>err && test_grep "1 storages take the database .db., and casg.copies is 2" err &&
	casg remote add --for origin two ../two.st && casg push -q && casg remote check >out && casg fsck --remote origin >out &&
	test_line_count = 2 out && casg fsck -q --full --remote two && casg verify --quorum 2 origin two >out &&
	test_grep " packs in " out && pack=$(cd ../two.st/packs && echo *.pack | cut -d" " -f1) && chmod -R u+w ../two.st &&
	printf X | dd of=../two.st/packs/$pack bs=1 seek=60 conv=notrunc 2>/dev/null &&
	casg fsck -q --remote two && test_expect_code 1 casg fsck -q --full --remote two 2>err && test_grep " is wrong at file" err &&
	test_expect_code 128 casg fsck -q --full --remote origin-none && casg verify --quorum 1 origin >out &&
	test_expect_code 1 casg verify -q --quorum 2 origin 2>err >out && test_grep "is wrong at" out && test_grep "has 1 good" err &&
	rm ../two.st/packs/$pack && test_expect_code 1 casg remote check >out 2>err && test_grep "has 1 good copies" err &&
	test_expect_code 1 casg fsck -q --remote origin && mv ../two.st ../away && test_expect_code 128 casg fsck -q --remote two &&
	test_expect_code 129 casg verify --quorum 3 origin && test_expect_code 129 casg verify --quorum 0 origin &&
	test_expect_code 129 casg fsck --remote origin --read-back && test_expect_code 129 casg verify db db &&
	git config casg.copies many && test_expect_code 128 casg remote check
'

test_expect_success 'repack --remote and gc --remote: smaller there, and whole' '
	rm -rf many && casg init -q many && git init -q --bare many.git && mkdir many.st && cd many && git config casg.gcAuto 0 &&
	casg remote add origin ../many.git ../many.st &&
	for i in 1 2 3; do
		casg import -q -d db ../v$i.fa && casg push -q || return 1
	done &&
	casg clone -q --storage ../many.st ../many.git ../many.old && packs_of ../many.st >before && packs_of .git/casg >here &&
	casg repack -q --remote origin && packs_of .git/casg >now && test_cmp here now && packs_of ../many.st >both &&
	test $(wc -l <both) -gt $(wc -l <before) && casg gc --remote origin >out && test_grep "^origin: 0 packs deleted" out &&
	casg gc -n --grace=0 --remote origin >out && test_grep "would be deleted" out && packs_of ../many.st >now && test_cmp both now &&
	sleep 1 && casg gc --grace=0 --remote origin >out && packs_of ../many.st >now && comm -12 before now >left && test_must_be_empty left &&
	test $(wc -l <now) -lt $(wc -l <before) && casg fsck -q --full --remote origin && casg remote check >/dev/null &&
	casg clone -q --storage ../many.st ../many.git ../many.new && (cd ../many.new && casg fsck --full >/dev/null &&
	casg export HEAD~2:db | cmp - ../v1.fa && casg export db | cmp - ../v3.fa) &&
	casg import -q -d db2 ../v1.fa && casg push -q && (cd ../many.old && casg pull -q && casg fsck --full >/dev/null && casg export db2) >back &&
	cmp ../v1.fa back && cd ../many.old && git config casg.remote.origin.url "file://$(cd ../many.st && pwd | sed "s/ /%20/g")" &&
	git symbolic-ref -d refs/remotes/origin/HEAD && git for-each-ref --format="delete %(refname)" refs/remotes | git update-ref --stdin &&
	test_expect_code 128 casg repack -q --remote origin 2>err && test_grep "fetch first" err &&
	test_expect_code 129 casg repack -a --remote origin && test_expect_code 129 casg gc --auto --remote origin &&
	test_expect_code 128 casg gc --remote nope
'

test_expect_success 'push after a local repack: only what the storage lacks' '
	rm -rf anew && casg init -q anew && git init -q --bare anew.git && mkdir anew.st && cd anew && git config casg.gcAuto 0 &&
	casg remote add origin ../anew.git ../anew.st && casg import -q -d db ../v1.fa && casg import -q -d db ../v2.fa && casg push -q &&
	casg repack -q -a -d && casg gc -q --grace=0 && held ../anew.st >../before && mv look ../look.1 && ls .git/casg/quarantine >left && test_must_be_empty left &&
	sed "s/^>\([^ ]*\) .*/>\1 another description/" ../v2.fa >odd.fa && casg-gen --seed 31 --type protein --records 3 --length 120 >more.fa &&
	cat odd.fa more.fa >v3.fa && casg import -q -d db v3.fa && casg push -n --json >plan 2>/dev/null && casg push 2>err &&
	bytes=$(sed -n "s/.*packs sent (\([0-9]*\) bytes.*/\1/p" err) && test_grep "\"bytes\": $bytes}" plan &&
	held ../anew.st >../after && uniq -d ../after >twice && test_must_be_empty twice && comm -13 ../before ../after >new && test_line_count = 3 new &&
	cat v3.fa >v4.fa && casg-gen --seed 32 --type protein --records 2 --length 120 >>v4.fa && casg import -q -d db v4.fa && casg gc -q --grace=0 && casg push -q &&
	held ../anew.st >../after && uniq -d ../after >twice && test_must_be_empty twice && comm -13 ../before ../after >new && test_line_count = 5 new &&
	casg clone -q --storage ../anew.st ../anew.git copy && cd copy && casg fsck --full >/dev/null &&
	casg export db | cmp - ../v4.fa && casg export HEAD~1:db | cmp - ../v3.fa && casg export HEAD~3:db | cmp - ../../v1.fa
'

test_expect_success '... of several versions, whose orders rest on one another here' '
	rm -rf some some.git some.st && casg init -q some && git init -q --bare some.git && mkdir some.st && cd some && casg remote add origin ../some.git ../some.st && casg-gen --seed 1 --type protein --records 400 >v1.fa && casg import -q -d db v1.fa && casg push -q &&
	for i in 2 3; do
		casg-gen --seed $i --mutate v$((i - 1)).fa --add 5 --change 2 >v$i.fa && casg import -q -d db v$i.fa && casg repack -q -a -d || return 1
	done && casg push -q && casg clone -q --storage ../some.st ../some.git copy && cd copy && casg fsck -q --full && casg export db | cmp - ../v3.fa && casg export HEAD~1:db | cmp - ../v2.fa
'

test_expect_success '... whole where it is not known how trees lie there, and another database' '
	cd anew && rm -rf .git/casg/state/sent copy && casg gc -q --grace=0 && casg import -q -d db ../v3.fa && casg push -q && casg import -q -d other ../v1.fa &&
	casg push -q && casg clone -q --storage ../anew.st ../anew.git copy && cd copy && casg fsck --full >/dev/null &&
	casg export db | cmp - ../../v3.fa && casg export other | cmp - ../../v1.fa && casg export HEAD~2:db | cmp - ../v4.fa
'

test_expect_success 'pack-versions --not: of nothing nothing, and what it does not take' '
	cd anew && git rev-parse HEAD:db/VERSION >blob && casg pack-versions --not=blob <blob >packs && test_must_be_empty packs &&
	test_expect_code 129 casg pack-versions --there=. <blob && test_expect_code 128 casg pack-versions --not=nowhere <blob
'

# ---- .casgconfig, which anybody may have written

test_expect_success '.casgconfig: what it may not say' '
	main=$(git -C src symbolic-ref HEAD) && test_when_finished "git --git-dir=\"$(pwd)/remote.git\" symbolic-ref HEAD $main" &&
	git -C remote.git symbolic-ref HEAD refs/heads/hostile && cd src && git checkout -q -b hostile &&
	while IFS= read -r text; do
		printf "%b" "$text" >.casgconfig && git commit -q -a -m x && git push -q -f origin hostile &&
		rm -rf ../victim && test_expect_code 128 casg clone -q "file://$(cd ../remote.git && pwd)" ../victim 2>err &&
		test_grep "^fatal: .*casgconfig" err && git -C ../victim for-each-ref >refs && test_must_be_empty refs ||
			{ echo "$text" && cat err && return 1; }
	done <<-\EOT &&
	[storage "x"]\n\turl = file:///etc\n
	[storage "x"]\n\turl = rclone://x/y\n
	[storage "x"]\n\turl = https://user:secret@example.org/\n
	[storage "x"]\n\turl = "https://a b/"\n
	[storage "x"]\n\turl = https://example.org/\n\thelper = rm\n
	[storage "x"]\n\turl = https://example.org/\n\torder = many\n
	[include]\n\tpath = /etc/passwd\n
	[storage "../x"]\n\turl = https://example.org/\n
	[core]\n\tsshCommand = touch /tmp/x\n
	[storage "x"\n
	EOT
	git checkout -q - && git branch -q -D hostile
'

# ---- a folder to be served

test_expect_success 'publish, and clone what was published' '
	cd src && git branch -q -D more && casg publish ../www 2>err >out && test_grep "^published" out &&
	test_path_is_file ../www/INVENTORY && test_path_is_file ../www/info/refs && packs_of ../www >there && test -s there &&
	test_expect_code 129 casg clone -q --shared ../www ../served 2>err && casg clone -q ../www ../served && (cd ../served && casg fsck --full >/dev/null && casg export db) >back && cmp ../v3.fa back &&
	git clone -q ../www ../plain && cmp ../plain/db/VERSION db/VERSION &&
	find ../www -name "*.pack" -path "*/packs/*" -exec ls -i {} + | sort >before && casg publish -q ../www &&
	find ../www -name "*.pack" -path "*/packs/*" -exec ls -i {} + | sort >after && test_cmp before after &&
	casg-gen --seed 9 --type protein --records 5 >n.fa && casg import -q n.fa && casg publish -q ../www &&
	cd ../served && casg pull -q && casg export n >back && cmp ../src/n.fa back && casg fsck --full >/dev/null &&
	test_expect_code 128 casg publish ../src && test_expect_code 128 casg publish --database "db" ../other 2>err &&
	test_grep "no storage takes the database .n." err
'

# ---- versions in a storage as well

# tst:///PATH is a storage in a folder, of which git knows nothing
test_expect_success 'publish to a storage, clone, pull and push: no Git host' '
	mkdir bin obj && printf "#!/bin/sh\nexec casg-remote-file \"file://\${1#tst://}\"\n" >bin/casg-remote-tst && chmod +x bin/casg-remote-tst &&
	PATH=$PWD/bin:$PATH && export PATH && url="tst://$(pwd | sed "s/ /%20/g")/obj" &&
	test_expect_code 128 casg clone -q "$url" nothing 2>err && test_grep "nothing is published" err && test_path_is_missing nothing &&
	(cd src && casg publish -q "$url") && casg clone -q "$url" objclone && (cd objclone && casg fsck --full >/dev/null && casg export db) >back &&
	cmp v3.fa back && git -C objclone fsck --strict >/dev/null 2>&1 && ls obj/git >packs && test_line_count = 1 packs &&
	(cd src && casg publish -q "$url") && ls obj/git >now && test_cmp packs now &&
	(cd src && casg-gen --seed 13 --type protein --records 3 >p.fa && casg import -q p.fa && casg publish -q "$url") &&
	ls obj/git >now && test_line_count = 2 now && (cd objclone && casg pull -q && casg export p) >back && cmp src/p.fa back &&
	(cd objclone && cp ../v1.fa q.fa && casg import -q q.fa && casg push -q) && (cd src && casg remote add obj "$url" "$url" && casg fetch -q obj &&
	casg export obj/$(git symbolic-ref --short HEAD):q) >back && cmp v1.fa back
'

# slow:///PATH is the same, and each program that asks it begins late
test_expect_success 'two publish at once: nothing is lost' '
	printf "#!/bin/sh\nsleep 0.05\nexec casg-remote-file \"file://\${1#slow://}\"\n" >bin/casg-remote-slow && chmod +x bin/casg-remote-slow &&
	rm -rf obj2 && mkdir obj2 && slow="slow://$(pwd | sed "s/ /%20/g")/obj2" && (cd src && casg publish -q "$slow") &&
	for who in 61 62 63; do
		rm -rf pub.$who && casg clone -q "$slow" pub.$who && (cd pub.$who && git checkout -q -b by-$who && casg-gen --seed $who --type protein --records 4 >$who.fa &&
		casg import -q -d d$who $who.fa) || return 1
	done &&
	{ for who in 61 62 63; do
		(cd pub.$who && casg push -q origin by-$who && echo $who >>../done) &
	done; wait; } && test_line_count = 3 done && casg clone -q "$slow" all.three && cd all.three &&
	for who in 61 62 63; do
		test "$(git rev-parse origin/by-$who)" = "$(git -C ../pub.$who rev-parse by-$who)" && casg export origin/by-$who:d$who | cmp - ../pub.$who/$who.fa || return 1
	done && casg fsck --full >/dev/null && ls ../obj2/manifests >numbers && test_line_count = 4 numbers && cmp ../obj2/MANIFESTS ../obj2/manifests/4
'

test_expect_success 'who was late with MANIFESTS hides nothing; two on one branch: one is told' '
	cp -f obj2/manifests/2 obj2/MANIFESTS && casg clone -q "$slow" late && for who in 61 62 63; do git -C late rev-parse -q origin/by-$who || return 1; done &&
	(cd pub.61 && git checkout -q -b both && casg-gen --seed 51 --type protein --records 2 >x.fa && casg import -q x.fa) &&
	(cd pub.62 && git checkout -q -b both && casg-gen --seed 52 --type protein --records 2 >x.fa && casg import -q x.fa) &&
	{ for who in 61 62; do
		(cd pub.$who && casg push -q origin both 2>err && echo $who >>../won) &
	done; wait; } && test_line_count = 1 won && winner=$(cat won) && loser=$(test $winner = 61 && echo 62 || echo 61) &&
	test_grep "fetch first" pub.$loser/err && git -C late rev-parse --verify -q HEAD && (cd late && casg fetch -q) &&
	test "$(git -C late rev-parse origin/both)" = "$(git -C pub.$winner rev-parse both)"
'

test_expect_success 'branches there move forward only, and what is wrong there is refused' '
	(cd src && cp ../v2.fa r.fa && casg import -q r.fa && test_expect_code 128 casg publish -q "$url" 2>err && test_grep "no descendant" err &&
	test_expect_code 128 casg push obj 2>err && git reset -q --hard HEAD~1) &&
	cp -r obj broken && chmod -R u+w broken && bad="tst://$(pwd | sed "s/ /%20/g")/broken" &&
	for pack in broken/git/*; do
		printf X | dd of="$pack" bs=1 seek=30 conv=notrunc 2>/dev/null || return 1
	done &&
	test_expect_code 128 casg clone -q "$bad" lied-2 2>err && test_grep "other bytes than its name says" err &&
	git -C lied-2 for-each-ref >refs && test_must_be_empty refs &&
	while IFS= read -r text; do
		printf "%b" "$text" >broken/MANIFESTS && rm -rf lied-2 && test_expect_code 128 casg clone -q "$bad" lied-2 2>err &&
		test_grep "are malformed" err || { echo "$text" && cat err && return 1; }
	done <<-\EOT
	casg-manifests 2\n
	casg-manifests 1\nref 00 refs/heads/x\n
	casg-manifests 1\nref 0123456789012345678901234567890123456789 refs/notes/x\n
	casg-manifests 1\npack ../x 3\n
	casg-manifests 1\nhead refs/heads/a b\n
	casg-manifests 1\nref 0123456789012345678901234567890123456789 refs/heads/b\nref 0123456789012345678901234567890123456789 refs/heads/a\n
	EOT
'

test_expect_success NGINX 'a web server serves it: clone, and updates' '
	cp -r www plain.www && nginx_start "$PWD" && rm -rf www/dav && mv plain.www www/pub && url=http://127.0.0.1:$http_port/pub &&
	casg clone -q "$url" web && (cd web && casg fsck --full >/dev/null && casg export db) >back && cmp v3.fa back &&
	test_expect_code 1 git -C web config --get-regexp "casg[.]remote" &&
	(cd src && casg-gen --seed 12 --type protein --records 3 >o.fa && casg import -q o.fa && casg publish -q ../www/pub) &&
	>access.log && (cd web && casg pull -q && casg export o) >back && cmp src/o.fa back &&
	grep -c "GET /pub/INVENTORY" access.log >n && test $(cat n) = 1 && grep "GET /pub/packs/" access.log >got && test_line_count = 4 got
'

test_expect_success NGINX 'nothing new: git asks, nobody asks the storage' '
	>access.log && (cd web && casg fetch) && ! grep "/pub/\(INVENTORY\|packs\|inventory\)" access.log && grep -q info/refs access.log
'

test_expect_success NGINX '.casgconfig leads to no private address, own settings may' '
	(cd src && git config -f .casgconfig storage.web.url "$url" && git commit -q -a -m "say where" && casg push -q) &&
	test_expect_code 128 casg clone -q "file://$PWD/remote.git" told 2>err && test_grep "private address" err &&
	casg clone -q --storage "$url" "file://$PWD/remote.git" told-2 && (cd told-2 && casg export db) >back && cmp v3.fa back
'

test_done
