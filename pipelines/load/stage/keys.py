"""Writes the key of a row as one text, which quarantine.row keeps and by which its entries are found again.

A refused row is a text as its source spelled it, and a row of raw has typed values. So the text is that of the value:
"007" in an integer key, "2026-01-05T10:00:00" and "5.5" in numeric(10,2) give the text of raw. Sessions of the
warehouse write values alike (warehouse/connection.py).

Not here: which keys are masked (masking.py), what identifies an entry (quarantine.py).
"""

from __future__ import annotations

from psycopg import sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.cells import pseudonym, stored_value, value_text
from pipelines.load.stage.masking import key_text
from pipelines.load.stage.rules import OF_A_KEY, all_kept, rules


def row_key(plan: LoadPlan, alias: str = "b") -> sql.Composable:
    """The key as text, the same for a refused row (alias b) and for a row of raw, a stage or a reading of keys.

    A personal key is given as its pseudonym, and a hidden one is masked. A cell that is no value of its column stays
    as it came, because raw has no such key. A text that is too long for the index of quarantine.row is cut, and ends
    with its hash. NULL without a primary key.
    """
    cells: dict[str, sql.Composable] = {}
    for name in plan.contract.primary_key:
        column = plan.contract.column(name)
        cells[name] = _refused_cell(plan, column) if alias == "b" else _stored_cell(column, alias)
    return key_of(plan.contract, cells, refused=alias == "b")


def key_of(contract: Contract, cells: dict[str, sql.Composable], *, refused: bool) -> sql.Composable:
    """The key as text.

    cells: an expression for the cell of each key column. refused: the cells are of a refused row.
    """
    if not contract.primary_key:
        return sql.SQL("null::text")
    parts: list[sql.Composable] = []
    for name in contract.primary_key:
        column, cell = contract.column(name), cells[name]
        if column.pseudonymise and refused:
            cell = pseudonym(cell, column.pseudonymise)
        elif not column.personal:
            cell = key_text(contract, column, cell, refused=refused)
        parts.append(sql.SQL("{}::text").format(cell))
    return sql.SQL("ops.kunci_ringkas(concat_ws('|', {}))").format(sql.SQL(", ").join(parts))


def is_usable(contract: Contract, column: Column, exact: frozenset[str] = frozenset()) -> sql.Composable:
    """Whether a cleaned cell (alias b) is a value of its column that raw could have. Never NULL.

    The cast alone does not say so: it would round 1.555, and it reads "05-01-26" as a day of January 2005.
    """
    return all_kept(
        [r for r in rules(contract, exact) if r.column.name == column.name and r.name in OF_A_KEY]
    )


def _refused_cell(plan: LoadPlan, column: Column) -> sql.Composable:
    if column.pseudonymise or column.type == "text":
        return sql.Identifier("b", column.name)
    if column.name in plan.exact:
        return _stored_cell(column, "b")
    value = _one_scale(column, stored_value(column))
    return sql.SQL("({})").format(value_text(column, is_usable(plan.contract, column), value))


def _stored_cell(column: Column, alias: str) -> sql.Composable:
    cell = sql.Identifier(alias, column.name)
    return cell if column.pseudonymise else _one_scale(column, cell)


def _one_scale(column: Column, value: sql.Composable) -> sql.Composable:
    """A value whose text is the same for all values that are equal: 5.0 is 5, and -0 is 0."""
    match column.type:
        case "numeric":
            return sql.SQL("trim_scale({})").format(value)
        case "double precision":
            return sql.SQL("(0 + {})").format(value)
        case _:
            return value
