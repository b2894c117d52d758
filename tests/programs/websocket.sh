#!/bin/bash
# WebSockets with Python's websockets at the other end: its client, with and without packing, and its server.
set -euo pipefail

python=
for one in python3 /usr/bin/python3; do
    if "$one" -c 'import websockets' 2>/dev/null; then
        python=$one
        break
    fi
done
[ -n "$python" ] || {
    echo "python3-websockets is not installed"
    exit 77
}

dir=$(mktemp -d)
ours=
theirs=
finish()
{
    [ -z "$ours" ] || kill "$ours" 2>/dev/null || true
    [ -z "$theirs" ] || kill "$theirs" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

fail()
{
    echo "websocket: $*" >&2
    [ ! -s "$dir/log" ] || cat "$dir/log" >&2
    exit 1
}

program=$WEFT_BUILD/tests/weft_websocket

# start COMMAND: runs it and waits until it says where it listens; that becomes $at, without its "http".
start()
{
    mkfifo "$dir/said"
    "$@" 2> >(tee "$dir/log" >"$dir/said") &
    ours=$!
    read -r -t 60 line <"$dir/said" || fail "the server says nothing"
    at=$(grep -o 'listening at [^"]*' <<<"$line") || fail "it does not listen: $line"
    at=${at#listening at http}
    rm "$dir/said"
}

stop()
{
    kill "$ours"
    wait "$ours" || fail "the server ended with $?"
    ours=
}

start "$WEFT_BUILD/examples/18_chat" http://127.0.0.1:0
curl -sS "http$at/" | grep -q "new WebSocket" || fail "the page of the chat"
"$python" tests/programs/websocket.py chat "ws$at/room" || fail "two in a chat"
stop

start "$program" serve http://127.0.0.1:0

"$python" tests/programs/websocket.py client "ws$at/chat" || fail "Python's client"
for size in 0 100 70000 1000000; do
    got=$("$program" ask "ws$at/chat" 20 "$size") || fail "our own client with $size bytes: $got"
done
got=$("$program" ask "ws$at/chat" 1 20000000 2>&1) && fail "a message beyond the limit came back"

mkfifo "$dir/port"
"$python" tests/programs/websocket.py server >"$dir/port" &
theirs=$!
read -r -t 60 port <"$dir/port" || fail "Python's server says nothing"
for size in 0 100 70000 1000000; do
    got=$("$program" ask "ws://127.0.0.1:$port/" 20 "$size") || fail "Python's server with $size bytes: $got"
    wanted=$'open packed echo\ngrüß dich\nclosed: done'
    [ "$got" = "$wanted" ] || fail "got \"$got\", expected \"$wanted\""
done

stop
