# SPDX-License-Identifier: MIT
"""Messages: every program is started as `PROGRAM CASE`, runs it once and prints lines `name value
unit`: one for the case, others (memory, wake-ups) with names that begin with the case's."""
import os
import re
import statistics
import subprocess
from dataclasses import dataclass

from kit import build, machine
from kit.report import US, select

CASES = ["pingpong", "ring", "count", "count_cross", "fanin", "pingpong_cross",
         "pingpong_cross_asleep", "ask", "ask_cross", "ask_limit", "await", "spawn", "skynet",
         "idle", "timer", "runaway", "producer_thousand", "restart"]
TWO_CORES = {"count_cross", "fanin", "pingpong_cross", "pingpong_cross_asleep", "ask_cross"}
COMMON = {"pingpong", "ring", "count", "count_cross", "fanin", "pingpong_cross", "ask", "ask_cross",
          "spawn", "skynet", "idle", "runaway"}
# What each system can be asked, in the order of the tables.
SYSTEMS = {
    "floor": {"pingpong", "ring", "count", "count_cross", "pingpong_cross",
              "pingpong_cross_asleep", "ask", "spawn", "skynet"},
    "libev": {"timer"},
    "probe": set(CASES) - {"await", "restart"},
    "go": COMMON,
    "erlang": COMMON | {"ask_limit"},
    "caf": COMMON | {"ask_limit"},
    US: set(CASES),
}
SLOW = {"go", "erlang", "caf"}  # take part in every second round: ten times off needs no finer look
REFERENCE = "probe"  # of the column of ratios
PATIENCE = 120  # seconds for one run
LINE = re.compile(r"(\w+) ([-+0-9.eE]+) (\S+)")


def erlang(out):
    erl = build.installed("erl", "erlang-base")
    folder = os.path.dirname(build.peer("bench.beam", out))

    def command(case):
        threads = 2 if case in TWO_CORES else 1
        return [erl, "-noshell", "+S", f"{threads}:{threads}", "+P", "4000000", "-pa", folder,
                "-run", "bench", "main", case]

    return command


def program(path):
    return lambda case: [path, case]


def find(system, options):
    """How a system is started: a function from a case to a command."""
    if system == US:
        return program(build.ours(os.path.join(options.build, "tests/bench/weft_bench_core")))
    if system == "erlang":
        return erlang(options.out)
    name = {"libev": "libev_timers", "go": "gobench", "caf": "caf_bench"}.get(system, system)
    return program(build.peer(name, options.out))


@dataclass
class Run:
    """What one start of a program gave: {name: (values, unit)}, other lines, and why it failed."""
    found: dict
    others: list
    why: str = ""


def failed(why):
    return Run({}, [], why)


def run_once(command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    machine.favour(process.pid)
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return failed(f"not done within {PATIENCE} s")
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode:
        last = (err.strip().splitlines() or ["it said nothing"])[-1]
        return failed(f"exit code {process.returncode}: {last}")
    run = Run({}, [])
    for line in out.splitlines():
        match = LINE.fullmatch(line)
        if match:
            run.found.setdefault(match[1], ([], match[3]))[0].append(float(match[2]))
        elif line.strip():
            run.others.append(line)
    return run


def add(report, found, system, round_):
    for name, (values, unit) in found.items():
        report.add(name, system, round_, statistics.median(values), unit, min(values))


def measure(report, case, commands, rounds):
    lock = machine.Lock()
    out = set()
    for round_ in range(rounds):
        for system, command in commands.items():
            if system in out or case not in SYSTEMS[system]:
                continue
            if system in SLOW and round_ % 2:
                continue
            report.progress(f"{case}, round {round_ + 1} of {rounds}, {system}")
            with lock:
                one = run_once(command(case))
            if not one.found:
                out.add(system)
                why = one.why or "it printed no line `name value unit`"
                report.skip(f"{case}: skipped {system}: {why}")
            add(report, one.found, system, round_)
    report.done()


def table(report, case):
    """The lines of one case; its first line carries its name."""
    for system in report.systems(case):
        ratio = report.ratio(case, system, REFERENCE)
        verdict = report.verdict(case) if system == US else ""
        name = case if system == report.systems(case)[0] else ""
        line = (f"{name:28} {system:8} {report.median(case, system):10.2f} "
                f"{report.lowest[case, system]:10.2f}  {report.units[case]:10} "
                f"{'' if ratio is None else f'{ratio:.2f}':>8}  {verdict}")
        report.say(line.rstrip())


def run(report, options):
    commands = {}
    cases = select("case", options.cases, CASES)
    for system in select("system", options.only, SYSTEMS):
        try:
            commands[system] = find(system, options)
        except build.Missing as error:
            report.skip(f"skipped {system}: {error}")
    rounds = options.rounds or 5
    report.say(f"{'case':28} {'system':8} {'median':>10} {'best':>10}  {'unit':10} "
               f"{'/' + REFERENCE:>8}  goal ({rounds} rounds)")
    for case in cases:
        if case in TWO_CORES and len(machine.CORES) < 2:
            report.skip(f"skipped {case}: there is one core, and it takes two")
            continue
        before = set(report.rounds)
        measure(report, case, commands, rounds)
        for name in report.rounds:
            if name not in before:
                table(report, name)
        report.flush()
