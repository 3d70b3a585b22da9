# shellcheck shell=sh
# lib-pages - run the commands that a page of Documentation/ shows.
#
# In a literal block, a line "$ COMMAND" is typed, lines "> ..." behind it go on
# with it, and other lines are what must come out (nothing, if there is none).
# A comment before a block says otherwise:
#
#	// test: skip        do not run it
#	// test: any         do not compare the output
#	// test: status N    the exit status is N, not 0
#	// test: file NAME   it is not typed, but the file NAME

# page_steps PAGE DIR: into DIR/N.cmd, N.status and, to be compared, N.expect;
# files into the current directory.
page_steps () {
	mkdir "$2" &&
	awk -v dir="$2" '
		function flush() {
			if (!n)
				return
			close(step ".cmd")
			close(step ".expect")
			print wanted >(step ".status")
			close(step ".status")
		}
		/^\/\/ test: / { mode = $3; arg = $4; next }
		/^\.\.\.\.$/ {
			inside = !inside
			file = ""
			if (inside) {
				skip = mode == "skip"
				any = mode == "any"
				status = mode == "status" ? arg : 0
				if (mode == "file")
					file = arg
				mode = ""
			}
			typing = active = 0
			next
		}
		!inside || skip { next }
		file != "" { print >file; next }
		/^\$ / {
			flush()
			step = sprintf("%s/%03d", dir, ++n)
			wanted = status
			print substr($0, 3) >(step ".cmd")
			if (!any)
				printf "" >(step ".expect")
			typing = active = 1
			next
		}
		!active { next }
		typing && /^>( |$)/ { print substr($0, 3) >(step ".cmd"); next }
		{ typing = 0; if (!any) print >(step ".expect") }
		END { flush() }
	' "$CASG_SOURCE_DIR/Documentation/$1.adoc"
}

# page_play DIR: run the steps in this shell, for they may change directory.
page_play () {
	for page_step in "$1"/*.cmd; do
		page_step=${page_step%.cmd}
		if grep -q '^python3 ' "$page_step.cmd" && ! command -v python3 >/dev/null; then
			continue
		fi
		# shellcheck disable=SC1090 # it comes from the page
		. "$page_step.cmd" >"$page_step.out" 2>&1
		echo $? >"$page_step.got"
		if cmp -s "$page_step.status" "$page_step.got" &&
			{ ! test -f "$page_step.expect" ||
			  cmp -s "$page_step.expect" "$page_step.out"; }; then
			continue
		fi
		echo "this does not do what the page says:"
		cat "$page_step.cmd"
		diff -u "$page_step.status" "$page_step.got"
		if test -f "$page_step.expect"; then
			diff -u "$page_step.expect" "$page_step.out"
		else
			cat "$page_step.out"
		fi
		return 1
	done
}
