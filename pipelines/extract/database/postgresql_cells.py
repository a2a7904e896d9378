"""Makes the select lists for reading from PostgreSQL: one for COPY's text format, one for its binary format.

What belongs here: pure functions from columns to SQL. Money is read as numeric, so that lc_monetary does not affect it.
Not here: the session, the rest of the SELECT (postgresql.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.extract.binary_copy import Binary
from pipelines.extract.database.shape import Selection, SourceColumn
from pipelines.extract.stream import SourceStream

_AS_NUMERIC = {"money": ("numeric", "numeric_out"), "_money": ("numeric[]", "array_out")}
"""The types that are read as another, and PostgreSQL's function that writes the text of that."""
_TEXTS = frozenset({"text", "varchar", "bpchar"})
"""The types whose values the binary format has as the same bytes as their text."""
_OF_ANY = frozenset({"enum_out", "range_out", "multirange_out"})
"""Functions of whole families of types, which take no domain over one. There `::text` writes the same."""


def text_cells(found: Mapping[str, SourceColumn], selection: Selection) -> list[sql.Composable]:
    """The select list for COPY text, in which the server writes each value as text."""
    cells = [_cell(found, name) if name else sql.SQL("null") for name in selection.names]
    if selection.extra is not None:
        cells.append(_extra(found, selection.extra))
    return cells


def binary_cells(
    columns: Sequence[Column], found: Mapping[str, SourceColumn], selection: Selection, stream: SourceStream
) -> list[sql.Composable] | None:
    """The select list for the binary format, in which each cell has the type with which it lands.

    None if a cell must be written as text, and PostgreSQL has no function of its own for that.
    """
    cells: list[sql.Composable] = []
    for column, name in zip(columns, selection.names, strict=True):
        cell = (
            _binary_cell(column, found, name, typed=stream.lands_typed(column)) if name else sql.SQL("null")
        )
        if cell is None:
            return None
        cells.append(cell)
    if selection.extra is not None:
        cells.append(sql.SQL("{}::text").format(_extra(found, selection.extra)))
    return cells


def binary(columns: Sequence[Column], stream: SourceStream) -> Binary:
    """Says which fields of `binary_cells` are texts."""
    texts = {place for place, c in enumerate(columns) if c.type == "text" or not stream.lands_typed(c)}
    return Binary(frozenset(texts | {len(columns)}))


def _binary_cell(
    column: Column, found: Mapping[str, SourceColumn], name: str, *, typed: bool
) -> sql.Composable | None:
    """A cell of its type in the warehouse, or as the text that COPY would write; None if that can't be."""
    native, cell = found[name].native, _cell(found, name)
    if native in _TEXTS:
        return cell
    if typed and column.type != "text" and native != "float4":
        return _cast(cell, column.type)
    output = _AS_NUMERIC[native][1] if native in _AS_NUMERIC else found[name].output
    if output is None:
        return None
    if output in _OF_ANY:
        return _cast(cell, "text")
    text = sql.SQL("pg_catalog.textin({}({}))").format(sql.Identifier("pg_catalog", output), cell)
    # A float4 becomes the number that its text says: 0.1, and not 0.100000001490116.
    return _cast(text, column.type) if typed else text


def _cell(found: Mapping[str, SourceColumn], name: str) -> sql.Composable:
    native = found[name].native
    return (
        _cast(sql.Identifier(name), _AS_NUMERIC[native][0]) if native in _AS_NUMERIC else sql.Identifier(name)
    )


def _extra(found: Mapping[str, SourceColumn], names: Sequence[str]) -> sql.Composable:
    if not names:
        return sql.SQL("null")
    return sql.SQL("json_object(array[{}], array[{}])").format(
        sql.SQL(", ").join(map(sql.Literal, names)),
        sql.SQL(", ").join(_cast(_cell(found, name), "text") for name in names),
    )


def _cast(cell: sql.Composable, kind: str) -> sql.Composable:
    return sql.SQL("{}::{}").format(cell, sql.SQL(kind))  # type: ignore[arg-type]  # a type of the contract or ours
