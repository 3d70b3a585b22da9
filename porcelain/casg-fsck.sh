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

damage=0 unanswered=0

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

check_git () {
	git fsck --no-dangling --no-progress >"$tmp/git" 2>&1 && return
	sed 's/^/git: /' "$tmp/git" >&2
	damaged "Git's objects are damaged"
}

# Packs by the thousand do not fit a command line; $CASG_PATH begins with a slash.
check_packs () {
	quick=--quick
	test -z "$opt_full" || quick=
	: >"$tmp/damaged" || exit 128
	set -- "$CASG_PATH"/packs/pack-*.pack
	test -e "$1" || shift
	npacks=$#
	while test $# != 0; do
		check_some_packs "$@"
		shift "$(($# < 1000 ? $# : 1000))"
	done
	say "$npacks packs checked"
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
		${opt_memory:+--memory="$opt_memory"} "$@" >>"$tmp/damaged" 2>"$tmp/pack"
	status=$?
	cat "$tmp/pack" >&2
	case $status in
	0) ;;
	1) damage=1 ;;
	*) unanswered=1 ;;
	esac
}

# Which chunks, and whether they are elsewhere.
name_chunks () {
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

# Every <commit>:<database> that a commit reachable from a ref introduced.
list_versions () {
	git log -z --all HEAD --no-renames -m --diff-filter=AM --format='commit %H' \
		--name-only -- ':(top,glob)**/VERSION' >"$tmp/log" || return
	tr '\0' '\n' <"$tmp/log" | awk '
		/^commit [0-9a-f]+$/ { commit = $2; next }
		/\/VERSION$/ {
			spec = commit ":" substr($0, 1, length($0) - 8)
			if (!seen[spec]++)
				print spec
		}'
}

# The trailers that a signature binds must say what the files say; "<id>
# <commit>:<database>" lines come from $tmp/said.
check_trailers () {
	test -s "$tmp/said" || return 0
	# no value begins with a blank
	sed 's/^[^ ]* //; s/:.*//' "$tmp/said" | sort -u |
		git log --no-walk=unsorted --stdin \
			--format=' %H%n%(trailers:key=Casg-Version,valueonly,unfold)' >"$tmp/trailers" ||
		exit 128
	awk '
		NR == FNR {
			if (/^ /)
				commit = $1
			else if (NF)
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
	if ! list_versions >"$tmp/specs" || ! casg-read-version --batch <"$tmp/specs" >"$tmp/ids"; then
		verdict 128 "not all versions could be listed"
		return
	fi
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
	casg-check-tree --damaged="$tmp/damaged" <"$tmp/good" >"$tmp/lost"
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
	casg-assemble --quiet -- "$1" >/dev/null || damaged "version $1 cannot be read back"
}

# The packs that the inventory of each storage names.
check_remote () {
	casg_storages "$tmp/all"
	casg_named_storages "$tmp/mine" "$opt_remote"
	while IFS= read -r storage <&4; do
		printf '%s\n' "$storage" >"$tmp/one" || exit 128
		casg_check_copies "$tmp/one" ${opt_quiet:+-q} ${quick:+--quick}
		awk -F '\t' '$2 != "good" { print "error: pack " $1 " is " $2 " at " $3 }' "$tmp/copies" >&2
		! grep -q '	unreadable	' "$tmp/copies" || unanswered=1
		! grep -q '	\(wrong\|absent\)	' "$tmp/copies" || damage=1
		say "$(printf %s "$storage" | cut -f 1): $(($(wc -l <"$tmp/packs"))) packs"
	done 4<"$tmp/mine"
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
tmp=$CASG_PATH/tmp/fsck-$$
# shellcheck disable=SC2016 # expanded then
casg_at_exit 'rm -rf "$tmp"'
mkdir -p "$tmp" || exit 128

test -z "$opt_remote" || check_remote
check_git
check_packs
name_chunks
check_versions
test $damage = 0 || exit 1
test $unanswered = 0 || exit 128
exit 0
