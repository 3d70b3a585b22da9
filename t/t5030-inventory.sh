#!/bin/sh
# What storages hold: read with one request, written by several at once.

test_description='casg-inventory'
. "$(dirname "$0")/test-lib.sh"

pwd=$(pwd | sed 's/ /%20/g')
url=file://$pwd/storage
SOURCE_DATE_EPOCH=1709251200 # 2024-03-01T00:00:00Z
export SOURCE_DATE_EPOCH

# id N: 64 digits
id () {
	printf '%064d' "$1"
}

# inv ARG...: in the repository
inv () {
	(cd repo && casg-inventory "$@")
}

test_expect_success 'setup' '
	casg init -q repo &&
	mkdir storage
'

test_expect_success 'an empty storage has nothing, truthfully' '
	printf "casg-inventories 1\n" >expect &&
	inv --url=$url --list >out && test_cmp expect out &&
	inv --url=$url --packs >out && test_must_be_empty out &&
	id 101 >wanted && echo >>wanted &&
	test_expect_code 1 inv --url=$url --need <wanted >out 2>err &&
	test_must_be_empty out &&
	echo "error: version $(id 101) is not there" >expect && test_cmp expect err &&
	inv --url=$url --need </dev/null >out && test_must_be_empty out
'

test_expect_success 'a record and the summary of it' '
	printf "version %s\npack %s 100 sequences\npack %s 50 nodes,blobs\n" \
		$(id 101) $(id 2) $(id 1) >lines &&
	inv --url=$url --add <lines >first &&
	{
		printf "casg-inventory 1\ntime 2024-03-01T00:00:00Z\n" &&
		printf "pack %s 50 nodes,blobs\npack %s 100 sequences\nversion %s\n" \
			$(id 1) $(id 2) $(id 101)
	} >expect &&
	test_cmp expect "storage/inventory/$(cat first)" &&
	sha256sum <expect | cut -c1-64 >sum && test_cmp sum first &&
	{ printf "casg-inventories 1\nrecord %s %d\n" $(cat first) $(wc -c <expect) && cat expect; } >summary &&
	test_cmp summary storage/INVENTORY &&
	inv --url=$url --list >out && test_cmp summary out &&
	inv --url=$url --versions >out && { id 101 && echo; } >expect && test_cmp expect out
'

test_expect_success 'what a version needs' '
	echo "$(id 101) and more" >wanted &&
	inv --url=$url --need <wanted >out &&
	printf "%s 50 nodes,blobs\n%s 100 sequences\n" $(id 1) $(id 2) >expect &&
	test_cmp expect out
'

test_expect_success 'a record that relies on a version' '
	printf "version %s\npack %s 7 nodes\nrelies %s\n" $(id 102) $(id 3) $(id 101) >lines &&
	inv --url=$url --add <lines >second &&
	test_grep "^after $(cat first)\$" "storage/inventory/$(cat second)" &&
	echo $(id 102) >wanted &&
	inv --url=$url --need <wanted >out &&
	echo "$(id 3) 7 nodes" >>expect &&
	test_cmp expect out &&
	cp out needed &&
	printf "version %s\nrelies %s\n" $(id 103) $(id 199) >wrong &&
	test_expect_code 128 inv --url=$url --add <wrong 2>err &&
	test_grep "^fatal: version $(id 199), which is relied on, is not there" err &&
	printf "version %s\nafter %s\n" $(id 103) $(id 199) >wrong &&
	test_expect_code 128 inv --url=$url --add <wrong 2>err &&
	test_grep "^fatal: record $(id 199), which is relied on, is not there" err
'

test_expect_success 'the same again is no new record' '
	cp storage/INVENTORY before &&
	(
		SOURCE_DATE_EPOCH=1709251300 &&
		inv --url=$url --add <lines >out
	) &&
	test_cmp second out &&
	test_cmp before storage/INVENTORY
'

test_expect_success 'replaced packs are had from where they went; the clock does not matter' '
	(
		SOURCE_DATE_EPOCH=1000000000 &&
		printf "pack %s 120 sequences\nreplaced %s\nreplaced %s\n" $(id 9) $(id 2) $(id 3) >lines &&
		inv --url=$url --add <lines >third
	) &&
	test_grep "^time 2024-03-01T00:00:01Z" "storage/inventory/$(cat third)" &&
	inv --url=$url --need <wanted >out &&
	printf "%s 50 nodes,blobs\n%s 120 sequences\n" $(id 1) $(id 9) >expect &&
	test_cmp expect out &&
	inv --url=$url --packs >out && test_cmp expect out
'

# ---- one request

test_expect_success 'what is unchanged is one conditional request' '
	cat >casg-remote-watched <<-\EOF &&
	#!/bin/sh
	exec tee -a "$WATCH" | casg-remote-file "${1#watched:}"
	EOF
	chmod +x casg-remote-watched &&
	WATCH=$PWD/requests && export WATCH &&
	PATH=$PWD:$PATH &&
	inv --url=watched:$url --need <wanted >out && test_cmp expect out &&
	echo "1 get INVENTORY" >first-time && test_cmp first-time requests &&
	: >requests &&
	inv --url=watched:$url --need <wanted >out && test_cmp expect out &&
	test_line_count = 1 requests && test_grep "^1 get INVENTORY if=" requests &&
	: >requests &&
	inv --url=watched:$url --cached --need <wanted >out && test_cmp expect out &&
	test_must_be_empty requests
'

test_expect_success '--cached asks nobody, and knows when it knows nothing' '
	mv storage away && test_when_finished "mv away storage" &&
	inv --url=$url --cached --need <wanted >out && test_cmp expect out &&
	test_expect_code 128 inv --url=$url --need <wanted >out 2>err &&
	test_must_be_empty out &&
	test_grep "^remote: fatal: there is no folder" err &&
	test_expect_code 128 inv --url=file:///elsewhere --cached --packs 2>err &&
	test_grep "its inventory has not been read yet" err
