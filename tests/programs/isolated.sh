#!/bin/bash
# 28_isolated: the counter's process is killed, again and again, while the web site of the first one goes on; nothing
# is left behind; and it ends by itself when the first process does.
set -euo pipefail

cycles=200
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

fail()
{
    echo "isolated: $*" >&2
    tail -n 20 "$folder/log" >&2
    exit 1
}

wait_a_moment()
{
    read -r -t 0.05 <> <(:) || true
}

begin()
{
    # a report of the sanitizer for each signal would be the most of the work
    ASAN_OPTIONS=handle_segv=0:handle_abort=0 \
        "$WEFT_BUILD/examples/28_isolated" 2>"$folder/log" >"$folder/out" &
    server=$!
    for _ in $(seq 600); do
        at=$(grep -o 'listening at http://[^"]*' "$folder/log") && break
        kill -0 "$server" || fail "it ended"
        wait_a_moment
    done
    at=${at#listening at }
}

# counter: the number of its process becomes $counter.
counter()
{
    for _ in $(seq 600); do
        counter=$(pgrep -P "$server" -x counter) && return
        wait_a_moment
    done
    fail "there is no process of the name counter"
}

# adds: what the site says when 5 is added.
adds()
{
    curl -sS -m 60 "$at/add/5"
}

descriptors()
{
    find "/proc/$server/fd" -mindepth 1 | wc -l
}

"$WEFT_BUILD/examples/28_isolated" --print-tree >"$folder/tree"
grep -q '^  counter: counter, restarted, isolated$' "$folder/tree" || fail "$(cat "$folder/tree")"

begin
[ "$(adds)" = 5 ] || fail "it does not count"
[ "$(adds)" = 10 ] || fail "it does not go on"
counter
said=$(curl -sS -m 60 "$at/add/0")
[ "$said" = ELOST ] || fail "who crashed it was told \"$said\""
[ "$(adds)" = 5 ] || fail "it did not begin anew"

lost=0
signals=(KILL SEGV ABRT BUS)
before=$(descriptors)
for i in $(seq "$cycles"); do
    counter
    kill "-${signals[$((i % 4))]}" "$counter"
    said=$(adds)
    while [ "$said" != 5 ]; do
        # it was there when it was asked, and was killed before it answered, or just after
        case "$said" in
        ELOST* | 10) lost=$((lost + 1)) ;;
        *) fail "after a crash it said \"$said\"" ;;
        esac
        [ "$lost" -le $((10 * cycles)) ] || fail "it does not come back"
        said=$(adds)
        [ "$said" != 10 ] || break
    done
done
grep -c 'child counter is restarted' "$folder/log" >"$folder/restarts"
[ "$(cat "$folder/restarts")" -eq $((cycles + 1)) ] ||
    fail "there were $(cat "$folder/restarts") restarts of $((cycles + 1))"
after=$(descriptors)
[ "$after" -le $((before + 2)) ] || fail "it had $before descriptors, and has $after"
[ "$(pgrep -c -P "$server")" = 1 ] || fail "there are other children than the counter: $(ps --ppid "$server")"

counter
kill -TERM "$server"
wait "$server" || fail "it ended with exit code $?"
! kill -0 "$counter" 2>/dev/null || fail "the counter's process is left"

begin
[ "$(adds)" = 5 ] || fail "it does not count"
counter
kill -KILL "$server"
wait "$server" || true
server=
for _ in $(seq 600); do
    kill -0 "$counter" 2>/dev/null || exit 0
    wait_a_moment
done
fail "the counter's process outlives who started it"
