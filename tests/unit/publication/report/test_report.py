"""The report page from given values: its texts and charts, and that it fetches nothing."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from pipelines.errors import PublicationError
from pipelines.publication.indonesian import NONE
from pipelines.publication.report.charts import wrap
from pipelines.publication.report.data import (
    DatasetStatus,
    Index,
    Population,
    QualityScore,
    ReportData,
    Visits,
)
from pipelines.publication.report.indices import index_sections, index_years
from pipelines.publication.report.quality import quality_figures
from pipelines.publication.report.report import (
    population_figures,
    render,
    schedule,
    tiles,
    visits_figure,
)

AT = datetime(2026, 11, 23, 20, 15, tzinfo=UTC)
EMPTY = ReportData((), (), (), (), (), (), ())
LINE = DatasetStatus(
    "dinkes/kunjungan", "Kunjungan <b>", "Dinas Kesehatan", "database", "harian", Decimal(1), AT, 41200, 37,
    "mutakhir", "DDK-2026-001", True, True, False,
)  # fmt: skip
AGREED = DatasetStatus(
    None, "Populasi ternak", "Dinas Peternakan", None, "tahunan", None, None, None, None, "belum_ada",
    "DDK-2026-002", False, False, None,
)  # fmt: skip


class Fetches(HTMLParser):
    """Everything in a page that a browser would fetch or run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "img", "link", "iframe", "object", "image", "use"}:
            self.found.append(tag)
        self.found += [f"{tag} {k}={v}" for k, v in attrs if k in {"src", "xlink:href"} or k.startswith("on")]
        self.found += [f"{tag} {v}" for k, v in attrs if k == "href" and not (v or "").startswith("#")]


def test_page_without_data_is_complete() -> None:
    page = render(EMPTY, AT)
    assert page.count("Belum ada data") == 5
    assert "Keadaan data per 24 November 2026, pukul 04.15 WITA" in page


def test_page_fetches_and_runs_nothing() -> None:
    visits = (Visits("Kota Samarinda", 2026, 9, "BPJS", 1234, 0),)
    page = render(replace(EMPTY, daftar_data=(LINE,), visits=visits), AT)
    assert "<svg" in page
    assert Fetches(page).found == []
    assert "url(http" not in page


def test_names_are_escaped() -> None:
    assert "Kunjungan &lt;b&gt;" in render(replace(EMPTY, daftar_data=(LINE,)), AT)


def test_a_dataset_that_waits_for_our_approval_is_not_counted_as_late() -> None:
    waits = replace(LINE, status="menunggu_persetujuan")
    data = replace(EMPTY, daftar_data=(waits,))
    (late,) = [tile for tile in tiles(data) if tile.label == "Terlambat"]
    assert late.value == "0" and late.note.endswith("1 menunggu persetujuan walidata")
    assert "Kirimannya sudah ada, dan walidata belum menyetujuinya" in render(data, AT)


def test_agreed_datasets_are_counted_separately_from_the_others() -> None:
    """Of three agreed lines two came, one of them late. The two datasets outside of the list do not count there."""
    late = replace(
        LINE, dataset="dinkes/puskesmas", kode_daftar="DDK-2026-003", status="terlambat", prioritas=False
    )
    outside = replace(LINE, dataset="bps/a", jadwal=None, kode_daftar=None, prioritas=None, jumlah_baris=5)
    never = replace(outside, dataset="bps/b", status="belum_ada", terakhir_datang=None, jumlah_baris=None)
    data = replace(EMPTY, daftar_data=(LINE, AGREED, late, outside, never))
    shown = {tile.label: (tile.value, tile.note) for tile in tiles(data)}
    assert shown == {
        "Butir Daftar Data": ("3", "2 sudah dijanjikan OPD, 1 belum"),
        "Sudah datang": ("2", "dari 3 butir yang disepakati (66,7%)"),
        "Terlambat": ("1", "dari 3 butir yang disepakati; selain itu 0 gagal, 1 belum ada"),
        "Di luar Daftar Data": ("2", "dataset dengan kontrak"),
        "Baris data": ("82.405", "kini berlaku, dari 4 dataset"),
        "Baris dikarantina": ("148", "menunggu perbaikan"),
    }
    page = render(data, AT)
    assert "Dari 3 butir yang disepakati: 1 mutakhir, 1 terlambat, 1 belum ada." in page
    assert "Di luar Daftar Data, dari 2 dataset dengan kontrak: 1 mutakhir, 1 belum ada." in page
    assert '<span class="code">DDK-2026-002</span>' in page
    assert page.count("Data prioritas") == 1
    assert page.count("· di luar Daftar Data") == 2
    assert "None" not in page


