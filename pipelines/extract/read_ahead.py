"""Blocks that a thread of their own makes ready while those before them are sent.

What belongs here: reading ahead, a few blocks at most, so that memory stays flat. Worth it where making a block takes
the processor as long as PostgreSQL takes to store one; a database or an API is waited for anyway.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

DEPTH = 4


def read_ahead(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """`blocks`, up to DEPTH of them ready before they are asked for. What they raise is raised where it stood.

    Closing waits until the block that is being made is done: whatever `blocks` reads may then be closed.
    """
    with ThreadPoolExecutor(1, "read-ahead") as thread:
        try:
            ready = deque(thread.submit(next, blocks, None) for _ in range(DEPTH))
            while (block := ready.popleft().result()) is not None:
                ready.append(thread.submit(next, blocks, None))
                yield block
        finally:
            thread.shutdown(cancel_futures=True)
