# shellcheck shell=bash
# casg-completion.bash - completion of casg's command lines in bash 4 and later.
#
# 'make install' puts it where bash-completion finds it, as "casg".  Without
# that, source it from ~/.bashrc.

_casg () {
	local engine line status candidate strip wanted
	local -a before candidates
	COMPREPLY=()
	if ! declare -F __casg_complete >/dev/null; then
		engine=$(casg --exec-path 2>/dev/null)/completion.sh
		# shellcheck source=contrib/completion/completion.sh
		. "$engine" 2>/dev/null || return
	fi
	# words as the shell has them, not as COMP_WORDBREAKS cuts them
	line=${COMP_LINE:0:COMP_POINT}
	read -r -a before <<<"$line"
	[[ $line == *[[:space:]] ]] && before+=("")
	mapfile -t candidates < <(
		__casg_complete $((${#before[@]} - 1)) "${before[@]}"
		echo $?
	)
	status=${candidates[-1]}
	unset 'candidates[-1]'
	if [[ $status != 2 ]]; then
		# no file stands there
		compopt +o default 2>/dev/null
	fi
	# only what is behind the last of these is replaced
	wanted=${before[-1]} strip=
	[[ $COMP_WORDBREAKS == *:* && $wanted == *:* ]] && strip=${wanted%:*}:
	[[ $COMP_WORDBREAKS == *=* && $wanted == *=* && -z $strip ]] && strip=${wanted%%=*}=
	for candidate in "${candidates[@]}"; do
		[[ $candidate == *[=:] ]] && compopt -o nospace 2>/dev/null
		COMPREPLY+=("$(printf '%q' "${candidate#"$strip"}")")
	done
}

complete -o default -F _casg casg
