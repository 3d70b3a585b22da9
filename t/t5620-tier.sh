#!/bin/sh
# Packs where they belong, by age and by use; never less copies than there must be.

test_description='casg tier'
. "$(dirname "$0")/test-lib.sh"

packs_of () {
	(cd "$1/packs" && printf '%s\n' *.pack | sed 's/^pack-//; s/\.pack$//')
}

# what is with a version that nothing but it needs
test_expect_success 'setup: a release of last year, and another of today' '
	casg-gen --seed 1 --type protein --records 60 --length 120 >v1.fa && casg-gen --seed 2 --type protein --records 75 --width 50 --length 120 >v2.fa &&
	casg init -q r && git init -q --bare r.git && mkdir hot cold && cd r && casg remote add origin ../r.git ../hot &&
	SOURCE_DATE_EPOCH=1600000000 && export SOURCE_DATE_EPOCH && casg import -q -d old ../v1.fa && casg push -q && packs_of ../hot >../old &&
	SOURCE_DATE_EPOCH=1700000000 && casg import -q -d new ../v2.fa && casg push -q && packs_of ../hot | comm -13 ../old - >../new &&
	casg remote add --for origin cold ../cold && test_line_count = 2 ../old && test_line_count = 2 ../new && cp -r ../hot ../whole
'

test_expect_success 'what is refused' '
	cd r && test_expect_code 129 casg tier && test_expect_code 129 casg tier --plan --apply && test_expect_code 128 casg tier --plan 2>err && test_grep "no storage of .origin. has a tier" err &&
	git config casg.remote.origin.tier tepid && test_expect_code 128 casg tier --plan && git config casg.remote.origin.tier hot && git config casg.remote.cold.tier cold &&
	git config casg.tier.by size && test_expect_code 128 casg tier --plan && git config --unset casg.tier.by && git config casg.tier.hotDays x &&
	test_expect_code 128 casg tier --plan && git config --unset casg.tier.hotDays && test_expect_code 128 casg tier --plan nope && mv ../cold ../gone &&
	test_expect_code 128 casg tier --apply && mv ../gone ../cold && diff -r ../hot ../whole
'

test_expect_success 'the plan, and that nothing is done by it' '
	cd r && casg tier --plan >plan && { sed "s/.*/copy & cold/" ../old && sed "s/.*/drop & origin/" ../old; } >expect &&
	grep "^[cd][or][po]" plan | sed "s/ [0-9]* \([a-z]*\)$/ \1/" >actual && test_cmp expect actual && test_grep "^2 copies (.* bytes), 2 drops" plan &&
	casg tier --plan --json >json && test_line_count = 4 json && test_grep "^{\"do\": \"copy\", \"pack\": \"$(head -n 1 ../old)\", \"bytes\": [0-9]*, \"storage\": \"cold\"}" json &&
	diff -r ../hot ../whole && find ../cold -type f >files && test_must_be_empty files
'

test_expect_success 'it is done as planned, and a clone that knows both is whole' '
	cd r && casg tier --apply >done && test_cmp plan done && packs_of ../hot >now && test_cmp ../new now && packs_of ../cold >now && test_cmp ../old now &&
	for p in $(cat ../old); do cmp ../cold/packs/pack-$p.pack ../whole/packs/pack-$p.pack || return 1; done &&
	casg tier --plan >plan && echo "0 copies (0 bytes), 0 drops (0 bytes)" >expect && test_cmp expect plan &&
	casg clone -q --storage ../hot --storage ../cold ../r.git ../copy 2>err && (cd ../copy && casg fsck --full >/dev/null && casg export old | cmp - ../v1.fa && casg export new | cmp - ../v2.fa) &&
	casg fsck --remote origin && test_expect_code 128 casg clone -q --storage ../hot ../r.git ../half 2>err && casg gc --grace=0 --remote origin >out && packs_of ../cold >now && test_cmp ../old now
'

test_expect_success 'what is hot again comes back; a pack that is nowhere is told' '
	cd r && git config casg.tier.hotDays 100000 && casg tier -q --apply && packs_of ../hot >now && sort ../old ../new >expect && test_cmp expect now &&
	ls ../cold/packs >left && test_must_be_empty left && git config --unset casg.tier.hotDays && casg tier -q --apply && packs_of ../cold >now && test_cmp ../old now &&
	p=$(head -n 1 ../old) && mv ../cold/packs/pack-$p.pack ../held && test_expect_code 1 casg fsck --remote origin 2>err && test_grep "pack $p is absent at .*, and nowhere else" err &&
	mv ../held ../cold/packs/pack-$p.pack
'

test_expect_success 'never less than casg.copies, and never the last good one' '
	cd r && rm -rf ../hot ../cold && cp -r ../whole ../hot && mkdir ../cold && git config casg.copies 2 && casg tier --apply >out && test_grep "^2 copies (.* bytes), 0 drops" out &&
	git config casg.copies 1 && for p in $(cat ../old); do
		chmod u+w ../cold/packs/pack-$p.pack && printf X | dd of=../cold/packs/pack-$p.pack bs=1 seek=60 conv=notrunc 2>/dev/null || return 1
	done && test_expect_code 1 casg tier --apply >out 2>err && test_grep "stays at .origin.: 0 other good copies, and 1 are wanted" err &&
	for p in $(cat ../old); do cmp ../hot/packs/pack-$p.pack ../whole/packs/pack-$p.pack || return 1; done &&
	git config casg.remote.cold.database "old" && rm -rf ../cold && mkdir ../cold && casg tier --apply >out && test_grep "^0 copies" out &&
	find ../cold -type f >files && test_must_be_empty files && git config --unset casg.remote.cold.database && git config casg.remote.cold.readOnly true &&
	casg tier --apply >out && test_grep "^0 copies" out && git config --unset casg.remote.cold.readOnly
'

test_expect_success 'by use' '
	cd r && git config casg.tier.by use && git config casg.countReads true && rm -f .git/casg/state/reads && git config casg.tier.hotReads 1 && git config casg.tier.warmReads 1 &&
	key=$(sed -n "s/^>\([^ ]*\).*/\1/p" ../v1.fa | head -n 1) && casg cat old "$key" >/dev/null && read=$(casg-ls-chunks --reads | awk -F"\t" "\$7 > 0 { print \$6 }" | sort -u) &&
	test -n "$read" && casg tier -q --apply && packs_of ../hot >now && echo "$read" >expect && test_cmp expect now && packs_of ../cold >now && sort ../old ../new | grep -v "$read" >expect && test_cmp expect now &&
	casg fsck -q --remote origin
'

test_done
