#!/bin/busybox sh
# Runs as init in the kernel that run.sh boots: `weftd web` over TLS with and without the kernel's help, asked by
# curl and openssl s_client. What it prints last says whether all was as it should be.
/bin/busybox --install -s /bin 2>/dev/null
export PATH=/bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs -o size=900m tmp /tmp
ip link set lo up
echo 0 >/proc/sys/kernel/printk
# no module comes by itself: whether it is there is part of what is tried
echo /bin/false >/proc/sys/kernel/modprobe
cd /tmp || exit 1

faults=0
fault()
{
    faults=$((faults + 1))
    echo "FAILED: $*"
}

counted() # NAME: a number of the kernel's; 0 where it has none
{
    n=$(awk -v name="$1" '$1 == name { print $2 }' /proc/net/tls_stat 2>/dev/null)
    echo "${n:-0}"
}

pause()
{
    usleep 20000
}

# serve PORT OPTIONS...: its process in $server
serve()
{
    port=$1
    url="https://127.0.0.1:$port?cert=/cert.pem&key=/key.pem$2"
    weftd web --path /tmp/files --listen "$url" >"/tmp/log.$port" 2>&1 &
    server=$!
    tries=0
    while ! curl -s -o /dev/null --cacert /cert.pem "https://127.0.0.1:$port/1" 2>/dev/null; do
        tries=$((tries + 1))
        if [ $tries = 500 ] || ! kill -0 $server 2>/dev/null; then
            fault "no server with $2: $(cat /tmp/log.$port)"
            return 1
        fi
        pause
    done
}

# stop: and it ends in order
stop()
{
    kill -TERM "$server"
    wait "$server"
    code=$?
    [ $code = 0 ] || fault "the server ended with $code: $(cat /tmp/log.*)"
}

fetch() # NAME CURL-OPTIONS...: compared with the file
{
    name=$1
    shift
    curl -s -f --http1.1 --cacert /cert.pem -o /tmp/got "$@" "https://127.0.0.1:$port/$name"
    code=$?
    [ $code = 0 ] || fault "curl of $name by $port ended with $code"
    cmp -s /tmp/got "/tmp/files/$name" || fault "$name by $port is not what it was ($*)"
    rm -f /tmp/got
}

