#!/bin/bash
# weftd web as a site: it passes requests on to servers behind it, streams both ways, lets WebSockets through, leaves
# out an upstream that has died, and asks who somebody is by Basic and Digest, as curl understands them.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

# expect WANTED ARGUMENTS...: what curl gets.
expect()
{
    local wanted=$1 got
    shift
    got=$(curl -sS --max-time 20 "$@") || fail "curl $*: exit $?"
    [ "$got" = "$wanted" ] || fail "curl $*: \"$got\", expected \"$wanted\""
}

mkdir "$dir/a" "$dir/b" "$dir/front"
echo one >"$dir/a/who"
echo two >"$dir/b/who"
echo here >"$dir/front/file"
head -c 20000000 /dev/urandom >"$dir/a/large"
cp "$dir/a/large" "$dir/b/large"

serve a "$weftd" web --path "$dir/a" --port 0
a=$at
first=$last
serve b "$weftd" web --path "$dir/b" --port 0
b=$at
serve front "$weftd" web --path "$dir/front" --port 0 --proxy "/up=http://$a,http://$b" --proxy-strip
front=$at

expect here "http://$front/file"
expect $'one\ntwo\none\ntwo' "http://$front/up/who" "http://$front/up/who" "http://$front/up/who" \
    "http://$front/up/who"
curl -sS "http://$front/up/large" | cmp - "$dir/a/large" || fail "20 MB did not come byte for byte"
expect 404 -o /dev/null -w '%{http_code}' "http://$front/up/missing"

away "$first"
for _ in 1 2 3 4 5 6; do
    expect two "http://$front/up/who"
done
expect two --data-binary two -X GET "http://$front/up/who"

# who asks
serve auth "$weftd" web --path "$dir/front" --port 0 --auth memory:ann:secret --access-log "$dir/access"
expect 401 -o /dev/null -w '%{http_code}' "http://$at/file"
expect 401 -o /dev/null -w '%{http_code}' -u ann:wrong "http://$at/file"
expect here -u ann:secret "http://$at/file"
away "$last"
comes "$dir/access" ' - ann ['
serve digest "$weftd" web --path "$dir/front" --port 0 --auth memory:ann:secret --auth-digest
expect here --digest -u ann:secret "http://$at/file"
expect 401 -o /dev/null -w '%{http_code}' --digest -u ann:wrong "http://$at/file"
expect 401 -o /dev/null -w '%{http_code}' -u ann:secret "http://$at/file"

# what has moved
mkdir "$dir/front/pages"
echo page >"$dir/front/pages/one.html"
serve moved "$weftd" web --path "$dir/front" --port 0 --redirect '/old/*=/pages/*' \
    --redirect '308:/away=https://example.org/' --rewrite '/blog/:page=/pages/:page.html'
expect "302 http://$at/pages/one.html?a=b" -o /dev/null -w '%{http_code} %{redirect_url}' \
    "http://$at/old/one.html?a=b"
expect page -L "http://$at/old/one.html"
expect '308 https://example.org/' -o /dev/null -w '%{http_code} %{redirect_url}' -d x "http://$at/away"
expect page "http://$at/blog/one"
expect "302 http://$at/pages/evil.org" -o /dev/null -w '%{http_code} %{redirect_url}' --path-as-is \
    "http://$at/old/evil.org"

# hosts: each its own files, in front of what is for all
mkdir "$dir/org" "$dir/below"
echo org >"$dir/org/file"
echo below >"$dir/below/file"
certificate()
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout "$dir/$1.pem" \
        -out "$dir/$1.crt" -subj "/CN=$2" -addext "subjectAltName=DNS:$2" 2>/dev/null
    cat "$dir/$1.crt" >>"$dir/$1.pem"
}
certificate org example.org
certificate below www.example.org
serve hosts "$weftd" web --path "$dir/front" --host "example.org=$dir/org" --host "*.Example.org=$dir/below" \
    --redirect '/old=/file' --proxy "/up=http://$b" --proxy-strip --listen http://127.0.0.1:0
