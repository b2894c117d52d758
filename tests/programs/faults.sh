#!/bin/bash
# What a bad network does to what weft forwards and to whom it connects: bytes in odd pieces, late and slowly,
# resets and silence at any byte of a dialogue, ends that only one side hears of. fault_proxy.c does the harm.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
proxy=$WEFT_BUILD/tests/weft_fault_proxy

serve echo "$weftd" echo --listen tcp://127.0.0.1:0
echo=$port

echo "100 MiB in odd pieces, through two forwarders, come back as they were"
openssl enc -aes-128-ctr -K 0 -iv 0 -in /dev/zero 2>/dev/null | head -c 104857600 >bytes || true
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo" --chunk 1,4093,17,65521,3,16384
serve forward "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$port"
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$port" --chunk 8191,2,60000
socat -t 60 - "tcp:127.0.0.1:$port" <bytes | cmp - bytes || fail "100 MiB in odd pieces"

echo "and slowly, and late"
head -c 3000000 bytes >some
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo" --rate 4000000 --chunk 10007
serve forward "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$port"
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$port" --delay 50ms
socat -t 60 - "tcp:127.0.0.1:$port" <some | cmp - some || fail "slowly, and late"

echo "a reset in the middle is seen as one, behind the bytes before it"
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo" --back 1000000
serve forward "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$port"
python3 - "$port" some <<'END' || fail "a reset in the middle"
import socket, sys, threading
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
sent = open(sys.argv[2], "rb").read()
def send():
    try:
        s.sendall(sent)
    except OSError:
        pass
threading.Thread(target=send, daemon=True).start()
got, reset = b"", False
try:
    while piece := s.recv(65536):
        got += piece
except ConnectionResetError:
    reset = True
sys.exit(not (reset and len(got) <= 1000000 and sent.startswith(got)))
END

echo "a reset at each byte of a SOCKS dialogue is a failure, not a wrong answer"
mkdir site
echo hello >site/hello
serve web "$weftd" web --path site --port 0
web=$port
serve socks "$weftd" socks --listen tcp://127.0.0.1:0
socks=$port
# get WAY FIRST: the connections up to FIRST - 1 are cut within the dialogue: nothing was sent
get_each()
{
    local way=$1 first=$2 n text
    serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$socks" "--$way" +
    for ((n = 0; n < first; n++)); do
        text=$("$weftd" get "http://127.0.0.1:$web/hello" --proxy "socks5h://127.0.0.1:$port" 2>&1) &&
            fail "cut at byte $n $way: $text"
        case $text in
        *"not sent: "*) ;;
        *) fail "cut at byte $n $way: $text" ;;
        esac
    done
    for ((; n < first + 10; n++)); do
        text=$("$weftd" get "http://127.0.0.1:$web/hello" --proxy "socks5h://127.0.0.1:$port" 2>&1) || true
        [ "$text" != hello ] || fail "cut at byte $n $way: a whole answer"
    done
}
get_each there 13 # a greeting of 3 bytes, a request of 10
get_each back 12  # a choice of 2 bytes, a reply of 10
[ "$("$weftd" get "http://127.0.0.1:$web/hello" --proxy "socks5h://127.0.0.1:$socks")" = hello ] ||
    fail "the server does not serve any more"

echo "a proxy that falls silent is given up in time"
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$socks" --back 1 --then hole
serve forward "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo?via=socks5h://127.0.0.1:$port&timeout=300ms"
[ -z "$(socat -t 20 - "tcp:127.0.0.1:$port" </dev/null 2>/dev/null)" ] || fail "bytes out of silence"
comes forward.log "did not finish the handshake in time"

echo "a pair whose target has gone without a word is closed when it is idle"
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo" --there 3 --then hole
serve forward "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$port" --idle 300ms --log-level info
exec {open}<>"/dev/tcp/127.0.0.1/$port"
printf 'one two' >&"$open"
[ -z "$(cat <&"$open")" ] || fail "bytes out of silence"
exec {open}>&-
comes forward.log "nothing came for"

echo "who is reset alone leaves the other side to its idle limit"
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo" --there 3 --then half
half=$port
serve forward "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$half" --log-level info
(printf 'one two' | socat -t 20 - "tcp:127.0.0.1:$port" >/dev/null 2>&1) || true
comes forward.log "forwarded 7 bytes there"

echo "an end at a byte is passed on behind it"
serve faults "$proxy" tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo" --back 100000 --then end
serve forward "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$port"
head -c 100000 some >first
# the rest of what is sent is refused, which is no business of what had come
(socat -t 20 - "tcp:127.0.0.1:$port" <first 2>/dev/null || true) | cmp - first || fail "an end at a byte"
echo "all harm was seen for what it was"
