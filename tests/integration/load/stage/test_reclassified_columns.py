"""A column becomes a pseudonym, stops being one, or gets another purpose, while rows of before stay in raw."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.errors import GudangError
from tests.support.contracts import column
from tests.support.loads import Loads, Row

OPEN: dict[str, Any] = {"classification": "terbatas"}
DTKS: dict[str, Any] = {"classification": "pribadi", "pseudonymise": "dtks"}
STAFF: dict[str, Any] = {"classification": "pribadi", "pseudonymise": "kepegawaian"}
DROPPED: dict[str, Any] = {"classification": "pribadi", "drop": True}
ROWS: list[Row] = [["1", "Jalan Merdeka 1"], ["2", "Jalan Merdeka 2"]]
MERGE: dict[str, Any] = {"write_disposition": "merge"}
APPEND: dict[str, Any] = {"write_disposition": "append"}
HISTORY: dict[str, Any] = {"write_disposition": "merge", "merge_strategy": "scd2"}


@pytest.fixture
def loads(warehouse_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loads]:
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    made = Loads(warehouse_url, tmp_path, prepared=True)
    yield made
    made.connection.close()


def addresses(loads: Loads, kind: dict[str, Any], **custom: Any) -> Contract:
    custom.setdefault("schema_contract", "freeze")
    return loads.contract(column("id", "integer", primaryKey=True), column("alamat", **kind), **custom)


def load(loads: Loads, contract: Contract, rows: list[Row] = ROWS, **more: Any) -> Any:
    width = len(contract.stored)
    return loads.load(contract, lambda *_: [row[:width] for row in rows], **more)


def noted(loads: Loads) -> dict[str, list[str]]:
    return dict(loads.run("select purpose, column_names from ops.pseudonym_key"))


@pytest.mark.parametrize("custom", [MERGE, APPEND, HISTORY])
@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (OPEN, DTKS, "kolom alamat kini disamarkan untuk dtks, .* memuat nilai aslinya"),
        (DTKS, OPEN, "kolom alamat tidak lagi disamarkan, .* memuat pseudonimnya"),
        (STAFF, DTKS, "kini disamarkan untuk dtks, .* untuk kepegawaian: satu orang akan menjadi dua"),
    ],
)
def test_a_column_that_is_masked_otherwise_stops_the_load_until_a_full_refresh(
    loads: Loads, custom: dict[str, Any], before: dict[str, Any], after: dict[str, Any], what: str
) -> None:
    load(loads, addresses(loads, before, **custom))
    rows = loads.raw(addresses(loads, before, **custom), "id", "alamat")
    changed = addresses(loads, after, **custom)
    way_out = "akhiri dataset ini" if custom is HISTORY else "gudang reload uji/data"
    with pytest.raises(GudangError, match=f"{what}.*{way_out}") as caught:
        load(loads, changed)
    assert "Merdeka" not in str(caught.value) and caught.value.code == "GDK-M008"
    assert loads.raw(changed, "id", "alamat") == rows
    assert loads.state(changed, "last_state") == ("failed",)
    if custom is not HISTORY:
        load(loads, changed, full_refresh=True)
        assert ("Merdeka" in str(loads.raw(changed))) == (after is OPEN)
        assert noted(loads) == ({} if after is OPEN else {"dtks": ["alamat"]})
        assert load(loads, changed).state == "unchanged"


def test_a_window_does_not_mix_with_the_plain_rows_of_other_windows(loads: Loads) -> None:
    def dated(kind: dict[str, Any]) -> Contract:
        return loads.contract(
            column("hari", "date", primaryKey=True, required=True),
            column("alamat", **kind),
            schema_contract="freeze",
            partition={"column": "hari", "every": "daily", "start": "2026-01-01"},
        )

    days = [Window(date(2026, 1, day), date(2026, 1, day)) for day in (1, 2)]
    for day in days:
        loads.load(dated(OPEN), lambda *_, day=day: [[str(day.start), "Jalan Merdeka"]], window=day)
    with pytest.raises(GudangError, match="memuat nilai aslinya"):
        loads.load(dated(DTKS), lambda *_: [["2026-01-02", "Jalan Merdeka"]], window=days[1])


@pytest.mark.parametrize("purpose_is_known", [True, False])
def test_a_second_column_may_not_move_under_a_known_purpose(loads: Loads, purpose_is_known: bool) -> None:
    """Nor swap its purpose with another column."""

    def two(first: dict[str, Any], second: dict[str, Any]) -> Contract:
        return loads.contract(
            column("id", "integer", primaryKey=True),
            column("nip", **first),
            column("alamat", **second),
            schema_contract="freeze",
            **MERGE,
        )

    before, after = two(STAFF, OPEN), two(STAFF, STAFF)
    if not purpose_is_known:
        before, after = two(STAFF, DTKS), two(DTKS, STAFF)
    loads.load(before, lambda *_: [["1", "198001012005011001", "Jalan Merdeka"]])
    with pytest.raises(GudangError, match=r"kolom (alamat|nip) kini disamarkan untuk"):
        loads.load(after, lambda *_: [["1", "198001012005011001", "Jalan Merdeka"]])


def test_a_column_that_was_not_read_or_is_new_or_empty_may_become_a_pseudonym(loads: Loads) -> None:
    load(loads, addresses(loads, DROPPED, **MERGE))
    load(loads, addresses(loads, DTKS, **MERGE), [["3", "Jalan Merdeka 3"]])
    assert [row[1] is None for row in loads.raw(addresses(loads, DTKS, **MERGE), "id", "alamat")] == [
        True,
        True,
        False,
    ]
    other: dict[str, Any] = {"key": "uji/kosong", **MERGE}
    load(loads, addresses(loads, OPEN, **other), [["1", None]])
    load(loads, addresses(loads, DTKS, **other))
    assert "Merdeka" not in str(loads.raw(addresses(loads, DTKS, **other)))


def test_a_pseudonym_that_is_no_longer_read_stays_refused(loads: Loads) -> None:
    load(loads, addresses(loads, DTKS, **MERGE))
    with pytest.raises(GudangError, match="kolom kontrak tidak lagi sama"):
        load(loads, addresses(loads, DROPPED, **MERGE))


def test_keys_that_were_noted_without_their_columns_are_believed_if_raw_has_only_pseudonyms(
    loads: Loads, monkeypatch: pytest.MonkeyPatch
) -> None:
    masked = addresses(loads, DTKS, **MERGE)
    load(loads, masked)
    loads.run("update ops.pseudonym_key set column_names = null")
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "n" * 32)
    with pytest.raises(GudangError, match="kunci pseudonim untuk dtks bukan lagi"):
        load(loads, masked)
    monkeypatch.setenv("GUDANG_PSEUDONYM_KEY", "k" * 32)
    assert load(loads, masked).state == "unchanged"
    assert noted(loads) == {"dtks": ["alamat"]}

    loads.run("update ops.pseudonym_key set column_names = null")
    loads.run("update raw.uji__data set alamat = 'Jalan Lama' where id = 1")
    with pytest.raises(GudangError, match="memuat nilai aslinya"):
        load(loads, masked)
