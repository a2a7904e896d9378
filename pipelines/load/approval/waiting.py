"""Knows the loads that wait for approval, and ends those whose place another one takes.

What belongs here: queries, which load covers which, and ending a load that nobody will decide about. Not here: holding
a load (hold.py), decisions (decide.py).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.load.arrivals import contract_mark
from pipelines.load.ledger import Batch, Changes
from pipelines.load.originals import ORIGINALS
from pipelines.load.plan import LoadPlan

log = logging.getLogger("gudang.muat")

LATE_HOURS = 48
"""An approval that is awaited for longer is late, and the lateness is ours, not the OPD's."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A load that waits for approval, and what it would change.

    waiting_since: since when an approval of the dataset is awaited. contract_mark: hash of the contract by which the
    rows were staged.
    """

    batch_id: int
    dataset: str
    source_name: str | None
    window_start: date | None
    window_end: date | None
    full_refresh: bool
    started_at: datetime
    waiting_since: datetime
    contract_mark: str
    rows_read: int
    rows_quarantined: int
    rows_new: int
    rows_changed: int
    rows_unchanged: int
    rows_deleted: int

    @property
    def window(self) -> Window | None:
        """The days that were loaded; None if they were no part of the dataset."""
        return Window(self.window_start, self.window_end) if self.window_start and self.window_end else None

    @property
    def subject(self) -> str:
        """The dataset, the file or table, and the window, as a person reads it."""
        window = f"{self.window_start} s.d. {self.window_end}" if self.window else ""
        source = f"({self.source_name})" if self.source_name else ""
        return " ".join(part for part in (self.dataset, source, window) if part)

    @property
    def how_again(self) -> str:
        """How the rows come again if the load is over before somebody has decided about it."""
        if self.full_refresh:
            return f"minta lagi muat ulang penuh: `gudang reload {self.dataset}`"
        if self.window_start:
            return f"jendela {self.window_start} s.d. {self.window_end} diisi ulang lagi, kecuali malam membacanya"
        return "sumbernya dimuat lagi"

    @property
    def counts(self) -> str:
        """What an approval would change, as a person reads it."""
        return (
            f"{self.rows_new} baris baru, {self.rows_changed} berubah, {self.rows_unchanged} sama,"
            f" {self.rows_deleted} dihapus, {self.rows_quarantined} dikarantina"
        )


_SELECT = (
    "select b.batch_id, b.dataset, b.source_name, b.window_start, b.window_end, b.full_refresh, b.started_at,"
    " a.waiting_since, a.contract_mark, b.rows_read, b.rows_quarantined, a.rows_new, a.rows_changed, a.rows_unchanged,"
    " a.rows_deleted from ops.load_batch b join ops.load_approval a using (batch_id) where b.state = 'waiting'"
)


def select_staged(contract: Contract, batch_id: int) -> str:
    """SQL with which a person looks at the staged rows of a waiting load."""
    return sql.SQL("select * from {} limit 100").format(LoadPlan(contract, batch_id).stage).as_string()


def waiting_loads(connection: Connection[Any], datasets: Sequence[str]) -> list[Waiting]:
    """The loads of these datasets that wait for approval, in the order of their loads."""
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        query = f"{_SELECT} and b.dataset = any(%s) order by b.batch_id"
        return cursor.execute(query.encode(), [[*datasets]]).fetchall()


def covers(plan: LoadPlan, source_name: str | None, older: Waiting) -> bool:
    """Whether this load brings all that the waiting one would: the newer of the two is then the one to approve."""
    contract = plan.contract
    if plan.full_refresh:
        return True
    if older.full_refresh:
        return plan.reads_everything
    if contract.server.kind == "upload" and contract.takes_every_file:
        return older.source_name == source_name and plan.window in (None, older.window)
    if plan.window is None or older.window is None:
        return plan.window is None
    return plan.window.start <= older.window.start and older.window.end <= plan.window.end


def overlap(first: Window | None, second: Window | None) -> bool:
    """Whether two loads of a dataset may have the same rows: two windows without a common day have none."""
    return not (first and second) or (first.start <= second.end and second.start <= first.end)


def before(connection: Connection[Any], plan: LoadPlan) -> list[Waiting]:
    """The waiting loads whose rows would come over those of this load, if it were applied first."""
    found = waiting_loads(connection, [plan.contract.key])
    return [w for w in found if w.batch_id < plan.batch_id and overlap(w.window, plan.window)]


def supersede_covered(connection: Connection[Any], plan: LoadPlan, batch: Batch) -> datetime | None:
    """Ends the waiting loads whose place this load takes. Gives since when an approval was awaited, if it was."""
    ended = [
        w
        for w in waiting_loads(connection, [plan.contract.key])
        if w.batch_id < plan.batch_id and covers(plan, batch.source_name, w)
    ]
    for one in ended:
        end_waiting(connection, one, f"digantikan kiriman {batch.batch_id}, yang lebih baru")
        batch.warnings.append(f"menggantikan kiriman {one.batch_id}, yang masih menunggu persetujuan")
    return min((one.waiting_since for one in ended), default=None)


def supersede_outdated(connection: Connection[Any], contract: Contract) -> None:
    """Ends the waiting loads that were staged by another text of the contract."""
    mark = contract_mark(contract)
    for one in waiting_loads(connection, [contract.key]):
        if one.contract_mark != mark or not contract.approval:
            log.warning("%s: kiriman %d: %s; %s", one.subject, one.batch_id, CONTRACT_CHANGED, one.how_again)
            end_waiting(connection, one, f"{CONTRACT_CHANGED}; {one.how_again}")


def supersede_abandoned(connection: Connection[Any]) -> None:
    """Ends the waiting loads of datasets that ops.contract does not have (any more): nobody can decide about them."""
    rows = connection.execute(
        "select distinct dataset from ops.load_batch b where state = 'waiting'"
        " and not exists (select from ops.contract c where c.dataset = b.dataset)"
    ).fetchall()
    for one in waiting_loads(connection, [key for (key,) in rows]):
        end_waiting(connection, one, "kontraknya tidak ada lagi")


CONTRACT_CHANGED = "kontraknya berubah sesudah kiriman ini diperiksa"


def end_waiting(connection: Connection[Any], waiting: Waiting, why: str) -> None:
    """Ends a waiting load whose place another one takes, and drops its rows."""
    with connection.transaction():
        connection.execute(
            "update ops.load_batch set state = 'superseded', error = %s, finished_at = clock_timestamp()"
            " where batch_id = %s and state = 'waiting'",
            [why, waiting.batch_id],
        )
        note_outcome(connection, waiting.batch_id, None)
        drop_stage(connection, waiting.batch_id)


def note_outcome(connection: Connection[Any], batch_id: int, outcome: str | None) -> None:
    """Notes with the upload of a waiting load what became of it; None: the upload is loaded again."""
    connection.execute(
        "update ops.upload_seen u set outcome = %s from ops.load_batch b where b.batch_id = %s"
        " and u.dataset = b.dataset and u.name = b.source_name"
        " and u.sha256 = split_part(b.source_fingerprint, ':', 1) and u.outcome = 'waiting'",
        [outcome, batch_id],
    )


def drop_stage(connection: Connection[Any], batch_id: int) -> None:
    """Drops what a waiting load has kept, where it is still there: its stage, and originals of personal values.

    We find them by the load's number, because the contract may say otherwise today, or be gone.
    """
    kept = connection.execute(
        "select relnamespace::regnamespace::text, relname from pg_class where relkind = 'r'"
        " and relnamespace in (to_regnamespace('landing'), to_regnamespace(%s)) and relname ~ %s",
        [ORIGINALS, f"__{batch_id}_(stage|menunggu)$"],
    ).fetchall()
    for names in kept:
        connection.execute(sql.SQL("drop table {}").format(sql.Identifier(*names)))


def standing_load(
    connection: Connection[Any], contract: Contract, fingerprint: str, window: Window | None = None
) -> Batch | None:
    """The load of an upload that waits for approval, or that a person has rejected; None if it is to be loaded.

    A full refresh that was rejected says nothing about the upload, whose rows raw may have had before.
    fingerprint: of the upload under today's contract (ledger.fingerprint). window: the days that are read of it.
    """
    row = connection.execute(
        "select b.batch_id, b.state, b.source_name, b.rows_read, b.rows_quarantined, b.error, b.code, a.rows_new,"
        " a.rows_changed, a.rows_unchanged, a.rows_deleted from ops.load_batch b join ops.load_approval a"
        " using (batch_id) where b.dataset = %s and b.source_fingerprint = %s"
        " and b.window_start is not distinct from %s and b.window_end is not distinct from %s"
        " and (b.state = 'waiting' or not b.full_refresh)"
        " order by b.batch_id desc limit 1",
        [contract.key, fingerprint, window.start if window else None, window.end if window else None],
    ).fetchone()
    if row is None or row[1] not in ("waiting", "rejected"):
        return None
    batch_id, state, name, read, quarantined, error, code, *counts = row
    return Batch(
        batch_id, contract.key, state, source_name=name, fingerprint=fingerprint, read=read, quarantined=quarantined,
        error=error, code=code, preview=Changes(*counts),
    )  # fmt: skip
