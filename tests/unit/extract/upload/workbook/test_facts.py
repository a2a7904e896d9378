"""The facts of a workbook beside its values (formats, hidden rows, errors, epoch), however its XML is written."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extract.upload.workbook.facts import DamagedError, Rows, is_percent
from pipelines.extract.upload.workbook.xls import XlsFacts
from pipelines.extract.upload.workbook.xlsx import XlsxFacts
from tests.support.workbook_kinds import Failed, Percent, Sheet, as_xls, as_xlsx

SHEET = Sheet([["a", "b"], [Percent(0.5), "x"], [1, Percent(2.0)], [Percent(0.25), Percent(0.1)]], hidden=[2])


@given(st.sets(st.integers(1, 60)), st.integers(1, 60), st.integers(1, 60))
def test_rows_gives_the_added_rows_within_a_range(rows: set[int], start: int, stop: int) -> None:
    kept = Rows()
    for row in sorted(rows):
        kept.add(row)
        kept.add(row)
    span = range(start, stop)
    assert list(kept.within(span)) == [row for row in span if row in rows]


def test_rows_out_of_order_are_refused() -> None:
    kept = Rows()
    kept.add(5, 3)
    assert list(kept.within(range(1, 7))) == [5, 6]
    with pytest.raises(ValueError, match="out of order"):
        kept.add(4)


@pytest.mark.parametrize(
    ("code", "percent"),
    [
        ("0.00%", True),
        ("[Red]0%;-0%", True),
        ("0.0\\ %", True),
        ('0"%"', False),
        ("0\\%", False),
        ("General", False),
        ('"50% "0', False),
    ],
)
def test_format_is_percent_if_its_sign_is_not_quoted(code: str, percent: bool) -> None:
    assert is_percent(code) is percent


def rewritten(path: Path, change: Callable[[str], str], encoding: str = "utf-8") -> zipfile.ZipFile:
    """The workbook with a changed XML of its sheet."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    name = "xl/worksheets/sheet1.xml"
    text = change(parts[name].decode())
    parts[name] = text.encode(encoding)
    with zipfile.ZipFile(path, "w") as book:
        for part, content in parts.items():
            book.writestr(part, content)
    return zipfile.ZipFile(path)


def without_references(text: str) -> str:
    for place in ("A1", "B1", "A2", "B2", "A3", "B3", "A4", "B4"):
        text = text.replace(f' r="{place}"', "")
    return text


@pytest.mark.parametrize(
    ("change", "encoding"),
    [
        (str, "utf-8"),
        (without_references, "utf-8"),
        (lambda text: text.replace('"', "'"), "utf-8"),
        (lambda text: text.replace("<c r=", '<c x="" r=').replace(' hidden="1"', ""), "utf-8"),
        (lambda text: '<?xml version="1.0" encoding="UTF-16"?>' + text[text.index("<worksheet") :], "utf-16"),
    ],
)
def test_percent_formats_are_found_however_the_xml_is_written(
    tmp_path: Path, change: Callable[[str], str], encoding: str
) -> None:
    with rewritten(as_xlsx(tmp_path, SHEET), change, encoding) as archive:
        facts = XlsxFacts(archive).sheet("Data", percent=True)
    rows = range(1, 100)
    assert {place: list(found.within(rows)) for place, found in facts.percent.items()} == {
        0: [2, 4],
        1: [3, 4],
    }


def test_text_in_a_cell_with_percent_format_is_no_percentage(tmp_path: Path) -> None:
    path = as_xlsx(tmp_path, Sheet([["a"], [Percent(0.5)]]))
    with rewritten(path, lambda text: text.replace(' t="n"', ' t="str"')) as archive:
        assert XlsxFacts(archive).sheet("Data", percent=True).percent == {}


def test_percent_formats_are_not_read_unless_requested(tmp_path: Path) -> None:
    with zipfile.ZipFile(as_xlsx(tmp_path, Sheet([["a"], [Percent(0.5)]]))) as archive:
        assert XlsxFacts(archive).sheet("Data", percent=False).percent == {}


def test_xls_has_the_same_facts_and_reading_a_sheet_twice_is_refused(tmp_path: Path) -> None:
    sheet = Sheet([["a"], [Percent(0.5)], [Failed("#REF!")], [7]], hidden=[3], epoch_1904=True)
    with as_xls(tmp_path, sheet).open("rb") as file:
        workbook = XlsFacts(file)
        facts = workbook.sheet("Data", percent=True)
        assert list(facts.percent[0].within(range(1, 9))) == [2]
        assert facts.faults == {(3, 0): "#REF!"}
        assert list(facts.hidden.within(range(1, 9))) == [4]
        assert facts.epoch_1904
        with pytest.raises(DamagedError):
            workbook.sheet("Data", percent=True)
