"""Records of JSON, from an API or a file, as rows: which of their keys are columns, and which nobody promised.

What belongs here: keys. Not here: what a value becomes (values.py), what a vanished or a new key means to an API
(extract/api/reader.py) or a file (extract/upload/json_file.py).

An object is looked into where the contract reads a part of it ("pemohon.nama"); any other value is one cell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast
from unicodedata import normalize

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.json.values import cell_reader, extra_cell
from pipelines.extract.number_forms import number_writer
from pipelines.extract.source_names import redact_names

MAX_KEYS = 1600
"""As many columns as a PostgreSQL table may have. More of them are data, and would fill the memory."""
LONGEST_KEY = 1000


class Fields:
    """The keys of one reading's records, by their names with dots; fills the shape of its stream."""

    def __init__(self, contract: Contract, shape: dict[str, str], known: Collection[str] = ()) -> None:
        """known: further keys that are no news, though no column reads them."""
        self._contract = contract
        self._shape = shape
        self.promised = [c.source_name for c in contract.stored]
        self._spelled: dict[str, str] = {}
        self._readers = [(c.source_name, cell_reader(number_writer(c))) for c in contract.stored]
        self.known = {c.source_name for c in contract.columns} | set(known)
        self._below = _below(self.known)

    def flat(self, record: Mapping[str, Any], place: str) -> Mapping[str, Any]:
        """The record with the parts that are read of its objects. Raises SourceError where two have one name."""
        if not self._below:
            return record
        flat: dict[str, Any] = {}
        for key, value in record.items():
            if key in self._below:
                self._part(flat, key, value, place)
            else:
                _put(self._contract, flat, key, value, place)
        return flat

    def _part(self, flat: dict[str, Any], name: str, value: Any, place: str) -> None:
        """A value of which parts are read. One that is a column by itself has no part that is news."""
        whole = name in self.known
        below = self._below[name]
        if whole or not (value is None or isinstance(value, dict)):
            _put(self._contract, flat, name, value, place)
        if value is None:
            for part in below:
                _put(self._contract, flat, part, None, place)
        elif isinstance(value, dict):
            for key, inner in cast("dict[str, Any]", value).items():
                part = f"{name}.{key}"
                if part in self._below:
                    self._part(flat, part, inner, place)
                elif not whole or part in self.known:
                    _put(self._contract, flat, part, inner, place)

    def cells(self, flat: Mapping[str, Any]) -> list[str | None]:
        """The cells of the contract's columns, and what it does not know where it evolves."""
        cells = [read(flat.get(name)) for name, read in self._readers]
        if self._contract.evolves:
            known = self.known
            cells.append(extra_cell({k: v for k, v in flat.items() if k not in known}))
        return cells

    def notice(self, flat: Mapping[str, Any]) -> list[str]:
        """The names that no record before had. Raises SourceError where there are too many."""
        shape = self._shape
        if flat.keys() <= shape.keys():
            return []
        new = [name for name in (n.replace("\0", "\ufffd") for n in flat) if name not in shape]
        self._know_other_spellings(new)
        shape.update(dict.fromkeys(new, ""))
        if len(shape) > MAX_KEYS or max(map(len, flat)) > LONGEST_KEY:
            message = f"the records have more than {MAX_KEYS} different keys, or far too long ones"
            hint = "their keys hold data: ask the OPD for a list of records"
            raise SourceError(self._contract.key, message, hint=hint)
        return new

    def _know_other_spellings(self, names: Collection[str]) -> None:
        """Names that are the contract's but for their Unicode form (NFD) count as those."""
        for name in names:
            if name.isascii() or name in self.known:
                continue
            meant = next((k for k in self.known if normalize("NFC", k) == normalize("NFC", name)), None)
            if meant is not None:
                self.known.add(name)
                self._spelled[meant] = name
                self._readers = [(name if key == meant else key, read) for key, read in self._readers]

    def gone(self) -> list[str]:
        """What the contract promised and no record had so far."""
        return [name for name in self.promised if self._spelled.get(name, name) not in self._shape]

    def unknown(self) -> list[str]:
        """What records had so far, and the contract does not know; in the order in which it came."""
        return [name for name in self._shape if name not in self.known]


def _put(contract: Contract, flat: dict[str, Any], name: str, value: Any, place: str) -> None:
    if name in flat:
        message = f"{place} has {redact_names(contract, [name])} twice, as a key and as a part"
        raise SourceError(contract.key, message, hint="ask the OPD which one holds")
    flat[name] = value


def _below(names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """For each object that is looked into, the names that are read below it."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        parts = name.split(".")
        for length in range(1, len(parts)):
            found.setdefault(".".join(parts[:length]), []).append(name)
    return {prefix: tuple(below) for prefix, below in found.items()}
