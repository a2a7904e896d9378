"""Looks at the installation: servers, daemon, last night, queue, disks, backup, alerts, uploads.

What belongs here: one function per check. Each reads only, and what it can't read it says. Not here: starting anything,
the limits (limits.py).

Names of checks are stable: monitoring knows them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from pipelines.errors import GudangError
from pipelines.health import dagster_tables
from pipelines.health.check import Check
from pipelines.health.disks import disks, places
from pipelines.health.limits import CRITICAL, OK, WARNING, Limits
from pipelines.redaction.database_urls import libpq_url
from pipelines.runtime import lease
from pipelines.settings import Settings

DAEMONS = ("SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR", "MONITORING")
"""The daemons of Dagster without which no night runs; MONITORING closes runs whose process died."""
BACKUP_NOTE = Path("cadangan", "terakhir.json")
"""Below GUDANG_HOME: {"selesai": time in ISO 8601, "ukuran": bytes} of the last backup."""
_READ_ONLY = "-c default_transaction_read_only=on -c statement_timeout=10s"


@dataclass(frozen=True, slots=True)
class Place:
    """What is looked at: the settings, the limits, and the URLs of both databases.

    now: gives the time with a zone. renewal: seconds in which a living worker has renewed a lost lease.
    """

    settings: Settings
    limits: Limits
    warehouse_url: str
    dagster_url: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    renewal: float = lease.BEAT_SECONDS + 1


def look(place: Place) -> list[Check]:
    """All checks, in a fixed order. A server that is down is one critical check; what depends on it is left out."""
    found: list[Check] = []
    with _warehouse(place.warehouse_url, found) as warehouse:
        found += _disks(place, warehouse)
        found.append(_backup(place))
        if warehouse is not None:
            found += _guarded("ukuran_gudang", lambda: _size(place, warehouse))
            found += _guarded("dataset", lambda: _datasets(warehouse))
            found += _guarded("kabar", lambda: _alerts(place, warehouse))
            found += _guarded("unggahan", lambda: _uploads(place, warehouse))
    try:
        with dagster_tables.connect(place.dagster_url) as dagster:
            found.append(Check("basis_data_dagster", OK, "menjawab"))
            found += _guarded("daemon", lambda: _daemon(place, dagster))
            found += _guarded("malam", lambda: _night(place, dagster))
            found += _guarded("antrean", lambda: _queue(place, dagster))
            found += _guarded("jatah_sumber", lambda: _slots(place, dagster))
            found += _guarded("sewa_run", lambda: _leases(place, dagster))
    except GudangError as error:
        todo = "jalankan server PostgreSQL, dan periksa GUDANG_DAGSTER_URL"
        found.append(Check("basis_data_dagster", CRITICAL, error.message, todo))
    return found


class _warehouse:  # noqa: N801
    """A read-only session of the warehouse, or None; adds the check about it."""

    def __init__(self, url: str, found: list[Check]) -> None:
        self._url, self._found = url, found
        self._connection: Connection[Any] | None = None

    def __enter__(self) -> Connection[Any] | None:
        try:
            self._connection = psycopg.connect(
                libpq_url(self._url),
                autocommit=True,
                application_name="gudang",
                connect_timeout=dagster_tables.CONNECT_SECONDS,
                options=_READ_ONLY,
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


def _size(place: Place, warehouse: Connection[Any]) -> Check:
    row = warehouse.execute("select pg_database_size(current_database())").fetchone()
    assert row is not None
    gigabytes = row[0] / 1e9
    return Check(
        "ukuran_gudang",
        place.limits.warehouse_gb.state(gigabytes),
        f"gudang data {_decimal(gigabytes)} GB",
        "hapus yang melewati masa simpan, atau perbesar disk",
        row[0],
        "bytes",
    )


def _datasets(warehouse: Connection[Any]) -> Check:
    rows = warehouse.execute(
        "select s.dataset from ops.dataset_state s join ops.contract c using (dataset)"
        " where s.last_state in ('failed', 'rejected', 'died') order by 1"
    ).fetchall()
    names = ", ".join(name for (name,) in rows[:5]) + (f", dan {len(rows) - 5} lagi" if len(rows) > 5 else "")
    return Check(
        "dataset",
        WARNING if rows else OK,
        f"{len(rows)} dataset gagal: {names}" if rows else "tidak ada yang gagal",
        "`gudang status` menunjukkan sebabnya",
        len(rows),
        "datasets",
    )


def undelivered(warehouse: Connection[Any]) -> list[tuple[str, int, float, str | None]]:
    """By channel: the messages that it did not take over, the age of the oldest in seconds, and the last error."""
    return warehouse.execute(
        "select d.channel, count(*), max(extract(epoch from clock_timestamp() - m.created_at))::float8,"
        " (array_agg(d.error order by d.tries desc))[1] from ops.alert_delivery d"
        " join ops.alert_message m using (message_id) where d.delivered_at is null group by 1 order by 1"
    ).fetchall()


def _alerts(place: Place, warehouse: Connection[Any]) -> Check:
    rows = undelivered(warehouse)
    oldest = max((seconds for _, _, seconds, _ in rows), default=0.0)
    seen = "; ".join(
        f"{channel}: {n} belum terkirim ({error or 'belum dicoba'})" for channel, n, _, error in rows
    )
    return Check(
        "kabar",
        place.limits.alert_hours.state(oldest / 3600) if rows else OK,
        seen or "semua terkirim",
        "`gudang alerts test` menunjukkan saluran yang rusak; perbaiki GUDANG_ALERT_*",
        sum(n for _, n, _, _ in rows),
        "messages",
    )


def _uploads(place: Place, warehouse: Connection[Any]) -> Check:
    """Files that were put into the zone and that no load has judged. Of each dataset the newest counts."""
    rows = warehouse.execute(
        "select dataset, name, extract(epoch from %s - seen_at)::float8 from ("
        " select distinct on (dataset) dataset, name, seen_at, outcome from ops.upload_seen"
        " order by dataset, seen_id desc) as newest where outcome is null order by seen_at",
        [place.now()],
    ).fetchall()
    waiting = {f"{dataset}/{name}": age for dataset, name, age in rows}
    zone = next((path for name, path in places(place.settings, None) if name == "zona unggah"), None)
    if zone is not None:
        seen = {
            f"{dataset}/{name}"
            for dataset, name in warehouse.execute("select dataset, name from ops.upload_seen").fetchall()
        }
        waiting = {file: age for file, age in waiting.items() if (zone / file).is_file()}
        waiting |= {file: age for file, age in _ages(zone, place.now().timestamp()) if file not in seen}
    late = {f: age for f, age in waiting.items() if place.limits.upload_hours.state(age / 3600) != OK}
    oldest = max(late.values(), default=0.0)
    named = ", ".join(sorted(late)[:3]) + (f", dan {len(late) - 3} lagi" if len(late) > 3 else "")
    return Check(
        "unggahan",
        place.limits.upload_hours.state(oldest / 3600) if late else OK,
        f"{len(late)} berkas menunggu, yang tertua {_span(oldest)}: {named}"
        if late
        else "tidak ada yang menunggu",
        "jalankan `gudang ui`, yang memuatnya; `gudang status` menyebut berkas yang tidak diambil",
        len(late),
        "files",
    )


def _ages(zone: Path, now: float) -> Iterator[tuple[str, float]]:
    """Each file of a dataset's folder, with the seconds since it was put there or changed."""
    for path in zone.glob("*/*/*"):
        try:
            if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                yield str(path.relative_to(zone)), now - path.stat().st_ctime
        except OSError:
            continue


