"""A code server whose process with the definitions is gone is ended. One that never had such a process is not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat

import psutil

from pipelines.cli.server.inner_server import KILLED_LOOKS, MISSING_LOOKS, SERVED_S, InnerServer
from tests.support.servers import wait_until

SLEEP = "import time; time.sleep(600)"
OUTER = f"""
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_DFL if sys.argv[1] == "polite" else signal.SIG_IGN)
if sys.argv[2] == "served":
    subprocess.Popen([sys.executable, "-c", {SLEEP!r}, "api", "grpc"])
print("ready", flush=True)
time.sleep(600)
"""


@contextmanager
def code_server(manner: str, state: str) -> Iterator[psutil.Process]:
    """A process that looks like Dagster's code server."""
    command = [sys.executable, "-c", OUTER, manner, state, "code-server", "start"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as started:
        outer = psutil.Process(started.pid)
        assert started.stdout is not None and started.stdout.readline() == b"ready\n"
        try:
            yield outer
        finally:
            for process in (*outer.children(), outer) if outer.is_running() else ():
                process.kill()


def after(seconds: float) -> Callable[[], float]:
    """A clock: 0 at first, and `seconds` from then on."""
    return chain([0.0], repeat(seconds)).__next__


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def lose_definitions(outer: psutil.Process) -> None:
    (inner,) = outer.children()
    inner.kill()
    wait_until("the end of the inner process", lambda: ended(inner))


def test_a_code_server_without_its_definitions_is_asked_to_end() -> None:
    with code_server("polite", "served") as outer:
        inner = InnerServer(after(SERVED_S))
        assert [inner.look() for _ in range(3)] == [""] * 3
        lose_definitions(outer)
        said = [inner.look() for _ in range(MISSING_LOOKS)]
        assert said == [
            *[""] * (MISSING_LOOKS - 1),
            "Proses yang memegang definisi sudah tidak ada; code server diakhiri, supaya dimulai lagi",
        ]
        wait_until("the end of the code server", lambda: ended(outer))
    assert inner.look() == ""


def test_one_that_does_not_end_is_killed() -> None:
    with code_server("stubborn", "served") as outer:
        inner = InnerServer(after(SERVED_S))
        inner.look()
        lose_definitions(outer)
        for _ in range(KILLED_LOOKS - 1):
            inner.look()
        assert not ended(outer)
        inner.look()
        wait_until("the end of the code server", lambda: ended(outer))


def test_one_whose_definitions_end_at_once_is_left_alone() -> None:
    """They have a fault, which the code server names on Dagster's pages."""
    with code_server("polite", "served") as outer:
        inner = InnerServer(after(SERVED_S - 1))
        assert [inner.look() for _ in range(2)] == [""] * 2
        lose_definitions(outer)
        assert [inner.look() for _ in range(KILLED_LOOKS + 1)] == [""] * (KILLED_LOOKS + 1)
        assert not ended(outer)


def test_one_whose_definitions_never_ran_is_left_alone() -> None:
    with code_server("polite", "alone") as outer:
        inner = InnerServer()
        assert [inner.look() for _ in range(KILLED_LOOKS + 1)] == [""] * (KILLED_LOOKS + 1)
        assert not ended(outer)
