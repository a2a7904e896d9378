"""A source that fails in passing is read again, later each time. One that fails for good is read once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.load.waits import Waits
from tests.support.contracts import column
from tests.support.loads import Loads, Row


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path) -> Iterator[Loads]:
    made = Loads(warehouse_url, tmp_path, prepared=True)
    yield made
    made.connection.close()


@pytest.mark.parametrize(("transient", "attempts"), [(True, 3), (False, 1)])
def test_attempts_are_counted(loads: Loads, transient: bool, attempts: int) -> None:
    contract = loads.contract(column("id", "integer", primaryKey=True))
    tried: list[int] = []
    waited: list[float] = []

    def rows(*_: object) -> Iterable[Row]:
        tried.append(len(tried))
        raise SourceError("uji/data", "sumber tidak menjawab", transient=transient)
        yield

    with pytest.raises(SourceError, match="sumber tidak menjawab"):
        loads.load(contract, rows, waits=Waits(sleep=waited.append))
    assert len(tried) == attempts
    assert len(waited) == attempts - 1
    assert all(least <= wait <= 1.5 * least for wait, least in zip(waited, (2.0, 15.0), strict=False))
    assert loads.run("select state, count(*) from ops.load_batch group by 1") == [("failed", 1)]


def test_a_source_that_comes_back_is_loaded_once(loads: Loads) -> None:
    contract = loads.contract(column("id", "integer", primaryKey=True))
    tried: list[int] = []

    def rows(_: Contract, __: str | None) -> Iterable[Row]:
        tried.append(len(tried))
        if len(tried) == 1:
            yield ["1"]
            raise SourceError("uji/data", "koneksi terputus", transient=True)
        yield from (["1"], ["2"])

    batch = loads.load(contract, rows, waits=Waits(sleep=lambda _: None))
    assert (batch.loaded, loads.raw(contract, "id")) == (2, [(1,), (2,)])
    assert batch.warnings == ["dibaca lagi sesudah: koneksi terputus"]
