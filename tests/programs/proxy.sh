#!/bin/bash
# The PROXY protocol with other people's ends: curl and haproxy send headers of both versions, and haproxy
# reads what a forward sends; lists and limits of a listener seen from outside.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs curl haproxy

# run_haproxy NAME: with NAME.cfg, until it is at the UNIX socket NAME.sock.
run_haproxy()
{
    run "haproxy_$1" haproxy -db -f "$1.cfg"
    until_so "haproxy is at $1.sock" test -S "$1.sock"
}

config()
{
    echo "defaults"
    echo "    mode http"
    echo "    timeout connect 10s"
    echo "    timeout client 10s"
    echo "    timeout server 10s"
}

mkdir "$dir/www"
echo hello >"$dir/www/index.html"

# ---- in

serve web "$weftd" web --path "$dir/www" --access-log "$dir/access.log" \
    --listen 'http://127.0.0.1:0?proxy=any&proxy_from=127.0.0.0/8&deny=127.0.0.9'
web=$url

[ "$(curl -sS --haproxy-protocol --interface 127.0.0.5 "$web/")" = hello ] || fail "curl is not served"
comes_like access.log '^127\.0\.0\.5 '
code=0
curl -sS "$web/" >/dev/null 2>&1 || code=$?
[ $code != 0 ] || fail "a client without a header is served"
code=0
curl -sS --haproxy-protocol --interface 127.0.0.9 "$web/" >/dev/null 2>&1 || code=$?
[ $code != 0 ] || fail "a client that is denied is served"

{
    config
    echo "frontend f1"
    echo "    bind unix@$dir/in.sock mode 600"
    echo "    http-request set-src req.hdr(x-source)"
    echo "    http-request set-dst ipv4(198.51.100.1)"
    echo "    use_backend v1 if { path /v1 }"
    echo "    default_backend v2"
    echo "backend v1"
    echo "    http-request set-path /"
    echo "    server s 127.0.0.1:$port send-proxy"
    echo "backend v2"
    echo "    http-request set-path /"
    echo "    server s 127.0.0.1:$port send-proxy-v2 proxy-v2-options crc32c,unique-id"
} >"$dir/in.cfg"
run_haproxy in
for version in v1 v2; do
    got=$(curl -sS --unix-socket "$dir/in.sock" -H "x-source: 203.0.113.${version#v}" http://h/$version)
    [ "$got" = hello ] || fail "haproxy with $version is not served: $got"
done
for source in 203.0.113.1 203.0.113.2; do
    comes_like access.log "^$source "
done

# ---- out

{
    config
    echo "frontend f"
    echo "    bind unix@$dir/out.sock accept-proxy"
    echo "    http-request return status 200 content-type text/plain lf-string %[src]/%[dst]"
} >"$dir/out.cfg"
run_haproxy out
for version in v1 v2; do
    serve "forward_$version" "$weftd" forward tcp://127.0.0.1:0 "unix:$dir/out.sock?proxy=$version"
    got=$(curl -sS --interface 127.0.0.6 "http://$at/")
    [ "$got" = 127.0.0.6/127.0.0.1 ] || fail "haproxy took the client of $version for $got"
done

# ---- limits

serve small "$weftd" web --path "$dir/www" --listen 'http://127.0.0.1:0?peer_conns_max=1&overflow=refuse'
exec 7<>"/dev/tcp/127.0.0.1/$port"
printf 'GET / HTTP/1.1\r\nHost: h\r\n\r\n' >&7
read -r -t 60 line <&7
[[ $line == "HTTP/1.1 200"* ]] || fail "the first is not served: $line"
got=$(curl -sS -o /dev/null -w '%{http_code}' "$url/")
[ "$got" = 503 ] || fail "a second connection of a peer that may have one got $got"
got=$(curl -sS -o /dev/null -w '%{http_code}' --interface 127.0.0.7 "$url/")
[ "$got" = 200 ] || fail "another peer got $got"
exec 7>&-
