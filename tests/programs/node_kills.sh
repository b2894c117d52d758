#!/bin/bash
# Two nodes over NNG, one of which is killed, or stopped, in the middle of traffic, again and again: each ask comes
# to an end, the monitor is told once for each life, and nothing is left behind. Over TCP, a UNIX socket, and TLS.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
kills="$WEFT_BUILD/tests/weft_node_kills"
# what is freed is not kept for long by the sanitizer, so that the memory it takes is its own
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1

# identity NAME: its certificate and key in one file, of the authority.
identity()
{
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \
        -addext "subjectAltName=DNS:$1" -keyout "$folder/$1.key" -out "$folder/$1.csr" 2>/dev/null
    openssl x509 -req -in "$folder/$1.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -CAcreateserial \
        -copy_extensions copy -days 2 -out "$folder/$1.crt" 2>/dev/null
    cat "$folder/$1.crt" "$folder/$1.key" >"$folder/$1.pem"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=authority -days 2 \
    -keyout "$folder/ca.key" -out "$folder/ca.pem" 2>/dev/null
identity steady
identity peer

cycles=${NODE_KILLS_CYCLES:-12}
timeout 250 "$kills" nng+tcp://127.0.0.1:0 "$cycles" 6
timeout 250 "$kills" "nng+ipc:$folder/steady" "$cycles" 0
timeout 250 "$kills" nng+tls+tcp://127.0.0.1:0 "$cycles" 6 "$folder/steady.pem" "$folder/peer.pem" "$folder/ca.pem"
