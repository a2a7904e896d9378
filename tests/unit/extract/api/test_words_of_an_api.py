"""What a server writes around its data may hold a person: its headers, its keys, its own message. All are made up."""

from __future__ import annotations

import traceback

import pytest

from tests.support.extracts import api_contract
from tests.support.http_server import NAME, Reply, Server, fault, reply

NIK = "6472-0152-0390-0001"
ID = api_contract("id")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (f"text/{NAME}; nik={NIK}", "Content-Type yang tidak lazim"),
        (NIK, "Content-Type yang tidak lazim"),
        ("TEXT/HTML; charset=utf-8", "Content-Type text/html"),
    ],
)
def test_a_content_type_is_told_where_it_is_an_ordinary_one(server: Server, header: str, said: str) -> None:
    server.answer = lambda _: Reply(b"<html>", headers={"Content-Type": header})
    error = fault(server, ID)
    everything = "".join(traceback.format_exception(error))
    assert error.message.endswith(said) and NAME not in everything and NIK not in everything


def test_a_key_that_is_a_persons_number_is_masked_and_the_others_are_told(server: Server) -> None:
    server.answer = lambda _: reply({NIK: 1, "galat": 2, "0812-3456-7890": 3})
    message = fault(server, ID).message
    assert message.endswith("kuncinya: ***, ***, galat")


def test_an_apis_own_message_is_told_without_numbers_of_persons(server: Server) -> None:
    contract = api_contract("id", error={"field": "/error", "ok": [0], "message": "/message"})
    server.answer = lambda _: reply({"error": 1, "message": f"NIK {NIK} (siti@contoh.id) ganda", "data": []})
    assert "dengan pesan: 'NIK *** (***) ganda'" in fault(server, contract).message
