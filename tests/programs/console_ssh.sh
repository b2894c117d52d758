#!/bin/bash
# The operator's console over SSH, with OpenSSH's client: of a daemon (weftd ssh --console), and of a program that has
# one itself (example 36_operated).
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

needs ssh ssh-keygen socat
program=$WEFT_BUILD/examples/36_operated

ssh-keygen -q -t ed25519 -N '' -f key
listeners=2 serve web "$weftd" web --listen http://127.0.0.1:0 --admin unix:web.admin
serve ssh "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --auth sshkey:key.pub --console unix:web.admin
daemon=$port
serve gone "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --auth sshkey:key.pub --console unix:nowhere
gone=$port
serve program "$program" tcp://127.0.0.1:0 keys key.pub
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
ends 65 "error: " "$daemon" -tt frobnicate
ends 65 "error: " "$daemon" console
ends 65 'error: there is no actor "nobody"' "$daemon" "  tap nobody"
on "$daemon" quit </dev/null || fail "quit: exit code $?"
printf 'names\nps\n' | on "$daemon" >said || fail "lines: exit code $?"
grep -q web/listener-1 said || fail "lines: $(cat said)"
! grep -q $'\x1e' said || fail "lines end with marks"
code=0
printf 'frobnicate\nnames' | on "$daemon" >said || code=$?
same "exit code of lines of which one fails" "$code" 65
grep -q "^error: " said || fail "an error among lines: $(cat said)"
grep -q web/listener-1 said || fail "what comes behind an error: $(cat said)"
for _ in 1 2 3 4 5; do # a line that is too long, and has no end
    code=0
    head -c 200000 /dev/zero | tr '\0' x | on "$daemon" >said || code=$?
    same "exit code of a line that is not answered" "$code" 69
done
people "$daemon" 'nam\t\r\x04' "web/listener-1"
ends 69 "unable to reach the console" "$gone" tree
comes gone.log "unable to reach the console"

# without NAME TEXT COMMAND...: unix:NAME.sock is no console, with that behind it, which a command and a terminal are told
without()
{
    local name=$1 text=$2 behind
    shift 2
    run "$name" socat "UNIX-LISTEN:$name.sock,fork" SYSTEM:"$*"
    behind=$last
    until_so "$name.sock is there" test -S "$name.sock"
    serve "$name-ssh" "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --auth sshkey:key.pub \
        --console "unix:$name.sock"
    ends 69 "$text" "$port" tree
    comes "$name-ssh.log" "unable to reach the console: it is none"
    ends 69 "$text" "$port" -tt
    stop
    away "$behind"
}

echo "of what is none"
without mail 'error: unable to reach the console: it is none: it says "220 mail' "echo 220 mail.example.net; cat"
without closes "error: unable to reach the console: it is none: it says nothing" true

echo "of one that goes"
run goes socat UNIX-LISTEN:goes.sock,fork SYSTEM:"echo weft console 1; read hello; read line; echo half"
goes=$last
until_so "goes.sock is there" test -S goes.sock
serve goes-ssh "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --auth sshkey:key.pub --console unix:goes.sock
ends 69 "error: the console has gone: not all is answered" "$port" tree
same "what came of the answer" "$(head -n 1 said)" half
printf 'names\n' | on "$port" >said && fail "lines to one that goes end with 0: $(cat said)"
grep -q "the console has gone" said || fail "lines to one that goes: $(cat said)"
stop
away "$goes"

echo "of a program"
ends 0 "counter" "$own" names
ends 0 "total=5" "$own" "ask counter add amount=5"
ends 65 "error: " "$own" "ask counter add amount=five"
ends 0 "total=5" "$own" -tt "ask counter add amount=0"
printf 'ask counter add amount=1\nask counter add amount=1' | on "$own" >said || fail "lines: exit code $?"
grep -q "total=7" said || fail "lines: $(cat said)"
code=0
printf 'frobnicate\nnames\n' | on "$own" >said || code=$?
same "exit code of lines of which one fails" "$code" 65
people "$own" 'ask counter a\tamount=3\r\x04' "total=10"
# a tap, which is told what others do, and is over when it has been told twice
run tapped on "$own" "tap counter 2"
comes program.log '"tap <'
for amount in 1 2; do
    on "$own" "tell counter add amount=$amount" </dev/null || fail "tell: exit code $?"
done
ended "$last" || fail "a tap: exit code $?: $(cat tapped.out)"
grep -q "amount=2" tapped.out || fail "a tap shows: $(cat tapped.out)"
# one of a terminal, which its key ends
printf '\x03' | on "$own" -tt "tap counter" >said || fail "a tap: exit code $?: $(cat said)"
grep -qF "^C" said || fail "a tap that is ended: $(cat said)"
if timeout 60 ssh -p "$own" -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o BatchMode=yes \
    -o IdentitiesOnly=yes -i /dev/null ops@127.0.0.1 tree 2>said </dev/null; then
    fail "somebody without a key was let in"
fi

echo "of whoever comes, which is warned of"
serve anybody "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --auth anonymous --console unix:web.admin
comes anybody.log '"level":"warning","name":"ssh facts"'
comes anybody.log "--auth anonymous: whoever comes is an operator"
ends 0 "web/listener-1" "$port" tree
! grep -q "whoever comes is an operator" ssh.log || fail "it is warned where keys are asked for"

echo "what is wrong"
code=0
"$weftd" ssh --auth sshkey:key.pub --console unix:web.admin --no-shell 2>said || code=$?
[ "$code" = 78 ] || fail "--console with --no-shell: $code, $(cat said)"
grep -q "expected no --no-shell" said || fail "--console with --no-shell: $(cat said)"
code=0
"$weftd" ssh --auth sshkey:key.pub --console nowhere 2>said || code=$?
[ "$code" = 64 ] || fail "--console nowhere: $code, $(cat said)"

for pid in "${!running[@]}"; do
    stop "$pid"
done
