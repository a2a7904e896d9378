"""Fixtures of tests of the real models."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.model_warehouse import ModelWarehouse


@pytest.fixture
def warehouse(reference_url: str) -> Iterator[ModelWarehouse]:
    """A warehouse of the test's own with the reference data and an empty raw table for each contract."""
    made = ModelWarehouse(reference_url)
    yield made
    made.connection.close()
