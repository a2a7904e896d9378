"""Records of an API become COPY text that PostgreSQL accepts, with `_extra` as valid JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.support.extracts import api_contract
from tests.support.http_server import Reply, Server, opened


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    running = Server()
    yield running
    running.stop()


def test_records_with_special_characters_land_and_their_extra_is_jsonb(pg_url: str, server: Server) -> None:
    records: list[dict[str, Any]] = [
        {"id": "a\tb\n\\N\0\r", "lain": "\0\\u0000", "n\0": {"\t": ["\0", "\\", None]}},
        {"id": None, "lain": None},
        {"id": 36893488147419103232, "kutip": "\"'\n", "pasangan": "X"},
        {"id": "\\N"},
    ]
    body = json.dumps({"data": records}).replace('"X"', r'"\ud83d"')
    server.answer = lambda _: Reply(body.encode())
    stream = opened(server, api_contract("id", schema_contract="evolve"))
    with psycopg.connect(pg_url) as connection:
        connection.execute("create temp table landing (id text, _extra text, _source_position text)")
        columns = sql.SQL(", ").join(map(sql.Identifier, stream.columns))
        with connection.cursor().copy(sql.SQL("copy landing ({}) from stdin").format(columns)) as copy:
            for block in stream.blocks:
                copy.write(block)
        found = connection.execute(
            "select id, _extra::jsonb from landing order by _source_position"
        ).fetchall()
    assert found == [
        ("a\tb\n\\N\ufffd\r", {"lain": "\ufffd\\u0000", "n\ufffd": {"\t": ["\ufffd", "\\", None]}}),
        (None, {"lain": None}),
        ("36893488147419103232", {"kutip": "\"'\n", "pasangan": "\ufffd"}),
        ("\\N", None),
    ]
    assert stream.rows == len(found)
