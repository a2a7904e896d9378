"""What every dialect's session offers, and how long it waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pipelines.extract.database.shape import Selection, SourceColumn
from pipelines.extract.stream import SourceStream


@dataclass(frozen=True, slots=True)
class Timing:
    """grace: seconds that a server may be silent beyond its own statement time-out before we take it for lost.

    monotonic: the clock, in seconds.
    """

    grace: float = 10.0
    monotonic: Callable[[], float] = time.monotonic


class Session(Protocol):
    """An open connection to a source, in one read-only snapshot where the source has snapshots."""

    def columns(self) -> dict[str, SourceColumn]:
        """Every column of the contract's table or query, in order. Raises ShapeError where there is no such table."""
        ...

    def locks(self) -> str | None:
        """The reason why reading locks the table against writers until the last row, for a message; else None."""
        ...

    def read(self, selection: Selection, out: SourceStream) -> Iterator[bytes]:
        """Blocks of COPY text; counts `out.rows`. The source's result is read to its end before the last block."""
        ...

    def close(self) -> None:
        """Ends the session, whatever state it is in."""
        ...
