"""Mails feedback to the addresses of a contract's `support[]`: summary by code, the page and the list of findings.

What belongs here: who gets a mail and when, its text, what is attached. A mail holds no personal value: the OPD's own
file, marked, is only in the upload zone. Not here: the mail server (alerts/mail.py).
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.alerts.channel import DeliveryError
from pipelines.alerts.mail import Mail
from pipelines.contracts.model import Contract
from pipelines.errors import SourceError
from pipelines.extract.upload.zone import Zone, on_zone
from pipelines.feedback.limits import ATTACHED_BYTES, MAIL_DAYS
from pipelines.feedback.loads import JudgedLoad
from pipelines.feedback.pack.listing import NAME as LISTING
from pipelines.feedback.pack.page import NAME as PAGE
from pipelines.feedback.pack.summary import Summary
from pipelines.publication.indonesian import number
from pipelines.settings import FEEDBACK_MAIL

NEVER, ON_ERROR, ON_CHANGE, ALWAYS = FEEDBACK_MAIL
_FOOT = "\nSurel ini dibuat otomatis oleh Gudang Data Kaltim.\n"


def is_wanted(mode: str, state: str, *, was_open: bool) -> bool:
    """Whether a load of this state is mailed. state: of ops.feedback. was_open: findings stood before it."""
    if mode == ALWAYS:
        return state != "failed"
    if mode == ON_ERROR:
        return state in ("open", "same")
    if mode == ON_CHANGE:
        return state == "open" or (state == "clean" and was_open)
    return False


@dataclass(frozen=True, slots=True)
class Letter:
    """Subject and text of a mail about one load, without the value of any row. The ledger keeps it until it is sent."""

    subject: str
    text: str


def letter(load: JudgedLoad, summary: Summary | None, place: str | None) -> Letter:
    """The mail about a load. summary: None if it has no findings. place: its folder in the upload zone."""
    title = f"{load.contract.title} ({load.contract.key})"
    if summary is None:
        text = (
            f"Kiriman untuk {title} sudah diterima.\n\nTidak ada temuan: {number(load.rows_read)} baris dibaca,"
            f" {number(load.rows_loaded)} dimuat.\n"
        )
        if load.state == "waiting":
            text += "Barisnya menunggu persetujuan walidata sebelum dipakai.\n"
        if load.rows_confirmed:
            text += f"{number(load.rows_confirmed)} baris diterima atas konfirmasi.\n"
        return Letter(f"Kiriman diterima tanpa temuan: {load.contract.title}", text + _FOOT)
    file = f", {summary.file}" if summary.file else ""
    lines = [f"Umpan balik untuk {title}{file}.", ""]
    lines += [f"{name}: {value}" for name, value in summary.facts()]
    lines += ["", *(note for note in summary.notes), "", "Temuan menurut kode:"]
    for group in summary.groups:
        about = group.entry
        lines.append(f"- {about.code} {about.title} ({group.severity.value}): {number(group.count)}")
        lines.append(f"  Perbaikan: {about.fix_for_opd}")
    if place:
        lines += ["", f"Semua temuan, dan berkas yang ditandai, ada di zona unggah, di folder {place}."]
    subject = f"{summary.headline}: {load.contract.title}{file}"
    return Letter(" ".join(subject.split()), "\n".join(lines) + "\n" + _FOOT)


def same_letter(load: JudgedLoad, findings: int, place: str | None) -> Letter:
    """The mail about a load whose findings are those of the load before."""
    text = (
        f"Umpan balik untuk {load.contract.title} ({load.contract.key}).\n\nTemuannya masih sama dengan pemuatan"
        f" sebelumnya: {number(findings)} baris masih ditahan.\n"
    )
    if place:
        text += f"\nSemua temuan ada di zona unggah, di folder {place}.\n"
    return Letter(f"Temuan masih sama: {load.contract.title}", text + _FOOT)


_DUE = """
select feedback_id, dataset, batch_id, folder, letter, mailed_to
from ops.feedback
where letter is not null and mailed_at is null and made_at > clock_timestamp() - make_interval(days => %s)
    and dataset = any(%s)
