"""One sentence in the place of the pages that Dagster's storage prints when it loses its connection.

What belongs here: keeping those pages off the terminal of `gudang nightly`. Not here: the message of the fault that
ends a command (cli/main.py).
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any, TextIO, cast

_RETRY = "Retrying failed database connection"
_UNWRITTEN = "Exception while writing logger call to event log"


@contextmanager
def quiet(say: Callable[[str], None]) -> Iterator[None]:
    """While the context lasts, `say` gets one sentence that Dagster's database does not answer; the rest is dropped."""
    heard = False

    def hear() -> None:
        nonlocal heard
        if not heard:
            heard = True
            say("Basis data Dagster tidak menjawab; dicoba lagi beberapa detik.")

    def passes(record: logging.LogRecord) -> bool:
        if not record.getMessage().startswith(_RETRY):
            return True
        hear()
        return False

    root = logging.getLogger()
    root.addFilter(passes)
    try:
        with redirect_stderr(cast(TextIO, _Without(sys.stderr, hear))):
            yield
    finally:
        root.removeFilter(passes)


class _Without:
    """A stream without the one message of Dagster's that holds whole SQL statements."""

    def __init__(self, stream: TextIO, hear: Callable[[], None]) -> None:
        self._stream, self._hear = stream, hear

    def write(self, text: str) -> int:
        if text.startswith(_UNWRITTEN):
            self._hear()
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
