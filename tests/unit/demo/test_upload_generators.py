"""The upload files of the demo: their totals add up, and their dirt and forms are those of real agencies."""

from __future__ import annotations

import io
import zipfile
from collections import Counter, defaultdict
from collections.abc import Sequence

from python_calamine import CalamineWorkbook

from demo import mining, poverty
from demo.agreed import DELIVERED, MISSING, agreed_list
from demo.mining import coal
from demo.plantations import DASH, HEADER, YEARS, oil_palm
from demo.poverty import social_register
from demo.sheets import EPSS_OPD, EPSS_YEARS, statistics_assessment
from demo.tables import Cell
from demo.tourism import DESTINATIONS, visits
from demo.uploads import FILES
from demo.workbook import Formula, Sheet, column_letters, xlsx_bytes


def number(text: Cell) -> float:
    return (
        float(str(text).removesuffix(" ton").replace(".", "").replace(",", "."))
        if text not in ("-", DASH)
        else 0
    )


def value(cell: Cell | Formula) -> Cell:
    return cell.value if isinstance(cell, Formula) else cell


def test_workbook_contains_the_given_cells_merges_and_hidden_sheets() -> None:
    rows: list[Sequence[Cell | Formula]] = [("a", None, 'b & "c"'), (1, 2.5, Formula("A2+B2", 3.5)), (" x ",)]
    book = xlsx_bytes(Sheet("Satu & dua", rows, ("A1:B1",)), Sheet("Salinan", [("y",)], hidden=True))
    read = CalamineWorkbook.from_filelike(io.BytesIO(book))
    assert read.sheet_names == ["Satu & dua", "Salinan"]
    assert [str(m.visible) for m in read.sheets_metadata] == [
        "SheetVisibleEnum.Visible",
        "SheetVisibleEnum.Hidden",
    ]
    first = read.get_sheet_by_name("Satu & dua")
    assert first.to_python() == [["a", "", 'b & "c"'], [1, 2.5, 3.5], [" x ", "", ""]]
    assert first.merged_cell_ranges == [((0, 0), (0, 1))]
    assert [column_letters(i) for i in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


def test_every_total_of_the_social_register_is_the_sum_of_its_rows() -> None:
    cells: list[int] = []
    for sheet in social_register():
        rows = [[value(c) for c in row] for row in sheet.rows][poverty.HEADER_ROW + 2 :]
        if sheet.name not in poverty.SEMESTERS:
            continue
        assert str(rows[-1][1]) == "JUMLAH"
        plain = [row for row in rows if row[0] is not None]
        for row in plain:
            if row[4] != "tiga puluh dua":
                assert int(str(row[4])) + int(str(row[5])) == row[6]
            deciles = [int(str(n)) for n in row[7:11]]
            cells += deciles
            assert sum(deciles) == row[3]
            assert str(row[2]).startswith("   ")
        assert sum(int(str(row[3])) for row in plain) == rows[-1][3]
        subtotals = [row for row in rows if str(row[1]).startswith("Jumlah ")]
        assert sum(int(str(row[3])) for row in subtotals) == rows[-1][3]
    assert 0 in cells
    assert {1, 2, 3, 4} <= set(cells)


def test_the_oil_palm_file_is_windows_1252_and_its_totals_add_up() -> None:
    content = FILES["disbun/produksi_sawit/sawit_2021_2025.csv"]()
    text = content.decode("cp1252")
    assert all(mark in text for mark in (DASH, "“", "\N{NO-BREAK SPACE}"))
    assert b"\x96" in content
    header, *rows = oil_palm()
    assert header == HEADER
    area: defaultdict[tuple[Cell, str], float] = defaultdict(float)
    keys: Counter[tuple[Cell, ...]] = Counter()
    for row in rows[:-3]:
        young, bearing, old, together = (number(c) for c in row[4:8])
        assert abs(young + bearing + old - together) < 0.02
        place = str(row[1])
        if place == "JUMLAH SELURUHNYA":
            assert abs(sum(area.values()) - together) < 1
        elif place.startswith("JUMLAH "):
            assert abs(area[row[0], place.removeprefix("JUMLAH ")] - together) < 0.1
        else:
            area[row[0], place] += together
            keys[row[:4]] += 1
            assert abs(number(row[8]) * 1000 / bearing - number(row[9])) < 0.01
    assert max(keys.values()) == 1
    assert {key[0] for key in keys} == set(YEARS)


def test_coal_has_a_sheet_per_kabupaten_and_a_total_per_year() -> None:
    sheets = {sheet.name: [list(row) for row in sheet.rows] for sheet in coal()}
    hidden = [sheet.name for sheet in coal() if sheet.hidden]
    assert set(mining.SHEETS) < set(sheets)
    assert len(hidden) == 1
    texts = 0
    for name, permits in mining.SHEETS.items():
        rows = sheets[name][mining.HEADER_ROW + 1 :]
        months: Counter[Cell] = Counter()
        produced = 0.0
        for place, row in enumerate(rows, mining.HEADER_ROW + 2):
            if str(row[2]).startswith("JUMLAH"):
                assert abs(float(str(value(row[5]))) - produced) < 0.01
                produced = 0.0
            elif not str(row[4]).endswith(("901", "902")):
                assert isinstance(row[8], Formula)
                assert row[8].text == f"G{place}+H{place}"
                assert abs(float(str(row[6])) + float(str(row[7])) - row[8].value) < 0.01
                texts += isinstance(row[5], str)
                produced += float(str(row[5]).strip(" '\N{NO-BREAK SPACE}"))
                months[value(row[0])] += 1
        assert months == {2024: 12 * permits, 2025: 12 * permits, 2026: 10 * permits}
    assert texts > 20


def test_every_destination_reports_each_day_and_kind_once() -> None:
    _, *rows = visits()
    keys = Counter((r[0], r[1], str(r[5]).lower() in ("wisnus", "nusantara")) for r in rows[:-6])
    assert len(keys) == len(rows) - 6 == DESTINATIONS * 2 * 691
    assert any(r[6] == "-" for r in rows) and any("." in str(r[6]) for r in rows)
    assert sum(r[4] == "Ibu Kota Nusantara" for r in rows) == 2 * 2 * 691


def test_visits_are_a_zip_of_one_csv_and_a_note() -> None:
    with zipfile.ZipFile(io.BytesIO(FILES["dispar/kunjungan_wisata/kunjungan_wisata.zip"]())) as archive:
        assert archive.namelist() == ["BACA SAYA.txt", "ekspor/kunjungan_harian.csv"]


def test_a_third_of_the_agreed_list_is_not_delivered() -> None:
    content = FILES["bappeda/daftar_data/daftar_data_2026.csv"]().decode("utf-8")
    assert content.startswith("\ufeffDAFTAR DATA")
    rows = list(agreed_list())[4:-2]
    assert len(rows) == len(DELIVERED) + len(MISSING)
    assert round(len(MISSING) / len(rows), 2) == round(131 / 399, 2)
    assert len({r[0] for r in rows}) == len(rows)
    assert len({d for d, *_ in DELIVERED}) == len(DELIVERED)


def test_the_statistics_form_has_38_indicators_a_year_and_agency() -> None:
    rows = list(statistics_assessment())[4:-1]
    counts = Counter((r[0], r[1]) for r in rows)
    assert counts == {(year, opd): 38 for year in EPSS_YEARS for opd in EPSS_OPD}
    assert all(1 <= int(str(r[6])) <= int(str(r[5])) <= 5 and int(str(r[6])) <= int(str(r[7])) for r in rows)
