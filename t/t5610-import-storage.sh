#!/bin/sh
# Packs go to storages while others are still being made; the commit comes last.

test_description='casg import --storage'
. "$(dirname "$0")/test-lib.sh"

pwd=$(pwd | sed 's/ /%20/g')

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 200 --length 120 >v1.fa && { cat v1.fa && casg-gen --seed 2 --type protein --records 20; } >v2.fa &&
	casg init -q r && git init -q --bare r.git && mkdir st && cd r && casg remote add origin ../r.git ../st
'

test_expect_success 'all is there, and known there, when it is committed' '
	cd r && casg import --storage origin -d db ../v1.fa >out 2>err && test_grep "^origin: 2 packs sent\|^origin: .* there already" err &&
	for f in .git/casg/packs/*.pack; do cmp $f ../st/packs/${f##*/} || return 1; done &&
	casg-inventory --url=file://$pwd/st --versions >actual && casg-read-version --id HEAD:db >expect && test_cmp expect actual &&
	casg push 2>err && ! test_grep "packs sent" err && casg clone -q --storage ../st ../r.git ../copy && (cd ../copy && casg export db | cmp - ../v1.fa) &&
	ls .git/casg/tmp >left && test_must_be_empty left
'

test_expect_success 'earlier versions that are lacking go as well' '
	cd r && casg import -q -d db ../v2.fa && casg import -q --storage origin -d db ../v1.fa && casg-inventory --url=file://$pwd/st --versions >actual &&
	test_line_count = 3 actual && casg import --storage origin -d db ../v1.fa >out && test_grep "^already up to date" out && casg push -q &&
	rm -rf ../copy && casg clone -q --storage ../st ../r.git ../copy && (cd ../copy && casg fsck --full >/dev/null && casg export HEAD~1:db | cmp - ../v2.fa)
'

