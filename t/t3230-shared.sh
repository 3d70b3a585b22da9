#!/bin/sh
# A store that a group shares, clones that borrow its packs, and what a machine
# alone can tell of one on a network.

test_description='casg init --shared, casg clone, borrowed packs, locks'
. "$(dirname "$0")/test-lib.sh"
. "$TEST_DIRECTORY/lib-import.sh"

# mode FILE...: "-r--r--r--", a line each
mode () {
	find "$@" -prune -exec ls -ld {} + | cut -c1-10
}

# in_dir DIR CMD...
in_dir () {
	(cd "$1" && shift && exec "$@")
}

test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 200 >one.1 &&
	casg-gen --seed 2 --mutate one.1 --add 5 --change 5 >one.2 &&
	casg-gen --seed 3 --mutate one.2 --add 5 --change 5 >one.3 &&
	casg-gen --seed 4 --records 50 --width 70 >two.1
'

# ---- who may

# folders DIR, files DIR: the modes of all in casg/
folders () {
	find "$1/.git/casg" -type d -exec ls -ld {} + | cut -c1-10 | sort -u
}
files () {
	find "$1/.git/casg" -type f -exec ls -ld {} + | cut -c1-10 | sort -u
}

test_expect_success '--shared: the group may write, whatever the umask' '
	for umask in 077 ${CASG_TEST_LONG:+022 007}; do
		rm -rf g && (
			umask $umask && casg init -q --shared g &&
			test "$(git -C g config core.sharedRepository)" = 1 &&
			cp one.1 one.fa && casg -C g import -q ../one.fa &&
			cd g && casg-pack -q ../two.1 >records && casg-ls-tree HEAD:one >/dev/null
		) &&
		folders g >out && test_line_count = 1 out && test_grep "^drwxrws" out &&
		files g >all && sed "/^-r[-w]-r/d" all >bad && test_must_be_empty bad &&
		mode g/.git/casg/packs/*.pack >out && test_grep ! "^-r--...w" out ||
			{ echo $umask && return 1; }
	done
'

test_expect_success 'all, 0640, 0660, umask, true' '
	for who in all 0640 umask ${CASG_TEST_LONG:+0660 true}; do
		rm -rf g && (umask 027 && casg init -q --shared=$who g && cd g && casg-pack -q ../one.1 >records) &&
		case $who in
		all) d=drwxrwsr-x f=-r--r--r-- ;;
		0640) d=drwxr-s--- f=-r--r----- ;;
		0660) d=drwxrws--- f=-r--r----- ;;
		umask) d=drwxr-x--- f=-r--r----- ;;
		true) d=drwxrws--- f=-r--r----- ;;
		esac &&
		folders g | tr sS xx >out && echo $d | tr s x >expect && test_cmp expect out &&
		mode g/.git/casg/packs/*.pack | sort -u >out && echo $f >expect && test_cmp expect out ||
			{ echo $who && return 1; }
	done &&
	test_expect_code 129 casg init --shared=frogs g 2>err &&
	test_expect_code 129 casg init --shared=999 g
'

test_expect_success 'core.sharedRepository is honoured, and an old repository opened up' '
	rm -rf g && (
		umask 077 && git init -q --shared=group g && casg init -q g && folders g >out && test_grep "^drwxrws" out &&
		casg init -q old && (cd old && casg-pack -q ../one.1 >records) && casg init -q --shared old
	) &&
	folders old >out && test_line_count = 1 out && test_grep "^drwxrws" out &&
	mode old/.git/casg/packs/* >out && test_grep ! "^-r.-[^r]" out
'

# as UID CMD...: another user of the group 65532
as () {
	(
		uid=$1
		shift
		HOME=$TRASH_DIRECTORY/home.$uid && export HOME
		umask 077
		exec setpriv --reuid="$uid" --regid=65532 --clear-groups "$@"
	)
}

# They must get to what is tested, and into the folder of the test.
test_lazy_prereq OTHERS '
	test "$(id -u)" = 0 && chmod a+rx "$TRASH_DIRECTORY" &&
	as 65533 casg version && as 65533 ls "$TRASH_DIRECTORY"
'

test_expect_success OTHERS 'two users import, read, break stale locks, collect garbage' '
	for uid in 65533 65534; do
		mkdir -p home.$uid && chown $uid home.$uid &&
		as $uid git config --global --add safe.directory "*" || return 1
	done &&
	rm -rf g && mkdir g && chown 65533:65532 g && chmod 2770 g &&
	as 65533 casg init -q --shared g &&
	cp one.1 one.fa && chmod a+r one.fa && as 65533 casg -C g import -q ../one.fa &&
	cp one.2 one.fa && as 65534 casg -C g import -q ../one.fa &&
	cp one.3 one.fa && as 65533 casg -C g import -q ../one.fa &&
	as 65534 casg -C g export one >back && cmp one.3 back &&
	{ sleep 0 & } && dead=$! && wait $dead &&
	as 65533 sh -c "umask 007; echo $dead $(uname -n) >g/.git/casg/state/import.lock" &&
	cp two.1 two.fa && chmod a+r two.fa && as 65534 casg -C g import -q ../two.fa &&
	as 65534 casg -C g fsck --full && as 65533 casg -C g gc --quiet && as 65533 casg -C g fsck
'

# ---- borrowing

test_expect_success 'setup: a lender' '
	casg init -q lender && cd lender && plumb_import ../one.1 one &&
	git tag first && plumb_import ../two.1 two
'

test_expect_success 'clone --shared: nothing is copied, everything is read' '
	casg clone -q --shared lender borrower &&
	test_path_is_dir borrower/.git/casg/packs &&
	ls borrower/.git/casg/packs >out && test_must_be_empty out &&
	casg -C borrower export one >back && cmp one.1 back &&
	in_dir borrower casg-assemble -q two >back && cmp two.1 back &&
	casg -C borrower fsck --full &&
	casg -C borrower count-objects -v >out && test_grep "^packs: 0\$" out &&
	(cd borrower/.git && pwd -P) >expect && test_cmp expect lender/.git/casg/borrowers
'

test_expect_success 'what the lender has is not stored again' '
	cp one.2 one.fa && casg -C borrower import ../one.fa >out &&
	test_grep "already known" out &&
	known=$(sed "s/.* \([0-9]*\) already known.*/\1/" out) && test $known -gt 100 &&
	in_dir borrower casg-assemble -q one >back && cmp one.2 back &&
	casg -C borrower fsck --full && casg -C lender fsck
