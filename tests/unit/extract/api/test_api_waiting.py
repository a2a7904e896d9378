"""How long one load waits for an API in total, and what it logs meanwhile."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.source_limits import WaitBudget
from tests.support.extracts import api_contract, decode_copy
from tests.support.http_server import Reply, Request, Server, fault, opened, reply
from tests.support.watch import Watch

BUSY = Reply(status=429, headers={"Retry-After": "100"})


def contract_with_wait_limit(seconds: int, **extract: Any) -> Contract:
    contract = api_contract("id", **extract)
    return replace(contract, server=replace(contract.server, wait_limit=seconds))


def test_pause_longer_than_the_remaining_wait_fails_at_once(server: Server) -> None:
    server.answer = lambda _: BUSY
    error = fault(server, contract_with_wait_limit(60))
    assert error.message == "pemuatan sudah menunggu API selama batas waktunya, 60 detik"
    assert "wait_limit" in str(error.hint)
    assert not error.transient, "a transient error would be read again at once"
    assert len(server.requests) == 1


def test_readings_of_one_load_share_the_wait_limit(server: Server) -> None:
    """A load reads again after a transient failure."""
    waiting, clock = WaitBudget(), Watch().clock()
    server.answer = lambda _: Reply(status=503, headers={"Retry-After": "1"})
    with pytest.raises(SourceError, match="menunggu API selama batas waktunya, 3 detik"):
        decode_copy(opened(server, contract_with_wait_limit(3), waiting=waiting, clock=clock).blocks)
    assert waiting.left == 0
    server.requests.clear()
    with pytest.raises(SourceError, match="sudah menunggu API"):
        decode_copy(opened(server, contract_with_wait_limit(3), waiting=waiting, clock=clock).blocks)
    assert len(server.requests) == 1


def test_slow_answer_uses_up_the_wait_limit_once(server: Server) -> None:
    server.answer = lambda _: Reply(b" " * 4000, drip=0.002)
    error = fault(server, contract_with_wait_limit(1), limits={"read": 1, "total": 20})
    assert (
        "tidak lengkap dalam 1 detik" in error.message and "selama batas waktunya, 1 detik" in error.message
    )
    assert not error.transient


def test_time_of_successful_pages_does_not_count_as_waiting(server: Server) -> None:
    def slow(request: Request) -> Reply:
        server.stopping.wait(0.3)
        return reply({"data": [{"id": request.query["p"]}], "total": 5})

    server.answer = slow
    waiting = WaitBudget()
    contract = contract_with_wait_limit(1, pagination={"type": "page", "param": "p", "total": "/total"})
    assert len(decode_copy(opened(server, contract, waiting=waiting).blocks)) == 5
    assert waiting.spent == 0


def test_log_says_why_and_how_long_the_load_waits(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.in_turn(Reply(status=429, headers={"Retry-After": "2"}), reply({"data": [{"id": 1}]}))
    with caplog.at_level(logging.WARNING, logger="gudang"):
        decode_copy(opened(server, contract_with_wait_limit(60), clock=Watch().clock()).blocks)
    (record,) = caplog.records
    assert record.getMessage() == ("dpmptsp/izin: API menjawab 429; menunggu 2 detik (sudah 0 dari 60 detik)")
