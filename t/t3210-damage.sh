#!/bin/sh
# Every kind of file of a repository, damaged in every way: either it is named
# and what does not depend on it is still read, or it makes no difference.
# (t2010 looks at every byte of packs and indexes; here it is the whole.)

test_description='damaged files of a repository'
. "$(dirname "$0")/test-lib.sh"

# three databases with packs of their own, one with two versions
test_expect_success 'setup' '
	casg-gen --seed 1 --type protein --records 300 >one.1 &&
	casg-gen --seed 2 --mutate one.1 --add 3 --change 5 >one.2 &&
	casg-gen --seed 3 --type dna --records 30 --length 3000 --width 70 >two.1 &&
	casg-gen --seed 4 --type dna --records 1 --length 200000 --width 80 >three.1 &&
	casg init -q base &&
	git -C base config casg.chunkSize 16k &&
	for release in one.1 one.2 two.1 three.1; do
		db=${release%.*} &&
		ls base/.git/casg/packs >before &&
		cp $release $db.fa && casg -C base import -q ../$db.fa && git -C base tag $release &&
		ls base/.git/casg/packs | comm -13 before - | grep "\.pack\$" >new.$release &&
		echo "$release:$db $release $db" >>releases || return 1
	done &&
	for release in one.1 two.1 three.1; do
		while read -r pack; do
			name=${pack%.pack} &&
			CASG_DIR=base/.git casg-ls-chunks ${name#pack-} >chunks &&
			if grep -q "	nodes	" chunks; then echo $name >nodes.$release; else echo $name >seqs.$release; fi
		done <new.$release || return 1
	done &&
	# the cache of ids that casg-pack leaves, and that import removes
	casg-gen --seed 5 >more && CASG_DIR=base/.git casg-pack -q more >records &&
	ls base/.git/casg/index/*.objects &&
	chmod -R u+w base
'

size_of () {
	echo $(($(wc -c <"$1")))
}

# damages FILE: the ways to damage it, one a line: the first two, and of the
# others those that are this one's turn, or all of them in the long run
damages () {
	size=$(size_of "$1")
	turn=$(((${turn-0} + 1) % 3))
	echo missing
	echo "flip $((size / 2 + turn))"
	{
		echo "cut $((size / 2))"
		echo append
		test "$size" -lt 64 && echo append || echo "splice $((size / 4)) $((size / 2)) $((size / 8))"
		echo "flip $((size - 1))"
		echo "cut 0"
		echo "cut $((size - 1))"
	} | awk -v turn="$turn" -v all="${CASG_TEST_LONG-}" 'all != "" || NR % 3 == turn'
	test -z "${CASG_TEST_LONG-}" || {
		seq -f "flip %.0f" 0 $((size / 97 + 1)) $((size - 1))
		seq -f "cut %.0f" 0 $((size / 31 + 1)) $((size - 1))
	}
}

# damage FILE HOW ARG...: 0, or 1 if it is as it was
damage () {
	file=$1 how=$2
	shift 2
	cp "$file" as-it-was &&
	case $how in
	missing) rm "$file" && return 0 ;;
	append) echo appended >>"$file" ;;
	flip) flip_byte "$file" "$1" ;;
	cut) head -c "$1" as-it-was >"$file" ;;
	splice) # what begins at $1 also stands at $2, for $3 bytes
		tail -c +$(($1 + 1)) as-it-was | head -c "$3" |
		dd of="$file" bs=1 seek="$2" conv=notrunc 2>/dev/null
		;;
	esac || test_bug "cannot damage $file"
	! cmp -s "$file" as-it-was
}

# read_all: what comes back is right, or does not come back at all.  The
# databases that do not, into "lost".
read_all () {
	: >lost
	while read -r spec file db; do
		CASG_DIR=work casg-assemble "$spec" >back 2>err
		case $? in
		0) cmp "$file" back || return 1 ;;
		128)
			test_grep "^\(fatal\|error\): " err || return 1
			echo "$db" >>lost
			;;
		*) cat err && return 1 ;;
		esac
	done <releases
}

# judge EFFECT NAME STAYS: after a damage.  EFFECT is "named", "none", "any" or
# "ref".
judge () {
	casg -C work fsck >fsck 2>&1
	status=$?
	read_all || return 1
	case $1.$status in
	named.1 | named.128)
		test_grep "$2" fsck || return 1
		;;
	none.0 | any.0)
		test_must_be_empty lost || return 1
		;;
	# a ref may as well have been deleted
	any.1 | any.128 | ref.*) ;;
	*)
		echo "fsck: $status" && cat fsck && return 1
		;;
	esac &&
	for db in $3; do
		test_grep ! "^$db\$" lost || { echo "$db should be readable" && return 1; }
	done
}

# each WHAT FILE NAME EFFECT STAYS: FILE (in a Git directory), by all damages,
# must have the effect, under the name, and leave the databases readable.
each () {
	test_expect_success "$1" "
		rm -rf work && cp -pR base work && rm -rf work/.git/casg/index/versions &&
		damages \"work/.git/$2\" >list &&
		test_line_count -ge 3 list &&
		while read -r how; do
			cp -p \"work/.git/$2\" good &&
			if damage \"work/.git/$2\" \$how; then
				judge $4 \"$3\" \"$5\" || { echo \"\$how\" && return 1; }
			fi
			cp -pf good \"work/.git/$2\" && rm -rf work/.git/casg/index/versions || return 1
		done <list &&
		casg -C work fsck && read_all && test_must_be_empty lost
	"
}

# ---- packs and their indexes

for which in one two three; do
	others=$(echo one two three | sed "s/$which *//")
	read -r seqs <seqs.$which.1
	read -r nodes <nodes.$which.1
	each "$which: its sequences" "casg/packs/$seqs.pack" "$seqs" named "$others"
	each "$which: its nodes" "casg/packs/$nodes.pack" "$nodes" named "$others"
	# what is said of a third pack is in the same form
	test "$which" != three || test -n "${CASG_TEST_LONG-}" || continue
	each "$which: the index of its sequences" "casg/packs/$seqs.idx" "$seqs" named "$others"
	each "$which: the index of its nodes" "casg/packs/$nodes.idx" "$nodes" named "$others"
done

# ---- what is derived

objects=$(cd base/.git && echo casg/index/*.objects)
each 'ids of objects, a cache' "$objects" . none 'one two three'

test_expect_success 'versions, a cache' '
	rm -rf work && cp -pR base work && rm -rf work/.git/casg/index/versions &&
	read_all && test_must_be_empty lost &&
	find work/.git/casg/index/versions -type f >cached && test_line_count -ge 3 cached &&
	while read -r file; do
		damages "$file" >list && while read -r how; do
			test ! -e "$file" || damage "$file" $how || continue
			judge none . "one two three" || { echo "$how $file" && return 1; }
		done <list || return 1
	done <cached
'

for name in import.lock head.journal; do
	: >base/.git/casg/state/$name
	echo "1 2 3 4 rubbish" >base/.git/casg/state/$name
	each "state: $name" "casg/state/$name" . none 'one two three'
	rm -f base/.git/casg/state/$name
done

# ---- what is Git's

# object REV: where the file of a loose object is
object () {
	git -C base rev-parse "$1" | sed 's|^\(..\)|objects/\1/|'
}

for which in one two ${CASG_TEST_LONG:+three}; do
	others=$(echo one two three | sed "s/$which *//")
	each "$which: its VERSION" "$(object "$which.1:$which/VERSION")" \
		"$(git -C base rev-parse "$which.1:$which/VERSION")\|$(object "$which.1:$which/VERSION")" named "$others"
	each "$which: its PACKS, a hint" "$(object "$which.1:$which/PACKS")" \
		"$(git -C base rev-parse "$which.1:$which/PACKS")\|$(object "$which.1:$which/PACKS")" named 'one two three'
done
each 'a commit' "$(object three.1)" "$(git -C base rev-parse three.1)\|$(object three.1)" named ''
each 'a tree' "$(object "two.1:two")" "$(git -C base rev-parse "two.1:two")\|$(object "two.1:two")" named 'one'
each 'HEAD' HEAD . any ''
each 'config' config . any ''
each 'a tag' refs/tags/two.1 . ref 'one three'

test_expect_success 'setup: Git has packed its objects' '
	git -C base gc -q && git -C base pack-refs --all &&
	gitpack=$(cd base/.git && ls objects/pack/*.pack) && test -n "$gitpack" &&
	chmod -R u+w base
'

each 'the pack of Git' "${gitpack:-none}" . any ''
each 'its index' "${gitpack%.pack}.idx" . any ''
each 'packed refs' packed-refs . any ''

test_done
