"""Each kind of file comes back to the OPD marked, and our own reader reads it as the original."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from pipelines.contracts.upload import NOTE_COLUMN, SUMMARY_SHEET, copy_name
from tests.support.contracts import column
from tests.support.feedback import ToldOpd, findings_in, summary_in
from tests.support.workbook_kinds import KINDS, Make, Sheet

COLUMNS = (
    column("kode", required=True),
    column("jumlah", "integer"),
    column("tanggal", "date", logicalTypeOptions={}),
    column("nilai", "numeric(8,2)"),
)


@pytest.fixture
def opd(warehouse_url: str, tmp_path: Path) -> Iterator[ToldOpd]:
    made = ToldOpd(warehouse_url, tmp_path)
    yield made
    made.loads.connection.close()


def test_csv_comes_back_as_csv_and_as_workbook(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", *COLUMNS, extract={"delimiter": ";", "header_row": 2})
    file = tmp_path / "data satu.csv"
    file.write_text(
        'Judul laporan\nkode;jumlah;tanggal;nilai\n=A1;5;2024-01-31;1.5\n"B\nC";dua;2024-01-31;2\nD;dua;x;3\nD;dua;x;3\n'
    )
    assert opd.send(contract, file) == "loaded"
    sent = opd.tell()
    assert sent.written == 1
    (folder,) = opd.folders()
    assert folder.name.endswith("-data_satu")
    assert {p.name for p in folder.iterdir()} == {
        "temuan.csv", "ringkas.json", "index.html", "data satu.csv", "data satu-bertanda.xlsx",
    }  # fmt: skip
    lines = (folder / "data satu.csv").read_text().splitlines()
    assert lines[0] == "Judul laporan"
    assert lines[1] == f"kode;jumlah;tanggal;nilai;{NOTE_COLUMN}"
    assert lines[2] == "'=A1;5;2024-01-31;1.5;"
    assert lines[5].startswith("D;dua;x;3;") and "GDK-B002" in lines[5]
    assert lines[6] == lines[5]  # an equal row has the same note
    found = findings_in(folder)
    assert [(f["sel"], f["kolom"], f["baris"]) for f in found] == [
        ("B4", "jumlah", "4"),
        ("B6", "jumlah", "6"),
        ("C6", "tanggal", "6"),
    ]
    book = openpyxl.load_workbook(folder / "data satu-bertanda.xlsx")
    assert book.sheetnames == [SUMMARY_SHEET, "Data"]
    sheet = book["Data"]
    assert sheet["B4"].value == "dua"
    assert sheet["B4"].fill.fgColor.rgb.endswith("FFC7CE")
    assert "GDK-B002" in sheet["B4"].comment.text
    assert sheet["B4"].comment is not None
    assert sheet["A3"].value == "=A1" and sheet["A3"].data_type == "s"
    assert summary_in(folder)["temuan_terbuka"] == 3


@pytest.mark.parametrize(
    ("extract", "lines", "kept"),
    [
        ({"comment": "#"}, ["# catatan", "kode,jumlah", '"#123 x",1', "B,x"], "#123 x"),
        ({"delimiter": ";", "quote": "none", "escape": "\\"}, ["kode;jumlah", r"a\;b\\c;1", "B;x"], r"a;b\c"),
        ({"quote": "none", "escape": "\\", "comment": "#"}, ["kode,jumlah", r"\#7\,8,1", "B,x"], "#7,8"),
        ({"quote": "none", "delimiter": ";"}, ["kode;jumlah", 'a "b",1;1', "B;x"], 'a "b",1'),
        ({"escape": "\\", "comment": "#"}, ["kode,jumlah", r'"#\"7\",8",1', "B,x"], '#"7",8'),
    ],
)
def test_marked_csv_changes_no_cell(
    extract: dict[str, str], lines: list[str], kept: str, opd: ToldOpd, tmp_path: Path
) -> None:
    contract = opd.dataset("uji/data", "csv", column("kode"), column("jumlah", "integer"), extract=extract)
    file = tmp_path / "data.csv"
    file.write_text("\n".join(lines) + "\n")
    raw = "select kode, jumlah from raw.uji__data"
    assert opd.send(contract, file) == "loaded" and opd.loads.run(raw) == [(kept, 1)]
    opd.tell()
    (folder,) = opd.folders()
    assert opd.send(contract, folder / "data.csv") in ("loaded", "unchanged")
    assert opd.loads.run(raw) == [(kept, 1)]


def test_workbook_that_would_change_a_cell_is_only_to_read(opd: ToldOpd, tmp_path: Path) -> None:
    contract = opd.dataset("uji/data", "csv", column("kode"), column("jumlah", "integer"))
    file = tmp_path / "data.csv"
    file.write_text(f"kode,jumlah\n{'x' * 40_000},1\nB,dua\n")
    opd.send(contract, file)
    opd.tell()
    (folder,) = opd.folders()
    assert sorted(p.name for p in folder.glob("data*")) == ["data-lihat.xlsx", "data.csv"]
    assert "hanya untuk dibaca" in " ".join(summary_in(folder)["catatan"])


@pytest.mark.parametrize("make", KINDS)
def test_workbook_comes_back_with_its_own_sheet_and_addresses(
    make: Make, opd: ToldOpd, tmp_path: Path
) -> None:
    rows = [
        ["Laporan", None, None, None],
        [None, None, None, None],
        ["kode", "jumlah", "tanggal", "nilai"],
        ["0012", 5.0, "2024-01-31", 1.5],
        ["B", "dua", "2024-01-31", 2.0],
        [None, 7.0, "2024-01-31", 2.25],
    ]
    file = make(tmp_path, Sheet(rows))
    contract = opd.dataset("uji/data", file.suffix[1:], *COLUMNS, extract={"header_row": 3})
    assert opd.send(contract, file) == "loaded"
    opd.tell()
    (folder,) = opd.folders()
    assert [(f["kode"], f["sel"], f["lembar"]) for f in findings_in(folder)] == [
        ("GDK-B002", "B5", "Data"),
        ("GDK-B001", "A6", "Data"),
    ]
    marked = folder / copy_name(file.name, ".xlsx")
    sheet = openpyxl.load_workbook(marked)["Data"]
    assert sheet["A1"].value == "Laporan"
    assert [c.value for c in sheet[3]] == ["kode", "jumlah", "tanggal", "nilai", NOTE_COLUMN]
    assert sheet["A4"].value == "0012"
    assert sheet["B4"].value == 5
    assert sheet["E5"].value.startswith("GDK-B002 jumlah")
    # The same file, marked, is read as the original: nothing new is refused, and nothing is loaded twice.
    before = opd.loads.run("select kode, jumlah, tanggal, nilai from raw.uji__data order by kode")
    renamed = tmp_path / "lagi.xlsx"
    renamed.write_bytes(marked.read_bytes())
    assert opd.send(contract, renamed) in ("loaded", "unchanged")
    assert opd.loads.run("select kode, jumlah, tanggal, nilai from raw.uji__data order by kode") == before
    assert opd.loads.run("select count(*) from quarantine.row where state = 'open'") == [(2,)]
