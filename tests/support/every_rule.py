"""A contract whose columns can break every rule of rows, and for each rule a cell that breaks it."""

from __future__ import annotations

from datetime import date
from typing import Any

from pipelines.contracts.windows import Window
from tests.support.contracts import column

WINDOW = Window(date(2025, 1, 1), date(2025, 2, 1))
PARTITION = {"column": "tanggal", "every": "monthly", "start": "2025-01-01"}
KEY = column("kunci", primaryKey=True)
DAY = column("tanggal", "date")


def columns(**more: Any) -> list[dict[str, Any]]:
    """A key, a day and a column for each other rule. more: keys of all columns but the key and the day."""

    def of(name: str, kind: str = "text", **own: Any) -> dict[str, Any]:
        return column(name, kind, **own, **more)

    def bounded(name: str, kind: str = "integer", **options: Any) -> dict[str, Any]:
        return of(name, kind, logicalTypeOptions=options)

    return [
        KEY,
        DAY,
        of("a_wajib", required=True),
        of("a_smallint", "smallint"),
        of("a_integer", "integer"),
        of("a_bigint", "bigint"),
        of("a_numeric", "numeric(6,2)"),
        of("a_double", "double precision"),
        of("a_boolean", "boolean"),
        of("a_date", "date"),
        of("a_time", "time"),
        of("a_timestamp", "timestamp"),
        of("a_timestamptz", "timestamptz"),
        of("a_klasifikasi", enum=[{"value": "L"}, {"value": "P"}]),
        bounded("a_minimum", minimum=0),
        bounded("a_maximum", maximum=100),
        bounded("a_exclusive_minimum", exclusiveMinimum=0),
        bounded("a_exclusive_maximum", exclusiveMaximum=100),
        bounded("a_kelipatan", multipleOf=10),
        bounded("a_panjang", "text", minLength=2, maxLength=4),
        bounded("a_pola", "text", pattern="^[A-Z]+$"),
        bounded("a_format", "text", format="email"),
        of("a_rujukan", relationships=[{"to": "ref_opd.kode"}]),
        of("a_teks"),
    ]