'

test_expect_success 'a cache that is damaged is none' '
	set -- repo/.git/casg/state/inventory-* &&
	for f in "$@"; do
		flip_byte "$f" 300 || return 1
	done &&
	inv --url=$url --need <wanted >out && test_cmp expect out &&
	inv --url=$url --cached --need <wanted >out && test_cmp expect out
'

test_expect_success 'a summary that is gone, after it was there: said, and the old stays' '
	mv storage/INVENTORY away && test_when_finished "mv away storage/INVENTORY" &&
	inv --url=$url --packs >out 2>err && test_cmp expect out &&
	test_grep "^warning: .*INVENTORY. was there and is gone" err &&
	inv --url=$url --cached --packs >out && test_cmp expect out
'

test_expect_success 'a summary that is damaged: the records are read, the old stays' '
	cp storage/INVENTORY away && test_when_finished "mv away storage/INVENTORY" &&
	chmod u+w storage/INVENTORY && flip_byte storage/INVENTORY 200 &&
	inv --url=$url --packs >out 2>err && test_cmp expect out &&
	test_grep "^warning: .*malformed inventory" err &&
	inv --url=$url --cached --packs >out && test_cmp expect out &&
	echo "<html>" >storage/INVENTORY &&
	inv --url=$url --packs >out 2>err && test_cmp expect out &&
	test_grep "^warning: .*not an inventory" err
'

test_expect_success 'a summary that lacks what is new: the records are read' '
	cp summary away && mv storage/INVENTORY whole && mv away storage/INVENTORY &&
	test_when_finished "mv -f whole storage/INVENTORY" &&
	inv --url=$url --need <wanted >out && test_cmp expect out
'

test_expect_success 'a record that is not what its name says is not believed' '
	cp -R storage lying && rm lying/INVENTORY &&
	chmod u+w "lying/inventory/$(cat third)" && flip_byte "lying/inventory/$(cat third)" 60 &&
	test_expect_code 128 inv --url=file://$pwd/lying --need <wanted >out 2>err &&
	test_must_be_empty out &&
	test_grep "inventory/$(cat third)" err
'

test_expect_success '--rebuild' '
	rm -rf lying && cp -R storage lying && rm lying/INVENTORY &&
	echo "no record" >lying/inventory/README &&
	inv --url=file://$pwd/lying --rebuild >out &&
	test "$(cat out)" = 3 &&
	test_cmp storage/INVENTORY lying/INVENTORY &&
	echo junk >lying/INVENTORY &&
	inv --url=file://$pwd/lying --rebuild >out &&
	test_cmp storage/INVENTORY lying/INVENTORY
'

# ---- several

test_expect_success 'several storages are taken together' '
	mkdir more &&
	printf "version %s\npack %s 7 nodes\n" $(id 105) $(id 5) >lines &&
	inv --url=file://$pwd/more --add <lines >out &&
	{ echo $(id 105) && cat wanted; } >both &&
	inv --url=$url --url=file://$pwd/more --need <both >out &&
	{ sed 1q expect && echo "$(id 5) 7 nodes" && sed 1d expect; } >expect2 && test_cmp expect2 out &&
	test_expect_code 1 inv --url=$url --need <both 2>err &&
	test_line_count = 1 err && test_grep "$(id 105)" err
'

test_expect_success 'one that cannot be read matters only if what is asked is not found' '
	inv --url=file:///nowhere --url=$url --need <wanted >out 2>err && test_cmp expect out &&
	test_grep "^warning: file:///nowhere: " err &&
	test_expect_code 128 inv --url=file:///nowhere --url=$url --need <both >out 2>err &&
	test_must_be_empty out &&
	test_expect_code 128 inv --url=file:///nowhere --url=$url --packs >out 2>err &&
	test_cmp expect out
'

test_expect_success 'many writers at once: no record is lost' '
	mkdir busy &&
	for i in 1 2 3 4 5 6 7 8; do
		printf "version %s\npack %s 7 nodes\n" $(id $((200 + i))) $(id $i) >lines.$i || return 1
	done &&
	(
		for i in 1 2 3 4 5 6 7 8; do
			casg-inventory --url=file://$pwd/busy --add <lines.$i >id.$i &
		done
		wait
	) &&
	cat id.? | sort >ids && test_line_count = 8 ids &&
	sed -n "s/^record \([^ ]*\) .*/\1/p" busy/INVENTORY >got && test_cmp ids got &&
	ls busy/inventory >got && test_cmp ids got
'

test_expect_success 'wrong usage' '
	test_expect_code 129 inv --url=$url &&
	test_expect_code 129 inv --packs &&
	test_expect_code 129 inv --url=$url --packs --need &&
	test_expect_code 129 inv --url=$url --url=$url --add </dev/null &&
	test_expect_code 129 inv --url=/path --packs &&
	test_expect_code 128 inv --url=$url --add </dev/null 2>err &&
	test_grep "^fatal: a record of an inventory that says nothing" err &&
	for line in "version x" "pack $(id 1)" "frog $(id 1)" version ""; do
		echo "$line" >lines &&
		test_expect_code 128 inv --url=$url --add <lines 2>err &&
		test_grep "^fatal: bad line of standard input: .$line" err || return 1
	done &&
	printf "pack %s 1 nodes\nreplaced %s\n" $(id 1) $(id 1) >lines &&
	test_expect_code 128 inv --url=$url --add <lines 2>err &&
	test_grep "is added and replaced by the same record" err &&
	echo x >lines &&
	test_expect_code 128 inv --url=$url --need <lines
'

test_done
