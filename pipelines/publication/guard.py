"""The last look before data leave the warehouse. It fails closed.

What belongs here: what makes a mart unfit for the public whatever its model says. Not here: files, what is shaped like
a person's number (redaction/personal_shapes.py), what may leave by its lineage (clearance.py).

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
from pipelines.redaction.personal_shapes import ALL, NUMBERS, Shape, found, shaped, split_nik

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
    """Whether a column of this PostgreSQL type leaves as text: what is no number, date, time or boolean."""
    return kind not in NUMBER_TYPES and kind not in OTHER_TYPES


@dataclass(frozen=True, slots=True)
class _Looked:
    """A column that is looked at. digits: of its longest cell that is nothing but a number, with separators or not."""

    name: str
    kind: str
    digits: int = 0

    @property
    def text(self) -> sql.Composed:
        """Its cells as text. A number is looked at when it is whole: decimals of a double have digits of their own."""
        column = sql.Identifier(self.name)
        if is_text(self.kind):
            return sql.SQL("{}::text").format(column)
        whole = "case when {c}::numeric = trunc({c}::numeric) then trunc({c}::numeric)::text end"
        return sql.SQL(whole).format(c=column)


def check_mart(connection: Connection[Any], mart: OpenMart, kinds: Sequence[str]) -> None:
    """Scans every column of `mart`, of PostgreSQL types `kinds`, and pairs of columns whose cells could be one number.

    Raises PublicationError naming the columns and the shapes.
    """
    columns = [
        _Looked(column.name, kind)
        for column, kind in zip(mart.columns, kinds, strict=True)
        if kind not in OTHER_TYPES
    ]
    if not columns:
        return
    said: list[str] = []
    looked: list[_Looked] = []
    for column in columns:
        shapes = _shapes(mart, column)
        tests = [sql.SQL("coalesce(bool_or({}), false)").format(shaped(_FIRST, (shape,))) for shape in shapes]
        *answer, digits = _ask(connection, mart, (column,), [*tests, _DIGITS])
        looked.append(replace(column, digits=digits or 0))
        said += [
            f"kolom {column.name} berisi nilai berbentuk {shape.words}"
            for shape, holds in zip(shapes, answer, strict=True)
            if holds
        ]
    said += _split(connection, mart, looked)
    if said:
        raise PublicationError(
            mart.name,
            f"{'; '.join(said)}; mart ini tidak diterbitkan",
            hint="buang atau samarkan nilai itu di hulu dan perbaiki klasifikasi di kontraknya; kolom kontak kantor"
            " disebut dalam `kontak_kantor`",
        )


def _shapes(mart: OpenMart, column: _Looked) -> Sequence[Shape]:
    """Numbers of persons everywhere; in texts also what may be an office's, unless the mart says that it is."""
    return ALL if is_text(column.kind) and column.name not in mart.office_contacts else NUMBERS


def _split(connection: Connection[Any], mart: OpenMart, columns: Sequence[_Looked]) -> list[str]:
    """Pairs of columns whose cells are a NIK together.

    Of two texts one row is enough. Two counts in a row can have its shape by chance: with a number, half of the rows.
    """
    said: list[str] = []
    for a, b in permutations(columns, 2):
        if not (a.digits and b.digits and a.digits + b.digits >= _NIK_DIGITS):
            continue
        test = split_nik(_FIRST, _SECOND)
        if is_text(a.kind) and is_text(b.kind):
            asked = sql.SQL("coalesce(bool_or({}), false)").format(test)
        else:
            asked = sql.SQL("2 * count(*) filter (where {}) >= greatest(count(a || b), 1)").format(test)
        if _ask(connection, mart, (a, b), [asked])[0]:
            said.append(f"kolom {a.name} dan {b.name} bersama-sama berisi nilai berbentuk NIK")
    return said


def _ask(
    connection: Connection[Any], mart: OpenMart, columns: Sequence[_Looked], tests: Sequence[sql.Composable]
) -> tuple[Any, ...]:
    """What each test says of the distinct cells of `columns`, to it a and b: codes and names repeat much."""
    cells = [
        sql.SQL("{} as {}").format(column.text, name)
        for column, name in zip(columns, (_FIRST, _SECOND), strict=False)
    ]
    query = sql.SQL("select {} from (select distinct {} from {}) as d").format(
        sql.SQL(", ").join(tests), sql.SQL(", ").join(cells), sql.Identifier(mart.schema, mart.name)
    )
    return tuple(connection.execute(query).fetchone() or ())


def check_text(subject: str, text: str) -> None:
    """The same for a finished text. Raises PublicationError."""
    if shapes := found(text, NUMBERS):
        raise PublicationError(
            subject,
            f"ada nilai berbentuk {' atau '.join(shape.words for shape in shapes)}; tidak ada yang ditulis",
            hint="cari nilai itu dalam mart yang dibacanya",
        )
