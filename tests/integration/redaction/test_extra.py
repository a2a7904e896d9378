"""Columns outside of the contract may hold personal data: `_extra` masks a NIK in every spelling."""

from __future__ import annotations

import pytest
from psycopg import sql

from pipelines.ingest import ingest
from pipelines.settings import Settings
from tests.support.contracts import column
from tests.support.loads import Loads
from tests.unit.redaction.test_personal_shapes import OTHERS, SPELLINGS


def test_a_nik_in_any_spelling_is_masked_in_extra_and_another_number_stays(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UJI_URL", loads.url)
    texts = {f"nik_{n}": text for n, text in enumerate(SPELLINGS.values())}
    others = {f"lain_{n}": text for n, text in enumerate(OTHERS.values())}
    assert {"64.72.01.520390.0001", "6472 0152 0390 0001"} <= set(texts.values())
    loads.run("create table public.data (id integer)")
    loads.run("insert into public.data values (1)")
    for name, text in (texts | others).items():
        loads.connection.execute(
            sql.SQL("alter table public.data add {} text default {}").format(sql.Identifier(name), text)
        )
    contract = loads.contract(column("id", "integer", primaryKey=True), schema_contract="evolve")
    settings = Settings(home=loads.folder, project=loads.folder, warehouse_url=loads.url)
    ingest(loads.connection, contract, settings, loads.url, run_id="uji")
    ((extra,),) = loads.run("select _extra from raw.uji__data")
    assert extra == dict.fromkeys(texts, "***") | others
