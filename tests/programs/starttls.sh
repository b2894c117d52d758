#!/bin/bash
# 11_starttls against openssl's own client: before, behind and across the change to TLS.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem 2>/dev/null

serve starttls "$WEFT_BUILD/examples/11_starttls" tcp://127.0.0.1:0 certificate.pem key.pem

expect()
{
    grep -q "$2" "$1" || fail "$1 lacks \"$2\": $(cat "$1")"
}

refute()
{
    if grep -E "$2" "$1"; then
        fail "which $1 must not have"
    fi
}

# talk NAME LINE...: says the lines, all at once, in the clear; what came is in NAME
talk()
{
    local name=$1
    shift
    printf '%s\r\n' "$@" | timeout 20 socat -t 10 - "tcp:$at" | tr -d '\r' >"$name"
}

# Within TLS: the certificate verified, TLS ended in order by both sides.
# The session: a command, then QUIT, which the server answers before it closes.
printf 'EHLO again\r\nECHO within\r\nSTARTTLS\r\nQUIT\r\n' |
    timeout 20 openssl s_client -starttls smtp -connect "$at" -CAfile certificate.pem \
        -verify_hostname localhost -verify_return_error -quiet -ign_eof 2>errors |
    tr -d '\r' >within
expect within '^250 ECHO within$'
expect within '^503 this is TLS already$'
expect within '^221 bye$'

# TLS 1.2 is the floor.
version()
{
    timeout 20 openssl s_client -starttls smtp -connect "$at" -CAfile certificate.pem \
        -cipher 'DEFAULT@SECLEVEL=0' "$1" -brief </dev/null >"$2" 2>&1
}
version -tls1_2 floor
expect floor '^Protocol version: TLSv1.2$'
for old in -tls1 -tls1_1; do
    if version "$old" below; then
        fail "$old was spoken"
    fi
    expect below 'alert protocol version'
done

# A server whose certificate is not trusted is refused by the client, and goes on serving.
if timeout 20 openssl s_client -starttls smtp -connect "$at" -verify_return_error \
    -CApath /nowhere -brief </dev/null >refused 2>&1; then
    fail "a certificate that nobody trusts was accepted"
fi

# In the clear: half close is answered, then closed; what is said behind STARTTLS is never obeyed.
talk clear 'EHLO me' 'ECHO clear' 'NONSENSE'
expect clear '^250 STARTTLS$'
expect clear '^250 ECHO clear$'
expect clear '^500 what?$'
talk injected 'EHLO me' "STARTTLS"$'\r\n'"ECHO injected"
expect injected '^554 '
refute injected '^220 go|250 ECHO'

# A line beyond the limit ends that session alone.
talk long "$(head -c 600 /dev/zero | tr '\0' x)"
refute long '^500'
talk again 'QUIT'
expect again '^221 bye$'

stop
refute starttls.log '"level":"(error|warning)"'
