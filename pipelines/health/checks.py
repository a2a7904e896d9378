"""Looks at the installation: databases, disks, backup, datasets, alerts, and what the modules beside this look at.

What belongs here: one function per check. Each reads only, and what it can't read it says. Not here: starting anything,
the limits (limits.py).

Names of checks are stable: monitoring knows them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.datasets import read_datasets
from pipelines.disk import os_reason
from pipelines.errors import GudangError
from pipelines.health import dagster_tables, of_dagster
from pipelines.health.check import Check, span
from pipelines.health.definitions import definitions
from pipelines.health.disks import disks, places, who_may_not_ask
from pipelines.health.limits import CRITICAL, OK, WARNING
from pipelines.health.place import Place, installed_at
from pipelines.health.uploads import waiting_uploads
from pipelines.health.webservers import webservers
from pipelines.numbers import short
from pipelines.redaction.database_urls import libpq_url
from pipelines.settings import Settings

BACKUP_NOTE = Path("cadangan", "terakhir.json")
"""Below GUDANG_HOME: {"selesai": time in ISO 8601, "ukuran": bytes} of the last backup."""


def look(place: Place) -> list[Check]:
    """All checks, in a fixed order. A server that is down is one critical check; what depends on it is left out."""
    found: list[Check] = []
    with _warehouse(place, found) as warehouse:
        found += _disks(place, warehouse)
        installed = None if warehouse is None else _installed(warehouse)
        found.append(_backup(place, installed))
        found += webservers(place)
        found.append(definitions(place))
        if warehouse is not None:
            found += _guarded("ukuran_gudang", lambda: _size(place, warehouse))
            found += _guarded("dataset", lambda: _datasets(place, warehouse))
            found += _guarded("kabar", lambda: _alerts(place, warehouse))
            found += _guarded("persetujuan", lambda: _approvals(place, warehouse))
            found += _guarded("umpan_balik", lambda: _feedback(warehouse))
            found += _guarded("unggahan", lambda: waiting_uploads(place, warehouse))
    try:
        with dagster_tables.connect(place.dagster_url) as dagster:
            found.append(Check("basis_data_dagster", OK, "menjawab"))
            found += _guarded("daemon", lambda: of_dagster.daemon(place, dagster))
            if found[-1].state != CRITICAL:  # a dead daemon starts no tick
                found += _guarded("sensor", lambda: of_dagster.sensors(place, dagster))
            found += _guarded("malam", lambda: of_dagster.night(place, dagster, installed))
            found += _guarded("antrean", lambda: of_dagster.queue(place, dagster))
            found += _guarded("jatah_sumber", lambda: of_dagster.slots(place, dagster))
            found += _guarded("sewa_run", lambda: of_dagster.leases(place, dagster))
    except GudangError as error:
        todo = "jalankan server PostgreSQL, dan periksa GUDANG_DAGSTER_URL"
        found.append(Check("basis_data_dagster", CRITICAL, error.message, todo))
    return found


class _warehouse:  # noqa: N801
    """A read-only session of the warehouse, or None; adds the check about it."""

    def __init__(self, place: Place, found: list[Check]) -> None:
        self._place, self._found = place, found
        self._connection: Connection[Any] | None = None

    def __enter__(self) -> Connection[Any] | None:
        try:
            self._connection = psycopg.connect(
                libpq_url(self._place.warehouse_url),
                autocommit=True,
                application_name="gudang",
                connect_timeout=dagster_tables.CONNECT_SECONDS,
                options="-c default_transaction_read_only=on"
                f" -c statement_timeout={self._place.statement_seconds * 1000:.0f}",
            )
        except psycopg.Error as error:
            todo = "jalankan server PostgreSQL, dan periksa GUDANG_WAREHOUSE_URL"
            self._found.append(Check("gudang_data", CRITICAL, dagster_tables.unreachable(error), todo))
        else:
            self._found.append(Check("gudang_data", OK, "menjawab"))
        return self._connection

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()


def _guarded(name: str, check: Callable[[], Check]) -> Iterator[Check]:
    """The check; a warning if the user may not read what it needs, or the table is not there yet."""
    try:
        yield check()
    except psycopg.errors.InsufficientPrivilege:
        yield Check(name, WARNING, "tidak dapat dibaca: tidak ada hak", "beri pengguna ini hak baca")
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName, psycopg.errors.UndefinedColumn):
        yield Check(name, WARNING, "tabelnya belum ada", "`gudang prepare` menyiapkannya")
    except psycopg.errors.QueryCanceled:
        yield Check(
            name, WARNING, "terlalu lama: tidak terjawab dalam batas waktu", "periksa beban server PostgreSQL"
        )
    except psycopg.Error as error:
        yield Check(
            name,
            CRITICAL,
            f"tidak dapat dibaca: {type(error).__name__}",
            "periksa server PostgreSQL dan catatannya",
        )


def _disks(place: Place, warehouse: Connection[Any] | None) -> Iterator[Check]:
    for number, disk in enumerate(disks(places(place.settings, warehouse))):
        yield Check(
            "disk" if number == 0 else f"disk_{number + 1}",
            place.limits.disk_percent.state(disk.share * 100),
            disk.seen,
            "kosongkan, atau perbesar disk ini; pemuatan berhenti bila penuh",
            round(disk.share * 100, 1),
            "percent",
        )
    if warehouse is not None and (role := who_may_not_ask(warehouse)):
        yield Check(
            "disk_postgresql",
            WARNING,
            "tidak diketahui: PostgreSQL tidak memberi tahu pengguna ini di mana datanya",
            f"superuser: grant pg_read_all_settings to {role}",
        )


def _size(place: Place, warehouse: Connection[Any]) -> Check:
    row = warehouse.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    gigabytes = row[0] / 1e9
    return Check(
        "ukuran_gudang",
        place.limits.warehouse_gb.state(gigabytes),
        f"gudang data {short(gigabytes)} GB",
        "hapus yang melewati masa simpan, atau perbesar disk",
        row[0],
        "bytes",
    )


def _datasets(place: Place, warehouse: Connection[Any]) -> Check:
    """Datasets whose last load failed, and those that are not loaded because of a fault in contract or suite.

    The files are read here, because the code server says nothing of a fault that was there before it started.
    """
    rows = warehouse.execute(
        "select c.dataset from ops.contract c cross join lateral (select state from ops.load_batch"
        " where dataset = c.dataset and state <> 'running'"
        " order by ops.applied_at(state, finished_at) desc, batch_id desc limit 1) as last"
        " where last.state in ('failed', 'rejected', 'died') order by 1"
    ).fetchall()
    name, todo, parts, faulty = "dataset", "`gudang status` menunjukkan sebabnya", list[str](), list[str]()
    try:
        faulty = _with_a_fault(place.settings)
    except OSError as error:
        parts.append(f"kontrak dan suite tidak dapat dibaca: {os_reason(error)}")
        todo += "; beri pengguna ini hak baca"
    failed = [dataset for (dataset,) in rows if dataset not in faulty]
    if faulty:
        parts.insert(0, f"{len(faulty)} dataset salah kontrak atau suite-nya: {_some(faulty)}")
    if failed:
        parts.insert(0, f"{len(failed)} dataset gagal: {_some(failed)}")
    seen = "; ".join(parts) or "tidak ada yang gagal"
    return Check(name, WARNING if parts else OK, seen, todo, len(failed) + len(faulty), "datasets")


def _with_a_fault(settings: Settings) -> list[str]:
    """The datasets that are set aside. Raises OSError if the folders or a file in them may not be read."""
    for folder in (settings.contracts_dir, settings.expectations_dir):
        next(folder.iterdir(), None)  # a folder that may not be listed would count as an empty one
    return [dataset.key for dataset in read_datasets(settings).set_aside]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f", dan {len(names) - 5} lagi" if len(names) > 5 else "")


def _approvals(place: Place, warehouse: Connection[Any]) -> Check:
    rows = warehouse.execute(
        "select b.dataset, extract(epoch from clock_timestamp() - a.waiting_since)::float8 from ops.load_batch b"
        " join ops.load_approval a using (batch_id) where b.state = 'waiting' order by a.waiting_since"
    ).fetchall()
    hours = rows[0][1] / 3600 if rows else 0.0
    return Check(
        "persetujuan",
        place.limits.approval_hours.state(hours),
        f"{len(rows)} kiriman menunggu, terlama {span(rows[0][1])}: {rows[0][0]}"
        if rows
        else "tidak ada yang menunggu",
        "`gudang approve` menyebutnya; setujui atau tolak, di sana atau di loket",
        round(hours, 1),
        "hours",
    )


def failed_feedback(warehouse: Connection[Any]) -> list[tuple[str, str | None]]:
    """Dataset (or OPD) and reason of each feedback to an OPD that could not be made, or whose mail did not arrive."""
    return warehouse.execute(
        "select coalesce(dataset, opd), case when state = 'failed' then error else 'surel: ' || mail_error end"
        " from ops.feedback where state = 'failed'"
        " or (letter is not null and mail_error is not null and made_at > clock_timestamp() - interval '7 days')"
        " order by feedback_id"
    ).fetchall()


def _feedback(warehouse: Connection[Any]) -> Check:
    rows = failed_feedback(warehouse)
    return Check(
        "umpan_balik",
        WARNING if rows else OK,
        f"{len(rows)} umpan balik kepada OPD gagal: {rows[0][0]} ({rows[0][1]})"
        if rows
        else "tidak ada yang gagal",
        "`gudang feedback --again` membuatnya lagi; periksa zona unggah dan GUDANG_ALERT_MAIL_*",
        len(rows),
        "messages",
    )


def undelivered(warehouse: Connection[Any]) -> list[tuple[str, int, float, str | None]]:
    """By channel: the messages that wait to be sent again, the age of the oldest in seconds, and the last error."""
    return warehouse.execute(
        "select d.channel, count(*), max(extract(epoch from clock_timestamp() - m.created_at))::float8,"
        " (array_agg(d.error order by d.tries desc))[1] from ops.alert_delivery d"
        " join ops.alert_message m using (message_id) where d.delivered_at is null and d.next_try_at < 'infinity'"
        " group by 1 order by 1"
    ).fetchall()


def undelivered_lines(rows: Sequence[tuple[str, int, float, str | None]]) -> list[str]:
    """A line in Indonesian for each row of `undelivered`."""
    return [f"{channel}: {n} belum terkirim ({error or 'belum dicoba'})" for channel, n, _, error in rows]


def refused_recipients(warehouse: Connection[Any]) -> list[tuple[str, str, str, int, int]]:
    """Recipients whose newest message was refused for good: channel, audience, error, how many, the newest message."""
    return warehouse.execute(
        "select d.channel, m.document ->> 'audience', min(d.error), count(*), max(d.message_id) from ("
        " select distinct on (channel, recipient) * from ops.alert_delivery"
        " order by channel, recipient, message_id desc) as d join ops.alert_message m using (message_id)"
        " where d.next_try_at = 'infinity' group by 1, 2 order by 1, 2"
    ).fetchall()


def _alerts(place: Place, warehouse: Connection[Any]) -> Check:
    rows = undelivered(warehouse)
    oldest = max((seconds for _, _, seconds, _ in rows), default=0.0)
    refused = refused_recipients(warehouse)
    parts = undelivered_lines(rows)
    parts += [f"{channel} ke {audience}: {error}" for channel, audience, error, _, _ in refused]
    state = place.limits.alert_hours.state(oldest / 3600) if rows else OK
    return Check(
        "kabar",
        max(state, WARNING) if refused else state,
        "; ".join(parts) or "semua terkirim",
        "`gudang alerts test` menunjukkan saluran yang rusak; perbaiki GUDANG_ALERT_* atau support[] di kontrak",
        sum(n for _, n, _, _ in rows),
        "messages",
    )


def _installed(warehouse: Connection[Any]) -> datetime | None:
    try:
        return installed_at(warehouse)
    except psycopg.Error:  # the other checks say what is wrong
        return None


def _backup(place: Place, installed: datetime | None) -> Check:
    name, todo = "cadangan", "buat cadangan gudang data dan zona unggah"
    path = place.settings.home / BACKUP_NOTE
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        done = datetime.fromisoformat(found["selesai"])
        age = (place.now() - (done if done.tzinfo else done.replace(tzinfo=UTC))).total_seconds()
        size = f", {short(float(found.get('ukuran') or 0) / 1e9)} GB"
    except FileNotFoundError:
        if installed is None:
            return Check(name, WARNING, "belum ada cadangan", todo)
        age = (place.now() - installed).total_seconds()
        state = max(WARNING, place.limits.backup_hours.state(age / 3600))
        seen = f"belum ada cadangan sejak gudang data disiapkan {span(age)} lalu"
        return Check(name, state, seen, todo, round(age), "seconds")
    except PermissionError:
        return Check(name, WARNING, f"{path} tidak dapat dibaca: tidak ada hak", "beri pengguna ini hak baca")
    except (OSError, ValueError, KeyError, TypeError):
        return Check(name, WARNING, f"{path} tidak terbaca", todo)
    return Check(
        name,
        place.limits.backup_hours.state(age / 3600),
        f"cadangan terakhir {span(age)} lalu{size}",
        todo,
        round(age),
        "seconds",
    )
