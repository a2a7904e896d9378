"""The values of a section of the report, without mark-up: a chart and its numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table under a chart with the same numbers, for readers who cannot see the chart."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] = ()
    text_columns: int = 1


@dataclass(frozen=True, slots=True)
class Figure:
    """A section: a chart (`svg`), a sentence about it (`text`), its numbers, and their details with a title."""

    title: str
    text: str
    svg: str
    table: Table
    detail: Table | None = None
    detail_title: str = ""
