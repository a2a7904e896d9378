"""The lock of a home: waiting names the holder and ends, and no other user can hold the lock."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.errors import GudangError
from pipelines.runtime.file_lock import locked

HOLD_LOCK = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('x', flush=True); sys.stdin.read()"


@contextmanager
def held_by_another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Starts a process that holds the lock until its standard input ends."""
    command = [sys.executable, "-c", HOLD_LOCK, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "x\n"
        yield process


def test_waiting_names_the_holder_and_ends_at_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pg.lock"
    path.touch()
    with (
        held_by_another_process(path) as process,
        pytest.raises(GudangError, match=rf"pg.lock dikunci oleh proses {process.pid} \("),
        locked(path, "PostgreSQL", limit=0.5, say_after=0.0),
    ):
        pass
    assert capsys.readouterr().err.startswith(f"gudang: menunggu {path}, dikunci oleh proses {process.pid} (")
    with locked(path, "PostgreSQL"):
        pass
    assert capsys.readouterr().err == ""


def test_lock_file_is_accessible_only_to_its_owner(tmp_path: Path) -> None:
    old = tmp_path / "old.lock"
    old.touch(0o644)
    for path in (old, tmp_path / "new.lock"):
        with locked(path, "PostgreSQL"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
