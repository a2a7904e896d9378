"""Answers whose records are no list of objects: the shapes that a contract may declare, as a list of objects.

What belongs here: from what stands at extract.records to records. Not here: where that is (paging.py), what a record's
keys mean (records.py), the matrix of BPS (bps.py).
"""

from __future__ import annotations

from itertools import zip_longest
from typing import Any, cast

from pipelines.contract_api import BPS_DATA, KEY, KEYED
from pipelines.errors import SourceError
from pipelines.extract import bps

_HINT = "correct extract.records or extract.shape"


def shaped_records(subject: str, place: str, shape: str, found: Any) -> list[Any]:
    """The records in `found`, which stands at extract.records. Raises SourceError, naming the place, where it is
    not of the shape."""
    if shape == BPS_DATA:
        return bps.matrix_records(subject, place, found)
    return _keyed(subject, place, found) if shape == KEYED else _lists(subject, place, found)


def _keyed(subject: str, place: str, found: Any) -> list[Any]:
    """An object of records by their keys, as PHP writes an array with gaps; the key is KEY of each record."""
    if found == []:  # PHP's empty object
        return []
    if not isinstance(found, dict):
        raise SourceError(subject, f"{place}: at extract.records stands no object of records", hint=_HINT)
    keyed = cast("dict[str, Any]", found)
    for number, record in enumerate(keyed.values(), 1):
        if not isinstance(record, dict):
            raise SourceError(subject, f"{place}: record {number} of the object is no object", hint=_HINT)
    return [{KEY: key, **record} for key, record in keyed.items()]


def _lists(subject: str, place: str, found: Any) -> list[Any]:
    """A list of lists whose first one is the header; cells that a row lacks at its end are null."""
    rows = cast("list[Any]", found) if isinstance(found, list) else None
    if rows is None or not all(isinstance(row, list) for row in rows):
        raise SourceError(subject, f"{place}: at extract.records stands no list of lists", hint=_HINT)
    if not rows:
        return []
    header = rows[0]
    if not all(isinstance(name, str) for name in header) or len(set(header)) != len(header):
        message = f"{place}: the first list is no header: a name is no text, or stands twice"
        raise SourceError(subject, message, hint=_HINT)
    for number, row in enumerate(rows[1:], 1):
        if len(row) > len(header):
            message = f"{place}: row {number} has {len(row)} cells, and the header {len(header)}"
            raise SourceError(subject, message, hint="ask the OPD: its cells stand under no name")
    return [dict(zip_longest(header, row)) for row in rows[1:]]
