"""The waiting times of a load, as a value. Not here: the waiting itself (landing.py, warehouse/locks.py)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.warehouse.locks import PATIENCE, LockPatience


@dataclass(frozen=True, slots=True)
class Waits:
    """The waiting times of one load.

    retries: least seconds before each new attempt to read a source after a transient failure. spread: each wait is
    longer by a random share of up to this, so that loads that failed together do not come back together. sleep: the
    function that waits. locks: how long to wait for locks of tables and rows.
    """

    retries: tuple[float, ...] = (2.0, 15.0)
    spread: float = 0.5
    sleep: Callable[[float], None] = time.sleep
    locks: LockPatience = PATIENCE

    def before_retry(self, seconds: float) -> None:
        """Waits before a new attempt: `seconds` and a random share of them."""
        self.sleep(seconds * random.uniform(1.0, 1.0 + self.spread))  # noqa: S311  # no secret


WAITS = Waits()
