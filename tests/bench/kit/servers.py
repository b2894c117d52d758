# SPDX-License-Identifier: MIT
"""Echo (of streams, of datagrams), HTTP, forwarding, mail and chat: the server on one core, the load on another; all take turns."""
import http.client
import os
import re
import shlex
import ssl
import statistics
import subprocess
import time
from dataclasses import dataclass, replace

from kit import build, machine, peers
from kit.report import US, select

QUIET = 15  # percent of a core that others may use before a run is tried once more
PATIENCE = 90  # seconds for one run, beyond its own length: 1,000 users may have to come in


@dataclass(frozen=True)
class Case:
    name: str
    what: str
    load: str
    unit: str = "req"
    scale: float = 1  # units in one operation
    path: str = ""  # of the file that is asked for
    secure: bool = False


def echo_case(name, connections, depth, what):
    return Case(name, what, f"echo_load 127.0.0.1 {{port}} {connections} 64 {depth} {{seconds}}",
                "msg")


def udp_case(name, sockets, depth, what, more=""):
    return Case(name, what,
                f"udp_load 127.0.0.1 {{port}} {sockets} 64 {depth} {{seconds}} {more}", "msg")


def wrk_case(name, path, what, connections=64, more="", **rest):
    return Case(name, what, f"wrk -t1 -c{connections} -d{{whole_seconds}}s --timeout 10s --latency "
                f"{more} http://127.0.0.1:{{port}}/{path}", path=path, **rest)


def tls_case(name, port, mode, what):
    return Case(name, what, f"tls_load {{{port}}} {mode} 32 {{seconds}}", "conn")


def secure(case, what):
    """The same over TLS."""
    return replace(case, what=what, load=case.load.replace("http://", "https://"), secure=True)


def forward_case(name, mode, connections, what, **rest):
    return Case(name, what,
                f"forward_load {{port}} {{back}} {mode} {connections} {{seconds}}", **rest)


def socket_case(name, connections, depth, what):
    return Case(name, what, f"echo_load 127.0.0.1 {{port}} {connections} 64 {depth} {{seconds}} {{how}}",
                "msg")


def mail_case(name, sessions, size, what):
    return Case(name, what, f"smtp_load 127.0.0.1 {{port}} {sessions} {size} {{seconds}}", "msg")


def chat_case(name, users, talkers, window, what):
    return Case(name, what,
                f"irc_load 127.0.0.1 {{port}} {users} talk {talkers} {window} {{seconds}}", "line")


