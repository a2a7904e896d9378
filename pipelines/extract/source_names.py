"""Names found in a source, as far as they may be told: in errors and warnings, the log, the ledger, what is known of
its shape.

What belongs here: one rule. Where a contract has personal columns only the names that it knows itself are told and
kept: a file without a header has a person where the names should be, an API may key its objects by NIK, a view may
turn rows into columns. What else there is, is told by its place or counted. In any contract a name that is shaped like
a person's number or address is masked. Not here: which names are missing or new.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from unicodedata import normalize

from pipelines.contracts.model import Contract
from pipelines.redaction.personal_shapes import ALL, found, masked

SHOWN = 20
_INVISIBLE = str.maketrans("", "", "\ufeff\u200b\u200c\u200d")
_MARK = re.compile(r"\?[0-9a-f]{3}")


def fold(name: str) -> str:
    """A name without invisible characters, its white space (no-break spaces and newlines too) folded, in NFC.

    Files of macOS write "é" as "e" and a mark (NFD).
    """
    folded = " ".join(name.translate(_INVISIBLE).split())
    return folded if folded.isascii() else normalize("NFC", folded)


def listed(names: Sequence[str]) -> str:
    """`names` for a message, not endlessly many."""
    more = len(names) - SHOWN
    return ", ".join(masked(name) for name in names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def may_be_shown(contract: Contract) -> bool:
    """Whether a name that the contract does not know may be told."""
    return not any(c.personal for c in contract.columns)


def redact_names(
    contract: Contract, names: Sequence[str], among: Collection[str] = (), what: str = "column"
) -> str:
    """`names` for a message. One that may not be told is told by its place `among` all, or with others counted."""
    if may_be_shown(contract):
        return listed(names)
    known = {fold(c.source_name) for c in contract.columns}
    places = {name: place for place, name in enumerate(among, 1)}
    words: list[str] = []
    hidden = 0
    for name in names:
        if fold(name) in known:
            words.append(name)
        elif name in places:
            words.append(f"{what} {places[name]}")
        else:
            hidden += 1
    return listed([*words, f"{hidden} whose names are not told"] if hidden else words)


def kept_shape(contract: Contract, shape: Mapping[str, str]) -> dict[str, str]:
    """A source's columns and their kinds as they may be kept.

    In the place of a name that may not be told stands a mark of 12 bits: enough to see that one is new, and far too
    little to say which name it is, for thousands of persons share each.
    """
    known = {fold(c.source_name) for c in contract.columns}
    open_to_all = may_be_shown(contract)
    return {
        name if fold(name) in known or (open_to_all and not found(name, ALL)) else _mark(name): kind
        for name, kind in shape.items()
    }


def _mark(name: str) -> str:
    if _MARK.fullmatch(name):
        return name
    return f"?{hashlib.sha256(fold(name).encode('utf-8', 'replace')).hexdigest()[:3]}"
