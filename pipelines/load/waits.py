"""The waiting times of a load, as a value. Not here: the waiting itself (landing.py, warehouse/locks.py)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.warehouse.locks import PATIENCE, LockPatience


@dataclass(frozen=True, slots=True)
class Waits:
    """The waiting times of one load.

    retries: seconds before each new attempt to read a source after a transient failure. sleep: the function that waits.
    locks: how long to wait for locks of tables and rows.
    """

    retries: tuple[float, ...] = (2.0, 15.0)
    sleep: Callable[[float], None] = time.sleep
    locks: LockPatience = PATIENCE


WAITS = Waits()
