"""CSV files as COPY text: what is read, with which position, and what is refused with which message."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.upload.csv.text import MAX_ROW
from pipelines.extract.upload.files import UploadedFile
from pipelines.extract.upload.reader import open_file
from tests.support import uploads
from tests.support.extracts import column, decode_copy
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import Rows, opened, read, workbook, write

AB = contract("a", "b")


def read_text(folder: Path, content: bytes | str, of: Contract = AB) -> Rows:
    return uploads.read_text(folder, content, of)


def content_error(folder: Path, content: bytes | str, of: Contract = AB) -> SourceError:
    return uploads.content_error(folder, content, of)


# --- what is read


def test_cells_have_the_order_of_the_contract_and_their_line_as_position(tmp_path: Path) -> None:
    stream = opened(
        contract(column("tahun"), column("nama", "Nama Sekolah")),
        write(tmp_path, "Nama Sekolah,tahun\nX,2024\n"),
    )
    assert stream.columns == ("tahun", "nama", "_source_position")
    assert read(stream) == [["2024", "X", "baris 2"]]
    assert (stream.rows, stream.name, stream.warnings) == (1, "data.csv", [])


def test_fingerprint_is_the_sha256_of_the_bytes(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n" * 50_000
    stream = opened(AB, write(tmp_path, content))
    stream.close()
    assert stream.fingerprint == hashlib.sha256(content).hexdigest()


def test_file_that_is_replaced_during_reading_is_read_in_its_old_state(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + "1,lama\n" * 100_000)
    stream = opened(AB, path)
    first = next(stream.blocks)
    write(tmp_path, "b,a\nbaru,2\n", "new.csv").replace(path)
    rows = decode_copy([first, *stream.blocks])
    assert len(rows) == 100_000
    assert {row[1] for row in rows} == {"lama"}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_all_kinds_of_line_ends_are_read(tmp_path: Path, newline: str) -> None:
    content = newline.join(["a,b", "1,2", '"3\n3",4', "5,6", ""])
    assert read_text(tmp_path, content)[0] == ["1", "2", "baris 2"]
    assert read_text(tmp_path, content)[2][:2] == ["5", "6"]


def test_positions_count_physical_lines_including_blank_ones(tmp_path: Path) -> None:
    rows = read_text(tmp_path, 'a,b\n1,2\n\n"x\ny",3\n,\n4,5\n')
    assert [row[2] for row in rows] == ["baris 2", "baris 4", "baris 7"]
    assert rows[1][0] == "x\ny"


def test_empty_cells_are_null_and_blank_rows_are_skipped(tmp_path: Path) -> None:
    assert read_text(tmp_path, "a,b\n1,\n , \u00a0\n,2\n") == [["1", None, "baris 2"], [None, "2", "baris 4"]]


def test_values_are_kept_unchanged(tmp_path: Path) -> None:
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
def test_declared_encoding_is_read_with_or_without_bom(tmp_path: Path, encoding: str, declared: str) -> None:
    content = "a,b\nKafé,“x”\n".encode(encoding)
    assert read_text(tmp_path, content, contract("a", "b", encoding=declared))[0][:2] == ["Kafé", "“x”"]


def test_delimiter_and_header_row_of_the_contract_are_used(tmp_path: Path) -> None:
    of = contract("a", "b", delimiter=";", header_row=3)
    assert read_text(tmp_path, "LAPORAN; 2024\n\na;b\n1;2,5\n", of) == [["1", "2,5", "baris 4"]]


def test_names_in_the_header_are_stripped_of_white_space(tmp_path: Path) -> None:
    assert read_text(tmp_path, "\u00a0a ,\tb\u00a0,,\n1,2,,\n") == [["1", "2", "baris 2"]]


@pytest.mark.parametrize(
    ("content", "line", "cells"),
    [
        ("a,b,c\n1,Jalan\nMawar,5\n2,x,7\n", 2, 2),
        ("a,b,c\n2,x,7\n1\n", 3, 1),
        ("a,b,c\n2,x,7\n1,\n3,y,8\n", 3, 2),
    ],
)
def test_row_with_fewer_cells_than_the_header_is_refused(
    tmp_path: Path, content: str, line: int, cells: int
) -> None:
    error = content_error(tmp_path, content, contract("a", "b", "c"))
    assert f"baris {line}: {cells} sel, sedangkan baris judul 3" in error.message
    assert "ganti baris di dalam sel" in str(error.hint) and "short_rows: true" in str(error.hint)


def test_short_rows_are_padded_and_counted_if_the_contract_allows_it(tmp_path: Path) -> None:
    stream = opened(contract("a", "b", short_rows=True), write(tmp_path, "a,b\n1\n,2\n3,\n\n4\n"))
    assert [row[:2] for row in read(stream)] == [["1", None], [None, "2"], ["3", None], ["4", None]]
    assert stream.warnings == [
        "data.csv: 2 baris memuat lebih sedikit sel daripada baris judul; sel yang tidak ada menjadi NULL"
    ]


def test_short_total_row_is_skipped(tmp_path: Path) -> None:
    made = contract("a", "b", totals={"a": "^Jumlah"})
    assert [row[:2] for row in read_text(tmp_path, "a,b\n1,2\nJumlah 2\n", made)] == [["1", "2"]]


def test_last_line_without_newline_is_accepted_if_it_has_all_cells(tmp_path: Path) -> None:
    assert len(read_text(tmp_path, "a,b,,\n1,2\n3,4")) == 2


def test_memory_does_not_grow_with_a_large_csv(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + ("x" * 500 + ",y\n") * 30_000)
    stream = opened(AB, path)
    tracemalloc.start()
    for _ in stream.blocks:
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.rows == 30_000
    assert peak < 5_000_000 < path.stat().st_size


# --- what is refused


def test_missing_column_is_refused_and_unknown_ones_are_named(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,B,c\n1,2,3\n")
    assert isinstance(error, ShapeError)
    assert "tidak ada di baris judul: b; tidak dikenal di baris judul: B, c" in error.message
    assert "a, b" in str(error.hint)


def test_unknown_column_is_refused_for_a_frozen_dataset(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b,c,\n1,2,3,\n")
    assert isinstance(error, ShapeError)
    assert "tidak dikenal di baris judul: c" in error.message


def test_unknown_column_of_an_evolving_dataset_goes_to_extra_with_a_warning(tmp_path: Path) -> None:
    stream = opened(contract("a", "b", schema_contract="evolve"), write(tmp_path, "a,c,,b\n1,9,,2\n"))
    assert stream.columns == ("a", "b", "_extra", "_source_position")
    ((a, b, extra, position),) = read(stream)
    assert (a, b, position) == ("1", "2", "baris 2")
    assert extra is not None and json.loads(extra) == {"c": "9", "kolom 3": None}
    assert stream.shape == {"a": "", "c": "", "kolom 3": "", "b": ""}
    assert stream.warnings == ["data.csv: kolom yang tidak ada di kontrak, disimpan di _extra: c, kolom 3"]


def test_extra_is_null_without_unknown_columns(tmp_path: Path) -> None:
    of = contract("a", "b", schema_contract="evolve")
    assert read_text(tmp_path, "a,b\n1,2\n", of) == [["1", "2", None, "baris 2"]]


def test_extra_is_json_that_postgresql_accepts(tmp_path: Path) -> None:
    of = contract("a", schema_contract="evolve")
    ((_, extra, _),) = read_text(tmp_path, 'a,"c ""x"""\n1,"Jl. ""Mawar""\n\\u0000\té"\n', of)
    assert extra is not None and json.loads(extra) == {'c "x"': 'Jl. "Mawar"\n\\u0000\té'}


