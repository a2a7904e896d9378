"""Groups the rules of an asset into the checks that Dagster shows: one per column, and one per rule of the whole table.

What belongs here: which rules make one check, and its name. Not here: what a check's page says (check_pages.py).
"""

from __future__ import annotations

from collections.abc import Iterator, MutableSet, Sequence
from dataclasses import dataclass

import dagster as dg

from pipelines.assets.naming import definition_name

_COLUMN_SUFFIX = "_kolom"
"""Ends the name of a column's check where the column's own name is taken."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a table. column: the column that it is about; None if it makes a check of its own."""

    name: str
    blocking: bool
    description: str = ""
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One check of Dagster, and the rules that it stands for. column: None for a single rule of the whole table."""

    name: str
    rules: tuple[Rule, ...]
    column: str | None = None

    @property
    def blocking(self) -> bool:
        """Whether one of its rules blocks."""
        return any(rule.blocking for rule in self.rules)

    @property
    def description(self) -> str:
        """What the check asks, in Indonesian; "" if its rule has no text."""
        if self.column is None:
            return self.rules[0].description
        names = [rule.name.removesuffix(f"_{self.column}") for rule in self.rules]
        return f"Aturan kolom {self.column}: {', '.join(names)}."

    def spec(self, asset: dg.AssetKey) -> dg.AssetCheckSpec:
        """Declares the check to Dagster."""
        return dg.AssetCheckSpec(
            self.name, asset=asset, description=self.description or None, blocking=self.blocking
        )


def output_identifier(asset: dg.AssetKey, check: str) -> str:
    """Dagster's name of a check's output. In one step it must differ from those of all checks and assets."""
    return dg.AssetCheckSpec(check, asset=asset).get_python_identifier()


def grouped(asset: dg.AssetKey, rules: Sequence[Rule], taken: MutableSet[str]) -> list[Group]:
    """Groups rules: first each rule of the whole table, then the rules of each column under the column's name.

    taken: the output identifiers of the step that a column's check must not get; those of the columns' checks are
    added. The same rules and `taken` give the same names.
    """
    of_table = [Group(rule.name, (rule,)) for rule in rules if rule.column is None]
    taken |= {output_identifier(asset, group.name) for group in of_table}
    columns = dict.fromkeys(rule.column for rule in rules if rule.column is not None)
    plain = {definition_name(column) for column in columns}
    of_columns: list[Group] = []
    for column in columns:
        name = next(
            name
            for name in _names(definition_name(column))
            if output_identifier(asset, name) not in taken
            and (name == definition_name(column) or name not in plain)
        )
        taken.add(output_identifier(asset, name))
        of_columns.append(Group(name, tuple(rule for rule in rules if rule.column == column), column))
    return [*of_table, *of_columns]


def _names(name: str) -> Iterator[str]:
    """The names that a column's check may get, in the order in which they are tried."""
    yield name
    number = 1
    while True:
        yield definition_name(name + _COLUMN_SUFFIX + (f"_{number}" if number > 1 else ""))
        number += 1
