"""Names that fit into PostgreSQL, which cuts what is longer without a word.

What belongs here: how long a name may be, and a shorter one that is still nobody else's. Not here: what is called so.
"""

from __future__ import annotations

import hashlib

LONGEST_NAME = 63
"""Bytes of an identifier (NAMEDATALEN - 1)."""

_MARK = 10


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """The name as it is where it has at most `longest` bytes; else its beginning, and a mark of the whole."""
    text = name.encode()
    if len(text) <= longest:
        return name
    mark = hashlib.sha256(text).hexdigest()[:_MARK]
    return f"{text[: longest - _MARK - 1].decode(errors='ignore')}_{mark}"