PIPELINE = os.path.join(build.PEERS, "servers/lua/pipeline16.lua")
CASES = {
    "echo": [
        echo_case("c1", 1, 1, "1 connection, 64 bytes to and fro"),
        echo_case("c64", 64, 1, "64 connections, 64 bytes to and fro"),
        echo_case("c1000", 1000, 1, "1,000 connections, 64 bytes to and fro"),
        echo_case("c64d16", 64, 16, "64 connections, 16 messages of 64 bytes in flight on each"),
    ],
    "udp": [
        udp_case("u1", 1, 1, "1 socket, 64 bytes to and fro"),
        udp_case("u64", 64, 1, "64 sockets, 64 bytes to and fro"),
        udp_case("u64d4", 64, 4, "64 sockets, 4 datagrams of 64 bytes in flight on each"),
        udp_case("u1d64", 1, 64, "1 socket, 64 datagrams of 64 bytes in flight"),
        udp_case("u16d16m", 16, 16, "16 sockets, 16 in flight, sent in one piece (UDP_SEGMENT)",
                 "merged"),
    ],
    "forward": [
        forward_case("echo64", "echo", 64, "64 connections, 64 bytes to and fro", unit="msg"),
        forward_case("bulk1", "bulk", 1, "one connection, as much as goes", unit="MB"),
        forward_case("bulk16", "bulk", 16, "16 connections, as much as goes", unit="MB"),
        forward_case("conns", "conns", 64, "a connection for each 64 bytes, 64 at a time",
                     unit="conn"),
    ],
    "ws": [
        socket_case("c1", 1, 1, "1 connection, 64 bytes to and fro"),
        socket_case("c64", 64, 1, "64 connections, 64 bytes to and fro"),
        socket_case("c64d16", 64, 16, "64 connections, 16 messages of 64 bytes in flight on each"),
    ],
    "smtp": [
        mail_case("s1", 1, 1 << 10, "1 session, messages of 1 KiB"),
        mail_case("s64", 64, 1 << 10, "64 sessions, messages of 1 KiB"),
        mail_case("s1_64k", 1, 64 << 10, "1 session, messages of 64 KiB"),
        mail_case("s64_64k", 64, 64 << 10, "64 sessions, messages of 64 KiB"),
    ],
    "irc": [
        chat_case("u200t1", 200, 1, 1, "200 in a channel, 1 talks, 1 line in flight"),
        chat_case("u200t10", 200, 10, 4, "200 in a channel, 10 talk, 4 lines in flight of each"),
        chat_case("u1000t1", 1000, 1, 1, "1,000 in a channel, 1 talks, 1 line in flight"),
        chat_case("u1000t10", 1000, 10, 4, "1,000 in a channel, 10 talk, 4 lines in flight of each"),
    ],
    "http": [
        wrk_case("hello", "hello", "GET /hello, kept alive, 64 connections"),
        wrk_case("pipe16", "hello", "GET /hello, 64 connections, 16 in flight on each",
                 more=f"-s {shlex.quote(PIPELINE)}"),
        wrk_case("1k", "1k.bin", "a file of 1 KiB, 64 connections"),
        wrk_case("100k", "100k.bin", "a file of 100 KiB, 64 connections"),
        wrk_case("10m", "10m.bin", "a file of 10 MiB, 8 connections", connections=8, unit="MB",
                 scale=10.48576),
        wrk_case("close", "hello", "GET /hello, a connection for each, 64 at a time",
                 more="-H 'Connection: close'"),
    ],
}
HTTP = {case.name: case for case in CASES["http"]}
CASES["tls"] = [
    tls_case("ecdsa", "port", "full", "full handshakes, ECDSA P-256, GET /hello and the end"),
    tls_case("rsa", "back", "full", "full handshakes, RSA 2048, GET /hello and the end"),
    tls_case("resume", "port", "resume", "resumed handshakes, GET /hello and the end"),
    secure(HTTP["hello"], "GET /hello over TLS, kept alive, 64 connections"),
    secure(HTTP["10m"], "a file of 10 MiB over TLS, 8 connections"),
]
CASES["proxy"] = [case for case in CASES["http"] if case.name in ("hello", "100k", "10m", "close")]
ROWS = {"proxy": peers.PROXY, "echo": peers.PLAIN, "udp": peers.UDP, "http": peers.HTTP,
        "tls": peers.TLS, "forward": peers.FORWARD,
        "ws": peers.SOCKETS, "smtp": peers.MAIL, "irc": peers.CHAT}


class LoadFailed(Exception):
    """A run that gave no figures."""


def parse_echo(text):
    """{rate, operations, p50, p99 in us, errors} of what echo_load prints."""
    found = dict(part.split("=", 1) for part in text.split() if "=" in part)
    return {"rate": float(found["rate"]), "ops": int(found["ops"]),
            "errors": int(found.get("errors", 0)),
            "p50": float(found["p50_us"]), "p99": float(found["p99_us"])}


def microseconds(text):
    match = re.match(r"([\d.]+)(us|ms|s|m)", text)
    return float(match[1]) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 6e7}[match[2]]


