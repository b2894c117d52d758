# SPDX-License-Identifier: MIT
"""The servers that are compared: how each is started, on a free port and on a core of its own."""
import os
import shlex
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass

from kit import build, machine
from kit.report import US

# One row a server. {port} is a free one, {run} a scratch folder, {www} the files to serve, {certificates} those to
# show, {nobody} the option -u that some want of root, {weft} weft's build; `configuration` names a template, and what
# is made of it becomes {configuration}.
#
# An HTTP server answers GET /hello with 200 and "hello", and the files of {www} by their names.


@dataclass(frozen=True)
class Row:
    name: str
    command: str
    cases: tuple = ()  # empty: all
    configuration: str = ""
    package: str = ""  # of a program that the system brings
    datagrams: bool = False  # it is up when it gives one back, not when one can connect
    behind: bool = False  # nginx is at {back}, on the load's core
    how: str = "plain"  # what is spoken, for a load that speaks several: {how} of a case
    filled: str = ""  # a folder in {run} that it fills, and that goes when it stops


PLAIN = {
    "raw epoll": Row("raw epoll", "echo_epoll {port}"),
    "raw libev": Row("raw libev", "echo_ev {port}"),
    "libuv": Row("libuv", "echo_uv {port}"),
    "probe": Row("probe", "probe echo {port}"),
    US: Row(US, "{weft}/weftd echo --listen tcp://127.0.0.1:{port}"),
}
UDP = {
    "raw recvmmsg": Row("raw recvmmsg", "udp_floor {port}", datagrams=True),
    "libuv": Row("libuv", "udp_uv {port}", datagrams=True),
    "weft, plain": Row("weft, plain", "{weft}/weftd echo --listen udp://127.0.0.1:{port}",
                       datagrams=True),
    US: Row(US, "{weft}/weftd echo --listen udp://127.0.0.1:{port}?merge", datagrams=True),
}
HTTP = {
    "floor": Row("floor", "http_epoll {port}", cases=("hello", "pipe16")),
    "nginx": Row("nginx", "nginx -p {run} -e {run}/nginx.err -c {configuration}",
                 configuration="nginx.conf", package="nginx-light"),
    "h2o": Row("h2o", "h2o -c {configuration}", configuration="h2o.conf", package="h2o"),
    US: Row(US, "{weft}/tests/bench/bench_site {www} http://127.0.0.1:{port}"),
}
# The same over TLS: with an ECDSA certificate at {port}, with an RSA one at {back}.
WITHOUT_FILES = ("ecdsa", "rsa", "resume", "hello", "idle")
TLS = {
    "floor": Row("floor", "tls_floor {port} {back} {certificates}", cases=WITHOUT_FILES),
    "nginx": Row("nginx", "nginx -p {run} -e {run}/nginx_tls.err -c {configuration}",
                 configuration="nginx_tls.conf", package="nginx-light"),
    "h2o": Row("h2o", "h2o -c {configuration}", configuration="h2o_tls.conf", package="h2o"),
    "haproxy": Row("haproxy", "haproxy -db -f {configuration}", configuration="haproxy_tls.cfg",
                   package="haproxy", cases=WITHOUT_FILES),
    US: Row(US, "{weft}/tests/bench/bench_site {www} "
            "https://127.0.0.1:{port}?cert={certificates}/ecdsa.pem "
            "https://127.0.0.1:{back}?cert={certificates}/rsa.pem"),
}
# "splice" is haproxy too, with splice(2) where it finds that to pay.
# A forwarder joins each connection with one of its own to {back}, where the load listens too.
FORWARD = {
    "haproxy": Row("haproxy", "haproxy -db -f {configuration}", configuration="haproxy.cfg",
                   package="haproxy"),
    "splice": Row("splice", "haproxy -db -f {configuration}", configuration="haproxy_splice.cfg",
                  package="haproxy"),
    US: Row(US, "{weft}/weftd forward tcp://127.0.0.1:{port} tcp://127.0.0.1:{back}"),
}
# A proxy passes on to nginx at {back}, which has the files; nginx's time is not the proxy's.
PROXY = {
    "haproxy": Row("haproxy", "haproxy -db -f {configuration}", configuration="haproxy_http.cfg",
                   package="haproxy", behind=True),
    US: Row(US, "{weft}/weftd web --threads 1 --log-level error --listen http://127.0.0.1:{port} "
            "--proxy /=http://127.0.0.1:{back}", behind=True),
}

# Each says back what it is sent: as bytes, or as messages of a WebSocket.
SOCKETS = {
    "tcp": Row("tcp", PLAIN[US].command),
    "raw epoll": PLAIN["raw epoll"],
    US: Row(US, "{weft}/tests/bench/bench_socket {port}", how="websocket"),
}
# Each takes all mail and throws it away, but for "maildir", which is safe on the disk when it answers.
MAIL = {
    "smtp-sink": Row("smtp-sink", "smtp-sink {nobody} 127.0.0.1:{port} 4096", package="postfix"),
    "aiosmtpd": Row("aiosmtpd", "aiosmtpd -n -c aiosmtpd.handlers.Sink -l 127.0.0.1:{port}",
                    package="python3-aiosmtpd"),
    "maildir": Row("maildir", "{weft}/tests/bench/bench_mail {port} {run}/maildir", filled="maildir"),
    US: Row(US, "{weft}/tests/bench/bench_mail {port}"),
}
# Nobody is held back for speaking much.
CHAT = {
    "ngircd": Row("ngircd", "ngircd -n -f {configuration}", configuration="ngircd.conf",
                  package="ngircd"),
    "inspircd": Row("inspircd", "inspircd --runasroot --nofork --config {configuration}",
                    configuration="inspircd.conf", package="inspircd"),
    US: Row(US, "{weft}/weftd irc --threads 1 --log-level error --listen tcp://127.0.0.1:{port} "
            "--flood-line off"),
}

