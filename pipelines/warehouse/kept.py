"""Answers that cost time and depend only on what is asked, kept in a file for later processes.

Not here: what is asked (query_reads.py, models/lineage/lineage.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

_MOST = 5_000
"""So many answers are kept, and those that the writing process has used. Queries with days change every night."""


class Kept:
    """Answers as JSON values, by the hash of what was asked.

    name: begins the file's name. program: a hash of what finds the answers, which ends the name, so that no answer of
    another version is used. The file may be deleted at any time; one that is missing or damaged is as none.
    """

    def __init__(self, name: str, program: Callable[[], str]) -> None:
        self._name, self._program = name, program
        self._found: dict[str, Any] = {}
        self._used: set[str] = set()
        self._path: Path | None = None
        self._changed = False

    def open(self, folder: Path) -> None:
        """Reads what earlier processes kept in `folder`."""
        self._path = folder / f"{self._name}-{self._program()}.json"
        with suppress(OSError, ValueError):
            found = json.loads(self._path.read_text("utf-8"))
            if isinstance(found, dict):
                self._found |= found

    def get(self, asked: str) -> Any:
        """The answer; None if there is none."""
        key = _key(asked)
        self._used.add(key)
        return self._found.get(key)

    def put(self, asked: str, answer: Any) -> None:
        """Notes an answer, a value that JSON has."""
        self._found[_key(asked)] = answer
        self._changed = True

    def save(self) -> None:
        """Writes the file, if there is something new and `open` said where. A folder that can't be written is left."""
        if self._path is None or not self._changed:
            return
        self._changed = False
        kept = {
            key: answer
            for key, answer in [*self._found.items()]
            if key in self._used or len(self._found) < _MOST
        }
        # Several processes may write at once. Each writes a file of its own, and the last one stays.
        new = self._path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._path.parent.mkdir(exist_ok=True)
            for old in self._path.parent.glob(f"{self._name}-*.json"):
                if old != self._path:
                    old.unlink(missing_ok=True)
            new.write_text(json.dumps(kept), "utf-8")
            new.replace(self._path)


def _key(asked: str) -> str:
    return hashlib.sha256(asked.encode()).hexdigest()
