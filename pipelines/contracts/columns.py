"""One property of a contract as a value, and the types and classes that it can have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

PERSONAL = frozenset({"pribadi", "pribadi_spesifik"})
CLASSIFICATIONS = ("terbuka", "terbatas", "pribadi", "pribadi_spesifik")
PHYSICAL_TYPE = re.compile(
    r"text|smallint|integer|bigint|numeric(\(\d{1,3},\s?\d{1,3}\))?|double precision|boolean"
    r"|date|time|timestamp|timestamptz"
)
LOGICAL_TYPES: Mapping[str, tuple[str, ...]] = {
    "string": ("text",),
    "integer": ("smallint", "integer", "bigint"),
    "number": ("numeric", "double precision"),
    "boolean": ("boolean",),
    "date": ("date",),
    "time": ("time",),
    "timestamp": ("timestamp", "timestamptz"),
}
PERIOD_TYPES = ("date", "timestamp", "string", "integer")
"""Logical types that can say up to when the data go: a text is YYYY-MM, a whole number is a year."""
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A column's value must stand in `core.<table>.<column>`, among the rows that match `where`."""

    table: str
    column: str
    where: tuple[tuple[str, str], ...] = ()
    normalise: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One property of the contract: a column of the warehouse and the source's column behind it.

    enum: value and label of each class; aliases: other words for a class, and its value.
    parse: the declared repairs, in their order (repairs.py).
    """

    name: str
    source_name: str
    type: str
    logical_type: str
    title: str
    description: str
    classification: str
    required: bool = False
    unique: bool = False
    key: bool = False
    enum: tuple[tuple[str, str], ...] = ()
    aliases: tuple[tuple[str, str], ...] = ()
    minimum: str | None = None
    maximum: str | None = None
    exclusive_minimum: str | None = None
    exclusive_maximum: str | None = None
    multiple_of: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    format: str | None = None
    reference: Reference | None = None
    missing_values: tuple[str, ...] = ()
    parse: tuple[str, ...] = ()
    unit: str | None = None
    measure: str | None = None
    synonyms: tuple[str, ...] = ()
    pseudonymise: str | None = None
    retain_original: str | None = None
    dropped: bool = False

    @property
    def personal(self) -> bool:
        return self.classification in PERSONAL

    @property
    def stored_type(self) -> str:
        """The type in raw: a pseudonym is text whatever its source was."""
        return "text" if self.pseudonymise else self.type
