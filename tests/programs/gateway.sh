#!/bin/bash
# One process that speaks seven protocols, under mixed load from other people's clients: every answer is checked,
# nothing may be lost or left behind. WEFT_SOAK_SECONDS=600 runs it as long as that.
set -euo pipefail

dir=$(mktemp -d)
server=
finish()
{
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

fail()
{
    echo "gateway: $*" >&2
    [ ! -s "$dir/log" ] || tail -n 20 "$dir/log" >&2
    exit 1
}

here=$PWD/tests/programs
cd "$dir"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout own.key -out own.pem 2>said
mkfifo line
"$WEFT_BUILD/examples/23_gateway" keys http://127.0.0.1:0 "https://127.0.0.1:0?cert=own.pem&key=own.key" \
    tcp://127.0.0.1:0 tcp://127.0.0.1:0 tcp://127.0.0.1:0 tcp://127.0.0.1:0 2> >(tee log >line) &
server=$!
ports=()
while [ ${#ports[@]} -lt 6 ] && read -r -t 60 text; do
    [[ $text != *"listening at "* ]] || ports+=("$(grep -o '127\.0\.0\.1:[0-9]*' <<<"$text" | head -n 1 | cut -d: -f2)")
done <line
[ ${#ports[@]} = 6 ] || fail "listens at ${#ports[@]} of 6 addresses"

/usr/bin/python3 "$here/gateway.py" "${WEFT_SOAK_SECONDS:-5}" mail $server own.pem "${ports[@]}" || fail "the load found faults"
kill -TERM $server
code=0
wait $server || code=$?
server=
[ $code = 0 ] || fail "ended with exit code $code"
! grep -qE 'Sanitizer|runtime error' log || fail "a sanitizer has found something"
