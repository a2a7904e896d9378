"""The gate before raw: a dataset's suite run on the staged rows, in the database, and what else a load must keep to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts import Contract
from pipelines.load.loader import Staged
from pipelines.load.relation import Relation
from pipelines.quality.run import CheckResult, run_suite
from pipelines.quality.suites import QUARANTINE_CHECK, SHAPE_CHECK, suite


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
        results += run_suite(expectations, Relation(staged.schema, staged.table), staged.rows, url)
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
    severity = "warn" if contract.evolves else "error"
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
