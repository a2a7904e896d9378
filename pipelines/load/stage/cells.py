"""Builds SQL expressions for one cell: its text after the declared repairs, and the typed value that is stored.

What belongs here: pure functions from a column to SQL. In that SQL `l` is the landing row as it came and `b` the row of
cleaned cells (statement.py): texts, but an exact cell has its own type. Not here: the rules that a cell must keep
(rules.py), the repairs themselves (contracts/repairs.py, and the functions of schema ops).
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.contracts.repairs import decimals, factors, known_words, repairs_of


def sql_type(kind: str) -> sql.SQL:
    """A physical type as SQL. The contract has checked that it is one (contracts/columns.py)."""
    return sql.SQL(kind)  # type: ignore[arg-type]


def after_repair(column: Column, repair: str, cell: sql.Composable) -> sql.Composable:
    """`cell` after one of the column's repairs."""
    if repair == "missing_values":
        return sql.SQL("case when btrim({0}) in ({1}) then null else {0} end").format(
            cell, literals([v.strip() for v in column.missing_values])
        )
    return sql.SQL("{}({})").format(
        sql.Identifier("ops", repair), sql.SQL(", ").join([cell, *_arguments(column, repair)])
    )


def _arguments(column: Column, repair: str) -> list[sql.Composable]:
    """The arguments that a repair takes from the column, after the cell."""
    match repair:
        case "satuan":
            return [_jsonb({unit: f"{size:f}" for unit, size in factors(column.unit).items()})]
        case "klasifikasi":
            return [_jsonb(known_words(column))]
        case "bulatkan":
            return [sql.Literal(decimals(column.type))]
        case "kode":
            return [sql.Literal(column.min_length)]
        case _:
            return []


def _jsonb(values: dict[str, str]) -> sql.Composable:
    return sql.SQL("{}::jsonb").format(sql.Literal(json.dumps(values, ensure_ascii=False)))


def literals(values: Sequence[str]) -> sql.Composable:
    """Values as a list for `in (...)`."""
    return sql.SQL(", ").join(map(sql.Literal, values))


def cleaned_cell(column: Column, *, exact: bool = False, is_number: bool = False) -> sql.Composable:
    """The landed cell after the declared repairs: a text. An exact cell landed typed, has no repairs, and stays so.

    is_number: the source keeps the column as numbers.
    """
    cell: sql.Composable = sql.Identifier("l", column.name)
    if not exact:
        for repair in repairs_of(column, is_number=is_number):
            cell = after_repair(column, repair, cell)
    return cell


def stored_value(column: Column, *, exact: bool = False) -> sql.Composable:
    """The value that is stored: the cleaned text cast to its type, its pseudonym, or an exact cell as it landed."""
    cell = sql.Identifier("b", column.name)
    if column.pseudonymise:
        return pseudonym(cell, column.pseudonymise)
    if exact or column.type == "text":
        return cell
    return sql.SQL("{}::{}").format(cell, sql_type(column.type))


def value_text(column: Column, usable: sql.Composable, value: sql.Composable | None = None) -> sql.Composable:
    """The text of the cleaned cell's value, which is the same for all spellings; the cell as it is if it is not usable.

    value: the text cast to its type; by default as it is stored.
    """
    return sql.SQL("case when {} then {}::text else {} end").format(
        usable, value or stored_value(column), sql.Identifier("b", column.name)
    )


def pseudonym(text: sql.Composable, purpose: str) -> sql.Composable:
    """The pseudonym of a text. The key's pads are queries of their own, so that a statement reads them only once."""
    return sql.SQL(
        "ops.pseudonim({0}, (select ops.bantalan_dalam({1})), (select ops.bantalan_luar({1})))"
    ).format(text, sql.Literal(purpose))


def castable(column: Column) -> sql.Composable:
    """Whether the cleaned text can be cast to the column's type; NULL for an empty cell."""
    return sql.SQL("pg_input_is_valid({}, {})").format(
        sql.Identifier("b", column.name), sql.Literal(column.type)
    )
