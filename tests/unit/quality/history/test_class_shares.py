"""How far the classes of two loads may differ."""

from __future__ import annotations

from pathlib import Path

from pipelines.quality.history.class_shares import (
    class_shares,
    compared_columns,
    share_query,
    shift_of,
)
from pipelines.warehouse.relation import Relation
from tests.support.contracts import column
from tests.support.statements import CHANGED, ID, clauses, contract_of

SEX = {"enum": [{"value": "L"}, {"value": "P"}]}


def test_the_same_shares_pass_whatever_the_number_of_rows() -> None:
    result = class_shares({"jk": {"L": 500, "P": 500}}, {"jk": {"L": 61, "P": 59}})
    assert (result.passed, result.message) == (True, "0 dari 1 kolom berkelas berubah sebarannya")


def test_a_class_that_takes_over_is_a_warning_that_names_it() -> None:
    result = class_shares({"jk": {"L": 500, "P": 500}}, {"jk": {"L": 930, "P": 70}})
    assert not result.passed and result.severity == "warn" and result.code == "GDK-T020"
    assert "jk: L dari 50% menjadi 93% (PSI 1,11)" in result.message


def test_a_class_that_is_gone_and_one_that_is_empty_are_seen() -> None:
    gone = shift_of("jk", {"A": 500, "B": 500}, {"A": 1000})
    assert gone.is_large and gone.moved in "AB"
    result = class_shares({"jk": {"L": 500, "P": 500}}, {"jk": {"": 400, "L": 300, "P": 300}})
    assert "(kosong) dari 0% menjadi 40%" in result.message


def test_few_rows_may_differ_more_by_chance() -> None:
    before, now = {"L": 6, "P": 6}, {"L": 9, "P": 3}
    assert not shift_of("jk", before, now).is_large
    many = ({name: 100 * n for name, n in rows.items()} for rows in (before, now))
    assert shift_of("jk", *many).is_large


def test_the_first_load_and_a_new_column_are_not_compared() -> None:
    assert class_shares({}, {"jk": {"L": 5}}).message == "Belum ada pemuatan sebelumnya untuk dibandingkan."


def test_only_open_classes_of_loads_that_read_all_are_compared(tmp_path: Path) -> None:
    closed = column("agama", classification="terbatas", **SEX)
    contract = contract_of(tmp_path, ID, column("jk", **SEX), closed, column("nama"))
    assert [c.name for c in compared_columns(contract)] == ["jk"]
    new_only = contract_of(
        tmp_path, ID, CHANGED, column("jk", **SEX), write_disposition="merge", cursor="diubah"
    )
    assert compared_columns(new_only) == ()


def test_one_query_counts_all_columns(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, column("jk", **SEX), column("arah", **SEX))
    query = share_query(compared_columns(contract), Relation("landing", "x"))
    assert clauses(query) == [
        "select case when grouping(\"jk\") = 0 then 'jk' when grouping(\"arah\") = 0 then 'arah' end,"
        ' case when grouping("jk") = 0 then coalesce("jk"::text, \'\')'
        ' when grouping("arah") = 0 then coalesce("arah"::text, \'\') end, count(*)',
        'from "landing"."x"',
        'group by grouping sets (("jk"), ("arah"))',
    ]
