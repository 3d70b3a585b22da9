#!/bin/sh
# What all programs do alike, and the dispatcher.

test_description='options, exit status, standard output'
. "$(dirname "$0")/test-lib.sh"

(cd "$CASG_BUILD_DIR/bin-wrappers" && ls -d casg-*) | grep -v '^casg-sh-' >programs

# ---- every program

test_expect_success 'there are programs' '
	test -s programs
'

test_expect_success '-h prints to standard output and exits with 129' '
	while read -r p; do
		test_expect_code 129 "$p" -h >out 2>err </dev/null &&
		test_must_be_empty err &&
		test_grep "^usage: " out || { echo "$p" && return 1; }
	done <programs
'

test_expect_success 'an unknown option prints to standard error and exits with 129' '
	while read -r p; do
		for option in --no-such-option -@; do
			test_expect_code 129 "$p" $option >out 2>err </dev/null &&
			test_must_be_empty out &&
			test_grep "^error: unknown .*$option" err &&
			test_grep "^usage: " err || { echo "$p" && return 1; }
		done
	done <programs
'

test_expect_success DEVFULL 'a full disk is an error' '
	while read -r p; do
		test_expect_code 128 "$p" -h >/dev/full 2>err </dev/null ||
			{ echo "$p" && return 1; }
	done <programs &&
	test_expect_code 128 casg version >/dev/full 2>err &&
	test_expect_code 128 casg help >/dev/full 2>err &&
	test_expect_code 128 casg-gen --records 1 >/dev/full 2>err &&
	test_expect_code 128 casg-gen --records 10000 >/dev/full 2>err &&
	test_grep "^fatal: cannot write to standard output: No space" err
'

test_expect_success 'closed standard output is an error when there is something to say' '
	while read -r p; do
		test_expect_code 128 "$p" -h >&- 2>err </dev/null ||
			{ echo "$p" && return 1; }
	done <programs
'

test_expect_success 'a closed pipe ends the program by SIGPIPE' '
	{
		(
			casg-gen --records 100000
			echo $? >status
		) | head -n 1 >out
	} &&
	echo 141 >expect &&
	test_cmp expect status
'

test_expect_success 'also when the parent ignored the signal' '
	{
		(
			trap "" PIPE
			casg-gen --records 100000 2>err
			echo $? >status
		) | head -n 1 >out
	} &&
	echo 141 >expect &&
	test_cmp expect status
'

# ---- the parser, through casg-parse-opt

cat >spec <<\EOF
casg frob [--quiet] FILE...
casg frob --other
--
q,quiet          say nothing
v,verbose        say more
progress~        show progress
d,database=NAME  the database to frob
memory%SIZE      at most so much
n,count#N        so many
source+FILE      may be repeated
hidden
EOF

parse () {
	casg-parse-opt -- "$@" <spec
}

test_expect_success 'nothing given' '
	parse >out &&
	cat >expect <<-\EOF &&
	opt_quiet=
	opt_verbose=
	opt_progress=
	opt_database=
	opt_memory=
	opt_count=
	opt_source=Q
	opt_hidden=
	set --
	EOF
	sed "s/Q/'\'''\''/" expect >expect2 &&
	test_cmp expect2 out
'

test_expect_success 'letters, bundled, with values joined and apart' '
	parse -qvd one -n5 >out &&
	test_grep "^opt_quiet=1\$" out &&
	test_grep "^opt_verbose=1\$" out &&
	test_grep "^opt_database=.one.\$" out &&
	test_grep "^opt_count=5\$" out &&
	parse -qdone >out &&
	test_grep "^opt_database=.one.\$" out
'

test_expect_success 'long names, values with = and apart, --no-' '
	parse --quiet --no-quiet --no-progress --database=a --database b --memory 2m >out &&
	test_grep "^opt_quiet=\$" out &&
	test_grep "^opt_progress=0\$" out &&
	test_grep "^opt_database=.b.\$" out &&
	test_grep "^opt_memory=2097152\$" out
'

test_expect_success 'options after arguments, -- and -' '
	parse a -q - -- -v --quiet "" >out &&
	test_grep "^opt_quiet=1\$" out &&
	test_grep "^opt_verbose=\$" out &&
	(
		eval "$(cat out)" &&
		test $# = 5 && test "$1" = a && test "$2" = - && test "$3" = -v &&
		test "$4" = --quiet && test -z "$5"
	)
