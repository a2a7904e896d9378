"""Finds files that a power cut would damage, because nobody wrote their content to the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


class SyncedFiles:
    """Notes which files `os.fsync` wrote to the disk, and how long they were then."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sizes: dict[int, int] = {}
        really = os.fsync

        def fsync(descriptor: int) -> None:
            really(descriptor)
            state = os.fstat(descriptor)
            self._sizes[state.st_ino] = state.st_size

        monkeypatch.setattr(os, "fsync", fsync)

    def missing(self, folder: Path) -> list[str]:
        """The files in `folder` that a power cut now would leave empty or cut."""
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        assert files
        return [path.name for path in files if self._sizes.get(path.stat().st_ino) != path.stat().st_size]
