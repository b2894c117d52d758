#!/bin/bash
# The client against other people's servers, and weft's own: nginx, h2o and Python's. Downloads of one byte to
# one GiB come byte for byte, packed and in chunks too; cut connections, loops of redirects and bad chunking are
# told as what they are; a proxy streams both ways. A server that is not installed is left out.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

get()
{
    "$weftd" get "$@" --log-level error
}

# fails_with CODE PATTERN ARGUMENTS...
fails_with()
{
    local code=0 want=$1 pattern=$2
    shift 2
    get "$@" >"$dir/out" 2>"$dir/err" || code=$?
    [ $code = "$want" ] || fail "get $*: exit code $code, expected $want: $(cat "$dir/err")"
    grep -q -- "$pattern" "$dir/err" || fail "get $*: said \"$(cat "$dir/err")\", expected \"$pattern\""
}

# ---- files of many sizes

mkdir "$dir/www"
printf x >"$dir/www/1"
: >"$dir/www/0"
head -c 65536 /dev/urandom >"$dir/www/64k"
head -c 3000001 /dev/urandom >"$dir/www/3m"
for _ in $(seq 5000); do echo "a line that can be packed"; done >"$dir/www/text.txt"
truncate -s 1G "$dir/www/1g"
printf end | dd of="$dir/www/1g" bs=1 seek=$((1024 * 1024 * 1024 - 3)) conv=notrunc status=none

# downloads NAME URL FILES...
downloads()
{
    local name=$1 url=$2 file
    shift 2
    for file in "$@"; do
        get "$url/$file" | cmp - "$dir/www/$file" || fail "$name: $file is not the same"
    done
    echo "$name: ok"
}

nginx_conf()
{
    cat <<END
daemon off;
pid $dir/nginx.pid;
error_log stderr crit;
events { }
http {
    access_log off;
    client_body_temp_path $dir/nginx-body;
    proxy_temp_path $dir/nginx-proxy;
    fastcgi_temp_path $dir/nginx-fastcgi;
    uwsgi_temp_path $dir/nginx-uwsgi;
    scgi_temp_path $dir/nginx-scgi;
    gzip on;
    gzip_types text/plain;
    types { text/plain txt; }
    sendfile on;
    server {
        listen 127.0.0.1:$port;
        listen unix:$dir/nginx.sock;
        root $dir/www;
        location = /go { return 302 /1; }
        location = /loop { return 301 /loop; }
    }
}
END
}

if command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; then
    hold_port
    nginx_conf >"$dir/nginx.conf"
    run nginx "$(command -v nginx || echo /usr/sbin/nginx)" -e stderr -c "$dir/nginx.conf"
    up "$port"
    downloads nginx "http://127.0.0.1:$port" 0 1 64k 3m text.txt 1g
    [ "$(get "http://localhost:$port/go")" = x ] || fail "a redirect was not followed"
    fails_with 69 "more than 20 redirects" "http://127.0.0.1:$port/loop"
    get http://unix.example/3m --to "unix:$dir/nginx.sock" | cmp - "$dir/www/3m" || fail "over a unix socket"
    upstream=http://127.0.0.1:$port
else
    echo "nginx: not installed"
    upstream=
fi

if command -v h2o >/dev/null; then
    hold_port
    cat >"$dir/h2o.conf" <<END
listen: { host: 127.0.0.1, port: $port }
error-log: /dev/null
hosts:
  default:
    paths:
      /:
        file.dir: $dir/www
        compress: ON
END
    run h2o h2o -m worker -c "$dir/h2o.conf"
    up "$port"
    downloads h2o "http://127.0.0.1:$port" 0 1 64k 3m text.txt
else
    echo "h2o: not installed"
fi

run python python3 -u -m http.server --bind 127.0.0.1 --directory "$dir/www" 0
comes python.out "Serving HTTP"
port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' python.out)
downloads python "http://127.0.0.1:$port" 0 1 64k 3m text.txt

serve weft "$weftd" web --path "$dir/www" --port 0
downloads weft "$url" 0 1 64k 3m text.txt
upstream=${upstream:-$url}

# ---- through the proxy of the examples

serve proxy "$WEFT_BUILD/examples/10_proxy" http://127.0.0.1:0 "$upstream"
downloads "through a proxy" "$url" 0 1 64k 3m text.txt
curl -sS "$url/3m" | cmp - "$dir/www/3m" || fail "curl through the proxy"
[ "$(curl -sS -o /dev/null -w '%{http_code}' -T "$dir/www/3m" "$url/up")" != 502 ] ||
    fail "an upload through the proxy"
stop

# ---- servers that misbehave

# says TEXT: a server that answers one request with it, and closes; it is at $at.
says()
{
    printf "%b" "$1" >"$dir/says"
    serve liar python3 -c '
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("listening at tcp://127.0.0.1:%d" % listener.getsockname()[1], file=sys.stderr, flush=True)
while True:
    connection, _ = listener.accept()
    if connection.recv(65536):
        connection.sendall(open("says", "rb").read())
    connection.close()'
}

says 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot all'
fails_with 76 ETRUNCATED "http://$at/"
says 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzzz\r\n'
fails_with 76 EPROTO "http://$at/"
says 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello'
fails_with 76 EPROTO "http://$at/"
says 'SSH-2.0-OpenSSH_9.2p1\r\n'
fails_with 76 "EPROTO\\|ETRUNCATED" "http://$at/"
says ''
fails_with 69 "no answer: " "http://$at/"
hold_port
fails_with 69 EREFUSED "http://127.0.0.1:$port/"
fails_with 68 ENONAME http://nowhere.example/
for example in 04_page 04_page_chain 05_page_fiber; do
    "$WEFT_BUILD/examples/$example" "$upstream/1" >"$dir/page" && [ "$(cat "$dir/page")" = x ] ||
        fail "$example does not fetch its page"
    if "$WEFT_BUILD/examples/$example" "$upstream/nothing" 2>"$dir/err"; then
        fail "$example fetches a page that is not there"
    fi
    grep -q "answers 404" "$dir/err" || fail "$example says: $(cat "$dir/err")"
    if "$WEFT_BUILD/examples/$example" http://nowhere.example/ 2>"$dir/err"; then
        fail "$example fetches from a name without an address"
    fi
    grep -q "unable to fetch: ENONAME: not sent: " "$dir/err" || fail "$example says: $(cat "$dir/err")"
done
echo "http_client: ok"
