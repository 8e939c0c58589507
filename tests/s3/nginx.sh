# SPDX-License-Identifier: MIT
# nginx: not S3, but ranges of files, GET, HEAD and If-*, and PUT and DELETE,
# without signatures. Its files are in $FILES. Used by server.

server() {
	local http https
	needs nginx openssl
	mkdir "$D/files" "$D/tmp"
	certificate || return
	http=$(port) https=$(port)
	cat >"$D/nginx.conf" <<-C
	daemon off;
	worker_processes 2;
	pid $D/nginx.pid;
	error_log $D/error.log warn;
	$([ "$(id -u)" = 0 ] && echo "user root;")
	events { worker_connections 1024; }
	http {
		access_log off;
		sendfile on;
		tcp_nopush on;
		keepalive_requests 1000000;
		keepalive_timeout 300;
		default_type application/octet-stream;
		client_max_body_size 0;
		client_body_temp_path $D/tmp;
		proxy_temp_path $D/tmp;
		fastcgi_temp_path $D/tmp;
		uwsgi_temp_path $D/tmp;
		scgi_temp_path $D/tmp;
		open_file_cache max=1000 inactive=60s;
		max_ranges 1;
		ssl_certificate $D/tls.crt;
		ssl_certificate_key $D/tls.key;
		ssl_session_cache shared:s:1m;
		server {
			listen 127.0.0.1:$http;
			listen 127.0.0.1:$https ssl;
			root $D/files;
			dav_methods PUT DELETE;
			create_full_put_path on;
		}
	}
	C
	launch nginx nginx -e "$D/error.log" -c "$D/nginx.conf"
	within 30 listens "$http" && within 30 listens "$https" || return
	says ENDPOINT="http://127.0.0.1:$http" ENDPOINT_TLS="https://localhost:$https" CA="$D/tls.crt" FILES="$D/files"
}
