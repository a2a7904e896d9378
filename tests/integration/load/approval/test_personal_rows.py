"""Personal columns of loads that wait for approval: pseudonyms are staged, originals wait apart from all readers."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.errors import GudangError
from pipelines.load import prepare
from pipelines.load.approval.decide import APPROVED, REJECTED, Decision, decide
from pipelines.warehouse.roles import PERSONAL
from tests.support.contracts import column
from tests.support.loads import Loads

NIK = "6402010101900001"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)


@pytest.fixture
def held(loads: Loads) -> Contract:
    nik = column(
        "nik", classification="pribadi", pseudonymise="kunjungan", retain_original="Permenkes 24/2022"
    )
    contract = loads.contract(column("id", "integer", primaryKey=True), nik, approval="required")
    prepare.prepare(loads.connection, [contract])
    return contract


def say(loads: Loads, contract: Contract, batch_id: int, decision: str) -> None:
    decide(loads.connection, [contract], Decision(batch_id, decision, "siti", "cli", "salah"))


def originals(loads: Loads) -> dict[str, list[Any]]:
    """By table of schema pribadi, its originals."""
    tables = loads.run(
        "select relname from pg_class where relnamespace = 'pribadi'::regnamespace and relkind = 'r'"
    )
    return {name: [row[0] for row in loads.run(f'select asli from pribadi."{name}"')] for (name,) in tables}  # noqa: S608


def test_originals_wait_apart_and_follow_the_approval(
    loads: Loads, held: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = loads.load(held, lambda *_: [("1", NIK)])
    waiting = f"uji__data__{batch.batch_id}_menunggu"
    assert originals(loads) == {waiting: [NIK]}
    staged = loads.run(f'select nik from landing."uji__data__{batch.batch_id}_stage"')  # noqa: S608
    assert NIK not in str(staged)
    reads = "has_table_privilege('{}', 'pribadi.{}', 'select')"
    assert loads.run(f"select {reads.format(PERSONAL, waiting)}, {reads.format('gudang_baca', waiting)}") == [
        (True, False)
    ]

    monkeypatch.delenv("GUDANG_PSEUDONYM_KEY")  # who approves needs no key
    say(loads, held, batch.batch_id, APPROVED)
    assert originals(loads) == {"uji__data": [NIK]}
    assert loads.run("select kolom, pseudonim = nik from pribadi.uji__data, raw.uji__data") == [("nik", True)]
    assert len(loads.run("select fingerprint from ops.pseudonym_key")) == 1


@pytest.mark.parametrize("how", ["rejected", "superseded"])
def test_originals_of_a_load_that_is_not_approved_are_dropped(loads: Loads, held: Contract, how: str) -> None:
    batch = loads.load(held, lambda *_: [("1", NIK)])
    if how == "rejected":
        say(loads, held, batch.batch_id, REJECTED)
        assert originals(loads) == {}
    else:
        newer = loads.load(held, lambda *_: [("1", NIK), ("2", None)])
        assert [*originals(loads)] == [f"uji__data__{newer.batch_id}_menunggu"]


def test_originals_are_dropped_if_todays_contract_keeps_none(loads: Loads, held: Contract) -> None:
    loads.load(held, lambda *_: [("1", NIK)])
    nik = column("nik", classification="pribadi", pseudonymise="kunjungan")
    today = loads.contract(column("id", "integer", primaryKey=True), nik, approval="required")
    loads.load(today, lambda *_: [("1", NIK)])
    assert originals(loads) == {}


def test_a_waiting_load_whose_contract_is_gone_ends(loads: Loads, held: Contract) -> None:
    loads.load(held, lambda *_: [("1", NIK)])
    other = loads.contract(column("id", "integer"), key="uji/lain")
    prepare.prepare(loads.connection, [other], set_aside=[held.key])  # a fault in it may be mended
    assert loads.run("select state from ops.load_batch") == [("waiting",)]
    prepare.prepare(loads.connection, [other])
    assert loads.run("select state from ops.load_batch") == [("superseded",)]
    assert originals(loads) == {}
    assert loads.run("select relname from pg_class where relnamespace = 'landing'::regnamespace") == []


def test_a_load_with_an_older_key_is_not_applied_over_rows_with_a_newer_one(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    nik = column("nik", classification="pribadi", pseudonymise="kunjungan")
    held = loads.contract(
        column("id", "integer", primaryKey=True), nik, approval="required", write_disposition="merge"
    )
    first = loads.load(held, lambda *_: [("1", NIK)])
    say(loads, held, first.batch_id, APPROVED)
    batch = loads.load(held, lambda *_: [("1", NIK), ("2", NIK)])
    loads.run("update ops.pseudonym_key set fingerprint = 'lain'")
    with pytest.raises(GudangError, match="kunci pseudonim untuk kunjungan bukan lagi"):
        say(loads, held, batch.batch_id, APPROVED)
    assert loads.run("select state from ops.load_batch order by batch_id") == [("loaded",), ("waiting",)]
