"""The limits of `gudang health`, from environment variables.

What belongs here: names, defaults, and whether a value is beyond its limit. Not here: what is measured (checks.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from pipelines.errors import GudangError
from pipelines.load.approval.waiting import LATE_HOURS

OK, WARNING, CRITICAL = 0, 1, 2
"""States of a check. The worst of all is the exit code, as for plugins of Nagios."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Two values from which a check warns or is critical. falling: less is worse."""

    warning: float
    critical: float
    falling: bool = False

    def state(self, value: float) -> int:
        """OK, WARNING or CRITICAL."""
        sign = -1 if self.falling else 1
        if sign * value >= sign * self.critical:
            return CRITICAL
        return WARNING if sign * value >= sign * self.warning else OK


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits, each by the variable GUDANG_HEALTH_<NAME>, such as GUDANG_HEALTH_DISK_PERCENT=15,5."""

    heartbeat_seconds: Limit = Limit(180, 600)
    tick_minutes: Limit = Limit(5, 15)
    night_hours: Limit = Limit(26, 50)
    queue_minutes: Limit = Limit(60, 360)
    slot_hours: Limit = Limit(3, 7)
    web_seconds: Limit = Limit(5, 20)
    disk_percent: Limit = Limit(15, 5, falling=True)
    warehouse_gb: Limit = Limit(float("inf"), float("inf"))
    backup_hours: Limit = Limit(26, 74)
    alert_hours: Limit = Limit(0.1, 12)
    upload_hours: Limit = Limit(24, 96)
    approval_hours: Limit = Limit(LATE_HOURS, 7 * 24)


def load_limits(env: Mapping[str, str] = os.environ) -> Limits:
    """The limits of `env`. Raises GudangError, which names the variable, for a value that is not two numbers."""
    found: dict[str, Limit] = {}
    for name, default in ((f.name, f.default) for f in fields(Limits)):
        variable = f"GUDANG_HEALTH_{name.upper()}"
        value = env.get(variable, "").strip()
        if not value:
            continue
        assert isinstance(default, Limit)
        example = f"tulis peringatan,kritis, misalnya {default.warning:g},{default.critical:g}"
        try:
            warning, critical = (float(part) for part in value.split(","))
        except ValueError:
            raise GudangError(variable, "nilainya bukan dua angka", hint=example) from None
        if not (warning >= 0 and critical >= 0):  # "nan" is neither, and no value would be beyond it
            raise GudangError(variable, "nilainya bukan dua angka dari 0", hint=example)
        if warning != critical and (warning > critical) is not default.falling:
            raise GudangError(variable, "batas kritis tidak lebih buruk daripada peringatan", hint=example)
        found[name] = Limit(warning, critical, default.falling)
    return Limits(**found)
