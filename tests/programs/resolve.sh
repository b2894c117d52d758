#!/bin/bash
# What `weftd resolve` sees is what dig sees of the same name server, and its exit codes tell why it saw
# nothing; names work where a client connects.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs dig

run server python3 "$here/resolve.py"
until_so "the name server says its port" test -s server.out
read -r server <server.out
: >"$dir/hosts"
: >"$dir/resolv.conf"

resolve()
{
    "$weftd" resolve "$@" --server "127.0.0.1:$server" --hosts "$dir/hosts" \
        --resolv-conf "$dir/resolv.conf" --log-level error
}

# same_as_dig TYPE NAME: in whatever order.
same_as_dig()
{
    resolve "$2" --type "$1" | sort >"$dir/ours" || fail "resolve $2 --type $1 failed"
    dig +short @127.0.0.1 -p "$server" "$2" "$1" | sort >"$dir/dig"
    [ -s "$dir/dig" ] || fail "dig found no $1 of $2"
    cmp -s "$dir/ours" "$dir/dig" ||
        fail "$1 of $2: $(tr '\n' ' ' <"$dir/ours"), dig: $(tr '\n' ' ' <"$dir/dig")"
}

for type in A AAAA MX TXT NS; do
    same_as_dig $type a.test
done
same_as_dig SRV _x._tcp.a.test
same_as_dig CNAME www.test
same_as_dig PTR 1.2.0.192.in-addr.arpa
same_as_dig TXT big.test # by TCP

# ---- in its own ways

[ "$(resolve 192.0.2.1)" = a.test. ] || fail "an address has its name"
[ "$(resolve www.test --type A)" = "$(printf '192.0.2.1\n192.0.2.2')" ] || fail "an alias is followed"
[ "$(resolve a.test)" = "$(printf '2001:db8::1\n192.0.2.1\n192.0.2.2')" ] ||
    fail "all addresses come in the order to try them"
echo "192.0.2.77 a.test" >"$dir/hosts"
[ "$(resolve a.test)" = 192.0.2.77 ] || fail "the hosts file comes first"
: >"$dir/hosts"
echo "search test" >"$dir/resolv.conf"
[ "$(resolve a --type AAAA)" = 2001:db8::1 ] || fail "a short name is searched for"
: >"$dir/resolv.conf"
[ "$(resolve localhost)" = "$(printf '::1\n127.0.0.1')" ] || fail "localhost is the loopback"

# ---- and when there is nothing

# fails_with CODE PATTERN ARGUMENTS...
fails_with()
{
    local code=0 want=$1 pattern=$2
    shift 2
    resolve "$@" >"$dir/out" 2>"$dir/err" || code=$?
    [ $code = "$want" ] || fail "resolve $*: exit code $code, expected $want: $(cat "$dir/err")"
    grep -q -- "$pattern" "$dir/err" || fail "resolve $*: said \"$(cat "$dir/err")\""
    [ ! -s "$dir/out" ] || fail "resolve $*: printed $(cat "$dir/out")"
}

fails_with 68 "no A record" nobody.test --type A
fails_with 68 "nobody.test" nobody.test
fails_with 68 "no SRV record" a.test --type SRV
fails_with 69 "fails.test" fails.test --type A
fails_with 64 "a label is empty" a..test
fails_with 78 "a type of records" a.test --type NONSENSE
fails_with 64 "SOA" a.test --type SOA

# ---- a client connects by name; .localhost needs no server

mkdir "$dir/www"
echo "by name" >"$dir/www/index.html"
run web python3 -u -m http.server --bind 127.0.0.1 --directory "$dir/www" 0
comes web.out "Serving HTTP"
port=$(sed -n 's/.* port \([0-9]*\) .*/\1/p' web.out)
[ "$("$weftd" get "http://www.localhost:$port/" --log-level error)" = "by name" ] ||
    fail "a page is got by name"
code=0
"$weftd" get http://nowhere.invalid/ --log-level error 2>"$dir/err" || code=$?
[ $code = 68 ] || fail "a name that does not exist: exit code $code: $(cat "$dir/err")"
