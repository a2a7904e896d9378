"""JSON files whose records are an object by key, or a list of lists, are read as the contract declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.extracts import column, upload_contract
from tests.support.uploads import content_error, opened, read, write


def test_keyed_records_of_a_file_are_read_with_their_key(tmp_path: Path) -> None:
    contract = upload_contract(column("k", "@key"), "a", file_format="json", records="/data", shape="keyed")
    text = '{"total": 2, "data": {"6401": {"a": 1.50}, "6402": {"a": null}}, "akhir": {}}'
    stream = opened(contract, write(tmp_path, text))
    assert read(stream) == [["6401", "1.50", "rekaman 1"], ["6402", None, "rekaman 2"]]
    assert stream.warnings == []


def test_first_list_of_a_file_of_lists_holds_the_keys(tmp_path: Path) -> None:
    contract = upload_contract("a", "b", file_format="json", shape="lists")
    text = '[["b", "a"], [1, "x"], [2]]'
    assert read(opened(contract, write(tmp_path, text))) == [
        ["x", "1", "rekaman 1"],
        [None, "2", "rekaman 2"],
    ]


@pytest.mark.parametrize(
    ("shape", "text", "message"),
    [
        ("keyed", '[{"a": 1}]', "tidak ada objek berisi rekaman"),
        ("keyed", '{"1": 5}', "rekaman 1 bukan objek"),
        ("lists", '{"a": 1}', "tidak ada daftar"),
        ("lists", '[{"a": 1}]', "bukan daftar berisi daftar"),
        ("lists", '[["a"], [1, 2]]', "baris 1 punya 2 sel, baris judul 1"),
        ("lists", '[["a", "a"], [1, 2]]', "bukan baris judul"),
        (None, '{"1": {"a": 1}}', "extract.shape"),
    ],
)
def test_file_of_another_shape_than_declared_is_refused(
    tmp_path: Path, shape: str | None, text: str, message: str
) -> None:
    contract = upload_contract("a", file_format="json", shape=shape)
    assert message in str(content_error(tmp_path, text, contract))


def test_shape_is_accepted_only_for_json_and_only_if_known() -> None:
    with pytest.raises(ValueError, match="shape tidak berlaku untuk csv"):
        upload_contract("a", shape="keyed")
    with pytest.raises(ValueError, match="yang dikenal: keyed, lists"):
        upload_contract("a", file_format="json", shape="bps_data")