'

test_expect_success 'git clone --shared, and casg init in it' '
	git clone -q --shared lender plain && casg -C plain init -q . &&
	in_dir plain casg-assemble -q one >back && cmp one.1 back &&
	(cd plain/.git && pwd -P) >line && grep -qFx -f line lender/.git/casg/borrowers &&
	casg -C plain init -q . && test_line_count = 2 lender/.git/casg/borrowers &&
	rm -rf plain && sed 1q lender/.git/casg/borrowers >keep && cp keep lender/.git/casg/borrowers
'

test_expect_success 'clone without borrowing, clone --reference' '
	casg clone -q lender copy && casg -C copy fsck --full && in_dir copy casg-assemble -q two >back && cmp two.1 back &&
	test_path_is_missing copy/.git/objects/info/alternates &&
	ls lender/.git/casg/packs >expect && ls copy/.git/casg/packs >actual && test_cmp expect actual &&
	casg -C copy import -q ../one.fa &&
	casg clone -q --bare --reference lender copy ref.git &&
	in_dir ref.git casg-assemble -q one >back && cmp one.2 back &&
	ls ref.git/casg/packs | wc -l >n && test $(cat n) = 4 &&
	in_dir ref.git casg-assemble -q two >back && cmp two.1 back && rm -rf ref.git &&
	grep -v "ref.git\$" lender/.git/casg/borrowers >keep && cp keep lender/.git/casg/borrowers &&
	test_expect_code 128 casg clone file:///nowhere x 2>err && test_path_is_missing x &&
	test_expect_code 128 casg clone nowhere x 2>err && test_path_is_missing x