def test_contracts_are_counted_if_there_is_no_agreed_list() -> None:
    line = replace(LINE, jadwal=None, kode_daftar=None, prioritas=None)
    shown = {tile.label: (tile.value, tile.note) for tile in tiles(replace(EMPTY, daftar_data=(line,)))}
    assert shown["Dataset dengan kontrak"] == ("1", "oleh 1 OPD")
    assert shown["Sudah datang"] == ("1", "dari 1 dataset dengan kontrak (100%)")
    assert "Butir Daftar Data" not in shown


def test_schedule_is_the_agreed_one_or_else_that_of_the_contract() -> None:
    outside = replace(LINE, jadwal=None, kode_daftar=None)
    assert [schedule(replace(LINE, jadwal=word)) for word in ("semesteran", "insidental")] == [
        "Semesteran",
        "Insidental",
    ]
    assert schedule(outside) == "Tiap hari (kontrak)"
    assert schedule(replace(outside, dijanjikan_tiap_hari=None)) == "Tidak tetap"


def test_only_made_up_data_are_marked_as_such() -> None:
    visits = (Visits("Kota Samarinda", 2026, 9, "BPJS", 1234, 0),)
    people = (Population("Kota A", "Ulu", None, 2025, 900), Population("Kota A", "Ulu", "X", 2025, 900))
    real = replace(EMPTY, daftar_data=(LINE, AGREED), visits=visits, population=people)
    assert "contoh" not in render(real, AT).lower().replace(".sample", "")
    line = replace(LINE, data_contoh=True)
    page = render(replace(real, daftar_data=(line, AGREED)), AT, {"layanan_kesehatan_bulanan"})
    mark = '<span class="mark sample">Data contoh</span>'
    assert page.count(mark) == 3
    assert f"menurut cara bayar {mark}" in page
    assert "bukan data sebenarnya" in page


def test_page_with_a_value_like_a_nik_is_refused() -> None:
    line = replace(LINE, judul="Data 6472010107900001")
    with pytest.raises(PublicationError) as error:
        render(replace(EMPTY, daftar_data=(line,)), AT)
    assert "6472010107900001" not in str(error.value)


def score(opd: str, dimension: str, month: int, value: str | None, **more: Any) -> QualityScore:
    given = QualityScore(
        f"{opd.lower()}/x", f"Data {opd}", opd.lower(), opd, dimension, Decimal(20), 2026, month,
        Decimal(value) if value else None, None, 0, None, 0, None, False,
    )  # fmt: skip
    return replace(given, **more)


def test_opd_with_the_lowest_score_comes_first_with_its_findings() -> None:
    """Only the latest month is shown per OPD. 99.95 is not rounded up to 100."""
    per_opd, per_dimension = quality_figures(
        (
            score("Dinas A", "gabungan", 9, "10"),
            score("Dinas A", "gabungan", 10, "99.95"),
            score(
                "Dinas B", "gabungan", 10, "70", perubahan=Decimal("-2.5"), temuan_terbuka=1080,
                hari_perbaikan=Decimal("3.5"), sel_diperbaiki=4, hari_terlambat=Decimal(2), data_contoh=True,
            ),
            score("Dinas B", "kelengkapan", 10, "60"),
            score("Dinas B", "keunikan", 10, None),
        )
    )  # fmt: skip
    assert per_opd.title == "Skor mutu per OPD, Oktober 2026"
    assert per_opd.table.rows == (
        ("Dinas B", "1", "70,0", "\N{MINUS SIGN}2,5", "1.080", "3,5", "4", "2,0"),
        ("Dinas A", "1", "99,9", NONE, "0", NONE, "0", NONE),
    )
    assert "99,9" in per_opd.svg
    assert "100,0" not in per_opd.svg
    assert "2 dataset pada Oktober 2026: 84,9 dari 100, dengan 1.080 temuan terbuka" in per_opd.text
    assert per_opd.detail is not None
    assert per_opd.detail.rows[1][:4] == ("Data Dinas B (data contoh)", "70,0", NONE, "60,0")
    assert per_dimension.table.head == ("Dimensi", "Bobot", "Sep 2026", "Okt 2026")
    assert ("Kelengkapan", "20", NONE, "60,0") in per_dimension.table.rows
    assert "Yang paling rendah bulan ini: kelengkapan." in per_dimension.text
    assert quality_figures(()) == []


