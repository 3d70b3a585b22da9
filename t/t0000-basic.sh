#!/bin/sh
# The test library tested: that what passes passes and, more to the point,
# that what fails fails.

test_description='the test library itself'
. "$(dirname "$0")/test-lib.sh"

# run_sub NAME [OPTION...]: a test file made of stdin; its TAP goes to NAME/out.
run_sub () {
	sub=$1 &&
	shift &&
	mkdir -p "$sub" &&
	{
		printf '#!/bin/sh\ntest_description="%s"\n' "$sub" &&
		printf '. "$TEST_DIRECTORY/test-lib.sh"\n' &&
		cat
	} >"$sub/$sub.sh" &&
	(
		unset CASG_TEST_OPTS TEST_KEEP CASG_TEST_LONG
		CASG_TEST_ROOT=$PWD/$sub/root
		export CASG_TEST_ROOT
		sh "$sub/$sub.sh" "$@" >"$sub/out" 2>"$sub/err"
	)
}

test_expect_success 'a test that passes' '
	run_sub pass <<-\EOF &&
	test_expect_success "one" "true && true"
	test_done
	EOF
	cat >expect <<-\EOF &&
	ok 1 - one
	1..1
	EOF
	test_cmp expect pass/out &&
	test_must_be_empty pass/err &&
	test_path_is_missing pass/root
'

test_expect_success 'a test that fails makes the file fail and keeps its folder' '
	test_expect_code 1 run_sub fail <<-\EOF &&
	test_expect_success "one" "echo seen && false"
	test_expect_success "two" "true"
	test_done
	EOF
	test_grep "^not ok 1 - one" fail/out &&
	test_grep "^# seen" fail/out &&
	test_grep "^ok 2 - two" fail/out &&
	test_grep "^1..2" fail/out &&
	test_path_is_dir "fail/root/trash directory.fail"
'

test_expect_success '-i stops at the first failure' '
	test_expect_code 1 run_sub immediate -i <<-\EOF &&
	test_expect_success "one" "false"
	test_expect_success "two" "true"
	test_done
	EOF
	test_grep "^not ok 1" immediate/out &&
	test_grep ! "two" immediate/out
'

test_expect_success '-v shows on standard error, -d keeps the folder' '
	run_sub options -v -d <<-\EOF &&
	test_expect_success "one" "echo said"
	test_done
	EOF
	test_grep "^said" options/err &&
	test_grep ! "said" options/out &&
	test_path_is_dir "options/root/trash directory.options"
'

test_expect_success '-x traces' '
	run_sub trace -x <<-\EOF &&
	test_expect_success "one" "echo a\$((1 + 1))b"
	test_done
	EOF
	test_grep "^+ echo a2b" trace/err
'

test_expect_success 'a file that forgets test_done fails' '
	test_expect_code 1 run_sub early <<-\EOF &&
	test_expect_success "one" "true"
	EOF
	test_grep "ended early" early/out &&
	test_grep ! "^1\.\." early/out
'

test_expect_success 'a body that exits fails the file' '
	test_expect_code 1 run_sub exits <<-\EOF &&
	test_expect_success "one" "exit 0"
	test_done
	EOF
	test_grep "ended early" exits/out
'

test_expect_success 'a broken &&-chain is an error' '
	test_expect_code 1 run_sub chain <<-\EOF &&
	test_expect_success "one" "
		false
		true
	"
	test_done
	EOF
	test_grep "^Bail out! .*chain: one" chain/out
'

test_expect_success 'a chain may hold comments, lists in braces and here-documents' '
	run_sub chained <<-\EOF
	test_expect_success "one" "
		# a remark
		{
			echo a &&
			echo b
		} >out &&
		for i in 1 2; do
			echo \$i || return 1
		done >>out &&
		cat >>out <<-\\END &&
		end
		END
		test_line_count = 5 out
	"
	test_done
	EOF
'

test_expect_success 'test_must_fail takes 1 and 128 and nothing else' '
	test_must_fail sh -c "exit 1" &&
	test_must_fail sh -c "exit 128" &&
	for code in 0 2 99 127 129 134 139; do
		! test_must_fail sh -c "exit $code" 2>/dev/null || return 1
	done &&
	! test_must_fail sh -c "kill -SEGV \$\$" 2>/dev/null
'

test_expect_success 'test_expect_code takes only its code' '
	test_expect_code 7 sh -c "exit 7" &&
	! test_expect_code 7 sh -c "exit 8" 2>/dev/null &&
	! test_expect_code 1 true 2>/dev/null
'

test_expect_success 'the comparisons notice differences' '
	echo a >a && echo b >b && : >empty &&
	test_cmp a a && ! test_cmp a b >/dev/null &&
	test_cmp_bin a a && ! test_cmp_bin a b >/dev/null &&
	test_line_count = 1 a && ! test_line_count = 2 a 2>/dev/null &&
	test_grep a a && ! test_grep b a 2>/dev/null &&
	test_grep ! b a && ! test_grep ! a a 2>/dev/null &&
	test_must_be_empty empty && ! test_must_be_empty a 2>/dev/null &&
	test_path_is_file a && ! test_path_is_file none 2>/dev/null &&
	test_path_is_dir . && ! test_path_is_dir a 2>/dev/null &&
	test_path_is_missing none && ! test_path_is_missing a 2>/dev/null
