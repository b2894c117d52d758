#!/bin/bash
# 11_starttls against openssl's own client: before, behind and across the change to TLS.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout key.pem -out certificate.pem 2>/dev/null

"$WEFT_BUILD/examples/11_starttls" tcp://127.0.0.1:0 certificate.pem key.pem 2>log &
server=$!
until address=$(grep -o '127\.0\.0\.1:[1-9][0-9]*' log); do
    kill -0 $server
    sleep 0.05
done

expect()
{
    if ! grep -q "$2" "$1"; then
        echo "$1 lacks \"$2\":"
        cat "$1"
        exit 1
    fi
}

refute()
{
    if grep -E "$2" "$1"; then
        echo "which $1 must not have"
        exit 1
    fi
}

# talk NAME LINE...: says the lines, all at once, in the clear; what came is in NAME
talk()
{
    local name=$1
    shift
    printf '%s\r\n' "$@" | timeout 20 socat -t 10 - "tcp:$address" | tr -d '\r' >"$name"
}

# Within TLS: the certificate verified, TLS ended in order by both sides.
# The session: a command, then QUIT, which the server answers before it closes.
printf 'EHLO again\r\nECHO within\r\nSTARTTLS\r\nQUIT\r\n' |
    timeout 20 openssl s_client -starttls smtp -connect "$address" -CAfile certificate.pem \
        -verify_hostname localhost -verify_return_error -quiet -ign_eof 2>errors |
    tr -d '\r' >within
expect within '^250 ECHO within$'
expect within '^503 this is TLS already$'
expect within '^221 bye$'

# TLS 1.2 is the floor.
version()
{
    timeout 20 openssl s_client -starttls smtp -connect "$address" -CAfile certificate.pem \
        -cipher 'DEFAULT@SECLEVEL=0' "$1" -brief </dev/null >"$2" 2>&1
}
version -tls1_2 floor
expect floor '^Protocol version: TLSv1.2$'
for old in -tls1 -tls1_1; do
    if version "$old" below; then
        echo "$old was spoken"
        exit 1
    fi
    expect below 'alert protocol version'
done

# A server whose certificate is not trusted is refused by the client, and goes on serving.
if timeout 20 openssl s_client -starttls smtp -connect "$address" -verify_return_error \
    -CApath /nowhere -brief </dev/null >refused 2>&1; then
    echo "a certificate that nobody trusts was accepted"
    exit 1
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

kill -TERM $server
wait $server
refute log '"level":"(error|warning)"'
