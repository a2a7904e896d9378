"""An office with its upload page behind a proxy, for the tests of a module; it is clean before each test."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.loket import Office, Page


@pytest.fixture(scope="module")
def _office(
    module_warehouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, Page]]:
    office = Office(module_warehouse_url, tmp_path_factory.mktemp("kantor"))
    with office.behind_a_proxy() as page:
        yield office, page
    office.loads.connection.close()


@pytest.fixture
def office(_office: tuple[Office, Page], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    _office[0].clean()
    return _office[0]


@pytest.fixture
def page(_office: tuple[Office, Page], office: Office) -> Page:
    return _office[1]
