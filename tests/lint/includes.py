"""Who may include what."""
import os
import re
from collections import defaultdict

import tree

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')

# What comes with the C library, the kernel and the compilers; everything else in <> is foreign.
STANDARD = re.compile(
    r"(aio|assert|byteswap|complex|cpuid|ctype|dirent|dlfcn|elf|endian|err|errno|execinfo|fcntl"
    r"|fenv|float|fnmatch|getopt|glob|grp|ifaddrs|immintrin|inttypes|langinfo|libgen|limits|link"
    r"|locale|malloc|math|netdb|paths|poll|pthread|pty|pwd|regex|resolv|sched|search|semaphore"
    r"|setjmp|shadow|signal|spawn|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib"
    r"|stdnoreturn|string|strings|sysexits|syslog|termios|tgmath|threads|time|uchar|ucontext"
    r"|unistd|utmp|wchar|wctype|x86intrin)\.h"
    r"|(arpa|asm|bits|linux|net|netinet|netpacket|sanitizer|sys)/.*")


def includes_of(path):
    """Yields (line number, '<' or '"', what)."""
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def weft_header(path, number, name):
    """What is wrong with including the public header `name` in `path`, if anything."""
    owner = tree.public_headers().get(name)
    layer = tree.layer_of(path)
    if owner is None:
        return f"{path}:{number}: there is no public header <{name}>"
    if layer and tree.LAYERS.index(owner) > tree.LAYERS.index(layer):
        return (f"{path}:{number}: {layer}/ includes <{name}> of {owner}/; expected only layers "
                f"at or below {layer}/")
    return None


def private_header(path, number, name):
    if ".." in name.split("/"):
        return f'{path}:{number}: "{name}" climbs out of its folder; expected a name below it'
    if "/include/weft/" in "/" + path:
        return f'{path}:{number}: a public header includes "{name}"; expected public headers only'
    if path.startswith("tests/"):
        return None
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    in_layer = os.path.join(path.split("/", 1)[0], name)
    if name.endswith((".pb-c.h", ".weft.h")) or beside in tree.files(".h") or in_layer in tree.files(".h"):
        return None
    return (f'{path}:{number}: "{name}" is not a private header of {path.split("/", 1)[0]}/; '
            "expected <weft/...> for what another layer shows")


def layers():
    for path in tree.files(".c", ".h"):
        for number, kind, name in includes_of(path):
            problem = None
            if kind == '"':
                problem = private_header(path, number, name)
            elif name.startswith("weft/"):
                problem = weft_header(path, number, name)
            elif path.startswith("examples/") and not STANDARD.fullmatch(name):
                problem = f"{path}:{number}: an example includes <{name}>; expected weft alone"
            elif "/include/weft/" in path and not STANDARD.fullmatch(name):
                problem = (f"{path}:{number}: a public header includes <{name}>; expected "
                           "public and standard headers only")
            if problem:
                yield problem


DEPENDENCIES = "docs/dependencies.md"


def rows_of_headers():
    """{a header, or a folder of headers: (the line of its row, the file that includes it)}."""
    rows = {}
    for number, line in enumerate(tree.lines(DEPENDENCIES), 1):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and cells[3].startswith("`"):
            rows[cells[3].strip("`")] = number, cells[4].strip("`")
    return rows


def foreign_users():
    """{a foreign header, or its folder: {the file outside the tests that includes it: line}}. A
    header of a folder counts by itself if it has a row of its own."""
    rows = rows_of_headers()
    users = defaultdict(dict)
    for path in tree.files(".c", ".h"):
        for number, kind, name in includes_of(path):
            own = kind == '"' or name.startswith("weft/") or STANDARD.fullmatch(name)
            if not own and not path.startswith("tests/"):
                group = name if name in rows else name.split("/", 1)[0]
                users[group].setdefault(path, number)
    return users


def foreign():
    """A foreign header, or folder of headers, belongs to one file; CUnit belongs to the tests."""
    for group, paths in sorted(foreign_users().items()):
        for path, number in sorted(paths.items()):
            others = ", ".join(p for p in sorted(paths) if p != path)
            if group == "CUnit":
                yield f"{path}:{number}: includes {group}; expected it in tests/ only"
            elif others:
                yield (f"{path}:{number}: includes {group}, as does {others}; expected one file "
                       "that wraps it")


def documented():
    """Each row of docs/dependencies.md names the header and the file that includes it."""
    document = DEPENDENCIES
    rows = rows_of_headers()
    users = foreign_users()
    for group, paths in sorted(users.items()):
        for path, number in sorted(paths.items()):
            if rows.get(group, (0, None))[1] != path:
                yield f"{path}:{number}: includes {group}; expected a row in {document} saying so"
    for group, (number, path) in sorted(rows.items()):
        if path != "tests/" and path not in users.get(group, {}):
            yield f"{document}:{number}: {path} does not include {group}; expected the file that does"
