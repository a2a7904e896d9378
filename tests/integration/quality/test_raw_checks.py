"""Checks on raw see current rows only: no earlier versions, no deleted rows."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.quality.raw_checks import check_raw
from pipelines.quality.suites import derived
from tests.support.contracts import column
from tests.support.loads import Loads


@pytest.mark.parametrize("strategy", ["upsert", "scd2"])
def test_checks_do_not_see_deleted_rows(loads: Loads, strategy: str) -> None:
    columns: list[dict[str, Any]] = [
        column("kunci", primaryKey=True),
        column("nilai", "integer", logicalTypeOptions={"maximum": 5}),
    ]
    contract = loads.contract(
        *columns, write_disposition="merge", merge_strategy=strategy, reconcile="PT20H", key=f"uji/{strategy}"
    )
    loads.load(contract, lambda *_: [("a", "1"), ("b", "2")])
    loads.load(contract, lambda *_: [("a", "1")])
    loads.run(f"update raw.uji__{strategy} set nilai = 99 where kunci = 'b'")  # noqa: S608
    results = check_raw(loads.connection, contract, derived(contract))
    assert results and all(result.passed for result in results)
