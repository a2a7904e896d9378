import pytest

from pipelines.suggest import did_you_mean, hint_of_known

COLUMNS = ["nik", "nama", "tanggal_lahir", "kode_wilayah"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tangal_lahir", "maksudnya tanggal_lahir?"),
        ("Kode_Wilayah", "maksudnya kode_wilayah?"),
        ("namaa", "maksudnya nama?"),
    ],
)
def test_the_nearest_known_name_is_suggested(name: str, says: str) -> None:
    assert did_you_mean(name, COLUMNS) == says


def test_nothing_is_suggested_for_a_name_like_none_of_the_known() -> None:
    assert did_you_mean("poliklinik", COLUMNS) == ""


def test_nothing_is_suggested_where_nothing_is_known() -> None:
    assert did_you_mean("nik", []) == ""


def test_the_same_name_is_suggested_whatever_the_order_of_the_known() -> None:
    assert did_you_mean("kolo", {"kolom": 1, "kolok": 2}) == did_you_mean("kolo", {"kolok": 2, "kolom": 1})


def test_the_known_names_may_be_read_only_once() -> None:
    assert did_you_mean("nikk", (name for name in COLUMNS)) == "maksudnya nik?"


def test_a_hint_names_the_nearest_and_then_all_that_are_known() -> None:
    assert hint_of_known("namaa", ["nik", "nama"]) == "maksudnya nama? yang dikenal: nik, nama"
    assert hint_of_known(None, ["nik"]) == "yang dikenal: nik"
    assert hint_of_known("nik", []) == "tidak ada yang dikenal di sini"