'

# ---- gc of the lender

in_lender () {
	ls lender/.git/casg/packs
}

test_expect_success 'gc and repack keep what a borrower needs, and only that' '
	in_lender >before &&
	# the lender forgets everything but the first commit
	git -C lender reset -q --hard first && rm -f lender/.git/ORIG_HEAD && git -C lender reflog expire --expire=now --all &&
	casg-gen --seed 9 >more && (cd lender && casg-pack -q ../more >records && rm records) &&
	in_lender >with && ! cmp -s before with &&
	casg -C lender gc --grace=0 >out &&
	in_lender >after && test_cmp before after &&
	in_dir borrower casg-assemble -q two >back && cmp two.1 back &&
	casg -C lender repack -q -a -d && casg -C lender gc --quiet --grace=0 &&
	casg -C borrower fsck --full && in_dir borrower casg-assemble -q HEAD~1:one >back && cmp one.1 back
'

# The hook runs between the check of what a version relies on and the move of
# HEAD.  It ends when gc says that it waits, or is done.
test_expect_success 'gc --grace=0 of a lender amid an import of a borrower' '
	rm -rf l3 b3 && casg init -q l3 && git -C l3 tag first && cp one.1 one.fa &&
	(cd l3 && plumb_import ../one.fa one) && casg clone -q --shared l3 b3 &&
	git -C b3 reset -q --hard first && rm -f b3/.git/ORIG_HEAD && git -C b3 reflog expire --expire=now --all &&
	git -C l3 reset -q --hard first && rm -f l3/.git/ORIG_HEAD && git -C l3 reflog expire --expire=now --all &&
	git -C b3 remote remove origin &&
	mkdir -p b3/.git/hooks && cat >b3/.git/hooks/reference-transaction <<-END &&
		#!/bin/sh
		test "\$1" = prepared && ! test -e "$PWD/gc.began" || exit 0
		: >"$PWD/gc.began"
		cd "$PWD" && unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_QUARANTINE_PATH CASG_DIR
		(casg -C l3 gc --grace=0 >gc.out 2>gc.err; echo \$? >gc.done) </dev/null >/dev/null 2>&1 &
		n=0
		until test -e gc.done || grep -q "^waiting for" gc.err 2>/dev/null; do
			n=\$((n + 1))
			test \$n -lt 300 || exit 1
			sleep 0.2
		done
	END
	chmod +x b3/.git/hooks/reference-transaction && rm -f gc.began gc.done gc.err &&
	casg -C b3 import -q ../one.fa && test_path_is_file gc.began &&
	wait_for test -e gc.done &&
	test "$(cat gc.done)" = 0 && test_grep "^waiting for a borrower" gc.err &&
	ls b3/.git/casg/packs >own && casg -C b3 fsck --full && in_dir b3 casg-assemble -q one >back && cmp one.1 back &&
	test_path_is_missing l3/.git/casg/state/refs.lock &&
	test_path_is_missing b3/.git/casg/state/refs.lock &&
	# and when that is over, it goes
	rm b3/.git/hooks/reference-transaction && : >l3/.git/casg/borrowers &&
	casg -C l3 gc --quiet --grace=0 && ls l3/.git/casg/packs >left && test_must_be_empty left
'

test_expect_success 'a borrower that cannot be looked at stops gc' '
	mv borrower elsewhere && in_lender >before &&
	test_expect_code 128 casg -C lender gc --grace=0 2>err &&
	test_grep "remove its line from" err &&
	in_lender >after && test_cmp before after &&
	mv elsewhere borrower
'

