"""Ends a code server of Dagster that can no longer answer, so that who keeps it starts it again.

`dagster code-server start` hands every call on to a process of its own that has the definitions. That process ends
itself if it has seen no heartbeat for 30 seconds of the machine's clock. A clock that jumps forward is enough: a laptop
that slept, a virtual machine that was paused. The outer process then answers each call with an error, for ever.

What belongs here: seeing that, and ending the outer process. Not here: starting it again (systemd, services.py).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import psutil

MISSING_LOOKS = 2
"""After so many looks in a row without the process with the definitions, the code server is asked to end."""
KILLED_LOOKS = 20
"""After so many it is killed."""


@dataclass(slots=True)
class InnerServer:
    """Looks at the code server among the processes below this one.

    outer: the code server that had a process with the definitions. One that never had has definitions with a fault,
    which it names itself. missing: how many looks in a row found none.
    """

    outer: psutil.Process | None = None
    missing: int = 0

    def look(self) -> str:
        """Looks once, and ends a code server that has lost its process. Gives a line for the operator, or ""."""
        found = _code_server()
        if found is None or _has_definitions(found):
            self.outer, self.missing = found, 0
            return ""
        if found != self.outer:
            return ""
        self.missing += 1
        with suppress(psutil.NoSuchProcess):
            if self.missing == MISSING_LOOKS:
                found.terminate()
                return "Proses yang memegang definisi sudah tidak ada; code server dimulai lagi"
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
