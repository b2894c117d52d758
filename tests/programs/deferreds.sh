#!/bin/bash
# The table of what Deferreds do, as it is here and as it is in Twisted (Debian's python3-twisted): the same.
set -euo pipefail

# the interpreter that comes first need not be Debian's, whose packages only that one finds
python=
for one in python3 /usr/bin/python3; do
    if "$one" -c 'import twisted.internet.defer' 2>/dev/null; then
        python=$one
        break
    fi
done
[ -n "$python" ] || {
    echo "python3-twisted is not installed"
    exit 77
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$WEFT_BUILD/tests/weft_deferreds" >"$folder/weft"
"$python" tests/programs/deferreds.py >"$folder/twisted"
rows=$(wc -l <"$folder/weft")
[ "$rows" -gt 60 ] || {
    echo "only $rows rows"
    exit 1
}
diff -u --label twisted --label weft "$folder/twisted" "$folder/weft"
