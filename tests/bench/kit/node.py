# SPDX-License-Identifier: MIT
"""Two nodes in two processes: every program is started as `PROGRAM CASE`, runs it once and prints lines
`name value unit`. And weft's alone, of a cluster that grows."""
import os
import subprocess
import tempfile

from kit import build, core, machine
from kit.report import US, select

MESH = {f"mesh{nodes}": nodes for nodes in (2, 5, 10, 20)}
CASES = ["tell64", "tell_proto4", "tell4k", "call1", "call64", "call256", *MESH]
UNIX, TLS = "weft-unix", "weft-tls"
SYSTEMS = ["floor", "nng-stream", "nng", "zeromq", "erlang", US, UNIX, TLS]
REFERENCE = "floor"
EPMD_PORT = "ERL_EPMD_PORT"


def takes_part(system, case):
    if case in MESH:
        return system == US
    return case != "tell_proto4" or system in (US, UNIX, TLS)


def stop_epmd():
    """Erlang starts a daemon for its names, here on a port of our own, and leaves it behind."""
    if EPMD_PORT in os.environ:
        subprocess.run(["epmd", "-port", os.environ.pop(EPMD_PORT), "-kill"], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)


def erlang(out):
    erl = build.installed("erl", "erlang-base")
    build.installed("epmd", "erlang-base")
    os.environ[EPMD_PORT] = str(machine.free_port())
    folder = os.path.dirname(build.peer("node_bench.beam", out))
    name = f"bench_{os.getpid()}@127.0.0.1"
    return lambda case: [erl, "-noshell", "-name", name, "-setcookie", f"bench{os.getpid()}", "-pa",
                         folder, "-run", "node_bench", "main", case, folder]


def openssl(*arguments):
    command = [build.installed("openssl", "openssl"), *arguments]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise build.Missing(f"openssl {arguments[0]}: {made.stderr.strip()}")


def certificate(folder):
    """One certificate for both nodes, its own authority."""
    cert, key = os.path.join(folder, "node.pem"), os.path.join(folder, "node.key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=here", "-addext", "subjectAltName=DNS:here,DNS:there", "-days", "2",
            "-keyout", key, "-out", cert)
    return [cert, key, cert]


def find(system, options, folder):
    """How a system is started: a function from a case to a command."""
    if system == "floor":
        return core.program(build.peer("node_floor", options.out))
    if system == "erlang":
        return erlang(options.out)
    if system == "zeromq":
        return core.program(build.peer("node_zmq", options.out))
    if system in ("nng", "nng-stream"):
        path = build.peer("node_nng", options.out)
        return lambda case: [path, "stream" if system == "nng-stream" else "pair", case]
    path, mesh = [build.ours(os.path.join(options.build, "tests/bench", name))
                  for name in ("weft_bench_node", "weft_bench_mesh")]
    if system == TLS:
        files = certificate(folder)
        return lambda case: [path, case, "nng+tls+tcp://127.0.0.1:0", *files]
    if system == UNIX:
        return lambda case: [path, case, f"unix:{folder}/socket"]

    def command(case):
        if case in MESH:
            return [mesh, str(MESH[case])]
        return [path, case, "nng+tcp://127.0.0.1:0"]

    return command


def measure(report, case, commands, rounds):
    lock = core.machine.Lock()
    out = set()
    for round_ in range(rounds):
        for system, command in commands.items():
            if system in out or not takes_part(system, case):
                continue
            report.progress(f"{case}, round {round_ + 1} of {rounds}, {system}")
            with lock:
                one = core.run_once(command(case))
            if not one.found:
                out.add(system)
                report.skip(f"{case}: skipped {system}: {one.why or 'it printed no figure'}")
            core.add(report, one.found, system, round_)
    report.done()


def table(report, name):
    for system in report.systems(name):
        ratio = report.ratio(name, system, REFERENCE)
        verdict = report.verdict(name) if system == US else ""
        first = name if system == report.systems(name)[0] else ""
        report.say(f"{first:16} {system:10} {report.median(name, system):12.1f} "
                   f"{report.units[name]:8} {'' if ratio is None else f'{ratio:.3f}':>8}  {verdict}".rstrip())


def run(report, options):
    try:
        run_all(report, options)
    finally:
        stop_epmd()


def run_all(report, options):
    commands = {}
    rounds = options.rounds or 3
    with tempfile.TemporaryDirectory() as folder:
        for system in select("system", options.only, SYSTEMS):
            try:
                commands[system] = find(system, options, folder)
            except build.Missing as error:
                report.skip(f"skipped {system}: {error}")
        report.say(f"{'case':16} {'system':10} {'median':>12} {'unit':8} {'/' + REFERENCE:>8}  goal "
                   f"({rounds} rounds)")
        for case in select("case", options.cases, CASES):
            before = set(report.rounds)
            measure(report, case, commands, rounds)
            for name in report.rounds:
                if name not in before:
                    table(report, name)
            report.flush()
