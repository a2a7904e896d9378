"""Every name that the house makes fits into PostgreSQL's 63 bytes, and is nobody else's."""

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


def test_a_name_that_fits_stays_and_a_longer_one_is_cut_by_bytes_and_is_still_its_own() -> None:
    assert shortened("a" * 63) == "a" * 63
    first, second = (shortened("ä" * 60 + end) for end in "xy")
    assert first != second and max(len(n.encode()) for n in (first, second)) <= LONGEST_NAME
    names = {temporary_name("i" * 60 + end) for end in "xyz"} | {temporary_name("i" * 57)}
    assert len(names) == 4 and max(map(len, names)) <= LONGEST_NAME


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("a/b__c", r"raw\.a__b__c dapat menjadi milik dataset lain"),
        ("a__b/c", r"raw\.a__b__c dapat menjadi milik dataset lain"),
        (f"{'a' * 26}/{'b' * 26}", "sepanjang 54 karakter"),
    ],
)
def test_a_dataset_whose_table_is_not_its_own_is_refused_with_file_and_line(
    tmp_path: Path, key: str, told: str
) -> None:
    path = write(
        tmp_path, document(key, [column("id", "integer")], database("UJI_URL"), extract={"table": "x"})
    )
    contract, faults = read_contract(path)
    assert contract is None and [fault.path for fault in faults] == [path]
    line = path.read_text().splitlines()[faults[0].line - 1]
    assert line == f"id: {key}"
    assert re.search(told, faults[0].message)


def test_all_that_is_called_after_the_longest_dataset_fits(tmp_path: Path) -> None:
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


def test_indexes_of_two_models_that_begin_alike_have_two_names() -> None:
    names = {Index(("a",)).name("m" * 50 + end) for end in "xy"} | {Index(("a",)).name("m" * 44)}
    assert len(names) == 3 and max(map(len, names)) <= LONGEST_NAME


def test_a_model_whose_name_would_be_cut_while_it_is_built_is_refused(tmp_path: Path) -> None:
    folder = DbtFolder(tmp_path)
    folder.write(f"models/marts/{'m' * 58}.sql", "select 1 as n")
    with pytest.raises(ModelError, match=r"m\.sql.*akan dipotong PostgreSQL"):
        folder.project()
