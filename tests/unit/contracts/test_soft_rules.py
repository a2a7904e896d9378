"""A contract may make some rules of a column soft, and only those that the column has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from pipelines.contracts.soft_rules import OPTIONS, severity
from pipelines.findings.catalogue import Severity, catalogue
from tests.support.contracts import column, database, document, make, write

ID = column("id", "bigint", primaryKey=True)


def doc(*columns: dict[str, Any]) -> dict[str, Any]:
    return document("dinas/uji", [ID, *columns], database("UJI_URL"), extract={"table": "t"})


def test_soft_rule_needs_confirmation_and_every_other_rule_a_fix(tmp_path: Path) -> None:
    bounds = {"minimum": 0, "maximum": 100}
    contract = make(
        tmp_path, doc(column("a", "integer", konfirmasi=["maximum"], logicalTypeOptions=bounds), column("b"))
    )
    assert severity(contract, "a", "maximum") is Severity.TO_CONFIRM
    assert severity(contract, "a", "minimum") is Severity.ERROR
    assert severity(contract, "b", "maximum") is Severity.ERROR
    assert severity(contract, "a, b", "kunci_ganda") is Severity.ERROR


@pytest.mark.parametrize(
    ("prop", "message"),
    [
        (column("a", "integer", konfirmasi="wajib"), "a: konfirmasi 'wajib' bukan aturan"),
        (column("a", "integer", konfirmasi=["maksimum"]), "a: konfirmasi 'maksimum' bukan aturan"),
        (column("a", "integer", konfirmasi=["maximum"]), "a: konfirmasi maximum: kolom ini tidak"),
        (
            column("a", konfirmasi=["pola", "pola"], logicalTypeOptions={"pattern": "^a"}),
            "a: konfirmasi menyebut satu aturan dua kali",
        ),
    ],
)
def test_rule_that_cannot_be_soft_is_a_fault_of_the_column(
    tmp_path: Path, prop: dict[str, Any], message: str
) -> None:
    contract, (fault,) = read_contract(write(tmp_path, doc(prop)))
    assert contract is None
    assert fault.message.startswith(message)
    assert fault.hint


def test_every_rule_that_may_be_soft_can_be_declared(tmp_path: Path) -> None:
    """The options that OPTIONS names make each of its rules; the catalogue allows the same rules to be soft."""
    columns = [
        column("a", "integer", konfirmasi=["minimum", "maximum", "kelipatan"],
               logicalTypeOptions={"minimum": 0, "maximum": 9, "multipleOf": 3}),
        column("b", "integer", konfirmasi=["exclusive_minimum", "exclusive_maximum"],
               logicalTypeOptions={"exclusiveMinimum": 0, "exclusiveMaximum": 9}),
        column("c", konfirmasi=["panjang", "pola"], logicalTypeOptions={"maxLength": 9, "pattern": "^a"}),
    ]  # fmt: skip
    contract = make(tmp_path, doc(*columns))
    assert {rule for c in contract.columns for rule in c.soft_rules} == set(OPTIONS)
    assert {rule for e in catalogue().entries.values() if e.confirmable for rule in e.rules} == set(OPTIONS)
