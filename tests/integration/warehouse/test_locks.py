"""Waiting for a table that another session holds."""

from __future__ import annotations

import threading

import psycopg
import pytest

from pipelines.warehouse.locks import LockPatience, retry_until_locked

IMPATIENT = LockPatience(total=0.2, attempt=0.05, pause=0.05)


def test_a_change_waits_for_a_pg_dump_longer_than_for_a_reader(pg_url: str) -> None:
    with psycopg.connect(pg_url, autocommit=True) as ours:
        ours.execute("create table t (a int)")

        def act() -> None:
            ours.execute("alter table t add column if not exists b int")

        with psycopg.connect(pg_url) as reader:
            reader.execute("select from t")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                retry_until_locked(ours, act, IMPATIENT)
        with psycopg.connect(pg_url, application_name="pg_dump") as dump:
            dump.execute("select from t")
            # The dump ends after five times the patience.
            ending = threading.Timer(1.0, dump.rollback)
            ending.start()
            retry_until_locked(ours, act, IMPATIENT)
            ending.join()
        columns = ours.execute(
            "select attname from pg_attribute where attrelid = 't'::regclass and attnum > 0"
        )
        assert columns.fetchall() == [("a",), ("b",)]
