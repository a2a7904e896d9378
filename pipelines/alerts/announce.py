"""Tells operators what there is to tell now: urgent problems, the digest of a night that has ended, what failed before.

What belongs here: the order of these steps, when a digest is due, to whom it goes. The sensor, `gudang nightly` and
`gudang alerts` call it. Not here: each of the steps.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from psycopg import Connection

from pipelines.alerts import of_dagster, of_ledger, outbox, register
from pipelines.alerts.channel import MAIL, Channel
from pipelines.alerts.document import Document, digest, for_opd, urgent
from pipelines.alerts.http import Telegram, Webhook
from pipelines.alerts.mail import Mail
from pipelines.alerts.problem import HEADINGS, NIGHT, URGENT, Problem
from pipelines.alerts.urgent import urgent_problems
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets
from pipelines.errors import GudangError
from pipelines.health import dagster_tables
from pipelines.health.limits import load_limits
from pipelines.health.place import installed_at
from pipelines.publication.indonesian import day, moment
from pipelines.settings import AlertSettings, Settings
from pipelines.warehouse import locks

LOCK = "kabar"
MISSED_HOURS = 30
"""So long after a digest the next one comes even if no night has ended, and says so."""
FIRST_HOURS = 24
"""What the first digest looks back at."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one call did.

    digest: the night's digest, if one was made. outcomes: the deliveries. busy: another process was at it, so nothing
    was done.
    """

    digest: Document | None = None
    outcomes: Sequence[outbox.Outcome] = ()
    busy: bool = False

    @property
    def lines(self) -> list[str]:
        """What happened, in Indonesian, for a terminal and for the sensor's page."""
        if self.busy:
            return ["Kabar sedang dikirim oleh proses lain."]
        lines = [] if self.digest is None else [self.digest["headline"]]
        for outcome in self.outcomes:
            to = f"{outcome.channel} {outcome.recipient}".rstrip()
            lines.append(
                f"Terkirim ke {to}: {outcome.headline}"
                if outcome.error is None
                else f"Tidak terkirim ke {to}, tidak dicoba lagi: {outcome.error}"
                if outcome.refused
                else f"Belum terkirim ke {to}, dicoba lagi nanti: {outcome.error}"
            )
        return lines


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells. alerts: to whom. dagster_url: Dagster's database; without it nothing of Dagster is told.

    channels: by name; by default those of `alerts`. now: gives the time with a zone.
    """

    connection: Connection[Any]
    settings: Settings
    datasets: Datasets
    alerts: AlertSettings
    dagster_url: str | None
    env: Mapping[str, str] = field(default_factory=lambda: os.environ)
    channels: Mapping[str, Channel] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def announce(self, *, at_once: bool = False) -> Report:
        """Does all there is to do now. Raises GudangError if a database can't be reached or is not prepared.

        at_once: what failed before is tried now, and not after its pause.
        """
        require_tables(self.connection)
        if not locks.try_queue(self.connection, LOCK):
            return Report(busy=True)
        try:
            channels = make_channels(self.alerts) if self.channels is None else self.channels
            contracts = self.datasets.contracts
            outbox.drop_unwanted(
                self.connection,
                [*addresses(self.alerts, channels), *self._to_opd(channels, contracts)],
                # The addresses of a contract that is set aside are not known now.
                {s.opd for s in self.datasets.set_aside} if self.alerts.to_opd and MAIL in channels else (),
            )
            if at_once:
                outbox.make_due(self.connection, self.now())
            self._put_urgent(channels, contracts)
            # Sent first: what follows also needs Dagster's database.
            until = time.monotonic() + outbox.BUDGET_S
            outcomes = outbox.send_due(self.connection, channels, self.now(), until)
            document = self._put_digest(channels, contracts)
            if document is not None:
                outcomes += outbox.send_due(self.connection, channels, self.now(), until)
            return Report(document, outcomes)
        finally:
            locks.leave_queue(self.connection, LOCK)

    def preview(self) -> Document:
        """The digest as it would be if a night ended now. Nothing is written or sent."""
        require_tables(self.connection)
        with self.connection.transaction(force_rollback=True):
            return self._digest(self.now(), missed=False)

    def _put_urgent(self, channels: Mapping[str, Channel], contracts: Sequence[Contract]) -> None:
        now = self.now()
        found = urgent_problems(
            self.connection, self.settings, contracts, load_limits(self.env), now, self.env
        )
        with self.connection.transaction():
            for known in register.note(self.connection, found, URGENT, now):
                key = f"segera:{known.kind}:{known.subject}:{known.first_at.isoformat()}"
                document = urgent(known, self.alerts.ui_url)
                outbox.put(self.connection, key, document, addresses(self.alerts, channels), known.first_at)

    def _put_digest(self, channels: Mapping[str, Channel], contracts: Sequence[Contract]) -> Document | None:
        """Writes the digest if one is due, and gives it, also if it is not to be sent."""
        if self.dagster_url is None:
            return None
        with dagster_tables.connect(self.dagster_url) as dagster:
            night = dagster_tables.last_night(dagster)
        now, last = self.now(), self._last_digest() or installed_at(self.connection)
        key = f"malam:{night.key}" if night else ""
        missed = night is None or outbox.is_put(self.connection, key)
        if missed:
            if last is None or now - last < timedelta(hours=MISSED_HOURS):
                return None
            key = f"malam-tidak-selesai:{now.date().isoformat()}"
        with self.connection.transaction():
            document = self._digest(night.ended_at if night and not missed else now, missed=missed)
            wanted = _is_wanted(document, self.alerts.when)
            document["sent"] = wanted
            to = addresses(self.alerts, channels) if wanted else ()
            outbox.put(self.connection, key, document, to, now)
            for (opd, address), datasets in _addresses(contracts).items() if self.alerts.to_opd else ():
                part = for_opd(document, opd, datasets)
                if part is not None and MAIL in channels:
                    outbox.put(self.connection, f"{key}:{opd}:{address}", part, [(MAIL, address)], now)
            register.forget_old(self.connection)
        return document

    def _digest(self, ended_at: datetime, *, missed: bool) -> Document:
        now, last = self.now(), self._last_digest()
        since = last or now - timedelta(hours=FIRST_HOURS)
        datasets = self.datasets
        keys = sorted({c.key for c in datasets.contracts} | {s.key for s in datasets.set_aside})
        limits = load_limits(self.env)
        problems = [
            *urgent_problems(self.connection, self.settings, datasets.contracts, limits, now, self.env),
            *of_ledger.dataset_problems(self.connection, datasets, since, now),
            *of_ledger.model_problems(self.connection, now),
            *of_ledger.check_warnings(self.connection, now),
            *of_ledger.refused_recipients(self.connection),
            *self._dagster_problems(since, now),
        ]
        if missed:
            begun = last or installed_at(self.connection) or since
            message = (
                f"sejak {moment(begun)} tidak ada malam yang selesai (`gudang health` menunjukkan sebabnya)"
            )
            problems.append(Problem(NIGHT, "malam", message, day(now)))
        known = register.note(self.connection, problems, list(HEADINGS), now)
        resolved = register.resolved_since(self.connection, self._last_sent() or since, now)
        waiting = of_ledger.waiting_in_quarantine(self.connection, keys)
        return digest(
            known, resolved, keys, waiting, night=ended_at, since=since, until=now, ui_url=self.alerts.ui_url
        )

    def _dagster_problems(self, since: datetime, until: datetime) -> list[Problem]:
        if self.dagster_url is None:
            return []
        with dagster_tables.connect(self.dagster_url) as dagster:
            return [
                *of_dagster.run_problems(dagster, since, until),
                *of_dagster.tick_problems(dagster, since, until),
            ]

    def _last_digest(self) -> datetime | None:
        """Until when the last digest looked."""
        return _last_until(self.connection, only_sent=False)

    def _last_sent(self) -> datetime | None:
        return _last_until(self.connection, only_sent=True)

    def _to_opd(self, channels: Mapping[str, Channel], contracts: Sequence[Contract]) -> list[outbox.Address]:
        if not self.alerts.to_opd or MAIL not in channels:
            return []
        return [(MAIL, address) for _, address in _addresses(contracts)]


def make_channels(alerts: AlertSettings) -> dict[str, Channel]:
    """The channels that the settings name, by name."""
    found: list[Channel] = []
    if alerts.mail:
        found.append(Mail(alerts.mail, alerts.timeout))
    if alerts.webhook_url:
        found.append(Webhook(alerts.webhook_url, alerts.webhook_token, alerts.timeout))
    if alerts.telegram_token and alerts.telegram_chat:
        found.append(
            Telegram(alerts.telegram_url, alerts.telegram_token, alerts.telegram_chat, alerts.timeout)
        )
    return {channel.name: channel for channel in found}


def addresses(alerts: AlertSettings, channels: Mapping[str, Channel]) -> list[outbox.Address]:
    """Where messages for the walidata go."""
    mails = [(MAIL, address) for address in alerts.to] if MAIL in channels else []
    return [*mails, *((name, "") for name in channels if name != MAIL)]


def require_tables(connection: Connection[Any]) -> None:
    """Raises GudangError if this warehouse has no tables for alerts."""
    if connection.execute("select to_regclass('ops.alert_delivery')").fetchone() == (None,):
        raise GudangError("gudang data", "belum disiapkan untuk versi ini", hint="`gudang prepare`")


def _addresses(contracts: Sequence[Contract]) -> dict[tuple[str, str], set[str]]:
    """By OPD and address, the datasets whose contract names the address."""
    found: dict[tuple[str, str], set[str]] = {}
    for contract in contracts:
        for address in contract.mail:
            found.setdefault((contract.opd, address), set()).add(contract.key)
    return found


def _is_wanted(document: Document, when: str) -> bool:
    """Whether the walidata want this digest, by the setting `when`."""
    if when == "always" or document["problems"]:
        return True
    return when == "on_error_or_changed" and bool(document["resolved"])


def _last_until(connection: Connection[Any], *, only_sent: bool) -> datetime | None:
    row = connection.execute(
        "select max((document ->> 'until')::timestamptz) from ops.alert_message where kind = 'digest'"
        " and document ->> 'audience' = 'walidata' and ((document ->> 'sent')::boolean or not %s)",
        [only_sent],
    ).fetchone()
    return row[0] if row else None