'

test_expect_success 'values survive evaluation' '
	nasty="it'\''s \"\$(touch pwned)\` \\ * ${LF}end" &&
	parse -d "$nasty" --source "$nasty" --source "b c" "$nasty" >out &&
	(
		eval "$(cat out)" &&
		test "$opt_database" = "$nasty" && test $# = 1 && test "$1" = "$nasty" &&
		eval "set -- $opt_source" &&
		test $# = 2 && test "$1" = "$nasty" && test "$2" = "b c"
	) &&
	test_path_is_missing pwned
'

test_expect_success 'what is wrong is refused with 129' '
	for args in --quiet=1 --database -d --memory=1x --memory=-1 --memory= \
		--memory=99999999999g --count=18446744073709551616 -nx "-n -1" \
		--no-database -x --databas=1 --; do
		case $args in --) continue ;; esac
		test_expect_code 129 parse $args >out 2>err &&
		test_must_be_empty out &&
		test_grep "^error: " err &&
		test_grep "^usage: casg frob" err || { echo "$args" && return 1; }
	done
'

test_expect_success 'too few and too many arguments' '
	test_expect_code 129 casg-parse-opt --min-args 1 -- <spec 2>err &&
	test_grep "too few" err &&
	test_expect_code 129 casg-parse-opt --max-args 1 -- a b <spec 2>err &&
	test_grep "too many" err &&
	casg-parse-opt --min-args 1 --max-args 1 -- a <spec
'

test_expect_success '-h among the arguments is the usage of the script' '
	parse -qh >out &&
	test_expect_code 129 sh out >usage &&
	cat >expect <<-\EOF &&
	usage: casg frob [--quiet] FILE...
	   or: casg frob --other

	    -q, --quiet           say nothing
	    -v, --verbose         say more
	    --progress            show progress
	    -d, --database NAME   the database to frob
	    --memory SIZE         at most so much
	    -n, --count N         so many
	    --source FILE         may be repeated
	EOF
	test_cmp expect usage
'

test_expect_success 'a broken specification is 128' '
	: >empty &&
	test_expect_code 128 casg-parse-opt -- <empty 2>err &&
	printf "casg a\n--\nBad  help\n" >bad &&
	test_expect_code 128 casg-parse-opt -- <bad 2>err &&
	printf "casg a\ncasg b\n--\n" >bad &&
	test_expect_code 128 casg-parse-opt -- <bad 2>err
'

# ---- what a script hands on to programs

test_expect_success 'a value that a program refuses shows the usage of what was typed' '
	casg init -q typed &&
	(
		cd typed &&
		printf ">a\nMKVLAT\n" >a.fa &&
		casg import -q --database db a.fa &&
		casg ls db >records &&
		while read -r command; do
			# shellcheck disable=SC2086 # words
			test_expect_code 129 casg $command >out 2>err <records &&
			test_must_be_empty out &&
			test_grep "^error: " err &&
			test_grep "^usage: casg ${command%% *} " err &&
			! grep "casg-" err || { echo "$command" && cat err && return 1; }
		done <<-\EOF
		reduce --profile p --identity 2 db
		import --expect-records x a.fa
		import --memory 2 a.fa
		commit --sequence-time x db
		commit --memory 2 db
		gap --from x db
		rm --sequence-time x db a
		rm --memory 2 db a
		gc --grace 99999999999999999999
		fsck --memory 2
		optimise --window x
		optimise --threads x
		optimise --estimate --memory 2
		repack --memory x
		repack --memory 2
		diff --format x
		query --class x
		subset --exclude 562 db
		subset --taxon 562 db more
		verify --from x
		EOF
	)
'

test_expect_success 'but what a hook of the script types shows its own' '
	(
		cd typed &&
		mkdir -p .git/hooks &&
		printf "#!/bin/sh\ncasg ls-tree --bad\n" >.git/hooks/reference-transaction &&
		chmod +x .git/hooks/reference-transaction &&
		test_when_finished "rm -f \"$PWD/.git/hooks/reference-transaction\"" &&
		test_must_fail casg tag v1 2>err &&
		test_grep "^usage: casg-ls-tree" err
	)
'

