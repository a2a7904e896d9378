"""Judges a month and shows its figures, as text and as JSON.

What belongs here: which figures are good. Not here: measuring them (measure.py), what became of files (account.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.month.account import Account
from benchmarks.month.measure import Night, spread
from benchmarks.month.memory import MEGABYTE, Sample, growth
from benchmarks.month.server import SERVICES

FLAT = 0.15
"""By which share the memory of a service may change after its warm-up."""
_SLOW_TICK_S = 45.0
"""Dagster gives a sensor's tick up after 60 seconds. A schedule's tick also makes its run, which has no limit."""


@dataclass
class Month:
    """All figures of a month.

    faults: what was broken, when. open: runs and files that were left unfinished. given_up: those files, for which
    later nights do not wait again. is_finished: whether the files were accounted for.
    """

    asked: Mapping[str, int]
    nights: list[Night] = field(default_factory=list[Night])
    faults: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    account: Account = field(default_factory=Account)
    open: list[str] = field(default_factory=list[str])
    given_up: set[str] = field(default_factory=set[str])
    runs: Mapping[str, Mapping[str, int]] = field(default_factory=dict[str, dict[str, int]])
    ticks: Mapping[str, Sequence[float]] = field(default_factory=dict[str, list[float]])
    failed_ticks: Sequence[tuple[str, str, int]] = ()
    files: Mapping[str, Sequence[float]] = field(default_factory=dict[str, list[float]])
    pruned: list[str] = field(default_factory=list[str])
    memory: list[Sample] = field(default_factory=list[Sample])
    restarts: Mapping[str, int] = field(default_factory=dict[str, int])
    is_finished: bool = False

    def wrong(self) -> list[str]:
        """What the month has shown to be wrong; empty if it was a good one."""
        unfinished = [] if self.is_finished else ["the month ended early: no file was accounted for"]
        return [*unfinished, *self.account.faults, *self.open, *_leaks(self.memory), *_slow(self.ticks)]


def _leaks(samples: Sequence[Sample]) -> Iterator[str]:
    for service in SERVICES:
        found = growth(samples, service)
        if found and abs(found.share) > FLAT:
            yield f"memory of {service} changed by {found.share:+.0%}"


def _slow(ticks: Mapping[str, Sequence[float]]) -> Iterator[str]:
    for name, seconds in ticks.items():
        if name.startswith("sensor ") and max(seconds) > _SLOW_TICK_S:
            yield f"a tick of the {name} took {max(seconds):.0f} s"


def show(month: Month) -> Iterator[str]:
    """The report, line by line."""
    asked = ", ".join(f"{number} {what}" for what, number in month.asked.items())
    yield f"A simulated month: {asked}"
    yield ""
    yield (
        f"{'night':>5} {'clock':16} {'s':>5} {'files':>6}  {'code MB':>7} {'daemon':>7} {'web':>6} {'alive':>5}"
        f"  {'events':>8} {'ticks':>7} {'runs':>5} {'checks':>7} {'batches':>7} {'quarant.':>8}"
        f" {'Dagster MB':>10} {'ops MB':>7} {'log files':>9}"
    )
    for night in month.nights:
        memory, rows = night.memory, night.rows
        dagster, own = _megabytes(night, "public."), _megabytes(night, "ops.", "quarantine.")
        yield (
            f"{night.number:5} {night.at[:16]} {night.seconds:5.0f} {night.files:6}  {memory.get('code', 0):7.0f}"
            f" {memory.get('daemon', 0):7.0f} {memory.get('webserver', 0):6.0f} {night.alive:5}  {rows['event_logs']:8}"
            f" {rows['job_ticks']:7} {rows['runs']:5} {rows['ops.check_result']:7} {rows['ops.load_batch']:7}"
            f" {rows['quarantine.row']:8} {dagster:10.1f} {own:7.1f} {night.log_files:9}"
        )
    yield ""
    for service in SERVICES:
        found = growth(month.memory, service)
        said = "no life long enough to judge"
        if found:
            said = f"{found.first:.0f} MB, {found.last:.0f} MB ({found.share:+.1%}) in {found.seconds / 60:.0f} minutes"
        yield f"memory of {service}: {said}; started again {month.restarts.get(service, 0)} times"
    yield ""
    for what, seconds in month.files.items():
        median, most, last = spread(seconds)
        yield f"file, {what.replace('_', ' ')}: median {median:.2f} s, 95 % {most:.2f} s, greatest {last:.2f} s"
    for name, seconds in sorted(month.ticks.items()):
        median, most, last = spread(seconds)
        yield f"tick of {name}: {len(seconds)} ticks, median {median:.2f} s, 95 % {most:.2f} s, greatest {last:.2f} s"
    yield from (f"failed ticks of {name}: {count} x {error}" for name, error, count in month.failed_ticks)
    yield ""
    for kind, states in sorted(month.account.states.items()):
        yield f"{kind:16} " + ", ".join(f"{n} {state}" for state, n in states.most_common())
    yield ""
    for job, states in month.runs.items():
        yield f"runs of {job}: " + ", ".join(f"{n} {state}" for state, n in states.items())
    for fault in month.faults:
        yield f"fault in night {fault['night']}: {fault['what']}{'' if fault['done'] else ' (not possible then)'}"
    yield from month.pruned
    yield ""
    wrong = month.wrong()
    yield f"WRONG: {len(wrong)}" if wrong else "nothing lost, nothing doubled, no run left, no leak"
    yield from (f"  {one}" for one in wrong[:60])


def _megabytes(night: Night, *prefixes: str) -> float:
    return sum(size for table, size in night.sizes.items() if table.startswith(prefixes)) / MEGABYTE


def keep(month: Month, path: Path) -> None:
    """Writes all figures as JSON."""
    document = {
        "asked": month.asked,
        "nights": [asdict(night) for night in month.nights],
        "memory": [(round(s.at), s.service, round(s.megabytes, 1)) for s in month.memory],
        "faults": month.faults,
        "states": month.account.states,
        "wrong": month.wrong(),
        "runs": month.runs,
        "ticks": {name: spread(seconds) for name, seconds in month.ticks.items()},
        "failed_ticks": month.failed_ticks,
        "files": {what: spread(seconds) for what, seconds in month.files.items()},
        "pruned": month.pruned,
        "restarts": month.restarts,
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
