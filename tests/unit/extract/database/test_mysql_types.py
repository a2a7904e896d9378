"""Columns of MariaDB by the names of their types, and the types of the warehouse in which they land."""

from __future__ import annotations

import pytest

from pipelines.extract.database.mysql_types import of_table


@pytest.mark.parametrize(
    ("kind", "full_type", "fits", "too_small"),
    [
        ("tinyint", "tinyint(4)", "smallint", "boolean"),
        ("smallint", "smallint(5) unsigned", "integer", "smallint"),
        ("mediumint", "mediumint(8) unsigned", "integer", "smallint"),
        ("int", "int(11)", "integer", "smallint"),
        ("int", "int(10) unsigned zerofill", "bigint", "integer"),
        ("bigint", "bigint(20)", "bigint", "integer"),
        ("bigint", "bigint(20) unsigned", "text", "bigint"),
        ("year", "year(4)", "smallint", "date"),
        ("decimal", "decimal(18,2)", "numeric(18,2)", "numeric(17,2)"),
        ("decimal", "decimal(18,2) unsigned", "numeric(20,4)", "numeric(18,4)"),
        ("double", "double unsigned", "double precision", "numeric"),
        ("date", "date", "text", "date"),
        ("datetime", "datetime(6)", "text", "timestamp"),
        ("bit", "bit(1)", "text", "boolean"),
    ],
)
def test_a_column_lands_in_a_type_that_takes_each_of_its_values(
    kind: str, full_type: str, fits: str, too_small: str
) -> None:
    column = of_table(kind, full_type, None)
    assert column.fits(fits) and not column.fits(too_small)
