#!/bin/sh
# Packs, records and refs of one place to another.

test_description='casg mirror, casg-copy-pack'
. "$(dirname "$0")/test-lib.sh"

pwd=$(pwd | sed 's/ /%20/g')

packs_of () {
	(cd "$1/packs" && printf '%s\n' *.pack | sed 's/^pack-//; s/\.pack$//')
}

test_expect_success 'setup' '
	for i in 1 2 3; do
		casg-gen --seed $i --type protein --records 40 --length 120 >v$i.fa &&
		{ test $i = 1 || cat v$((i - 1)).fa >>v$i.fa; } || return 1
	done &&
	casg init -q src && git init -q --bare one.git && mkdir one.st two.st && git init -q --bare two.git &&
	cd src && casg import -q -d db ../v1.fa && casg remote add origin ../one.git ../one.st && casg push -q &&
	casg import -q -d db ../v2.fa && casg tag -m x v2 && casg push -q && casg push -q --tags && git branch side HEAD~1 && casg push -q origin side &&
	casg remote add backup ../two.git ../two.st
'

test_expect_success 'copy-pack: dry run, run, again' '
	cd src && casg-inventory --url=file://$pwd/one.st --packs >packs && test_line_count = 4 packs && mkdir ../c &&
	sed "s/^\([^ ]* [^ ]*\) .*/send \1/" packs >expect && casg-copy-pack -q -n --from=file://$pwd/one.st --url=file://$pwd/c <packs >actual &&
	test_cmp expect actual && find ../c -type f >files && test_must_be_empty files &&
	sed "s/^send/sent/" expect >now && casg-copy-pack -q --from=file://$pwd/one.st --url=file://$pwd/c <packs >actual && test_cmp now actual &&
	for f in ../one.st/packs/*; do cmp $f ../c/packs/${f##*/} || return 1; done &&
	sed "s/^send/there/" expect >now && casg-copy-pack -q --from=file://$pwd/none --url=file://$pwd/c <packs >actual && test_cmp now actual &&
	find .git/casg/tmp -type f >left && test_must_be_empty left
'

test_expect_success 'copy-pack: wrong bytes do not arrive; another storage has them; a file that was begun is gone on with' '
	cd src && cp -r ../one.st ../bad && chmod -R u+w ../bad && for f in ../bad/packs/*; do
		printf X | dd of=$f bs=1 seek=40 conv=notrunc 2>/dev/null || return 1
	done && rm -rf ../c && mkdir ../c && test_expect_code 128 casg-copy-pack -q --from=file://$pwd/bad --url=file://$pwd/c <packs >out 2>err &&
	test_must_be_empty out && test_grep "other bytes than its name says" err && test_grep "4 of 4 packs could not be copied" err &&
	find ../c -type f >files && test_must_be_empty files &&
	read -r id _ <packs && head -c 100 ../one.st/packs/pack-$id.pack >.git/casg/tmp/fetch-$id.part &&
	casg-copy-pack -q --from=file://$pwd/bad --from=file://$pwd/one.st --url=file://$pwd/c <packs >out 2>err && grep -c "^sent" out >n && test $(cat n) = 4 &&
	for f in ../one.st/packs/*; do cmp $f ../c/packs/${f##*/} || return 1; done && find .git/casg/tmp -type f >left && test_must_be_empty left
'

test_expect_success 'copy-pack: wrong usage' '
	cd src && test_expect_code 129 casg-copy-pack --url=file:///x <packs && test_expect_code 129 casg-copy-pack --from=file:///x <packs &&
	test_expect_code 129 casg-copy-pack --jobs=0 --from=file:///x --url=file:///y <packs && test_expect_code 129 casg-copy-pack --from=x --url=file:///y <packs &&
	echo junk | test_expect_code 128 casg-copy-pack -q --from=file:///x --url=file://$pwd/c && cut -d" " -f1 packs | test_expect_code 128 casg-copy-pack -q --from=file:///x --url=file://$pwd/c
'

test_expect_success 'inventory --copy: records as they are, those that are lacking' '
	cd src && casg-inventory --url=file://$pwd/one.st --list >records && casg-inventory --url=file://$pwd/c --copy <records >n && test "$(cat n)" = 2 &&
	casg-inventory --url=file://$pwd/c --list >actual && test_cmp records actual && diff -r ../one.st/inventory ../c/inventory &&
	casg-inventory --url=file://$pwd/c --copy <records >n && test "$(cat n)" = 0 && echo x | test_expect_code 128 casg-inventory --url=file://$pwd/c --copy &&
	test_expect_code 129 casg-inventory --url=file://$pwd/c --copy --cached <records
'

