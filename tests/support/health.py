"""What a healthy installation leaves behind, and one check of `gudang health` by its name."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path

import dagster as dg
from dagster._daemon.types import DaemonHeartbeat

from pipelines.health.check import Check, worst
from pipelines.health.checks import look
from pipelines.health.limits import OK
from pipelines.health.of_dagster import DAEMONS
from pipelines.health.place import Place


def beat(instance: dg.DagsterInstance, ago: float = 0, kinds: tuple[str, ...] = DAEMONS) -> None:
    for kind in kinds:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - ago, kind, "d", []))


def note_backup(home: Path, at: datetime) -> None:
    note = home / "cadangan" / "terakhir.json"
    note.parent.mkdir(exist_ok=True)
    note.write_text(json.dumps({"selesai": at.isoformat(), "ukuran": 2_500_000_000}))


def seen(place: Place, name: str) -> Check:
    """The check of this name; nothing else may be wrong than what it says."""
    checks = look(place)
    found = {check.name: check for check in checks}[name]
    assert worst(checks) == found.state, [c for c in checks if c.state != OK]
    return found