'

test_expect_success 'flip_byte changes one byte' '
	printf abc >abc &&
	flip_byte abc 1 &&
	printf "a\\235c" >expect &&
	test_cmp_bin expect abc
'

test_expect_success 'test_when_finished runs after pass and failure, last first' '
	test_expect_code 1 run_sub cleanup <<-\EOF &&
	test_expect_success "one" "
		test_when_finished \"echo first >>../log\" &&
		test_when_finished \"echo second >>../log\" &&
		echo body >>../log
	"
	test_expect_success "two" "
		test_when_finished \"echo after >>../log\" &&
		false
	"
	test_expect_success "three" "
		test_when_finished false
	"
	test_done
	EOF
	printf "%s\n" body second first after >expect &&
	test_cmp expect cleanup/root/log &&
	test_grep "^ok 1" cleanup/out &&
	test_grep "^not ok 2" cleanup/out &&
	test_grep "^not ok 3" cleanup/out
'

test_expect_success 'return ends a body, not its cleanup' '
	test_expect_code 1 run_sub return <<-\EOF &&
	test_expect_success "one" "
		test_when_finished \"echo after >>../log\" &&
		for i in 1 2; do
			echo \$i >>../log &&
			false || return 1
		done
	"
	test_done
	EOF
	printf "%s\n" 1 after >expect &&
	test_cmp expect return/root/log
'

test_expect_success 'prerequisites skip, also lazy and negated ones' '
	run_sub prereq <<-\EOF &&
	test_set_prereq HAVE
	test_lazy_prereq YES true
	test_lazy_prereq NO false
	test_expect_success HAVE,YES,!NO "runs" "true"
	test_expect_success YES "runs again" "true"
	test_expect_success NONE "skipped" "false"
	test_expect_success HAVE,NO "skipped" "false"
	test_expect_success !HAVE "skipped" "false"
	test_done
	EOF
	test_grep "^ok 1 - runs" prereq/out &&
	test_grep "^ok 2 - runs again" prereq/out &&
	test_grep "^ok 3 # SKIP skipped (needs NONE)" prereq/out &&
	test_grep "^ok 4 # SKIP skipped (needs NO)" prereq/out &&
	test_grep "^ok 5 # SKIP skipped (needs !HAVE)" prereq/out
'

test_expect_success 'skip_all' '
	run_sub skip <<-\EOF &&
	skip_all "no reason"
	EOF
	echo "1..0 # SKIP no reason" >expect &&
	test_cmp expect skip/out
'

test_expect_success 'known breakages are TODO' '
	run_sub todo <<-\EOF &&
	test_expect_failure "one" "false"
	test_done
	EOF
	test_grep "^not ok 1 - one # TODO" todo/out
'

test_expect_success 'the world is fixed: home, locale, identity, no settings' '
	test "$HOME" = "$PWD" &&
	test "$LC_ALL" = C &&
	test "$(git var GIT_AUTHOR_IDENT)" = "A U Thor <author@example.org> 1709287200 +0000" &&
	test -z "$(env | grep "^CASG_" | grep -v "^CASG_SOURCE_DIR\|^CASG_BUILD_DIR\|^CASG_TEST")" &&
	test_must_fail git rev-parse --git-dir 2>err
'

test_expect_success 'casg is that of the build tree' '
	test "$(command -v casg)" = "$CASG_BUILD_DIR/bin-wrappers/casg"
'

# ---- the generator: its output is the same on every machine

test_expect_success 'casg-gen is seeded' '
	casg-gen --seed 1 --records 50 --length 100 >a &&
	casg-gen --seed 1 --records 50 --length 100 >b &&
	casg-gen --seed 2 --records 50 --length 100 >c &&
	test_cmp_bin a b &&
	! test_cmp_bin a c >/dev/null &&
	test "$(grep -c "^>" a)" = 50
'

test_expect_success 'casg-gen gives the same bytes everywhere' '
	casg-gen --seed 7 --records 20 --length 120 >dna &&
	casg-gen --seed 7 --records 20 --length 120 --type protein --family 0.5 >protein &&
	casg-gen --seed 8 --mutate protein --add 20 --remove 10 --change 20 --describe 20 >next &&
	sha256sum dna protein next >sums &&
	cat >expect <<-\EOF &&
	597093e05893e35f116f9ad14c7706d89c3fefedc48a57133b6b5db0347f4f6a  dna
	863f52bc114b383db25be8f78037dd786bbdbe2a42837912df3fb612632f62d8  protein
	fbbd15882e9da839697dddb6cf9e8e3145c98dace88001daadc1c49a395704e7  next
	EOF
	test_cmp expect sums
'

test_expect_success 'casg-gen --mutate with nothing to do copies' '
	casg-gen --seed 3 --mutate protein >copy &&
	test_cmp_bin protein copy
'

test_expect_success 'casg-gen --crlf, --width' '
	casg-gen --seed 1 --records 5 --length 100 --crlf >crlf &&
	casg-gen --seed 1 --records 5 --length 100 >lf &&
	tr -d "\\015" <crlf >stripped &&
	test_cmp_bin lf stripped &&
	! test_cmp_bin lf crlf >/dev/null &&
	casg-gen --seed 1 --records 5 --length 100 --width 0 >wide &&
	test_line_count = 10 wide
'

test_done
