"""A source that gives far fewer rows than before is refused until somebody allows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.files import read_contract
from pipelines.load.apply.shrinking import ShrunkError
from tests.support.contracts import column, database, document, write
from tests.support.loads import Loads, Rows

ID = column("id", "integer", primaryKey=True)


def numbered(count: int) -> Rows:
    return lambda _, __: [(str(n),) for n in range(count)]


def test_a_replace_that_shrinks_too_far_is_refused_and_the_table_stays(loads: Loads) -> None:
    contract = loads.contract(ID)
    loads.load(contract, numbered(2500))
    with pytest.raises(ShrunkError) as caught:
        loads.load(contract, numbered(1000))
    assert caught.value.message == (
        "sumber memberi 1000 baris, padahal gudang data punya 2500; lebih dari 50% akan hilang (max_shrink_share)"
    )
    assert "gudang reload uji/data" in str(caught.value.hint)
    assert loads.run("select count(*) from raw.uji__data") == [(2500,)]
    assert loads.run("select state from ops.load_batch order by batch_id desc limit 1") == [("failed",)]
    loads.load(contract, numbered(1250))
    assert loads.run("select count(*) from raw.uji__data") == [(1250,)]


def test_a_contract_says_how_far_a_table_may_shrink(loads: Loads) -> None:
    loads.load(loads.contract(ID), numbered(100))
    with pytest.raises(ShrunkError):
        loads.load(loads.contract(ID, max_shrink_share=0.05), numbered(94))
    assert loads.load(loads.contract(ID, max_shrink_share=1), numbered(0)).deleted == 100


def test_few_rows_are_not_judged_by_their_share(loads: Loads) -> None:
    contract = loads.contract(ID)
    loads.load(contract, numbered(19))
    assert loads.load(contract, numbered(1)).deleted == 18


@pytest.mark.parametrize("consent", [{"full_refresh": True}, {"allow_empty": True}])
def test_a_full_refresh_and_a_load_with_consent_may_shrink(loads: Loads, consent: Any) -> None:
    contract = loads.contract(ID)
    loads.load(contract, numbered(100))
    assert loads.load(contract, numbered(10), **consent).deleted == 90


@pytest.mark.parametrize("strategy", ["upsert", "scd2"])
def test_a_merge_that_would_mark_too_many_rows_as_deleted_is_refused(loads: Loads, strategy: str) -> None:
    contract = loads.contract(
        ID, write_disposition="merge", merge_strategy=strategy, reconcile="PT20H", key=f"uji/{strategy}"
    )
    loads.load(contract, numbered(100))
    with pytest.raises(ShrunkError):
        loads.load(contract, numbered(30))
    alive = "is_current" if strategy == "scd2" else "deleted_at is null"
    assert [row[0] for row in loads.raw(contract, alive)] == [True] * 100
    assert loads.load(contract, numbered(60)).deleted == 40


@pytest.mark.parametrize(
    ("share", "fault"),
    [
        (1.5, "bukan bagian dari 1 (tulis angka dari 0 sampai 1"),
        (-0.1, "bukan bagian dari 1 (tulis angka dari 0 sampai 1"),
        ("0.5", "max_shrink_share bukan angka, melainkan teks"),
        (True, "max_shrink_share bukan angka, melainkan true atau false"),
    ],
)
def test_an_invalid_share_is_a_fault_of_the_contract(tmp_path: Path, share: Any, fault: str) -> None:
    made = document("uji/data", [ID], database("UJI_URL"), extract={"table": "t"}, max_shrink_share=share)
    _, faults = read_contract(write(tmp_path, made))
    assert fault in str(faults[0])


def test_new_rows_do_not_balance_deleted_ones(loads: Loads) -> None:
    contract = loads.contract(ID, write_disposition="merge", reconcile="PT20H")
    loads.load(contract, numbered(100))
    with pytest.raises(ShrunkError, match="memberi 45 baris, padahal gudang data punya 100;"):
        loads.load(contract, lambda _, __: [(str(n),) for n in (*range(45), *range(200, 240))])
    assert loads.run("select count(*) from raw.uji__data where deleted_at is null") == [(100,)]
