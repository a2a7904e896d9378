"""Replaces the pages that Dagster's storage prints when it loses its connection by one sentence.

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
def replace_connection_errors(say: Callable[[str], None]) -> Iterator[None]:
    """While the context lasts, drops Dagster's messages about a lost connection.

    For the first of them `say` gets one sentence, which says that Dagster's database does not answer.
    """
    reported = False

    def report() -> None:
        nonlocal reported
        if not reported:
            reported = True
            say("Basis data Dagster tidak menjawab; dicoba lagi beberapa detik.")

    def passes(record: logging.LogRecord) -> bool:
        if not record.getMessage().startswith(_RETRY):
            return True
        report()
        return False

    root = logging.getLogger()
    root.addFilter(passes)
    try:
        with redirect_stderr(cast(TextIO, _FilteredStream(sys.stderr, report))):
            yield
    finally:
        root.removeFilter(passes)


class _FilteredStream:
    """Passes text on to a stream, except the one message of Dagster that holds whole SQL statements."""

    def __init__(self, stream: TextIO, report: Callable[[], None]) -> None:
        self._stream, self._report = stream, report

    def write(self, text: str) -> int:
        if text.startswith(_UNWRITTEN):
            self._report()
            return len(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
