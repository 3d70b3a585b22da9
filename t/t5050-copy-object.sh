#!/bin/sh
# One object to a storage, and back.

test_description='casg-copy-object'
. "$(dirname "$0")/test-lib.sh"

url=file://$(pwd | sed 's/ /%20/g')/s

test_expect_success 'put, get, absent' '
	casg init -q r && mkdir s && cd r && printf "a\0b\n" >in && casg-copy-object --url="$url" --put=x/y <in &&
	cmp in ../s/x/y && casg-copy-object --url="$url" --get=x/y >out && cmp in out &&
	test_expect_code 1 casg-copy-object --url="$url" --get=x/z >out && test_must_be_empty out &&
	echo other | casg-copy-object --url="$url" --put=x/y && casg-copy-object --url="$url" --get=x/y >out && echo other >expect && test_cmp expect out
'

test_expect_success 'put-new: who comes second changes nothing' '
	cd r && echo one | casg-copy-object --url="$url" --put-new=n/1 && echo two | test_expect_code 1 casg-copy-object --url="$url" --put-new=n/1 &&
	echo one >expect && test_cmp expect ../s/n/1 &&
	{ for i in 1 2 3 4 5 6 7 8; do
		(echo $i | casg-copy-object --url="$url" --put-new=n/2 && echo $i >>won) &
	done; wait; } && test_line_count = 1 won && test_cmp won ../s/n/2
'

test_expect_success 'put-digest: the name says what it is; what is there stays' '
	cd r && sum=$(sha256sum <in) && sum=${sum%% *} && casg-copy-object --url="$url" --put-digest=git/ <in >out &&
	echo "git/$sum" >expect && test_cmp expect out && cmp in ../s/git/$sum && casg-copy-object --url="$url" --put-digest=git/ <in >out &&
	test_cmp expect out
'

test_expect_success 'list, delete' '
	cd r && casg-copy-object --url="$url" --list=git >out && echo "git/$(sha256sum <in | cut -d" " -f1) $(wc -c <in)" >expect && test_cmp expect out &&
	casg-copy-object --url="$url" --list=none >out && test_must_be_empty out &&
	casg-copy-object --url="$url" --delete=x/y && test_path_is_missing ../s/x/y && test_expect_code 1 casg-copy-object --url="$url" --delete=x/y
'

test_expect_success 'refusals' '
	cd r && for name in "" ../x /x .x "x y" a//b; do
		test_expect_code 128 casg-copy-object --url="$url" --get="$name" >out 2>err && test_must_be_empty out || return 1
	done &&
	test_expect_code 128 casg-copy-object --url="file:///does/not/exist" --get=x && test_expect_code 128 casg-copy-object --url=nothing://x --get=x &&
	test_expect_code 129 casg-copy-object --get=x && test_expect_code 129 casg-copy-object --url="$url" &&
	test_expect_code 129 casg-copy-object --url="$url" --get=x --put=y && test_expect_code 129 casg-copy-object --url=nonsense --get=x &&
	test_expect_code 129 casg-copy-object --url="$url" --get=x more
'

test_done
