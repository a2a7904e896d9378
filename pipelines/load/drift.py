"""Finds schema drift: the changes of a source's columns since its last load, and whether the contract allows them.

The shape of a source is its columns and their kinds. Shapes are compared within one version of the contract. A higher
version means that the OPD has agreed to the new shape.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import FILE, SHEET
from pipelines.errors import ShapeError
from pipelines.extract.source_names import fold, may_show_unknown_names, storable_shape
from pipelines.redaction.personal_shapes import masked


@dataclass(frozen=True, slots=True)
class Drift:
    """One change of a column.

    kind: added, vanished or retyped. was, now: the column's kind before and now, "" if it is unknown or there is none.
    """

    kind: str
    column: str
    was: str = ""
    now: str = ""

    def __str__(self) -> str:
        match self.kind:
            case "added":
                return f"kolom baru {self.column}" + (f" ({self.now})" if self.now else "")
            case "vanished":
                return f"kolom {self.column} hilang"
            case _:
                return f"kolom {self.column}: {self.was} menjadi {self.now}"


def compare(
    contract: Contract, before: Mapping[str, str] | None, now: Mapping[str, str]
) -> tuple[Drift, ...]:
    """The changes from `before` (None if the dataset was never loaded) to `now`.

    A column that the contract knows is never an added one. A missing column of the contract is a change also at the
    first load. For an API only new keys are changes, because its records need not all have the same keys. Names are
    compared with white space folded, as headers are. If the name of a new column may not be shown, its place is given.
    """
    if not now:
        return ()
    places = {fold(name): f"ke-{place}" for place, name in enumerate(now, 1)}
    now = {fold(name): kind for name, kind in now.items()}
    before = (
        None if before is None else {fold(n): kind for n, kind in storable_shape(contract, before).items()}
    )
    if contract.server.kind == "api":
        return _added(contract, before, now, places)
    promised = {fold(c.source_name) for c in contract.stored} - {SHEET, FILE}
    found = [Drift("vanished", name, (before or {}).get(name, "")) for name in sorted(promised - set(now))]
    if before is None:
        return tuple(found)
    found += _added(contract, before, now, places)
    for name in sorted(promised & set(now) & set(before)):
        if before[name] and now[name] and before[name] != now[name]:
            found.append(Drift("retyped", name, before[name], now[name]))
    return tuple(found)


def _added(
    contract: Contract, before: Mapping[str, str] | None, now: Mapping[str, str], places: Mapping[str, str]
) -> tuple[Drift, ...]:
    """The columns of `now` that neither the contract nor `before` has. places: by name, for names not to be shown."""
    if before is None:
        return ()
    known = {fold(c.source_name) for c in contract.columns}
    fresh = [
        name for name in now if name not in known and not before.keys() & storable_shape(contract, {name: ""})
    ]
    if may_show_unknown_names(contract):
        return tuple(Drift("added", masked(name), now=now[name]) for name in sorted(fresh))
    return tuple(Drift("added", places[name], now=now[name]) for name in fresh)


def require_fit(contract: Contract, drifts: Iterable[Drift]) -> None:
    """Raises ShapeError if there is a change, and the contract does not let the shape evolve."""
    if contract.evolves:
        return
    changes = [str(d) for d in drifts]
    if changes:
        raise ShapeError(
            contract.key,
            f"struktur sumber berubah: {', '.join(changes)}",
            hint="sepakati dengan OPD; lalu tambahkan kolom baru ke kontrak (drop: true kalau tidak diperlukan), atau"
            " naikkan version kontrak untuk menerima struktur itu apa adanya",
            code="GDK-S007",
        )


def last_shape(connection: Connection[Any], contract: Contract) -> dict[str, str] | None:
    """The source's shape at its last load under this version of the contract."""
    row = connection.execute(
        "select shape from ops.source_shape where dataset = %s and contract_version = %s",
        [contract.key, contract.version],
    ).fetchone()
    return row[0] if row else None


def keep_shape(
    connection: Connection[Any], contract: Contract, batch_id: int, shape: Mapping[str, str]
) -> None:
    """Stores the shape of this load, with which the next load is compared."""
    shape = storable_shape(contract, shape)
    if contract.server.kind == "api":
        # Not every record has every key, so a key that was seen once stays in the shape.
        shape = {**(last_shape(connection, contract) or {}), **shape}
    connection.execute(
        "insert into ops.source_shape (dataset, contract_version, shape, batch_id) values (%s, %s, %s, %s)"
        " on conflict (dataset) do update set contract_version = excluded.contract_version, shape = excluded.shape,"
        " batch_id = excluded.batch_id, at = clock_timestamp()",
        [contract.key, contract.version, json.dumps(dict(shape)), batch_id],
    )


def record(connection: Connection[Any], contract: Contract, batch_id: int, drifts: Iterable[Drift]) -> None:
    """Adds the changes to ops.schema_drift."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.schema_drift (dataset, batch_id, kind, column_name, was, now)"
            " values (%s, %s, %s, %s, %s, %s)",
            [(contract.key, batch_id, d.kind, d.column, d.was or None, d.now or None) for d in drifts],
        )