for name in example.org:org www.example.org:below a.b.example.org:below example.com:here 127.0.0.1:here; do
    expect "${name#*:}" -H "Host: ${name%:*}" "http://$at/file"
    expect "${name#*:}" -H "Host: ${name%:*}:8080" "http://$at/file"
    expect two -H "Host: ${name%:*}" "http://$at/up/who"
    expect 302 -o /dev/null -w '%{http_code}' -H "Host: ${name%:*}" "http://$at/old"
done
expect org --resolve "example.org:$port:127.0.0.1" "http://example.org:$port/file"
expect 404 -o /dev/null -w '%{http_code}' -H 'Host: example.org' "http://$at/file/../who"
serve hosts_tls "$weftd" web --path "$dir/front" --host "example.org=$dir/org" --host "www.example.org=$dir/below" \
    --listen "https://127.0.0.1:0?cert=$dir/org.pem&cert=$dir/below.pem"
expect org --cacert "$dir/org.crt" --resolve "example.org:$port:127.0.0.1" "https://example.org:$port/file"
expect below --cacert "$dir/below.crt" --resolve "www.example.org:$port:127.0.0.1" "https://www.example.org:$port/file"

# dots in a path lead nowhere else, here or at an upstream
mkdir "$dir/a/public"
echo public >"$dir/a/public/file"
serve upstream "$weftd" web --path "$dir/a" --port 0 --access-log "$dir/upstream.access"
serve dots "$weftd" web --path "$dir/front" --port 0 --proxy "/p=http://$at/public" --proxy-strip
expect public "http://$at/p/file"
expect public --path-as-is "http://$at/p/x/%2e./file"
for path in /p/../who /p/%2e%2e/who /p/..%2fwho /p/x/../..%2fwho /p/..%5cwho '/p/..;/who' /p/%2e%2e/%2e%2e/who; do
    got=$(curl -sS --max-time 20 --path-as-is -o /dev/null -w '%{http_code}' "http://$at$path")
    [ "$got" = 400 ] || [ "$got" = 404 ] || fail "$path through a proxy: $got"
done
comes "$dir/upstream.access" 'GET /public/file'
if grep -q who "$dir/upstream.access"; then fail "dots came through: $(cat "$dir/upstream.access")"; fi

# pages of its own, which change no status
echo lost >"$dir/lost.txt"
echo down >"$dir/down.html"
serve pages "$weftd" web --path "$dir/front" --port 0 --error-page "404=$dir/lost.txt" \
    --error-page "500-599=$dir/down.html" --proxy /dead=http://127.0.0.1:1
expect $'lost\n404 text/plain; charset=utf-8' -w '%{http_code} %{content_type}' "http://$at/missing"
expect $'down\n502 text/html; charset=utf-8' -w '%{http_code} %{content_type}' "http://$at/dead/x"
expect 200 -o /dev/null -w '%{http_code}' "http://$at/file"
head -c 65537 /dev/zero >"$dir/large.html"

# what the command line can get wrong
for wrong in error-page=404 error-page=200=x error-page=404=/nowhere/x error-page=500-400=x \
    "error-page=404=$dir/large.html"; do
    code=0
    "$weftd" web --path "$dir/front" --port 0 "--${wrong%%=*}" "${wrong#*=}" 2>"$dir/said" || code=$?
    [ "$code" != 0 ] || fail "--$wrong: exit $code"
    grep -q -- '--error-page' "$dir/said" || fail "--$wrong: it is not said what is wrong"
done
for wrong in redirect=/a redirect=a=/b redirect=/a=b redirect=200:/a=/b rewrite=/a=https://x/ 'rewrite=/a=/:b'; do
    code=0
    "$weftd" web --path "$dir/front" --port 0 "--${wrong%%=*}" "${wrong#*=}" 2>"$dir/said" || code=$?
    [ "$code" = 78 ] || [ "$code" = 64 ] || fail "--$wrong: exit $code"
    [ -s "$dir/said" ] || fail "--$wrong: it is not said what is wrong"
