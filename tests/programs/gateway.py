#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mixed load on 23_gateway by the clients people use: every protocol at once, each answer checked, the time of each taken.

usage: gateway.py SECONDS MAIL-FOLDER PID CERTIFICATE HTTP HTTPS SMTP IRC SSH TELNET (ports)

Runs curl, python3-websockets, smtp-source and swaks, ii and irssi, ssh and paramiko, and telnet. Times are curl's own
for HTTP and SMTP, those of a whole run for ssh and swaks, and for the others from what is typed or sent to what is
shown or received. Prints a row for each: how often, median and 99th percentile in ms. Exit code 1: something was
wrong, lost or left behind.
"""
import asyncio
import fcntl
import os
import pty
import shlex
import ssl
import struct
import sys
import termios
import threading
import time

import paramiko
import websockets

SECONDS = float(sys.argv[1])
MAIL, PID, CERTIFICATE = sys.argv[2], int(sys.argv[3]), sys.argv[4]
HTTP, HTTPS, SMTP, IRC, SSH, TELNET = map(int, sys.argv[5:11])
HOST = "127.0.0.1"
II_USERS = 6
LIMIT_S = 60  # for what a client does at once
MEMORY_MORE_KIB = 2048  # from the middle to the end; of builds that keep what is freed nothing is said
LETTERS = [200, 4000, 60000]
took = {}
wrong = []
count = {"letters": 0, "lines": 0}


def over(name):
    """Whether the time is; each does something at least once, however long it took to begin."""
    return time.monotonic() >= DEADLINE and name in took


def note(name, seconds):
    took.setdefault(name, []).append(seconds)


def fault(name, what):
    wrong.append(f"{name}: {what}")


async def command(name, line, given=None, env=None, code=0):
    """What the command writes, and what it says; it must end with that code."""
    pipe = asyncio.subprocess.PIPE
    one = await asyncio.create_subprocess_exec(*shlex.split(line), stdin=pipe, stdout=pipe, stderr=pipe, env=env)
    written, said = await asyncio.wait_for(one.communicate(given), LIMIT_S)
    if one.returncode != code:
        fault(name, f"exit code {one.returncode}: {said[-200:]!r}")
    return written, said


async def web(name, url, options):
    """curl: a hundred requests over one connection, a hundred in a second."""
    while not over(name):
        body, said = await command(name, f"curl -sS --rate 100/s -w '%{{stderr}}%{{http_code}} %{{time_total}}\\n' "
                                         f"{options} '{url}?[1-100]'")
        answers = [line.split() for line in said.decode().splitlines()]
        if body != b"hello\n" * 100 or len(answers) != 100:
            fault(name, f"{len(answers)} answers, {len(body)} bytes")
        for status, seconds in answers:
            if status != "200":
                fault(name, status)
            note(name, float(seconds))


async def sockets(name, url, tls):
    """python3-websockets: messages of all sizes come back."""
    while not over(name):
        async with websockets.connect(url, ssl=tls) as socket:
            for i in range(200):
                if over(name):
                    break
                said = f"{name} {i} " + "x" * (i * 7 % 900)
                since = time.monotonic()
                await socket.send(said)
                if await socket.recv() != said:
                    fault(name, "another message came back")
                note(name, time.monotonic() - since)
                await asyncio.sleep(0.005)


async def mail():
    """curl: letters of several sizes over one connection."""
    for size in LETTERS:
        with open(f"letter-{size}", "w", encoding="ascii", newline="") as letter:
            letter.write("Subject: x\r\n\r\n" + "some text\r\n" * (size // 11))
    files = ",".join(f"letter-{size}" for size in LETTERS)
    while not over("smtp"):
        _, said = await command("smtp", f"curl -sS --rate 30/s -w '%{{stderr}}%{{http_code}} %{{time_total}}\\n' "
                                        f"--mail-from a@example.net --mail-rcpt b@example.org "
                                        f"-T '{{{files},{files},{files}}}' smtp://{HOST}:{SMTP}")
        answers = [line.split() for line in said.decode().splitlines()]
        if [status for status, _ in answers] != ["250"] * 3 * len(LETTERS):
            fault("smtp", said)
        for _, seconds in answers:
            note("smtp", float(seconds))
        count["letters"] += len(answers)
        await asyncio.sleep(0.1)


async def mail_in_bulk():
    """postfix's smtp-source, and swaks now and then."""
    number = 0
    while not over("swaks"):
        since = time.monotonic()
        await command("smtp-source", f"smtp-source -s 2 -m 20 -l 8192 -f a@example.net -t b@example.org {HOST}:{SMTP}")
        note("smtp-source", (time.monotonic() - since) / 20)
        count["letters"] += 20
        if number % 10 == 0:
            since = time.monotonic()
            await command("swaks", f"swaks --server {HOST}:{SMTP} --from a@example.net --to b@example.org")
            note("swaks", time.monotonic() - since)
            count["letters"] += 1
        number += 1
        await asyncio.sleep(0.5)


