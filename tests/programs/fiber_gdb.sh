#!/bin/bash
# A debugger shows a fiber's frames down to its first one, and nothing behind that.
set -euo pipefail

if ! command -v gdb >/dev/null; then
    echo "gdb is not installed"
    exit 77
fi
export ASAN_OPTIONS=detect_leaks=0
trace=$(gdb -batch -nx -ex 'set debuginfod enabled off' -ex 'set breakpoint pending on' \
    -ex 'break look_here' -ex run -ex bt -ex kill --args "$WEFT_BUILD/tests/weft_fibers" wait 2>&1)
if grep -q "ptrace: Operation not permitted" <<<"$trace"; then
    echo "gdb may not trace here"
    exit 77
fi

# The frames, outermost last: function names alone.
frames=$(grep -E '^#[0-9]+ ' <<<"$trace" | sed -E 's/^#[0-9]+ +(0x[0-9a-f]+ in )?([^ ]+).*/\2/')
expected=$'look_here\non_wait\nrun\nfiber_begins'
if [ "$frames" != "$expected" ] || grep -q "Backtrace stopped" <<<"$trace"; then
    printf 'fiber_gdb: expected the frames\n%s\ngot\n%s\n' "$expected" "$trace" >&2
    exit 1
fi
