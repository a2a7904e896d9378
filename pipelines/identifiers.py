"""Names that fit into PostgreSQL, which cuts what is longer without a word: two long ones would be the same.

What belongs here: how long a name may be, and a shorter one that is still nobody else's. Not here: what is called so.
"""

from __future__ import annotations

import hashlib

LONGEST_NAME = 63
"""Bytes of an identifier (NAMEDATALEN - 1)."""

CANDIDATE_SUFFIX = "__baru"
"""What a relation is called while it is built and tested, before readers can see it."""

STAGING_PREFIX = "stg_"
"""What the staging model of a dataset is called, before the name of its raw table."""

LONGEST_MODEL = LONGEST_NAME - len(CANDIDATE_SUFFIX)
LONGEST_TABLE = LONGEST_MODEL - len(STAGING_PREFIX)
"""Of a raw table; all that is called after it fits, too."""

_MARK = 10


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """The name as it is where it has at most `longest` bytes; else its beginning, and a mark of the whole."""
    text = name.encode()
    if len(text) <= longest:
        return name
    mark = hashlib.sha256(text).hexdigest()[:_MARK]
    return f"{text[: longest - _MARK - 1].decode(errors='ignore')}_{mark}"
