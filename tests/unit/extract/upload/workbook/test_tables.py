"""Workbooks as COPY text: cells, sheets, headers of several rows. Hostile workbooks are in test_hostile.py."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import psutil
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.errors import SourceError
from pipelines.extract.upload.table import header
from pipelines.extract.upload.workbook.program import column_texts
from tests.support.extracts import column
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import content_error, opened, read, read_error, workbook, write
from tests.support.workbooks import ods, xls

AB_XLSX = contract("a", "b", file_format="xlsx")


def test_positions_are_rows_of_the_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["FORMULIR"], ["Tahun 2025"], ["a", "b"], [1, "x"], [], [None, "y"])
    stream = opened(contract("b", "a", file_format="xlsx", header_row=3), path)
    assert read(stream) == [["x", "1", "baris 4"], ["y", None, "baris 6"]]
    assert stream.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


def test_table_away_from_the_corner_is_read_with_its_positions(tmp_path: Path) -> None:
    path = workbook(tmp_path, [], [], [None, None, "a", "b"], [None, None, 1, 2])
    assert read(opened(contract("a", "b", file_format="xlsx", header_row=3), path)) == [["1", "2", "baris 4"]]


def cell_text(value: Any) -> str:
    """The text of one cell. A column of several types is converted cell by cell."""
    return column_texts([value, "teks"])[0]


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
def test_cell_becomes_exact_text(value: Any, text: str) -> None:
    assert cell_text(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_text_of_a_number_has_the_same_value(value: float) -> None:
    assert float(cell_text(value)) == value
    assert not cell_text(value).endswith(".0")


ONE_KIND = [
    st.floats(),
    st.floats(allow_nan=False, width=16),
    st.integers(-(10**6), 10**6).map(float),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.dates() | st.datetimes(),
    st.times(),
    st.timedeltas(),
    st.text(),
]


@given(st.sampled_from([*(kind | st.just("") for kind in ONE_KIND), st.one_of(ONE_KIND)]).flatmap(st.lists))
@example([-0.0, 2.0**53, -(2.0**53)])
@example([1.0, 2.0**53 + 2])
@example([1.0, 1.5, ""])
@example([0.5, 0.00001])
@example([0.5, 2.0**-14])
def test_texts_of_a_column_are_those_of_its_cells(cells: list[Any]) -> None:
    finite = [cell for cell in cells if not isinstance(cell, float) or math.isfinite(cell)]
    texts = column_texts(finite)
    assert list(texts.split(",") if isinstance(texts, str) else texts) == [cell_text(cell) for cell in finite]


def test_rows_of_many_blocks_keep_their_order_and_types(tmp_path: Path) -> None:
    rows = [[i if i % 3 else None, "x" if i % 1000 else i / 4] for i in range(1, 1702)]
    found = read(opened(AB_XLSX, workbook(tmp_path, ["a", "b"], *rows)))
    assert [row[2] for row in found] == [f"baris {i + 1}" for i in range(1, 1702)]
    assert [row[0] for row in found] == [str(i) if i % 3 else None for i in range(1, 1702)]
    assert found[999][1] == "250" and found[1000][1] == "x"


def test_closing_a_stream_ends_the_reading_process(tmp_path: Path) -> None:
    others = children()  # servers that other tests share
    stream = opened(AB_XLSX, workbook(tmp_path, ["a", "b"], *([i, "x" * 100] for i in range(5_000))))
    assert next(stream.blocks)
    assert children() - others
    stream.close()
    del stream
    assert not children() - others


def children() -> set[int]:
    return {p.pid for p in psutil.Process().children(recursive=True)}


def test_error_cells_keep_their_text(tmp_path: Path) -> None:
    path = workbook(tmp_path, [], [None, "a", "b"], [None, "#REF!", "x"], [None, 2, "#DIV/0!"])
    book = openpyxl.load_workbook(path)
    sheet: Any = book.active
    assert sheet["B3"].data_type == "e"
    rows = read(opened(contract("a", "b", file_format="xlsx", header_row=2), path))
    assert rows == [["#REF!", "x", "baris 3"], ["2", "#DIV/0!", "baris 4"]]


def test_formula_without_a_value_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [1, 2], [3, "=A2+1"])
    with pytest.raises(SourceError, match=r"baris 3, kolom 2: rumus tanpa nilai") as caught:
        read(opened(AB_XLSX, path))
    assert "simpan" in str(caught.value.hint)


def test_formula_is_found_whatever_the_prefix_of_its_namespace(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [1, 2], [3, "=A2+1"])
    space = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rewrite_sheet(path, b"<f>A2+1</f><v></v>", b'<x:f xmlns:x="%b">A2+1</x:f><v></v>' % space)
    assert "baris 3, kolom 2: rumus tanpa nilai" in read_error(AB_XLSX, path).message


def test_formula_with_a_value_is_read_as_its_value(tmp_path: Path) -> None:
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


def test_declared_sheet_is_read_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Isian").append(["a", "b"])
    book["Isian"].append([1, 2])
    book.save(tmp_path / "data.xlsx")
    of = contract("a", "b", file_format="xlsx", sheet="Isian")
    assert len(read(opened(of, tmp_path / "data.xlsx"))) == 1
    with pytest.raises(SourceError, match="tidak ada lembar 'Rekap'; yang ada: 'Sheet', 'Isian'"):
        opened(contract("a", "b", file_format="xlsx", sheet="Rekap"), tmp_path / "data.xlsx")
    error = read_error(contract("a", "b", file_format="xlsx", sheet="Isain"), tmp_path / "data.xlsx")
    assert error.hint == "maksudnya Isian? ganti nama lembarnya, atau perbaiki di kontrak"


def test_sheet_with_a_masked_name_is_not_suggested(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "budi.santoso@mail.id"
    book.save(tmp_path / "data.xlsx")
    error = read_error(contract("a", "b", file_format="xlsx", sheet="budi.santoso"), tmp_path / "data.xlsx")
    assert error.message.endswith("tidak ada lembar 'budi.santoso'; yang ada: '***'")
    assert error.hint == "ganti nama lembarnya, atau perbaiki di kontrak"


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"PK\x03\x04" + b"x" * 200, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600]
)
def test_other_file_is_refused_as_a_workbook(tmp_path: Path, content: bytes) -> None:
    assert "bukan buku kerja" in content_error(tmp_path, content, AB_XLSX, "data.xlsx").message


def test_truncated_workbook_is_refused_at_any_length(tmp_path: Path) -> None:
    complete = workbook(tmp_path, ["a", "b"], *([i, "x" * i] for i in range(200))).read_bytes()
    for length in range(1, len(complete) - 30, len(complete) // 40):
        content_error(tmp_path, complete[:length], AB_XLSX, "cut.xlsx")


def test_workbook_with_a_damaged_byte_is_refused_or_read_and_never_crashes(tmp_path: Path) -> None:
    sound = bytearray(workbook(tmp_path, ["a", "b"], *([i, "x"] for i in range(200))).read_bytes())
    refusals = 0
    for place in range(0, len(sound), len(sound) // 60):
        damaged = sound.copy()
        damaged[place] ^= 0x55
        path = write(tmp_path, bytes(damaged), "damaged.xlsx")
        try:
            read(opened(AB_XLSX, path))
        except SourceError:
            refusals += 1
    assert refusals > 20


def test_workbook_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="tidak ada baris data"):
        read(opened(AB_XLSX, workbook(tmp_path, ["a", "b"])))
    with pytest.raises(SourceError, match="tidak ada baris judul di baris 1"):
        opened(AB_XLSX, workbook(tmp_path))


def test_ods_file_is_read(tmp_path: Path) -> None:
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in "ab"
    )
    number = (
        '<table:table-cell office:value-type="float" office:value="7"><text:p>7</text:p></table:table-cell>'
    )
    rows = f"<table:table-row>{cells}</table:table-row><table:table-row>{number}{number}</table:table-row>"
    path = ods(tmp_path, f'<table:table table:name="Data">{rows}</table:table>')
    assert read(opened(contract("a", "b", file_format="ods"), path)) == [["7", "7", "baris 2"]]


# --- kinds, sheets


def test_texts_numbers_and_dates_of_an_xls_are_read(tmp_path: Path) -> None:
    assert read(opened(contract("a", "b", file_format="xls"), xls(tmp_path))) == [
        ["0012", "64.1", "baris 2"],
        [None, "7", "baris 3"],
        ["1", "2024-01-31", "baris 4"],
    ]


def test_serial_number_of_a_date_is_read_as_a_number(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [45292, "45292"], [45292.5, "1.234,56"])
    assert [row[:2] for row in read(opened(AB_XLSX, path))] == [["45292", "45292"], ["45292.5", "1.234,56"]]


TABLE = [["a", "b"], [1, 2]]


def test_sheet_is_found_by_a_pattern_that_matches_only_one(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["Petunjuk"], title="Petunjuk", **{"Data 2024": TABLE})
    assert len(read(opened(contract("a", "b", file_format="xlsx", sheet="Data*"), path))) == 1


def test_several_matching_sheets_are_refused_with_their_names(tmp_path: Path) -> None:
    path = workbook(tmp_path, *TABLE, title="Data 2023", **{"Data 2024": TABLE})
    error = read_error(contract("a", "b", file_format="xlsx", sheet="Data*"), path)
    assert "2 lembar cocok dengan 'Data*'; yang ada: 'Data 2023', 'Data 2024'" in error.message
    assert "sheets" in str(error.hint)


def test_all_matching_sheets_are_read_with_their_names(tmp_path: Path) -> None:
    path = workbook(
        tmp_path, ["x"], title="Petunjuk", **{"2023": [["b", "a"], [2, 1]], "2024": [*TABLE, [3, 4]]}
    )
    of = contract("a", column("tahun", "@sheet"), "b", file_format="xlsx", sheets="20*")
    stream = opened(of, path)
    assert read(stream) == [
        ["1", "2023", "2", "lembar 2023 baris 2"],
        ["1", "2024", "2", "lembar 2024 baris 2"],
        ["3", "2024", "4", "lembar 2024 baris 3"],
    ]
    assert stream.shape == {"a": "", "b": ""}


def test_every_matching_sheet_must_fit_and_an_empty_one_gives_a_warning(tmp_path: Path) -> None:
    of = contract("a", "b", file_format="xlsx", sheets="*")
    error = read_error(of, workbook(tmp_path, *TABLE, title="2023", **{"2024": [["a", "c"], [1, 2]]}))
    assert (
        "lembar 2024 baris 1: tidak ada di baris judul: b; tidak dikenal di baris judul: c" in error.message
    )
    stream = opened(of, workbook(tmp_path, *TABLE, title="2023", **{"2024": [["a", "b"]]}))
    assert len(read(stream)) == 1
    assert stream.warnings == ["data.xlsx: lembar 2024 memiliki baris judul tetapi tanpa baris data"]


def test_sheets_of_an_evolving_dataset_may_differ(tmp_path: Path) -> None:
    of = contract("a", "b", file_format="xlsx", sheets="*", schema_contract="evolve")
    stream = opened(of, workbook(tmp_path, *TABLE, title="2023", **{"2024": [["a", "c"], [3, 4]]}))
    assert [row[:3] for row in read(stream)] == [["1", "2", None], ["3", None, '{"c":"4"}']]
    assert stream.shape == {"a": "", "b": "", "c": ""}


def test_hidden_sheets_are_read_only_if_they_are_named(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    hidden: Any = book.active
    hidden.title = "ref"
    hidden.append(["kode"])
    hidden.sheet_state = "hidden"
    sheet = book.create_sheet("Isian")
    for row in TABLE:
        sheet.append(row)
    book.active = 1
    book.save(tmp_path / "data.xlsx")
    for of in (AB_XLSX, contract("a", "b", file_format="xlsx", sheet="*")):
        assert read(opened(of, tmp_path / "data.xlsx")) == [["1", "2", "baris 2"]]
    named = contract(column("a", "kode"), file_format="xlsx", sheet="ref")
    assert "tidak ada baris data" in read_error(named, tmp_path / "data.xlsx").message


# --- headers of several rows


def workbook_with_merged_cells(folder: Path, ranges: list[str], *rows: list[Any]) -> Path:
    path = workbook(folder, *rows)
    book = openpyxl.load_workbook(path)
    sheet: Any = book.active
    for cells in ranges:
        sheet.merge_cells(cells)
    book.save(path)
    return path


def test_merged_header_cells_name_all_columns_below(tmp_path: Path) -> None:
    path = workbook_with_merged_cells(
        tmp_path,
        ["B1:F1", "B3:B4", "C3:D3"],
        [None, "LAPORAN"],
        [],
        [None, "No", "Jumlah\nSiswa", None, None, "Ket."],
        [None, None, "L", "P", "Kode", None],
        [None, 1, 2, 3, "x", "y"],
    )
    stream = opened(
        contract(
            column("l", "Jumlah Siswa / L"),
            "Kode",
            "No",
            "Ket.",
            file_format="xlsx",
            header_row=3,
            header_rows=2,
            schema_contract="evolve",
        ),
        path,
    )
    assert read(stream) == [["2", "x", "1", "y", '{"Jumlah Siswa / P":"3"}', "baris 5"]]


def test_merged_cells_outside_of_the_header_are_ignored(tmp_path: Path) -> None:
    path = workbook_with_merged_cells(tmp_path, ["F1:G2", "A5:B5"], ["a", "b"], [None, None], [1, 2])
    of = contract("a", "b", file_format="xlsx", header_rows=2)
    assert read(opened(of, path)) == [["1", "2", "baris 3"]]
    far = read_error(contract("a", "b", file_format="xlsx", header_rows=9), path)
    assert "tidak dikenal di baris judul: a / 1, b / 2" in far.message


def test_upper_name_without_merged_cells_reaches_over_named_columns_only(tmp_path: Path) -> None:
    path = workbook(
        tmp_path, ["No", "Jumlah", None, "Ket", None], [None, "L", "P", None, None], [1, 2, 3, 4, None]
    )
    of = contract(
        "No", column("p", "Jumlah / P"), column("l", "Jumlah / L"), "Ket", file_format="xlsx", header_rows=2
    )
    assert read(opened(of, path)) == [["1", "3", "2", "4", "baris 3"]]


def test_groups_of_three_header_rows_stay_separate() -> None:
    rows = [["2023", "", "2024", ""], ["L", "", "", "P"], ["a", "b", "c", "d"]]
    assert header(rows) == ("2023 / L / a", "2023 / L / b", "2024 / c", "2024 / P / d")


def test_same_name_in_two_header_rows_appears_once() -> None:
    assert header([["Nama", "X"], ["Nama", "Y"]]) == ("Nama", "X / Y")


def test_totals_of_a_workbook_are_skipped_and_counted_by_sheet(tmp_path: Path) -> None:
    path = workbook(
        tmp_path, *TABLE, ["Total", 2], title="2023", **{"2024": [*TABLE, ["Total", 2], ["TOTAL", 3]]}
    )
    stream = opened(contract("a", "b", file_format="xlsx", sheets="*", totals={"a": "(?i)^total"}), path)
    assert len(read(stream)) == 2
    assert stream.warnings == [
        "data.xlsx: 1 baris jumlah tidak dimuat di lembar 2023",
        "data.xlsx: 2 baris jumlah tidak dimuat di lembar 2024",
    ]
