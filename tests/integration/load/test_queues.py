"""Who may do a thing only one at a time waits in a queue, says for what, and not for ever."""

from __future__ import annotations

import logging
import threading
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


def test_who_waits_says_for_what_and_gives_up(
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
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "dinas/uji: menunggu pemuatan lain dari dataset ini selesai (sudah 0 dari 1 detik)"
    assert len(said) >= 2
    assert second.execute("show lock_timeout").fetchone() == ("0",)
    assert try_queue(second, KEY), "the first has let go of it"


def test_who_waits_goes_on_when_the_other_is_done_or_dead(
    pg_url: str, sessions: tuple[psycopg.Connection[Any], psycopg.Connection[Any]]
) -> None:
    first, _ = sessions
    for end in ("select pg_advisory_unlock_all()", "select pg_terminate_backend(pg_backend_pid())"):
        assert try_queue(first, KEY)
        came = threading.Event()

        def wait(came: threading.Event = came) -> None:
            with psycopg.connect(pg_url, autocommit=True) as other, queued(other, KEY, "dinas/uji", WHAT):
                came.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        with psycopg.connect(pg_url, autocommit=True) as watcher:
            query = "select 1 from pg_locks where locktype = 'advisory' and not granted"
            while not watcher.execute(query).fetchone():
                pass
        assert not came.is_set()
        try:
            first.execute(end.encode())
        except psycopg.OperationalError:
            assert "terminate" in end
        waiting.join()
        assert came.is_set()
