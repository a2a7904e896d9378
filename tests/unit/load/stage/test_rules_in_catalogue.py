"""Every rule of rows has an entry in the catalogue of findings, and every entry of rows has a rule."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pipelines.findings.catalogue import catalogue, code_of
from pipelines.load.stage import quarantine, rules, statement
from pipelines.load.stage.statement import all_rules
from tests.support.contracts import column
from tests.support.every_rule import PARTITION, WINDOW, columns
from tests.support.statements import contract_of, plan_of, upload_contract_of

_PLACES = {"rule": 0, "unless_empty": 0, "_Reason": 0, "Rule": 1}
"""The place of the rule's name among the arguments of what makes a rule or a reason."""


def names_in(path: str) -> Iterator[str]:
    """The names of rules that a module writes out."""
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        place = _PLACES.get(getattr(node.func, "attr", getattr(node.func, "id", "")))
        if place is not None and len(node.args) > place:
            name = node.args[place]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


def of_rows() -> set[str]:
    return {rule for code, e in catalogue().entries.items() if code[4] == "B" for rule in e.rules}


def test_rules_in_code_and_entries_are_the_same(tmp_path: Path) -> None:
    file = plan_of(upload_contract_of(tmp_path, *columns()))
    window = plan_of(contract_of(tmp_path, *columns(), partition=PARTITION), window=WINDOW)
    year = column("tahun", "integer", required=True)
    yearly = {"column": "tahun", "every": "yearly", "start": "2020-01-01"}
    periods = plan_of(upload_contract_of(tmp_path / "periode", year, partition=yearly))
    made = {rule.name for plan in (file, window, periods) for rule in all_rules(plan)}
    written = {name for module in (rules, statement, quarantine) for name in names_in(str(module.__file__))}
    assert made | written == of_rows()
    # These columns have every rule of a single row, so that a test of all of them may use them.
    assert of_rows() - made == {"kunci_ganda"}


def test_name_that_a_module_writes_out_is_found(tmp_path: Path) -> None:
    module = tmp_path / "m.py"
    module.write_text("cell.unless_empty('baru', x)\nRule(column, 'lama', x)\nother('tidak')\n", "utf-8")
    assert set(names_in(str(module))) == {"baru", "lama"}


def test_rule_leads_to_its_code(tmp_path: Path) -> None:
    (rule,) = [r for r in rules.rules(upload_contract_of(tmp_path, *columns())) if r.name == "kelipatan"]
    assert code_of(rule.name) == "GDK-B010"
