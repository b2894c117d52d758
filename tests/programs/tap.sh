#!/bin/bash
# A tap of packets, opened by Wireshark's command line: both ways of a connection, whole, with its times and
# nothing to complain of, over TCP and over a UNIX socket.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs curl tshark

# shark FILE ARGUMENTS...
shark()
{
    local file=$1
    shift
    HOME=$dir tshark -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -r "$file" "$@" 2>"$dir/tshark" ||
        fail "tshark $*: $(cat "$dir/tshark")"
}

# check FILE: of one request of /data, which was answered with the file.
check()
{
    local streams
    [ -z "$(shark "$1" -Y 'tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0')" ] ||
        fail "$1: $(shark "$1" -Y tcp.analysis.flags)"
    streams=$(shark "$1" -T fields -e tcp.stream | sort -u | wc -l)
    [ "$streams" = 1 ] || fail "$1: $streams streams"
    [ "$(shark "$1" -d tcp.port==1-65535,http -Y http.request -T fields -e http.request.uri)" = /data ] ||
        fail "$1: no request in it"
    [ "$(shark "$1" -d tcp.port==1-65535,http -Y 'http.response' -T fields -e http.response.code)" = 200 ] ||
        fail "$1: no response in it"
    HOME=$dir tshark -r "$1" -d tcp.port==1-65535,http --export-objects "http,$dir/objects" >/dev/null 2>&1
    cmp "$dir/objects/data" "$dir/www/data" || fail "$1: the body is not whole"
    rm -rf "$dir/objects"
    # the times are those of now
    [ "$(shark "$1" -c 1 -T fields -e frame.time_epoch | cut -d. -f1)" -ge "$began" ] || fail "$1: its times"
}

mkdir "$dir/www"
head -c 3000000 /dev/urandom >"$dir/www/data"
began=$(date +%s)

serve web "$weftd" web --path "$dir/www" --listen "http://127.0.0.1:0?tap=$dir/tcp.pcap&tap_format=pcap"
curl -sS -o "$dir/got" --interface 127.0.0.3 "$url/data"
cmp "$dir/got" "$dir/www/data" || fail "the file is not what was served"
stop
check "$dir/tcp.pcap"
[ "$(shark "$dir/tcp.pcap" -c 1 -T fields -e ip.src)" = 127.0.0.3 ] || fail "the client's address"

serve forward "$weftd" forward "unix:$dir/sock?tap=$dir/unix.pcap&tap_format=pcap" tcp://127.0.0.1:9
stop
[ "$(stat -c %s "$dir/unix.pcap")" = 24 ] || fail "a tap of nothing"

# a forward sees what goes through it, with TLS or without
serve web "$weftd" web --path "$dir/www" --listen 'http://127.0.0.1:0'
web=$last
rm "$dir/unix.pcap"
serve forward "$weftd" forward "unix:$dir/sock?tap=$dir/unix.pcap&tap_format=pcap" "tcp://$at"
curl -sS -o "$dir/got" --unix-socket "$dir/sock" http://h/data
cmp "$dir/got" "$dir/www/data" || fail "the file is not what was forwarded"
stop
away "$web"
check "$dir/unix.pcap"
