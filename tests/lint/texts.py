"""Rules about what the files say."""
import os
import re

import tree

# Notes to oneself and places on somebody's machine have no business in the tree.
WORDS = [
    (re.compile(r"\b(TODO|FIXME|XXX)\b"), "a note to oneself", "the work done, or an issue"),
    (re.compile(r"(^|[^\w.])/(work|root|home)/\w"), "a path of one machine", "a relative path"),
    (re.compile(r"^(<{7}|>{7}) "), "a conflict that was not resolved", "the result"),
]


def is_text(path):
    with open(os.path.join(tree.ROOT, path), "rb") as file:
        return b"\0" not in file.read(4096)


def words():
    for path in tree.files():
        if path.startswith("tests/lint/") or not is_text(path):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            for pattern, what, expected in WORDS:
                if pattern.search(line):
                    yield f"{path}:{number}: {what}: {line.strip()[:60]!r}; expected {expected}"


LINK = re.compile(r"\]\(([^)#\s]+)")


def links():
    """What a document links to is there; parity.md says of each row where it is, or that it is not yet."""
    for path in tree.files(".md"):
        for number, line in enumerate(tree.lines(path), 1):
            for target in LINK.findall(line):
                there = os.path.join(tree.ROOT, os.path.dirname(path), target)
                if not re.match(r"\w+:", target) and not os.path.exists(there):
                    yield f"{path}:{number}: links to {target}, which is not there"
    for number, line in enumerate(tree.lines("docs/parity.md"), 1):
        cells = [cell.strip() for cell in line.split(" | ")]
        if len(cells) == 3 and "](" not in cells[1] and not cells[1].startswith("not yet"):
            if cells[1] not in ("file", "---"):
                yield f'docs/parity.md:{number}: names no file; expected one, or "not yet"'


def licences():
    wanted = "/* SPDX-License-Identifier: MIT */"
    for path in tree.files(".c", ".h"):
        if tree.lines(path)[0] != wanted:
            yield f"{path}:1: no licence line; expected {wanted}"


def listed():
    """Every source is named by the nearest CMakeLists.txt, every suite by tests/suites.h."""
    for path in tree.files(".c"):
        if path.startswith("tests/bench/peers/"):
            continue  # programs to compare with, built by tests/bench/run
        folder = os.path.dirname(path)
        while folder and f"{folder}/CMakeLists.txt" not in tree.files("CMakeLists.txt"):
            folder = os.path.dirname(folder)
        where = os.path.join(folder, "CMakeLists.txt")
        name = os.path.relpath(path, folder or ".")
        names = set(re.split(r"[\s()]+", "\n".join(tree.lines(where))))
        if not names & {name, name.removesuffix(".c"), name.removesuffix("_fuzz.c")}:
            yield f"{path}:1: is not built; expected {name} in {where}"

    suites = "\n".join(tree.lines("tests/suites.h"))
    for path in tree.files("_test.c"):
        for number, line in enumerate(tree.lines(path), 1):
            match = re.match(r"const test_suite (\w+)", line)
            if match and f"SUITE({match[1]})" not in suites:
                yield f"{path}:{number}: is not run; expected SUITE({match[1]}) in tests/suites.h"
