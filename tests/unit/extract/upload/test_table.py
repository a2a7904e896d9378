"""A table against its contract: rows that come as columns are those that come one by one."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import FileExtract
from pipelines.errors import SourceError
from pipelines.extract.stream import SourceStream
from pipelines.extract.upload.table import Columns, Fit, Reading, Row, Table
from tests.support.extracts import column, decode_copy
from tests.support.extracts import upload_contract as contract

FILE_AND_SHEET = (column("berkas", "@file"), column("lembar", "@sheet"))
CONTRACTS = [
    contract("a", "b"),
    contract("b", "a"),
    contract("b", *FILE_AND_SHEET, "a", file_format="xlsx"),
    contract("a", "b", totals={"a": "^x"}),
    contract("a", "b", "c", schema_contract="evolve"),
    contract("a", schema_contract="evolve"),
]
CELLS = st.one_of(st.just(""), st.text(st.sampled_from(" x\t\n\r\\\0N,é\ud800\x1d\x1e\x1f"), max_size=3))


def fitted(of: Contract, part: Iterable[Row]) -> tuple[object, int, list[str]]:
    """Rows, or what is wrong with one; their number; warnings."""
    assert isinstance(of.extract, FileExtract)
    reading = Reading(of, of.extract, "data.xlsx")
    stream = SourceStream(reading.columns(), iter(()), "data.xlsx")
    try:
        found = decode_copy(Fit(reading, Table(("a", "b"), "baris 1", iter([part]), "2024")).blocks(stream))
    except SourceError as error:
        return error.message, 0, []
    return found, stream.rows, stream.warnings


@given(
    st.sampled_from(CONTRACTS),
    st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=5)),
)
def test_rows_that_come_as_columns_are_read_as_they_are_one_by_one(
    of: Contract, rows: list[tuple[str, ...]]
) -> None:
    columns = Columns(list(zip(*rows, strict=True)), [f"baris {n}" for n in range(2, 2 + len(rows))])
    assert fitted(of, columns) == fitted(of, list(columns))


@pytest.mark.parametrize("of", CONTRACTS[:3])
def test_rows_of_which_none_is_blank_are_not_looked_at_one_by_one(
    monkeypatch: pytest.MonkeyPatch, of: Contract
) -> None:
    monkeypatch.delattr(Fit, "_rows")
    found, number, _ = fitted(
        of, Columns([("", "y", ""), ("1\t", "2", "3")], ["baris 2", "baris 3", "baris 4"])
    )
    values: dict[str, list[str | None]] = {
        "a": [None, "y", None],
        "b": ["1\t", "2", "3"],
        "berkas": ["data.xlsx"] * 3,
        "lembar": ["2024"] * 3,
    }
    expected = zip(*(values[c.name] for c in of.columns), ["baris 2", "baris 3", "baris 4"], strict=True)
    assert (found, number) == ([list(row) for row in expected], 3)
