#!/bin/bash
# A daemon under load, looked into by its operators: commands, terminals, socat and telnet.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

listeners=2 serve web "$weftd" web --listen http://127.0.0.1:0 --admin unix:web.admin --threads 2
server=$last
site=http://127.0.0.1:$(port_of http)
[ "$(stat -c %a web.admin)" = 600 ] || fail "others may open its socket"

# says TEXT COMMAND...: its answer has that text in it, and it ends with 0.
says()
{
    local text=$1
    shift
    "$weftd" "$@" --to unix:web.admin >said || fail "$*: exit code $?"
    grep -qF -- "$text" said || fail "$*: does not say \"$text\": $(cat said)"
}

# ends CODE TEXT COMMAND...: it ends with that code, and says something with that text in it.
ends()
{
    local want=$1 text=$2 code=0
    shift 2
    "$weftd" "$@" >said 2>&1 || code=$?
    [ "$code" = "$want" ] || fail "$*: exit code $code, expected $want: $(cat said)"
    grep -qF -- "$text" said || fail "$*: does not say \"$text\": $(cat said)"
}

echo "under load"
burden()
{
    while curl -sS --max-time 20 "$site/hello/[1-50]"; do :; done
}
run curl burden

says 'supervisor "web"' tree
says 'web/listener-1' ps
says 'behaviour' top
says 'web/listener-1' names
says 'block bytes' reactors
says '0 restarts  -                web/listener-1' children web
says 'debug' log debug
says 'notice' log notice
says 'is asked to fail' restart web/listener-1

echo "messages"
says 'is told weft.supervisor_list' tell web supervisor_list first=0
says 'weft.supervisor_listing all=1 n=1' ask web weft.supervisor_list --limit 10s
says 'serves nothing until it is resumed' suspend web
says '(suspended)' ps
ends 65 'error: ' ask web supervisor_list --limit 100ms --to unix:web.admin
says 'goes on' resume web
says 'weft.supervisor_listing all=1 n=0' ask web supervisor_list first=9
ends 65 'there is no field frist; the nearest is first' ask web supervisor_list frist=1 --to unix:web.admin
ends 65 'it has no row for "add"; it serves weft.supervisor_list' tell web add --to unix:web.admin
ends 65 'error: there is no actor "nobody"' tap nobody --to unix:web.admin
ends 64 'TYPE' tell web --to unix:web.admin
says 'is ended' kill web/listener-1

# A tap that is told to show two; it has begun when the log says so.
run tap "$weftd" tap web --count 2 --to unix:web.admin
tap=$last
begun()
{
    kill -0 "$tap" || fail "tap: $(cat tap.out)"
    grep -q 'tap .*the operator' web.log
}
until_so "a tap has begun" begun
says 'all=1' ask web supervisor_list first=0
says 'all=1' ask web supervisor_list first=7
ended "$tap" || fail "tap: exit code $?"
grep -q ' ask from <.*: weft.supervisor_list, 64 bytes: first=7$' tap.out || fail "tap: $(cat tap.out)"
grep -q 'that many were asked for' tap.out || fail "tap: $(cat tap.out)"

echo "what goes wrong"
ends 65 'error: there is no actor "nobody"' stop nobody --to unix:web.admin
ends 65 'is no log level' log loud --to unix:web.admin
ends 64 'LEVEL' log --to unix:web.admin
ends 64 '--to says where' tree
ends 69 'weftd tree:' tree --to unix:nowhere
for verb in names console; do
    serve other "$weftd" smtp --listen tcp://127.0.0.1:0 --to "maildir:$dir/mail"
    ends 69 'no console of weft: it says "220 localhost' "$verb" --to "tcp://$at"
    stop
    serve other "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --auth memory:ann:secret --no-shell --root . --user "$(id -un)"
    ends 69 'no console of weft: it says "SSH-2.0-' "$verb" --to "tcp://$at"
    stop
    serve other "$weftd" echo --listen tcp://127.0.0.1:0
    ends 69 'no console of weft: it says "hello' "$verb" --to "tcp://$at"
    stop
    ends 69 'no console of weft: it ' "$verb" --to "tcp://${site#http://}"
