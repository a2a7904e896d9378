"""What happens to the cells of one row: each rule alone."""

from __future__ import annotations

import re

import pytest

from pipelines.extract.upload.row_rules import (
    FillDown,
    Pick,
    Totals,
    empty_to_null,
    extra_cell,
    is_blank,
    is_filled_beyond,
)


@pytest.mark.parametrize(
    ("cells", "blank"),
    [([], True), (["", " ", "\t"], True), ([None, ""], True), (["", "x"], False), (["0", ""], False)],
)
def test_a_row_is_blank_where_no_cell_holds_more_than_white_space(
    cells: list[str | None], blank: bool
) -> None:
    assert is_blank(cells) is blank


def test_a_row_is_filled_beyond_the_header_where_a_cell_behind_it_is_not_blank() -> None:
    assert not is_filled_beyond(["1", "2", " ", ""], 2)
    assert is_filled_beyond(["1", "2", "", "x"], 2)


def test_a_total_has_a_cell_in_which_its_columns_pattern_is_found() -> None:
    totals = Totals([(0, re.compile("^Jumlah")), (2, re.compile("^$"))])
    assert totals.matches(["  Jumlah ", "1", "x"])
    assert totals.matches(["1", "2", None])
    assert totals.matches(["1"]), "a cell that the row does not have is empty"
    assert not totals.matches(["Ujung Jumlah", "2", "x"])


def test_an_empty_cell_takes_the_value_above() -> None:
    fill_down = FillDown([0])
    found = [
        fill_down.fill(cells) for cells in (["", "1"], ["Kutai", "2"], [" ", "3"], ["Paser", "4"], ["", "5"])
    ]
    assert [cells[0] for cells in found] == [None, "Kutai", "Kutai", "Paser", "Paser"]
    assert [cells[1] for cells in found] == ["1", "2", "3", "4", "5"]


def test_a_new_value_ends_the_values_of_the_columns_after_it() -> None:
    fill_down = FillDown([0, 1])
    rows = [["Kutai", "Muara"], ["", "Tenggarong"], ["", ""], ["Paser", ""]]
    assert [list(fill_down.fill(cells)) for cells in rows] == [
        ["Kutai", "Muara"], ["Kutai", "Tenggarong"], ["Kutai", "Tenggarong"], ["Paser", None],
    ]  # fmt: skip
    assert fill_down and not FillDown([])


@pytest.mark.parametrize(
    ("places", "picked"),
    [
        ((0, 1), ["1", "2"]),
        ((1, 0), ["2", "1"]),
        ((1,), ["2"]),
        ((), []),
        ((4, 0, 3, 2), ["data.xlsx", "1", "Lembar", None]),
    ],
    ids=["as they are", "turned round", "one", "none", "with what stands behind"],
)
def test_the_contracts_columns_are_picked_in_its_order(
    places: tuple[int, ...], picked: list[str | None]
) -> None:
    assert list(Pick(places, 2, (None, "Lembar", "data.xlsx")).cells(["1", "2"])) == picked


def test_an_empty_cell_is_null() -> None:
    assert empty_to_null(["", "x", " "]) == [None, "x", " "]
    assert empty_to_null(("x", None)) == ["x", None]


def test_what_the_contract_does_not_know_is_one_json_object() -> None:
    assert extra_cell({}) is None
    assert extra_cell({"a\0": "x\ud800", "b": None}) == '{"a\ufffd":"x\ufffd","b":null}'
