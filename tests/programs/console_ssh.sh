#!/bin/bash
# The operator's console over SSH, with OpenSSH's client: of a daemon (weftd ssh --console), and of a program that has
# one itself (example 36_operated).
set -euo pipefail

for tool in ssh ssh-keygen; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not installed"
        exit 77
    }
done

dir=$(mktemp -d)
weftd=$(cd "$WEFT_BUILD" && pwd)/weftd
program=$(cd "$WEFT_BUILD" && pwd)/examples/36_operated
running=()
finish()
{
    for pid in "${running[@]}"; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap finish EXIT

fail()
{
    echo "console_ssh: $*" >&2
    tail -n 8 "$dir"/*.log >&2 2>/dev/null || true
    exit 1
}

# start NAME COMMAND...: runs it, and waits until it says twice (its console, then itself) or once where it listens;
# the last port becomes $port.
start()
{
    local name=$1 times=$2
    shift 2
    mkfifo "$name.line"
    "$@" 2> >(tee "$name.log" >"$name.line") &
    running+=($!)
    exec 5<"$name.line"
    while [ "$times" -gt 0 ]; do
        read -r -t 60 text <&5 || fail "$name does not listen"
        [[ $text != *"listening at "* ]] || times=$((times - 1))
        port=$(grep -o '127\.0\.0\.1:[0-9]*' <<<"$text" | cut -d: -f2 || true)
    done
}

cd "$dir"
ssh-keygen -q -t ed25519 -N '' -f key
start web 2 "$weftd" web --listen http://127.0.0.1:0 --admin unix:web.admin
start ssh 1 "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --auth sshkey:key.pub --console unix:web.admin
daemon=$port
start gone 1 "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --auth sshkey:key.pub --console unix:nowhere
gone=$port
start program 1 "$program" tcp://127.0.0.1:0 keys key.pub
own=$port

# on PORT OPTIONS... [COMMAND]: OpenSSH's client
on()
{
    local at=$1
    shift
    timeout 60 ssh -p "$at" -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR \
        -o BatchMode=yes -o IdentitiesOnly=yes -i key ops@127.0.0.1 "$@"
}

# ends CODE TEXT PORT ...: it ends with that code, and says something with that text in it
ends()
{
    local want=$1 text=$2 code=0
    shift 2
    on "$@" >said 2>&1 </dev/null || code=$?
    [ "$code" = "$want" ] || fail "$*: exit code $code, expected $want: $(cat said)"
    grep -qF -- "$text" said || fail "$*: does not say \"$text\": $(cat said)"
}

# people PORT KEYS TEXT: with a terminal, in which those keys are typed
people()
{
    printf '%b' "$2" | on "$1" -tt >said 2>&1 || fail "a terminal: exit code $?: $(cat said)"
    grep -qF -- "$3" said || fail "a terminal does not say \"$3\": $(cat said)"
}

echo "of a daemon"
ends 0 "web/listener-1" "$daemon" tree
ends 65 "error: " "$daemon" frobnicate
ends 65 "error: " "$daemon" tap nobody
ends 0 "web/listener-1" "$daemon" -tt tree
printf 'names\nps\n' | on "$daemon" >said || fail "lines: exit code $?"
grep -q web/listener-1 said || fail "lines: $(cat said)"
people "$daemon" 'nam\t\r\x04' "web/listener-1"
ends 69 "unable to reach the console" "$gone" tree
grep -q "unable to reach the console" gone.log || fail "nothing is logged of a console that is not there"

echo "of a program"
ends 0 "counter" "$own" names
ends 0 "total=5" "$own" "ask counter add amount=5"
ends 65 "error: " "$own" "ask counter add amount=five"
ends 0 "total=5" "$own" -tt "ask counter add amount=0"
printf 'ask counter add amount=1\nask counter add amount=1' | on "$own" >said || fail "lines: exit code $?"
grep -q "total=7" said || fail "lines: $(cat said)"
people "$own" 'ask counter a\tamount=3\r\x04' "total=10"
# a tap, which is told what others do, and is over when it has been told twice
on "$own" "tap counter 2" </dev/null >tapped &
tap=$!
while read -r -t 60 text <&5 || fail "no tap begins"; do
    [[ $text != *'"tap <'* ]] || break
done
for amount in 1 2; do
    on "$own" "tell counter add amount=$amount" </dev/null || fail "tell: exit code $?"
done
wait $tap || fail "a tap: exit code $?: $(cat tapped)"
grep -q "amount=2" tapped || fail "a tap shows: $(cat tapped)"
# one of a terminal, which its key ends
printf '\x03' | on "$own" -tt "tap counter" >said || fail "a tap: exit code $?: $(cat said)"
grep -qF "^C" said || fail "a tap that is ended: $(cat said)"
if timeout 60 ssh -p "$own" -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o BatchMode=yes \
    -o IdentitiesOnly=yes -i /dev/null ops@127.0.0.1 tree 2>said </dev/null; then
    fail "somebody without a key was let in"
fi

echo "what is wrong"
code=0
"$weftd" ssh --auth sshkey:key.pub --console unix:web.admin --no-shell 2>said || code=$?
[ "$code" = 78 ] || fail "--console with --no-shell: $code, $(cat said)"
grep -q "expected no --no-shell" said || fail "--console with --no-shell: $(cat said)"
code=0
"$weftd" ssh --auth sshkey:key.pub --console nowhere 2>said || code=$?
[ "$code" = 64 ] || fail "--console nowhere: $code, $(cat said)"

for pid in "${running[@]}"; do
    kill -TERM "$pid"
    wait "$pid" || fail "it ends with $?"
done
running=()
