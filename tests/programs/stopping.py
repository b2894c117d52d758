# A server that is told to stop in the middle of everything: what it has accepted, it finishes.
# usage: stopping.py WEFTD FOLDER
import os
import signal
import socket
import subprocess
import sys
import time

weftd, folder = sys.argv[1:]
small = b"GET /small HTTP/1.1\r\nHost: a\r\n\r\n"


class Server:
    """weftd web, until it listens."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            [weftd, "web", "--path", folder, "--port", "0", "--log-format", "text", *options],
            stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stderr.readline().rsplit(":", 1)[1])

    def connect(self):
        client = socket.create_connection(("127.0.0.1", self.port))
        client.settimeout(60)
        return client

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)
        while open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()[0] != "T":
            pass

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self, signals=1, sort=signal.SIGTERM):
        for _ in range(signals):
            self.process.send_signal(sort)

    def end(self, code=0):
        said = self.process.communicate(timeout=100)[1]
        assert self.process.returncode == code, f"exit code {self.process.returncode}: {said}"
        return said


def rest(client):
    """All that comes until the end; what ends otherwise than in order is told as such."""
    came = bytearray()
    try:
        while data := client.recv(1 << 16):
            came += data
    except OSError as error:
        came += repr(error).encode()
    return bytes(came)


def requests_that_wait_in_the_kernel_are_answered(threads):
    server = Server("--threads", threads)
    kept = [server.connect() for _ in range(20)]
    for client in kept:
        client.sendall(small)
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
    server.freeze()
    # more than one look at the listener accepts
    new = [server.connect() for _ in range(300)]
    for client in kept + new:
        client.sendall(small)
    server.stop()
    server.thaw()
    answers = [rest(client) for client in kept + new]
    lost = [a for a in answers if not a.startswith(b"HTTP/1.1 200 ") or not a.endswith(b"small\n")]
    assert not lost, f"{len(lost)} of {len(answers)} requests were lost: {lost[0]}"
    server.end()


def a_download_under_way_is_finished():
    server = Server()
    client = server.connect()
    client.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    first = client.recv(1000)
    server.stop(sort=signal.SIGINT)
    # it no longer listens: the stop is under way
    try:
        while True:
            server.connect().close()
    except OSError:
        pass
    came = (first + rest(client)).split(b"\r\n\r\n", 1)[1]
    assert came == open(f"{folder}/big", "rb").read(), f"{len(came)} bytes came"
    server.end()


def of_two_addresses_none_waits_for_the_other():
    server = Server("--listen", "http://127.0.0.1:0")
    ports = [server.port, int(server.process.stderr.readline().rsplit(":", 1)[1])]
    firsts, clients = [], []
    for server.port in ports:
        clients.append(server.connect())
        clients[-1].sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        firsts.append(clients[-1].recv(1000))
    server.stop()
    # neither listens, though nothing that was accepted is finished
    for server.port in ports:
        try:
            while True:
                server.connect().close()
        except OSError:
            pass
    for first, client in zip(firsts, clients):
        came = (first + rest(client)).split(b"\r\n\r\n", 1)[1]
        assert came == open(f"{folder}/big", "rb").read(), f"{len(came)} bytes came"
    server.end()


def who_does_not_read_is_cut_off_and_named(signals):
    server = Server()
    client = server.connect()
    client.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    client.recv(1)
    begun = time.monotonic()
    server.stop(signals)
    said = server.end(0 if signals == 1 else 70)
    took = time.monotonic() - begun
    if signals == 1:
        assert "did not stop in time" in said, said
        assert took < 60, took
    else:
        assert took < 3, f"a second signal took {took} s: {said}"


requests_that_wait_in_the_kernel_are_answered("1")
requests_that_wait_in_the_kernel_are_answered("2")
a_download_under_way_is_finished()
of_two_addresses_none_waits_for_the_other()
who_does_not_read_is_cut_off_and_named(1)
