#!/bin/sh
# A thousand chunks, scattered over the packs of a web server that is 20 ms away,
# read by a partial clone that has none of them; beside curl with as many
# requests at a time, which verifies nothing.

# shellcheck source=t/perf/perf-lib.sh
. "${0%/*}/perf-lib.sh"
perf_start "$0" "1,000 scattered chunks, 20 ms away" "$@"

have nginx || { note "nginx is not installed"; exit 0; }
port=$((20000 + $$ % 10000))

stop () {
	exec 9>&-
	test ! -s "$tmp/pid" || kill "$(cat "$tmp/pid")"
}

mkdir -p www && cat >nginx.conf <<EOT || exit 128
daemon on;
pid "$tmp/pid";
error_log "$tmp/error.log" warn;
$(test "$(id -u)" != 0 || echo "user root;")
events { worker_connections 256; }
http {
	log_format short '\$body_bytes_sent \$status \$request';
	access_log "$tmp/access.log" short;
	client_body_temp_path "$tmp/t-b"; proxy_temp_path "$tmp/t-p";
	fastcgi_temp_path "$tmp/t-f"; uwsgi_temp_path "$tmp/t-u"; scgi_temp_path "$tmp/t-s";
	default_type application/octet-stream;
	server { listen 127.0.0.1:$port; root "$tmp/www"; }
}
EOT
nginx -c "$tmp/nginx.conf" || exit 128
trap 'stop; exit 130' INT TERM HUP
mkfifo end && { casg-delay 20 "$port" <end >far & } && exec 9>end || exit 128
until test -s far; do sleep 0.05; done
far=http://127.0.0.1:$(cat far)

casg-gen --seed 3 --type protein --records 110000 --length 300 >db.fa
casg init -q src && (cd src && git config casg.chunkSize 16k && git config casg.compression 1 &&
	casg import -q -d db ../db.fa && casg publish -q ../www/db) || exit 128
casg clone -q --no-data "http://127.0.0.1:$port/db" part && git -C part remote set-url origin "$far/db" || exit 128

# every other chunk of each pack, and a sequence of each: no two are neighbours
(cd src && casg-ls-chunks -l --kind=sequences) | awk -F '\t' '$7 % 2 == 0' | head -n 1000 >chunks
(cd src && cut -f 1 ../chunks | while read -r id; do
	casg-cat-chunk --list "$id" | head -n 1
done) | cut -f 1 >ids
test "$(wc -l <chunks)" = 1000 || die "there are not so many chunks"
(cd src && casg ls db) | awk -F '\t' 'FILENAME == ARGV[1] { wanted[$1] = 1; next } $2 in wanted && !seen[$2]++ { print $1 }' ids - >keys

once () {
	(cd part && casg cache clear) && : >access.log &&
	start=$(date +%s.%N) && (cd part && casg cat --batch --buffer db) <keys >got &&
	took=$(calc "$(date +%s.%N) - $start" %.2f)
}

best=999
i=0
while test $i -lt "$runs"; do
	once || exit 128
	best=$(calc "$took < $best ? $took : $best" %.2f)
	i=$((i + 1))
done
(cd src && casg cat --batch --buffer db) <keys | cmp - got || exit 128
requests=$(grep -c ' 206 ' access.log)

heading "%-52s %8s %10s" "1,000 chunks, $(awk -F '\t' '{ n += $5 } END { print n }' chunks) bytes" s requests
row "casg cat of a record of each, partial clone" "$best" "$requests"
if have curl; then
	awk -F '\t' -v url="$far/db/packs/pack-" 'BEGIN { print "parallel\nparallel-max = 32\nsilent" }
		{ printf "next\nurl = \"%s%s.pack\"\nrange = \"%.0f-%.0f\"\noutput = \"/dev/null\"\n", url, $6, $8, $8 + $5 - 1 }' chunks |
		sed '4d' >curl.conf
	start=$(date +%s.%N)
	curl -s -K curl.conf || exit 128
	row "curl --parallel, ranges known before, unverified" "$(calc "$(date +%s.%N) - $start" %.2f)" 1000
fi
bar "seconds for 1,000 scattered chunks, 20 ms away" "$best" 2 s
bar "requests, / regions" "$(calc "$requests / 1000")" 1 x
stop
