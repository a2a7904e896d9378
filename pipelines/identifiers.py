"""The length of names in PostgreSQL, which cuts longer ones silently: two long names could become the same.

What belongs here: how long a name may be, and how a longer one is shortened and stays unique. Not here: which tables,
indexes and models get the names.
"""

from __future__ import annotations

import hashlib

LONGEST_NAME = 63
"""Bytes of an identifier (NAMEDATALEN - 1)."""

CANDIDATE_SUFFIX = "__baru"
"""The end of a relation's name while it is built and tested, before readers see it."""

STAGING_PREFIX = "stg_"
"""The beginning of the name of a dataset's staging model; the name of its raw table follows."""

LONGEST_MODEL = LONGEST_NAME - len(CANDIDATE_SUFFIX)
LONGEST_TABLE = LONGEST_MODEL - len(STAGING_PREFIX)
"""The longest name of a raw table: all names that are made from it fit, too."""

_MARK = 10


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """The name where it has at most `longest` bytes; else its beginning and a hash of the full name."""
    text = name.encode()
    if len(text) <= longest:
        return name
    mark = hashlib.sha256(text).hexdigest()[:_MARK]
    return f"{text[: longest - _MARK - 1].decode(errors='ignore')}_{mark}"
