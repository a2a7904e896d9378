"""Hostile or wrong workbooks: passwords, damage, circles, and contents that would fill the memory."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import msoffcrypto.format.ooxml
import openpyxl
import pytest

from pipelines.errors import SourceError
from pipelines.extract.upload.limits import Limits
from tests.support.extracts import upload_contract as contract
from tests.support.uploads import content_error, opened, read, read_error, workbook, write
from tests.support.workbooks import ods, xls

LITTLE_MEMORY = Limits(memory=400 << 20)
AB_XLSX = contract("a", "b", file_format="xlsx")
TABLE = [["a", "b"], [1, 2]]


def test_xlsx_with_a_password_is_refused_as_such(tmp_path: Path) -> None:
    plain = workbook(tmp_path, *TABLE)
    with plain.open("rb") as source, (tmp_path / "kunci.xlsx").open("wb") as target:
        msoffcrypto.format.ooxml.OOXMLFile(source).encrypt("rahasia", target)
    assert "terkunci dengan kata sandi" in read_error(AB_XLSX, tmp_path / "kunci.xlsx").message


def test_ods_with_a_password_is_refused_as_such(tmp_path: Path) -> None:
    path = ods(tmp_path, "")
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    parts["content.xml"] = os.urandom(200)
    parts["META-INF/manifest.xml"] = b"<m:manifest><m:encryption-data/></m:manifest>"
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    assert "terkunci dengan kata sandi" in read_error(contract("a", file_format="ods"), path).message


def test_xls_with_circular_sectors_is_refused_as_damaged(tmp_path: Path) -> None:
    content = bytearray(xls(tmp_path).read_bytes())
    # The first block of the allocation table (MS-CFB 2.2, offset 76): each sector is made its own successor.
    table = 512 * (1 + int.from_bytes(content[76:80], "little"))
    for sector in range(128):
        content[table + 4 * sector : table + 4 * sector + 4] = sector.to_bytes(4, "little")
    error = content_error(
        tmp_path, bytes(content), contract("a", "b", file_format="xls"), "putar.xls", LITTLE_MEMORY
    )
    assert "buku kerja rusak" in error.message


def test_xls_with_a_damaged_byte_is_refused_or_read_and_never_crashes(tmp_path: Path) -> None:
    sound = xls(tmp_path).read_bytes()
    refusals = 0
    for place in [*range(0, 512, 40), *range(512, len(sound), len(sound) // 20)]:
        damaged = bytearray(sound)
        damaged[place] ^= 0x55
        path = write(tmp_path, bytes(damaged), "damaged.xls")
        try:
            read(opened(contract("a", "b", file_format="xls"), path))
        except SourceError:
            refusals += 1
    assert refusals > 3


def test_web_page_named_xlsx_is_refused_with_a_hint(tmp_path: Path) -> None:
    error = content_error(tmp_path, "\n<table><tr><td>a</td></tr></table>", AB_XLSX, "data.xlsx")
    assert "halaman web" in error.message and "simpan sebagai .xlsx" in str(error.hint)


def with_parts(path: Path, **parts: bytes) -> Path:
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(f"xl/{name}.xml", content)
    return path


def test_workbook_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path: Path) -> None:
    path = with_parts(workbook(tmp_path, *TABLE), sharedStringsAgain=b"\0" * (80 << 20))
    assert "isinya lebih dari 250 kali ukurannya" in read_error(AB_XLSX, path).message


def test_cell_in_the_far_corner_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = workbook(tmp_path, *TABLE)
    book = openpyxl.load_workbook(path)
    sheet: Any = book.active
    sheet["XFD1048576"] = "x"
    book.save(path)
    assert "memerlukan memori lebih dari 3,072 MB" in read_error(AB_XLSX, path).message


def workbook_with_shared_texts(folder: Path, texts: list[str], cells: list[int]) -> Path:
    """A workbook as Excel writes it: `texts` are stored once, and each row refers to one of them by its index."""
    path = workbook(folder, ["a", "b"], [1, 1])
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    first, last = sheet.index(b'<row r="2"'), sheet.index(b"</sheetData>")
    rows = [
        f'<row r="{n}"><c r="A{n}" s="0" t="s"><v>{i}</v></c><c r="B{n}"><v>1</v></c></row>'
        for n, i in enumerate(cells, 2)
    ]
    parts["xl/worksheets/sheet1.xml"] = sheet[:first] + "".join(rows).encode() + sheet[last:]
    items = "".join(f"<si><t>{text}</t></si>" for text in texts)
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{space}">{items}</sst>'.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, content)
    return path


def test_long_text_shared_by_many_cells_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    assert (
        len(
            read(
                opened(
                    AB_XLSX, workbook_with_shared_texts(tmp_path, ["x" * 1_000_000], [0] * 10), LITTLE_MEMORY
                )
            )
        )
        == 10
    )
    path = workbook_with_shared_texts(tmp_path, ["x" * 1_000_000], [0] * 20_000)
    assert "memori lebih dari 400 MB" in read_error(AB_XLSX, path, LITTLE_MEMORY).message


def test_repeated_cells_of_an_ods_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    cell = '<table:table-cell office:value-type="string" table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="1048576">{cell}</table:table-row>'
    path = ods(tmp_path, f'<table:table table:name="Data">{row}</table:table>')
    read_error(
        contract("a", "b", file_format="ods"), path, LITTLE_MEMORY
    )  # calamine has its own limit of repeats


def test_empty_cells_repeated_to_the_end_of_an_ods_are_ignored(tmp_path: Path) -> None:
    cells = "".join(
        f'<table:table-cell office:value-type="string"><text:p>{c}</text:p></table:table-cell>' for c in "ab"
    )
    tail = '<table:table-row table:number-rows-repeated="1048573"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    row = (
        f'<table:table-row>{cells}<table:table-cell table:number-columns-repeated="16382"/></table:table-row>'
    )
    path = ods(tmp_path, f'<table:table table:name="Data">{row}{row}{tail}</table:table>')
    assert read(opened(contract("a", "b", file_format="ods"), path)) == [["a", "b", "baris 2"]]


def test_part_with_a_false_size_is_refused(tmp_path: Path) -> None:
    path = with_parts(workbook(tmp_path, *TABLE), more=b"\0" * 1_234_567)
    content = path.read_bytes()
    size = (1_234_567).to_bytes(4, "little")
    assert content.count(size) == 2  # in front of the part, and in the list of members
    path.write_bytes(content.replace(size, (1000).to_bytes(4, "little")))
    assert "bukan buku kerja" in read_error(AB_XLSX, path).message


def test_many_sheets_over_one_part_are_refused_but_one_of_them_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path, ["a", "b"], [1, 2], title="S1")
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = parts["xl/workbook.xml"].split(b"<sheets>")[1].split(b"</sheets>")[0]
    copies = b"".join(sheet.replace(b'"S1"', b'"S%d"' % number) for number in range(1, 3_001))
    parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(sheet, copies)
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, content)
    assert "lembar S2 rusak" in read_error(contract("a", "b", file_format="xlsx", sheets="S*"), path).message
    assert len(read(opened(contract("a", "b", file_format="xlsx", sheet="S7"), path))) == 1


@pytest.mark.parametrize("mess", ["<!--", "<!", "<script>", "<td", "<td '", "&"])
def test_web_page_of_unclosed_tags_is_read_to_its_end(tmp_path: Path, mess: str) -> None:
    page = "<table><tr><td>a<tr><td>1" + mess * 200_000
    found = read(opened(contract("a", file_format="xls"), write(tmp_path, page, "data.xls")))
    assert [(row[0] or "")[:1] for row in found] == ["1"]
