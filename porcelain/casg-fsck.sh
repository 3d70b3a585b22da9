#!/bin/sh
# casg fsck - is everything there, and what it says it is?
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg fsck [--full] [--read-back] [--quiet] [--threads N] [--memory SIZE]
casg fsck --remote NAME [--full] [--quiet]
--
remote=NAME  look at the packs that storages hold instead, those of NAME
full         hash every sequence and every node, not only compare checksums
read-back    export every version and compare it with what was imported
q,quiet      say nothing unless something is damaged
threads#N    workers (default: casg.threads)
memory%SIZE  memory to use at most (default: casg.memory)
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"
# shellcheck source=porcelain/casg-sh-profile.sh
. "${0%/*}/casg-sh-profile"

damage=0 unanswered=0 packs_damaged=''

# damaged MESSAGE...: name it and go on.
damaged () {
	printf 'error: %s\n' "$*" >&2
	damage=1
}

# verdict STATUS MESSAGE...: 0 is fine, 1 is damage, all else no answer.  What
# comes after is checked all the same.
verdict () {
	case $1 in
	0) ;;
	1) shift && damaged "$@" ;;
	*)
		shift
		printf 'error: could not check: %s\n' "$*" >&2
		unanswered=1
		;;
	esac
}

say () {
	test -n "$opt_quiet" || echo "$*" || exit 128
}

# ---- what runs beside the check of the packs, and answers in files

git_fsck='' gatherer='' lister=''

# shellcheck disable=SC2317 # at the end
stop_jobs () {
	for job in $git_fsck $gatherer $lister; do
		# not TERM: the shell would talk about it
		kill -s PIPE "$job" 2>/dev/null
		wait "$job"
	done
}

start_jobs () {
	start_git
	gather_versions 2>"$tmp/gathered" &
	gatherer=$!
	casg_list_profiles >"$tmp/profiles" 2>"$tmp/listed" &
	lister=$!
}

# finish_job ID FILE: its status, and what it had to say.
finish_job () {
	wait "$1"
	status=$?
	test ! -s "$2" || cat "$2" >&2
	return $status
}

# For each of two files that few repositories have Git starts a program.
start_git () {
	set -- -c core.commitGraph=false -c core.multiPackIndex=false
	for file in info/commit-graph info/commit-graphs pack/multi-pack-index info/alternates; do
		test ! -e "${CASG_PATH%/*}/objects/$file" || set --
	done
	test -z "${GIT_OBJECT_DIRECTORY-}${GIT_ALTERNATE_OBJECT_DIRECTORIES-}" || set --
	git "$@" fsck --no-dangling --no-progress >"$tmp/git" 2>&1 &
	git_fsck=$!
}

check_git () {
	wait "$git_fsck"
	status=$?
	git_fsck=
	test $status != 0 || return
	sed 's/^/git: /' "$tmp/git" >&2
	damaged "Git's objects are damaged"
}

# ---- packs

# Packs by the thousand do not fit a command line; $CASG_PATH begins with a slash.
check_packs () {
	quick=--quick
	test -z "$opt_full" || quick=
	: >"$tmp/damaged" && : >"$tmp/pack" && : >"$tmp/leaves" || exit 128
	set -- "$CASG_PATH"/packs/pack-*.pack
	test -e "$1" || shift
	npacks=$#
	while test $# != 0; do
		check_some_packs "$@"
		shift "$(($# < 1000 ? $# : 1000))"
	done
	check_git
	test ! -s "$tmp/pack" || cat "$tmp/pack" >&2
	say "$npacks packs checked"
}

# What it says of packs whose own index is damaged was told by check_packs.
check_multi () {
	test -e "$CASG_PATH/index/multi-pack-index" || return 0
	casg-multi-pack-index verify 2>"$tmp/why"
	case $? in
	0) ;;
	1) damaged "$(sed 's/^error: //' "$tmp/why")" ;;
	*)
		cat "$tmp/why" >&2
		verdict 128 "the multi-pack index could not be checked"
		;;
	esac
}

# The first thousand of them.
check_some_packs () {
	n=0
	for pack in "$@"; do
		test $n = 0 && set --
		test $n -lt 1000 || break
		set -- "$@" "$pack"
		n=$((n + 1))
	done
	casg-verify-pack ${quick:+"$quick"} --damaged ${opt_threads:+--threads="$opt_threads"} \
		${opt_memory:+--memory="$opt_memory"} ${opt_full:+--leaves="$tmp/leaves"} \
		"$@" >>"$tmp/damaged" 2>>"$tmp/pack"
	case $? in
	0) ;;
	1) damage=1 packs_damaged=1 ;;
	129)
		cat "$tmp/pack" >&2
		exit 129
		;;
	*) unanswered=1 packs_damaged=1 ;;
	esac
}

