# SPDX-License-Identifier: MIT
"""Prints the table of tests/runtime/deferred_rows.c as Twisted has it: the same rows, in the same order."""
import sys

from twisted.internet import defer, task
from twisted.python import failure, log

NAMES = {defer.CancelledError: "ECANCELLED", defer.TimeoutError: "ETIMEDOUT"}


class Failed(Exception):
    """One of weft's codes."""


class World:
    """What one row works with."""

    def __init__(self):
        self.clock = task.Clock()
        self.text = []
        self.promise = [None] * 4
        self.taken = [None] * 4
        self.top = None
        self.lock = defer.DeferredLock()
        self.semaphore = defer.DeferredSemaphore(2)
        self.queue = defer.DeferredQueue()


W = World()


def say(text):
    W.text.append(text)


def show(value):
    if isinstance(value, failure.Failure):
        if value.check(defer.FirstError):
            return show(value.value.subFailure)
        if value.check(Failed):
            return "!" + value.value.args[0]
        for kind, name in NAMES.items():
            if value.check(kind):
                return "!" + name
        return "!" + value.type.__name__
    if value is None or isinstance(value, (defer.DeferredLock, defer.DeferredSemaphore)):
        return "nothing"
    if isinstance(value, list):
        return "[" + " ".join(show(v) for v in value) + "]"
    return str(value)


# ---- promises


def promised(i, canceller="cut"):
    def cut(d):
        say(f"cut{i}")

    def cut_value(d):
        say(f"cut{i}")
        d.callback(9)

    def cut_error(d):
        say(f"cut{i}")
        d.errback(Failed("EIO"))

    kinds = {"cut": cut, "value": cut_value, "error": cut_error, None: None}
    W.promise[i] = defer.Deferred(kinds[canceller])
    return W.promise[i]


def one():
    return defer.succeed(1)


def bad():
    return defer.fail(Failed("EIO"))


# ---- steps


def step(name, result):
    def run(value):
        say(f"{name}({show(value)})")
        return result(value)

    return run


def raises(code):
    def run(_):
        raise Failed(code)

    return run


inc = step("inc", lambda v: v + 1)
boom = step("boom", raises("EIO"))
deny = step("deny", raises("EDENIED"))
recover = step("recover", lambda v: 7)
again = step("again", lambda v: v)
seen_catch = step("seen", lambda v: None)
seen = step("seen", lambda v: v)
sad = step("sad", lambda v: bad())
wait_one = step("wait", lambda v: promised(1))
wait_two = step("wait", lambda v: promised(2))
wait_chain = step("chain", lambda v: promised(1).addCallback(inc))
wait_twice = step("twice", lambda v: promised(1).addCallback(wait_two))


# ---- what happens


def resolve(i, value):
    try:
        W.promise[i].callback(value)
    except defer.AlreadyCalledError:
        say("used")
    else:
        if swallowed(W.promise[i]):
            say("swallowed")


def swallowed(d):
    """Whether it had been cancelled before: Twisted takes the late result and says nothing."""
    return getattr(d, "was_cancelled", False)


def resolve_0():
    resolve(0, 1)


def resolve_1():
    resolve(1, 2)


def resolve_2():
    resolve(2, 3)


def reject(i):
    try:
        W.promise[i].errback(Failed("EIO"))
    except defer.AlreadyCalledError:
        say("used")


def reject_0():
    reject(0)


def reject_1():
    reject(1)


def cancel():
    W.top.cancel()
    if W.promise[0] is not None:
        W.promise[0].was_cancelled = True


def cancel_1():
    W.taken[1].cancel()


def note():
    say("still")


# ---- several


def three():
    return [promised(i) for i in range(3)]


def settled(members):
    listed = defer.DeferredList(members, consumeErrors=True)
    return listed.addCallback(lambda pairs: [value for _, value in pairs])


def gathered(members):
    return defer.gatherResults(members, consumeErrors=True)


def any_of(members):
    def first(pair):
        say(f"first{pair[1]}")
        return pair[0]

    listed = defer.DeferredList(members, fireOnOneCallback=True, consumeErrors=True)
    return listed.addCallback(first)


# ---- locks, semaphores, queues


def told(d, i):
    def got(value):
        say(f"got{i}")
        return value

    def not_got(why):
        say(f"not{i}{show(why)}")

    W.taken[i] = d
    return d.addCallbacks(got, not_got)


def take_three(taker):
    return [told(taker.acquire(), i) for i in range(3)][2]


def unlock():
    try:
        W.lock.release()
    except AssertionError:
        say("nobody")


def put(value):
    try:
        W.queue.put(value)
    except defer.QueueOverflow:
        say("full")


def put_4():
    put(4)


def put_5():
    put(5)


def take_after(size=None):
    W.queue = defer.DeferredQueue(size=size)
    put(4)
    put(5)
    return W.queue.get()


def take_two():
    W.taken[:2] = [W.queue.get(), W.queue.get()]
    return settled(W.taken[:2])


def cancel_first():
    W.taken[0].cancel()


def take_too_often():
    def full(why):
        why.trap(defer.QueueUnderflow)
        return failure.Failure(Failed("EFULL"))

    W.queue = defer.DeferredQueue(backlog=1)
    taken = [defer.maybeDeferred(W.queue.get) for _ in range(2)]
    return settled([d.addErrback(full).addErrback(recover) for d in taken])


def limited(kind="cut"):
    return promised(0, kind).addTimeout(0.1, W.clock)


def gives(first):
    return one().addCallback(first).addCallback(inc)