class Terminal:
    """A program at a terminal."""

    async def start(self, program, *arguments, env=None):
        hand, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = await asyncio.create_subprocess_exec(
            program, *arguments, stdin=its, stdout=its, stderr=its, start_new_session=True,
            env={**os.environ, "TERM": "xterm", **(env or {})})
        os.close(its)
        self.hand = hand
        self.shown = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self.shown), open(os.dup(hand), "rb", 0))
        return self

    def type(self, keys):
        os.write(self.hand, keys)

    async def until(self, text):
        return await asyncio.wait_for(self.shown.readuntil(text), LIMIT_S)

    async def away(self):
        """Shows what else it will until it has ended."""
        while True:
            try:
                if not await self.shown.read(65536):
                    break
            except OSError:  # how a terminal says that nobody has it open
                break
        await asyncio.wait_for(self.process.wait(), LIMIT_S)
        os.close(self.hand)


async def comes(what, there):
    until = time.monotonic() + LIMIT_S
    while not there():
        if time.monotonic() > until:
            raise TimeoutError(f"waited in vain for {what}")
        await asyncio.sleep(0.02)


class Ii:
    """ii, whose files for the channel are pipes on both sides: what it shows is read as it comes."""

    async def start(self, nick, folder):
        self.folder = os.path.join(folder, HOST)
        room = os.path.join(self.folder, "#all")
        os.makedirs(room)
        os.mkfifo(os.path.join(room, "out"))
        out = os.open(os.path.join(room, "out"), os.O_RDWR | os.O_NONBLOCK)
        self.shown = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(self.shown), open(out, "rb", 0))
        self.process = await asyncio.create_subprocess_exec(
            "ii", "-s", HOST, "-p", str(IRC), "-n", nick, "-i", folder, stdout=asyncio.subprocess.DEVNULL)
        await comes("ii's pipe", lambda: os.path.exists(os.path.join(self.folder, "in")))
        self.server = open(os.path.join(self.folder, "in"), "wb", 0)
        self.server.write(b"/j #all\n")
        await comes("ii's channel", lambda: os.path.exists(os.path.join(room, "in")))
        # kept open: ii opens a pipe again that everybody has closed, and what is written meanwhile is lost
        self.room = open(os.path.join(room, "in"), "wb", 0)
        return self

    async def shows(self, text):
        """The next line with that text."""
        while True:
            line = await asyncio.wait_for(self.shown.readline(), LIMIT_S)
            if text in line:
                return line

    async def quit(self):
        self.server.write(b"/q\n")
        await asyncio.wait_for(self.process.wait(), LIMIT_S)
        self.server.close()
        self.room.close()


IRSSI = """
servers = ( {{ address = "{host}"; chatnet = "weft"; port = "{port}"; autoconnect = "yes"; }} );
chatnets = {{ weft = {{ type = "IRC"; nick = "irssi"; }}; }};
channels = ( {{ name = "#all"; chatnet = "weft"; autojoin = "yes"; }} );
settings = {{
  core = {{ real_name = "irssi"; user_name = "irssi"; nick = "irssi"; }};
  "irc/core" = {{ cmd_queue_speed = "10msec"; }};
  "fe-common/core" = {{ autolog = "yes"; autolog_path = "{log}"; }};
}};
"""


