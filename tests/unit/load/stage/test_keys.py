"""The key of a row as text, of refused rows and of rows of raw."""

from __future__ import annotations

from pathlib import Path

from pipelines.load.stage.keys import is_usable, row_key
from tests.support.contracts import column
from tests.support.statements import contract_of, plan_of, written


def test_personal_key_is_compared_by_its_pseudonym(tmp_path: Path) -> None:
    person = column("nik", primaryKey=True, classification="pribadi", pseudonymise="kesehatan")
    plan = plan_of(contract_of(tmp_path, person))
    assert written(row_key(plan)) == (
        "ops.kunci_ringkas(concat_ws('|', ops.pseudonim(\"b\".\"nik\", (select ops.bantalan_dalam('kesehatan')),"
        " (select ops.bantalan_luar('kesehatan')))::text))"
    )
    assert written(row_key(plan, "t")) == 'ops.kunci_ringkas(concat_ws(\'|\', "t"."nik"::text))'


def test_key_that_landed_as_text_is_cast_where_the_cast_changes_no_value(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, column("hari", "date", primaryKey=True)))
    usable = written(is_usable(plan.contract, plan.contract.column("hari")))
    assert "::timestamp::time = '00:00'" in usable
    cast = f'(case when {usable} then "b"."hari"::date::text else "b"."hari" end)'
    assert f"else {cast}::text end" in written(row_key(plan))
    typed = plan_of(plan.contract, exact=frozenset({"hari"}))
    assert 'else "b"."hari"::text end' in written(row_key(typed))


def test_numbers_of_a_key_are_written_without_zeros_at_the_end(tmp_path: Path) -> None:
    contract = contract_of(
        tmp_path,
        column("luas", "numeric", primaryKey=True, primaryKeyPosition=1),
        column("rasio", "double precision", primaryKey=True, primaryKeyPosition=2),
    )
    assert 'trim_scale("t"."luas")' in (text := written(row_key(plan_of(contract), "t")))
    assert '(0 + "t"."rasio")' in text


def test_row_without_a_key_has_no_text(tmp_path: Path) -> None:
    assert written(row_key(plan_of(contract_of(tmp_path, column("nama"))))) == "null::text"
