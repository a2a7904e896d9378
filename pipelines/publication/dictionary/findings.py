"""Says which tables the codes of the catalogue of findings are asked of.

Not here: what a code means (findings/catalogue.py), the pages (pages.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from pipelines.contracts.model import Contract
from pipelines.findings.catalogue import code_of, code_of_expectation
from pipelines.load.stage.rules import rules
from pipelines.models.project.nodes import Project
from pipelines.quality.suites import OWN_CHECKS, derived

SCOPES: Mapping[str, str] = {
    "F": "Semua dataset yang datang sebagai unggahan.",
    "S": "Semua dataset yang dibaca dari basis data, API, atau berkas.",
    "K": "Semua kontrak, suite, dan model.",
    "M": "Semua pemuatan.",
}
"""Where codes are given that depend on no rule of a single table, by their letter."""


def tables_by_code(project: Project, contracts: Iterable[Contract]) -> dict[str, tuple[str, ...]]:
    """The tables (`schema.name`), sorted, whose rows or checks can have a code. Codes of no table are left out.

    Expectations that a dataset's suite file adds are not among them.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    for contract in contracts:
        for code in _codes_of(contract):
            found[code].add(f"raw.{contract.table}")
    for node in project.nodes.values():
        for kind in (*(test.kind for test in node.tests), *(e.type for e in node.suite)):
            found[code_of_expectation(kind)].add(node.relation)
    return {code: tuple(sorted(tables)) for code, tables in found.items()}


def _codes_of(contract: Contract) -> Iterator[str]:
    yield from (code_of(rule.name) for rule in rules(contract))
    if contract.identity:
        yield code_of("kunci_ganda")
    if contract.partition:
        yield code_of("jendela")
    yield from (code_of_expectation(kind) for kind in (*OWN_CHECKS, *(e.type for e in derived(contract))))
