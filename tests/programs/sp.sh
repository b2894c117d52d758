#!/bin/bash
# SP sockets with real peers: every pattern with nngcat, in both directions, over TCP, IPC, TLS and WebSocket; nanomsg's
# nanocat for what nngcat has not (bus) and for the older library; NNG's own sockets as the server, and as the client.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
needs nngcat nanocat openssl

# ours NAME ARGUMENT...: weftd sp, which listens. dials NAME ARGUMENT...: the same, which dials.
sp=(sp --threads "${WEFT_TEST_THREADS:-2}" --log-format text --log-level debug)
ours()
{
    serve "$1" "$weftd" "${sp[@]}" "${@:2}"
}
dials()
{
    run "$1" "$weftd" "${sp[@]}" "${@:2}"
}

# theirs NAME PROGRAM ARGUMENT...
theirs()
{
    run "$1" stdbuf -oL "${@:2}"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 2>/dev/null
cat key.pem cert.pem >both.pem

# transport TRANSPORT NAME: $at, behind nng+KIND, to listen at; $options of nngcat.
transport()
{
    options=()
    case $1 in
    tcp) at="+tcp://127.0.0.1:0" ;;
    ipc) at="+ipc://$dir/$2.sp" ;;
    tls)
        at="+tls://127.0.0.1:0?cert=cert.pem&key=key.pem"
        options=(--cacert cert.pem)
        ;;
    ws) at="+ws://127.0.0.1:0/sp" ;;
    wss)
        at="+wss://127.0.0.1:0/sp?cert=cert.pem&key=key.pem"
        options=(--cacert cert.pem)
        ;;
    esac
}

# where TRANSPORT NAME: $there, the URL of nngcat for what weftd listens at.
where()
{
    case $1 in
    tcp) there=tcp://127.0.0.1:$port ;;
    ipc) there=ipc://$dir/$2.sp ;;
    tls) there=tls+tcp://localhost:$port ;;
    ws) there=ws://127.0.0.1:$port/sp ;;
    wss) there=wss://localhost:$port/sp ;;
    esac
}

for by in tcp ipc tls ws wss; do
    echo "weftd listens, nngcat dials: $by"

    transport $by rep
    ours rep --listen "nng+rep$at"
    rep=$last
    where $by rep
    nngcat --req --dial "$there" "${options[@]}" --data question --ascii --recv-timeout 10 >req.out
    grep -qx question req.out || fail "req over $by"
    away "$rep"

    transport $by pull
    ours pull --listen "nng+pull$at" --count 2
    pull=$last
    where $by pull
    nngcat --push --dial "$there" "${options[@]}" --data one --send-timeout 10
    nngcat --push --dial "$there" "${options[@]}" --data two --send-timeout 10
    ended "$pull" || fail "pull over $by"
    [ "$(cat pull.out)" = $'one\ntwo' ] || fail "pull over $by: $(cat pull.out)"

    transport $by push
    ours push --listen "nng+push$at" --data pushed
    push=$last
    where $by push
    theirs nng nngcat --pull --dial "$there" "${options[@]}" --ascii
    comes nng.out pushed
    away "$last"
    ended "$push" || fail "push over $by"

    transport $by pub
    ours pub --listen "nng+pub$at" --data published --pipes 2 --count 1000 --interval 20ms
    pub=$last
    where $by pub
    theirs nng nngcat --sub --subscribe publ --dial "$there" "${options[@]}" --ascii
    sub=$last
    theirs nng2 nngcat --sub --subscribe other --dial "$there" "${options[@]}" --ascii
    comes nng.out published
    [ ! -s nng2.out ] || fail "sub over $by: $(cat nng2.out)"
    away "$sub"
    away "$last"
    away "$pub"

    transport $by sub
    ours sub --listen "nng+sub$at" --topic good --count 1
    sub=$last
    where $by sub
    theirs nng nngcat --pub --dial "$there" "${options[@]}" --data bad --interval 1
    theirs nng2 nngcat --pub --dial "$there" "${options[@]}" --data good --interval 1
    ended "$sub" || fail "sub over $by"
    [ "$(cat sub.out)" = good ] || fail "sub over $by: $(cat sub.out)"

    transport $by surveyor
    ours surveyor --listen "nng+surveyor$at" --data who --pipes 2
    surveyor=$last
    where $by surveyor
    theirs nng nngcat --respondent --dial "$there" "${options[@]}" --data me --ascii
    respondent=$last
    theirs nng2 nngcat --respondent --dial "$there" "${options[@]}" --data me --ascii
    ended "$surveyor" || fail "surveyor over $by"
    [ "$(cat surveyor.out)" = $'me\nme' ] || fail "surveyor over $by: $(cat surveyor.out)"
    away "$respondent"
    away "$last"

    transport $by respondent
    ours respondent --listen "nng+respondent$at" --data here
    respondent=$last
    where $by respondent
    theirs nng nngcat --surveyor --dial "$there" "${options[@]}" --data who --ascii --delay 1 --interval 1
    comes nng.out here
    comes respondent.out who
    away "$last"
    away "$respondent"

    for pair in 0 1; do
        kind=pair${pair#0}
        transport $by "$kind"
        ours pair --listen "nng+$kind$at" --data theirs
        mine=$last
        where $by "$kind"
        theirs nng nngcat --pair$pair --dial "$there" "${options[@]}" --data ours --ascii --interval 1
        comes nng.out theirs
        comes pair.out ours
        away "$last"
        away "$mine"
    done
done

echo "weftd listens, weftd dials: wss" # where nngcat does not listen
ours rep --listen "nng+rep+wss://127.0.0.1:0/sp?cert=cert.pem&key=key.pem"
rep=$last
"$weftd" sp --dial "nng+req+wss://localhost:$port/sp?ca=cert.pem" --data hello >req.out 2>req.log || fail "req over wss"
[ "$(cat req.out)" = hello ] || fail "req over wss: $(cat req.out)"
away "$rep"

for by in tcp ipc tls ws; do
    echo "nngcat listens, weftd dials: $by"
    hold_port # nngcat does not say when it listens, nor at which port: dialling goes on until it does
    options=()
    case $by in
    tcp) there=tcp://127.0.0.1:$port here=+tcp://127.0.0.1:$port ;;
    ipc) there=ipc://$dir/nng.sp here=+ipc://$dir/nng.sp ;;
    tls)
        there=tls+tcp://127.0.0.1:$port here="+tls://localhost:$port?ca=cert.pem"
        options=(--cert both.pem --key both.pem)
        ;;
    ws) there=ws://127.0.0.1:$port/sp here=+ws://127.0.0.1:$port/sp ;;
    esac

    theirs nng nngcat --rep --listen "$there" "${options[@]}" --data answer --ascii
    "$weftd" sp --dial "nng+req$here" --data hello >req.out 2>req.log || fail "req over $by"
    [ "$(cat req.out)" = answer ] || fail "req over $by: $(cat req.out)"
    comes nng.out hello
    away "$last"

    theirs nng nngcat --pull --listen "$there" "${options[@]}" --ascii
    "$weftd" sp --dial "nng+push$here" --data pushed 2>push.log || fail "push over $by"
    comes nng.out pushed
    away "$last"

    theirs nng nngcat --push --listen "$there" "${options[@]}" --data pulled --interval 1
    "$weftd" sp --dial "nng+pull$here" --count 1 >pull.out 2>pull.log || fail "pull over $by"
    [ "$(cat pull.out)" = pulled ] || fail "pull over $by: $(cat pull.out)"
    away "$last"

    theirs nng nngcat --pub --listen "$there" "${options[@]}" --data published --interval 1
    "$weftd" sp --dial "nng+sub$here" --topic pub --count 1 >sub.out 2>sub.log || fail "sub over $by"
    [ "$(cat sub.out)" = published ] || fail "sub over $by: $(cat sub.out)"
    away "$last"

    theirs nng nngcat --sub --subscribe pub --listen "$there" "${options[@]}" --ascii
    "$weftd" sp --dial "nng+pub$here" --data published 2>pub.log || fail "pub over $by"
    comes nng.out published
    away "$last"

    theirs nng nngcat --respondent --listen "$there" "${options[@]}" --data me --ascii
    "$weftd" sp --dial "nng+surveyor$here" --data who >surveyor.out 2>surveyor.log || fail "surveyor over $by"
    [ "$(cat surveyor.out)" = me ] || fail "surveyor over $by: $(cat surveyor.out)"
    away "$last"

    theirs nng nngcat --surveyor --listen "$there" "${options[@]}" --data who --ascii --delay 1 --interval 1
    nngcat=$last
    dials respondent --dial "nng+respondent$here" --data here
    comes nng.out here
    away "$last"
    away "$nngcat"

    theirs nng nngcat --pair1 --listen "$there" "${options[@]}" --data ours --ascii --interval 1
    nngcat=$last
    dials pair --dial "nng+pair1$here" --data theirs
    comes nng.out theirs
    comes pair.out ours
    away "$last"
    away "$nngcat"
