#!/bin/bash
# Nodes over a network that nftables takes apart: edge-1 is linked to edge-2 and to edge-3, and what goes between
# the first two is dropped both ways, one way, and rejected. Both must see it within the limit of the pings, the
# third must not notice, and the link must be there again when the network is. In a network namespace of its own.
set -euo pipefail

# shellcheck source=tests/programs/parts/netns.sh
. "$(dirname "$0")/parts/netns.sh"

weftd=$WEFT_BUILD/weftd
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$folder"' EXIT

# shellcheck source=tests/programs/parts/nodes.sh
. "$(dirname "$0")/parts/nodes.sh"

# node NAME OPTIONS...: runs it.
node()
{
    local name=$1
    shift
    "$weftd" node --name "$name" --cluster test --admin "unix:$folder/$name.admin" --log-format text \
        "$@" 2>>"$folder/$name.log" &
}

# at NAME: where it listens.
at()
{
    until_says "listens at nng+tcp://" cat "$folder/$1.log"
    grep -o 'nng+tcp://127[0-9.:]*' "$folder/$1.log" | head -1
}

# state NAME OF: how OF sees NAME: up or down, and the how-many-eth link it is.
state()
{
    of "$2" cluster | awk -v n="$1" '$1 == n { print $2, $3 }'
}

# rules TEXT...: the only rules there are, of what leaves; none takes them back.
rules()
{
    local one
    nft flush ruleset
    nft add table inet weft
    nft add chain inet weft out '{ type filter hook output priority 0; }'
    for one in "$@"; do
        # shellcheck disable=SC2086 # its words are words
        nft add rule inet weft out $one
    done
}

ip link set lo up
node edge-2 --listen nng+tcp://127.0.0.1:0 --join edge-1
second=$(at edge-2)
port=${second##*:}
node edge-1 --listen nng+tcp://127.0.0.1:0 --join "edge-2=$second" --join edge-3
first=$(at edge-1)
node edge-3 --join "edge-1=$first"
until_says "edge-2               up " of edge-1 cluster
until_says "edge-3               up " of edge-1 cluster

apart()
{
    echo "$1"
    shift
    local before
    before=$(state edge-3 edge-1)
    rules "$@"
    until_says "edge-2               down " of edge-1 cluster
    until_says "edge-1               down " of edge-2 cluster
    until_says "there is no link to node edge-2" of edge-1 ping edge-2
    until_says " ms" of edge-3 ping edge-1
    [ "$(state edge-3 edge-1)" = "$before" ] || fail "edge-3 was lost too: $(state edge-3 edge-1)"
    rules
    until_says "edge-2               up " of edge-1 cluster
    until_says "edge-1               up " of edge-2 cluster
    until_says " ms" of edge-1 ping edge-2
    until_says " ms" of edge-2 ping edge-1
}

apart "nothing passes" "tcp dport $port drop" "tcp sport $port drop"
apart "what one of them says is lost" "tcp dport $port drop"
apart "what the other says is lost" "tcp sport $port drop"
apart "every packet is answered by a reset" "tcp dport $port reject with tcp reset" \
    "tcp sport $port reject with tcp reset"

for name in edge-1 edge-2 edge-3; do
    of "$name" shutdown >/dev/null
done
for job in $(jobs -p); do
    wait "$job" || fail "a node ended with exit code $?"
done
