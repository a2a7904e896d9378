"""What tests of dispositions share: one warehouse a module, for hypothesis asks for it a hundred times."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.loads import Loads


@pytest.fixture(scope="module")
def loads(module_pg_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loads]:
    made = Loads(module_pg_url, tmp_path_factory.mktemp("kontrak"))
    yield made
    made.connection.close()
