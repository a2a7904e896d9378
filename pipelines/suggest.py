"""The nearest known name for one that nobody knows.

What belongs here: the search for a name that was probably meant, for the messages of every room.
Not here: the messages themselves, which say what is unknown and where.
"""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`maksudnya x?` with the known name nearest to this one, or "" if none is near.

    Upper and lower case count as the same: `Tanggal` finds `tanggal`.
    """
    by_folded = {each.casefold(): each for each in sorted(known)}
    nearest = get_close_matches(name.casefold(), by_folded, n=1)
    return f"maksudnya {by_folded[nearest[0]]}?" if nearest else ""


def hint_of_known(name: object, known: Iterable[str]) -> str:
    """What a message says beside an unknown name: the nearest known one, and all that are known, in their order."""
    known = tuple(known)
    every = f"yang dikenal: {', '.join(known)}" if known else "tidak ada yang dikenal di sini"
    return " ".join(part for part in (did_you_mean(str(name), known), every) if part)
