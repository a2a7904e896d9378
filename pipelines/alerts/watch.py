"""Tells operators what `gudang health` found critical, also when the databases and Dagster are down.

What belongs here: what each recipient was told last, in a file below GUDANG_HOME. Not here: looking (health/).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.alerts.channel import Channel, DeliveryError, Message
from pipelines.alerts.document import health
from pipelines.alerts.outbox import Address
from pipelines.alerts.problem import HEALTH, Problem
from pipelines.alerts.register import Known
from pipelines.disk import os_reason
from pipelines.health.check import Check
from pipelines.health.limits import CRITICAL

MEMORY = Path("kabar", "kesehatan.json")
"""Below GUDANG_HOME: by recipient, the names of the checks that it was told are critical, and when."""
MEMORY_BYTES = 4096
"""The memory is made with this size while all is well, and written over in place: on a full disk that works, too."""
REMIND_HOURS = 24
"""What stays critical is told again after so many hours."""


def tell_of_health(
    checks: Sequence[Check],
    channels: Mapping[str, Channel],
    to: Sequence[Address],
    memory: Path,
    now: datetime,
) -> list[str]:
    """Sends what became critical or is so no longer, to who was not told yet. Gives a line for each delivery.

    What was told is noted after each delivery, so a recipient that could not be reached is told at the next call. If
    it can't be noted, the same message has the same key for a day, by which a receiver knows it.
    """
    told = _read(memory)
    if to and not memory.exists():
        with suppress(OSError):
            _write(memory, told)
    critical = {check.name: check for check in checks if check.state == CRITICAL}
    lines: list[str] = []
    for name, recipient in to:
        place = f"{name} {recipient}".rstrip()
        before: dict[str, Any] = told.get(place) or {"kritis": [], "sejak": now.isoformat()}
        is_same = set(before["kritis"]) == set(critical)
        reminds = critical and now - datetime.fromisoformat(before["sejak"]) >= timedelta(hours=REMIND_HOURS)
        if is_same and not reminds:
            continue
        problems = [_known(check.name, f"{check.seen}; {check.todo}", now) for check in critical.values()]
        over = [_known(old, "", now, now) for old in before["kritis"] if old not in critical]
        since = before["sejak"] if place in told else now.date().isoformat()
        key = f"kesehatan:{since}:{','.join(sorted(critical))}"
        try:
            channels[name].send(Message(key, health(problems, over), recipient))
        except DeliveryError as error:
            lines.append(f"Belum terkirim ke {place}, dicoba lagi nanti: {error.message}")
            continue
        lines.append(f"Terkirim ke {place}.")
        told[place] = {"kritis": sorted(critical), "sejak": now.isoformat()}
        try:
            _write(memory, told)
        except OSError as error:
            lines.append(f"{memory}: tidak dapat dicatat ({os_reason(error)}), jadi kabar ini akan terulang")
    return lines


def _known(subject: str, message: str, now: datetime, resolved_at: datetime | None = None) -> Known:
    problem = Problem(HEALTH, subject, message, "")
    return Known(HEALTH, problem.subject, problem.message, None, None, now, 1, resolved_at)


def _read(memory: Path) -> dict[str, Any]:
    """What was told; nothing if the file is missing or damaged."""
    try:
        found: object = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write(memory: Path, told: Mapping[str, Any]) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(told, indent=2).encode().ljust(MEMORY_BYTES)
    with memory.open("r+b" if memory.exists() else "wb") as file:
        file.write(text)
        file.truncate()
