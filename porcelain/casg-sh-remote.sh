# shellcheck shell=sh
# casg-sh-remote - where packs are kept elsewhere.  After casg-sh-setup,
# casg-sh-repo and casg_repo, with a folder for scratch files in $tmp:
#
#	# shellcheck source=porcelain/casg-sh-remote.sh
#	. "${0%/*}/casg-sh-remote"
#	casg_storages FILE                  all that git config has
#	casg_tree_storages COMMIT FILE      those that .casgconfig of a commit has
#
# writes a line for each storage to FILE, in the order in which they are asked:
#
#	NAME TAB URL TAB REMOTE TAB read-only|writable TAB PATTERN...
#
# REMOTE is the git remote whose versions it holds, "-" if it is of
# .casgconfig; the PATTERNs are joined by blanks, "-" if there is none.  What is
# not valid ends the script with 128.  --env ($opt_env) or CASG_ENV leave only
# the storages of that set, casg.env.NAME.storage, and make them read-only if
# casg.env.NAME.readOnly says so.
# shellcheck disable=SC2154 # scripts set $tmp

casg_tab='	'
# stands for the line end between key and value of git config -z
casg_soh=$(printf '\001')

# A path is as good as its URL; anything odd in it is encoded.  What begins as
# a URL is one.
casg_storage_url () {
	case $1 in
	[a-z][a-z0-9+-]*:*)
		casg_check_url "$1" || die "bad URL '$(casg_printable "$1")' of a storage"
		casg_url=$1
		;;
	*)
		case $1 in
		/*) casg_url=$1 ;;
		*) casg_url=$PWD/$1 ;;
		esac
		# it need not be there, but what it is in may be, and '..' is for people
		if test -d "$casg_url"; then
			casg_url=$(cd -- "$casg_url" && pwd -P) || exit 128
		elif test -d "${casg_url%/*}/"; then
			casg_url=$(cd -- "${casg_url%/*}/" && pwd -P)/${casg_url##*/} || exit 128
		fi
		casg_url=file://$(printf %s "$casg_url" | LC_ALL=C od -An -v -tu1 | awk '
			{
				for (i = 1; i <= NF; i++) {
					plain = ($i >= 48 && $i <= 57 || $i >= 65 && $i <= 90 || $i >= 97 && $i <= 122 ||
						$i == 45 || $i == 46 || $i == 47 || $i == 95 || $i == 126)
					printf(plain ? "%c" : "%%%02X", $i)
				}
			}') || exit 128
		;;
	esac
}

# For messages: what a terminal could take for a command is left out.
casg_printable () {
	printf %s "$1" | LC_ALL=C tr -c '!-~' '?' | cut -c1-200
}

# Nothing but what can be seen.
casg_is_graphic () {
	test -z "$(printf %s "$1" | LC_ALL=C tr -d '!-~')"
}

casg_check_url () {
	test ${#1} -le 2048 && casg_is_graphic "$1" || return
	case $1 in
	[a-z]*:?*) ;;
	*) return 1 ;;
	esac
	case ${1%%:*} in
	*[!a-z0-9+-]*) return 1 ;;
	esac
}

# Letters, digits, '.', '_', '-' and '/' between: what names a storage.
casg_check_storage_name () {
	case $1 in
	"" | *[!A-Za-z0-9._/-]* | [./-]* | */ | *//* | */.* | *..*) return 1 ;;
	esac
	test ${#1} -le 100
}

# Lines "NAME TAB KEY TAB VALUE" of standard input, those of one NAME together,
# to lines as above, with the order in front; $1 is the default of REMOTE.
casg_join_settings () {
	LC_ALL=C awk -F '\t' -v default_remote="$1" '
		function tell() {
			if (name == "")
				return
			if (url != "")
				printf "%d\t%s\t%s\t%s\t%s\t%s\n", order, name, url,
					remote == "" ? (default_remote == "" ? name : default_remote) : remote,
					readonly ? "read-only" : "writable", patterns == "" ? "-" : patterns
			order = 50; url = remote = patterns = ""; readonly = 0
		}
		BEGIN { order = 50 }
		$1 != name { tell(); name = $1 }
		$2 == "url" { url = $3 }
		$2 == "order" { order = $3 }
		$2 == "readonly" { readonly = $3 == "true" }
		$2 == "git" { remote = $3 }
		$2 == "database" { patterns = patterns == "" ? $3 : patterns " " $3 }
		END { tell() }'
}

# casg_check_setting NAME KEY VALUE WHERE: the value as it is used, or die.
casg_check_setting () {
	casg_check_storage_name "$1" || die "$4: bad name '$(casg_printable "$1")' of a storage"
	casg_value=$3
	case $2 in
	url)
		casg_check_url "$3" || die "$4: bad URL '$(casg_printable "$3")' of storage '$1'"
		;;
	order)
		case $3 in
		"" | *[!0-9]* | ??????????*) die "$4: bad order '$(casg_printable "$3")' of storage '$1': wanted a number" ;;
		esac
		;;
	readonly)
		case $3 in
		true | yes | on | 1 | "") casg_value=true ;;
		false | no | off | 0) casg_value=false ;;
		*) die "$4: bad value '$(casg_printable "$3")' of read-only of storage '$1': wanted true or false" ;;
		esac
		;;
	git)
		casg_check_storage_name "$3" || die "$4: bad value '$(casg_printable "$3")' of git of storage '$1'"
		;;
	database)
		if test -z "$3" || test ${#3} -gt 200 || ! casg_is_graphic "$3"; then
			die "$4: bad pattern '$(casg_printable "$3")' of storage '$1'"
		fi
		;;
	*) return 1 ;;
	esac
}

