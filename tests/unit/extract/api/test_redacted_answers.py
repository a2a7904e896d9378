"""Headers, keys and messages of a server may name persons, whose data are not shown. All persons are made up."""

from __future__ import annotations

import traceback

import pytest

from tests.support.extracts import api_contract
from tests.support.http_server import NAME, Reply, Server, fault, reply

NIK = "6472-0152-0390-0001"
ID = api_contract("id")


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (f"text/{NAME}; nik={NIK}", "Content-Type yang tidak lazim"),
        (NIK, "Content-Type yang tidak lazim"),
        ("TEXT/HTML; charset=utf-8", "Content-Type text/html"),
    ],
)
def test_only_usual_content_types_are_shown(server: Server, header: str, shown: str) -> None:
    server.answer = lambda _: Reply(b"<html>", headers={"Content-Type": header})
    error = fault(server, ID)
    everything = "".join(traceback.format_exception(error))
    assert error.message.endswith(shown) and NAME not in everything and NIK not in everything


def test_keys_that_are_personal_numbers_are_masked(server: Server) -> None:
    server.answer = lambda _: reply({NIK: 1, "galat": 2, "0812-3456-7890": 3})
    message = fault(server, ID).message
    assert message.endswith("kuncinya: ***, ***, galat")


def test_message_of_an_api_is_shown_without_personal_numbers(server: Server) -> None:
    contract = api_contract("id", error={"field": "/error", "ok": [0], "message": "/message"})
    server.answer = lambda _: reply({"error": 1, "message": f"NIK {NIK} (siti@contoh.id) ganda", "data": []})
    assert "dengan pesan: 'NIK *** (***) ganda'" in fault(server, contract).message
