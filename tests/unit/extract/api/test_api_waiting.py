"""How long one load waits for an API in all, and what it says meanwhile."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.source_limits import WaitBudget
from tests.support.extracts import api_contract, decode_copy
from tests.support.http_server import Ask, Reply, Server, fault, opened, reply
from tests.support.watch import Watch

BUSY = Reply(status=429, headers={"Retry-After": "100"})


def patient(seconds: int, **extract: Any) -> Contract:
    contract = api_contract("id", **extract)
    return replace(contract, server=replace(contract.server, wait_limit=seconds))


def test_a_pause_that_is_longer_than_what_is_left_is_not_begun(server: Server) -> None:
    server.answer = lambda _: BUSY
    error = fault(server, patient(60))
    assert error.message == "pemuatan sudah menunggu API selama batas waktunya, 60 detik"
    assert "wait_limit" in str(error.hint)
    assert not error.transient, "it would be read again at once"
    assert len(server.asked) == 1


def test_what_one_reading_waited_in_vain_is_missing_to_the_next(server: Server) -> None:
    """A load reads again what failed in passing; its readings share one time."""
    waiting, clock = WaitBudget(), Watch().clock()
    server.answer = lambda _: Reply(status=503, headers={"Retry-After": "1"})
    with pytest.raises(SourceError, match="menunggu API selama batas waktunya, 3 detik"):
        decode_copy(opened(server, patient(3), waiting=waiting, clock=clock).blocks)
    assert waiting.left == 0
    server.asked.clear()
    with pytest.raises(SourceError, match="sudah menunggu API"):
        decode_copy(opened(server, patient(3), waiting=waiting, clock=clock).blocks)
    assert len(server.asked) == 1


def test_an_answer_that_drips_is_waited_for_once(server: Server) -> None:
    server.answer = lambda _: Reply(b" " * 4000, drip=0.002)
    error = fault(server, patient(1), limits={"read": 1, "total": 20})
    assert (
        "tidak lengkap dalam 1 detik" in error.message and "selama batas waktunya, 1 detik" in error.message
    )
    assert not error.transient


def test_pages_that_come_are_not_waited_for_in_vain(server: Server) -> None:
    def slow(ask: Ask) -> Reply:
        server.stopping.wait(0.3)
        return reply({"data": [{"id": ask.query["p"]}], "total": 5})

    server.answer = slow
    waiting = WaitBudget()
    contract = patient(1, pagination={"type": "page", "param": "p", "total": "/total"})
    assert len(decode_copy(opened(server, contract, waiting=waiting).blocks)) == 5
    assert waiting.spent == 0


def test_the_log_says_what_is_waited_for(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.in_turn(Reply(status=429, headers={"Retry-After": "2"}), reply({"data": [{"id": 1}]}))
    with caplog.at_level(logging.WARNING, logger="gudang"):
        decode_copy(opened(server, patient(60), clock=Watch().clock()).blocks)
    (record,) = caplog.records
    assert record.getMessage() == ("dpmptsp/izin: API menjawab 429; menunggu 2 detik (sudah 0 dari 60 detik)")