def _backup(place: Place) -> Check:
    name, todo = "cadangan", "buat cadangan gudang data dan zona unggah"
    path = place.settings.home / BACKUP_NOTE
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
        done = datetime.fromisoformat(found["selesai"])
        age = (place.now() - (done if done.tzinfo else done.replace(tzinfo=UTC))).total_seconds()
        size = f", {_decimal(float(found.get('ukuran') or 0) / 1e9)} GB"
    except FileNotFoundError:
        return Check(name, WARNING, "belum ada cadangan", todo)
    except PermissionError:
        return Check(name, WARNING, f"{path} tidak dapat dibaca: tidak ada hak", "beri pengguna ini hak baca")
    except (OSError, ValueError, KeyError, TypeError):
        return Check(name, WARNING, f"{path} tidak terbaca", todo)
    return Check(
        name,
        place.limits.backup_hours.state(age / 3600),
        f"cadangan terakhir {_span(age)} lalu{size}",
        todo,
        round(age),
        "seconds",
    )


def _daemon(place: Place, dagster: Connection[Any]) -> Check:
    beats = dagster_tables.heartbeats(dagster)
    todo = "jalankan daemon Dagster (`gudang ui`, atau layanannya), dan lihat catatannya"
    missing = [daemon for daemon in DAEMONS if daemon not in beats]
    if missing:
        return Check("daemon", CRITICAL, f"belum pernah berjalan: {', '.join(missing)}", todo)
    slowest = max(DAEMONS, key=lambda daemon: beats[daemon])
    age = beats[slowest]
    return Check(
        "daemon",
        place.limits.heartbeat_seconds.state(age),
        f"tanda hidup terakhir {_span(age)} lalu ({slowest})",
        todo,
        round(age, 1),
        "seconds",
    )


