#!/bin/sh
# Processes, terminals, standard input and output, given descriptors and serial lines, with real programs.
# usage: WEFT_BUILD=build/release process.sh
set -eu

weftd=$WEFT_BUILD/weftd
work=$(mktemp -d)
jobs=
cleanup() {
    for job in $jobs; do kill "$job" 2>/dev/null || true; done
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "process: $*" >&2
    exit 1
}
same() { # WHAT GOT WANTED
    [ "$2" = "$3" ] || fail "$1: got \"$2\", wanted \"$3\""
}
# Waits until something there is; nobody looks at a clock but the last resort.
await() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 500 ] || fail "waited in vain for: $*"
        sleep 0.02
    done
}
ended() { ! kill -0 "$1" 2>/dev/null; }
for tool in socat script; do
    command -v "$tool" >/dev/null || {
        echo "there is no $tool here"
        exit 77
    }
done

# ---- the example, and stdio
same example "$("$WEFT_BUILD"/examples/17_process pear apple pear)" "apple
pear
sort exited with 0"
same stdio "$(printf 'one\ntwo\n' | "$weftd" echo --listen stdio: 2>/dev/null)" "one
two"
printf 'kept\n' >"$work/file"
printf 'added\n' | "$weftd" echo --listen stdio: >>"$work/file" 2>/dev/null
same "a file that is appended to" "$(cat "$work/file")" "kept
added"

# ---- exec, with a program that sorts, one that is not there, and one that says nothing when it fails
same exec "$(printf 'b\na\n' | "$weftd" forward stdio: 'exec:sort?arg=-r' 2>/dev/null)" "b
a"
same "env and dir" "$("$weftd" forward stdio: \
    'exec:sh?arg=-c&arg=echo%20$A;pwd&env=A%3Dset&dir=/usr' 2>/dev/null </dev/null)" "set
/usr"
"$weftd" forward stdio: exec:no-such-program </dev/null >/dev/null 2>"$work/log" || true
grep -q 'unable to run no-such-program: No such file' "$work/log" || fail "a missing program is not named"
if "$weftd" echo --listen exec:cat 2>"$work/log"; then fail "exec was listened at"; fi
grep -q 'for connecting, not for listening' "$work/log" || fail "why exec is not listened at"

# ---- forwarding to a program, to which the end of the client is the end
"$weftd" forward "unix:$work/cat.sock" exec:cat 2>/dev/null &
jobs="$jobs $!"
await test -S "$work/cat.sock"
head -c 3000000 /dev/urandom >"$work/random"
socat -t10 - "UNIX-CONNECT:$work/cat.sock" <"$work/random" >"$work/back"
cmp -s "$work/random" "$work/back" || fail "3 MB through cat came back otherwise"

# ---- a terminal: the program of an exec URL has one; and weftd's own is raw and restored
"$weftd" forward "unix:$work/pty.sock" 'exec:sh?arg=-c&arg=test%20-t%200%26%26stty%20size&pty=on' 2>/dev/null &
jobs="$jobs $!"
await test -S "$work/pty.sock"
same pty "$(socat -t10 - "UNIX-CONNECT:$work/pty.sock" </dev/null | tr -d '\r')" "24 80"
cat >"$work/raw.sh" <<END
before=\$(stty -g)
ulimit -c 0
exec 3<&0
"$weftd" forward 'stdio:?raw=on' exec:cat <&3 2>/dev/null &
job=\$!
tries=0
until stty -a | grep -q -- ' -icanon'; do tries=\$((tries + 1)); [ \$tries -lt 500 ] || exit 9; sleep 0.02; done
kill -\$1 \$job
wait \$job || true
[ "\$(stty -g)" = "\$before" ] && echo restored-\$1
END
for signal in TERM ABRT; do
    script -qec "sh $work/raw.sh $signal" "$work/typescript" </dev/null >/dev/null || true
    grep -q "restored-$signal" "$work/typescript" || fail "the terminal is not restored after SIG$signal"
done

# ---- a serial line: one terminal of a pair is the device
socat "PTY,link=$work/line,rawer" "PTY,link=$work/far,rawer" &
jobs="$jobs $!"
await test -e "$work/line" -a -e "$work/far"
before=$(stty -g <"$work/line")
"$weftd" forward "unix:$work/serial.sock" "serial:$work/line?baud=9600&parity=even&data=7&stop=2" 2>/dev/null &
serial=$!
jobs="$jobs $serial"
await test -S "$work/serial.sock"
(printf 'question\n'; head -n 1 "$work/far" >"$work/asked"; printf 'answer\n' >"$work/far") |
    socat -t1 - "UNIX-CONNECT:$work/serial.sock" >"$work/answer"
same "serial, there" "$(cat "$work/asked")" question
same "serial, back" "$(cat "$work/answer")" answer
kill "$serial"
await ended "$serial"
same "the line's modes" "$(stty -g <"$work/line")" "$before"
"$weftd" forward stdio: "serial:$work/line?baud=9601" </dev/null >/dev/null 2>"$work/log" || true
grep -q 'no speed of 9601 baud' "$work/log" || fail "9601 baud were to be had"

# ---- descriptors that were given: by number, and as systemd does
exec 5<>/dev/null
"$weftd" forward stdio: fd:5 </dev/null >/dev/null 2>"$work/log" || true
exec 5>&-
grep -q 'unable to reach' "$work/log" && fail "fd:5 was not to be had: $(cat "$work/log")"
"$weftd" forward stdio: fd:99 </dev/null >/dev/null 2>"$work/log" || true
grep -q 'descriptor 99: Bad file descriptor' "$work/log" || fail "fd:99 was to be had"
if "$weftd" echo --listen systemd:web 2>"$work/log"; then fail "systemd gave nothing, and that was enough"; fi
grep -q 'systemd gave this process no sockets' "$work/log" || fail "why systemd: failed"
if command -v systemd-socket-activate >/dev/null; then
    systemd-socket-activate --listen="$work/a.sock" --listen="$work/b.sock" --fdname=first:second \
        "$weftd" forward systemd:second exec:rev 2>"$work/log" &
    jobs="$jobs $!"
    await test -S "$work/b.sock"
    same systemd "$(printf 'drawer\n' | socat -t10 - "UNIX-CONNECT:$work/b.sock")" reward
else
    echo "there is no systemd-socket-activate here" >&2
fi