def test_missing_column_of_an_evolving_dataset_is_null_with_a_warning(tmp_path: Path) -> None:
    stream = opened(contract("a", "b", schema_contract="evolve"), write(tmp_path, "a\n1\n"))
    assert read(stream) == [["1", None, None, "baris 2"]]
    assert stream.warnings == ["data.csv: kolom yang dijanjikan tidak ada lagi, sejak kini NULL: b"]
    assert stream.shape == {"a": ""}


@pytest.mark.parametrize("needed", [{"required": True}, {"key": True}])
def test_missing_required_column_is_refused_for_an_evolving_dataset_too(
    tmp_path: Path, needed: dict[str, bool]
) -> None:
    of = contract("a", replace(column("b"), **needed), schema_contract="evolve")
    error = content_error(tmp_path, "a,c\n1,2\n", of)
    assert isinstance(error, ShapeError)
    assert "tidak ada di baris judul: b; tidak dikenal di baris judul: c" in error.message


def test_repeated_name_in_the_header_is_refused(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b,b \n1,2,3\n", contract("a", "b", schema_contract="evolve"))
    assert isinstance(error, ShapeError)
    assert "ganda di baris judul: b" in error.message


def test_error_names_the_delimiter_that_the_file_seems_to_have(tmp_path: Path) -> None:
    assert "dipisah dengan ';'" in str(content_error(tmp_path, "a;b\n1;2\n").hint)


def test_row_with_too_many_cells_is_refused_with_its_line(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b\n1,2\n3,4,5\n")
    assert not isinstance(error, ShapeError)
    assert "baris 3: 3 sel, sedangkan baris judul 2" in error.message


def test_empty_cells_beyond_the_header_are_ignored(tmp_path: Path) -> None:
    assert read_text(tmp_path, "a,b\n1,2,, \n") == [["1", "2", "baris 2"]]


@pytest.mark.parametrize("content", ["a,b\n1,2\n3", "a,b\r\n1,2\r\n3"])
def test_half_written_file_is_refused_as_truncated(tmp_path: Path, content: str) -> None:
    assert (
        "berkas terpotong: baris terakhir, baris 3, memuat 1 dari 2 sel"
        in content_error(tmp_path, content).message
    )


def test_half_written_utf16_file_is_refused_as_truncated(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b\n1,2\n3".encode("utf-16"), contract("a", "b", encoding="utf-16"))
    assert "terpotong" in error.message


def test_complete_utf16_file_is_read(tmp_path: Path) -> None:
    of = contract("a", "b", encoding="utf-16")
    assert len(read_text(tmp_path, "a,b\n1,2\n3,\n".encode("utf-16"), of)) == 2


def test_wrong_encoding_is_refused_with_the_line_of_the_first_wrong_byte(tmp_path: Path) -> None:
    lines = ["a,b", *["1,x"] * 40_000, "2,Kaf\xe9", *["3,y"] * 10]
    error = content_error(tmp_path, "\n".join(lines).encode("cp1252"))
    assert "baris 40002: byte-nya bukan utf-8" in error.message
    assert "cp1252" in str(error.hint)


def test_utf8_bom_with_another_declared_encoding_is_refused(tmp_path: Path) -> None:
    error = content_error(tmp_path, "\ufeffa,b\n1,2\n", contract("a", "b", encoding="cp1252"))
    assert "pengodean berkas UTF-8, sedangkan kontrak menyatakan cp1252" in error.message


def test_unclosed_quote_is_refused_with_the_line_that_opened_it(tmp_path: Path) -> None:
    error = content_error(tmp_path, 'a,b\n1,2\n3,"4\n5,6\n' + "7,8\n" * 10)
    assert 'baris 3: tanda kutip (") dibuka di baris ini' in error.message


def test_unescaped_quote_inside_a_cell_is_refused(tmp_path: Path) -> None:
    error = content_error(tmp_path, 'a,b\n1,2\n3,"Budi "si" x"\n')
    assert 'baris 3: ada tanda kutip (") di dalam sel' in error.message
    assert "Budi" not in str(error)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "kosong"),
        ("a,b\n", "tidak ada baris data"),
        ("a,b\n,\n \n", "tidak ada baris data"),
        ("\n\n", "tidak ada baris judul di baris 1"),
    ],
)
def test_file_without_data_is_refused(tmp_path: Path, content: str, message: str) -> None:
    assert message in content_error(tmp_path, content).message


