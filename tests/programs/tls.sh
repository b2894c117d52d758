#!/bin/bash
# TLS by URL against other people's: openssl s_client and s_server, curl, sslscan. Names and kinds of keys,
# client certificates, ALPN, resumption, versions, stapled answers, plain HTTP on the port, renewed files.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

# ---- certificates: a root, a server by two kinds of keys, another name, a client

root()
{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=$1" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout "$1.key" -out "$1.pem" 2>/dev/null
}

# issue NAME SUBJECT NAMES KEY...: signed by root.pem
issue()
{
    local name=$1 subject=$2 names=$3
    shift 3
    openssl req -new -nodes -subj "$subject" -keyout "$name.key" -out "$name.csr" "$@" 2>/dev/null
    openssl x509 -req -in "$name.csr" -CA root.pem -CAkey root.key -CAcreateserial -days 1 \
        -extfile <(printf '%s' "${names:+subjectAltName=$names}") -out "$name.pem" 2>/dev/null
}

ec=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
root root
root stranger
issue site /CN=site DNS:localhost,DNS:site.example,IP:127.0.0.1 "${ec[@]}"
issue rsa /CN=site DNS:localhost,DNS:site.example,IP:127.0.0.1 -newkey rsa:2048
issue other /CN=other DNS:other.example "${ec[@]}"
issue client /CN=client "" "${ec[@]}"

# An answer of OCSP that says "good".
serial=$(openssl x509 -in site.pem -noout -serial | cut -d= -f2)
printf 'V\t%s\t\t%s\tunknown\t/CN=site\n' "$(date -u -d tomorrow +%y%m%d%H%M%SZ)" "$serial" >index
openssl ocsp -index index -rsigner root.pem -rkey root.key -CA root.pem -issuer root.pem \
    -cert site.pem -ndays 1 -respout site.ocsp >/dev/null 2>&1 ||
    fail "openssl makes no answer of OCSP"

# ---- servers

mkdir www
echo "hello over TLS" >www/hello.txt
head -c 3000000 /dev/urandom >www/large
serve web "$weftd" web --path www --listen "https://127.0.0.1:0?cert=site.pem&key=site.key&ocsp=site.ocsp&\
cert=rsa.pem&key=rsa.key&cert=other.pem&key=other.key"
web=$at
serve echo "$weftd" echo --listen "tls://127.0.0.1:0?cert=site.pem&key=site.key&ca=root.pem&\
clients=required&tls_min=1.2&alpn=echo/1,http/1.1"
echo=$at
cat site.pem site.key >both.pem
serve renew "$weftd" echo --listen "tls://127.0.0.1:0?cert=both.pem&tls_min=1.3"
renew=$at

# say NAME ARGUMENTS...: openssl's client, with nothing to say; what it tells is in NAME
say()
{
    local name=$1
    shift
    timeout 20 openssl s_client -CAfile root.pem "$@" </dev/null >"$name" 2>&1 || true
}

expect()
{
    grep -qE -- "$2" "$1" || fail "$1 lacks \"$2\": $(tail -n 40 "$1")"
}

refute()
{
    if grep -E -- "$2" "$1"; then
        fail "which $1 must not have"
    fi
}

# ---- names, and kinds of keys

say by_name -connect "$web" -servername site.example -verify_hostname site.example
expect by_name 'Verify return code: 0 \(ok\)'
expect by_name 'subject=CN = site'
expect by_name 'Peer signature type: ECDSA'
say by_rsa -connect "$web" -servername localhost -sigalgs RSA-PSS+SHA256 -tls1_3
expect by_rsa 'Verify return code: 0 \(ok\)'
expect by_rsa 'Peer signature type: RSA-PSS'
say by_other -connect "$web" -servername other.example -verify_hostname other.example
expect by_other 'subject=CN = other'
expect by_other 'Verify return code: 0 \(ok\)'

# ---- stapled answers

say status -connect "$web" -servername localhost -status
expect status 'Cert Status: good'
say no_status -connect "$web" -servername other.example -status
expect no_status 'OCSP response: no response sent'

# ---- versions

say floor -connect "$web" -tls1_2 -servername localhost
expect floor 'Protocol *: TLSv1.2'
expect floor 'Verify return code: 0 \(ok\)'
for old in -tls1 -tls1_1; do
    say old -connect "$web" -cipher 'DEFAULT@SECLEVEL=0' "$old"
    expect old 'alert protocol version|no protocols available|unsupported protocol'
done
say new_only -connect "$renew" -tls1_2
expect new_only 'alert protocol version'

# ---- resumption: by tickets, in both versions

for version in -tls1_2 -tls1_3; do
    rm -f session
    # TLS 1.3 gives tickets behind the handshake: an answer is waited for
    printf 'HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' |
        timeout 20 openssl s_client -connect "$web" -servername localhost $version \
            -sess_out session -quiet >first 2>&1 || true
    [ -s session ] || fail "no session was given with $version: $(cat first)"
    say second -connect "$web" -servername localhost $version -sess_in session
    expect second '^Reused, '
done