test_expect_success 'mirror: the dry run and the run agree, and all is there' '
	cd src && casg mirror -n origin backup >plan && bytes=$(cat ../one.st/packs/*.pack | wc -c) &&
	echo "backup: 4 packs, $((bytes)) bytes, 2 records to send" >expect && test_cmp expect plan &&
	casg mirror -n --json origin backup >plan && echo "{\"storage\": \"backup\", \"packs\": 4, \"bytes\": $((bytes)), \"records\": 2}" >expect && test_cmp expect plan &&
	find ../two.st -type f >files && test_must_be_empty files && git -C ../two.git for-each-ref >refs && test_must_be_empty refs &&
	git for-each-ref refs/heads refs/tags refs/remotes/origin >before && casg mirror origin backup 2>err && test_grep "^backup: 4 packs sent ($((bytes)) bytes), 0 there already, 2 records" err &&
	git for-each-ref refs/heads refs/tags refs/remotes/origin >after && test_cmp before after && git -C ../one.git for-each-ref >expect && git -C ../two.git for-each-ref >actual && test_cmp expect actual &&
	test "$(git -C ../two.git rev-parse v2^{commit})" = "$(git rev-parse HEAD)" && diff -r ../one.st ../two.st
'

test_expect_success 'a clone of the other place alone is whole' '
	mv one.st away.st && mv one.git away.git && test_when_finished "mv away.st one.st && mv away.git one.git" &&
	casg clone -q --storage two.st two.git copy && (cd copy && casg fsck --full >/dev/null && casg export db | cmp - ../v2.fa &&
	casg export origin/side:db | cmp - ../v1.fa)
'

test_expect_success 'an update copies what is new only; nothing new copies nothing' '
	cd src && casg import -q -d db ../v3.fa && casg push -q && ls -li ../two.st/packs >before && casg mirror origin backup 2>err &&
	test_grep "^backup: [12] packs sent (.* bytes), 4 there already, 1 records" err && test "$(git -C ../two.git rev-parse HEAD)" = "$(git rev-parse HEAD)" &&
	while read -r line; do case $line in total*) ;; *) ls -li ../two.st/packs | grep -qxF "$line" || return 1 ;; esac; done <before &&
	casg mirror origin backup 2>err && test_grep "^backup: 0 packs sent (0 bytes), .* 0 records" err
'

test_expect_success 'what cannot be had: no record and no ref goes' '
	cd src && mkdir ../three.st && git init -q --bare ../three.git && casg remote add third ../three.git ../three.st && pack=$(packs_of ../one.st | head -n 1) &&
	mv ../one.st/packs/pack-$pack.pack ../held && test_expect_code 128 casg mirror -q origin third 2>err && test_grep "pack $pack was not copied" err &&
	test_path_is_missing ../three.st/INVENTORY && git -C ../three.git for-each-ref >refs && test_must_be_empty refs &&
	mv ../held ../one.st/packs/pack-$pack.pack && casg mirror -q origin third && diff -r ../one.st ../three.st
'

test_expect_success 'ids that lack there are copied, or made of packs that are here' '
	cd src && ls ../one.st/ids >has && test $(wc -l <has) -gt 1 && rm -f ../three.st/ids/* && casg mirror -q origin third && diff -r ../one.st ../three.st &&
	mv ../one.st/ids ../held && rm -f ../three.st/ids/* && casg mirror -q -n origin third && ls ../three.st/ids >now && test_must_be_empty now &&
	git config casg.remote.third.ids false && casg mirror -q origin third && ls ../three.st/ids >now && test_must_be_empty now && git config --unset casg.remote.third.ids &&
	casg mirror -q origin third && mv ../held ../one.st/ids && diff -r ../one.st ../three.st
'

test_expect_success 'storages by name; patterns; refusals' '
	cd src && mkdir ../four.st && casg remote add --for origin four ../four.st && casg mirror -q backup four && diff -r ../one.st ../four.st &&
	test_expect_code 128 casg mirror -q origin four 2>err && test_grep "not one of .origin." err && mkdir ../five.st && casg remote add --for backup --database "db*" five ../five.st &&
	test_expect_code 128 casg mirror -q origin five 2>err && test_grep "takes some databases only" err && find ../five.st -type f >files && test_must_be_empty files &&
	git config casg.remote.third.readOnly true && test_expect_code 128 casg mirror -q origin third && test_expect_code 128 casg mirror origin nope &&
	test_expect_code 129 casg mirror origin && test_expect_code 129 casg mirror --json origin backup && casg remote remove four && casg remote remove five
'

test_expect_success 'to where there is no Git host, and back; branches move forward only' '
	mkdir bin obj && printf "#!/bin/sh\nexec casg-remote-file \"file://\${1#tst://}\"\n" >bin/casg-remote-tst && chmod +x bin/casg-remote-tst &&
	PATH=$PWD/bin:$PATH && export PATH && url="tst://$pwd/obj" && cd src && casg remote add obj "$url" "$url" && casg mirror -q origin obj &&
	casg clone -q "$url" ../fromobj && (cd ../fromobj && casg export db | cmp - ../v3.fa && casg fsck --full >/dev/null) &&
	mkdir ../six.st && git init -q --bare ../six.git && casg remote add six ../six.git ../six.st && casg mirror -q obj six &&
	test "$(git -C ../six.git for-each-ref)" = "$(git -C ../one.git for-each-ref)" &&
	odd=$(git commit-tree -m odd "HEAD^{tree}") &&
	git push -q -f ../six.git "$odd:refs/heads/side" && test_expect_code 128 casg mirror -q origin six && casg mirror -q --force origin six &&
	test "$(git -C ../six.git rev-parse side)" = "$(git -C ../one.git rev-parse side)"
'

test_done
