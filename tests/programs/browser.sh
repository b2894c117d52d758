#!/bin/bash
# A browser opens the listing of `weftd web`: what it makes of the page is compared, links are followed as it
# has resolved them, and a name that is markup stays a name. BROWSER_SHOT=FILE.png keeps a picture.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs chromium

# ---- the site

www=$dir/www
mkdir -p "$www/sub dir" "$www/.hidden"
printf 'hello, world\n' >"$www/hello.txt"
printf 'odd\n' >"$www/a#b?c%41 \"q\".txt"
printf 'umlauts\n' >"$www/ä ö.txt"
printf '<p>not run' >"$www/<script>document.title='run'<script>.html"
head -c 123456 /dev/zero >"$www/zeros.bin"
printf 'inside\n' >"$www/sub dir/inside.txt"
find "$www" -exec touch -d '2020-02-02 02:02:02 UTC' {} +

serve web "$weftd" web --path "$www" --port 0

# open PATH ARGUMENT...: the page as the browser has it after loading
open()
{
    local path=$1
    shift
    rm -rf "$dir/profile"
    HOME=$dir timeout 120 chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
        --disable-background-networking --disable-component-update --disable-sync \
        --disable-dev-shm-usage --user-data-dir="$dir/profile" "$@" "$url$path" 2>"$dir/said" || {
        tail -n 5 "$dir/said" >&2
        fail "the browser ends with $?"
    }
}

# rows: link, name, time and size of each row of a listing
rows()
{
    sed -n 's|^<tr><td><a [^>]*href="\([^"]*\)"[^>]*>\([^<]*\)</a></td><td>\(<time[^>]*>\)\?\([^<]*\)\(</time>\)\?</td><td>\(<data[^>]*>\)\?\([^<]*\)\(</data>\)\?</td></tr>$|\1 \2 [\4] [\7]|p'
}

# ---- the listing

open / --dump-dom >"$dir/dom"
grep -q '^<title>Index of /</title>$' "$dir/dom" || fail "the title is another"
grep -q '^<h1>Index of /</h1>$' "$dir/dom" || fail "the heading is another"
grep -q '5 files, <data value="123491">121 KiB</data></footer>' "$dir/dom" ||
    fail "the sums are others: $(grep footer "$dir/dom" | tail -n 1)"
rows <"$dir/dom" >"$dir/rows"
cat >"$dir/wanted" <<'END'
sub%20dir/ sub dir/ [2020-02-02 02:02] []
%3Cscript%3Edocument.title%3D%27run%27%3Cscript%3E.html &lt;script&gt;document.title='run'&lt;script&gt;.html [2020-02-02 02:02] [10 B]
a%23b%3Fc%2541%20%22q%22.txt a#b?c%41 "q".txt [2020-02-02 02:02] [4 B]
hello.txt hello.txt [2020-02-02 02:02] [13 B]
zeros.bin zeros.bin [2020-02-02 02:02] [121 KiB]
%C3%A4%20%C3%B6.txt ä ö.txt [2020-02-02 02:02] [8 B]
END
diff "$dir/wanted" "$dir/rows" || fail "the rows are others"
grep -q 'color-scheme' "$dir/dom" || fail "the style was taken away"

# ---- links, as the browser resolves them

while read -r link text; do
    open "/$link" --dump-dom >"$dir/page"
    grep -qF "$text" "$dir/page" || fail "behind $link is no \"$text\": $(cat "$dir/page")"
done <<'END'
hello.txt hello, world
a%23b%3Fc%2541%20%22q%22.txt odd
%C3%A4%20%C3%B6.txt umlauts
END
open "/sub%20dir/" --dump-dom >"$dir/dom"
rows <"$dir/dom" >"$dir/rows"
diff - "$dir/rows" <<'END' || fail "the rows of the folder within are others"
../ ../ [] []
inside.txt inside.txt [2020-02-02 02:02] [7 B]
END
open /missing --dump-dom >"$dir/dom"
grep -q '^<h1>404 Not Found</h1>$' "$dir/dom" || fail "a missing page is another: $(cat "$dir/dom")"

[ -z "${BROWSER_SHOT:-}" ] || open / --window-size=900,500 --screenshot="$BROWSER_SHOT"

stop
