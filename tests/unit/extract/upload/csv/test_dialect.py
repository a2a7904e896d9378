"""What a contract leaves to `auto` is detected from the first part of the file and recorded, or refused if it is ambiguous."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import ShapeError
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import content_error, opened, read, write

AUTO = contract("a", "b", delimiter="auto", quote="auto", encoding="auto")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_that_finds_the_columns_is_detected(tmp_path: Path, delimiter: str) -> None:
    content = f"a{delimiter}b\n1{delimiter}x\n"
    stream = opened(contract("a", "b", delimiter="auto"), write(tmp_path, content))
    assert read(stream) == [["1", "x", "baris 2"]]
    assert (stream.found, stream.warnings) == ({"delimiter": delimiter}, [])


def test_decimal_commas_are_not_taken_for_delimiters(tmp_path: Path) -> None:
    stream = opened(AUTO, write(tmp_path, "a;b\n1,5;2,5\n3,5;4,5\n"))
    assert read(stream)[0][:2] == ["1,5", "2,5"]


@pytest.mark.parametrize(
    ("encoding", "detected"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_encoding_is_detected_and_recorded(tmp_path: Path, encoding: str, detected: str) -> None:
    stream = opened(
        contract("a", "b", encoding="auto"), write(tmp_path, "a,b\nKafé,“x”\nlagi,lagi\n".encode(encoding))
    )
    assert read(stream)[0][:2] == ["Kafé", "“x”"]
    assert (stream.found, stream.warnings) == ({"encoding": detected}, [])


@pytest.mark.parametrize(
    ("content", "quote"),
    [
        ('"a","b"\n"1","x, y"\n', '"'),
        ("'a','b'\n'1','x, y'\n", "'"),
        ('"a,b"\n"1,""x, y"""\n', "row"),
        ("a,b\n1,x y\n", '"'),
    ],
)
def test_quote_is_detected_and_recorded(tmp_path: Path, content: str, quote: str) -> None:
    stream = opened(AUTO, write(tmp_path, content))
    assert read(stream)[0][:2] in (["1", "x, y"], ["1", "x y"])
    assert stream.found["quote"] == quote


def test_ambiguous_quote_is_refused_with_both_readings(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b\n1,'x'\n", contract("a", "b", quote="auto"))
    assert "dengan lebih dari satu cara" in error.message
    assert "tanda kutip '\"'" in error.message and 'tanda kutip "\'"' in error.message


def test_header_that_fits_no_delimiter_is_refused_with_all_attempts(tmp_path: Path) -> None:
    error = content_error(tmp_path, "x;y;z\n1;2;3\n", AUTO)
    assert isinstance(error, ShapeError)
    assert "pemisah ';' dengan tanda kutip '\"' 3" in error.message
    assert "pemisah tab, setiap baris di dalam sepasang tanda kutip (quote: row) 1" in error.message


def test_missing_column_is_named_when_the_delimiter_is_detected(tmp_path: Path) -> None:
    assert (
        "tidak ada di baris judul: b; tidak dikenal di baris judul: B"
        in content_error(tmp_path, "a;B\n1;2\n", AUTO).message
    )


def test_later_line_in_another_encoding_is_refused_by_its_number(tmp_path: Path) -> None:
    content = b"a;b\n" + b"1;x\n" * 300_000 + "2;Kaf\xe9\n".encode("cp1252")
    error = content_error(tmp_path, content, AUTO)
    assert "baris 300002: byte-nya bukan utf-8" in error.message


def test_first_part_may_end_inside_a_quoted_cell(tmp_path: Path) -> None:
    rows = '1;"' + "x\n" * 3_000 + '"\n'
    stream = opened(AUTO, write(tmp_path, "a;b\n" + rows * 300))
    assert len(read(stream)) == 300


def test_apostrophe_before_a_name_is_not_taken_for_a_quote(tmp_path: Path) -> None:
    rows = read(opened(AUTO, write(tmp_path, "a;b\n1;SD 'Aisyiyah\n2;'Aisyiyah\n3;x\n")))
    assert [row[1] for row in rows] == ["SD 'Aisyiyah", "'Aisyiyah", "x"]


@pytest.mark.parametrize("content", [b"a,b\n1,\x81\x02\n", b"a,b\n\0\0\0\0\xff\n"])
def test_bytes_that_fit_no_encoding_are_refused_with_a_hint(tmp_path: Path, content: bytes) -> None:
    assert content_error(tmp_path, content, AUTO).hint


def test_title_lines_and_comments_are_skipped_before_detection(tmp_path: Path) -> None:
    of: Contract = contract("a", "b", delimiter="auto", header_row=3, comment="#")
    assert read(opened(of, write(tmp_path, "LAPORAN, 2024\n;;;\n# x,y,z\na;b\n1;2\n"))) == [
        ["1", "2", "baris 5"]
    ]
