# shellcheck shell=bash disable=SC2034 # some of what is set here is for the scripts
# For scripts that run servers: a folder of its own, in which the script is and which goes with it, and all it runs, when
# it ends. How servers are started, waited for and stopped, at ports that no other run can have.

here=$(cd "$(dirname "$0")" && pwd)
weftd=$WEFT_BUILD/weftd
dir=$(mktemp -d)
chmod 755 "$dir" # servers that root starts become somebody else
cd "$dir" || exit 1
declare -A running=() # by pid; those of serve, with the one who writes their log

# What does not end when it is told to, is ended ten seconds later.
finish()
{
    local pids=("${!running[@]}") last_resort
    if [ ${#pids[@]} != 0 ]; then
        kill "${pids[@]}" 2>/dev/null || true
        (read -r -t 10 <> <(:) || kill -KILL "${pids[@]}") >/dev/null 2>&1 &
        last_resort=$!
        wait "${pids[@]}" 2>/dev/null || true
        kill "$last_resort" 2>/dev/null || true
    fi
    cd /
    rm -rf "$dir" 2>/dev/null || rm -rf "$dir"
}
trap finish EXIT

# fail WORDS...: ends the script with them, and with the ends of all logs.
fail()
{
    echo "$(basename "$0" .sh): $*" >&2
    tail -n 20 "$dir"/*.log >&2 2>/dev/null || true
    exit 1
}

# needs TOOL...: without them the script does not run here.
needs()
{
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || {
            echo "$tool is not installed"
            exit 77
        }
    done
}

# needs_module MODULE: $python is one that has it, without which the script does not run here.
needs_module()
{
    for python in python3 /usr/bin/python3; do
        ! "$python" -c "import $1" 2>/dev/null || return 0
    done
    echo "python3-$1 is not installed"
    exit 77
}

# same WHAT GOT WANTED
same()
{
    [ "$2" = "$3" ] || fail "$1: $(printf 'got %q, expected %q' "$2" "$3")"
}

# run NAME COMMAND...: in the background. Its pid is in $last, what it says in NAME.log, what it writes in NAME.out.
run()
{
    local name=$1
    shift
    rm -f "$name.log" "$name.out" # so that what is waited for is not the last one's
    "$@" </dev/null >"$name.out" 2>"$name.log" &
    last=$!
    running[$last]=
}

# serve NAME COMMAND...: the same, until it says where it listens or is bound: that is $url, without a scheme $at, its
# port $port. With $listeners in front it is waited for so many, and all are in ${urls[@]}.
serve()
{
    local name=$1 line wanted=${listeners:-1}
    shift
    rm -f "$name.log"
    mkfifo .said .heard
    "$@" </dev/null >"$name.out" 2>.said &
    last=$!
    tee -p "$name.log" <.said >.heard &
    running[$last]=$!
    urls=()
    while [ ${#urls[@]} -lt "$wanted" ] && read -r -t 60 line; do
        ! [[ $line =~ (listening at|bound to)\ ([a-z0-9+]+:[^\"\ ,]*) ]] || urls+=("${BASH_REMATCH[2]}")
    done <.heard
    rm .said .heard
    [ ${#urls[@]} = "$wanted" ] || fail "$name does not listen"
    url=${urls[0]}
    at=${url#*://}
    port=$(port_of "${url%%:*}")
}

# port_of SCHEME: of the first of those URLs with that scheme; listeners of several threads come in any order.
port_of()
{
    local one
    for one in "${urls[@]}"; do
        [ "${one%%:*}" != "$1" ] || break
    done
    one=${one##*:}
    echo "${one%%[!0-9]*}"
}

# stop [PID [SIGNAL]]: ends that, or what was started last, which must end in order; its log is whole then.
stop()
{
    local pid=${1:-$last} code=0
    kill "-${2:-TERM}" "$pid"
    ended "$pid" || code=$?
    [ "$code" = 0 ] || fail "exit code $code after SIG${2:-TERM}"
}

# ended PID: waits until it has, of itself; its exit code.
ended()
{
    local code=0
    wait "$1" || code=$?
    [ -z "${running[$1]:-}" ] || wait "${running[$1]}"
    unset "running[$1]"
    return $code
}

# away PID: it is ended, whatever it says to that.
away()
{
    kill "$1" 2>/dev/null || true
    ended "$1" 2>/dev/null || true
}

# until_so WHAT COMMAND...: waits until the command succeeds, for half a minute: for what does not say it itself.
until_so()
{
    local what=$1 n
    shift
    for ((n = 0; n < 1500; n++)); do
        ! "$@" || return 0
        read -r -t 0.02 <> <(:) || true
    done
    fail "waited in vain until $what"
}

# comes FILE TEXT: waits until that is in the file.
comes()
{
    until_so "$1 has \"$2\"" grep -qsaF -- "$2" "$1"
}

# comes_like FILE EXPRESSION [LINES]: until so many lines match it, one if it is not said. What a server logs comes
# some time after what its client sees.
comes_like()
{
    until_so "${3:-1} lines of $1 match \"$2\"" lines_match "$1" "$2" "${3:-1}"
}

lines_match()
{
    [ "$(grep -csa -- "$2" "$1")" = "$3" ]
}

# hold_port: $port is one that nobody is given, and at which nobody listens, while the script runs: it is bound, by
# who does not listen. Who then binds it by number, with SO_REUSEADDR as servers do, may listen at it. For
# programs that cannot say which port they were given, and for targets that nobody is at.
hold_port()
{
    if [ -z "${holder:-}" ]; then
        mkfifo .hold .held
        python3 -u -c '
import socket, sys
held = []
for _ in sys.stdin:
    held.append(socket.socket())
    held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held[-1].bind(("127.0.0.1", 0))
    print(held[-1].getsockname()[1])' <.hold >.held &
        holder=$!
        running[$holder]=
        exec {hold}>.hold {held}<.held
        rm .hold .held
    fi
    echo >&"$hold"
    read -r -t 60 port <&"$held" || fail "no port is to be had"
}

# up PORT: waits until what was run last listens at a port that is held.
up()
{
    until_so "somebody listens at port $1" listens "$1"
}

listens()
{
    kill -0 "$last" 2>/dev/null || fail "it ended before it listened at port $1"
    (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}
