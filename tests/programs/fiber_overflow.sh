#!/bin/bash
# A fiber that overflows its stack is named before the process ends; whoever handled faults before weft
# still does.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ulimit -c 0
# without the sanitizer's own report, so that the default action can be seen
export ASAN_OPTIONS=handle_segv=0

# ends WHAT EXIT_CODE: runs weft_fibers WHAT, which must end with that.
ends()
{
    local status=0
    "$WEFT_BUILD/tests/weft_fibers" "$1" 2>"$dir/err" || status=$?
    [ "$status" = "$2" ] || {
        echo "fiber_overflow: weft_fibers $1 ended with $status, expected $2" >&2
        cat "$dir/err" >&2
        exit 1
    }
}

said()
{
    grep -q "$1" "$dir/err" || {
        echo "fiber_overflow: nothing says \"$1\":" >&2
        cat "$dir/err" >&2
        exit 1
    }
}

named='^weft: stack overflow in a fiber of actor diver, row test.deep: it has [0-9]* bytes$'

ends overflow 139
said "$named"
ends own 3
said "$named"
said "^the program's own handler$"
ends fault 3
said "^the program's own handler$"
if grep -q "stack overflow" "$dir/err"; then
    echo "fiber_overflow: a fault that is none was called an overflow" >&2
    exit 1
fi
