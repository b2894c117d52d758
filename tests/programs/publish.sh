#!/bin/bash
# 12_publish with 1,000 subscribers of whom one never reads: the others get everything, the topic's
# memory stays within its account, and the slow one is dealt with as the policy says.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
url="unix:$folder/publish.sock"

for policy in drop disconnect; do
    "$WEFT_BUILD/examples/12_publish" "$url?write_queue=64k" $policy 2>"$folder/log" &
    server=$!
    timeout 120 python3 tests/programs/publish.py "$folder/publish.sock" $policy || {
        cat "$folder/log"
        exit 1
    }
    kill -TERM $server
    wait $server
    if grep -E '"level":"(error|warning)"' "$folder/log"; then
        exit 1
    fi
done
