#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mixed load on 23_gateway: every protocol at once, each answer checked, the time of each taken.

usage: gateway.py SECONDS MAIL-FOLDER PID CERTIFICATE HTTP HTTPS SMTP IRC SSH TELNET (ports)

Prints a row a protocol: how often, median and 99th percentile in ms. Exit code 1: something was wrong, lost or
left behind.
"""
import asyncio
import os
import ssl
import sys
import threading
import time

import paramiko
import websockets

SECONDS = float(sys.argv[1])
MAIL, PID, CERTIFICATE = sys.argv[2], int(sys.argv[3]), sys.argv[4]
HTTP, HTTPS, SMTP, IRC, SSH, TELNET = map(int, sys.argv[5:11])
HOST = "127.0.0.1"
IRC_USERS = 8
took = {}
wrong = []


def over():
    return time.monotonic() >= DEADLINE


def note(name, since):
    took.setdefault(name, []).append(time.monotonic() - since)


def fault(name, what):
    wrong.append(f"{name}: {what}")


async def get(reader, writer):
    writer.write(b"GET /hello HTTP/1.1\r\nHost: gateway\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(6)
    if b" 200 " not in head or body != b"hello\n":
        fault("http", head[:80])


async def web(name, port, tls):
    """Requests one after the other; now and then on a new connection."""
    while not over():
        reader, writer = await asyncio.open_connection(HOST, port, ssl=tls)
        for _ in range(100):
            if over():
                break
            since = time.monotonic()
            await get(reader, writer)
            note(name, since)
            await asyncio.sleep(0.002)
        writer.close()


async def sockets(name, url, tls):
    while not over():
        async with websockets.connect(url, ssl=tls) as socket:
            for i in range(200):
                if over():
                    break
                said = f"{name} {i} " + "x" * (i * 7 % 900)
                since = time.monotonic()
                await socket.send(said)
                if await socket.recv() != said:
                    fault(name, "another message came back")
                note(name, since)
                await asyncio.sleep(0.003)


async def mail(sent):
    async def say(reader, writer, line, code):
        writer.write(line)
        answer = await reader.readline()
        while answer[3:4] == b"-":
            answer = await reader.readline()
        if not answer.startswith(code):
            fault("smtp", answer)

    while not over():
        reader, writer = await asyncio.open_connection(HOST, SMTP)
        await say(reader, writer, b"", b"220")
        await say(reader, writer, b"EHLO load\r\n", b"250")
        for i in range(20):
            if over():
                break
            since = time.monotonic()
            await say(reader, writer, b"MAIL FROM:<a@example.net>\r\n", b"250")
            await say(reader, writer, b"RCPT TO:<b@example.org>\r\n", b"250")
            await say(reader, writer, b"DATA\r\n", b"354")
            await say(reader, writer, b"Subject: x\r\n\r\n" + b"text\r\n" * (i * 50) + b".\r\n", b"250")
            sent.append(1)
            note("smtp", since)
            await asyncio.sleep(0.02)
        await say(reader, writer, b"QUIT\r\n", b"221")
        writer.close()


async def irc():
    """Everybody hears what the first says."""
    users = []
    for i in range(IRC_USERS):
        reader, writer = await asyncio.open_connection(HOST, IRC)
        writer.write(b"NICK u%d\r\nUSER u%d 0 * :u\r\nJOIN #all\r\n" % (i, i))
        while b" 366 " not in await reader.readline():
            pass
        users.append((reader, writer))

    async def hear(reader, writer, text):
        while True:
            line = await reader.readline()
            if not line:
                raise EOFError("irc: a connection ended")
            if b"PING" in line.split(b" ")[:2]:
                writer.write(b"PONG :gateway\r\n")
            elif b"PRIVMSG" in line:
                if not line.endswith(text):
                    fault("irc", line)
                return

    number = 0
    while not over():
        text = b":line %d\r\n" % number
        number += 1
        since = time.monotonic()
        users[0][1].write(b"PRIVMSG #all " + text)
        await asyncio.gather(*(hear(r, w, text) for r, w in users[1:]))
        note("irc", since)
        await asyncio.sleep(0.005)
    for _, writer in users:
        writer.write(b"QUIT\r\n")
        writer.close()


async def telnet():
    """An operator that looks at what runs."""
    reader, writer = await asyncio.open_connection(HOST, TELNET)
    for asked, said in ((b"login: ", b"ann\r\n"), (b"password: ", b"secret\r\n")):
        await reader.readuntil(asked)
        writer.write(said)
    await reader.readuntil(b"weft> ")
    while not over():
        since = time.monotonic()
        writer.write(b"names\r\n")
        answer = await asyncio.wait_for(reader.readuntil(b"irc"), 30)
        answer += await asyncio.wait_for(reader.readuntil(b"weft> "), 30)
        if b"error" in answer:
            fault("telnet", answer)
        note("telnet", since)
        await asyncio.sleep(0.02)
    writer.close()


def ssh():
    """A command whose input comes back; logins now and then."""
    while not over():
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        since = time.monotonic()
        client.connect(HOST, SSH, "ann", "secret", look_for_keys=False, allow_agent=False)
        note("ssh login", since)
        for i in range(30):
            if over():
                break
            said = b"%d " % i * 1000
            since = time.monotonic()
            stdin, stdout, _ = client.exec_command("echo")
            stdin.write(said)
            stdin.channel.shutdown_write()
            if stdout.read() != said:
                fault("ssh", "something else came back")
            note("ssh", since)
            time.sleep(0.02)
        client.close()


def guarded(call):
    try:
        call()
    except Exception as error:  # whatever it was, the run has failed
        fault(call.__name__, repr(error))


def memory():
    with open(f"/proc/{PID}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def descriptors():
    return len(os.listdir(f"/proc/{PID}/fd"))


async def load():
    tls = ssl.create_default_context(cafile=CERTIFICATE)
    tls.check_hostname = False
    sent = []
    await asyncio.gather(
        *(web("http", HTTP, None) for _ in range(8)), *(web("https", HTTPS, tls) for _ in range(4)),
        *(sockets("ws", f"ws://{HOST}:{HTTP}/echo", None) for _ in range(4)),
        *(sockets("wss", f"wss://{HOST}:{HTTPS}/echo", tls) for _ in range(2)),
        mail(sent), mail(sent), irc(), telnet())
    return len(sent)


def run(seconds):
    """How many letters were taken."""
    global DEADLINE
    DEADLINE = time.monotonic() + seconds
    shells = [threading.Thread(target=guarded, args=(ssh,)) for _ in range(2)]
    for shell in shells:
        shell.start()
    sent = asyncio.run(load())
    for shell in shells:
        shell.join()
    return sent


def settled(most):
    """Connections that were closed last may still be on their way out."""
    until = time.monotonic() + 20
    while descriptors() > most and time.monotonic() < until:
        time.sleep(0.1)
    return descriptors()


def main():
    # the threads of the blocking pool come with the first work for it, and bring two descriptors each
    fds = descriptors() + 4
    sent = run(1)
    fds = settled(fds)
    took.clear()
    middle = []
    timer = threading.Timer(SECONDS / 2, lambda: middle.append(memory()))
    timer.start()
    sent += run(SECONDS)
    end = memory()
    print(f"{'':10} {'operations':>10} {'median':>9} {'p99':>9} ms")
    for name, times in sorted(took.items()):
        times.sort()
        median, p99 = times[len(times) // 2] * 1e3, times[len(times) * 99 // 100] * 1e3
        print(f"{name:10} {len(times):10} {median:9.2f} {p99:9.2f}")
    found = len(os.listdir(os.path.join(MAIL, "new")))
    print(f"mail: {sent} sent, {found} found; memory: {middle[0]} KiB in the middle, {end} KiB at the end")
    if found != sent:
        fault("smtp", f"{sent} were taken, {found} are there")
    if len(took) != 9:
        fault("load", f"only {sorted(took)} ran")
    if settled(fds) > fds:
        fault("descriptors", f"{fds} before, {descriptors()} after")
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
