"""How a table is fitted to its contract: the rows that result, and the order in which the rules apply."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.model import Contract
from pipelines.contracts.upload import FileExtract
from pipelines.errors import ContractError, ShapeError, SourceError
from pipelines.extract.stream import SourceStream
from pipelines.extract.upload.fit import Fit
from pipelines.extract.upload.reading import Reading
from pipelines.extract.upload.table import HIDDEN, Columns, Row, Table
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


def fit_of(of: Contract, part: Iterable[Row] = (), names: tuple[str, ...] = ("a", "b"), **more: Any) -> Fit:
    assert isinstance(of.extract, FileExtract)
    return Fit(Reading(of, of.extract, "data.xlsx"), Table(names, "baris 1", iter([part]), "2024", **more))


def result_of(of: Contract, part: Iterable[Row]) -> tuple[object, int, list[str]]:
    """The rows or the error message, the number of rows, and the warnings."""
    fit = fit_of(of, part)
    stream = SourceStream(fit.reading.stream_columns(), iter(()), "data.xlsx")
    try:
        found = decode_copy(fit.blocks(stream))
    except SourceError as error:
        return error.message, 0, []
    return found, stream.rows, stream.warnings


@given(
    st.sampled_from(CONTRACTS),
    st.integers(1, 3).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=5)),
)
def test_rows_given_as_columns_are_read_like_single_rows(of: Contract, rows: list[tuple[str, ...]]) -> None:
    columns = Columns(list(zip(*rows, strict=True)), [f"baris {n}" for n in range(2, 2 + len(rows))])
    assert result_of(of, columns) == result_of(of, list(columns))


@pytest.mark.parametrize("of", CONTRACTS[:3])
def test_columns_without_a_blank_row_are_passed_on_as_columns(of: Contract) -> None:
    part = Columns([("", "y", ""), ("1\t", "2", "3")], ["baris 2", "baris 3", "baris 4"])
    values = {
        "a": ["", "y", ""],
        "b": ["1\t", "2", "3"],
        "berkas": ["data.xlsx"] * 3,
        "lembar": ["2024"] * 3,
    }
    expected = [*(values[c.name] for c in of.columns), ["baris 2", "baris 3", "baris 4"]]
    assert [list(c) for c in fit_of(of).whole_columns(part) or ()] == expected


@pytest.mark.parametrize(
    ("of", "cells"),
    [
        (CONTRACTS[0], [("", "x"), ("", "1")]),
        (CONTRACTS[0], [("x",), ("1",), ("",)]),
        (CONTRACTS[3], [("x",), ("1",)]),
        (CONTRACTS[5], [("x",), ("1",)]),
        (contract("a", "b", fill_down=["a"]), [("x",), ("1",)]),
    ],
    ids=["maybe blank", "wider", "totals", "evolves", "fill_down"],
)
def test_columns_that_a_rule_concerns_are_read_row_by_row(of: Contract, cells: list[tuple[str, ...]]) -> None:
    assert fit_of(of).whole_columns(Columns(cells, [f"baris {n}" for n, _ in enumerate(cells[0])])) is None


def rows(of: Contract, *found: list[str | None], **more: Any) -> list[list[str | None]]:
    """The rows of the stream for these cells. Their positions are baris 2, baris 3, ..."""
    part = [(f"baris {number}", cells) for number, cells in enumerate(found, 2)]
    return list(fit_of(of, **more).rows(part))


def test_blank_row_is_skipped_unless_empty_cells_are_values() -> None:
    of = contract("a", "b")
    assert rows(of, ["", " "], ["1", ""]) == [["1", None, "baris 3"]]
    assert rows(of, ["", " "], empty_is_null=False) == [["", " ", "baris 2"]]


def test_cells_beyond_the_header_must_be_empty() -> None:
    of = contract("a", "b")
    assert rows(of, ["1", "2", " ", ""]) == [["1", "2", "baris 2"]]
    with pytest.raises(SourceError, match="baris 2: 3 sel, sedangkan baris judul 2"):
        rows(of, ["1", "2", "3"])


def test_short_row_is_padded_unless_it_counts_as_damage() -> None:
    of = contract("a", "b")
    assert rows(of, ["1"]) == [["1", None, "baris 2"]]
    with pytest.raises(SourceError, match="baris 2: 1 sel, sedangkan baris judul 2"):
        rows(of, ["1"], short_is_damage=True)
    assert rows(contract("a", "b", short_rows=True), ["1"], short_is_damage=True) == [["1", None, "baris 2"]]


def test_short_total_row_of_a_table_is_skipped() -> None:
    of = contract("a", "b", totals={"a": "^Jumlah"})
    assert rows(of, ["1", "2"], ["Jumlah"], short_is_damage=True) == [["1", "2", "baris 2"]]


def test_hidden_row_is_not_loaded_but_fills_the_rows_below() -> None:
    fit = fit_of(contract("a", "b", fill_down=["a"]))
    found = fit.rows([(HIDDEN, ["Kutai", "1"]), ("baris 3", ["", "2"])])
    assert list(found) == [["Kutai", "2", "baris 3"]]


def test_unknown_columns_are_one_json_cell_before_the_position() -> None:
    of = contract("a", schema_contract="evolve")
    assert rows(of, ["1", "2"], ["3", ""]) == [
        ["1", '{"b":"2"}', "baris 2"],
        ["3", '{"b":null}', "baris 3"],
    ]


@pytest.mark.parametrize("wrong", [{"totals": {"jumlha": "x"}}, {"fill_down": ["jumlha"]}])
def test_rule_for_a_missing_column_is_refused_with_the_nearest_name(wrong: dict[str, Any]) -> None:
    of = contract("jumlah", schema_contract="evolve", **wrong)
    with pytest.raises(
        ContractError, match=f"extract.{next(iter(wrong))} menyebut 'jumlha'.*maksudnya jumlah?"
    ):
        fit_of(of, names=("jumlah",))


def test_masked_name_is_not_suggested() -> None:
    of = contract("jumlah", schema_contract="evolve", fill_down=["budi.santoso"])
    with pytest.raises(ContractError) as caught:
        fit_of(of, names=("jumlah", "budi.santoso@mail.id"))
    assert caught.value.hint == "perbaiki extract.fill_down di kontrak"


def test_unknown_column_is_refused_with_the_column_that_was_probably_meant() -> None:
    with pytest.raises(ShapeError) as caught:
        fit_of(contract("nama", "umur"), names=("nma", "umur"))
    assert caught.value.message == (
        "data.xlsx: baris 1: tidak ada di baris judul: nama; tidak dikenal di baris judul: nma"
    )
    assert caught.value.hint == "berkas harus memuat: nama, umur; nma: maksudnya nama?"


def test_repeated_name_in_the_header_of_a_table_is_refused() -> None:
    with pytest.raises(ShapeError, match="baris 1: ganda di baris judul: a"):
        fit_of(contract("a"), names=("a", "a"))
