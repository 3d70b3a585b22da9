#!/bin/sh
# casg tier - move packs between storages that are quick and storages that are cheap.
# shellcheck disable=SC2154 # casg_options sets opt_*

SPEC='casg tier (--plan | --apply) [--json] [--quiet] [--env NAME] [REMOTE]
--
plan      only say what would be copied and dropped
apply     do it
json      a JSON object a line
env=NAME  only the storages of this environment (casg.env.NAME)
q,quiet   say nothing unless it fails
'
# shellcheck source=porcelain/casg-sh-setup.sh
. "${0%/*}/casg-sh-setup"
# shellcheck source=porcelain/casg-sh-repo.sh
. "${0%/*}/casg-sh-repo"
# shellcheck source=porcelain/casg-sh-lock.sh
. "${0%/*}/casg-sh-lock"
# shellcheck source=porcelain/casg-sh-remote.sh
. "${0%/*}/casg-sh-remote"

# setting NAME DEFAULT: a number.
setting () {
	number=$(git config --type=int --default="$2" "$1") || exit 128
	case $number in
	*[!0-9]* | ????????*) die "bad value '$number' of $1: wanted a number" ;;
	esac
}

# Lines "NAME TAB URL TAB TIER TAB writable|read-only TAB PATTERNS" of the remote's storages;
# TIER is "-" for those that are left alone.
list_tiers () {
	while IFS=$casg_tab read -r name url _ rights patterns; do
		tier=$(git config "casg.remote.$name.tier") || tier=-
		case $tier in
		hot | warm | cold | -) ;;
		*) die "bad value '$(casg_printable "$tier")' of casg.remote.$name.tier: wanted hot, warm or cold" ;;
		esac
		printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$url" "$tier" "$rights" "$patterns"
	done <"$tmp/mine" >"$tmp/tiers" || exit 128
	cut -f 3 "$tmp/tiers" | sort -u | grep -qv '^-$' ||
		die "no storage of '$remote' has a tier (casg.remote.NAME.tier)"
}

# check_all OPTION... <PACKS: each pack in each storage: $tmp/copies, lines "PACK TAB STATE TAB NAME".
# Not by what URLs look like in messages: two may look the same.
check_all () {
	cat >"$tmp/asked" && : >"$tmp/copies" || exit 128
	while IFS=$casg_tab read -r name url _ <&4; do
		casg-check-storage -q "$@" --url="$url" <"$tmp/asked" >"$tmp/one"
		test $? -le 1 || exit 128
		awk -F '\t' -v name="$name" '{ printf "%s\t%s\t%s\n", $1, $2, name }' "$tmp/one" >>"$tmp/copies" || exit 128
	done 4<"$tmp/tiers"
}

# ---- what should be where: $tmp/classes, lines "PACK CLASS", sorted

# Those that a version needs whose record was written in the last days.
by_age () {
	setting casg.tier.hotDays 30
	hot=$number
	setting casg.tier.warmDays 365
	warm=$number
	now=${SOURCE_DATE_EPOCH:-$(date +%s)}
	for days in "$hot" "$warm"; do
		since=$(date -u -d "@$((now - days * 86400))" +%Y-%m-%dT%H:%M:%SZ) || exit 128
		awk -v since="$since" '
			$1 == "time" { recent = $2 >= since }
			$1 == "version" && recent { print $2 }' "$tmp/records" | sort -u >"$tmp/recent" &&
		casg-inventory "$@" --need <"$tmp/recent" >"$tmp/needed" || exit 128
		cut -d ' ' -f 1 "$tmp/needed" | sort >"$tmp/within.$days" || exit 128
	done
	cut -d ' ' -f 1 "$tmp/packs" | awk -v hot="$tmp/within.$hot" -v warm="$tmp/within.$warm" '
		BEGIN {
			while ((getline id <warm) > 0) class[id] = "warm"
			while ((getline id <hot) > 0) class[id] = "hot"
		}
		{ print $1, ($1 in class ? class[$1] : "cold") }' >"$tmp/classes" || exit 128
}