FILES = {"1k.bin": 1 << 10, "100k.bin": 100 << 10, "10m.bin": 10 << 20}


class Failed(Exception):
    """A server that did not come up."""


def folder(options, name):
    path = os.path.join(options.out, name)
    os.makedirs(path, exist_ok=True)
    return path


def make_files(options):
    """The folder that is served."""
    www = folder(options, "www")
    with open(os.path.join(www, "hello"), "w", encoding="ascii") as file:
        file.write("hello")
    for name, size in FILES.items():
        path = os.path.join(www, name)
        if not os.path.exists(path) or os.path.getsize(path) != size:
            with open(path, "wb") as file:
                file.write(os.urandom(size))
    return www


KEYS = {"ecdsa": ("ec", "ec_paramgen_curve:P-256"), "rsa": ("rsa", "rsa_keygen_bits:2048")}


def make_certificates(options):
    """The folder of NAME.pem: a certificate and its key."""
    where = folder(options, "certificates")
    openssl = build.installed("openssl", "openssl")
    for name, (kind, how) in KEYS.items():
        path = os.path.join(where, f"{name}.pem")
        if os.path.exists(path):
            continue
        parts = [f"{path}.certificate", f"{path}.key"]
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", kind, "-pkeyopt", how, "-nodes", "-days", "3650",
             "-subj", "/CN=localhost", "-out", parts[0], "-keyout", parts[1]],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        with open(f"{path}.new", "wb") as whole:
            for part in parts:
                with open(part, "rb") as file:
                    whole.write(file.read())
        os.replace(f"{path}.new", path)
    return where


class Server:
    """A server that runs from start() to stop()."""

    def __init__(self, row, options, core=machine.SERVER_CORE, place="run"):
        self.row, self.options, self.core, self.place = row, options, core, place
        self.behind = (Server(HTTP["nginx"], options, machine.LOAD_CORE, f"behind_{row.name}")
                       if row.behind else None)
        self.name, self.process, self.port, self.back = row.name, None, None, None

    def find(self, arguments):
        """Replaces the program's name by its path; raises Missing."""
        program = arguments[0]
        if os.path.isabs(program):
            arguments[0] = build.ours(program)
        elif self.row.package:
            arguments[0] = build.installed(program, self.row.package)
        else:
            arguments[0] = build.peer(program, self.options.out)
        return arguments

    def configure(self, places):
        """Fills the template of the configuration in."""
        with open(os.path.join(build.PEERS, "servers/conf", self.row.configuration),
                  encoding="utf-8") as file:
            text = file.read()
        root = os.geteuid() == 0
        files = machine.files_max()
        for mark, value in {
                "@PORT@": self.port, "@BACK@": self.back, "@RUN@": places["run"],
                "@WWW@": places["www"], "@CERTIFICATES@": places["certificates"], "@FILES@": files,
                "@CONNECTIONS@": min(19000, files - 100),
                "@USER_NGINX@": "user root;" if root else "",
                "@USER_NGIRCD@": "ServerUID = root\nServerGID = root" if root else "",
                "@USER_H2O@": "user: root" if root else ""}.items():
            text = text.replace(mark, str(value))
        path = os.path.join(places["run"], self.row.configuration)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self):
        run, www = folder(self.options, self.place), make_files(self.options)
        if self.behind:
            self.behind.start()
        self.port = machine.free_port()
        self.back = self.behind.port if self.behind else machine.free_port()
        places = {"port": self.port, "back": self.back, "run": run, "www": www,
                  "certificates": make_certificates(self.options),
                  "nobody": "-unobody" if os.geteuid() == 0 else "",
                  "weft": os.path.abspath(self.options.build)}
        if self.row.configuration:
            places["configuration"] = self.configure(places)
        parts = [part.format(**places) for part in shlex.split(self.row.command)]
        command = self.find([part for part in parts if part])
        path = os.path.join(run, self.name.replace(" ", "_") + ".log")
        with open(path, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", self.core, *command], cwd=run, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        machine.favour(self.process.pid)
        is_up = machine.answering if self.row.datagrams else machine.listening
        machine.wait_until(lambda: is_up(self.port) or self.process.poll() is not None, 10)
        if self.process.poll() is not None or not is_up(self.port):
            self.stop()
            with open(path, encoding="utf-8", errors="replace") as log:
                last = (log.read().strip().splitlines() or ["it said nothing"])[-1]
            raise Failed(f"it did not come up: {last}")

    def stop(self):
        if self.behind:
            self.behind.stop()
        if not self.process:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(3)
                break
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                pass
        self.process.poll()
        self.process = None
        if self.row.filled:
            shutil.rmtree(os.path.join(folder(self.options, self.place), self.row.filled),
                          ignore_errors=True)


def start_all(servers, report):
    """Those that came up; the others are said to be skipped."""
    up = []
    for server in servers:
        try:
            server.start()
            up.append(server)
        except (build.Missing, Failed) as error:
            report.skip(f"skipped {server.name}: {error}")
    time.sleep(0.2)
    return up
