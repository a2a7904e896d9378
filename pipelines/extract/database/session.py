"""Defines the methods of every dialect's session, and how long it waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pipelines.extract.database.shape import Selection, SourceColumn
from pipelines.extract.stream import SourceStream


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a session waits.

    grace: seconds that a server may be silent after its own statement time-out, before we treat it as lost.
    monotonic: the clock, which returns seconds.
    """

    grace: float = 10.0
    monotonic: Callable[[], float] = time.monotonic


class Session(Protocol):
    """An open connection to a source, in one read-only snapshot where the source has snapshots."""

    def columns(self) -> dict[str, SourceColumn]:
        """Returns the columns of the contract's table or query, in order. Raises ShapeError if the table is missing."""
        ...

    def lock_reason(self) -> str | None:
        """Returns, for a message, why reading locks the table against writers until the last row; None if not."""
        ...

    def read(self, selection: Selection, out: SourceStream) -> Iterator[bytes]:
        """Gives blocks; counts `out.rows`. The result is read to its end before the last block.

        Blocks are COPY text, unless it sets `out.binary` before it gives the iterator.
        """
        ...

    def close(self) -> None:
        """Ends the session, whatever state it is in."""
        ...
