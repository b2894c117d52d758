#!/bin/bash
# The files of docs/deploy/ as they stand: certificates, units and what they run, with a list and with three servers of
# etcd, pods that find each other by DNS, their probes and their end. In a network with the machines' addresses; only
# folders are others, and who listens everywhere does so at its own address.
set -euo pipefail

if [ "${1:-}" != inside ]; then
    [ "$(id -u)" = 0 ] || { echo "only root makes network namespaces"; exit 77; }
    unshare -nm true 2>/dev/null || { echo "namespaces cannot be made here"; exit 77; }
    exec unshare -nm "$0" inside
fi

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs etcd ip openssl
needs_module yaml
deploy=$(cd "$here/../../docs/deploy" && pwd)
files="$python -B $here/deploy.py"

ip link set lo up
for one in 10.0.0.1 10.0.0.2 10.0.0.3 10.1.0.1 10.1.0.2 10.1.0.3; do
    ip address add "$one/32" dev lo
done
echo "nameserver 127.0.0.1" >resolv.conf
mount --bind resolv.conf /etc/resolv.conf

# ---- certificates: an authority that is made once, and what each may be

mkdir certificates
# one server of etcd comes to another from an address of its certificate's: here that is the other's
machines="IP:10.0.0.1 IP:10.0.0.2 IP:10.0.0.3"
for one in edge-1 edge-2 weft-0 weft-1 weft-2 "m1 $machines" "m2 $machines" "m3 $machines"; do
    # shellcheck disable=SC2086 # its words are words
    (cd certificates && "$deploy/certificate.sh" $one) >>certificates.log 2>&1 || fail "no certificate of $one"
done
openssl verify -CAfile certificates/ca.pem certificates/edge-1.pem certificates/m3.pem >verified.log
openssl x509 -in certificates/m1.pem -noout -ext subjectAltName,basicConstraints >m1.log
grep -q "DNS:m1, IP Address:10.0.0.1," m1.log || fail "m1 is not at its address"
grep -q "CA:FALSE" m1.log || fail "m1 is an authority"

# ---- systemd takes the unit, of which all is known to it

if command -v systemd-analyze >/dev/null; then
    sed "s,/usr/local/bin/weftd,$weftd," "$deploy/weft-node@.service" >weft-node@.service
    systemd-analyze verify "./weft-node@edge-1.service" >verify.log 2>&1 || fail "systemd does not take the unit"
    same "what systemd says of the unit" "$(grep weft-node verify.log || true)" ""
fi

# begin NAME ADDRESS WORDS...: runs that, with other folders, and listening at that address alone.
begin()
{
    local name=$1 address=$2 words=("${@:3}")
    mkdir -p "run/$name"
    words=("${words[@]//0.0.0.0/$address}")
    words=("${words[@]/\/etc\/weft\//$dir/certificates/}")
    words=("${words[@]/unix:\/run\/weft\/*admin/unix:$dir/run/$name/admin}")
    [ "${words[0]##*/}" = weftd ] || fail "$name runs ${words[0]}"
    run "$name" "$weftd" "${words[@]:1}"
    pid[$name]=$last
}
declare -A pid=()

# console NAME WORDS...
console()
{
    timeout 60 "$weftd" "${@:2}" --to "unix:$dir/run/$1/admin" 2>/dev/null
}
is()
{
    console "$1" cluster | grep -qE "^$2 +$3 "
}
sees()
{
    until_so "$1 sees $2 $3" is "$@"
}

# ---- two machines with a list

for n in 1 2; do
    sed -e "s/10\.0\.0\.2/10.0.0.$((3 - n))/; s/join edge-2/join edge-$((3 - n))/" "$deploy/edge-1.list.env" >"edge-$n.env"
    mapfile -t words < <($files unit "$deploy/weft-node@.service" "edge-$n" "edge-$n.env")
    begin "edge-$n" "10.0.0.$n" "${words[@]}"
done
sees edge-1 edge-2 up
sees edge-2 edge-1 up
stop "${pid[edge-1]}"
stop "${pid[edge-2]}"

# ---- the example of chapter 21, in a folder with certificates

