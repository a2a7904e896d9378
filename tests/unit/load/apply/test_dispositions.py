"""Which way from stage into raw a load goes, and when a load is refused because too much would go."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.windows import Window
from pipelines.load.apply import empty_windows
from pipelines.load.apply.dispositions import (
    Append,
    Disposition,
    Exchange,
    ReplaceScope,
    Upsert,
    Versions,
    choose,
)
from pipelines.load.apply.shrinking import JUDGED_FROM, ShrunkError, check
from tests.support.contracts import column
from tests.support.statements import ID, clauses, contract_of, plan_of, upload_contract_of

MERGE = {"write_disposition": "merge"}
DAILY = {"partition": {"column": "hari", "every": "daily", "start": "2026-01-01"}}
DAYS = Window(date(2026, 11, 1), date(2026, 11, 2))
DAY = column("hari", "date")


@pytest.mark.parametrize(
    ("custom", "run", "way"),
    [
        ({}, {}, Exchange),
        ({"write_disposition": "append"}, {}, Append),
        ({"write_disposition": "append"}, {"full_refresh": True}, Exchange),
        (MERGE, {}, Upsert),
        (MERGE, {"full_refresh": True}, Exchange),
        ({**MERGE, "merge_strategy": "scd2"}, {}, Versions),
        ({**MERGE, "merge_strategy": "scd2"}, {"full_refresh": True}, Versions),
        (DAILY, {"window": DAYS}, ReplaceScope),
        (DAILY, {"full_refresh": True}, Exchange),
    ],
)
def test_the_way_is_what_contract_and_run_ask_for(
    tmp_path: Path, custom: dict[str, Any], run: dict[str, Any], way: type[Disposition]
) -> None:
    assert type(choose(plan_of(contract_of(tmp_path, ID, DAY, **custom), **run))) is way


def test_an_appended_file_replaces_its_own_rows_and_in_a_full_refresh_all(tmp_path: Path) -> None:
    contract = upload_contract_of(tmp_path, ID, write_disposition="append")
    assert type(choose(plan_of(contract, file="januari.csv"))) is ReplaceScope
    assert type(choose(plan_of(contract, file="januari.csv", full_refresh=True))) is Exchange


def test_only_an_exchange_makes_a_table_of_other_columns_and_only_replacing_takes_rows_away() -> None:
    ways = (Exchange, ReplaceScope, Append, Upsert, Versions)
    assert [way for way in ways if way.remakes_table] == [Exchange]
    assert [way for way in ways if not way.keeps_rows] == [Exchange, ReplaceScope]


def test_a_load_may_take_away_the_share_of_the_contract_and_no_more(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, max_shrink_share=0.25))
    check(plan, 100, 75)
    with pytest.raises(ShrunkError) as caught:
        check(plan, 100, 74)
    assert str(caught.value) == (
        "uji/data: sumber memberi 74 baris, padahal raw punya 100; lebih dari 25% akan hilang (max_shrink_share)"
        " (tanyakan kepada OPD apakah barisnya memang sudah tidak ada; kalau ya, muat ulang penuh"
        " (`gudang reload uji/data`), atau jalankan dengan tag gudang/empty_window: true)"
    )
    check(plan, JUDGED_FROM - 1, 0)


@pytest.mark.parametrize("run", [{"full_refresh": True}, {"allow_empty": True}])
def test_a_run_may_be_allowed_to_take_away_everything(tmp_path: Path, run: dict[str, bool]) -> None:
    check(plan_of(contract_of(tmp_path, ID), **run), 100, 0)


def test_a_load_forgets_the_days_that_it_covers_and_those_without_a_row(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, ID, DAY, **DAILY)
    forgotten = """
        delete from ops.empty_window e where e.dataset = 'uji/data'
            and ({} or not exists (select from "raw"."uji__data" r where "r"."hari"::date = e.day))
    """
    assert clauses(empty_windows.forget_covered_days(plan_of(contract, window=DAYS))) == clauses(
        forgotten.format("e.day between '2026-11-01'::date and '2026-11-02'::date")
    )
    assert clauses(empty_windows.forget_covered_days(plan_of(contract, full_refresh=True))) == clauses(
        forgotten.format("true")
    )
