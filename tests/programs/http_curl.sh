#!/bin/bash
# HTTP over real sockets with other people's clients: curl for every feature, socat for what curl would not
# do, and, where they are installed, wrk, h2load and ab for a second each.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
clients=()

# has WHAT TEXT PATTERN
has()
{
    grep -q -- "$3" <<<"$2" || fail "$1: got \"$2\", expected \"$3\" in it"
}

# start NAME PROGRAM ARGUMENTS...: at $url. What is freed is not kept for long, so that the memory it takes is its own.
start()
{
    ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1 serve "$@"
    server=$last
}

# raw TEXT: sends it as printf makes it, and gives what comes until the server closes.
raw()
{
    # shellcheck disable=SC2059
    printf "$1" | socat -t 10 - "TCP:$at" | tr -d '\r'
}

# peak: the most memory the server has had, in MiB.
peak()
{
    sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status" | awk '{print int($1 / 1024)}'
}

# ticks: the time the server has worked
ticks()
{
    sed 's/.*) //' "/proc/$server/stat" | awk '{print $12 + $13}'
}

code=(curl -sS -o "$dir/page" -w '%{http_code}')

# ---- every feature

start server "$WEFT_BUILD/tests/weft_http_server" http://127.0.0.1:0 "$dir/access"

same "a connection kept alive" \
    "$(curl -sS -w '%{num_connects}\n' "$url/hello" "$url/hello")" $'hello\n1\nhello\n0'
same "HTTP/1.0" "$(curl -sS0 -w '%{http_code} %{http_version}\n' "$url/hello")" $'hello\n200 1.1'
has "connection: close" "$(curl -sSi -H 'Connection: close' "$url/hello")" '^Connection: close'
has "HEAD" "$(curl -sSI "$url/hello")" '^Content-Length: 6'
same "a path without a route" "$("${code[@]}" "$url/nothing")" 404
has "405 with Allow" "$(curl -sSi -X DELETE "$url/echo")" '^Allow: POST, OPTIONS'
has "OPTIONS" "$(curl -sSi -X OPTIONS "$url/hello")" '^Allow: GET, HEAD, OPTIONS'
has "OPTIONS of all" "$(curl -sSi -X OPTIONS --request-target '*' "$url")" '^Allow: GET, HEAD, POST, PUT, OPTIONS'
has "a date" "$(curl -sSI "$url/hello")" "^Date: $(LC_ALL=C date -u '+%a, %d %b %Y') .* GMT"

head -c 900000 /dev/urandom >"$dir/body"
curl -sS --data-binary "@$dir/body" "$url/echo" | cmp - "$dir/body" || fail "a body came back changed"
curl -sS -H 'Transfer-Encoding: chunked' --data-binary "@$dir/body" "$url/echo" | cmp - "$dir/body" ||
    fail "a chunked body came back changed"
has "100 Continue" "$(curl -sSv -H 'Expect: 100-continue' --data-binary "@$dir/body" "$url/echo" 2>&1 >"$dir/page")" \
    '^< HTTP/1.1 100 Continue'
cmp "$dir/page" "$dir/body" || fail "a body that waited came back changed"
head -c 1048577 /dev/zero >"$dir/large"
same "a body beyond the site's limit" "$("${code[@]}" --data-binary "@$dir/large" "$url/echo")" 413
same "a chunked one" \
    "$("${code[@]}" -H 'Transfer-Encoding: chunked' --data-binary "@$dir/large" "$url/echo")" 413
same "a body beyond the route's limit" "$("${code[@]}" -X PUT --data-binary "@$dir/body" "$url/small")" 413
same "a line beyond its limit" "$("${code[@]}" "$url/$(printf 'a%.0s' {1..9000})")" 414
same "fields beyond their limit" "$("${code[@]}" -H "X: $(printf 'a%.0s' {1..40000})" "$url/hello")" 431

same "an actor of a name, on either reactor" \
    "$(curl -sS "$url/other/a"; curl -sS "$url/other/b")" $'other a\nother b'
same "a name that nobody has" "$("${code[@]}" "$url/nobody")" 503

# both ways at once, chunked both ways, with a trailer behind it
curl -sS -H 'Transfer-Encoding: chunked' --data-binary "@$dir/body" "$url/back" | cmp - "$dir/body" ||
    fail "a stream came back changed"
