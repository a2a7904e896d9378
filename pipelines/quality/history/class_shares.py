"""Compares how the rows of a load are distributed over the classes of its columns with the last accepted load.

The measure is the population stability index (PSI), the sum of (p - q) ln(p / q) over the classes. Above 0.25 a
distribution is taken to have changed (Siddiqi, Credit Risk Scorecards, 2006). Of small loads chance alone makes it
larger: its mean is (classes - 1)(1/n + 1/m) if nothing changed (Yurdakul, Statistical Properties of Population
Stability Index, 2018), of which CHANCE times is allowed on top.
Only columns of class `terbuka` with a list of classes are compared. Not here: values outside of the list, which are
refused (load/stage/rules.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.numbers import number
from pipelines.quality.evidence import OPEN_CLASS
from pipelines.quality.results import CheckResult
from pipelines.quality.suites import CLASS_SHARE_CHECK
from pipelines.warehouse.relation import Relation, identifier

LIMIT = 0.25
CHANCE = 3.0
_EMPTY = ""
"""The class of rows whose cell is empty."""

_ACCEPTED = """
select s.batch_id
from ops.class_share as s
left join ops.load_batch as b on b.batch_id = s.batch_id
where s.dataset = %(dataset)s and coalesce(b.state, 'loaded') = 'loaded'
order by b.batch_id is null, ops.applied_at(b.state, b.finished_at) desc, s.batch_id desc limit 1
"""
"""The last accepted load whose classes are kept. One whose entry is gone was accepted."""
_LAST = f"select column_name, class, rows from ops.class_share where batch_id = ({_ACCEPTED})"  # noqa: S608
_FORGET = f"""
delete from ops.class_share as c
where c.dataset = %(dataset)s and c.batch_id <> ({_ACCEPTED}) and not exists (
    select from ops.load_batch as w where w.batch_id = c.batch_id and w.state = 'waiting'
)
"""  # noqa: S608 (text of this module only)

Shares = Mapping[str, Mapping[str, int]]
"""By column and class the number of rows."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a column's distribution moved. moved: the class whose share changed most, before and now."""

    column: str
    index: float
    limit: float
    moved: str
    before: float
    now: float

    @property
    def is_large(self) -> bool:
        """Whether it is more than chance and the limit explain."""
        return self.index > self.limit


def compared_columns(contract: Contract) -> tuple[Column, ...]:
    """The columns whose classes are compared; none if a load reads only what is new, which is no sample of all."""
    if contract.cursor:
        return ()
    return tuple(c for c in contract.stored if c.enum and c.classification == OPEN_CLASS)


def share_query(columns: Sequence[Column], relation: Relation) -> sql.Composed:
    """The query for column, class and number of rows. It reads the relation once."""
    names = [sql.Identifier(column.name) for column in columns]
    which = [
        sql.SQL("when grouping({}) = 0 then {}").format(name, sql.Literal(column.name))
        for name, column in zip(names, columns, strict=True)
    ]
    value = [sql.SQL("when grouping({0}) = 0 then coalesce({0}::text, '')").format(name) for name in names]
    return sql.SQL("select case {} end, case {} end, count(*) from {} group by grouping sets ({})").format(
        sql.SQL(" ").join(which),
        sql.SQL(" ").join(value),
        identifier(relation),
        sql.SQL(", ").join(sql.SQL("({})").format(name) for name in names),
    )


def read_shares(connection: Connection[Any], contract: Contract, relation: Relation) -> Shares:
    """The classes of the relation's rows; {} if no column is compared."""
    columns = compared_columns(contract)
    found: dict[str, dict[str, int]] = {}
    if columns:
        for column, value, rows in connection.execute(share_query(columns, relation)):
            found.setdefault(column, {})[value] = rows
    return found


def last_shares(connection: Connection[Any], contract: Contract) -> Shares:
    """The classes of the last accepted load; {} before the first."""
    found: dict[str, dict[str, int]] = {}
    for column, value, rows in connection.execute(_LAST.encode(), {"dataset": contract.key}):
        found.setdefault(column, {})[value] = rows
    return found


def keep(connection: Connection[Any], contract: Contract, batch_id: int, shares: Shares) -> None:
    """Stores the classes of a load that was accepted, or waits for it and counts from its approval on.

    What no later load will be compared with is deleted.
    """
    rows = [
        (contract.key, column, value, count, batch_id)
        for column, classes in shares.items()
        for value, count in classes.items()
    ]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.class_share (dataset, column_name, class, rows, batch_id) values (%s, %s, %s, %s, %s)",
            rows,
        )
        cursor.execute(_FORGET.encode(), {"dataset": contract.key})


def class_shares(before: Shares, now: Shares) -> CheckResult:
    """The result of the check. A column that was not there before is not compared."""
    shifts = [shift_of(column, before[column], now[column]) for column in now if column in before]
    large = [shift for shift in shifts if shift.is_large]
    if large:
        named = "; ".join(map(_described, large))
        message = (
            f"Sebaran kelas berubah sejak pemuatan sebelumnya: {named}. Tanyakan kepada OPD apakah memang demikian,"
            " atau kodenya tertukar."
        )
    elif shifts:
        message = f"0 dari {number(len(shifts))} kolom berkelas berubah sebarannya"
    else:
        message = "Belum ada pemuatan sebelumnya untuk dibandingkan."
    return CheckResult(
        CLASS_SHARE_CHECK, "warn", not large, None, None, message, observed=message if shifts else ""
    )


def shift_of(column: str, before: Mapping[str, int], now: Mapping[str, int]) -> Shift:
    """The shift of one column, by its classes' rows. Each class has half a row more, so that no share is 0."""
    classes = sorted({*before, *now})
    p, q = _smoothed(before, classes), _smoothed(now, classes)
    index = sum((q[c] - p[c]) * log(q[c] / p[c]) for c in classes)
    chance = (len(classes) - 1) * (1 / max(1, sum(before.values())) + 1 / max(1, sum(now.values())))
    moved = max(classes, key=lambda c: abs(q[c] - p[c]))
    return Shift(column, index, LIMIT + CHANCE * chance, moved, p[moved], q[moved])


def _smoothed(rows: Mapping[str, int], classes: Sequence[str]) -> dict[str, float]:
    total = sum(rows.values()) + 0.5 * len(classes)
    return {name: (rows.get(name, 0) + 0.5) / total for name in classes}


def _described(shift: Shift) -> str:
    name = shift.moved if shift.moved != _EMPTY else "(kosong)"
    before, now = (f"{number(round(100 * share))}%" for share in (shift.before, shift.now))
    return f"{shift.column}: {name} dari {before} menjadi {now} (PSI {number(round(shift.index, 2))})"