spent() # nanoseconds that the server's threads have run
{
    cat /proc/"$server"/task/*/schedstat | awk '{ ns += $1 } END { printf "%.0f", ns }'
}

# ---- files

mkdir /tmp/files
sizes="0 1 16383 16384 16385 262143 262144 10485760"
for size in $sizes 104857600; do
    head -c "$size" /dev/urandom >"/tmp/files/$size"
done
echo "kernel: $(uname -r)"

# ---- a kernel without it

if weftd web --path /tmp/files --listen "https://127.0.0.1:7000?cert=/cert.pem&key=/key.pem&ktls=on" \
    >/tmp/refused 2>&1; then
    fault "ktls=on was taken by a kernel without"
fi
grep -q 'seals no records' /tmp/refused || fault "no clear refusal: $(cat /tmp/refused)"
echo "refused: $(tail -n 1 /tmp/refused)"
serve 7001 "" && {
    for size in 0 16385 262144 10485760; do
        fetch "$size"
    done
    stop
    echo "without the module: auto serves as ever"
}

# ---- the module, and ciphers in whatever order they need each other

insmod /modules/tls.module || fault "no module"
for pass in 1 2 3 4 5; do
    for module in /modules/*.ko; do
        insmod "$module" 2>/dev/null
    done
done
echo "tls: $(counted TlsTxSw) connections so far; gcm by $(awk '$1 == "driver" && $3 ~ /gcm/ { print $3 }' \
    /proc/crypto | tr '\n' ' ')"

# ---- many on one connection, parts, a slow reader, one that leaves, with limits around the leaf

serve 7200 "&ktls=on&idle=60s&write_rate=900M" && {
    before=$(counted TlsTxSw)
    curl -s -f --http1.1 --cacert /cert.pem --parallel-max 1 \
        "https://127.0.0.1:7200/1" "https://127.0.0.1:7200/10485760" "https://127.0.0.1:7200/0" \
        "https://127.0.0.1:7200/262144" "https://127.0.0.1:7200/16385" >/tmp/got ||
        fault "five files on one connection: $?"
    (cd files && cat 1 10485760 0 262144 16385) | cmp -s - /tmp/got || fault "five files are not what they were"
    [ $(($(counted TlsTxSw) - before)) = 1 ] || fault "they did not share a connection"
    curl -s -f --http1.1 --cacert /cert.pem -r 1000000-8999999 -o /tmp/got \
        "https://127.0.0.1:7200/10485760" || fault "a part: $?"
    tail -c +1000001 files/10485760 | head -c 8000000 | cmp -s - /tmp/got || fault "a part is not what it was"
    fetch 10485760 --limit-rate 3M
    curl -s --http1.1 --cacert /cert.pem --limit-rate 1M --max-time 2 -o /dev/null \
        "https://127.0.0.1:7200/104857600" && fault "it was to leave early"
    fetch 262144
    stop
    echo "one connection for five files, a part, a slow reader, one that left: done"
}

# ---- what the peer is told at the end, and new keys

# say WHAT...: a line each, to s_client, which gets time to hear the answer before the next
say()
{
    for line in "$@"; do
        printf '%s\n' "$line"
        sleep 1
    done
}

request='GET /1 HTTP/1.1
Host: localhost
'
serve 7300 "&ktls=on" && {
    before=$(counted TlsTxSw)
    say 'GET /16385 HTTP/1.0
' | openssl s_client -connect 127.0.0.1:7300 -CAfile /cert.pem -crlf -ign_eof -msg >/tmp/s_client 2>&1
    grep -q 'Alert \[length 0002\], warning close_notify' /tmp/s_client || fault "no close_notify"
    grep -q '<<< TLS 1.3, Alert' /tmp/s_client || fault "no alert of the server's"
    say "$request" k "$request" | openssl s_client -connect 127.0.0.1:7300 -CAfile /cert.pem -crlf \
        -msg >/tmp/s_client 2>&1
    [ "$(grep -ac '^HTTP/1.1 200' /tmp/s_client)" = 2 ] || fault "no answers around a peer's new keys"
    say "$request" K "$request" | openssl s_client -connect 127.0.0.1:7300 -CAfile /cert.pem -crlf \
        -msg >/tmp/s_client 2>&1
    grep -q 'fatal internal_error' /tmp/s_client || fault "new keys that were asked for: no alert"
    [ "$(grep -ac '^HTTP/1.1 200' /tmp/s_client)" = 1 ] || fault "data behind new keys that were asked for"
    [ $(($(counted TlsTxSw) - before)) = 3 ] || fault "s_client: not the kernel's"
    stop
    echo "close_notify, new keys of the peer, new keys that it asked for: done"
}

# ---- every size by every cipher, from the first byte, and by auto

for option in on auto off; do
    serve 7100 "&ktls=$option" || continue
    for suite in TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256; do
        [ $option != off ] || [ $suite = TLS_AES_128_GCM_SHA256 ] || continue
        before=$(counted TlsTxSw)
        for size in $sizes; do
            fetch "$size" --tls13-ciphers $suite
        done
        taken=$(($(counted TlsTxSw) - before))
        echo "ktls=$option $suite: the kernel sealed $taken of 8 connections"
        case $option in
        on) wanted=8 ;;
        auto) wanted=2 ;; # the files of 256 KiB and more
        off) wanted=0 ;;
        esac
        [ $taken = $wanted ] || fault "expected $wanted"
    done
    before=$(counted TlsTxSw)
    fetch 10485760 --tls-max 1.2
    [ "$(counted TlsTxSw)" = "$before" ] || fault "TLS 1.2 was the kernel's"
    stop
    : >/tmp/log.7100
done

[ "$(counted TlsCurrTxSw)" = 0 ] || fault "$(counted TlsCurrTxSw) connections are still the kernel's"
[ "$(counted TlsDecryptError)" = 0 ] || fault "errors of the kernel: $(cat /proc/net/tls_stat)"
echo "tls: $(counted TlsTxSw) connections in all"

# ---- 100 MiB, and what 10 MiB cost the server, by the guest's clock, which counts instructions

serve 7400 "&ktls=on" && {
    fetch 104857600
    stop
    echo "100 MiB: done"
}

for suite in TLS_AES_128_GCM_SHA256 TLS_CHACHA20_POLY1305_SHA256; do
    for option in off on; do
        serve 7500 "&ktls=$option" || continue
        fetch 10485760 --tls13-ciphers $suite
        before=$(spent)
        fetch 10485760 --tls13-ciphers $suite
        awk -v option=$option -v suite=$suite -v ns=$(($(spent) - before)) 'BEGIN {
            printf "cost: ktls=%s %s: %.3f ms a MiB\n", option, suite, ns / 10e6 }'
        stop
    done
done

if [ $faults = 0 ]; then
    echo "ktls: all was as it should be"
else
    echo "ktls: $faults failures"
fi
poweroff -f
