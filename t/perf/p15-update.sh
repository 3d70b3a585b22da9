#!/bin/sh
# A release with 1 % new records: what moves to somebody who has the one before,
# from a web server; beside what moves with git, restic and casync.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "an update of 1 %" "$@"

have nginx || { note "nginx is not installed"; exit 0; }
port=$((20000 + $$ % 10000))

stop () {
	test ! -s "$tmp/pid" || kill "$(cat "$tmp/pid")"
}

serve () {
	mkdir -p www && cat >nginx.conf <<EOT || exit 128
daemon on;
pid "$tmp/pid";
error_log "$tmp/error.log" warn;
$(test "$(id -u)" != 0 || echo "user root;")
events { worker_connections 256; }
http {
	log_format short '\$body_bytes_sent \$request';
	access_log "$tmp/access.log" short;
	client_body_temp_path "$tmp/t-b"; proxy_temp_path "$tmp/t-p";
	fastcgi_temp_path "$tmp/t-f"; uwsgi_temp_path "$tmp/t-u"; scgi_temp_path "$tmp/t-s";
	default_type application/octet-stream;
	server { listen 127.0.0.1:$port; root "$tmp/www"; }
}
EOT
	nginx -c "$tmp/nginx.conf" || exit 128
	trap 'stop; exit 130' INT TERM HUP
}

# What is in folders, in bytes.
size () {
	find "$@" -type f -exec cat {} + | wc -c
}

casg-gen --seed 3 --type protein --records 100000 --length 300 --family 0.5 >v1.fa
casg-gen --seed 4 --mutate v1.fa --add 1 >v2.fa
serve
casg init -q src && (cd src && casg import -q -d db ../v1.fa && casg publish -q ../www/db) || exit 128
casg clone -q "http://127.0.0.1:$port/db" copy || exit 128
all=$(size copy/.git/casg/packs/*.pack)
(cd src && casg import -q -d db ../v2.fa && casg publish -q ../www/db) || exit 128
find www/db/packs -type f -newer copy/.git/HEAD -exec cat {} + | wc -c >packs
new=$(cat packs)
: >access.log
start=$(date +%s.%N)
(cd copy && casg pull -q) || exit 128
took=$(calc "$(date +%s.%N) - $start" %.2f)
(cd copy && casg export db) | cmp - v2.fa || exit 128
moved=$(awk '{ n += $1 } END { printf "%.0f", n }' access.log)
requests=$(wc -l <access.log)
npacks=$(grep -c 'GET /db/packs/' access.log)
stop

heading "%-44s %12s %10s" "100,000 proteins, $(($(nbytes v2.fa) / 1000000)) MB, $all bytes of packs" bytes requests
row "new packs" "$new" "$npacks"
row "casg pull over HTTP, Git's objects too" "$moved" "$requests"
note "$took s"
bar "bytes moved, / new packs" "$(calc "$moved / $new")" 1.2 x
bar "requests to the storage above its packs" "$(($(grep -c -e 'GET /db/packs/' -e 'GET /db/INVENTORY' -e 'GET /db/inventory' access.log) - npacks))" 10 ""

git init -q plain && cp v1.fa plain/db.fa && git -C plain add db.fa && git -C plain commit -q -m 1 && git clone -q --bare "file://$tmp/plain" plain-copy.git &&
	cp v2.fa plain/db.fa && git -C plain commit -q -a -m 2 || exit 128
before=$(size plain-copy.git/objects)
git -C plain-copy.git fetch -q origin || exit 128
row "git fetch of the plain file" "$(($(size plain-copy.git/objects) - before))" -
if have restic; then
	RESTIC_PASSWORD=p && export RESTIC_PASSWORD && restic init -q -r restic --no-cache && cp v1.fa db.fa &&
		restic backup -q -r restic --no-cache db.fa && before=$(size restic) && cp v2.fa db.fa &&
		restic backup -q -r restic --no-cache db.fa || exit 128
	row "restic backup, what its repository grows by" "$(($(size restic) - before))" -
else
	note "restic is not installed"
fi
if have casync; then
	cp v1.fa db.fa && casync make --store=store v1.caibx db.fa >/dev/null && before=$(size store) &&
		cp v2.fa db.fa && casync make --store=store v2.caibx db.fa >/dev/null || exit 128
	row "casync, what its store grows by, and the index" "$(($(size store) - before + $(nbytes v2.caibx)))" "$(find store -type f -newer v1.caibx | wc -l)"
else
	note "casync is not installed"
fi
