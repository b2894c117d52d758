"""Rules that a compiler, a linker or a clang tool decides."""
import hashlib
import json
import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

import tree

WARNINGS = ["-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-D_GNU_SOURCE"]
COMPILERS = [
    ["gcc", "-x", "c", "-std=gnu17"],
    ["clang", "-x", "c", "-std=gnu17"],
    ["g++", "-x", "c++", "-std=c++17"],
]

# llhttp is part of libweft where the system has no library of it.
NAMES_SHARED = re.compile(r"weft_\w+")
NAMES_STATIC = re.compile(r"(weft_|wf_|llhttp_)\w+")

OUTPUT = re.compile(r" -o (\S+)")


def run(command, text=None):
    return subprocess.run(command, input=text, capture_output=True, text=True, cwd=tree.ROOT)


def in_parallel(function, items):
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return [problem for problem in pool.map(function, items) if problem]


def formatted():
    sources = tree.files(".c", ".h")
    result = run(["clang-format", "--dry-run", "-Werror", *sources])
    places = re.findall(r"^(.+?):(\d+):\d+: error: code should be", result.stderr, re.MULTILINE)
    for path, number in dict(reversed(places)).items():
        others = len({n for p, n in places if p == path}) - 1
        yield (f"{path}:{number}: is not in form, nor are {others} other lines; expected what "
               "./weft format makes of them")
    if result.returncode and not places:
        yield result.stderr


def format_in_place():
    subprocess.run(["clang-format", "-i", *tree.files(".c", ".h")], cwd=tree.ROOT, check=True)


def scripts():
    """shellcheck over every file that a shell runs, with the parts it takes in."""
    shells = [f for f in tree.files() if re.match(r"#!/bin/(ba)?sh", tree.lines(f)[0])]
    result = run(["shellcheck", "--external-sources", "--severity=warning", "--format=gcc", *shells])
    if result.returncode:
        yield (result.stdout + result.stderr).strip()


def headers():
    """Each public header compiles alone, and twice, with its own layer and those below at hand."""

    def compile_one(job):
        (header, layer), compiler = job
        below = tree.LAYERS[:tree.LAYERS.index(layer) + 1]
        folders = [f"-I{name}/include" for name in below]
        result = run([*compiler, *WARNINGS, *folders, "-"], f"#include <{header}>\n" * 2)
        if result.returncode:
            return (f"{layer}/include/{header}:1: {compiler[0]} does not take it alone; expected "
                    f"no error and no warning:\n{result.stderr.strip()}")
        return None

    jobs = [(item, compiler) for item in tree.public_headers().items() for compiler in COMPILERS]
    return in_parallel(compile_one, jobs)


def exported(build):
    """libweft.so shows weft_ names alone; libweft.a also holds wf_ names, and no others."""
    for library, options, allowed in (("libweft.so", ["-D"], NAMES_SHARED),
                                      ("libweft.a", ["-g"], NAMES_STATIC)):
        result = run(["nm", *options, "--defined-only", "--format=posix", f"{build}/{library}"])
        if result.returncode:
            yield f"{build}/{library}:1: cannot be read: {result.stderr.strip()}"
        for line in result.stdout.split("\n"):
            name = line.split(" ")[0]
            if name and not name.endswith(":") and not allowed.fullmatch(name):
                yield f"{library}:1: shows {name}; expected only {allowed.pattern}"


def dependencies(build):
    """What each object was made of, as ninja saw it: {object: [file]}."""
    found, current = {}, []
    for line in run(["ninja", "-C", build, "-t", "deps"]).stdout.split("\n"):
        if line.startswith("    "):
            current.append(os.path.normpath(os.path.join(tree.ROOT, build, line.strip())))
        elif ": #deps" in line:
            current = found.setdefault(line.split(": #deps")[0], [])
    return found


def tidy(build):
    """clang-tidy over every source of ours; what was found clean is not looked at again until it,
    a header of ours it includes, its command or the configuration changes."""
    made_of = dependencies(build)
    clean = os.path.join(tree.ROOT, "build", "lint")
    os.makedirs(clean, exist_ok=True)
    with open(os.path.join(tree.ROOT, build, "compile_commands.json"), encoding="utf-8") as file:
        entries = [e for e in json.load(file)
                   if os.path.relpath(e["file"], tree.ROOT) in tree.files(".c")]

    def key(entry):
        digest = hashlib.sha256(entry["command"].encode())
        ours = [f for f in made_of.get(OUTPUT.search(entry["command"])[1], [])
                if f.startswith(tree.ROOT + "/") and os.path.exists(f)]
        settings = [os.path.join(tree.ROOT, f) for f in tree.files(".clang-tidy")]
        for path in [entry["file"], *sorted(ours), *settings]:
            with open(path, "rb") as content:
                digest.update(path.encode() + b"\0" + content.read())
        return os.path.join(clean, digest.hexdigest())

    def tidy_one(entry):
        mark = key(entry)
        if os.path.exists(mark):
            return None
        result = run(["clang-tidy", "--quiet", "-p", build, entry["file"]])
        if result.returncode:
            return result.stdout.replace(tree.ROOT + "/", "").strip() or result.stderr
        with open(mark, "w", encoding="utf-8"):
            return None

    return in_parallel(tidy_one, entries)