order by feedback_id
"""


def send_letters(
    connection: Connection[Any],
    zone: Zone,
    contracts: Sequence[Contract],
    mail: Mail,
    note: Callable[[str], None],
) -> list[str]:
    """Sends the mails that wait. Each delivery is committed before the next begins, so that none is repeated.

    note: gets a line for each delivery. Gives a line for each that failed. A server that can't be reached is not asked
    again in this call; a recipient that is refused for the present holds no other mail up.
    """
    recipients, failures = {c.key: c.mail for c in contracts if c.mail}, list[str]()
    for feedback_id, dataset, batch_id, folder, written, served in connection.execute(
        _DUE, [MAIL_DAYS, list(recipients)]
    ).fetchall():
        attached = _attached(zone, folder, dataset) if folder else []
        error, refused, unreachable = None, list[str](), False
        for recipient in recipients[dataset]:
            if recipient in served:
                continue
            message = _compose(Letter(**written), f"{dataset}:{batch_id}", recipient, mail.sender, attached)
            try:
                mail.deliver(message, recipient)
            except DeliveryError as fault:
                error = fault.message
                failures.append(f"surel ke {recipient} tidak terkirim: {fault.message}")
                unreachable = fault.unreachable
                if unreachable:
                    break
                if fault.refused:
                    refused.append(recipient)
                continue
            served.append(recipient)
            _note_served(connection, feedback_id, served)
            note(f"surel terkirim ke {recipient}: {written['subject']}")
        over = {*served, *refused} >= {*recipients[dataset]}
        connection.execute(
            "update ops.feedback set mail_error = %s, mailed_at = case when %s then clock_timestamp() end"
            " where feedback_id = %s",
            [error, over, feedback_id],
        )
        if unreachable:
            break
    return failures


def waiting_letters(connection: Connection[Any], contracts: Sequence[Contract]) -> list[str]:
    """A text for each mail that waits to be sent and has a recipient. It changes with each recipient that got it."""
    rows = connection.execute(
        "select feedback_id, cardinality(mailed_to) from ops.feedback where letter is not null and mailed_at is null"
        " and made_at > clock_timestamp() - make_interval(days => %s) and dataset = any(%s) order by feedback_id",
        [MAIL_DAYS, [c.key for c in contracts if c.mail]],
    ).fetchall()
    return [f"surel {feedback_id}:{served}" for feedback_id, served in rows]


def _note_served(connection: Connection[Any], feedback_id: int, served: list[str]) -> None:
    connection.execute("update ops.feedback set mailed_to = %s where feedback_id = %s", [served, feedback_id])


def _compose(
    written: Letter, key: str, recipient: str, sender: str, attached: Sequence[tuple[str, bytes]]
) -> EmailMessage:
    """The mail for one recipient. A second delivery is recognised by its Message-ID."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = written.subject
    mail["From"], mail["To"] = sender, recipient
    mail["Date"] = format_datetime(datetime.now(UTC))
    identity = hashlib.sha256(f"umpan-balik {key} {written.subject} {recipient}".encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{identity}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(written.text)
    for name, content in attached:
        kind, _, sub = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
        mail.add_attachment(content, maintype=kind, subtype=sub, filename=name)
    return mail


def _attached(zone: Zone, folder: str, subject: str) -> list[tuple[str, bytes]]:
    """Page and list of findings from the outbox, as far as they are there and together small enough."""
    found: list[tuple[str, bytes]] = []
    left = ATTACHED_BYTES
    for name in (PAGE, LISTING):
        content = _read(zone, f"{folder}/{name}", subject, left)
        if content is not None:
            found.append((name, content))
            left -= len(content)
    return found


def _read(zone: Zone, place: str, subject: str, most: int) -> bytes | None:
    """The bytes of a file in the zone; None if it is gone or has more than `most`."""
    file = zone / place
    try:
        if isinstance(file, Path):
            return file.read_bytes() if file.stat().st_size <= most else None
        with on_zone(subject, file, "umpan balik tidak dapat dibaca"):
            return file.read_bytes() if file.stat().st_size <= most else None
    except (OSError, SourceError):
        return None
