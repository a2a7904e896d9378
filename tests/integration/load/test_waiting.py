"""Sessions that hold locks: a start waits for none of them, and a load gives up at its limit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from pipelines.errors import LoadError
from pipelines.load import prepare
from tests.support.contracts import column
from tests.support.loads import IMPATIENT, Loads


@contextmanager
def idle_in_transaction(loads: Loads, *statements: str) -> Iterator[Connection[Any]]:
    """Another session that ran these statements and keeps its transaction open."""
    with psycopg.connect(loads.url.replace("+psycopg", "")) as other:
        for statement in statements:
            other.execute(statement.encode())
        yield other
        other.rollback()


def test_a_start_waits_for_no_reader_and_no_writer(loads: Loads) -> None:
    versions = loads.contract(
        column("id", "integer", primaryKey=True),
        column("v"),
        key="uji/versi",
        write_disposition="merge",
        merge_strategy="scd2",
    )
    loads.load(versions, lambda *_: [["1", "a"]])
    relations = loads.run(
        "select oid::regclass::text from pg_class where relkind in ('r', 'v')"
        " and relnamespace in ('ops'::regnamespace, 'raw'::regnamespace, 'quarantine'::regnamespace)"
    )
    assert len(relations) > 12
    reads = [f"select count(*) from {name}" for (name,) in relations]  # noqa: S608
    writes = [
        "update ops.load_batch set error = null",
        "update raw.uji__versi set v = 'b'",
        "update quarantine.row set row_key = null",
        "insert into ops.check_result (asset, check_name, severity, passed) values ('a', 'b', 'warn', true)",
    ]
    with idle_in_transaction(loads, *reads, *writes):
        loads.run("set lock_timeout = '5s'")
        prepare.prepare(loads.connection, [versions])


def test_a_start_upgrades_a_warehouse_of_a_still_older_version(loads: Loads) -> None:
    loads.before_migrations()
    loads.run("alter table ops.load_batch drop column whole; drop index quarantine.row_open")
    prepare.prepare(loads.connection, [])
    contract = loads.contract(column("id", "integer"), column("n", "integer"), max_quarantine_share=0.9)
    loads.load(contract, lambda *_: [["1", "1"], ["2", "x"]])
    assert loads.run("select rule, value from ops.quarantine_reason") == [("tipe", "x")]


def test_an_upsert_gives_up_behind_a_row_lock_and_changes_nothing(loads: Loads) -> None:
    contract = loads.contract(
        column("id", "integer", primaryKey=True), column("v"), key="uji/ubah", write_disposition="merge"
    )
    loads.load(contract, lambda *_: [["1", "a"], ["2", "a"]])
    with (
        idle_in_transaction(loads, "update raw.uji__ubah set v = 'x' where id = 2"),
        pytest.raises(
            LoadError,
            match=r"sesi lain lebih dari 0\.5 detik memegang baris atau tabel yang diubah pemuatan ini",
        ),
    ):
        loads.load(contract, lambda *_: [["1", "b"], ["2", "b"]], waits=IMPATIENT)
    assert loads.raw(contract, "id", "v") == [(1, "a"), (2, "a")]
    assert loads.run("select state from ops.load_batch order by batch_id") == [("loaded",), ("failed",)]
    assert loads.load(contract, lambda *_: [["1", "b"], ["2", "b"]]).loaded == 2
