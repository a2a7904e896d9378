"""Uploaded files as COPY text: what is read, from which line, and what is refused with which words."""

from __future__ import annotations

import datetime as dt
import hashlib
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts import Contract
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.file import open_file
from pipelines.extract.stream import SourceStream, encode_rows
from pipelines.extract.workbook import cell_text
from tests.support.extracts import column, decode_copy
from tests.support.extracts import upload_contract as contract

AB = contract("a", "b")


def write(folder: Path, content: bytes | str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(stream: SourceStream) -> list[list[str | None]]:
    return decode_copy(list(stream.blocks))


def read_text(folder: Path, content: bytes | str, of: Contract = AB) -> list[list[str | None]]:
    return read(open_file(of, write(folder, content)))


def workbook(folder: Path, *rows: list[Any], title: str = "Data") -> Path:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(folder / "data.xlsx")
    return folder / "data.xlsx"


AB_XLSX = contract("a", "b", file_format="xlsx")

# --- the stream itself


@given(
    st.lists(
        st.lists(
            st.none() | st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1
        )
    )
)
def test_encoded_rows_decode_to_the_same_values(rows: list[list[str | None]]) -> None:
    expected = [[None if v is None else v.replace("\0", "\ufffd") for v in row] for row in rows]
    assert decode_copy(list(encode_rows(rows))) == expected


# --- CSV: what is read


def test_cells_come_in_the_contracts_order_with_their_line_as_position(tmp_path: Path) -> None:
    stream = open_file(
        contract(column("tahun"), column("nama", "Nama Sekolah")),
        write(tmp_path, "Nama Sekolah,tahun\nX,2024\n"),
    )
    assert stream.columns == ("tahun", "nama", "_source_position")
    assert read(stream) == [["2024", "X", "baris 2"]]
    assert (stream.rows, stream.name, stream.warnings) == (1, "data.csv", [])


def test_the_fingerprint_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n" * 50_000
    assert open_file(AB, write(tmp_path, content)).fingerprint == hashlib.sha256(content).hexdigest()


def test_a_file_replaced_while_it_is_read_is_read_as_it_was(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + "1,lama\n" * 100_000)
    stream = open_file(AB, path)
    first = next(stream.blocks)
    write(tmp_path, "b,a\nbaru,2\n", "new.csv").replace(path)
    rows = decode_copy([first, *stream.blocks])
    assert len(rows) == 100_000
    assert {row[1] for row in rows} == {"lama"}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_read(tmp_path: Path, newline: str) -> None:
    content = newline.join(["a,b", "1,2", '"3\n3",4', "5,6", ""])
    assert read_text(tmp_path, content)[0] == ["1", "2", "baris 2"]
    assert read_text(tmp_path, content)[2][:2] == ["5", "6"]


def test_positions_count_physical_lines_through_blank_and_folded_ones(tmp_path: Path) -> None:
    rows = read_text(tmp_path, 'a,b\n1,2\n\n"x\ny",3\n,\n4,5\n')
    assert [row[2] for row in rows] == ["baris 2", "baris 4", "baris 7"]
    assert rows[1][0] == "x\ny"


def test_empty_cells_are_null_and_rows_of_blanks_are_left_out(tmp_path: Path) -> None:
    assert read_text(tmp_path, "a,b\n1,\n , \u00a0\n,2\n") == [["1", None, "baris 2"], [None, "2", "baris 4"]]


def test_values_are_kept_as_they_are(tmp_path: Path) -> None:
    assert read_text(tmp_path, 'a,b\n 007 ,"Jl. ""Mawar"", 5\\t"\n')[0][:2] == [" 007 ", 'Jl. "Mawar", 5\\t']


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "UTF8"),
        ("cp1252", "cp1252"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
    ],
)
def test_the_declared_encoding_is_read_with_or_without_bom(
    tmp_path: Path, encoding: str, declared: str
) -> None:
    content = "a,b\nKafé,“x”\n".encode(encoding)
    assert read_text(tmp_path, content, contract("a", "b", encoding=declared))[0][:2] == ["Kafé", "“x”"]


