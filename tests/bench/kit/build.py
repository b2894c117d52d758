# SPDX-License-Identifier: MIT
"""Builds the peers under build/bench/bin, when their sources are newer than what is there."""
import os
import shutil
import subprocess
from dataclasses import dataclass

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
TLS = ("-lssl", "-lcrypto")
C = ["-std=gnu17", "-O2", "-g", "-Wall", "-Wextra"]


class Missing(Exception):
    """A program that cannot be built or found here, with the reason."""


@dataclass(frozen=True)
class Program:
    name: str
    folder: str  # under peers/; all it holds counts as source
    compiler: str
    package: str  # what to install when it cannot be built
    sources: tuple
    flags: tuple = ()
    libraries: tuple = ()

    def command(self, out):
        if self.compiler == "go":
            return ["go", "build", "-o", out, "."]
        if self.compiler == "erlc":
            return ["erlc", "-o", os.path.dirname(out), *self.sources]
        return [self.compiler, *self.flags, *self.sources, "-o", out, *self.libraries]


def c_program(name, folder, *sources, package="gcc libc6-dev", flags=(), libraries=()):
    return Program(name, folder, "gcc", package, sources, (*C, *flags), libraries)


PROGRAMS = {program.name: program for program in [
    c_program("floor", "actors", "floor.c", "floor_local.c", "floor_cross.c",
              libraries=("-pthread",)),
    c_program("libev_timers", "actors", "libev_timers.c", package="libev-dev",
              libraries=("-lev",)),
    c_program("probe", "actor_probe", "probe.c", package="libev-dev",
              flags=("-fno-strict-aliasing",), libraries=("-lev", "-pthread")),
    Program("gobench", "actors/gobench", "go", "golang-go", ("main.go",)),
    Program("bench.beam", "actors", "erlc", "erlang-base", ("bench.erl",)),
    c_program("node_floor", "nodes", "node_floor.c"),
    c_program("node_nng", "nodes", "node_nng.c", package="libnng-dev", libraries=("-lnng", "-pthread")),
    c_program("node_zmq", "nodes", "node_zmq.c", package="libzmq3-dev", libraries=("-lzmq",)),
    Program("node_bench.beam", "nodes", "erlc", "erlang-base", ("node_bench.erl",)),
    Program("caf_bench", "actors", "g++", "g++ libcaf-dev", ("caf_bench.cpp",),
            ("-std=c++17", "-O2", "-Wno-deprecated-declarations"), ("-lcaf_core", "-pthread")),
    c_program("echo_load", "servers/src", "echo_load.c"),
    c_program("forward_load", "servers/src", "forward_load.c"),
    c_program("smtp_load", "servers/src", "smtp_load.c"),
    c_program("irc_load", "servers/src", "irc_load.c"),
    c_program("idle_connections", "servers/src", "idle_connections.c"),
    c_program("tls_floor", "servers/src", "tls_floor.c", package="libssl-dev", libraries=TLS),
    c_program("tls_load", "servers/src", "tls_load.c", package="libssl-dev", libraries=TLS),
    c_program("tls_idle", "servers/src", "tls_idle.c", package="libssl-dev", libraries=TLS),
    c_program("echo_epoll", "servers/src", "echo_epoll.c"),
    c_program("http_epoll", "servers/src", "http_epoll.c"),
    c_program("echo_ev", "servers/src", "echo_ev.c", package="libev-dev", libraries=("-lev",)),
    c_program("udp_load", "servers/src", "udp_load.c"),
    c_program("udp_floor", "servers/src", "udp_floor.c"),
    c_program("udp_uv", "servers/src", "udp_uv.c", package="libuv1-dev", libraries=("-luv",)),
    c_program("echo_uv", "servers/src", "echo_uv.c", package="libuv1-dev", libraries=("-luv",)),
]}


def newest(program):
    """When a source, or a header beside it, was last changed."""
    folder = os.path.join(PEERS, program.folder)
    names = {*program.sources, *(n for n in os.listdir(folder) if n.endswith((".h", ".mod")))}
    return max(os.path.getmtime(os.path.join(folder, name)) for name in names)


def first_error(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next((line for line in lines if "error" in line), lines[0] if lines else "no message")


def peer(name, out):
    """The path of a peer, built if it has to be."""
    program = PROGRAMS[name]
    path = os.path.join(out, "bin", name)
    if os.path.exists(path) and os.path.getmtime(path) >= newest(program):
        return path
    if not shutil.which(program.compiler):
        raise Missing(f"{program.compiler} is not installed (Debian: {program.package})")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    env = dict(os.environ, GOCACHE=os.path.join(out, "go-cache"))
    made = subprocess.run(program.command(path), cwd=os.path.join(PEERS, program.folder), env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if made.returncode:
        raise Missing(f"{name} cannot be built (Debian: {program.package}): "
                      f"{first_error(made.stdout)}")
    return path


def installed(program, package):
    path = shutil.which(program)
    if not path and os.path.exists(f"/usr/sbin/{program}"):
        path = f"/usr/sbin/{program}"
    if not path:
        raise Missing(f"{program} is not installed (Debian: {package})")
    return path


def ours(path):
    """A program of weft's own build."""
    if not os.path.exists(path):
        near = os.path.relpath(path)
        raise Missing(f"{path if near.startswith('..') else near} does not exist (not built yet?)")
    return path
