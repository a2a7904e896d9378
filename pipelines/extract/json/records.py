"""Turns records of JSON, from an API or a file, into rows; finds keys that are missing or unknown to the contract.

What belongs here: keys. Not here: the text of a value (values.py), what a missing or a new key means for an API
(extract/api/reader.py) or a file (extract/upload/json_file.py).

If the contract reads a part of an object ("pemohon.nama"), the object is split into its parts. Any other value is one
cell. A record whose objects were split in this way is called flat.
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
"""The number of columns that a PostgreSQL table may have. If there are more keys, the keys are data, and would fill the
memory."""
LONGEST_KEY = 1000


class Fields:
    """Knows the keys of one reading's records, and gives the cells. A part of an object is named "pemohon.nama"."""

    def __init__(
        self,
        contract: Contract,
        shape: dict[str, str],
        known: Collection[str] = (),
        max_keys: int = MAX_KEYS,
    ) -> None:
        """Begins a reading.

        shape: the stream's shape; every key that occurs is added to it. known: further keys that are known, although
        no column reads them. max_keys: the most different keys of one reading.
        """
        self._max_keys = max_keys
        self._contract = contract
        self._shape = shape
        self.promised = [c.source_name for c in contract.stored]
        self._spelled: dict[str, str] = {}
        self._readers = [(c.source_name, cell_reader(number_writer(c))) for c in contract.stored]
        self.known = {c.source_name for c in contract.columns} | set(known)
        self._below = _below(self.known)

    def flat(self, record: Mapping[str, Any], place: str) -> Mapping[str, Any]:
        """Returns the record with its objects split into the parts that the contract reads.

        place: the record's place, for messages. Raises SourceError if a name occurs twice, as a key and as a part.
        """
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
        """Adds the parts of an object to the flat record.

        If the object itself is a column, it is added, too, and only the parts that the contract knows.
        """
        is_column = name in self.known
        below = self._below[name]
        if is_column or not (value is None or isinstance(value, dict)):
            _put(self._contract, flat, name, value, place)
        if value is None:
            for part in below:
                _put(self._contract, flat, part, None, place)
        elif isinstance(value, dict):
            for key, inner in cast("dict[str, Any]", value).items():
                part = f"{name}.{key}"
                if part in self._below:
                    self._part(flat, part, inner, place)
                elif not is_column or part in self.known:
                    _put(self._contract, flat, part, inner, place)

    def cells(self, flat: Mapping[str, Any]) -> list[str | None]:
        """Returns a flat record's cells for the contract's columns; if it evolves, also one of the unknown keys."""
        cells = [read(flat.get(name)) for name, read in self._readers]
        if self._contract.evolves:
            known = self.known
            cells.append(extra_cell({k: v for k, v in flat.items() if k not in known}))
        return cells

    def add_new_keys(self, flat: Mapping[str, Any]) -> list[str]:
        """Adds the keys that no earlier record had to the shape and returns them. Raises SourceError if too many."""
        shape = self._shape
        if flat.keys() <= shape.keys():
            return []
        new = [name for name in (n.replace("\0", "\ufffd") for n in flat) if name not in shape]
        self._know_other_spellings(new)
        shape.update(dict.fromkeys(new, ""))
        if len(shape) > self._max_keys or max(map(len, flat)) > LONGEST_KEY:
            message = f"rekaman punya lebih dari {self._max_keys} kunci yang berbeda, atau kunci yang terlalu panjang"
            hint = "kuncinya berisi data: minta daftar rekaman kepada OPD"
            raise SourceError(self._contract.key, message, hint=hint, code="GDK-S014")
        return new

    def _know_other_spellings(self, names: Collection[str]) -> None:
        """Treats names that differ from the contract's only in their Unicode form (NFD) as the same."""
        for name in names:
            if name.isascii() or name in self.known:
                continue
            meant = next((k for k in self.known if normalize("NFC", k) == normalize("NFC", name)), None)
            if meant is not None:
                self.known.add(name)
                self._spelled[meant] = name
                self._readers = [(name if key == meant else key, read) for key, read in self._readers]

    def missing_keys(self) -> list[str]:
        """Returns the keys that the contract names and no record had so far."""
        return [name for name in self.promised if self._spelled.get(name, name) not in self._shape]

    def unknown_keys(self) -> list[str]:
        """Returns the keys of the records so far that the contract does not know, in the order of occurrence."""
        return [name for name in self._shape if name not in self.known]


def _put(contract: Contract, flat: dict[str, Any], name: str, value: Any, place: str) -> None:
    if name in flat:
        message = f"{place}: {redact_names(contract, [name])} ganda, sebagai kunci dan sebagai bagian objek"
        raise SourceError(
            contract.key, message, hint="tanyakan kepada OPD mana yang berlaku", code="GDK-S012"
        )
    flat[name] = value


def _below(names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Returns, for each object that is split, the names that are read in it."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        parts = name.split(".")
        for length in range(1, len(parts)):
            found.setdefault(".".join(parts[:length]), []).append(name)
    return {prefix: tuple(below) for prefix, below in found.items()}
