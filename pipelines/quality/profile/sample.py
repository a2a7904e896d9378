"""Reads a sample of a dataset's rows, in force or staged, in which no closed column has a value.

The database itself replaces a cell of a closed column by whether it is empty, so the value does not leave it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import Connection, sql

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.load.raw_summary import is_current
from pipelines.load.stage.masking import is_text_beside_a_person
from pipelines.quality.evidence import OPEN_CLASS
from pipelines.warehouse.frames import read_frame
from pipelines.warehouse.relation import Relation, identifier

if TYPE_CHECKING:
    import pandas as pd

SEED = 13
"""The same rows are taken each time, as long as the table is the same."""


def may_profile(contract: Contract, column: Column) -> bool:
    """Whether values of the column may be looked at: class `terbuka`, and no free text beside persons."""
    return column.classification == OPEN_CLASS and not is_text_beside_a_person(contract, column)


def sample_query(contract: Contract, percent: float, staged: Relation | None = None) -> sql.Composed:
    """The query for so many percent of the rows in force, or of those of a stage.

    A closed cell is true if it is filled, else NULL.
    """
    cells = [
        sql.Identifier(column.name)
        if may_profile(contract, column)
        else sql.SQL("case when {0} is not null then true end as {0}").format(sql.Identifier(column.name))
        for column in contract.stored
    ]
    sampled = sql.SQL(" tablesample bernoulli ({}) repeatable ({})").format(
        sql.Literal(percent), sql.Literal(SEED)
    )
    relation, condition = _rows(contract, staged)
    return sql.SQL("select {} from {}{} where {}").format(
        sql.SQL(", ").join(cells), relation, sampled if percent < 100 else sql.SQL(""), condition
    )


def _rows(contract: Contract, staged: Relation | None) -> tuple[sql.Composable, sql.Composable]:
    """The table, and the condition for the rows of it that count."""
    if staged:
        return identifier(staged), sql.SQL("true")
    return sql.Identifier("raw", contract.table), is_current(contract) or sql.SQL("true")


def read_sample(
    connection: Connection[Any], contract: Contract, most: int, staged: Relation | None = None
) -> tuple[pd.DataFrame, int]:
    """About `most` random rows in force, and how many there are. staged: rows of this stage instead."""
    count = sql.SQL("select count(*) from {} where {}").format(*_rows(contract, staged))
    rows = (connection.execute(count).fetchone() or (0,))[0]
    percent = 100.0 if rows <= most else 100.0 * most / rows
    return read_frame(connection, sample_query(contract, percent, staged).as_string(None)), rows
