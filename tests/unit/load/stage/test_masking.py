"""Which cells of a refused row may be shown."""

from __future__ import annotations

from pathlib import Path

from psycopg import sql

from pipelines.load.stage.masking import distinguishing_text, key_text, rows_with_hidden, shown_cell
from pipelines.load.stage.statement import all_rules, cleaned_rows
from tests.support.contracts import column
from tests.support.statements import ID, NAME, clauses, contract_of, plan_of, written

PERSON = column("nik", classification="pribadi", pseudonymise="kesehatan")
IS_PERSONAL_NUMBER = (
    'coalesce(case when octet_length({0}::text) >= 16 and ops."mungkin_angka"({0}::text)'
    ' then "ops"."berbentuk_nik"({0}::text) or "ops"."berbentuk_nip"({0}::text) end, false)'
)


def test_only_personal_numbers_are_hidden_if_no_column_is_personal(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME))
    number = IS_PERSONAL_NUMBER.format('"l"."nama"')
    assert clauses(rows_with_hidden(plan)) == clauses(
        f'{written(cleaned_rows(plan))} cross join lateral (select false as "id", {number} as "nama" offset \'0\') h'
    )


def test_free_text_and_broken_cells_are_hidden_beside_a_personal_column(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, column("umur", "smallint"), column("alamat"), PERSON))
    broken = " or ".join(
        f"not {written(rule.predicate)}" for rule in all_rules(plan) if rule.column.name == "umur"
    )
    assert clauses(rows_with_hidden(plan)) == clauses(
        f"{written(cleaned_rows(plan))} cross join lateral"
        f' (select {broken} as "umur", true as "alamat", true as "nik" offset \'0\') h'
    )


def test_shown_cell_is_masked_if_hidden_and_shortened_if_very_long(tmp_path: Path) -> None:
    name = contract_of(tmp_path, NAME).column("nama")
    assert written(shown_cell(name)) == (
        'case when "l"."nama" is null then null when "h"."nama" then \'***\''
        ' when octet_length("l"."nama"::text) <= 10000 then "l"."nama"::text'
        ' else left("l"."nama"::text, 10000) || \' ... (\' || char_length("l"."nama"::text) || \' karakter)\' end'
    )


def test_hidden_cells_are_distinguished_by_a_digest_but_personal_ones_are_not(
    tmp_path: Path,
) -> None:
    def text(folder: str, *columns: dict[str, object]) -> str:
        contract = contract_of(tmp_path / folder, *columns)
        column_ = contract.columns[-1]
        return written(distinguishing_text(contract, column_, sql.Identifier("l", column_.name)))

    hidden = 'case when "l"."nama" is null then null when "h"."nama" then {} else "l"."nama"::text end'
    assert text("open", NAME) == hidden.format("'***' || ' ' || left(md5(\"l\".\"nama\"::text), 8)")
    assert text("keyed", PERSON, NAME) == hidden.format(
        "'***' || ' ' || left(ops.pseudonim(\"l\".\"nama\"::text, (select ops.bantalan_dalam('kesehatan')),"
        " (select ops.bantalan_luar('kesehatan'))), 16)"
    )
    assert text("personal", PERSON) == (
        'case when "l"."nik" is null then null when "h"."nik" then \'***\' else "l"."nik"::text end'
    )


def test_key_of_a_refused_row_is_also_hidden_if_its_cell_is(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, NAME)
    name = contract.column("nama")
    text = "case when {0} is null then null when {1} then '***' || ' ' || left(md5({0}::text), 8) else {0}::text end"
    in_raw, number = '"t"."nama"', IS_PERSONAL_NUMBER.format('"t"."nama"')
    assert written(key_text(contract, name, sql.Identifier("t", "nama"), refused=False)) == text.format(
        in_raw, number
    )
    refused, number = '"b"."nama"', IS_PERSONAL_NUMBER.format('"b"."nama"')
    assert written(key_text(contract, name, sql.Identifier("b", "nama"), refused=True)) == text.format(
        refused, f'({number} or "h"."nama")'
    )
