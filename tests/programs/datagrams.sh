#!/bin/bash
# Datagrams as other people's programs send them: the wire services, over UDP and UNIX sockets; groups and
# broadcasts in a network of their own.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

# asked TEXT COMMAND...: what the command, which waits a second for it, gets back; on a busy machine that is not
# always enough, and it asks again.
asked()
{
    local text=$1 got
    shift
    for _ in 1 2 3 4 5; do
        got=$(printf '%s' "$text" | "$@" 2>/dev/null || true)
        [ -z "$got" ] || break
    done
    printf '%s' "$got"
}

# answer TEXT ADDRESS: the same with socat.
answer()
{
    asked "$1" socat -t 1 - "$2"
}

serve echo "$weftd" echo --listen 'udp://127.0.0.1:0'
same "an echo to socat" "$(answer hello "UDP:$at")" hello
# ncat goes when its input ends, whatever is still to come: it is kept open for a moment
ncat_asked()
{
    (
        printf '%s' "$1"
        timeout 1 tail -f /dev/null
    ) | ncat -u -i 1 "${at%:*}" "${at##*:}" 2>/dev/null || true
}
same "an echo to ncat" "$(ncat_asked again)" again
head -c 60000 /dev/urandom >large
for _ in 1 2 3 4 5; do
    socat -b 65536 -t 1 - "UDP:$at" <large >back
    [ ! -s back ] || break
done
cmp large back || fail "60,000 bytes came back changed"
same "an echo to an example" \
    "$("$WEFT_BUILD/examples/21_datagrams" "udp://$at" 'is anybody there?')" 'is anybody there?'
stop

serve echo "$weftd" echo --listen 'udp://[::1]:0'
same "an echo over IPv6" "$(answer hello "UDP6:$at")" hello
stop

serve example "$WEFT_BUILD/examples/21_datagrams" 'udp://*:0'
same "one endpoint hears IPv4" "$(answer hello "UDP4:127.0.0.1:${at##*:}")" hello
same "and IPv6" "$(answer hello "UDP6:[::1]:${at##*:}")" hello
stop

serve echo "$weftd" echo --listen unixgram:server.sock
same "an echo over a UNIX socket" "$(answer hello UNIX-SENDTO:server.sock,bind=client.sock)" hello
stop
[ ! -e server.sock ] || fail "its socket is left behind"

serve daytime "$weftd" daytime --listen udp://127.0.0.1:0
case $(answer '' "UDP:$at,shut-null") in
*-UTC*) ;;
*) fail "daytime says no time" ;;
esac
stop

serve time "$weftd" time --listen udp://127.0.0.1:0
seconds=
for _ in 1 2 3 4 5; do
    seconds=$(printf x | socat -t 1 - "UDP:$at" | od -An -tu4 --endian=big)
    [ -z "$seconds" ] || break
done
now=$(($(date +%s) + 2208988800))
[ $((now - seconds)) -lt 60 ] || fail "the time is $seconds, expected about $now"
stop

code=0
"$weftd" web --listen udp://127.0.0.1:0 2>log || code=$?
same "the code of a service that has no datagrams" "$code" 69
grep -q 'does not serve datagrams' log || fail "it does not say why"

# In a network of its own: what is sent to a group, and to everybody, is answered.
if ! unshare -n true 2>/dev/null; then
    echo "the rest is left out: no network namespaces here"
    exit 77
fi
export weftd WEFT_BUILD
export -f asked answer
unshare -n bash -euo pipefail <<'INSIDE' || fail "groups and broadcasts"
ip link set lo up
if ! ip link add one type veth peer name two 2>/dev/null; then
    echo "the rest is left out: no pairs of interfaces here"
    exit 77
fi
ip addr add 10.77.0.1/24 broadcast 10.77.0.255 dev one
ip link set one up
ip link set two up
mkfifo inside
"$weftd" echo --listen 'udp://0.0.0.0:7007?join=239.1.2.3&interface=one' --log-format text \
    2>inside >/dev/null &
server=$!
read -r -t 60 _ <inside
got=$(answer group UDP4-DATAGRAM:239.1.2.3:7007,ip-multicast-if=10.77.0.1)
[ "$got" = group ] || { echo "a group: \"$got\""; exit 1; }
got=$(answer all UDP4-DATAGRAM:10.77.0.255:7007,broadcast,bind=10.77.0.1)
[ "$got" = all ] || { echo "a broadcast: \"$got\""; exit 1; }
kill "$server"
wait "$server"
INSIDE
