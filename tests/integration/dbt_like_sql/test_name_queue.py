"""Names of regions that nobody knows wait for a person: core.antrean_nama_wilayah."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import psycopg
import pytest

from tests.support.repository import own_contracts, own_project
from tests.support.contracts import load_contracts
from pipelines.load.prepare import prepare
from pipelines.models.build.runner import build
from pipelines.models.project.project import load_project
from pipelines.settings import PROJECT_ROOT
from pipelines.warehouse.upgrade import SIMILARITY
from tests.support.model_warehouse import ModelWarehouse
from tests.support.repository import MODELS

QUEUE = """
    select level, lingkup, ejaan, baris_gudang, baris_karantina, saran_1_kode
    from core.antrean_nama_wilayah order by dataset, level, ejaan
"""


@pytest.fixture
def warehouse(reference_url: str) -> Iterator[ModelWarehouse]:
    made = ModelWarehouse(reference_url)
    yield made
    made.connection.close()


def test_unknown_names_wait_with_suggestions_and_are_not_matched(warehouse: ModelWarehouse) -> None:
    """Once per spelling and scope: in staging without a code, or refused and in quarantine."""
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
    # Kutai Barat is alike too, but less; nothing else comes near.
    assert warehouse.run("""
        select saran_1_kemiripan > saran_2_kemiripan, saran_2_nama, saran_3_nama, catatan
        from core.antrean_nama_wilayah where ejaan = 'KUTAI TIMRU'
    """) == [(True, "Kabupaten Kutai Barat", None, None)]
    assert warehouse.run("select catatan from core.antrean_nama_wilayah where ejaan = 'Zzz'") == [
        ("Tidak ada nama yang cukup mirip di lingkup ini.",)
    ]


def test_an_accepted_suggestion_is_a_row_of_the_aliases(warehouse: ModelWarehouse, tmp_path: Path) -> None:
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


def test_a_dataset_that_never_came_holds_up_no_other(pg_url: str) -> None:
    """Its raw table is there from the first start, and empty; what reads several datasets is built."""
    contracts = own_contracts()
    with psycopg.connect(pg_url, autocommit=True) as connection:
        for _ in range(2):
            prepare(connection, contracts)
        results = build(own_project(), pg_url)
        assert {r.name: r.error for r in results if r.state != "ok"} == {}
        assert connection.execute("select distinct status from mart_satu_data.daftar_data").fetchall() == [
            ("belum_ada",)
        ]


def test_without_the_extension_the_queue_stands_and_says_what_to_ask(warehouse: ModelWarehouse) -> None:
    """A role of a managed server that may not create in the database."""
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
