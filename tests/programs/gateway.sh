#!/bin/bash
# One process that speaks seven protocols, under mixed load from the clients people use (gateway.py says which): every
# answer is checked, nothing may be lost or left behind. WEFT_SOAK_SECONDS=600 runs it as long as that.
set -euo pipefail

PATH=$PATH:/usr/sbin
# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs openssl curl smtp-source swaks ii irssi ssh telnet
needs_module websockets
needs_module paramiko

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout own.key -out own.pem 2>said
listeners=6 serve gateway "$WEFT_BUILD/examples/23_gateway" keys http://127.0.0.1:0 \
    "https://127.0.0.1:0?cert=own.pem&key=own.key" tcp://127.0.0.1:0 tcp://127.0.0.1:0 tcp://127.0.0.1:0 tcp://127.0.0.1:0
gateway=$last
ports=("${urls[@]##*:}")

"$python" "$here/gateway.py" "${WEFT_SOAK_SECONDS:-5}" mail "$gateway" own.pem "${ports[@]}" || fail "the load found faults"

# it ends in order under somebody who stays
run ii ii -s 127.0.0.1 -p "${ports[3]}" -n stays -i "$dir/ii"
comes ii/127.0.0.1/out "gateway.example"
stop "$gateway"
comes ii/127.0.0.1/out "Server shutting down"
! grep -qE 'Sanitizer|runtime error' gateway.log || fail "a sanitizer has found something"
