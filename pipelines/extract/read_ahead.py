"""Makes the next blocks in a thread while the current one is being sent.

What belongs here: reading ahead by a few blocks, so that memory stays small. It saves time if making a block takes as
much processor time as PostgreSQL needs to store it (files). It saves none for a database or an API, where we wait
anyway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

DEPTH = 4
"""The number of blocks that are made in advance."""


def read_ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Gives the same blocks in the same order; up to DEPTH of them are made in advance.

    An error of `blocks` is raised in the place of the block that failed. Closing this iterator waits for the block
    that is being made. After that, the file from which `blocks` reads may be closed.
    """
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        try:
            ready = deque(thread.submit(next, blocks, None) for _ in range(DEPTH))
            while (block := ready.popleft().result()) is not None:
                ready.append(thread.submit(next, blocks, None))
                yield block
        finally:
            thread.shutdown(cancel_futures=True)
