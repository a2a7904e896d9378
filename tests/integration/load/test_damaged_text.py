"""Rows with bytes that are not text are counted in the ledger and by a warning check until the source is corrected."""

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


def assert_damaged(nights: Nights, rows: int) -> None:
    assert nights.run("select rows_damaged from ops.load_batch order by batch_id desc limit 1") == [(rows,)]
    found = nights.run(
        "select passed, severity, unexpected from ops.check_result where check_name = 'bita_hilang'"
        " order by at desc limit 1"
    )
    assert found == [(rows == 0, "warn", rows)]


def test_nul_characters_of_a_database_are_counted_until_they_are_corrected(
    nights: Nights, mariadb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(mariadb_url, monkeypatch)
    table.make("k int, nama varchar(20) character set utf8mb4")
    table.run("insert into sumber values (1, concat('A', char(0))), (2, 'Ayu'), (3, concat(char(0), 'B'))")
    contract = dataset(nights, extract={"table": "sumber"})
    nights.load(contract)
    assert_damaged(nights, 2)
    table.run("update sumber set nama = 'Sri' where k <> 2")
    nights.load(contract)
    assert_damaged(nights, 0)


def test_invalid_characters_of_an_api_are_counted(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    server = Server()
    monkeypatch.setenv("UJI_URL", server.url)
    server.answer = lambda _: reply(
        [{"k": 1, "nama": "A\0"}, {"k": 2, "nama": "\ud83d"}, {"k": 3, "nama": "C"}]
    )
    nights.load(dataset(nights, api("UJI_URL"), extract={"path": "/v1"}))
    assert_damaged(nights, 2)
    server.stop()


@pytest.mark.parametrize("rows", [3, 40_000])
def test_replacement_characters_in_a_file_are_counted(nights: Nights, rows: int) -> None:
    """A small file, and one that PostgreSQL's own CSV reader reads."""
    contract = dataset(nights, upload("uji/data", "csv"), extract={"format": "csv", "pattern": "*.csv"})
    lines = [f"{k},Sri" for k in range(rows)]
    lines[2] = "2,J\ufffdssy"
    path = nights.settings.home / "unggahan" / "uji" / "data" / f"{rows}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["k,nama", *lines]) + "\n", encoding="utf-8")
    nights.load(contract)
    assert_damaged(nights, 1)
    path.unlink()
