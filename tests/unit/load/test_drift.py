"""Which columns of a source have changed, and whether the contract allows it."""

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


def test_added_missing_and_retyped_columns_are_changes(contract: Contract) -> None:
    assert compare(contract, SHAPE, SHAPE) == ()
    now = {"id": "bigint", "alamat": "text"}
    assert [str(d) for d in compare(contract, SHAPE, now)] == [
        "kolom nama hilang", "kolom baru alamat (text)", "kolom id: integer menjadi bigint",
    ]  # fmt: skip


def test_only_missing_columns_are_changes_at_the_first_load(contract: Contract) -> None:
    assert compare(contract, None, {"id": "integer", "alamat": "text"}) == (Drift("vanished", "nama"),)


def test_dropped_column_of_the_contract_is_no_added_column(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, NAME, column("catatan", drop=True))
    assert compare(contract, SHAPE, {**SHAPE, "catatan": "text"}) == ()


def test_names_are_compared_without_white_space_around_them(contract: Contract) -> None:
    assert compare(contract, SHAPE, {"id": "integer", " nama ": "text"}) == ()


def test_added_column_beside_a_personal_one_is_named_by_its_place(tmp_path: Path) -> None:
    person: dict[str, Any] = {"classification": "pribadi", "pseudonymise": "kesehatan"}
    contract = contract_of(tmp_path, ID, column("nik", **person))
    shape = {"id": "integer", "nik": "text"}
    assert compare(contract, shape, {**shape, "Budi Santoso": "text"}) == (
        Drift("added", "ke-3", now="text"),
    )


def test_frozen_contract_refuses_a_change_and_an_evolving_one_accepts_it(
    contract: Contract, tmp_path: Path
) -> None:
    require_fit(contract, [])
    with pytest.raises(ShapeError) as caught:
        require_fit(contract, [Drift("vanished", "nama")])
    assert str(caught.value).startswith(
        "uji/data: struktur sumber berubah: kolom nama hilang (sepakati dengan OPD;"
    )
    require_fit(contract_of(tmp_path / "evolves", ID, schema_contract="evolve"), [Drift("added", "alamat")])
