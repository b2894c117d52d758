#!/bin/bash
# weftd as its users meet it: real clients, wrong command lines, signals.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

# has WHAT TEXT PATTERN: whether the pattern of a case stands in the text.
has()
{
    # shellcheck disable=SC2254
    case $2 in
    *$3*) ;;
    *) fail "$1: $(printf '%q has no %q' "$2" "$3")" ;;
    esac
}

# start SERVICE ARGUMENT...
start()
{
    serve "$1" "$weftd" "$@" --log-format text
}

# refused CODE PATTERN ARGUMENT...: weftd must end by itself with this code and say this.
refused()
{
    local code=0 wanted=$1 pattern=$2 text
    shift 2
    text=$("$weftd" "$@" </dev/null 2>&1) || code=$?
    same "exit code of weftd $*" "$code" "$wanted"
    has "weftd $*" "$text" "$pattern"
}

head -c 2000000 /dev/urandom >bytes

echo "what it says about itself"
same version "$("$weftd" --version)" "weftd $(sed -n 's/^CMAKE_PROJECT_VERSION:[^=]*=//p' "$WEFT_BUILD/CMakeCache.txt")"
refused 64 "usage: weftd SERVICE"
has help "$("$weftd" --help)" "exit codes"
has urls "$("$weftd" urls)" "tcp://HOST:PORT"
has urls "$("$weftd" urls)" "off, asked or required; to listen"
names=$("$weftd" list | cut -d ' ' -f 1)
for name in web echo discard chargen daytime time qotd forward socks irc; do
    has list "$names" "$name"
done
for name in $names; do
    has "help of $name" "$("$weftd" "$name" --help)" "usage: weftd $name"
    arguments=()
    [ "$name" != forward ] || arguments=(tcp://127.0.0.1:7000 unix:app.sock)
    "$weftd" "$name" "${arguments[@]}" --print-config >config
    has "config of $name" "$(cat config)" "service: $name"
    # what may be given again is a list there, and its help says so: but for FROM, of which --listen is another
    "$weftd" "$name" --help >help
    while read -r option; do
        grep -iqE -- "^  ((-., )*--$option .*(16 times|16 in all)|$option .*16 at most)" help ||
            [ "$name $option" = "forward from" ] || fail "$name: the help of $option does not say that it may come again"
    done < <(sed -n '/^[^ ]*: \[\]$/s/: \[\]//p; /^[^ ]*:$/s/://p' config)
    # nothing is reached from elsewhere unless that is asked for
    ! grep '//' config | grep -v '//127\.0\.0\.1:' || fail "$name listens beyond this machine"
    if python3 -c 'import yaml' 2>/dev/null; then
        python3 -c 'import sys, yaml; c = yaml.safe_load(sys.stdin); sys.exit(c["threads"] != 1)' \
            <config || fail "the config of $name is no YAML"
    fi
done
"$weftd" qotd --print-config --file $'odd: "name"\n#\xff' >config
grep -qxF 'file: "odd: \"name\"\x0a#\xff"' config || fail "a config with an odd name: $(cat config)"
same "a tree" "$("$weftd" echo --print-tree --listen unix:a.sock --listen unix:b.sock)" \
    "weftd: supervisor, one for one, at most 3 restarts in 5000 ms
  echo: supervisor, one for one, at most 3 restarts in 5000 ms
    listener-1: echo for each connection at unix:a.sock, restarted
    listener-2: echo for each connection at unix:b.sock, restarted"
"$weftd" web --print-tree --port 1 --access-log access >/dev/null
[ ! -e access ] || fail "a tree that is only printed opens a log"
[ ! -e a.sock ] || fail "a tree that is only printed listens"
has "a tree" "$("$weftd" get http://127.0.0.1 --print-tree)" "page: get, never restarted"
# passwords that a network sees are warned of, and no others
for words in 'smtp --auth memory:a:b --auth-in-clear' 'irc --auth memory:a:b' 'irc --oper a:b' \
    "web --path $dir --auth memory:a:b"; do
    case $words in web*) scheme=http ;; *) scheme=tcp ;; esac
    for host in '*' '[::]' 192.0.2.1; do
        # shellcheck disable=SC2086
        has "$words at $host" "$("$weftd" $words --print-tree --listen "$scheme://$host:1" 2>&1 >/dev/null)" \
            "weftd ${words%% *}: whoever listens in on the network reads the passwords that come to $scheme://"
    done
    for at in "$scheme://127.0.0.2:1" "$scheme://localhost:1" "$scheme://[::1]:1" unix:x; do
        # shellcheck disable=SC2086
        same "$words at $at" "$("$weftd" $words --print-tree --listen "$at" 2>&1 >/dev/null)" ""
    done
