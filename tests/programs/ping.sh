#!/bin/bash
# weftd ping URL: a node is asked by who is none, over TCP, a UNIX socket and TLS, what its exit codes say, and that
# the nodes' links do not notice.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
weftd="$WEFT_BUILD/weftd"

# shellcheck source=tests/programs/parts/nodes.sh
. "$(dirname "$0")/parts/nodes.sh"
# shellcheck source=tests/programs/parts/identities.sh
. "$(dirname "$0")/parts/identities.sh"

# ping CODE WORDS OPTIONS...: what it says and ends with.
ping()
{
    local expected=$1 words=$2 code=0
    shift 2
    said=$(timeout 60 "$weftd" ping "$@" --interval 0 2>"$folder/ping.log") || code=$?
    said+=$(cat "$folder/ping.log")
    [ $code = "$expected" ] || fail "ping $* ended with exit code $code, expected $expected"
    case "$said" in
    *$words*) ;;
    *) fail "ping $* said \"$said\", expected \"$words\"" ;;
    esac
}

# node NAME URL OPTIONS...: runs it; url is where it listens.
node()
{
    local name=$1 at=$2
    shift 2
    "$weftd" node --name "$name" --listen "$at" --admin "unix:$folder/$name.admin" --log-format text "$@" \
        2>>"$folder/$name.log" &
    pid=$!
    until_says "listens at" cat "$folder/$name.log"
    url=$(sed -n 's/.* listens at \([^ ]*\).*/\1/p' "$folder/$name.log" | head -1)
}

# TCP: two nodes with a link, which stays what it was
node edge-1 nng+tcp://127.0.0.1:0 --cluster test --join edge-2
first=$pid tcp=$url
node edge-2 nng+tcp://127.0.0.1:0 --cluster test --join "edge-1=$tcp"
second=$pid
until_says "edge-2               up           1" of edge-1 cluster
ping 0 'edge-1 of the cluster "test", links of version 1 (stop, streams, undelivered), after ' "$tcp" --count 3
[ "$(grep -cE '^[123]: [0-9]+\.[0-9]{3} ms$' <<<"$said")" = 3 ] || fail "three answers were to come: $said"
grep -qE '^asked 3 times, 0 without an answer; min [0-9.]+ ms, median [0-9.]+ ms, max [0-9.]+ ms$' <<<"$said" ||
    fail "no summary: $said"
ping 0 "edge-1 of" "$tcp" --count 1 --expect edge-1 --cluster test
ping 65 'edge-1 is of the cluster "test"; expected "other"' "$tcp" --cluster other
ping 77 "edge-1 answers there; expected edge-2 (EDENIED)" "$tcp" --expect edge-2
ping 0 "edge-2 of" "$(sed -n 's/.* listens at \([^ ]*\).*/\1/p' "$folder/edge-2.log")" --count 1
until_says "edge-2               up           1" of edge-1 cluster
until_says "edge-1               up           1" of edge-2 cluster
grep -q "refuses a connection" "$folder"/edge-?.log && fail "a visit was refused"
ping 0 " ms" edge-2 --to "unix:$folder/edge-1.admin"

# a node that does not answer, and goes on
kill -STOP $second
node_2=$(sed -n 's/.* listens at \([^ ]*\).*/\1/p' "$folder/edge-2.log")
ping 75 "no hello came within 200 ms (ETIMEDOUT)" "$node_2" --timeout 200ms
kill -CONT $second

# until it is stopped
"$weftd" ping "$tcp" --count 0 --interval 10ms >"$folder/endless.log" 2>&1 &
endless=$!
until_says "3: " cat "$folder/endless.log"
kill -INT $endless
wait $endless || fail "a ping that was stopped ended with exit code $?"
until_says " without an answer; min " cat "$folder/endless.log"

# one that is killed in the middle of it
"$weftd" ping "$tcp" --count 0 --interval 10ms >"$folder/killed.log" 2>&1 &
endless=$!
until_says "3: " cat "$folder/killed.log"
kill -KILL $first
code=0
wait $endless || code=$?
[ $code = 69 ] || fail "a ping of a node that was killed ended with exit code $code, expected 69"
wait $first || true
ping 69 "weftd ping: $tcp: Connection refused (EREFUSED)" "$tcp"

# a UNIX socket, by NNG and without
node edge-3 "nng+ipc:$folder/edge-3"
ping 0 "edge-3 of no cluster, " "nng+ipc:$folder/edge-3" --count 2
node edge-4 "unix:$folder/edge-4"
ping 0 "asked 2 times, 0 without an answer" "unix:$folder/edge-4" --count 2

# TLS: any certificate of the authority will do, and no other
authority ca
authority others
identity edge-5
identity anna
identity eve others
node edge-5 nng+tls+tcp://127.0.0.1:0 --cert "$folder/edge-5.pem" --ca "$folder/ca.pem"
anna=(--cert "$folder/anna.pem" --ca "$folder/ca.pem")
ping 0 "edge-5 of no cluster" "$url" --count 2 --expect edge-5 "${anna[@]}"
ping 77 "(ETLS)" "$url" "${anna[@]}"
ping 77 "(ETLS)" "$url" --expect edge-6 "${anna[@]}"
ping 77 "(ETLS)" "$url" --expect edge-5 --cert "$folder/anna.pem" --ca "$folder/others.pem"
ping 77 "(ETLS)" "$url" --expect edge-5 --cert "$folder/eve.pem" --ca "$folder/ca.pem"
ping 64 "shows its certificate" "$url" --expect edge-5
ping 76 "(EPROTO)" "nng+tcp://${url#nng+tls+tcp://}"

# what is no node
"$weftd" echo --listen "unix:$folder/echo" 2>>"$folder/echo.log" &
until_says "listening at" cat "$folder/echo.log"
ping 76 "no node answers there: it says back what it is told (EPROTO)" "unix:$folder/echo"
"$weftd" discard --listen "unix:$folder/discard" 2>>"$folder/discard.log" &
until_says "listening at" cat "$folder/discard.log"
ping 75 "no hello came within 100 ms (ETIMEDOUT)" "unix:$folder/discard" --timeout 100ms
"$weftd" daytime --listen "unix:$folder/daytime" 2>>"$folder/daytime.log" &
until_says "listening at" cat "$folder/daytime.log"
ping 76 "no node answers there: " "unix:$folder/daytime"

# what is no URL, or not said
ping 78 "expected no --to" "$tcp" --to "unix:$folder/edge-1.admin"
ping 64 "NODE is missing"
ping 78 "there is no scheme" "gopher://there"
