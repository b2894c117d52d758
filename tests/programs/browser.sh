#!/bin/bash
# A browser opens the listing of `weftd web`: what it makes of the page is compared, links are followed as it
# has resolved them, and a name that is markup stays a name. BROWSER_SHOT=FILE.png keeps a picture.
set -euo pipefail

command -v chromium >/dev/null || {
    echo "chromium is not installed"
    exit 77
}

folder=$(mktemp -d)
server=
finish()
{
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

fail()
{
    echo "browser: $*" >&2
    exit 1
}

# ---- the site

www=$folder/www
mkdir -p "$www/sub dir" "$www/.hidden"
printf 'hello, world\n' >"$www/hello.txt"
printf 'odd\n' >"$www/a#b?c%41 \"q\".txt"
printf 'umlauts\n' >"$www/ä ö.txt"
printf '<p>not run' >"$www/<script>document.title='run'<script>.html"
head -c 123456 /dev/zero >"$www/zeros.bin"
printf 'inside\n' >"$www/sub dir/inside.txt"
find "$www" -exec touch -d '2020-02-02 02:02:02 UTC' {} +

mkfifo "$folder/log"
"$WEFT_BUILD/weftd" web --path "$www" --port 0 --log-format text 2>"$folder/log" &
server=$!
exec {log}<"$folder/log"
read -r -t 60 line <&"$log" || fail "weftd says nothing"
url=${line##*listening at }

# open PATH ARGUMENT...: the page as the browser has it after loading
open()
{
    local path=$1
    shift
    rm -rf "$folder/profile"
    HOME=$folder timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --disable-dev-shm-usage --user-data-dir="$folder/profile" "$@" "$url$path" 2>"$folder/said" || {
        tail -n 5 "$folder/said" >&2
        fail "the browser ends with $?"
    }
}

# rows: link, name, time and size of each row of a listing
rows()
{
    sed -n 's|^<tr><td><a [^>]*href="\([^"]*\)"[^>]*>\([^<]*\)</a></td><td>\(<time[^>]*>\)\?\([^<]*\)\(</time>\)\?</td><td>\(<data[^>]*>\)\?\([^<]*\)\(</data>\)\?</td></tr>$|\1 \2 [\4] [\7]|p'
}

# ---- the listing

open / --dump-dom >"$folder/dom"
grep -q '^<title>Index of /</title>$' "$folder/dom" || fail "the title is another"
grep -q '^<h1>Index of /</h1>$' "$folder/dom" || fail "the heading is another"
grep -q '5 files, <data value="123491">121 KiB</data></footer>' "$folder/dom" ||
    fail "the sums are others: $(grep footer "$folder/dom" | tail -n 1)"
rows <"$folder/dom" >"$folder/rows"
cat >"$folder/wanted" <<'END'
sub%20dir/ sub dir/ [2020-02-02 02:02] []
%3Cscript%3Edocument.title%3D%27run%27%3Cscript%3E.html &lt;script&gt;document.title='run'&lt;script&gt;.html [2020-02-02 02:02] [10 B]
a%23b%3Fc%2541%20%22q%22.txt a#b?c%41 "q".txt [2020-02-02 02:02] [4 B]
hello.txt hello.txt [2020-02-02 02:02] [13 B]
zeros.bin zeros.bin [2020-02-02 02:02] [121 KiB]
%C3%A4%20%C3%B6.txt ä ö.txt [2020-02-02 02:02] [8 B]
END
diff "$folder/wanted" "$folder/rows" || fail "the rows are others"
grep -q 'color-scheme' "$folder/dom" || fail "the style was taken away"

# ---- links, as the browser resolves them

while read -r link text; do
    open "/$link" --dump-dom >"$folder/page"
    grep -qF "$text" "$folder/page" || fail "behind $link is no \"$text\": $(cat "$folder/page")"
done <<'END'
hello.txt hello, world
a%23b%3Fc%2541%20%22q%22.txt odd
%C3%A4%20%C3%B6.txt umlauts
END
open "/sub%20dir/" --dump-dom >"$folder/dom"
rows <"$folder/dom" >"$folder/rows"
diff - "$folder/rows" <<'END' || fail "the rows of the folder within are others"
../ ../ [] []
inside.txt inside.txt [2020-02-02 02:02] [7 B]
END
open /missing --dump-dom >"$folder/dom"
grep -q '^<h1>404 Not Found</h1>$' "$folder/dom" || fail "a missing page is another: $(cat "$folder/dom")"

[ -z "${BROWSER_SHOT:-}" ] || open / --window-size=900,500 --screenshot="$BROWSER_SHOT"

kill -TERM "$server"
wait "$server" || fail "weftd ended with exit code $?"
server=
