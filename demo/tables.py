"""A source table as a value: its columns in both databases' types, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

Cell = str | int | float | None
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column's name and its type in each of the two databases."""

    name: str
    postgresql: LiteralString
    mysql: LiteralString


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table of an OPD's application.

    primary_key: empty where the application has none; then the same key may come twice.
    """

    database: str
    name: str
    columns: tuple[SourceColumn, ...]
    rows: Sequence[Row]
    primary_key: str = ""


def column(name: str, postgresql: LiteralString, mysql: LiteralString | None = None) -> SourceColumn:
    """A column; without `mysql` it has the same type in both databases."""
    return SourceColumn(name, postgresql, mysql or postgresql)
