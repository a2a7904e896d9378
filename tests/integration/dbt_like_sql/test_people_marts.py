"""Open marts that count families, job seekers, visitors and complaints: small data made by hand, and an attack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import pytest

from tests.support.model_warehouse import ModelWarehouse
from tests.support.suppression import THRESHOLD, Cell, cycles, with_totals

FAMILIES = """
    insert into raw.dinsos__rekap_dtks (periode, kabupaten_kota, kecamatan, jumlah_keluarga,
        keluarga_desil_1, keluarga_desil_2, keluarga_desil_3, keluarga_desil_4) values {}
"""


def test_few_families_are_hidden_and_an_unknown_kecamatan_is_in_the_sums(warehouse: ModelWarehouse) -> None:
    """The 3 families of Kelay in Berau would follow from their row (93 - 90) and their column (20 - 17).

    So three more cells are hidden. Those of decile 2 and Tanjung Redep hide the fewest families: 20 + 9 + 9 = 38
    (with Segah 20 + 8 + 25 = 53). Tanjung Redep is a name of no list: it has no code, and is in the sums. Kelay has
    3 + 20 + 30 + 40 = 93, Segah 8 + 25 + 35 + 45 = 113, Tanjung Redep 36; the deciles have 20, 54, 74 and 94;
    together 242. The other half-year has no small count and is a table of its own.
    """
    warehouse.run(
        FAMILIES.format("""
            ('2026 Smt 1', 'Kab. Berau', '   Kelay', 93, 3, 20, 30, 40),
            ('2026 Smt 1', 'Kab. Berau', 'Kec. Segah', 113, 8, 25, 35, 45),
            ('2026 Smt 1', 'Kab. Berau', 'Tanjung Redep', 36, 9, 9, 9, 9),
            ('2025 Smt 2', 'Kab. Berau', 'Kelay', 5, 5, 0, 0, 0)
        """)
    )
    warehouse.built("keluarga_dtks", "keluarga_dtks_jumlah")
    assert warehouse.run("""
        select kode_kecamatan, nama_kecamatan, array_agg(jumlah_keluarga order by desil), max(keterangan)
        from mart_satu_data.keluarga_dtks where tahun = 2026 group by 1, 2 order by 2
    """) == [
        ("64.03.01", "Kelay", [None, None, 30, 40], "disamarkan"),
        ("64.03.04", "Segah", [8, 25, 35, 45], None),
        (None, "Tanjung Redep", [None, None, 9, 9], "disamarkan"),
    ]
    assert warehouse.run("""
        select nama_kabupaten_kota, nama_kecamatan, desil, jumlah_keluarga, satuan, tahun, semester
        from mart_satu_data.keluarga_dtks_jumlah where tahun = 2026 order by nama_kecamatan, desil
    """) == [
        ("Kabupaten Berau", place, decile, number, "keluarga", 2026, 1)
        for place, decile, number in (
            ("Kelay", "SEMUA", 93),
            ("SEMUA", "1", 20), ("SEMUA", "2", 54), ("SEMUA", "3", 74), ("SEMUA", "4", 94), ("SEMUA", "SEMUA", 242),
            ("Segah", "SEMUA", 113), ("Tanjung Redep", "SEMUA", 36),
        )
    ]  # fmt: skip
    assert warehouse.run("select jumlah_keluarga from mart_satu_data.keluarga_dtks where tahun = 2025 order by desil") == [
        (5,), (0,), (0,), (0,),
    ]  # fmt: skip


def test_job_seekers_are_summed_over_ages_and_6402_is_a_kemendagri_code(warehouse: ModelWarehouse) -> None:
    """October 2026 in 64.02, Kutai Kartanegara in Kemendagri's codes: 3 + 4 = 7 men and 8 women of SMA, 9 and 6 of
    SD. Summed over ages no count is small, though 3 and 4 are. In September there are only 2 men: each sum is
    that 2 and is hidden.
    """
    warehouse.run("""
        insert into raw.disnakertrans__pencari_kerja
            (bulan, kode_wilayah, nama_wilayah, jenis_kelamin, pendidikan, kelompok_umur, terdaftar, ditempatkan)
        values
            ('2026-10', '6402', 'KAB. KUTAI KARTANEGARA', 'L', 'SMA', '15-19', 3, 1),
            ('2026-10', '6402', 'KAB. KUTAI KARTANEGARA', 'L', 'SMA', '20-24', 4, 0),
            ('2026-10', '6402', 'KAB. KUTAI KARTANEGARA', 'P', 'SMA', '20-24', 8, 0),
            ('2026-10', '6402', 'KAB. KUTAI KARTANEGARA', 'L', 'SD', '50+', 9, 0),
            ('2026-10', '6402', 'KAB. KUTAI KARTANEGARA', 'P', 'SD', '50+', 6, 0),
            ('2026-09', '6402', 'KAB. KUTAI KARTANEGARA', 'L', 'SD', '50+', 2, 0)
    """)
    warehouse.built("pencari_kerja_bulanan", "pencari_kerja_jumlah")
    assert warehouse.run("""
        select nama_kabupaten_kota, bulan, pendidikan, jenis_kelamin, jumlah_terdaftar, keterangan
        from mart_satu_data.pencari_kerja_bulanan order by bulan, pendidikan, jenis_kelamin
    """) == [
        ("Kabupaten Kutai Kartanegara", 9, "SD", "L", None, "disamarkan"),
        ("Kabupaten Kutai Kartanegara", 10, "SD", "L", 9, None),
        ("Kabupaten Kutai Kartanegara", 10, "SD", "P", 6, None),
        ("Kabupaten Kutai Kartanegara", 10, "SMA", "L", 7, None),
        ("Kabupaten Kutai Kartanegara", 10, "SMA", "P", 8, None),
    ]
    assert warehouse.run("""
        select bulan, pendidikan, jenis_kelamin, jumlah_terdaftar from mart_satu_data.pencari_kerja_jumlah
        order by bulan, pendidikan, jenis_kelamin
    """) == [
        (9, "SD", "SEMUA", None), (9, "SEMUA", "L", None), (9, "SEMUA", "SEMUA", None),
        (10, "SD", "SEMUA", 15), (10, "SEMUA", "L", 16), (10, "SEMUA", "P", 14), (10, "SEMUA", "SEMUA", 30),
        (10, "SMA", "SEMUA", 15),
    ]  # fmt: skip


def test_visits_to_a_place_without_a_code_are_in_the_sum_of_the_province(warehouse: ModelWarehouse) -> None:
    """Two spellings of Balikpapan are one place: 10 + 20 = 30 domestic visitors, and 5 foreigners. IKN is none of
    the ten regencies: 7 and 6. A day without a report is not 0. Together 37 and 11, in all 48. February is not
    over.
    """
    warehouse.run("""
        insert into raw.dispar__kunjungan_wisata
            (tanggal, kode_destinasi, jenis_wisatawan, kabupaten_kota, jumlah_kunjungan)
        values
            ('2026-01-01', 'A', 'wisnus', 'Balik Papan', 10), ('2026-01-31', 'B', 'wisnus', 'Kota Balikpapan', 20),
            ('2026-01-02', 'A', 'wisman', 'Balik Papan', 5), ('2026-01-03', 'A', 'wisman', 'Balik Papan', null),
            ('2026-01-01', 'C', 'wisnus', 'Ibu Kota Nusantara', 7), ('2026-01-01', 'C', 'wisman', 'Ibu Kota Nusantara', 6),
            ('2026-02-01', 'D', 'wisnus', 'Kutim', null), ('2026-02-02', 'D', 'wisnus', 'Kutim', 99)
    """)
    warehouse.built("kunjungan_wisata_bulanan", "kunjungan_wisata_jumlah")
    assert warehouse.run("""
        select kode_provinsi, kode_kabupaten_kota, nama_kabupaten_kota, jenis_wisatawan, jumlah_kunjungan, tahun, bulan
        from mart_satu_data.kunjungan_wisata_bulanan order by 3, 4
    """) == [
        ("64", None, "Ibu Kota Nusantara", "wisman", 6, 2026, 1),
        ("64", None, "Ibu Kota Nusantara", "wisnus", 7, 2026, 1),
        ("64", "64.71", "Kota Balikpapan", "wisman", 5, 2026, 1),
        ("64", "64.71", "Kota Balikpapan", "wisnus", 30, 2026, 1),
    ]
    assert warehouse.run("""
        select kode_provinsi, nama_kabupaten_kota, jenis_wisatawan, jumlah_kunjungan
        from mart_satu_data.kunjungan_wisata_jumlah order by 2, 3
    """) == [
        ("64", "Ibu Kota Nusantara", "SEMUA", 13),
        ("64", "Kota Balikpapan", "SEMUA", 35),
        ("64", "SEMUA", "SEMUA", 48),
        ("64", "SEMUA", "wisman", 11),
        ("64", "SEMUA", "wisnus", 37),
    ]


def test_complaints_are_counted_by_quarter_and_agency(warehouse: ModelWarehouse) -> None:
    """Last quarter of 2025: Dinkes has 6 complaints about service and 5 about rubbish, DLH 9 about rubbish. 30
    September is in the third quarter, in which the only complaint is hidden with all its sums. The quarter from
    New Year on still runs and is not published.
    """
    warehouse.run("""
        insert into raw.diskominfo__aduan (id_aduan, tanggal, kanal, kategori, kode_opd, status)
        select 'ADU-2025-' || to_char(row_number() over (), 'fm000000'), tanggal, 'lapor', kategori, opd, 'selesai'
        from (values ('dinkes', 'Layanan', date '2025-10-01', 6), ('dinkes', 'Sampah', '2025-12-31', 5),
            ('dlh', 'Sampah', '2025-11-15', 9), ('dlh', 'Sampah', '2025-09-30', 1), ('dlh', 'Sampah', '2026-01-01', 9)) as a (opd, kategori, tanggal, banyak),
            generate_series(1, banyak)
    """)
    warehouse.built("aduan_triwulanan", "aduan_jumlah")
    assert warehouse.run("""
        select kode_provinsi, kode_kabupaten_kota, nama_opd, kategori, jumlah_aduan, tahun, triwulan, keterangan
        from mart_satu_data.aduan_triwulanan order by triwulan, nama_opd, kategori
    """) == [
        ("64", None, "Dinas Lingkungan Hidup", "Sampah", None, 2025, 3, "disamarkan"),
        ("64", None, "Dinas Kesehatan", "Layanan", 6, 2025, 4, None),
        ("64", None, "Dinas Kesehatan", "Sampah", 5, 2025, 4, None),
        ("64", None, "Dinas Lingkungan Hidup", "Sampah", 9, 2025, 4, None),
    ]
    assert warehouse.run("""
        select triwulan, kode_opd, nama_opd, kategori, jumlah_aduan from mart_satu_data.aduan_jumlah
        where triwulan = 4 or jumlah_aduan is not null order by nama_opd, kategori
    """) == [
        (4, "dinkes", "Dinas Kesehatan", "SEMUA", 11),
        (4, "dlh", "Dinas Lingkungan Hidup", "SEMUA", 9),
        (4, None, "SEMUA", "Layanan", 6),
        (4, None, "SEMUA", "SEMUA", 20),
        (4, None, "SEMUA", "Sampah", 14),
    ]


@dataclass(frozen=True)
class Pair:
    """A mart of cells and its mart of totals.

    table, row, column, number: columns of both marts.
    truth: the query that gives the same four from staging.
    """

    cells: str
    totals: str
    table: str
    row: str
    column: str
    number: str
    truth: str


PAIRS = (
    Pair("keluarga_dtks", "keluarga_dtks_jumlah", "tahun, semester, kode_kabupaten_kota", "nama_kecamatan", "desil",
        "jumlah_keluarga", """
        select concat_ws(' ', tahun, semester, kode_kabupaten_kota), kecamatan, n::text, keluarga
        from staging.stg_dinsos__rekap_dtks, unnest(array[keluarga_desil_1, keluarga_desil_2, keluarga_desil_3,
            keluarga_desil_4]) with ordinality as d (keluarga, n)
        """),
    Pair("pencari_kerja_bulanan", "pencari_kerja_jumlah", "tahun, bulan, kode_kabupaten_kota", "pendidikan",
        "jenis_kelamin", "jumlah_terdaftar", """
        select concat_ws(' ', extract(year from bulan), extract(month from bulan), kode_kabupaten_kota), pendidikan,
            jenis_kelamin, terdaftar from staging.stg_disnakertrans__pencari_kerja
        """),
    Pair("kunjungan_wisata_bulanan", "kunjungan_wisata_jumlah", "tahun, bulan", "nama_kabupaten_kota",
        "jenis_wisatawan", "jumlah_kunjungan", """
        select concat_ws(' ', extract(year from tanggal), extract(month from tanggal)), kabupaten_kota,
            jenis_wisatawan, jumlah_kunjungan from staging.stg_dispar__kunjungan_wisata where tanggal < '2026-09-01'
        """),
    Pair("aduan_triwulanan", "aduan_jumlah", "tahun, triwulan", "nama_opd", "kategori", "jumlah_aduan", """
        select concat_ws(' ', extract(year from tanggal), extract(quarter from tanggal)), nama, kategori, 1
        from staging.stg_diskominfo__aduan join core.ref_opd using (kode_opd) where tanggal < '2026-07-01'
        """),
)  # fmt: skip


@pytest.fixture(scope="module")
def small_counts(module_reference_url: str) -> Iterator[ModelWarehouse]:
    """A warehouse with four datasets full of small counts, and their marts."""
    rng = Random(18)
    made = ModelWarehouse(module_reference_url)

    def few() -> int:
        return rng.choice((0, 0, 1, 1, 2, 3, 4, 5, 6, 9, 25))

    with made.connection.cursor() as cursor:
        cursor.executemany(
            "insert into raw.dinsos__rekap_dtks (periode, kabupaten_kota, kecamatan, jumlah_keluarga, keluarga_desil_1,"
            " keluarga_desil_2, keluarga_desil_3, keluarga_desil_4) values (%s, %s, %s, 0, %s, %s, %s, %s)",
            [
                (half, "Kabupaten Berau", place, few(), few(), few(), few())
                for half in ("2025 Smt 1", "2025 Smt 2", "2026 Smt 1", "2026 Smt 2")
                for place in ("Kelay", "Segah", "Maratua", "Tabalar", "Antah Berantah")
            ],
        )
        cursor.executemany(
            "insert into raw.disnakertrans__pencari_kerja (bulan, kode_wilayah, nama_wilayah, jenis_kelamin, pendidikan,"
            " kelompok_umur, terdaftar, ditempatkan) values (%s, '6472', 'x', %s, %s, %s, %s, 0)",
            [
                (f"2026-{month:02d}", sex, schooling, age, few())
                for month in range(1, 9)
                for sex in "LP"
                for schooling in ("SD", "SMP", "SMA", "S-2/S-3")
                for age in ("15-19", "50+")
            ],
        )
        cursor.executemany(
            "insert into raw.dispar__kunjungan_wisata (tanggal, kode_destinasi, jenis_wisatawan, kabupaten_kota,"
            " jumlah_kunjungan) values (%s, %s, %s, %s, %s)",
            [
                (f"2026-{month:02d}-01", place, kind, place, few())
                for month in range(1, 10)
                for kind in ("wisnus", "wisman")
                for place in ("Kota Balikpapan", "Kabupaten Berau", "Kota Bontang", "Ibu Kota Nusantara")
            ],
        )
        complaints = [
            (f"{month}-01", topic, opd)
            for month in ("2025-07", "2025-10", "2026-01", "2026-04", "2026-07")
            for opd in ("dinkes", "dlh", "pupr")
            for topic in ("Sampah", "Pajak", "Layanan")
            for _ in range(few())
        ]
        cursor.executemany(
            "insert into raw.diskominfo__aduan (id_aduan, tanggal, kategori, kode_opd) values (%s, %s, %s, %s)",
            [(str(number), *complaint) for number, complaint in enumerate(complaints)],
        )
    made.built(*(mart for pair in PAIRS for mart in (pair.cells, pair.totals)))
    yield made
    made.connection.close()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda p: p.cells)
def test_no_published_total_reveals_a_hidden_cell(small_counts: ModelWarehouse, pair: Pair) -> None:
    """Both marts together, as anyone can download them, show each number or hide it, hide each small number, and
    leave every hidden number more than one possible value.
    """
    numbers: dict[str, int] = {"SEMUA": 0}

    def cell(row: str, column: str) -> Cell:
        return numbers.setdefault(row, len(numbers)), numbers.setdefault(column, len(numbers))

    truths: defaultdict[str, dict[Cell, int]] = defaultdict(dict)
    for table, row, column, number in small_counts.run(pair.truth):
        key = cell(row, column)
        truths[table][key] = truths[table].get(key, 0) + number
    published: defaultdict[str, dict[Cell, int | None]] = defaultdict(dict)
    for mart in (pair.cells, pair.totals):
        query = f"""
            select concat_ws(' ', {pair.table}), {pair.row}, {pair.column}::text, {pair.number}, keterangan
            from mart_satu_data.{mart}
        """  # noqa: S608
        for table, row, column, number, remark in small_counts.run(query):
            assert (number is None) == (remark == "disamarkan")
            published[table][cell(row, column)] = number
    assert published.keys() == truths.keys()
    hidden_cells = 0
    for table, shown in published.items():
        true = with_totals(truths[table])
        hidden = {key for key, number in shown.items() if number is None}
        assert {k: n for k, n in shown.items() if n is not None} == {
            k: n for k, n in true.items() if k not in hidden
        }
        assert {k for k, n in true.items() if 0 < n < THRESHOLD} <= hidden
        assert cycles(true, hidden) == hidden
        hidden_cells += len(hidden)
    assert hidden_cells > 20
