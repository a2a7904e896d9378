"""Answers whose records are an object by key, or a list of lists, are read as the contract declares."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.errors import ContractError
from tests.support.extracts import api_contract, column, decode_copy
from tests.support.http_server import NAME, Server, fault, opened, reply, rows


def test_keyed_records_are_read_with_their_key(server: Server) -> None:
    """PHP writes an array with gaps as such an object."""
    server.answer = lambda _: reply({"table": {"6401": {"100025": 7}, "6402": {"100025": None}}})
    contract = api_contract(column("k", "@key"), column("a", "100025"), records="/table", shape="keyed")
    assert rows(server, contract) == [
        ["6401", "7", "halaman 1 rekaman 1"],
        ["6402", None, "halaman 1 rekaman 2"],
    ]


def test_unread_record_key_gives_no_warning(server: Server) -> None:
    server.answer = lambda _: reply({"data": {"0": {"k": 1, "a": 2.5}, "2": {"k": 3, "a": 4}}})
    stream = opened(server, api_contract("k", "a", shape="keyed"))
    assert [row[:2] for row in decode_copy(stream.blocks)] == [["1", "2.5"], ["3", "4"]]
    assert stream.warnings == []


def test_first_list_of_a_list_of_lists_holds_the_keys(server: Server) -> None:
    server.answer = lambda _: reply({"values": [["k", "a", "b"], [1, 2.50, "x"], [2], [3, None, ""]]})
    found = rows(server, api_contract("k", "a", "b", records="/values", shape="lists"))
    assert [row[:3] for row in found] == [["1", "2.5", "x"], ["2", None, None], ["3", None, ""]]


@pytest.mark.parametrize("shape", ["keyed", "lists"])
def test_empty_data_give_no_record(server: Server, shape: str) -> None:
    server.answer = lambda _: reply({"data": []})
    assert rows(server, api_contract("k", shape=shape)) == []


@pytest.mark.parametrize(
    ("shape", "found", "message"),
    [
        ("keyed", [{"k": 1}], "bukan objek berisi rekaman"),
        ("keyed", {"1": {"k": 1}, NAME: 5}, "rekaman 2 bukan objek"),
        ("lists", {"k": 1}, "bukan daftar berisi daftar"),
        ("lists", [NAME, ["k"]], "bukan daftar berisi daftar"),
        ("lists", [["k"], NAME], "baris 1 bukan daftar"),
        ("lists", [["k", 5], [1, 2]], "bukan baris judul"),
        ("lists", [["k", "k"], [1, 2]], "bukan baris judul"),
        ("lists", [["k"], [1], [2, NAME]], "baris 2 punya 2 sel, baris judul 1"),
        ("lists", [["lain"], [1]], "tidak ada di rekaman mana pun pada halaman pertama: k"),
    ],
)
def test_data_of_another_shape_than_declared_are_refused(
    server: Server, shape: str, found: Any, message: str
) -> None:
    server.answer = lambda _: reply({"data": found})
    assert message in fault(server, api_contract("k", shape=shape)).message


def test_undeclared_or_unknown_shape_is_reported_with_what_to_declare(server: Server) -> None:
    server.answer = lambda _: reply({"data": {"1": {"k": 1}}})
    assert "extract.shape" in str(fault(server, api_contract("k")).hint)
    with pytest.raises(ContractError, match="yang dikenal: bps_data, keyed, lists"):
        opened(server, api_contract("k", shape="objek"))
