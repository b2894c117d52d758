#!/bin/bash
# 35_files as two processes: a file of one node comes whole to the other, over a UNIX socket and over NNG and TCP; a
# node that is killed in the middle is said so.
set -euo pipefail

folder=$(mktemp -d)
first=
trap '[ -z "$first" ] || kill -KILL "$first" 2>/dev/null || true; rm -rf "$folder"' EXIT
files="$WEFT_BUILD/examples/35_files"
head -c 20000000 /dev/urandom >"$folder/file"

fail()
{
    echo "node_files: $*" >&2
    cat "$folder/log" >&2
    exit 1
}

# begin URL: runs the first, waits until it says where it listens, and leaves that in url.
begin()
{
    : >"$folder/log"
    "$files" edge-1 "$1" "$folder/file" 2>>"$folder/log" &
    first=$!
    for _ in $(seq 600); do
        url=$(sed -n 's/.* listens at \([^"]*\).*/\1/p' "$folder/log")
        [ -z "$url" ] || return 0
        kill -0 "$first" || fail "edge-1 ended"
        read -r -t 0.1 <> <(:) || true
    done
    fail "edge-1 does not listen"
}

for at in "unix:$folder/edge-1" nng+tcp://127.0.0.1:0; do
    begin "$at"
    for _ in 1 2; do
        timeout 60 "$files" edge-2 "$url" >"$folder/copy" 2>>"$folder/log" || fail "edge-2 ended with $?"
        cmp "$folder/file" "$folder/copy" || fail "the copy differs"
    done
    kill -TERM "$first"
    wait "$first" || fail "edge-1 ended with exit code $?"
    first=
done

# A reader that stands still, while the other node is killed.
begin "unix:$folder/edge-9"
mkfifo "$folder/pipe"
timeout 60 "$files" edge-2 "$url" >"$folder/pipe" 2>"$folder/said" &
second=$!
exec 3<"$folder/pipe"
head -c 1 <&3 >"$folder/byte"
kill -KILL "$first"
wait "$first" || true
first=
cat <&3 >"$folder/rest"
wait "$second" && fail "edge-2 read a file whose node was killed"
grep -q "unable to read it: node edge-1 is down: " "$folder/said" || fail "edge-2 said \"$(cat "$folder/said")\""
[ "$(stat -c %s "$folder/rest")" -lt 20000000 ] || fail "all of it came"
