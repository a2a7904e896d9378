"""Defines one property of a contract as a value, and the types and classes that it can have.

Not here: what a contract may write about them (vocabulary.py, value_types/, repairs.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PERSONAL = frozenset({"pribadi", "pribadi_spesifik"})
CLASSIFICATIONS = ("terbuka", "terbatas", "pribadi", "pribadi_spesifik")
"""From the least to the most strictly protected."""
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
"""Logical types whose values can be a period: a text YYYY-MM, or a whole number, which is a year."""
IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Reference:
    """The rule that a column's value is one of `core.<table>.<column>`, among the rows that match `where`.

    normalise: "kunci_nama" to compare names by their key, None to compare the values themselves.
    """

    table: str
    column: str
    where: tuple[tuple[str, str], ...] = ()
    normalise: str | None = None


def strictest(columns: Iterable[Column]) -> str:
    """Returns the strictest class of the columns."""
    return max((column.classification for column in columns), key=CLASSIFICATIONS.index)


@dataclass(frozen=True, slots=True)
class Column:
    """One property of the contract: a column of the warehouse, and the source's column from which it is read.

    enum: value and label of each class; aliases: other words for a class, and its value.
    parse: the declared repairs, in their order (repairs.py).
    soft_rules: the rules that a cell may break if the OPD confirms it (soft_rules.py).
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
    soft_rules: tuple[str, ...] = ()

    @property
    def personal(self) -> bool:
        """Whether the column's values are personal data (UU 27/2022)."""
        return self.classification in PERSONAL

    @property
    def stored_type(self) -> str:
        """The type in raw. A pseudonym is text, whatever the column's own type."""
        return "text" if self.pseudonymise else self.type
