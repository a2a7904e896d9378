"""The same moment as text in many forms, as sources write it, and loads of tables that hold such texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.ingest import Ingested, ingest
from pipelines.load import prepare
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import database, document, make

WITA = timezone(timedelta(hours=8))


def _at(hours: int, pattern: str) -> Callable[[datetime], str]:
    return lambda moment: moment.astimezone(timezone(timedelta(hours=hours))).strftime(pattern)


FORMS: dict[str, tuple[Callable[[datetime], str], str, str | None]] = {
    "utc": (_at(0, "%Y-%m-%dT%H:%M:%SZ"), "timestamp", "zona_wita"),
    "utc, timestamptz": (_at(0, "%Y-%m-%dT%H:%M:%SZ"), "timestamptz", None),
    "a date behind": (_at(-11, "%Y-%m-%d %H:%M:%S-11:00"), "timestamptz", None),
    "jakarta": (_at(7, "%Y-%m-%d %H:%M WIB"), "timestamp", "zona_wita"),
    "minutes": (_at(8, "%Y-%m-%d %H:%M"), "timestamp", None),
    "t without a zone": (_at(8, "%Y-%m-%dT%H:%M:%S.000"), "timestamptz", None),
}
"""Form of a moment -> how it is written, the contract's type for it, and its repair."""


def mixed(moment: datetime) -> str:
    """Writes the moment in a form that its day and minute choose, as if several programs wrote into one table."""
    forms = [write for write, *_ in FORMS.values()]
    return forms[(moment.minute + moment.day) % len(forms)](moment)


def moment(text: str) -> datetime:
    """The moment of a time in Kalimantan (WITA)."""
    return datetime.fromisoformat(text).replace(tzinfo=WITA).astimezone(UTC)


class Nights:
    """A warehouse, a table of a source, and loads of it, one a night."""

    def __init__(self, pg_url: str, folder: Path) -> None:
        self.url = pg_url.replace("postgresql://", "postgresql+psycopg://", 1)
        self.folder = folder
        self.settings = Settings(home=folder / "home", project=folder, warehouse_url=self.url)
        self.connection: Connection[Any] = connect(self.url)
        prepare.prepare(self.connection, [])

    def contract(
        self, *columns: dict[str, Any], server: dict[str, Any] | None = None, **custom: Any
    ) -> Contract:
        custom.setdefault("extract", {"table": "sumber"})
        return make(self.folder, document("uji/data", list(columns), server or database("UJI_URL"), **custom))

    def load(
        self, contract: Contract, window: Window | None = None, *, full_refresh: bool = False
    ) -> Ingested:
        return ingest(
            self.connection,
            contract,
            self.settings,
            self.url,
            run_id="uji",
            window=window,
            full_refresh=full_refresh,
        )

    def run(self, statement: str) -> list[Any]:
        cursor = self.connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def forget(self) -> None:
        """Deletes all that was loaded and its records in ops."""
        self.run("drop table if exists raw.uji__data cascade")
        self.run(
            "truncate ops.load_batch cascade; truncate ops.watermark, ops.reconciliation, ops.empty_window,"
            " ops.source_shape, ops.check_result, quarantine.row"
        )


class Table:
    """The table `sumber` of a source that SQLAlchemy reaches."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine = sa.create_engine(url, poolclass=sa.NullPool)
        monkeypatch.setenv("UJI_URL", url)

    def run(self, *statements: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.execute(sa.text(statement), values)

    def make(self, columns: str) -> None:
        self.run("drop table if exists sumber", f"create table sumber ({columns})")

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            names = ", ".join(f":v{i}" for i in range(len(row)))
            self.run(
                f"insert into sumber values ({names})",  # noqa: S608
                **{f"v{i}": v for i, v in enumerate(row)},
            )
