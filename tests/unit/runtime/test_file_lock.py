"""The lock of a home: who waits says for whom, and not for ever; nobody else can hold it."""

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

HOLD = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_EX); print('x', flush=True); sys.stdin.read()"


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process holds the lock until its standard input ends."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "x\n"
        yield process


def test_who_waits_says_for_whom_and_gives_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pg.lock"
    path.touch()
    with (
        held(path) as process,
        pytest.raises(GudangError, match=rf"pg.lock dikunci oleh proses {process.pid} \("),
        locked(path, "PostgreSQL", limit=0.5, say_after=0.0),
    ):
        pass
    assert capsys.readouterr().err.startswith(f"gudang: menunggu {path}, dikunci oleh proses {process.pid} (")
    with locked(path, "PostgreSQL"):
        pass
    assert capsys.readouterr().err == ""


def test_no_other_user_can_open_it(tmp_path: Path) -> None:
    old = tmp_path / "old.lock"
    old.touch(0o644)
    for path in (old, tmp_path / "new.lock"):
        with locked(path, "PostgreSQL"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
