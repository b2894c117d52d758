# shellcheck shell=bash disable=SC2154 # folder and weftd are the script's
# For scripts that run nodes, and set folder and weftd: what they wait for, and ask.

fail()
{
    echo "$(basename "$0" .sh): $*" >&2
    cat "$folder"/*.log >&2
    exit 1
}

# until_says WORDS COMMAND...: as long as it takes, for a minute.
until_says()
{
    local words=$1
    shift
    for _ in $(seq 600); do
        said=$("$@" 2>&1) || true
        case "$said" in
        *$words*) return ;;
        esac
        read -r -t 0.1 <> <(:) || true
    done
    fail "\"$*\" said \"$said\", expected \"$words\""
}

# of NAME VERB...: what its console says.
of()
{
    local name=$1
    shift
    timeout 60 "$weftd" "$@" --to "unix:$folder/$name.admin"
}