ROWS = [
    ("succeeded", one),
    ("failed", bad),
    ("then on success", lambda: one().addCallback(inc)),
    ("then past failure", lambda: bad().addCallback(inc)),
    ("catch on failure", lambda: bad().addErrback(recover)),
    ("catch past success", lambda: one().addErrback(recover)),
    ("catch leaves alone", lambda: bad().addErrback(seen_catch)),
    ("catch passes on", lambda: bad().addErrback(again).addErrback(recover)),
    ("catch fails", lambda: bad().addErrback(deny).addErrback(again)),
    ("finally after success", lambda: one().addBoth(seen).addCallback(inc)),
    ("finally after failure", lambda: bad().addBoth(seen).addErrback(recover)),
    ("finally fails", lambda: one().addBoth(boom)),
    ("finally fails anew", lambda: bad().addBoth(deny)),
    ("finally gives", lambda: bad().addBoth(recover)),
    ("callbacks then errbacks",
     lambda: one().addCallback(inc).addCallback(boom).addCallback(inc).addErrback(recover)
     .addCallback(inc)),
    ("gives failed", lambda: one().addCallback(sad).addErrback(recover)),
    ("gives pending", lambda: gives(wait_one), note, resolve_1),
    ("gives pending that fails", lambda: gives(wait_one), reject_1),
    ("gives a chain", lambda: gives(wait_chain), note, resolve_1),
    ("gives one that gives one", lambda: gives(wait_twice), resolve_1, note, resolve_2),
    ("catch gives pending", lambda: bad().addErrback(wait_one).addCallback(inc), note, resolve_1),
    ("promise resolved", lambda: promised(0).addCallback(inc), note, resolve_0),
    ("promise rejected", lambda: promised(0).addCallback(inc).addErrback(recover), note, reject_0),
    ("resolved twice", lambda: promised(0), resolve_0, resolve_0),
    ("rejected after resolved", lambda: promised(0), resolve_0, reject_0),
    ("cancelled", lambda: promised(0), cancel),
    ("cancelled with a value", lambda: promised(0, "value"), cancel),
    ("cancelled with an error", lambda: promised(0, "error"), cancel),
    ("cancelled, nobody told", lambda: promised(0, None), cancel),
    ("resolved after cancelled", lambda: promised(0, None), cancel, resolve_0),
    ("cancelled after resolved", lambda: promised(0), resolve_0, cancel),
    ("cancelled twice", lambda: promised(0), cancel, cancel),
    ("chain cancelled", lambda: promised(0).addCallback(inc), cancel),
    ("chain cancelled and recovered",
     lambda: promised(0).addCallback(inc).addErrback(recover), cancel),
    ("cancelled while it waits", lambda: gives(wait_one), cancel),
    ("cancelled while it waits, recovered",
     lambda: gives(wait_one).addErrback(recover).addCallback(inc), cancel),
    ("cancelled while it waits twice", lambda: gives(wait_twice), resolve_1, cancel),
    ("cancelled, then waits again", lambda: promised(0).addErrback(wait_one), cancel, note,
     resolve_1),
    ("cancelled twice, at two places", lambda: promised(0).addErrback(wait_one), cancel, cancel),
    ("limit passes", limited, 0.2),
    ("limit does not pass", limited, resolve_0, 0.2),
    ("limit passes, with a value", lambda: limited("value"), 0.2),
    ("limit passes, with an error", lambda: limited("error"), 0.2),
    ("limit passes, recovered", lambda: limited().addErrback(recover), 0.2),
    ("recovered below the limit",
     lambda: promised(0).addErrback(recover).addTimeout(0.1, W.clock), 0.2),
    ("limit passes while it waits", lambda: gives(wait_one).addTimeout(0.1, W.clock), 0.2),
    ("limited, but cancelled", limited, cancel, 0.2),
    ("all", lambda: gathered(three()), resolve_2, resolve_0, resolve_1),
    ("all, fired before", lambda: gathered([one(), one()])),
    ("all, one fails", lambda: gathered(three()), resolve_0, reject_1, resolve_2),
    ("all, one fails, the other goes on",
     lambda: gathered([promised(0).addCallback(inc), promised(1)]), reject_1, resolve_0),
    ("all of none", lambda: gathered([])),
    ("all cancelled", lambda: gathered(three()), cancel),
    ("settled", lambda: settled(three()), reject_1, resolve_2, resolve_0),
    ("settled of none", lambda: settled([])),
    ("settled cancelled", lambda: settled(three()), resolve_1, cancel),
    ("any", lambda: any_of(three()), reject_0, resolve_1, resolve_2),
    ("lock", lambda: take_three(W.lock), unlock, unlock, unlock, unlock),
    ("lock, one in line cancelled", lambda: take_three(W.lock), cancel_1, unlock, unlock),
    ("semaphore of two", lambda: take_three(W.semaphore), note, lambda: W.semaphore.release()),
    ("queue, taken before", lambda: W.queue.get(), put_4, put_5),
    ("queue, taken after", take_after),
    ("queue, full", lambda: take_after(size=1)),
    ("queue, two in line", take_two, put_4, put_5),
    ("queue, first in line cancelled", take_two, cancel_first, put_4),
    ("queue, too many in line", take_too_often, put_4),
]


def run(name, make, *stages):
    global W
    W = World()
    W.top = make()
    W.top.addBoth(lambda value: say("-> " + show(value)))
    for stage in stages:
        if callable(stage):
            stage()
        else:
            W.clock.advance(stage)
    print(f"{name}: {' '.join(W.text)}")


def main():
    # what a row leaves unread is no matter of the table
    log.addObserver(lambda event: None)
    for row in ROWS:
        run(*row)
    sys.stdout.flush()


main()
