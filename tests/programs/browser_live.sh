#!/bin/bash
# A browser does on a page what browsers do: requests on a kept connection, packed answers, conditions and parts, a
# WebSocket with permessage-deflate, events that go on where they were, a session, a form with a file; over HTTP and
# over TLS. What the page finds out is what this says.
set -euo pipefail

command -v chromium >/dev/null || {
    echo "chromium is not installed"
    exit 77
}

here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
server=
browser=
finish()
{
    [ -z "$browser" ] || kill "$browser" 2>/dev/null || true
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$dir" 2>/dev/null || rm -rf "$dir"
}
trap finish EXIT

fail()
{
    echo "browser_live: $*" >&2
    tail -n 20 "$dir/log" "$dir/browser" >&2 2>/dev/null || true
    exit 1
}

mkdir "$dir/site"
cp "$here/browser_live.html" "$dir/site/index.html"
seq 0 39999 >"$dir/site/numbers.txt"
touch -d '1 hour ago' "$dir"/site/*
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost -keyout "$dir/key" -out "$dir/certificate" 2>/dev/null
# the browser takes this key, and no other one, without an authority
pin=$(openssl x509 -in "$dir/certificate" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary |
    openssl base64)

# visit URL: what the page there says
visit()
{
    rm -f "$dir/said" "$dir/result"
    mkfifo "$dir/said" "$dir/result"
    "$WEFT_BUILD/tests/weft_browser_site" "$1" "$dir/site" >"$dir/result" 2> >(tee "$dir/log" >"$dir/said") &
    server=$!
    exec {result}<"$dir/result"
    local at='' line said
    while [ -z "$at" ]; do
        read -r -t 60 line || fail "the site says nothing"
        at=$(grep -o 'https\?://127\.0\.0\.1:[0-9]*' <<<"$line" || true)
    done <"$dir/said"
    HOME=$dir chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
        --user-data-dir="$dir/profile" --ignore-certificate-errors-spki-list="$pin" --remote-debugging-port=0 \
        "$at/" >"$dir/browser" 2>&1 &
    browser=$!
    read -r -t 120 said <&"$result" || fail "the page says nothing"
    exec {result}<&-
    [ "$said" = ok ] || fail "$1: $said"
    kill "$browser"
    wait "$browser" || true
    browser=
    kill -TERM "$server"
    wait "$server" || fail "the site ended with exit code $?"
    server=
}

visit http://127.0.0.1:0
visit "https://127.0.0.1:0?cert=$dir/certificate&key=$dir/key"
echo "browser_live: all is well"
