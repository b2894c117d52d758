#!/bin/bash
# weftd node: two processes linked over TLS by NNG, each with a certificate for its name; what weftd cluster and
# weftd ping say of them, also when one is killed and comes again; who is refused.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$folder"' EXIT
weftd="$WEFT_BUILD/weftd"

# shellcheck source=tests/programs/parts/nodes.sh
. "$(dirname "$0")/parts/nodes.sh"

# shellcheck source=tests/programs/parts/identities.sh
. "$(dirname "$0")/parts/identities.sh"

authority ca
identity edge-1
identity edge-2

# node NAME CERTIFICATE OPTIONS...: runs it.
node()
{
    local name=$1 of=$2
    shift 2
    "$weftd" node --name "$name" --cluster test --cert "$folder/$of.pem" --key "$folder/$of.key" \
        --ca "$folder/ca.pem" --admin "unix:$folder/$name.admin" --log-format text "$@" 2>>"$folder/$name.log" &
    pid=$!
}

node edge-1 edge-1 --listen nng+tls+tcp://127.0.0.1:0 --join edge-2 --operator edge-2
first=$pid
until_says "listens at nng+tls+tcp://" cat "$folder/edge-1.log"
url=$(grep -o 'nng+tls+tcp://127[0-9.:]*' "$folder/edge-1.log" | head -1)

node edge-2 edge-2 --join "edge-1=$url"
second=$pid
until_says "edge-2               up " of edge-1 cluster
until_says "edge-1               up " of edge-2 cluster
until_says " ms" of edge-1 ping edge-2
until_says "there is no link to node edge-3" of edge-1 ping edge-3

# the actors of another node, for whom that lets
says()
{
    printf '%s\n' "$2" | timeout 60 socat -t 30 - "UNIX:$folder/$1.admin"
}
until_says "error: node edge-2 knows no type weft.console.Look" of edge-1 ps --node edge-2
until_says "nobody may look at it (there: weftd node --operator NAME)" of edge-1 ps --node edge-2
until_says "error: this is the node edge-1 itself: expected another one" of edge-1 ps --node edge-1
until_says "weft.link " of edge-2 ps --node edge-1
until_says "console looker" of edge-2 tree --node edge-1
until_says "weft.console" of edge-2 names --node edge-1
until_says "there is no link to node edge-3" of edge-2 ps --node edge-3
until_says "error: shutdown is not for other nodes" says edge-2 "at edge-1 shutdown"
for refused in "tell web weft.supervisor_list first=0" "ask web weft.supervisor_list first=0 and=1 a=2 b=3 c=4 d=5" \
    "ask --limit 1s web" "tap weft.node" "suspend weft.node" "resume weft.node" "kill weft.node" "at edge-2 ps"; do
    until_says "error: ${refused%% *} is not for other nodes" says edge-2 "at edge-1 $refused"
done
until_says "error: there is no command \"dance\"" says edge-2 "at edge-1 dance"
until_says "error: expected: at NODE COMMAND" says edge-2 "at edge-1"

kill -KILL $second
wait $second || true
until_says "edge-2               down " of edge-1 cluster
until_says "there is no link to node edge-2" of edge-1 ping edge-2
rm -f "$folder/edge-2.admin"
node edge-2 edge-2 --join "edge-1=$url" --operator edge-9
second=$pid
until_says "edge-2               up           2" of edge-1 cluster
until_says "error: node edge-2 does not let edge-1 reach weft.console" of edge-1 ps --node edge-2
until_says " ms" of edge-2 ping edge-1
of edge-2 shutdown >/dev/null
wait $second || fail "edge-2 ended with exit code $?"

# strangers who say nothing take no more places than one address may have
python3 - "$url" "$folder/strangers" <<'END' &
import socket, sys, time
host, port = sys.argv[1].split("//")[1].split(":")
strangers = []
for _ in range(90):
    s = socket.socket()
    s.bind(("127.0.0.9", 0))
    s.connect((host, int(port)))
    strangers.append(s)
