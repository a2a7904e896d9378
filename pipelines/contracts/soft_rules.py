"""Checks which rules a contract makes soft (`konfirmasi`), and says how severe a rule is for a column.

A row that breaks only soft rules needs the OPD's confirmation instead of a fix. Not here: what a rule asks of a cell
(load/stage/rules.py), what a code means (findings/), the confirmations themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from pipelines.contracts.columns import Column
from pipelines.contracts.model import Contract
from pipelines.findings.catalogue import Severity, code_of, entry
from pipelines.suggest import hint_of_known

OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "minimum": ("minimum",),
    "maximum": ("maximum",),
    "exclusive_minimum": ("exclusiveMinimum",),
    "exclusive_maximum": ("exclusiveMaximum",),
    "kelipatan": ("multipleOf",),
    "panjang": ("minLength", "maxLength"),
    "pola": ("pattern",),
}
"""The rules that a contract may make soft, each with the options that declare it. A row that breaks one of the others
has no value of its type, no class or no key: no confirmation can make it usable."""


def faults(column: Column) -> Iterator[tuple[str, str]]:
    """Checks a column's `konfirmasi`. Gives message and hint for each rule that is not there to be soft."""
    declared = _declared(column)
    for rule in column.soft_rules:
        if rule not in OPTIONS:
            yield f"konfirmasi {rule!r} bukan aturan yang dapat dikonfirmasi", hint_of_known(rule, OPTIONS)
        elif rule not in declared:
            options = " atau ".join(OPTIONS[rule])
            yield f"konfirmasi {rule}: kolom ini tidak mempunyai aturan itu", f"tulis {options}, atau hapus"
    if len(set(column.soft_rules)) != len(column.soft_rules):
        yield "konfirmasi menyebut satu aturan dua kali", "sisakan satu"


def has_soft_rules(contract: Contract) -> bool:
    """Whether a row may break a rule of the contract if the OPD confirms it."""
    return any(column.soft_rules for column in contract.stored)


def is_soft(contract: Contract, column: str, rule: str) -> bool:
    """Whether the contract makes this rule of a column soft."""
    return any(c.name == column and rule in c.soft_rules for c in contract.columns)


def severity(contract: Contract, column: str, rule: str) -> Severity:
    """How severe it is that a row breaks a rule: the catalogue's severity, or `perlu konfirmasi` where it is soft.

    column: what `kolom` of a reason in quarantine says. The rule `kunci_ganda` names several columns there.
    """
    if is_soft(contract, column, rule):
        return Severity.TO_CONFIRM
    return entry(code_of(rule)).severity


def _declared(column: Column) -> set[str]:
    """The rules of OPTIONS that the column has."""
    values = {
        "minimum": column.minimum,
        "maximum": column.maximum,
        "exclusive_minimum": column.exclusive_minimum,
        "exclusive_maximum": column.exclusive_maximum,
        "kelipatan": column.multiple_of,
        "panjang": column.min_length if column.min_length is not None else column.max_length,
        "pola": column.pattern,
    }
    return {rule for rule, value in values.items() if value is not None}
