"""Answers what the upload page asks about files: what a load of each would do (ops.upload_preview).

The page has no right to compare rows, so it puts the file under a hidden name and writes a question; Dagster answers,
and deletes the file. What belongs here: asking, answering, reading an answer. Not here: the preview (preview.py), the
job (sensors/previews.py), the page (loket/).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError
from pipelines.extract.upload.files import delete_aside, place_aside, put_aside
from pipelines.extract.upload.inbox import file_outside
from pipelines.extract.upload.zone import Zone
from pipelines.feedback.preview import Found, Preview, preview
from pipelines.findings.catalogue import Severity
from pipelines.load.ledger import Changes
from pipelines.settings import Settings

MOST_OPEN = 5
"""So many questions about a dataset may be open; another file has to wait."""
SETTLED_S = 2
"""A question is answered when it is so old, because its file gets its place just after the question is written."""
_SELECT = "select preview_id, dataset, name, place, asked_at, done_at, found from ops.upload_preview where "


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a file. place: its hidden name in the dataset's folder. found: the answer as JSON."""

    preview_id: int
    dataset: str
    name: str
    place: str
    asked_at: datetime
    done_at: datetime | None
    found: dict[str, Any] | None

    @property
    def answer(self) -> Preview | None:
        """What a load of the file would do; None until it is known."""
        if self.found is None:
            return None
        known = dict(self.found)
        return Preview(
            known["name"],
            known["state"],
            Changes(**known["changes"]),
            known["refused"],
            tuple(Found(one["code"], Severity(one["severity"]), one["count"]) for one in known["found"]),
            tuple(known["warnings"]),
            known["why"],
        )


def ask(connection: Connection[Any], zone: Zone, contract: Contract, file: Path, name: str, by: str) -> int:
    """Puts the file aside and writes the question. Gives its number. Needs the rights of the role gudang_loket only.

    Raises GudangError if too many questions about the dataset are open, or the file cannot be put.
    """
    (waiting,) = connection.execute(
        "select count(*) from ops.upload_preview where dataset = %s and done_at is null", [contract.key]
    ).fetchone() or (0,)
    if waiting >= MOST_OPEN:
        raise GudangError(
            contract.key, f"{waiting} berkas lain masih dihitung", hint="coba lagi sebentar lagi"
        )
    numbers: list[int] = []

    def write_down(place: str) -> None:
        row = connection.execute(
            "insert into ops.upload_preview (dataset, name, place, asked_by) values (%s, %s, %s, %s)"
            " returning preview_id",
            [contract.key, name, place, by],
        ).fetchone()
        assert row is not None
        numbers.append(row[0])

    put_aside(zone, contract.key, file, write_down)
    return numbers[0]


def asked(connection: Connection[Any], dataset: str, number: int) -> Asked | None:
    """A question about a dataset by its number; None if there is none."""
    with connection.cursor(row_factory=class_row(Asked)) as cursor:
        query = _SELECT + "dataset = %s and preview_id = %s"
        return cursor.execute(query, [dataset, number]).fetchone()


def open_questions(connection: Connection[Any], settled: float = SETTLED_S) -> list[Asked]:
    """The questions without an answer, in their order. settled: how many seconds old they are at least."""
    with connection.cursor(row_factory=class_row(Asked)) as cursor:
        query = _SELECT + (
            "done_at is null and asked_at < clock_timestamp() - make_interval(secs => %s) order by preview_id"
        )
        return cursor.execute(query, [settled]).fetchall()


def answer_all(
    connection: Connection[Any],
    contracts: Sequence[Contract],
    settings: Settings,
    zone: Zone,
    settled: float = SETTLED_S,
) -> list[str]:
    """Answers the open questions, and deletes their files. Gives a line about each, in Indonesian.

    A question that cannot be answered now, because the warehouse or the zone does not answer, stays open.
    """
    by_key = {contract.key: contract for contract in contracts}
    lines: list[str] = []
    for one in open_questions(connection, settled):
        contract = by_key.get(one.dataset)
        try:
            found = _answer(connection, contract, settings, zone, one)
            connection.execute(
                "update ops.upload_preview set done_at = clock_timestamp(), found = %s where preview_id = %s",
                [json.dumps(asdict(found)), one.preview_id],
            )
            delete_aside(zone, one.dataset, one.place)
            lines.append(f"{one.dataset}: berkas {one.preview_id} dihitung ({found.state})")
        except GudangError as error:
            lines.append(f"{one.dataset}: berkas {one.preview_id} belum dapat dihitung: {error}")
    return lines


def _answer(
    connection: Connection[Any], contract: Contract | None, settings: Settings, zone: Zone, one: Asked
) -> Preview:
    if contract is None:
        return Preview(one.name, "failed", why=f"kontrak {one.dataset} tidak ada, atau ada salahnya")
    try:
        file = file_outside(zone, contract, place_aside(zone, one.dataset, one.place), one.name)
    except GudangError as error:
        if getattr(error, "transient", False):
            raise
        return Preview(one.name, "failed", why=str(error))
    return preview(connection, contract, settings, file)
