"""What tests of loads share: a warehouse of the test's own, and rows that it holds in its hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.loads import Loads


@pytest.fixture
def loads(pg_url: str, tmp_path: Path) -> Iterator[Loads]:
    made = Loads(pg_url, tmp_path)
    yield made
    made.connection.close()
