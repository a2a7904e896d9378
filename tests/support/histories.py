"""Histories of an OPD's table that hypothesis makes, and a source that gives their rows.

A history has late rows, equal cursors, clocks that go backwards, keys that change their case, and rows that are deleted
and come back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from pipelines.contracts.model import Contract
from tests.support.contracts import column
from tests.support.loads import Loads, Row, only

T0 = datetime(2024, 5, 1)

KEYS = ["a", "A", "b", "ä"]

NAMES = ["kunci", "nilai", "diubah"]

FEW = settings(
    max_examples=30,
    derandomize=True,
)


def keyed(loads: Loads, **custom: Any) -> Contract:
    return loads.contract(
        column("kunci", primaryKey=True),
        column("nilai", "integer"),
        column("diubah", "timestamp", required=True),
        **custom,
    )


@dataclass
class Source:
    """A table of an OPD: key to value and time of change (minutes after T0, by the OPD's own clock)."""

    rows: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    def read(self, contract: Contract, since: str | None) -> list[Row]:
        found = [
            [key, str(value), (T0 + timedelta(minutes=minute)).isoformat()]
            for key, (value, minute) in self.rows.items()
            if since is None or T0 + timedelta(minutes=minute) >= datetime.fromisoformat(since)
        ]
        return only(contract, NAMES, found)

    def apply(self, change: tuple[str, int | None, int]) -> None:
        key, value, minute = change
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = (value, minute)


changes = st.tuples(st.sampled_from(KEYS), st.one_of(st.none(), st.integers(0, 2)), st.integers(0, 6))

histories = st.lists(st.lists(changes, max_size=4), min_size=1, max_size=5)


def again_changes_nothing(loads: Loads, contract: Contract, source: Source) -> None:
    before = loads.raw(contract)
    batch = loads.load(contract, source.read)
    assert (batch.state, batch.loaded, batch.deleted) == ("unchanged", 0, 0)
    assert loads.raw(contract) == before
    alive = "is_current" if contract.keeps_history else "deleted_at is null" if contract.reconcile else "true"
    in_force = loads.run(f"select count(*) from raw.{contract.table} where {alive}")  # noqa: S608
    assert loads.state(contract, "rows_in_raw") == in_force[0]


API = {"server": "uji", "type": "api", "location": "${UJI_URL}"}
