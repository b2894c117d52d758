#!/bin/bash
# IRC with real clients: ii, irssi, sockets of python and a WebSocket, all in one channel of weftd irc.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
folder=$dir
# shellcheck source=tests/programs/parts/identities.sh
. "$here/parts/identities.sh"
needs openssl
needs_module websockets

printf 'welcome to the test\n' >motd
printf 'sesame\n' >password
listeners=2 serve irc "$weftd" irc --listen tcp://127.0.0.1:0 --listen http://127.0.0.1:0 \
    --threads "${WEFT_TEST_THREADS:-2}" --motd motd --oper root:toor --auth memory:alice:wonder --password password
irc=$last
tcp=$(port_of tcp) http=$(port_of http)

echo "raw sockets, SASL, an operator, a WebSocket"
"$python" "$here/irc.py" "$tcp" "$http"

echo "its log says who came in, who was refused, and what operators did"
for line in 'nobody: refused: the password is wrong' 'wonder: refused as alice by SASL PLAIN' \
    'wonder (alice): comes in as ~w' 'root: is an operator, as root' 'wonder (alice): killed by root: enough'; do
    comes irc.log "$line"
done

echo "ii"
export PASS=sesame
run ii ii -s 127.0.0.1 -p "$tcp" -n ii_client -k PASS -i "$dir/ii"
comes ii/127.0.0.1/out "welcome to the test"
echo "/j #room" >ii/127.0.0.1/in
comes "ii/127.0.0.1/#room/out" "ii_client"

echo "irssi"
mkdir irssi
cat >irssi/config <<CONFIG
servers = ( { address = "127.0.0.1"; chatnet = "weft"; port = "$tcp"; password = "sesame"; autoconnect = "yes"; } );
chatnets = { weft = { type = "IRC"; nick = "irssi_client"; }; };
channels = ( { name = "#room"; chatnet = "weft"; autojoin = "yes"; } );
settings = { core = { real_name = "irssi"; user_name = "irssi"; nick = "irssi_client"; }; };
CONFIG
TERM=xterm run screen script -q -c "irssi --home=$dir/irssi" /dev/null
comes "ii/127.0.0.1/#room/out" "irssi_client"
# a request by CTCP reaches it, and its answer comes back
printf '\001VERSION\001\n' >"ii/127.0.0.1/#room/in"
answered()
{
    cat ii/127.0.0.1/out ii/127.0.0.1/irssi_client/out 2>/dev/null >answers || true
    grep -qaF "VERSION irssi" answers
}
until_so "irssi answers" answered

# bot NAME: weft's client, as a bot, is asked something by python, on that server, which was run with the port held.
bot()
{
    up "$port"
    run "bot_on_$1" "$WEFT_BUILD/examples/20_irc_bot" "tcp://127.0.0.1:$port" echo
    "$python" "$here/irc.py" bot "$port" || fail "the bot on $1"
}

echo "weft's client on ngircd"
ngircd=$(command -v ngircd || echo /usr/sbin/ngircd)
hold_port
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
run ngircd "$ngircd" -n -f "$dir/ngircd.conf"
bot ngircd

echo "weft's client on inspircd"
inspircd=$(command -v inspircd || echo /usr/sbin/inspircd)
hold_port
cat >inspircd.conf <<CONFIG
<server name="irc.example.net" description="test" id="1AB" network="test">
<admin name="root" nick="root" email="root@example.net">
<bind address="127.0.0.1" port="$port" type="clients">
<connect allow="*" resolvehostnames="no" useident="no" timeout="20" threshold="100" localmax="10" globalmax="10">
<pid file="$dir/inspircd.pid">
CONFIG
run inspircd "$inspircd" --runasroot --nofork --config "$dir/inspircd.conf"
bot inspircd

echo "within TLS, by lines and by a WebSocket"
authority ca
identity localhost
listeners=3 serve secure "$weftd" irc --listen "tls://127.0.0.1:0?cert=$dir/localhost.pem" --listen tcp://127.0.0.1:0 \
    --listen "https://127.0.0.1:0?cert=$dir/localhost.pem"
"$python" "$here/irc.py" secure "$(port_of tls)" "$(port_of tcp)" "$(port_of https)" ca.pem || fail "within TLS"
stop

echo "browsers come at the path of a URL"
for path in / /irc/ '/a:b/:c/*'; do
    listeners=2 serve paths "$weftd" irc --listen tcp://127.0.0.1:0 --listen "http://127.0.0.1:0$path?nodelay=on"
    "$python" "$here/irc.py" path "$(port_of http)" "$path" || fail "a WebSocket at $path"
    stop
done
code=0
"$weftd" irc --listen http://127.0.0.1:0//chat 2>said || code=$?
[ "$code" = 78 ] || fail "a path of nothing: $code, $(cat said)"
grep -qF -- '--listen http://127.0.0.1:0//chat: ' said || fail "a path of nothing: $(cat said)"

echo "it stops, and says so"
stop "$irc"
comes ii/127.0.0.1/out "Server shutting down"
