# SPDX-License-Identifier: MIT
"""What is asked of the machine: cores, ports, a lock, and the accounting of CPU time and memory."""
import fcntl
import os
import random
import re
import resource
import socket
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = str(CORES[0]), str(CORES[1 if len(CORES) > 1 else 0])


def raise_files():
    """As many descriptors as may be, also for what is started from here."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def files_max():
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


def free_port():
    """A free port below those that the kernel gives to outgoing connections."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        top = int(file.read().split()[0])
    for _ in range(1000):
        port = random.randrange(max(1024, top // 2), top)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError("no free port below the outgoing ones")


def favour(pid):
    """Gives a session of its own the top weight, if we may: where autogroup is on, a neighbour's
    `nice make` would otherwise take half a core, for nice does not reach across sessions."""
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
            file.write("-20")
    except OSError:
        pass


class Lock:
    """One measurement at a time on this machine, as far as the users of this kit go."""

    def __init__(self):
        try:
            self.file = open(os.path.join(tempfile.gettempdir(), "weft-bench.lock"), "a")
        except OSError:  # another user's
            self.file = open(os.devnull, "a")

    def __enter__(self):
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        fcntl.flock(self.file, fcntl.LOCK_UN)


def read(path):
    """The text of a file in /proc; "" when its process is gone."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def stat_fields(pid):
    """The fields of /proc/PID/stat from the third on; the second may hold blanks."""
    text = read(f"/proc/{pid}/stat")
    return text[text.rindex(")") + 2:].split() if text else None


def tree(pid):
    """A process and what it started, and so on."""
    children = {}
    for name in os.listdir("/proc"):
        fields = stat_fields(name) if name.isdigit() else None
        if fields:
            children.setdefault(int(fields[1]), []).append(int(name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def cpu_seconds(pid):
    """User and system time of one process and of its children that ended."""
    fields = stat_fields(pid)
    return sum(map(int, fields[11:15])) / TICK if fields else 0


def tree_cpu_seconds(pid):
    return sum(cpu_seconds(p) for p in tree(pid))


def tree_resident(pid):
    """Bytes of resident memory."""
    total = 0
    for p in tree(pid):
        match = re.search(r"^Rss:\s+(\d+)", read(f"/proc/{p}/smaps_rollup"), re.MULTILINE)
        total += int(match[1]) * 1024 if match else 0
    return total


def tree_wake_ups(pid):
    """How often the threads of a process tree went to sleep by themselves, so far."""
    total = 0
    for p in tree(pid):
        try:
            threads = os.listdir(f"/proc/{p}/task")
        except OSError:
            continue
        for thread in threads:
            match = re.search(r"^voluntary_ctxt_switches:\s+(\d+)",
                              read(f"/proc/{p}/task/{thread}/status"), re.MULTILINE)
            total += int(match[1]) if match else 0
    return total


def busy_seconds():
    """CPU time of the whole machine, idle and stolen time left out."""
    user, nice, system, _, _, irq, softirq = map(int, read("/proc/stat").split()[1:8])
    return (user + nice + system + irq + softirq) / TICK


def listening(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
        return True
    except OSError:
        return False


def answering(port):
    """Whether a datagram is given back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.1)
        try:
            probe.connect(("127.0.0.1", port))
            probe.send(b"anybody there?")
            return bool(probe.recv(64))
        except OSError:
            return False


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True
