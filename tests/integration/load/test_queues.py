"""Work for one session at a time: the others wait, log what they wait for, and give up at a limit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pipelines.errors import LoadError
from pipelines.warehouse.locks import queued, try_queue

KEY, WHAT = "dataset:dinas/uji", "pemuatan lain dari dataset ini"


@pytest.fixture
def sessions(pg_url: str) -> Iterator[tuple[psycopg.Connection[Any], psycopg.Connection[Any]]]:
    with (
        psycopg.connect(pg_url, autocommit=True) as first,
        psycopg.connect(pg_url, autocommit=True) as second,
    ):
        yield first, second


def test_a_waiting_session_logs_what_it_waits_for_and_gives_up(
    sessions: tuple[psycopg.Connection[Any], psycopg.Connection[Any]], caplog: pytest.LogCaptureFixture
) -> None:
    first, second = sessions
    with (
        caplog.at_level(logging.INFO, logger="gudang"),
        queued(first, KEY, "dinas/uji", WHAT),
        pytest.raises(LoadError, match="masih berjalan sesudah 1 detik"),
        queued(second, KEY, "dinas/uji", WHAT, limit=1.0, every=0.3),
    ):
        pass
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "dinas/uji: menunggu pemuatan lain dari dataset ini selesai (sudah 0 dari 1 detik)"
    assert len(messages) >= 2
    assert second.execute("show lock_timeout").fetchone() == ("0",)
    assert try_queue(second, KEY), "the first session has released it"


def test_a_waiting_session_goes_on_when_the_other_unlocks_or_dies(
    pg_url: str, sessions: tuple[psycopg.Connection[Any], psycopg.Connection[Any]]
) -> None:
    first, _ = sessions
    for end in ("select pg_advisory_unlock_all()", "select pg_terminate_backend(pg_backend_pid())"):
        assert try_queue(first, KEY)
        entered = threading.Event()

        def wait(entered: threading.Event = entered) -> None:
            with psycopg.connect(pg_url, autocommit=True) as other, queued(other, KEY, "dinas/uji", WHAT):
                entered.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        with psycopg.connect(pg_url, autocommit=True) as watcher:
            query = "select 1 from pg_locks where locktype = 'advisory' and not granted"
            while not watcher.execute(query).fetchone():
                time.sleep(0.02)
        assert not entered.is_set()
        try:
            first.execute(end.encode())
        except psycopg.OperationalError:
            assert "terminate" in end
        waiting.join()
        assert entered.is_set()
