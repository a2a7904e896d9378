"""Makes the stage from landing: runs the statements in their order, and reads what they have counted.

Not here: the statements (one_pass.py, statement.py), the steps of a whole load (load/loader.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, errors, sql

from pipelines.load.plan import LoadPlan
from pipelines.load.stage import one_pass, statement

_LEADER_WRITES = """
select set_config('parallel_leader_participation', 'off', true)
from pg_settings
where name = 'min_parallel_table_scan_size' and current_setting('max_parallel_workers_per_gather')::int > 1
    and current_setting('max_parallel_workers')::int > 1
    and pg_relation_size(%s::regclass) >= 3 * setting::bigint * 8192
"""
"""Lets the session's own process only write the stage. Where it also computes rows, the workers wait for it.

PostgreSQL plans a second worker from three times this size on (its allpaths.c); with one, our process had better help.
"""


@dataclass(frozen=True, slots=True)
class Built:
    """The stage that was made.

    rows: how many it has. deduplicated: whether keys came twice. repaired: column, repair, and how many cells of all
    landed rows it changed.
    """

    rows: int
    deduplicated: bool = False
    repaired: Sequence[tuple[str, str, int]] = ()


def build_stage(connection: Connection[Any], plan: LoadPlan, landed: int) -> Built:
    """Makes the stage: the valid rows, cast to their types, with the primary key."""
    built = Built(landed)
    if not (plan.direct and _adopt(connection, plan)):
        built = _in_one_pass(connection, plan, landed)
        if not _add_key(connection, plan, plan.stage):
            built = _keep_one_row_per_key(connection, plan, built)
    connection.execute(sql.SQL("; ").join(statement.comments(plan)))
    return built


def _in_one_pass(connection: Connection[Any], plan: LoadPlan, landed: int) -> Built:
    """Makes the stage without a key, and REJECTED, in one transaction."""
    with connection.transaction():
        connection.execute(statement.create_rejected())
        connection.execute(_LEADER_WRITES, [plan.landing.as_string(connection)])
        connection.execute(one_pass.create_stage(plan))
        connection.execute("reset parallel_leader_participation")
        counted = connection.execute(one_pass.count_marks(plan, landed)).fetchone()
        refused, places, *changed = counted or (0, None)
        if refused:
            connection.execute(one_pass.note_refused(plan, places))
        connection.execute(one_pass.drop_marks(plan))
    repaired = [
        (repair.column.name, repair.name, cells)
        for repair, cells in zip(one_pass.repairs(plan), changed, strict=True)
    ]
    return Built(landed - refused, repaired=repaired)


def _keep_one_row_per_key(connection: Connection[Any], plan: LoadPlan, built: Built) -> Built:
    for step in statement.keep_one_row_per_key(plan):
        connection.execute(step)
    (doubled,) = connection.execute(statement.count_duplicates(plan)).fetchone() or (0,)
    connection.execute(statement.add_primary_key(plan, plan.stage))
    return Built(built.rows - doubled, deduplicated=True, repaired=built.repaired)


def _adopt(connection: Connection[Any], plan: LoadPlan) -> bool:
    """Makes landing the stage. False if a row is refused or a key comes twice; then nothing has changed."""
    any_rejected = statement.any_rejected(plan)
    if any_rejected is not None and connection.execute(any_rejected).fetchone() != (False,):
        return False
    if not _add_key(connection, plan, plan.landing):
        return False
    for step in statement.adopt_landing(plan):
        connection.execute(step)
    return True


def _add_key(connection: Connection[Any], plan: LoadPlan, table: sql.Identifier) -> bool:
    """Adds the primary key. False if a key comes twice, or a row has none."""
    if not plan.contract.primary_key:
        return True
    try:
        with connection.transaction():
            connection.execute(statement.add_primary_key(plan, table))
    except (errors.UniqueViolation, errors.NotNullViolation):
        return False
    return True


def record_repairs(connection: Connection[Any], plan: LoadPlan, built: Built) -> None:
    """Writes into ops.load_repair how many cells each repair changed."""
    rows = [(plan.batch_id, *counted) for counted in built.repaired if counted[2]]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into ops.load_repair (batch_id, column_name, repair, rows) values (%s, %s, %s, %s)",
                rows,
            )
