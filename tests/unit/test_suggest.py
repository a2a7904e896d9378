"""Suggestions of the nearest known name."""

from __future__ import annotations

import pytest

from pipelines.suggest import did_you_mean, hint_of_known

COLUMNS = ["nik", "nama", "tanggal_lahir", "kode_wilayah"]


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("tangal_lahir", "maksudnya tanggal_lahir?"),
        ("Kode_Wilayah", "maksudnya kode_wilayah?"),
        ("namaa", "maksudnya nama?"),
    ],
)
def test_nearest_known_name_is_suggested(name: str, suggestion: str) -> None:
    assert did_you_mean(name, COLUMNS) == suggestion


def test_nothing_is_suggested_if_no_known_name_is_similar() -> None:
    assert did_you_mean("poliklinik", COLUMNS) == ""


def test_nothing_is_suggested_if_no_name_is_known() -> None:
    assert did_you_mean("nik", []) == ""


def test_suggestion_does_not_depend_on_the_order_of_known_names() -> None:
    assert did_you_mean("kolo", {"kolom": 1, "kolok": 2}) == did_you_mean("kolo", {"kolok": 2, "kolom": 1})


def test_known_names_may_be_a_generator() -> None:
    assert did_you_mean("nikk", (name for name in COLUMNS)) == "maksudnya nik?"


def test_hint_names_the_nearest_and_then_all_known_names() -> None:
    assert hint_of_known("namaa", ["nik", "nama"]) == "maksudnya nama? yang dikenal: nik, nama"
    assert hint_of_known(None, ["nik"]) == "yang dikenal: nik"
    assert hint_of_known("nik", []) == "tidak ada yang dikenal di sini"
