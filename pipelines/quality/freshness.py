"""Says whether a dataset's data are as new as its contract promises, measured on the data and not on our last look.

What belongs here: the rule (docs/adr/041). Not here: when data have arrived, which the view ops.dataset_state finds
(docs/adr/025), who is told of it (alerts/).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import Connection

from pipelines.clock import TIMEZONE
from pipelines.contracts.model import Contract
from pipelines.load.approval.waiting import waiting_loads
from pipelines.quality.results import CheckResult
from pipelines.quality.suites import FRESH_CHECK

MEASURES = {
    "datang": "Berkas terakhir datang",
    "data_sampai": "Data sampai",
    "berubah": "Terakhir berubah",
}
"""What freshness is measured on: an upload's arrival, a table's newest period, or its last change without a period."""
_ARRIVED = "select dataset, arrived_at from ops.dataset_state where dataset = any(%s)"
_ARRIVED_OF_ONE = "select dataset, arrived_at from ops.dataset_state where dataset = %s"
"""For one dataset PostgreSQL reads its loads only, for a list all of the ledger: 1 ms and 800 ms at 110,000 loads."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new a dataset's data are. arrived_at: None if there are none. due: until when newer data are promised.

    measured: what `arrived_at` is the time of, a key of MEASURES. waiting_since: since when a load of it waits for our
    approval, None if none does.
    """

    dataset: str
    arrived_at: datetime | None
    due: datetime | None
    measured: str
    now: datetime
    waiting_since: datetime | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether newer data are not due yet."""
        return self.due is not None and self.now <= self.due

    @property
    def result(self) -> CheckResult:
        """The result of the check `mutakhir`."""
        return CheckResult(FRESH_CHECK, "warn", self.is_fresh, None, None, self._message)

    @property
    def _message(self) -> str:
        if self.waiting_since and not self.is_fresh:
            return (
                f"Terlambat oleh walidata: kiriman menunggu persetujuan sejak {_moment(self.waiting_since)}."
                " Setujui atau tolak dengan `gudang approve`, atau di loket."
            )
        if self.arrived_at is None or self.due is None:
            return "Belum pernah datang."
        newest, due = f"{MEASURES[self.measured]} {_moment(self.arrived_at)}", _moment(self.due)
        if self.is_fresh:
            return f"{newest}; yang baru dijanjikan paling lambat {due}"
        return (
            f"Terlambat. {newest}; yang baru dijanjikan paling lambat {due}."
            " Tanyakan kepada produsen datanya, atau perbaiki slaProperties di kontrak."
        )


def is_promised(contract: Contract) -> bool:
    """Whether the contract says how often new data come."""
    return contract.sla_hours("frequency") is not None


def freshness(
    connection: Connection[Any], contracts: Iterable[Contract], now: datetime | None = None
) -> dict[str, Freshness]:
    """The freshness of each dataset that has a promised frequency, by key. now: by default the time of this machine."""
    promised = {c.key: c for c in contracts if is_promised(c)}
    keys = [*promised]
    query, value = (_ARRIVED_OF_ONE, keys[0]) if len(keys) == 1 else (_ARRIVED, keys)
    arrived = dict(connection.execute(query, [value]).fetchall())
    now = now or datetime.now(UTC)
    waiting = waiting_since(connection, promised.values())
    return {
        key: freshness_of(contract, arrived.get(key), now, waiting.get(key))
        for key, contract in promised.items()
    }


def waiting_since(connection: Connection[Any], contracts: Iterable[Contract]) -> dict[str, datetime]:
    """By dataset, since when a load of it waits for our approval; without those of which none does."""
    found: dict[str, datetime] = {}
    asked = [c.key for c in contracts if c.approval]
    for load in waiting_loads(connection, asked) if asked else ():
        found[load.dataset] = min(load.waiting_since, found.get(load.dataset, load.waiting_since))
    return found


def freshness_of(
    contract: Contract, arrived_at: datetime | None, now: datetime, waiting_since: datetime | None = None
) -> Freshness:
    """The freshness of a dataset whose data arrived at `arrived_at`. Without a promised frequency nothing is due."""
    hours = (contract.sla_hours("frequency") or 0) + (contract.sla_hours("latency") or 0)
    due = arrived_at + timedelta(hours=hours) if arrived_at and is_promised(contract) else None
    of_table = "data_sampai" if contract.period_column else "berubah"
    measured = "datang" if contract.server.kind == "upload" else of_table
    return Freshness(contract.key, arrived_at, due, measured, now, waiting_since)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(TIMEZONE)):%Y-%m-%d %H:%M} WITA"
