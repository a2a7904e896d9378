"""Messages on their way: written once with their deliveries, then sent until the channel took each over.

What belongs here: ops.alert_message and ops.alert_delivery. A delivery is noted after the channel took the message
over. So a process that is killed between the two sends the message once more, with the same key, and none is lost. A
delivery whose recipient was refused for good is due at infinity.
Not here: what a message says (document.py), how a channel sends it (mail.py, http.py).
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from pipelines.alerts.channel import MAIL, Channel, DeliveryError, Message
from pipelines.alerts.document import Document
from pipelines.alerts.register import note_delivery

FIRST_PAUSE_S, LONGEST_PAUSE_S = 60, 3600
"""How long a delivery that failed waits: the first pause, doubled each time, up to the longest."""
BUDGET_S = 30.0
"""Seconds in which deliveries begin: Dagster waits 60 seconds for a sensor, and the last one may take a while."""
Address = tuple[str, str]
"""A channel's name and a recipient, which is empty for channels that have only one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one delivery.

    error: None if the channel took the message over. refused: it is not tried again.
    """

    channel: str
    recipient: str
    headline: str
    error: str | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _Due:
    message_id: int
    key: str
    channel: str
    recipient: str
    tries: int
    document: Document


def put(
    connection: Connection[Any], key: str, document: Document, to: Iterable[Address], now: datetime
) -> None:
    """Writes a message and its deliveries. If one has this key already, what is not delivered yet gets the new text."""
    with connection.transaction():
        row = connection.execute(
            "insert into ops.alert_message (key, kind, document, created_at) values (%s, %s, %s, %s)"
            " on conflict (key) do update set document = excluded.document"
            " where alert_message.document <> excluded.document returning message_id",
            [key, document["kind"], json.dumps(document), now],
        ).fetchone()
        if row is None:
            row = connection.execute(
                "select message_id from ops.alert_message where key = %s", [key]
            ).fetchone()
        assert row is not None
        for channel, recipient in to:
            connection.execute(
                "insert into ops.alert_delivery (message_id, channel, recipient, next_try_at) values (%s, %s, %s, %s)"
                " on conflict do nothing",
                [row[0], channel, recipient, now],
            )


def is_put(connection: Connection[Any], key: str) -> bool:
    """Whether a message with this key was written."""
    return connection.execute("select from ops.alert_message where key = %s", [key]).fetchone() is not None


def drop_unwanted(
    connection: Connection[Any], wanted: Collection[Address], kept_audiences: Collection[str] = ()
) -> int:
    """Deletes what is on its way to channels and recipients that the settings do not name any more.

    kept_audiences: OPD whose recipients are not all known now, so that mails to them are kept.
    """
    return connection.execute(
        "delete from ops.alert_delivery d using ops.alert_message m where m.message_id = d.message_id"
        " and d.delivered_at is null and not (d.channel = %s and m.document ->> 'audience' = any(%s))"
        " and (d.channel, d.recipient) not in (select * from unnest(%s::text[], %s::text[]))",
        [MAIL, list(kept_audiences), [channel for channel, _ in wanted], [to for _, to in wanted]],
    ).rowcount


def make_due(connection: Connection[Any], now: datetime) -> None:
    """Ends the pause of each delivery that failed. One whose recipient was refused for good stays as it is."""
    connection.execute(
        "update ops.alert_delivery set next_try_at = %(now)s where delivered_at is null"
        " and next_try_at > %(now)s and next_try_at < 'infinity'",
        {"now": now},
    )


def send_due(
    connection: Connection[Any], channels: Mapping[str, Channel], now: datetime, until: float
) -> list[Outcome]:
    """Sends what is due, and notes each delivery. A channel that can't be reached rests until the next call.

    until: time of the monotonic clock after which no further delivery begins.
    """
    outcomes: list[Outcome] = []
    resting: set[str] = set()
    for due in _due(connection, now):
        if due.channel in resting or due.channel not in channels or time.monotonic() > until:
            continue
        message = Message(_short(due.key), due.document, due.recipient)
        try:
            channels[due.channel].send(message)
        except DeliveryError as error:
            if error.unreachable:
                resting.add(due.channel)
            _postpone(connection, due, error, now)
            outcomes.append(
                Outcome(due.channel, due.recipient, due.document["headline"], error.message, error.refused)
            )
            continue
        _note_delivery(connection, due)
        outcomes.append(Outcome(due.channel, due.recipient, due.document["headline"]))
    return outcomes


def _due(connection: Connection[Any], now: datetime) -> list[_Due]:
    with connection.cursor(row_factory=class_row(_Due)) as cursor:
        return cursor.execute(
            "select d.message_id, m.key, d.channel, d.recipient, d.tries, m.document from ops.alert_delivery d"
            " join ops.alert_message m using (message_id) where d.delivered_at is null and d.next_try_at <= %s"
            " order by m.kind desc, d.message_id, d.channel, d.recipient",  # urgent before digest
            [now],
        ).fetchall()


def _postpone(connection: Connection[Any], due: _Due, error: DeliveryError, now: datetime) -> None:
    """Notes the error, and when to try again: never if the recipient was refused for good."""
    pause = timedelta(seconds=min(FIRST_PAUSE_S * 2**due.tries, LONGEST_PAUSE_S))
    connection.execute(
        "update ops.alert_delivery set tries = tries + 1, next_try_at = %s::timestamptz, error = %s"
        " where message_id = %s and channel = %s and recipient = %s",
        [
            "infinity" if error.refused else now + pause,
            error.message,
            due.message_id,
            due.channel,
            due.recipient,
        ],
    )


def _note_delivery(connection: Connection[Any], due: _Due) -> None:
    with connection.transaction():
        connection.execute(
            "update ops.alert_delivery set delivered_at = clock_timestamp(), tries = tries + 1, error = null"
            " where message_id = %s and channel = %s and recipient = %s",
            [due.message_id, due.channel, due.recipient],
        )
        if due.document["kind"] == "urgent":
            (problem,) = due.document["problems"]
            note_delivery(connection, problem["kind"], problem["subject"], due.channel)


def _short(key: str) -> str:
    """A key for receivers: what it was made of is nobody's business."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]
