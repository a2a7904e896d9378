"""Messages of servers, drivers and triggers may quote a person: no such value reaches an error, a log or the ledger.

A made-up person is planted in every such message and searched for everywhere. Our message names the kind of error,
the place, and where the OPD finds the original message.
"""

# ruff: noqa: S608  # the statements are the tests' own
from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError, LoadError
from pipelines.ingest import ingest
from pipelines.settings import Settings
from tests.support.contracts import column
from tests.support.databases import run_mariadb
from tests.support.loads import Loads
from tests.support.small_warehouse import SmallWarehouse

NIK, NAME = "6472010101900001", "BUDI REKAAN"
PLANTED = f"{NAME} {NIK}"
COLUMNS = [column("id", "integer", primaryKey=True), column("isi")]
RAISING = (
    "create function public.galat() returns text language plpgsql as $$ begin"
    f" raise exception '{PLANTED}' using errcode = '{{}}', detail = '{PLANTED}', hint = '{PLANTED}',"
    f" column = '{NAME}', table = '{NAME}'; end $$"
)


@pytest.fixture
def ledger(loads: Loads) -> Callable[[], str]:
    def everything() -> str:
        tables = loads.run("select schemaname || '.' || tablename from pg_tables where schemaname = 'ops'")
        return "\n".join(str(loads.run(f"select t::text from {name} t")) for (name,) in tables)

    return everything


def server_log(url: str) -> str:
    folder = Path(url.rsplit("host=", 1)[1].split("&")[0]) / "log"
    return "".join(path.read_text(errors="replace") for path in folder.glob("*.log"))


def load_error(loads: Loads, contract: Contract) -> GudangError:
    settings = Settings(loads.folder / "home", loads.folder, loads.url)
    with pytest.raises(GudangError) as caught:
        ingest(loads.connection, contract, settings, loads.url, run_id="uji")
    return caught.value


def assert_not_quoted(error: GudangError, *texts: str) -> str:
    text = "".join([*traceback.format_exception(error), *texts])
    assert NIK not in text and NAME not in text and "REKAAN" not in text
    return str(error)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("BUDI1", r"kesalahan buatan server itu sendiri, pada SELECT dari tabel v "),
        (
            "42501",
            r"akses ditolak: tidak ada hak, pada SELECT dari tabel v .*pesan aslinya ada di log.*SQLSTATE 42501, 20",
        ),
        ("42703", r"kolom tidak ada, pada SELECT dari tabel v .*SQLSTATE 42703"),
        ("P0001", r"kesalahan dari trigger atau fungsi di sana, pada SELECT dari tabel v"),
    ],
)
def test_an_error_raised_in_a_source_is_described_by_kind_and_place(
    loads: Loads,
    ledger: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    state: str,
    message: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("UJI_URL", loads.url)
    loads.run(RAISING.format(state))
    loads.run("create view public.v as select 1 as id, public.galat() as isi")
    error = load_error(loads, loads.contract(*COLUMNS, extract={"table": "v"}))
    text = assert_not_quoted(error, ledger(), caplog.text, server_log(loads.url))
    assert "BUDI1" not in text
    with pytest.raises(GudangError, match=message):
        raise error


@pytest.mark.mariadb
def test_a_signal_of_mariadb_is_described_by_its_number(
    loads: Loads, ledger: Callable[[], str], mariadb_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UJI_URL", mariadb_url)
    run_mariadb(
        mariadb_url,
        "create function galat() returns text begin"
        f" signal sqlstate '45000' set message_text = '{PLANTED}'; return ''; end",
        "create view v as select 1 as id, galat() as isi",
    )
    text = assert_not_quoted(load_error(loads, loads.contract(*COLUMNS, extract={"table": "v"})), ledger())
    assert "kesalahan dari trigger atau fungsi di sana (kesalahan 1644), pada SELECT dari tabel v" in text
    assert "kesalahan 1644, SQLSTATE 45000, 20" in text


def add_trigger(loads: Loads) -> None:
    """Adds a trigger to raw that quotes the row."""
    loads.run(RAISING.replace("returns text", "returns trigger").format("23505"))
    loads.run("create trigger t before insert on raw.uji__data for each row execute function public.galat()")


def broken_reader(*_: Any) -> Any:
    yield ["1", "a"]
    raise ValueError(f"could not read {PLANTED!r}")


def test_errors_of_a_trigger_and_of_a_reader_quote_no_value(
    loads: Loads, ledger: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    contract = loads.contract(*COLUMNS, write_disposition="merge")
    loads.load(contract, lambda *_: [["1", "a"]])
    add_trigger(loads)
    with pytest.raises(LoadError, match=r"nilai yang harus unik ternyata ganda \(SQLSTATE 23505\)") as raised:
        loads.load(contract, lambda *_: [["2", PLANTED]])
    with pytest.raises(LoadError, match=r"ValueError yang tidak terduga di") as broken:
        loads.load(contract, broken_reader)
    for caught in (raised, broken):
        assert_not_quoted(caught.value, ledger(), caplog.text, server_log(loads.url))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            f"select '{NAME}'::text::int as n from (values (1)) v",
            "teks tidak dapat dibaca sebagai tipenya (SQLSTATE 22P02)",
        ),
        (
            "select t.isi::int as n from public.sumber t",
            "teks tidak dapat dibaca sebagai tipenya (SQLSTATE 22P02)",
        ),
        ("select galat() as n", "kesalahan buatan server itu sendiri (SQLSTATE buatan sendiri)"),
        ("select tiada as n from public.sumber", 'kolom tidak ada: "tiada"'),
    ],
)
def test_an_error_of_a_model_quotes_no_value(
    small_warehouse: SmallWarehouse, query: str, message: str
) -> None:
    small_warehouse.run("create table public.sumber (isi text)")
    small_warehouse.run("insert into public.sumber values (%s)", PLANTED)
    small_warehouse.run(RAISING.format("BUDI1"))
    small_warehouse.model("m", query)
    result = small_warehouse.build()["m"]
    assert result.state == "failed" and message in (result.error or "")
    error = (result.error or "").replace(query, "")
    assert NIK not in error and NAME not in error
    assert PLANTED not in server_log(small_warehouse.url)


def test_a_check_of_a_model_that_cannot_run_quotes_no_value(small_warehouse: SmallWarehouse) -> None:
    small_warehouse.run("create table public.sumber (isi text)")
    small_warehouse.run("insert into public.sumber values (%s)", PLANTED)
    small_warehouse.model("m", "select isi as n from public.sumber")
    small_warehouse.folder.write("tests/angka.sql", "select n from {{ ref('m') }} where n::int > 1")
    (check,) = small_warehouse.build()["m"].tests
    assert (
        check.message
        == "Pemeriksaan tidak dapat dijalankan: teks tidak dapat dibaca sebagai tipenya (SQLSTATE 22P02)."
    )
