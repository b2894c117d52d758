#!/bin/bash
# IRC with real clients: ii, irssi, sockets of python and a WebSocket, all in one channel of weftd irc.
set -euo pipefail

weftd=$WEFT_BUILD/weftd
folder=$(mktemp -d)
pids=()
here=$(cd "$(dirname "$0")" && pwd)
cd "$folder"
python=
for one in python3 /usr/bin/python3; do
    if "$one" -c 'import websockets' 2>/dev/null; then
        python=$one
    fi
done
[ -n "$python" ] || {
    echo "python3-websockets is not installed"
    exit 1
}

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

# comes FILE TEXT: waits until FILE has TEXT.
comes()
{
    local n
    for ((n = 0; n < 1000; n++)); do
        if grep -qaF -- "$2" "$1" 2>/dev/null; then
            return 0
        fi
        read -r -t 0.02 <> <(:) || true
    done
    fail "$1 never has \"$2\": $(cat "$1" 2>/dev/null || true)"
}

printf 'welcome to the test\n' >motd
printf 'sesame\n' >password
mkfifo log
"$weftd" irc --listen tcp://127.0.0.1:0 --listen http://127.0.0.1:0 --threads "${WEFT_TEST_THREADS:-2}" \
    --motd motd --oper root:toor --auth memory:alice:wonder --password password --log-format text \
    </dev/null >/dev/null 2>log &
weftd_pid=$!
pids+=("$weftd_pid")
exec {log}<log
ports=()
while [ ${#ports[@]} -lt 2 ] && read -r line <&"$log"; do
    case $line in
    *"listening at "*) ports+=("${line##*:}") ;;
    esac
done
[ ${#ports[@]} = 2 ] || fail "weftd irc does not listen"
cat <&"$log" >text &
pids+=("$!")

echo "raw sockets, SASL, an operator, a WebSocket"
"$python" "$here/irc.py" "${ports[0]}" "${ports[1]}"

echo "ii"
export PASS=sesame
ii -s 127.0.0.1 -p "${ports[0]}" -n ii_client -k PASS -i "$folder/ii" >/dev/null 2>&1 &
pids+=("$!")
comes ii/127.0.0.1/out "welcome to the test"
echo "/j #room" >ii/127.0.0.1/in
comes "ii/127.0.0.1/#room/out" "ii_client"

echo "irssi"
mkdir irssi
cat >irssi/config <<CONFIG
servers = ( { address = "127.0.0.1"; chatnet = "weft"; port = "${ports[0]}"; password = "sesame"; autoconnect = "yes"; } );
chatnets = { weft = { type = "IRC"; nick = "irssi_client"; }; };
channels = ( { name = "#room"; chatnet = "weft"; autojoin = "yes"; } );
settings = { core = { real_name = "irssi"; user_name = "irssi"; nick = "irssi_client"; }; };
CONFIG
TERM=xterm script -q -c "irssi --home=$folder/irssi" /dev/null </dev/null >irssi/screen 2>&1 &
pids+=("$!")
comes "ii/127.0.0.1/#room/out" "irssi_client"
# a request by CTCP reaches it, and its answer comes back
printf '\001VERSION\001\n' >"ii/127.0.0.1/#room/in"
answered()
{
    cat ii/127.0.0.1/out ii/127.0.0.1/irssi_client/out 2>/dev/null >answers || true
    grep -qaF "VERSION irssi" answers
}
for ((n = 0; n < 1000; n++)); do
    ! answered || break
    read -r -t 0.02 <> <(:) || true
done
answered || fail "irssi does not answer: $(cat answers)"

# bot NAME PORT: weft's client, as a bot, is asked something on that server by python.
bot()
{
    "$WEFT_BUILD/examples/20_irc_bot" "tcp://127.0.0.1:$2" echo </dev/null >/dev/null 2>"$1.bot" &
    pids+=("$!")
    "$python" "$here/irc.py" bot "$2" || fail "the bot on $1: $(cat "$1.bot")"
}

echo "weft's client on ngircd"
ngircd=$(command -v ngircd || echo /usr/sbin/ngircd)
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >ngircd.conf <<CONFIG
[Global]
Name = irc.example.net
Info = test
AdminEMail = root@example.net
Listen = 127.0.0.1
Ports = $port
[Options]
DNS = no
Ident = no
PAM = no
CONFIG
"$ngircd" -n -f "$folder/ngircd.conf" </dev/null >ngircd.log 2>&1 &
pids+=("$!")
bot ngircd "$port"

echo "weft's client on inspircd"
inspircd=$(command -v inspircd || echo /usr/sbin/inspircd)
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >inspircd.conf <<CONFIG
<server name="irc.example.net" description="test" id="1AB" network="test">
<admin name="root" nick="root" email="root@example.net">
<bind address="127.0.0.1" port="$port" type="clients">
<connect allow="*" resolvehostnames="no" useident="no" timeout="20" threshold="100" localmax="10" globalmax="10">
<pid file="$folder/inspircd.pid">
CONFIG
"$inspircd" --runasroot --nofork --config "$folder/inspircd.conf" </dev/null >inspircd.log 2>&1 &
pids+=("$!")
bot inspircd "$port"

echo "it stops, and says so"
kill -TERM "$weftd_pid"
code=0
wait "$weftd_pid" || code=$?
[ "$code" = 0 ] || fail "weftd irc ended with $code"
comes ii/127.0.0.1/out "Server shutting down"
