# SPDX-License-Identifier: MIT
"""Clients of weftd irc at PORT and, by WebSocket, at WEB_PORT."""

import asyncio
import base64
import select
import socket
import ssl
import sys

import websockets


class Client:
    def __init__(self, port, nick, tls=None):
        self.nick = nick
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.file = self.socket.makefile("rb")
        self.lines = []

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")

    def until(self, *texts):
        """The next line that has all of the texts."""
        while True:
            line = self.file.readline()
            if not line:
                raise SystemExit(f"{self.nick}: closed before {texts}: {self.lines[-5:]}")
            line = line.decode().rstrip("\r\n")
            self.lines.append(line)
            if line.startswith("PING "):
                self.say("PONG " + line[5:])
            if all(text in line for text in texts):
                return line

    def come_in(self):
        self.say(f"PASS sesame\r\nNICK {self.nick}\r\nUSER {self.nick} 0 * :{self.nick}")
        self.until(" 376 ")


def refused_without_password(port):
    client = Client(port, "nobody")
    client.say("NICK nobody\r\nUSER x 0 * :x")
    client.until("ERROR :Closing Link")
    assert client.file.readline() == b""


def sasl(port):
    client = Client(port, "wonder")
    client.say("PASS sesame\r\nCAP LS 302\r\nNICK wonder\r\nUSER w 0 * :w")
    assert "sasl=PLAIN" in client.until(" CAP ")
    client.say("CAP REQ :sasl account-tag\r\nAUTHENTICATE PLAIN")
    client.until("AUTHENTICATE +")
    client.say("AUTHENTICATE " + base64.b64encode(b"\0alice\0wrong").decode())
    client.until(" 904 ")
    client.say("AUTHENTICATE PLAIN\r\nAUTHENTICATE " + base64.b64encode(b"\0alice\0wonder").decode())
    client.until(" 903 ")
    client.say("CAP END")
    client.until(" 001 ")
    return client


def order(port):
    """What each says comes to every other once and in order."""
    people = [Client(port, f"p{i}") for i in range(20)]
    for person in people:
        person.come_in()
        person.say("JOIN #order")
        person.until(" 366 ")
    for i in range(10):
        for person in people:
            person.say(f"PRIVMSG #order :{person.nick} {i}")
    for person in people:
        came = {}
        for _ in range(10 * 19):
            nick, number = person.until(" PRIVMSG #order :").rsplit(":", 1)[1].split()
            came.setdefault(nick, []).append(int(number))
        assert person.nick not in came and len(came) == 19, came.keys()
        assert all(numbers == list(range(10)) for numbers in came.values()), came
    for person in people:
        person.say("QUIT :done")
        person.until("ERROR :Closing Link")


async def browser(port, tcp_port):
    uri = f"ws://127.0.0.1:{port}/"
    async with websockets.connect(uri, subprotocols=["text.ircv3.net"]) as web:
        assert web.subprotocol == "text.ircv3.net"
        for line in ("PASS sesame", "NICK browser", "USER b 0 * :b", "JOIN #web"):
            await web.send(line)
        while " 366 " not in (line := await asyncio.wait_for(web.recv(), 20)):
            assert not line.endswith("\n"), line
        other = Client(tcp_port, "other")
        other.come_in()
        other.say("JOIN #web\r\nPRIVMSG #web :hello, browser")
        while "PRIVMSG #web :hello, browser" not in await asyncio.wait_for(web.recv(), 20):
            pass
        await web.send("PRIVMSG #web :hello, socket")
        other.until("PRIVMSG #web :hello, socket")
        await by_subprotocol(uri, other, web)


async def by_subprotocol(uri, other, text):
    """What is no UTF-8 is replaced in text, and goes as it is in binary messages, which all are there."""
    async with websockets.connect(uri, subprotocols=["binary.ircv3.net"]) as binary:
        assert binary.subprotocol == "binary.ircv3.net"
        for line in (b"PASS sesame", b"NICK binary", b"USER b 0 * :b", b"JOIN #web"):
            await binary.send(line)
        while b" 366 " not in (line := await asyncio.wait_for(binary.recv(), 20)):
            assert isinstance(line, bytes), line
        other.socket.sendall(b"PRIVMSG #web :caf\xe9\r\n")
        while not (await asyncio.wait_for(text.recv(), 20)).endswith("PRIVMSG #web :caf\ufffd"):
            pass
        while not (await asyncio.wait_for(binary.recv(), 20)).endswith(b"PRIVMSG #web :caf\xe9"):
            pass


