#!/bin/bash
# Two honest nodes over NNG, on TCP and on TLS, one of which asks the other all the time, while strangers and a hostile
# member do what they can to where that listens: every ask is answered, in order, over the one link that there was, and
# what was sent away leaves neither descriptors nor memory behind.
set -euo pipefail

# shellcheck source=tests/programs/parts/service.sh
. "$(dirname "$0")/parts/service.sh"
folder=$dir
# shellcheck source=tests/programs/parts/identities.sh
. "$here/parts/identities.sh"
honest=$WEFT_BUILD/tests/weft_node_honest
# what is freed is not kept for long by the sanitizer, so that the memory it takes is its own
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:quarantine_size_mb=1
memory_kib_max=8192 # more than after the first wave
waves=${NODE_HOSTILE_WAVES:-3}

authority ca
authority others
for name in edge-1 edge-2 edge-3 edge-9; do
    identity $name
done
identity eve others
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=edge-2 -days 2 \
    -addext subjectAltName=DNS:edge-2 -keyout self.key -out self.crt 2>/dev/null
cat self.crt self.key >self.pem

# Without the two of the thread that looks at files of certificates, which begins when it is first wanted.
descriptors()
{
    local pool
    pool=$(cat "/proc/$answers"/task/*/comm | grep -c "^weft-pool") || true
    echo $(($(find "/proc/$answers/fd" -mindepth 1 | wc -l) - 2 * pool))
}

memory()
{
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$answers/status"
}

answered()
{
    tail -n 1 asks.out
}

more_answers()
{
    kill -0 "$asks" 2>/dev/null || fail "who asks has ended: $(answered)"
    [ "$(answered)" -gt "${before:-0}" ] 2>/dev/null
}

as_few_descriptors()
{
    [ "$(descriptors)" -le "$fds" ]
}

# wave SEED FOLDER: strangers, and then honest answers again.
wave()
{
    before=$(answered)
    timeout 200 python3 "$here/node_hostile.py" "$port" "$@" || fail "wave $1"
    before=$(answered)
    until_so "more is answered" more_answers
}

# beside SCHEME FOLDER...: FOLDER of certificates, or none.
beside()
{
    local scheme=$1 seed certificates
    shift
    certificates=${1:-}
    run answers "$honest" answers "$scheme://127.0.0.1:0" \
        ${certificates:+"$certificates/edge-1.pem" "$certificates/ca.pem"}
    answers=$last
    comes answers.log " listens at "
    url=$(grep -o "$scheme://127[0-9.:]*" answers.log | head -1)
    port=${url##*:}
    run asks "$honest" asks "$url" ${certificates:+"$certificates/edge-2.pem" "$certificates/ca.pem"}
    asks=$last
    before=0
    until_so "it is answered" more_answers
    fds=$(descriptors)
    wave 1 "$@"
    until_so "descriptors are closed" as_few_descriptors
    kib=$(memory)
    for ((seed = 2; seed <= waves; seed++)); do
        wave $seed "$@"
    done
    until_so "descriptors are closed" as_few_descriptors
    [ "$(memory)" -le $((kib + memory_kib_max)) ] || fail "memory grew from $kib KiB to $(memory)"
    echo "$scheme: memory $kib KiB, then $(memory); descriptors $fds, then $(descriptors)"
    stop "$asks"
    stop "$answers"
    echo "$(tail -n 1 asks.out); $(tail -n 1 answers.out)"
}

beside nng+tcp
beside nng+tls+tcp "$folder"