def test_delimiter_and_header_row_are_the_contracts(tmp_path: Path) -> None:
    of = contract("a", "b", delimiter=";", header_row=3)
    assert read_text(tmp_path, "LAPORAN; 2024\n\na;b\n1;2,5\n", of) == [["1", "2,5", "baris 4"]]


def test_the_header_is_trimmed_of_every_white_space(tmp_path: Path) -> None:
    assert read_text(tmp_path, "\u00a0a ,\tb\u00a0,,\n1,2,,\n") == [["1", "2", "baris 2"]]


def test_short_rows_are_padded(tmp_path: Path) -> None:
    assert read_text(tmp_path, "a,b\n1\n3,4\n")[0] == ["1", None, "baris 2"]


def test_a_last_line_without_newline_is_whole_when_it_has_its_cells(tmp_path: Path) -> None:
    assert len(read_text(tmp_path, "a,b,,\n1,2\n3,4")) == 2


def test_memory_stays_flat_for_a_large_csv(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + ("x" * 500 + ",y\n") * 30_000)
    stream = open_file(AB, path)
    tracemalloc.start()
    for _ in stream.blocks:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.rows == 30_000
    assert peak < 5_000_000 < path.stat().st_size


# --- CSV: what is refused


def refusal(folder: Path, content: bytes | str, of: Contract = AB, name: str = "data.csv") -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(open_file(of, write(folder, content, name)))
    assert caught.value.subject == "samarinda/penduduk"
    assert caught.value.hint
    return caught.value