test_expect_success 'bounds of sizes are told as they are typed' '
	test_expect_code 129 casg -C typed import --memory 1k a.fa 2>err &&
	test_grep "wanted 64m or more" err &&
	git -C typed config casg.packSize 1k &&
	test_when_finished "git -C typed config --unset casg.packSize" &&
	test_expect_code 128 casg -C typed import -q a.fa 2>err &&
	test_grep "wanted 1m to 4g" err
'

# ---- the dispatcher

test_expect_success 'casg version' '
	casg version >out &&
	test_grep "^casg version [0-9]*\.[0-9]*\.[0-9]*\$" out &&
	casg --version >again &&
	test_cmp out again
'

test_expect_success 'casg alone lists the commands and exits with 1' '
	test_expect_code 1 casg >out &&
	casg help >again &&
	test_cmp out again &&
	test_grep "^usage: casg " out &&
	test_grep "^   parse-opt  *parse" out
'

test_expect_success 'an unknown command is a no' '
	test_expect_code 1 casg no-such 2>err &&
	echo "casg: '\''no-such'\'' is not a casg command. See '\''casg help'\''." >expect &&
	test_cmp expect err &&
	test_expect_code 1 casg "" 2>err &&
	test_expect_code 1 casg sh-setup 2>err &&
	test_expect_code 1 casg ../bin-wrappers/casg-help 2>err
'

test_expect_success 'casg config: settings are Git'\''s' '
	for args in "" "--global casg.threads 2"; do
		test_expect_code 1 casg config $args >out 2>err && test_must_be_empty out && test_line_count = 2 err &&
		test_grep "not a casg command" err && test_grep "git config casg\.KEY" err && test_grep "casg-config(5)" err || return 1
	done
'

test_expect_success 'commands that are like it are told' '
	test_expect_code 1 casg imprt 2>err && test_grep "^	import\$" err && test_line_count = 4 err &&
	test_expect_code 1 casg subse 2>err && test_grep "^	subset\$" err &&
	test_expect_code 1 casg gcc 2>err && test_grep "^	gc\$" err &&
	test_expect_code 1 casg frobnicate 2>err && test_line_count = 1 err
'

test_expect_success 'an unknown option is usage' '
	test_expect_code 129 casg --frob 2>err &&
	test_grep "^error: unknown option .--frob" err &&
	test_expect_code 129 casg -C 2>err
'

test_expect_success 'casg X is casg-X, also from PATH' '
	mkdir -p bin &&
	test_when_finished "rm -rf bin" &&
	printf "#!/bin/sh\necho \"\$# \$1\"\nexit 7\n" >bin/casg-mine &&
	chmod +x bin/casg-mine &&
	PATH=$PATH:$PWD/bin test_expect_code 7 casg mine "a b" >out &&
	echo "1 a b" >expect &&
	test_cmp expect out
'

test_expect_success 'casg -C' '
	mkdir -p "sub dir/deep" &&
	test_when_finished "rm -rf bin" &&
	mkdir bin &&
	printf "#!/bin/sh\npwd\n" >bin/casg-where &&
	chmod +x bin/casg-where &&
	PATH=$PATH:$PWD/bin casg -C "sub dir" -C deep where >out &&
	echo "$PWD/sub dir/deep" >expect &&
	test_cmp expect out &&
	test_expect_code 128 casg -C missing version 2>err
'

test_expect_success '--exec-path' '
	dir=$(casg --exec-path) &&
	test_path_is_file "$dir/casg-help" &&
	mkdir -p other &&
	printf "#!/bin/sh\necho other\n" >other/casg-help &&
	chmod +x other/casg-help &&
	test "$(casg --exec-path="$PWD/other" help)" = other
'

test_expect_success 'casg works through a relative path and a link' '
	mkdir -p links &&
	ln -s "$(command -v casg)" links/casg &&
	links/casg version >out &&
	(
		cd "$CASG_BUILD_DIR/bin-wrappers" &&
		./casg help >"$TRASH_DIRECTORY/out" &&
		cd .. &&
		bin-wrappers/casg version
	) &&
	test_grep parse-opt out
'

test_expect_success 'plumbing works by its own name' '
	"$(casg --exec-path)/casg-parse-opt" -- <spec >out &&
	test_grep "^set --" out
'

test_expect_success 'casg help of what there is not' '
	test_expect_code 1 casg help no-such-thing 2>err &&
	test_grep "no page" err
'

test_done
