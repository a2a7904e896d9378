"""The window of a Dagster run reaches the SQL of incremental models; a range of days is one build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pytest

from pipelines.assets.warehouse import model_assets
from pipelines.jobs import RANGE_END, RANGE_START
from pipelines.resources.warehouse import Warehouse
from tests.support.model_warehouse import ModelWarehouse

FACT = dg.AssetKey(["core", "fct_kunjungan_puskesmas"])
STAGING = [dg.AssetKey(["staging", f"stg_dinkes__{name}"]) for name in ("kunjungan", "puskesmas")]


@pytest.fixture
def warehouse(reference_url: str) -> Iterator[ModelWarehouse]:
    """One visit a day for ten days, with an old load time, and all models that the fact reads."""
    made = ModelWarehouse(reference_url)
    made.run("""
        insert into raw.dinkes__puskesmas (kode_puskesmas, nama, kode_kecamatan, jenis, aktif)
        values ('P6472050101', 'Puskesmas Contoh', '64.72.05', 'rawat_inap', true);
        insert into raw.dinkes__kunjungan
            (id_kunjungan, tanggal_kunjungan, kode_puskesmas, jenis_kelamin, umur, cara_bayar, _loaded_at)
        select hari, date '2026-09-01' + hari, 'P6472050101', 'L', 30, 'BPJS', timestamptz '2026-09-20'
        from generate_series(0, 9) as hari
    """)
    built = made.build("+fct_kunjungan_puskesmas", "+dim_tanggal", "+dim_wilayah", "tag:referensi")
    assert {name: r.error for name, r in built.items() if r.state != "ok"} == {}
    yield made
    made.connection.close()


def materialized(
    warehouse: ModelWarehouse,
    *,
    tags: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
) -> int:
    """Runs the fact's asset and gives the number of rows that it added."""
    url = warehouse.url.replace("postgresql://", "postgresql+psycopg://", 1)
    result = dg.materialize(
        model_assets(warehouse.project),
        selection=[FACT],
        resources={"warehouse": Warehouse(url=url)},
        tags=tags,
        run_config={"ops": {"models": {"config": dict(config)}}} if config else None,
    )
    [event] = result.asset_materializations_for_node("models")
    assert all(check.passed for check in result.get_asset_check_evaluations())
    return int(event.metadata["dagster/partition_row_count"].value)  # type: ignore[arg-type]


def days(warehouse: ModelWarehouse) -> list[int]:
    rows = warehouse.run("select extract(day from tanggal)::int from core.fct_kunjungan_puskesmas order by 1")
    return [day for (day,) in rows]


def test_a_run_rebuilds_all_days_of_its_range_and_no_others(warehouse: ModelWarehouse) -> None:
    before = warehouse.run(
        "select ctid::text, tanggal from core.fct_kunjungan_puskesmas where tanggal not between '2026-09-03' and '2026-09-06' order by tanggal"
    )
    warehouse.run("delete from raw.dinkes__kunjungan where tanggal_kunjungan = '2026-09-04'")
    assert materialized(warehouse, tags={RANGE_START: "2026-09-03", RANGE_END: "2026-09-06"}) == 3
    assert days(warehouse) == [1, 2, 3, 5, 6, 7, 8, 9, 10]
    after = warehouse.run(
        "select ctid::text, tanggal from core.fct_kunjungan_puskesmas where tanggal not between '2026-09-03' and '2026-09-06' order by tanggal"
    )
    assert after == before


def test_a_run_without_a_range_takes_the_days_loaded_since_the_last(warehouse: ModelWarehouse) -> None:
    """So a backfill of raw, or `gudang reload`, needs no window here."""
    assert materialized(warehouse) == 0
    warehouse.run("""
        update raw.dinkes__kunjungan set jenis_kelamin = 'P', _loaded_at = now()
        where tanggal_kunjungan between '2026-09-02' and '2026-09-04'
    """)
    assert materialized(warehouse) == 3
    counts = warehouse.run(
        "select jenis_kelamin, count(*)::int from core.fct_kunjungan_puskesmas group by 1 order by 1"
    )
    assert counts == [("L", 7), ("P", 3)]


def test_the_config_of_a_run_can_set_the_window(warehouse: ModelWarehouse) -> None:
    assert materialized(warehouse, config={"window_start": "2026-09-01", "window_end": "2026-09-02"}) == 2
    with pytest.raises(dg.Failure, match="tulis hari sebagai tttt-bb-hh"):
        materialized(warehouse, config={"window_start": "1/9/2026", "window_end": "2/9/2026"})
    with pytest.raises(dg.Failure, match="Jendela dimulai 2026-09-02, sesudah akhirnya"):
        materialized(warehouse, config={"window_start": "2026-09-02", "window_end": "2026-09-01"})


def test_a_day_missing_in_raw_fails_a_check_and_a_window_removes_it(warehouse: ModelWarehouse) -> None:
    warehouse.run("delete from raw.dinkes__kunjungan where tanggal_kunjungan = '2026-09-10'")
    with pytest.raises(dg.Failure, match="kunjungan_tidak_hilang: 1 baris menyimpang"):
        materialized(warehouse)
    assert days(warehouse)[-1] == 10
    assert materialized(warehouse, tags={"dagster/partition": "2026-09-10"}) == 0
    assert days(warehouse)[-1] == 9
