#!/bin/bash
# A browser does on a page what browsers do: requests on a kept connection, packed answers, conditions and parts, a
# WebSocket with permessage-deflate, events that go on where they were, a session, a form with a file; over HTTP and
# over TLS. What the page finds out is what this says.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs chromium

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
    local said site browser
    serve site "$WEFT_BUILD/tests/weft_browser_site" "$1" "$dir/site"
    site=$last
    HOME=$dir run browser chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage \
        --user-data-dir="$dir/profile" --ignore-certificate-errors-spki-list="$pin" --remote-debugging-port=0 \
        "$url/"
    browser=$last
    until_so "the page says something" test -s site.out
    read -r said <site.out
    [ "$said" = ok ] || fail "$1: $said"
    away "$browser"
    stop "$site"
}

visit http://127.0.0.1:0
visit "https://127.0.0.1:0?cert=$dir/certificate&key=$dir/key"
echo "browser_live: all is well"
