#!/bin/bash
# Files over real sockets, asked for by curl: types, index, listing, validators, parts, codings, names that
# must not lead out, links, sizes, and files that change under way.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

# ---- the site

www=$dir/www
mkdir -p "$www/sub/empty" "$www/indexed" "$www/.git"
printf 'hello, world\n' >"$www/hello.txt"
printf '<p>indexed\n' >"$www/indexed/index.html"
printf 'secret\n' >"$www/.git/config"
printf 'outside\n' >"$dir/outside.txt"
seq 1 20000 >"$www/numbers.txt"
seq 1 500 >"$www/page.html"
printf 'a{}' >"$www/style.css"
head -c 1024 /dev/urandom >"$www/1k.bin"
head -c 102400 /dev/urandom >"$www/100k.bin"
head -c 10485760 /dev/urandom >"$www/10m.bin"
gzip -k "$www/style.css"
printf '(brotli)' >"$www/style.css.br"
ln -s hello.txt "$www/near.txt"
ln -s ../outside.txt "$www/out.txt"
ln -s /etc/passwd "$www/absolute.txt"
find "$www" -exec touch -h -d '2020-02-02 02:02:02 UTC' {} +

cat >"$dir/site.c" <<'END'
#include <stdio.h>
#include <weft/weft.h>

static weft_http_files_config plain, slow, quick, links;

static const weft_http_route routes[] = {
    {.route = "GET /plain/*", .use = &weft_http_files, .config = &plain},
    {.route = "GET /slow/*", .use = &weft_http_files, .config = &slow},
    {.route = "GET /quick/*", .use = &weft_http_files, .config = &quick},
    {.route = "GET /links/*", .use = &weft_http_files, .config = &links},
    {0},
};

int main(int argc, char **argv)
{
    weft_system *sys = weft_system_new(NULL);
    weft_listening at;
    weft_why why;
    plain.root = slow.root = quick.root = links.root = argv[argc - 1];
    plain.cache_control = "max-age=60";
    slow.cache_ms = 600000;
    quick.cache_ms = 1;
    links.follow_symlinks = links.hidden = links.no_listing = true;
    if (weft_listen_at(sys, "http://127.0.0.1:0", &weft_http_site, routes, &at, &why) != WEFT_OK) {
        fprintf(stderr, "%s\n", why.text);
        return 1;
    }
    fprintf(stderr, "listening at %s\n", at.url);
    return weft_run(&sys);
}
END
source=$here/../..
flags=$(sed -n 's/^CMAKE_C_FLAGS_DEBUG:[^=]*=//p' "$WEFT_BUILD/CMakeCache.txt")
# shellcheck disable=SC2086
cc $flags -I"$source/runtime/include" -I"$source/actors/include" -I"$source/proto/include" \
    -I"$source/protocols/include" "$dir/site.c" -o "$dir/site" -L"$WEFT_BUILD" -lweft \
    -Wl,-rpath,"$WEFT_BUILD"

serve site "$dir/site" "$www"
base=$url

get()
{
    curl -s --max-time 20 --path-as-is "$@"
}

# status CURL-ARGUMENT... URL
status()
{
    get -o /dev/null -w '%{http_code}' "$@"
}

# field NAME CURL-ARGUMENT... URL: the value of a field of the response
field()
{
    local name=$1
    shift
    get -o /dev/null -D - "$@" | tr -d '\r' | sed -n "s/^$name: //Ip"
}

# ---- types, index, listing

same "the type of text" "$(field content-type "$base/plain/hello.txt")" "text/plain; charset=utf-8"
same "the type of css" "$(field content-type "$base/plain/style.css")" "text/css; charset=utf-8"
same "the type of bytes" "$(field content-type "$base/plain/1k.bin")" "application/octet-stream"
same "cache-control" "$(field cache-control "$base/plain/1k.bin")" "max-age=60"
same "the date" "$(field last-modified "$base/plain/1k.bin")" "Sun, 02 Feb 2020 02:02:02 GMT"
same "head" "$(get -I -o /dev/null -w '%{http_code} %{size_download}' "$base/plain/10m.bin")" "200 0"
same "the index" "$(get "$base/plain/indexed/")" "<p>indexed"
same "a folder without its slash" "$(field location "$base/plain/indexed?a=b")" "/plain/indexed/?a=b"
same "a folder, followed" "$(get -L "$base/plain/indexed")" "<p>indexed"
get "$base/plain/" >"$dir/listing"
grep -q '<title>Index of /plain/</title>' "$dir/listing" || fail "the listing has no title"
grep -q 'href="sub/"' "$dir/listing" || fail "the listing has no folder"
grep -q 'href="100k.bin"' "$dir/listing" || fail "the listing has no file"
! grep -q -e '\.git' -e 'out\.txt' -e 'absolute' "$dir/listing" || fail "the listing tells too much"
same "no listing" "$(status "$base/links/sub/")" 404
same "what is not there" "$(status "$base/plain/none")" 404
same "post" "$(status -d x "$base/plain/hello.txt")" 405

# ---- validators

tag=$(field etag "$base/plain/hello.txt")
same "an equal tag" "$(status -H "If-None-Match: $tag" "$base/plain/hello.txt")" 304
same "another tag" "$(status -H 'If-None-Match: "x"' "$base/plain/hello.txt")" 200
same "not modified since" \
    "$(status -H 'If-Modified-Since: Sun, 02 Feb 2020 02:02:02 GMT' "$base/plain/hello.txt")" 304
same "modified since" \
    "$(status -H 'If-Modified-Since: Sun, 02 Feb 2020 02:02:01 GMT' "$base/plain/hello.txt")" 200
