#!/bin/sh
# casg export and casg ls: which version, where to, and what when it cannot.

test_description='casg export, casg ls: revisions, files, closed pipes, damage'
. "$(dirname "$0")/test-lib.sh"

# exports FILE ARG...: export ARG... gives the bytes of FILE, ls | assemble too
exports () {
	want=$1
	shift
	casg export "$@" >back && cmp "$want" back &&
	casg ls "$@" >lines && casg assemble <lines >back && cmp "$want" back &&
	casg-assemble "${1-}" >back && cmp "$want" back
}

# alone FILE: nothing else whose name begins like it
alone () {
	ls -a >all && grep -e "^$1" all >names
	echo "$1" >names.expect && test_cmp names.expect names
}

test_expect_success 'setup' '
	casg init -q . &&
	printf ">a one\nACGT\n" >one.fa &&
	printf ">a two\nACGTAA\n>b\nCC" >two.fa &&
	printf ">a three\r\nACGT\r\n" >three.fa &&
	casg import -q -d db one.fa && git tag v1 && git tag -a -m annotated v1a &&
	test_tick && casg import -q --allow-missing-newline -d db two.fa && git tag v2 &&
	test_tick && casg import -q -d db three.fa
'

# ---- which

test_expect_success 'the only database need not be named' '
	exports three.fa &&
	exports three.fa "" &&
	exports three.fa HEAD: &&
	exports one.fa v1: &&
	exports two.fa HEAD~1:
'

test_expect_success 'REV:DATABASE in all of its forms' '
	git branch side v1 &&
	exports three.fa db && exports three.fa HEAD:db && exports three.fa @:db &&
	exports two.fa HEAD~1:db && exports two.fa HEAD^:db && exports two.fa v2:db &&
	exports one.fa HEAD~2:db && exports one.fa v1:db && exports one.fa v1a:db &&
	exports one.fa refs/tags/v1:db && exports one.fa tags/v1:db &&
	exports one.fa side:db && exports one.fa refs/heads/side:db && exports one.fa heads/side:db &&
	exports one.fa "$(git rev-parse v1):db" &&
	exports one.fa "$(git rev-parse --short v1):db" &&
	exports two.fa "v2^{commit}:db" && exports one.fa "v1a^{}:db" &&
	exports one.fa "HEAD@{2}:db" && exports three.fa "HEAD^{/import}:db"
'

test_expect_success 'another database, a branch, a merge' '
	main=$(git symbolic-ref --short HEAD) &&
	printf ">x\nA\n" >x.fa && casg import -q -d in/side x.fa &&
	exports x.fa in/side && exports three.fa db &&
	test_expect_code 128 casg export >out 2>err &&
	test_must_be_empty out &&
	test_grep "several databases.*db.*in/side" err &&
	test_expect_code 128 casg ls >out 2>err && test_must_be_empty out &&
	exports one.fa v1: &&
	git checkout -q side &&
	exports one.fa &&
	test_tick && git merge -q -m merged --no-ff "$main" &&
	exports three.fa db && exports one.fa HEAD^1:db && exports three.fa HEAD^2:db &&
	git checkout -q "$main"
'

test_expect_success 'what is not there' '
	for what in nope HEAD:nope v1:in/side v1:in nope:db HEAD~9:db :db in HEAD:in HEAD:in/side/VERSION \
		"HEAD:db/" "db/VERSION" "../db" "HEAD:../db" "v1:.casgconfig" "HEAD:db:db" "--:x"; do
		test_expect_code 128 casg export -- "$what" >out 2>err &&
		test_must_be_empty out &&
		test_grep "^fatal: " err &&
		test_line_count = 1 err &&
		test_expect_code 128 casg ls -- "$what" >out 2>err &&
		test_must_be_empty out || { echo "$what" && return 1; }
	done &&
	test_expect_code 128 casg export nope 2>err && test_grep "nope" err &&
	test_expect_code 128 casg export HEAD~9:db 2>err && test_grep "HEAD~9" err
'

test_expect_success 'a repository without a database' '
	casg init -q fresh && cd fresh &&
	test_expect_code 128 casg export >out 2>err &&
	test_must_be_empty out &&
	test_grep "^fatal: .*no database" err &&
	test_expect_code 128 casg ls
'

test_expect_success 'usage' '
	test_expect_code 129 casg export db db &&
	test_expect_code 129 casg export --frob &&
	test_expect_code 129 casg export -o &&
	test_expect_code 129 casg ls db db &&
	test_expect_code 129 casg ls --frob
'

# ---- where to

test_expect_success '-o FILE, whatever it is called' '
	mkdir dest && cd dest &&
	for name in f "a b" -dash "q'\''\"\$x" "new
line" sub/f; do
		mkdir -p sub &&
		CASG_DIR=.. casg export --output="$name" db >said 2>&1 &&
		test_must_be_empty said &&
		cmp ../three.fa "./$name" || return 1
	done &&
	CASG_DIR=.. casg export -odashed db && cmp ../three.fa dashed &&
	CASG_DIR=.. casg export db -o - >dash && cmp ../three.fa dash &&
	ls -a >names && test_grep ! "casg-[0-9]" names &&
	ls -a sub >names && test_grep ! "casg-[0-9]" names
