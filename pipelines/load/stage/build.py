"""Makes the stage from landing, and counts what the repairs changed.

What belongs here: running the statements, in their order. Not here: the statements (statement.py), the steps of a whole
load (load/loader.py).
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, errors, sql

from pipelines.load.plan import LoadPlan
from pipelines.load.stage import statement


def build_stage(connection: Connection[Any], plan: LoadPlan, landed: int) -> tuple[int, bool]:
    """Makes the stage: the valid rows, cast to their types, with the primary key.

    Gives the number of rows, and whether keys came twice.
    """
    rows, deduplicated = landed, False
    if not (plan.direct and _adopt(connection, plan)):
        connection.execute(statement.create_rejected())
        rows = connection.execute(statement.create_stage(plan)).rowcount
        if not _add_key(connection, plan, plan.stage):
            deduplicated = True
            for step in statement.keep_one_row_per_key(plan):
                connection.execute(step)
            counted = connection.execute(statement.count_duplicates(plan)).fetchone()
            assert counted is not None
            rows -= counted[0]
            connection.execute(statement.add_primary_key(plan, plan.stage))
    connection.execute(sql.SQL("; ").join(statement.comments(plan)))
    return rows, deduplicated


def _adopt(connection: Connection[Any], plan: LoadPlan) -> bool:
    """Makes landing the stage. False if a row is refused or a key comes twice; then nothing has changed."""
    rejected = connection.execute(statement.any_rejected(plan)).fetchone()
    if rejected != (False,) or not _add_key(connection, plan, plan.landing):
        return False
    for step in statement.adopt_landing(plan):
        connection.execute(step)
    return True


def _add_key(connection: Connection[Any], plan: LoadPlan, table: sql.Identifier) -> bool:
    """Adds the primary key. False if a key comes twice."""
    if not plan.contract.primary_key:
        return True
    try:
        with connection.transaction():
            connection.execute(statement.add_primary_key(plan, table))
    except errors.UniqueViolation:
        return False
    return True


def count_repairs(connection: Connection[Any], plan: LoadPlan) -> None:
    """Writes into ops.load_repair how many cells each repair changed."""
    query = statement.count_repairs(plan)
    if query is None:
        return
    rows = [(plan.batch_id, *row) for row in connection.execute(query).fetchall() if row[2]]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.load_repair (batch_id, column_name, repair, rows) values (%s, %s, %s, %s)", rows
        )