# Which chunks, and whether they are elsewhere.
name_chunks () {
	test -s "$tmp/damaged" || return 0
	awk -F'\t' '
		{
			what = $5 " " ($5 == 1 ? one[$4] : $4)
			n = split($6, copies, ",")
			if ($6 == "-")
				where = "in no other pack"
			else
				where = "also in pack " copies[1] (n > 1 ? " and others" : "")
			printf "error: chunk %s (pack %s, number %s, %s): %s\n", $3, $1, $2, what, where
		}
		BEGIN { one["sequences"] = "sequence"; one["nodes"] = "node"; one["blobs"] = "blob";
			one["lists"] = "list"; one["orders"] = "order"; one["refs"] = "line of references" }
	' "$tmp/damaged" >&2
}

# A partial clone: what is here of packs that are elsewhere.  The rest is absent
# by choice.
check_partial () {
	if ! test -d "$CASG_PATH/partial"; then
		! git config --get-regexp '^casg\.partial\.' >/dev/null ||
			damaged "what a partial clone has in place of packs is gone; 'casg fetch --refetch' brings it"
		return
	fi
	casg-chunk-cache --verify --kept >"$tmp/kept"
	verdict $? "chunks that were kept are damaged; 'casg fetch --refetch' brings them again"
	read -r nkept _ <"$tmp/kept"
	set -- "$CASG_PATH"/partial/pack-*.idx
	test -e "$1" || shift
	say "$# packs are here in part: $nkept chunks checked, others are absent by choice"
}

# Every <commit>:<database> that a commit reachable from a ref introduced, and in
# $tmp/trailers what those commits say of versions: " <commit>", and lines
# "<database> <id>", none of which begins with a blank.
list_versions () {
	: >"$tmp/trailers" &&
	git log -z --all HEAD --no-renames -m --diff-filter=AM --name-only \
		--format=' %H%n%(trailers:key=Casg-Version,valueonly,unfold)%n /' \
		-- ':(top,glob)**/VERSION' >"$tmp/log" || return
	tr '\0' '\n' <"$tmp/log" | trailers=$tmp/trailers awk '
		BEGIN { trailers = ENVIRON["trailers"] }
		/^ [0-9a-f]+$/ {
			commit = $1
			names = 0
			# a merge comes once for each parent
			again = had[commit]++
			if (!again)
				print >trailers
			next
		}
		$0 == " /" { names = 1; next }
		names && /\/VERSION$/ {
			spec = commit ":" substr($0, 1, length($0) - 8)
			if (!seen[spec]++)
				print spec
		}
		!names && !again && NF { print >trailers }'
}

gather_versions () {
	list_versions >"$tmp/specs" && casg-read-version --batch <"$tmp/specs" >"$tmp/ids"
}

# The trailers that a signature binds must say what the files say; "<id>
# <commit>:<database>" lines come from $tmp/said.
check_trailers () {
	test -s "$tmp/said" || return 0
	awk '
		NR == FNR {
			if (/^ /)
				commit = $1
			else
				said[commit ":" $1] = said[commit ":" $1] " " $2
			next
		}
		{
			spec = substr($0, length($1) + 2)
			n = split(said[spec], ids, " ")
			for (i = 1; i <= n; i++)
				if (ids[i] != $1)
					print substr(spec, 1, index(spec, ":") - 1), \
						substr(spec, index(spec, ":") + 1), ids[i], $1
		}' "$tmp/trailers" "$tmp/said" >"$tmp/wrong" || exit 128
	while read -r commit db said id; do
		damaged "commit $commit says Casg-Version $db $said, but VERSION is $id"
	done <"$tmp/wrong"
}

check_versions () {
	nversions=0
	: >"$tmp/good" || exit 128
	if ! finish_job "$gatherer" "$tmp/gathered"; then
		gatherer=
		verdict 128 "not all versions could be listed"
		return
	fi
	gatherer=
	while read -r id spec more; do
		nversions=$((nversions + 1))
		case $spec in
		missing | bad:)
			damaged "version $id: $spec${more:+ $more}"
			continue
			;;
		esac
		echo "$spec" >&3
		echo "$id $spec" >&4
		test -z "$opt_read_back" || read_back "$spec"
	done <"$tmp/ids" 3>"$tmp/good" 4>"$tmp/said"
	check_trailers
	check_trees
	say "$nversions versions checked"
}

# What each version needs is here, and not in a chunk that is damaged.
check_trees () {
	# only where all is good everywhere is what is good in one pack enough
	leaves=$opt_full
	test -z "$packs_damaged" || leaves=
	casg-check-tree --damaged="$tmp/damaged" ${leaves:+--leaves="$tmp/leaves"} \
		<"$tmp/good" >"$tmp/lost"
	case $? in
	0) return ;;
	1) damage=1 ;;
	*)
		verdict 128 "what the versions need"
		return
		;;
	esac
	# the records are what was asked for; how many, and of what, is the error
	awk -F'\t' '
		{
			of = substr($2, index($2, ":") + 1) " " substr($1, 1, 12)
			spec[of] = $2
			version[of] = $1
			if ($3 == "record" || $3 == "records")
				lost[of] += $6
			if ($3 == "records")
				what = ($4 == "" ? "all " : $4 " to " $5 ": ") $6 " records"
			else if ($3 == "record" || $3 == "description")
				what = $3 " " $4
			else
				what = $3
			print "lost: " of " " what ": " $7
		}
		END {
			for (of in spec) {
				colon = index(spec[of], ":")
				printf "error: version %s of %s (commit %s): %d records are lost%s\n",
					version[of], substr(spec[of], colon + 1),
					substr(spec[of], 1, colon - 1), lost[of],
					lost[of] ? "" : ", but not all that is said of them" >"/dev/stderr"
			}
		}
	' "$tmp/lost" || exit 128
	name_missing
}

