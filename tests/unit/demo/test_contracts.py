"""The contracts and suites of the demo are valid ODCS, complete, and known to Great Expectations.

Of a contract that somebody adds (docs/add-a-dataset.md) only the form is tested.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from demo.agreed import DELIVERED, MISSING
from demo.api import service_of
from demo.databases import TABLES
from demo.dirt import EXPECTED_QUARANTINE
from demo.uploads import FILES
from demo.variables import CREDENTIALS, DATABASES, SERVERS
from pipelines.contracts.api import ApiExtract
from pipelines.contracts.model import DatabaseExtract
from pipelines.quality.run import instantiate
from pipelines.quality.suites import suite, written
from pipelines.settings import PSEUDONYM_KEY, references
from tests.support.contracts import load_contracts

PROJECT = Path(__file__).parents[3]
FOLDER = PROJECT / "contracts"
PATHS = sorted(FOLDER.rglob("*.odcs.yaml"))
ALL_CONTRACTS = {c.key: c for c in load_contracts(FOLDER)}
CONTRACTS = {key: contract for key, contract in ALL_CONTRACTS.items() if key in EXPECTED_QUARANTINE}
SUITES = PROJECT / "expectations"


@pytest.mark.parametrize("path", PATHS, ids=lambda p: f"{p.parent.name}/{p.name.split('.')[0]}")
def test_a_contract_is_valid_odcs(path: Path) -> None:
    schema = json.loads(
        resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")
    )
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(document)
    parsed = OpenDataContractStandard.from_file(str(path))
    assert (parsed.apiVersion, parsed.kind, parsed.version, parsed.status) == (
        "v3.2.0", "DataContract", "1.0.0", "active",
    )  # fmt: skip


def test_every_dataset_of_the_demo_has_a_contract() -> None:
    assert len(PATHS) == len(ALL_CONTRACTS)
    assert set(CONTRACTS) == set(EXPECTED_QUARANTINE)


def test_agreed_list_names_every_dataset_of_the_provinces_own_agencies() -> None:
    outside = {"samarinda", "balikpapan", "bps"}
    own = {c.key for c in CONTRACTS.values() if c.opd not in outside} - {"bappeda/daftar_data"}
    assert own <= {dataset for dataset, *_ in DELIVERED}
    assert not {dataset for *_, dataset in MISSING} & set(CONTRACTS)


@pytest.mark.parametrize("key", list(CONTRACTS))
def test_every_measure_has_a_unit_and_every_code_a_label(key: str) -> None:
    for column in CONTRACTS[key].columns:
        assert bool(column.unit) == bool(column.measure), column.name
        assert all(label for _, label in column.enum), column.name


@pytest.mark.parametrize("key", list(CONTRACTS))
def test_every_contract_has_its_sla_and_description(key: str) -> None:
    contract = CONTRACTS[key]
    assert {"frequency", "latency", "retention"} <= set(contract.sla)
    assert contract.purpose
    assert contract.usage
    assert contract.limitations


def test_demo_has_the_tables_apis_and_files_that_contracts_name() -> None:
    tables = {(t.database, t.name): t for t in (make() for make in TABLES)}
    for contract in CONTRACTS.values():
        extract = contract.extract
        if isinstance(extract, DatabaseExtract):
            assert [c.source_name for c in contract.columns] == [
                c.name for c in tables[f"demo_{contract.opd}", str(extract.table)].columns
            ]
        elif isinstance(extract, ApiExtract):
            assert service_of(extract.path) is not None
        else:
            assert any(name.startswith(f"{contract.key}/") for name in FILES)


def test_the_demo_sets_every_variable_that_a_contract_names() -> None:
    given = {*CREDENTIALS, *DATABASES, PSEUDONYM_KEY}
    given |= {f"GUDANG_SUMBER_{name}_URL" for name in SERVERS}
    named = {name for c in CONTRACTS.values() for name in references(c.path.read_text("utf-8"))}
    assert named <= given


@pytest.mark.parametrize("key", list(CONTRACTS))
def test_suite_is_known_to_great_expectations_and_has_sentences(key: str) -> None:
    path = SUITES / f"{key}.json"
    document = json.loads(path.read_text("utf-8"))
    assert document["name"] == key.replace("/", ".")
    assert 1 <= len(written(path)) <= 5
    for expectation in suite(CONTRACTS[key], SUITES):
        instantiate(key, expectation)
        assert expectation.message.endswith("."), expectation.name


@pytest.mark.parametrize("path", sorted(SUITES.rglob("*.json")), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_query_gives_its_batch_an_alias_only_beside_a_join(path: Path) -> None:
    """GX gives the batch an alias, except in a query with a join, which must give the alias itself."""
    for expectation in written(path):
        query = str(expectation.kwargs.get("unexpected_rows_query", "{batch} where"))
        assert "{batch}" in query
        aliased = re.search(r"\{batch\} (as )?(?!where|group|having|order|on\b)[a-z]", query) is not None
        assert aliased == (" join " in query), expectation.name
