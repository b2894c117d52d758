#!/bin/bash
# weftd ssh with the clients people have: OpenSSH (ssh, scp, sftp, ssh-keyscan), dropbear's, paramiko, and ssh-audit.
set -euo pipefail

for tool in ssh scp sftp ssh-keyscan ssh-keygen dbclient ssh-audit; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not installed"
        exit 77
    }
done
/usr/bin/python3 -c 'import paramiko' 2>/dev/null || {
    echo "python3-paramiko is not installed"
    exit 77
}

dir=$(mktemp -d)
ours=
web=
finish()
{
    [ -z "$ours" ] || kill "$ours" 2>/dev/null || true
    [ -z "$web" ] || kill "$web" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

fail()
{
    echo "ssh: $*" >&2
    [ ! -s "$dir/log" ] || tail -20 "$dir/log" >&2
    exit 1
}

# start ARGUMENTS: runs weftd and waits until it listens; its port becomes $port.
start()
{
    mkfifo "$dir/said"
    "$WEFT_BUILD/weftd" "$@" 2> >(tee -p "$dir/log" >"$dir/said") &
    started=$!
    read -r -t 60 line <"$dir/said" || fail "weftd says nothing"
    port=$(grep -o 'listening at [^"]*' <<<"$line" | grep -o '[0-9]*$') || fail "it does not listen: $line"
    rm "$dir/said"
}

ssh-keygen -q -t ed25519 -N '' -f "$dir/ed25519"
ssh-keygen -q -t rsa -b 2048 -N '' -f "$dir/rsa"
ssh-keygen -q -t ecdsa -N '' -f "$dir/ecdsa"
ssh-keygen -q -t ed25519 -N '' -f "$dir/stranger"
cat "$dir/ed25519.pub" "$dir/rsa.pub" "$dir/ecdsa.pub" >"$dir/authorized"
mkdir "$dir/root"
echo "a file" >"$dir/root/file"
ln -s /etc "$dir/root/out"
head -c 3000000 /dev/urandom >"$dir/big"

start web --path "$dir/root" --listen http://127.0.0.1:0
web=$started
web_port=$port
# as root each peer would have to be a user of the system (ssh_users.sh): all run as one
as=()
if [ "$(id -u)" = 0 ]; then
    as=(--user nobody)
    chmod 755 "$dir"
    chown nobody "$dir/root"
fi
start ssh --listen tcp://127.0.0.1:0 --keys "$dir/keys" --root "$dir/root" --forward \
    --auth "sshkey:$dir/authorized" --auth memory:ann:secret "${as[@]}"
ours=$started

[ "$(stat -c %a "$dir/keys/ssh_host_ed25519_key")" = 600 ] || fail "the host key may be read by others"
print=$(ssh-keygen -lf "$dir/keys/ssh_host_ed25519_key.pub" | cut -d ' ' -f 2) || fail "no public half of the host key"
ssh-keyscan -p "$port" -t ed25519 127.0.0.1 2>/dev/null >"$dir/known" || fail "ssh-keyscan"
grep -q ssh-ed25519 "$dir/known" || fail "ssh-keyscan finds no key"

common=(-o "UserKnownHostsFile=$dir/known" -o StrictHostKeyChecking=yes -o BatchMode=yes -o IdentitiesOnly=yes)
go=(timeout 60 ssh -p "$port" "${common[@]}" -i "$dir/ed25519" ann@127.0.0.1)

same_print=$(ssh-keygen -lf "$dir/known" | cut -d ' ' -f 2)
[ "$same_print" = "$print" ] || fail "its public half is of another key: $print, $same_print"

# commands
for key in ed25519 rsa ecdsa; do
    said=$(timeout 60 ssh -p "$port" "${common[@]}" -i "$dir/$key" ann@127.0.0.1 'echo "$USER"' </dev/null)
    [ "$said" = ann ] || fail "a key of type $key: $said"
done
if timeout 60 ssh -p "$port" "${common[@]}" -i "$dir/stranger" ann@127.0.0.1 true </dev/null 2>"$dir/err"; then
    fail "a stranger was let in"
fi
grep -q "Permission denied" "$dir/err" || fail "a stranger: $(cat "$dir/err")"
code=0
"${go[@]}" 'echo out; echo err >&2; exit 7' </dev/null >"$dir/out" 2>"$dir/err" || code=$?
[ "$code" = 7 ] || fail "a command ended with 7, and here with $code"
[ "$(cat "$dir/out")" = out ] || fail "standard output"
[ "$(cat "$dir/err")" = err ] || fail "standard error"
"${go[@]}" cat <"$dir/big" | cmp - "$dir/big" || fail "3 MB there and back"
# more than a socket holds at once, to a peer that keeps up, to one that does not, and to two at a time
for _ in 1 2 3 4 5 6 7 8; do
    cat "$dir/big"
done >"$dir/more"
"${go[@]}" "cat $dir/more" </dev/null | cmp - "$dir/more" || fail "24 MB of a command"
"${go[@]}" "cat $dir/more" </dev/null | dd bs=512 status=none | cmp - "$dir/more" || fail "24 MB, taken slowly"
"${go[@]}" "cat $dir/more" </dev/null | cmp - "$dir/more" &
other=$!
"${go[@]}" "cat $dir/more; cat $dir/big >&2" </dev/null 2>"$dir/err" | cmp - "$dir/more" || fail "24 MB beside others"
cmp "$dir/err" "$dir/big" || fail "3 MB of errors beside 24 MB of output"
wait "$other" || fail "24 MB beside others, the other one"
code=0
"${go[@]}" 'kill -TERM $$' </dev/null 2>/dev/null || code=$?
[ "$code" = 255 ] || fail "a command that is ended by a signal: $code"
LC_TIME=de "${go[@]}" -o SendEnv=LC_TIME 'echo "$LC_TIME"' </dev/null | grep -q de || fail "a variable"
# a shell, with and without a terminal
echo 'echo from a shell' | "${go[@]}" | grep -q "from a shell" || fail "a shell"
"${go[@]}" -tt 'stty size; tty' </dev/null | grep -q /dev/pts/ || fail "a terminal"

# files
timeout 60 scp -q -P "$port" "${common[@]}" -i "$dir/ed25519" "$dir/big" ann@127.0.0.1:/there || fail "scp there"
cmp "$dir/big" "$dir/root/there" || fail "scp there: other bytes"
timeout 60 scp -q -P "$port" "${common[@]}" -i "$dir/ed25519" ann@127.0.0.1:/there "$dir/back" || fail "scp back"
cmp "$dir/big" "$dir/back" || fail "scp back: other bytes"
timeout 60 sftp -q -P "$port" "${common[@]}" -i "$dir/ed25519" -b - ann@127.0.0.1 >"$dir/out" 2>&1 <<END || fail "sftp"
mkdir folder
put $dir/big folder/one
rename folder/one folder/two
chmod 600 folder/two
symlink file link
get link $dir/linked
ls -l folder
rm folder/two
rmdir folder
-get /out/passwd $dir/stolen
-get ../../../../etc/passwd $dir/stolen
END
grep -q "^-rw-------.*two" "$dir/out" || fail "ls: $(cat "$dir/out")"
[ "$(cat "$dir/linked")" = "a file" ] || fail "a link within the root"
[ ! -e "$dir/stolen" ] || fail "a file outside of the root was given out"

# a connection from there
timeout 60 ssh -p "$port" "${common[@]}" -i "$dir/ed25519" -W "127.0.0.1:$web_port" ann@127.0.0.1 \
    < <(printf 'GET /file HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n') | grep -q "a file" || fail "ssh -W"

# other clients
DROPBEAR_PASSWORD=secret timeout 60 dbclient -y -y -p "$port" ann@127.0.0.1 'echo from dropbear' 2>/dev/null </dev/null |
    grep -q "from dropbear" || fail "dropbear's client"
timeout 60 /usr/bin/python3 - "$port" <<'END' || fail "paramiko"
import sys, paramiko
c = paramiko.SSHClient()
c.set_missing_host_key_policy(paramiko.AutoAddPolicy())
c.connect("127.0.0.1", int(sys.argv[1]), "ann", "secret", allow_agent=False, look_for_keys=False)
_, out, _ = c.exec_command("echo from python; exit 3")
assert out.read() == b"from python\n" and out.channel.recv_exit_status() == 3
files = c.open_sftp()
with files.open("/p", "w") as f:
    f.write("x" * 100000)
assert files.stat("/p").st_size == 100000 and "p" in files.listdir("/")
c.close()
END

# ssh-audit of Debian 12 does not know the mark against Terrapin, which is no algorithm, and warns of it
timeout 120 ssh-audit -n -p "$port" 127.0.0.1 >"$dir/audit" || true
grep -q curve25519-sha256 "$dir/audit" || fail "ssh-audit: $(cat "$dir/audit")"
if grep -E '\[(warn|fail)\]' "$dir/audit" | grep -v kex-strict-s-v00@openssh.com; then
    fail "ssh-audit warns"
fi

kill "$ours"
wait "$ours" || fail "weftd ended with $?"

# where the URL asks for more than a socket, what goes is counted and limited as ever
start ssh --listen "tcp://127.0.0.1:0?idle=1m&write_rate=100M" --keys "$dir/keys" --root "$dir/root" \
    --auth "sshkey:$dir/authorized" "${as[@]}"
ours=$started
ssh-keyscan -p "$port" -t ed25519 127.0.0.1 2>/dev/null >>"$dir/known" || fail "ssh-keyscan, again"
timeout 60 ssh -p "$port" "${common[@]}" -i "$dir/ed25519" ann@127.0.0.1 "cat $dir/more" </dev/null |
    cmp - "$dir/more" || fail "24 MB within limits"
kill "$ours"
wait "$ours" || fail "weftd with limits ended with $?"
ours=
grep -q "the host key is $print" "$dir/log" || fail "the fingerprint is not logged"
grep -q 'ann.*is let in, by a public key SHA256:' "$dir/log" || fail "who came is not logged"
! grep -q "Socket error" "$dir/log" || fail "noise in the log: $(grep "Socket error" "$dir/log")"

# refused TEXT ARGUMENT...: it does not start, and says why
refused()
{
    local code=0 text=$1
    shift
    timeout 60 "$WEFT_BUILD/weftd" ssh --listen tcp://127.0.0.1:0 --keys "$dir/keys" --auth memory:ann:secret "$@" \
        >"$dir/out" 2>&1 </dev/null || code=$?
    [ "$code" = 78 ] || fail "exit code $code with $*"
    grep -qF -- "$text" "$dir/out" || fail "with $*: does not say \"$text\": $(cat "$dir/out")"
}
refused "--shell /nonexist: No such file" --shell /nonexist
refused "--shell /etc/passwd: Permission denied" --shell /etc/passwd
refused "--shell sh: expected a path" --shell sh
refused "--shell /usr is no program" --shell /usr
refused "there is no such folder" --console unix:/nonexist/admin
refused "expected no --shell" --console unix:admin --shell /bin/sh
refused "--read-only is about --root" --read-only
echo "ssh: all is well"
