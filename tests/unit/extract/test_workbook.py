"""Workbooks as COPY text: cells, sheets, headers of several rows, and what is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import SourceError
from pipelines.extract.workbook import cell_text
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import opened, read, refusal, workbook, write

AB_XLSX = contract("a", "b", file_format="xlsx")


def test_a_workbook_is_read_from_its_header_row_with_sheet_rows_as_positions(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["FORMULIR"], ["Tahun 2025"], ["a", "b"], [1, "x"], [], [None, "y"])
    stream = opened(contract("b", "a", file_format="xlsx", header_row=3), path)
    assert read(stream) == [["x", "1", "baris 4"], ["y", None, "baris 6"]]
    assert stream.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_table_that_starts_away_from_the_corner_keeps_its_rows_and_columns(tmp_path: Path) -> None:
    path = workbook(tmp_path, [], [], [None, None, "a", "b"], [None, None, 1, 2])
    assert read(opened(contract("a", "b", file_format="xlsx", header_row=3), path)) == [["1", "2", "baris 4"]]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6472.0, "6472"),
        (-0.0, "0"),
        (64.1, "64.1"),
        (1e20, "100000000000000000000"),
        (6.47201010190001e15, "6472010101900010"),
        (0.1, "0.1"),
        (True, "true"),
        (False, "false"),
        ("0012 ", "0012 "),
        (dt.date(2024, 1, 31), "2024-01-31"),
        (dt.datetime(2024, 1, 31, 7, 5), "2024-01-31T07:05:00"),
        (dt.time(7, 5), "07:05:00"),
        (dt.timedelta(days=1, hours=6, minutes=5), "30:05:00"),
        (dt.timedelta(seconds=-90), "-00:01:30"),
    ],
)
def test_a_cell_becomes_faithful_text(value: Any, text: str) -> None:
    assert cell_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_numbers_text_is_the_number(value: float) -> None:
    assert float(cell_text(value)) == value
    assert not cell_text(value).endswith(".0")


def test_error_cells_keep_their_text(tmp_path: Path) -> None:
    path = workbook(tmp_path, [], [None, "a", "b"], [None, "#REF!", "x"], [None, 2, "#DIV/0!"])
    book = openpyxl.load_workbook(path)
    sheet: Any = book.active
    assert sheet["B3"].data_type == "e"
    rows = read(opened(contract("a", "b", file_format="xlsx", header_row=2), path))
    assert rows == [["#REF!", "x", "baris 3"], ["2", "#DIV/0!", "baris 4"]]


def test_a_formula_that_nobody_computed_is_no_empty_cell(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [1, 2], [3, "=A2+1"])
    with pytest.raises(SourceError, match=r"baris 3, column 2 holds a formula") as caught:
        read(opened(AB_XLSX, path))
    assert "save it" in str(caught.value.hint)


def test_a_computed_formula_gives_its_value(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [1, 2], [3, "=A2+1"])
    rewrite_sheet(path, b"<f>A2+1</f><v></v>", b"<f>A2+1</f><v>2</v>")
    assert read(opened(AB_XLSX, path))[1] == ["3", "2", "baris 3"]


def rewrite_sheet(path: Path, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    for variant in (old, old.replace(b"<v></v>", b"<v />"), old.replace(b"<v></v>", b"<v/>")):
        if variant in sheet:
            sheet = sheet.replace(variant, new)
    assert new in sheet, sheet
    parts["xl/worksheets/sheet1.xml"] = sheet
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)


def test_the_declared_sheet_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Isian").append(["a", "b"])
    book["Isian"].append([1, 2])
    book.save(tmp_path / "data.xlsx")
    of = contract("a", "b", file_format="xlsx", sheet="Isian")
    assert len(read(opened(of, tmp_path / "data.xlsx"))) == 1
    with pytest.raises(SourceError, match="no sheet 'Rekap'; it has 'Sheet', 'Isian'"):
        opened(contract("a", "b", file_format="xlsx", sheet="Rekap"), tmp_path / "data.xlsx")


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"PK\x03\x04" + b"x" * 200, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600]
)
def test_what_is_no_workbook_is_refused(tmp_path: Path, content: bytes) -> None:
    assert "no workbook" in refusal(tmp_path, content, AB_XLSX, "data.xlsx").message


def test_a_workbook_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = workbook(tmp_path, ["a", "b"], *([i, "x" * i] for i in range(200))).read_bytes()
    for length in range(1, len(whole) - 30, len(whole) // 40):
        refusal(tmp_path, whole[:length], AB_XLSX, "cut.xlsx")


def test_a_workbook_with_damaged_bytes_is_refused_or_read_and_never_crashes(tmp_path: Path) -> None:
    whole = bytearray(workbook(tmp_path, ["a", "b"], *([i, "x"] for i in range(200))).read_bytes())
    refused = 0
    for place in range(0, len(whole), len(whole) // 60):
        damaged = whole.copy()
        damaged[place] ^= 0x55
        path = write(tmp_path, bytes(damaged), "damaged.xlsx")
        try:
            read(opened(AB_XLSX, path))
        except SourceError:
            refused += 1
    assert refused > 20


def test_a_workbook_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no row"):
        read(opened(AB_XLSX, workbook(tmp_path, ["a", "b"])))
    with pytest.raises(SourceError, match="no header in row 1"):
        opened(AB_XLSX, workbook(tmp_path))


def test_an_ods_file_is_read(tmp_path: Path) -> None:
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in "ab"
    )
    number = (
        '<table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>'
    )
    spaces = " ".join(
        f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text")
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>"
        f'<table:table table:name="Data"><table:table-row>{cells}</table:table-row>'
        f"<table:table-row>{number}{number}</table:table-row></table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    with zipfile.ZipFile(tmp_path / "data.ods", "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("META-INF/manifest.xml", manifest)
        book.writestr("content.xml", content)
    assert read(opened(contract("a", "b", file_format="ods"), tmp_path / "data.ods")) == [
        ["7", "7", "baris 2"]
    ]