done

echo "nanocat: bus, and requests"
listeners=2 ours bus --listen "nng+bus+ipc://$dir/bus.sp" --listen nng+bus://127.0.0.1:0 --data ours --pipes 2
bus=$last
theirs nano nanocat --bus --connect "ipc://$dir/bus.sp" --data theirs --ascii --interval 1
nano=$last
theirs nano2 nanocat --bus --connect-local "$(port_of tcp)" --data others --ascii --interval 1
comes nano.out ours
comes nano2.out ours
comes bus.out theirs
comes bus.out others
away "$nano"
away "$last"
away "$bus"

theirs nano nanocat --rep --bind "ipc://$dir/nano.sp" --data "from nano"
"$weftd" sp --dial "nng+req+ipc://$dir/nano.sp" --data hello >req.out 2>req.log || fail "nanocat rep"
[ "$(cat req.out)" = "from nano" ] || fail "nanocat rep: $(cat req.out)"
away "$last"

echo "the example"
serve example "$WEFT_BUILD/examples/30_sp" nng+rep://127.0.0.1:0
nngcat --req --dial "tcp://127.0.0.1:$port" --data hello --ascii --recv-timeout 10 >req.out
[ "$(cat req.out)" = HELLO ] || fail "30_sp answers $(cat req.out)"
[ "$("$WEFT_BUILD/examples/30_sp" "nng+req://127.0.0.1:$port" again 2>asker.log)" = AGAIN ] || fail "30_sp asks"
stop

echo "who waits for a peer is told so, once"
hold_port
"$weftd" sp --dial "nng+req://127.0.0.1:$port" --data x --timeout 2s >waits.out 2>waits.log &
waits=$!
running[$waits]=
comes waits.log "Connection refused; again in "
away "$waits"
[ "$(grep -c "Connection refused" waits.log)" = 1 ] || fail "it is said again and again"

echo "what is wrong is said"
"$weftd" sp --dial tcp://127.0.0.1:1 2>err.log && fail "a URL of another kind is taken"
grep -q "no URL of an SP socket" err.log || fail "no sentence about the URL"
"$weftd" sp 2>err.log && fail "neither --listen nor --dial"
"$weftd" urls >urls.out
grep -q "nng+KIND+ipc" urls.out || fail "weftd urls does not show the URLs"

echo "ok"
