"""What each rule alone does to the cells of one row."""

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
def test_row_is_blank_if_all_its_cells_are_white_space(cells: list[str | None], blank: bool) -> None:
    assert is_blank(cells) is blank


def test_row_is_filled_beyond_the_header_if_a_later_cell_is_not_blank() -> None:
    assert not is_filled_beyond(["1", "2", " ", ""], 2)
    assert is_filled_beyond(["1", "2", "", "x"], 2)


def test_total_is_a_row_with_a_cell_that_matches_the_pattern_of_its_column() -> None:
    totals = Totals([(0, re.compile("^Jumlah")), (2, re.compile("^$"))])
    assert totals.matches(["  Jumlah ", "1", "x"])
    assert totals.matches(["1", "2", None])
    assert totals.matches(["1"]), "a cell that the row does not have is empty"
    assert not totals.matches(["Ujung Jumlah", "2", "x"])


def test_fill_down_copies_the_value_above_into_an_empty_cell() -> None:
    fill_down = FillDown([0])
    found = [
        fill_down.fill(cells) for cells in (["", "1"], ["Kutai", "2"], [" ", "3"], ["Paser", "4"], ["", "5"])
    ]
    assert [cells[0] for cells in found] == [None, "Kutai", "Kutai", "Paser", "Paser"]
    assert [cells[1] for cells in found] == ["1", "2", "3", "4", "5"]


def test_new_value_resets_fill_down_of_the_columns_after_it() -> None:
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
    ids=["same order", "reversed", "one", "none", "with added cells"],
)
def test_cells_are_picked_in_the_order_of_the_contract(
    places: tuple[int, ...], picked: list[str | None]
) -> None:
    assert list(Pick(places, 2, (None, "Lembar", "data.xlsx")).cells(["1", "2"])) == picked


def test_empty_text_becomes_null_but_a_blank_does_not() -> None:
    assert empty_to_null(["", "x", " "]) == [None, "x", " "]
    assert empty_to_null(("x", None)) == ["x", None]


def test_unknown_cells_become_one_json_object() -> None:
    assert extra_cell({}) is None
    assert extra_cell({"a\0": "x\ud800", "b": None}) == '{"a\ufffd":"x\ufffd","b":null}'