open(sys.argv[2], "w").close()
time.sleep(60)
END
strangers=$!
until_says "strangers" ls "$folder"
node edge-2 edge-2 --join "edge-1=$url"
second=$pid
until_says "edge-2               up           3" of edge-1 cluster
kill $strangers
of edge-2 shutdown >/dev/null
wait $second || fail "edge-2 ended with exit code $? beside strangers"

# one that says it is edge-2 with the certificate of edge-1
node edge-2 edge-1 --join "edge-1=$url"
second=$pid
until_says "it says it is edge-2; its certificate is for edge-1" cat "$folder/edge-1.log"
until_says "edge-1               down" of edge-2 cluster
until_says "cannot reach node edge-1: it says it is edge-2" cat "$folder/edge-2.log"
kill $second
wait $second || true

# TCP without TLS, beyond this machine
code=0
"$weftd" node --name edge-3 --listen nng+tcp://0.0.0.0:0 2>"$folder/edge-3.log" || code=$?
[ $code = 78 ] || fail "plain TCP beyond loopback ended with exit code $code, expected 78"
grep -q "loopback alone" "$folder/edge-3.log" || fail "it did not say why"

# nor a socket that was given, nor a proxy on another machine
code=0
python3 - "$weftd" 2>"$folder/edge-3.log" <<'END' || code=$?
import os, socket, sys
s = socket.socket()
s.bind(("0.0.0.0", 0))
s.listen()
os.set_inheritable(s.fileno(), True)
os.execv(sys.argv[1], [sys.argv[1], "node", "--name", "edge-3", "--listen", f"fd:{s.fileno()}"])
END
[ $code != 0 ] || fail "a given socket beyond loopback was taken"
grep -q "tcp://0.0.0.0\|0.0.0.0:.*loopback alone" "$folder/edge-3.log" || fail "it did not say why: $(cat "$folder/edge-3.log")"
code=0
"$weftd" node --name edge-3 --join "a=tcp://127.0.0.1:1?via=socks5://192.0.2.2:1" 2>"$folder/edge-3.log" || code=$?
[ $code = 78 ] || fail "plain TCP by a proxy beyond loopback ended with exit code $code, expected 78"

# files that are no good are seen at once, by who only dials too
code=0
"$weftd" node --name edge-3 --cert "$folder/none.pem" --join "edge-1=$url" 2>"$folder/edge-3.log" || code=$?
[ $code != 0 ] || fail "a certificate that is not there was taken"
grep -q "none.pem" "$folder/edge-3.log" || fail "it did not say which file"
# what cannot be is said at start, with one exit code
refused()
{
    local words=$1 code=0
    shift
    said=$("$weftd" node --name edge-3 "$@" 2>&1) || code=$?
    [ $code = 78 ] || fail "node $* ended with exit code $code, expected 78"
    case "$said" in
    *$words*) ;;
    *) fail "node $* said \"$said\", expected \"$words\"" ;;
    esac
}
refused "links do not go over http" --join edge-1=http://127.0.0.1:1
refused "\"edge 1\" is no name of a node: expected 1 to 63 letters, digits and ._-/" --join "edge 1"
refused "the nearest is \"nng+tls+tcp\"" --join edge-1=tls+tcp://127.0.0.1:1
refused "expected --etcd URL" --advertise unix:/nowhere
refused "is no server of etcd" --etcd tcp://127.0.0.1:1

code=0
"$weftd" node --name edge-3 --cluster "my cluster" 2>"$folder/edge-3.log" || code=$?
[ $code != 0 ] || fail "a cluster of no name was taken"
grep -q "is no name of a cluster: expected" "$folder/edge-3.log" || fail "it did not say what a name is"

kill -TERM $first
wait $first || fail "edge-1 ended with exit code $?"