done
ends 78 'expected unix:PATH' web --admin tcp://127.0.0.1:0

echo "a terminal"
python3 "$here/console.py" "$weftd" console --to unix:web.admin <<'SCRIPT' || fail "a terminal"
< weft> 
> na\t\r
< web/listener-1
< weft> 
> tree w\t\r
< supervisor "web"
< weft> 
> tre\x7f\x7f\x7fxyz\x15log\r
< notice
< weft> 
> ask web weft.sup\t
< weft.supervisor_list
> \x15log\r
< notice
> \x1b[A\x1b[A\r
< tree web
< supervisor "web"
size 40 10
> abc\x03
< abc^C
< weft> 
> \x04
end
SCRIPT

echo "lines"
for n in 1 2 3 4 5; do
    printf 'names\nlog' | "$weftd" console --to unix:web.admin >said || fail "lines: exit code $?"
    grep -qF 'web/listener-1' said || fail "lines: $(cat said)"
    [ "$(tail -n 1 said)" = notice ] || fail "lines: $(cat said)"
    ! grep -q '[[:cntrl:]]' said || fail "lines have keys of terminals among them: $(cat -v said)"
done
code=0
printf 'frob\nask web supervisor_list first=0\nlog\n' | "$weftd" console --to unix:web.admin >said || code=$?
[ "$code" = 65 ] || fail "a line that fails: exit code $code"
[ "$(sed -n 1p said)" = 'error: there is no command "frob"; help lists those there are' ] || fail "lines: $(cat said)"
[ "$(tail -n 1 said)" = notice ] || fail "lines: $(cat said)"
"$weftd" console --to unix:web.admin </dev/null >said || fail "no lines: exit code $?"
[ ! -s said ] || fail "no lines: $(cat said)"
printf 'log\nquit\n' >script
"$weftd" console --to unix:web.admin <script >said || fail "a script: exit code $?"
same "a script" "$(cat said)" notice
code=0
printf 'quit\nlog\n' | "$weftd" console --to unix:web.admin >said 2>&1 || code=$?
[ "$code" = 69 ] || fail "lines that nobody reads: exit code $code"
grep -q '1 lines are not answered' said || fail "lines that nobody reads: $(cat said)"

echo "socat"
printf 'names\nlog' | socat -t 5 - UNIX:web.admin >said
grep -qF 'web/listener-1' said || fail "socat: $(cat said)"
grep -qx 'notice' said || fail "socat: $(cat said)"

if command -v telnet >/dev/null; then
    echo "telnet"
    hold_port
    run socat socat "TCP-LISTEN:$port,bind=127.0.0.1,reuseaddr,fork" UNIX:web.admin
    up "$port"
    python3 "$here/console.py" "$(command -v telnet)" 127.0.0.1 "$port" <<'SCRIPT' || fail "telnet"
< Connected
> console\r
< weft> 
> na\t\r
< web/listener-1
< weft> 
> \xc3\xa4\xe4\xbd\xa0\x7f\x7flog\r
< notice
< weft> 
> quit\r
end
SCRIPT
fi

echo "shut down"
for verb in stop restart kill suspend; do
    ends 65 'shutdown is what stops the system' "$verb" 0.1.1 --to unix:web.admin
done
says 'serves nothing' suspend 0.2.1
says 'serves nothing' suspend web
says 'shutting down' shutdown
ended "$server" || fail "the daemon ends with $?"

# whoever ends what all belongs to ends the daemon
serve web "$weftd" web --listen http://127.0.0.1:0 --admin unix:web.admin
says '<0.2.1> app' tree
says 'is ended' kill 0.2.1
code=0
ended "$last" || code=$?
[ "$code" = 70 ] || fail "a daemon whose application is killed ends with $code"

echo "a node"
serve node "$weftd" node --name edge-1 --join edge-2=unix:edge-2 --admin unix:node.admin
python3 "$here/console.py" "$weftd" console --to unix:node.admin <<'SCRIPT' || fail "a node"
< weft> 
> at ed\t
< at edge-2 
> na\t\r
< names
< error: 
< weft> 
> at edge-2 sh\t
< \x07
> \x04\x15\x04
end
SCRIPT
stop
