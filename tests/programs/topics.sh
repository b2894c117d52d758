#!/bin/bash
# 34_topics as two processes over a socket: what the first has published is shown by the second, also by one that
# comes when the first began anew.
set -euo pipefail

folder=$(mktemp -d)
first=
second=
finish()
{
    for one in $first $second; do kill "$one" 2>/dev/null || true; done
    rm -rf "$folder"
}
trap finish EXIT
url="unix:$folder/edge-1"
topics="$WEFT_BUILD/examples/34_topics"
wanted="umbrella: 250 cents"

fail()
{
    echo "topics: $*" >&2
    cat "$folder"/*.log >&2
    exit 1
}

# begin: runs the first.
begin()
{
    rm -f "$folder/edge-1"
    "$topics" edge-1 "$url" >"$folder/first.out" 2>>"$folder/first.log" &
    first=$!
}

# shown FILE TIMES
shown()
{
    for _ in $(seq 600); do
        [ "$(grep -c "^$wanted\$" "$folder/$1" || true)" -ge "$2" ] && return
        kill -0 "$first" || fail "edge-1 ended"
        read -r -t 0.1 <> <(:) || true
    done
    fail "\"$wanted\" is not in $1 $2 times"
}

begin
"$topics" edge-2 "$url" >"$folder/second.out" 2>"$folder/second.log" &
second=$!
shown first.out 1
shown second.out 1
kill -KILL "$first"
wait "$first" || true
begin
shown second.out 2
kill -TERM "$first"
wait "$first" || fail "edge-1 ended with exit code $?"
first=
kill -TERM "$second"
wait "$second" || fail "edge-2 ended with exit code $?"
second=