has "a trailer that is sent" "$(curl -sSi -d abc "$url/back")" 'X-Sum: 42'
same "a trailer that came" \
    "$(raw 'POST /sum HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n' | tail -n 1)" "3 7"
pipelined='GET /late/200 HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n'
same "pipelined requests" "$(raw "$pipelined$pipelined" | grep -E '^(late|hello)' | xargs)" \
    "late hello late hello"
exec {half}<>"/dev/tcp/127.0.0.1/$port"
printf 'GET / HTTP/1.1\r\nHo' >&"$half"
read -r -t 60 line <&"$half"
same "a head that is not finished" "${line%$'\r'}" "HTTP/1.1 408 Request Timeout"
exec {half}>&-
same "what is no HTTP" "$(raw 'hello\r\n\r\n' | head -n 1)" "HTTP/1.1 400 Bad Request"
grep -q '"GET /late/200 HTTP/1.1" 200 5 "-" "-"$' "$dir/access" || fail "the access log lacks a line"

# ---- load, with no error

if command -v wrk >/dev/null; then
    said=$(wrk -t1 -c20 -d1 "$url/hello")
    ! grep -E 'Non-2xx|Socket errors' <<<"$said" || fail "wrk: $said"
fi
if command -v h2load >/dev/null; then
    said=$(h2load --h1 -t1 -c10 -m8 -n 3000 "$url/hello")
    has "h2load" "$said" ' 3000 succeeded, 0 failed, 0 errored, 0 timeout'
fi
if command -v ab >/dev/null; then
    said=$(ab -q -n 1000 -c 10 "$url/hello" 2>&1)
    has "ab" "$said" '^Failed requests: *0$'
    said=$(ab -q -k -n 3000 -c 10 "$url/other/ab" 2>&1)
    has "ab -k" "$said" '^Failed requests: *0$'
fi

# ---- a stop in the middle of requests loses none that has come

for i in {1..20}; do
    curl -sS "$url/late/1000" >"$dir/late.$i" &
    clients+=($!)
done
connected()
{
    [ "$(find "/proc/$server/fd" -mindepth 1 -lname 'socket:*' | wc -l)" -ge 21 ]
}
until_so "all are connected" connected
stop
for client in "${clients[@]}"; do
    wait "$client" || fail "a client got no answer: curl says $?"
done
clients=()
for i in {1..20}; do
    same "an answer that was under way" "$(cat "$dir/late.$i")" late
done

# ---- large bodies, flat memory

start upload "$WEFT_BUILD/examples/09_upload" http://127.0.0.1:0 "$dir/uploaded"
curl -sS -o "$dir/page" -d warm "$url/upload"
curl -s "$url/lines" | head -n 100000 >"$dir/page" || true
before=$(peak)
head -c 104857600 /dev/urandom >"$dir/100m"
same "an upload" "$(curl -sS --data-binary "@$dir/100m" "$url/upload")" "104857600 bytes"
cmp "$dir/100m" "$dir/uploaded" || fail "an upload arrived changed"
same "a chunked upload" \
    "$(curl -sS -H 'Transfer-Encoding: chunked' -T "$dir/100m" -X POST "$url/upload")" "104857600 bytes"
cmp "$dir/100m" "$dir/uploaded" || fail "a chunked upload arrived changed"
same "a million lines" "$(curl -sS "$url/lines" | tail -n 1)" "line 1000000 of 1000000"
# clients that stop reading: their makers stop too
for i in {1..5}; do
    curl -sS --limit-rate 1 "$url/lines" >"$dir/slow.$i" &
    clients+=($!)
done
for i in {1..5}; do
    until_so "a slow client has something" test -s "$dir/slow.$i"
done
# until the server has nothing more to do
until before_ticks=$(ticks) && sleep 0.2 && [ "$(ticks)" = "$before_ticks" ]; do
    :
done
after=$(peak)
# (what sanitizers add comes and goes; a body that gathered would be 100)
[ $((after - before)) -le 60 ] || fail "memory went from $before to $after MiB"
kill "${clients[@]}"
wait "${clients[@]}" || true
clients=()
same "a request behind all that" "$(curl -sS -d abc "$url/upload")" "3 bytes"
stop