def parse_wrk(text):
    share = dict(re.findall(r"^\s+(50|99)%\s+(\S+)", text, re.MULTILINE))
    errors = re.findall(r"Non-2xx or 3xx responses: (\d+)", text)
    for numbers in re.findall(r"Socket errors: connect (\d+), read (\d+), write (\d+), "
                              r"timeout (\d+)", text):
        errors += numbers
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "ops": int(re.search(r"(\d+) requests in", text)[1]),
            "p50": microseconds(share["50"]), "p99": microseconds(share["99"]),
            "errors": sum(map(int, errors))}


def load_command(case, server, options):
    command = shlex.split(case.load.format(port=server.port, back=server.back, how=server.row.how,
                                           seconds=options.seconds,
                                           whole_seconds=max(1, int(options.seconds))))
    if command[0] == "wrk":
        command[0] = build.installed("wrk", "wrk")
    else:
        command[0] = build.peer(command[0], options.out)
    return ["taskset", "-c", machine.LOAD_CORE, *command]


def marks(command):
    """Whether it is a load of our own, which says when it is warm."""
    return command[3].endswith("_load")


class Meter:
    """CPU time of the server, the load and the whole machine, and the clock, since start()."""

    def __init__(self, server, load):
        self.server, self.load = server, load

    def now(self):
        return (machine.tree_cpu_seconds(self.server), machine.cpu_seconds(self.load),
                machine.busy_seconds(), time.monotonic())

    def start(self):
        self.begin = self.now()

    def stop(self, load_total):
        """(server, load, others, wall) in seconds; the load has ended and used load_total."""
        server, _, busy, clock = self.now()
        server -= self.begin[0]
        load = load_total - self.begin[1]
        return server, load, max(0, busy - self.begin[2] - server - load), clock - self.begin[3]


def run_load(command, server, path, seconds):
    """(text, Meter's result). A load that prints "mark" when warm is counted from there on."""
    with open(path, "w+", encoding="utf-8") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        machine.favour(process.pid)
        meter = Meter(server.process.pid, process.pid)
        meter.start()
        warm = not marks(command)
        end = time.monotonic() + seconds + PATIENCE
        try:
            while True:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
                if pid:
                    process.returncode = os.waitstatus_to_exitcode(status)
                    break
                if not warm and machine.read(path).startswith("mark"):
                    warm = True
                    meter.start()
                if time.monotonic() > end:
                    raise LoadFailed("the load did not end")
                time.sleep(0.005)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()
        spent = meter.stop(usage.ru_utime + usage.ru_stime)
        out.seek(0)
        text = out.read()
    if process.returncode:
        raise LoadFailed((text.strip().splitlines() or ["it said nothing"])[-1])
    return text, spent