same "a failed precondition" "$(status -H 'If-Match: "x"' "$base/plain/hello.txt")" 412
curl -s -z "$www/hello.txt" -o "$dir/newer" -w '%{http_code}\n' "$base/plain/hello.txt" >"$dir/code"
same "curl -z" "$(cat "$dir/code")" 304

# ---- parts

same "a part" "$(get -r 7-11 "$base/plain/hello.txt")" "world"
same "a part's range" "$(field content-range -r 7-11 "$base/plain/hello.txt")" "bytes 7-11/13"
get -r 5000000-9999999 "$base/plain/10m.bin" |
    cmp - <(tail -c +5000001 "$www/10m.bin" | head -c 5000000) || fail "a large part differs"
same "parts" "$(get -r 0-4,7-11 "$base/plain/hello.txt" | grep -a -c -e hello -e world)" 2
same "parts' status" "$(status -r 0-9,102390- "$base/plain/100k.bin")" 206
same "beyond the end" "$(status -r 13- "$base/plain/hello.txt")" 416
same "beyond the end, told" "$(field content-range -r 13- "$base/plain/hello.txt")" "bytes */13"
head -c 4000000 "$www/10m.bin" >"$dir/resumed"
get -C - -o "$dir/resumed" "$base/plain/10m.bin"
cmp "$dir/resumed" "$www/10m.bin" || fail "a resumed download differs"

# ---- codings

same "a packed file" "$(field content-encoding -H 'Accept-Encoding: gzip' "$base/plain/style.css")" gzip
same "a packed file, unpacked" "$(get --compressed -H 'Accept-Encoding: gzip' "$base/plain/style.css")" "a{}"
same "brotli" "$(get -H 'Accept-Encoding: gzip, br' "$base/plain/style.css")" "(brotli)"
same "vary" "$(field vary "$base/plain/style.css")" "Accept-Encoding"
same "brotli on the fly" "$(field content-encoding -H 'Accept-Encoding: gzip, br' "$base/plain/numbers.txt")" br
get --compressed "$base/plain/numbers.txt" | cmp - "$www/numbers.txt" || fail "unpacked by curl it is another"
get -H 'Accept-Encoding: gzip' "$base/plain/numbers.txt" | gunzip | cmp - "$www/numbers.txt" ||
    fail "what is packed on the fly differs"
same "bytes stay as they are" "$(field content-encoding --compressed "$base/plain/100k.bin")" ""

# ---- names and links

for name in ../outside.txt %2e%2e/outside.txt .%2e/outside.txt sub/../../outside.txt ..%2foutside.txt \
    sub/%2e%2e/%2e%2e/outside.txt /../outside.txt ..%5coutside.txt %252e%252e/outside.txt \
    ..%00/outside.txt out.txt absolute.txt .git/config %2egit/config; do
    code=$(status "$base/plain/$name")
    [[ $code == 400 || $code == 404 ]] || fail "$name is answered with $code"
done
same "a link within" "$(get "$base/plain/near.txt")" "hello, world"
same "a link out, allowed" "$(get "$base/links/out.txt")" "outside"
same "a hidden file, allowed" "$(get "$base/links/.git/config")" "secret"
same "a path within" "$(get "$base/plain/sub/%2e%2e/hello.txt")" "hello, world"

# ---- sizes

for file in 1k.bin 100k.bin 10m.bin; do
    for _ in 1 2 3; do
        get "$base/plain/$file" | cmp - "$www/$file" || fail "$file differs"
    done
done
get --parallel --parallel-max 8 -o "$dir/copy-#1" "$base/plain/10m.bin?[1-8]" 2>/dev/null
for i in 1 2 3 4 5 6 7 8; do
    cmp "$dir/copy-$i" "$www/10m.bin" || fail "copy $i of eight at once differs"
done

# ---- files that change

cp "$www/100k.bin" "$www/gone.bin"
cp "$www/100k.bin" "$www/going.bin"
same "a new file" "$(status "$base/slow/gone.bin")$(status "$base/quick/going.bin")" 200200
rm "$www/gone.bin" "$www/going.bin"
same "a deleted file within its time" "$(status "$base/slow/gone.bin")" 200
for ((i = 0; i < 100; i++)); do
    code=$(status "$base/quick/going.bin")
    [ "$code" = 200 ] || break
done
same "a deleted file beyond its time" "$code" 404

# more than the kernel takes for a client that reads slowly
truncate -s 100M "$www/shrinking.bin"
get --limit-rate 4M -o "$dir/shrunk" "$base/slow/shrinking.bin" &
client=$!
until_so "something has come" test -s "$dir/shrunk"
truncate -s 1000 "$www/shrinking.bin"
code=0
wait $client || code=$?
# a body that is too short, or a reset: never taken for the whole
[[ $code == 18 || $code == 56 ]] || fail "a file that shrinks under way: curl ends with $code"
same "the server goes on" "$(get "$base/plain/hello.txt")" "hello, world"

# ---- the end

stop
! grep -q -e ERROR: -e 'runtime error' site.log || fail "a sanitizer complains"

# ---- the same by the daemon, if it serves files in this build

if [ -x "$weftd" ] && "$weftd" list | grep -q '^ *web '; then
    serve web "$weftd" web --path "$www" --listen http://127.0.0.1:0
    base=$url
    same "weftd web, a file" "$(get "$base/hello.txt")" "hello, world"
    same "weftd web, out of the root" "$(status "$base/%2e%2e/outside.txt")" 400
    get "$base/10m.bin" | cmp - "$www/10m.bin" || fail "weftd web: 10m.bin differs"
fi
