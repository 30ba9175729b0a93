"""Handlers that run in the children of test_isolate: good, bad and deadly ones."""

from __future__ import annotations

import os
import re
import signal
import sys
import time


def act(request):
    """Do what the request's first word says; the other words are its arguments."""
    action, *arguments = request
    yield from ACTIONS[action](*arguments)


def count(n, pause_s=0.0):
    for number in range(n):
        time.sleep(pause_s)
        yield number


def pid():
    yield os.getpid()


def environment():
    yield dict(os.environ)


def echo(value):
    yield value


def fail(message):
    yield "before"
    raise LookupError(message)


def kill_self(signal_number):
    yield "before"
    os.kill(os.getpid(), signal_number)
    time.sleep(60)


def leave(code):
    os._exit(code)
    yield


def hang_in_c():
    """Holds the interpreter's lock for ages."""
    yield os.getpid()
    re.match(r"(a+)+$", "a" * 60 + "b")


def eat(n_bytes):
    yield len(bytearray(n_bytes))


def chatter(n_lines):
    print("on stdout, where the answers are not to be disturbed")
    for number in range(n_lines):
        print(f"line {number} " + "x" * 100, file=sys.stderr)
    yield "said"


def last_words():
    print("the needle is broken", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


ACTIONS = {
    function.__name__: function
    for function in (count, pid, environment, echo, fail, kill_self, leave, hang_in_c, eat, chatter, last_words)
}
