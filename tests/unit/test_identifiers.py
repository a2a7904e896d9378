"""Every name that we make fits into PostgreSQL's 63 bytes, and is unique."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipelines.contracts.files import read_contract
from pipelines.contracts.model import MergeStrategy
from pipelines.errors import ModelError
from pipelines.identifiers import LONGEST_NAME, LONGEST_TABLE, shortened
from pipelines.load.plan import LoadPlan, create_raw
from pipelines.models.project.materialization import Index
from pipelines.warehouse.attached import temporary_name
from tests.support.contracts import column, database, document, make, write
from tests.support.dbt_folder import DbtFolder


def test_too_long_name_is_shortened_by_bytes_and_stays_unique() -> None:
    assert shortened("a" * 63) == "a" * 63
    first, second = (shortened("ä" * 60 + end) for end in "xy")
    assert first != second and max(len(n.encode()) for n in (first, second)) <= LONGEST_NAME
    names = {temporary_name("i" * 60 + end) for end in "xyz"} | {temporary_name("i" * 57)}
    assert len(names) == 4 and max(map(len, names)) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("a/b__c", r"raw\.a__b__c dapat menjadi milik dataset lain"),
        ("a__b/c", r"raw\.a__b__c dapat menjadi milik dataset lain"),
        (f"{'a' * 26}/{'b' * 26}", "sepanjang 54 karakter"),
    ],
)
def test_key_with_an_ambiguous_or_too_long_table_name_is_refused_at_its_line(
    tmp_path: Path, key: str, message: str
) -> None:
    path = write(
        tmp_path, document(key, [column("id", "integer")], database("UJI_URL"), extract={"table": "x"})
    )
    contract, faults = read_contract(path)
    assert contract is None and [fault.path for fault in faults] == [path]
    line = path.read_text().splitlines()[faults[0].line - 1]
    assert line == f"id: {key}"
    assert re.search(message, faults[0].message)


def test_names_made_from_the_longest_dataset_key_fit(tmp_path: Path) -> None:
    key = f"{'a' * 25}/{'b' * 26}"
    contract = make(
        tmp_path,
        document(
            key,
            [column("id", "integer", primaryKey=True)],
            database("UJI_URL"),
            extract={"table": "x"},
            write_disposition="merge",
            merge_strategy="scd2",
        ),
    )
    assert len(contract.table) == LONGEST_TABLE and contract.merge_strategy is MergeStrategy.SCD2
    plan = LoadPlan(contract, 9_999_999_999)
    for name in (plan.landing_name, plan.stage_name, f"stg_{contract.table}__baru"):
        assert len(name) <= LONGEST_NAME
    index = create_raw(contract)[-1].as_string()
    assert f"{contract.table}_current" in index and len(f"{contract.table}_current") <= LONGEST_NAME


def test_indexes_of_models_with_the_same_beginning_have_different_names() -> None:
    names = {Index(("a",)).name("m" * 50 + end) for end in "xy"} | {Index(("a",)).name("m" * 44)}
    assert len(names) == 3 and max(map(len, names)) <= LONGEST_NAME


def test_model_whose_name_postgresql_would_cut_is_refused(tmp_path: Path) -> None:
    folder = DbtFolder(tmp_path)
    folder.write(f"models/marts/{'m' * 58}.sql", "select 1 as n")
    with pytest.raises(ModelError, match=r"m\.sql.*akan dipotong PostgreSQL"):
        folder.project()
