"""Describes the columns of MariaDB and MySQL by the names of their types.

What belongs here: families, and the types of the warehouse that take every value of a column, so that it lands typed.
Not here: SQL for the values (mysql_cells.py).

Source: MariaDB documentation, "Data Types" (ranges of integers, "DECIMAL").
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pymysql.constants import FIELD_TYPE

from pipelines.extract.database.shape import Family, SourceColumn

_FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"), "integer"),
    **dict.fromkeys(("decimal", "float", "double"), "number"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), "text"),
    **dict.fromkeys(
        ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "binary"
    ),
    "date": "date",
    "datetime": "timestamp",
    "timestamp": "timestamp",
    "time": "time",
    "json": "json",
    "bool": "boolean",
}  # fmt: skip
_FIELD_TYPES = {
    FIELD_TYPE.TINY: "tinyint",
    FIELD_TYPE.SHORT: "smallint",
    FIELD_TYPE.INT24: "mediumint",
    FIELD_TYPE.LONG: "int",
    FIELD_TYPE.LONGLONG: "bigint",
    FIELD_TYPE.YEAR: "year",
    FIELD_TYPE.BIT: "bit",
    FIELD_TYPE.DECIMAL: "decimal",
    FIELD_TYPE.NEWDECIMAL: "decimal",
    FIELD_TYPE.FLOAT: "float",
    FIELD_TYPE.DOUBLE: "double",
    FIELD_TYPE.DATE: "date",
    FIELD_TYPE.NEWDATE: "date",
    FIELD_TYPE.DATETIME: "datetime",
    FIELD_TYPE.TIMESTAMP: "timestamp",
    FIELD_TYPE.TIME: "time",
    FIELD_TYPE.JSON: "json",
    FIELD_TYPE.GEOMETRY: "geometry",
}
_BINARY_CHARSET = 63
_WAREHOUSE: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("tinyint", "tinyint unsigned", "smallint", "year"), frozenset({"smallint", "integer", "bigint"})
    ),
    **dict.fromkeys(
        ("smallint unsigned", "mediumint", "mediumint unsigned", "int"), frozenset({"integer", "bigint"})
    ),
    **dict.fromkeys(("int unsigned", "bigint"), frozenset({"bigint"})),
    **dict.fromkeys(("float", "double"), frozenset({"double precision"})),
    "decimal": frozenset({"numeric"}),
}
"""The types that take every value. No date or time is here: MariaDB may hold 0000-00-00."""
_USUALLY: Mapping[str, frozenset[str]] = {
    "date": frozenset({"date"}),
    **dict.fromkeys(("datetime", "timestamp"), frozenset({"timestamp"})),
}
"""The types that take every real date or time. Few tables hold another, such as 0000-00-00 or 2024-02-30."""
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def of_table(kind: str, full_type: str, charset: str | None) -> SourceColumn:
    """A column of a table, by data_type, column_type and character_set_name of information_schema.columns."""
    kind, full_type = kind.lower(), full_type.lower()
    name = f"{kind} unsigned" if "int" in kind and "unsigned" in full_type else kind
    digits = _DECIMAL.match(full_type)
    return SourceColumn(
        _family(kind, full_type == "bit(1)"),
        kind,
        charset,
        warehouse=_WAREHOUSE.get(name, frozenset()),
        usually=_USUALLY.get(name, frozenset()),
        digits=(int(digits[1]), int(digits[2])) if digits else None,
    )


def of_result(code: int, charset: int, length: int) -> SourceColumn:
    """A column of a query's result, by what the server says of it. Its values land as text."""
    kind = _FIELD_TYPES.get(code, "varbinary" if charset == _BINARY_CHARSET else "varchar")
    return SourceColumn(_family(kind, length == 1), kind)


def _family(kind: str, one_bit: bool) -> Family:
    return "boolean" if kind == "bit" and one_bit else _FAMILIES.get(kind, "other")