test_expect_success 'a borrower that has let go' '
	: >lender/.git/casg/borrowers && casg -C lender gc --quiet --grace=0 &&
	test_expect_code 128 casg -C borrower export two >out 2>err && test_must_be_empty out &&
	test_must_fail casg -C borrower fsck >out 2>err
'

test_expect_success 'a lender that is gone: said, and never taken for nothing there' '
	casg init -q l2 && (cd l2 && plumb_import ../two.1 two) && casg clone -q --shared l2 b2 &&
	cp one.1 one.fa && (cd b2 && plumb_import ../one.fa one) && mv l2 away &&
	test_expect_code 128 env CASG_DIR=b2/.git casg-cat-record HEAD:two x 2>err &&
	test_expect_code 128 casg -C b2 import -q ../one.fa 2>err &&
	mv away l2 && in_dir b2 casg-assemble -q two >back && cmp two.1 back && casg -C b2 fsck
'

# ---- locks

# locked [LINE]: does a lock with this line hold others off?  0 yes
locked () {
	echo "$1" >base/.git/casg/state/import.lock
	sh -c "
		CASG_PATH=\$PWD/base/.git/casg SPEC=x
		. \"$CASG_BUILD_DIR/bin-wrappers/casg-sh-setup\"
		. \"$CASG_BUILD_DIR/bin-wrappers/casg-sh-lock\"
		casg_lock import nowait && casg_unlock_all && exit 7
		exit 0
	"
	test $? = 0
}

test_expect_success 'whose lock is broken, and whose never' '
	casg init -q base && host=$(uname -n) && boot=$(cat /proc/sys/kernel/random/boot_id) &&
	ns=$(readlink /proc/self/ns/pid) &&
	{ sleep 0 & } && dead=$! && wait $dead &&
	# one that has ended, and whose parent never asks
	# (only when that has become another program: a shell may ask)
	{ sh -c "sh -c \"until test -e go; do sleep 0.1; done\" & echo \$! >ended; exec sleep 1000" & } && parent=$! &&
	test_when_finished "kill $parent" && wait_for grep -q sleep /proc/$parent/comm &&
	wait_for test -s ended && ended=$(cat ended) && : >go &&
	wait_for eval "ps -o stat= -p $ended | grep ^Z" &&
	! locked "$ended $host $boot/$ns" && ! locked "$ended $host" &&
	# ours, or of this host and alive, though perhaps of another user
	locked "$$ $host $boot/$ns" && locked "1 $host $boot/$ns" && locked "1 $host" &&
	# another host, another container, and what is no line of ours
	locked "$dead elsewhere $boot/$ns" && locked "$dead elsewhere" &&
	locked "$dead $host $boot/pid:[1]" && locked "rubbish" && locked "" &&
	# gone: the process, or the machine as it was then
	! locked "$dead $host $boot/$ns" && ! locked "$dead $host" &&
	! locked "1 $host 00000000-0000-0000-0000-000000000000/$ns" &&
	test_path_is_missing base/.git/casg/state/import.lock &&
	ls base/.git/casg/state >out && test_must_be_empty out
'

test_expect_success 'many at one stale lock: each has it once, never two at a time' '
	{ sleep 0 & } && dead=$! && wait $dead &&
	echo "$dead $(uname -n)" >base/.git/casg/state/import.lock && rm -f held order &&
	cat >taker <<-EOF &&
	CASG_PATH=\$PWD/base/.git/casg SPEC=x opt_quiet=1
	. "$CASG_BUILD_DIR/bin-wrappers/casg-sh-setup"
	. "$CASG_BUILD_DIR/bin-wrappers/casg-sh-lock"
	casg_lock import
	mkdir held || echo two >>order
	echo one >>order
	rmdir held
	casg_unlock import
	EOF
	for i in 1 2 3 4 5 6 7 8; do sh taker & done && wait &&
	test_line_count = 8 order && test_grep ! two order &&
	ls base/.git/casg/state >out && test_must_be_empty out
'

test_done
