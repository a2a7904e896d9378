"""Writes ops.publication_log: which content of which file was published or withdrawn, when, and on what basis.

Not here: what is published (publish.py) or withdrawn (withdrawal.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.types.json import Jsonb

SHOWN, WITHDRAWN = "terbit", "ditarik"
"""What happened to a file."""
REPORT = "laporan"
"""The report's name in the log, in the column of the mart's name."""


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the log. basis: by column, on what basis it was published. why: the reason to withdraw it."""

    mart: str
    path: Path
    sha256: str
    rows: int | None = None
    what: str = SHOWN
    basis: Mapping[str, str] | None = None
    why: str | None = None


def log(connection: Connection[Any], run_id: str | None, events: Iterable[Event]) -> None:
    """Adds the events whose content, kind or basis differs from the last one of the same file.

    A file that stays the same is not logged again. A file that a killed run has published without a row is logged.
    """
    for event in events:
        connection.execute(
            "insert into ops.publication_log (run_id, mart, path, sha256, rows, event, basis, reason)"
            " select n.* from (select %(run)s::text, %(mart)s::text, %(path)s::text, %(sha)s::text as sha256,"
            "   %(rows)s::bigint, %(what)s::text as event, %(basis)s::jsonb as basis, %(why)s::text) as n"
            " where not exists (select from"
            "   (select sha256, event, basis from ops.publication_log"
            "    where mart = %(mart)s and path = %(path)s order by at desc limit 1) as last"
            "   where last.sha256 = n.sha256 and last.event = n.event"
            "   and last.basis is not distinct from n.basis)",
            {
                "run": run_id,
                "mart": event.mart,
                "path": str(event.path),
                "sha": event.sha256,
                "rows": event.rows,
                "what": event.what,
                "basis": Jsonb(dict(event.basis)) if event.basis else None,
                "why": event.why,
            },
        )