async def browser(heard):
    """A user whose lines are messages of a WebSocket, until the server has said goodbye."""
    async with websockets.connect(f"ws://{HOST}:{HTTP}/chat", subprotocols=["text.ircv3.net"]) as socket:
        for line in "NICK browser", "USER browser 0 * :browser", "JOIN #all":
            await socket.send(line)
        async for line in socket:
            if line.startswith("PING :"):
                await socket.send("PONG :" + line[6:].strip())
            elif " PRIVMSG #all :" in line:
                heard.append(line.split(" :", 1)[1].strip())
                if heard[-1] == "over":
                    return


async def irc(run):
    """Everybody hears what the first says: ii at once, a WebSocket, and irssi by what it has logged in the end."""
    home = os.path.abspath(f"irc-{run}")
    os.mkdir(home)
    log = os.path.join(home, "log")
    with open(os.path.join(home, "config"), "w", encoding="ascii") as config:
        config.write(IRSSI.format(host=HOST, port=IRC, log=log))
    users = [await Ii().start(f"u{i}", os.path.join(home, f"u{i}")) for i in range(II_USERS)]
    irssi = await Terminal().start("irssi", f"--home={home}")
    reading = asyncio.create_task(irssi.away())
    await users[0].shows(b"irssi(")
    by_socket = []
    listening = asyncio.create_task(browser(by_socket))
    await users[0].shows(b"browser(")
    number = 0
    while not over("irc"):
        text = f"line {number}"
        since = time.monotonic()
        users[0].room.write(text.encode() + b"\n")
        heard = await asyncio.gather(*(user.shows(b"<u0>") for user in users), return_exceptions=True)
        if any(not isinstance(line, bytes) or not line.endswith(f"<u0> {text}\n".encode()) for line in heard):
            fault("irc", f"{text} was heard as {heard}")
            break
        note("irc", time.monotonic() - since)
        number += 1
        await asyncio.sleep(0.01)
    count["lines"] += number
    users[0].room.write(b"over\n")
    await asyncio.wait_for(listening, LIMIT_S)
    for user in users:
        await user.quit()
    irssi.type(b"/quit\r")
    await reading
    with open(log, encoding="utf-8") as lines:
        heard = [line.split("> ", 1)[1].strip() for line in lines if "u0> " in line]
    for name, heard in ("irssi", heard), ("browser", by_socket):
        if heard != [f"line {i}" for i in range(number)] + ["over"]:
            fault(name, f"{number} lines were said, {len(heard)} heard, the last of them {heard[-1:]}")


async def telnet():
    """An operator at telnet who looks at what runs."""
    one = await Terminal().start("telnet", HOST, str(TELNET))
    asked, shown = {b"login: ": b"ann\r", b"password: ": b"secret\r"}, b""
    while b"weft> " not in shown:
        shown += await asyncio.wait_for(one.shown.read(4096), LIMIT_S)
        for prompt in [prompt for prompt in asked if prompt in shown]:
            one.type(asked.pop(prompt))
    while not over("telnet"):
        since = time.monotonic()
        one.type(b"names\r")
        answer = await one.until(b"irc") + await one.until(b"weft> ")
        if b"error" in answer:
            fault("telnet", answer)
        note("telnet", time.monotonic() - since)
        await asyncio.sleep(0.02)
    one.type(b"quit\r")
    await one.away()


