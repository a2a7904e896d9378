"""A staged batch in the transaction that applies it to raw. Dispositions and the marking of deletions work on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from pipelines.load.apply.added_columns import SAME_SHAPE, Difference
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan


@dataclass(frozen=True, slots=True)
class StagedBatch:
    """A staged batch, and the connection that holds the transaction.

    rows: how many the stage has.
    difference: between the columns of raw and of the contract; none after the new columns were added.
    """

    connection: Connection[Any]
    plan: LoadPlan
    batch: Batch
    rows: int
    difference: Difference = SAME_SHAPE

    def execute(self, statement: sql.Composed) -> int:
        """Runs the statement, and gives the number of rows that it touched."""
        return self.connection.execute(statement).rowcount

    def fetch(self, query: sql.Composed) -> tuple[Any, ...]:
        """The only row of a query that always gives one."""
        row = self.connection.execute(query).fetchone()
        assert row is not None
        return row

    def warn(self, text: str) -> None:
        """Adds a warning for the operator to the ledger entry."""
        self.batch.warnings.append(text)
