"""A lost database is reported in one sentence, whatever Dagster's storage prints."""

from __future__ import annotations

import logging
import sys

import pytest
import sqlalchemy
from dagster_postgres.utils import DagsterPostgresException, retry_pg_connection_fn

from pipelines.runs.storage_noise import replace_connection_errors


def test_retries_and_unwritten_events_become_one_message_and_others_are_kept(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    messages: list[str] = []
    engine = sqlalchemy.create_engine("postgresql+psycopg2://kantor@127.0.0.1:1/dagster")
    with replace_connection_errors(messages.append):
        with pytest.raises(DagsterPostgresException):
            retry_pg_connection_fn(engine.connect, retry_limit=2, retry_wait=0.01)
        sys.stderr.write("Exception while writing logger call to event log: [parameters: {'event': '...'}]\n")
        print("galat lain", file=sys.stderr)
        logging.warning("peringatan lain")
    assert messages == ["Basis data Dagster tidak menjawab; dicoba lagi beberapa detik."]
    assert capsys.readouterr().err.splitlines()[-1] == "galat lain"
    assert [record.getMessage() for record in caplog.records] == ["peringatan lain"]
    with pytest.raises(DagsterPostgresException):
        retry_pg_connection_fn(engine.connect, retry_limit=1, retry_wait=0.01)
    assert len(messages) == 1 and "Retrying failed database connection" in caplog.text
