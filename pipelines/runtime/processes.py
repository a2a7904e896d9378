"""Ends child processes in order, and lets them end with their parent.

What belongs here: signals to our own children. Not here: starting them (demo.py, cli/night.py).
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
"""The number of prctl's PR_SET_PDEATHSIG (linux/prctl.h)."""


def end(process: subprocess.Popen[bytes], first: signal.Signals, patience: float = 30.0) -> int:
    """Sends the child the signal `first`, and kills it if it has not ended after `patience` seconds.

    Gives its exit code.
    """
    if process.poll() is None:
        process.send_signal(first)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
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
