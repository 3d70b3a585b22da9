#!/bin/sh
# casg maintenance: its tasks, and the schedule, with a crontab of our own.

test_description='scrubbing, rebuilding indexes, the schedule'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

packs () {
	(cd .git/casg/packs && ls -- *.pack)
}

# intact: every third time as fsck sees it, too
intact () {
	for i in 1 2 3 4; do
		casg-assemble -q -- HEAD~$((4 - i)):db >back && cmp v$i.fa back || return 1
	done &&
	if test_every 3; then
		casg fsck --full >fsck.out 2>&1
	else
		casg-verify-pack .git/casg/packs/*.pack >fsck.out 2>&1
	fi || { cat fsck.out && return 1; }
}

test_expect_success 'setup' '
	HOME=$PWD/home && export HOME && mkdir home &&
	casg init -q . && git config casg.gcAuto 0 &&
	for i in 1 2 3 4; do
		casg-gen --seed $i --type protein --records 100 --length 100 >v$i.fa &&
		plumb_import v$i.fa db || return 1
	done && git update-ref -d ORIG_HEAD && cp -r .git saved
'

back () {
	rm -rf .git && cp -r saved .git && git reset -q --hard
}

# ---- tasks

test_expect_success 'run does everything' '
	casg maintenance run >out &&
	test_grep "^index: [0-9]* packs, 0 indexes rebuilt, 0 caches dropped\$" out &&
	test_grep "^scrub: [1-9][0-9]* packs ([0-9]* of [0-9]* bytes) verified\$" out &&
	ls .git/casg/tmp >tmp && test_must_be_empty tmp &&
	test_path_is_missing .git/casg/state/maintenance.lock && intact
'

test_expect_success 'repack: few packs are left' '
	back && test $(packs | wc -l) = 8 &&
	casg maintenance run --task=repack >out && test $(packs | wc -l) -lt 4 && test_must_be_empty out && intact
'

test_expect_success 'gc: what is old and not needed goes to quarantine' '
	back && git checkout -q -b side && casg-gen --seed 9 --records 50 >side.fa && casg import -q -d side side.fa &&
	git checkout -q - && git branch -q -D side && git reflog expire --expire=now --all &&
	find .git/casg/packs -exec touch -d "30 days ago" {} + &&
	casg maintenance run --task=gc --quiet >out && test_must_be_empty out &&
	casg-prune-packs --list >list && test_line_count = 2 list && test $(packs | wc -l) = 8 && intact
'

test_expect_success 'index: what is missing or damaged is rebuilt, byte for byte' '
	back && cp -r .git/casg/packs original &&
	# a third of them, in the long run all
	for idx in .git/casg/packs/*.idx; do
		test_every 3 || continue
		rm -f "$idx" && casg maintenance run --task=index >out && test_grep ", 1 indexes rebuilt" out || return 1
	done &&
	idx=$(ls .git/casg/packs/*.idx | head -n 1) && chmod u+w $idx && size=$(wc -c <$idx) &&
	flip_byte $idx $((size / 2)) && casg maintenance run --task=index >out && test_grep ", 1 indexes rebuilt" out &&
	echo garbage | cat >cut && chmod u+w $idx && cp -f cut $idx && casg maintenance run --task=index >out &&
	test_grep ", 1 indexes rebuilt" out &&
	(cd .git/casg/packs && sha256sum *) >actual && (cd original && sha256sum *) >expected && test_cmp expected actual &&
	casg maintenance run --task=index >out && test_grep ", 0 indexes rebuilt" out && intact
'

test_expect_success 'index: a damaged pack is damage' '
	pack=$(ls .git/casg/packs/*.pack | head -n 1) && cp $pack kept && chmod u+w $pack && flip_byte $pack 100 &&
	test_expect_code 1 casg maintenance run --task=index >out 2>err && test_grep "^error: .*cannot be rebuilt" err &&
	test_grep ", 0 indexes rebuilt" out && cp -f kept $pack
'

test_expect_success 'index: caches of commits that are gone are dropped' '
	back && commit=$(git rev-parse HEAD) && gone=$(echo $commit | tr 0-9a-f 1-9a-f0) &&
	mkdir -p .git/casg/index/versions/$gone .git/casg/index/versions/$commit && : >.git/casg/index/versions/$gone/db &&
	casg maintenance run --task=index >out && test_grep ", 1 caches dropped" out &&
	test_path_is_missing .git/casg/index/versions/$gone && test_path_is_dir .git/casg/index/versions/$commit
'

test_expect_success 'scrub: a share each time, all of it in sixteen times' '
	back && packs | sed "s/^pack-//; s/\.pack\$//" >ids && : >seen && : >lines &&
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		casg maintenance run --task=scrub >out && cat out >>lines && cat .git/casg/state/scrub >>seen || return 1
		# each time a pack at least
		test -n "${CASG_TEST_LONG-}" || test $i -lt 8 || break
	done &&
	sort -u seen >actual && test_cmp ids actual &&
	sed -n "s/^scrub: \([0-9]*\) packs.*/\1/p" lines | sort -un >counts && test $(tail -n 1 counts) -le 2 &&
	total=$(cat .git/casg/packs/*.pack | wc -c) && test_grep " of $total bytes" lines &&
	rm .git/casg/state/scrub && casg maintenance run --task=scrub -q && head -n 1 ids >expect && test_cmp expect .git/casg/state/scrub
'

test_expect_success 'scrub: damage is named, and the rest is verified' '
	id=$(sed -n 2p ids) && pack=.git/casg/packs/pack-$id.pack && chmod u+w $pack && flip_byte $pack 100 &&
	test_expect_code 1 casg maintenance run --task=scrub --task=scrub --task=scrub 2>err && test_grep "^error: .*$id" err &&
	test "$(cat .git/casg/state/scrub)" != $id &&
	echo zzz >.git/casg/state/scrub && casg maintenance run --task=scrub && head -n 1 ids >expect && test_cmp expect .git/casg/state/scrub
'

test_expect_success 'one task that fails does not stop the others' '
	back && echo garbage >.git/refs/heads/x &&
	test_expect_code 128 casg maintenance run --task=gc --task=scrub >out 2>err &&
	test_grep "^error: could not throw away" err && test_grep "^scrub: " out && rm .git/refs/heads/x
'

test_expect_success 'one at a time' '
	echo "$$ $(uname -n)" >.git/casg/state/maintenance.lock &&
	casg maintenance run --task=scrub >out 2>err && test_must_be_empty out && test_grep "^warning: other maintenance" err &&
	casg maintenance run --task=scrub --quiet >out 2>&1 && test_must_be_empty out &&
	rm .git/casg/state/maintenance.lock && casg maintenance run --task=scrub >out && test_grep "^scrub" out
'

test_expect_success 'what is due' '
	back && casg maintenance run --schedule=hourly >out && test_must_be_empty out && test $(packs | wc -l) -lt 4 &&
	casg maintenance run --schedule=daily >out && test_grep "^scrub: " out && ! test_grep "^index: " out &&
	casg maintenance run --schedule=weekly >out && test_grep "^scrub: " out && test_grep "^index: " out && intact
'

test_expect_success 'wrong usage' '
	for args in "" "walk" "run run" "run --task=x" "run --schedule=monthly" "run --task=gc --schedule=daily" "start --task=gc" "stop --registered"; do
		test_expect_code 129 casg maintenance $args 2>err || { echo "$args" && return 1; }
	done
'

# ---- schedule

test_expect_success 'setup: a crontab of our own' '
	mkdir bin && cat >bin/crontab <<-\EOF &&
	#!/bin/sh
	case $1 in
	-l) test -f "$HOME/cron" || { echo "no crontab for me" >&2; exit 1; }; cat "$HOME/cron" ;;
	-) cat >"$HOME/cron.new" && mv "$HOME/cron.new" "$HOME/cron" ;;
	*) exit 2 ;;
	esac
	EOF
	chmod +x bin/crontab && PATH=$PWD/bin:$PATH && export PATH && back && casg init -q "other $$"
'

test_expect_success 'start enters the schedule and the repository' '
	casg maintenance start >out && test_must_be_empty out &&
	git config --global --get-all casg.maintenanceRepo >actual && (cd .git && pwd -P) >expect && test_cmp expect actual &&
	grep -v "^#" home/cron >lines && test_line_count = 3 lines &&
	sed "s/^[0-9]* //; s/ [^ ]*\/casg-maintenance. run --quiet --registered//" lines >actual &&
	printf "%s\n" "1-23 * * * --schedule=hourly" "0 * * 1-6 --schedule=daily" "0 * * 0 --schedule=weekly" >expect &&
	test_cmp expect actual
'

test_expect_success 'again, and for another: one schedule, two repositories; other lines stay' '
	printf "5 5 * * * mine\n# a comment\n" >mine && cat mine home/cron >both && echo "6 6 * * * last" >>both && cp both home/cron &&
	casg maintenance start && CASG_DIR="other $$" casg maintenance start && casg maintenance start &&
	test $(grep -c "BEGIN CASG" home/cron) = 1 && test $(grep -c "schedule=" home/cron) = 3 &&
	git config --global --get-all casg.maintenanceRepo >repos && test_line_count = 2 repos &&
	sed "/BEGIN CASG/,/END CASG/d" home/cron >actual && { cat mine && echo "6 6 * * * last"; } >expect && test_cmp expect actual
'

test_expect_success 'what cron would run does it in both' '
	command=$(sed -n "s/^[0-9]* 0 \* \* 1-6 //p" home/cron | sed "s/\\\\\\\\%/%/g") &&
	(cd / && env -i ${ASAN_OPTIONS:+ASAN_OPTIONS="$ASAN_OPTIONS"} HOME="$HOME" PATH=/usr/bin:/bin sh -c "$command") >out 2>&1 && test_must_be_empty out &&
	test_path_is_file .git/casg/state/scrub && test $(packs | wc -l) -lt 4 &&
	rm -rf "other $$/.git/casg" && test_expect_code 128 casg maintenance run --registered --task=scrub 2>err &&
	test_grep "^warning: maintenance of .*other $$" err && casg init -q "other $$"
'

test_expect_success 'stop takes this one out, and the last one the schedule' '
	casg maintenance stop && test $(grep -c "schedule=" home/cron) = 3 &&
	git config --global --get-all casg.maintenanceRepo >repos && test_line_count = 1 repos && test_grep "other $$" repos &&
	casg maintenance stop && CASG_DIR="other $$" casg maintenance stop &&
	{ cat mine && echo "6 6 * * * last"; } >expect && test_cmp expect home/cron &&
	test_expect_code 1 git config --global --get-all casg.maintenanceRepo && casg maintenance stop
'

test_expect_success 'a crontab that fails: 128, and nothing is changed' '
	cp home/cron before && printf "#!/bin/sh\necho broken >&2\nexit 1\n" >bin/crontab &&
	test_expect_code 128 casg maintenance start 2>err && test_grep "broken" err && test_cmp before home/cron &&
	test_expect_code 1 git config --global --get-all casg.maintenanceRepo
'

test_done
