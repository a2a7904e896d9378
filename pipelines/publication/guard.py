"""Checks the values before data leave the warehouse. A value shaped like a person's number stops its mart.

What belongs here: rules on values, which hold whatever the models and contracts say. Not here: files, the shapes
(redaction/personal_shapes.py), what may leave by its lineage (clearance.py).

Errors name the column and the shape, never the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from psycopg import Connection, sql

from pipelines.errors import PublicationError
from pipelines.publication.mart import OpenMart
from pipelines.redaction.personal_shapes import ALL, NUMBERS, Shape, contains_shape, found, is_nik_when_joined

_NIK_DIGITS = 16
_FIRST, _SECOND = sql.Identifier("a"), sql.Identifier("b")
_DIGITS = sql.SQL(
    "max(char_length(regexp_replace(ops.bentuk_polos(a), '[^0-9]', '', 'g')))"
    " filter (where ops.bentuk_polos(a) ~ '^[0-9 /_:|.,-]{1,60}$')"
)
NUMBER_TYPES = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
OTHER_TYPES = frozenset(
    {"boolean", "date", "timestamp without time zone", "timestamp with time zone", "time without time zone"}
)


def is_text(kind: str) -> bool:
    """Whether a column of this PostgreSQL type is published as text: it is no number, date, time or boolean."""
    return kind not in NUMBER_TYPES and kind not in OTHER_TYPES


@dataclass(frozen=True, slots=True)
class _Checked:
    """A column to be checked. digits: of the longest cell that holds a number only, with or without separators."""

    name: str
    kind: str
    digits: int = 0

    @property
    def text(self) -> sql.Composed:
        """Its cells as text. Only integral numbers are taken, because the decimals of a double look random."""
        column = sql.Identifier(self.name)
        if is_text(self.kind):
            return sql.SQL("{}::text").format(column)
        integral = "case when {c}::numeric = trunc({c}::numeric) then trunc({c}::numeric)::text end"
        return sql.SQL(integral).format(c=column)


def check_mart(connection: Connection[Any], mart: OpenMart, kinds: Sequence[str]) -> None:
    """Checks every column of `mart`, and pairs of columns whose cells could together be one number.

    kinds: the PostgreSQL types of the columns. Raises PublicationError naming the columns and the shapes.
    """
    columns = [
        _Checked(column.name, kind)
        for column, kind in zip(mart.columns, kinds, strict=True)
        if kind not in OTHER_TYPES
    ]
    if not columns:
        return
    faults: list[str] = []
    checked: list[_Checked] = []
    for column in columns:
        shapes = _shapes(mart, column)
        tests = [
            sql.SQL("coalesce(bool_or({}), false)").format(contains_shape(_FIRST, (shape,)))
            for shape in shapes
        ]
        *answer, digits = _run_tests(connection, mart, (column,), [*tests, _DIGITS])
        checked.append(replace(column, digits=digits or 0))
        faults += [
            f"kolom {column.name} berisi nilai berbentuk {shape.words}"
            for shape, holds in zip(shapes, answer, strict=True)
            if holds
        ]
    faults += _numbers_over_two_columns(connection, mart, checked)
    if faults:
        raise PublicationError(
            mart.name,
            f"{'; '.join(faults)}; mart ini tidak diterbitkan",
            hint="buang atau samarkan nilai itu di hulu dan perbaiki klasifikasi di kontraknya; kolom kontak kantor"
            " disebut dalam `kontak_kantor`",
        )


def _shapes(mart: OpenMart, column: _Checked) -> Sequence[Shape]:
    """The shapes to look for: numbers of persons; in texts also contacts, unless the mart says they are an office's."""
    return ALL if is_text(column.kind) and column.name not in mart.office_contacts else NUMBERS


def _numbers_over_two_columns(
    connection: Connection[Any], mart: OpenMart, columns: Sequence[_Checked]
) -> list[str]:
    """Pairs of columns whose cells together are shaped like a NIK.

    If both columns are texts, one row is enough. Two counts can have the shape by chance; so if one column is a number,
    at least half of the rows must have it.
    """
    faults: list[str] = []
    for a, b in permutations(columns, 2):
        if not (a.digits and b.digits and a.digits + b.digits >= _NIK_DIGITS):
            continue
        test = is_nik_when_joined(_FIRST, _SECOND)
        if is_text(a.kind) and is_text(b.kind):
            split = sql.SQL("coalesce(bool_or({}), false)").format(test)
        else:
            split = sql.SQL("2 * count(*) filter (where {}) >= greatest(count(a || b), 1)").format(test)
        if _run_tests(connection, mart, (a, b), [split])[0]:
            faults.append(f"kolom {a.name} dan {b.name} bersama-sama berisi nilai berbentuk NIK")
    return faults


def _run_tests(
    connection: Connection[Any], mart: OpenMart, columns: Sequence[_Checked], tests: Sequence[sql.Composable]
) -> tuple[Any, ...]:
    """The result of each test over the distinct cells of `columns`, called a and b in the tests."""
    cells = [
        sql.SQL("{} as {}").format(column.text, name)
        for column, name in zip(columns, (_FIRST, _SECOND), strict=False)
    ]
    query = sql.SQL("select {} from (select distinct {} from {}) as d").format(
        sql.SQL(", ").join(tests), sql.SQL(", ").join(cells), sql.Identifier(mart.schema, mart.name)
    )
    return tuple(connection.execute(query).fetchone() or ())


def check_text(subject: str, text: str) -> None:
    """Raises PublicationError if a finished text holds a value shaped like a person's number."""
    if shapes := found(text, NUMBERS):
        raise PublicationError(
            subject,
            f"ada nilai berbentuk {' atau '.join(shape.words for shape in shapes)}; tidak ada yang ditulis",
            hint="cari nilai itu dalam mart yang dibacanya",
        )
