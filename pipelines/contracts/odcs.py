"""What every reader of an ODCS document shares: places in it, a fault at a place, its custom properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Location = tuple[str | int, ...]
"""The keys and indices that lead from the document's root to a place in it."""
Found = tuple[Location, str, str]
"""Where a fault is, what is wrong, and how to fix it."""


class FaultyError(Exception):
    """A fault at a place in the document."""

    def __init__(self, where: Location, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.where, self.message, self.hint = where, message, hint


def custom_properties(holder: Mapping[str, Any]) -> dict[str, Any]:
    """Our own properties of a part of the document: name and value."""
    return {item["property"]: item.get("value") for item in holder.get("customProperties") or []}
