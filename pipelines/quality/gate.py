"""Checks a load before it goes into raw: runs the dataset's suite on the staged rows, and the other checks of a load.

What belongs here: the result of one load, and the checks that are no expectation of a suite: quarantine, the source's
columns, lost letters, rows that no load can reach. Not here: checks of the rows in raw (raw_checks.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection

from pipelines.contracts.model import Contract
from pipelines.contracts.windows import Window
from pipelines.load.ledger import Batch
from pipelines.load.loader import Staged
from pipelines.numbers import number
from pipelines.quality.evidence import raw_rows, table_of, with_evidence
from pipelines.quality.gate_basis import gate_basis, passed_in
from pipelines.quality.history.class_shares import (
    Shares,
    class_shares,
    compared_columns,
    last_shares,
    read_shares,
)
from pipelines.quality.history.row_counts import is_counted
from pipelines.quality.raw_checks import last_results
from pipelines.quality.results import CheckResult
from pipelines.quality.run import run_suite
from pipelines.quality.suites import (
    CLASS_SHARE_CHECK,
    DAMAGE_CHECK,
    QUARANTINE_CHECK,
    REACH_CHECK,
    ROW_COUNT_CHECK,
    SHAPE_CHECK,
    suite,
)
from pipelines.warehouse.relation import Relation
from pipelines.warehouse.time_limit import url_with_limit


@dataclass(frozen=True, slots=True)
class GateResult:
    """All results of one load; it passed if no check of severity error failed.

    standing: results of an earlier load, which hold because rows and rules are the same. basis: what the suite's
    answers depend on, if all its rules passed now (gate_basis.py). shares: the rows by class, to compare the next load
    with if this one is accepted.
    """

    checks: tuple[CheckResult, ...]
    standing: tuple[CheckResult, ...] = ()
    basis: str | None = None
    shares: Shares = field(default_factory=dict[str, Mapping[str, int]])

    @property
    def passed(self) -> bool:
        """Whether the load may go into raw."""
        return not self._failed

    @property
    def summary(self) -> str:
        """What stopped the load, in a line of Indonesian; "" if it passed."""
        return "; ".join(f"{c.name}: {c.message}" for c in self._failed)

    @property
    def _failed(self) -> list[CheckResult]:
        return [c for c in self.checks if c.blocks]


def check(
    staged: Staged,
    folder: Path,
    warehouse: str | Connection[Any],
    window: Window | None = None,
    connection: Connection[Any] | None = None,
) -> GateResult:
    """Runs the dataset's suite on the staged table.

    warehouse: a URL (SQLAlchemy, psycopg), or a session that alone sees the staged table.
    window: the days that are loaded, for the SQL that finds the rows in raw. connection: a session there, in
    autocommit; with it, a suite is left that passed before on the same rows and rules, and the classes of the rows are
    compared with the last load.
    """
    contract = staged.contract
    results = [quarantine_share(staged)]
    expectations = suite(contract, folder)
    relation = Relation(staged.schema, staged.table)
    shares: Shares = {}
    if connection and compared_columns(contract):
        shares = read_shares(connection, contract, relation)
        results.append(class_shares(last_shares(connection, contract), shares))
    basis = None
    if expectations:
        basis = gate_basis(connection, staged, expectations) if connection else None
        rules = [e.name for e in expectations]
        earlier = passed_in(connection, contract, basis, rules) if connection and basis else None
        if connection and earlier:
            standing = last_results(connection, contract, batch_id=earlier)
            why = "baris dan aturan kiriman ini sama"
            names = [e.name for e in expectations if e.name in standing]
            stood = tuple(standing[name].result(why) for name in names)
            return GateResult(tuple(results), stood, shares=shares)
        table = table_of(contract)
        limited = url_with_limit(warehouse, contract) if isinstance(warehouse, str) else warehouse
        found = run_suite(expectations, relation, staged.rows, limited, shown=table.shown)
        results += with_evidence(found, table, warehouse, relation, lambda: raw_rows(contract, window))
        if not all(result.passed for result in found):
            basis = None
    return GateResult(tuple(results), basis=basis, shares=shares)


def quarantine_share(staged: Staged) -> CheckResult:
    """The result of the check that not more rows of a load are quarantined than the contract allows."""
    refused, read, limit = staged.rows_quarantined, staged.rows_read, staged.contract.max_quarantine_share
    share = refused / read if read else 0.0
    message = (
        f"{number(refused)} dari {number(read)} baris dikarantina"
        f" ({number(round(100 * share, 1))}%, batas {number(round(100 * limit, 1))}%)"
    )
    return CheckResult(QUARANTINE_CHECK, "error", share <= limit, refused, read, message)


def source_shape(contract: Contract, changes: Sequence[str]) -> CheckResult:
    """The result of the check that the source's columns are as before. changes: an Indonesian text per change."""
    message = "0 perubahan kolom sejak pemuatan sebelumnya"
    if changes:
        message = f"Bentuk sumber berubah: {', '.join(changes)}."
    severity = "warn" if contract.evolves else "error"
    return CheckResult(SHAPE_CHECK, severity, not changes, len(changes), None, message)