'

test_expect_success '-o FILE replaces the file, not what else has its bytes' '
	echo old >file && ln file other &&
	casg export -o file db && cmp three.fa file &&
	echo old >expect && test_cmp expect other &&
	alone file
'

test_expect_success '-o FILE of an empty version' '
	: >none.fa && casg import -q --allow-empty none.fa &&
	casg export -o empty none && test_must_be_empty empty
'

test_expect_success '-o FILE: nothing is left and nothing replaced when it fails' '
	echo keep >file &&
	test_expect_code 128 casg export -o file nope:db 2>err &&
	echo keep >expect && test_cmp expect file && alone file &&
	test_expect_code 128 casg export -o absent nope:db &&
	test_path_is_missing absent && ! ls | grep "^absent" &&
	test_expect_code 128 casg export -o dest db 2>err &&
	test_path_is_dir dest &&
	test_expect_code 128 casg export -o no/such/folder db 2>err &&
	test_grep "^fatal: cannot write '\''no/such/folder'\''" err
'

test_expect_success NOTROOT '-o FILE where nothing may be written' '
	mkdir ro && chmod a-w ro &&
	test_when_finished "chmod u+w ro" &&
	test_expect_code 128 casg export -o ro/file db
'

test_lazy_prereq ENV_SIGNAL 'env --default-signal=INT,TERM,HUP true'

test_expect_success ENV_SIGNAL '-o FILE: interrupted, nothing is left and nothing replaced' '
	casg-gen --seed 1 --records 2000 --length 3000 >big.fa && casg import -q big.fa &&
	echo keep >file && echo keep >expect &&
	mkdir slow &&
	for p in "$CASG_BUILD_DIR"/bin-wrappers/*; do ln -s "$p" slow/ || return 1; done &&
	rm slow/casg-assemble &&
	printf "#!/bin/sh\necho part\nsleep 600\n" >slow/casg-assemble && chmod +x slow/casg-assemble &&
	for signal in INT TERM HUP; do
		{ env --default-signal=INT,TERM,HUP setsid casg --exec-path="$PWD/slow" export -o file big & } && pid=$! &&
		wait_for eval "test -s file.casg-*" &&
		kill -s $signal -- -$pid &&
		{ wait $pid; code=$?; } &&
		case $signal in INT) test $code = 130 ;; TERM) test $code = 143 ;; HUP) test $code = 129 ;; esac &&
		test_cmp expect file && alone file || return 1
	done
'

test_expect_success DEVFULL 'a full disk' '
	test_expect_code 128 casg export big >/dev/full 2>err &&
	test_grep "^fatal: .*No space left" err &&
	test_expect_code 128 casg export db >/dev/full &&
	test_expect_code 128 casg ls db >/dev/full &&
	test_expect_code 128 casg export -o /dev/full db &&
	test -c /dev/full
'

test_expect_success 'a pipe that is closed early' '
	# more than a pipe holds, also as records
	casg-gen --type protein --records 30000 --length 60 >many.fa &&
	casg import -q many.fa &&
	{
		casg export many 2>err
		echo $? >status
	} | head -c 100 >out &&
	head -c 100 many.fa >expect && cmp expect out &&
	read -r status <status &&
	case $status in 128 | 141) ;; *) return 1 ;; esac &&
	{
		casg ls many 2>err
		echo $? >status
	} | sed 1q >out &&
	test_line_count = 1 out &&
	read -r status <status &&
	case $status in 128 | 141) ;; *) return 1 ;; esac
'

test_expect_success 'standard output that is closed' '
	test_expect_code 128 casg export db >&- &&
	test_expect_code 128 casg ls db >&-
'

test_expect_success '--quiet, and no progress where no terminal is' '
	casg export --quiet db >back 2>err && cmp three.fa back && test_must_be_empty err &&
	casg export big >back 2>err && test_must_be_empty err &&
	casg ls --quiet big >back 2>err && test_must_be_empty err
'

# ---- damage

# damage PACK OFFSET, and mend it at the end of the test
damage () {
	cp -f "$1" saved.pack && chmod u+w "$1" && flip_byte "$1" "$2"
}

mend () {
	cp -f saved.pack "$1"
}

# the packs that an import brought: in the file "brought"
import_noting () {
	ls .git/casg/packs/*.pack >packs.before &&
	casg import -q "$@" &&
	ls .git/casg/packs/*.pack >packs.after &&
	comm -13 packs.before packs.after >brought
}

test_expect_success 'setup of damage' '
	casg-gen --seed 5 --type protein --records 3000 --length 300 >p1.fa &&
	casg-gen --seed 6 --type protein --records 3000 --length 300 >p2.fa &&
	import_noting p1.fa && cp brought brought.p1 &&
	import_noting p2.fa && test_line_count = 2 brought &&
	exports p1.fa p1 && exports p2.fa p2
'

test_expect_success 'a flipped byte anywhere in a pack: 128, named, nothing wrong is printed' '
	while read -r pack; do
		size=$(wc -c <$pack) &&
		for at in 0 5 $((size / 5)) $((size / 3)) $((size / 2)) $((size * 4 / 5)) $((size - 40)) $((size - 1)); do
			damage $pack $at &&
			casg export p2 >out 2>err
			case $? in
			0) cmp p2.fa out ;; # not a byte that was needed
			128)
				test_grep "^fatal: .*${pack##*/}" err &&
				head -c $(wc -c <out) p2.fa >expect && cmp expect out
				;;
			*) false ;;
			esac || { mend $pack && echo "$pack $at" && return 1; }
			test_expect_code 1 casg-verify-pack $pack >out 2>&1 || { mend $pack && return 1; }
			mend $pack
		done || return 1
	done <brought
