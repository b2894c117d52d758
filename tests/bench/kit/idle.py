# SPDX-License-Identifier: MIT
"""Idle connections: how much memory each takes in the server, and whether the server wakes up."""
import os
import subprocess
import time

from kit import build, machine, peers
from kit.report import US, select

REQUEST = r"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"
SETTLE, WATCH = 0.5, 1.0  # seconds
PATIENCE = 60
CASES = {
    "plain": ("connections that send nothing", "", peers.PLAIN,
              ("raw epoll", "raw libev", "libuv", "probe", US)),
    "keepalive": ("connections kept alive after one GET /hello each", REQUEST, peers.HTTP,
                  ("floor", "nginx", "h2o", US)),
}


class Holder:
    """Opens connections and holds them, in a process of its own."""

    def __init__(self, options, port, n, request):
        self.process = subprocess.Popen(
            ["taskset", "-c", machine.LOAD_CORE, build.peer("idle_connections", options.out),
             "127.0.0.1", str(port), str(n), request],
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


def measure_once(server, options, n, request):
    """(bytes for each connection, wake-ups a second)"""
    server.start()
    try:
        warm = Holder(options, server.port, 1, request)  # what is made at first is nobody's
        warm.ready()
        warm.stop()
        time.sleep(SETTLE)
        before = machine.tree_resident(server.process.pid)
        holder = Holder(options, server.port, n, request)
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


def measure(report, case, servers, options, n, rounds):
    lock = machine.Lock()
    failed = set()
    for round_ in range(rounds):
        for server in servers:
            if server.name in failed:
                continue
            report.progress(f"{case}, round {round_ + 1} of {rounds}, {server.name}")
            try:
                with lock:
                    size, woken = measure_once(server, options, n, CASES[case][1])
            except (build.Missing, peers.Failed) as error:
                failed.add(server.name)
                report.skip(f"{case}: skipped {server.name}: {error}")
                continue
            report.add(f"{case}_connection", server.name, round_, size, "bytes")
            report.add(f"{case}_wakeups", server.name, round_, woken, "1/s")
    report.done()


def table(report, case, n):
    size, wakes = f"{case}_connection", f"{case}_wakeups"
    report.say(f"\n{case}: {n} {CASES[case][0]}")
    report.say(f"{'server':10} {'bytes each':>11} {'wake-ups a second':>18}")
    for name in report.systems(size):
        report.say(f"{name:10} {report.median(size, name):11.0f} "
                   f"{report.median(wakes, name):18.1f}")
    for metric in (size, wakes):
        verdict = report.verdict(metric)
        if verdict:
            report.say(f"  {US} {metric}: {verdict}")


def run(report, options):
    rounds = options.rounds or 3
    n = min(options.connections, machine.files_max() - 200)
    if n < options.connections:
        report.skip(f"{n} connections instead of {options.connections}: the limit of descriptors")
    known = list(dict.fromkeys(name for case in CASES.values() for name in case[3]))
    wanted = select("system", options.only, known)
    for case in select("case", options.cases, CASES):
        _, _, rows, names = CASES[case]
        servers = [peers.Server(rows[name], options) for name in names if name in wanted]
        measure(report, case, servers, options, n, rounds)
        if report.systems(f"{case}_connection"):
            table(report, case, n)
        report.flush()
