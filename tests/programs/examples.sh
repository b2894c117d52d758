#!/bin/bash
# The examples that serve, used by other people's clients: each over a port of its own choice.
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
    echo "examples: $*" >&2
    [ ! -s "$dir/log" ] || cat "$dir/log" >&2
    exit 1
}

# same WHAT GOT WANTED
same()
{
    [ "$2" = "$3" ] || fail "$1: got \"$2\", expected \"$3\""
}

# start EXAMPLE URL: runs it and waits until it says where it listens; that becomes $at.
start()
{
    mkfifo "$dir/said"
    "$WEFT_BUILD/examples/$1" "$2" 2> >(tee "$dir/log" >"$dir/said") &
    server=$!
    read -r -t 60 line <"$dir/said" || fail "$1 says nothing"
    at=$(grep -o 'listening at [^"]*' <<<"$line") || fail "$1 does not listen: $line"
    at=${at#listening at }
    rm "$dir/said"
}

# stop EXAMPLE: it ends in order when it is asked to.
stop()
{
    kill -TERM "$server"
    wait "$server" || fail "$1 ended with exit code $?"
    server=
}

start 01_echo tcp://127.0.0.1:0
same "an echo" "$(printf 'one\ntwo\n' | socat -t 10 - "TCP:${at#tcp://}")" $'one\ntwo'
head -c 5000000 /dev/zero >"$dir/zeros"
socat -t 60 - "TCP:${at#tcp://}" <"$dir/zeros" >"$dir/back"
cmp "$dir/zeros" "$dir/back" || fail "5 MB came back changed"
stop 01_echo

start 02_hello http://127.0.0.1:0
same "a handler with a parameter" "$(curl -sS "$at/hello/you")" "hello, you"
same "the wrong method" "$(curl -sS -o "$dir/page" -w '%{http_code}' -X POST "$at/hello/you")" 405
same "a path without a route" "$(curl -sS -o "$dir/page" -w '%{http_code}' "$at/elsewhere")" 404
same "a file of the folder it runs in" "$(curl -sS "$at/files/LICENSE")" "$(cat LICENSE)"
stop 02_hello

# until_said TEXT: reads what the server says up to a line with that text.
until_said()
{
    while read -r -t 60 line <&3; do
        [[ $line != *"$1"* ]] || return 0
    done
    fail "it does not say \"$1\""
}

# The supervised one: --listen is an option of its own.
mkfifo "$dir/said"
"$WEFT_BUILD/examples/06_supervised" --listen http://127.0.0.1:0 2>"$dir/said" &
server=$!
exec 3<"$dir/said"
until_said 'listening at '
at=$(grep -o 'http://[^"]*' <<<"$line")
same "the counter counts" "$(curl -sS "$at/add/5")" 5
same "and goes on" "$(curl -sS "$at/add/5")" 10
curl -sS -o "$dir/page" "$at/crash"
until_said 'child counter is restarted'
same "a restarted counter begins anew" "$(curl -sS "$at/add/5")" 5
for _ in 1 2 3; do
    curl -sS -o "$dir/page" "$at/crash"
done
until_said 'the tree has given up: child counter failed once more after 3 restarts'
code=0
wait "$server" || code=$?
server=
same "the code of one that crashes too often" "$code" 70
