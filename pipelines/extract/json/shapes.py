"""Turns records in one of the shapes that a contract may declare, other than a list of objects, into objects.

What belongs here: from the value at extract.records to records, for an API and for a file. Not here: finding that value
(extract/api/reader.py, extract/upload/json_file.py), what a record's keys mean (records.py), the matrix of BPS
(bps.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, cast

from pipelines.contracts.api import BPS_DATA
from pipelines.contracts.upload import KEY, KEYED
from pipelines.errors import SourceError
from pipelines.extract.json import bps
from pipelines.extract.json.values import JsonError

_HINT = "perbaiki extract.records atau extract.shape"


def shaped_records(subject: str, place: str, shape: str, found: Any) -> list[Any]:
    """Returns the records in `found`, the value at extract.records of an API's answer.

    Raises SourceError with the place if the value does not have the shape.
    """
    if shape == BPS_DATA:
        return bps.matrix_records(subject, place, found)
    try:
        return _keyed(found) if shape == KEYED else _lists(found)
    except JsonError as error:
        message = f"{place}: {error}"
    raise SourceError(subject, message, hint=_HINT, code="GDK-S012")


def keyed_record(key: str, record: Any, number: int) -> dict[str, Any]:
    """Returns the record with its key added as KEY. Raises JsonError if the record is not an object.

    number: the record's number, from 1.
    """
    if not isinstance(record, dict):
        raise JsonError(f"rekaman {number} bukan objek")
    return {KEY: key, **cast("dict[str, Any]", record)}


def header_of(row: Any) -> list[str]:
    """Returns the first list of a list of lists as the keys for the others. Raises JsonError."""
    names = cast("list[Any]", row) if isinstance(row, list) else None
    if names is None:
        raise JsonError("nilai di extract.records bukan daftar berisi daftar")
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise JsonError("daftar pertama bukan baris judul: ada nama yang bukan teks, atau ganda")
    return names


def listed_record(header: Sequence[str], row: Any, number: int) -> dict[str, Any]:
    """Returns a row below a header as a record; cells missing at its end are null. Raises JsonError."""
    if not isinstance(row, list):
        raise JsonError(f"baris {number} bukan daftar")
    cells = cast("list[Any]", row)
    if len(cells) > len(header):
        raise JsonError(f"baris {number} punya {len(cells)} sel, baris judul {len(header)}")
    return dict(zip_longest(header, cells))


def _keyed(found: Any) -> list[Any]:
    if found == []:  # PHP's empty object
        return []
    if not isinstance(found, dict):
        raise JsonError("nilai di extract.records bukan objek berisi rekaman")
    keyed = cast("dict[str, Any]", found)
    return [keyed_record(key, record, number) for number, (key, record) in enumerate(keyed.items(), 1)]


def _lists(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise JsonError("nilai di extract.records bukan daftar berisi daftar")
    rows = cast("list[Any]", found)
    if not rows:
        return []
    header = header_of(rows[0])
    return [listed_record(header, row, number) for number, row in enumerate(rows[1:], 1)]
