"""How long a load waits, as a value that is handed to it. Not here: the waiting (landing.py, warehouse/locks.py)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.warehouse.locks import PATIENCE, LockPatience


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of one load.

    retries: seconds before each new attempt to read a source that failed in passing. sleep: waits for so many seconds.
    locks: for the locks of tables and rows.
    """

    retries: tuple[float, ...] = (2.0, 15.0)
    sleep: Callable[[float], None] = time.sleep
    locks: LockPatience = PATIENCE


WAITS = Waits()
