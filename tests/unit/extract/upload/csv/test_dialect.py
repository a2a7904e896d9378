"""What a contract leaves to `auto`: found out from the first part and said, or refused with what could be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import ShapeError
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import opened, read, refusal, write

AUTO = contract("a", "b", delimiter="auto", quote="auto", encoding="auto")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_finds_the_columns(tmp_path: Path, delimiter: str) -> None:
    stream = opened(
        contract("a", "b", delimiter="auto"),
        write(tmp_path, f"a{delimiter}b\n1{delimiter}x, y; z\n".replace(", y; z", "")),
    )
    assert read(stream) == [["1", "x", "baris 2"]]
    assert (stream.found, stream.warnings) == ({"delimiter": delimiter}, [])


def test_decimal_commas_do_not_make_a_comma_the_delimiter(tmp_path: Path) -> None:
    stream = opened(AUTO, write(tmp_path, "a;b\n1,5;2,5\n3,5;4,5\n"))
    assert read(stream)[0][:2] == ["1,5", "2,5"]


@pytest.mark.parametrize(
    ("encoding", "taken"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_found_out_and_said(tmp_path: Path, encoding: str, taken: str) -> None:
    stream = opened(
        contract("a", "b", encoding="auto"), write(tmp_path, "a,b\nKafé,“x”\nlagi,lagi\n".encode(encoding))
    )
    assert read(stream)[0][:2] == ["Kafé", "“x”"]
    assert (stream.found, stream.warnings) == ({"encoding": taken}, [])


@pytest.mark.parametrize(
    ("content", "quote"),
    [
        ('"a","b"\n"1","x, y"\n', '"'),
        ("'a','b'\n'1','x, y'\n", "'"),
        ('"a,b"\n"1,""x, y"""\n', "row"),
        ("a,b\n1,x y\n", '"'),
    ],
)
def test_the_quote_is_found_out_and_said(tmp_path: Path, content: str, quote: str) -> None:
    stream = opened(AUTO, write(tmp_path, content))
    assert read(stream)[0][:2] in (["1", "x, y"], ["1", "x y"])
    assert stream.found["quote"] == quote


def test_what_can_be_cut_in_two_ways_is_refused_with_both(tmp_path: Path) -> None:
    error = refusal(tmp_path, "a,b\n1,'x'\n", contract("a", "b", quote="auto"))
    assert "dengan lebih dari satu cara" in error.message
    assert "tanda kutip '\"'" in error.message and 'tanda kutip "\'"' in error.message


def test_a_header_that_no_delimiter_fits_is_refused_with_what_was_tried(tmp_path: Path) -> None:
    error = refusal(tmp_path, "x;y;z\n1;2;3\n", AUTO)
    assert isinstance(error, ShapeError)
    assert "pemisah ';' dengan tanda kutip '\"' 3" in error.message
    assert "pemisah tab, setiap baris di dalam sepasang tanda kutip (quote: row) 1" in error.message


def test_a_column_that_is_missing_is_still_told_by_name(tmp_path: Path) -> None:
    assert (
        "tidak ada di baris judul: b; tidak dikenal di baris judul: B"
        in refusal(tmp_path, "a;B\n1;2\n", AUTO).message
    )


def test_a_later_part_that_does_not_keep_to_it_is_refused_by_line(tmp_path: Path) -> None:
    content = b"a;b\n" + b"1;x\n" * 300_000 + "2;Kaf\xe9\n".encode("cp1252")
    error = refusal(tmp_path, content, AUTO)
    assert "baris 300002: byte-nya bukan utf-8" in error.message


def test_a_first_part_that_ends_inside_a_quoted_cell_is_enough(tmp_path: Path) -> None:
    rows = '1;"' + "x\n" * 3_000 + '"\n'
    stream = opened(AUTO, write(tmp_path, "a;b\n" + rows * 300))
    assert len(read(stream)) == 300


def test_a_name_that_begins_with_an_apostrophe_makes_it_no_quote(tmp_path: Path) -> None:
    rows = read(opened(AUTO, write(tmp_path, "a;b\n1;SD 'Aisyiyah\n2;'Aisyiyah\n3;x\n")))
    assert [row[1] for row in rows] == ["SD 'Aisyiyah", "'Aisyiyah", "x"]


@pytest.mark.parametrize("content", [b"a,b\n1,\x81\x02\n", b"a,b\n\0\0\0\0\xff\n"])
def test_bytes_that_fit_no_encoding_are_refused(tmp_path: Path, content: bytes) -> None:
    assert refusal(tmp_path, content, AUTO).hint


def test_title_lines_and_comments_are_passed_over_first(tmp_path: Path) -> None:
    of: Contract = contract("a", "b", delimiter="auto", header_row=3, comment="#")
    assert read(opened(of, write(tmp_path, "LAPORAN, 2024\n;;;\n# x,y,z\na;b\n1;2\n"))) == [
        ["1", "2", "baris 5"]
    ]
