"""What a section of the report shows: a picture and its numbers, as values without mark-up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table under a chart: the same numbers, for those who cannot or will not read a picture."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    text_columns: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """A section: a chart, a sentence about it, its numbers, and their details."""

    title: str
    says: str
    svg: str
    table: Table
    detail: Table | None = None