def _night(place: Place, dagster: Connection[Any]) -> Check:
    night = dagster_tables.last_night(dagster)
    todo = "lihat run malam itu di halaman Runs, dan daemon di atas"
    if night is None:
        return Check(
            "malam",
            WARNING,
            "belum ada malam yang selesai",
            "`gudang nightly`, atau biarkan jadwalnya berjalan",
        )
    age = (place.now() - night.ended_at).total_seconds()
    state = place.limits.night_hours.state(age / 3600)
    word = {"SUCCESS": "berhasil", "FAILURE": "gagal"}.get(night.status, "dibatalkan")
    if night.status != "SUCCESS":
        state = max(state, WARNING)
    seen = f"malam terakhir selesai {_span(age)} lalu, publikasinya {word} (run {night.run_id[:8]})"
    return Check("malam", state, seen, todo, round(age), "seconds")


def _queue(place: Place, dagster: Connection[Any]) -> Check:
    count, oldest = dagster_tables.queued_runs(dagster)
    return Check(
        "antrean",
        place.limits.queue_minutes.state(oldest / 60) if count else OK,
        f"{count} run antre, yang tertua {_span(oldest)}" if count else "kosong",
        "periksa daemon, dan run yang tidak berakhir",
        count,
        "runs",
    )


def _slots(place: Place, dagster: Connection[Any]) -> Check:
    slot = dagster_tables.oldest_slot(dagster)
    if slot is None:
        return Check("jatah_sumber", OK, "tidak ada yang dipakai", value=0, unit="seconds")
    pool, run_id, age = slot
    return Check(
        "jatah_sumber",
        place.limits.slot_hours.state(age / 3600),
        f"{pool} dipakai run {run_id[:8]} sejak {_span(age)}",
        "hentikan run itu bila tidak berjalan lagi; `gudang prepare` membebaskan jatah run yang mati",
        round(age),
        "seconds",
    )


def _leases(place: Place, dagster: Connection[Any]) -> Check:
    """Runs that work and whose worker holds no lease. Asked twice, because a worker may just renew its session."""
    begun = {
        run_id: job for run_id, job, age in dagster_tables.started_runs(dagster) if age > lease.GONE_SECONDS
    }
    subjects = {lease.run_subject(run_id): run_id for run_id in begun}
    missing = set(subjects) - lease.held_in(dagster, subjects)
    if missing:
        time.sleep(place.renewal)
        still = {run_id for run_id, _, _ in dagster_tables.started_runs(dagster)}
        missing = {s for s in missing - lease.held_in(dagster, missing) if subjects[s] in still}
    runs = [f"{subjects[s][:8]} ({begun[subjects[s]]})" for s in sorted(missing)]
    return Check(
        "sewa_run",
        CRITICAL if runs else OK,
        f"run tanpa proses: {', '.join(runs)}" if runs else f"{len(begun)} run bekerja",
        "daemon menutupnya dalam beberapa menit; bila tidak, `gudang prepare`",
        len(runs),
        "runs",
    )


def _span(seconds: float) -> str:
    """About how long: 45 detik, 12 menit, 5,5 jam, 3,2 hari."""
    for length, word in ((86400, "hari"), (3600, "jam"), (60, "menit")):
        if seconds >= length * (1 if word == "menit" else 1.5):
            return f"{_decimal(seconds / length)} {word}"
    return f"{seconds:.0f} detik"


def _decimal(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0").replace(".", ",")
