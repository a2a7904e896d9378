"""The result of one look at the installation, and how all results are written.

What belongs here: the value; text, JSON and Prometheus' form. Not here: looking (checks.py), the limits (limits.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.health.limits import CRITICAL, OK, WARNING
from pipelines.numbers import short
from pipelines.redaction.secrets import shown

WORDS = {OK: "baik", WARNING: "peringatan", CRITICAL: "kritis"}


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, its state, what was seen, and what to do (Indonesian).

    value: the number that was compared with the limit, in `unit`; None if there is none.
    """

    name: str
    state: int
    seen: str
    todo: str = ""
    value: float | None = None
    unit: str = ""


def worst(checks: Sequence[Check]) -> int:
    """The worst state: the exit code."""
    return max((check.state for check in checks), default=OK)


def as_text(checks: Sequence[Check]) -> str:
    """A line per check, the worst first; below each that is not good, what to do."""
    lines: list[str] = []
    for check in sorted(checks, key=lambda c: -c.state):
        lines.append(f"{WORDS[check.state]:10}  {check.name}: {check.seen}")
        if check.state != OK and check.todo:
            lines.append(f"{'':10}  -> {check.todo}")
    return shown("\n".join(lines))


def as_json(checks: Sequence[Check]) -> str:
    """One object: the worst state, and a list of the checks."""
    return json.dumps(
        {
            "state": WORDS[worst(checks)],
            "exit_code": worst(checks),
            "checks": [
                {
                    "name": c.name,
                    "state": WORDS[c.state],
                    "seen": shown(c.seen),
                    "todo": shown(c.todo) if c.state != OK else "",
                    "value": c.value,
                    "unit": c.unit,
                }
                for c in checks
            ],
        },
        ensure_ascii=False,
        indent=2,
    )


def as_prometheus(checks: Sequence[Check]) -> str:
    """The text form of Prometheus, for the textfile collector of its node exporter."""
    lines = [
        "# HELP gudang_health_state State of a check: 0 good, 1 warning, 2 critical.",
        "# TYPE gudang_health_state gauge",
        *(f'gudang_health_state{{check="{c.name}"}} {c.state}' for c in checks),
        "# HELP gudang_health_value What a check measured, in its unit.",
        "# TYPE gudang_health_value gauge",
        *(
            f'gudang_health_value{{check="{c.name}",unit="{c.unit}"}} {c.value:.10g}'
            for c in checks
            if c.value is not None
        ),
    ]
    return "\n".join(lines) + "\n"


def span(seconds: float) -> str:
    """About how long: 45 detik, 12 menit, 5,5 jam, 3,2 hari."""
    for length, word in ((86400, "hari"), (3600, "jam"), (60, "menit")):
        if seconds >= length * (1 if word == "menit" else 1.5):
            return f"{short(seconds / length)} {word}"
    return f"{seconds:.0f} detik"
