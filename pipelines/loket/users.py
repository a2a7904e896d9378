"""Says who may see what on the upload page: people, and the datasets of the OPD that are theirs.

What belongs here: the file of users (docs/configuration.md), the contracts, each read again when it has changed. Not
here: how a request proves who sends it (login.py), what became of the datasets (ledger.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol, cast

import yaml

from pipelines.contracts.files import contract_paths, read_contract
from pipelines.contracts.model import Contract
from pipelines.disk import os_reason
from pipelines.errors import GudangError

USERS_FILE = "GUDANG_LOKET_PENGGUNA"
"""The variable that names the file of users."""
WALIDATA = "walidata"
"""In place of a list of OPD: who has this word sees the datasets of all OPD."""
_EXAMPLE = "tulis `nama: [opd, ...]`, atau `nama: walidata`"


@dataclass(frozen=True, slots=True)
class Person:
    """Who uses the page. opd: the OPD whose datasets they see; a walidata sees those of all."""

    name: str
    opd: frozenset[str] = frozenset()
    is_walidata: bool = False

    def sees(self, opd: str) -> bool:
        """Whether the datasets of this OPD are theirs."""
        return self.is_walidata or opd in self.opd


class Users(Protocol):
    """Knows people by the name with which they log in."""

    def find(self, name: str) -> Person | None:
        """The person of this name; None if nobody has it."""
        ...


class UsersFile:
    """The users of a YAML file. A change of the file holds from the next request on."""

    def __init__(self, path: Path) -> None:
        """Reads the file. Raises GudangError if it can't be read or has a fault."""
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._people: Mapping[str, Person] = {}
        self._renew()

    def find(self, name: str) -> Person | None:
        """The person of this name. Raises GudangError if the file can't be read now or has a fault."""
        self._renew()
        return self._people.get(name)

    def _renew(self) -> None:
        try:
            state = self._path.stat()
            stamp = (state.st_mtime_ns, state.st_size)
            if stamp == self._stamp:
                return
            text = self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = os_reason(error) if isinstance(error, OSError) else "bukan teks UTF-8"
            raise GudangError(USERS_FILE, f"{self._path.name}: {reason}", hint=_EXAMPLE) from None
        self._people, self._stamp = read_users(text), stamp


def read_users(text: str) -> dict[str, Person]:
    """The people of a file's text, by name. Raises GudangError, which names the person whose entry has a fault."""
    try:
        entries: object = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"baris {mark.line + 1}: " if mark else ""
        raise GudangError(USERS_FILE, f"{place}bukan YAML", hint=_EXAMPLE) from None
    if not isinstance(entries, dict):
        raise GudangError(USERS_FILE, "isinya bukan daftar pengguna", hint=_EXAMPLE)
    return {str(name): _person(name, value) for name, value in cast("dict[object, object]", entries).items()}


def _person(name: object, value: object) -> Person:
    if not isinstance(name, str) or not name.strip():
        raise GudangError(USERS_FILE, f"{name!r} bukan nama pengguna", hint="tulis di antara tanda kutip")
    if value == WALIDATA:
        return Person(name, is_walidata=True)
    opd = cast("list[object]", value) if isinstance(value, list) else []
    if not opd or not all(isinstance(one, str) for one in opd):
        raise GudangError(USERS_FILE, f"{name}: bukan daftar OPD", hint=_EXAMPLE)
    return Person(name, frozenset(map(str, opd)))


class MadeUpUsers:
    """The people of the demo: one for each OPD, and one of the walidata."""

    def __init__(self, opd: Iterable[str]) -> None:
        self.people = (
            *(Person(f"petugas-{one}", frozenset({one})) for one in sorted(set(opd))),
            Person("petugas-walidata", is_walidata=True),
        )

    def find(self, name: str) -> Person | None:
        """The person of this name; None if nobody has it."""
        return next((person for person in self.people if person.name == name), None)


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
