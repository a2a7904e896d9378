"""A connection that runs nothing: it keeps the statements that it is given, and gives prepared answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql


class Recorder:
    """Stands in for a connection where a test asks which statements are run.

    answers: the rows that the statements give, in their order; a statement without one gives no row.
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