def check_answer(case, server, options):
    """Wrong answers are quick ones: the file that is asked for must come as it is."""
    if not case.path:
        return
    connection = (http.client.HTTPSConnection("127.0.0.1", server.port, timeout=10,
                                              context=ssl._create_unverified_context())
                  if case.secure else
                  http.client.HTTPConnection("127.0.0.1", server.port, timeout=10))
    try:
        connection.request("GET", "/" + case.path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise LoadFailed(f"GET /{case.path} fails: {error}") from error
    finally:
        connection.close()
    with open(os.path.join(peers.folder(options, "www"), case.path), "rb") as file:
        expected = file.read()
    if answer.status != 200 or body != expected:
        raise LoadFailed(f"GET /{case.path} gives {answer.status} and {len(body)} bytes; "
                         f"expected 200 and the {len(expected)} of the file")


def measure_once(case, server, options):
    command = load_command(case, server, options)
    path = os.path.join(options.out, "run", "load.out")
    text, (used, load, others, wall) = run_load(command, server, path, options.seconds)
    parse = parse_echo if marks(command) else parse_wrk
    try:
        found = parse(text)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LoadFailed(f"cannot read what the load says: {text.strip()[-80:]!r}") from error
    if not found["ops"]:
        raise LoadFailed("nothing was answered")
    return {"rate": found["rate"] * case.scale, "cpu": used / found["ops"] / case.scale * 1e6,
            "p50": found["p50"], "p99": found["p99"], "errors": found["errors"],
            "server": used / wall * 100, "load": load / wall * 100, "others": others / wall * 100}


def measure_quietly(case, server, options):
    """Once more if others were busy; then the quieter one."""
    found = measure_once(case, server, options)
    if found["others"] > QUIET:
        found = min(found, measure_once(case, server, options), key=lambda f: f["others"])
    return found


def measure(report, case, servers, options, rounds):
    """{server's name: [what each round found]}"""
    lock = machine.Lock()
    results, failed = {}, set()
    for round_ in range(rounds):
        for server in servers:
            if server.name in failed or (server.row.cases and case.name not in server.row.cases):
                continue
            report.progress(f"{case.name}, round {round_ + 1} of {rounds}, {server.name}")
            try:
                if round_ == 0:
                    check_answer(case, server, options)
                with lock:
                    found = measure_quietly(case, server, options)
            except (LoadFailed, build.Missing) as error:
                failed.add(server.name)
                report.skip(f"{case.name}: skipped {server.name}: {error}")
                continue
            results.setdefault(server.name, []).append(found)
            for key, unit in (("rate", f"{case.unit}/s"), ("cpu", f"us/{case.unit}"),
                              ("p50", "us"), ("p99", "us")):
                if found[key]:  # wrk does not know the latency of pipelined requests
                    report.add(f"{case.name}_{key}", server.name, round_, found[key], unit)
    report.done()
    return results


def table(report, case, results):
    """A line for each server; ratios are to the first."""
    rate, cpu = f"{case.name}_rate", f"{case.name}_cpu"
    report.say(f"\n{case.name}: {case.what}")
    report.say(f"{'server':10} {case.unit + '/s':>9} {'least':>9} {'most':>9} {'ratio':>6} "
               f"{'us/' + case.unit:>9} {'ratio':>6} {'p50 us':>8} {'p99 us':>8} "
               f"{'server':>7} {'load':>5} {'others':>6}")
    for name, found in results.items():
        def middle(key):
            return statistics.median(f[key] for f in found)

        def ratio(metric):
            value = report.ratio(metric, name, next(iter(results)))
            return "" if value is None else f"{value:.2f}"

        rates = [f["rate"] for f in found]
        errors = sum(f["errors"] for f in found)
        report.say(f"{name:10} {middle('rate'):9.0f} {min(rates):9.0f} {max(rates):9.0f} "
                   f"{ratio(rate):>6} {middle('cpu'):9.2f} {ratio(cpu):>6} {middle('p50'):8.1f} "
                   f"{middle('p99'):8.1f} {middle('server'):6.0f}% {middle('load'):4.0f}% "
                   f"{middle('others'):5.0f}%{f'  {errors} ERRORS' if errors else ''}")
    for metric in (rate, cpu, f"{case.name}_p99"):
        verdict = report.verdict(metric)
        if verdict:
            report.say(f"  {US} {metric}: {verdict}")


def run(report, options):
    """All of the bench's cases that are wanted."""
    cases = {case.name: case for case in CASES[report.bench]}
    run_cases(report, [cases[name] for name in select("case", options.cases, cases)], options)


def run_cases(report, wanted, options):
    rows = ROWS[report.bench]
    rounds = options.rounds or 3
    servers = [peers.Server(rows[name], options)
               for name in select("system", options.only, rows)]
    if len(machine.CORES) < 2:
        report.skip("there is one core: server and load share it, and the rates say little")
    try:
        up = peers.start_all(servers, report)
        report.say(f"{report.bench}: {rounds} rounds of {options.seconds:g} s, server on core "
                   f"{machine.SERVER_CORE}, load on core {machine.LOAD_CORE}")
        for case in wanted:
            results = measure(report, case, up, options, rounds)
            if results:
                table(report, case, results)
            report.flush()
    finally:
        for server in servers:
            server.stop()
