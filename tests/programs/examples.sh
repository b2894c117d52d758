#!/bin/bash
# The examples that serve, used by other people's clients and by those that are clients: each over a port of its own choice.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
examples=$WEFT_BUILD/examples

# example NAME ARGUMENT...: it serves.
example()
{
    local name=$1
    shift
    serve "$name" "$examples/$name" "$@"
}

# status WANTED CURL-OPTION...: what is asked for is answered so.
status()
{
    local wanted=$1
    shift
    same "$*" "$(curl -sS -o page -w '%{http_code}' "$@")" "$wanted"
}

example 01_echo tcp://127.0.0.1:0
same "an echo" "$(printf 'one\ntwo\n' | socat -t 10 - "TCP:$at")" $'one\ntwo'
head -c 5000000 /dev/zero >zeros
socat -t 60 - "TCP:$at" <zeros >back
cmp zeros back || fail "5 MB came back changed"
stop

example 02_hello http://127.0.0.1:0
same "a handler with a parameter" "$(curl -sS "$url/hello/you")" "hello, you"
status 405 -X POST "$url/hello/you"
status 404 "$url/elsewhere"
echo own >own.txt
same "a file of the folder it runs in" "$(curl -sS "$url/files/own.txt")" "own"
hello=$last upstream=$url

# ---- a site, with the last one behind it

mkdir scripts
cat >scripts/greet <<'SCRIPT'
#!/bin/sh
printf 'Content-Type: text/plain\r\n\r\n%s %s\n' "$REQUEST_METHOD" "$PATH_INFO"
SCRIPT
chmod +x scripts/greet
hold_port # where the second upstream would be
example 24_site http://127.0.0.1:0 scripts "$upstream" "http://127.0.0.1:$port"
same "its own page" "$(curl -sS "$url/")" "home"
for _ in 1 2 3 4; do
    same "the upstream's page" "$(curl -sS "$url/shop/hello/you")" "hello, you"
done
status 401 "$url/staff/"
status 401 -u ann:wrong "$url/staff/"
same "the staff's page" "$(curl -sS -u ann:secret "$url/staff/")" "hello, ann"
same "a script" "$(curl -sS "$url/cgi-bin/greet/you")" "GET /you"
same "a redirect" "$(curl -sS -o page -w '%{http_code} %{redirect_url}' "$url/old/tea?x=1")" \
    "301 $url/articles/tea?x=1"
same "and its end" "$(curl -sSL "$url/old/tea")" "article tea"
same "a redirect to another host" "$(curl -sS -o page -w '%{http_code} %{redirect_url}' "$url/u/7")" \
    "302 https://people.example.org/7"
same "a rewrite" "$(curl -sS "$url/blog/tea")" "article tea"
same "the host's page" "$(curl -sS -H 'Host: bob.example.org' "$url/")" "the page of bob.example.org"
same "its own page for 404" "$(curl -sS "$url/nowhere")" "<h1>Lost</h1><p><a href=/>home</a>"
stop "$hello"
same "its own page for 502" "$(curl -sS "$url/shop/hello/you")" "<h1>Sorry</h1><p>Tell us what you did: 502."
stop
code=0
"$examples/24_site" 2>said || code=$?
same "no arguments" "$code $(cat said)" "64 usage: 24_site URL SCRIPTS UPSTREAM [UPSTREAM]"

# ---- the live web

example 27_feed http://127.0.0.1:0
feed=$last
same "the first price" "$(curl -sS -X POST "$url/price/250")" 1
run follow "$examples/27_feed" follow "$url/prices"
follow=$last
comes follow.out "price 1: 250" # the topic has retained it
run again curl -sSN -H 'Last-Event-ID: 1' "$url/prices"
run anew curl -sSN "$url/prices"
comes anew.out "data: 250"
same "the second price" "$(curl -sS -X POST "$url/price/251")" 2
comes follow.out "price 2: 251"
comes anew.out "data: 251"
comes again.out "data: 251"
! grep -q 250 again.out || fail "who comes again is told what it has had"
stop "$feed"
comes follow.log "again in "
stop "$follow"

example 18_chat http://127.0.0.1:0
same "what is said" "$("$examples/37_say" "ws://$at/room" "hello, all")" "hello, all"
code=0
"$examples/37_say" "ws://$at/nowhere" "hello" 2>said || code=$?
[ "$code" != 0 ] && grep -q 404 said || fail "a room that there is not: $code, $(cat said)"
stop

# ---- mail

example 26_mail tcp://127.0.0.1:0
same "a letter" "$("$examples/38_send_mail" "$url" me@example.org you@example.org her@example.org)" \
    $'you@example.org: 250 recipient OK\nher@example.org: 250 recipient OK'
comes 26_mail.log "me@example.org to you@example.org: "
stop
code=0
"$examples/38_send_mail" "$url" me@example.org you@example.org 2>said || code=$?
[ "$code" != 0 ] && grep -q 'not sent: ' said || fail "a server that is not there: $code, $(cat said)"

# ---- telnet

example 39_telnet tcp://127.0.0.1:0
if command -v telnet >/dev/null; then
    python3 "$here/console.py" "$(command -v telnet)" 127.0.0.1 "$port" <<'SCRIPT' || fail "telnet"
size 100 30
< > 
> hel\tyou\r
< hello you
< > 
> term\t\r
< 100 columns, 30 rows
< > 
> \x1b[A\x1b[A\r
< hello you
< > 
> secret\r
< secret: 
> 12345\r
< 5 bytes, and nobody saw them
< > 
> nonsense\r
< expected hello
< > 
> quit\r
end
SCRIPT
fi
stop

# ---- the supervised one: --listen is an option of its own

serve supervised "$examples/06_supervised" --listen http://127.0.0.1:0
same "the counter counts" "$(curl -sS "$url/add/5")" 5
same "and goes on" "$(curl -sS "$url/add/5")" 10
curl -sS -o page "$url/crash"
comes supervised.log 'child counter is restarted'
same "a restarted counter begins anew" "$(curl -sS "$url/add/5")" 5
for _ in 1 2 3; do
    curl -sS -o page "$url/crash"
done
comes supervised.log 'the tree has given up: child counter failed once more after 3 restarts'
code=0
ended "$last" || code=$?
same "the code of one that crashes too often" "$code" 70
