"""Errors, formats, merged cells and hidden rows of workbooks give the right value, a refused row or a warning."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import xlwt

from pipelines.errors import SourceError
from tests.support.contracts import column
from tests.support.sent_files import SentFiles
from tests.support.uploads import write
from tests.support.workbook_kinds import KINDS, Failed, Make, Percent, Sheet, as_xlsx
from tests.support.workbooks import ods

ID = column("id", "integer", primaryKey=True, physicalName="No")
every_kind = pytest.mark.parametrize("make", KINDS)


@every_kind
def test_a_row_with_a_failed_formula_goes_to_quarantine(files: SentFiles, tmp_path: Path, make: Make) -> None:
    rows = [[1, "a", 10], [2, "b", Failed("#N/A")], [3, Failed("#REF!"), 30], [4, "d", Failed("#DIV/0!")]]
    path = make(tmp_path, Sheet([["No", "Nama", "Jumlah"], *rows]))
    sent = files.send(
        path,
        ID,
        column("nama", physicalName="Nama"),
        column("jumlah", "integer", physicalName="Jumlah"),
    )
    assert sent.rows == [(1, "a", 10)]
    assert sent.refused == {"baris 3": ["tipe"], "baris 4": ["sel_galat"], "baris 5": ["tipe"]}


def test_a_row_with_an_error_saved_as_text_goes_to_quarantine(files: SentFiles, tmp_path: Path) -> None:
    path = write(tmp_path, "No,Nama\n1,#N/A\n2,# 2\n3,Err:502\n")
    sent = files.send(path, ID, column("nama", physicalName="Nama"))
    assert sent.rows == [(2, "# 2")]
    assert sent.refused == {"baris 2": ["sel_galat"], "baris 4": ["sel_galat"]}


def test_a_formula_without_a_computed_value_stops_the_file(files: SentFiles, tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    sheet.write(0, 0, "No")
    sheet.write(1, 0, xlwt.Formula("1+1"))
    book.save(str(tmp_path / "data.xls"))
    text = '<table:table-cell office:value-type="string"><text:p>No</text:p></table:table-cell>'
    rows = f'<table:table-row>{text}</table:table-row><table:table-row><table:table-cell table:formula="of:=1+1"/></table:table-row>'
    for path in (tmp_path / "data.xls", ods(tmp_path, f'<table:table table:name="S">{rows}</table:table>')):
        with pytest.raises(SourceError, match="baris 2, kolom 1: rumus tanpa nilai yang sudah dihitung"):
            files.send(path, ID)


@every_kind
def test_percent_is_the_same_from_a_text_and_from_a_format(
    files: SentFiles, tmp_path: Path, make: Make
) -> None:
    rows = [
        [1, Percent(0.125)],
        [2, "12,5%"],
        [3, Percent(1.125)],
        [4, Percent(1.0)],
        [5, 1.125],
        [6, Percent(0.12345)],
    ]
    path = make(tmp_path, Sheet([["No", "Persen"], *rows]))
    found = {
        repair: [
            str(p)
            for _, p in files.send(
                path, ID, column("p", "numeric(12,5)", physicalName="Persen", parse=repair)
            ).rows
        ]
        for repair in ("persen", "persen_pecahan")
    }
    assert found == {
        "persen": ["12.50000", "12.50000", "112.50000", "100.00000", "1.12500", "12.34500"],
        "persen_pecahan": ["0.12500", "0.12500", "1.12500", "1.00000", "1.12500", "0.12345"],
    }


@every_kind
@pytest.mark.parametrize("repair", ["serial_excel", "serial_excel_1904"])
def test_a_serial_date_counts_from_the_epoch_of_the_workbook(
    files: SentFiles, tmp_path: Path, make: Make, repair: str
) -> None:
    of = column("tanggal", "date", physicalName="Tgl", parse=[repair, "tanggal_id"])
    for epoch_1904, serial in ((True, 43830), (False, 45292)):
        path = make(tmp_path, Sheet([["No", "Tgl"], [1, serial], [2, "31/12/24"]], epoch_1904=epoch_1904))
        assert files.send(path, ID, of).rows == [(1, date(2024, 1, 1)), (2, date(2024, 12, 31))]


PLACES = [
    ["Kecamatan", "Kelurahan", "Jumlah"],
    ["Palaran", "Rawa Makmur", 10],
    [None, "Handil Bakti", 20],
    [None, "Bukuan", 30],
    ["Sambutan", "Makroman", 40],
]
OF_PLACES = (
    column("kec", physicalName="Kecamatan"),
    column("kel", physicalName="Kelurahan", primaryKey=True),
    column("n", "integer", physicalName="Jumlah"),
)


@every_kind
def test_fill_down_gives_a_merged_cell_to_all_rows_that_it_covers(
    files: SentFiles, tmp_path: Path, make: Make
) -> None:
    path = make(tmp_path, Sheet(PLACES, merged=[(1, 0, 3, 0)]))
    sent = files.send(path, *OF_PLACES, fill_down=["Kecamatan"])
    assert sent.rows == [
        ("Palaran", "Bukuan", 30),
        ("Palaran", "Handil Bakti", 20),
        ("Palaran", "Rawa Makmur", 10),
        ("Sambutan", "Makroman", 40),
    ]
    assert sent.warnings == []
    (warning,) = files.send(path, *OF_PLACES).warnings
    assert "1 sel gabungan di isi tabel, yang pertama di baris 2 kolom Kecamatan" in warning
    assert "fill_down" in warning


def test_a_hidden_row_still_names_the_group_of_those_below_it(files: SentFiles, tmp_path: Path) -> None:
    path = as_xlsx(tmp_path, Sheet([*PLACES, [None, "Sindang Sari", 50]], merged=[(4, 0, 5, 0)], hidden=[4]))
    sent = files.send(path, *OF_PLACES, fill_down=["Kecamatan"], hidden="skip")
    assert ("Sambutan", "Sindang Sari", 50) in sent.rows
    assert len(sent.rows) == 4


def test_fill_down_starts_narrower_groups_again_and_skips_total_rows(
    files: SentFiles, tmp_path: Path
) -> None:
    text = "kab,kec,kel\nA,a1,x\n,,y\n,Jumlah,2\n,,z\nB,,v\n,b1,w\n"
    names = [column(name) for name in ("kab", "kec", "kel")]
    sent = files.send(write(tmp_path, text), *names, fill_down=["kab", "kec"], totals={"kec": "^Jumlah"})
    assert sent.rows == [
        ("A", "a1", "x"), ("A", "a1", "y"), ("A", "a1", "z"), ("B", "b1", "w"), ("B", None, "v"),
    ]  # fmt: skip


@every_kind
def test_hidden_rows_give_one_warning_and_may_be_skipped(
    files: SentFiles, tmp_path: Path, make: Make
) -> None:
    path = make(tmp_path, Sheet([["No"], [1], [2], [3], [4]], hidden=[2, 4]))
    sent = files.send(path, ID)
    assert sent.rows == [(1,), (2,), (3,), (4,)]
    (warning,) = sent.warnings
    assert "2 baris tersembunyi atau tersaring ikut dimuat" in warning
    skipped = files.send(path, ID, hidden="skip")
    assert skipped.rows == [(1,), (3,)]
    (warning,) = skipped.warnings
    assert "2 baris tersembunyi atau tersaring tidak dimuat" in warning


def test_an_ordinary_workbook_gives_no_warning(files: SentFiles, tmp_path: Path) -> None:
    assert files.send(as_xlsx(tmp_path, Sheet([["No"], [1]])), ID).warnings == []
