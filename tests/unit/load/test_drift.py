"""What changed in a source's columns, and whether the contract allows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import ShapeError
from pipelines.load.drift import Drift, compare, require_fit
from tests.support.contracts import column
from tests.support.statements import ID, NAME, contract_of

SHAPE = {"id": "integer", "nama": "text"}


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    return contract_of(tmp_path, ID, NAME)


def test_added_vanished_and_retyped_columns_are_changes(contract: Contract) -> None:
    assert compare(contract, SHAPE, SHAPE) == ()
    now = {"id": "bigint", "alamat": "text"}
    assert [str(d) for d in compare(contract, SHAPE, now)] == [
        "kolom nama hilang", "kolom baru alamat (text)", "kolom id: integer menjadi bigint",
    ]  # fmt: skip


def test_at_the_first_load_only_a_promised_column_that_is_missing_is_a_change(contract: Contract) -> None:
    assert compare(contract, None, {"id": "integer", "alamat": "text"}) == (Drift("vanished", "nama"),)


def test_a_column_that_the_contract_knows_is_no_added_one(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, NAME, column("catatan", drop=True))
    assert compare(contract, SHAPE, {**SHAPE, "catatan": "text"}) == ()


def test_names_are_compared_as_headers_are(contract: Contract) -> None:
    assert compare(contract, SHAPE, {"id": "integer", " nama ": "text"}) == ()


def test_a_name_in_a_dataset_of_persons_is_given_by_its_place(tmp_path: Path) -> None:
    person: dict[str, Any] = {"classification": "pribadi", "pseudonymise": "kesehatan"}
    contract = contract_of(tmp_path, ID, column("nik", **person))
    shape = {"id": "integer", "nik": "text"}
    assert compare(contract, shape, {**shape, "Budi Santoso": "text"}) == (
        Drift("added", "ke-3", now="text"),
    )


def test_a_frozen_contract_allows_no_change(contract: Contract, tmp_path: Path) -> None:
    require_fit(contract, [])
    with pytest.raises(ShapeError) as caught:
        require_fit(contract, [Drift("vanished", "nama")])
    assert str(caught.value).startswith(
        "uji/data: struktur sumber berubah: kolom nama hilang (sepakati dengan OPD;"
    )
    require_fit(contract_of(tmp_path / "evolves", ID, schema_contract="evolve"), [Drift("added", "alamat")])
