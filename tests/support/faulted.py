"""A dataset into which faults are injected: its old rows, its new rows, and what no fault may leave behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from pipelines.contracts.model import Contract
from pipelines.extract.stream import SourceStream, encode_rows
from tests.support.contracts import column
from tests.support.loads import Loads, Row

OLD: list[Row] = [["a", "1", "2024-05-01"], ["b", "1", "2024-05-01"], ["c", "x", "2024-05-01"]]
NEW: list[Row] = [
    ["a", "2", "2024-05-02"],
    ["d", "1", "2024-05-02"],
    ["c", "x", "2024-05-01"],
    ["e", "y", "2024-05-02"],
]
NAMES = ["kunci", "nilai", "diubah"]
FILL: list[Row] = [[f"z{n}", "1", "2024-05-02"] for n in range(300)]


def dataset(loads: Loads, **custom: Any) -> Contract:
    return loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        column("diubah", "timestamp", required=True),
        max_quarantine_share=0.9,
        **custom,
    )


def left_behind(loads: Loads) -> list[Any]:
    """Tables in schema landing. No load may leave one."""
    return loads.run(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'landing'::regnamespace"
    )


def wait_for_nobody(loads: Loads) -> None:
    """Waits until the server has noticed killed clients and ended their sessions."""
    until = time.monotonic() + 120
    while loads.run(
        "select from pg_stat_activity where datname = current_database() and application_name = 'gudang'"
        " and pid <> pg_backend_pid()"
    ):
        assert time.monotonic() < until, "the killed load's session lives on"
        time.sleep(0.05)


def opener(rows: Callable[..., Iterable[Row]]) -> Any:
    def opener(of: Contract, _: str | None) -> SourceStream:
        stream = SourceStream(tuple(c.name for c in of.stored), iter(()), "data")
        stream.blocks = encode_rows(rows(), stream)
        return stream

    return opener
