#!/bin/bash
# weftd told to stop in the middle of everything: by one signal, by two, and under load.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"

echo small >"$dir/small"
head -c 30000000 /dev/urandom >"$dir/big"
python3 "$here/stopping.py" "$weftd" "$dir"

# under load: every answer that comes is a whole one, and the end comes soon
serve web "$weftd" web --path "$dir" --port 0 --threads 2
h2load --h1 -t1 -c40 -m4 -D 3 "$url/small" >"$dir/load" &
load=$!
connected()
{
    [ "$(find "/proc/$last/fd" -mindepth 1 -lname 'socket:*' | wc -l)" -ge 41 ]
}
until_so "all are connected" connected
stop
wait $load || true
said=$(grep '^status codes' "$dir/load")
grep -q '^status codes: [1-9][0-9]* 2xx, 0 3xx, 0 4xx, 0 5xx' <<<"$said" || fail "under load: $said"
