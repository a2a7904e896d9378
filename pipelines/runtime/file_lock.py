"""Locks a file, so that only one process at a time does a thing.

What belongs here: taking the lock, and waiting for it. Not here: the work while it is held (embedded.py).
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
"""How long we wait. The holder of the lock may wait ten minutes for a server that recovers after a crash."""

SAY_SECONDS = 2.0
"""After this time a waiting process says on standard error that it waits."""


@contextmanager
def locked(
    path: Path, subject: str, *, limit: float = LIMIT_SECONDS, say_after: float = SAY_SECONDS
) -> Iterator[None]:
    """Holds the lock of the file `path`. Only its owner may open it, because who can open a file can lock it.

    After `say_after` seconds it says on standard error which process it waits for, and how long at most. Raises
    PermissionError for another user's file, and GudangError about `subject` when `limit` seconds are over.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            with suppress(PermissionError):  # root's, of a home that another owns
                os.fchmod(file.fileno(), 0o600)
        _wait(file.fileno(), path, subject, limit, say_after)
        yield


def _wait(descriptor: int, path: Path, subject: str, limit: float, say_after: float) -> None:
    started, said = time.monotonic(), False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            waited = time.monotonic() - started
        if waited > limit:
            raise GudangError(
                subject,
                f"{path} dikunci oleh {_holder(descriptor)}",
                hint="akhiri proses itu, lalu coba lagi",
            )
        if waited > say_after and not said:
            said = True
            print(
                f"gudang: menunggu {path}, dikunci oleh {_holder(descriptor)}; paling lama {limit / 60:.0f} menit",
                file=sys.stderr,
            )
        time.sleep(0.1)


def _holder(descriptor: int) -> str:
    """The process that holds the lock, in Indonesian. Only Linux names it."""
    inode = os.fstat(descriptor).st_ino
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "FLOCK" in fields and "->" not in fields and fields[5].endswith(f":{inode}"):
                with suppress(OSError):
                    command = Path(f"/proc/{fields[4]}/comm").read_text().strip()
                    return f"proses {fields[4]} ({command})"
                return f"proses {fields[4]}"
    return "proses lain"