'

test_expect_success 'most of them are needed' '
	pack=$(ls -S $(cat brought) | sed 1q) && size=$(wc -c <$pack) &&
	for part in 1 2 3 4 5 6 7; do
		damage $pack $((size * part / 8)) &&
		{ test_expect_code 128 casg export p2 >out 2>err; code=$?; mend $pack; test $code = 0; } &&
		test_grep "${pack##*/}" err || return 1
	done
'

test_expect_success 'other databases still export, and -o leaves the old file' '
	damage $pack $((size / 2)) &&
	test_when_finished "mend $pack" &&
	echo keep >file && echo keep >expect.file &&
	test_expect_code 128 casg export -o file p2 2>err &&
	test_cmp expect.file file && alone file &&
	test_expect_code 128 casg ls p2 >out 2>err &&
	test_grep "${pack##*/}" err &&
	exports p1.fa p1 && exports three.fa db && exports big.fa big &&
	test_expect_code 1 casg fsck >out 2>err &&
	test_grep "${pack##*/}" err
'

test_expect_success 'a pack that is cut short' '
	for n in 0 1 20 $((size / 2)) $((size * 9 / 10)); do
		cp -f $pack saved.pack && chmod u+w $pack && head -c $n saved.pack >$pack &&
		{ test_expect_code 128 casg export p2 >out 2>err; code=$?; mend $pack; test $code = 0; } &&
		test_grep "${pack##*/}" err &&
		head -c $(wc -c <out) p2.fa >expect && cmp expect out || return 1
	done &&
	chmod u+w $pack && head -c $((size - 1)) saved.pack >$pack &&
	{ test_expect_code 1 casg fsck >out 2>err; code=$?; mend $pack; test $code = 0; } &&
	test_grep "${pack##*/}" err
'

test_expect_success 'a pack that is gone: other databases still export' '
	for pack in $(cat brought); do
		mv $pack gone.pack && mv ${pack%.pack}.idx gone.idx &&
		{
			test_expect_code 128 casg export p2 >out 2>err &&
			test_grep "^fatal: " err &&
			head -c $(wc -c <out) p2.fa >expect && cmp expect out &&
			exports p1.fa p1 &&
			exports three.fa db
			code=$?
			mv gone.pack $pack && mv gone.idx ${pack%.pack}.idx &&
			test $code = 0
		} || return 1
	done &&
	exports p2.fa p2
'

test_expect_success 'one pack under the name of the other' '
	set -- $(cat brought) $(cat brought.p1) &&
	cp -f $1 one.saved && chmod u+w $1 && cp -f $3 $1 &&
	test_when_finished "cp -f one.saved $1" &&
	test_expect_code 128 casg export p2 >out 2>err &&
	head -c $(wc -c <out) p2.fa >expect && cmp expect out
'

test_expect_success 'a VERSION that says something else' '
	casg read-version p2 | sed "s/^source-sha256 .*/source-sha256 $(sha256sum <p1.fa | cut -c1-64)/" >VERSION &&
	casg-commit-tree -p HEAD --database=lie -m lie <VERSION >commit &&
	test_expect_code 128 casg export $(cat commit):lie >out 2>err &&
	test_grep "source-sha256" err &&
	casg read-version p2 | sed "s/^count .*/count 2999/; /^source-sha256/d" >VERSION &&
	casg-commit-tree -p HEAD --database=lie -m lie <VERSION >commit &&
	test_expect_code 128 casg export $(cat commit):lie >out 2>err &&
	casg read-version p2 | sed "s/^order .*/order $(casg-read-version --field=presentation p2)/; /^source-sha256/d" >VERSION &&
	casg-commit-tree -p HEAD --database=lie -m lie <VERSION >commit &&
	test_expect_code 128 casg export $(cat commit):lie >out 2>err &&
	casg read-version p2 | sed "s/^records .*/records $(casg-read-version --field=records p1)/; /^source-sha256/d" >VERSION &&
	casg-commit-tree -p HEAD --database=lie -m lie <VERSION >commit &&
	casg export $(cat commit):lie >out 2>err &&
	! cmp -s out p2.fa
'

test_done
