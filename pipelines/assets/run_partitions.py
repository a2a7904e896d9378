"""Finds the days that the partitions of a run stand for, and reports to Dagster which partitions were loaded.

What belongs here: Dagster's partitions of a contract, the days that a run loads, events and counts per partition. Not
here: the calendar (contracts/windows.py), which upload brought which period (load/apply/periods.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import dagster as dg
from psycopg import Connection

from pipelines.assets.naming import raw_key
from pipelines.clock import TIMEZONE
from pipelines.contracts import windows
from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Cadence, Window
from pipelines.jobs import NIGHT, WALKED
from pipelines.load.apply.periods import SHOWN, LoadedPeriod
from pipelines.load.raw_summary import count_by_day, quarantined_by_day

WAITING = "menunggu_di_karantina"
"""The metadata with the number of rows that wait in quarantine."""
_DATA_VERSION = "dagster/data_version"
"""Dagster's tag for the version of the rows of a materialisation that is logged."""


def partitions(every: Cadence, start: date) -> dg.TimeWindowPartitionsDefinition:
    """The partitions of a cadence, shared by its datasets so that one run loads them.

    Of days those that are over, of others also the one that has begun.
    """
    first = windows.key(every, start)
    if every is Cadence.DAILY:
        return dg.DailyPartitionsDefinition(start_date=first, timezone=TIMEZONE)
    months = {Cadence.MONTHLY: "*", Cadence.SEMESTER: "1,7", Cadence.YEARLY: "1"}
    return dg.TimeWindowPartitionsDefinition(
        start=first,
        fmt=windows.KEY_FORMAT[every],
        cron_schedule=f"0 0 1 {months[every]} *",
        timezone=TIMEZONE,
        end_offset=1,
    )


def report_periods(
    context: dg.AssetExecutionContext, contract: Contract, loaded: Sequence[LoadedPeriod]
) -> None:
    """Logs a materialisation of each period that the uploads of this run had."""
    for event in period_events(contract, loaded):
        context.log_event(event)


def period_events(contract: Contract, loaded: Sequence[LoadedPeriod]) -> list[dg.AssetMaterialization]:
    """A materialisation of each period; none for a dataset without partitions."""
    if contract.partition is None:
        return []
    return [
        dg.AssetMaterialization(
            raw_key(contract),
            partition=windows.key(contract.partition.every, period.begin),
            metadata={"dagster/partition_row_count": period.rows, "sumber": period.source},
            tags={_DATA_VERSION: period.version},
        )
        for period in loaded
    ]


def window_of_run(context: dg.AssetExecutionContext, contract: Contract) -> Window | None:
    """The days that this run loads: a range of partitions is one window, and one query."""
    if contract.partition is None or (contract.replaces_periods and not _asks_for_periods(context)):
        return None
    keys = context.partition_key_range
    first, last = windows.days(contract.partition.every, keys.start, keys.end)
    return Window(max(first, contract.partition.start), last)


def _asks_for_periods(context: dg.AssetExecutionContext) -> bool:
    """Whether the run is for partitions that somebody chose. A night reads the new files, whatever its windows are."""
    of_a_night = NIGHT in context.run.tags or WALKED in context.run.tags
    return (context.has_partition_key or context.has_partition_key_range) and not of_a_night


def missing_periods(
    context: dg.AssetExecutionContext, contract: Contract, loaded: Sequence[LoadedPeriod]
) -> str:
    """Names the periods that the run is for and that no upload has, for its failure; "" if there are none."""
    if not (contract.replaces_periods and contract.partition and _asks_for_periods(context)):
        return ""
    every, start = contract.partition.every, contract.partition.start
    found = {windows.key(every, period.begin) for period in loaded}
    first = windows.key(every, start)
    missing = [key for key in context.partition_keys if key not in found and key >= first]
    if not missing:
        return ""
    more = f" dan {len(missing) - SHOWN} lagi" if len(missing) > SHOWN else ""
    return f"tidak ada berkas di zona unggah yang memuat periode {', '.join(missing[:SHOWN])}{more}"


def range_of_run(context: dg.AssetExecutionContext, contract: Contract) -> str:
    """The partitions of a load of more than one, as a text; "" for one partition or none.

    A night's run has a range of days although some of its datasets have no partitions.
    """
    if contract.windows is None or not context.has_partition_key_range:
        return ""
    keys = context.partition_key_range
    return "" if keys.start == keys.end else f"{keys.start} s.d. {keys.end}"


def count_partitions(
    context: dg.AssetExecutionContext, connection: Connection[Any], contract: Contract
) -> None:
    """Adds to each partition that the run materialises the numbers of its own rows in raw and in quarantine."""
    partition, window = contract.windows, window_of_run(context, contract)
    if partition is None or window is None:
        return
    counted: dict[str, Counter[str]] = {}
    queries = {
        "dagster/partition_row_count": count_by_day(contract, partition, window),
        WAITING: quarantined_by_day(contract, window),
    }
    for name, query in queries.items():
        counted[name] = Counter()
        for day, rows in connection.execute(query):
            counted[name][windows.key(partition.every, day)] += rows
    for key in context.partition_keys:
        own = {name: found[key] for name, found in counted.items()}
        context.add_asset_metadata(own, raw_key(contract), key)
