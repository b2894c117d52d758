"""Subscribes 1,000 times at a topic, of whom one never reads, and publishes more than its queue holds.

usage: publish.py SOCKET drop|disconnect
"""
import selectors
import socket
import sys
import time

SUBSCRIBERS = 1000
PIECE = 16 << 10
ROUND = 4  # pieces published before everybody has to have them
ROUNDS = 12
WELCOME = b"welcome\n"


def connect(path):
    """A subscriber; the socket is there as soon as the server is."""
    for _ in range(200):
        try:
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            return s
        except (FileNotFoundError, ConnectionRefusedError):
            s.close()
            time.sleep(0.05)
        except BlockingIOError:
            s.close()
            time.sleep(0.001)
    sys.exit("nobody listens at " + path)


def take(s, size):
    got = b""
    while len(got) < size:
        part = s.recv(size - len(got))
        if not part:
            sys.exit(f"a subscriber was disconnected after {len(got)} of {size} bytes")
        got += part
    return got


def take_round(subscribers, expected):
    """Every one of them gets exactly what was published."""
    left = {s: len(expected) for s in subscribers}
    with selectors.DefaultSelector() as selector:
        for s in subscribers:
            selector.register(s, selectors.EVENT_READ)
        while left:
            ready = selector.select(30)
            if not ready:
                sys.exit(f"{len(left)} subscribers wait for what was published")
            for key, _ in ready:
                s = key.fileobj
                part = s.recv(left[s])
                at = len(expected) - left[s]
                if not part or part != expected[at:at + len(part)]:
                    sys.exit(f"a subscriber got {len(part)} bytes that were not published at {at}")
                left[s] -= len(part)
                if not left[s]:
                    del left[s]
                    selector.unregister(s)


def main(path, policy):
    subscribers = [connect(path) for _ in range(SUBSCRIBERS)]
    publisher = connect(path)
    for s in subscribers + [publisher]:
        assert take(s, len(WELCOME)) == WELCOME
    slow, others = subscribers[0], subscribers[1:]

    published = b""
    for number in range(ROUNDS):
        text = b"".join(bytes([number * ROUND + i]) * PIECE for i in range(ROUND))
        publisher.sendall(text)
        take_round(others, text)
        published += text

    # what the slow one did not lose came in order; then it was cut off, or is still there
    slow.settimeout(1)
    got = b""
    state = "open"
    try:
        while len(got) < len(published):
            part = slow.recv(1 << 20)
            if not part:
                state = "closed"
                break
            got += part
    except ConnectionResetError:
        state = "closed"
    except TimeoutError:
        pass
    if len(got) == len(published):
        sys.exit("the slow one lost nothing: its limit was not met")
    if state != ("open" if policy == "drop" else "closed"):
        sys.exit(f"with policy {policy} the slow one is {state}")
    if policy == "drop":
        publisher.sendall(b"!")
        take_round(subscribers, b"!")
    print(f"{policy}: {len(others)} got all {len(published)} bytes, the slow one {len(got)}")


main(*sys.argv[1:])
