"""A connection that runs nothing: it records the statements, and gives prepared answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql


class Recorder:
    """Takes the place of a connection in tests about which statements are run.

    answers: the rows that each statement gives, in order. Further statements give no row.
    """

    def __init__(self, *answers: Sequence[Sequence[Any]]) -> None:
        self.ran: list[tuple[str, Any]] = []
        self._answers = list(answers)
        self._rows: list[Sequence[Any]] = []

    def execute(self, statement: str | sql.Composable, params: Any = None) -> Recorder:
        text = statement if isinstance(statement, str) else statement.as_string(None)
        self.ran.append((" ".join(text.split()), params))
        self._rows = list(self._answers.pop(0)) if self._answers else []
        return self

    def fetchone(self) -> Sequence[Any] | None:
        return self._rows[0] if self._rows else None

    def fetchall(self) -> list[Sequence[Any]]:
        return self._rows
