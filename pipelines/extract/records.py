"""Records of an API as rows under one contract: which of their keys are columns, and which nobody promised.

What belongs here: keys. Not here: what a value becomes (json_text.py), pages (paging.py).

An object is looked into where the contract reads a part of it ("pemohon.nama"); any other value is one cell. Keys
that the contract does not know come and go in APIs: under freeze they are left out with a warning, where the
contract evolves they go into EXTRA.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from pipelines.contracts import Contract
from pipelines.errors import ShapeError, SourceError
from pipelines.extract.json_text import cell, extra_cell
from pipelines.extract.stream import SourceStream

MAX_KEYS = 1600
"""As many columns as a PostgreSQL table may have. More of them are data, and would fill the memory."""
LONGEST_KEY = 1000
_SHOWN = 20


class Records:
    """Turns the pages of one reading into rows, and fills the stream's shape and warnings."""

    def __init__(self, contract: Contract, stream: SourceStream, known: Collection[str] = ()) -> None:
        """known: further keys that are no news, though no column reads them."""
        self._contract = contract
        self._stream = stream
        self._promised = [c.source_name for c in contract.stored]
        self._known = {c.source_name for c in contract.columns} | set(known)
        self._below = _below(self._known)
        self._checked = False

    def rows(self, records: Sequence[Any], page: int) -> Iterator[list[str | None]]:
        """The rows of one page, in the stream's columns. Raises before the first where one record is none."""
        places = [f"halaman {page} rekaman {index}" for index in range(1, len(records) + 1)]
        flat = [self._flat(record, place) for record, place in zip(records, places, strict=True)]
        self._notice(flat)
        if flat and not self._checked:
            self._checked = True
            self._check_first_page()
        for record, place in zip(flat, places, strict=True):
            cells = [cell(record.get(name)) for name in self._promised]
            if self._contract.evolves:
                cells.append(extra_cell({k: v for k, v in record.items() if k not in self._known}))
            cells.append(place)
            yield cells

    def finish(self) -> None:
        """Warns of what only the end can tell."""
        if not self._checked:
            return
        gone = self._gone()
        if gone:
            self._stream.warnings.append(f"in no record, so left empty: {', '.join(gone)}")
        if (others := self._unknown()) and not self._contract.evolves:
            self._stream.warnings.append(_left_out(others))

    def _flat(self, record: Any, place: str) -> Mapping[str, Any]:
        if not isinstance(record, dict):
            hint = "correct extract.records"
            raise SourceError(self._contract.key, f"{place} is no object", hint=hint)
        record = cast("dict[str, Any]", record)
        if not self._below:
            return record
        flat: dict[str, Any] = {}
        for name, value in self._leaves(record, ""):
            if name in flat:
                message = f"{place} has {name} twice, as a key and as a part"
                raise SourceError(self._contract.key, message, hint="ask the OPD which one holds")
            flat[name] = value
        return flat

    def _leaves(self, record: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
        for key, value in record.items():
            name = f"{prefix}{key}"
            below = self._below.get(name)
            if not below or name in self._known:
                yield name, value
            if not below:
                continue
            if isinstance(value, dict):
                yield from self._leaves(cast("dict[str, Any]", value), f"{name}.")
            elif value is None:
                yield from ((part, None) for part in below)
            elif name not in self._known:
                yield name, value

    def _notice(self, flat: Sequence[Mapping[str, Any]]) -> None:
        shape = self._stream.shape
        for record in flat:
            if record.keys() <= shape.keys():
                continue
            shape.update((name.replace("\0", "\ufffd"), "") for name in record)
            if len(shape) > MAX_KEYS or max(map(len, record)) > LONGEST_KEY:
                message = f"the records have more than {MAX_KEYS} different keys, or far too long ones"
                raise SourceError(
                    self._contract.key,
                    message,
                    hint="their keys hold data: ask the OPD for a list of records",
                )

    def _check_first_page(self) -> None:
        gone = self._gone()
        if self._contract.evolves:
            needed = {c.source_name for c in self._contract.stored if c.required or c.key}
            gone = [name for name in gone if name in needed]
        if not gone:
            return
        message = f"in no record of the first page: {', '.join(gone)}"
        if others := self._unknown():
            message = f"{message}; {_left_out(others)}"
        hint = "ask the OPD, or correct physicalName in the contract"
        raise ShapeError(self._contract.key, message, hint=hint)

    def _gone(self) -> list[str]:
        return [name for name in self._promised if name not in self._stream.shape]

    def _unknown(self) -> list[str]:
        return sorted(self._stream.shape.keys() - self._known)


def _below(names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each object that is looked into, the names that are read below it."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        parts = name.split(".")
        for length in range(1, len(parts)):
            found.setdefault(".".join(parts[:length]), []).append(name)
    return {prefix: tuple(below) for prefix, below in found.items()}


def _left_out(others: Sequence[str]) -> str:
    return f"keys left out, they are not in the contract: {', '.join(others[:_SHOWN])}"
