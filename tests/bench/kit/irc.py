# SPDX-License-Identifier: MIT
"""IRC: what users cost who do nothing, and lines that go to a channel."""
from kit import idle, peers, servers
from kit.report import select

USERS = idle.Case("users that came in and do nothing", "hold", peers.CHAT, tuple(peers.CHAT), "irc_load", 1000)


def run(report, options):
    cases = {case.name: case for case in servers.CASES["irc"]}
    wanted = select("case", options.cases, ["users", *cases])
    if "users" in wanted:
        idle.run_case(report, "users", USERS, select("system", options.only, peers.CHAT), options)
    if wanted != ["users"]:
        servers.run_cases(report, [cases[name] for name in wanted if name in cases], options)
