# SPDX-License-Identifier: MIT
"""The client's CPU time for a request, beside wrk's, against one server and with as many connections."""
import json
import os
import re
import resource
import subprocess

from kit import build, machine, peers
from kit.report import US, select

CONNECTIONS = 64
CASES = {
    "hello": ("GET /hello, kept alive, 64 connections", "hello"),
    "1k": ("a file of 1 KiB, 64 connections", "1k.bin"),
}
SYSTEMS = ["wrk", US]
SERVER = US  # that is asked: weft's own, which is always there
PATIENCE = 60


class LoadFailed(Exception):
    """A run that gave no figures."""


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def command_of(system, url, options):
    if system == "wrk":
        return [build.installed("wrk", "wrk"), "-t1", f"-c{CONNECTIONS}",
                f"-d{max(1, int(options.seconds))}s", url]
    return [os.path.join(options.build, "tests", "bench", "bench_client"), url, str(CONNECTIONS),
            str(options.seconds)]


def answers_of(system, text):
    """How many were answered; any failure makes the figures worthless."""
    if system == "wrk":
        if "Non-2xx" in text or "Socket errors" in text:
            raise LoadFailed("wrk met errors")
        return int(re.search(r"(\d+) requests in", text)[1])
    found = json.loads(text)
    if found["failures"]:
        raise LoadFailed(f"{found['failures']} requests failed")
    return found["answers"]


def measure_once(system, url, options):
    """CPU time of a request in us."""
    command = ["taskset", "-c", machine.LOAD_CORE, *command_of(system, url, options)]
    before = cpu_of_children()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True,
                              timeout=options.seconds + PATIENCE)
    except (OSError, subprocess.SubprocessError) as error:
        raise LoadFailed(str(error)) from error
    used = cpu_of_children() - before
    answers = answers_of(system, done.stdout)
    if not answers:
        raise LoadFailed("nothing was answered")
    return used / answers * 1e6


def measure(report, case, server, systems, options, rounds):
    lock = machine.Lock()
    failed = set()
    url = f"http://127.0.0.1:{server.port}/{CASES[case][1]}"
    for round_ in range(rounds):
        for system in systems:
            if system in failed:
                continue
            report.progress(f"{case}, round {round_ + 1} of {rounds}, {system}")
            try:
                with lock:
                    cpu = measure_once(system, url, options)
            except (build.Missing, LoadFailed) as error:
                failed.add(system)
                report.skip(f"{case}: skipped {system}: {error}")
                continue
            report.add(f"{case}_cpu", system, round_, cpu, "us/req")
    report.done()


def table(report, case):
    metric = f"{case}_cpu"
    report.say(f"\n{case}: {CASES[case][0]}")
    report.say(f"{'client':10} {'us/req':>9} {'ratio':>6}")
    for name in report.systems(metric):
        ratio = report.ratio(metric, name, "wrk")
        report.say(f"{name:10} {report.median(metric, name):9.2f} "
                   f"{'' if ratio is None else f'{ratio:.2f}':>6}")
    verdict = report.verdict(metric)
    if verdict:
        report.say(f"  {US} {metric}: {verdict}")


def run(report, options):
    rounds = options.rounds or 3
    systems = select("system", options.only, SYSTEMS)
    server = peers.Server(peers.HTTP[SERVER], options)
    try:
        up = peers.start_all([server], report)
        report.say(f"client: {rounds} rounds of {options.seconds:g} s, server on core "
                   f"{machine.SERVER_CORE}, client on core {machine.LOAD_CORE}")
        for case in select("case", options.cases, CASES) if up else []:
            measure(report, case, server, systems, options, rounds)
            if report.systems(f"{case}_cpu"):
                table(report, case)
            report.flush()
    finally:
        server.stop()
