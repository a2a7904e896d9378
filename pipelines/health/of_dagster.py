"""The checks of Dagster: its daemons, its sensors, the last night, the queue, slots, and runs without a process.

Each gives what Dagster's tables say (dagster_tables.py). Not here: the other checks (checks.py).
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from psycopg import Connection

from pipelines.health import dagster_tables
from pipelines.health.check import Check, span
from pipelines.health.limits import CRITICAL, OK, WARNING
from pipelines.health.place import Place
from pipelines.runtime import lease

DAEMONS = (
    "SCHEDULER",
    "SENSOR",
    "QUEUED_RUN_COORDINATOR",
    "MONITORING",
    "BACKFILL",
    "EVENT_LOG_CONSUMER",
)
"""The daemons of Dagster that our nights need. MONITORING closes runs whose process died, EVENT_LOG_CONSUMER starts
them once more. ASSET and FRESHNESS_DAEMON run, too, and nothing of ours asks them."""


def daemon(place: Place, dagster: Connection[Any]) -> Check:
    """The daemon that has been silent for longest."""
    beats = {beat.daemon: beat.age for beat in dagster_tables.heartbeats(dagster)}
    todo = "jalankan daemon Dagster (`gudang ui`, atau layanannya), dan lihat catatannya"
    missing = [daemon for daemon in DAEMONS if daemon not in beats]
    if missing:
        return Check("daemon", CRITICAL, f"belum pernah berjalan: {', '.join(missing)}", todo)
    slowest = max(DAEMONS, key=lambda daemon: beats[daemon])
    age = beats[slowest]
    return Check(
        "daemon",
        place.limits.heartbeat_seconds.state(age),
        f"tanda hidup terakhir {span(age)} lalu ({slowest})",
        todo,
        round(age, 1),
        "seconds",
    )


def sensors(place: Place, dagster: Connection[Any]) -> Check:
    """Whether our code still runs: the daemons are alive also while the code location can't be loaded."""
    last = dagster_tables.last_good_tick(dagster)
    if not last.sensors or last.age is None:
        seen = "belum pernah berhasil" if last.sensors else "tidak ada yang menyala"
        todo = "lihat Deployment dan Automation di UI web: apakah kode gudang termuat, dan sensornya menyala"
        return Check("sensor", WARNING, seen, todo)
    return Check(
        "sensor",
        place.limits.tick_minutes.state(last.age / 60),
        f"yang terakhir berhasil {span(last.age)} lalu",
        "lihat Deployment di UI web: apakah kode gudang termuat; lihat catatan server kode, lalu jalankan ulang",
        round(last.age, 1),
        "seconds",
    )


def night(place: Place, dagster: Connection[Any], installed: datetime | None) -> Check:
    """The age and outcome of the last night. Without any night, the age is that of the installation."""
    last = dagster_tables.last_night(dagster)
    if last is None:
        age = (place.now() - installed).total_seconds() if installed else None
        since = "" if age is None else f" sejak gudang data disiapkan {span(age)} lalu"
        return Check(
            "malam",
            WARNING if age is None else max(WARNING, place.limits.night_hours.state(age / 3600)),
            f"belum ada malam yang selesai{since}",
            "`gudang nightly`, atau biarkan jadwalnya berjalan",
            None if age is None else round(age),
            "seconds",
        )
    todo = "lihat run malam itu di halaman Runs, dan daemon di atas"
    age = (place.now() - last.ended_at).total_seconds()
    state = place.limits.night_hours.state(age / 3600)
    word = {"SUCCESS": "berhasil", "FAILURE": "gagal"}.get(last.status, "dibatalkan")
    if last.status != "SUCCESS":
        state = max(state, WARNING)
    seen = f"malam terakhir selesai {span(age)} lalu, publikasinya {word} (run {last.run_id[:8]})"
    return Check("malam", state, seen, todo, round(age), "seconds")


def queue(place: Place, dagster: Connection[Any]) -> Check:
    """The run that has waited for longest."""
    found = dagster_tables.queued_runs(dagster)
    return Check(
        "antrean",
        place.limits.queue_minutes.state(found.oldest / 60) if found.runs else OK,
        f"{found.runs} run antre, yang tertua {span(found.oldest)}" if found.runs else "kosong",
        "periksa daemon, dan run yang tidak berakhir",
        found.runs,
        "runs",
    )


def slots(place: Place, dagster: Connection[Any]) -> Check:
    """The slot of a source that has been held for longest."""
    slot = dagster_tables.oldest_slot(dagster)
    if slot is None:
        return Check("jatah_sumber", OK, "tidak ada yang dipakai", value=0, unit="seconds")
    return Check(
        "jatah_sumber",
        place.limits.slot_hours.state(slot.age / 3600),
        f"{slot.pool} dipakai run {slot.run_id[:8]} sejak {span(slot.age)}",
        "hentikan run itu bila tidak berjalan lagi; `gudang prepare` membebaskan jatah run yang mati",
        round(slot.age),
        "seconds",
    )


def leases(place: Place, dagster: Connection[Any]) -> Check:
    """Runs that work and whose worker holds no lease. Asked twice, because a worker may just renew its session."""
    started = dagster_tables.started_runs(dagster)
    begun = {run.run_id: run.job for run in started if run.age > lease.GONE_SECONDS}
    subjects = {lease.run_subject(run_id): run_id for run_id in begun}
    missing = set(subjects) - lease.held_in(dagster, subjects)
    if missing:
        time.sleep(place.renewal)
        still = {run.run_id for run in dagster_tables.started_runs(dagster)}
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
