"""Bytes that no text has here: the rows are counted in the ledger, and a warning check says so until the source is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from tests.support.clocks import Nights, Table
from tests.support.contracts import api, column, upload
from tests.support.http_server import Server, reply


@pytest.fixture(scope="module")
def nights(module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    made = Nights(module_warehouse_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()


def dataset(nights: Nights, server: dict[str, Any] | None = None, **custom: Any) -> Contract:
    nights.forget()
    return nights.contract(column("k", "integer", primaryKey=True), column("nama"), server=server, **custom)


def is_told(nights: Nights, rows: int) -> None:
    assert nights.run("select rows_damaged from ops.load_batch order by batch_id desc limit 1") == [(rows,)]
    found = nights.run(
        "select passed, severity, unexpected from ops.check_result where check_name = 'bita_hilang'"
        " order by at desc limit 1"
    )
    assert found == [(rows == 0, "warn", rows)]


def test_of_a_database_until_it_is_right(
    nights: Nights, mariadb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(mariadb_url, monkeypatch)
    table.make("k int, nama varchar(20) character set utf8mb4")
    table.run("insert into sumber values (1, concat('A', char(0))), (2, 'Ayu'), (3, concat(char(0), 'B'))")
    contract = dataset(nights, extract={"table": "sumber"})
    nights.load(contract)
    is_told(nights, 2)
    table.run("update sumber set nama = 'Sri' where k <> 2")
    nights.load(contract)
    is_told(nights, 0)


def test_of_an_api(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    server = Server()
    monkeypatch.setenv("UJI_URL", server.url)
    server.answer = lambda _: reply(
        [{"k": 1, "nama": "A\0"}, {"k": 2, "nama": "\ud83d"}, {"k": 3, "nama": "C"}]
    )
    nights.load(dataset(nights, api("UJI_URL"), extract={"path": "/v1"}))
    is_told(nights, 2)
    server.stop()


@pytest.mark.parametrize("rows", [3, 40_000])
def test_of_a_file_that_was_saved_after_they_were_lost(nights: Nights, rows: int) -> None:
    """A small file, and one that PostgreSQL's own CSV reader takes."""
    contract = dataset(nights, upload("uji/data", "csv"), extract={"format": "csv", "pattern": "*.csv"})
    lines = [f"{k},Sri" for k in range(rows)]
    lines[2] = "2,J\ufffdssy"
    path = nights.settings.home / "unggahan" / "uji" / "data" / f"{rows}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["k,nama", *lines]) + "\n", encoding="utf-8")
    nights.load(contract)
    is_told(nights, 1)
    path.unlink()
