"""What counts as a confirmation, and how a confirmed cell keeps its rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from pipelines.load.stage.confirmations import cell_hash, reason_in
from pipelines.load.stage.quarantine import add_entries
from pipelines.load.stage.rules import rules
from pipelines.load.stage.statement import all_rules
from tests.support.contracts import column
from tests.support.statements import contract_of, plan_of, written

SOFT = column("jumlah", "integer", konfirmasi=["maximum"], logicalTypeOptions={"minimum": 0, "maximum": 9})
PERSON = column(
    "nama",
    classification="pribadi",
    pseudonymise="orang",
    konfirmasi=["panjang"],
    logicalTypeOptions={"maxLength": 9},
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("memang benar: panen raya", "panen raya"),
        ("  Memang  BENAR - sudah\ndihitung ulang ", "sudah dihitung ulang"),
        ("memang benar : NIK 6402014105900001", "NIK ***"),
        ("memang benar, salah ketik", None),
        ("memang benar salah ketik, akan kami perbaiki", None),
        ("Memang benar belum diperbaiki", None),
        ("memang benar-benar salah", None),
        ("memang benar?", None),
        ("memang benar: ?", None),
        ("memang benar - -", None),
        ("memang benar", None),
        ("memang benar:", None),
        ("memang benarkah ini", None),
        ("sudah diperbaiki", None),
        ("tidak memang benar: x", None),
    ],
)
def test_only_a_confirmation_with_a_reason_counts(text: str, reason: str | None) -> None:
    assert reason_in(text) == reason


def test_rules_are_the_same_without_confirmations(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, SOFT))
    assert [written(rule.predicate) for rule in all_rules(plan)] == [
        written(rule.predicate) for rule in rules(plan.contract)
    ]


def test_confirmed_cell_keeps_its_soft_rule_only(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, SOFT))
    confirmed = replace(plan, exceptions={("jumlah", "maximum"): sql.SQL("dikonfirmasi")})
    changed = [
        (now.name, written(now.predicate) == f"({written(before.predicate)} or dikonfirmasi)")
        for before, now in zip(all_rules(plan), all_rules(confirmed), strict=True)
        if before.predicate != now.predicate
    ]
    assert changed == [("maximum", True)]


def test_only_the_reasons_of_soft_rules_have_an_identity(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, SOFT))
    assert written(add_entries(plan, deduplicated=False)).count("'identitas'") == 1


def test_personal_cell_goes_into_the_identity_as_its_pseudonym(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, column("kode"), PERSON))
    text = written(cell_hash(plan, plan.contract.column("nama")))
    assert (
        text.count('"b"."nama"')
        == text.count("""ops.pseudonim("b"."nama", (select ops.bantalan_dalam('orang'))""")
        == 2
    )
