"""The database that every case loads into, one load into it, and what is measured of a case.

What belongs here: emptying the target, a load without checks, seconds and memory, comparing rows. Not here: the cases
(cases.py).
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from benchmarks import rows as data
from pipelines.contracts.model import Contract
from pipelines.extract.stream import SourceStream, Wanted
from pipelines.load.ledger import Batch
from pipelines.load.loader import load
from pipelines.quality.gate import GateResult
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect

Figures = dict[str, Any]
"""What a case gives: seconds, megabytes, and, where it leaves rows, their count and checksum as `content`."""

TYPED = ", ".join(f"{name} {kind}" for name, kind, _ in data.COLUMNS)


def empty_target(settings: Settings) -> psycopg.Connection[Any]:
    """A session of the target database, emptied, with no dirty page left to write."""
    connection = connect(data.url(settings, "bench_sasaran"))
    connection.execute("drop table if exists sasaran")
    connection.execute("drop schema if exists raw, ops, landing, quarantine, sasaran_dlt cascade")
    connection.execute("checkpoint")
    return connection


def figures(start: float, **more: Any) -> Figures:
    """Seconds since `start`, this process's own peak memory in MB, and whatever else a case gives.

    The peak is VmHWM, for ru_maxrss also has the memory of the process that started this one. memory.py adds the
    processes below.
    """
    seconds = time.perf_counter() - start
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
    return {"seconds": seconds, "megabytes": peak / 1024, **more}


def dlt_content(settings: Settings) -> str:
    """Count and checksum of the rows that dlt left."""
    with data.connect(settings, "bench_sasaran") as connection:
        return checksum(connection, "sasaran_dlt.sasaran")


def checksum(connection: psycopg.Connection[Any], table: str) -> str:
    """Count and checksum of a table's rows, to compare the results of two cases.

    Exact numbers are compared with two decimals, however a tool declared them (dlt pads them). A tool that made
    floating point of them left other values, and differs.
    """
    name = sql.Identifier(*table.split("."))
    exact = connection.execute(
        "select atttypid = 'numeric'::regtype from pg_attribute where attrelid = %s::regclass and attname = 'nilai'",
        [name.as_string(connection)],
    ).fetchone()
    names = sql.SQL(", ").join(
        sql.SQL("nilai::numeric(18,2)") if n == "nilai" and exact == (True,) else sql.Identifier(n)
        for n in data.NAMES
    )
    query = sql.SQL("select count(*) || ':' || coalesce(sum(hashtextextended(row({})::text, 0)), 0) from {}")
    row = connection.execute(query.format(names, name)).fetchone()
    assert row is not None
    return str(row[0])


def load_once(connection: psycopg.Connection[Any], contract: Contract, upload: Any = None) -> Batch:
    """One load by the loader, without checks."""
    from pipelines.extract.source import open_source

    def opener(of: Contract, since: str | None) -> SourceStream | None:
        return open_source(of, wanted=Wanted(since), upload=upload)

    batch = load(connection, contract, opener, lambda _: GateResult(()), run_id="bench")
    assert batch is not None
    return batch
