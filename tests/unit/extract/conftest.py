"""Fixtures for the tests of extract/."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.http_server import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """An HTTP server of the test's own, reached without a proxy."""
    monkeypatch.setenv("NO_PROXY", "*")
    running = Server()
    yield running
    running.stop()