# Settings are "KEY LF VALUE NUL" in git config -z; a value with a line end in
# it is none of ours.
casg_config_lines () {
	tr '\n\0' '\001\n' <"$1"
}

# casg_storages FILE: of the user's settings, casg.remote.NAME.KEY.
casg_storages () {
	git config -z --get-regexp '^casg\.remote\..*\.(url|order|readonly|git|database)$' >"$tmp/config" || test $? = 1 || exit 128
	casg_config_lines "$tmp/config" | while IFS= read -r casg_line; do
		casg_key=${casg_line%%"$casg_soh"*}
		casg_value=
		test "$casg_key" = "$casg_line" || casg_value=${casg_line#*"$casg_soh"}
		casg_name=${casg_key#casg.remote.}
		casg_key=${casg_name##*.}
		casg_name=${casg_name%.*}
		casg_check_setting "$casg_name" "$casg_key" "$casg_value" "git config" || continue
		printf '%s\t%s\t%s\n' "$casg_name" "$casg_key" "$casg_value"
	done >"$tmp/settings" || exit 128
	LC_ALL=C sort -s -t "$casg_tab" -k 1,1 "$tmp/settings" | casg_join_settings '' |
		LC_ALL=C sort -s -n | cut -f 2- >"$1" || exit 128
	casg_choose_env "$1"
}

# casg_tree_storages COMMIT FILE: of .casgconfig, which anybody may have
# written: only keys that it may have, only storages in the network, nothing
# that would give a password away.
casg_tree_storages () {
	: >"$2" || exit 128
	git cat-file -e "$1:.casgconfig" 2>/dev/null || return 0
	casg_where="'.casgconfig' of $1"
	test "$(git cat-file -s "$1:.casgconfig")" -le 65536 || die "$casg_where is too large"
	git config --blob "$1:.casgconfig" --no-includes -z --list >"$tmp/config" 2>/dev/null ||
		die "$casg_where is no file of settings"
	casg_config_lines "$tmp/config" | while IFS= read -r casg_line; do
		casg_key=${casg_line%%"$casg_soh"*}
		casg_value=
		test "$casg_key" = "$casg_line" || casg_value=${casg_line#*"$casg_soh"}
		case $casg_key in
		storage.*.*) ;;
		*) die "$casg_where has the unknown key '$(casg_printable "$casg_key")'" ;;
		esac
		casg_name=${casg_key#storage.}
		casg_key=${casg_name##*.}
		casg_name=${casg_name%.*}
		case $casg_key in
		url | order | database) ;;
		read-only) casg_key='readonly' ;;
		*) die "$casg_where has the unknown key '$(casg_printable "$casg_key")'" ;;
		esac
		casg_check_setting "$casg_name" "$casg_key" "$casg_value" "$casg_where"
		if test "$casg_key" = url; then
			case $casg_value in
			http://* | https://* | s3://* | gs://* | az://* | ipfs://*) ;;
			*) die "$casg_where: '${casg_value%%:*}' is no scheme that it may name (storage '$casg_name')" ;;
			esac
			casg_host=${casg_value#*://}
			case ${casg_host%%/*} in
			*@*) die "$casg_where: storage '$casg_name' names a user" ;;
			esac
		fi
		printf '%s\t%s\t%s\n' "$casg_name" "$casg_key" "$casg_value"
	done >"$tmp/settings" || exit 128
	LC_ALL=C sort -s -t "$casg_tab" -k 1,1 "$tmp/settings" | casg_join_settings - |
		LC_ALL=C sort -s -n | cut -f 2- >"$2" || exit 128
}

# casg_is_taken DATABASE PATTERNS: may a storage with these PATTERNS hold it?
# One that begins with '!' says what it may not; without others, all else may.
casg_is_taken () {
	test "$2" != - || return 0
	casg_taken='' casg_any=''
	set -f
	for casg_pattern in $2; do
		case $casg_pattern in
		!*)
			# shellcheck disable=SC2254 # a pattern is wanted
			case $1 in ${casg_pattern#!}) set +f; return 1 ;; esac
			;;
		*)
			casg_any=1
			# shellcheck disable=SC2254 # a pattern is wanted
			case $1 in $casg_pattern) casg_taken=1 ;; esac
			;;
		esac
	done
	set +f
	test -z "$casg_any" || test -n "$casg_taken"
}

# casg_choose_env FILE: what --env or CASG_ENV leave of it.
casg_choose_env () {
	casg_env=${opt_env:-${CASG_ENV-}}
	test -n "$casg_env" || return 0
	casg_check_storage_name "$casg_env" || die "bad name '$(casg_printable "$casg_env")' of an environment"
	git config --get-all "casg.env.$casg_env.storage" >"$tmp/members" ||
		die "there is no environment '$casg_env': casg.env.$casg_env.storage names none"
	casg_env_readonly=$(git config --type=bool --default=false "casg.env.$casg_env.readOnly") || exit 128
	awk -F '\t' -v OFS='\t' -v readonly="$casg_env_readonly" -v members="$tmp/members" '
		BEGIN { while ((getline name <members) > 0) member[name] = 1 }
		$1 in member { if (readonly == "true") $4 = "read-only"; print }' "$1" >"$tmp/chosen" &&
	mv "$tmp/chosen" "$1" || exit 128
}

# casg_named_storages FILE NAME...: of $tmp/all those with these names, and those
# of remotes with these names.
casg_named_storages () {
	casg_file=$1
	shift
	: >"$casg_file" || exit 128
	for casg_name in "$@"; do
		awk -F '\t' -v name="$casg_name" '$1 == name || $3 == name { print; any = 1 } END { exit !any }' \
			"$tmp/all" >>"$casg_file" || die "no storage is known for '$casg_name'"
	done
}

# casg_writable_storages FILE NAME: those that may be written to, at least one.
casg_writable_storages () {
	casg_storages "$tmp/all"
	casg_named_storages "$tmp/named" "$2"
	awk -F '\t' '$4 == "writable"' "$tmp/named" >"$1" || exit 128
	test -s "$1" || die "the storages of '$2' are read-only"
}

# casg_check_copies FILE OPTION...: look at each pack that an inventory of the
# storages in FILE names, in each of them; $tmp/copies, as casg-check-storage
# has it, and its status.
casg_check_copies () {
	cut -f 2 "$1" >"$tmp/urls" || exit 128
	shift
	casg_options_before=$#
	while IFS= read -r casg_url; do
		set -- "$@" "--url=$casg_url"
	done <"$tmp/urls"
	(
		shift "$casg_options_before"
		exec casg-inventory "$@" --packs
	) >"$tmp/packs" || exit 128
	casg-check-storage "$@" <"$tmp/packs" >"$tmp/copies"
}

# casg.copies: how many copies each pack should have elsewhere; 0: nobody says.
casg_copies () {
	casg_wanted=$(git config --type=int --default=0 casg.copies) || exit 128
	case $casg_wanted in
	[0-9] | [1-9][0-9]) ;;
	*) die "bad value '$casg_wanted' of casg.copies: wanted 0 to 99" ;;
	esac
}

# The remote that is meant where none is named, as git finds it.
casg_default_remote () {
	casg_branch=$(git symbolic-ref --quiet --short HEAD) &&
		git config "branch.$casg_branch.remote" && return
	echo origin
}

# With what partial clones need, unless the storage is not to have it.
casg_choose_ids () {
	casg_ids=$(git config --type=bool --default=true "casg.remote.$casg_name.ids") || exit 128
	test "$casg_ids" = true || casg_ids=
}

# The packs that have ids in a storage, sorted: $tmp/has-ids.  Not every storage
# can be listed.
casg_list_ids () {
	casg-copy-object --url="$1" --list=ids >"$tmp/ids-objects" 2>/dev/null &&
	sed -n 's|^ids/pack-\([0-9a-f]*\)\.ids .*|\1|p' "$tmp/ids-objects" | sort >"$tmp/has-ids"
}

casg_copy_some_ids () {
	while read -r casg_pack; do
		casg-copy-object --url="$1" --get="ids/pack-$casg_pack.ids" >"$tmp/pack.ids"
		case $? in
		0) ;;
		1) continue ;;
		*) exit 128 ;;
		esac
		casg-copy-object --url="$2" --put="ids/pack-$casg_pack.ids" <"$tmp/pack.ids" &&
		echo "$casg_pack" || exit 128
	done
}

# casg_copy_ids URLS TO <IDS: what partial clones have in place of packs goes with
# them, from the first of the storages in the file URLS that has it, where TO lacks it.
casg_copy_ids () {
	sort -u >"$tmp/no-ids" || exit 128
	casg_list_ids "$2" && { comm -23 "$tmp/no-ids" "$tmp/has-ids" >"$tmp/lack" && mv "$tmp/lack" "$tmp/no-ids" || exit 128; }
	while IFS= read -r casg_url <&5; do
		test -s "$tmp/no-ids" || break
		casg_list_ids "$casg_url" || cp "$tmp/no-ids" "$tmp/has-ids" || exit 128
		comm -12 "$tmp/no-ids" "$tmp/has-ids" >"$tmp/some-ids" &&
		casg_copy_some_ids "$casg_url" "$2" <"$tmp/some-ids" >"$tmp/have" &&
		comm -23 "$tmp/no-ids" "$tmp/have" >"$tmp/lack" && mv "$tmp/lack" "$tmp/no-ids" || exit 128
	done 5<"$1"
}
