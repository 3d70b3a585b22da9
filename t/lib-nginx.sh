# shellcheck shell=sh
# lib-nginx - a web server of our own for the tests of a file, on loopback.
#
# nginx_start DIR: serves DIR/www, and more, see below; sets $http_port and
# $https_port.  It is stopped when the test file ends.  Needs prerequisite NGINX.

test_lazy_prereq NGINX 'command -v nginx && command -v openssl'

# where it must not be skipped
require_server NGINX

nginx_config () {
	cat <<-EOF
	daemon on;
	pid "$1/pid";
	error_log "$1/error.log" warn;
	$(test "$(id -u)" != 0 || echo "user root;")
	worker_processes 1;
	events { worker_connections 256; }
	http {
		access_log "$1/access.log";
		client_body_temp_path "$1/tmp-b"; proxy_temp_path "$1/tmp-p";
		fastcgi_temp_path "$1/tmp-f"; uwsgi_temp_path "$1/tmp-u"; scgi_temp_path "$1/tmp-s";
		client_max_body_size 0;
		default_type application/octet-stream;
		root "$1/www";
		server {
			listen 127.0.0.1:$http_port;
			listen 127.0.0.1:$https_port ssl http2;
			ssl_certificate "$1/cert.pem";
			ssl_certificate_key "$1/key.pem";
			location /dav/ { dav_methods PUT DELETE; create_full_put_path on; }
			location /slow/ { alias "$1/www/"; limit_rate 20k; }
			location /no-range/ { alias "$1/www/"; max_ranges 0; }
			location /redirect/ { rewrite ^/redirect/(.*)\$ /\$1 redirect; }
			location /to-file/ { return 302 file:///etc/passwd; }
			location /to-http/ { rewrite ^/to-http/(.*)\$ http://127.0.0.1:$http_port/\$1 redirect; }
			location /circle/ { return 302 /circle/x; }
			location /403/ { return 403; }
			location /404/ { return 404; }
			location /429/ { add_header Retry-After 1 always; return 429; }
			location /500/ { return 500; }
			location /503/ { return 503; }
			location /closed/ { return 444; }
		}
	}
	EOF
}

nginx_start () {
	mkdir -p "$1/www/dav" &&
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
		-keyout "$1/key.pem" -out "$1/cert.pem" 2>/dev/null &&
	for nginx_try in 1 2 3 4 5 6 7 8 9; do
		http_port=$((10000 + ($$ * 7 + nginx_try * 1013) % 20000)) &&
		https_port=$((http_port + 1)) &&
		nginx_config "$1" >"$1/nginx.conf" &&
		nginx -c "$1/nginx.conf" 2>"$1/start.log" 4>&- 5>&- 6>&- && break
	done &&
	wait_for test -s "$1/pid" &&
	nginx_pid=$(cat "$1/pid") &&
	trap 'kill $nginx_pid; test_exit' EXIT
}
