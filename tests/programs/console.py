# A terminal in the hand of a script: types keys, waits for text, and says how the program ended.
#
#   console.py PROGRAM [ARGUMENT...] < SCRIPT
#
# SCRIPT has a line for each thing: "> keys" types, "< text" waits for it, "size COLUMNS ROWS", "end" waits for
# the program's end and for the terminal's modes to be what they were. Escapes are those of Python.
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

LIMIT_S = 60


def fail(text):
    sys.exit(f"console.py: {text}")


pid, fd = pty.fork()
if pid == 0:
    # the program is a child of the terminal's session leader, whose modes are looked at in the end
    child = os.fork()
    if child == 0:
        os.execv(sys.argv[1], sys.argv[1:])
    before = termios.tcgetattr(0)
    _, status = os.waitpid(child, 0)
    same = termios.tcgetattr(0) == before
    os.write(1, b"\nover %d %s\n" % (os.waitstatus_to_exitcode(status), b"same" if same else b"other"))
    os._exit(0)

come = b""


def expect(text):
    global come
    end = time.monotonic() + LIMIT_S
    while text not in come:
        ready, _, _ = select.select([fd], [], [], max(0, end - time.monotonic()))
        if not ready:
            fail(f"waits in vain for {text!r}; what came: {come!r}")
        try:
            come += os.read(fd, 65536)
        except OSError:
            fail(f"ended without {text!r}; what came: {come!r}")
    come = come[come.index(text) + len(text):]


def bytes_of(text):
    return text.encode().decode("unicode_escape").encode("latin-1")


for line in sys.stdin:
    word, _, rest = line.rstrip("\n").partition(" ")
    if word == ">":
        os.write(fd, bytes_of(rest))
    elif word == "<":
        expect(bytes_of(rest))
    elif word == "size":
        columns, rows = map(int, rest.split())
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    elif word == "end":
        expect(b"over 0 same")
    else:
        fail(f"{line!r} is not understood")