# the input stands still until something has arrived
test_expect_success 'a pack goes while others are made' '
	casg init -q big && git init -q --bare big.git && mkdir big.st && cd big && casg remote add origin ../big.git ../big.st && git config casg.packSize 1m &&
	casg-gen --seed 5 --type protein --records 100000 --length 300 >part && casg-gen --seed 6 --type protein --records 100 --length 300 >rest && mkfifo in &&
	{ { cat part && for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		set -- ../big.st/packs/*.pack && test -e "$1" && echo yes >early && break
		sleep 0.5
	done && cat rest; } >in & } && casg import -q --memory 64m --storage origin -d db - <in && wait && test_path_is_file early &&
	cat part rest >all && rm part rest && casg push -q && casg clone -q --storage ../big.st ../big.git ../big.copy && (cd ../big.copy && casg export db) | cmp - all
'

test_expect_success 'what cannot be sent: no commit, no pack, no record' '
	cd r && before=$(git rev-parse HEAD) && ls .git/casg/packs >packs && cp -r ../st ../held && casg-gen --seed 7 --type protein --records 30 >new.fa &&
	mkdir ../bin && printf "#!/bin/sh\nexit 1\n" >../bin/casg-remote-broken && chmod +x ../bin/casg-remote-broken &&
	git config casg.remote.broken.url broken://x && git config casg.remote.broken.git origin &&
	test_expect_code 128 env PATH="$(cd .. && pwd)/bin:$PATH" casg import -q --storage broken -d new new.fa 2>err && test "$before" = "$(git rev-parse HEAD)" &&
	ls .git/casg/packs >now && test_cmp packs now && git config --remove-section casg.remote.broken &&
	git config casg.remote.origin.database "!new" && test_expect_code 128 casg import -q --storage origin -d new new.fa 2>err && test_grep "takes the database .new." err &&
	git config --unset casg.remote.origin.database && git config casg.remote.origin.readOnly true && test_expect_code 128 casg import -q --storage origin -d new new.fa &&
	git config --unset casg.remote.origin.readOnly && test_expect_code 128 casg import -q --storage nope -d new new.fa && test_expect_code 128 casg import -q --storage origin -d new /nowhere &&
	test "$before" = "$(git rev-parse HEAD)" && ls .git/casg/packs >now && test_cmp packs now && diff -r ../st ../held && ls .git/casg/tmp >left && test_must_be_empty left
'

test_expect_success 'a signal: nothing stays here, and nobody is told of what is there' '
	cd r && cp ../st/INVENTORY ../summary && before=$(git rev-parse HEAD) && ls .git/casg/packs >packs && mkfifo in &&
	{ casg import -q --storage origin -d sig - <in & } && pid=$! && exec 7>in && cat new.fa >&7 && sleep 0.3 && kill -TERM $pid && exec 7>&- &&
	{ wait $pid; test $? != 0; } && test "$before" = "$(git rev-parse HEAD)" && ls .git/casg/packs >now && test_cmp packs now && cmp ../summary ../st/INVENTORY &&
	ls .git/casg/tmp >left && test_must_be_empty left && casg import -q --storage origin -d sig new.fa && casg fsck >/dev/null
'

# ---- bounded local disk

# most FILE LIMIT: no number in it is larger, and there are some
most () {
	test -s "$1" && sort -n "$1" | tail -n 1 >largest && test "$(cat largest)" -le "$2"
}

test_expect_success 'of the packs of sequences no more is here than may be' '
	casg-gen --seed 5 --type protein --records 60000 --length 300 >lim.fa && casg init -q lim && git init -q --bare lim.git && mkdir lim.st && (
		cd lim && casg remote add origin ../lim.git ../lim.st && git config casg.packSize 1m &&
		{ while sleep 0.02; do du -sk .git/casg/packs | cut -f 1; done >../sizes & } && pid=$! &&
		casg import -q --memory 64m --storage origin --local-disk 1m -d db ../lim.fa && kill $pid &&
		# what may be, one that is finished (each has several chunks), trees
		most ../sizes 4800 && du -sk ../lim.st >out && test "$(cut -f 1 out)" -gt 10000 &&
		ls .git/casg/partial/*.idx >out && test $(wc -l <out) -gt 1 &&
		casg fsck >out && casg export db | cmp - ../lim.fa && casg fsck --full >out
	)
'

test_expect_success 'the next release finds what is elsewhere, gc keeps it, a clone has all' '
	cd lim && { cat ../lim.fa && casg-gen --seed 8 --type protein --records 10; } >../lim.2 &&
	casg import --storage origin --local-disk 0 -d db ../lim.2 >out && test_grep " 10 new, 60000 already known" out &&
	casg gc --grace=0 >out && ! test_grep "[1-9][0-9]* packs .*forgotten" out && casg export db | cmp - ../lim.2 && casg export HEAD~1:db | cmp - ../lim.fa &&
	casg push -q && casg clone -q --storage ../lim.st ../lim.git ../lim.copy && cd ../lim.copy && casg fsck --full >out && casg export db | cmp - ../lim.2
'

test_expect_success 'a storage that fails: the reader does not wait, nothing stays' '
	cd r && before=$(git rev-parse HEAD) && ls .git/casg/packs >packs && git config casg.packSize 1m &&
	git config casg.remote.broken.url broken://x && git config casg.remote.broken.git origin &&
	test_expect_code 128 env PATH="$(cd .. && pwd)/bin:$PATH" timeout 60 casg import -q --memory 64m --storage broken --local-disk 0 -d new ../lim.fa 2>err &&
	test_grep "no room for more" err && test "$before" = "$(git rev-parse HEAD)" && ls .git/casg/packs >now && test_cmp packs now &&
	test_path_is_missing .git/casg/partial && ls .git/casg/tmp >left && test_must_be_empty left && git config --remove-section casg.remote.broken
'

test_expect_success 'killed when packs are gone already: gc forgets them, the next import has them anew' '
	cd r && mkfifo slow && { casg import -q --memory 64m --storage origin --local-disk 0 -d killed - <slow & } && pid=$! && exec 7>slow &&
	cat ../lim.fa >&7 && for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		set -- .git/casg/partial/*.idx && test -e "$1" && break
		sleep 0.5
	done && test -e "$1" && kill -9 $pid && exec 7>&- && { wait $pid; test $? = 137; } && sleep 1 &&
	casg fsck >out && casg gc --grace=0 >out && test_grep "packs of the partial clone forgotten" out &&
	test_path_is_dir .git/casg/partial && casg push -q && casg repack -q --remote origin &&
	casg import -q --storage origin --local-disk 0 -d killed ../lim.fa && casg export killed | cmp - ../lim.fa && casg fsck --full >out
'

test_expect_success 'usage' '
	cd r && test_expect_code 129 casg import --local-disk 1m -d db ../v1.fa 2>err && test_grep "goes with --storage" err &&
	test_expect_code 129 casg import --storage origin --local-disk x -d db ../v1.fa && test_expect_code 129 casg-pack --most-here 1m ../v1.fa
'

# ---- casg-drop-pack

test_expect_success 'a pack goes when enough storages have it, as long as it is' '
	casg init -q drop && git init -q --bare drop.git && mkdir one two && cd drop && casg remote add origin ../drop.git ../one && casg import -q -d db ../v1.fa &&
	ls .git/casg/packs/*.pack >all && ids=$(sed "s/.*pack-//; s/.pack//" all) && printf "%s\n" $ids >ids &&
	test_expect_code 128 casg-drop-pack --url=file://$pwd/one <ids 2>err && test_grep "fewer than 1 of these storages have it" err && ls .git/casg/packs/*.pack >now && test_cmp all now &&
	casg push -q 2>err && test_expect_code 128 casg-drop-pack --copies=2 --url=file://$pwd/one --url=file://$pwd/two <ids 2>err && ls .git/casg/packs/*.pack >now && test_cmp all now &&
	for f in ../one/packs/*.pack; do chmod u+w $f && cp $f ../two/ && echo >>$f || return 1; done &&
	test_expect_code 128 casg-drop-pack --url=file://$pwd/one <ids 2>err && ls .git/casg/packs/*.pack >now && test_cmp all now &&
	for f in ../two/*.pack; do cp $f ../one/packs/ || return 1; done &&
	casg-drop-pack --keep=1g --url=file://$pwd/one <ids >out && test_must_be_empty out &&
	casg clone -q --shared . ../borrower && test_expect_code 128 casg-drop-pack --url=file://$pwd/one <ids 2>err && test_grep "are lent" err &&
	rm -rf ../borrower .git/casg/borrowers && casg-drop-pack --url=file://$pwd/one <ids >out && test_line_count = 1 out && test_grep "^dropped [0-9a-f]* [0-9]*\$" out &&
	casg-drop-pack --url=file://$pwd/one <ids >out && test_must_be_empty out && casg fsck >out && casg export db | cmp - ../v1.fa &&
	casg verify --roots db >out && test_grep "not here by choice were not read" out
'

test_expect_success 'a program that has the pack open reads on, from the storage' '
	cd drop && casg import -q -d db ../v2.fa && casg push -q && ls .git/casg/packs/*.pack | sed "s/.*pack-//; s/.pack//" >ids && mkfifo keys answers &&
	{ casg cat --batch db <keys >answers 2>cat.err & } && pid=$! && exec 7>keys 8<answers &&
	casg ls db | sed "/^#/d" | cut -f 1 >all.keys && head -n 1 all.keys >&7 && read -r line <&8 && casg-drop-pack --url=file://$pwd/one <ids >out && test_line_count = 1 out &&
	sed 1d all.keys >&7 && exec 7>&- && { echo "$line" && cat <&8; } >got && exec 8<&- && wait $pid && casg cat db $(cat all.keys) >expect && test_cmp expect got
'

test_expect_success 'casg-drop-pack: usage' '
	test_expect_code 129 casg-drop-pack <drop/ids && cd drop && test_expect_code 129 casg-drop-pack --copies=2 --url=file://$pwd/one <ids &&
	echo 12 | test_expect_code 128 casg-drop-pack --url=file://$pwd/one
'

test_done