done
for wrong in example.org "=$dir/org" example.org= example.org=/nowhere/x "a b=$dir/org"; do
    code=0
    "$weftd" web --path "$dir/front" --port 0 --host "$wrong" 2>"$dir/said" || code=$?
    [ "$code" != 0 ] || fail "--host $wrong: exit $code"
    grep -q -- 'host' "$dir/said" || fail "--host $wrong: it is not said what is wrong"
done
code=0
"$weftd" web --port 0 --host "x.org=$dir/org" --proxy /=http://127.0.0.1:1 2>"$dir/said" || code=$?
[ "$code" = 78 ] || [ "$code" = 64 ] || fail "--host with --proxy /=: exit $code"
for wrong in up=http://x /up /up=x /up= '/a:b=http://x' '/up=http://x,ftp://y'; do
    code=0
    "$weftd" web --path "$dir/front" --port 0 --proxy "$wrong" 2>"$dir/said" || code=$?
    [ "$code" = 78 ] || [ "$code" = 64 ] || fail "--proxy $wrong: exit $code"
    grep -q -- '--proxy' "$dir/said" || fail "--proxy $wrong: it is not said what is wrong"
done

# what a server behind it answers is packed on its way, as curl unpacks it
seq 1 200000 >"$dir/a/numbers.txt"
serve plain "$weftd" web --path "$dir/a" --port 0 --no-compression
serve packed "$weftd" web --path "$dir/front" --port 0 --proxy "/=http://$at" --compress
for coding in gzip br; do
    expect "$coding" -o /dev/null -w '%header{content-encoding}' -H "Accept-Encoding: $coding" "http://$at/numbers.txt"
done
curl -sS --max-time 20 --compressed "http://$at/numbers.txt" | cmp - "$dir/a/numbers.txt" || fail "unpacked by curl it is another"
curl -sS --max-time 20 -H 'Accept-Encoding: gzip' "http://$at/numbers.txt" |
    python3 -c 'import gzip, sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))' |
    cmp - "$dir/a/numbers.txt" || fail "unpacked by python it is another"
expect '' -o /dev/null -w '%header{content-encoding}' --compressed "http://$at/large"

# folders of users: who is not there, and who has none, are the same
serve users "$weftd" web --path "$dir/front" --port 0 --users "no such folder"
for name in nobody-of-this-name root daemon "$(id -un)"; do
    expect 404 -o /dev/null -w '%{http_code}' "http://$at/~$name/"
done
expect here "http://$at/file"
for wrong in / /home ../x a/../b ''; do
    code=0
    "$weftd" web --path "$dir/front" --port 0 --users "$wrong" 2>"$dir/said" || code=$?
    [ "$code" = 78 ] || [ "$code" = 64 ] || fail "--users $wrong: exit $code"
    grep -q -- '--users' "$dir/said" || fail "--users $wrong: it is not said what is wrong"
done

# WebSockets through it
serve websocket "$WEFT_BUILD/tests/weft_websocket" serve http://127.0.0.1:0
serve through "$weftd" web --path "$dir/front" --port 0 --proxy "/=http://$at" --access-log "$dir/through.access"
for size in 0 100 70000 1000000; do
    got=$("$WEFT_BUILD/tests/weft_websocket" ask "ws://$at/chat" 20 "$size") ||
        fail "a WebSocket with $size bytes: $got"
done
# what declines one is heard, and the access log has what was answered
got=$(curl -sS --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 12' \
    -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' -m 60 -w '%{http_code}' "$url/old")
[[ $got == *"expected 13"*426 ]] || fail "an upstream that declines a WebSocket: $got"
comes_like "$dir/through.access" '"GET /old HTTP/1.1" 426 [1-9]'
comes_like "$dir/through.access" '"GET /chat HTTP/1.1" 101 0' 4