async def at_path(port, path):
    """A WebSocket at that path, and at no other."""
    root = f"ws://127.0.0.1:{port}"
    async with websockets.connect(root + path, subprotocols=["text.ircv3.net"]) as web:
        for line in ("NICK browser", "USER b 0 * :b"):
            await web.send(line)
        while " 001 " not in await asyncio.wait_for(web.recv(), 20):
            pass
    for other in {"/", "/other", "/irc", "/a:b/x/y", path + "more"} - {path}:
        try:
            async with websockets.connect(root + other):
                raise AssertionError(f"{other} is served")
        except websockets.exceptions.InvalidStatusCode as refused:
            assert refused.status_code == 404, (other, refused)


async def web_user(port, tls):
    """Comes in by a WebSocket within TLS, and is what it says of itself."""
    async with websockets.connect(f"wss://localhost:{port}", ssl=tls) as socket:
        await socket.send("NICK web")
        await socket.send("USER web 0 * :web")
        await socket.send("WHOIS web")
        lines = []
        while not any(" 318 " in line for line in lines):
            lines.append((await asyncio.wait_for(socket.recv(), 20)).rstrip())
        return lines


def secure(tls_port, port, web_port, ca):
    """Who comes within TLS is said to; who does not is not."""
    tls = ssl.create_default_context(cafile=ca)
    inside, outside = Client(tls_port, "inside", tls), Client(port, "outside")
    for client in inside, outside:
        client.say(f"NICK {client.nick}\r\nUSER a 0 * :a\r\nJOIN #tls")
        client.until(" 366 ")
    inside.say("PRIVMSG #tls :from within")
    outside.until(" PRIVMSG #tls :from within")
    outside.say("WHOIS inside\r\nPRIVMSG #tls :from without")
    outside.until(" 671 outside inside :")
    inside.until(" PRIVMSG #tls :from without")
    inside.lines.clear()
    inside.say("WHOIS outside")
    inside.until(" 318 ")
    assert not any(" 671 " in line for line in inside.lines), inside.lines
    lines = asyncio.run(web_user(web_port, tls))
    assert any(" 671 web web :" in line for line in lines), lines


def bot(port):
    """Says something to the bot on a server of somebody else's, which may not be up yet."""
    for _ in range(1000):
        try:
            client = Client(port, "asker")
            break
        except ConnectionRefusedError:
            select.select([], [], [], 0.02)
    client.say("NICK asker\r\nUSER asker 0 * :asker")
    client.until(" 001 ")
    client.say("JOIN #weft")
    names = client.until(" 353 ")
    if "echo" not in names:
        client.until(" JOIN ", "echo!")
    client.say("PRIVMSG echo :\001VERSION\001")
    client.until(" NOTICE ", "VERSION weft")
    client.say("PRIVMSG #weft :echo: good morning")
    client.until(" PRIVMSG #weft :you said good morning")


def main():
    if sys.argv[1] == "bot":
        bot(int(sys.argv[2]))
        return
    if sys.argv[1] == "path":
        asyncio.run(at_path(sys.argv[2], sys.argv[3]))
        return
    if sys.argv[1] == "secure":
        secure(*sys.argv[2:])
        return
    port, web_port = int(sys.argv[1]), int(sys.argv[2])
    refused_without_password(port)
    alice = sasl(port)
    root = Client(port, "root")
    root.come_in()
    root.say("OPER root toor\r\nWHOIS wonder")
    root.until(" 381 ")
    root.until(" 330 ", "alice")
    root.say("KILL wonder :enough")
    alice.until("ERROR :Closing Link", "Killed (root (enough))")
    order(port)
    asyncio.run(browser(web_port, port))


main()
