"""The summary of raw after a load: the number of current rows, the end of the newest period, and a flag for samples.

A row is current if it is not marked as deleted, and is no ended version of a history.

What belongs here: the statements, which loader.py runs, and the rows of each day for Dagster's partitions. Not here:
when a dataset last arrived; the view ops.dataset_state (warehouse/views/ledger.sql) finds that in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, sql

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import MONTHS, Partition, Window, period_begin
from pipelines.extract.samples import FOUND
from pipelines.load.ledger import Batch
from pipelines.load.plan import LoadPlan
from pipelines.load.stage.entry_periods import moment_of_entry

_MONTH_HOURS = 730.5


def is_current(contract: Contract) -> sql.SQL | None:
    """The condition of the current rows of raw; None if all rows are current."""
    if contract.keeps_history:
        return sql.SQL("is_current")
    return sql.SQL("deleted_at is null") if contract.reconcile else None


def count_by_day(contract: Contract, partition: Partition, window: Window) -> sql.Composed:
    """Gives each day of the window that raw has rows of, and the number of its current rows."""
    day = sql.Identifier(partition.column)
    return sql.SQL("select {0}::date, count(*) from {1} where {2} and {3} group by 1").format(
        day,
        sql.Identifier("raw", contract.table),
        window.condition(day),
        is_current(contract) or sql.SQL("true"),
    )


def quarantined_by_day(contract: Contract, window: Window) -> sql.Composed:
    """Gives each day of the window, and the number of its rows that wait in quarantine.

    Rows whose day is hidden or is no date belong to no day.
    """
    return sql.SQL(
        "select moment::date, count(*) from (select {moment} as moment from quarantine.row q where dataset = {dataset}"
        " and state = 'open') w where {inside} group by 1"
    ).format(
        moment=moment_of_entry(contract),
        dataset=sql.Literal(contract.key),
        inside=window.condition(sql.Identifier("moment")),
    )


def keep(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> None:
    """Records the summary of raw, unless nothing changed and an earlier load has recorded it."""
    known = connection.execute(is_recorded(plan)).fetchone()
    if batch.state == "loaded" or known != (True,):
        record(connection, plan, sample=FOUND in batch.found)


def record(connection: Connection[Any], plan: LoadPlan, *, sample: bool) -> None:
    """Writes row count, end of the newest period and sample flag into the load's row of the ledger.

    Run it in the transaction that changes raw. sample: whether the rows that this load brought are made up.
    """
    samples = [batch_id for (batch_id,) in connection.execute(loads_of_samples(plan))]
    if sample:
        samples.append(plan.batch_id)
    # Two statements, because PostgreSQL runs no UPDATE with parallel workers.
    found = connection.execute(summarise(plan, samples)).fetchone() or ()
    connection.execute(
        "update ops.load_batch set rows_in_raw = %s, data_until = %s::timestamptz, has_sample = %s where batch_id = %s",
        [*found, plan.batch_id],
    )


def summarise(plan: LoadPlan, samples: Sequence[int]) -> sql.Composed:
    """Gives row count, end of the newest period (as text, because Python has no year before 1), and sample flag.

    samples: the numbers of the dataset's loads whose source was made up.
    """
    contract = plan.contract
    has_sample: sql.Composable = sql.SQL("false")
    if samples:
        has_sample = sql.SQL("coalesce(bool_or(_batch_id = any({}::bigint[])), false)").format(
            sql.Literal(list(samples))
        )
    return sql.SQL("select count(*), ({until})::text, {has_sample} from {raw} where {current}").format(
        until=_until(plan),
        has_sample=has_sample,
        raw=plan.raw,
        current=is_current(contract) or sql.SQL("true"),
    )


def is_recorded(plan: LoadPlan) -> sql.Composed:
    """Whether an earlier load of the dataset has recorded this summary."""
    return sql.SQL(
        "select exists (select from ops.load_batch where dataset = {} and rows_in_raw is not null)"
    ).format(sql.Literal(plan.contract.key))


def loads_of_samples(plan: LoadPlan) -> sql.Composed:
    """Gives the numbers of the dataset's loads whose source was made up. This load may not be known as one yet."""
    return sql.SQL("select batch_id from ops.load_batch where dataset = {} and found ? {}").format(
        sql.Literal(plan.contract.key), sql.Literal(FOUND)
    )


def _until(plan: LoadPlan) -> sql.Composable:
    """The last second of the newest period that has begun.

    A date begins a period of one day. If it is the first of a month, the period is as long as the promised frequency
    (if that is a month or more), or as a window (if windows are months or longer). A timestamp is the end of its own
    period.
    """
    contract, column = plan.contract, plan.contract.period_column
    if column is None:
        return sql.SQL("null::timestamptz")
    begun = sql.SQL("max({0}) filter (where {0} <= transaction_timestamp())").format(period_begin(column))
    if column.logical_type == "timestamp":
        return sql.SQL("({})::timestamptz").format(begun)
    of_window = MONTHS[contract.partition.every] if contract.partition else 0
    months = max(round((contract.sla_hours("frequency") or 0) / _MONTH_HOURS), of_window)
    length: sql.Composable = sql.SQL("interval '1 day'")
    if months:
        length = sql.SQL(
            "case when extract(day from {}) = 1 then make_interval(months => {}) else {} end"
        ).format(begun, sql.Literal(months), length)
    return sql.SQL("({} + {} - interval '1 second')::timestamptz").format(begun, length)
