"""Joins the rules of a relation with their results in the ledger: the last one, and how the months before went.

What belongs here: which rules a relation has, and the values of their results. Results of rules that no longer exist
are left out. Not here: the queries (facts.py), the pages (pages.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.contracts.model import Contract
from pipelines.errors import QualityError
from pipelines.findings.catalogue import code_of_expectation, entry
from pipelines.models.project.nodes import Node
from pipelines.publication.dictionary.facts import Facts, Month, Outcome
from pipelines.quality.suites import OWN_CHECKS, Expectation, suite

MONTHS = 12
"""So many months are shown at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule and its results. expected: what holds if it is kept; broken: what is wrong if it is not; one may be "".

    severity: "error" or "warn". last: None if it was never asked. months: of the months of the page, in order; None for
    a month in which it was not asked.
    """

    name: str
    severity: str
    code: str
    expected: str = ""
    broken: str = ""
    last: Outcome | None = None
    months: tuple[Month | None, ...] = ()


@dataclass(frozen=True, slots=True)
class AskedOf:
    """All rules of a relation. months: those in which one of them was asked, as "2026-11", in order."""

    rules: tuple[Asked, ...] = ()
    months: tuple[str, ...] = ()

    @property
    def failed(self) -> int:
        """Rules of severity error whose last result failed."""
        return sum(r.severity == "error" and r.last is not None and not r.last.passed for r in self.rules)

    @property
    def warned(self) -> int:
        """Rules that only warn whose last result failed."""
        return sum(r.severity == "warn" and r.last is not None and not r.last.passed for r in self.rules)

    @property
    def never(self) -> int:
        """Rules without a result."""
        return sum(r.last is None for r in self.rules)


NO_RULES = AskedOf()


def asked_of_dataset(contract: Contract, suites: Path | None, facts: Facts) -> AskedOf:
    """The rules of a dataset: those of its suite, and those of every load that have a result.

    suites: the folder of suites. A suite with a fault gives no rule; `gudang validate` names the fault.
    """
    asset = f"raw/{contract.key}"
    results = facts.checks.get(asset, {})
    rules = [_own(name, results[name].severity) for name in OWN_CHECKS if name in results]
    with suppress(QualityError):
        rules += map(_expectation, suite(contract, suites) if suites else ())
    return _with_results(rules, asset, facts)


def asked_of_node(node: Node, facts: Facts) -> AskedOf:
    """The rules of a model: its tests and its suite."""
    rules = [_own(test.name, test.severity, test.kind, test.description) for test in node.tests]
    return _with_results([*rules, *map(_expectation, node.suite)], f"{node.schema}/{node.name}", facts)


def _own(name: str, severity: str, kind: str = "", expected: str = "") -> Asked:
    code = code_of_expectation(kind or name)
    return Asked(name, severity, code, expected or entry(code).sentence)


def _expectation(rule: Expectation) -> Asked:
    code = code_of_expectation(rule.type)
    return Asked(rule.name, rule.severity, code, "" if rule.message else entry(code).sentence, rule.message)


def _with_results(rules: Sequence[Asked], asset: str, facts: Facts) -> AskedOf:
    results, history = facts.checks.get(asset, {}), facts.months.get(asset, {})
    months = _months(history[rule.name] for rule in rules if rule.name in history)
    found = (
        replace(
            rule,
            last=results.get(rule.name),
            months=tuple(history.get(rule.name, {}).get(month) for month in months),
        )
        for rule in rules
    )
    return AskedOf(tuple(found), months)


def _months(histories: Iterable[Mapping[str, Month]]) -> tuple[str, ...]:
    return tuple(sorted({month for of in histories for month in of})[-MONTHS:])
