"""The gate before raw: a dataset's suite run by Great Expectations on the staged rows, in the database.

First every expectation as a bare yes or no (GX joins them into few queries), then only what failed, for its counts.
Results hold counts and words, never a cell's value.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts import Contract
from pipelines.errors import QualityError
from pipelines.load.loader import Staged
from pipelines.quality.suites import QUARANTINE_CHECK, SHAPE_CHECK, Expectation, suite


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation's result. unexpected, total: rows, None where GX gives none."""

    name: str
    severity: str
    passed: bool
    unexpected: int | None = None
    total: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class GateResult:
    """All results of one batch; it passed where no check of severity error failed."""

    checks: tuple[CheckResult, ...]

    @property
    def passed(self) -> bool:
        return not self._failed

    @property
    def _failed(self) -> list[CheckResult]:
        return [c for c in self.checks if not c.passed and c.severity == "error"]

    @property
    def summary(self) -> str:
        return "; ".join(f"{c.name}: {c.message}" for c in self._failed)


def check(staged: Staged, folder: Path, url: str) -> GateResult:
    """Runs the dataset's suite on the staged table of the warehouse at `url` (SQLAlchemy, psycopg)."""
    results = [quarantine_share(staged)]
    expectations = suite(staged.contract, folder)
    if expectations:
        results += _run(expectations, staged, url)
    return GateResult(tuple(results))


def quarantine_share(staged: Staged) -> CheckResult:
    """Whether the quarantined share of a load stays within what the contract allows."""
    limit = staged.contract.max_quarantine_share
    share = staged.rows_quarantined / staged.rows_read if staged.rows_read else 0.0
    message = f"{staged.rows_quarantined} dari {staged.rows_read} baris dikarantina ({share:.1%}, batas {limit:.0%})"
    passed = share <= limit
    return CheckResult(QUARANTINE_CHECK, "error", passed, staged.rows_quarantined, staged.rows_read, message)


def source_shape(contract: Contract, changes: Sequence[str]) -> CheckResult:
    """Whether the source still has the shape that it had; `changes` in words of Indonesian, one each."""
    message = (
        f"Bentuk sumber berubah: {', '.join(changes)}." if changes else "Bentuk sumber seperti sebelumnya."
    )
    severity = "warn" if contract.evolves or contract.server.kind == "api" else "error"
    return CheckResult(SHAPE_CHECK, severity, not changes, len(changes), None, message)


def record(
    connection: Connection[Any], asset: str, run_id: str, batch_id: int | None, checks: Iterable[CheckResult]
) -> None:
    """Keeps results in ops.check_result."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ops.check_result (run_id, batch_id, asset, check_name, severity, passed, unexpected, total,"
            " message) values (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (run_id, batch_id, asset, c.name, c.severity, c.passed, c.unexpected, c.total, c.message)
                for c in checks
            ],
        )


@cache
def _source(url: str) -> Any:
    """GX's data source for the warehouse: one ephemeral context per process, telling nobody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the data source made for PostgreSQL knows no psycopg 3
        return context.data_sources.add_sql("gudang", connection_string=url)


def _run(expectations: Sequence[Expectation], staged: Staged, url: str) -> list[CheckResult]:
    source = _source(url)
    asset = source.add_table_asset(staged.table, table_name=staged.table, schema_name=staged.schema)
    try:
        batch = asset.add_batch_definition_whole_table("all").get_batch()
        verdicts = _validate(batch, staged, expectations, "BOOLEAN_ONLY")
        failed = [e for e in expectations if not verdicts[e.name].success]
        detail = {"result_format": "SUMMARY", "partial_unexpected_count": 0}
        details = _validate(batch, staged, failed, detail) if failed else {}
    finally:
        source.delete_asset(staged.table)
    return [_result(e, verdicts[e.name], details.get(e.name), staged.rows) for e in expectations]


def _validate(
    batch: Any, staged: Staged, expectations: Sequence[Expectation], result_format: Any
) -> dict[str, Any]:
    from great_expectations.core.expectation_suite import ExpectationSuite

    gx_suite = ExpectationSuite(name=staged.contract.key)
    for expectation in expectations:
        gx_suite.add_expectation(instantiate(staged.contract.key, expectation))
    outcome = batch.validate(gx_suite, result_format=result_format)
    return {r.expectation_config.meta["nama"]: r for r in outcome.results}


def instantiate(subject: str, expectation: Expectation) -> Any:
    """The GX object of an expectation. Raises QualityError where GX does not know it or its arguments."""
    from great_expectations.exceptions.exceptions import ExpectationNotFoundError
    from great_expectations.expectations.registry import get_expectation_impl

    severity = "critical" if expectation.blocking else "warning"
    try:
        implementation: Any = get_expectation_impl(expectation.type)
        return implementation(**expectation.kwargs, severity=severity, meta={"nama": expectation.name})
    except (ExpectationNotFoundError, ValueError, TypeError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise QualityError(
            subject, f"expectation {expectation.name}: {words}", hint="mend the suite"
        ) from None


def _result(expectation: Expectation, verdict: Any, detail: Any, rows: int) -> CheckResult:
    if verdict.success:
        return CheckResult(expectation.name, expectation.severity, True, 0, rows, expectation.message)
    counts = (detail.result if detail is not None else {}) or {}
    observed = counts.get("observed_value")
    unexpected = (
        observed if expectation.type == "unexpected_rows_expectation" else counts.get("unexpected_count")
    )
    message = expectation.message
    if not counts:
        message = f"{message} Pemeriksaan tidak dapat dijalankan ({expectation.type})."
    elif unexpected is not None:
        message = f"{message} ({unexpected} baris)"
    elif isinstance(observed, int | float):
        message = f"{message} (teramati: {observed})"
    return CheckResult(expectation.name, expectation.severity, False, unexpected, rows, message)
