#!/bin/bash
# 22_nodes as two processes over a socket: one adds to the counter of the other, also when that began anew; a node
# that is not there is said so.
set -euo pipefail

folder=$(mktemp -d)
first=
trap '[ -z "$first" ] || kill "$first" 2>/dev/null || true; rm -rf "$folder"' EXIT
url="unix:$folder/edge-1"
nodes="$WEFT_BUILD/examples/22_nodes"

fail()
{
    echo "nodes: $*" >&2
    cat "$folder/log" >&2
    exit 1
}

# begin: runs the first, and waits until it listens.
begin()
{
    "$nodes" edge-1 "$url" 2>>"$folder/log" &
    first=$!
    for _ in $(seq 600); do
        [ -S "$folder/edge-1" ] && return
        kill -0 "$first" || fail "edge-1 ended"
        read -r -t 0.1 <> <(:) || true
    done
    fail "edge-1 does not listen"
}

# adds AMOUNT WANTED
adds()
{
    said=$(timeout 60 "$nodes" edge-2 "$url" "$1" 2>>"$folder/log") || fail "edge-2 ended with $?"
    [ "$said" = "$2" ] || fail "edge-2 said \"$said\", expected \"$2\""
}

begin
adds 5 "the total is 5"
adds 7 "the total is 12"
kill -KILL "$first"
wait "$first" || true
rm -f "$folder/edge-1"
begin
adds 1 "the total is 1"
kill -TERM "$first"
wait "$first" || fail "edge-1 ended with exit code $?"
first=
said=$(timeout 60 "$nodes" edge-2 "$url" 1 2>>"$folder/log") && fail "edge-2 found somebody"
case "$said" in
"unable to add: node edge-1 cannot be reached: "*"(nothing was added)") ;;
*) fail "edge-2 said \"$said\" of a node that is not there" ;;
esac
