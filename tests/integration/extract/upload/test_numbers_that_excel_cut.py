"""Excel and every double lose the last digits of numbers over 15 digits. Such numbers are refused as NIK and KK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlwt

from tests.support.contracts import column
from tests.support.sent_files import SentFiles
from tests.support.uploads import workbook, write
from tests.support.workbooks import ods

CUT = 6.40201410590001e15
"""A NIK as Excel keeps it: the last of its 16 digits is gone."""
NIK = column("nik", classification="pribadi", pseudonymise="orang", logicalTypeOptions={"format": "nik"})
KK = column("kk", logicalTypeOptions={"minLength": 16, "maxLength": 16})


@pytest.fixture(autouse=True)
def pseudonym_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)


EXACT = "9901010101900001"
ROWS = [["nik", "kk"], [CUT, EXACT], [EXACT, CUT], [EXACT, EXACT]]


def xlsx(folder: Path) -> Path:
    return workbook(folder, *ROWS)


def xls(folder: Path) -> Path:
    book = xlwt.Workbook()
    sheet = book.add_sheet("S")
    for row, cells in enumerate(ROWS):
        for place, cell in enumerate(cells):
            sheet.write(row, place, cell)
    book.save(str(folder / "data.xls"))
    return folder / "data.xls"


def ods_(folder: Path) -> Path:
    number = f'<table:table-cell office:value-type="float" office:value="{CUT!r}"/>'
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = ["".join(number if cell == CUT else text.format(cell) for cell in cells) for cells in ROWS]
    table = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    return ods(folder, f'<table:table table:name="S">{table}</table:table>')


def csv(folder: Path) -> Path:
    marks = ["6.40201410590001e+15", '"6,40201410590001E+15"']
    return write(folder, f"nik,kk\n{marks[0]},{EXACT}\n{EXACT},{marks[1]}\n{EXACT},{EXACT}\n")


def json_(folder: Path) -> Path:
    cut = ["6402014105900010.0", "6.40201410590001e15"]
    pairs = [(cut[0], f'"{EXACT}"'), (f'"{EXACT}"', cut[1]), (f'"{EXACT}"', f'"{EXACT}"')]
    rows = ", ".join(f'{{"nik": {nik}, "kk": {kk}}}' for nik, kk in pairs)
    return write(folder, f"[{rows}]", "data.json")


@pytest.mark.parametrize("make", [xlsx, xls, ods_, csv, json_])
def test_a_number_without_its_last_digits_is_refused_as_nik_and_kk(
    files: SentFiles, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    sent = files.send(make(tmp_path), NIK, KK)
    assert [kk for _, kk in sent.rows] == [EXACT]
    assert all("notasi_ilmiah" in rules for rules in sent.refused.values())
    assert sent.quarantined == 2


def test_a_double_of_parquet_is_refused_as_nik_and_an_integer_is_loaded(
    files: SentFiles, tmp_path: Path
) -> None:
    for numbers, loaded in ((pa.array([CUT, 1e15]), 0), (pa.array([9901010101900001, 9901010101900002]), 2)):
        pq.write_table(pa.table({"nik": numbers}), tmp_path / "data.parquet")
        sent = files.send(tmp_path / "data.parquet", NIK)
        assert (len(sent.rows), sent.quarantined) == (loaded, 2 - loaded)


def test_a_long_number_in_a_number_column_is_loaded(files: SentFiles, tmp_path: Path) -> None:
    path = workbook(tmp_path, ["anggaran", "lain"], [1.5e15, 6e20])
    sent = files.send(path, column("anggaran", "bigint"), column("lain", "numeric(25,0)"))
    assert sent.rows == [(1_500_000_000_000_000, 600_000_000_000_000_000_000)]


def test_number_cells_are_read_as_numbers_beside_texts_with_indonesian_marks(
    files: SentFiles, tmp_path: Path
) -> None:
    id_ = column("nilai", "numeric(12,3)", parse="angka_id")
    expected = [(1.234,), (1234,)]
    path = workbook(tmp_path, ["nilai"], [1.234], ["1.234"])
    assert [tuple(map(float, row)) for row in files.send(path, id_).rows] == expected
    path = write(tmp_path, '[{"nilai": 1.234}, {"nilai": "1.234"}]', "data.json")
    assert [tuple(map(float, row)) for row in files.send(path, id_).rows] == expected
    pq.write_table(pa.table({"nilai": pa.array([1.234, 1234.0])}), tmp_path / "data.parquet")
    assert [tuple(map(float, row)) for row in files.send(tmp_path / "data.parquet", id_).rows] == expected
