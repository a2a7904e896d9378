"""No type rounds or cuts a value silently: such a value is quarantined, or a declared repair is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.ingest import ingest
from pipelines.settings import Settings
from tests.support.contracts import column, upload
from tests.support.loads import Loads

KEPT = {
    "numeric(6,2)": ["1.55", "1.5", "12", "-3", "1.500", "1500e-3", "-0.25", ".5"],
    "numeric(4,0)": ["12", "12.0", "1e2"],
    "numeric": ["1.555555"],
    "double precision": ["1.5555555"],
    "date": ["2024-01-31", "2024-01-31 00:00:00"],
    "timestamp": ["2024-01-31 23:59:59", "2024-01-31 23:59:59.123456", "2024-01-31 23:59:59.1234560"],
    "timestamptz": ["2024-01-31 23:59:59.123456+08", "2024-01-31"],
    "time": ["10:30:00", "10:30", "10:30:00.123456"],
}
CHANGED = {
    "numeric(6,2)": ["1.555", "9.999", "-0.001", "1555e-3", "1.5e-2"],
    "numeric(4,0)": ["12.5", "125e-1"],
    "date": ["2024-01-31 23:59:59", "2024-01-31 00:00:01"],
    "timestamp": ["2024-01-31 23:59:59.1234567"],
    "timestamptz": ["2024-01-31 23:59:59.1234567+08"],
    "time": ["2024-01-31 10:30:00", "10:30:00+07", "10:30:00.1234567"],
}
MESSAGES = {
    "numeric(6,2)": "nilai: lebih dari 2 angka di belakang koma, dan tidak dibulatkan begitu saja",
    "numeric(4,0)": "nilai: lebih dari 0 angka di belakang koma, dan tidak dibulatkan begitu saja",
    "date": "nilai: memuat jam, dan tidak dipotong begitu saja",
    "timestamp": "nilai: lebih halus daripada sepersejuta detik, dan tidak dipotong begitu saja",
    "timestamptz": "nilai: lebih halus daripada sepersejuta detik, dan tidak dipotong begitu saja",
    "time": "nilai: memuat tanggal, zona, atau pecahan, dan tidak dipotong begitu saja",
}


@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize("source", ["database", "upload"])
def test_a_value_that_its_type_would_change_is_quarantined(loads: Loads, kind: str, source: str) -> None:
    server = upload("uji/data", "csv") if source == "upload" else None
    extract = {"format": "csv", "pattern": "*.csv"} if server else {"table": "data"}
    contract = loads.contract(
        column("id", "integer"),
        column("nilai", kind),
        server=server,
        extract=extract,
        max_quarantine_share=1.0,
    )
    kept, changed = KEPT[kind], CHANGED.get(kind, [])
    loads.load(contract, lambda *_: [[str(n), cell] for n, cell in enumerate([*kept, *changed, None])])
    same = f"select count(*) from raw.uji__data, unnest(%s::text[]) with ordinality c (t, n) where id = n - 1 and nilai = t::{kind}"  # noqa: S608
    assert loads.connection.execute(same.encode(), [kept]).fetchone() == (len(kept),)
    assert loads.run("select count(*) from raw.uji__data") == [(len(kept) + 1,)]
    found = loads.run(
        "select row ->> 'nilai', reasons -> 0 ->> 'pesan', jsonb_array_length(reasons) from quarantine.row"
    )
    assert sorted(found) == sorted((cell, MESSAGES[kind], 1) for cell in changed)


def test_a_declared_repair_rounds_and_is_counted(loads: Loads) -> None:
    contract = loads.contract(
        column("id", "integer"),
        column("harga", "numeric(6,2)", parse="bulatkan"),
        column("tanggal", "date", parse="tanggal_saja"),
        column("waktu", "timestamp", parse="mikrodetik"),
        column("jumlah", "numeric(6,1)", parse=["angka_id", "bulatkan"]),
    )
    batch = loads.load(
        contract,
        lambda *_: [
            ["1", "1.555", "2024-01-31 23:59:59", "2024-01-31 23:59:59.1234567", "1.234,56"],
            ["2", "1.55", "2024-01-31", "2024-01-31 23:59:59", "12"],
        ],
    )
    assert (batch.loaded, batch.quarantined) == (2, 0)
    assert [
        tuple(map(str, row)) for row in loads.raw(contract, "id", "harga", "tanggal", "waktu", "jumlah")
    ] == [
        ("1", "1.56", "2024-01-31", "2024-01-31 23:59:59.123456", "1234.6"),
        ("2", "1.55", "2024-01-31", "2024-01-31 23:59:59", "12.0"),
    ]
    assert loads.run("select column_name, repair, rows from ops.load_repair order by 1, 2") == [
        ("harga", "bulatkan", 1),
        ("jumlah", "angka_id", 1),
        ("jumlah", "bulatkan", 1),
        ("tanggal", "tanggal_saja", 1),
        ("waktu", "mikrodetik", 1),
    ]


@pytest.mark.parametrize("kind", ["numeric", "numeric(10,4)", "double precision"])
def test_a_typed_number_of_postgresql_is_not_rounded_either(
    loads: Loads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    loads.run(f"create table public.sumber (id integer, nilai {kind}, hari timestamp)")
    loads.run("insert into public.sumber values (1, 1.55, '2024-01-31'), (2, 1.555, '2024-01-31 10:00')")
    monkeypatch.setenv("UJI_URL", loads.url)
    contract: Any = loads.contract(
        column("id", "integer", primaryKey=True),
        column("nilai", "numeric(6,2)"),
        column("hari", "date"),
        extract={"table": "sumber"},
        max_quarantine_share=0.9,
    )
    settings = Settings(home=tmp_path, project=tmp_path, warehouse_url=loads.url)
    done = ingest(loads.connection, contract, settings, loads.url, run_id="uji")
    assert done.batch is not None and (done.batch.loaded, done.batch.quarantined) == (1, 1)
    found = loads.run("select jsonb_path_query_array(reasons, '$[*].pesan')::text from quarantine.row")
    assert "lebih dari 2 angka di belakang koma" in found[0][0] and "memuat jam" in found[0][0]
