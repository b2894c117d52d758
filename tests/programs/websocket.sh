#!/bin/bash
# WebSockets with Python's websockets at the other end: its client, with and without packing, and its server.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs_module websockets

program=$WEFT_BUILD/tests/weft_websocket

serve chat "$WEFT_BUILD/examples/18_chat" http://127.0.0.1:0
curl -sS "$url/" | grep -q "new WebSocket" || fail "the page of the chat"
"$python" "$here/websocket.py" chat "ws://$at/room" || fail "two in a chat"
stop

serve echo "$program" serve http://127.0.0.1:0

"$python" "$here/websocket.py" client "ws://$at/chat" || fail "Python's client"
for size in 0 100 70000 1000000; do
    got=$("$program" ask "ws://$at/chat" 20 "$size") || fail "our own client with $size bytes: $got"
done
got=$("$program" ask "ws://$at/chat" 1 20000000 2>&1) && fail "a message beyond the limit came back"

ours=$last
run theirs "$python" "$here/websocket.py" server
until_so "Python's server says its port" test -s theirs.out
read -r port <theirs.out
for size in 0 100 70000 1000000; do
    got=$("$program" ask "ws://127.0.0.1:$port/" 20 "$size") || fail "Python's server with $size bytes: $got"
    wanted=$'open packed echo\ngrüß dich\nclosed: done'
    [ "$got" = "$wanted" ] || fail "got \"$got\", expected \"$wanted\""
done

stop "$ours"