say again -connect "$web" -servername localhost -tls1_2 -reconnect
[ "$(grep -c '^Reused, ' again)" = 5 ] || fail "of five reconnects not all were resumed: $(cat again)"

# ---- client certificates, ALPN

say nobody -connect "$echo" -tls1_2
expect nobody 'alert handshake failure|certificate required'
say known -connect "$echo" -cert client.pem -key client.key -alpn http/1.1,echo/1 -tls1_2
expect known 'ALPN protocol: echo/1'
expect known 'Verify return code: 0 \(ok\)'
say unheard -connect "$echo" -cert client.pem -key client.key -alpn smtp -tls1_2
expect unheard 'no application protocol'
# what is said comes back, and ends in order
(
    echo "and back"
    read -r -t 1 <> <(:) || true
) | timeout 20 openssl s_client -connect "$echo" -CAfile root.pem -cert client.pem \
        -key client.key -quiet 2>/dev/null >back || true
expect back '^and back$'

# ---- curl, and what it asks in the clear

curl_it()
{
    curl -sS --max-time 20 --cacert root.pem "$@"
}
[ "$(curl_it "https://$web/hello.txt")" = "hello over TLS" ] || fail "curl got something else"
curl_it --tls-max 1.2 "https://$web/large" | cmp - www/large
curl_it --http1.1 "https://$web/large" | cmp - www/large
curl_it -o plain -w '%{http_code}' "http://$web/hello.txt" >code || true
[ "$(cat code)" = 400 ] || fail "plain HTTP was answered $(cat code)"
expect plain 'This port speaks https'
if curl -sS --max-time 20 "https://$web/" 2>error; then
    fail "a certificate that nobody trusts was accepted"
fi

# ---- curl, with certificates of its own, in both versions: the right one, none, a stranger's

serve clients "$weftd" web --path www --listen "https://127.0.0.1:0?cert=site.pem&key=site.key&ca=root.pem&clients=required"
clients=$at
for version in 1.2 1.3; do
    got=$(curl_it --tls-max $version --cert client.pem --key client.key "https://$clients/hello.txt")
    [ "$got" = "hello over TLS" ] || fail "a client with a certificate got $got, TLS $version"
    for shown in "" "--cert stranger.pem --key stranger.key"; do
        # shellcheck disable=SC2086
        if curl_it --tls-max $version $shown -o refused "https://$clients/hello.txt" 2>error; then
            fail "a client that showed \"$shown\" was let in, TLS $version: $(cat refused)"
        fi
        expect error 'alert|certificate required|handshake failure'
    done
done

# ---- as a client: weftd get and forward, against openssl and against weft

[ "$("$weftd" get --ca root.pem "https://localhost:${web#*:}/hello.txt")" = "hello over TLS" ] ||
    fail "weftd get got something else"
"$weftd" get --ca root.pem "https://$web/large" | cmp - www/large
if "$weftd" get --ca stranger.pem "https://$web/" >untrusted 2>&1; then
    fail "a stranger was trusted"
fi
expect untrusted 'not accepted'
"$weftd" get --insecure "https://$web/hello.txt" >/dev/null

# our own server with the certificate of a client, reached through a forwarder that adds TLS
serve forward "$weftd" forward tcp://127.0.0.1:0 \
    "tls://$echo?ca=root.pem&cert=client.pem&key=client.key&host=site.example"
[ "$(echo through | timeout 20 socat -t 5 - "tcp:$at")" = through ] ||
    fail "nothing came through: $(cat forward.log)"

# openssl's server, which wants a certificate
run s_server openssl s_server -accept 127.0.0.1:0 -cert site.pem -key site.key -CAfile root.pem -Verify 1 \
    -verify_return_error -rev
comes s_server.out "ACCEPT"
port=$(sed -n 's/^ACCEPT .*:\([0-9]*\)\( .*\)\?$/\1/p' s_server.out)
serve to_openssl "$weftd" forward tcp://127.0.0.1:0 \
    "tls://127.0.0.1:$port?ca=root.pem&cert=client.pem&key=client.key"
[ "$(echo abc | timeout 20 socat -t 5 - "tcp:$at")" = cba ] ||
    fail "s_server did not answer: $(cat to_openssl.log s_server.log)"

# ---- records of TLS 1.3 in every suite: 50 MB each way at once, also padded to the longest; keys renewed by hand

head -c 50000000 /dev/urandom >much
cat >both_ways.py <<'END'
import select, socket, ssl, sys
context = ssl.create_default_context(cafile="root.pem")
context.check_hostname = False
context.minimum_version = ssl.TLSVersion.TLSv1_3
host, port = sys.argv[1].rsplit(":", 1)
stream = context.wrap_socket(socket.create_connection((host, int(port))))
assert stream.cipher()[0] == sys.argv[2], stream.cipher()
data = memoryview(open("much", "rb").read())
stream.setblocking(False)  # not two threads: SSL may be used by one at a time
waits = ssl.SSLWantReadError, ssl.SSLWantWriteError
got, at, step = bytearray(), 0, 1
while len(got) < len(data):
    moved = False
    try:
        if at < len(data):  # many small ones, and long ones
            at += stream.send(data[at : at + step])
            step, moved = step + 1 if step < 2000 else 1 << 20, True
    except waits:
        pass
    try:
        more = stream.recv(1 << 16)
        assert more, len(got)
        got += more
        moved = True
    except waits:
        pass
    if not moved:
        select.select([stream], [stream] if at < len(data) else [], [])
stream.setblocking(True)
assert got == data
stream.unwrap()
END
# both_ways SUITE [RULE]: as python's client, by OpenSSL's rules in a file
both_ways()
{
    printf '%s\n' 'openssl_conf = a' '[a]' 'ssl_conf = b' '[b]' 'system_default = c' '[c]' \
        "Ciphersuites = $1" "${2:-}" >suite.cnf
    OPENSSL_CONF=$dir/suite.cnf timeout 120 python3 both_ways.py "$keys" "$1" >both_ways.log 2>&1 ||
        fail "$1 ${2:-}: $(cat both_ways.log)"
}
serve keys "$weftd" echo --listen "tls://127.0.0.1:0?cert=site.pem&key=site.key"
keys=$at
for suite in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do
    both_ways $suite
done
head -c 5000000 much >less
mv less much
both_ways TLS_AES_128_GCM_SHA256 'RecordPadding = 16384'

# k: new keys; K: and the server is asked for its own, which it has sent before it says more
mkfifo to_client
timeout 60 openssl s_client -connect "$keys" -CAfile root.pem -tls1_3 -msg <to_client >renewed_keys 2>&1 &
client=$!
running[$client]=
exec 7>to_client
comes renewed_keys 'Verify return code'
renewals=0
renewed()
{
    kill -0 "$client" || fail "no keys were renewed: $(cat renewed_keys)"
    [ "$(grep -c '^>>> .*KeyUpdate' renewed_keys)" = $renewals ]
}
back()
{
    kill -0 "$client" || fail "$word did not come back: $(cat renewed_keys)"
    grep -q "^$word\$" renewed_keys
}
for word in one k two K three K k four; do
    echo "$word" >&7
    if [ ${#word} = 1 ]; then
        renewals=$((renewals + 1))
        until_so "keys are renewed" renewed
    else
        until_so "$word is back" back
    fi
done
exec 7>&-
[ "$(grep -c '^<<< .*KeyUpdate' renewed_keys)" = 2 ] || fail "the server's keys: $(cat renewed_keys)"
# a client of little memory
say small -connect "$keys" -servername localhost -tls1_3 -maxfraglen 512
expect small 'Verify return code: 0 \(ok\)'

# ---- over what is no address: a program's input and output, a descriptor, a socket of systemd's

inner="stdio:%3Ftls%26cert%3D$dir/site.pem%26key%3D$dir/site.key"
said=$(printf 'to a program\n' | timeout 60 "$weftd" forward stdio: \
    "exec:$weftd?arg=echo&arg=--listen&arg=$inner&tls&ca=root.pem&host=localhost" 2>to_program.log) || true
[ "$said" = "to a program" ] || fail "over a program's pipes came \"$said\": $(cat to_program.log)"
said=$(printf 'by a descriptor\n' | timeout 60 "$weftd" forward stdio: \
    "fd:5?tls&ca=root.pem&host=localhost" 5<>"/dev/tcp/127.0.0.1/${renew##*:}" 2>to_fd.log) || true
[ "$said" = "by a descriptor" ] || fail "over a descriptor came \"$said\": $(cat to_fd.log)"
if command -v systemd-socket-activate >/dev/null; then
    run given systemd-socket-activate --listen="$dir/given.sock" \
        "$weftd" echo --listen "systemd:?tls&cert=site.pem&key=site.key"
    until_so "systemd's socket is there" test -S given.sock
    said=$(printf 'to systemd\n' | timeout 60 "$weftd" forward stdio: \
        "unix:given.sock?tls&ca=root.pem&host=localhost" 2>to_given.log) || true
    [ "$said" = "to systemd" ] || fail "over systemd's socket came \"$said\": $(cat to_given.log given.log)"
fi

# ---- renewed files: connections that are open stay, new ones see them

cat other.pem other.key >new.pem
mv new.pem both.pem
seen()
{
    say renewed -connect "$renew" -servername other.example
    grep -q 'subject=CN = other' renewed
}
until_so "the new files are seen" seen

# ---- an auditor

if command -v sslscan >/dev/null; then
    sslscan --no-colour "$web" >scan 2>&1 || fail "sslscan: $(cat scan)"
    refute scan '(SSLv2|SSLv3|TLSv1\.0|TLSv1\.1) *enabled'
    expect scan 'TLSv1.2 *enabled'
    expect scan 'TLSv1.3 *enabled'
    expect scan 'not vulnerable to heartbleed'
    refute scan '[^t] vulnerable to heartbleed'
    refute scan 'RC4|DES|NULL|EXP-|anon|CBC|-SHA '
    expect scan 'Session renegotiation not supported'
fi
