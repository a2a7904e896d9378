"""Unknown names of regions are queued for a person to decide: core.antrean_nama_wilayah."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import psycopg

from pipelines.load.prepare import prepare
from pipelines.models.build.runner import build
from pipelines.models.project.project import load_project
from pipelines.warehouse.upgrade import SIMILARITY
from tests.support.model_warehouse import ModelWarehouse
from tests.support.repository import MODELS, own_contracts, own_project

QUEUE = """
    select level, lingkup, ejaan, baris_gudang, baris_karantina, saran_1_kode
    from core.antrean_nama_wilayah order by dataset, level, ejaan
"""


def test_unknown_names_are_queued_with_suggestions_and_not_matched(warehouse: ModelWarehouse) -> None:
    """The queue has one row per spelling and scope, from staging (a row without a code) or from quarantine."""
    warehouse.run("""
        insert into raw.samarinda__penduduk values
            (2024, 'Samarinda Ulu', 'Air Hitamm', 'L', 30, 10), (2024, 'Samarinda Ulu', 'Air Hitamm', 'P', 30, 10),
            (2024, 'Samarinda Ulu', 'Jawa', 'P', 30, 10), (2024, 'Samarinda Ulu', 'Zzz', 'P', 30, 10);
        insert into quarantine.row (dataset, first_batch_id, last_batch_id, row, reasons, row_hash, state) values
            ('dkp/pembenihan_ikan', 1, 1, '{}', '[{"kolom": "kab_kota", "aturan": "rujukan", "nilai": "KUTAI TIMRU"},
                {"kolom": "volume", "aturan": "tipe", "nilai": "banyak"}]', 'a', 'open'),
            ('dkp/pembenihan_ikan', 1, 1, '{}', '[{"kolom": "kab_kota", "aturan": "rujukan", "nilai": "KUTAI BARATT"}]',
                'b', 'resolved')
    """)
    warehouse.build("+antrean_nama_wilayah")
    assert warehouse.run(QUEUE) == [
        ("kabupaten_kota", None, "KUTAI TIMRU", 0, 1, "64.08"),
        ("desa_kelurahan", "64.72.03", "Air Hitamm", 2, 0, "64.72.03.1006"),
        ("desa_kelurahan", "64.72.03", "Zzz", 1, 0, None),
    ]
    assert warehouse.run("""
        select kode_desa_kelurahan, count(*) from staging.stg_samarinda__penduduk group by 1 order by 1
    """) == [("64.72.03.1002", 1), (None, 3)]
    # Kutai Barat is similar, too, but less. No other name is similar enough.
    assert warehouse.run("""
        select saran_1_kemiripan > saran_2_kemiripan, saran_2_nama, saran_3_nama, catatan
        from core.antrean_nama_wilayah where ejaan = 'KUTAI TIMRU'
    """) == [(True, "Kabupaten Kutai Barat", None, None)]
    assert warehouse.run("select catatan from core.antrean_nama_wilayah where ejaan = 'Zzz'") == [
        ("Tidak ada nama yang cukup mirip di lingkup ini.",)
    ]


def test_an_alias_takes_its_name_out_of_the_queue(warehouse: ModelWarehouse, tmp_path: Path) -> None:
    warehouse.run(
        "insert into raw.samarinda__penduduk values (2024, 'Samarinda Ulu', 'Air Hitamm', 'L', 30, 10)"
    )
    warehouse.build("+antrean_nama_wilayah")
    assert len(warehouse.run(QUEUE)) == 1
    folder = tmp_path / "dbt"
    shutil.copytree(MODELS, folder)
    with (folder / "seeds/wilayah/ref_wilayah_alias.csv").open("a", encoding="utf-8") as aliases:
        aliases.write("Air Hitamm,Air Hitam,64.72.03.1006,,uji\n")
    warehouse.project = load_project(folder)
    warehouse.build("+antrean_nama_wilayah")
    assert warehouse.run(QUEUE) == []
    assert warehouse.run("select kode_desa_kelurahan from staging.stg_samarinda__penduduk") == [
        ("64.72.03.1006",)
    ]


def test_a_dataset_without_data_stops_no_model(pg_url: str) -> None:
    """Its raw table exists from the first start and is empty, so models of several datasets can be built."""
    contracts = own_contracts()
    with psycopg.connect(pg_url, autocommit=True) as connection:
        for _ in range(2):
            prepare(connection, contracts)
        results = build(own_project(), pg_url)
        assert {r.name: r.error for r in results if r.state != "ok"} == {}
        assert connection.execute("select distinct status from mart_satu_data.daftar_data").fetchall() == [
            ("belum_ada",)
        ]


def test_without_pg_trgm_the_queue_has_no_suggestions_and_names_the_remedy(warehouse: ModelWarehouse) -> None:
    """The role of a managed server may not create extensions."""
    block = resources.files("pipelines.warehouse").joinpath(SIMILARITY).read_text("utf-8")
    assert "pg_trgm" in block
    warehouse.run("drop function ops.kemiripan; drop extension pg_trgm; create role terbatas nosuperuser")
    try:
        warehouse.run("grant usage, create on schema ops to terbatas; set role terbatas")
        warehouse.run(block)
        warehouse.run("reset role")
        assert warehouse.run("select extname from pg_extension where extname = 'pg_trgm'") == []
        warehouse.run("insert into raw.dkp__pembenihan_ikan (tahun, kab_kota) values (2024, 'KUTAI TIMRU')")
        warehouse.build("+antrean_nama_wilayah")
        ((suggested, note),) = warehouse.run("select saran_1_kode, catatan from core.antrean_nama_wilayah")
        assert suggested is None
        assert "CREATE EXTENSION pg_trgm" in note
    finally:
        warehouse.run("reset role; drop owned by terbatas cascade; drop role terbatas")