done
for words in 'smtp --auth memory:a:b' 'irc' "web --path $dir --auth memory:a:b --auth-digest"; do
    case $words in web*) scheme=http ;; *) scheme=tcp ;; esac
    # shellcheck disable=SC2086
    same "$words" "$("$weftd" $words --print-tree --listen "$scheme://*:1" 2>&1 >/dev/null)" ""
done
! "$weftd" echo --print-tree >/dev/full 2>&1 || fail "a tree that cannot be written is no success"
! "$weftd" list >/dev/full 2>&1 || fail "a list that cannot be written is no success"

echo "wrong command lines"
refused 64 'no service "ecko"; the nearest is "echo"' ecko
refused 64 "the nearest is --listen" echo --lisen tcp://127.0.0.1:0
refused 64 "--listen has no value" echo --listen
refused 64 "expected a number from 1 to 64" echo --threads 0
refused 64 "expected debug, info, notice, warning, error or none" echo --log-level=loud
refused 64 "begins with no scheme" echo --listen 127.0.0.1:7007
refused 64 'the nearest is "backlog"' echo --listen 'tcp://127.0.0.1:0?backlogg=3'
refused 64 "TO is missing" forward tcp://127.0.0.1:0
refused 64 "a word too many" echo hello
refused 64 "list takes nothing behind it" list echo
refused 64 "urls takes nothing behind it" urls echo
refused 78 "there is no URL to listen at" forward --print-tree
refused 77 'there is no user "no-such-user"' echo --listen tcp://127.0.0.1:0 --user no-such-user
refused 78 "whoever listens with TLS has a certificate" web --listen https://127.0.0.1:0
refused 78 "none.pem: No such file or directory" echo --listen 'tls://127.0.0.1:0?cert=none.pem&key=none.key'
refused 78 "expected none" web --listen http://127.0.0.1:0/path
refused 78 "leads to itself" web --rewrite /a=/a
refused 78 "expected a status of 301, 302, 303, 307 or 308" web --redirect 999:/a=/b
refused 78 "expected the name of a file" web --index a/b
refused 78 "expected a text of one line" web --cache-control $'a\nX: b'
refused 78 "the folder that it would be made in is not there" smtp --to maildir:/nowhere/mail
refused 78 "it is no folder" smtp --to maildir:/dev/null
refused 78 "No such file or directory" smtp --to exec:/nowhere/program
refused 78 "it is no program" smtp --to exec:/dev
refused 78 "expected a name such as" smtp --host "bad name"
refused 78 "expected an --auth with it" irc --auth-required
refused 78 "Is a directory" irc --motd /
refused 64 "given twice" forward tcp://127.0.0.1:0 unix:app.sock --to unix:app.sock
refused 64 "TO is missing" forward --listen tcp://127.0.0.1:0
refused 78 '"10.0.0.0/99" is no rule' socks --deny 10.0.0.0/99
refused 78 "the nearest is" socks --auth passwd:x
refused 78 "--motd missing: No such file" irc --motd missing
refused 78 "expected NAME:PASSWORD" irc --oper root
refused 78 "is no name of a server" irc --name "a b"
refused 78 "lets nobody in" irc --auth-required
refused 78 'no option "colour"' socks --options colour=red
refused 78 "--file missing: No such file" qotd --file missing
refused 78 "--path missing: No such file" web --path missing
refused 78 "--path bytes is a file" web --path bytes
refused 78 "expected a file to append to" web --access-log missing/log
refused 78 "Is a directory, expected a file to append to" web --access-log .
refused 64 'expected a number from 0 to 65535' web --port 70000
refused 64 'there is no scheme "htps"; the nearest is "https"' web --listen htps://127.0.0.1
refused 64 'begins with no scheme' forward tcp://127.0.0.1:0 nonsense
refused 78 "unable to read" qotd --file .
# a folder that is closed to whoever runs it; root may enter any
mkdir -m 0 closed
as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
if [ "$(id -u)" != 0 ]; then
    refused 78 "expected a folder that weftd may enter" web --path closed
elif chmod a+x . && "${as_nobody[@]}" test -x "$weftd" 2>/dev/null; then
    code=0
    text=$("${as_nobody[@]}" "$weftd" web --path closed 2>&1) || code=$?
    same "exit code with a closed folder" "$code" 78
    has "a closed folder" "$text" "Permission denied, expected a folder that weftd may enter"
fi
printf 'too long: %0600d\n' 1 >long
refused 78 "the quote at line 1" qotd --file long
refused 69 "unable to bind" echo --listen unix:missing/echo.sock

