"""The SQL statements for a PostgreSQL source."""

from __future__ import annotations

import pytest

from pipelines.extract.database.postgresql import (
    limit_condition,
    precision_and_scale,
    settings_statement,
    unreachable_condition,
)
from pipelines.extract.database.shape import Limit


@pytest.mark.parametrize(
    ("limit", "condition"),
    [
        (Limit("id", "integer", ">=", "5"), "\"id\" >= '5'"),
        (Limit("kode", "text", "<", "64"), '"kode"::text collate "C" < \'64\''),
        (
            Limit("w", "text", ">=", "2024", zoned="2023", like="____-%"),
            """("w"::text collate "C" like '____-%' and "w"::text collate "C" >= case when "w"::text collate "C" """
            """~ '^.{11}(.*[-+A-Za-z]|24|.*:60)' then '2023' else '2024' end)""",
        ),
    ],
)
def test_limit_becomes_a_condition_of_postgresql(limit: Limit, condition: str) -> None:
    assert limit_condition(limit).as_string(None) == condition


@pytest.mark.parametrize(
    ("limit", "condition"),
    [
        (Limit("id", "integer", ">=", "5"), '"id" is null'),
        (Limit("d", "date", ">=", "2024-05-01"), '("d" is null or "d" < \'0002-01-01\')'),
        (
            Limit("w", "text", ">=", "2024", zoned="2023", like="____-%"),
            """("w" is null or "w"::text collate "C" not like '____-%')""",
        ),
    ],
)
def test_condition_of_unreachable_rows_finds_nulls_and_other_forms(limit: Limit, condition: str) -> None:
    assert unreachable_condition(limit).as_string(None) == condition


def test_settings_statement_sets_only_settings_that_the_server_knows() -> None:
    statement = settings_statement(30, "UTF8").as_string(None)
    assert statement.startswith(
        "select pg_catalog.set_config(s.name, w.value, true) from pg_catalog.pg_settings s"
        " join (values ('bytea_output', 'hex'), "
    )
    assert "('timezone', 'Asia/Makassar')" in statement
    assert statement.endswith(
        "('client_encoding', 'UTF8'), ('statement_timeout', '30s')) w(name, value) on lower(s.name) = w.name"
    )


@pytest.mark.parametrize(
    ("modifier", "found"), [(-1, None), (1179654, (18, 2)), (4 + (5 << 16) + 2046, (5, -2))]
)
def test_precision_and_scale_are_read_from_the_type_modifier(
    modifier: int, found: tuple[int, int] | None
) -> None:
    assert precision_and_scale(modifier) == found
