#!/bin/bash
# The command line of an application: help, mistakes, exit codes, and the user it becomes.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
app=$WEFT_BUILD/examples/06_supervised

# ends CODE TEXT OPTION...: it ends with that code, and says something with that text in it.
ends()
{
    local want=$1 text=$2 code=0
    shift 2
    "$app" "$@" >"$dir/said" 2>&1 || code=$?
    [ "$code" = "$want" ] || fail "$*: exit code $code, expected $want"
    grep -qF -- "$text" "$dir/said" || fail "$*: does not say \"$text\""
}

ends 0 'usage: 06_supervised [OPTIONS]' --help
ends 0 'options of web:' --help
ends 0 '--listen URL               where the site is served [http://127.0.0.1:8080]' --help
ends 0 '--user NAME' --help
ends 0 '06_supervised ' --version
ends 0 'listen: "http://127.0.0.1:1"' --print-config --listen http://127.0.0.1:1
ends 0 'counter: counter, restarted on an error' --print-tree
ends 0 'web: http for each connection at http://127.0.0.1:1, restarted' --print-tree --listen http://127.0.0.1:1
ends 64 'there is no option --lisen; the nearest is --listen' --lisen
ends 64 '--listen: ' --listen nowhere
ends 69 'unable to bind to' --listen http://192.0.2.1:1
ends 77 'there is no user "no-such-user"' --listen http://127.0.0.1:0 --user no-such-user
ends 77 'there is no group "no-such-group"' --listen http://127.0.0.1:0 --group no-such-group

serve app "$app" --listen http://127.0.0.1:0 --threads 2
[ "$(curl -sS "$url/add/1")" = 1 ] || fail "does not serve"
ends 69 'in use' --listen "$url"
stop

if [ "$(id -u)" = 0 ] && id nobody >"$dir/id" 2>&1; then
    serve app "$app" --listen http://127.0.0.1:0 --user nobody
    uid=$(id -u nobody)
    grep -q "^Uid:	$uid	$uid	$uid	$uid" "/proc/$last/status" || fail "is not nobody"
    ! grep -q '^Groups:.*\b0\b' "/proc/$last/status" || fail "is still of the group of root"
    [ "$(curl -sS "$url/add/1")" = 1 ] || fail "does not serve as nobody"
    stop
fi
