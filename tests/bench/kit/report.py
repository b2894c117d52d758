# SPDX-License-Identifier: MIT
"""Keeps what was measured, compares it, judges the goals, prints it, and writes it down."""
import json
import os
import statistics
import sys
import time

from kit import goals

US = "weft"
FLOOR = "floor"
FLOOR_SHARE = 0.8  # who needs less than this share of the floor's time does other work


class UsageError(Exception):
    """An option asks for what does not exist."""


def select(what, wanted, known):
    """The known names that are wanted, in their own order; "raw-epoll" is "raw epoll"."""
    if wanted is None:
        return list(known)
    wanted = [name.replace("-", " ") if name not in known else name for name in wanted]
    for name in wanted:
        if name not in known:
            raise UsageError(f"there is no {what} {name}; expected one of: {', '.join(known)}")
    return [name for name in known if name in wanted]


def number(x):
    if x == 0 or abs(x) >= 1000:
        return f"{x:.0f}"
    return f"{x:.1f}" if abs(x) >= 100 else f"{x:.2f}"


class Report:
    """Figures by case, system and round. Used as a context: what is left is printed at its end."""

    def __init__(self, bench, options):
        self.bench, self.json, self.out = bench, options.json, options.out
        self.rounds = {}  # {case: {system: {round: value}}}
        self.units = {}
        self.lowest = {}  # {(case, system): the best of all runs}
        self.flushed = set()  # cases that stand in the JSON lines already
        self.lines = []
        self.verdicts = []

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.flush()
            self.summarize()
        self.write_down()

    def say(self, text=""):
        """A line of the tables."""
        if not self.json:
            print(text, flush=True)

    def skip(self, text):
        """Why something is not there: not part of the tables."""
        print(f"{self.bench}: {text}", file=sys.stderr, flush=True)

    def progress(self, text):
        if sys.stderr.isatty():
            print(f"\r\033[K{self.bench}: {text}", end="\r", file=sys.stderr, flush=True)

    def done(self):
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)

    def add(self, case, system, round_, value, unit, best=None):
        """The value of one round, and the best of the runs in it if there were several."""
        self.units.setdefault(case, unit)
        self.rounds.setdefault(case, {}).setdefault(system, {})[round_] = value
        best = value if best is None else best
        self.lowest[case, system] = min(best, self.lowest.get((case, system), best))

    def systems(self, case):
        return list(self.rounds.get(case, {}))

    def values(self, case, system):
        return list(self.rounds.get(case, {}).get(system, {}).values())

    def median(self, case, system):
        values = self.values(case, system)
        return statistics.median(values) if values else None

    def ratio(self, case, system, *than, at_least=False):
        """The median of the rounds' ratios to the better of some peers; None if there is none."""
        own = self.rounds.get(case, {}).get(system, {})
        ratios = []
        for round_, value in own.items():
            theirs = [self.rounds[case][peer][round_] for peer in than
                      if round_ in self.rounds[case].get(peer, {})]
            best = (max if at_least else min)(theirs, default=0)
            if best > 0:
                ratios.append(value / best)
        return statistics.median(ratios) if ratios else None

    def below_floor(self, case):
        """Whether weft is faster between actors than the hardware allows: then it is not the case's
        work that was measured, and no goal is met by it."""
        ratio = self.ratio(case, US, FLOOR) if self.bench == "core" else None
        return ratio is not None and self.units[case] == "ns" and ratio < FLOOR_SHARE

    def judge(self, case):
        """[(goal, the figure it is about, met)] of one case; met is None if nobody can tell."""
        found = []
        for goal in goals.GOALS[self.bench]:
            if goal.case != case or not self.values(case, US):
                continue
            value = self.median(case, US)
            if goal.than:
                value = self.ratio(case, US, *goal.than, at_least=goal.at_least)
            met = None
            if value is not None and not self.below_floor(case):
                met = value >= goal.limit if goal.at_least else value <= goal.limit
            found.append((goal, value, met))
        return found

    def verdict(self, case):
        """The goals of one case in words, for a line beside weft's figure."""
        words = []
        for goal, value, met in self.judge(case):
            how = "not judged: the peer did not run"
            if self.below_floor(case):
                how = f"{number(value)}, NOT JUDGED: below the floor, so it does not do this work"
            elif met is not None:
                how = f"{number(value)}, {'met' if met else 'MISSED'}"
            words.append(f"{goal.words()}: {how}")
        return "; ".join(words)

    def flush(self):
        """Turns the cases that are complete into lines, one for each system."""
        for case in self.rounds:
            if case in self.flushed:
                continue
            self.flushed.add(case)
            self.verdicts += [(case, *v) for v in self.judge(case)]
            for system in self.systems(case):
                line = json.dumps({"bench": self.bench, "case": case, "system": system,
                                   "value": float(f"{self.median(case, system):.5g}"),
                                   "unit": self.units[case]})
                self.lines.append(line)
                if self.json:
                    print(line, flush=True)

    def summarize(self):
        judged = [v for v in self.verdicts if v[3] is not None]
        missed = [v for v in judged if not v[3]]
        if not self.verdicts:
            return
        self.say(f"\ngoals: {len(judged) - len(missed)} met, {len(missed)} missed, "
                 f"{len(self.verdicts) - len(judged)} not judged")
        for case, goal, value, _ in missed:
            self.say(f"  {case}: {number(value)}, expected {goal.words()}")

    def write_down(self):
        if not self.lines:
            return
        folder = os.path.join(self.out, "results")
        os.makedirs(folder, exist_ok=True)
        name = f"{self.bench}-{time.strftime('%Y%m%d-%H%M%S')}.json"
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines) + "\n")
