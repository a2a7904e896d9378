"""Turns a dynamic table of BPS (Statistics Indonesia), a matrix in the answer of its Web API, into records.

What belongs here: the answer of `/v1/api/list/model/data/...`. Not here: the list models of the same API, which
hold plain records (`records: /data/1`, `total: /data/0/total`), requests, pages.

Source: https://webapi.bps.go.id/documentation/, "Dynamic Data", and its sample answer. `vervar` (rows), `var`,
`turvar` (derived variable), `tahun` and `turtahun` (derived period) are lists of `{val, label}`; `datacontent` is an
object of values. Its keys are the five `val` one after the other, with nothing between them: "99991452891000" is
vervar 9999, var 145, turvar 289, tahun 100, turtahun 0. Ids differ in length, so a key can't be cut into ids: keys are
built from the dimensions, and a key that two cells would share is refused.
The API reports an error in `status` and missing data in `data-availability`, both with HTTP 200.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any, cast

from pipelines.errors import SourceError
from pipelines.extract.json.values import cell
from pipelines.extract.source_names import listed

DIMENSIONS = ("vervar", "var", "turvar", "tahun", "turtahun")
"""The dimensions, in the order in which their ids make a key."""
VALUE = "datacontent"
UNIT = "var.unit"
COLUMNS = (*(f"{d}.{part}" for d in DIMENSIONS for part in ("val", "label")), UNIT, VALUE)
"""The names that `physicalName` may have."""
MAX_CELLS = 5_000_000
_DERIVED = ("turvar", "turtahun")
_SHOWN = 3
_LONGEST = 40
_HINT = "periksa extract.path dan extract.params: domain, var, th, dan kunci API"


def matrix_records(subject: str, place: str, document: Any) -> list[dict[str, str | None]]:
    """Returns a record for each cell that has a value, in the order of the dimensions, with COLUMNS as keys.

    place: the answer's place, for messages. Raises SourceError if BPS reports an error or no data, or if a value does
    not belong to exactly one cell.
    """
    answer = _checked_answer(subject, place, document)
    dimensions = [_dimension(subject, place, answer, name) for name in DIMENSIONS]
    content = answer.get(VALUE)
    if content == []:  # PHP's empty object
        return []
    if not isinstance(content, dict):
        raise SourceError(subject, f"{place}: {VALUE} bukan objek", hint=_HINT, code="GDK-S012")
    content = cast("dict[str, Any]", content)
    if prod(len(d) for d in dimensions) > MAX_CELLS:
        message = f"{place}: tabel punya tempat untuk lebih dari {MAX_CELLS // 1_000_000} juta sel"
        raise SourceError(
            subject,
            message,
            hint="minta lebih sedikit tahun (th) atau baris (vervar) sekaligus",
            code="GDK-S014",
        )
    units = {cell(item.get("val")): cell(item.get("unit")) for item in _items(answer["var"])}
    records: list[dict[str, str | None]] = []
    placed: set[str] = set()
    for ids in product(*dimensions):
        key = "".join(ids)
        if key not in content:
            continue
        if key in placed:
            message = f"{place}: nilai {key[:_LONGEST]!r} cocok dengan dua sel"
            raise SourceError(subject, message, hint="minta satu turvar atau vervar saja", code="GDK-S012")
        placed.add(key)
        record: dict[str, str | None] = {}
        for name, labels, val in zip(DIMENSIONS, dimensions, ids, strict=True):
            record[f"{name}.val"], record[f"{name}.label"] = val, labels[val]
        record[UNIT], record[VALUE] = units.get(ids[1]), cell(content[key])
        records.append(record)
    if lost := sorted(content.keys() - placed):
        message = (
            f"{place}: {len(lost)} nilai tidak cocok dengan sel mana pun:"
            f" {listed([k[:_LONGEST] for k in lost[:_SHOWN]])}"
        )
        raise SourceError(
            subject,
            message,
            hint="BPS mengubah susunan kuncinya: beri tahu pengelola gudang data",
            code="GDK-S012",
        )
    return records


def _checked_answer(subject: str, place: str, document: Any) -> Mapping[str, Any]:
    """Returns the answer. Raises SourceError if BPS reports an error or has no data."""
    if not isinstance(document, dict) or "status" not in document:
        raise SourceError(subject, f"{place}: ini bukan jawaban Web API BPS", hint=_HINT, code="GDK-S012")
    answer = cast("dict[str, Any]", document)
    if answer["status"] != "OK":
        # Its message is not shown: it may repeat the key.
        raise SourceError(
            subject, f"{place}: BPS menjawab dengan kesalahan, bukan data", hint=_HINT, code="GDK-S009"
        )
    if answer.get("data-availability") != "available":
        hint = "periksa domain, var, dan th: datanya mungkin belum ada"
        raise SourceError(subject, f"{place}: BPS tidak punya data yang diminta", hint=hint, code="GDK-S018")
    return answer


def _dimension(subject: str, place: str, answer: Mapping[str, Any], name: str) -> dict[str, str | None]:
    """Returns the ids and labels of a dimension. A derived dimension may be missing; then its only id is 0."""
    items = answer.get(name)
    if not items and name in _DERIVED:
        return {"0": None}
    found: dict[str, str | None] = {}
    for item in _items(items):
        val, label = item.get("val"), cell(item.get("label"))
        if isinstance(val, bool) or not isinstance(val, (int, str)):
            break
        if found.setdefault(str(val), label) != label:
            message = f"{place}: {name} {val} punya dua label"
            raise SourceError(
                subject,
                message,
                hint="beri tahu BPS, atau minta lebih sedikit baris sekaligus",
                code="GDK-S012",
            )
    else:
        if found:
            return found
    message = f"{place}: {name} bukan daftar berisi {{val, label}}"
    raise SourceError(subject, message, hint=_HINT, code="GDK-S012")


def _items(items: Any) -> list[dict[str, Any]]:
    """Returns the objects of a dimension.

    If it is not a list of objects, returns one empty object, so that the caller reports the missing id.
    """
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return [{}]
    return cast("list[dict[str, Any]]", items)
