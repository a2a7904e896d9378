"""Recognises staged rows that passed the gate before under the same rules, so that their suite need not run (adr/042).

Great Expectations takes seconds to import and asks many queries. What its answer depends on takes one query per table.
Not here: running the suite (run.py), which results are given instead (gate.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.raw_table import POSITION
from pipelines.load.loader import Staged
from pipelines.quality.suites import QUERY, Expectation
from pipelines.warehouse.content import content_hash
from pipelines.warehouse.query_reads import query_reads

_BATCH = "{batch}"
_STAGED = "staged.rows"
"""Stands for the staged table while a query is read."""
_OF_A_LOAD = ("_batch_id", "_loaded_at", POSITION)
"""Columns of the staged table that differ in each load. A query that names one is asked every time."""
_FUNCTIONS = (
    "select coalesce(bool_and(provolatile = 'i'), true), coalesce(md5(string_agg(prosrc, ' ' order by oid::text)), '')"
    " from pg_catalog.pg_proc where pronamespace = to_regnamespace('ops') and proname::text = any(%s)"
)


def gate_basis(
    connection: Connection[Any], staged: Staged, expectations: Sequence[Expectation]
) -> str | None:
    """A hash of all that the answers of the suite depend on: its rules, the staged rows, the tables that it reads.

    None if they may depend on more, such as the date. `connection` sees the staged table, and is in autocommit.
    """
    queries = [str(e.kwargs[QUERY]) for e in expectations if QUERY in e.kwargs]
    reads = [query_reads(query.replace(_BATCH, _STAGED)) for query in queries]
    if any(read.unknown or read.clock for read in reads):
        return None
    if any(name in query for query in queries for name in _OF_A_LOAD):
        return None
    functions = sorted({name for read in reads for name in read.functions})
    same, code = connection.execute(_FUNCTIONS, [functions]).fetchone() or (False, "")
    if not same:
        return None
    relations = sorted({name for read in reads for name in read.relations} - {_STAGED})
    columns = [c.name for c in staged.contract.stored]
    found = [
        *(repr(e) for e in expectations),
        code,
        content_hash(connection, (staged.schema, staged.table), columns),
        *(f"{name} {content_hash(connection, name.split('.'))}" for name in relations),
    ]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:32]


def passed_in(
    connection: Connection[Any], contract: Contract, basis: str, names: Collection[str]
) -> int | None:
    """The last load that went into raw and whose suite passed on the same basis; None if its results are not kept.

    names: of the suite's rules. None, too, if one of them has failed since then on other rows: only a new result ends
    that failure.
    """
    row = connection.execute(
        "with failed as (select max(f.at) as last_at from ops.check_in_force as f"
        " where f.asset = %s and f.check_name = any(%s) and not f.passed)"
        " select batch_id from ops.load_batch as b where dataset = %s and gate_basis = %s"
        " and state in ('loaded', 'unchanged')"
        " and exists (select from ops.check_result as c where c.batch_id = b.batch_id"
        " and c.at >= coalesce((select last_at from failed), '-infinity'))"
        " order by ops.applied_at(state, finished_at) desc, batch_id desc limit 1",
        [f"raw/{contract.key}", list(names), contract.key, basis],
    ).fetchone()
    return row[0] if row else None


def keep(connection: Connection[Any], batch_id: int, basis: str) -> None:
    """Notes on what basis the suite of a load passed. Call it when its results are in ops.check_result."""
    connection.execute("update ops.load_batch set gate_basis = %s where batch_id = %s", [basis, batch_id])
