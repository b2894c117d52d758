#!/bin/bash
# Mail with others at the other end: swaks, msmtp, curl, Python's smtplib and postfix's smtp-source send to weftd smtp;
# weftd sendmail sends to Python's aiosmtpd and to postfix's smtp-sink, and is the sendmail of git send-email.
set -euo pipefail

PATH=$PATH:/usr/sbin
# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs swaks msmtp curl smtp-source smtp-sink openssl git "$(git --exec-path)/git-send-email"
needs_module aiosmtpd

# start OPTIONS: weftd smtp, at $port.
start()
{
    serve smtp "$weftd" smtp --listen tcp://127.0.0.1:0 "$@"
}

# letters N: so many are in the maildir, none half written.
letters()
{
    [ "$(find "$dir/mail/new" -type f | wc -l)" = "$1" ] || fail "not $1 letters in the maildir"
    [ -z "$(find "$dir/mail/tmp" -type f)" ] || fail "something is left in tmp"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$dir/key" -out "$dir/certificate" 2>/dev/null

# ---- in the clear

start --to "maildir:$dir/mail" --reject nobody@example.org --host mail.example
swaks --server 127.0.0.1:"$port" --from a@example.net --to b@example.org --body $'one\n.\n..two' \
    >"$dir/out" 2>&1 || fail "swaks: $(cat "$dir/out")"
letters 1
grep -q '^Return-Path: <a@example.net>' "$dir"/mail/new/* || fail "there is no Return-Path"
grep -q 'by mail.example with ESMTP id' "$dir"/mail/new/* || fail "there is no Received line"
grep -q $'^\.\r$' "$dir"/mail/new/* || fail "a line of one dot is lost"
! swaks --server 127.0.0.1:"$port" --from a@example.net --to nobody@example.org >"$dir/out" 2>&1 ||
    fail "swaks: a recipient is not refused"
grep -q '550 5.1.1' "$dir/out" || fail "swaks: the refusal is another one"
swaks --server 127.0.0.1:"$port" --pipeline --from a@example.net --to b@example.org >"$dir/out" 2>&1 ||
    fail "swaks, pipelined: $(cat "$dir/out")"
printf 'Subject: msmtp\n\nhello\n' | msmtp --host=127.0.0.1 --port="$port" --from=a@example.net b@example.org ||
    fail "msmtp"
printf 'Subject: curl\r\n\r\nhello\r\n' | curl -sS --url "smtp://127.0.0.1:$port" --mail-from a@example.net \
    --mail-rcpt b@example.org --upload-file - || fail "curl"
"$python" - "$port" <<'END' || fail "smtplib"
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
    s.ehlo()
    assert s.has_extn("pipelining") and s.has_extn("chunking") and s.has_extn("smtputf8")
    refused = s.sendmail("a@example.net", ["b@example.org", "nobody@example.org"], "Subject: x\r\n\r\nx\r\n")
    assert list(refused) == ["nobody@example.org"], refused
    assert s.verify("b@example.org")[0] == 252
    s.sendmail("a@example.net", "b@example.org", "Subject: large\r\n\r\n" + ("y" * 76 + "\r\n") * 50000)
    s.sendmail("ä@example.net", "ö@example.org", "Subject: x\r\n\r\nä\r\n".encode(),
               mail_options=["SMTPUTF8", "BODY=8BITMIME"])
END
letters 7
comes smtp.log 'refused from <a@example.net> to <nobody@example.org>: 550 5.1.1 no such mailbox here'
comes_like smtp.log ': message [0-9a-f]* from <a@example.net> to <b@example.org>, [0-9]* bytes: 250 2.0.0 OK' 6
smtp-source -c -l 65536 -m 50 -s 5 -f a@example.net -t b@example.org 127.0.0.1:"$port" >/dev/null ||
    fail "smtp-source"
letters 57
stop

# ---- who there is, and who is not welcome: whatever the case, and thousands in a file

rm -rf "$dir/mail"
printf '# known\r\n\n Joe@Other.Net \n"odd name"@example.org' >"$dir/known"
for ((i = 0; i < 5000; i++)); do echo "spam$i@example.net"; done >"$dir/unwelcome"
echo "@bad.example" >>"$dir/unwelcome"
start --to "maildir:$dir/mail" --for ann@example.org --for-file "$dir/known" --reject noone@other.net \
    --reject-file "$dir/unwelcome"
"$python" - "$port" <<'END' || fail "who is known and who is welcome"
import smtplib, sys
def said(sender, recipient):
    with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
        s.ehlo("test")
        code, text = s.docmd("MAIL", f"FROM:<{sender}>")
        if code == 250:
            code, text = s.docmd("RCPT", f"TO:<{recipient}>")
        return f"{code} {text.decode().split()[0]}"
rows = [
    ("a@b.c", "joe@other.net", "250 2.1.5"), ("a@b.c", "JOE@OTHER.NET", "250 2.1.5"),
    ("a@b.c", "Ann@Example.ORG", "250 2.1.5"), ("a@b.c", '"ann"@example.org', "250 2.1.5"),
    ("a@b.c", '"Odd Name"@example.org', "250 2.1.5"), ("a@b.c", '"odd\\ name"@example.org', "250 2.1.5"),
    ("a@b.c", "Postmaster", "250 2.1.5"), ("a@b.c", "bob@example.org", "550 5.1.1"),
    ("a@b.c", "noone@other.net", "550 5.1.1"), ("a@b.c", "ann@elsewhere.org", "550 5.7.1"),
    ("Spam4999@example.net", "ann@example.org", "550 5.7.1"),
    ('"SPAM7"@example.net', "ann@example.org", "550 5.7.1"),
    ("spam5000@example.net", "ann@example.org", "250 2.1.5"),
    ("any@BAD.example", "ann@example.org", "550 5.7.1"), ("any@very.bad.example", "ann@example.org", "250 2.1.5"),
    ("", "ann@example.org", "250 2.1.5"),
]
for sender, recipient, wanted in rows:
    got = said(sender, recipient)
    assert got == wanted, (sender, recipient, got, wanted)
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
    code, text = s.docmd("HELP")
    assert b"AUTH" not in text and b"STARTTLS" not in text, text
END
comes smtp.log 'to <ann@elsewhere.org>: 550 5.7.1 nothing is relayed to other hosts'
stop

# wrong WORDS OPTIONS: it does not start, and says so
wrong()
{
    local code=0 words=$1
    shift
    "$weftd" smtp "$@" 2>"$dir/out" || code=$?
    [ "$code" = 78 ] || fail "$*: exit code $code"
    grep -qF -- "$words" "$dir/out" || fail "$*: $(cat "$dir/out")"
}
printf 'a@b.c\n\n#\nnobody\n' >"$dir/wrong"
wrong "--reject-file $dir/wrong, line 4: nobody: expected USER@HOST or @HOST" --reject-file "$dir/wrong"
printf 'a@b.c\0\n' >"$dir/wrong"
wrong "--for-file $dir/wrong, line 1: a@b.c: expected USER@HOST or @HOST" --for-file "$dir/wrong"
wrong "--reject-file $dir/none: No such file or directory" --reject-file "$dir/none"
wrong "--for-file $dir: Is a directory" --for-file "$dir"
wrong "--for nobody: expected USER@HOST or @HOST" --for nobody
: >"$dir/empty"
start --to "maildir:$dir/mail" --for-file "$dir/empty"
! swaks --server 127.0.0.1:"$port" --from a@example.net --to b@example.org >"$dir/out" 2>&1 ||
    fail "who has a file of no recipients takes some"
grep -q '550 5.7.1' "$dir/out" || fail "a file of no recipients: $(cat "$dir/out")"
stop

# ---- the example

serve example "$WEFT_BUILD/examples/26_mail" tcp://127.0.0.1:0
swaks --server 127.0.0.1:"$port" --from a@example.net --to b@example.org >"$dir/out" 2>&1 ||
    fail "the example: $(cat "$dir/out")"
stop
grep -q 'a@example.net to b@example.org: [0-9]* bytes' example.log || fail "the example does not say what came"

# ---- TLS and AUTH

rm -rf "$dir/mail"
start --to "maildir:$dir/mail" --auth memory:tim:secret --certificate "$dir/certificate" --key "$dir/key" \
    --tls-required
for how in PLAIN LOGIN CRAM-MD5; do
    swaks --server 127.0.0.1:"$port" --tls --auth "$how" --auth-user tim --auth-password secret \
        --from a@example.net --to b@example.org >"$dir/out" 2>&1 || fail "swaks, $how: $(cat "$dir/out")"
done
! swaks --server 127.0.0.1:"$port" --tls --auth PLAIN --auth-user tim --auth-password wrong \
    --from a@example.net --to b@example.org >"$dir/out" 2>&1 || fail "a wrong password is taken"
grep -q '535 5.7.8' "$dir/out" || fail "a wrong password is refused otherwise"
comes_like smtp.log '127.0.0.1:[0-9]* (tim): logged in by CRAM-MD5'
comes_like smtp.log '127.0.0.1:[0-9]*: refused as tim by PLAIN: the credentials are not valid'
! swaks --server 127.0.0.1:"$port" --from a@example.net --to b@example.org >"$dir/out" 2>&1 ||
    fail "mail goes without TLS"
printf 'Subject: curl\r\n\r\nhello\r\n' | curl -sS --url "smtp://localhost:$port" --connect-to "localhost:$port:127.0.0.1:$port" \
    --ssl-reqd --cacert "$dir/certificate" --user tim:secret --mail-from a@example.net --mail-rcpt b@example.org \
    --upload-file - || fail "curl over TLS"
printf 'Subject: weft\n\nhello\n.\nend\n' | "$weftd" sendmail --server "tcp://127.0.0.1:$port" --tls must \
    --trust "$dir/certificate" --login tim --password-file <(echo secret) --from a@example.net --to b@example.org ||
    fail "weftd sendmail over TLS"
letters 5
grep -lq 'with ESMTPSA id' "$dir"/mail/new/* || fail "the Received line does not say ESMTPSA"
stop
serve smtps "$weftd" smtp --listen "tls://127.0.0.1:0?cert=$dir/certificate&key=$dir/key" --to "maildir:$dir/mail"
cp "$dir/certificate" "$dir/trust 100%"
printf 'Subject: weft\n\nhello\n' | "$weftd" sendmail --server "tls://localhost:$port?timeout=20s" \
    --trust "$dir/trust 100%" b@example.org c@example.org || fail "weftd sendmail to tls://"
code=0 && "$weftd" sendmail --server "tls://localhost:$port" --to b@example.org </dev/null 2>"$dir/out" || code=$?
[ "$code" = 76 ] || fail "a certificate nobody trusts: $code"
letters 6
stop

# ---- programs, and a disk that is full

cat >"$dir/program" <<'END'
#!/bin/sh
cat >"$(dirname "$0")/taken"
echo "$SENDER" $RECIPIENTS >"$(dirname "$0")/envelope"
printf '%s' "$RECIPIENTS" >"$(dirname "$0")/recipients"
case $RECIPIENTS in later@*) exit 75 ;; nobody@*) exit 67 ;; esac
END
chmod +x "$dir/program"
start --to "exec:$dir/program"
send()
{
    printf 'Subject: weft\n\nhello\n' | "$weftd" sendmail --server "tcp://127.0.0.1:$port" --from a@example.net "$@"
}
send --to b@example.org --to c@example.org || fail "a program does not take a letter"
grep -q '^a@example.net b@example.org c@example.org$' "$dir/envelope" || fail "the envelope is another one"
grep -q '^hello' "$dir/taken" || fail "the letter is another one"
same "a recipient a line" "$(cat "$dir/recipients")" $'b@example.org\nc@example.org'
code=0 && send --to later@example.org 2>"$dir/out" || code=$?
[ "$code" = 75 ] || fail "a program that says later: $code"
grep -q "^weftd sendmail: tcp://127.0.0.1:$port: the server said: 451 " "$dir/out" || fail "later: $(cat "$dir/out")"
! grep -q EFULL "$dir/out" || fail "what a server says has a name of ours: $(cat "$dir/out")"
code=0 && send --to nobody@example.org 2>"$dir/out" || code=$?
[ "$code" = 67 ] || fail "a program that knows nobody: $code"
stop
# nobody comes in beside --for by what a shell makes of an address; and there are no more than have room
start --to "exec:$dir/program" --for @example.org
rm -f "$dir/taken"
"$python" - "$port" <<'END' || fail "a program's recipients"
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
    s.ehlo("test")
    for what, to, wanted in (
        ("MAIL", 'FROM:<"x y"@example.net>', (553, b"5.1.7")), ("MAIL", "FROM:<a@example.net>", (250, b"2.1.0")),
        ("RCPT", 'TO:<"x evil@other.org * y"@example.org>', (553, b"5.1.3")),
        *(("RCPT", f"TO:<{i:060}@example.org>", (250, b"2.1.5")) for i in range(500)),
        ("RCPT", "TO:<501@example.org>", (452, b"4.5.3"))):
        code, text = s.docmd(what, to)
        assert (code, text.split()[0]) == wanted, (what, to, code, text)
    assert s.data("Subject: x\r\n\r\nx\r\n")[0] == 250
END
same "500 recipients" "$(wc -w <"$dir/recipients")" 500
stop
start --to http://127.0.0.1:1/ --for @example.org
"$python" - "$port" <<'END' || fail "a web server's recipients"
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
    s.ehlo("test")
    s.mail("a@example.net")
    assert all(s.rcpt(f"{i}@example.org")[0] == 250 for i in range(64))
    assert s.rcpt("65@example.org")[0] == 452
END
stop

# ---- a page of a browser, and clients that are stopped

start --to "exec:$dir/program"
rm -f "$dir/taken"
printf 'EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nevil\r\n.\r\nQUIT\r\n' >"$dir/dialogue"
curl -sS --http0.9 -m 20 --data-binary @"$dir/dialogue" "http://127.0.0.1:$port/" >"$dir/out" 2>&1 || true
grep -q '554 5.7.0 this is no web server' "$dir/out" || fail "a page of a browser: $(cat "$dir/out")"
comes smtp.log ': speaks HTTP: let go'
[ ! -e "$dir/taken" ] || fail "a page of a browser sends mail"
stop
# silent: a server that takes a connection, says so, and nothing to whoever connects; at $port.
silent()
{
    run silent "$python" -uc '
import socket
s = socket.create_server(("127.0.0.1", 0))
print("port", s.getsockname()[1])
kept = [s.accept()]
print("connected")
kept[0][0].settimeout(60)
while kept[0][0].recv(4096):
    pass'
    silent=$last
    until_so "a silent server listens" grep -qs 'port [0-9]' silent.out
    port=$(sed -n 's/^port //p' silent.out)
}
# stopped WORDS COMMAND...: told to end while it waits for a silent server, it has not done what it was to do.
stopped()
{
    local words=$1 code=0
    shift
    run stopped "$@"
    comes silent.out connected
    kill -TERM "$last"
    ended "$last" || code=$?
    [ "$code" = 75 ] || fail "$*, stopped: exit code $code"
    same "$*, stopped" "$(grep -v 'asked to end' stopped.log)" "$words"
    away "$silent"
}
silent
stopped "weftd sendmail: stopped before the message was sent" \
    "$weftd" sendmail --server "tcp://127.0.0.1:$port" --to b@example.org
silent
stopped "weftd get: stopped before the answer was whole" "$weftd" get "http://127.0.0.1:$port/"
silent
stopped "weftd ssh-copy: stopped before all was copied" \
    "$weftd" ssh-copy "ssh://somebody@127.0.0.1:$port/x" got --known-hosts "$dir/none"
if mkdir "$dir/small" && mount -t tmpfs -o size=256k none "$dir/small" 2>/dev/null; then
    start --to "maildir:$dir/small/mail"
    code=0 && head -c 1000000 /dev/zero | tr '\0' 'x' | fold -w 70 |
        "$weftd" sendmail --server "tcp://127.0.0.1:$port" --to b@example.org 2>"$dir/out" || code=$?
    left=$(find "$dir/small/mail/tmp" "$dir/small/mail/new" -type f | wc -l)
    stop
    umount "$dir/small"
    [ "$code" = 75 ] || fail "a full disk: $code"
    grep -q "452 4.3.1" "$dir/out" || fail "a full disk: $(cat "$dir/out")"
    [ "$left" = 0 ] || fail "a full disk: something is left behind"
fi

# ---- as sendmail -t

start --to "exec:$dir/program"
sendmail=("$weftd" sendmail --server "tcp://127.0.0.1:$port")
# sent ENVELOPE WORDS...: the standard input goes with that envelope, and without Bcc.
sent()
{
    local wanted=$1
    shift
    rm -f "$dir/envelope" "$dir/taken"
    "${sendmail[@]}" "$@" 2>"$dir/out" || fail "sendmail $*: $(cat "$dir/out")"
    same "sendmail $*: the envelope" "$(cat "$dir/envelope")" "$wanted"
    ! grep -qi '^\(resent-\)\?bcc *: .*@' "$dir/taken" || fail "sendmail $*: Bcc is sent: $(cat "$dir/taken")"
}
cat >"$dir/letter" <<'END'
From: "Lee, Ann" <ann@example.org>, second@example.org
To: Bob <bob@example.net>,
 (the other one) eve@example.net
Cc: Friends: joe@example.com, "odd..name"@example.com;
CC: BOB@example.net
BCC : secret@example.com
  , hidden@example.com
Subject: =?utf-8?Q?=C3=84?=

Bcc: not a field
.
end
END
all='bob@example.net eve@example.net joe@example.com "odd..name"@example.com secret@example.com hidden@example.com'
sent "ann@example.org $all" -t <"$dir/letter"
(sed '/^BCC/d; /hidden/d; s/$/\r/' "$dir/letter") | cmp - <(sed 1,3d "$dir/taken") ||
    fail "sendmail -t: another letter was sent: $(cat "$dir/taken")"
sent "ann@example.org $all" -ti -i <"$dir/letter"
sent "x@example.org first@example.org $all" -t -f x@example.org first@example.org <"$dir/letter"
sent "x@example.org $all" -oi -oem -fx@example.org -B8BITMIME -FName -t -- bob@example.net <"$dir/letter"
sent " $all" -t --from "" <"$dir/letter"
sed 's/$/\r/' "$dir/letter" | sent "ann@example.org $all" -t
sed '1s/^/From MAILER-DAEMON Sat Nov 28 12:00:00 2026\n/' "$dir/letter" | sent "ann@example.org $all" -t
! grep -q MAILER "$dir/taken" || fail "the first line of a file of messages is sent"
printf 'Resent-To: new@example.com\nResent-Bcc: newer@example.com\nResent-From: fan@example.org\n' |
    cat - "$dir/letter" | sent "fan@example.org new@example.com newer@example.com" -t
printf 'From: root\nTo: root (Cron)\n\nx\n' | sent "root@mail.example root@mail.example" -t --host mail.example
printf 'To: bob@example.net' | sent " bob@example.net" -t
printf 'Subject: x\n\nTo: none@example.net\n' | sent " bob@example.net" -t bob@example.net
(cat "$dir/letter" && head -c 5000000 /dev/zero | tr '\0' x | fold -w 70) | sent "ann@example.org $all" -t
[ "$(wc -c <"$dir/taken")" -gt 5142858 ] || fail "5 MB behind a header: $(wc "$dir/taken")"

# unsent CODE WORDS OPTIONS...: the standard input is not sent, and that is why.
unsent()
{
    local wanted=$1 words=$2 code=0
    shift 2
    "${sendmail[@]}" -t "$@" 2>"$dir/out" || code=$?
    [ "$code" = "$wanted" ] || fail "$words: exit code $code: $(cat "$dir/out")"
    grep -qF -- "weftd sendmail: $words" "$dir/out" || fail "$words: $(cat "$dir/out")"
}
rm -f "$dir/taken"
printf 'Subject: x\nCc: a@b.c\nTo: b@c.d,\n e@f g@h\n\n' |
    unsent 65 'line 4: To: "g@h": expected a comma between addresses'
printf 'From: x y@z\nTo: b@c.d\n\n' |
    unsent 65 'line 1: From: "x y@z": expected one word before the @, or < and > around the address'
printf 'To: b@c.d\nnobody\nBcc: secret@example.com\n\n' |
    unsent 65 'line 2: "nobody": expected a field such as Subject: TEXT, or an empty line'
printf 'Subject: x\n\nTo: b@c.d\n' | unsent 65 'there are no recipients, expected a To, Cc or Bcc field'
unsent 65 'there are no recipients' </dev/null
(printf 'To: x0@b.c' && printf ',\n x%d@b.c' {1..1000} && echo) |
    unsent 69 'there are more recipients, expected at most 1000'
(printf 'To: b@c.d\nX: ' && head -c 1048576 /dev/zero | tr '\0' x) |
    unsent 69 'the header is longer, expected at most 1048576 bytes'
sendmail=("$weftd" sendmail)
printf 'To: a@b.c\nCc: d@e.f\n\n' | unsent 65 'recipients of several domains need a --server'
[ ! -e "$dir/taken" ] || fail "something was sent: $(cat "$dir/taken")"

# git names sender and recipients itself, with and without -t
mkdir "$dir/repository"
(
    cd "$dir/repository" || exit 1
    export HOME=$dir GIT_CONFIG_NOSYSTEM=1
    git init -q
    git config user.name "Ann Lee"
    git config user.email ann@example.org
    git commit -q --allow-empty -m first
    echo one >file
    git add file
    git commit -q -m 'second: a file'
    for how in "" " -t -i"; do
        rm -f "$dir/envelope" "$dir/taken"
        git send-email --quiet --confirm=never --suppress-cc=all --envelope-sender=bounces@example.org \
            --to='"Doe, Bob" <bob@example.net>' --cc=eve@example.net \
            --sendmail-cmd="'$weftd' sendmail --server 'tcp://127.0.0.1:$port'$how" HEAD^ >"$dir/out" 2>&1 ||
            fail "git send-email$how: $(cat "$dir/out")"
        same "git send-email$how" "$(cat "$dir/envelope")" "bounces@example.org bob@example.net eve@example.net"
        grep -q '^Subject: \[PATCH\] second: a file' "$dir/taken" || fail "git send-email$how: $(cat "$dir/taken")"
    done
) || exit 1
stop

# ---- our client, other servers

cat >receive.py <<'END'
import signal
from aiosmtpd.controller import UnixSocketController
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 nobody"
        if address.startswith("later@"):
            return "450 4.2.1 later"
        envelope.rcpt_tos.append(address)
        return "250 OK"
    async def handle_DATA(self, server, session, envelope):
        with open("got", "wb") as f:
            f.write(envelope.content)
        return "250 OK"
c = UnixSocketController(Handler(), unix_socket="aiosmtpd")
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
c.start()
print("ready", flush=True)
signal.sigwait([signal.SIGTERM])
c.stop()
END
run aiosmtpd "$python" receive.py
comes aiosmtpd.out ready
printf 'Subject: weft\n\n.\n..\nend\n' >"$dir/letter"
"$weftd" sendmail --server "unix:$dir/aiosmtpd" --from a@example.net --to b@example.org <"$dir/letter" ||
    fail "weftd sendmail to aiosmtpd"
tr -d '\r' <"$dir/got" | cmp - "$dir/letter" || fail "aiosmtpd got another letter"
code=0 && "$weftd" sendmail --server "unix:$dir/aiosmtpd" --from a@example.net --to b@example.org \
    --to nobody@example.org <"$dir/letter" 2>"$dir/out" || code=$?
[ "$code" = 69 ] || fail "one of two refused: $code"
grep -q "nobody@example.org: 550 nobody" "$dir/out" || fail "one of two refused: $(cat "$dir/out")"
for first in b nobody; do
    code=0 && "$weftd" sendmail --server "unix:$dir/aiosmtpd" --from a@example.net --to "$first@example.org" \
        --to later@example.org <"$dir/letter" 2>"$dir/out" || code=$?
    [ "$code" = 75 ] || fail "$first, and one refused for now: $code"
    grep -q "later@example.org: 450 later" "$dir/out" || fail "one refused for now: $(cat "$dir/out")"
done
grep -q "nobody@example.org: 550 nobody" "$dir/out" || fail "both refused: $(cat "$dir/out")"
away "$last"
# smtp-sink does not say when it listens: until then there is no such socket
as=()
[ "$(id -u)" != 0 ] || as=(-u nobody)
mkdir -m 777 "$dir/sink"
run sink smtp-sink "${as[@]}" "unix:$dir/sink/socket" 10
sunk()
{
    "$weftd" sendmail --server "unix:$dir/sink/socket" --from a@example.net --to b@example.org \
        <"$dir/letter" 2>"$dir/out"
}
until_so "smtp-sink takes a letter of weftd sendmail" sunk
echo "smtp: all went well"
