"""Codes of regions in three systems and six yearly lists, as the models translate them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pipelines.models.project.render import Renderer
from tests.support.model_warehouse import ModelWarehouse
from tests.support.repository import MODELS


@pytest.fixture(scope="module")
def warehouse(module_reference_url: str) -> Iterator[ModelWarehouse]:
    made = ModelWarehouse(module_reference_url)
    results = made.build("tag:referensi", "+dim_wilayah")
    assert {name: r.error for name, r in results.items() if r.state != "ok"} == {}
    yield made
    made.connection.close()


def current_codes(
    warehouse: ModelWarehouse, key: str, vintage: int | None = None
) -> list[tuple[object, ...]]:
    return warehouse.run(
        """
        select kode_kemendagri, hubungan from core.ref_wilayah_kode
        where kunci_wilayah = %s and (vintage = %s or %s::int is null and vintage_terakhir)
        """,
        key, vintage, vintage,
    )  # fmt: skip


def test_the_same_digits_are_two_places_in_two_systems(warehouse: ModelWarehouse) -> None:
    """BPS's bridge of 2025: 6402 is Kutai Barat (64.07), 6403 is Kutai Kartanegara (64.02)."""
    named = dict(
        warehouse.run("select kode_bps, nama from core.dim_wilayah where kode_bps in ('6402', '6403')")
    )
    assert named == {"6402": "Kabupaten Kutai Barat", "6403": "Kabupaten Kutai Kartanegara"}
    assert current_codes(warehouse, "bps:6402") == [("64.07", "padanan")]
    assert current_codes(warehouse, "bps:6403") == [("64.02", "padanan")]
    assert current_codes(warehouse, "kemendagri:64.02") == [("64.02", "tetap")]
    assert current_codes(warehouse, "dapodik:160000") == [("64", "padanan")]


def test_a_code_without_its_system_joins_nothing(warehouse: ModelWarehouse) -> None:
    bare = warehouse.run("""
        select w.kode_kemendagri from core.dim_wilayah as w
        join core.ref_wilayah_kode as k
            on k.kunci_wilayah in (w.kode_kemendagri, w.kode_bps, replace(w.kode_kemendagri, '.', ''))
    """)
    assert bare == []
    # Only the province has the same digits in both systems.
    crossed = warehouse.run("""
        select a.kode_kemendagri from core.dim_wilayah as a join core.dim_wilayah as b
        on a.kode_bps = b.kode_kemendagri
    """)
    assert crossed == [("64",)]


@pytest.mark.parametrize("written", ["64.02", "6402"])
def test_kemendagris_codes_are_found_with_and_without_dots(warehouse: ModelWarehouse, written: str) -> None:
    macros = {"macros/wilayah.sql": (MODELS / "macros/wilayah.sql").read_text(encoding="utf-8")}

    def no_relation(*_: str) -> object:
        raise AssertionError

    rendered = Renderer(macros, {}).model(
        "uji.sql",
        "select {{ kunci_wilayah('kemendagri', 'kode') }}, {{ kunci_wilayah('bps', 'kode') }}"
        " from (values (%s)) as v (kode)",
        ref=no_relation,  # pyright: ignore[reportArgumentType]
        source=no_relation,  # pyright: ignore[reportArgumentType]
    )
    ((kemendagri, bps),) = warehouse.run(rendered.sql, written)
    assert current_codes(warehouse, kemendagri) == [("64.02", "tetap")]
    assert current_codes(warehouse, bps) == ([("64.07", "padanan")] if written == "6402" else [])


def test_the_province_has_all_its_regions(warehouse: ModelWarehouse) -> None:
    counts = dict(
        warehouse.run("""
        select case when level in ('desa', 'kelurahan') then 'desa/kelurahan' else level end, count(*)
        from core.dim_wilayah where aktif group by 1
    """)
    )
    assert counts == {"provinsi": 1, "kabupaten_kota": 10, "kecamatan": 105, "desa/kelurahan": 1038}


def test_a_village_that_moved_is_found_by_its_code_of_2016(warehouse: ModelWarehouse) -> None:
    """Kedang Ipil was in Kota Bangun until the list of 2020, and is in Kota Bangun Darat from that of 2022.
    Singa Geweh became a kelurahan between 2016 and 2018. Batu Sopang never moved.
    """
    assert current_codes(warehouse, "kemendagri:64.02.08.2001", 2016) == [
        ("64.02.19.2001", "pindah_kecamatan")
    ]
    assert current_codes(warehouse, "kemendagri:64.02.19.2001", 2025) == [("64.02.19.2001", "tetap")]
    assert current_codes(warehouse, "kemendagri:64.02.19.2001", 2016) == []  # the code is not in that list
    assert current_codes(warehouse, "kemendagri:64.08.12.2002", 2016) == [("64.08.12.1002", "ubah_status")]
    assert current_codes(warehouse, "kemendagri:64.01.01", 2016) == [("64.01.01", "tetap")]
    (counted,) = warehouse.run("""
        select count(*), count(*) filter (where kode_hari_ini <> kode_kemendagri) from core.dim_wilayah
        where not aktif
    """)
    assert counted == (21, 21)


def test_older_lists_say_that_a_kecamatan_was_split_since(warehouse: ModelWarehouse) -> None:
    """Kota Bangun Darat was split off Kota Bangun: 64.02.08 is a larger area in the list of 2020 than in that of
    2022.
    """
    assert current_codes(warehouse, "kemendagri:64.02.08", 2020) == [("64.02.08", "dimekarkan")]
    assert current_codes(warehouse, "kemendagri:64.02.08", 2022) == [("64.02.08", "tetap")]
    assert warehouse.run("""
        select kode_kemendagri, mekar_dari, berlaku_mulai from core.dim_wilayah
        where mekar_dari is not null order by 1
    """) == [("64.02.19", "64.02.08", 2022), ("64.02.20", "64.02.13", 2022)]


def test_former_names_have_their_years(warehouse: ModelWarehouse) -> None:
    """Samuranggau lost a letter between the lists of 2022 and 2023. KAB. PASER is not a former name of Kabupaten
    Paser.
    """
    assert warehouse.run("""
        select nama, berlaku_mulai, berlaku_sampai from core.dim_wilayah_riwayat
        where kode_kemendagri = '64.01.01.2009' order by 2
    """) == [("Samuranggau", 2016, 2022), ("Samurangau", 2023, None)]
    assert warehouse.run(
        "select nama, nama_lama from core.dim_wilayah where kode_kemendagri in ('64.01', '64.01.01.2009') order by 1"
    ) == [("Kabupaten Paser", None), ("Samurangau", "Samuranggau")]


def test_bps_codes_that_were_guessed_are_marked_for_review(warehouse: ModelWarehouse) -> None:
    """39 were matched by similarity and 16 belong to a kecamatan that has changed since, together 55. 50 regions
    have none.
    """
    counts = dict(
        warehouse.run("""
        select coalesce(kode_bps_keandalan, '-'), count(*) from core.dim_wilayah where aktif group by 1
    """)
    )
    assert counts == {"resmi": 116, "cocok nama": 933, "perlu diperiksa": 55, "-": 50}
    assert warehouse.run("""
        select keandalan, count(*) from core.ref_wilayah_kode where sistem = 'bps' group by 1 order by 1
    """) == [("cocok nama", 933), ("perlu diperiksa", 55), ("resmi", 116)]
