"""Remembers the problems in ops.alert: since when, how often, and whether they are over.

What belongs here: the rows of ops.alert. Not here: finding problems, messages about them (outbox.py).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from pipelines.alerts.problem import EVENTS, Problem

FLAPPING_HOURS = 6
"""A problem that comes back within so many hours was not over: it is counted, and no new message is sent."""
KEPT_DAYS = 90
"""How long rows of problems that are over, and messages that arrived, are kept."""


@dataclass(frozen=True, slots=True)
class Known:
    """A problem as it is known: since when, how often it was seen, and when it was over."""

    kind: str
    subject: str
    message: str
    run_id: str | None
    dataset: str | None
    first_at: datetime
    times: int
    resolved_at: datetime | None


_NOTE = """
insert into ops.alert as a (kind, subject, message, mark, run_id, dataset, first_at, last_at)
values (%(kind)s, %(subject)s, %(message)s, %(mark)s, %(run)s, %(dataset)s, %(now)s, %(now)s)
on conflict (kind, subject) do update set
    message = excluded.message, mark = excluded.mark, run_id = excluded.run_id, dataset = excluded.dataset,
    last_at = excluded.last_at, resolved_at = null,
    first_at = case when a.resolved_at < %(now)s - make_interval(hours => %(flapping)s)
        then excluded.first_at else a.first_at end,
    times = case when a.resolved_at < %(now)s - make_interval(hours => %(flapping)s)
        then 1 else a.times + (a.mark <> excluded.mark)::int end,
    delivered = case when a.resolved_at < %(now)s - make_interval(hours => %(flapping)s)
        then '{}' else a.delivered end
"""
_COLUMNS = "kind, subject, message, run_id, dataset, first_at, times, resolved_at"


def note(
    connection: Connection[Any], problems: Sequence[Problem], kinds: Collection[str], now: datetime
) -> list[Known]:
    """Notes all problems that there are now of some kinds; the other open ones of these kinds are over.

    An occurrence (`mark`) that was noted before is not counted again. Gives the open problems of these kinds, in the
    order of `problems`.
    """
    with connection.transaction():
        for problem in problems:
            connection.execute(
                _NOTE,
                {
                    "kind": problem.kind,
                    "subject": problem.subject,
                    "message": problem.message,
                    "mark": problem.mark,
                    "run": problem.run_id,
                    "dataset": problem.dataset,
                    "now": now,
                    "flapping": FLAPPING_HOURS,
                },
            )
        connection.execute(
            "update ops.alert set resolved_at = %s where resolved_at is null and kind = any(%s)"
            " and (kind, subject) not in (select * from unnest(%s::text[], %s::text[]))",
            [now, list(kinds), [p.kind for p in problems], [p.subject for p in problems]],
        )
    open_now = {
        (k.kind, k.subject): k
        for k in _known(connection, "resolved_at is null and kind = any(%s)", [list(kinds)])
    }
    wanted = dict.fromkeys((p.kind, p.subject) for p in problems)
    return [open_now[key] for key in wanted]


def resolved_since(connection: Connection[Any], since: datetime, until: datetime) -> list[Known]:
    """The problems that were over between two times, events left out."""
    return _known(
        connection, "resolved_at > %s and resolved_at <= %s and kind <> all(%s)", [since, until, list(EVENTS)]
    )


def note_delivery(connection: Connection[Any], kind: str, subject: str, channel: str) -> None:
    """Notes that a message about this problem alone arrived by a channel."""
    connection.execute(
        "update ops.alert set delivered = delivered || jsonb_build_object(%s::text, clock_timestamp())"
        " where kind = %s and subject = %s",
        [channel, kind, subject],
    )


def forget_old(connection: Connection[Any]) -> None:
    """Deletes problems that were over long ago, and old messages of which none is still on its way."""
    connection.execute(
        "delete from ops.alert where resolved_at < clock_timestamp() - make_interval(days => %s)", [KEPT_DAYS]
    )
    connection.execute(
        "delete from ops.alert_message m where created_at < clock_timestamp() - make_interval(days => %s)"
        " and not exists (select from ops.alert_delivery d where d.message_id = m.message_id"
        "   and d.delivered_at is null and d.next_try_at < 'infinity')",
        [KEPT_DAYS],
    )


def _known(connection: Connection[Any], condition: str, values: list[Any]) -> list[Known]:
    query = f"select {_COLUMNS} from ops.alert where {condition} order by kind, subject"  # noqa: S608
    with connection.cursor(row_factory=class_row(Known)) as cursor:
        return cursor.execute(query.encode(), values).fetchall()
