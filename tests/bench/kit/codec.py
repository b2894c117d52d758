# SPDX-License-Identifier: MIT
"""The parsers alone: each program that CMakeLists.txt lists prints lines `name value unit`."""
import os

from kit import build, core, machine
from kit.report import US, UsageError, select


def programs(options):
    """{name: path} of what CMake wrote down."""
    path = build.ours(os.path.join(options.build, "tests/bench/codecs.list"))
    with open(path, encoding="utf-8") as file:
        paths = file.read().split()
    return {os.path.basename(path).removesuffix("_bench"): path for path in paths}


def measure_once(path):
    try:
        return core.run_once([build.ours(path)])
    except build.Missing as error:
        return core.failed(str(error))


def table(report, cases):
    for case in cases:
        report.say(f"{case:40} {report.median(case, US):10.2f} {report.lowest[case, US]:10.2f}  "
                   f"{report.units[case]:8} {report.verdict(case)}".rstrip())


def run(report, options):
    if options.only is not None and options.only != [US]:
        raise UsageError(f"codec measures {US} alone")
    try:
        known = programs(options)
    except build.Missing as error:
        report.skip(f"skipped: {error}")
        return
    if not known:
        report.skip("there is no codec to measure yet")
        return
    rounds = options.rounds or 3
    lock = machine.Lock()
    report.say(f"{'case':40} {'median':>10} {'best':>10}  unit ({rounds} rounds)")
    for name in select("codec", options.cases, known):
        before = set(report.rounds)
        one = None
        for round_ in range(rounds):
            report.progress(f"{name}, round {round_ + 1} of {rounds}")
            with lock:
                one = measure_once(known[name])
            if one.why:
                report.skip(f"skipped {name}: {one.why}")
                break
            core.add(report, one.found, US, round_)
        report.done()
        table(report, [case for case in report.rounds if case not in before])
        for line in one.others:  # what is not a figure is for the reader alone
            report.say(line)
        report.flush()