def warning_checks(contract: Contract) -> tuple[tuple[str, str], ...]:
    """Name and description of each check of the dataset's loads that only warns."""
    found = [(DAMAGE_CHECK, "Tidak ada huruf yang hilang karena bita sumbernya tidak terbaca (U+FFFD).")]
    if _reads_a_part(contract):
        found.append(
            (
                REACH_CHECK,
                "Setiap baris sumber punya nilai di kolom yang dipakai untuk membaca baris baru saja.",
            )
        )
    if is_counted(contract):
        found.append((ROW_COUNT_CHECK, "Banyak baris tiap periode, atau tiap kiriman, seperti sebelumnya."))
    if compared_columns(contract):
        found.append((CLASS_SHARE_CHECK, "Baris terbagi ke kelas-kelasnya seperti pada pemuatan sebelumnya."))
    return tuple(found)


def delivery_checks(contract: Contract) -> tuple[str, ...]:
    """The names of all checks that need a delivery; the others are expectations on rows."""
    return (SHAPE_CHECK, QUARANTINE_CHECK, *(name for name, _ in warning_checks(contract)))


def warning_results(contract: Contract, batch: Batch) -> tuple[CheckResult, ...]:
    """The results of those of `warning_checks` that a load counts: letters that were lost, rows that none can reach."""
    column = contract.cursor or (contract.partition.column if contract.partition else "")
    lost, missed = batch.damaged, batch.unreachable or 0
    damage = f"0 dari {number(batch.read)} baris memuat bita yang tidak terbaca sebagai huruf"
    if lost:
        damage = (
            f"{number(lost)} baris memuat bita yang tidak terbaca sebagai huruf; diganti U+FFFD."
            " Perbaiki di sumbernya."
        )
    reach = f"0 baris sumber tanpa {column}"
    if missed:
        reach = (
            f"{number(missed)} baris sumber tidak punya {column} yang dapat dibandingkan (kosong atau bukan tanggal),"
            " jadi baris baru atau perubahannya tidak pernah dibaca. Isi di sumbernya."
        )
    results = [CheckResult(DAMAGE_CHECK, "warn", not lost, lost, batch.read, damage)]
    if _reads_a_part(contract):
        results.append(CheckResult(REACH_CHECK, "warn", not missed, missed, None, reach))
    return tuple(results)


def _reads_a_part(contract: Contract) -> bool:
    """Whether a load reads only a part of the source, and the source can count the rows that are never read."""
    if contract.server.kind == "database":
        return bool(contract.cursor or contract.partition)
    return contract.server.kind == "api" and bool(contract.cursor and contract.reconcile)
