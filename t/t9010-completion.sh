#!/bin/sh
# Completion of command lines: what can stand there, and the shells' side of it.

test_description='contrib/completion for bash and zsh'
. "$(dirname "$0")/test-lib.sh"

completion=$CASG_SOURCE_DIR/contrib/completion

test_lazy_prereq BASH4 'bash -c "((BASH_VERSINFO[0] >= 4))"'
test_lazy_prereq ZSH 'command -v zsh'

test_expect_success 'setup' '
	casg init -q . &&
	git branch -m main &&
	printf ">a\nACGT\n" >x.fa &&
	casg import -q --database grp/one x.fa &&
	casg import -q --database grp/two x.fa &&
	casg import -q --database solo x.fa &&
	git tag v1 && git branch side HEAD~2
'

# candidates WORD...: for the last one, sorted; the status in "code".
candidates () {
	(
		. "$completion/completion.sh" &&
		__casg_complete $#  casg "$@"
		echo $? >code
	) >raw
	sort raw >actual
}

# expect WORD...: what "actual" must hold.
expect () {
	printf "%s\n" "$@" | sed "/^\$/d" | sort >expect &&
	test_cmp expect actual
}

# ---- what can stand there

test_expect_success 'commands: all of daily use, programs where nothing else fits' '
	candidates "" &&
	awk "\$2 == \"porcelain\" { print substr(\$1, 6) }" \
		"$CASG_SOURCE_DIR/command-list.txt" | sort >expect &&
	test_cmp expect actual &&
	candidates lo && expect log &&
	candidates hash && expect hash-object &&
	candidates nothing-like-it && expect "" &&
	candidates help ver && expect verify version &&
	candidates -C "$PWD" lo && expect log &&
	candidates --ver && expect --version
'

test_expect_success 'options: those of -h, of every command' '
	casg help >commands &&
	sed -n "s/^   \([a-z][a-z-]*\) .*/\1/p" commands | grep -v "^casg" >names &&
	while read -r name; do
		casg "$name" -h </dev/null >help
		candidates "$name" --r </dev/null &&
		sed -n "s/^    \(-., \)*\(--r[a-z0-9-]*\).*/\2/p" help | sort >expect &&
		sed "s/=\$//" actual >plain &&
		test_cmp expect plain || return 1
	done <names
'

test_expect_success 'an option that takes a value ends in =' '
	candidates import --m && expect --memory= --message= &&
	candidates import -m && expect -m &&
	candidates import --database= &&
	expect --database=grp/one --database=grp/two --database=solo &&
	candidates import --database=g && expect --database=grp/one --database=grp/two &&
	candidates import -d s && expect solo &&
	candidates import --database s && expect solo &&
	candidates import -m "" && expect "" && echo 0 >zero && test_cmp zero code
'

test_expect_success 'profiles' '
	casg reduce -q --profile half --identity 0.5 solo &&
	casg reduce -q --profile most --identity 0.9 solo &&
	candidates export --profile= && expect --profile=half --profile=most &&
	candidates ls --profile m && expect most &&
	candidates read-profile --profile= && expect ""
'

test_expect_success 'databases, revisions, REV:DATABASE' '
	candidates export "" && expect grp/one grp/two solo HEAD: main: side: v1: &&
	candidates export g && expect grp/one grp/two &&
	candidates export v1:g && expect v1:grp/one v1:grp/two &&
	candidates export side: && expect side:grp/one &&
	candidates show s && expect solo side side: &&
	candidates verify --roots m && expect main main: &&
	candidates log -n 3 sol && expect solo &&
	candidates log --oneline v1: && expect v1:grp/one v1:grp/two v1:solo &&
	candidates export nowhere: && expect ""
'

test_expect_success 'branches and tags' '
	candidates switch "" && expect main side &&
	candidates switch -c new "" && expect HEAD main side v1 &&
	candidates branch -d s && expect side &&
	candidates branch "" && expect "" &&
	candidates branch new s && expect side &&
	candidates tag -d "" && expect v1 &&
	candidates tag v2 "" && expect HEAD main side v1 &&
	candidates tag -u "" && expect ""
'

test_expect_success 'keys are not completed, nor by files; files are where files stand' '
	candidates cat solo "" && expect "" && test_cmp zero code &&
	candidates log solo -- "" && expect "" && test_cmp zero code &&
	echo 2 >two &&
	candidates import "" && test_cmp two code &&
	candidates export -o "" && test_cmp two code &&
	candidates -C "" && test_cmp two code &&
	candidates verify-pack "" && test_cmp two code
'