(cd certificates && exec "$WEFT_BUILD/examples/40_machines" edge-1 --log-format text) >machine.out 2>machine.log &
machine=$!
running[$machine]=
comes machine.log "listens at nng+tls+tcp://0.0.0.0:7000"
said=$(cd certificates && timeout 60 "$WEFT_BUILD/examples/40_machines" edge-2 --amount 5 2>"$dir/edge.log")
same "what edge-2 says" "$said" "the total is 5"
stop $machine

# ---- with etcd, of which one server may be away

server()
{
    # shellcheck disable=SC2046 # assignments
    (
        unset "${!ETCD_@}"
        eval $(sed -e "/^ETCD_INITIAL_CLUSTER=/!s/10\.0\.0\.1/10.0.0.$1/; s/^ETCD_NAME=m1/ETCD_NAME=m$1/; s,/m1\.,/m$1.,
            s,/etc/\(etcd\|weft\)/,$dir/certificates/,; /^#/d; s/^/export /" "$deploy/etcd.default")
        exec etcd --data-dir "$dir/etcd-$1"
    )
}
for n in 1 2 3; do
    run "m$n" server $n
    pid[m$n]=$last
done
for n in 1 2; do
    sed -e "s/advertise nng+tls+tcp:..10\.0\.0\.1/advertise nng+tls+tcp:\/\/10.0.0.$n/" "$deploy/edge-1.etcd.env" >"edge-$n.env"
    mapfile -t words < <($files unit "$deploy/weft-node@.service" "edge-$n" "edge-$n.env")
    begin "edge-$n" "10.0.0.$n" "${words[@]}"
done
sees edge-1 edge-2 up
away "${pid[m1]}"
stop "${pid[edge-2]}"
until_so "edge-1 sees nobody else" bash -c "'$weftd' cluster --to 'unix:$dir/run/edge-1/admin' | grep -q ': 0 others'"
begin edge-2 10.0.0.2 "${words[@]}"
sees edge-1 edge-2 up
sees edge-2 edge-1 up
stop "${pid[edge-1]}"
stop "${pid[edge-2]}"
away "${pid[m2]}"
away "${pid[m3]}"

# ---- pods

$files consistent "$deploy/kubernetes.yaml" || fail "the manifests contradict each other"
run names "$python" -B "$here/deploy.py" names
comes names.out ready
for n in 0 1 2; do
    mapfile -t words < <($files pod "$deploy/kubernetes.yaml" "weft-$n" run)
    begin "weft-$n" "10.1.0.$((n + 1))" "${words[@]}"
done
for n in 1 2; do
    sees weft-0 "weft-$n" up
done
sees weft-1 weft-2 up

# probe NAME ADDRESS READINESSPROBE: what the probe runs in that pod.
probe()
{
    mapfile -t words < <($files pod "$deploy/kubernetes.yaml" "$1" "$3")
    words=("${words[@]//127.0.0.1/$2}")
    words=("${words[@]//\/etc\/weft\//$dir/certificates/}")
    POD_NAME=$1 PATH=$(dirname "$weftd"):$PATH "${words[@]}" >probe.log 2>&1
}
probe weft-1 10.1.0.2 readinessProbe || fail "weft-1 is not ready"
probe weft-1 10.1.0.2 livenessProbe || fail "weft-1 does not live"
probe weft-1 10.1.0.3 livenessProbe && fail "weft-2 lives as weft-1"
stop "${pid[weft-1]}"
sees weft-0 weft-1 down
probe weft-1 10.1.0.2 readinessProbe && fail "weft-1 is ready, and has ended"
stop "${pid[weft-2]}"

# ---- an application in place of a pod

(cd certificates && exec "$WEFT_BUILD/examples/40_machines" pod --name weft-2 --listen nng+tls+tcp://10.1.0.3:7000 \
    --admin "unix:$dir/run/weft-2/admin") >pod.out 2>pod.log &
pod=$!
running[$pod]=
until_so "weft-2 says that weft-0 is up" is weft-2 weft-0 up
stop $pod
stop "${pid[weft-0]}"