# As often as their chunks were read here; of packs that are not here nothing is known.
by_use () {
	setting casg.tier.hotReads 100
	hot=$number
	setting casg.tier.warmReads 1
	warm=$number
	casg-ls-chunks --reads >"$tmp/chunks" || exit 128
	awk -F '\t' -v hot="$hot" -v warm="$warm" '
		FILENAME == ARGV[1] { n[$6] += $7; next }
		{ split($0, f, " ") }
		f[1] in n { print f[1], (n[f[1]] >= hot ? "hot" : n[f[1]] >= warm ? "warm" : "cold") }' \
		"$tmp/chunks" "$tmp/packs" >"$tmp/classes" || exit 128
}

# ---- what is to be done: $tmp/plan, lines "copy|drop PACK BYTES NAME"

# A copy goes to each storage of the class that may have the pack.  One goes from
# storages of other classes, if there is, or will be, one where it belongs, as long
# as there are as many as casg.copies says, and one in any case.
make_plan () {
	while IFS=$casg_tab read -r name url _; do
		casg-inventory --url="$url" --packs | sed "s|^\([^ ]*\).*|\1 $name|" || exit 128
	done <"$tmp/tiers" >"$tmp/named" || exit 128
	LC_ALL=C awk -F '\t' -v copies="$casg_wanted" -v classes="$tmp/classes" -v named="$tmp/named" -v copied="$tmp/copies" '
		function has(p, i) { return (p, name[i]) in good }
		BEGIN {
			while ((getline line <classes) > 0) { split(line, f, " "); class[f[1]] = f[2] }
			while ((getline line <named) > 0) { split(line, f, " "); knows[f[1], f[2]] = 1 }
			while ((getline line <copied) > 0) { split(line, f, "\t"); if (f[2] == "good") good[f[1], f[3]] = 1 }
			if (copies < 1) copies = 1
		}
		FILENAME == ARGV[1] { name[++n] = $1; tier[n] = $3; writable[n] = $4 == "writable"; any[n] = $5 == "-"; next }
		{
			split($0, f, " ")
			p = f[1]
			if (!(p in class))
				next
			home = have = 0
			for (i = 1; i <= n; i++) {
				here = has(p, i)
				if (!here && tier[i] == class[p] && writable[i] && (any[i] || (p, name[i]) in knows)) {
					somewhere = 0
					for (k = 1; k <= n; k++)
						somewhere += has(p, k)
					if (somewhere) {
						print "copy", p, f[2], name[i]
						here = 1
					}
				}
				have += here
				home += here && tier[i] == class[p]
			}
			for (i = 1; i <= n && home; i++)
				if (has(p, i) && tier[i] != "-" && tier[i] != class[p] && writable[i] && have > copies) {
					print "drop", p, f[2], name[i]
					have--
				}
		}' "$tmp/tiers" "$tmp/packs" | LC_ALL=C sort >"$tmp/plan" || exit 128
}

# ---- doing it

url_of () {
	awk -F '\t' -v name="$1" '$1 == name { print $2; exit }' "$tmp/tiers"
}

copy_packs () {
	cut -d ' ' -f 4 "$tmp/plan" | sort -u >"$tmp/names" || exit 128
	while IFS= read -r name <&4; do
		sed -n "s|^copy \([^ ]* [^ ]*\) $name\$|\1|p" "$tmp/plan" >"$tmp/wanted" || exit 128
		test -s "$tmp/wanted" || continue
		to=$(url_of "$name") || exit 128
		set --
		while IFS= read -r url; do
			test "$url" = "$to" || set -- "$@" "--from=$url"
		done <"$tmp/urls"
		cut -d ' ' -f 1 "$tmp/wanted" >"$tmp/lacking" || exit 128
		casg_copy_ids "$tmp/urls" "$to" <"$tmp/lacking"
		casg-copy-pack ${opt_quiet:+-q} "$@" --url="$to" <"$tmp/wanted" >/dev/null || exit 128
		# what no record there speaks of would be rubbish
		casg-inventory --url="$to" --packs | cut -d ' ' -f 1 >"$tmp/known" || exit 128
		cut -d ' ' -f 1 "$tmp/wanted" | sort | comm -23 - "$tmp/known" >"$tmp/unknown" || exit 128
		test ! -s "$tmp/unknown" || casg-inventory --url="$to" --copy <"$tmp/records" >/dev/null || exit 128
	done 4<"$tmp/names"
}

