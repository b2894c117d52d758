# SPDX-License-Identifier: MIT
"""HTTP/1.1 over TLS 1.3: handshakes, requests and bodies as of any server; then idle connections."""
from kit import idle, peers, servers
from kit.report import select


def run(report, options):
    cases = {case.name: case for case in servers.CASES["tls"]}
    wanted = select("case", options.cases, [*cases, "idle"])
    if wanted != ["idle"]:
        servers.run_cases(report, [cases[name] for name in wanted if name in cases], options)
    if "idle" in wanted:
        idle.run_case(report, "idle", idle.TLS, select("system", options.only, peers.TLS), options)
