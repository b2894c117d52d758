#!/bin/bash
# weftd web --cgi: scripts as RFC 3875 has them, with curl in front of them: what they are told, what they may say,
# bodies both ways, limits, and that none is left running when its client has gone.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

# script NAME: a program of that name from the standard input.
script()
{
    { echo '#!/bin/bash'; cat; } >"$dir/cgi/$1"
    chmod +x "$dir/cgi/$1"
}

mkdir -p "$dir/cgi/sub" "$dir/files" "$dir/outside"
echo page >"$dir/files/page.txt"
script env <<'END'
printf 'Content-Type: text/plain\n\n'
env | grep -v '^_=\|^SHLVL=\|^PWD=' | sort
END
cp "$dir/cgi/env" "$dir/cgi/sub/env"
script pwd <<'END'
printf 'Content-Type: text/plain\n\n%s\n' "$PWD"
END
script echo <<'END'
printf 'Content-Type: application/octet-stream\r\nX-Mine: 1\r\nConnection: close\r\n\r\n'
exec cat
END
script length <<'END'
printf 'Content-Type: text/plain\nContent-Length: 5\n\nwhole'
END
script status <<'END'
printf 'Status: 418 I am a teapot\nContent-Type: text/plain\n\nteapot\n'
END
script away <<'END'
printf 'Location: https://example.org/x\n\n'
END
script local <<'END'
printf 'Location: /page.txt?a=b\n\n'
END
script local_cgi <<'END'
printf 'Location: /cgi-bin/env/info?from=local\n\n'
END
script circle <<'END'
printf 'Location: /cgi-bin/circle\n\n'
END
script nothing <<'END'
exit 0
END
script garbage <<'END'
echo 'this is no field'
echo
END
script endless_head <<'END'
yes 'X-Field: 0123456789012345678901234567890123456789'
END
script killed <<'END'
printf 'Content-Type: text/plain\n\nsome of it'
kill -KILL $$
END
script slow <<'END'
echo $$ >"$(dirname "$0")/../pid"
trap '' PIPE
printf 'Content-Type: text/plain\n\n'
while :; do
    echo more
    sleep 0.05
done
END
script silent <<'END'
echo $$ >"$(dirname "$0")/../pid"
exec sleep 300
END
script large <<'END'
printf 'Content-Type: application/octet-stream\n\n'
exec head -c 50000000 /dev/zero
END
script early <<'END'
printf 'Status: 403\nContent-Type: text/plain\n\nno\n'
END
echo '#!/bin/bash' >"$dir/cgi/no_program"
chmod -x "$dir/cgi/no_program"
printf 'no interpreter' >"$dir/cgi/broken"
chmod +x "$dir/cgi/broken"
cp "$dir/cgi/env" "$dir/outside/env"
ln -s ../outside/env "$dir/cgi/link"
cp "$dir/cgi/env" "$dir/cgi/.hidden"

# start ARGUMENTS...: the server with these, instead of the one before; its scripts are at $scripts.
server=
start()
{
    [ -z "$server" ] || away "$server"
    SECRET=1 serve web "$weftd" web --path "$dir/files" --port 0 --cgi "/cgi-bin=$dir/cgi" "$@"
    server=$last
    scripts=$url/cgi-bin
}

# expect WANTED ARGUMENTS...: what curl gets.
expect()
{
    local wanted=$1 got
    shift
    got=$(curl -sS --max-time 60 "$@") || fail "curl $*: exit $?"
    [ "$got" = "$wanted" ] || fail "curl $*: \"$got\", expected \"$wanted\""
}

# gone: the script that wrote its pid ends.
gone()
{
    until_so "a script has ended" ended_script
}
ended_script()
{
    ! kill -0 "$(cat "$dir/pid")" 2>/dev/null
}

start
# what a script is told
curl -sS --path-as-is -A agent -H 'X-Two: a' -H 'X-Two: b' -H 'Proxy: http://evil' -H 'X_Under: 1' -H 'Authorization: x' \
    "$scripts/env/a/./b%20c?q=1&r" >"$dir/env"
for line in "QUERY_STRING=q=1&r" "PATH_INFO=/a/b c" "SCRIPT_NAME=/cgi-bin/env" "SCRIPT_FILENAME=$dir/cgi/env" \
    GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET SERVER_PROTOCOL=HTTP/1.1 SERVER_NAME=127.0.0.1 \
    "SERVER_PORT=$port" REMOTE_ADDR=127.0.0.1 HTTP_USER_AGENT=agent "HTTP_X_TWO=a, b" \
    "HTTP_HOST=$at" "REQUEST_URI=/cgi-bin/env/a/./b%20c?q=1&r"; do
    grep -qxF "$line" "$dir/env" || fail "a script is not told $line: $(cat "$dir/env")"
