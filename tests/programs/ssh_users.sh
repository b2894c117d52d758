#!/bin/bash
# weftd ssh started by root: programs, terminals and sftp have the rights of the user who is let in, with OpenSSH's
# client. The users are of a mount namespace, so that nothing of this machine changes.
set -euo pipefail

skip()
{
    echo "$*"
    exit 77
}

if [ "${1:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || skip "only root runs programs as others"
    unshare -m true 2>/dev/null || skip "mount namespaces cannot be made here"
    exec unshare -m "$0" inside
fi

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

needs ssh sftp ssh-keygen openssl

# ---- users: ann has two groups, carl no home, nolan may not have a shell, olga's account is over
mkdir -p home/ann home/nolan home/olga home/root
mkdir -m 0755 etc
sed "s|^root:.*|root:x:0:0:root:$dir/home/root:/bin/sh|" /etc/passwd >etc/passwd # root's own files say nothing here
cp /etc/group etc
(umask 077 && cp /etc/shadow etc)
hash=$(openssl passwd -6 secret)
uid=64001
for user in "ann /bin/sh" "carl /bin/sh" "nolan /usr/sbin/nologin" "olga /bin/sh"; do
    name=${user%% *}
    echo "$name:x:$uid:$uid:$name:$dir/home/$name:${user#* }" >>etc/passwd
    echo "$name:x:$uid:" >>etc/group
    echo "$name:$hash:19000:0:99999:7::$([ "$name" != olga ] || echo 19001):" >>etc/shadow
    [ ! -d "home/$name" ] || chown "$uid:$uid" "home/$name"
    uid=$((uid + 1))
done
echo "crew:x:64100:ann" >>etc/group
for file in passwd group shadow; do
    mount --bind "etc/$file" "/etc/$file" 2>/dev/null || skip "files cannot be mounted over others here"
done
chmod 700 home/ann
echo 'FROM_PROFILE=yes' >home/ann/.profile
chown ann home/ann/.profile

# ---- what sftp sees
mkdir -m 0755 root
mkdir -m 0755 root/roots
mkdir -m 0775 root/crews
mkdir -m 0700 root/anns
chgrp crew root/crews
chown ann root/anns
echo "for all" >root/open
echo "of root" >root/closed
chmod 600 root/closed

# ---- keys
mkdir -m 0755 by
for name in ann carl nolan olga root bob; do
    [ -f key ] || ssh-keygen -q -t ed25519 -N '' -f key
    cp key.pub "by/$name"
done
printf '#!/bin/sh\necho secret\n' >askpass
chmod 755 askpass

export WEFT_TEST_SECRET=of-the-daemon
serve ssh "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --root root --auth "sshkey:$dir/by/%u" --auth unix \
    --auth memory:bob:secret
unset WEFT_TEST_SECRET
options=(-o UserKnownHostsFile=known -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR -o IdentitiesOnly=yes)

# as USER OPTIONS... [COMMAND]
as()
{
    local user=$1
    shift
    timeout 60 ssh -p "$port" "${options[@]}" -o BatchMode=yes -i key "$user@127.0.0.1" "$@"
}

# says USER COMMAND WANTED
says()
{
    local text
    text=$(as "$1" "$2" </dev/null 2>&1) || true
    same "$2 as $1" "$text" "$3"
}

# ends CODE TEXT USER COMMAND
ends()
{
    local code=0
    as "$3" "$4" </dev/null >said 2>&1 || code=$?
    same "exit code of $3" "$code" "$1"
    grep -qF -- "$2" said || fail "$3 does not hear \"$2\": $(cat said)"
}

echo "who it is"
says ann 'id -un; id -gn; id -Gn' $'ann\nann\nann crew'
says ann 'grep CapEff /proc/self/status | cut -f 2' 0000000000000000
says root 'id -un; id -gn' $'root\nroot'
same "ann by her password" "$(SSH_ASKPASS=$dir/askpass SSH_ASKPASS_REQUIRE=force timeout 60 ssh -p "$port" \
    "${options[@]}" -o PubkeyAuthentication=no ann@127.0.0.1 'id -un' </dev/null 2>&1)" ann
ends 1 '"bob" is no user of this system' bob true
ends 1 'the account of olga is over' olga true
ends 1 'not available' nolan true
says carl 'pwd' /
comes ssh.log 'of carl cannot be entered'

echo "what it finds"
says ann 'env | cut -d = -f 1 | grep -v "^LC_\|^LANG" | sort | tr "\n" " "' \
    "HOME LOGNAME MAIL PATH PWD SHELL SSH_CLIENT SSH_CONNECTION USER "
says ann 'echo $USER $LOGNAME $HOME $SHELL $MAIL $PATH; pwd; echo ${WEFT_TEST_SECRET:-none}' \
    "ann ann $dir/home/ann /bin/sh /var/mail/ann /usr/local/bin:/usr/bin:/bin:/usr/games"$'\n'"$dir/home/ann"$'\nnone'
says root 'echo $PATH' /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
as ann 'echo $SSH_CONNECTION; echo $SSH_CLIENT' </dev/null >said
grep -qxE "127\.0\.0\.1 [0-9]+ 127\.0\.0\.1 $port" said || fail "SSH_CONNECTION: $(cat said)"
grep -qxE "127\.0\.0\.1 [0-9]+ $port" said || fail "SSH_CLIENT: $(cat said)"
same "a shell is a login shell" "$(echo 'echo "$0 ${FROM_PROFILE:-no}"' | as ann 2>&1)" "-sh yes"
says ann 'echo "$0 ${FROM_PROFILE:-no}"' "sh no"
as ann -tt 'echo "$SSH_TTY $(tty) $(stat -c %U "$SSH_TTY") $TERM"' </dev/null >said 2>&1
grep -qE "^(/dev/pts/[0-9]+) \1 ann [a-z]" said || fail "a terminal: $(cat said)"

# files USER COMMANDS: with sftp, which goes on whatever becomes of a line
files()
{
    timeout 60 sftp -q -P "$port" "${options[@]}" -o BatchMode=yes -i key -b - "$1@127.0.0.1" >said 2>&1 <<<"$2"
}

echo "whose files"
echo "from ann" >mine
files ann "-get open got-open
-get closed got-closed
-put mine roots/mine
-put mine crews/mine
-put mine anns/mine
chmod 4755 anns/mine
-chmod 666 closed
-rm open
-chown 0 anns/mine" || fail "sftp as ann: $(cat said)"
[ -f got-open ] || fail "ann cannot read what all may: $(cat said)"
[ ! -s got-closed ] || fail "ann reads what root alone may"
[ ! -e root/roots/mine ] || fail "ann writes where root alone may"
same "whose a new file is" "$(stat -c %U:%G root/anns/mine)" ann:ann
same "the mode of her own file" "$(stat -c %a root/anns/mine)" 4755
[ -f root/crews/mine ] || fail "ann may not write where her group may: $(cat said)"
same "the mode of root's file" "$(stat -c %a root/closed)" 600
[ -f root/open ] || fail "ann removed what is root's"
same "refusals" "$(grep -ci "permission denied" said)" 5
# the same threads serve root afterwards, as root
files root "get closed got-closed
put mine roots/mine" || fail "sftp as root: $(cat said)"
same "a file of root's" "$(cat got-closed)" "of root"
same "whose it is" "$(stat -c %U root/roots/mine)" root
! files bob "get open got-bob" || fail "bob, who is no user here, has files"
! files olga "get open got-olga" || fail "olga, whose account is over, has files"
says ann 'id -un' ann

echo "what is logged"
print=$(ssh-keygen -lf keys/ssh_host_ed25519_key.pub | cut -d ' ' -f 2)
comes ssh.log "the host key is $print"
comes ssh.log "have the rights of the user it is let in as"
print=$(ssh-keygen -lf key.pub | cut -d ' ' -f 2)
until_so "who came is logged" grep -q "127\.0\.0\.1:[0-9]*: .*ann.* is let in, by a public key $print" ssh.log
until_so "who came by a password is logged" grep -q "ann.* is let in, by a password" ssh.log
comes ssh.log 'no shell for bob'
! as stranger true </dev/null 2>/dev/null || fail "a stranger was let in"
comes ssh.log 'stranger\" was not let in'
! grep -q "Socket error" ssh.log || fail "noise in the log"
stop

# refused CODE TEXT ARGUMENT...: it does not start
refused()
{
    local code=0 wanted=$1 text=$2
    shift 2
    timeout 60 "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys "$@" >said 2>&1 </dev/null || code=$?
    same "exit code with $*" "$code" "$wanted"
    grep -qF -- "$text" said || fail "with $*: does not say \"$text\": $(cat said)"
}

echo "what is not safe does not start"
refused 78 "does not prove who a peer is" --auth sshkey:key.pub
refused 78 "does not prove who a peer is" --auth sshkey:key.pub --no-shell --root root
refused 78 "does not prove who a peer is" --auth anonymous
chown -R nobody keys
refused 78 "as user nobody: the auth unix needs to read /etc/shadow" --auth unix --user nobody
chgrp shadow etc/shadow
chmod 640 etc/shadow
refused 78 "with shells is for root" --auth unix --user nobody --group shadow
serve one "$weftd" ssh --listen tcp://127.0.0.1:0 --keys keys --root root --auth sshkey:key.pub --user nobody
says ann 'id -un; echo $USER; pwd' $'nobody\nann\n/'
files ann "-get closed got-nobody
get open got-nobody-2" || fail "sftp as nobody: $(cat said)"
[ ! -s got-nobody ] || fail "nobody reads what root alone may"
comes one.log "have the rights of nobody"
stop
echo "ssh_users: all is well"
