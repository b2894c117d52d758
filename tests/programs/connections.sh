#!/bin/bash
# 10,000 connections opened, used while all are open, and closed, twice: the server then holds no descriptor
# of them, and the second took no memory that the first had not; it serves on, and ends with nothing leaked
# (its exit code says so under the sanitizers).
set -euo pipefail

count=10000
hard=$(ulimit -Hn)
if [ "$hard" != unlimited ] && [ "$hard" -lt $((count + 100)) ]; then
    echo "at most $hard descriptors for one process here"
    exit 77
fi
ulimit -n $((count + 100))

log=$(mktemp)
trap 'kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT
# what is freed is not kept for long by the sanitizer, so that the memory it takes is its own
ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1 \
    "$WEFT_BUILD/examples/01_echo" 'tcp://127.0.0.1:0?backlog=4096' 2>"$log" &
server=$!
until url=$(grep -o 'tcp://127\.0\.0\.1:[1-9][0-9]*' "$log"); do
    kill -0 $server
    sleep 0.05
done

# A reactor makes its ring when it first has much to send.
descriptors()
{
    find /proc/$server/fd -mindepth 1 ! -lname 'anon_inode:\[io_uring\]' | wc -l
}

# memory: what is resident, in KiB
memory()
{
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' /proc/$server/status
}

before=$(descriptors)
timeout 200 "$WEFT_BUILD/tests/weft_connections" "$url" $count
first=$(memory)
# twice, so that memory that is kept for the next ones is seen to be used by them
timeout 200 "$WEFT_BUILD/tests/weft_connections" "$url" $count
after=$(descriptors)
[ "$after" -le "$before" ] || {
    echo "$before descriptors before, $after after"
    exit 1
}
second=$(memory)
[ "$second" -le $((first + first / 10)) ] || {
    echo "$first KiB after the first $count, $second KiB after the second"
    exit 1
}
[ "$(echo still there | socat -t 10 - "TCP:${url#tcp://}")" = "still there" ]

kill -TERM $server
wait $server || {
    cat "$log"
    exit 1
}
