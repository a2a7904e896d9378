"""The gate before raw: a dataset's suite run on the staged rows, in the database, and what else a load must keep to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.load.ledger import Batch
from pipelines.load.loader import Staged
from pipelines.quality.run import CheckResult, run_suite
from pipelines.quality.suites import DAMAGE_CHECK, QUARANTINE_CHECK, REACH_CHECK, SHAPE_CHECK, suite
from pipelines.warehouse.relation import Relation
from pipelines.warehouse.time_limit import limited_url


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
        within = limited_url(url, staged.contract)
        results += run_suite(expectations, Relation(staged.schema, staged.table), staged.rows, within)
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


def notices(contract: Contract) -> tuple[tuple[str, str], ...]:
    """Checks that only tell: the name and description of each that a load of the dataset has."""
    found = [(DAMAGE_CHECK, "Tidak ada huruf yang hilang karena bita sumbernya tidak terbaca (U+FFFD).")]
    if _asks_for_a_part(contract):
        found.append(
            (REACH_CHECK, "Setiap baris sumber punya penanda waktu atau nomor untuk dibaca sebagian.")
        )
    return tuple(found)


def notice(contract: Contract, batch: Batch) -> tuple[CheckResult, ...]:
    """What a load has to tell and what stops nothing: letters that were lost, rows that no load can find."""
    name = contract.cursor or (contract.partition.column if contract.partition else "")
    lost, missed = batch.damaged, batch.unreachable or 0
    damage = (
        f"{lost} baris memuat bita yang tidak terbaca sebagai huruf; diganti U+FFFD. Perbaiki di sumbernya."
        if lost
        else "Semua huruf terbaca."
    )
    reach = (
        f"{missed} baris sumber tidak punya {name} yang dapat dibandingkan (kosong atau bukan tanggal), jadi baris baru"
        " atau perubahannya tidak pernah dibaca. Isi di sumbernya, atau pakai extract.query dengan kolom lain."
        if missed
        else f"Setiap baris sumber punya {name}."
    )
    results = {
        DAMAGE_CHECK: CheckResult(DAMAGE_CHECK, "warn", not lost, lost, batch.read, damage),
        REACH_CHECK: CheckResult(REACH_CHECK, "warn", not missed, missed, None, reach),
    }
    return tuple(results[name] for name, _ in notices(contract))


def _asks_for_a_part(contract: Contract) -> bool:
    """Whether the source is asked for less than all, and can be asked what that leaves out."""
    if contract.server.kind == "database":
        return bool(contract.cursor or contract.partition)
    return contract.server.kind == "api" and bool(contract.cursor and contract.reconcile)


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
