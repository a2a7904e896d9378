"""Dynamic tables of BPS (Statistics Indonesia): the matrix of its Web API as one record per cell.

What belongs here: the answer of `/v1/api/list/model/data/...`. Not here: the list models of the same API, which
hold plain records (`records: /data/1`, `total: /data/0/total`), requests, pages.

Source: https://webapi.bps.go.id/documentation/, "Dynamic Data", and its sample answer. `vervar` (rows), `var`,
`turvar` (derived variable), `tahun` and `turtahun` (derived period) are lists of `{val, label}`; `datacontent` is an
object of values whose keys are the five `val` behind one another, without a mark between them: "99991452891000" is
vervar 9999, var 145, turvar 289, tahun 100, turtahun 0. Ids have many lengths, so keys are never cut: they are built
from the dimensions, and one that two cells could have is refused.
The API tells of errors by `status` and of no data by `data-availability`, both with HTTP 200.
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
"""In the order in which their ids make a key."""
VALUE = "datacontent"
UNIT = "var.unit"
COLUMNS = (*(f"{d}.{part}" for d in DIMENSIONS for part in ("val", "label")), UNIT, VALUE)
"""What `physicalName` may be."""
MAX_CELLS = 5_000_000
_DERIVED = ("turvar", "turtahun")
_SHOWN = 3
_LONGEST = 40
_HINT = "check extract.path and extract.params: domain, var, th and the key"


def matrix_records(subject: str, place: str, document: Any) -> list[dict[str, str | None]]:
    """The cells that have a value, in the order of the dimensions, with COLUMNS as keys.

    Raises SourceError where BPS tells of an error or of no data, or where a value can't be placed.
    """
    answer = _available(subject, place, document)
    dimensions = [_dimension(subject, place, answer, name) for name in DIMENSIONS]
    content = answer.get(VALUE)
    if content == []:  # PHP's empty object
        return []
    if not isinstance(content, dict):
        raise SourceError(subject, f"{place}: {VALUE} is no object", hint=_HINT)
    content = cast("dict[str, Any]", content)
    if prod(len(d) for d in dimensions) > MAX_CELLS:
        message = f"{place}: the table has room for more than {MAX_CELLS:,} cells"
        raise SourceError(subject, message, hint="ask for fewer years (th) or rows (vervar) at a time")
    units = {cell(item.get("val")): cell(item.get("unit")) for item in _items(answer["var"])}
    records: list[dict[str, str | None]] = []
    placed: set[str] = set()
    for ids in product(*dimensions):
        key = "".join(ids)
        if key not in content:
            continue
        if key in placed:
            message = f"{place}: the value {key[:_LONGEST]!r} could stand in two cells"
            raise SourceError(subject, message, hint="ask for one turvar or vervar at a time")
        placed.add(key)
        record: dict[str, str | None] = {}
        for name, labels, val in zip(DIMENSIONS, dimensions, ids, strict=True):
            record[f"{name}.val"], record[f"{name}.label"] = val, labels[val]
        record[UNIT], record[VALUE] = units.get(ids[1]), cell(content[key])
        records.append(record)
    if lost := sorted(content.keys() - placed):
        message = (
            f"{place}: {len(lost)} values stand in no cell: {listed([k[:_LONGEST] for k in lost[:_SHOWN]])}"
        )
        raise SourceError(subject, message, hint="BPS changed how it builds its keys: tell the maintainers")
    return records


def _available(subject: str, place: str, document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict) or "status" not in document:
        raise SourceError(subject, f"{place}: this is no answer of BPS's Web API", hint=_HINT)
    answer = cast("dict[str, Any]", document)
    if answer["status"] != "OK":
        # Its message is not shown: it may repeat the key.
        raise SourceError(subject, f"{place}: BPS answered with an error instead of data", hint=_HINT)
    if answer.get("data-availability") != "available":
        hint = "check domain, var and th: there may be no data yet"
        raise SourceError(subject, f"{place}: BPS has no data for what was asked", hint=hint)
    return answer


def _dimension(subject: str, place: str, answer: Mapping[str, Any], name: str) -> dict[str, str | None]:
    """Ids and labels. A table without a derived dimension may leave it out: its id is 0 then."""
    items = answer.get(name)
    if not items and name in _DERIVED:
        return {"0": None}
    found: dict[str, str | None] = {}
    for item in _items(items):
        val, label = item.get("val"), cell(item.get("label"))
        if isinstance(val, bool) or not isinstance(val, (int, str)):
            break
        if found.setdefault(str(val), label) != label:
            message = f"{place}: {name} {val} has two labels"
            raise SourceError(subject, message, hint="tell BPS, or ask for fewer rows at a time")
    else:
        if found:
            return found
    message = f"{place}: {name} is no list of {{val, label}}"
    raise SourceError(subject, message, hint=_HINT)


def _items(items: Any) -> list[dict[str, Any]]:
    """The objects of a dimension; where it is something else, one that has no id."""
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return [{}]
    return cast("list[dict[str, Any]]", items)
