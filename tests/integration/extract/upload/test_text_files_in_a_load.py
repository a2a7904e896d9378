"""CSV files as Excel, macOS, MySQL and people write them, loaded into raw."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ShapeError, SourceError
from tests.support.contracts import column
from tests.support.sent_files import SentFiles
from tests.support.uploads import workbook, write

K, A, B = column("k", "integer", primaryKey=True), column("a"), column("b")


def test_blanks_of_every_kind_separate_thousands(files: SentFiles, tmp_path: Path) -> None:
    text = "k;a\n1;3\u00a0793,2\n2;793,2\n3;12 345 678\n4;1\u202f234,5\n5;-1 234.567\n6;12 34\n7;Rp 1 500 000,-\n"
    number = column("a", "numeric(12,3)", parse=["teks", "angka_id"])
    sent = files.send(write(tmp_path, text), K, number, delimiter=";")
    assert [(k, str(a)) for k, a in sent.rows] == [
        (1, "3793.200"), (2, "793.200"), (3, "12345678.000"), (4, "1234.500"), (5, "-1234.567"), (7, "1500000.000"),
    ]  # fmt: skip
    assert sent.refused == {"baris 7": ["tipe"]}


def test_a_formula_that_holds_a_text_is_read_as_that_text(files: SentFiles, tmp_path: Path) -> None:
    text = 'kode,k\n"0012",1\n="0013",2\n"=""0014""",3\n\'0015,4\n"=""a""""b""",5\n="",6\n'
    sent = files.send(write(tmp_path, text), column("kode", parse="petik_excel"), K)
    assert sent.rows == [("0012", 1), ("0013", 2), ("0014", 3), ("0015", 4), ('a"b', 5), (None, 6)]


def test_a_name_of_a_column_is_found_in_every_unicode_form(files: SentFiles, tmp_path: Path) -> None:
    nfc = column("nama", physicalName="Kécamatan")
    path = write(tmp_path, "Ke\u0301camatan,k\nT\u00e9riti,1\n")
    assert files.send(path, nfc, K).rows == [("Tériti", 1)]
    path = write(tmp_path, '[{"Ke\u0301camatan": "Tériti", "k": 1}]', "data.json")
    assert files.send(path, nfc, K).rows == [("Tériti", 1)]
    nfd = column("nama", physicalName="Ke\u0301camatan")
    path = write(tmp_path, '[{"K\u00e9camatan": "Tériti", "k": 1}]', "data.json")
    assert files.send(path, nfd, K).rows == [("Tériti", 1)]


def test_blanks_behind_a_delimiter_are_declared_and_never_part_of_a_quoted_cell(
    files: SentFiles, tmp_path: Path
) -> None:
    path = write(tmp_path, 'k, a, b\n1, "x, y", z\n2, "p", q\n')
    assert files.send(path, K, A, B, skipinitialspace=True).rows == [(1, "x, y", "z"), (2, "p", "q")]
    with pytest.raises(SourceError, match="baris 2: ada spasi di antara") as caught:
        files.send(path, K, A, B)
    assert "skipinitialspace: true" in str(caught.value.hint)


def test_a_cell_that_begins_with_a_blank_and_a_quote_of_its_own_stays(
    files: SentFiles, tmp_path: Path
) -> None:
    path = write(tmp_path, 'k,a\n1," ""x"" y"\n2, y\n')
    assert files.send(path, K, A).rows == [(1, ' "x" y'), (2, " y")]


def test_backslash_escapes_are_read_as_mysql_reads_them(files: SentFiles, tmp_path: Path) -> None:
    text = 'k,a,b\n1,"a \\"b\\", c",x\n2,"C:\\\\data",y\n3,\\N,z\n4,"satu\\\ndua",a\\,b\n5,"tiga\\nempat\\tlima",N\n'
    path = write(tmp_path, text)
    assert files.send(path, K, A, B, escape="\\").rows == [
        (1, 'a "b", c', "x"),
        (2, "C:\\data", "y"),
        (3, None, "z"),
        (4, "satu\ndua", "a,b"),
        (5, "tiga\nempat\tlima", "N"),
    ]
    with pytest.raises(SourceError) as caught:
        files.send(path, K, A, B)
    assert "nyatakan escape: '\\'" in str(caught.value.hint)


def test_tabs_and_escapes_without_quotes_are_read_as_mysqls_batch_form(
    files: SentFiles, tmp_path: Path
) -> None:
    path = write(tmp_path, 'k\ta\tb\n1\tsatu\\tdua\t"\n2\t\\N\t\\\\\n')
    sent = files.send(path, K, A, B, delimiter="\t", quote="none", escape="\\")
    assert sent.rows == [(1, "satu\tdua", '"'), (2, None, "\\")]


def test_a_repeated_name_in_the_header_is_numbered(files: SentFiles, tmp_path: Path) -> None:
    first, second = (
        column("laki", "integer", physicalName="Jumlah"),
        column("perempuan", "integer", physicalName="Jumlah#2"),
    )
    for path in (
        write(tmp_path, "k,Jumlah,Jumlah\n1,2,3\n"),
        workbook(tmp_path, ["k", "Jumlah", "Jumlah"], [1, 2, 3]),
    ):
        assert files.send(path, K, first, second).rows == [(1, 2, 3)]
        with pytest.raises(ShapeError, match="ganda di baris judul: Jumlah"):
            files.send(path, K, first)
    with pytest.raises(ShapeError, match="tidak dikenal di baris judul: Jumlah#3"):
        files.send(write(tmp_path, "k,Jumlah,Jumlah,Jumlah\n1,2,3,4\n"), K, first, second)


def test_a_header_in_another_row_is_found_and_named(files: SentFiles, tmp_path: Path) -> None:
    title = [["LAPORAN", None, None], [], ["k", "a", "b"], [1, "x", "y"]]
    text = "LAPORAN,,\n\nk,a,b\n1,x,y\n"
    for path in (write(tmp_path, text), workbook(tmp_path, *title)):
        for row in (1, 4):
            with pytest.raises(ShapeError) as caught:
                files.send(path, K, A, B, header_row=row)
            assert "nyatakan header_row: 3" in str(caught.value.hint)
        assert files.send(path, K, A, B, header_row=3).rows == [(1, "x", "y")]


def test_a_column_without_a_name_is_refused_with_the_way_to_declare_it(
    files: SentFiles, tmp_path: Path
) -> None:
    path = workbook(tmp_path, ["Judul di kolom A"], [None, "k", "a"], [None, 1, "x"])
    with pytest.raises(ShapeError, match="tidak dikenal di baris judul: kolom 1") as caught:
        files.send(path, K, A, header_row=2)
    assert "physicalName: kolom 1 dan drop: true" in str(caught.value.hint)
    sent = files.send(path, column("tepi", physicalName="kolom 1", drop=True), K, A, header_row=2)
    assert sent.rows == [(1, "x")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_byte_order_mark_is_refused_with_the_reason(
    files: SentFiles, tmp_path: Path, encoding: str
) -> None:
    path = write(tmp_path, "k,a\n1,x\n".encode(encoding))
    with pytest.raises(SourceError, match="berkas tidak memiliki tanda urutan byte"):
        files.send(path, K, A, encoding="utf-16")
    assert files.send(path, K, A, encoding=encoding).rows == [(1, "x")]