def people(kelurahan: str | None, year: int, number: int | None, kecamatan: str = "Ulu") -> Population:
    return Population("Kota A", kecamatan, kelurahan, year, number)


def test_population_is_shown_per_kecamatan_with_its_change() -> None:
    rows = [people(None, 2023, 1000), people("X", 2023, 900), people("Y", 2023, 100)]
    rows += [people(None, 2024, 1050), people("X", 2024, 1050)]
    (figure,) = population_figures(rows)
    assert figure.table.rows == (("Ulu", "1.000", "1.050"),)
    assert figure.table.total == ("Jumlah", "1.000", "1.050")
    assert figure.detail is not None
    assert figure.detail.rows == (("Ulu", "X", "900", "1.050"), ("Ulu", "Y", "100", NONE))
    assert figure.text == "Tahun 2024 tercatat 1.050 jiwa, bertambah 50 jiwa (5%) sejak 2023."
    assert 'aria-label="Penduduk Kota A per kecamatan dan tahun"' in figure.svg
    assert ">1.050<" in figure.svg


def test_hidden_people_of_a_kelurahan_are_no_nought_and_are_in_the_total() -> None:
    (figure,) = population_figures([people(None, 2024, 907), people("X", 2024, 900), people("Y", 2024, None)])
    assert figure.table.rows == (("Ulu", "907"),)
    assert figure.detail is not None
    assert figure.detail.rows == (("Ulu", "X", "900"), ("Ulu", "Y", NONE))
    assert figure.text.endswith(
        " 1 sel disamarkan agar orang tidak dapat dikenali, tetapi ikut dihitung dalam jumlah kecamatannya."
    )


def test_a_total_that_lacks_a_hidden_kecamatan_says_so_and_is_not_compared() -> None:
    rows = [people(None, 2023, 1000), people(None, 2023, 40, "Ilir")]
    rows += [people(None, 2024, 1050), people(None, 2024, None, "Ilir"), people("X", 2024, None, "Ilir")]
    (figure,) = population_figures(rows)
    assert figure.table.rows == (("Ulu", "1.000", "1.050"), ("Ilir", "40", NONE))
    assert figure.table.total == ("Jumlah", "1.040", "1.050")
    assert figure.text == (
        "Tahun 2024 tercatat 1.050 jiwa. 2 sel disamarkan agar orang tidak dapat dikenali; 1 di antaranya jumlah"
        " kecamatan, yang tidak ikut dihitung."
    )
    assert ">Ilir<" in figure.svg


def test_population_of_which_all_is_hidden_has_no_figure() -> None:
    (figure,) = population_figures([people(None, 2024, None), people("X", 2024, None)])
    assert figure.table.total == ("Jumlah", NONE)
    assert f"tercatat {NONE} jiwa" in figure.text
    assert ">Ulu<" in figure.svg


def test_suppressed_cells_are_counted_in_the_text() -> None:
    figure = visits_figure([Visits("A", 2026, 9, "UMUM", 10, 2), Visits("B", 2026, 9, "UMUM", 5, 1)])
    assert figure is not None
    assert figure.table.rows == (("September 2026", "15", "15"),)
    assert "3 sel" in figure.text


def test_visits_of_which_all_are_hidden_are_no_nought() -> None:
    rows = [Visits("A", 2026, 9, "BPJS", 10, 0), Visits("A", 2026, 9, "LAINNYA", None, 4)]
    figure = visits_figure([*rows, Visits("A", 2026, 10, "BPJS", None, 1)])
    assert figure is not None
    assert figure.table.rows == (("September 2026", "10", NONE, "10"), ("Oktober 2026", NONE, NONE, NONE))
    assert ">Okt 2026<" in figure.svg
    assert figure.svg.count(">0<") == 1, "the foot of the axis only"


