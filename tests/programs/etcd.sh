#!/bin/bash
# 29_leader as three processes with a server of etcd: one leads; when it is stopped in the middle (SIGSTOP) for longer
# than its lease another leads, and it knows when it goes on; etcd is killed and restarted; a leader that is told to
# end gives way at once; one that is killed, when its lease has ended.
set -euo pipefail

command -v etcd >/dev/null || { echo "etcd is not installed"; exit 77; }

folder=$(mktemp -d)
etcd=
declare -A pid=()
cleanup()
{
    for one in "${pid[@]}" $etcd; do
        kill -CONT "$one" 2>/dev/null || true
        kill -KILL "$one" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder" # sockets of etcd are named HOST:PORT, where it runs

fail()
{
    echo "etcd: $*" >&2
    tail -n 20 "$folder"/*.out "$folder"/*.err "$folder/etcd.log" >&2
    exit 1
}

# begin_etcd: runs it until it has a leader, over a socket: no port is needed.
begin_etcd()
{
    rm -f "$folder/localhost:1" "$folder/localhost:2"
    etcd --logger=zap --log-outputs=stderr --data-dir "$folder/data" \
        --listen-client-urls unix://localhost:1 --advertise-client-urls unix://localhost:1 \
        --listen-peer-urls unix://localhost:2 --initial-advertise-peer-urls http://localhost:2 \
        --initial-cluster default=http://localhost:2 >/dev/null 2>>"$folder/etcd.log" &
    etcd=$!
    for _ in $(seq 600); do
        if curl -sS --max-time 2 --unix-socket "localhost:1" http://etcd/v3/kv/range \
            -d '{"key":"YQ=="}' 2>/dev/null | grep -q revision; then
            return
        fi
        kill -0 "$etcd" || fail "etcd ended"
        read -r -t 0.1 <> <(:) || true
    done
    fail "etcd does not answer"
}

# begin NODE
begin()
{
    "$WEFT_BUILD/examples/29_leader" "$1" "unix:$folder/$1" "unix:$folder/localhost:1" \
        >>"$folder/$1.out" 2>>"$folder/$1.err" &
    pid[$1]=$!
}

# says NODE TEXT [SINCE]: waits until that is a line of what it says, behind line SINCE.
says()
{
    for _ in $(seq 600); do
        if tail -n +"$((${3:-0} + 1))" "$folder/$1.out" 2>/dev/null | grep -q -- "$2"; then
            return
        fi
        read -r -t 0.1 <> <(:) || true
    done
    fail "$1 does not say \"$2\""
}

lines()
{
    wc -l <"$folder/$1.out"
}

term()
{
    sed -n 's/^leads, term //p' "$folder/$1.out" | tail -n 1
}

# until_member NODE: waits until etcd has it.
until_member()
{
    for _ in $(seq 600); do
        if curl -sS --max-time 2 --unix-socket "localhost:1" http://etcd/v3/kv/range \
            -d "{\"key\":\"$(printf '/weft/orchestra/nodes/%s' "$1" | base64)\"}" | grep -q '"kvs"'; then
            return
        fi
        read -r -t 0.1 <> <(:) || true
    done
    fail "$1 is no member"
}

begin_etcd
begin n1
says n1 "^leads, term"
begin n2
says n2 "^follows n1"
begin n3
says n3 "^follows n1"

# the leader is stopped for longer than its lease: another leads, with a higher term, and the old one knows
before=$(lines n1)
kill -STOP "${pid[n1]}"
for _ in $(seq 600); do
    grep -q "^leads" "$folder/n2.out" && second=n2 third=n3 && break
    grep -q "^leads" "$folder/n3.out" && second=n3 third=n2 && break
    read -r -t 0.1 <> <(:) || true
done
[ -n "${second:-}" ] || fail "nobody leads instead of one that was stopped"
[ "$(term "$second")" -gt "$(term n1)" ] || fail "the term does not grow"
says "$third" "^follows $second"
kill -CONT "${pid[n1]}"
says n1 "^nobody leads" "$before"
says n1 "^follows $second" "$before"

# etcd is killed and comes back within the lease: nothing changes hands
before=$(lines "$second")
kill -KILL "$etcd"
wait "$etcd" 2>/dev/null || true
begin_etcd
[ "$(lines "$second")" -eq "$before" ] || says "$second" "^leads" "$before" # it was away for too long

# one that is told to end gives way at once
before=$(lines n1)
kill -TERM "${pid[$second]}"
wait "${pid[$second]}" || fail "$second ended with exit code $?"
unset "pid[$second]"
for _ in $(seq 600); do
    tail -n +"$((before + 1))" "$folder/n1.out" | grep -q "^leads" && leader=n1 && break
    grep -q "^leads" "$folder/$third.out" && leader=$third && break
    read -r -t 0.1 <> <(:) || true
done
[ -n "${leader:-}" ] || fail "nobody leads when $second has ended"

# one that is killed gives way when its lease has ended
last=$([ "$leader" = n1 ] && echo "$third" || echo n1)
before=$(lines "$last")
kill -KILL "${pid[$leader]}"
wait "${pid[$leader]}" 2>/dev/null || true
unset "pid[$leader]"
says "$last" "^leads, term" "$before"
[ "$(term "$last")" -gt "$(term "$leader")" ] || fail "the term does not grow"
kill -TERM "${pid[$last]}"
wait "${pid[$last]}" || fail "$last ended with exit code $?"
unset "pid[$last]"

# a name that is claimed: one has it, the other waits until it is free
begin_name()
{
    "$WEFT_BUILD/examples/41_names" "$1" "unix:$folder/$1" "unix:$folder/localhost:1" \
        >>"$folder/$1.out" 2>>"$folder/$1.err" &
    pid[$1]=$!
}
billing_term()
{
    sed -n 's/^is billing, in term //p' "$folder/$1.out" | tail -n 1
}
begin_name b1
says b1 "^is billing, in term"
begin_name b2
until_member b2
kill -TERM "${pid[b1]}"
wait "${pid[b1]}" || fail "b1 ended with exit code $?"
unset "pid[b1]"
says b2 "^is billing, in term"
[ "$(billing_term b2)" -gt "$(billing_term b1)" ] || fail "the term of billing does not grow"

# it is stopped for longer than its lease: it knows that it lost the name, and has it again
before=$(lines b2)
kill -STOP "${pid[b2]}"
begin_name b3
says b3 "^is billing, in term"
kill -CONT "${pid[b2]}"
says b2 "^is not billing any more" "$before"
kill -TERM "${pid[b3]}"
wait "${pid[b3]}" || fail "b3 ended with exit code $?"
unset "pid[b3]"
says b2 "^is billing, in term" "$before"
kill -TERM "${pid[b2]}"
wait "${pid[b2]}" || fail "b2 ended with exit code $?"
unset "pid[b2]"

# all keys are gone with who had them
left=$(curl -sS --max-time 5 --unix-socket "localhost:1" http://etcd/v3/kv/range \
    -d '{"key":"L3dlZnQv","range_end":"L3dlZnQw"}')
case "$left" in
*'"kvs"'*) fail "something is left behind: $left" ;;
esac
