"""What the tests of extract/ share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.http_server import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "*")
    running = Server()
    yield running
    running.stop()
