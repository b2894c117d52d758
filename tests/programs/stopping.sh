#!/bin/bash
# weftd told to stop in the middle of everything: by one signal, by two, and under load.
set -euo pipefail

folder=$(mktemp -d)
server=
finish()
{
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

echo small >"$folder/small"
head -c 30000000 /dev/urandom >"$folder/big"
python3 "$(dirname "$0")/stopping.py" "$WEFT_BUILD/weftd" "$folder"

# under load: every answer that comes is a whole one, and the end comes soon
mkfifo "$folder/log"
"$WEFT_BUILD/weftd" web --path "$folder" --port 0 --threads 2 --log-format text 2>"$folder/log" &
server=$!
exec {log}<"$folder/log"
read -r -t 60 line <&"$log"
url=${line##*listening at }
h2load --h1 -t1 -c40 -m4 -D 3 "$url/small" >"$folder/load" &
load=$!
until [ "$(find "/proc/$server/fd" -mindepth 1 -lname 'socket:*' | wc -l)" -ge 41 ]; do
    read -r -t 0.05 <> <(:) || true
done
kill -TERM "$server"
wait "$server"
server=
exec {log}<&-
wait $load || true
said=$(grep '^status codes' "$folder/load")
grep -q '^status codes: [1-9][0-9]* 2xx, 0 3xx, 0 4xx, 0 5xx' <<<"$said" || {
    echo "under load: $said"
    exit 1
}
