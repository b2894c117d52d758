#!/bin/bash
# SOCKS with real peers: curl, ncat, socat and ssh's usual helper as clients of weftd socks; microsocks, dante, ssh
# and tinyproxy as servers that weft's client goes through.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

head -c 3000000 /dev/urandom >bytes
mkdir site
cp bytes site/bytes
serve web "$weftd" web --path site --port 0
web=$port
serve echo "$weftd" echo --listen tcp://127.0.0.1:0
echo=$port
serve socks "$weftd" socks --listen tcp://127.0.0.1:0
socks=$port
serve login "$weftd" socks --listen tcp://127.0.0.1:0 --auth memory:alice:sesame --log-level info
login=$port
serve denied "$weftd" socks --listen tcp://127.0.0.1:0 --deny 127.0.0.0/8
denied=$port

echo "curl through weftd"
for way in "--socks5 127.0.0.1:$socks" "--socks5-hostname 127.0.0.1:$socks" \
    "--socks4 127.0.0.1:$socks" "--socks4a 127.0.0.1:$socks" \
    "--socks5 127.0.0.1:$login --proxy-user alice:sesame"; do
    for host in 127.0.0.1 localhost; do
        # shellcheck disable=SC2086
        curl -sS -4 --noproxy '' $way "http://$host:$web/bytes" | cmp - bytes || fail "curl $way to $host"
    done
done

# refused WANTED-CODE ARGUMENT...: curl's exit code and what it says of the proxy.
refused()
{
    local code=0 wanted=$1
    shift
    curl -sS --noproxy '' "$@" 2>said || code=$?
    same "curl $*" "$code" "$wanted"
}
refused 97 --socks5 "127.0.0.1:$login" --proxy-user alice:open "http://127.0.0.1:$web/"
refused 97 --socks5 "127.0.0.1:$login" "http://127.0.0.1:$web/"
refused 97 --socks4a "127.0.0.1:$login" "http://127.0.0.1:$web/"
refused 97 --socks5 "127.0.0.1:$denied" "http://127.0.0.1:$web/"
grep -q "(2)" said || fail "a denied target: $(cat said)"
refused 97 --socks5-hostname "127.0.0.1:$denied" "http://localhost:$web/"
grep -q "(2)" said || fail "a denied address behind a name: $(cat said)"
hold_port
refused 97 --socks5 "127.0.0.1:$socks" "http://127.0.0.1:$port/"
grep -q "(5)" said || fail "a target nobody is at: $(cat said)"

echo "datagrams through weftd"
serve udpecho "$weftd" echo --listen udp://127.0.0.1:0
udp=$port
serve udpdenied "$weftd" socks --listen tcp://127.0.0.1:0 --deny "127.0.0.1:$udp"
udpdenied=$port
serve udpidle "$weftd" socks --listen tcp://127.0.0.1:0 --idle 200ms
udpidle=$port
python3 - "$socks" "$udpdenied" "$udpidle" "$udp" <<'END' || fail "datagrams"
import socket, struct, sys
socks, denied, idle, target = map(int, sys.argv[1:])

def associate(port):
    tcp = socket.create_connection(("127.0.0.1", port))
    tcp.settimeout(20)
    tcp.sendall(b"\5\1\0\5\3\0\1\0\0\0\0\0\0")
    got = b""
    while len(got) < 12:
        got += tcp.recv(100)
    assert got[:6] == b"\5\0\5\0\0\1", got
    return tcp, (socket.inet_ntoa(got[6:10]), struct.unpack(">H", got[10:12])[0])

def packet(host, text, frag=0):
    head = b"\0\0" + bytes([frag])
    if host[0].isdigit():
        head += b"\1" + socket.inet_aton(host)
    else:
        head += b"\3" + bytes([len(host)]) + host.encode()
    return head + struct.pack(">H", target) + text

def udp():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(20)
    s.bind(("127.0.0.1", 0))
    return s

tcp, relay = associate(socks)
client, stranger = udp(), udp()
want = b"\0\0\0\1\x7f\0\0\1" + struct.pack(">H", target)
client.sendto(packet("127.0.0.1", b"one"), relay)
assert client.recv(100) == want + b"one"
# a fragment and a stranger's are dropped; what comes behind them is answered
client.sendto(packet("127.0.0.1", b"part", 1), relay)
stranger.sendto(packet("127.0.0.1", b"mine"), relay)
client.sendto(packet("localhost", b"two"), relay)
assert client.recv(100) == want + b"two"
big = bytes(range(256)) * 200
client.sendto(packet("127.0.0.1", big), relay)
assert client.recv(65535) == want + big
# it ends with the connection that asked for it: the port is free again
tcp.close()
for _ in range(1000):
    try:
        probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        probe.bind(relay)
        break
    except OSError:
        probe.close()
        stranger.settimeout(0.02)
        try:
            stranger.recv(1)
        except TimeoutError:
            pass
