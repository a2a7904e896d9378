"""Watches the memory of the services while a month runs, and judges whether it grows.

What belongs here: samples, lives of processes, growth after the warm-up. Not here: which processes a service has
(server.py).
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from benchmarks.month.server import SERVICES, Server

EVERY_S = 20.0
WARM_UP_S = 240.0
"""Machine seconds after the start of a process that are its warm-up: imports, first pages, first runs."""
LEAST_SAMPLES = 9
"""So few samples after the warm-up say nothing."""
MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """The resident memory of a service's processes: seconds since the begin of the month, ids, and their sum in MB."""

    at: float
    service: str
    processes: tuple[int, ...]
    megabytes: float


@dataclass(frozen=True, slots=True)
class Growth:
    """How the memory of a service changed in its longest life: MB at first and at last, and over how many seconds."""

    first: float
    last: float
    seconds: float

    @property
    def share(self) -> float:
        """The growth as a share of the first."""
        return self.last / self.first - 1


def sample(server: Server, at: float) -> list[Sample]:
    """A sample of each service that runs."""
    found: list[Sample] = []
    for service in SERVICES:
        resident: dict[int, int] = {}
        for process in server.processes(service):
            with suppress(psutil.NoSuchProcess):
                resident[process.pid] = process.memory_info().rss
        if resident:
            found.append(Sample(at, service, tuple(sorted(resident)), sum(resident.values()) / MEGABYTE))
    return found


@contextmanager
def watched(server: Server, samples: list[Sample]) -> Iterator[None]:
    """Adds samples to the list while the context lasts."""
    begun, done = time.monotonic(), threading.Event()

    def watch() -> None:
        while not done.wait(EVERY_S):
            samples.extend(sample(server, time.monotonic() - begun))

    watcher = threading.Thread(target=watch, name="memory")
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def growth(samples: Sequence[Sample], service: str) -> Growth | None:
    """How the memory of a service changed in its longest life after its warm-up, None if that life was too short.

    A life ends when a process of the service is another one. Its first third is compared with its last, by medians.
    """
    lives: list[list[Sample]] = []
    for one in (s for s in samples if s.service == service):
        if lives and lives[-1][-1].processes == one.processes:
            lives[-1].append(one)
        else:
            lives.append([one])
    longest = max(lives, key=len, default=[])
    warm = [s for s in longest if s.at - longest[0].at >= WARM_UP_S]
    if len(warm) < LEAST_SAMPLES:
        return None
    third = len(warm) // 3
    first, last = (statistics.median(s.megabytes for s in part) for part in (warm[:third], warm[-third:]))
    return Growth(first, last, warm[-1].at - warm[0].at)
