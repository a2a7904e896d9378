"""A hash of what a table or view holds now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import Connection, sql


def content_hash(connection: Connection[Any], relation: Iterable[str], columns: Sequence[str] = ()) -> str:
    """A text that differs if the relation's rows do, in any order: their number, and two sums of 64-bit hashes.

    relation: schema and name. columns: the columns that count; none means all. It reads the relation once.
    """
    row: sql.Composable = sql.SQL("t.*")
    if columns:
        row = sql.SQL(", ").join(sql.Identifier("t", name) for name in columns)
    query = sql.SQL(
        "select concat_ws(' ', count(*), sum(hashtextextended(r, 0)), sum(hashtextextended(r, 1)))"
        " from (select row({row})::text as r from {relation} as t) as rows"
    ).format(row=row, relation=sql.Identifier(*relation))
    found = connection.execute(query).fetchone()
    assert found is not None
    return str(found[0])