async def logins():
    """OpenSSH: a connection, a password, a command whose input comes back, and which says no code (255, that is)."""
    with open("askpass", "w", encoding="ascii") as ask:
        ask.write("#!/bin/sh\necho secret\n")
    os.chmod("askpass", 0o755)
    env = {**os.environ, "SSH_ASKPASS": os.path.abspath("askpass"), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"}
    number = 0
    while not over("ssh"):
        said = b"%d " % number * 5000
        since = time.monotonic()
        back, _ = await command("ssh", f"ssh -F none -p {SSH} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
                                       f"-o LogLevel=ERROR -o PreferredAuthentications=password ann@{HOST} echo",
                                said, env, 255)
        if back != said:
            fault("ssh", f"{len(said)} bytes went, {len(back)} came back")
        note("ssh", time.monotonic() - since)
        number += 1
        await asyncio.sleep(0.1)


def commands():
    """paramiko: commands over a connection that stays."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(HOST, SSH, "ann", "secret", look_for_keys=False, allow_agent=False)
    number = 0
    while not over("paramiko"):
        said = b"%d " % number * 1000
        since = time.monotonic()
        stdin, stdout, _ = client.exec_command("echo")
        stdin.write(said)
        stdin.channel.shutdown_write()
        if stdout.read() != said:
            fault("paramiko", "something else came back")
        note("paramiko", time.monotonic() - since)
        number += 1
        time.sleep(0.02)
    client.close()


def memory():
    with open(f"/proc/{PID}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def descriptors():
    return len(os.listdir(f"/proc/{PID}/fd"))


def sanitized():
    with open(f"/proc/{PID}/maps", encoding="utf-8") as maps:
        return "libasan" in maps.read()


async def guarded(call):
    try:
        await call
    except Exception as error:  # whatever it was, the run has failed; the others go on
        fault(call.__name__, repr(error))


async def everything(run):
    tls = ssl.create_default_context(cafile=CERTIFICATE)
    tls.check_hostname = False
    http, https = f"http://{HOST}:{HTTP}/hello", f"https://{HOST}:{HTTPS}/hello"
    await asyncio.gather(*map(guarded, [
        *(web("http", http, "") for _ in range(3)), *(web("https", https, f"--cacert {CERTIFICATE}") for _ in range(2)),
        *(sockets("ws", f"ws://{HOST}:{HTTP}/echo", None) for _ in range(4)),
        *(sockets("wss", f"wss://{HOST}:{HTTPS}/echo", tls) for _ in range(2)),
        mail(), mail_in_bulk(), irc(run), telnet(), logins(), asyncio.to_thread(commands)]))


def load(run, seconds):
    global DEADLINE
    DEADLINE = time.monotonic() + seconds
    asyncio.run(everything(run))


def settled(most):
    """Connections that were closed last may still be on their way out."""
    until = time.monotonic() + 20
    while descriptors() > most and time.monotonic() < until:
        time.sleep(0.1)
    return descriptors()


def main():
    # the threads of the blocking pool come with the first work for it, and bring two descriptors each
    idle, empty = memory(), descriptors()
    load("warm", 1)
    fds = settled(empty + 4)
    took.clear()
    kib = [memory()]
    timer = threading.Timer(SECONDS / 2, lambda: kib.append(memory()))
    timer.start()
    load("long", SECONDS)
    kib.append(memory())
    left = settled(fds)
    kib.append(memory())
    print(f"{'':12} {'operations':>10} {'median':>9} {'p99':>9} ms")
    for name, times in sorted(took.items()):
        times.sort()
        median, p99 = times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3
        print(f"{name:12} {len(times):10} {median:9.2f} {p99:9.2f}")
    found = len(os.listdir(os.path.join(MAIL, "new")))
    print(f"letters: {count['letters']} taken, {found} there; lines of chat: {count['lines']}, each heard by all")
    print(f"KiB: {idle} idle, {kib[0]} warm, {kib[1]} in the middle, {kib[2]} at the end, {kib[3]} behind it; "
          f"descriptors: {empty} idle, {fds} warm, {left} behind it")
    if found != count["letters"]:
        fault("smtp", f"{count['letters']} letters were taken, {found} are there")
    if len(took) != 11:
        fault("load", f"only {sorted(took)} ran")
    if left > fds:
        fault("descriptors", f"{fds} before, {left} after")
    if not sanitized() and kib[2] > kib[1] + MEMORY_MORE_KIB:
        fault("memory", f"{kib[1]} KiB in the middle, {kib[2]} at the end")
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
