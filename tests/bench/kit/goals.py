# SPDX-License-Identifier: MIT
"""What weft aims at. Where a peer of the same run can tell a slow machine from a slow weft, a goal
is a ratio to it; bytes and wake-ups are the same on every machine and stand for themselves."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    case: str
    limit: float
    than: tuple = ()  # peers; of several, the better one. Empty: the limit is in the case's unit
    at_least: bool = False
    note: str = ""  # what the limit is in figures on the reference machine

    def words(self):
        text = f"{'at least' if self.at_least else 'at most'} {self.limit:g}"
        if self.than:
            text += " x " + " or ".join(self.than)
        return text + (f" ({self.note})" if self.note else "")


def at_most(case, limit, *than, note=""):
    return Goal(case, limit, than, False, note)


def at_least(case, limit, *than, note=""):
    return Goal(case, limit, than, True, note)


# The reference machine has 2 virtual cores (Zen 4); its probe makes 12.1 ns in ping-pong, 11.7 in
# ring, 10.1 in count, 16 across and in fan-in, 150 across awake, 317 for an ask there, 29.8 and 31
# in ask, 37 in spawn, 3.5 with timers; its floor makes 17 in skynet.
GOALS = {
    "core": [
        at_most("pingpong", 1.10, "probe", note="13 ns"),
        at_most("ring", 1.10, "probe", note="14 ns"),
        at_most("count", 1.10, "probe", note="11 ns"),
        at_most("count_cross", 1.00, "probe", note="16 ns"),
        at_most("fanin", 1.00, "probe", note="16 ns"),
        at_most("pingpong_cross", 1.33, "probe", note="200 ns"),
        at_most("pingpong_cross_asleep", 1.15, "floor"),
        at_most("pingpong_cross_asleep_wakes", 1.0),
        at_most("ask", 1.18, "probe", note="35 ns"),
        at_most("ask_cross", 1.42, "probe", note="450 ns"),
        at_most("ask_limit", 1.45, "probe", note="45 ns"),
        at_most("await_more", 20),
        at_most("spawn", 1.35, "probe", note="50 ns"),
        at_most("skynet", 3.5, "floor", note="60 ns"),
        at_most("skynet_rss", 8),
        at_most("idle", 160),
        at_most("timer", 2.3, "probe", note="8 ns"),
        at_most("runaway_rss", 8),
        at_most("producer_thousand_rss", 8),
        at_most("restart", 2000),
    ],
    "node": [
        at_least("tell64", 0.5, "floor", note="10 M/s opaque"),
        at_least("tell64", 40, "nng"),
        at_least("tell64", 20, "erlang"),
        at_least("tell_proto4", 3e6),
        at_least("tell4k", 0.5, "floor", note="1.2 GB/s"),
        at_least("call64", 7, "erlang", note="0.5 M/s"),
        at_least("call256", 20, "erlang", note="2 M/s"),
        at_most("call1_p50", 110),
    ],
    "echo": [
        at_least("c64_rate", 0.95, "raw epoll"),
        at_most("c64_cpu", 1.05, "raw libev"),
        at_least("c1000_rate", 0.95, "raw epoll"),
        at_most("c1000_cpu", 1.05, "raw libev"),
        at_most("c64d16_cpu", 1.05, "raw libev"),
    ],
    "udp": [
        at_least("u64d4_rate", 1.5, "libuv"),
        at_least("u16d16m_rate", 1.5, "libuv"),
        at_most("u64_cpu", 1.25, "raw recvmmsg"),
    ],
    "proxy": [
        at_least("hello_rate", 1.0, "haproxy"),
        at_most("hello_cpu", 1.0, "haproxy"),
        at_least("100k_rate", 1.0, "haproxy"),
    ],
    "forward": [
        at_least("echo64_rate", 1.0, "haproxy"),
        at_most("echo64_cpu", 1.0, "haproxy"),
        at_least("bulk1_rate", 1.0, "haproxy"),
        at_least("bulk16_rate", 1.0, "haproxy"),
        at_most("bulk16_cpu", 1.0, "haproxy"),
        at_least("conns_rate", 1.0, "haproxy"),
        at_most("conns_cpu", 1.0, "haproxy"),
    ],
    "http": [
        at_least("hello_rate", 1.05, "nginx", "h2o"),
        at_most("hello_cpu", 0.95, "nginx"),
        at_most("hello_cpu", 1.15, "floor"),
        at_least("pipe16_rate", 5, "nginx"),
        at_most("1k_cpu", 0.92, "h2o"),
        at_most("100k_cpu", 0.95, "nginx"),
        at_most("10m_cpu", 1.05, "nginx"),
        at_most("close_cpu", 1.00, "h2o"),
    ],
    "tls": [
        at_most("ecdsa_cpu", 1.05, "floor"),
        at_most("rsa_cpu", 1.05, "floor"),
        at_most("resume_cpu", 1.05, "floor"),
        at_most("hello_cpu", 0.95, "nginx"),
        at_most("hello_cpu", 0.95, "h2o"),
        at_most("10m_cpu", 1.0, "h2o"),
        at_most("idle_connection", 12 << 10),
        at_most("idle_wakeups", 0),
    ],
    "ssh": [
        at_most("connect_p50", 0.6, "sshd"),
        at_most("connect_p50", 0.9, "dropbear"),
        at_most("login_cpu", 0.5, "sshd"),
        *(at_most(f"{case}_{cipher}_cpu", 0.85, "sshd")
          for case in ("exec", "exec_in", "get", "put") for cipher in ("aes", "chacha")),
    ],
    "ws": [
        at_most("c64_cpu", 1.15, "tcp"),
    ],
    "smtp": [
        at_most("s1_cpu", 1.0, "smtp-sink"),
        at_most("s64_cpu", 1.0, "smtp-sink"),
        at_least("s64_64k_rate", 3, "smtp-sink"),
    ],
    "irc": [
        at_most("users_connection", 3072),
        at_most("users_wakeups", 0),
        at_most("u200t1_cpu", 0.85, "ngircd", "inspircd"),
        at_least("u200t10_rate", 2, "ngircd", "inspircd"),
        at_most("u200t10_p99", 10000, note="10 ms"),
    ],
    "client": [
        at_most("hello_cpu", 1.5, "wrk"),
        at_most("1k_cpu", 1.5, "wrk"),
    ],
    "idle": [
        at_most("plain_connection", 372),
        at_most("plain_wakeups", 0),
        at_most("keepalive_connection", 700),
        at_most("keepalive_wakeups", 0),
    ],
    "codec": [],
}
