#!/bin/bash
# One process that speaks seven protocols, under mixed load from other people's clients: every answer is checked,
# nothing may be lost or left behind. WEFT_SOAK_SECONDS=600 runs it as long as that.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout own.key -out own.pem 2>said
listeners=6 serve gateway "$WEFT_BUILD/examples/23_gateway" keys http://127.0.0.1:0 \
    "https://127.0.0.1:0?cert=own.pem&key=own.key" tcp://127.0.0.1:0 tcp://127.0.0.1:0 tcp://127.0.0.1:0 tcp://127.0.0.1:0
ports=("${urls[@]##*:}")

/usr/bin/python3 "$here/gateway.py" "${WEFT_SOAK_SECONDS:-5}" mail "$last" own.pem "${ports[@]}" || fail "the load found faults"
stop
! grep -qE 'Sanitizer|runtime error' gateway.log || fail "a sanitizer has found something"
