"""The rules of a relation with their last results and their months."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from pipelines.publication.dictionary.asked import MONTHS, asked_of_dataset
from pipelines.publication.dictionary.facts import Facts, Month, Outcome
from tests.support.contracts import column
from tests.support.dbt_folder import query
from tests.support.statements import contract_of

AT = datetime(2026, 11, 22, tzinfo=UTC)
ASSET = "raw/uji/data"


def facts(**months: dict[str, Month]) -> Facts:
    """Results of these checks. The last one of each failed."""
    checks = {name: Outcome("error", False, AT, 2, 9) for name in months}
    return Facts(checks={ASSET: checks}, months={ASSET: months})


def suites(folder: Path, text: str = "") -> Path:
    path = folder / "uji" / "data.json"
    path.parent.mkdir(exist_ok=True)
    rule = query("genap", "select 1 from {batch} where id % 2 = 1", "warning")
    path.write_text(text or json.dumps({"name": "uji.data", "expectations": [rule]}))
    return folder


def test_rules_of_contract_suite_and_loads_have_their_results(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, column("id", "integer", required=True))
    found = asked_of_dataset(
        contract,
        suites(tmp_path),
        facts(
            karantina={"2026-11": Month(3, 1)},
            wajib_id={"2026-10": Month(2, 0)},
            dahulu={"2025-01": Month(1, 0)},
        ),
    )
    rules = {rule.name: rule for rule in found.rules}
    assert list(rules) == ["karantina", "ada_baris", "wajib_id", "genap"], "a rule that is gone is not shown"
    assert found.months == ("2026-10", "2026-11")
    assert rules["karantina"].months == (None, Month(3, 1))
    assert rules["wajib_id"].months == (Month(2, 0), None)
    assert (rules["genap"].last, rules["genap"].severity) == (None, "warn")
    assert (found.failed, found.warned, found.never) == (2, 0, 2)
    assert rules["karantina"].code == "GDK-T013" and rules["karantina"].expected
    assert rules["wajib_id"].broken == "id: wajib diisi."


def test_only_the_last_months_are_shown(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, column("id", "integer", required=True))
    months = {f"{2024 + n // 12}-{n % 12 + 1:02}": Month(1, 0) for n in range(30)}
    found = asked_of_dataset(contract, suites(tmp_path), facts(wajib_id=months))
    assert found.months == tuple(sorted(months)[-MONTHS:])


def test_a_suite_with_a_fault_leaves_the_checks_of_loads(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, column("id", "integer", required=True))
    found = asked_of_dataset(
        contract, suites(tmp_path, "bukan json"), facts(karantina={"2026-11": Month(1, 0)})
    )
    assert [rule.name for rule in found.rules] == ["karantina"]