else:
    sys.exit("the association lives on")
# a denied target hears nothing: the next association's target does
tcp, relay = associate(denied)
client = udp()
client.sendto(packet("127.0.0.1", b"denied"), relay)
client.settimeout(0.3)
try:
    sys.exit(f"a denied target answered {client.recv(100)}")
except TimeoutError:
    pass
# one that is idle is closed
tcp, relay = associate(idle)
assert tcp.recv(1) == b""
END

echo "others through weftd"
same "ncat, version 5" "$(printf 'one' | ncat --proxy "127.0.0.1:$socks" --proxy-type socks5 127.0.0.1 "$echo")" one
same "ncat, version 4" "$(printf 'one' | ncat --proxy "127.0.0.1:$socks" --proxy-type socks4 127.0.0.1 "$echo")" one
same "ncat, with a login" "$(printf 'one' | ncat --proxy "127.0.0.1:$login" --proxy-type socks5 \
    --proxy-auth alice:sesame 127.0.0.1 "$echo")" one
socat -t 10 - "SOCKS4A:127.0.0.1:localhost:$echo,socksport=$socks" <bytes | cmp - bytes || fail "socat"
if nc -h 2>&1 | grep -q "proxy_protocol"; then
    # what `ssh -o ProxyCommand` runs
    same "nc -X 5" "$(printf 'one' | nc -N -X 5 -x "127.0.0.1:$socks" 127.0.0.1 "$echo")" one
    same "nc -X 4" "$(printf 'one' | nc -N -X 4 -x "127.0.0.1:$socks" 127.0.0.1 "$echo")" one
fi

# through NAME PROXY: weft's client goes through it, by connect and by HTTP.
through()
{
    serve "$1" "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo?via=$2"
    socat -t 10 - "tcp:127.0.0.1:$port" <bytes | cmp - bytes || fail "$1 by weft's client"
    "$weftd" get "http://127.0.0.1:$web/bytes" --proxy "$2" | cmp - bytes || fail "$1 by weft's HTTP client"
}

echo "weft through weftd"
through weft5 "socks5h://127.0.0.1:$socks"
through weft4 "socks4a://127.0.0.1:$socks"
through weftlogin "socks5h://alice:sesame@127.0.0.1:$login"

if command -v microsocks >/dev/null; then
    echo "weft through microsocks"
    hold_port
    run microsocks microsocks -i 127.0.0.1 -p "$port" -u alice -P sesame
    up "$port"
    # it ends both ways when one has ended, so that an echo behind a half close is cut
    "$weftd" get "http://127.0.0.1:$web/bytes" --proxy "socks5h://alice:sesame@127.0.0.1:$port" | cmp - bytes ||
        fail "microsocks by weft's HTTP client"
    "$weftd" get "http://127.0.0.1:$web/" --proxy "socks5h://alice:open@127.0.0.1:$port" >/dev/null 2>said &&
        fail "microsocks took a wrong password"
    grep -q "the proxy does not accept the user and password" said || fail "microsocks: $(cat said)"
fi
if command -v danted >/dev/null; then
    echo "weft through dante"
    hold_port
    danted=$port
    cat >danted.conf <<END
logoutput: stderr
internal: 127.0.0.1 port = $danted
external: lo
clientmethod: none
socksmethod: none
user.unprivileged: nobody
client pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
socks pass { from: 0.0.0.0/0 to: 0.0.0.0/0 }
END
    run danted danted -f danted.conf -p "$dir/danted.pid"
    up "$danted"
    through dante5 "socks5h://127.0.0.1:$danted"
    through dante4 "socks4a://me@127.0.0.1:$danted"
fi
if command -v tinyproxy >/dev/null; then
    echo "weft through tinyproxy"
    hold_port
    printf 'Port %s\nListen 127.0.0.1\nBasicAuth alice sesame\nLogLevel Critical\n' "$port" >tiny.conf
    run tinyproxy tinyproxy -d -c tiny.conf
    up "$port"
    # which knows no half close either
    serve tiny "$weftd" forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$web?via=http://alice:sesame@127.0.0.1:$port"
    curl -sS --noproxy '*' "http://127.0.0.1:$port/bytes" | cmp - bytes || fail "tinyproxy by weft's client"
fi
echo "all of it went through"
