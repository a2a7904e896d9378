"""Knows the datasets by OPD, and reads a contract again when its file has changed.

Not here: whose datasets a person may see (users.py), what became of them (ledger.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from pipelines.contracts.files import contract_paths, read_contract
from pipelines.contracts.model import Contract
from pipelines.loket.users import Person


@dataclass(frozen=True, slots=True)
class _Read:
    """What a contract's file held when it was last read. contract: None if it has a fault."""

    stamp: tuple[int, int]
    contract: Contract | None


class KnownDatasets:
    """The contracts of a folder, as they are at each question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, _Read] = {}
        self._lock = Lock()

    def all(self) -> list[Contract]:
        """All contracts without a fault, ordered by key."""
        with self._lock:
            self._read = {path: self._current(path) for path in contract_paths(self._folder)}
            return [read.contract for read in self._read.values() if read.contract]

    def of(self, person: Person) -> list[Contract]:
        """The contracts of the person's OPD."""
        return [contract for contract in self.all() if person.sees(contract.opd)]

    def find(self, person: Person, key: str) -> Contract | None:
        """The contract of this key. None if there is none, or if it is not the person's to see."""
        return next((contract for contract in self.of(person) if contract.key == key), None)

    def _current(self, path: Path) -> _Read:
        state = path.stat()
        stamp = (state.st_mtime_ns, state.st_size)
        known = self._read.get(path)
        if known is not None and known.stamp == stamp:
            return known
        return _Read(stamp, read_contract(path)[0])
