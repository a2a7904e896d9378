"""Ends a code server of Dagster that can no longer answer, so that who keeps it starts it again.

`dagster code-server start` hands every call on to a process of its own that has the definitions. That process ends
itself if it has seen no heartbeat for 30 seconds of the machine's clock. A clock that jumps forward is enough: a laptop
that slept, a virtual machine that was paused. The outer process then answers each call with an error, for ever.

What belongs here: seeing that, and ending the outer process. Not here: starting it again (systemd, services.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

SERVED_S = 45.0
"""If the process with the definitions ends before it has run for so many seconds, nothing is done: its definitions
cannot be loaded, and the outer process shows the fault on Dagster's pages."""
MISSING_LOOKS = 2
"""If so many looks in a row find no process with the definitions, the code server is asked to end."""
KILLED_LOOKS = 20
"""If so many find none, it is killed."""


@dataclass(slots=True)
class InnerServer:
    """Watches the code server that this process has started.

    A process that was told to end lives on until its last run has ended, and counts as there until then.

    clock: gives seconds that no change of the machine's clock disturbs. outer: the code server that the last look
    found. since: when it was first seen with a process with the definitions; None if it has none yet. served: for how
    many seconds it had one. missing: how many looks in a row found none.
    """

    clock: Callable[[], float] = time.monotonic
    outer: psutil.Process | None = None
    since: float | None = None
    served: float = 0.0
    missing: int = 0

    def look(self) -> str:
        """Looks once, and ends a code server that has lost its process. Gives a line for the operator, or ""."""
        found = _code_server()
        if found != self.outer:
            self.outer, self.since, self.served, self.missing = found, None, 0.0, 0
        if found is None:
            return ""
        if _has_definitions(found):
            self.since = self.clock() if self.since is None else self.since
            self.served, self.missing = self.clock() - self.since, 0
            return ""
        if self.served < SERVED_S:
            self.since = None
            return ""
        self.missing += 1
        with suppress(psutil.NoSuchProcess):
            if self.missing == MISSING_LOOKS:
                found.terminate()
                return (
                    "Proses yang memegang definisi sudah tidak ada; code server diakhiri, supaya dimulai lagi"
                )
            if self.missing == KILLED_LOOKS:
                found.kill()
        return ""


def _code_server() -> psutil.Process | None:
    """The running `dagster code-server start` below this process, if there is one."""
    for process in psutil.Process().children(recursive=True):
        if {"code-server", "start"} <= {*_words(process)}:
            return process
    return None


def _has_definitions(code_server: psutil.Process) -> bool:
    """Whether the process with the definitions (`dagster api grpc`) runs. A zombie has no words any more."""
    try:
        return any({"api", "grpc"} <= {*_words(child)} for child in code_server.children())
    except psutil.NoSuchProcess:
        return False


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
