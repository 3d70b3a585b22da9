#!/bin/sh
# Packs into storages that are whole, and into those that lie, stop and break.

test_description='casg-send-pack'
. "$(dirname "$0")/test-lib.sh"

pwd=$(pwd | sed 's/ /%20/g')
CASG_REMOTE_TIMEOUT=1
export CASG_REMOTE_TIMEOUT

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 300 >db.fa &&
	casg init -q from &&
	casg -C from import -q -d db ../db.fa &&
	casg-gen --seed 2 --mutate db.fa --add 20 --change 20 >db2.fa &&
	casg -C from import -q -d db ../db2.fa &&
	git -C from show HEAD:db/PACKS >PACKS &&
	test_line_count = 4 PACKS &&
	read -r one one_size rest <PACKS
'

# fresh: an empty storage
fresh () {
	rm -rf to && mkdir to
}

# send ARG...: in the repository
send () {
	(cd from && casg-send-pack -q "$@")
}

# told WORD: what must come out when it is that of all packs
told () {
	sed "s/^\([^ ]* [^ ]*\) .*/$1 \1/" PACKS
}

# stored: everything is there, and nothing else
stored () {
	for f in from/.git/casg/packs/*.pack; do
		cmp "$f" "to/packs/${f##*/}" || return 1
	done &&
	find to -type f >files && test "$(wc -l <files)" -eq 4
}

test_expect_success '--dry-run asks, and sends nothing' '
	fresh &&
	send -n --url=file://$pwd/to <PACKS >out &&
	told send >expect && test_cmp expect out &&
	find to -type f >files && test_must_be_empty files
'

test_expect_success 'packs are stored, and told in the order of the input' '
	send --url=file://$pwd/to <PACKS >out &&
	told sent >expect && test_cmp expect out &&
	stored
'

test_expect_success 'what is there is not stored again' '
	ls -li to/packs >before &&
	send --url=file://$pwd/to <PACKS >out &&
	told there >expect && test_cmp expect out &&
	send --dry-run --url=file://$pwd/to <PACKS >out &&
	test_cmp expect out &&
	ls -li to/packs >after && test_cmp before after
'

test_expect_success 'it is asked at each destination' '
	mkdir other &&
	send --url=file://$pwd/other <PACKS >out &&
	told sent >expect && test_cmp expect out
'

test_expect_success 'what goes in comes out' '
	casg init -q back &&
	(cd back && casg-fetch-pack -q --url=file://$pwd/to <../PACKS >out) &&
	for f in from/.git/casg/packs/*; do
		cmp "$f" "back/.git/casg/packs/${f##*/}" || return 1
	done
'

test_expect_success 'one that is there in another size is an error' '
	chmod u+w to/packs/pack-$one.pack && echo >>to/packs/pack-$one.pack &&
	test_expect_code 128 send --url=file://$pwd/to <PACKS >out 2>err &&
	test_grep "what is there has $((one_size + 1)) bytes, not $one_size" err &&
	test_grep "^error: pack $one was not stored" err &&
	test_line_count = 3 out
'

test_expect_success 'a pack that is damaged here is not stored' '
	cp -R from hurt && flip_byte hurt/.git/casg/packs/pack-$one.pack 1000 &&
	fresh &&
	(cd hurt && test_expect_code 128 casg-send-pack -q --url=file://$pwd/to <../PACKS >out 2>err) &&
	test_grep "another SHA-256" hurt/err &&
	test_line_count = 3 hurt/out &&
	test_path_is_missing to/packs/pack-$one.pack
'

test_expect_success 'nothing is sent when one is not here' '
	fresh &&
	{ cat PACKS && echo $one | tr 0-9a-f 1-9a-f0; } >wanted &&
	test_expect_code 128 send --url=file://$pwd/to <wanted >out 2>err &&
	test_must_be_empty out &&
	test_grep "is not in this repository" err &&
	find to -type f >files && test_must_be_empty files
'

test_expect_success 'one that breaks off is asked again' '
	fresh &&
	send --url=faulty:once:file://$pwd/to <PACKS >out 2>err &&
	told sent >expect && test_cmp expect out &&
	test_must_be_empty err &&
	stored
'

test_expect_success 'faults are errors, at once or after some tries' '
	for fault in denied die junk mute retry greet; do
		fresh &&
		head -n 1 PACKS >wanted &&
		test_expect_code 128 send --url=faulty:$fault:file://$pwd/to <wanted >out 2>err &&
		test_must_be_empty out &&
		test_grep "^warning: faulty:$fault:" err &&
		test_grep "^error: pack $one was not stored" err &&
		find to -type f >files && test_must_be_empty files ||
			{ echo $fault && return 1; }
	done
'

test_expect_success 'two that store the same at the same time' '
	fresh &&
	{ send --url=file://$pwd/to <PACKS >out.1 & } &&
	send --url=file://$pwd/to <PACKS >out.2 &&
	wait $! &&
	stored &&
	cat out.1 out.2 | grep -c "^sent" >n && test "$(cat n)" = 4
'

test_expect_success 'wrong usage' '
	test_expect_code 129 send <PACKS &&
	test_expect_code 129 send --url=/a/path <PACKS &&
	test_expect_code 129 send --jobs=17 --url=file:///x <PACKS &&
	echo x >wanted &&
	test_expect_code 128 send --url=file://$pwd/to <wanted 2>err &&
	test_grep "^fatal: bad line of standard input" err &&
	test_expect_code 128 send --url=nosuch:x <PACKS 2>err
'

test_done
