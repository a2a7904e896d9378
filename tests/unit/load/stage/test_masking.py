"""Which cells of a refused row may be shown."""

# parts of a statement that is expected

from __future__ import annotations

from pathlib import Path

from psycopg import sql

from pipelines.load.stage.masking import distinguishing_text, key_text, rows_with_hidden, shown_cell
from pipelines.load.stage.statement import all_rules, cleaned_rows
from tests.support.contracts import column
from tests.support.statements import ID, NAME, clauses, contract_of, plan_of, written

PERSON = column("nik", classification="pribadi", pseudonymise="kesehatan")
A_NUMBER = 'coalesce("ops"."berbentuk_nik"({0}::text) or "ops"."berbentuk_nip"({0}::text), false)'


def test_without_personal_columns_only_a_persons_number_is_hidden(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, ID, NAME))
    number = A_NUMBER.format('"l"."nama"')
    assert clauses(rows_with_hidden(plan)) == clauses(
        f'{written(cleaned_rows(plan))} cross join lateral (select false as "id", {number} as "nama") h'
    )


def test_beside_a_personal_column_free_text_is_hidden_and_what_breaks_a_rule(tmp_path: Path) -> None:
    plan = plan_of(contract_of(tmp_path, column("umur", "smallint"), column("alamat"), PERSON))
    broken = " or ".join(
        f"not {written(rule.predicate)}" for rule in all_rules(plan) if rule.column.name == "umur"
    )
    assert clauses(rows_with_hidden(plan)) == clauses(
        f"{written(cleaned_rows(plan))} cross join lateral"
        f' (select {broken} as "umur", true as "alamat", true as "nik") h'
    )


def test_a_shown_cell_is_masked_where_it_is_hidden_and_cut_where_it_is_huge(tmp_path: Path) -> None:
    name = contract_of(tmp_path, NAME).column("nama")
    assert written(shown_cell(name)) == (
        'case when "l"."nama" is null then null when "h"."nama" then \'***\''
        ' when octet_length("l"."nama"::text) <= 10000 then "l"."nama"::text'
        ' else left("l"."nama"::text, 10000) || \' ... (\' || char_length("l"."nama"::text) || \' karakter)\' end'
    )


def test_rows_are_told_apart_by_a_digest_of_a_hidden_cell_and_by_nothing_of_a_personal_one(
    tmp_path: Path,
) -> None:
    def text(folder: str, *columns: dict[str, object]) -> str:
        contract = contract_of(tmp_path / folder, *columns)
        column_ = contract.columns[-1]
        return written(distinguishing_text(contract, column_, sql.Identifier("l", column_.name)))

    hidden = 'case when "l"."nama" is null then null when "h"."nama" then {} else "l"."nama"::text end'
    assert text("open", NAME) == hidden.format("'***' || ' ' || left(md5(\"l\".\"nama\"::text), 8)")
    assert text("keyed", PERSON, NAME) == hidden.format(
        "'***' || ' ' || left(ops.pseudonim(\"l\".\"nama\"::text, 'kesehatan'), 16)"
    )
    assert text("personal", PERSON) == (
        'case when "l"."nik" is null then null when "h"."nik" then \'***\' else "l"."nik"::text end'
    )


def test_a_keys_text_is_the_same_in_raw_and_hidden_by_more_in_a_refused_row(tmp_path: Path) -> None:
    contract = contract_of(tmp_path, NAME)
    name = contract.column("nama")
    text = "case when {0} is null then null when {1} then '***' || ' ' || left(md5({0}::text), 8) else {0}::text end"
    in_raw, number = '"t"."nama"', A_NUMBER.format('"t"."nama"')
    assert written(key_text(contract, name, sql.Identifier("t", "nama"), refused=False)) == text.format(
        in_raw, number
    )
    refused, number = '"b"."nama"', A_NUMBER.format('"b"."nama"')
    assert written(key_text(contract, name, sql.Identifier("b", "nama"), refused=True)) == text.format(
        refused, f'({number} or "h"."nama")'
    )
