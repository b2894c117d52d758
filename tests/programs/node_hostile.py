# Strangers, and a member, that mean harm to the node edge-1 (node_honest.c), which must send each of them away for the
# reason that it has, or hear no more of it; one wave of them.
# usage: node_hostile.py PORT SEED [FOLDER]     FOLDER: of certificates; what listens speaks TLS
import concurrent.futures
import random
import socket
import ssl
import struct
import sys
import threading
import time

port, seed = int(sys.argv[1]), int(sys.argv[2])
folder = sys.argv[3] if len(sys.argv) > 3 else None
dice = random.Random(seed)
HELLO, MAIL, CHUNK, ATOMS, CREDIT, PING, PONG, BYE = range(1, 9)
LIMIT_S = 30
GATES_MAX = 64


class Wrong(Exception):
    pass


# ---- what is said


def frame(kind, seq, body=b"", length=None):
    return struct.pack("<IBBHQ", len(body) if length is None else length, kind, 0, 0, seq) + body


def varint(n):
    out = b""
    while n > 0x7f:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


def text(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def hello(node, life, version=1, cluster=b"", attempt=1):
    return (varint(1 << 3) + varint(version) + text(2, node) + varint(3 << 3 | 1) + struct.pack("<Q", life)
            + text(4, cluster) + varint(5 << 3) + varint(262144) + varint(6 << 3) + varint(4 << 20)
            + varint(7 << 3) + varint(7) + varint(8 << 3) + varint(attempt))


def record(op, length=None, type=0, dst=0, src=0, req=0, flags=0, code=0, payload=b""):
    length = 32 + len(payload) if length is None else length
    whole = struct.pack("<IIQQIBBH", length, type, dst, src, req, op, flags, code) + payload
    return whole + bytes(-len(whole) % 8)


visit = frame(HELLO, 1, varint(1 << 3) + varint(1))


# ---- to whom: on a stream of NNG bytes go in pieces, each behind its length, with marks between them

END, SEEN = struct.pack("<I", 0), struct.pack("<I", 0xffffffff)
PIECE_MAX = 65536


class Plain:
    """A connection as far as bytes of frames may be sent. What it hears of its end is that of its bytes."""

    def __init__(self, network=1, host=1 + seed % 200):
        self.s = socket.socket()
        self.s.settimeout(LIMIT_S)
        # another address than the honest node has: of each only so many are heard at a time
        self.s.bind((f"127.0.{network}.{host}", 0))
        self.s.connect(("127.0.0.1", port))
        self.left = 0
        self.over = False

    def raw(self, data):
        try:
            self.s.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            pass  # it has heard enough

    def send(self, data):
        self.raw(b"".join(struct.pack("<I", len(data[i:i + PIECE_MAX])) + data[i:i + PIECE_MAX]
                          for i in range(0, len(data), PIECE_MAX)))

    def exactly(self, n):
        got = b""
        try:
            while len(got) < n and (piece := self.s.recv(n - len(got))):
                got += piece
        except ConnectionResetError:
            pass
        return got

    def recv(self):
        """Bytes; none: the other side has ended, or the connection is over."""
        while not self.over and self.left == 0:
            head = self.exactly(4)
            if head == END:
                self.raw(SEEN)
            self.over = len(head) < 4 or head == END
            self.left = 0 if self.over or head == SEEN else struct.unpack("<I", head)[0]
        if self.over:
            return b""
        got = self.exactly(min(self.left, PIECE_MAX))
        self.left -= len(got)
        self.over = got == b""
        return got

    def rest(self):
        """What comes until the other side has closed; that it does is the point."""
        got = b""
        while piece := self.recv():
            got += piece
        while Plain.recv(self):
            pass  # behind the end of TLS
        while self.exactly(4096):
            pass
        return got

    def close(self):
        self.s.close()

    def reset(self):
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.s.close()


def context(certificate, authority="ca"):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.load_verify_locations(f"{folder}/{authority}.pem")
    if certificate is not None:
        c.load_cert_chain(f"{folder}/{certificate}.pem")
    return c


class Tls(Plain):
    """The same with TLS between."""

    def __init__(self, certificate, authority="ca"):
        super().__init__()
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context(certificate, authority).wrap_bio(self.into, self.out, server_hostname="edge-1")
        self.pump(self.tls.do_handshake)

    def pump(self, what, *rest):
        while True:
            try:
                return what(*rest)
            except ssl.SSLWantReadError:
                super().send(self.out.read())
                got = super().recv()
                if not got:
                    self.into.write_eof()
                self.into.write(got)
            finally:
                super().send(self.out.read())

    def send(self, data):
        self.pump(self.tls.write, data)

    def recv(self):
        try:
            return self.pump(self.tls.read, PIECE_MAX)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            return b""


def talk(certificate="edge-3"):
    return Plain() if folder is None else Tls(certificate)


def is_sent_away(s, why):
    got, last, body = s.rest(), None, b""
    s.close()
    while len(got) >= 16:
        length, last = struct.unpack("<IB", got[:5])
        body, got = got[16:16 + length], got[16 + length:]
    if last != BYE or why not in body:
        raise Wrong(f"expected a goodbye because {why}, got one of kind {last}: {body}")


# ---- strangers, of pieces


def cut_wrong(data, waits=True):
    """What is no piece, or comes where none may come, is closed; what is only promised is lost."""
    def attack():
        s = Plain()
        s.raw(data)
        if waits:
            s.rest()
            s.close()
        else:
            s.reset()
    return attack


def of_pieces():
    yield cut_wrong(b"GET / HTTP/1.1\r\nHost: edge-1\r\n\r\n")
    yield cut_wrong(struct.pack("<I", PIECE_MAX + 1) + bytes(100))
    yield cut_wrong(struct.pack("<I", 0xfffffffe))
    yield cut_wrong(struct.pack(">I", 16) + visit)
    yield cut_wrong(END)
    yield cut_wrong(END + struct.pack("<I", 16) + bytes(16))
    yield cut_wrong(SEEN + SEEN + END + SEEN)
    yield cut_wrong(dice.randbytes(100000) + b"\xff" * 8)
    for n in (1, 4, 5, 1000):
        yield cut_wrong((struct.pack("<I", PIECE_MAX) + bytes(1000))[:n], waits=False)


# ---- strangers, of frames


def says(data, why, certificate="edge-3"):
    def attack():
        s = talk(certificate)
        s.send(data)
        is_sent_away(s, why)
    return attack


def random_bytes():
    s = talk()
    s.send(dice.randbytes(dice.randrange(1 << 16)) + b"\xff" * 16)
    s.rest()
    s.close()


def in_drops():
    s = talk()
    for byte in frame(HELLO, 1, hello(b"mallory", 5)):
        s.send(bytes([byte]))
    is_sent_away(s, b"edge-1 does not know the node mallory")


def reset_after(data, n):
    def attack():
        s = talk()
        s.send(data[:n])
        s.reset()
    return attack


def strangers():
    yield says(b"GET / HTTP/1.1\r\nHost: edge-1\r\n\r\n", b"a frame of kind 47")
    yield says(frame(HELLO, 1, length=0xffffffff), b"a hello frame of 4294967295 bytes; expected 4096 at most")
    yield says(frame(HELLO, 1, length=4097), b"a hello frame of 4097 bytes; expected 4096 at most")
    yield says(frame(CHUNK, 1, length=0x7fffffff), b"a chunk frame of 2147483647 bytes")
    yield says(frame(MAIL, 1, bytes(64)), b"the first frame is no hello")
    yield says(frame(HELLO, 2, hello(b"edge-3", 5)), b"frame 2 came; expected 1")
    yield says(frame(HELLO, 1, bytes(100)), b"")
    yield says(frame(HELLO, 1, b"\x12\xff\xff\xff\xff\x0f" + bytes(64)), b"")
    yield says(frame(HELLO, 1, hello(b"edge-3\xff\xfe", 5)), b"")
    yield says(frame(HELLO, 1, hello(b"edge 3", 5)), b"the peer's name is no name of a node")
    yield says(frame(HELLO, 1, hello(b"edge-3", 5, version=99)), b"the peer speaks version 99")
    yield says(frame(HELLO, 1, hello(b"x" * 3000, 5)), b"the peer's name is no name of a node")
    if folder is None:  # else the certificate says more
        yield says(frame(HELLO, 1, hello(b"mallory", 5)), b"edge-1 does not know the node mallory")
        yield says(frame(HELLO, 1, hello(b"edge-1", 5)), b"there are two nodes of the name edge-1")
        yield says(frame(HELLO, 1, hello(b"edge-2", 5)), b"a newer life of edge-2 is linked")
        yield in_drops
    yield says(frame(HELLO, 1, hello(b"edge-3", 5, cluster=b"red")), b"is of the cluster \"red\"; expected \"\"")
    yield says(visit + frame(MAIL, 2, record(1, type=1, dst=1)), b"a visitor only asks")
    yield says(visit + frame(PING, 2, length=0xffffff), b"a ping frame of 16777215 bytes; expected 4096 at most")
    yield random_bytes
    for n in (0, 1, 15, 16, 17, len(visit), len(visit) + 5):
        yield reset_after(visit + frame(PING, 2, bytes(16)), n)


# ---- a member: its hello is right, and what is behind it is not

one_member = threading.Lock()
lives = iter(range(time.time_ns(), 1 << 63))


def member(data, why):
    def attack():
        with one_member:
            s = talk()
            s.send(frame(HELLO, 1, hello(b"edge-3", next(lives))) + data)
            is_sent_away(s, why)
    return attack


def member_resets():
    with one_member:
        s = talk()
        s.send(frame(HELLO, 1, hello(b"edge-3", next(lives))) + frame(PING, 2, bytes(16))
             + frame(CHUNK, 3, struct.pack("<IIII", 1, 16 << 20, 0, 8192) + bytes(8192)))
        s.recv()  # its hello
        s.reset()


def guessing_member():
    """It asks for whom it cannot know, and for what is not for it: it is told so, and the link stays."""
    with one_member:
        s = talk()
        asked = [record(2, type=1, dst=dice.randrange(1 << 64), req=1 + i) for i in range(50)]
        named = record(2, type=1, dst=1, req=99, flags=1)
        atoms = struct.pack("<IBBH", 1, 1, 0, 15) + b"weft.test.Count" + bytes(1)
        atoms += struct.pack("<IBBH", 1, 2, 0, 4) + b"echo" + bytes(4)
        s.send(frame(HELLO, 1, hello(b"edge-3", next(lives))) + frame(ATOMS, 2, atoms)
             + frame(MAIL, 3, b"".join(asked)) + frame(MAIL, 4, named) + frame(PING, 5, bytes(16)))
        got, fails, pong = b"", 0, False
        while not pong:
            piece = s.recv()
            if not piece:
                raise Wrong(f"who guesses was sent away: {got}")
            got += piece
            while len(got) >= 16 and len(got) >= 16 + struct.unpack("<I", got[:4])[0]:
                length, kind = struct.unpack("<IB", got[:5])
                body, got = got[16:16 + length], got[16 + length:]
                pong |= kind == PONG
                while kind == MAIL and body:
                    one = struct.unpack("<IIQQIBBH", body[:32])
                    fails += one[5] == 4
                    body = body[one[0] + -one[0] % 8:]
        if fails != 51:
            raise Wrong(f"of 51 asks of who guesses {fails} failed")
        s.send(frame(BYE, 6, struct.pack("<IIQ", 1, 0, 0)))
        s.rest()
        s.close()


def members():
    yield member(frame(MAIL, 2, length=262145), b"a mail frame of 262145 bytes; expected 262144 at most")
    yield member(frame(MAIL, 3, record(1, type=1, dst=1)), b"frame 3 came; expected 2")
    yield member(frame(MAIL, 2, record(1, type=1, dst=1, length=0xfffffff0)), b"a record of 4294967280 bytes where")
    yield member(frame(MAIL, 2, record(1, type=1, dst=1, length=31)), b"a record of 31 bytes where")
    yield member(frame(MAIL, 2, record(77, dst=1)), b"a record of op 77")
    yield member(frame(MAIL, 2, dice.randbytes(31)), b"31 bytes behind the last record")
    yield member(frame(CHUNK, 2, struct.pack("<IIII", 1, 0xffffffff, 0, 64) + bytes(64)),
                 b"a record of 4294967295 bytes; expected 16777216 at most")
    yield member(frame(CHUNK, 2, struct.pack("<IIII", 1, 8, 16, 8) + bytes(8)), b"a chunk of bytes 16 to 24 of 8")
    yield member(frame(CHUNK, 2, struct.pack("<IIII", 1, 99, 8, 64) + bytes(64)), b"a chunk of 64 bytes at 8 of nothing")
    yield member(frame(ATOMS, 2, struct.pack("<IBBH", 1, 9, 0, 4) + b"echo" + bytes(4)), b"an atom of kind 9")
    yield member(frame(ATOMS, 2, struct.pack("<IBBH", 1, 1, 0, 4) + b"ech\n" + bytes(4)),
                 b"an atom that is not printing ASCII")
    yield member(frame(CREDIT, 2, struct.pack("<QQ", 1 << 40, 0)), b"more credit came back than was taken")
    yield member(frame(PING, 2, struct.pack("<QQ", 0, 1 << 40)), b"was consumed; sent were")
    yield member(frame(HELLO, 2, hello(b"edge-3", 5)), b"a second hello")
    yield member_resets
    yield guessing_member


# ---- strangers, of TLS


def client_hello(certificate="edge-3"):
    out = ssl.MemoryBIO()
    try:
        context(certificate).wrap_bio(ssl.MemoryBIO(), out, server_hostname="edge-1").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def goes_no_further(data):
    """A handshake in the middle of which the connection is lost."""
    def attack():
        s = Plain()
        s.send(data)
        s.reset()
    return attack


def is_no_tls(data):
    """It is closed; what comes before that is an alert, if anything."""
    def attack():
        s = Plain()
        s.send(data)
        got = s.rest()
        s.close()
        if got and not (got[0] == 0x15 or data.startswith(b"\x16")):
            raise Wrong(f"{got} came of what is no TLS")
    return attack


def shows(certificate, authority="ca"):
    """A certificate that is not believed, or none: nothing is said to it."""
    def attack():
        got = b""
        try:
            s = Tls(certificate, authority)
            s.send(visit)
            got = s.rest()
            s.close()
        except ssl.SSLError:
            pass
        if got:
            raise Wrong(f"it was believed {certificate}, and said {got}")
    return attack


def of_tls():
    first = client_hello()
    yield is_no_tls(b"GET / HTTP/1.1\r\nHost: edge-1\r\n\r\n")
    yield is_no_tls(visit)
    yield is_no_tls(frame(HELLO, 1, length=0xffffffff))
    yield is_no_tls(first + b"\x16\x03\x03\xff\xff" + dice.randbytes(4096))
    yield is_no_tls(first + dice.randbytes(4096))
    yield is_no_tls(b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + dice.randbytes(0x4000))
    for n in (1, 4, 5, 6, len(first) // 2, len(first) - 1, len(first)):
        yield goes_no_further(first[:n])
    yield shows(None)
    yield shows("eve")  # whose authority is another one
    yield shows("self")  # which is edge-2, as it says itself
    yield shows("edge-3", "others")  # who does not believe the node
    yield says(frame(HELLO, 1, hello(b"edge-2", 1 << 62)), b"it says it is edge-2; its certificate is for edge-9",
               "edge-9")
    yield says(frame(HELLO, 1, hello(b"edge-9", 5)), b"edge-1 does not know the node edge-9", "edge-9")


# ---- all of them


def flood():
    """More of those who say nothing than are heard at a time, of many addresses; then they are gone at once."""
    silent = [Plain(2, 1 + i % 40) for i in range(GATES_MAX + 16)]
    for one in silent:
        one.s.setblocking(False)
    gone, until = 0, time.monotonic() + LIMIT_S
    while gone < 16:
        if time.monotonic() > until:
            raise Wrong(f"of {len(silent)} who say nothing {gone} were sent away")
        gone = sum(has_ended(one.s) for one in silent)
    for one in silent:
        one.reset()


def has_ended(s):
    """It may have been told so first, with a mark, and is for what it says back."""
    try:
        s.recv(1, socket.MSG_PEEK)
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def visited():
    """Waits until a visitor is heard again."""
    until = time.monotonic() + LIMIT_S
    while True:
        try:
            s = talk()
            s.send(visit)
            said = s.recv()
            s.close()
            if said:
                return
        except OSError:
            pass
        if time.monotonic() > until:
            raise Wrong("after the flood nobody is heard")


def main():
    attacks = [*of_pieces(), *strangers(), *members(), *(of_tls() if folder is not None else [])]
    dice.shuffle(attacks)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(attack) for attack in attacks]:
            done.result()
    flood()
    visited()
    print(f"{len(attacks)} attacks, and {GATES_MAX + 16} who said nothing")


main()
