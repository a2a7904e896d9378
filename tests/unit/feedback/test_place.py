"""Positions of rows as addresses of cells."""

from __future__ import annotations

import pytest

from pipelines.feedback.pack.place import Layout, Place, SheetLayout, letter_of, read_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("baris 12", Place("baris 12", "", 12)),
        ("lembar Baris 3 baris 12", Place("lembar Baris 3 baris 12", "lembar Baris 3 ", 12)),
        ("rekaman 7", Place("rekaman 7", "", 7)),
        ("halaman 3 rekaman 7", Place("halaman 3 rekaman 7", "halaman 3 ", 7)),
        ("kunci A|2", Place("kunci A|2")),
        (None, Place("")),
    ],
)
def test_position_is_read(text: str | None, place: Place) -> None:
    assert read_place(text) == place


def test_letters_are_those_of_a_spreadsheet() -> None:
    assert [letter_of(n) for n in (0, 25, 26, 51, 52, 701, 702)] == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"]


def test_address_is_that_of_the_first_column_and_empty_if_unknown() -> None:
    layout = Layout({"lembar X ": SheetLayout("X", {"a": "B"}), "": SheetLayout("Data", {"a": "A"}, 1)})
    place = read_place("lembar X baris 17")
    assert layout.address(place, "a") == "B17"
    assert layout.address(place, "a, b") == "B17"
    assert layout.address(place, "tiada") == ""
    assert layout.address(read_place("rekaman 4"), "a") == "A5"
    assert layout.address(read_place("kunci 4"), "a") == ""
    assert layout.sheet(read_place("lembar Y baris 1")) == "Y"
