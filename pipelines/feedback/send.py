"""Tells the OPD what is due: judges the loads that have ended, writes feedback into the zone, and mails it.

What belongs here: the order of the steps. `gudang nightly`, the job `umpan_balik` and `gudang feedback` call it.
Calling it again does nothing twice: the ledger has what was told. A fault of one feedback stops no other, and no load.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.alerts.mail import Mail
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets
from pipelines.disk import os_reason
from pipelines.errors import GudangError
from pipelines.extract.upload.zone import Zone, upload_zone
from pipelines.feedback import ledger, outbox
from pipelines.feedback.ending import ends_feedback, over
from pipelines.feedback.entries import Finding, count_open, findings_of_load
from pipelines.feedback.files_left import tell_of_files
from pipelines.feedback.loads import JudgedLoad, due_loads
from pipelines.feedback.mail import NEVER, is_wanted, letter, same_letter, send_letters
from pipelines.feedback.pack.build import build
from pipelines.load.failures import message_of
from pipelines.publication.indonesian import moment
from pipelines.settings import AlertSettings, Settings
from pipelines.warehouse import locks

LOCK = "umpan_balik"
log = logging.getLogger("gudang.umpan_balik")


@dataclass(slots=True)
class Sent:
    """What one call did. lines: in Indonesian. failures: what was not done. busy: another process is at it."""

    judged: int = 0
    written: int = 0
    lines: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])
    busy: bool = False

    @property
    def headline(self) -> str:
        """All in a line."""
        if self.busy:
            return "Umpan balik sedang dibuat oleh proses lain."
        failed = f", {len(self.failures)} gagal" if self.failures else ""
        return f"Umpan balik: {self.judged} pemuatan diperiksa, {self.written} folder ditulis{failed}."


def send_pending(
    connection: Connection[Any],
    settings: Settings,
    datasets: Datasets,
    alerts: AlertSettings,
    *,
    quiet: float = 0,
) -> Sent:
    """Does all that is due. connection: in autocommit.

    alerts: the mail server and the mode. quiet: seconds for which a load must have ended.
    """
    return send(
        connection, settings, datasets, alerts, due_loads(connection, datasets.contracts, quiet=quiet)
    )


def send(
    connection: Connection[Any],
    settings: Settings,
    datasets: Datasets,
    alerts: AlertSettings,
    loads: Sequence[JudgedLoad],
    *,
    again: bool = False,
) -> Sent:
    """The same for these loads. again: it is written once more, also if the findings are those of the load before."""
    sent = Sent()
    if not locks.try_queue(connection, LOCK):
        sent.busy = True
        return sent
    try:
        zone = upload_zone(settings)
        for load in loads:
            _judge(connection, zone, load, alerts.feedback, sent, again=again)
        _end_old(connection, zone, datasets.contracts, sent)
        try:
            lines, failures = tell_of_files(connection, settings, datasets, zone)
            sent.lines += lines
            sent.failures += failures
        except (GudangError, OSError) as error:
            sent.failures.append(_message("berkas yang tidak diambil", error))
        if alerts.mail and alerts.feedback != NEVER:
            mail = Mail(alerts.mail, alerts.timeout)
            sent.failures += send_letters(connection, zone, datasets.contracts, mail, sent.lines.append)
    finally:
        if not connection.closed:
            locks.leave_queue(connection, LOCK)
    return sent


def _judge(
    connection: Connection[Any], zone: Zone, load: JudgedLoad, mode: str, sent: Sent, *, again: bool
) -> None:
    """Judges one load. A failure is noted, and tried again later."""
    sent.judged += 1
    try:
        _tell(connection, zone, load, mode, sent, again=again)
    except (GudangError, psycopg.Error, OSError, ValueError, LookupError) as error:
        if connection.broken:
            raise
        text = _message(f"{load.contract.key}, pemuatan {load.batch_id}", error)
        log.warning("umpan balik %s", text)
        sent.failures.append(text)
        ledger.note_load(connection, load, "failed", error=text)


def _tell(
    connection: Connection[Any], zone: Zone, load: JudgedLoad, mode: str, sent: Sent, *, again: bool
) -> None:
    rows, entries = count_open(connection, load)
    whole = findings_of_load(connection, load)
    before = ledger.last_told(connection, load)
    stands = before is not None and before.state in ("open", "same")
    if not rows and not whole and load.state != "rejected":
        _tell_clean(connection, load, mode, stands=stands)
        return
    mark = _mark(load, entries, whole)
    if stands and before and not load.is_upload and before.mark == mark and not again:
        mail = same_letter(load, rows, before.folder) if is_wanted(mode, "same", was_open=True) else None
        ledger.note_load(
            connection,
            load,
            "same",
            folder=before.folder,
            findings=before.findings,
            mark=mark,
            letter=mail and asdict(mail),
        )
        return
    folder = outbox.folder_of_load(load.contract.opd, load.contract.dataset, load.batch_id, load.source_name)
    with tempfile.TemporaryDirectory(prefix="gudang-") as work:
        summary = build(connection, zone, load, whole, Path(work))
        outbox.put_folder(zone, folder, Path(work), load.contract.key)
    mail = letter(load, summary, folder) if is_wanted(mode, "open", was_open=stands) else None
    ledger.note_load(
        connection,
        load,
        "open",
        folder=folder,
        findings=summary.open,
        mark=mark,
        letter=mail and asdict(mail),
    )
    sent.written += 1
    sent.lines.append(f"{load.contract.key}: {summary.headline}, di {folder}")


def _tell_clean(connection: Connection[Any], load: JudgedLoad, mode: str, *, stands: bool) -> None:
    """Notes that a load has no findings. A mail on changes is wanted if that ends findings of before.

    stands: whether the last feedback had findings. A load that waits ends them when it is approved; nobody is told
    then, so its OPD is told now.
    """
    ends = stands
    if load.state != "waiting":
        # Asked as if it was told already, and then told together with its mail in one statement.
        with connection.transaction(force_rollback=True):
            ledger.note_load(connection, load, "clean")
            ends = ends_feedback(connection, load)
    mail = letter(load, None, None) if is_wanted(mode, "clean", was_open=ends) else None
    ledger.note_load(connection, load, "clean", letter=mail and asdict(mail))


def _mark(load: JudgedLoad, entries: str, whole: Sequence[Finding]) -> str:
    """A text that changes when the findings change. Counts in the messages of checks do not count."""
    parts = [
        load.state if load.is_refused else "",
        entries,
        *(f"{f.code} {f.message.split(':')[0]}" for f in whole),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _end_old(connection: Connection[Any], zone: Zone, contracts: Sequence[Contract], sent: Sent) -> None:
    """Says in the folder of each feedback whose findings are over that they are. What failed is tried again later.

    A dataset with a load that is still to be judged is left for the next time.
    """
    text = (
        f"Umpan balik ini sudah selesai sejak {moment(datetime.now(UTC))}: temuannya tidak ada lagi pada kiriman yang"
        " diperiksa sesudahnya, atau ada umpan balik yang lebih baru.\n"
    )
    to_judge = {load.contract.key for load in due_loads(connection, contracts)}
    for told in over(connection, [c for c in contracts if c.key not in to_judge]):
        if told.folder is not None:
            try:
                outbox.add_text(zone, told.folder, outbox.DONE, text, told.dataset or told.opd)
            except GudangError as error:
                sent.failures.append(str(error))
                continue
            sent.lines.append(f"{told.folder}: selesai")
        ledger.resolve(connection, told)


def _message(subject: str, error: BaseException) -> str:
    return f"{subject}: {os_reason(error) if isinstance(error, OSError) else message_of(error)}"
