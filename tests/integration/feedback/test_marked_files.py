"""Each kind of file comes back to the OPD marked, and our own reader reads it as the original."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from pipelines.contracts.upload import NOTE_COLUMN, SUMMARY_SHEET, copy_name
from pipelines.feedback.pack import build, workbook
from tests.support.contracts import column, database
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


LACKS = "Buku kerja memuat 2 baris bermasalah; 3 baris bermasalah lainnya tidak ada di dalamnya."


@pytest.mark.parametrize("most", [2, 5])
@pytest.mark.parametrize("kind", ["table", "large file"])
def test_rows_that_a_workbook_leaves_out_are_counted(
    kind: str, most: int, opd: ToldOpd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "MOST_REFUSED", most)
    monkeypatch.setattr(build, "WHOLE_ROWS", 4)
    rows = [(f"K{number}", "1" if number == 0 else "x", "2026-01-31", "1") for number in range(6)]
    if kind == "table":
        contract = opd.loads.contract(
            *COLUMNS, key="uji/tabel", server=database("UJI_URL"), max_quarantine_share=1
        )
        opd.contracts[contract.key] = contract
        opd.loads.load(contract, lambda _, __: rows)
    else:
        contract = opd.dataset("uji/data", "csv", *COLUMNS, extract={"header_row": 2})
        file = tmp_path / "data.csv"
        file.write_text(
            "Judul,,,\nkode,jumlah,tanggal,nilai\n" + "".join(",".join(row) + "\n" for row in rows)
        )
        assert opd.send(contract, file) == "loaded"
    opd.tell()
    (folder,) = opd.folders()
    book = openpyxl.load_workbook(next(folder.glob("*.xlsx")))
    found = [row[0].value for row in book.worksheets[1].iter_rows() if row[1].value == "x"]
    assert len(set(found)) == len(found) == most
    assert kind == "table" or found == [f"K{number}" for number in range(1, most + 1)]
    notes = summary_in(folder)["catatan"]
    assert notes[:1] == ["Buku kerja hanya memuat baris yang bermasalah."]
    assert notes[1:] == ([LACKS] if most == 2 else [])
    assert (LACKS in (folder / "index.html").read_text("utf-8")) == (most == 2)
    assert (LACKS in [row[1].value for row in book[SUMMARY_SHEET].iter_rows()]) == (most == 2)


def test_rows_beyond_the_end_of_a_sheet_are_counted(
    opd: ToldOpd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS", 4)
    contract = opd.dataset("uji/data", "ndjson", *COLUMNS)
    file = tmp_path / "data.ndjson"
    rows = [{"kode": f"K{n}", "jumlah": "x" if n else 1, "tanggal": None, "nilai": 1} for n in range(6)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert opd.send(contract, file) == "loaded"
    opd.tell()
    notes = summary_in(opd.folders()[0])["catatan"]
    assert notes == ["data-lihat.xlsx tidak memuat semuanya (4 baris tidak ada), jadi hanya untuk dibaca."]


def test_all_checks_of_a_table_that_failed_are_listed(opd: ToldOpd) -> None:
    contract = opd.loads.contract(*COLUMNS, key="uji/tabel", server=database("UJI_URL"))
    opd.contracts[contract.key] = contract
    batch = opd.loads.load(contract, lambda _, __: [("A", "1", None, None)])
    opd.loads.run(
        "insert into ops.check_result (run_id, batch_id, asset, check_name, severity, passed, code)"  # noqa: S608
        f" select 'uji', {batch.batch_id}, 'raw/uji/tabel', 'aturan ' || n, 'warn', false, 'GDK-T012'"
        " from generate_series(1, 300) as n"
    )
    opd.tell()
    (folder,) = opd.folders()
    assert (len(findings_in(folder)), summary_in(folder)["temuan_terbuka"]) == (300, 300)
