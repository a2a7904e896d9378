"""A source table as a value: its columns in both databases' types, and its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

Cell = str | int | float | None
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SourceColumn:
    name: str
    postgresql: LiteralString
    mysql: LiteralString


@dataclass(frozen=True, slots=True)
class SourceTable:
    """`primary_key` is empty where the OPD's application has none, and then keys may come twice."""

    database: str
    name: str
    columns: tuple[SourceColumn, ...]
    rows: Sequence[Row]
    primary_key: str = ""


def column(name: str, postgresql: LiteralString, mysql: LiteralString | None = None) -> SourceColumn:
    return SourceColumn(name, postgresql, mysql or postgresql)
