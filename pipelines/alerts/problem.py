"""A problem of which operators are told, and the kinds of problems.

What belongs here: the value, its kinds with their Indonesian headings, and the last guard over its text. Not here:
finding problems (of_ledger.py, of_dagster.py, urgent.py), remembering them (register.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pipelines.redaction.personal_shapes import masked
from pipelines.redaction.secrets import shown

LONGEST = 400
"""Characters of a message; the rest is cut."""

MART_BLOCKED, KEY_MISSING, DISK_LOW = "mart_blocked", "key_missing", "disk_low"
FAILED, LATE, DRIFT, QUARANTINE = "failed", "late", "drift", "quarantine"
MODEL, CHECK, RUN, TICK, NIGHT = "model", "check", "run", "tick", "night"
REFUSED, HEALTH, UNDECIDED = "refused", "health", "undecided"

URGENT = (MART_BLOCKED, KEY_MISSING, DISK_LOW)
"""Kinds of which operators are told at once."""
OF_DATASET = (FAILED, LATE, DRIFT, QUARANTINE)
"""Kinds of which an OPD is told, too. Their subject is the dataset."""
EVENTS = (DRIFT, QUARANTINE, RUN, TICK, NIGHT)
"""Kinds that happen once and need no end: it is not said that they are over."""
HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        MART_BLOCKED: "Mart terbit yang tertahan pemeriksaan",
        KEY_MISSING: "Kunci pseudonim tidak ada",
        DISK_LOW: "Disk hampir penuh",
        NIGHT: "Malam",
        FAILED: "Gagal dimuat",
        LATE: "Terlambat",
        UNDECIDED: "Terlalu lama menunggu persetujuan walidata",
        DRIFT: "Perubahan struktur",
        QUARANTINE: "Karantina, baris baru",
        MODEL: "Model gagal",
        CHECK: "Peringatan pemeriksaan pada mart terbit",
        RUN: "Run yang gagal",
        TICK: "Sensor dan jadwal yang gagal",
        REFUSED: "Penerima kabar yang ditolak",
        HEALTH: "Kritis",
    }
)
"""The heading of each kind, in the order of the digest."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong. Its message holds rules, columns and counts, and never the value of a cell.

    subject: the dataset, mart, run or other thing. mark: identifies the occurrence, which is counted once. run_id: the
    run to look at, if there is one. dataset: set if the problem concerns the OPD of this dataset.
    """

    kind: str
    subject: str
    message: str
    mark: str
    run_id: str | None = None
    dataset: str | None = None
    title: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", HEADINGS[self.kind])
        object.__setattr__(self, "subject", harmless(self.subject))
        object.__setattr__(self, "message", harmless(self.message))


def harmless(text: str) -> str:
    """`text` in one line, without secrets, control codes and anything that looks like a personal value."""
    line = masked(shown(" ".join(text.split())))
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
