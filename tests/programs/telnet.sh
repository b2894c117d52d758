#!/bin/bash
# Operators over telnet, with inetutils' or netkit's client: of another daemon and of its own (weftd telnet), in clear and
# within TLS, and who is not let in.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
# shellcheck source=tests/programs/parts/identities.sh
. "$here/parts/identities.sh"

needs telnet socat openssl
folder=$dir

# people PORT: types and waits as the script on the standard input says
people()
{
    python3 "$here/console.py" "$(command -v telnet)" 127.0.0.1 "$1"
}

# refused CODE TEXT OPTION...: it does not start, with that code, and says something with that text in it
refused()
{
    local want=$1 text=$2 code=0
    shift 2
    timeout 30 "$weftd" telnet "$@" >said 2>&1 || code=$?
    [ "$code" = "$want" ] || fail "$*: exit code $code, expected $want: $(cat said)"
    grep -qF -- "$text" said || fail "$*: does not say \"$text\": $(cat said)"
}

listeners=2 serve web "$weftd" web --listen http://127.0.0.1:0 --admin unix:web.admin
web=$last
serve telnet "$weftd" telnet --listen tcp://127.0.0.1:0 --console unix:web.admin --auth memory:ops:secret
gate=$port

echo "behind a login"
people "$gate" <<'SCRIPT' || fail "behind a login"
< login: 
> ops\r
< password: 
> wrong\r
< login incorrect
< login: 
> ops\r
< password: 
> secret\r
< weft> 
> na\t\r
< web/listener-1
< weft> 
> ask web weft.sup\tfirst=0\r
< weft.supervisor_listing all=1 n=1
< weft> 
> abc\x03
< ^C
> quit\r
end
SCRIPT
comes_like telnet.log "127.0.0.1:[0-9]*: login of ops\""
! grep -q "whoever comes is an operator" telnet.log || fail "a login, and it warns of none"
comes_like telnet.log "127.0.0.1:[0-9]*: login of ops refused: "

echo "nobody without a password"
people "$gate" <<'SCRIPT' || fail "nobody without a password"
< login: 
> shutdown\r
< password: 
> \r
< login incorrect
< login: 
> root\r
< password: 
> \r
< login incorrect
> \r
< password: 
> \r
end
SCRIPT
kill -0 "$web" || fail "the daemon has gone"

echo "within TLS"
authority ca
identity localhost
serve tls "$weftd" telnet --listen "tls://127.0.0.1:0?cert=$dir/localhost.pem" --console unix:web.admin \
    --auth memory:ops:secret
printf 'ops\r\0secret\r\0log\r\0quit\r\0' |
    timeout 60 socat -t 30 - "OPENSSL:$at,cafile=$dir/ca.pem,commonname=localhost" >said || fail "TLS: exit code $?"
grep -qa notice said || fail "TLS: $(cat -v said)"
stop

echo "whose console"
serve own "$weftd" telnet --listen tcp://127.0.0.1:0 --auth anonymous --prompt "own> "
comes own.log '"level":"warning","name":"telnet warning"'
comes own.log "--auth anonymous: whoever comes is an operator"
people "$port" <<'SCRIPT' || fail "its own"
< own> 
> names\r
< telnet/listener-1
< own> 
> shutdown\r
end
SCRIPT
ended "$last" || fail "its own: exit code $?"
serve gone "$weftd" telnet --listen tcp://127.0.0.1:0 --auth anonymous --console unix:nowhere
people "$port" <<'SCRIPT' || fail "one that is not there"
< error: unable to reach the console
end
SCRIPT
comes gone.log "unable to reach the console"
stop
serve mail "$weftd" smtp --listen tcp://127.0.0.1:0 --to "maildir:$dir/mail"
serve wrong "$weftd" telnet --listen tcp://127.0.0.1:0 --auth anonymous --console "tcp://$at"
people "$port" <<'SCRIPT' || fail "one that is none"
< it is none: it says "220 localhost
end
SCRIPT
stop

echo "what is wrong"
refused 78 "expected --auth" --console unix:web.admin
refused 78 "lets nobody in here" --auth sshkey:key.pub
refused 78 "expected no other --auth" --auth anonymous --auth memory:a:b
refused 78 "telnet hides nothing" --auth memory:a:b --listen tcp://0.0.0.0:0
refused 78 "telnet hides nothing" --auth memory:a:b --listen "tcp://*:0"
refused 78 "telnet is no HTTP" --auth memory:a:b --listen http://127.0.0.1:0
refused 64 '--console: "nowhere" begins with no scheme' --auth memory:a:b --console nowhere
"$weftd" telnet --auth memory:a:b --listen tcp://0.0.0.0:0 --in-clear --print-tree >said || fail "--in-clear"
"$weftd" telnet --console unix:web.admin --auth file:operators --print-config >said || fail "--print-config"
grep -q 'console' said || fail "--print-config: $(cat said)"
"$weftd" telnet --help >said || fail "--help"
grep -q -- '--in-clear' said || fail "--help: $(cat said)"

for pid in "${!running[@]}"; do
    stop "$pid"
done
