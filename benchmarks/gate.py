"""The cases of the quality gate: twenty rules by hand in one query, and as a suite.

What belongs here: the rules in both forms. Not here: how the gate asks them (quality/first_pass.py).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import rows as data
from benchmarks.target import Figures, empty_target, figures, load_once
from pipelines.load import prepare
from pipelines.quality.run import run_suite
from pipelines.quality.suites import Expectation
from pipelines.settings import Settings
from pipelines.warehouse.relation import Relation


def _between(column: str, low: Any, high: Any, kind: str = "values") -> tuple[str, dict[str, Any]]:
    bounds = {"min_value": low, "max_value": high}
    given = {name: bound for name, bound in bounds.items() if bound is not None}
    return f"expect_column_{kind}_to_be_between", {"column": column, **given}


_PRESENT = ("id", "kode", "nama", "waktu", "uraian", "tahun", "bulan")
_RULES: tuple[tuple[str, tuple[str, dict[str, Any]]], ...] = (
    *((f"{c} is not null", ("expect_column_values_to_not_be_null", {"column": c})) for c in _PRESENT),
    ("length(kode) = 16", _between("kode", 16, 16, "value_lengths")),
    ("length(nama) between 1 and 80", _between("nama", 1, 80, "value_lengths")),
    ("length(alamat) <= 200", _between("alamat", None, 200, "value_lengths")),
    ("tahun between 2000 and 2024", _between("tahun", 2000, 2024)),
    ("bulan between 1 and 12", _between("bulan", 1, 12)),
    ("nilai >= 0", _between("nilai", 0, None)),
    ("jumlah between 0 and 99999", _between("jumlah", 0, 99999)),
    ("rasio >= 0", _between("rasio", 0, None)),
    ("tanggal >= '2020-01-01'", _between("tanggal", "2020-01-01", None)),
    (
        "kode ~ '^[0-9a-f]{16}$'",
        ("expect_column_values_to_match_regex", {"column": "kode", "regex": "^[0-9a-f]{16}$"}),
    ),
    (
        "aktif in (true, false)",
        ("expect_column_values_to_be_in_set", {"column": "aktif", "value_set": [True, False]}),
    ),
    (
        "not (tahun < 2000 or bulan > 12)",
        (
            "unexpected_rows_expectation",
            {"unexpected_rows_query": "select id from {batch} where tahun < 2000 or bulan > 12"},
        ),
    ),
    (
        "not (jumlah > 0 and nilai is null)",
        (
            "unexpected_rows_expectation",
            {"unexpected_rows_query": "select id from {batch} where jumlah > 0 and nilai is null"},
        ),
    ),
)
"""Twenty rules that every row keeps: as a predicate, and as an expectation."""


def _staged(settings: Settings, rows: int) -> psycopg.Connection[Any]:
    """A session of the target whose raw table holds the rows, vacuumed."""
    with tempfile.TemporaryDirectory() as folder:
        contract = data.database_contract(Path(folder), data.url(settings, data.source_name(rows)))
        connection = empty_target(settings)
        prepare.prepare(connection, [])
        load_once(connection, contract)
        connection.execute("vacuum analyze raw.bench__sumber")
        return connection


def limit_gate(settings: Settings, rows: int) -> Figures:
    """One hand-written query with the same predicates."""
    connection = _staged(settings, rows)
    counts = ", ".join(f"count(*) filter (where not ({predicate}))" for predicate, _ in _RULES)
    start = time.perf_counter()
    assert set(connection.execute(f"select {counts} from raw.bench__sumber".encode()).fetchone() or ()) == {0}
    return figures(start)


def gudang_gate(settings: Settings, rows: int) -> Figures:
    """The same rules as a suite, as the gate runs it."""
    expectations = [Expectation(f"e{i}", kind, kwargs) for i, (_, (kind, kwargs)) in enumerate(_RULES)]
    connection, place = _staged(settings, rows), data.url(settings, "bench_sasaran")
    start = time.perf_counter()
    results = run_suite(expectations, Relation("raw", "bench__sumber"), rows, place)
    measured = figures(start)
    connection.close()
    assert all(result.passed for result in results)
    return measured
