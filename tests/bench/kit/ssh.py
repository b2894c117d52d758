# SPDX-License-Identifier: MIT
"""SSH: the server's CPU time for a login and for bulk bytes, beside OpenSSH's sshd, and how long a command takes, beside
dropbear too; the same client under all."""
import os
import pwd
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

from kit import build, machine
from kit.report import US, select

SYSTEMS = ["sshd", "dropbear", US]
LOGINS = 20
MEGABYTES = 100
PATIENCE = 120
QUIET = 0.3  # seconds until what a session left has ended and is counted

CIPHERS = {"aes": "aes128-gcm@openssh.com", "chacha": "chacha20-poly1305@openssh.com"}
CASES = {
    "connect": f"{LOGINS} times ssh true: connect, exchange, Ed25519 key, a command; half are done in so long",
    "login": f"{LOGINS} logins, sftp opened and closed: connect, exchange, Ed25519 key",
    "exec": f"{MEGABYTES} MB out of a command",
    "exec_in": f"{MEGABYTES} MB into a command",
    "get": f"a file of {MEGABYTES} MB by sftp",
    "put": f"a file of {MEGABYTES} MB by sftp, written",
}


class LoadFailed(Exception):
    """A run that gave no figures."""


class Server:
    """A server with a port, and where it has the folder of the bench."""

    def __init__(self, system, folder, options):
        self.system, self.folder = system, folder
        self.port = machine.free_port()
        self.root = "/" if system == US else folder + "/"
        shell = pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
        if system == US:
            command = [os.path.abspath(f"{options.build}/weftd"), "ssh", "--listen",
                       f"tcp://127.0.0.1:{self.port}", "--keys", f"{folder}/keys", "--root", folder,
                       "--shell", shell, "--auth", f"sshkey:{folder}/keys.of/%u"]
            command = at_own_home(folder, command) if os.getuid() == 0 else command
        elif system == "dropbear":
            command = dropbear(folder, self.port)
        else:
            command = [build.installed("/usr/sbin/sshd", "openssh-server"), "-D", "-e", "-f",
                       f"{folder}/config", "-p", str(self.port)]
        self.process = subprocess.Popen(["taskset", "-c", machine.SERVER_CORE, *command],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        machine.favour(self.process.pid)

    def is_up(self):
        limit = time.monotonic() + 30
        while time.monotonic() < limit and self.process.poll() is None:
            done = subprocess.run(["ssh-keyscan", "-p", str(self.port), "127.0.0.1"],
                                  capture_output=True, check=False)
            if done.stdout:
                return True
            time.sleep(0.1)
        return False

    def stop(self):
        try:
            os.killpg(self.process.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.process.wait()


def at_own_home(folder, command):
    """With another home, in a namespace of its own: its shells read no files of its user."""
    os.makedirs(f"{folder}/home", mode=0o700, exist_ok=True)
    return ["unshare", "--mount", "sh", "-c",
            'mount --bind "$1" "$2" && cd / && shift 2 && exec "$@"', "-", f"{folder}/home",
            pwd.getpwuid(os.getuid()).pw_dir, *command]


def dropbear(folder, port):
    """It looks for keys in the home of the user alone."""
    program, maker = (build.installed(name, "dropbear-bin") for name in ("dropbear", "dropbearkey"))
    if os.getuid() != 0:
        raise build.Missing("dropbear wants root here, for a home of its own")
    keys = f"{folder}/home/.ssh"
    os.makedirs(keys, mode=0o700, exist_ok=True)
    shutil.copy(f"{folder}/id.pub", f"{keys}/authorized_keys")
    subprocess.run([maker, "-t", "ed25519", "-f", f"{folder}/dropbear"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return at_own_home(folder, [program, "-F", "-E", "-s", "-p", f"127.0.0.1:{port}", "-r",
                                f"{folder}/dropbear", "-P", f"{folder}/dropbear.pid"])


def prepare(folder):
    for key in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{key}"],
                       check=True)
    os.mkdir(f"{folder}/keys.of")
    shutil.copy(f"{folder}/id.pub", f"{folder}/keys.of/{pwd.getpwuid(os.getuid()).pw_name}")
    with open(f"{folder}/big", "wb") as file:
        for _ in range(MEGABYTES):
            file.write(os.urandom(1000) * 1000)
    with open(f"{folder}/config", "w", encoding="ascii") as file:
        # a shell that thinks it is within another one reads no files of its user: as with the others
        level = "SetEnv SHLVL=9\n" if os.getuid() == 0 else ""
        file.write(f"HostKey {folder}/host\nAuthorizedKeysFile {folder}/id.pub\nStrictModes no\n"
                   f"ListenAddress 127.0.0.1\nUsePAM no\nPidFile none\n{level}"
                   "MaxStartups 100\nSubsystem sftp internal-sftp\n")


def command_of(case, cipher, server):
    """(words, standard input)"""
    options = ["-q", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o",
               "UserKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
               "-o", "KexAlgorithms=curve25519-sha256", "-c", CIPHERS[cipher], "-i",
               f"{server.folder}/id"]
    user = pwd.getpwuid(os.getuid()).pw_name
    big, nothing = f"{server.folder}/big", os.devnull
    login = ["ssh", *options, "-p", str(server.port), f"{user}@127.0.0.1"]
    copy = ["scp", *options, "-P", str(server.port)]
    there = f"{user}@127.0.0.1:{server.root}"
    if case == "connect":
        return [*login, "true"], nothing
    if case == "login":
        return ["sh", "-c", f'for i in $(seq {LOGINS}); do "$@" </dev/null || exit 1; done', "-",
                "sftp", *options, "-P", str(server.port), "-b", nothing, f"{user}@127.0.0.1"], nothing
    if case == "exec":
        return [*login, f"cat {big}"], nothing
    if case == "exec_in":
        return [*login, "cat >/dev/null"], big
    if case == "get":
        return [*copy, f"{there}big", f"{server.folder}/got"], nothing
    return [*copy, big, f"{there}put"], nothing


def go(words, path):
    """Runs a client whose standard input is the file at `path`."""
    try:
        with open(path, "rb") as file:
            subprocess.run(["taskset", "-c", machine.LOAD_CORE, *words], stdin=file,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True,
                           timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError) as error:
        raise LoadFailed(str(error)) from error


def measure_once(case, cipher, server):
    """CPU time of a login in ms, or of a MB."""
    words, path = command_of(case, cipher, server)
    before = machine.tree_cpu_seconds(server.process.pid)
    go(words, path)
    time.sleep(QUIET)
    used = machine.tree_cpu_seconds(server.process.pid) - before
    return used * 1e3 / (LOGINS if case == "login" else MEGABYTES)


def commands_ms(server):
    """How long half of the commands took at most, one after the other."""
    words, path = command_of("connect", "chacha", server)
    took = []
    for _ in range(LOGINS):
        begun = time.perf_counter()
        go(words, path)
        took.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(took)


def systems_of(case, servers):
    """Dropbear is a peer of the first case alone."""
    return {name: server for name, server in servers.items() if name != "dropbear" or case == "connect"}


def metrics_of(case):
    if case == "connect":
        return {"connect_p50": "chacha"}
    return {f"{case}_cpu" if case == "login" else f"{case}_{cipher}_cpu": cipher
            for cipher in (["aes"] if case == "login" else CIPHERS)}


def unit_of(case):
    return "ms" if case in ("connect", "login") else "ms/MB"


def measure(report, case, servers, rounds):
    lock = machine.Lock()
    failed = set()
    for metric, cipher in metrics_of(case).items():
        for round_ in range(rounds):
            for system, server in systems_of(case, servers).items():
                if (metric, system) in failed:
                    continue
                report.progress(f"{metric}, round {round_ + 1} of {rounds}, {system}")
                try:
                    with lock:
                        value = commands_ms(server) if case == "connect" else \
                            measure_once(case, cipher, server)
                except LoadFailed as error:
                    failed.add((metric, system))
                    report.skip(f"{metric}: skipped {system}: {error}")
                    continue
                report.add(metric, system, round_, value, unit_of(case))
    report.done()


def table(report, case):
    report.say(f"\n{case}: {CASES[case]}")
    for metric, cipher in metrics_of(case).items():
        if not report.systems(metric):
            continue
        report.say(f"{CIPHERS[cipher]:30} {unit_of(case):>7} {'ratio':>6}")
        for name in report.systems(metric):
            ratio = report.ratio(metric, name, "sshd")
            report.say(f"  {name:28} {report.median(metric, name):7.2f} "
                       f"{'' if ratio is None else f'{ratio:.2f}':>6}")
        verdict = report.verdict(metric)
        if verdict:
            report.say(f"  {US} {metric}: {verdict}")


def run(report, options):
    rounds = options.rounds or 3
    folder = tempfile.mkdtemp(prefix="weft-ssh-bench.")
    os.chmod(folder, 0o755)  # sshd looks for keys as the user
    servers = {}
    try:
        prepare(folder)
        for system in select("system", options.only, SYSTEMS):
            try:
                server = Server(system, folder, options)
            except (build.Missing, OSError) as error:
                report.skip(f"skipped {system}: {error}")
                continue
            servers[system] = server
            if not server.is_up():
                report.skip(f"skipped {system}: it does not come up")
                servers.pop(system).stop()
        report.say(f"ssh: {rounds} rounds, server on core {machine.SERVER_CORE}, OpenSSH's client on "
                   f"core {machine.LOAD_CORE}; CPU time of the server and all it starts, or time a command takes")
        for case in select("case", options.cases, CASES) if servers else []:
            measure(report, case, servers, rounds)
            table(report, case)
            report.flush()
    finally:
        for server in servers.values():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)
