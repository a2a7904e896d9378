"""If the source has the contract's types, each row is written once: landing becomes raw.

The result equals that of the way over a stage.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import ShapeError
from pipelines.ingest import Ingested, ingest
from pipelines.load.plan import LoadPlan
from pipelines.load.stage import one_pass
from pipelines.load.stage.statement import any_rejected
from pipelines.settings import Settings
from tests.support.contracts import column
from tests.support.loads import Loads


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loads]:
    made = Loads(warehouse_url, tmp_path)
    monkeypatch.setenv("UJI_URL", made.url)
    made.run(
        "create table public.sumber (id int, nama varchar(20), nilai numeric(12,2), rasio float8, tanggal date,"
        " waktu timestamptz, aktif boolean)"
    )
    made.run(
        "insert into public.sumber select n, E'baris\\t' || n, n / 3.0, n / 7.0, date '2024-01-01' + n,"
        " timestamptz '2024-01-01 00:00:00.123456+00' + n * interval '1 hour', n % 2 = 0 from generate_series(1, 500) n"
    )
    yield made
    made.connection.close()


def wide(loads: Loads, **custom: Any) -> Contract:
    return loads.contract(
        column("id", "bigint", primaryKey=True),
        column("nama", required=True, logicalTypeOptions={"maxLength": 12}),
        column("nilai", "numeric(18,2)", logicalTypeOptions={"minimum": 0}),
        column("rasio", "double precision"),
        column("tanggal", "date", logicalTypeOptions={"minimum": "2024-01-01"}),
        column("waktu", "timestamptz"),
        column("aktif", "boolean"),
        extract={"table": "sumber"},
        **custom,
    )


def run(loads: Loads, contract: Contract) -> Ingested:
    settings = Settings(home=loads.folder, project=loads.folder, warehouse_url=loads.url)
    return ingest(loads.connection, contract, settings, loads.url, run_id="uji")


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> list[LoadPlan]:
    """The plans for which a stage was made from landing."""
    made: list[LoadPlan] = []
    create = one_pass.create_stage

    def watched(plan: LoadPlan) -> Any:
        made.append(plan)
        return create(plan)

    monkeypatch.setattr(one_pass, "create_stage", watched)
    return made


def content(loads: Loads, table: str) -> list[Any]:
    return loads.run(
        f"select id, nama, nilai::text, rasio::text, tanggal::text, waktu::text, aktif from {table} order by id"  # noqa: S608
    )


def test_clean_rows_of_the_contracts_types_are_written_once(loads: Loads, stages: list[LoadPlan]) -> None:
    batch = run(loads, wide(loads)).batch
    assert batch is not None and (batch.loaded, stages) == (500, [])
    assert content(loads, "raw.uji__data") == content(loads, "public.sumber")
    assert loads.run("select distinct _batch_id, _loaded_at is not null from raw.uji__data") == [(1, True)]
    left = loads.run(
        "select c.reloptions, c.relpersistence::text, (select count(*) from pg_attrdef where adrelid = c.oid)"
        " from pg_class c where oid = 'raw.uji__data'::regclass"
    )
    assert left == [(None, "p", 0)]
    loads.run("analyze raw.uji__data")
    frozen = "select relallvisible = relpages from pg_class where oid = 'raw.uji__data'::regclass"
    assert loads.run(frozen) == [(True,)]
    again = run(loads, wide(loads)).batch
    assert again is not None and (again.state, again.unchanged) == ("unchanged", 500)


def test_rows_that_break_a_rule_or_share_a_key_go_over_a_stage(loads: Loads, stages: list[LoadPlan]) -> None:
    loads.run("update public.sumber set nilai = -1 where id = 7")
    loads.run("update public.sumber set nama = null, tanggal = '1900-01-01' where id = 8")
    loads.run("insert into public.sumber select * from public.sumber where id = 9")
    batch = run(loads, wide(loads)).batch
    assert batch is not None and (batch.loaded, batch.quarantined, len(stages)) == (498, 3, 1)
    found = loads.run(
        "select row_key, (select string_agg(r->>'aturan', ',') from jsonb_array_elements(reasons) r), row->>'nilai'"
        " from quarantine.row order by row_key"
    )
    assert found == [("7", "minimum", "-1.00"), ("8", "wajib,minimum", "2.67"), ("9", "kunci_ganda", "3.00")]


def test_the_key_alone_finds_the_rows_without_one(loads: Loads, stages: list[LoadPlan]) -> None:
    contract = loads.contract(
        column("id", "bigint", primaryKey=True), column("nama"), extract={"table": "sumber"}
    )
    assert any_rejected(LoadPlan(contract, 1, exact=frozenset({"id", "nama"}))) is None
    loads.run("insert into public.sumber (nama) values ('tanpa kunci')")
    batch = run(loads, contract).batch
    assert batch is not None and (batch.loaded, batch.quarantined, len(stages)) == (500, 1, 1)
    found = loads.run("select row->>'nama', reasons->0->>'aturan' from quarantine.row")
    assert found == [("tanpa kunci", "wajib")]


def test_a_nik_in_a_column_of_floating_point_is_hidden(loads: Loads) -> None:
    """PostgreSQL writes it with an exponent."""
    loads.run("update public.sumber set nilai = -1, rasio = 6472015203901234 where id = 7")
    loads.run("update public.sumber set nilai = -1, rasio = 198503122010011001 where id = 8")
    loads.run("update public.sumber set nilai = -1, rasio = 1e15 where id = 9")
    run(loads, wide(loads))
    found = loads.run("select row ->> 'rasio' from quarantine.row order by row_key")
    assert found == [("***",), ("***",), ("1e+15",)]


def test_a_type_that_is_wider_than_the_contracts_is_checked_cell_by_cell(
    loads: Loads, stages: list[LoadPlan]
) -> None:
    loads.run("alter table public.sumber alter nilai type numeric, alter id type bigint")
    loads.run("update public.sumber set nilai = 1e20 where id = 7")
    batch = run(loads, wide(loads)).batch
    assert batch is not None and (batch.loaded, batch.quarantined, len(stages)) == (499, 1, 1)


def test_a_declared_repair_goes_over_a_stage(loads: Loads, stages: list[LoadPlan]) -> None:
    contract = loads.contract(
        column("id", "bigint", primaryKey=True), column("nama", parse="teks"), extract={"table": "sumber"}
    )
    batch = run(loads, contract).batch
    assert batch is not None and (batch.loaded, len(stages)) == (500, 1)
    assert loads.run("select nama from raw.uji__data where id = 1") == [("baris 1",)]


def test_an_added_and_a_retyped_column_stop_a_frozen_dataset_and_an_evolving_one_keeps_them(
    loads: Loads,
) -> None:
    frozen = wide(loads)
    run(loads, frozen)
    loads.run("alter table public.sumber add keterangan text default 'baru'")
    with pytest.raises(ShapeError, match=r"kolom baru keterangan \(text\)"):
        run(loads, frozen)
    assert loads.run("select kind, column_name, now from ops.schema_drift") == [
        ("added", "keterangan", "text")
    ]
    assert loads.run(
        "select passed, severity from ops.check_result where check_name = 'bentuk_sumber' order by at"
    ) == [(True, "error"), (False, "error")]
    evolving = wide(loads, schema_contract="evolve")
    done = run(loads, evolving)
    assert done.batch is not None and done.batch.loaded == 500
    assert [c.message for c in done.checks if c.name == "bentuk_sumber"] == [
        "Bentuk sumber berubah: kolom baru keterangan (text)."
    ]
    assert loads.run("select distinct _extra from raw.uji__data") == [({"keterangan": "baru"},)]
    loads.run("alter table public.sumber drop rasio, alter tanggal type text")
    done = run(loads, evolving)
    assert done.batch is not None and any("rasio" in w for w in done.batch.warnings)
    (drifted,) = [c for c in done.checks if c.name == "bentuk_sumber"]
    assert (drifted.severity, drifted.passed) == ("warn", False)
    assert "kolom rasio hilang" in drifted.message and "kolom tanggal: date menjadi text" in drifted.message
    assert loads.run("select count(*), count(rasio) from raw.uji__data") == [(500, 0)]
    # A new column is known from now on. A missing column of the contract is reported every night.
    assert run(loads, evolving).checks[0].message == "Bentuk sumber berubah: kolom rasio hilang."


def test_a_raised_version_of_the_contract_accepts_the_shape_as_it_is(loads: Loads) -> None:
    run(loads, wide(loads))
    loads.run("alter table public.sumber add keterangan text")
    with pytest.raises(ShapeError, match="naikkan version kontrak"):
        run(loads, wide(loads))
    agreed = replace(wide(loads), version="1.1.0")
    done = run(loads, agreed)
    assert done.batch is not None and done.batch.state == "unchanged"
    assert run(loads, agreed).checks[0].passed


def test_a_personal_number_in_an_unknown_column_is_masked(loads: Loads) -> None:
    contract = wide(loads, schema_contract="evolve")
    loads.run(
        "alter table public.sumber add catatan text default 'NIK 9901-0101-0190-0001',"
        " add nomor text default '12345678901234567', add kontak text default '0812-3456-7890',"
        ' add "6472015203900001" integer default 1'
    )
    run(loads, contract)
    assert loads.run("select distinct _extra from raw.uji__data") == [
        ({"catatan": "***", "nomor": "12345678901234567", "kontak": "***", "***": "1"},)
    ]
