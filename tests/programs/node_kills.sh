#!/bin/bash
# Two nodes over NNG, one of which is killed, or stopped, in the middle of traffic, again and again: each ask comes
# to an end, the monitor is told once for each life, crashes and hangs are noticed in time, and nothing is left behind.
# Over TCP, a UNIX socket, and TLS.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
kills="$WEFT_BUILD/tests/weft_node_kills"
# what is freed is not kept for long by the sanitizer, so that the memory it takes is its own
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1

# shellcheck source=tests/programs/parts/identities.sh
. "$(dirname "$0")/parts/identities.sh"

authority ca
identity steady
identity peer

cycles=${NODE_KILLS_CYCLES:-12}
timeout 250 "$kills" nng+tcp://127.0.0.1:0 "$cycles" 6
timeout 250 "$kills" "nng+ipc:$folder/steady" "$cycles" 6
timeout 250 "$kills" nng+tls+tcp://127.0.0.1:0 "$cycles" 6 "$folder/steady.pem" "$folder/peer.pem" "$folder/ca.pem"
