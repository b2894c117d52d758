#!/bin/bash
# --auth of every service: what lets somebody in does so, what could not does not start, and neither does what the user
# that weftd becomes may not read.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

needs curl python3

# refused CODE TEXT ARGUMENT...: weftd ends at once, with this code and in a sentence
refused()
{
    local code=0 wanted=$1 text=$2
    shift 2
    timeout 60 "$weftd" "$@" >said 2>&1 </dev/null || code=$?
    same "exit code of weftd $*" "$code" "$wanted"
    grep -qF -- "$text" said || fail "weftd $* does not say \"$text\": $(cat said)"
    same "lines of weftd $*" "$(wc -l <said)" 1
}

# A file of keys, of which only SSH has a use, and one of passwords, which has no password itself.
echo "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEwFtCbH1GYlMVSVXaeBOsLCVexDP2ZsNg9sSJKPZsqy" >key
# shellcheck disable=SC2016
echo 'ann:$2y$05$nI1a9cAi8pMjmBGqbbG8qORWnRzqTBHu8Y0pcFxTpJ1Ef6X4OrkEu' >passwords

echo "what would let nobody in"
for service in "smtp --to maildir:mail" irc "web --path ." socks; do
    # shellcheck disable=SC2086
    refused 78 "--auth sshkey lets nobody in here" $service --auth sshkey:key
done
refused 78 "expected no --auth-required" irc --auth anonymous --auth-required
refused 78 "expected no other --auth" web --path . --auth anonymous --auth memory:ann:secret
refused 78 "expected no other --auth" socks --auth memory:ann:secret --auth anonymous
refused 78 "--auth-digest can check --auth memory:USER:PASSWORD alone" web --path . --auth file:passwords --auth-digest
refused 78 "--auth-digest can check --auth memory:USER:PASSWORD alone" web --path . --auth memory:ann:secret \
    --auth file:passwords --auth-digest
refused 78 "--auth-digest asks nobody" web --path . --auth-digest
refused 78 "--auth-digest can check" web --path . --auth-digest --auth anonymous

echo "anonymous: whoever comes is let in"
mkdir files
echo hello >files/page
serve web "$weftd" web --path files --listen http://127.0.0.1:0 --auth anonymous
same "web" "$(curl -sf --max-time 60 "http://$at/page")" hello
same "web with credentials" "$(curl -sf --max-time 60 -u any:body "http://$at/page")" hello
stop
serve proxied "$weftd" web --path files --listen http://127.0.0.1:0
proxied=$at
serve socks "$weftd" socks --listen tcp://127.0.0.1:0 --auth anonymous
same "socks" "$(curl -sf --max-time 60 --socks5 "$at" "http://$proxied/page")" hello
stop
serve socks "$weftd" socks --listen tcp://127.0.0.1:0 --auth memory:bob:other --auth memory:ann:secret
same "the second of two" "$(curl -sf --max-time 60 --socks5 "$at" --proxy-user ann:secret "http://$proxied/page")" hello
! curl -sf --max-time 60 --socks5 "$at" "http://$proxied/page" || fail "socks lets in who says nothing"
stop

# mail PORT [USER PASSWORD]: one message; gives what MAIL is answered
mail()
{
    timeout 60 python3 - "$@" <<'END'
import smtplib, sys
s = smtplib.SMTP("127.0.0.1", int(sys.argv[1]))
s.ehlo()
if len(sys.argv) > 2:
    s.login(sys.argv[2], sys.argv[3])
print(s.mail("a@example.org")[0], "AUTH" if s.has_extn("auth") else "-")
s.quit()
END
}
serve smtp "$weftd" smtp --listen tcp://127.0.0.1:0 --to maildir:mail --auth anonymous
same "smtp" "$(mail "$port")" "250 -"
stop
serve smtp "$weftd" smtp --listen tcp://127.0.0.1:0 --to maildir:mail --auth anonymous --auth memory:ann:secret \
    --auth-in-clear
same "smtp without a login" "$(mail "$port")" "250 AUTH"
same "smtp with one" "$(mail "$port" ann secret)" "250 AUTH"
stop
serve smtp "$weftd" smtp --listen tcp://127.0.0.1:0 --to maildir:mail --auth memory:ann:secret --auth-in-clear
same "smtp that asks" "$(mail "$port")" "530 AUTH"
stop
serve irc "$weftd" irc --listen tcp://127.0.0.1:0 --auth anonymous
same "irc" "$(timeout 60 python3 - "$port" <<'END'
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(b"CAP LS 302\r\nNICK ann\r\nUSER ann 0 * :Ann\r\nCAP END\r\n")
said = b""
while b" 001 " not in said:
    more = s.recv(4096)
    assert more, said
    said += more
print("sasl" if b"sasl" in said else "in")
END
)" in
stop

echo "what another user may not read"
if [ "$(id -u)" = 0 ]; then
    chmod 600 passwords
    for service in "smtp --to maildir:mail" irc "web --path ." "socks"; do
        # shellcheck disable=SC2086
        refused 78 "as user nobody: the auth unix needs to read /etc/shadow" $service --listen \
            "$([ "${service%% *}" != web ] && echo tcp || echo http)://127.0.0.1:0" --auth unix --user nobody
        # shellcheck disable=SC2086
        refused 78 "as user nobody: unable to open passwords" $service --listen \
            "$([ "${service%% *}" != web ] && echo tcp || echo http)://127.0.0.1:0" --auth file:passwords --user nobody
    done
    chmod 644 passwords
    serve web "$weftd" web --path files --listen http://127.0.0.1:0 --auth file:passwords --user nobody
    stop
else
    echo "(only root becomes another user: left out)"
fi
echo "auth: all is well"
