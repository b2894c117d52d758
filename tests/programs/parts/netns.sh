# shellcheck shell=bash
# For scripts that want a network of their own, with nftables: runs the script again, in a network namespace.

skip()
{
    echo "$*"
    exit 77
}

if [ "${1:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || skip "only root makes network namespaces"
    command -v nft >/dev/null || skip "nft is not installed (Debian: nftables)"
    unshare -n true 2>/dev/null || skip "network namespaces cannot be made here"
    unshare -n nft add table inet weft 2>/dev/null || skip "nftables cannot be used in a namespace here"
    exec unshare -n "$0" inside
fi
