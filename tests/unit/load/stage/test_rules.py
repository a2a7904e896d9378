"""The rules of a column as predicates, and the message for a cell that breaks one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.contracts.columns import PHYSICAL_TYPE
from pipelines.load.stage.cell_types import TYPES, out_of_range
from pipelines.load.stage.rules import Rule, all_kept, rules
from tests.support.contracts import column
from tests.support.statements import ID, clauses, contract_of, upload_contract_of, written


def only_rule(folder: Path, prop: dict[str, Any], name: str) -> Rule:
    """The rule with this name, of one column that comes from a database."""
    (found,) = [rule for rule in rules(contract_of(folder, prop)) if rule.name == name]
    return found


def test_every_physical_type_except_text_has_a_cell_type() -> None:
    assert all(PHYSICAL_TYPE.fullmatch(name) for name in TYPES)
    pattern = PHYSICAL_TYPE.pattern
    assert all(name in pattern for name in TYPES) and "text" not in TYPES


def test_required_cell_must_not_be_null(tmp_path: Path) -> None:
    rule = only_rule(tmp_path, column("a", required=True), "wajib")
    assert (written(rule.predicate), rule.message, rule.hint) == (
        '"b"."a" is not null', "a: wajib diisi", "isi kolom ini",
    )  # fmt: skip


def test_cell_of_a_file_must_have_the_strict_form_of_its_type(tmp_path: Path) -> None:
    kind, reach = rules(upload_contract_of(tmp_path, column("n", "integer")))
    number = r""" E'^\\s*[-+]?\\d+\\s*$'"""
    assert clauses(kind.predicate) == clauses(f"""
        ("b"."n" is null or case when pg_input_is_valid("b"."n", 'integer')
            then "b"."n"::integer::text = "b"."n" or "b"."n" ~ {number} else "b"."n" ~ {number} end)
    """)
    assert (kind.name, kind.message) == ("tipe", "n: bukan bilangan bulat")
    assert clauses(reach.predicate) == clauses(f"""
        ("b"."n" is null or case when pg_input_is_valid("b"."n", 'integer')
            then true else not "b"."n" ~ {number} end)
    """)
    assert reach.message == "n: di luar jangkauan integer (-2147483648 sampai 2147483647)"


def test_cell_of_a_database_may_have_any_form_of_postgresql_except_nan(tmp_path: Path) -> None:
    kind = only_rule(tmp_path, column("n", "double precision"), "tipe")
    assert """then "b"."n" not like '%n%' and "b"."n" not like '%N%' else""" in written(kind.predicate)


@pytest.mark.parametrize(
    ("kind", "predicate"),
    [
        ("double precision", """("b"."n" is null or ("b"."n" > '-infinity' and "b"."n" < 'infinity'))"""),
        ("numeric(8,2)", """("b"."n" is null or "b"."n" <> 'NaN')"""),
        ("date", """("b"."n" is null or isfinite("b"."n"))"""),
    ],
)
def test_value_that_landed_typed_must_be_finite(tmp_path: Path, kind: str, predicate: str) -> None:
    (rule,) = rules(contract_of(tmp_path, column("n", kind)), frozenset({"n"}))
    assert (rule.name, written(rule.predicate)) == ("tipe", predicate)


def test_digits_that_the_type_would_round_are_refused_unless_repaired(tmp_path: Path) -> None:
    rule = only_rule(tmp_path, column("n", "numeric(8,2)"), "ketelitian")
    assert clauses(rule.predicate) == clauses("""
        case when "b"."n" not like '%.___%' and strpos("b"."n", '-') <= 1 then true
            when pg_input_is_valid("b"."n", 'numeric(8,2)') then "b"."n"::numeric = "b"."n"::numeric(8,2)
            else true end
    """)
    assert rule.message == "n: lebih dari 2 angka di belakang koma, dan tidak dibulatkan begitu saja"


def test_shortcut_replaces_type_range_and_precision_for_a_strict_number(tmp_path: Path) -> None:
    kind, reach, precision = rules(upload_contract_of(tmp_path, column("n", "numeric(8,2)")))
    assert precision.shortcut is not None and reach.shortcut is not None
    assert written(precision.shortcut) == (
        'pg_input_is_valid("b"."n", \'numeric(8,2)\') and "b"."n"::numeric::text = "b"."n"'
        " and \"b\".\"n\" not in ('NaN', 'Infinity', '-Infinity') and \"b\".\"n\" not like '%.___%'"
    )
    assert written(all_kept([kind, reach, precision])) == (
        f"case when {written(precision.shortcut)} then true else"
        f" case when {written(reach.shortcut)} then true else"
        f" {written(kind.predicate)} and {written(reach.predicate)} end and {written(precision.predicate)} end"
    )


@pytest.mark.parametrize(
    ("prop", "name", "predicate", "message"),
    [
        (
            column("a", enum=[{"value": "L", "label": "Laki-laki"}, {"value": "P", "label": "Perempuan"}]),
            "klasifikasi", """("b"."a" is null or "b"."a" in ('L', 'P'))""", "a: nilai di luar klasifikasi isian",
        ),
        (
            column("a", "integer", logicalTypeOptions={"minimum": 1}), "minimum",
            '("b"."a" is null or case when pg_input_is_valid("b"."a", \'integer\')'
            ' then "b"."a"::integer >= \'1\'::integer else true end)',
            "a: di luar rentang, paling kecil 1",
        ),
        (
            column("a", "numeric(8,2)", logicalTypeOptions={"multipleOf": 0.5}), "kelipatan",
            '("b"."a" is null or case when pg_input_is_valid("b"."a", \'numeric(8,2)\')'
            ' then mod("b"."a"::numeric(8,2)::numeric, \'0.5\'::numeric) = 0 else true end)',
            "a: bukan kelipatan 0.5",
        ),
        (
            column("a", logicalTypeOptions={"maxLength": 5}), "panjang",
            '("b"."a" is null or char_length("b"."a") <= 5)', "a: lebih dari 5 karakter",
        ),
        (
            column("a", logicalTypeOptions={"pattern": "^a+$"}), "pola",
            """("b"."a" is null or "b"."a" ~ '^a+$')""", "a: tidak sesuai pola ^a+$",
        ),
        (
            column("a", logicalTypeOptions={"format": "kode_pos"}), "format",
            """("b"."a" is null or "ops"."cek_kode_pos"("b"."a"))""", "a: bukan kode pos",
        ),
    ],
)  # fmt: skip
def test_rules_beside_the_type_accept_an_empty_cell(
    tmp_path: Path, prop: dict[str, Any], name: str, predicate: str, message: str
) -> None:
    rule = only_rule(tmp_path, prop, name)
    assert (written(rule.predicate), rule.message) == (predicate, message)


def test_text_key_is_limited_to_what_an_index_holds(tmp_path: Path) -> None:
    rule = only_rule(tmp_path, column("a", primaryKey=True), "kunci_panjang")
    assert written(rule.predicate) == '("b"."a" is null or octet_length("b"."a") <= 600)'
    assert [r for r in rules(upload_contract_of(tmp_path, ID)) if r.name == "kunci_panjang"] == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("smallint", "di luar jangkauan smallint (-32768 sampai 32767)"),
        ("numeric(8,2)", "di luar jangkauan numeric(8,2) (paling banyak 6 angka di depan koma)"),
        ("numeric", "di luar jangkauan numeric"),
        ("date", None),
    ],
)
def test_message_for_a_too_large_number_names_the_range_of_its_type(kind: str, message: str | None) -> None:
    found = out_of_range(kind)
    assert (found and found[0]) == message
