"""Decides which names found in a source may appear in messages, the log, the ledger and the stored shape.

What belongs here: one rule. If a contract has personal columns, only names that the contract knows are shown and
stored, because other names may be personal data: in a file without a header, the first row; in an API, keys that are
NIK; in a view, rows that became columns. Any other name is replaced by its place, or only counted. In every contract a
name that looks like a person's number or address is masked. Not here: which names are missing or new.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from unicodedata import normalize

from pipelines.contracts.model import Contract
from pipelines.redaction.personal_shapes import ALL, found, masked

SHOWN = 20
"""The most names that one message lists."""
_INVISIBLE = str.maketrans("", "", "\ufeff\u200b\u200c\u200d")
_MARK = re.compile(r"\?[0-9a-f]{3}")


def fold(name: str) -> str:
    """Returns the form in which names are compared: no invisible characters, single blanks for white space, NFC.

    Files written on macOS have "é" as "e" and a combining mark (NFD).
    """
    folded = " ".join(name.translate(_INVISIBLE).split())
    return folded if folded.isascii() else normalize("NFC", folded)


def listed(names: Sequence[str]) -> str:
    """Returns the first `SHOWN` names as text, with personal data masked, and the number of the other names."""
    more = len(names) - SHOWN
    return ", ".join(masked(name) for name in names[:SHOWN]) + (f" dan {more} lainnya" if more > 0 else "")


def may_show_unknown_names(contract: Contract) -> bool:
    """Whether names that the contract does not know may be shown: only if it has no personal column."""
    return not any(c.personal for c in contract.columns)


def shown_name(contract: Contract, name: str) -> str | None:
    """Returns a name that the contract does not know as a message may show it; None if it may not be shown."""
    return masked(name) if may_show_unknown_names(contract) else None


def suggestible(contract: Contract, names: Collection[str]) -> list[str]:
    """Returns those of a source's names that a message may suggest: none of them is withheld or masked."""
    return [name for name in names if masked(name) == name] if may_show_unknown_names(contract) else []


def redact_names(contract: Contract, names: Sequence[str], among: Collection[str] = ()) -> str:
    """Returns `names` as text for a message. A name that may not be shown is replaced by its place, or only counted.

    among: all names of the source in their order; it gives the place.
    """
    if may_show_unknown_names(contract):
        return listed(names)
    known = {fold(c.source_name) for c in contract.columns}
    places = {name: place for place, name in enumerate(among, 1)}
    shown: list[str] = []
    hidden = 0
    for name in names:
        if fold(name) in known:
            shown.append(name)
        elif name in places:
            shown.append(f"kolom ke-{places[name]}")
        else:
            hidden += 1
    return listed([*shown, f"{hidden} nama yang tidak ditampilkan"] if hidden else shown)


def storable_shape(contract: Contract, shape: Mapping[str, str]) -> dict[str, str]:
    """Returns a source's columns and their kinds in the form in which they may be stored.

    A name that may not be stored is replaced by a hash of 12 bits. The hash shows whether a name is new. It does not
    reveal the name, because thousands of names have the same hash.
    """
    known = {fold(c.source_name) for c in contract.columns}
    shows_unknown = may_show_unknown_names(contract)
    return {
        name if fold(name) in known or (shows_unknown and not found(name, ALL)) else _hashed(name): kind
        for name, kind in shape.items()
    }


def _hashed(name: str) -> str:
    if _MARK.fullmatch(name):
        return name
    return f"?{hashlib.sha256(fold(name).encode('utf-8', 'replace')).hexdigest()[:3]}"
