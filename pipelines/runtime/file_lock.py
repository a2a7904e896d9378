"""A lock file: one process at a time, and who waits says for whom, and how long at most.

What belongs here: taking the lock. Not here: what is done meanwhile (embedded.py).
"""

from __future__ import annotations

import fcntl
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipelines.errors import GudangError

LIMIT_SECONDS = 660.0
"""A server that recovers after a crash is waited for ten minutes by whoever holds the lock."""

SAY_SECONDS = 2.0


@contextmanager
def locked(path: Path, subject: str) -> Iterator[None]:
    """Holds the lock of `path`, a file that only its owner opens: what others can open, they can lock.

    Says on standard error for whom it waits. Raises PermissionError for another's file, and GudangError when
    LIMIT_SECONDS are over.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            with suppress(PermissionError):  # root's, of a home that another owns
                os.fchmod(file.fileno(), 0o600)
        _wait(file.fileno(), path, subject)
        yield


def _wait(descriptor: int, path: Path, subject: str) -> None:
    started, said = time.monotonic(), False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            waited = time.monotonic() - started
        if waited > LIMIT_SECONDS:
            raise GudangError(
                subject, f"{path} is locked by {_holder(descriptor)}", hint="end that process, try again"
            )
        if waited > SAY_SECONDS and not said:
            said = True
            limit = f"{LIMIT_SECONDS / 60:.0f} minutes"
            print(
                f"gudang: waiting for {path}, held by {_holder(descriptor)}; at most {limit}", file=sys.stderr
            )
        time.sleep(0.1)


def _holder(descriptor: int) -> str:
    """The process that holds the lock, where the kernel says so (Linux)."""
    inode = os.fstat(descriptor).st_ino
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "FLOCK" in fields and "->" not in fields and fields[5].endswith(f":{inode}"):
                with suppress(OSError):
                    command = Path(f"/proc/{fields[4]}/comm").read_text().strip()
                    return f"process {fields[4]} ({command})"
                return f"process {fields[4]}"
    return "another process"
