"""Calls the warehouse's functions for repairs and checks, many texts in one query. Not here: the expected results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import settings
from psycopg import Connection, sql

IN_SETS = settings(max_examples=30, derandomize=True)
ARGUMENTS = {
    "satuan": """'{"kg": "1", "ton": "1000", "kw": "100", "g": "0.001"}'::jsonb""",
    "klasifikasi": """'{"L": "L", "l": "L", "laki-laki": "L", "P": "P", "p": "P", "wanita": "P"}'::jsonb""",
    "kode": "6",
    "bulatkan": "2",
}


@dataclass(frozen=True)
class Warehouse:
    connection: Connection[Any]

    def ask(self, function: str, texts: Sequence[str | None]) -> list[Any]:
        """What ops.<function> gives for each text, in one query."""
        argument = ARGUMENTS.get(function)
        query = sql.SQL("select {}(t{}) from unnest(%s::text[]) with ordinality u(t, n) order by n").format(
            sql.Identifier("ops", function),
            sql.SQL(f", {argument}" if argument else ""),  # type: ignore[arg-type]
        )
        return [row[0] for row in self.connection.execute(query, [list(texts)]).fetchall()]

    def read(self, function: str, expected: dict[str, str | None]) -> None:
        got = dict(zip(expected, self.ask(function, list(expected)), strict=True))
        assert got == expected

    def leaves(self, function: str, *texts: str) -> None:
        self.read(function, dict(zip(texts, texts, strict=True)))