test_expect_success 'in another folder, by CASG_DIR, and where there is none' '
	(
		cd / &&
		. "$completion/completion.sh" &&
		__casg_complete 4 casg -C "$TRASH_DIRECTORY" export so &&
		CASG_DIR=$TRASH_DIRECTORY/.git __casg_complete 2 casg export sol &&
		CASG_DIR=$TRASH_DIRECTORY/.git __casg_complete 2 casg switch s &&
		__casg_complete 2 casg export ""
	) >actual 2>err &&
	printf "%s\n" solo solo side >expect &&
	test_cmp expect actual &&
	test_must_be_empty err
'

test_expect_success 'the shell around it keeps its variables' '
	(
		dir=kept command=kept words=kept &&
		. "$completion/completion.sh" &&
		__casg_complete 1 casg lo >actual &&
		test "$dir$command$words" = keptkeptkept
	) &&
	expect log
'

# ---- bash

cat >by-bash <<\EOF
# LINE: what bash would offer at its end, a line each
. "$1"
COMP_LINE=$2 COMP_POINT=${#2}
compopt () { printf 'compopt %s\n' "$*"; }
_casg
printf '%s\n' "${COMPREPLY[@]}"
EOF

in_bash () {
	bash --norc by-bash "$completion/casg-completion.bash" "$1" >raw 2>err &&
	test_must_be_empty err &&
	sed "/^\$/d; /^compopt/d" raw | sort >actual
}

test_expect_success BASH4 'bash: words, also behind : and =' '
	in_bash "casg lo" && expect log &&
	in_bash "casg export g" && expect grp/one grp/two &&
	in_bash "casg export v1:s" && expect solo &&
	in_bash "casg import --database=s" && expect solo &&
	in_bash "casg switch " && expect main side &&
	in_bash "casg cat solo " && expect ""
'

test_expect_success BASH4 'bash: no space behind : and =, files only where they stand' '
	in_bash "casg export si" && expect side: && test_grep "^compopt -o nospace" raw &&
	in_bash "casg import --mem" && expect --memory= && test_grep "^compopt -o nospace" raw &&
	in_bash "casg lo" && test_grep ! nospace raw &&
	in_bash "casg cat solo " && test_grep "^compopt +o default" raw &&
	in_bash "casg import " && test_grep ! "^compopt +o default" raw
'

test_expect_success BASH4 'bash: it is registered' '
	bash --norc -c ". \"\$1\" && complete -p casg" x "$completion/casg-completion.bash" >out &&
	echo "complete -o default -F _casg casg" >expect &&
	test_cmp expect out
'

# ---- zsh

cat >by-zsh <<\EOF
# INDEX WORD...: what zsh would offer
compadd () { print -r -- "compadd $*" }
_files () { print files }
. "$1"
shift
CURRENT=$1
shift
words=("$@")
PREFIX=$words[CURRENT]
_casg
EOF

in_zsh () {
	zsh -f by-zsh "$completion/_casg" $# "$@" >actual 2>err &&
	test_must_be_empty err
}

test_expect_success ZSH 'zsh: words, with and without a space behind' '
	in_zsh casg lo && echo "compadd -- log" >expect && test_cmp expect actual &&
	in_zsh casg export si && echo "compadd -S  -- side:" >expect && test_cmp expect actual &&
	in_zsh casg export v1:s && echo "compadd -- v1:solo" >expect && test_cmp expect actual &&
	in_zsh casg import --database=s &&
	echo "compadd -- --database=solo" >expect && test_cmp expect actual &&
	in_zsh casg show s &&
	printf "%s\n" "compadd -S  -- side:" "compadd -- solo side" >expect &&
	test_cmp expect actual
'

test_expect_success ZSH 'zsh: nothing for keys, files where they stand' '
	in_zsh casg cat solo "" && test_must_be_empty actual &&
	in_zsh casg import "" && echo files >expect && test_cmp expect actual
'

test_expect_success ZSH 'zsh: compinit takes it' '
	mkdir fns && cp "$completion/_casg" fns/ &&
	zsh -f -c "fpath=(\$PWD/fns \$fpath); autoload -Uz compinit; compinit -u -D; print -r -- \$_comps[casg]" \
		>out 2>err &&
	echo _casg >expect &&
	test_cmp expect out
'

# ---- installed

test_expect_success 'make install puts it where the shells look' '
	(
		unset MAKEFLAGS MAKELEVEL MFLAGS &&
		cd "$CASG_BUILD_DIR" &&
		make -s install DESTDIR="$TRASH_DIRECTORY/inst" \
			bashcompdir=/b zshcompdir=no
	) &&
	cmp inst/b/casg "$completion/casg-completion.bash" &&
	test -z "$(find inst -name _casg)" &&
	test -n "$(find inst -name completion.sh)" &&
	test_grep "^bashcompdir = .*bash-completion/completions" "$CASG_BUILD_DIR/Makefile" &&
	test_grep "^zshcompdir = .*site-functions" "$CASG_BUILD_DIR/Makefile"
'

test_done