# Each profile says of the records of its version what is true of them.
check_profiles () {
	if ! finish_job "$lister" "$tmp/listed"; then
		lister=
		verdict 128 "not all profiles could be listed"
		return
	fi
	lister=
	test -s "$tmp/profiles" || return 0
	while IFS=$casg_profile_tab read -r id name profile version _; do
		casg-read-profile --check ${opt_threads:+--threads="$opt_threads"} \
			${opt_memory:+--memory="$opt_memory"} --profile="$profile" --version="$version" \
			>/dev/null 2>"$tmp/why" ||
			damaged "profile $name of version $id: $(sed 's/^fatal: //' "$tmp/why")"
	done <"$tmp/profiles"
	say "$(($(wc -l <"$tmp/profiles"))) profiles checked"
}

# Packs that are not here any more: those whose index is, and those that once
# held a version that has lost something.
name_missing () {
	{
		for idx in "$CASG_PATH"/packs/pack-*.idx; do
			test -e "${idx%.idx}.pack" || echo "$idx"
		done
		cut -f2 "$tmp/lost" | sort -u | while read -r spec; do
			git cat-file blob "$spec/PACKS" 2>/dev/null
		done
	} | sed -n 's|^.*/pack-\([0-9a-f]*\)\.idx$|\1|; s|^\([0-9a-f]*\) .*|\1|; /^[0-9a-f]\{64\}$/p' |
	sort -u | while read -r id; do
		test -e "$CASG_PATH/packs/pack-$id.pack" || damaged "pack-$id.pack is not here any more"
	done
}

# casg-assemble verifies what it reads, and compares the whole with the digest
# of what was imported.
read_back () {
	if test -d "$CASG_PATH/partial"; then
		casg-ls-tree -- "$1" | casg-fetch-chunks --dry-run >"$tmp/absent" || {
			verdict 128 "what of version $1 is here"
			return
		}
		read -r absent _ <"$tmp/absent"
		test "$absent" = 0 || {
			say "version $1: not all of it is here, by choice: not read back"
			return
		}
	fi
	casg-assemble --quiet -- "$1" >/dev/null || damaged "version $1 cannot be read back"
}

# The packs that the inventory of each storage names.
check_remote () {
	casg_storages "$tmp/all"
	casg_named_storages "$tmp/mine" "$opt_remote"
	: >"$tmp/elsewhere" || exit 128
	while IFS= read -r storage <&4; do
		printf '%s\n' "$storage" >"$tmp/one" || exit 128
		casg_check_copies "$tmp/one" ${opt_quiet:+-q} ${quick:+--quick}
		sed -n 's/	good	.*//p' "$tmp/copies" >>"$tmp/elsewhere" || exit 128
		# what casg tier has moved away is in another one: by and by
		if git config "casg.remote.${storage%%"$casg_tab"*}.tier" >/dev/null; then
			grep '	absent	' "$tmp/copies" >>"$tmp/moved"
			grep -v '	absent	' "$tmp/copies" >"$tmp/rest"
			mv "$tmp/rest" "$tmp/copies" || exit 128
		fi
		awk -F '\t' '$2 != "good" { print "error: pack " $1 " is " $2 " at " $3 }' "$tmp/copies" >&2
		! grep -q '	unreadable	' "$tmp/copies" || unanswered=1
		! grep -q '	\(wrong\|absent\)	' "$tmp/copies" || damage=1
		say "$(printf %s "$storage" | cut -f 1): $(($(wc -l <"$tmp/packs"))) packs"
	done 4<"$tmp/mine"
	if test -e "$tmp/moved"; then
		awk -F '\t' 'FILENAME == ARGV[1] { good[$1] = 1; next }
			!($1 in good) { print "error: pack " $1 " is absent at " $3 ", and nowhere else" }' \
			"$tmp/elsewhere" "$tmp/moved" >"$tmp/lost" || exit 128
		cat "$tmp/lost" >&2
		test ! -s "$tmp/lost" || damage=1
	fi
	test $damage = 0 || exit 1
	test $unanswered = 0 || exit 128
	exit 0
}

casg_options 0 0 "$@"
eval "$casg_set"
quick=1
test -z "$opt_full" || quick=''
test -z "$opt_remote" || test -z "$opt_read_back$opt_threads$opt_memory" ||
	usage_die "--remote goes with --full and --quiet only"
casg_repo
casg_scratch fsck

test -z "$opt_remote" || check_remote
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'stop_jobs; rm -rf "$tmp"'
start_jobs
check_packs
check_multi
name_chunks
check_partial
check_versions
check_profiles
test $damage = 0 || exit 1
test $unanswered = 0 || exit 128
exit 0
