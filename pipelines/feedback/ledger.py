"""What OPD were told, in ops.feedback: a row per load that was judged, and one per OPD for files that nobody takes.

What belongs here: reading and writing that table. Not here: judging (send.py), quarantine (entries.py), which feedback
is over (ending.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from pipelines.contracts.model import Contract
from pipelines.feedback.loads import JudgedLoad


@dataclass(frozen=True, slots=True)
class Told:
    """A row of ops.feedback. state: open, same, clean, resolved or failed."""

    feedback_id: int
    opd: str
    dataset: str | None
    batch_id: int | None
    source_name: str | None
    state: str
    folder: str | None
    findings: int
    mark: str
    error: str | None
    made_at: datetime
    mailed_to: list[str]


_SELECT = (
    "select feedback_id, opd, dataset, batch_id, source_name, state, folder, findings, mark, error, made_at, mailed_to"
    " from ops.feedback as f"
)


def by_file(contract: Contract) -> bool:
    """Whether what was told of one file stands beside that of another, because each file adds to the others."""
    return contract.server.kind == "upload" and contract.takes_every_file


def last_told(connection: Connection[Any], load: JudgedLoad) -> Told | None:
    """What was told last of the load's dataset (or file), before this load; failed tries left out."""
    applied = (
        "(select coalesce(max(ops.applied_at(b.state, b.finished_at)), f.made_at)"
        " from ops.load_batch as b where b.batch_id = f.batch_id)"
    )
    query = f"{_SELECT} where dataset = %s and state <> 'failed' and batch_id <> %s and {applied} < %s"
    values: list[Any] = [load.contract.key, load.batch_id, load.finished_at]
    if by_file(load.contract):
        query += " and source_name is not distinct from %s"
        values.append(load.source_name)
    with connection.cursor(row_factory=class_row(Told)) as cursor:
        query += f" order by {applied} desc, batch_id desc limit 1"
        return cursor.execute(query.encode(), values).fetchone()


def note_load(
    connection: Connection[Any],
    load: JudgedLoad,
    state: str,
    *,
    folder: str | None = None,
    findings: int = 0,
    mark: str = "",
    error: str | None = None,
    letter: Mapping[str, str] | None = None,
) -> None:
    """Writes what became of a load's feedback. A former try is replaced and counted.

    letter: subject and text of the mail about it. It is in the same statement, so that no kill loses it.
    """
    with connection.transaction():
        _write(connection, load, state, folder, findings, mark, error, letter)
        if state != "failed":
            _end_failed(connection, load)


def _end_failed(connection: Connection[Any], load: JudgedLoad) -> None:
    """Ends the failed feedback of earlier loads: nobody tries it again once a newer load was told of."""
    query = (
        "update ops.feedback set state = 'resolved', resolved_at = clock_timestamp()"
        " where dataset = %s and state = 'failed' and batch_id < %s"
    )
    values: list[Any] = [load.contract.key, load.batch_id]
    if by_file(load.contract):
        query += " and source_name is not distinct from %s"
        values.append(load.source_name)
    connection.execute(query.encode(), values)


def _write(
    connection: Connection[Any],
    load: JudgedLoad,
    state: str,
    folder: str | None,
    findings: int,
    mark: str,
    error: str | None,
    letter: Mapping[str, str] | None,
) -> None:
    connection.execute(
        "insert into ops.feedback"
        " (opd, dataset, batch_id, source_name, state, folder, findings, rows, mark, error, letter)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (batch_id) do update set state = excluded.state, folder = excluded.folder,"
        " findings = excluded.findings, rows = excluded.rows, mark = excluded.mark, error = excluded.error,"
        " letter = coalesce(excluded.letter, feedback.letter),"
        " tries = case when excluded.state = 'failed' then feedback.tries + 1 else feedback.tries end,"
        # What was mailed before a person decided about the load is over.
        " mailed_at = case when feedback.made_at >= %s then feedback.mailed_at end,"
        " mailed_to = case when feedback.made_at >= %s then feedback.mailed_to else '{}' end,"
        " made_at = clock_timestamp(), resolved_at = null",
        [
            load.contract.opd,
            load.contract.key,
            load.batch_id,
            load.source_name,
            state,
            folder,
            findings,
            load.rows_refused,
            mark,
            error,
            Jsonb(dict(letter)) if letter else None,
            load.finished_at,
            load.finished_at,
        ],
    )


def resolve(connection: Connection[Any], told: Told) -> None:
    """Writes that the findings of a feedback are over."""
    connection.execute(
        "update ops.feedback set state = 'resolved', resolved_at = clock_timestamp() where feedback_id = %s",
        [told.feedback_id],
    )


def told_of_files(connection: Connection[Any]) -> dict[str, Told]:
    """By OPD, what stands about files that no dataset takes; "" for those in no OPD's folder."""
    with connection.cursor(row_factory=class_row(Told)) as cursor:
        rows = cursor.execute(_SELECT.encode() + b" where dataset is null and state = 'open'").fetchall()
    return {row.opd: row for row in rows}


def note_files(connection: Connection[Any], opd: str, folder: str, findings: int, mark: str) -> None:
    """Writes that an OPD was told about its files that no dataset takes."""
    with connection.transaction():
        end_files(connection, opd)
        connection.execute(
            "insert into ops.feedback (opd, state, folder, findings, mark) values (%s, 'open', %s, %s, %s)",
            [opd, folder, findings, mark],
        )


def end_files(connection: Connection[Any], opd: str) -> None:
    """Writes that no such file of the OPD is left."""
    connection.execute(
        "update ops.feedback set state = 'resolved', resolved_at = clock_timestamp(), folder = null"
        " where dataset is null and opd = %s and state = 'open'",
        [opd],
    )


def failed(connection: Connection[Any]) -> list[tuple[str, int | None, str | None]]:
    """Dataset or OPD, load and error of each feedback that could not be made."""
    return connection.execute(
        "select coalesce(dataset, opd), batch_id, error from ops.feedback where state = 'failed' order by feedback_id"
    ).fetchall()