done
grep -q '^HTTP_PROXY\|^HTTP_X_UNDER\|^HTTP_AUTHORIZATION\|^SECRET\|^CONTENT_LENGTH\|^REMOTE_USER' "$dir/env" &&
    fail "a script is told too much: $(cat "$dir/env")"
curl -sS -d abc "$scripts/sub/env/" >"$dir/env"
for line in PATH_INFO=/ SCRIPT_NAME=/cgi-bin/sub/env QUERY_STRING= REQUEST_METHOD=POST CONTENT_LENGTH=3 \
    CONTENT_TYPE=application/x-www-form-urlencoded; do
    grep -qxF "$line" "$dir/env" || fail "a script is not told $line: $(cat "$dir/env")"
done
expect "$dir/cgi" "$scripts/pwd"

# what it may say
expect 418 -o /dev/null -w '%{http_code}' "$scripts/status"
expect '302 https://example.org/x' -o /dev/null -w '%{http_code} %{redirect_url}' "$scripts/away"
expect whole "$scripts/length"
expect page "$scripts/local"
expect page -d x "$scripts/local"
curl -sS -d x "$scripts/local_cgi" >"$dir/env"
for line in QUERY_STRING=from=local PATH_INFO=/info REQUEST_METHOD=GET SCRIPT_NAME=/cgi-bin/env; do
    grep -qxF "$line" "$dir/env" || fail "behind a local redirect: $(cat "$dir/env")"
done
expect 500 -o /dev/null -w '%{http_code}' "$scripts/circle"
expect 'application/octet-stream' -o /dev/null -w '%{content_type}' -d abc "$scripts/echo"
for bad in nothing garbage endless_head; do
    expect 502 -o /dev/null -w '%{http_code}' "$scripts/$bad"
done
expect 500 -o /dev/null -w '%{http_code}' "$scripts/broken"

# what is no script
for none in '' missing sub sub/ sub/missing link .hidden; do
    expect 404 -o /dev/null -w '%{http_code}' --path-as-is "$scripts/$none" ||
        fail "$none"
done
expect 404 -o /dev/null -w '%{http_code}' --path-as-is "$scripts/../outside/env"
expect 400 -o /dev/null -w '%{http_code}' --path-as-is "$scripts/../../outside/env"
expect 400 -o /dev/null -w '%{http_code}' "$scripts/env%2f.."
expect 403 -o /dev/null -w '%{http_code}' "$scripts/no_program"

# bodies, both ways at once and back to back on one connection
head -c 20000000 /dev/urandom >"$dir/body"
curl -sS --data-binary "@$dir/body" "$scripts/echo" | cmp - "$dir/body" || fail "a body changed on its way"
expect abc -d abc "$scripts/echo"
expect 'ab 1' -d ab "$scripts/echo" -w ' %{num_connects}'
expect 411 -o /dev/null -w '%{http_code}' -H 'Transfer-Encoding: chunked' -d abc "$scripts/echo"
expect 403 -o /dev/null -w '%{http_code}' --data-binary "@$dir/body" "$scripts/early"
[ "$(curl -sS "$scripts/large" | wc -c)" = 50000000 ] || fail "a large output did not come whole"
curl -sS -I "$scripts/length" | grep -qi 'content-length: 5' || fail "HEAD"

# what is not whole does not look so
curl -sS "$scripts/killed" >"$dir/some" 2>/dev/null && fail "a response that was cut looks whole"

# who leaves stops the script, which is noticed when that says something; so does the end of its time, and of the server
curl -sS --max-time 1 "$scripts/slow" >/dev/null 2>&1 && fail "a slow script ended"
gone
start --cgi-time 1s --cgi-children 1 --auth memory:ann:secret
expect 504 -o /dev/null -w '%{http_code}' -u ann:secret "$scripts/silent"
gone
curl -sS --max-time 20 -u ann:secret "$scripts/slow" >/dev/null 2>&1 && fail "what took too long looks whole"
gone
expect 401 -o /dev/null -w '%{http_code}' "$scripts/env"
curl -sS -u ann:secret "$scripts/env" | grep -qx REMOTE_USER=ann || fail "a script is not told who asks"
start --cgi-children 1
rm "$dir/pid"
curl -sS --max-time 20 "$scripts/silent" >/dev/null 2>&1 &
until_so "a script runs" test -s pid
expect 503 -o /dev/null -w '%{http_code}' "$scripts/length"
away "$server"
gone

# what the command line can get wrong
for wrong in x /x /x= x=/tmp /x=/nowhere/at/all /a:b=/tmp; do
    code=0
    "$weftd" web --path "$dir/files" --port 0 --cgi "$wrong" 2>"$dir/wrong" || code=$?
    [ "$code" != 0 ] || fail "--cgi $wrong: exit $code"
    grep -q -- '--cgi' "$dir/wrong" || fail "--cgi $wrong: it is not said what is wrong"
done
