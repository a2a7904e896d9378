"""A person quoted by an error text of PostgreSQL is in no event, log, check result or terminal line of a run."""

# ruff: noqa: S608  # the statements are the test's own
from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.raw import raw_assets
from pipelines.resources.warehouse import Warehouse
from pipelines.settings import Settings
from tests.support.contracts import column
from tests.support.dbt_folder import DbtFolder, query
from tests.support.loads import Loads

NIK, NAME = "6472010101900001", "BUDI REKAAN"
PLANTED = f"{NAME} {NIK}"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    folder = tmp_path / "dagster"
    folder.mkdir()
    with dg.DagsterInstance.local_temp(str(folder)) as made:
        yield made


@pytest.mark.parametrize("fault", ["source", "trigger", "suite"])
def test_a_failed_run_keeps_no_personal_value_of_an_error_text(
    loads: Loads,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("UJI_URL", loads.url)
    monkeypatch.setattr(logging.getLogger("gudang"), "propagate", True)
    raising = f"raise exception '{PLANTED}' using errcode = '42501', detail = '{PLANTED}', hint = '{PLANTED}'"
    isi = "public.galat()" if fault == "source" else f"'{PLANTED}'::text"
    loads.run(f"create function public.galat() returns text language plpgsql as $$ begin {raising}; end $$")
    loads.run(f"create view public.v as select 1 as id, {isi} as isi")
    columns = [column("id", "integer", primaryKey=True), column("isi")]
    contract = loads.contract(*columns, extract={"table": "v"}, write_disposition="merge")
    settings = Settings(home=tmp_path / "home", project=tmp_path, warehouse_url=loads.url)
    models = DbtFolder(tmp_path / "dbt_like_sql")
    models.suites = settings.expectations_dir
    condition = "where isi::int > 1" if fault == "suite" else "where isi is null"
    models.suite("uji/data", query("isi_wajar", f"select 1 from {{batch}} {condition}"))
    if fault == "trigger":
        loads.run(
            f"create function public.tolak() returns trigger language plpgsql as $$ begin {raising}; end $$"
        )
        loads.load(contract, lambda *_: [])
        loads.run(
            "create trigger t before insert on raw.uji__data for each row execute function public.tolak()"
        )
    result = dg.materialize(
        raw_assets([contract], settings),
        instance=instance,
        resources={"warehouse": Warehouse(url=loads.url)},
        raise_on_error=False,
    )
    assert not result.success
    printed = capfd.readouterr()
    events = [str(entry) + entry.to_json() for entry in instance.all_logs(result.run_id)]
    files = [
        p.read_text(errors="replace")
        for p in (tmp_path / "dagster").rglob("*")
        if p.suffix in (".out", ".err")
    ]
    places: dict[str, Any] = {
        "events": "".join(events),
        "log": caplog.text,
        "terminal": printed.out + printed.err,
        "compute logs": "".join(files),
        "ledger": str(loads.run("select t::text from ops.load_batch t")),
        "checks": str(loads.run("select t::text from ops.check_result t")),
    }
    assert [place for place, text in places.items() if NIK in text or NAME in text or "REKAAN" in text] == []
    expected = {
        "source": "akses ditolak: tidak ada hak",
        "trigger": "akses ditolak: tidak ada hak",
        "suite": "InvalidTextRepresentation",
    }
    assert expected[fault] in places["events"]
