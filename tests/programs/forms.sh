#!/bin/bash
# Forms and sessions as curl sends and keeps them: the album of examples/32_album.c.
set -euo pipefail

dir=$(mktemp -d)
server=
finish()
{
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT

fail()
{
    echo "forms: $*" >&2
    cat "$dir/log" >&2
    exit 1
}

mkdir "$dir/photos"
mkfifo "$dir/said"
"$WEFT_BUILD/examples/32_album" http://127.0.0.1:0 "$dir/photos" 2> >(tee "$dir/log" >"$dir/said") &
server=$!
at=
while [ -z "$at" ]; do
    read -r -t 60 line || fail "it says nothing"
    at=$(grep -o 'http://127\.0\.0\.1:[0-9]*' <<<"$line" || true)
done <"$dir/said"

# expect WANTED ARGUMENTS...: what curl gets.
expect()
{
    local wanted=$1 got
    shift
    got=$(curl -sS --max-time 60 "$@") || fail "curl $*: exit $?"
    [ "$got" = "$wanted" ] || fail "curl $*: \"$got\", expected \"$wanted\""
}

photos()
{
    find "$dir/photos" -type f | wc -l
}

head -c 5000000 /dev/urandom >"$dir/photo.jpg"
head -c 9000000 /dev/urandom >"$dir/large.jpg"

# who is not known may not send, and nothing of what it sent stays
expect 403 -o /dev/null -w '%{http_code}' "$at/"
expect 403 -o /dev/null -w '%{http_code}' -F "photo=@$dir/photo.jpg" "$at/photos"
[ "$(photos)" = 0 ] || fail "a photo of nobody was kept"

# an urlencoded form begins a session, whose cookie goes back
expect 303 -o /dev/null -w '%{http_code}' -c "$dir/jar" -d 'name=ann+b' "$at/login"
grep -q '^#HttpOnly_127\.0\.0\.1' "$dir/jar" || fail "the cookie is not HttpOnly"
expect 'hello, ann b' -b "$dir/jar" "$at/"
expect 403 -o /dev/null -w '%{http_code}' -b 'session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' "$at/"

# so does a multipart one, and the session before is over
cp "$dir/jar" "$dir/before"
expect 303 -o /dev/null -w '%{http_code}' -b "$dir/jar" -c "$dir/jar" -F name=bob "$at/login"
expect 403 -o /dev/null -w '%{http_code}' -b "$dir/before" "$at/"
expect 'hello, bob' -b "$dir/jar" "$at/"

# a photo comes byte for byte, also in chunks and slowly
expect '5000000 bytes of photo.jpg' -b "$dir/jar" -F "photo=@$dir/photo.jpg" -F title=sea "$at/photos"
cmp "$dir/photo.jpg" "$(find "$dir/photos" -type f)" || fail "the photo changed on its way"
expect '5000000 bytes of a "b".jpg' -b "$dir/jar" -H 'Transfer-Encoding: chunked' -H Expect: \
    -F "photo=@$dir/photo.jpg;filename=a \"b\".jpg" "$at/photos"
[ "$(photos)" = 2 ] || fail "$(photos) photos, expected 2"

# one that is too large, cut off, or no photo leaves nothing
expect 413 -o /dev/null -w '%{http_code}' -b "$dir/jar" -F "photo=@$dir/large.jpg" "$at/photos"
expect 400 -o /dev/null -w '%{http_code}' -b "$dir/jar" -F photo=text "$at/photos"
expect 415 -o /dev/null -w '%{http_code}' -b "$dir/jar" --json '{}' "$at/photos"
curl -sS --max-time 1 --limit-rate 100k -b "$dir/jar" -F "photo=@$dir/photo.jpg" "$at/photos" \
    -o /dev/null 2>"$dir/cut" && fail "a cut upload was answered"
expect 'hello, bob' -b "$dir/jar" "$at/"
for _ in $(seq 100); do
    [ "$(photos)" = 2 ] && break
    read -r -t 0.1 _ <> <(:) || true
done
[ "$(photos)" = 2 ] || fail "$(photos) photos, expected 2"
