#!/bin/bash
# weftd ssh-run and ssh-copy with the servers people have: OpenSSH's sshd, dropbear, and weftd ssh. The first two are
# started as inetd would, so that there is no port.
set -euo pipefail

for tool in /usr/sbin/sshd /usr/sbin/dropbear ssh-keygen ssh-agent dropbearkey; do
    command -v "$tool" >/dev/null || {
        echo "$tool is not installed"
        exit 77
    }
done

weftd=$WEFT_BUILD/weftd
user=$(id -un)
dir=$(mktemp -d)
ours=
agent=
holder=
finish()
{
    [ -z "$holder" ] || kill "$holder" 2>/dev/null || true
    [ -z "$ours" ] || kill "$ours" 2>/dev/null || true
    [ -z "$agent" ] || kill "$agent" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

fail()
{
    echo "ssh_client: $*" >&2
    [ ! -s "$dir/err" ] || tail -20 "$dir/err" >&2
    exit 1
}

cd "$dir"
for key in host host_b ed25519 agent; do
    ssh-keygen -q -t ed25519 -N '' -f "$key"
done
ssh-keygen -q -t rsa -b 2048 -N pass -f rsa
ssh-keygen -q -t ecdsa -N '' -f ecdsa
cat ed25519.pub agent.pub rsa.pub ecdsa.pub >authorized
head -c 3000000 /dev/urandom >big
mkdir -p tree/a/b tree/empty
echo one >tree/one
echo two >tree/a/b/two
cp big tree/a/big
printf 'HostKey %s/host\nAuthorizedKeysFile %s/authorized\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nPidFile none\nAllowTcpForwarding yes\nAcceptEnv LC_*\nSubsystem sftp internal-sftp\n' \
    "$dir" "$dir" >config
sed 's,/host$,/host_b,' config >config_b
[ -d /run/sshd ] || mkdir -p /run/sshd 2>/dev/null || true

# run WORDS: weftd ssh-run, and what it is told below.
run()
{
    timeout 60 "$weftd" ssh-run "$@"
}
copy()
{
    timeout 120 "$weftd" ssh-copy --quiet "$@"
}

# served NAME OPTIONS: what every server must do.
served()
{
    local name=$1 code=0
    shift
    [ "$(run "$user@$name" 'echo out' "$@" </dev/null)" = out ] || fail "$name: a command"
    run "$user@$name" 'echo out; echo err >&2; exit 7' "$@" </dev/null >out 2>err || code=$?
    [ "$code" = 7 ] || fail "$name: a command ended with 7, and here with $code"
    [ "$(cat out)" = out ] || fail "$name: standard output"
    grep -q '^err$' err || fail "$name: standard error"
    run "$user@$name" cat "$@" <big | cmp - big || fail "$name: 3 MB there and back"
    run "$user@$name" true "$@" <big || fail "$name: a command that does not read"
    code=0
    run "$user@$name" 'kill -TERM $$' "$@" </dev/null 2>err || code=$?
    [ "$code" = 255 ] && grep -q 'signal TERM' err || fail "$name: a signal: $code"
}

# copied NAME ROOT OPTIONS: files, to ROOT there, which is the folder "there" here.
copied()
{
    local name=$1 root=$2 code=0
    shift 2
    rm -rf there back
    mkdir there
    copy big "$user@$name:$root/big" "$@" || fail "$name: a copy there"
    cmp big there/big || fail "$name: a copy there: other bytes"
    copy "$user@$name:$root/big" back "$@" || fail "$name: a copy back"
    cmp big back || fail "$name: a copy back: other bytes"
    rm back
    copy --tree tree "$user@$name:$root/tree" "$@" || fail "$name: a tree there"
    copy --tree "$user@$name:$root/tree" back "$@" || fail "$name: a tree back"
    diff -r tree back || fail "$name: a tree: other files"
    copy "$user@$name:$root/none" none "$@" 2>err || code=$?
    [ "$code" = 66 ] || fail "$name: a file that is not there: $code"
    [ ! -e none ] || fail "$name: a file that is not there is here"
}

# ---- OpenSSH

sshd="exec:/usr/sbin/sshd?arg=-i&arg=-f&arg=$dir/config"
if run "$user@sshd" true --to "$sshd" --key ed25519 --known-hosts known </dev/null 2>err; then
    fail "a host that is not known was believed"
fi
grep -q 'host key unknown: sshd (ssh-ed25519, SHA256:' err || fail "a host that is not known"
[ ! -e known ] || fail "it was remembered unasked"
run "$user@sshd" true --to "$sshd" --key ed25519 --known-hosts known --accept-new </dev/null || fail "--accept-new"
[ "$(cut -d' ' -f1-3 known)" = "sshd $(cut -d' ' -f1-2 host.pub)" ] || fail "what was remembered: $(cat known)"
sshd_options=(--to "$sshd" --known-hosts known --key)
served sshd "${sshd_options[@]}" ed25519
copied sshd "$dir/there" "${sshd_options[@]}" ed25519
[ "$(run "$user@sshd" 'echo rsa' "${sshd_options[@]}" rsa --passphrase pass </dev/null)" = rsa ] || fail "RSA"
[ "$(run "$user@sshd" 'echo ec' "${sshd_options[@]}" ecdsa </dev/null)" = ec ] || fail "ECDSA"
[ "$(run "$user@sshd" 'echo $LC_X' "${sshd_options[@]}" ecdsa --env LC_X=y </dev/null)" = y ] || fail "a variable"
eval "$(ssh-agent -a "$dir/agent.sock")" >/dev/null
agent=$SSH_AGENT_PID
ssh-add -q agent
[ "$(run "$user@sshd" 'echo agent' --to "$sshd" --known-hosts known --agent </dev/null)" = agent ] || fail "an agent"
if run "$user@sshd" true --to "$sshd" --known-hosts known --key host </dev/null 2>err; then
    fail "a stranger was let in"
fi
grep -q EDENIED err || fail "a stranger"
# names hashed by ssh-keygen, and a host whose key has changed
ssh-keygen -q -H -f known >/dev/null 2>&1
run "$user@sshd" true "${sshd_options[@]}" ed25519 </dev/null || fail "hashed names"
if run "$user@sshd" true --to "exec:/usr/sbin/sshd?arg=-i&arg=-f&arg=$dir/config_b" --known-hosts known \
    --accept-new --key ed25519 </dev/null 2>err; then
    fail "a host whose key has changed was believed"
fi
grep -q 'host key changed' err || fail "a host whose key has changed"

# ---- dropbear, which has its keys in the user's home: one of its own, where namespaces are to be had

# it insists on a socket of TCP as its standard input
cat >joined.py <<'END'
import os, socket, subprocess, sys, threading
listener = socket.create_server(("127.0.0.1", 0))
ours = socket.create_connection(listener.getsockname())
theirs, _ = listener.accept()
program = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)
theirs.close()
def there():
    while data := os.read(0, 65536):
        ours.sendall(data)
    ours.shutdown(socket.SHUT_WR)