def test_workbook_named_csv_is_refused_as_a_workbook(tmp_path: Path) -> None:
    assert "ini buku kerja" in content_error(tmp_path, workbook(tmp_path, ["a", "b"]).read_bytes()).message


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="tidak dapat dibuka"):
        open_file(AB, UploadedFile(tmp_path / "data.csv", "data.csv", 1, 1.0))


# --- declared dialects


def test_lines_before_the_header_row_are_ignored(tmp_path: Path) -> None:
    of = contract("a", "b", header_row=4)
    assert read_text(tmp_path, 'LAPORAN "2024\n\nNo;1\na,b\n1,2\n', of) == [["1", "2", "baris 5"]]


def test_header_rows_are_joined_and_upper_names_extend_to_the_right(tmp_path: Path) -> None:
    of = contract("nama", column("l", "Jumlah / L"), column("p", "Jumlah / P"), header_rows=2)
    stream = opened(of, write(tmp_path, "nama,Jumlah,\n,L,P\nX,1,2\n"))
    assert read(stream) == [["X", "1", "2", "baris 3"]]
    assert list(stream.shape) == ["nama", "Jumlah / L", "Jumlah / P"]


def test_total_rows_are_skipped_everywhere_and_counted(tmp_path: Path) -> None:
    of = contract("kab", "n", totals={"kab": "(?i)^(jumlah|total)"})
    stream = opened(of, write(tmp_path, "kab,n\nBerau,1\nJUMLAH,1\nPaser,2\nTotalindo,5\n total akhir,3\n"))
    assert [row[0] for row in read(stream)] == ["Berau", "Paser"]
    assert stream.rows == 2
    assert stream.warnings == ["data.csv: 3 baris jumlah tidak dimuat"]


