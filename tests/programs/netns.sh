#!/bin/bash
# Connects and transfers over a network that nftables makes worse: packets of a connect dropped or rejected, a
# transfer that is cut off and goes on, a peer that has gone. In a network namespace of its own.
set -euo pipefail

# shellcheck source=tests/programs/parts/netns.sh
. "$(dirname "$0")/parts/netns.sh"

weftd=$WEFT_BUILD/weftd
folder=$(mktemp -d)
pids=()
cd "$folder"

finish()
{
    local pid
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap finish EXIT

fail()
{
    echo "FAILED: $*"
    exit 1
}

# start ARGUMENT...: runs weftd until it listens. Sets port, and log.
starts=0
start()
{
    local line name=start.$((starts += 1))
    mkfifo "$name"
    "$weftd" "$@" --log-format text </dev/null >/dev/null 2>"$name" &
    pids+=("$!")
    exec {from}<"$name"
    log=$name.log
    while read -r line <&"$from"; do
        echo "$line" >>"$log"
        case $line in
        *"listening at "*)
            port=${line##*:}
            cat <&"$from" >>"$log" &
            pids+=("$!")
            exec {from}<&-
            return
            ;;
        esac
    done
    fail "weftd $1 does not listen: $(cat "$log")"
}

says()
{
    local n
    for ((n = 0; n < 500; n++)); do
        if grep -q -- "$2" "$1"; then
            return 0
        fi
        read -r -t 0.02 <> <(:) || true
    done
    fail "$1 has no \"$2\": $(cat "$1")"
}

# rule TEXT...: the only rule there is, of what leaves; none takes it back.
rule()
{
    nft flush ruleset
    nft add table inet weft
    nft add chain inet weft out '{ type filter hook output priority 0; }'
    [ $# = 0 ] || nft add rule inet weft out "$@"
}

ip link set lo up
start echo --listen tcp://127.0.0.1:0
echo=$port

echo "a connect whose packets are dropped is given up in time"
rule tcp dport "$echo" drop
start forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo?timeout=300ms"
front=$port
[ -z "$(socat -t 20 - "tcp:127.0.0.1:$front" </dev/null 2>/dev/null)" ] || fail "bytes out of nothing"
says "$log" "no answer to the connect within its timeout"

echo "one that is rejected fails at once, with the reason"
rule tcp dport "$echo" reject with tcp reset
[ -z "$(socat -t 20 - "tcp:127.0.0.1:$front" </dev/null 2>/dev/null)" ] || fail "bytes out of a reset"
says "$log" "Connection refused"
rule tcp dport "$echo" reject with icmpx type host-unreachable
[ -z "$(socat -t 20 - "tcp:127.0.0.1:$front" </dev/null 2>/dev/null)" ] || fail "bytes out of nowhere"
says "$log" "No route to host"

echo "a SOCKS server answers with what became of its connect"
start socks --listen tcp://127.0.0.1:0 --connect-timeout 300ms
socks=$port
# reply RULE...: what curl is told
reply()
{
    rule "$@"
    curl -s -S --noproxy '' --socks5 "127.0.0.1:$socks" "http://127.0.0.1:$echo/" 2>&1 | grep -o '([0-9]*)' | tail -n 1
}
[ "$(reply tcp dport "$echo" drop)" = "(6)" ] || fail "a dropped connect is no reply 6"
[ "$(reply tcp dport "$echo" reject with tcp reset)" = "(5)" ] || fail "a reset connect is no reply 5"

echo "a transfer that is cut off for a moment comes whole"
rule
head -c 30000000 /dev/urandom >bytes
start forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo"
mkfifo got
cmp bytes got &
compared=$!
# no more than the first 8 MB pass, until the rule is taken back
rule tcp sport "$echo" quota over 8000000 bytes drop
socat -t 60 - "tcp:127.0.0.1:$port" <bytes >got &
sent=$!
dropped=0
for ((n = 0; n < 500 && dropped == 0; n++)); do
    # used bytes of the quota beyond which packets are dropped
    used=$(nft list ruleset | grep -o 'used [0-9]* [kmg]*bytes' || true)
    case $used in
    "used "[89]*" mbytes" | "used "[1-9][0-9]*" mbytes") dropped=1 ;;
    *" bytes") [ "${used//[!0-9]/}" -lt 8000000 ] || dropped=1 ;;
    *" kbytes") [ "${used//[!0-9]/}" -lt 7812 ] || dropped=1 ;;
    esac
    read -r -t 0.02 <> <(:) || true
done
[ "$dropped" = 1 ] || fail "nothing was dropped: $(nft list ruleset)"
rule
wait "$sent" || fail "the transfer"
wait "$compared" || fail "the bytes of the transfer"

echo "a pair whose peer has gone without a word is closed when it is idle"
start forward tcp://127.0.0.1:0 "tcp://127.0.0.1:$echo" --idle 300ms --log-level info
exec {open}<>"/dev/tcp/127.0.0.1/$port"
printf one >&"$open"
read -r -N 3 text <&"$open"
[ "$text" = one ] || fail "the first bytes"
rule tcp sport "$echo" drop
printf two >&"$open"
[ -z "$(cat <&"$open")" ] || fail "bytes of a peer that has gone"
exec {open}>&-
says "$log" "nothing came for"
rule
echo "the network was as bad as it was made"
