"""Original values of persons: they go when their rows go, and when the contract names no legal basis any more."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines import maintenance
from pipelines.contracts.model import Contract
from pipelines.datasets import Datasets, SetAside
from pipelines.load import prepare
from pipelines.load.approval.decide import APPROVED, Decision, decide
from pipelines.maintenance import lines, prune_all_originals
from pipelines.retention.policy import Policy
from pipelines.settings import Settings
from pipelines.warehouse.connection import connect
from tests.support.contracts import column
from tests.support.loads import IMPATIENT, Loads, Row

NIK = ["9901010101900001", "9901014101900002"]
ROWS: list[Row] = [["1", NIK[0]], ["2", NIK[1]]]
BASIS = "Permenkes 24/2022 pasal 27"


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loads]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    made = Loads(warehouse_url, tmp_path, prepared=True)
    yield made
    made.connection.close()


def people(loads: Loads, basis: str | None = BASIS, name: str = "nik", **custom: Any) -> Contract:
    more = {"retain_original": basis} if basis else {}
    nik = column(name, classification="pribadi", pseudonymise="kunjungan", **more)
    return loads.contract(column("id", "integer", primaryKey=True), nik, **custom)


def retained(loads: Loads, **custom: Any) -> Contract:
    contract = people(loads, **custom)
    prepare.prepare(loads.connection, [contract])
    loads.load(contract, lambda *_: ROWS)
    assert len(originals(loads, contract)) == 2
    return contract


def originals(loads: Loads, contract: Contract) -> list[Any]:
    return loads.run(f"select kolom, asli from pribadi.{contract.table} order by 2")  # noqa: S608


@pytest.mark.parametrize("disposition", ["replace", "merge"])
def test_a_load_deletes_originals_whose_legal_basis_is_gone_and_says_how_many(
    loads: Loads, disposition: str
) -> None:
    retained(loads, write_disposition=disposition)
    today = people(loads, None, write_disposition=disposition)
    batch = loads.load(today, lambda *_: ROWS)
    assert originals(loads, today) == []
    assert batch.warnings == [
        "2 nilai asli kolom nik dihapus dari schema pribadi: kontrak tidak lagi menyebut dasar hukumnya"
        " (retain_original)"
    ]
    assert loads.load(today, lambda *_: ROWS).warnings == []


def test_originals_of_a_renamed_column_go_and_those_of_the_new_name_stay(loads: Loads) -> None:
    retained(loads)
    renamed = people(loads, name="nik_pasien")
    loads.load(renamed, lambda *_: ROWS)
    assert originals(loads, renamed) == [("nik_pasien", n) for n in NIK]


def test_an_approval_says_in_the_log_which_originals_it_deleted(
    loads: Loads, caplog: pytest.LogCaptureFixture
) -> None:
    retained(loads)
    today = people(loads, None, approval="required")
    batch = loads.load(today, lambda *_: [["1", NIK[0]]])
    assert batch.state == "waiting" and len(originals(loads, today)) == 2
    with caplog.at_level(logging.WARNING, "gudang.muat"):
        decide(loads.connection, [today], Decision(batch.batch_id, APPROVED, "siti", "cli"))
    assert originals(loads, today) == []
    assert "uji/data: 2 nilai asli kolom nik dihapus" in caplog.text
    assert NIK[0] not in caplog.text


def table_is_there(loads: Loads, contract: Contract) -> bool:
    return loads.run(f"select to_regclass('pribadi.{contract.table}') is not null") == [(True,)]


def test_pruning_drops_the_originals_of_a_contract_that_retains_none_or_is_gone(loads: Loads) -> None:
    """Those of a contract that is set aside are kept, and those of a load that waits."""
    none_now, gone, faulty, kept, waits = (
        retained(loads, key=f"uji/{name}") for name in ("tanpa", "hilang", "salah", "tetap", "tunggu")
    )
    today = people(loads, key=waits.key, approval="required")
    waiting = loads.load(today, lambda *_: [["1", NIK[0]]])
    assert waiting.state == "waiting"
    held = f"pribadi.uji__tunggu__{waiting.batch_id}_menunggu"
    datasets = Datasets(
        (people(loads, None, key=none_now.key), kept, today),
        (SetAside("uji", "salah", faulty.path, ()),),
    )
    for dry_run in (True, False):
        said = lines(
            filter(None, prune_all_originals(loads.connection, datasets, dry_run=dry_run)), dry_run=dry_run
        )
        assert [line.split(" nilai asli")[0] for line in said] == [
            "pribadi.uji__tanpa: 2",
            "pribadi.uji__hilang: 2",
        ]
        for contract in (none_now, gone):
            assert table_is_there(loads, contract) == dry_run
    for contract in (faulty, kept, waits):
        assert len(originals(loads, contract)) == 2
    assert loads.run(f"select asli from {held}") == [(NIK[0],)]  # noqa: S608
    assert not any(r.count for r in prune_all_originals(loads.connection, datasets, dry_run=False) if r)


def test_pruning_deletes_the_originals_of_a_column_that_is_retained_no_more_beside_one_that_is(
    loads: Loads,
) -> None:
    contract = retained(loads)
    renamed = people(loads, name="nik_pasien")
    results = prune_all_originals(loads.connection, Datasets((renamed,)), dry_run=False)
    assert [r.count for r in results if r] == [2]
    assert originals(loads, contract) == []


def test_pruning_without_any_contract_deletes_no_original_and_says_why(
    loads: Loads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the work of `gudang prune`, but for Dagster's own database."""
    contract = retained(loads)
    monkeypatch.setattr(maintenance, "prune_dagster", lambda *_, **__: [])
    settings = Settings(home=tmp_path / "home", project=tmp_path / "proyek", warehouse_url=loads.url)
    (settings.project / "contracts").mkdir(parents=True)
    results = maintenance.prune(settings, "", Policy(), date(2026, 11, 26), "uji", dry_run=False)
    assert "tidak ada satu kontrak pun yang terbaca" in lines(results, dry_run=False)[0]
    assert len(originals(loads, contract)) == 2


def test_a_table_that_somebody_holds_does_not_stop_the_others(loads: Loads) -> None:
    held, other = (retained(loads, key=f"uji/{name}") for name in ("a", "b"))
    datasets = Datasets(tuple(people(loads, None, key=c.key) for c in (held, other)))
    with connect(loads.url) as reader, reader.transaction():
        reader.execute(f"select from pribadi.{held.table}".encode())
        pruned = prune_all_originals(loads.connection, datasets, dry_run=False, patience=IMPATIENT.locks)
    results = [r for r in pruned if r]
    assert [r.failed for r in results] == [True, False]
    assert table_is_there(loads, held) and not table_is_there(loads, other)
