"""Every dataset, every mart that leaves, and every table whose small cells are hidden has a suite."""

from __future__ import annotations

import pytest

from pipelines.contracts.model import Contract
from pipelines.models.project.suites import suite_path as suite_of_model
from pipelines.publication.mart import open_marts
from pipelines.quality.suites import suite_path as suite_of_dataset
from pipelines.quality.suites import written
from tests.support.repository import own_contracts, own_project

ROOT = own_project().root.parent
SUITES = ROOT / "expectations"
HIDDEN = "sel_tersamar_tidak_sendirian"


@pytest.mark.parametrize("contract", own_contracts(), ids=lambda c: c.key)
def test_a_dataset_has_rules_that_its_contract_cannot_say(contract: Contract) -> None:
    assert len(written(suite_of_dataset(SUITES, contract))) >= 2


@pytest.mark.parametrize("name", sorted(mart.name for mart in open_marts(own_project())))
def test_a_mart_that_leaves_has_a_suite(name: str) -> None:
    suite = written(suite_of_model(SUITES, own_project().nodes[name]))
    assert any(rule.blocking for rule in suite)


@pytest.mark.parametrize(
    "name",
    sorted(n.name for n in own_project().nodes.values() if "baris_total" in {c.name for c in n.columns}),
)
def test_totals_and_hidden_cells_of_a_table_are_checked(name: str) -> None:
    suite = {rule.name: rule for rule in written(suite_of_model(SUITES, own_project().nodes[name]))}
    assert suite["jumlah_dua_arah_sama"].blocking and suite[HIDDEN].blocking
