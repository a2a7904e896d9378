"""The last look before data leave the warehouse. It fails closed.

What belongs here: what makes a mart unfit for the public whatever its model says. Not here: files, what is shaped like
a NIK (personal_shapes.py).

Errors name the column, never the value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, sql

from pipelines.errors import PublicationError
from pipelines.personal_shapes import NIK, found, shaped
from pipelines.publish.mart import OpenMart

NUMBER_TYPES = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
OTHER_TYPES = frozenset(
    {"boolean", "date", "timestamp without time zone", "timestamp with time zone", "time without time zone"}
)


def is_text(kind: str) -> bool:
    """Whether a column of this PostgreSQL type leaves as text: what is no number, date, time or boolean."""
    return kind not in NUMBER_TYPES and kind not in OTHER_TYPES


def check_mart(connection: Connection[Any], mart: OpenMart, kinds: Sequence[str]) -> None:
    """Scans every column of `mart`, of PostgreSQL types `kinds`. Raises PublicationError naming both."""
    checked = [
        (column.name, _nik_test(column.name, kind))
        for column, kind in zip(mart.columns, kinds, strict=True)
        if kind not in OTHER_TYPES
    ]
    if not checked:
        return
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(sql.SQL("coalesce(bool_or({}), false)").format(test) for _, test in checked),
        sql.Identifier(mart.schema, mart.name),
    )
    answer = connection.execute(query).fetchone() or ()
    columns = [name for (name, _), holds in zip(checked, answer, strict=True) if holds]
    if columns:
        raise PublicationError(
            mart.name,
            f"column {', '.join(columns)} holds values shaped like a NIK; nothing of this mart was published",
            hint="drop or pseudonymise the value upstream and correct the contract's classification",
        )


def check_text(subject: str, text: str) -> None:
    """The same for a finished text. Raises PublicationError."""
    if found(text, (NIK,)):
        raise PublicationError(
            subject,
            "a value is shaped like a NIK; nothing was written",
            hint="look for it in the marts that it reads",
        )


def _nik_test(name: str, kind: str) -> sql.Composed:
    column = sql.Identifier(name)
    if is_text(kind):
        return shaped(sql.SQL("{}::text").format(column), (NIK,))
    # A number is a NIK only when it is whole: decimals of a double have 16 digits of their own.
    whole = shaped(sql.SQL("trunc({}::numeric)::text").format(column), (NIK,))
    return sql.SQL("({c}::numeric = trunc({c}::numeric) and {whole})").format(c=column, whole=whole)
