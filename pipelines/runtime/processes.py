"""Keeps child processes running, ends them in order, and lets them end with their parent.

What belongs here: signals to our own children. Not here: what they are (demo.py, cli/server/night.py).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_PR_SET_PDEATHSIG = 1
"""The number of prctl's PR_SET_PDEATHSIG (linux/prctl.h)."""

SHORT_LIFE = 60.0
"""A child that ends sooner after its start, in seconds, counts as one that does not run."""
MOST_SHORT_LIVES = 3
"""After so many short lives in a row a child is not started again."""


@contextmanager
def keep_running(
    start: Callable[[], subprocess.Popen[bytes]],
    ended: Callable[[int, bool], None],
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a child while the context lasts, and starts it again when it ends. Yields the first child.

    start: starts the child.
    ended: is called when a child has ended by itself, with its exit code, and whether it is started again.
    clock: gives seconds.
    """
    children = [start()]
    lock, done = threading.Lock(), threading.Event()

    def watch() -> None:
        short = 0
        while True:
            began = clock()
            code = children[-1].wait()
            short = short + 1 if clock() - began < SHORT_LIFE else 0
            again = short <= MOST_SHORT_LIVES
            with lock:
                if done.is_set():
                    return
                if again:
                    children.append(start())
            ended(code, again)
            if not again:
                return

    watcher = threading.Thread(target=watch, name="keep_running", daemon=True)
    watcher.start()
    try:
        yield children[0]
    finally:
        with lock:
            done.set()
            end(children[-1], signal.SIGTERM)
        watcher.join()


def end(process: subprocess.Popen[bytes], first: signal.Signals, patience: float = 30.0) -> int:
    """Sends the child the signal `first`, and kills it if it has not ended after `patience` seconds.

    Gives its exit code. If an exception ends the wait, such as a second Ctrl-C, the child is killed, too.
    """
    if process.poll() is None:
        process.send_signal(first)
        try:
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
        finally:
            if process.poll() is None:
                process.kill()
    return process.wait()


def end_session(leader: int) -> None:
    """Kills the processes that are left in the session of a child that has ended. Their loads are rolled back."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


def die_with_parent(number: signal.Signals) -> Callable[[], None] | None:
    """A function for Popen's preexec_fn: the child gets the signal `number` when this process is gone, even by kill -9.

    None on other systems than Linux.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(number))