threading.Thread(target=there, daemon=True).start()
while data := ours.recv(65536):
    while data:
        data = data[os.write(1, data):]
END
dropbearkey -t ed25519 -f dropbear_key >/dev/null 2>&1
printf 'mount -t tmpfs -o mode=700 tmpfs "$1" && mkdir -m 700 "$1/.ssh" && install -m 600 "$2/authorized" "$1/.ssh/authorized_keys" && exec /usr/bin/python3 "$2/joined.py" /usr/sbin/dropbear -i -r "$2/dropbear_key"\n' >dropbear.sh
home=$(getent passwd "$user" | cut -d: -f6)
if unshare -m true 2>/dev/null; then
    dropbear="exec:/usr/bin/unshare?arg=-m&arg=/bin/sh&arg=$dir/dropbear.sh&arg=$home&arg=$dir"
    served dropbear --to "$dropbear" --known-hosts known --accept-new --key ed25519
fi

# ---- weft's own

mkdir by
cp authorized "by/$user"
mkfifo said
"$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --root "$dir" --auth "sshkey:$dir/by/%u" \
    --auth "memory:$user:secret" 2> >(tee -p log >said) &
ours=$!
read -r -t 60 line <said || fail "weftd says nothing"
port=$(grep -o 'listening at [^"]*' <<<"$line" | grep -o '[0-9]*$') || fail "it does not listen: $line"
served "127.0.0.1:$port" --known-hosts known --accept-new --password secret
printf 'secret\nand more\n' >secret
served "127.0.0.1:$port" --known-hosts known --password-file secret
WEFT_PASSWORD=secret served "127.0.0.1:$port" --known-hosts known
[ "$(WEFT_PASSWORD=secret run "$user@127.0.0.1:$port" 'echo "<$WEFT_PASSWORD>"' --known-hosts known </dev/null)" = "<>" ] ||
    fail "a secret of the environment is told"