echo "echo"
listeners=2 start echo --listen tcp://127.0.0.1:0 --listen unix:echo.sock --threads 2
port=$(port_of tcp) url=tcp://127.0.0.1:$port
refused 69 "Address already in use" echo --listen "$url" --log-format text
socat -t 10 - "tcp:127.0.0.1:$port" <bytes | cmp - bytes
socat -t 10 - unix:echo.sock <bytes | cmp - bytes
same "echo by ncat" "$(printf 'one\ntwo' | ncat 127.0.0.1 "$port")" "$(printf 'one\ntwo')"
same "soft limit of descriptors" \
    "$(awk '/open files/ { print $4 == $5 ? "raised" : $4 }' "/proc/$last/limits")" raised
# an idle connection does not hold up the end
exec {idle}<>"/dev/tcp/127.0.0.1/$port"
stop "$last" INT
exec {idle}>&-
[ ! -e echo.sock ] || fail "the socket's file was left behind"

echo "discard, chargen, daytime, time, qotd"
start discard --listen tcp://127.0.0.1:0
same "bytes of discard" "$(socat -t 10 - "tcp:127.0.0.1:$port" <bytes | wc -c)" 0
stop
start chargen --listen tcp://127.0.0.1:0
(socat -u "tcp:127.0.0.1:$port" - 2>/dev/null || true) | head -c 5000000 >characters || true
same "bytes of chargen" "$(wc -c <characters)" 5000000
same "line 97 of chargen" "$(sed -n '97p' characters | tr -d '\r' | cut -c 1-10)" '!"#$%&'"'"'()*'
stop
start daytime --listen tcp://127.0.0.1:0
has daytime "$(echo "thrown away" | socat -t 10 - "tcp:127.0.0.1:$port")" "day, * [0-9][0-9]:[0-9][0-9]:[0-9][0-9]-UTC"
stop "$last" INT
start time --listen tcp://127.0.0.1:0
before=$(($(date +%s) + 2208988800))
now=$(socat -t 10 - "tcp:127.0.0.1:$port" </dev/null | od -An -tu4 --endian=big)
[ $((now - before)) -ge -1 ] && [ $((now - before)) -le 20 ] || fail "time is $now at $before"
stop "$last" INT
printf 'the quote\n%%\n' >quotes
start qotd --listen tcp://127.0.0.1:0 --file quotes
same qotd "$(socat -t 10 - "tcp:127.0.0.1:$port" </dev/null)" "$(printf 'the quote\r')"
stop "$last" INT

echo "forward"
start echo --listen unix:back.sock
back=$last
start forward tcp://127.0.0.1:0 unix:back.sock --threads 2 --log-level info
socat -t 10 - "tcp:127.0.0.1:$port" <bytes | cmp - bytes
comes forward.log "forwarded 2000000 bytes there and 2000000 back"
stop "$back"
same "bytes without a target" "$(socat -t 10 - "tcp:127.0.0.1:$port" </dev/null 2>/dev/null | wc -c)" 0
comes forward.log "unable to reach unix:back.sock: "
stop
start echo --listen unix:back.sock
back=$last
listeners=2 start forward --listen tcp://127.0.0.1:0 --listen unix:front.sock --to unix:back.sock
port=$(port_of tcp)
socat -t 10 - "tcp:127.0.0.1:$port" <bytes | cmp - bytes
socat -t 10 - unix:front.sock <bytes | cmp - bytes
stop
stop "$back"

echo "web"
mkdir -p site/folder
printf 'hello, world\n' >site/hello.txt
touch site/.hidden outside
start web --path site --port 0 --access-log access
same "a file" "$(curl -s "$url/hello.txt")" "hello, world"
same "a range" "$(curl -s -r 7-11 "$url/hello.txt")" world
has "a listing" "$(curl -s "$url/")" 'href="hello.txt"'
for row in "missing 404" ".hidden 404" "../outside 400" "%2e%2e/outside 400" "folder/../../outside 400"; do
    same "status of ${row% *}" \
        "$(curl -s -o /dev/null -w '%{http_code}' --path-as-is "$url/${row% *}")" "${row#* }"
done
stop "$last" INT
same "lines of the access log" "$(wc -l <access)" 8
has "the access log" "$(head -n 1 access)" '"GET /hello.txt HTTP/1.1" 200 13'

echo "a log and a disk that are full"
start web --path site --port 0 --access-log /dev/full
for _ in 1 2 3; do
    same "a file nevertheless" "$(curl -s "$url/hello.txt")" "hello, world"
done
comes web.log "the access log cannot be written: No space left on device"
refused 69 "Address already in use" web --path site --port "$port" --log-format text
stop
code=0
"$weftd" web --path site --port "$port" --threads 65 2>/dev/full || code=$?
same "exit code of a refusal that nobody can read" "$code" 64

echo "logs"
serve json "$weftd" echo --listen tcp://127.0.0.1:0
comes json.log "listening at"
python3 -c 'import json, sys; sys.exit("listening at" not in json.loads(sys.argv[1])["text"])' \
    "$(head -n 1 json.log)" || fail "the log is no JSON"
stop
