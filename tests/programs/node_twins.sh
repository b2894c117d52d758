#!/bin/bash
# Two processes of one name: the later one takes the place of the earlier, which is refused from then on, says why, and
# goes on by itself.
set -euo pipefail

weftd=$WEFT_BUILD/weftd
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$folder"' EXIT

# shellcheck source=tests/programs/parts/nodes.sh
. "$(dirname "$0")/parts/nodes.sh"

# node NAME AS OPTIONS...: runs it, with the console and the log of AS.
node()
{
    local name=$1 as=$2
    shift 2
    "$weftd" node --name "$name" --admin "unix:$folder/$as.admin" --log-format text --log-level info \
        "$@" 2>>"$folder/$as.log" &
    pid=$!
}

node edge-1 edge-1 --listen nng+tcp://127.0.0.1:0 --join edge-2
until_says "listens at nng+tcp://" cat "$folder/edge-1.log"
url=$(grep -o 'nng+tcp://127[0-9.:]*' "$folder/edge-1.log" | head -1)
node edge-2 earlier --join "edge-1=$url"
earlier=$pid
until_says "edge-2               up           1" of edge-1 cluster
until_says "edge-1               up           1" of earlier cluster

node edge-2 later --join "edge-1=$url"
later=$pid
until_says "edge-2               up           2" of edge-1 cluster
until_says "edge-1               up           1" of later cluster
until_says "edge-1               down" of earlier cluster
until_says "is down: node edge-2: it began anew" cat "$folder/edge-1.log"
until_says "a newer life of edge-2 is linked" cat "$folder/earlier.log"
until_says " ms" of later ping edge-1
until_says "there is no link to node edge-1" of earlier ping edge-1
# however often the earlier one tries
tries()
{
    [ "$(grep -c "a newer life of edge-2 is linked" "$folder/edge-1.log")" -lt 3 ] || echo often
}
until_says often tries
until_says "edge-2               up           2" of edge-1 cluster

for pid in $earlier $later; do
    kill -TERM "$pid"
    wait "$pid" || fail "a node ended with exit code $?"
done
