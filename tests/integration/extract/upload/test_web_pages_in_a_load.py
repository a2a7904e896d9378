"""Tables of a web page that was saved as .xls, as BPS exports them, loaded into raw."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import ShapeError, SourceError
from tests.support.contracts import column
from tests.support.sent_files import SentFiles
from tests.support.uploads import write

PAGE = """
<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><meta charset="utf-8"><title>Jumlah Penduduk</title>
<style>td { border: 1px }</style></head><body>
<table border=1>
<tr><td colspan=3><b>Jumlah Penduduk menurut Kecamatan, 2024</b></td></tr>
<tr><th rowspan=2>Kecamatan</th><th colspan="2">Penduduk</th></tr>
<tr><th>Laki-laki</th><th>Perempuan</th></tr>
<tr><td>001&nbsp;Palaran</td><td align=right>1.234<td align=right>1 100
<tr><td>Samarinda<br>Ilir &amp; Kota</td><td>12.345,5</td><td>&nbsp;</td></tr>
<tr><td>#N/A</td><td>1</td><td>2</td></tr>
</table>
<script>document.write("<table><tr><td>x</td></tr></table>")</script>
</body></html>
"""
NUMBERS = {"parse": ["teks", "angka_id"]}
COLUMNS = (
    column("kec", physicalName="Kecamatan"),
    column("l", "numeric(10,1)", physicalName="Penduduk / Laki-laki", **NUMBERS),
    column("p", "integer", physicalName="Penduduk / Perempuan", **NUMBERS),
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_of_bps_is_read_with_its_two_header_rows(
    files: SentFiles, tmp_path: Path, encoding: str
) -> None:
    path = write(tmp_path, PAGE.encode(encoding), "data.xls")
    sent = files.send(path, *COLUMNS, header_row=2, header_rows=2)
    assert [(kec, str(l_), p) for kec, l_, p in sent.rows] == [
        ("001\u00a0Palaran", "1234.0", 1100),
        ("Samarinda\nIlir & Kota", "12345.5", None),
    ]
    assert sent.refused == {"baris 6": ["sel_galat"]}


def test_cells_that_span_rows_count_as_merged_cells(files: SentFiles, tmp_path: Path) -> None:
    page = "<TABLE><TR><TD>kab<TD>kec<TR><TD ROWSPAN=2>A<TD>a<TR><TD>b<TR><TD>B<TD>c</TABLE>"
    columns = (column("kab"), column("kec"))
    path = write(tmp_path, page, "data.xls")
    assert files.send(path, *columns, fill_down=["kab"]).rows == [("A", "a"), ("A", "b"), ("B", "c")]
    (warning,) = files.send(path, *columns).warnings
    assert "1 sel gabungan di isi tabel, yang pertama di baris 2 kolom kab" in warning


def test_the_first_table_with_rows_is_read_or_the_one_that_is_named(files: SentFiles, tmp_path: Path) -> None:
    inner = "<table><tr><td>a</td></tr><tr><td>{}</td></tr></table>"
    page = f"<!DOCTYPE html><table><tr><td>Menu<td>{inner.format(1)}{inner.format(2)}</table>".encode(
        "cp1252"
    )
    path = write(tmp_path, page, "data.xls")
    assert files.send(path, column("a")).rows == [("1",)]
    assert files.send(path, column("a"), sheet="Tabel 3").rows == [("2",)]


def test_a_page_without_the_table_is_refused_with_the_reason(files: SentFiles, tmp_path: Path) -> None:
    path = write(tmp_path, "<html><body><form>Masuk</form></body></html>", "data.xls")
    with pytest.raises(SourceError, match="halaman web tanpa tabel"):
        files.send(path, column("a"))
    path = write(tmp_path, "<table><tr><td>Sesi<tr><td>berakhir</table>", "data.xls")
    with pytest.raises(ShapeError, match="tidak ada di baris judul: a"):
        files.send(path, column("a"))
    page = write(tmp_path, "<html><table><tr><td>a<tr><td>1</table>", "data.xlsx")
    with pytest.raises(SourceError, match="ini bukan buku kerja melainkan halaman web") as caught:
        files.send(page, column("a"))
    assert "format: xls" in str(caught.value.hint)
