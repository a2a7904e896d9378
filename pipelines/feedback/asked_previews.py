"""Answers what the upload page asks about files: what a load of each would do (ops.upload_preview).

The page has no right to compare rows, so it puts the file under a hidden name and writes a question; Dagster answers,
and deletes the file. What belongs here: asking, answering, reading an answer. Not here: the preview (preview.py), the
job (sensors/previews.py), the page (loket/).
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from pipelines.contracts.model import Contract
from pipelines.errors import ContractError, GudangError, with_code
from pipelines.extract.upload.files import delete_hidden, place_aside, put_aside
from pipelines.extract.upload.inbox import file_outside
from pipelines.extract.upload.zone import Zone
from pipelines.feedback.preview import UNKNOWN, Found, Preview, found_of, preview
from pipelines.findings.catalogue import Severity
from pipelines.load.failures import code_of, describe_failure, fault_of_source
from pipelines.load.ledger import Changes
from pipelines.retention.hidden import sweep_aside
from pipelines.settings import Settings
from pipelines.warehouse.locks import queued

MOST_OPEN = 5
"""So many questions about a dataset may be open; another file has to wait."""
MOST_TRIES = 3
"""So often a question is tried; then the answer is that it cannot be counted."""
FORGOTTEN_S = 3_600
"""A file without an open question is deleted when it is so old: its question could not be written, or was answered."""
_SELECT = (
    "select preview_id, dataset, name, place, asked_at, done_at, tries, found from ops.upload_preview where "
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a file. place: its hidden name in the dataset's folder. found: the answer as JSON.

    tries: how often it was begun to count the answer.
    """

    preview_id: int
    dataset: str
    name: str
    place: str
    asked_at: datetime
    done_at: datetime | None
    tries: int
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
    place = put_aside(zone, contract.key, file)
    try:
        row = connection.execute(
            "insert into ops.upload_preview (dataset, name, place, asked_by) values (%s, %s, %s, %s)"
            " returning preview_id",
            [contract.key, name, place, by],
        ).fetchone()
    except BaseException:
        with suppress(GudangError):
            delete_hidden(zone, contract.key, place)
        raise
    assert row is not None
    return row[0]


def asked(connection: Connection[Any], dataset: str, number: int) -> Asked | None:
    """A question about a dataset by its number; None if there is none."""
    with connection.cursor(row_factory=class_row(Asked)) as cursor:
        query = _SELECT + "dataset = %s and preview_id = %s"
        return cursor.execute(query, [dataset, number]).fetchone()


def open_questions(connection: Connection[Any]) -> list[Asked]:
    """The questions without an answer, those that were tried least often first."""
    with connection.cursor(row_factory=class_row(Asked)) as cursor:
        return cursor.execute(_SELECT + "done_at is null order by tries, preview_id").fetchall()


def answer_all(
    connection: Connection[Any], contracts: Sequence[Contract], settings: Settings, zone: Zone
) -> list[str]:
    """Answers the open questions, and deletes their files. Gives a line about each, in Indonesian.

    A question that cannot be answered now stays open, and the others are answered; after MOST_TRIES the answer is that
    it cannot be counted. Two sessions never answer at the same time: the second one waits. Raises GudangError or
    psycopg.Error if the warehouse does not answer.
    """
    by_key = {contract.key: contract for contract in contracts}
    with queued(connection, "pratinjau", "pratinjau berkas", "hitungan lain"):
        lines = [
            _settle(connection, by_key.get(one.dataset), settings, zone, one)
            for one in open_questions(connection)
        ]
        lines += _sweep(connection, contracts, zone)
    return lines


def _settle(
    connection: Connection[Any], contract: Contract | None, settings: Settings, zone: Zone, one: Asked
) -> str:
    said, tries = f"{one.dataset}: berkas {one.preview_id}", one.tries + 1
    if tries > MOST_TRIES:  # each run that counted it was killed
        found = _unknown(one, "GDK-M012")
    else:
        connection.execute(
            "update ops.upload_preview set tries = %s where preview_id = %s", [tries, one.preview_id]
        )
        try:
            found = _answer(connection, contract, settings, zone, one)
        except Exception as error:
            if connection.closed:
                raise
            if tries < MOST_TRIES:
                return f"{said} belum dapat dihitung: {describe_failure(one.dataset, error)}"
            found = _unknown(one, code_of(error))
    connection.execute(
        "update ops.upload_preview set done_at = clock_timestamp(), found = %s"
        " where preview_id = %s and done_at is null",
        [json.dumps(asdict(found)), one.preview_id],
    )
    with suppress(GudangError):  # it is swept later
        delete_hidden(zone, one.dataset, one.place)
    return f"{said} dihitung ({found.state})"


def _unknown(one: Asked, code: str | None) -> Preview:
    why = with_code(f"Sudah {MOST_TRIES} kali dicoba dan tidak berhasil", code)
    return Preview(one.name, UNKNOWN, found=found_of(code), why=why)


def _sweep(connection: Connection[Any], contracts: Sequence[Contract], zone: Zone) -> list[str]:
    """Deletes files that nobody asks about any more."""
    before = time.time() - FORGOTTEN_S
    keep = {one.place for one in open_questions(connection)}
    lines: list[str] = []
    for contract in contracts:
        if contract.server.kind != "upload":
            continue
        try:
            if count := sweep_aside(zone, contract.key, keep, before):
                lines.append(f"{contract.key}: {count} berkas yang dititipkan dihapus")
        except GudangError as error:
            lines.append(str(error))
    return lines


def _answer(
    connection: Connection[Any], contract: Contract | None, settings: Settings, zone: Zone, one: Asked
) -> Preview:
    if contract is None:
        raise ContractError(one.dataset, "kontraknya tidak ada, atau ada salahnya")
    try:
        file = file_outside(zone, contract, place_aside(zone, one.dataset, one.place), one.name)
    except GudangError as error:
        if fault_of_source(error) is None:
            raise
        return Preview(one.name, "failed", found=found_of(error.code), why=str(error))
    return preview(connection, contract, settings, file)
