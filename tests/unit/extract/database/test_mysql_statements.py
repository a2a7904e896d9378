"""The SQL statements for MariaDB and MySQL."""

from __future__ import annotations

import pytest

from pipelines.extract.database.faults import RefusedError
from pipelines.extract.database.mysql import limit_condition, unreachable_condition
from pipelines.extract.database.mysql_cells import cell, field, json_field, line, literal, quoted
from pipelines.extract.database.shape import Limit, SourceColumn

TEXT = SourceColumn("text", "varchar", charset="utf8mb4")
LATIN = SourceColumn("text", "varchar", charset="latin1")
ESCAPED = "replace(replace(replace(replace(cast({} as binary), 0x5c, 0x5c5c), 0x09, 0x5c74), 0x0a, 0x5c6e), 0x0d, 0x5c72)"


def test_names_and_literals_mean_the_same_under_every_sql_mode() -> None:
    assert quoted("a`b") == "`a``b`"
    assert literal("it's") == "0x69742773"
    assert literal("") == "''"


@pytest.mark.parametrize(
    ("column", "statement"),
    [
        (SourceColumn("integer", "int"), "ifnull(`a`, 0x5C4E)"),
        (TEXT, f"if(`a` is null, 0x5C4E, {ESCAPED.format('`a`')})"),
        (LATIN, f"if(`a` is null, 0x5C4E, {ESCAPED.format('convert(`a` using utf8mb4)')})"),
        (SourceColumn("binary", "blob"), "if(`a` is null, 0x5C4E, concat(0x5C5C78, lower(hex(`a`))))"),
        (SourceColumn("integer", "bit"), "if(`a` is null, 0x5C4E, concat(cast(`a` as unsigned)))"),
        (
            SourceColumn("other", "point"),
            f"if(`a` is null, 0x5C4E, {ESCAPED.format('convert(st_astext(`a`) using utf8mb4)')})",
        ),
    ],
)
def test_column_becomes_a_field_of_copy_text(column: SourceColumn, statement: str) -> None:
    assert field("a", column) == statement


def test_fields_of_a_row_are_joined_by_tabs() -> None:
    assert line(["`a`", "`b`"]) == "concat(`a`, 0x09, `b`)"


def test_text_cell_is_read_without_a_function_that_limits_its_length() -> None:
    assert cell("a", TEXT) == "`a`"
    assert cell("a", SourceColumn("number", "decimal")) == "concat(`a`)"


def test_unknown_columns_become_one_json_object_of_texts() -> None:
    made = json_field({"a": SourceColumn("integer", "int"), "b": LATIN})
    pairs = "_utf8mb4 0x61, concat(`a`), _utf8mb4 0x62, convert(`b` using utf8mb4)"
    assert made == ESCAPED.format(f"json_object({pairs})")


@pytest.mark.parametrize(
    ("limit", "condition"),
    [
        (Limit("id", "integer", ">=", "5"), "`id` >= 5"),
        (Limit("d", "date", "<", "2024-05-02"), "`d` < '2024-05-02'"),
        (
            Limit("kode", "text", ">=", "64"),
            "cast(convert(`kode` using utf8mb4) as binary) >= 0x3634",
        ),
        (
            Limit("w", "text", ">=", "2024", zoned="2023", like="____-%"),
            "(convert(`w` using utf8mb4) like _utf8mb4 0x5f5f5f5f2d25) and"
            " cast(convert(`w` using utf8mb4) as binary) >= if(substr(convert(`w` using utf8mb4), 12) regexp _utf8mb4"
            " 0x5b2d2b412d5a612d7a5d7c5e32347c3a3630, 0x32303233, 0x32303234)",
        ),
    ],
)
def test_limit_becomes_a_condition_of_mysql(limit: Limit, condition: str) -> None:
    assert limit_condition(limit) == condition


@pytest.mark.parametrize(
    "limit", [Limit("id", "integer", ">=", "1 or 1"), Limit("d", "date", ">=", "2024'; --")]
)
def test_limit_that_is_no_number_or_time_is_refused(limit: Limit) -> None:
    with pytest.raises(RefusedError, match="tidak dapat dibandingkan"):
        limit_condition(limit)


def test_condition_of_unreachable_rows_finds_null_and_incomparable_values() -> None:
    assert unreachable_condition(Limit("id", "integer", ">=", "5")) == "`id` is null"
    dated = Limit("d", "date", ">=", "2024-05-01")
    assert unreachable_condition(dated) == "(`d` is null or `d` < '0002-01-01')"
    text = Limit("w", "text", ">=", "2024", zoned="2023", like="____-%")
    assert (
        unreachable_condition(text)
        == "(`w` is null or not (convert(`w` using utf8mb4) like _utf8mb4 0x5f5f5f5f2d25))"
    )
