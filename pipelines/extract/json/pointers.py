"""Follows JSON pointers (RFC 6901) in a decoded document."""

from __future__ import annotations

from typing import Any

ABSENT = object()
"""The result of `point` if there is no value at the pointer."""


def point(document: Any, pointer: str) -> Any:
    """Returns the value at a JSON pointer ("" is the document), or ABSENT."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return ABSENT
    return value
