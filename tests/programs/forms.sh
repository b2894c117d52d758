#!/bin/bash
# Forms and sessions as curl sends and keeps them: the album of examples/32_album.c.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

serve album "$WEFT_BUILD/examples/32_album" http://127.0.0.1:0 "$dir/photos"

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
expect 403 -o /dev/null -w '%{http_code}' "$url/"
expect 403 -o /dev/null -w '%{http_code}' -F "photo=@$dir/photo.jpg" "$url/photos"
[ "$(photos)" = 0 ] || fail "a photo of nobody was kept"

# an urlencoded form begins a session, whose cookie goes back
expect 303 -o /dev/null -w '%{http_code}' -c "$dir/jar" -d 'name=ann+b' "$url/login"
grep -q '^#HttpOnly_127\.0\.0\.1' "$dir/jar" || fail "the cookie is not HttpOnly"
expect 'hello, ann b' -b "$dir/jar" "$url/"
expect 403 -o /dev/null -w '%{http_code}' -b 'session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' "$url/"

# so does a multipart one, and the session before is over
cp "$dir/jar" "$dir/before"
expect 303 -o /dev/null -w '%{http_code}' -b "$dir/jar" -c "$dir/jar" -F name=bob "$url/login"
expect 403 -o /dev/null -w '%{http_code}' -b "$dir/before" "$url/"
expect 'hello, bob' -b "$dir/jar" "$url/"

# a photo comes byte for byte, also in chunks and slowly
expect '5000000 bytes of photo.jpg' -b "$dir/jar" -F "photo=@$dir/photo.jpg" -F title=sea "$url/photos"
cmp "$dir/photo.jpg" "$(find "$dir/photos" -type f)" || fail "the photo changed on its way"
expect '5000000 bytes of a "b".jpg' -b "$dir/jar" -H 'Transfer-Encoding: chunked' -H Expect: \
    -F "photo=@$dir/photo.jpg;filename=a \"b\".jpg" "$url/photos"
[ "$(photos)" = 2 ] || fail "$(photos) photos, expected 2"

# one that is too large, cut off, or no photo leaves nothing
expect 413 -o /dev/null -w '%{http_code}' -b "$dir/jar" -F "photo=@$dir/large.jpg" "$url/photos"
expect 400 -o /dev/null -w '%{http_code}' -b "$dir/jar" -F photo=text "$url/photos"
expect 415 -o /dev/null -w '%{http_code}' -b "$dir/jar" --json '{}' "$url/photos"
curl -sS --max-time 1 --limit-rate 100k -b "$dir/jar" -F "photo=@$dir/photo.jpg" "$url/photos" \
    -o /dev/null 2>"$dir/cut" && fail "a cut upload was answered"
expect 'hello, bob' -b "$dir/jar" "$url/"
two()
{
    [ "$(photos)" = 2 ]
}
until_so "there are two photos" two