def test_a_missing_column_is_told_with_what_came_instead(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,B,c\n1,2,3\n")
    assert isinstance(error, ShapeError)
    assert "missing in the header: b; not expected: B, c" in error.message
    assert "a,b" in str(error.hint)


def test_an_unknown_column_stops_a_frozen_dataset(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,b,c,\n1,2,3,\n")
    assert isinstance(error, ShapeError)
    assert "not expected in the header: c" in error.message


def test_an_unknown_column_is_left_out_with_a_warning_where_the_dataset_may_evolve(tmp_path: Path) -> None:
    stream = open_file(contract("a", "b", schema_contract="evolve"), write(tmp_path, "a,c,,b\n1,9,9,2\n"))
    assert read(stream) == [["1", "2", "baris 2"]]
    assert stream.warnings == [
        "data.csv: columns left out, they are not in the contract: c, (unnamed column 3)"
    ]


def test_a_header_that_says_the_same_twice_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,b,b \n1,2,3\n", contract("a", "b", schema_contract="evolve"))
    assert isinstance(error, ShapeError)
    assert "twice in the header: b" in error.message


def test_another_delimiter_is_recognised_in_the_message(tmp_path: Path) -> None:
    assert "parted by ';'" in str(refusal(tmp_path, "a;b\n1;2\n").hint)


def test_a_row_with_too_many_cells_names_its_line(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,b\n1,2\n3,4,5\n")
    assert not isinstance(error, ShapeError)
    assert "baris 3: 3 cells, but the header has 2" in error.message


def test_empty_cells_beyond_the_header_do_no_harm(tmp_path: Path) -> None:
    assert read_text(tmp_path, "a,b\n1,2,, \n") == [["1", "2", "baris 2"]]


@pytest.mark.parametrize("content", ["a,b\n1,2\n3", "a,b\r\n1,2\r\n3"])
def test_a_half_written_file_is_cut_short(tmp_path: Path, content: str) -> None:
    assert "cut short: its last line, 3, has 1 of 2 cells" in refusal(tmp_path, content).message


def test_a_half_written_utf16_file_is_cut_short(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,b\n1,2\n3".encode("utf-16"), contract("a", "b", encoding="utf-16"))
    assert "cut short" in error.message


def test_a_whole_utf16_file_is_not_cut_short(tmp_path: Path) -> None:
    of = contract("a", "b", encoding="utf-16")
    assert len(read_text(tmp_path, "a,b\n1,2\n3\n".encode("utf-16"), of)) == 2


def test_a_wrong_encoding_names_the_line_of_the_first_wrong_byte(tmp_path: Path) -> None:
    lines = ["a,b", *["1,x"] * 40_000, "2,Kaf\xe9", *["3,y"] * 10]
    error = refusal(tmp_path, "\n".join(lines).encode("cp1252"))
    assert "baris 40002: these bytes are no utf-8" in error.message
    assert "cp1252" in str(error.hint)


def test_a_utf8_bom_contradicts_another_declared_encoding(tmp_path: Path) -> None:
    error = refusal(tmp_path, "\ufeffa,b\n1,2\n", contract("a", "b", encoding="cp1252"))
    assert "the file is UTF-8, the contract declares cp1252" in error.message


def test_a_quote_never_closed_names_the_line_that_opened_it(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'a,b\n1,2\n3,"4\n5,6\n' + "7,8\n" * 10)
    assert "baris 3: a quote" in error.message


def test_a_quote_inside_a_cell_is_refused_rather_than_guessed(tmp_path: Path) -> None:
    error = refusal(tmp_path, 'a,b\n1,2\n3,"Budi "si" x"\n')
    assert "baris 3: a quote" in error.message
    assert "Budi" not in str(error)


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "empty"), ("a,b\n", "no row"), ("a,b\n,\n \n", "no row"), ("\n\n", "no header in row 1")],
)
def test_a_file_without_content_is_refused(tmp_path: Path, content: str, words: str) -> None:
    assert words in refusal(tmp_path, content).message


def test_a_workbook_that_calls_itself_csv_is_told_so(tmp_path: Path) -> None:
    assert "this is a workbook" in refusal(tmp_path, workbook(tmp_path, ["a", "b"]).read_bytes()).message


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be opened"):
        open_file(AB, tmp_path / "data.csv")


@pytest.mark.parametrize("wrong", [{"encoding": "utf-7x"}, {"delimiter": ";;"}, {"file_format": "dbf"}])
def test_a_contract_that_cannot_be_read_by_is_a_contract_error(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ContractError):
        open_file(contract("a", "b", **wrong), write(tmp_path, "a,b\n1,2\n"))


# --- workbooks


def test_a_workbook_is_read_from_its_header_row_with_sheet_rows_as_positions(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["FORMULIR"], ["Tahun 2025"], ["a", "b"], [1, "x"], [], [None, "y"])
    stream = open_file(contract("b", "a", file_format="xlsx", header_row=3), path)
    assert read(stream) == [["x", "1", "baris 4"], ["y", None, "baris 6"]]
    assert stream.fingerprint == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_table_that_starts_away_from_the_corner_keeps_its_rows_and_columns(tmp_path: Path) -> None:
    path = workbook(tmp_path, [], [], [None, None, "a", "b"], [None, None, 1, 2])
    assert read(open_file(contract("a", "b", file_format="xlsx", header_row=3), path)) == [
        ["1", "2", "baris 4"]
    ]


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
    rows = read(open_file(contract("a", "b", file_format="xlsx", header_row=2), path))
    assert rows == [["#REF!", "x", "baris 3"], ["2", "#DIV/0!", "baris 4"]]


def test_a_formula_that_nobody_computed_is_no_empty_cell(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [1, 2], [3, "=A2+1"])
    with pytest.raises(SourceError, match=r"baris 3, column 2 holds a formula") as caught:
        read(open_file(AB_XLSX, path))
    assert "save it" in str(caught.value.hint)


def test_a_computed_formula_gives_its_value(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [1, 2], [3, "=A2+1"])
    rewrite_sheet(path, b"<f>A2+1</f><v></v>", b"<f>A2+1</f><v>2</v>")
    assert read(open_file(AB_XLSX, path))[1] == ["3", "2", "baris 3"]


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
    assert len(read(open_file(of, tmp_path / "data.xlsx"))) == 1
    with pytest.raises(SourceError, match="no sheet 'Rekap'; it has 'Sheet', 'Isian'"):
        open_file(contract("a", "b", file_format="xlsx", sheet="Rekap"), tmp_path / "data.xlsx")


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
            read(open_file(AB_XLSX, path))
        except SourceError:
            refused += 1
    assert refused > 20


def test_a_workbook_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no row"):
        read(open_file(AB_XLSX, workbook(tmp_path, ["a", "b"])))
    with pytest.raises(SourceError, match="no header in row 1"):
        open_file(AB_XLSX, workbook(tmp_path))


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
    assert read(open_file(contract("a", "b", file_format="ods"), tmp_path / "data.ods")) == [
        ["7", "7", "baris 2"]
    ]