def index(instrument: str, year: int, kind: str = "indeks", value: float | None = 2.8, **more: Any) -> Index:
    name = {"pemdi": "Indeks Pemdi", "spbe": "Indeks SPBE", "epss": "Indeks Pembangunan Statistik"}[
        instrument
    ]
    made = Index(
        instrument, "8/2026" if instrument == "pemdi" else "59/2020", instrument != "spbe", year, kind, "1",
        name if kind == "indeks" else kind, "mandiri", "formulir", 100.0, value, 3.0,
        None if value is None else value - 3.0, "Baik", 47, 47, None,
    )  # fmt: skip
    return replace(made, **more)


OFFICIAL = index(
    "spbe", 2024, value=3.79, jenis_penilaian="resmi", asal="diumumkan", predikat="Sangat Baik",
    target_indeks=None, selisih=None, terisi=None, keterangan="Laporan Hasil Evaluasi SPBE 2024",
)  # fmt: skip


def test_pemdi_comes_first_and_spbe_is_shown_as_history() -> None:
    rows = [
        index("pemdi", 2026),
        index("pemdi", 2026, "aspek", 3.2),
        index("spbe", 2025),
        index("spbe", 2026),
    ]
    page = render(replace(EMPTY, indices=(*rows, OFFICIAL)), AT)
    assert page.index("Indeks Pemdi 2026") < page.index("Riwayat: Indeks SPBE 2026")
    assert "dicabut pada Juni 2026" in page
    pemdi, spbe = index_sections([*rows, OFFICIAL])
    assert (pemdi.index.tahun, spbe.index.tahun) == (2026, 2026)
    assert pemdi.figures[0].title == "Indeks Pemdi per aspek"
    assert pemdi.figures[0].text == "Penilaian mandiri tahun 2026. 1 dari 1 aspek mencapai target."
    assert ">3,20<" in pemdi.figures[0].svg


def test_every_index_says_whether_it_is_official() -> None:
    epss = index(
        "epss", 2024, value=2.68, jenis_penilaian="resmi", asal="diumumkan", keterangan="Keputusan BPS"
    )
    own = index("spbe", 2026)
    years = index_years([own, OFFICIAL, epss, index("pemdi", 2026, value=None)])
    assert [(y["name"], y["year"], y["assessed"], y["index"], y["source"]) for y in years] == [
        ("Indeks SPBE", 2026, "Penilaian mandiri", "2,80", "formulir, 59/2020"),
        ("Indeks SPBE", 2024, "Penilaian resmi", "3,79", "Laporan Hasil Evaluasi SPBE 2024"),
        ("Indeks Pembangunan Statistik", 2024, "Penilaian resmi", "2,68", "Keputusan BPS"),
    ]
    page = render(replace(EMPTY, indices=(own, OFFICIAL, epss)), AT, {"indeks_instrumen"})
    mark = '<span class="mark sample">Data contoh</span>'
    assert f"formulir, 59/2020 {mark}" in page
    assert f"Laporan Hasil Evaluasi SPBE 2024 {mark}" not in page
    assert "bukan hasil evaluasi Kementerian PANRB" in page


def test_current_instrument_without_an_assessment_is_shown_without_a_figure() -> None:
    none = index("pemdi", 2026, value=None, jenis_penilaian=None, predikat=None, target_indeks=None, terisi=0)
    (section,) = index_sections([none])
    assert section.figures == []
    page = render(replace(EMPTY, indices=(none, OFFICIAL)), AT)
    assert "Belum dinilai" in page
    assert "Indeks Pemdi 2026" in page


def test_same_values_give_the_same_bytes() -> None:
    data = replace(
        EMPTY, visits=(Visits("A", 2026, 9, "UMUM", 10, 0),), quality=(score("DLH", "gabungan", 9, "50"),)
    )
    assert render(data, AT) == render(data, AT)


def test_long_names_are_wrapped_between_words() -> None:
    assert wrap("Layanan Administrasi Pemerintahan Berbasis Elektronik", 38).split("|") == [
        "Layanan Administrasi Pemerintahan",
        "Berbasis Elektronik",
    ]


def test_importing_publication_imports_no_slow_library() -> None:
    code = (
        "import sys, pipelines.publication.publish, pipelines.publication.mart, pipelines.publication.report.report;"
        "print([m for m in ('altair', 'vl_convert', 'jinja2', 'pandas', 'dagster') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
