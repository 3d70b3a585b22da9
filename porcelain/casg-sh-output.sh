# shellcheck shell=sh
# casg-sh-output - write a file that appears only when all of it is there.
# After casg-sh-setup:
#
#	# shellcheck source=porcelain/casg-sh-output.sh
#	. "${0%/*}/casg-sh-output"
#	tmp=''
#	casg_at_exit 'test -z "$tmp" || rm -f "$tmp"'
#	casg_write FILE COMMAND...
#
# The command's output goes to FILE; if it fails, the script ends with its
# status, and FILE is as it was.  Meanwhile it is in $tmp.
# shellcheck disable=SC2034 # the scripts read beside

# casg_beside FILE: $beside, a name of our own beside it.
casg_beside () {
	beside=$1.casg-$$
	case $beside in
	-*) beside=./$beside ;;
	esac
}

casg_write () {
	casg_target=$1
	shift
	# Only a plain file, or none, may be renamed over: a device or a pipe would
	# be replaced, and so would a symbolic link such as /dev/stdout, whatever it
	# names.
	if test -L "$casg_target" || { test -e "$casg_target" && ! test -f "$casg_target"; }; then
		# opened once: a pipe's reader would take a second opening for the end
		{ command exec 3>"$casg_target"; } 2>/dev/null || die "cannot write '$casg_target'"
		"$@" >&3 3>&- || exit
		exec 3>&-
	else
		casg_beside "$casg_target"
		tmp=$beside
		(: >"$tmp") 2>/dev/null || die "cannot write '$casg_target'"
		"$@" >"$tmp" || exit
		mv -f -- "$tmp" "$casg_target" || exit 128
	fi
}
