# SPDX-License-Identifier: MIT
"""Idle connections: how much memory each takes in the server, and whether the server wakes up."""
import os
import subprocess
import time
from dataclasses import dataclass

from kit import build, machine, peers
from kit.report import US, select

REQUEST = r"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
SETTLE, WATCH = 0.5, 1.0  # seconds
PATIENCE = 60


@dataclass(frozen=True)
class Case:
    what: str
    request: str
    rows: dict
    names: tuple
    load: str = "idle_connections"
    connections: int = 10000


CASES = {
    "plain": Case("connections that send nothing", "", peers.PLAIN,
                  ("raw epoll", "raw libev", "libuv", "probe", US)),
    "keepalive": Case("connections kept alive after one GET /hello each", REQUEST, peers.HTTP,
                      ("floor", "nginx", "h2o", US)),
}
TLS = Case("connections with TLS kept alive after one GET /hello each", REQUEST, peers.TLS,
           tuple(peers.TLS), "tls_idle")


class Holder:
    """Opens connections and holds them, in a process of its own."""

    def __init__(self, case, options, port, n):
        self.process = subprocess.Popen(
            ["taskset", "-c", machine.LOAD_CORE, build.peer(case.load, options.out),
             "127.0.0.1", str(port), str(n), case.request],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def ready(self):
        """How many of its connections were not answered."""
        words = self.process.stdout.readline().split()
        if len(words) != 4:
            raise peers.Failed("the connections were not taken")
        return int(words[3])

    def stop(self):
        try:
            self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def measure_once(case, server, options, n):
    """(bytes for each connection, wake-ups a second)"""
    server.start()
    try:
        warm = Holder(case, options, server.port, 1)  # what is made at first is nobody's
        warm.ready()
        warm.stop()
        time.sleep(SETTLE)
        before = machine.tree_resident(server.process.pid)
        holder = Holder(case, options, server.port, n)
        try:
            bad = holder.ready()
            if bad:
                raise peers.Failed(f"{bad} of {n} connections were not answered")
            time.sleep(SETTLE)
            grown = machine.tree_resident(server.process.pid) - before
            woken = machine.tree_wake_ups(server.process.pid)
            time.sleep(WATCH)
            woken = machine.tree_wake_ups(server.process.pid) - woken
        finally:
            holder.stop()
    finally:
        server.stop()
    return grown / n, woken / WATCH


def measure(report, name, case, servers, options, n, rounds):
    lock = machine.Lock()
    failed = set()
    for round_ in range(rounds):
        for server in servers:
            if server.name in failed:
                continue
            report.progress(f"{name}, round {round_ + 1} of {rounds}, {server.name}")
            try:
                with lock:
                    size, woken = measure_once(case, server, options, n)
            except (build.Missing, peers.Failed) as error:
                failed.add(server.name)
                report.skip(f"{name}: skipped {server.name}: {error}")
                continue
            report.add(f"{name}_connection", server.name, round_, size, "bytes")
            report.add(f"{name}_wakeups", server.name, round_, woken, "1/s")
    report.done()


def table(report, name, case, n):
    size, wakes = f"{name}_connection", f"{name}_wakeups"
    report.say(f"\n{name}: {n} {case.what}")
    report.say(f"{'server':10} {'bytes each':>11} {'wake-ups a second':>18}")
    for server in report.systems(size):
        report.say(f"{server:10} {report.median(size, server):11.0f} "
                   f"{report.median(wakes, server):18.1f}")
    for metric in (size, wakes):
        verdict = report.verdict(metric)
        if verdict:
            report.say(f"  {US} {metric}: {verdict}")


def run_case(report, name, case, wanted, options):
    """Measures one case of the systems that are wanted."""
    asked = options.connections or case.connections
    n = min(asked, machine.files_max() - 200)
    if n < asked:
        report.skip(f"{n} connections instead of {asked}: the limit of descriptors")
    servers = [peers.Server(case.rows[server], options) for server in case.names if server in wanted]
    measure(report, name, case, servers, options, n, options.rounds or 3)
    if report.systems(f"{name}_connection"):
        table(report, name, case, n)
    report.flush()


def run(report, options):
    known = list(dict.fromkeys(name for case in CASES.values() for name in case.names))
    wanted = select("system", options.only, known)
    for name in select("case", options.cases, CASES):
        run_case(report, name, CASES[name], wanted, options)