def test_totals_of_an_unknown_column_are_a_contract_error(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="totals: 'kecamatan' bukan kolom kontrak"):
        opened(contract("a", totals={"kecamatan": "x"}), write(tmp_path, "a\n1\n"))


def test_comment_lines_are_skipped_but_not_inside_a_cell(tmp_path: Path) -> None:
    of = contract("a", "b", comment="#")
    rows = read_text(tmp_path, '# sumber: "BPS\na,b\n1,"x\n#y"\n#,,,,\n3,#4\n', of)
    assert rows == [["1", "x\n#y", "baris 3"], ["3", "#4", "baris 6"]]


def test_leading_blanks_of_a_hierarchy_are_kept(tmp_path: Path) -> None:
    assert [row[0] for row in read_text(tmp_path, "a,b\nKaltim,1\n  Berau,1\n    Sambaliung,1\n")] == [
        "Kaltim",
        "  Berau",
        "    Sambaliung",
    ]


def test_rows_in_quotes_are_unwrapped(tmp_path: Path) -> None:
    content = '"a,b"\n"1,""Jl. Mawar, 5"""\n\n"2,""baris\nlipat"""\n3,\n'
    assert read_text(tmp_path, content, contract("a", "b", quote="row")) == [
        ["1", "Jl. Mawar, 5", "baris 2"],
        ["2", "baris\nlipat", "baris 4"],
        ["3", None, "baris 6"],
    ]


def test_row_without_quotes_among_rows_in_quotes_is_refused(tmp_path: Path) -> None:
    error = content_error(tmp_path, '"a,b"\n"1,2"\n3,4\n', contract("a", "b", quote="row"))
    assert "baris 3: baris ini tidak berada dalam sepasang tanda kutip" in error.message


def test_error_of_rows_in_quotes_says_to_declare_quote_row(tmp_path: Path) -> None:
    assert "nyatakan quote: row" in str(content_error(tmp_path, '"a,b"\n"1,2"\n').hint)


@pytest.mark.parametrize(("quote", "cell"), [("none", '"Budi" "si" x'), ("'", "Jl. Mawar, 5")])
def test_other_quote_or_no_quote_can_be_declared(tmp_path: Path, quote: str, cell: str) -> None:
    written = cell if quote == "none" else f"'{cell}'"
    assert read_text(tmp_path, f"a,b\n1,{written}\n", contract("a", "b", quote=quote))[0][1] == cell


def test_line_break_in_a_header_cell_becomes_a_blank(tmp_path: Path) -> None:
    of = contract(column("a", "Jumlah Siswa"), "b")
    assert read_text(tmp_path, '"Jumlah\n Siswa",b\n1,2\n', of) == [["1", "2", "baris 3"]]


def test_file_name_can_be_a_column(tmp_path: Path) -> None:
    stream = opened(contract("a", column("berkas", "@file")), write(tmp_path, "a\n1\n", "tahun_2024.csv"))
    assert read(stream) == [["1", "tahun_2024.csv", "baris 2"]]
    assert stream.shape == {"a": ""}


# --- hostile files


def test_cell_of_ten_megabytes_is_read(tmp_path: Path) -> None:
    cell = "x" * 10_000_000
    assert read_text(tmp_path, f'a,b\n1,"{cell}"\n')[0][1] == cell


def test_endless_row_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = write(tmp_path, 'a,b\n1,"' + ("x" * 999 + "\n") * 40_000)
    tracemalloc.start()
    error = uploads.read_error(AB, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (
        'baris 2: tanda kutip (") dibuka di baris ini' in error.message
        and f"{MAX_ROW:,} karakter" in error.message
    )
    assert peak < 5 * MAX_ROW


def test_nul_byte_is_refused_with_its_row(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b\n1,2\n3,x\0y\n")
    assert "baris 3: ada karakter NUL" in error.message


def test_utf16_without_bom_is_refused_with_the_encoding_to_declare(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b\n1,2\n".encode("utf-16-le"), contract("a", "b", encoding="utf-16"))
    assert "utf-16-le" in str(error.hint)


def test_utf16_file_declared_as_utf8_is_refused(tmp_path: Path) -> None:
    error = content_error(tmp_path, "a,b\n1,2\n".encode("utf-16"))
    assert "pengodean berkas UTF-16, sedangkan kontrak menyatakan utf-8" in error.message


def test_errors_contain_no_content_of_the_file(tmp_path: Path) -> None:
    for content in ("a,b\n1,Rahasi\xe9\n".encode("cp1252"), 'a,b\n1,"Rahasia" x\n', "a,b\n1,Rahasia\0\n"):
        error = content_error(tmp_path, content)
        assert "Rahasi" not in repr((error, error.__context__, error.__cause__))