# One goes only when the others, read from the first byte to the last, are enough.
drop_packs () {
	sed -n 's|^drop \([^ ]* [^ ]*\) .*|\1|p' "$tmp/plan" | sort -u >"$tmp/doomed" || exit 128
	test -s "$tmp/doomed" || return 0
	check_all <"$tmp/doomed"
	LC_ALL=C awk -v copies="$casg_wanted" -v copied="$tmp/copies" '
		BEGIN {
			while ((getline line <copied) > 0) {
				split(line, f, "\t")
				if (f[2] == "good") { good[f[1], f[3]] = 1; n[f[1]]++ }
			}
			if (copies < 1) copies = 1
		}
		{
			split($0, f, " ")
			if (f[1] != "drop")
				next
			left = n[f[2]] - ((f[2], f[4]) in good)
			if (left >= copies) {
				n[f[2]] = left
				print f[2], f[4]
			} else {
				print "pack " f[2] " stays at \047" f[4] "\047: " left " other good copies, and " copies " are wanted" >"/dev/stderr"
				kept = 1
			}
		}
		END { exit kept }' "$tmp/plan" >"$tmp/drops" || kept=1
	while read -r pack name <&4; do
		casg-copy-object --url="$(url_of "$name")" --delete="packs/pack-$pack.pack"
		test $? -le 1 || exit 128
	done 4<"$tmp/drops"
}

tell () {
	test -z "$opt_quiet" || return 0
	awk -v json="$opt_json" '
		json != "" { printf "{\"do\": \"%s\", \"pack\": \"%s\", \"bytes\": %s, \"storage\": \"%s\"}\n", $1, $2, $3, $4; next }
		{ print; n[$1]++; bytes[$1] += $3 }
		END {
			if (json == "")
				printf "%d copies (%.0f bytes), %d drops (%.0f bytes)\n", n["copy"], bytes["copy"], n["drop"], bytes["drop"]
		}' "$tmp/plan" || exit 128
}

casg_options 0 1 "$@"
eval "$casg_set"
case $opt_plan$opt_apply in
1) ;;
*) usage_die "give one of --plan and --apply" ;;
esac
casg_repo
casg_at_exit casg_let_go
tmp=$CASG_PATH/tmp/tier-$$
mkdir -p "$tmp" || exit 128
remote=${1-$(casg_default_remote)}
casg_storages "$tmp/all"
casg_named_storages "$tmp/mine" "$remote"
casg_copies
list_tiers
# one at a time
test -z "$opt_apply" || casg_lock import
cut -f 2 "$tmp/tiers" >"$tmp/urls" || exit 128
set --
while IFS= read -r url; do
	set -- "$@" "--url=$url"
done <"$tmp/urls"
casg-inventory "$@" --list >"$tmp/records" && casg-inventory "$@" --packs >"$tmp/packs" || exit 128
check_all --quick <"$tmp/packs"
! grep -q '	unreadable	' "$tmp/copies" || die "not every storage of '$remote' can be asked"
by=$(git config casg.tier.by) || by=age
case $by in
age) by_age "$@" ;;
use) by_use ;;
*) die "bad value '$(casg_printable "$by")' of casg.tier.by: wanted age or use" ;;
esac
make_plan
kept=''
if test -n "$opt_apply"; then
	copy_packs
	drop_packs
fi
tell
test -z "$kept" || exit 1
exit 0