run "$user@127.0.0.1:$port" true --known-hosts known --password secret </dev/null 2>err || fail "--password"
grep -q 'weftd: --password is seen by others' err || fail "a secret on the command line is not warned of: $(cat err)"
cat >ask.py <<'END'
import os, pty, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[1], sys.argv[1:])
said, typed = b"", False
while True:
    try:
        got = os.read(terminal, 4096)
    except OSError:
        break
    if not got:
        break
    said += got
    if not typed and b"password: " in said:
        os.write(terminal, os.environ["TYPED"].encode())
        typed = True
sys.stdout.buffer.write(said)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
END
ask=(python3 ask.py "$weftd" ssh-run "$user@127.0.0.1:$port" 'echo has asked' --known-hosts known --ask-password)
said=$(TYPED=$'secret\n' timeout 60 "${ask[@]}") || fail "--ask-password: $said"
[[ $said == *"has asked"* && $said != *secret* ]] || fail "--ask-password: $said"
! said=$(TYPED=$'\x03' timeout 60 "${ask[@]}") || fail "--ask-password is not ended by control-C"
for wrong in "--password-file $dir/missing" "--password-file /dev/null" "--password x --ask-password" "--ask-password"; do
    # shellcheck disable=SC2086
    ! setsid -w "$weftd" ssh-run "$user@127.0.0.1:$port" true --known-hosts known $wrong </dev/null >/dev/null 2>err ||
        fail "$wrong is taken"
    grep -q -- '--\(ask-\)\?password' err || fail "$wrong: it is not said what is wrong: $(cat err)"
done
grep -q "^\[127.0.0.1\]:$port ssh-ed25519 " known || fail "a port: $(cat known)"
served "127.0.0.1:$port" --known-hosts known --key ed25519
copy big "ssh://$user@127.0.0.1:$port/there/ssh" --known-hosts known --key ed25519 || fail "a copy to weftd"
cmp big there/ssh || fail "a copy to weftd: other bytes"
# what was tried is said: the address of the host, or what it was to be instead
tried()
{
    local words=$1 code=$2 got=0
    shift 2
    "$weftd" "$@" --known-hosts known --key ed25519 </dev/null >/dev/null 2>err || got=$?
    [ "$got" = "$code" ] && grep -qxF -- "weftd $1: $words" err || fail "$*: exit code $got: $(cat err)"
}
# nobody listens at a port that is bound alone
mkfifo free
python3 -uc 'import signal, socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])
signal.pause()' >free &
holder=$!
read -r -t 60 none <free || fail "no port is to be had"
tried "tcp://127.0.0.1:$none: Connection refused (EREFUSED)" 255 ssh-run "$user@127.0.0.1:$none" true
tried "tcp://127.0.0.1:$none: Connection refused (EREFUSED)" 69 ssh-copy big "ssh://$user@127.0.0.1:$none/big"
tried "unable to connect to unix:$dir/none: No such file or directory (ENOTFOUND)" 255 \
    ssh-run "$user@host" true --to "unix:$dir/none"
tried "tcp://127.0.0.1:$port: there: /none: No such file or directory (ENOTFOUND)" 66 \
    ssh-copy "ssh://$user@127.0.0.1:$port/none" back
tried "here: none: No such file or directory (ENOTFOUND)" 66 \
    ssh-copy none "ssh://$user@127.0.0.1:$port/none"
# a copy that is stopped says so, leaves nothing, and takes nothing away
truncate -s 50G huge
echo before >copied
"$weftd" ssh-copy "ssh://$user@127.0.0.1:$port/huge" copied --known-hosts known --key ed25519 2>err &
copying=$!
for ((n = 0; n < 1500; n++)); do
    ! compgen -G ".copied.part-*" >/dev/null || break
    read -r -t 0.02 <> <(:) || true
done
compgen -G ".copied.part-*" >/dev/null || fail "a copy is not made beside its place: $(cat err)"
kill -TERM "$copying"
code=0 && wait "$copying" || code=$?
[ "$code" = 75 ] || fail "a copy that is stopped ends with $code: $(cat err)"
grep -qx "weftd ssh-copy: stopped before all was copied" err || fail "a copy that is stopped: $(cat err)"
! compgen -G ".copied.part-*" >/dev/null || fail "a copy that is stopped leaves $(echo .copied.part-*)"
[ "$(cat copied)" = before ] || fail "a copy that is stopped took away what was there"
kill "$ours"
wait "$ours" || fail "weftd ended with $?"
ours=
echo "ssh_client: all is well"
