"""Indices of SPBE, Pemdi and EPSS with their weights, bands and conversions, and their evidence from the ledger."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from tests.support.model_warehouse import ModelWarehouse
from tests.support.repository import MODELS

d = Decimal


@pytest.fixture(scope="module")
def warehouse(module_pg_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelWarehouse]:
    """Forms of three instruments, and SDI figures of several years.

    Pemdi: the form has the 17 indicators that come from no other index. In 2026 they are at 4, but numbers 1, 2,
    18, 19 and 20 (38 % together) at 5; the target is 5. 2028 is the same. EPSS 2026 of one OPD, without targets:
    domain 1 (28 %) is at 4, the rest at 2. SPBE 2026: all are at 2, but the 16 of domain 4 (45.5 %), five of 2.5 %
    and one of 1.5 % at 3. SPBE 2027: only number 43, at 5.
    """
    folder = tmp_path_factory.mktemp("dbt") / "dbt"
    shutil.copytree(MODELS, folder)
    with (folder / "seeds/instrumen/ref_indeks_luar.csv").open("a", encoding="utf-8") as figures:
        for year, value in (
            (2028, 68.75),
            (2031, 25),
            (2032, 68.75),
            (2033, 62.5),
            (2034, 100),
            (2035, 0),
            (2036, 6.25),
        ):
            figures.write(f"SDI,{year},{value},,resmi,belum,uji\n")
        figures.write("IPS,2028,4.20,,resmi,belum,uji\nIPS,2028,2.00,,mandiri,belum,uji\n")
        figures.write("SDI interoperabilitas,2032,12.49,,resmi,belum,uji\n")
    made = ModelWarehouse(module_pg_url, folder)
    made.run("""
        insert into raw.diskominfo__penilaian_spbe (instrumen, versi, tahun, no_indikator, tingkat, target)
        select 'spbe', '59/2020', 2026, n, case when n >= 32 or n between 11 and 15 or n = 21 then 3 else 2 end, 4
        from generate_series(1, 47) as n
        union all select 'spbe', '59/2020', 2027, 43, 5, 4
        union all select 'pemdi', '8/2026', tahun, n, case when n in (1, 2, 18, 19, 20) then 5 else 4 end, 5
        from generate_series(1, 20) as n, unnest(array[2026, 2028]) as tahun where n not in (5, 6, 7)
    """)
    made.build("tag:referensi")
    made.run("""
        insert into raw.bps__penilaian_epss (tahun, kode_opd, kode_indikator, tingkat)
        select 2026, 'diskominfo', kode, case when domain = 'Prinsip Satu Data Indonesia' then 4 else 2 end
        from core.ref_indikator_ips
    """)
    results = made.build("+indeks_instrumen", "+indeks_spbe")
    assert {name: r.error for name, r in results.items() if r.state != "ok"} == {}
    yield made
    made.connection.close()


def index_row(
    warehouse: ModelWarehouse, instrument: str, year: int, kind: str, code: str
) -> tuple[object, ...]:
    (only,) = warehouse.run(
        """
        select indeks, target_indeks, predikat, jumlah_indikator, terisi, keterangan from mart_spbe.indeks_instrumen
        where instrumen = %s and tahun = %s and jenis = %s and kode = %s and asal = 'formulir'
            and (indeks is not null or lingkup = 'provinsi')
        """,
        instrument, year, kind, code,
    )  # fmt: skip
    return only


def test_the_band_follows_the_rounded_index(warehouse: ModelWarehouse) -> None:
    """SPBE 2026: (100 x 2 + 45.5 + 5 x 2.5 + 1.5) / 100 = 259.5 / 100 = 2.595, rounded 2.60, is Baik; 2.595 would
    be Cukup. Aspect 5 (12 %): (12 x 2 + 1.5) / 12 = 2.125 -> 2.13 is Cukup.
    """
    assert index_row(warehouse, "spbe", 2026, "indeks", "SPBE") == (
        d("2.60"),
        d("4.00"),
        "Baik",
        47,
        47,
        None,
    )
    assert index_row(warehouse, "spbe", 2026, "aspek", "5") == (d("2.13"), d("4.00"), "Cukup", 8, 8, None)
    assert index_row(warehouse, "spbe", 2026, "indikator", "21") == (d("3.00"), d("4.00"), None, 1, 1, None)


def test_the_pemdi_index_follows_the_regulation(warehouse: ModelWarehouse) -> None:
    """PermenPANRB 8/2026, annex, part B: an aspect's index is sum(weight x value) / weight of the aspect, the index is
    sum(weight of the aspect x its index) / 100. Numbers 5, 6 and 7 (5, 3 and 3 %) come from other indices.

    2026: the last IPS is that of 2024, 2.68, in the third of its bands (Baik), so number 7 is 3. Numbers 5 and 6 count
    as 1: (51 x 4 + 38 x 5 + 8 x 1 + 3 x 3) / 100 = (204 + 190 + 8 + 9) / 100 = 4.11: Memuaskan in Pemdi (from 4.00),
    which in SPBE is Sangat Baik (to 4.20). Aspect 3, Data (15 %): (4 x 4 + 8 x 1 + 3 x 3) / 15 = 33 / 15 = 2.20. Aspect
    6 (15 %): (12 x 4 + 3 x 5) / 15 = 63 / 15 = 4.20. Targets: (89 x 5 + 11 x 1) / 100 = 4.56; of aspect 3
    (4 x 5 + 11 x 1) / 15 = 2.07.
    From the aspects: (10 x 5 + 10 x 4 + 15 x 2.2 + 15 x 4 + 10 x 4 + 15 x 4.2 + 25 x 5) / 100 = 411 / 100, the same.
    2028, with SDI 68.75, which makes number 5 3.75, and IPS 4.20, which makes number 7 5 (the self-assessed 2.00
    does not count): 4.11 + 5 x (3.75 - 1) / 100 + 3 x (5 - 3) / 100 = 4.11 + 0.1375 + 0.06 = 4.3075 -> 4.31; aspect
    3: (16 + 18.75 + 3 + 15) / 15 = 3.5167 -> 3.52.
    """
    partly = "sebagian belum dinilai, dihitung tingkat 1"
    index = (d("4.11"), d("4.56"), "Memuaskan", 20, 18, partly)
    assert index_row(warehouse, "pemdi", 2026, "indeks", "PEMDI") == index
    assert index_row(warehouse, "pemdi", 2026, "aspek", "3")[:3] == (d("2.20"), d("2.07"), "Cukup")
    assert index_row(warehouse, "pemdi", 2026, "aspek", "6") == (
        d("4.20"),
        d("5.00"),
        "Memuaskan",
        4,
        4,
        None,
    )
    assert index_row(warehouse, "pemdi", 2026, "indikator", "6")[0::5] == (
        None,
        "belum dinilai, dihitung tingkat 1",
    )
    assert index_row(warehouse, "pemdi", 2028, "indeks", "PEMDI")[::2] == (d("4.31"), "Memuaskan", 19)
    assert index_row(warehouse, "pemdi", 2028, "aspek", "3")[0] == d("3.52")
    kinds = warehouse.run("""
        select jenis, count(*) from mart_spbe.indeks_instrumen where instrumen = 'pemdi' and tahun = 2026
        group by 1 order by 1
    """)
    assert kinds == [("aspek", 7), ("indeks", 1), ("indikator", 20)]  # Pemdi has no domains


def test_only_the_assessed_opd_has_an_epss_index(warehouse: ModelWarehouse) -> None:
    """(28 x 4 + 72 x 2) / 100 = 256 / 100 = 2.56 is Cukup. Without a target there is no gap to it. The other 48 of
    the 49 agencies of the province have a row each, without a figure.
    """
    assert index_row(warehouse, "epss", 2026, "indeks", "EPSS") == (d("2.56"), None, "Cukup", 38, 38, None)
    assert index_row(warehouse, "epss", 2026, "domain", "1")[:3] == (d("4.00"), None, "Sangat Baik")
    assert index_row(warehouse, "epss", 2026, "aspek", "201")[:3] == (d("2.00"), None, "Cukup")
    assert warehouse.run("""
        select distinct lingkup from mart_spbe.indeks_instrumen
        where instrumen = 'epss' and tahun = 2026 and indeks is not null
    """) == [("diskominfo",)]
    assert warehouse.run("""
        select jenis, count(*), count(distinct lingkup), max(jumlah_indikator), max(terisi), max(keterangan)
        from mart_spbe.indeks_instrumen
        where instrumen = 'epss' and tahun = 2026 and lingkup <> 'diskominfo' group by 1
    """) == [("indeks", 48, 48, 38, 0, "belum ada penilaian")]
    assert warehouse.run("""
        select lingkup from mart_spbe.indeks_instrumen
        where instrumen = 'epss' and tahun = 2026 and lingkup in ('dinkes', 'diskominfo') and jenis = 'indeks' order by 1
    """) == [("dinkes",), ("diskominfo",)]


def test_each_index_says_whether_it_is_official_or_self_assessed(warehouse: ModelWarehouse) -> None:
    """KemenPANRB's 2.91 and 3.79 stand beside the 4.35 of the province's own assessment, and so do the figures of
    BPS. BPS gives one index per province: that of an OPD is our computation from its official levels.
    """
    assert warehouse.run("""
        select instrumen, tahun, jenis_penilaian, indeks, predikat, instrumen_berlaku from mart_spbe.indeks_instrumen
        where asal = 'diumumkan' and lingkup = 'provinsi' and tahun < 2026 order by 1, 2, 3
    """) == [
        ("epss", 2023, "resmi", d("2.26"), "Cukup", True),
        ("epss", 2024, "resmi", d("2.68"), "Baik", True),
        ("spbe", 2023, "resmi", d("2.91"), "Baik", False),
        ("spbe", 2024, "mandiri", d("4.35"), "Memuaskan", False),
        ("spbe", 2024, "resmi", d("3.79"), "Sangat Baik", False),
    ]
    assert warehouse.run("""
        select distinct instrumen, jenis_penilaian from mart_spbe.indeks_instrumen
        where asal = 'formulir' and jenis <> 'indikator' and indeks is not null order by 1
    """) == [("epss", "dihitung"), ("pemdi", "mandiri"), ("spbe", "mandiri")]
    assert warehouse.run("""
        select jenis = 'indikator', lingkup = 'diskominfo', jenis_penilaian, count(distinct jenis)
        from mart_spbe.indeks_instrumen where instrumen = 'epss' and tahun = 2026 and lingkup <> 'provinsi'
        group by 1, 2, 3 order by 1, 2
    """) == [(False, False, None, 1), (False, True, "dihitung", 3), (True, True, "resmi", 1)]
    assert warehouse.run("""
        select kode, jenis_penilaian from mart_spbe.indeks_instrumen
        where instrumen = 'pemdi' and tahun = 2026 and jenis = 'indikator' and kode in ('6', '7', '8') order by 1
    """) == [("6", None), ("7", "resmi"), ("8", "mandiri")]
    assert warehouse.run("select distinct jenis_penilaian from mart_spbe.indeks_spbe") == [("mandiri",)]


def test_indicators_that_were_not_assessed_count_as_level_1(warehouse: ModelWarehouse) -> None:
    """SPBE 2027: number 43 (3 %) is at 5, and the other 46 count as level 1: (3 x 5 + 97) / 100 = 1.12. Pemdi and
    EPSS are in force in that year and were not assessed.
    """
    unassessed = "sebagian belum dinilai, dihitung tingkat 1"
    assert index_row(warehouse, "spbe", 2027, "indeks", "SPBE") == (
        d("1.12"), d("1.09"), "Kurang", 47, 1, unassessed,
    )  # fmt: skip
    assert index_row(warehouse, "spbe", 2027, "indikator", "1") == (
        None, None, None, 1, 0, "belum dinilai, dihitung tingkat 1",
    )  # fmt: skip
    for instrument, count in (("pemdi", 20), ("epss", 38)):
        assert index_row(warehouse, instrument, 2027, "indeks", instrument.upper()) == (
            None, None, None, count, 0, "belum ada penilaian",
        )  # fmt: skip
    missing = warehouse.run("""
        select count(*) from mart_spbe.indeks_instrumen
        where instrumen = 'spbe' and tahun = 2027 and jenis = 'indikator' and terisi = 0
    """)
    assert missing == [(46,)]
    assert warehouse.run("select distinct tahun from mart_spbe.indeks_spbe order by 1") == [(2026,), (2027,)]


def test_indicator_5_of_pemdi_comes_from_the_sdi_index(warehouse: ModelWarehouse) -> None:
    """25 is the middle of 12.5 to 37.5, so 1.5 + 0.5 = 2.00. 68.75 is the middle of 62.5 to 75, so 3.5 + 0.25 =
    3.75. Both are examples of the regulation. Also 62.5 -> 3.50, 100 -> 5.00, 0 -> 1.00 and 6.25 -> 1.25.

    A figure on a segment that we inferred says so. A converted figure alone makes no index. Less than 12.5 in
    interoperability is level 1 of number 18.
    """
    inferred = "memakai ruas konversi yang disimpulkan"
    assert warehouse.run("""
        select tahun, indeks, keterangan from mart_spbe.indeks_instrumen
        where instrumen = 'pemdi' and jenis = 'indikator' and kode = '5' and tahun > 2030 order by 1
    """) == [
        (2031, d("2.00"), inferred),
        (2032, d("3.75"), None),
        (2033, d("3.50"), None),
        (2034, d("5.00"), None),
        (2035, d("1.00"), inferred),
        (2036, d("1.25"), inferred),
    ]
    assert index_row(warehouse, "pemdi", 2032, "indikator", "18")[0] == d("1.00")
    assert index_row(warehouse, "pemdi", 2031, "indikator", "18")[0] is None
    assert index_row(warehouse, "pemdi", 2032, "indeks", "PEMDI")[0:3:2] == (None, None)
    assert index_row(warehouse, "pemdi", 2032, "indeks", "PEMDI")[5] == "baru nilai konversi"


def test_evidence_comes_from_the_ledger(reference_url: str) -> None:
    """Three checks of data were asked. Checks of the warehouse's own models do not count. Of 64 rows 62 were loaded:
    96.875 %. Each figure has its last date in Kalimantan. Direct connections and
    rejected rows are evidence against. Policies have no evidence here, for their text is the proof. Benih came
    in the year 2100, so that it is on time.
    """
    warehouse = ModelWarehouse(reference_url)
    warehouse.run("""
        insert into ops.contract values
            ('diskominfo/aduan', 'Aduan', 'Dinas A', 'x', 'api', 1, 6, 'terbuka', true),
            ('dinkes/kunjungan', 'Kunjungan', 'Dinas B', 'x', 'database', 1, 6, 'pribadi', true),
            ('dkp/benih', 'Benih', 'Dinas C', 'x', 'upload', 1, 6, 'terbuka', true);
        insert into ops.load_batch (dataset, state, rows_in_raw, finished_at) values
            ('diskominfo/aduan', 'loaded', 42, '2026-11-20T20:00:00Z'),
            ('dinkes/kunjungan', 'loaded', 10, '2026-11-19T01:00:00Z'),
            ('dinkes/kunjungan', 'failed', null, '2026-11-20T01:00:00Z'),
            ('dinkes/kunjungan', 'unchanged', null, '2026-11-25T01:00:00Z'),
            ('dkp/benih', 'loaded', 10, '2100-11-18T01:00:00Z');
        insert into raw.bappeda__daftar_data
            (kode_daftar, judul, kode_opd, produsen_data, jenis_data, jadwal, prioritas, dataset)
        values
            ('1', 'Aduan', 'diskominfo', 'Dinas A', 'statistik', 'insidental', true, 'diskominfo/aduan'),
            ('2', 'Tiada', 'pupr', 'Dinas D', 'statistik', 'tahunan', true, null),
            ('3', 'Benih', 'dkp', 'Dinas C', 'statistik', 'tahunan', true, 'dkp/benih'),
            ('4', 'Nihil', 'pupr', 'Dinas D', 'statistik', 'bulanan', true, null);
        insert into quarantine.row
            (dataset, first_batch_id, last_batch_id, row, reasons, row_hash, state, updated_at)
        select 'dkp/benih', 5, 5, '{}', '[{"kolom": "a", "aturan": "tipe"}]', n::text, 'open', '2026-11-18T01:00:00Z'
        from generate_series(1, 2) as n;
        insert into ops.check_result (asset, check_name, severity, passed, at) values
            ('raw/dinkes/kunjungan', 'x', 'error', false, '2026-11-01'),
            ('raw/dinkes/kunjungan', 'x', 'error', true, '2026-11-20'),
            ('raw/dinkes/kunjungan', 'y', 'error', true, '2026-11-20'),
            ('raw/diskominfo/aduan', 'x', 'warn', false, '2026-11-20'),
            ('core/b', 'x', 'error', true, '2026-11-20'),
            ('core/b', 'y', 'warn', false, '2026-11-20'),
            ('raw/lama/sudah_tiada', 'y', 'warn', false, '2026-11-20');
        insert into ops.publication_log (mart, path, sha256, at, event) values
            ('m', '/p/csv/m.csv', 'a', '2026-11-01', 'terbit'),
            ('m', '/p/csv/m.csv', 'b', '2026-11-21T02:00:00Z', 'terbit'),
            ('ditutup', '/lama/csv/ditutup.csv', 'd', '2026-11-01', 'terbit'),
            ('ditutup', '/p/csv/ditutup.csv', 'd', '2026-11-22', 'ditarik'),
            ('laporan', '/p/laporan.html', 'c', '2026-11-22', 'terbit')
    """)
    assert warehouse.build("tag:referensi", "+bukti_indikator")["bukti_indikator"].state == "ok"
    query = """
        select jenis_bukti, angka, satuan, tanggal from mart_spbe.bukti_indikator
        where instrumen = 'spbe' and kode_indikator = %s order by 1
    """
    assert warehouse.run(query, "18") == [
        ("opd_terhubung", 2, "OPD", date(2026, 11, 21)),
        ("sumber_terhubung", 2, "dataset", date(2026, 11, 21)),
    ]
    assert [r[:2] for r in warehouse.run(query, "23") if r[0] != "skor_mutu"] == [
        ("baris_diterima", d("96.87")),
        ("baris_karantina", 2),
        ("dataset_berkontrak", 3),
        ("uji_mutu", 3),
    ]
    against = (
        "select jenis_bukti from mart_spbe.bukti_indikator where arah = 'melemahkan' and instrumen = 'spbe'"
    )
    assert sorted(warehouse.run(against)) == [
        ("baris_karantina",),
        ("opd_terhubung",),
        ("sumber_terhubung",),
    ]
    policies = (
        "select * from mart_spbe.bukti_indikator where instrumen = 'spbe' and kode_indikator::int <= 10"
    )
    assert warehouse.run(policies) == []
    assert warehouse.run(query, "21") == [("pemuatan_gagal", 1, "pemuatan", date(2026, 11, 20))]
    assert warehouse.run(query, "42") == [("pemuatan_dataset", 42, "baris", date(2026, 11, 21))]
    # One of the three agreed datasets with a schedule came in time. One without a schedule (insidental) is never late,
    # and one outside of the list is not counted.
    assert warehouse.run(query, "43") == [
        ("dataset_tepat_waktu", d("33.3"), "persen", date(2100, 11, 18)),
        ("mart_terbuka", 1, "data terbuka", date(2026, 11, 21)),
    ]
    assert warehouse.run(query, "22") == []
    warehouse.connection.close()
